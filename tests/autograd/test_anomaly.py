"""Guards detect_anomaly: the first number that is not finite is named with its gate, inputs, file and line."""

from __future__ import annotations

import copy
import inspect
import math
import pickle
import re
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

import autograd
from autograd import Value, detect_anomaly, grad, hessian, jvp, no_grad, scope
from autograd.anomaly import watching
from autograd.context import recording
from autograd.node import place_of
from nn import MLP


def line(offset: int = 0) -> str:
    """Return the place of the caller's line, as messages name it."""
    frame = inspect.currentframe()
    assert frame is not None
    assert frame.f_back is not None
    return f"{__file__}:{frame.f_back.f_lineno + offset}"


def message(call: Callable[[], Any], error: type[Exception] = FloatingPointError) -> str:
    with pytest.raises(error) as caught:
        call()
    assert type(caught.value) is error
    return str(caught.value)


OVERFLOWS: dict[str, tuple[Callable[[Any, Any], Any], str]] = {
    "mul": (lambda a, b: a * b, "the output is inf at a = 1e+200, b = 1e+300"),
    "div": (lambda a, b: a / 1e-200, "div: the output is inf at a = 1e+200, b = 1e-200"),
    "sum": (lambda a, b: autograd.sum([b * 9e7] * 2), "sum: the output is inf"),
    "dot": (lambda a, b: autograd.dot([a], [b]), "dot: the output is inf"),
}


@pytest.mark.parametrize("name", OVERFLOWS)
def test_an_output_that_is_not_finite(name: str) -> None:
    function, words = OVERFLOWS[name]
    a, b = Value(1e200), Value(1e300)
    with detect_anomaly():
        found = message(lambda: function(a, b))
    assert words in found
    assert f"recorded at {__file__}:{function.__code__.co_firstlineno}" in found
    assert not math.isfinite(function(a, b).data), "outside it is a number like others"


def test_a_nan_is_named_where_it_enters() -> None:
    x = Value(math.nan, "x")
    with detect_anomaly(), scope("layer"), scope("neuron"):
        found = message(lambda: autograd.tanh(x))
        expected = f"tanh: the output is nan at x = nan (in layer/neuron, recorded at {line(-1)})"
    assert found == expected


def test_partials_that_do_not_exist_name_the_line_too() -> None:
    x = Value(0.0, "x")
    with detect_anomaly():
        y = autograd.sqrt(x)
        place = line(-1)
        y.label = "y"
    found = message(y.backward, ZeroDivisionError)
    assert found == f"backward through sqrt 'y': it has no finite slope at x = 0.0 (recorded at {place})"
    assert message(autograd.sqrt(x).backward, ZeroDivisionError).endswith("at x = 0.0")


def test_a_gradient_that_overflows_names_the_first_gate_of_the_backward_pass() -> None:
    x = Value(1e-250, "x")
    with detect_anomaly():
        y = x * 1e200
        place = line(-1)
        y.label = "y"
        z = y * 1e200
        found = message(z.backward)
    assert "backward through mul 'y': the gradient of x is inf, with upstream 1e+200 × local 1e+200" in found
    assert found.endswith(f"(recorded at {place})")
    assert (x.grad, y.grad) == (0.0, 0.0), "nothing was written"
    z.backward()
    assert x.grad == math.inf


def test_gradients_that_overflow_as_they_add_up() -> None:
    x = Value(1e-9, "x")
    with detect_anomaly():
        y = x * 9e307 + x * 9.1e307
        found = message(lambda: y.backward())
    assert "backward through mul" in found
    assert "the gradient of x is inf, with upstream 1.0 × local 9" in found


def test_derivatives_of_functions() -> None:
    with detect_anomaly():
        assert "backward through mul" in message(lambda: grad(lambda x: x * 1e-300 * 1e200 * 1e200 * 1e200)(1e-300))
        found = message(lambda: hessian(lambda x: (x * 1e-200) ** 2 * 1e200 * 1e200)(1.0))
    recorded_at = f"(recorded at {line(-1)})"
    words = "mul: the output is inf at a = 1e+200, b = 1e+200"
    assert found == f"{words} {recorded_at}, in the derivative of mul at a = 0.0, b = 1e+200 {recorded_at}"


@pytest.mark.parametrize("wrap", [float, Value], ids=["numbers", "Values"])
def test_tangents(wrap: Callable[[float], Any]) -> None:
    primals, tangents = (wrap(1e-300),), (wrap(1e308),)
    with detect_anomaly():
        found = message(lambda: jvp(lambda x: x * 1e200 * 1e200, primals, tangents))
    assert found.endswith(f"in the derivative of mul at a = 1e-300, b = 1e+200 (recorded at {line(-1)})")
    assert jvp(lambda x: x * 1e200 * 1e200, (1e-300,), (1e308,))[1] == math.inf


def test_slopes_of_recorded_derivatives_that_do_not_exist() -> None:
    x = Value(1.0, "x")
    with detect_anomaly():
        found = message(lambda: grad(autograd.asin)(x), ZeroDivisionError)
    assert "backward through asin: it has no finite slope at x = 1.0" in found


@pytest.mark.parametrize("function", [np.sum, np.mean, np.cumsum])
def test_numpy_is_not_the_caller(function: Callable[[Any], Any]) -> None:
    a = np.array([Value(1e308), Value(1e308)])
    with detect_anomaly():
        assert message(lambda: function(a)).endswith(f"(recorded at {line()})")


def test_a_replay_is_watched_too() -> None:
    x = Value(1.0, "x")
    with detect_anomaly():
        y = x * x
        place = line(-1)
        x.data = 1e200
        assert (
            message(lambda: y.forward())
            == f"mul 'y': the output is inf at x = 1e+200, x = 1e+200 (recorded at {place})"
        )
    assert y.data == 1.0
    assert y.forward() == math.inf
    r = Value(-1.0, "r")
    with detect_anomaly():
        s = autograd.sqrt(r + 2)
        place = line(-1)
        r.data = -3.0
        assert message(s.forward, ValueError).endswith(f"(recorded at {place})")


def test_nothing_is_watched_outside_or_in_other_threads() -> None:
    a = Value(1e200)
    with detect_anomaly():
        assert watching()
        found: list[float] = []
        thread = threading.Thread(target=lambda: found.append((a * a).data))
        thread.start()
        thread.join()
    assert found == [math.inf]
    assert not watching()
    assert recording.special == []
    y = a * a
    assert (y.data, place_of(y)) == (math.inf, "")


def test_inside_other_blocks_and_around_them() -> None:
    a = Value(1e200, "a")
    with detect_anomaly():
        with no_grad():
            assert "mul: the output is inf at a = 1e+200" in message(lambda: a * a)
            assert "backward" in message(lambda: grad(lambda x: x * 1e-300 * 1e200 * 1e200 * 1e200)(1e-300))
        with scope("outer"), detect_anomaly(), scope("inner"):
            y = a * 2
        assert (y.scope, a.scope) == ("outer/inner", None)
        z = a * 2
        assert (z.scope, place_of(z)) == (None, line(-1))

    @detect_anomaly()
    def decorated() -> Any:
        return a * a

    assert "the output is inf" in message(decorated)
    assert not watching()
    with pytest.raises(TypeError, match="detect_anomaly takes no arguments"):
        detect_anomaly(True)


def test_models_are_named_by_the_line_that_calls_them_and_their_scope() -> None:
    model = MLP(1, [2, 1])
    for p in model.parameters():
        p.data = 1e200
    with detect_anomaly():
        found = message(lambda: model([1e200]))
    assert re.search(rf"\(in mlp/layer1/neuron1, recorded at {re.escape(line(-1))}\)", found), found


def test_the_line_is_copied_and_pickled() -> None:
    x = Value(2.0)
    with detect_anomaly(), scope("s"):
        y = x * 3
        place = line(-1)
    for twin in (copy.copy(y), copy.deepcopy(y), pickle.loads(pickle.dumps(y))):
        assert (twin.scope, place_of(twin), twin.data) == ("s", place, 6.0)


def test_numbers_are_hidden_while_compiling() -> None:
    with detect_anomaly():
        program = autograd.compile(lambda x: autograd.exp(x[0]), x=1, gradient=False)
        assert program([[0.0]]).tolist() == [1.0]


@given(st.floats(allow_nan=True), st.floats(allow_nan=True))
def test_what_is_finite_is_as_outside(a: float, b: float) -> None:
    def run() -> tuple[float, float, float]:
        x, y = Value(a), Value(b)
        z = x * y + autograd.tanh(x)
        z.backward()
        return z.data, x.grad, y.grad

    expected = run()
    try:
        with detect_anomaly():
            assert run() == expected
    except FloatingPointError:
        assert not np.isfinite([a, b, a * b, *expected]).all()
