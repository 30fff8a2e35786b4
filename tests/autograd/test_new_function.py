"""Guards the promise of one table of functions: one that the project has never seen goes through every reader and printer."""

from __future__ import annotations

import importlib.util
import json
import math
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from itertools import product
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
import pytest

import autograd
import nn
from autograd import GATES, Gate, Value, check_gradients, compile, explain, gate, grad
from autograd._engine import core
from autograd.compiling import machine
from autograd.drawing.javascript import gate_row, operations
from autograd.drawing.page import page_file
from autograd.functions import FLOATS, FUNCTIONS, Function
from autograd.symbols import header
from tests.engines import other
from tests.exports import run_c, run_javascript

BOTH = importlib.util.find_spec("autograd.native.core") is not None
NODE, GCC = shutil.which("node"), shutil.which("gcc")
POINTS = [0.5, -1.25, 0.0, 1.4]


class Added(NamedTuple):
    tangent: Any
    log_secant: Any
    blend: Any

    def together(self, a: Any, b: Any) -> Any:
        return self.tangent(a) * self.log_secant(b) + self.blend(a)


NEW = ("tangent", "logadd", "clamp", "blended")


def added(package: ModuleType) -> Added:
    """Functions of one, two and three operands and one that is composed of them and of another composed one, each in one place;
    and gates whose rules call them."""
    function, gate = package.functions.function, package.gate
    function("tangent", math.tan, 1, "tan(a)", "Math.tan", "tan", torch="tan", jax="tan", mathematics="tg({})")
    function(
        "logadd", lambda a, b: max(a, b) + math.log1p(math.exp(-abs(a - b))), 2, "fmax(a, b) + log1p(exp(-fabs(a - b)))",
        "(a, b) => Math.max(a, b) + Math.log1p(Math.exp(-Math.abs(a - b)))", "logaddexp",
    )  # fmt: skip
    function(
        "clamp", lambda a, b, c: min(max(a, b), c), 3, "fmin(fmax(a, b), c)",
        "(a, b, c) => Math.min(Math.max(a, b), c)", "clip", "clamp",
    )  # fmt: skip
    package.functions.composed(
        "blended",
        lambda xp, x: (
            xp.sigmoid(xp.logadd(x, 0.5)) * xp.clamp(x, -3.0, 3.0)
            + xp.clamp(0.5, x - 9.0, x + 9.0) * xp.floor(xp.abs(x) + 1.5)
        ),
    )

    def slope_of_blend(xp: Any, out: Any, x: Any) -> Any:
        gate = xp.sigmoid(0.5 + xp.log1p(xp.exp(x - 0.5)))
        return gate * (1 - gate) * xp.sigmoid(x - 0.5) * x + gate

    return Added(
        gate("tangent", "tg", lambda xp, x: xp.tangent(x), lambda xp, out, x: 1 + out * out),
        gate("log_secant", "ln sec", lambda xp, x: -xp.log(xp.cos(x)), lambda xp, out, x: xp.tangent(x)),
        gate("blend", "blend", lambda xp, x: xp.blended(x), slope_of_blend),
    )


def removed(package: ModuleType) -> None:
    for name in NEW:
        del package.functions.FUNCTIONS[name]
    for name in Added._fields:
        del package.GATES[name]


@pytest.mark.parametrize("row", [pytest.param(row, id=row.name) for row in FUNCTIONS.values() if row.name != "where"])
def test_every_function_of_the_table_has_a_form_in_every_language(row: Function) -> None:
    missing = [column for column in ("c", "javascript", "numpy") if not (getattr(row, column) or row.rule or row.sign)]
    assert not missing, f"give xp.{row.name} its {' and '.join(missing)} form in functions.py, or compose it of others"


@pytest.fixture
def gates() -> Iterator[Added]:
    try:
        yield added(autograd)
    finally:
        removed(autograd)


def blend(x: Any) -> Any:
    """The gate and its derivative on arrays."""
    gate = 1 / (1 + np.exp(-np.logaddexp(x, 0.5)))
    slope = gate * (1 - gate) * x / (1 + np.exp(0.5 - x)) + gate
    return gate * x + 0.5 * np.floor(np.abs(x) + 1.5), slope


def program(gates: Added, executor: Any = None) -> tuple[Any, Any, Any]:
    """A compiled cost of all gates, a batch, and the cost and its derivatives of the batch."""
    w = [Value(0.3), Value(-0.7)]

    def cost(x: Any) -> Any:
        return gates.together(w[0] * x[0], w[1] * x[0])

    X = np.array([[x] for x in POINTS])
    a, b = 0.3 * X[:, 0], -0.7 * X[:, 0]
    t, s = np.tan(a), -np.log(np.cos(b))
    value, slope = blend(a)
    slopes = [(((1 + t * t) * s + slope) * X[:, 0]).mean(), (t * np.tan(b) * X[:, 0]).mean()]
    return compile(cost, w, executor=executor, x=1), X, ((t * s + value).mean(), slopes)


def agrees(found: Any, right: Any, relative: float = 1e-14) -> None:
    assert float(found[0]) == pytest.approx(right[0], rel=relative)
    assert found[1].tolist() == pytest.approx(right[1], rel=relative)


def test_it_runs_on_floats_and_values(gates: Added) -> None:
    for x in POINTS:
        v = Value(x)
        y = gates.log_secant(v)
        y.backward()
        assert (gates.tangent(x), v.grad) == (math.tan(x), math.tan(x))
        w = Value(x)
        z = gates.blend(w)
        z.backward()
        assert (gates.blend(x), z.data, w.grad) == pytest.approx((z.data, *blend(x)), rel=1e-14)
    assert check_gradients(gates.together, [0.5, -0.25], raises=True)


@pytest.mark.skipif(not BOTH, reason="there is only the pure engine here")
def test_the_other_engine_gives_the_same_numbers(gates: Added) -> None:
    found = []
    package = other()
    theirs = added(package)
    try:
        for value, (tangent, secant, blend) in ((Value, gates), (package.Value, theirs)):
            for point in POINTS:
                x: Any = value(point)
                y = blend(tangent(secant(x) * x))
                y.backward()
                found.append((y.data, x.grad))
    finally:
        removed(package)
    assert found[: len(POINTS)] == found[len(POINTS) :]


def test_its_derivative_is_differentiated_again(gates: Added) -> None:
    assert grad(grad(gates.log_secant))(0.5) == pytest.approx(1 + math.tan(0.5) ** 2, rel=1e-15)
    for row in gates:
        assert check_gradients(grad(grad(row)), [0.5], raises=True)


def test_it_is_printed_as_mathematics(gates: Added) -> None:
    secant = gates.log_secant
    assert secant.formulas(["z"]) == ["tg(z)"]
    assert "tg(z)" in repr(explain(secant(Value(0.5, "z"))))
    assert secant.__doc__ is not None and "tg(x)" in secant.__doc__


@pytest.mark.skipif(NODE is None, reason="no node here")
def test_a_page_computes_it(gates: Added) -> None:
    rows = [f"const {name} = {json.dumps(gate_row(row, 1))};" for name, row in zip("tsb", gates, strict=True)]
    script = "\n".join([operations(), page_file("rules.js"), *rows])
    results = (
        "[forwardOf(t, [x]), localOf(t, 2, [x])[0], localOf(s, 0, [x])[0], forwardOf(b, [x]), localOf(b, 0, [x])[0]]"
    )
    output = subprocess.run(
        [str(NODE), "-e", f"{script}\nconsole.log(JSON.stringify({json.dumps(POINTS)}.map((x) => {results})))"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    expected = [[math.tan(x), 5.0, math.tan(x), *map(float, blend(x))] for x in POINTS]
    np.testing.assert_allclose(json.loads(output.stdout), expected, rtol=1e-15, atol=0)


def test_its_source_and_its_buffers_run_on_numpy(gates: Added) -> None:
    made, X, right = program(gates, "numpy")
    for text in (str(made), made.in_buffers(X)):
        assert "xp.tan(" in text and "tangent" not in text
        assert "blended(xp, " in text
    for _ in range(2):
        agrees(made.value_and_grad(X), right)


@pytest.mark.skipif(machine.native is None, reason="the C machine is not built")
def test_a_tape_leaves_it_to_numpy(gates: Added) -> None:
    made, X, (cost, _) = program(gates)
    assert made.code is None
    assert made.value_and_grad(X)[0] == pytest.approx(cost, rel=1e-14)
    with pytest.raises(ValueError, match=r"knows no (tangent|blended|logadd) of"):
        program(gates, "tape")


@pytest.mark.skipif(GCC is None, reason="no gcc here")
def test_a_file_of_c_computes_it(gates: Added, tmp_path: Path) -> None:
    made, X, right = program(gates)
    (((found,),),) = [run_c([(made, "planted", [(made.flat, [X])])], tmp_path)]
    agrees(found, right)


@pytest.mark.skipif(NODE is None, reason="no node here")
def test_a_file_of_javascript_computes_it(gates: Added, tmp_path: Path) -> None:
    made, X, right = program(gates)
    (((found,),),) = [run_javascript([(made, "planted", [(made.flat, [X])])], tmp_path)]
    agrees([found[0], np.array(found[1])], right)


@pytest.mark.skipif(NODE is None, reason="no node here")
def test_an_optimisers_update_in_javascript_computes_it(gates: Added) -> None:
    class Blended(nn.Optimiser):
        def rule(self, w: Any, g: Any, *state: Any) -> tuple[Any, ...]:
            return (w - self.learning_rate * gates.blend(g),)

    w = Value(1.0)
    text = compile(lambda x: w * x[0], [w], x=1).training([[[1.0]]], Blended([w], 0.25)).update_to_js()
    script = f"console.log(JSON.stringify({json.dumps(POINTS)}.map((g) => ({text})(0.25, 1, 1.0, g)[0])))"
    output = subprocess.run([str(NODE), "-e", script], capture_output=True, text=True, check=True)
    assert json.loads(output.stdout) == pytest.approx([1 - 0.25 * blend(g)[0] for g in POINTS], rel=1e-15)


def test_jax_runs_it(gates: Added) -> None:
    jax = pytest.importorskip("jax")
    made, X, right = program(gates)
    agrees(jax.jit(made.to_jax())(made.flat, X), right, 1e-5)


def test_pytorch_runs_it(gates: Added) -> None:
    torch = pytest.importorskip("torch")
    made, X, right = program(gates)
    agrees(made.on_torch()(torch.tensor(made.flat), torch.tensor(X)), right)


@pytest.mark.skipif(GCC is None, reason="no gcc here")
def test_the_header_of_both_interpreters_computes_it(gates: Added, tmp_path: Path) -> None:
    calls = {"TANGENT": "{}, 0.0, 0.0", "LOGADD": "{}, 0.5, 0.0", "CLAMP": "{}, -1.0, 1.0", "BLENDED": "{}, 0.0, 0.0"}
    cases = "#define CASE(name, code, expression, refused) case code: return expression;\n"
    codes = "#define CODE(name, code, expression, refused) code,\n#define ALL(X) ONE_OPERAND(X) TWO_OPERANDS(X) THREE_OPERANDS(X)"
    apply = "double apply(int code, double a, double b, double c) { switch (code) { ALL(CASE) } return b + c; }"
    prints = [
        f'printf("%.17g ", apply({code}, {operands.format(x)}));' for x in POINTS for code, operands in calls.items()
    ]
    main = "#include <stdio.h>\nint main(void) { " + "\n".join(prints) + " }"
    source, program = tmp_path / "header.c", tmp_path / "header"
    source.write_text("\n".join([header(), cases + codes, "enum { ALL(CODE) };", apply, main]), encoding="utf-8")
    subprocess.run([str(GCC), "-Wno-unused-function", str(source), "-o", str(program), "-lm"], check=True)
    found = [*map(float, subprocess.run([str(program)], capture_output=True, text=True, check=True).stdout.split())]
    expected = [[math.tan(x), np.logaddexp(x, 0.5), np.clip(x, -1, 1), blend(x)[0]] for x in POINTS]
    np.testing.assert_allclose(found, np.array(expected).ravel(), rtol=1e-14, atol=0)


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


@pytest.mark.parametrize("name", [row.name for row in FUNCTIONS.values() if not row.sign])
def test_every_program_computes_it(name: str) -> None:
    row = FUNCTIONS[name]
    made = calling(name, row.operands)
    found = []
    for inputs in product([-2.5, -0.25, 0.125, 0.5, 1.5, 3.0], repeat=row.operands):
        with suppress(ArithmeticError, ValueError):  # outside its domain
            found.append((inputs, float(row.python(*inputs))))
    X, expected = map(np.array, zip(*found, strict=True))
    assert len(X) > 1
    programs = [compile(lambda x: made(*x), executor=how, x=row.operands, gradient=False) for how in (None, "numpy")]
    for program in programs:
        np.testing.assert_allclose(program(X), expected, rtol=1e-15, atol=0)
    text, c, javascript = str(programs[0]), programs[0].to_c(), programs[0].to_js()
    if row.rule is not None:
        assert f"def {name}(xp, " in text
        assert f"composed_{name}(" in c
        assert f"const {name} = " in javascript
    else:
        assert f"xp.{row.numpy}(" in text


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
