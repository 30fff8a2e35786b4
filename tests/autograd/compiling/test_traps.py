"""Guards compile against what would freeze a number into a program unseen, share memory with the caller, or fail from inside."""

from __future__ import annotations

import copy
import math
import pickle
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd
import nn
from autograd import GATES, Value, compile, dot, gate, no_grad, where
from nn import SGD, fit
from tests import fuzz


@pytest.fixture
def w() -> Value:
    return Value(3.0, "w")


FROZEN: dict[str, Callable[[Value, Any], Any]] = {
    "==": lambda w, x: w if x[0] == 1 else w * 2,
    "!=": lambda w, x: w * (x[0] != 0),
    "in": lambda w, x: w if x[0] in (0, 1) else w * 2,
    "count": lambda w, x: w * x.count(1.0),
    "detach of an input": lambda w, x: w * x[0].detach(),
    "detach of a parameter": lambda w, x: w * x[0] * w.detach(),
    "copy": lambda w, x: w * copy.copy(x[0]),
    "deepcopy": lambda w, x: copy.deepcopy(w) * x[0],
    "no_grad": lambda w, x: w * _aside(x[0]),
    "backward": lambda w, x: (x[0] * w).backward() or w * x[0],
    "setting data": lambda w, x: _set(w) * x[0],
}


def _aside(v: Value) -> Value:
    with no_grad():
        return v * 2


def _set(v: Value) -> Value:
    v.data = 5.0
    return v


@pytest.mark.parametrize("way", FROZEN)
def test_whatever_would_freeze_a_number_is_refused(way: str, w: Value) -> None:
    with pytest.raises(TypeError, match="does not work while compiling"):
        compile(lambda x: FROZEN[way](w, x), [w], x=1)
    number: Any = 3.0
    assert (w.data, w == number, w != number, w in [w]) == (
        3.0,
        False,
        True,
        True,
    )  # outside equality is identity, as ever


def test_a_leaf_is_one_thing(w: Value) -> None:
    x = Value(2.0, "x")
    f = w * x
    cases: list[tuple[dict[str, Any], list[Value], str]] = [
        ({"x": [x]}, [w, x], r"parameters\[1\] is an input too"),
        ({"x": [x]}, [w, w], r"parameters\[1\] is parameters\[0\] again"),
        ({"x": [x, x]}, [w], r"x\[1\] is x\[0\] again"),
        ({"x": [x], "y": [x]}, [w], r"y\[0\] is x\[0\] again"),
    ]
    for inputs, parameters, message in cases:
        with pytest.raises(ValueError, match=message):
            compile(f, parameters, **inputs)


def test_a_number_that_was_compiled_in_may_not_change_unseen(w: Value) -> None:
    c = Value(1.0, "c", role="constant")
    program = compile(lambda x: w * x[0] + c, [w], x=1)
    states = [program.outdated]
    assert program.value_and_grad([[1.0]])[0] == 4.0
    w.data = 4.0
    assert program.value_and_grad([[1.0]])[0] == 5.0
    c.data = 2.0
    assert [*states, program.outdated] == [False, True]
    with pytest.raises(RuntimeError, match=r"c is no parameter of this program.*changed since, to 2\.0: compile again"):
        program.value_and_grad([[1.0]])


def test_callbacks_may_freeze_and_set_what_is_not_trained() -> None:
    def train(compiled: bool) -> list[float]:
        rng = random.Random(0)
        model = nn.MLP(2, [3, 1], autograd.tanh, rng=rng)
        body, head = model.layers

        def callback(epoch: int, *_: Any) -> None:
            if epoch == 1:
                head.W[0][0].data = 0.25
            if epoch == 2:
                body.freeze()
            if epoch == 4:
                body.unfreeze()

        fit(
            model, nn.moons(30, 0.1, rng), lambda z, c: (1 - (2 * c - 1) * z).relu(), SGD(body.parameters(), 0.1), epochs=6,
            batch_size=10, rng=rng, callbacks=[callback], compiled=compiled, validation=0.3,
        )  # fmt: skip
        return [p.data for p in model.parameters()]

    assert train(compiled=True) == pytest.approx(train(compiled=False), rel=1e-9)


def test_integer_classes_are_one_hot_rows_and_an_index_says_so() -> None:
    model = nn.MLP(2, [3], rng=random.Random(0))
    with pytest.raises(TypeError, match=r"reaches the loss as a one-hot row.*dot\(y, z\), not z\[y\]"):
        fit(
            model, ([[0.0, 1.0], [1.0, 0.0]], [2, 1]), lambda z, c: autograd.logsumexp(z) - z[c],
            SGD(model.parameters(), 0.1), epochs=1, compiled=True,
        )  # fmt: skip


def test_arrays_are_the_callers_own(w: Value) -> None:
    X = np.ones((2, 2))
    program = compile(lambda x: [x[0], x[1] * 1.0, w, Value(2.0) * 1.0], [w], gradient=False, x=2)
    found = program(X)
    found[0, 0] = 99.0
    found += 1.0
    assert X[0, 0] == 1.0 and program(X).tolist() == [[1.0, 1.0, 3.0, 2.0]] * 2
    theta = np.array([3.0])
    choices: list[Callable[[Any], Any]] = [
        lambda x: x[0],
        lambda x: w,
        lambda x: [*x],
        lambda x: [Value(2.0), Value(5.0)],
    ]
    for outputs in choices:
        program = compile(outputs, [w], gradient=False, x=2)
        given = X[:1].copy()
        expected = program.run_on(np, theta, given).copy()
        found = program.run_on(np, theta, given)
        found += 1.0
        assert program.run_on(np, theta, given).tolist() == expected.tolist()


def test_what_is_not_finite_is_named_in_predictions_too(w: Value) -> None:
    program = compile(lambda x: w * x[0], [w], gradient=False, x=1)
    with pytest.raises(FloatingPointError, match=r"an output is not finite: x\[1\] holds a nan"):
        program([[1.0], [math.nan]])
    free = compile(lambda x: w * x[0], [w], gradient=False, check=False, x=1)
    assert math.isnan(free([[math.nan]])[0])


@pytest.mark.parametrize("constant", [lambda w, x: w * 0, lambda w, x: x[0] * 0.0, lambda w, x: Value(3.0) * 2])
def test_a_loss_that_depends_on_nothing(constant: Any, w: Value) -> None:
    program = compile(lambda x: constant(w, x), [w], x=1)
    for _ in range(2):
        cost, gradient = program.value_and_grad([[1.0], [2.0]])
        assert (cost, gradient.tolist()) == (constant(w, [Value(1.0)]).data, [0.0])
    assert program([[1.0]]) == cost


def test_small_refusals(w: Value) -> None:
    loss = compile(lambda x: w * x[0], [w], x=1)
    spaced: dict[str, Any] = {"x y": 1}
    letter: dict[str, Any] = {"ℬ": 1}  # which Python reads as B
    cases: list[tuple[Callable[[], Any], type[Exception], str]] = [
        (lambda: pickle.dumps(loss), TypeError, "is not copied or pickled: compile the function again"),
        (lambda: copy.deepcopy(loss), TypeError, "is not copied or pickled"),
        (lambda: compile(lambda x: [], x=1), TypeError, "not an empty list"),
        (
            lambda: compile(lambda *x: x[0][0], **spaced),
            ValueError,
            "an input's name .* an identifier, such as x, not 'x y'",
        ),
        (lambda: compile(lambda *x: x[0][0], **letter), ValueError, "is an identifier"),
        (lambda: compile(lambda x: x[0], x=10**12), ValueError, "at most 1000000"),
        (lambda: loss.compare(lambda x: w * x[0]), TypeError, "this program takes x: 1 batch, not 0"),
        (lambda: loss.value_and_grad(np.array(5.0)), ValueError, r"x must have shape \(rows, 1\), got \(\)"),
    ]
    for call, error, message in cases:
        with pytest.raises(error, match=message):
            call()
    loss.compare(lambda x: 3.0 * x[0].data, [[1.0]])
    predictor = compile(lambda x: w * x[0], [w], gradient=False, x=1)
    assert predictor.in_buffers([[1.0]]) == str(predictor)


def test_gates_whose_rules_are_odd() -> None:
    floored = gate("floored", "⌊x⌋", lambda xp, x: xp.floor(x), None)
    factorial = gate("factorial", "Γ", lambda xp, x: xp.gamma(x), None)
    try:
        assert compile(lambda x: floored(x[0]), x=1)([[2.5]]).tolist() == [2.0]
        with pytest.raises(TypeError, match=r"calls xp\.gamma, which NumPy does not have"):
            compile(lambda x: factorial(x[0]), x=1)([[2.5]])
    finally:
        del GATES["floored"], GATES["factorial"]


def test_where_and_dot_of_hidden_numbers_still_work(w: Value) -> None:
    program = compile(lambda x: where(x[0], dot([w, w], x), -w), [w], gradient=False, x=2)
    assert program([[1.0, 2.0], [-1.0, 2.0]]).tolist() == [9.0, -3.0]


@pytest.mark.parametrize(
    ("function", "error", "message"),
    [
        (lambda w, x: (x[0] * 0 - 1) ** 0.5, ValueError, r"pow: .* \(at x = -1\.0, y = 0\.5\)"),
        (lambda w, x: autograd.exp(x[0] * 0 + 1000) * w, OverflowError, r"exp: .* \(at x = 1000\.0\)"),
        (lambda w, x: autograd.sqrt(w * 0), ZeroDivisionError, r"sqrt: .* \(at x = 0\.0\)"),
    ],
)
def test_what_no_data_can_make_defined_names_the_gate(
    function: Any, error: type[Exception], message: str, w: Value
) -> None:
    with pytest.raises(error, match=message):
        compile(lambda x: function(w, x), [w], x=1)


# Slopes that differ between samples, of outputs that do not

EQUAL: dict[str, Callable[[Value, Value, Any], Any]] = {
    "where": lambda s, t, x: where(x[0], s, s) * x[0] ** 2,
    "where of expressions": lambda s, t, x: where(x[0], s * t, t * s) * x[0] ** 2,
    "where of where": lambda s, t, x: where(x[0], where(x[1], s, s), s) * x[0],
    "where of an activation": lambda s, t, x: autograd.tanh(where(x[0] - t, s, s)) * x[1],
    "where of constants": lambda s, t, x: where(x[0], 2.0, 2.0) * s * x[1],
    "maximum": lambda s, t, x: autograd.maximum(s + 0 * x[0], s) * x[1],
    "a product with 0": lambda s, t, x: (s + x[0] * 0) * x[1],
    "a power of 0": lambda s, t, x: s * x[0] ** 0 * x[1],
    "as the loss": lambda s, t, x: where(x[0], s, s),
    "twice": lambda s, t, x: where(x[0], s, s) * where(x[1], s, s) + where(x[0], t, t) ** 2,
    "leaky": lambda s, t, x: autograd.leaky_relu(x[0] * 0.0 + s, t) * x[1],
    "max of many": lambda s, t, x: autograd.max([s, s + 0 * x[0], t]) * x[1],
}


@pytest.mark.parametrize("kind", EQUAL)
@pytest.mark.parametrize("executor", fuzz.EXECUTORS)
def test_a_slope_is_summed_over_samples_where_its_input_differs(kind: str, executor: Any) -> None:
    s, t = Value(1.5), Value(-0.5)

    def loss(x: Any) -> Any:
        return EQUAL[kind](s, t, x)

    program = compile(loss, [s, t], executor=executor, x=2)
    for X in ([[1.0, 2.0], [-2.0, 0.5], [3.0, -1.0], [0.5, 0.0]], [[1.0, 2.0]], [[-1.0, 1.0]] * 70):
        s.grad = t.grad = cost = 0.0
        for x in X:
            root = loss(list(map(Value, x)))
            root.backward(1 / len(X))
            cost += root.data / len(X)
        found = program.value_and_grad(X)
        assert (found[0], *found[1].tolist()) == pytest.approx((cost, s.grad, t.grad), rel=1e-12)
        printed = program.run_on(np, program.flat, np.array(X))
        assert (float(printed[0]), *printed[1].tolist()) == pytest.approx((cost, s.grad, t.grad), rel=1e-12)


# Masked arrays


@pytest.mark.parametrize(
    "batch",
    [
        np.ma.array([[1.0], [2.0]], mask=[[False], [True]]),
        np.ma.array([1.0, 2.0], mask=[False, True]),
        np.ma.array([[1.0], [2.0]]),
        [np.ma.array([1.0], mask=[True]), np.ma.array([2.0])],
        [[1.0], [np.ma.masked]],
        [1.0, np.ma.masked],
        (np.array([1.0]), np.ma.array([1.0], mask=[True])),
    ],
)
def test_masked_numbers_are_refused(batch: Any, w: Value) -> None:
    loss, function = compile(lambda x: w * x[0], [w], x=1), compile(lambda x: w * x[0], [w], x=1, gradient=False)
    calls: list[Callable[[Any], Any]] = [
        loss.value_and_grad, loss, function, loss.in_buffers, lambda batch: loss.compare(lambda x: x[0], batch),
    ]  # fmt: skip
    for call in calls:
        with pytest.raises(TypeError, match=r"x .*mask"):
            call(batch)
    if isinstance(batch, np.ma.MaskedArray):
        with pytest.raises(TypeError, match=r"x .*mask"):
            loss.run_on(np, loss.flat, batch)


def test_masked_parameters_are_refused(w: Value) -> None:
    program = compile(lambda x: w * x[0], [w], x=1)
    for numbers in (np.ma.array([2.0], mask=[True]), np.ma.array([2.0]), [np.ma.masked]):
        with pytest.raises(TypeError, match=r"flat .*mask"):
            program.flat = numbers
        if isinstance(numbers, np.ma.MaskedArray):
            with pytest.raises(TypeError, match=r"theta .*mask"):
                program.run_on(np, numbers, np.ones((1, 1)))
    assert program.flat.tolist() == [3.0]


# Numbers that are not finite

NOT_FINITE: dict[str, Callable[[Any, Any, Any], Any]] = {  # of xp and two inputs
    "a choice that passes nan on": lambda xp, a, b: xp.where(a > 0, b, xp.where(a <= 0, -b, math.nan)),
    "between numbers": lambda xp, a, b: xp.where(a > 0, 1.0, xp.where(a <= 0, 0.0, math.nan)) + b,
    "nan alone": lambda xp, a, b: xp.where(a > 1, math.nan, math.nan) * b,
    "an infinity": lambda xp, a, b: xp.where(a > 0, math.inf, xp.where(a < 0, -math.inf, b)),
    "a comparison with infinity": lambda xp, a, b: xp.where(xp.abs(a) < math.inf, a, b),
    "less than an infinity": lambda xp, a, b: xp.minimum(xp.maximum(a, -math.inf), math.inf) * b,
}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("kind", NOT_FINITE)
def test_numbers_that_are_not_finite_are_chosen_as_the_gates_choose(kind: str, dtype: Any) -> None:
    rule = NOT_FINITE[kind]
    chosen = gate("chosen_for_a_test", "?", rule, lambda xp, out, a, b: out, lambda xp, out, a, b: 2 * out)
    w = [Value(1.0), Value(1.0)]
    numbers = [-2.0, 0.0, 0.5, 3.0, math.nan]
    try:
        settings: dict[str, Any] = {"dtype": dtype, "check": False, "x": 2}
        loss = [
            compile(lambda x: chosen(w[0] * x[0], w[1] * x[1]), w, executor=executor, **settings)
            for executor in fuzz.EXECUTORS
        ]
        several = [
            compile(
                lambda x: [chosen(w[0] * x[0], x[1]), chosen(x[1], 2.0), x[0]],
                w,
                gradient=False,
                executor=e,
                **settings,
            )
            for e in fuzz.EXECUTORS
        ]
        for x in [[a, b] for a in numbers for b in numbers]:
            for v in w:
                v.grad = 0.0
            root = chosen(w[0] * x[0], w[1] * x[1])
            root.backward()
            expected = [root.data, w[0].grad, w[1].grad]
            X = np.array([x], dtype)
            for program in loss:
                cost, gradient = program.value_and_grad(X)
                assert np.allclose([cost, *gradient], expected, equal_nan=True), (program, x)
            with np.errstate(invalid="ignore"):
                cost, gradient = loss[0].run_on(np, loss[0].flat, X)
            assert np.allclose([cost, *gradient], expected, equal_nan=True)
            for program in several:
                second = chosen(Value(x[1]), 2.0).data
                assert np.allclose(program(X), [[root.data, second, x[0]]], equal_nan=True)
    finally:
        del GATES["chosen_for_a_test"]
