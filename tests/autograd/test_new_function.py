"""Guards the promise of one table of functions: one that the project has never seen goes through every reader and printer."""

from __future__ import annotations

import importlib.util
import json
import math
import shutil
import subprocess
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import autograd
from autograd import GATES, Gate, Value, check_gradients, compile, explain, gate, grad
from autograd._engine import core
from autograd.compiling import machine
from autograd.drawing.javascript import gate_row, operations
from autograd.drawing.page import page_file
from autograd.functions import FLOATS, FUNCTIONS
from autograd.symbols import header
from tests.engines import other

BOTH = importlib.util.find_spec("autograd.native.core") is not None
NODE = shutil.which("node")
POINTS = [0.5, -1.25, 0.0, 1.4]


def added(package: ModuleType) -> tuple[Any, Any]:
    """The tangent, and a gate whose local gradient it is: a function and a gate each in one place."""
    package.functions.function(
        "tangent", math.tan, 1, "tan(a)", "Math.tan", "tan", torch="tan", jax="tan", mathematics="tg({})"
    )
    tangent = package.gate("tangent", "tg", lambda xp, x: xp.tangent(x), lambda xp, out, x: 1 + out * out)
    secant = package.gate("log_secant", "ln sec", lambda xp, x: -xp.log(xp.cos(x)), lambda xp, out, x: xp.tangent(x))
    return tangent, secant


@pytest.fixture
def gates() -> Iterator[tuple[Gate, Gate]]:
    try:
        yield added(autograd)
    finally:
        del FUNCTIONS["tangent"], GATES["tangent"], GATES["log_secant"]


def program(gates: tuple[Gate, Gate], executor: Any = None) -> tuple[Any, Any, Any]:
    """A compiled cost of both gates, a batch, and the cost and its derivatives of the batch."""
    tangent, secant = gates
    w = [Value(0.3), Value(-0.7)]

    def cost(x: Any) -> Any:
        return tangent(w[0] * x[0]) * secant(w[1] * x[0])

    X = np.array([[x] for x in POINTS])
    t, s = np.tan(0.3 * X[:, 0]), -np.log(np.cos(-0.7 * X[:, 0]))
    slopes = [((1 + t * t) * X[:, 0] * s).mean(), (t * np.tan(-0.7 * X[:, 0]) * X[:, 0]).mean()]
    return compile(cost, w, executor=executor, x=1), X, ((t * s).mean(), slopes)


def test_it_runs_on_floats_and_values(gates: tuple[Gate, Gate]) -> None:
    tangent, secant = gates
    for x in POINTS:
        v = Value(x)
        y = secant(v)
        y.backward()
        assert (tangent(x), v.grad) == (math.tan(x), math.tan(x))
    assert check_gradients(lambda x, y: tangent(x) * secant(y), [0.5, -0.25], raises=True)


@pytest.mark.skipif(not BOTH, reason="there is only the pure engine here")
def test_the_other_engine_gives_the_same_numbers(gates: tuple[Gate, Gate]) -> None:
    found = []
    package = other()
    theirs = added(package)
    try:
        for value, (tangent, secant) in ((Value, gates), (package.Value, theirs)):
            for point in POINTS:
                x: Any = value(point)
                y = tangent(secant(x) * x)
                y.backward()
                found.append((y.data, x.grad))
    finally:
        del package.functions.FUNCTIONS["tangent"], package.GATES["tangent"], package.GATES["log_secant"]
    assert found[: len(POINTS)] == found[len(POINTS) :]


def test_its_derivative_is_differentiated_again(gates: tuple[Gate, Gate]) -> None:
    _, secant = gates
    assert grad(grad(secant))(0.5) == pytest.approx(1 + math.tan(0.5) ** 2, rel=1e-15)
    assert check_gradients(grad(grad(secant)), [0.5], raises=True)


def test_it_is_printed_as_mathematics(gates: tuple[Gate, Gate]) -> None:
    _, secant = gates
    assert secant.formulas(["z"]) == ["tg(z)"]
    assert "tg(z)" in repr(explain(secant(Value(0.5, "z"))))
    assert secant.__doc__ is not None and "tg(x)" in secant.__doc__


@pytest.mark.skipif(NODE is None, reason="no node here")
def test_a_page_computes_it(gates: tuple[Gate, Gate]) -> None:
    tangent, secant = gates
    rows = [f"const {name} = {json.dumps(gate_row(row, 1))};" for name, row in (("t", tangent), ("s", secant))]
    script = "\n".join([operations(), page_file("rules.js"), *rows])
    call = f"{json.dumps(POINTS)}.map((x) => [forwardOf(t, [x]), localOf(t, 2, [x])[0], localOf(s, 0, [x])[0]])"
    output = subprocess.run(
        [str(NODE), "-e", f"{script}\nconsole.log(JSON.stringify({call}))"], capture_output=True, text=True, check=True
    )
    expected = [[math.tan(x), 5.0, math.tan(x)] for x in POINTS]
    np.testing.assert_allclose(json.loads(output.stdout), expected, rtol=1e-15, atol=0)


def test_its_source_and_its_buffers_run_on_numpy(gates: tuple[Gate, Gate]) -> None:
    made, X, (cost, slopes) = program(gates, "numpy")
    assert "xp.tan(" in str(made) and "tangent" not in str(made)
    assert "xp.tan(" in made.in_buffers(X)
    for _ in range(2):
        found = made.value_and_grad(X)
        assert found[0] == pytest.approx(cost, rel=1e-14)
        assert found[1].tolist() == pytest.approx(slopes, rel=1e-14)


@pytest.mark.skipif(machine.native is None, reason="the C machine is not built")
def test_a_tape_leaves_it_to_numpy(gates: tuple[Gate, Gate]) -> None:
    made, X, (cost, _) = program(gates)
    assert made.code is None
    assert made.value_and_grad(X)[0] == pytest.approx(cost, rel=1e-14)
    with pytest.raises(ValueError, match="knows no tangent of 1"):
        program(gates, "tape")


def test_jax_runs_it(gates: tuple[Gate, Gate]) -> None:
    jax = pytest.importorskip("jax")
    made, X, (cost, slopes) = program(gates)
    found = jax.jit(made.to_jax())(made.flat, X)
    assert float(found[0]) == pytest.approx(cost, rel=1e-5)
    assert found[1].tolist() == pytest.approx(slopes, rel=1e-5)


def test_pytorch_runs_it(gates: tuple[Gate, Gate]) -> None:
    torch = pytest.importorskip("torch")
    made, X, (cost, slopes) = program(gates)
    found = made.on_torch()(torch.tensor(made.flat), torch.tensor(X))
    assert float(found[0]) == pytest.approx(cost, rel=1e-14)
    assert found[1].tolist() == pytest.approx(slopes, rel=1e-14)


def test_c_is_written_from_its_row(gates: tuple[Gate, Gate]) -> None:
    assert 'X("tangent", TANGENT, tan(a), !isfinite(r))' in header()


# The table


def test_both_interpreters_know_the_functions_that_c_has() -> None:
    written = {row.name: row.operands for row in FUNCTIONS.values() if row.c}
    if core is not None:
        assert core.CODES.keys() == written.keys()
    if machine.native is not None:
        assert written.items() <= {name: operands for name, (_, operands) in machine.native.OPERATIONS.items()}.items()


def calling(name: str, operands: int) -> Gate:
    """A gate that is one call of a function."""
    rules: list[Any] = [
        lambda xp, x: getattr(xp, name)(x),
        lambda xp, x, y: getattr(xp, name)(x, y),
        lambda xp, x, y, z: getattr(xp, name)(x, y, z),
    ]
    row = gate(f"calling_{name}", name, rules[operands - 1], *[None] * operands)
    del GATES[row.name]
    return row


@pytest.mark.parametrize("name", [row.name for row in FUNCTIONS.values() if not row.sign])
def test_a_value_has_the_number_or_the_error_of_python(name: str) -> None:
    row = FUNCTIONS[name]
    few = [0.0, -0.0, 0.5, -0.5, 1.0, -1.0, 1.5, -3.0, 40.0, 710.0, 1e300, -1e-310, math.inf, -math.inf, math.nan]
    made = calling(name, row.operands)
    for x in few:
        for y in few if row.operands > 1 else [0.0]:
            inputs = (x, y, 2.5)[: row.operands]
            try:
                expected = float(row.python(*inputs))
            except (ArithmeticError, ValueError) as error:
                with pytest.raises(type(error), match=made.name):
                    made(*map(Value, inputs))
            else:
                found = made(*map(Value, inputs)).data
                assert np.array([found]).tobytes() == np.array([expected]).tobytes() or (
                    found != found and expected != expected
                )


def test_a_function_that_is_given_other_operands_than_its_row_says_is_another_one() -> None:
    octave = gate("octave", "log₂", lambda xp, x: xp.log(x, 2.0), None)
    try:
        assert octave(Value(8.0)).data == octave(8.0) == math.log(8.0, 2.0)
        with pytest.raises(ValueError, match=r"octave.* xp\.log of 2 operands"):
            gate_row(octave, 1)
    finally:
        del GATES["octave"]


@pytest.mark.parametrize(
    ("rule", "advice"),
    [
        (lambda xp, x: xp.arctan(x), r"no xp\.arctan for floats: did you mean xp\.atan\?"),
        (lambda xp, x: xp.add(x, 1.0), r"no xp\.add for floats: write the operator \+"),
        (lambda xp, x: xp.negative(x), r"no xp\.negative for floats"),
    ],
)
def test_what_there_is_not_is_refused_with_what_there_is(rule: Any, advice: str) -> None:
    with pytest.raises(TypeError, match=advice):
        gate("missing", "?", rule, None)
    assert "missing" not in GATES


def test_what_only_math_has_may_be_called_on_floats() -> None:
    assert FLOATS.gamma(5.0) == 24.0
    with pytest.raises(AttributeError):
        FLOATS.add  # noqa: B018
