"""Guards derivatives recorded on Values: they hold for all data, are compiled, and name the caller's gate where one is missing."""

from __future__ import annotations

import math
import pickle
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, strategies as st

import autograd
from autograd import GATES, Gate, Value, compile, gate, grad, hessian, jacobian, where
from autograd.testing import Expression, expressions

POINTS = st.floats(-3.0, 3.0).map(lambda x: round(x, 2))  # with zeros and ties among them

BRANCHING: dict[str, Callable[[Any, Any], Any]] = {
    "abs": lambda x, y: abs(x) * x + y,
    "relu": lambda x, y: x.relu() * x * y,
    "leaky_relu": lambda x, y: autograd.leaky_relu(x, y) * x,
    "elu": lambda x, y: autograd.elu(x, y) * x,
    "where": lambda x, y: where(x, x * x * y, 3 * x),
    "where of three": lambda x, y: where(x - y, x * y, where(y, x * x, y * y)) * x,
    "maximum": lambda x, y: autograd.maximum(x * x, y) * x,
    "minimum": lambda x, y: autograd.minimum(x * x, y) * x,
    "max": lambda x, y: autograd.max([x, y, x * y]) ** 2,
    "logsumexp": lambda x, y: autograd.logsumexp([x, y, x * y]),
    "power": lambda x, y: (x * x) ** (y * y + 1),
    "softplus": lambda x, y: autograd.softplus(x * y),
    "sigmoid": lambda x, y: autograd.sigmoid(x * y) * x,
}


def plain(f: Callable[..., Any], *data: float) -> list[float]:
    """The gradient of f in plain numbers."""
    return list(grad(f)(*data))


@pytest.mark.parametrize("name", BRANCHING)
@given(first=st.tuples(POINTS, POINTS), then=st.tuples(POINTS, POINTS))
def test_a_recorded_derivative_replays_to_the_derivative_there(
    name: str, first: tuple[float, float], then: tuple[float, float]
) -> None:
    f = BRANCHING[name]
    if name == "power":
        assume(first[0] != 0 != then[0])
    x, y = Value(first[0]), Value(first[1])
    slopes = grad(f)(x, y)
    x.data, y.data = then
    assert [slope.forward() for slope in slopes] == pytest.approx(plain(f, *then), rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("name", BRANCHING)
@given(points=st.lists(st.tuples(POINTS, POINTS), min_size=1, max_size=4))
def test_gradients_are_compiled_and_hold_for_every_sample(name: str, points: list[tuple[float, float]]) -> None:
    f = BRANCHING[name]
    if name == "power":
        assume(all(x != 0 for x, _ in points))
    program = compile(lambda v: [f(*v), *grad(f)(*v)], v=2, gradient=False)
    found = program([list(point) for point in points])
    for row, point in zip(found, points, strict=True):
        value, slopes = autograd.value_and_grad(f)(*point)
        assert row.tolist() == pytest.approx([value, *slopes], rel=1e-12, abs=1e-12)


@given(
    expressions(max_inputs=3).map(lambda found: found[0]),
    st.lists(st.lists(POINTS, min_size=3, max_size=3), min_size=1, max_size=3),
)
def test_first_and_second_derivatives_of_random_programs_are_compiled(f: Expression, rows: list[list[float]]) -> None:
    n = f.n_inputs

    def everything(v: list[Any]) -> list[Any]:
        return [f(*v), *grad(lambda v: f(*v))(v), *[entry for row in hessian(lambda v: f(*v))(v) for entry in row]]

    expected = []
    try:
        for row in rows:
            found = [float(entry) for entry in everything(row[:n])]
            assume(all(math.isfinite(entry) and abs(entry) < 1e9 for entry in found))
            expected.append(found)
    except (ArithmeticError, ValueError):
        assume(False)
    try:
        program = compile(everything, v=n, gradient=False)
        outputs = program([row[:n] for row in rows])
    except FloatingPointError:  # an untaken branch may overflow in a program, which computes both
        return
    for found, row in zip(outputs.tolist(), expected, strict=True):
        assert found == pytest.approx(row, rel=1e-9, abs=1e-9)


def test_greeks_jacobians_and_hessians_over_a_batch() -> None:
    def price(v: list[Any]) -> Any:
        spot, strike, rate, volatility, time = v
        d = (autograd.log(spot / strike) + (rate + volatility**2 / 2) * time) / (volatility * time**0.5)
        return spot * autograd.tanh(d) - strike * autograd.exp(-rate * time)

    rows = np.random.default_rng(0).uniform(0.5, 1.5, (6, 5)).tolist()
    program = compile(lambda x: [price(x), *grad(price)(x)], x=5, gradient=False)
    for found, row in zip(program(rows).tolist(), rows, strict=True):
        assert found == pytest.approx([price(row), *grad(price)(row)], rel=1e-12)
    second = compile(lambda x: [entry for row in hessian(price)(x) for entry in row], x=5, gradient=False)
    for found, row in zip(second(rows).tolist(), rows, strict=True):
        assert found == pytest.approx([entry for line in hessian(price)(row) for entry in line], rel=1e-9, abs=1e-12)
    pair: Callable[[list[Any]], list[Any]] = lambda v: [v[0] * v[1], v[0] / v[1]]  # noqa: E731
    both = compile(lambda x: [entry for row in jacobian(pair)(x) for entry in row], x=2, gradient=False)
    assert both([[2.0, 4.0]]).tolist() == [[4.0, 2.0, 0.25, -0.125]]


def test_a_loss_may_hold_derivatives_and_is_trained_through_them() -> None:
    """A physics-informed loss: u′ = −u for the net u; its gradient in the parameters is a mixed second derivative."""
    w, b = Value(0.5), Value(0.1)
    cost, slopes = compile(lambda x: _residual(w, b, x[0]), [w, b], x=1).value_and_grad([[0.3], [-0.7]])
    found = [autograd.value_and_grad(lambda p, q, x=x: _residual(p, q, x))(0.5, 0.1) for x in (0.3, -0.7)]
    assert cost == pytest.approx(sum(value for value, _ in found) / 2, rel=1e-12)
    assert slopes.tolist() == pytest.approx([sum(g[i] for _, g in found) / 2 for i in range(2)], rel=1e-12)


def _residual(w: Any, b: Any, x: Any) -> Any:
    return (grad(lambda t: autograd.tanh(w * t + b))(x) + autograd.tanh(w * x + b)) ** 2


def test_inside_compile_a_derivative_at_plain_numbers_still_depends_on_parameters() -> None:
    w = Value(2.0)
    program = compile(lambda x: x[0] * grad(lambda y: w * y * y)(3.0), [w], x=1, gradient=False)
    assert program([[1.0]]).tolist() == [12.0]
    w.data = 5.0
    assert program([[1.0]]).tolist() == [30.0]


def test_constants_that_are_leaves_of_their_own_are_not_frozen() -> None:
    x, c = Value(2.0), Value(3.0, "c", role="constant")
    slope = grad(lambda z: c * z * z)(x)
    c.data = 5.0
    assert slope.forward() == 20.0


def test_a_derivative_shares_what_its_local_gradients_share() -> None:
    x = [Value(float(i)) for i in range(50)]
    slopes = grad(lambda v: autograd.logsumexp(v))(x)
    assert len(autograd.topological_order(*slopes)) < 10 * len(x), "every exponential and their sum is one node"


@pytest.mark.parametrize(("name", "outside"), [("log", -1.0), ("log1p", -2.0)])
def test_outside_the_domain_the_formula_is_a_number_and_f_beside_it_raises(name: str, outside: float) -> None:
    f, x = GATES[name], Value(2.0)
    value, slope = autograd.value_and_grad(f)(x)
    x.data = outside
    assert slope.forward() == -1.0
    refusing: list[Callable[[], Any]] = [value.forward, lambda: grad(f)(outside), lambda: grad(f)(Value(outside))]
    for refuse in refusing:
        with pytest.raises(ValueError, match=name):
            refuse()
    program = compile(lambda v: [f(v[0]), grad(f)(v[0])], v=1, gradient=False)
    with pytest.raises(FloatingPointError, match="log"):
        program([[outside]])


@pytest.mark.parametrize(("name", "outside"), [("sqrt", -1.0), ("reciprocal", 0.0), ("div", 0.0), ("pow", -1.0)])
def test_a_formula_that_refuses_what_its_gate_refuses(name: str, outside: float) -> None:
    x = Value(2.0)
    f: Callable[[Any], Any] = {"div": lambda x: autograd.div(3.0, x), "pow": lambda x: x**1.5}.get(name, GATES[name])
    slope = grad(f)(x)
    x.data = outside
    with pytest.raises((ArithmeticError, ValueError)):
        slope.forward()


# Errors name the gate that the caller wrote.

MISSING: list[tuple[Callable[[], Any], str]] = [
    (lambda: grad(autograd.sqrt)(0.0), "sqrt"),
    (lambda: grad(grad(autograd.sqrt))(0.0), "sqrt"),
    (lambda: jacobian(lambda x: [autograd.sqrt(x)])(0.0), "sqrt"),
    (lambda: hessian(autograd.sqrt)(0.0), "sqrt"),
    (lambda: autograd.linearize(autograd.sqrt, 0.0), "sqrt"),
    (lambda: autograd.check_gradients(autograd.sqrt, [0.0]), "sqrt"),
    (lambda: grad(autograd.sqrt)(Value(0.0)), "sqrt"),
    (lambda: autograd.sqrt(Value(0.0)).backward(), "sqrt"),
    (lambda: grad(grad(autograd.log))(1e-200), "log"),
    (lambda: grad(grad(grad(autograd.log)))(1e-200), "log"),
    (lambda: grad(lambda x: 1e-300 * (1 / x))(1e-170), "reciprocal"),
    (lambda: grad(lambda x: x**0.5)(0.0), "pow"),
    (lambda: grad(lambda x, y: x**y)(0.0, 0.0), "pow"),
    (lambda: grad(lambda x: autograd.logsumexp([x, x]))(-math.inf), "logsumexp"),
]


@pytest.mark.parametrize(("differentiate", "name"), MISSING)
def test_a_missing_slope_names_the_gate_that_the_caller_wrote(differentiate: Callable[[], Any], name: str) -> None:
    with pytest.raises((ArithmeticError, ValueError), match=rf"^backward through {name}\b.* no finite slope at"):
        differentiate()


def test_the_label_of_the_input_is_in_the_message() -> None:
    with pytest.raises(ZeroDivisionError, match=r"at pressure = 0\.0"):
        autograd.sqrt(Value(0.0, "pressure")).backward()


# Rules may be long: their parts are shared, and nothing recurses.


@pytest.fixture
def newton() -> Iterator[Gate]:
    """√x by 60 steps of Newton's method, each of which uses the last result three times."""

    def root(xp: Any, x: Any) -> Any:
        y = x
        for _ in range(60):
            y = y - (y * y - x) / (2 * y)
        return y

    yield gate("newton", "√", root, lambda xp, out, x: 0.5 / root(xp, x), domain=[((0.1, 8.0),)])
    del GATES["newton"]


@pytest.fixture
def long_rule() -> Iterator[Gate]:
    """sin(sin(… x)) of 3,000 steps: as many levels deep."""

    def chain(xp: Any, x: Any) -> Any:
        for _ in range(3000):
            x = x + 0.001 * xp.sin(x)
        return x

    def slope(xp: Any, out: Any, x: Any) -> Any:
        found = 1.0
        for _ in range(3000):
            found = found * (1 + 0.001 * xp.cos(x))
            x = x + 0.001 * xp.sin(x)
        return found

    yield gate("long_rule", "…", chain, slope)
    del GATES["long_rule"]


def _every_reader(gate: Gate, at: float) -> None:
    x = Value(at, "x")
    y = gate(x)
    y.backward()
    assert y.data == pytest.approx(gate(at), rel=1e-12)
    assert autograd.check_gradients(gate, [at], raises=True)
    assert grad(gate)(at) == pytest.approx(x.grad, rel=1e-12)
    assert f"{gate.name}(x)" in repr(autograd.explain(y))
    assert len(autograd.to_dot(y, formulas=True)) < 20_000, "a formula that nobody could read is not printed whole"
    assert autograd.explore(y).html
    program = compile(lambda v: gate(v[0]), v=1, gradient=False)
    assert program([[at], [at / 2]]).tolist() == pytest.approx([y.data, gate(at / 2)], rel=1e-12)


def test_a_rule_that_uses_its_parts_again_and_again(newton: Gate) -> None:
    assert newton(2.0) == pytest.approx(math.sqrt(2.0), rel=1e-15)
    _every_reader(newton, 2.0)


def test_a_rule_of_thousands_of_steps(long_rule: Gate) -> None:
    _every_reader(long_rule, 0.7)


# A nan goes through every choice.


@pytest.mark.parametrize("row", [row for row in GATES.values() if row.name != "where"], ids=lambda row: row.name)
def test_a_nan_comes_out_of_every_gate_that_it_goes_into(row: Gate) -> None:
    count = 4 if row.variadic else len(row.names)
    for place in range(count):
        inputs = [0.75] * count
        inputs[place] = math.nan
        assert math.isnan(row.apply(inputs)), f"a number at input {place}"
        leaves = [*map(Value, inputs)]
        assert math.isnan(row.apply(leaves).data)


def test_the_exceptions_are_those_of_c_and_the_side_that_where_does_not_take() -> None:
    nan = math.nan
    assert autograd.pow(nan, 0.0) == 1.0
    assert autograd.pow(1.0, nan) == 1.0
    assert math.isnan(where(nan, 1.0, 2.0))
    assert where(1.0, 3.0, nan) == 3.0
    assert where(-1.0, nan, 3.0) == 3.0


CHOICES: dict[str, Callable[[Any], Any]] = {
    "abs": abs,
    "relu": autograd.relu,
    "leaky_relu": autograd.leaky_relu,
    "elu": autograd.elu,
    "maximum": lambda x: autograd.maximum(x, 1.0),
    "minimum": lambda x: autograd.minimum(1.0, x),
    "max": lambda x: autograd.max([1.0, x, 2.0]),
    "where": lambda x: where(x, 2 * x, 3 * x),
    "sigmoid": autograd.sigmoid,
    "softplus": autograd.softplus,
    "logsumexp": lambda x: autograd.logsumexp([x, 1.0]),
}


@pytest.mark.parametrize("name", CHOICES)
def test_the_slope_of_a_choice_at_nan_is_nan(name: str) -> None:
    x = Value(math.nan)
    CHOICES[name](x).backward()
    assert math.isnan(x.grad)


# Numbers in the tails and at infinity


def test_slopes_in_the_tails() -> None:
    assert grad(autograd.expm1)(-40.0) == math.exp(-40.0)
    assert grad(grad(autograd.softplus))(40.0) == pytest.approx(math.exp(-40.0), rel=1e-12)
    assert grad(lambda b: 0.0**b)(1.0) == 0.0
    assert grad(lambda b: 0.0**b)(0.25) == 0.0
    assert grad(autograd.pow)(0.0, 2.0) == (0.0, 0.0)
    assert grad(grad(lambda b: 0.0**b))(1.0) == 0.0


def test_logsumexp_of_large_and_of_infinite_numbers() -> None:
    inf = math.inf
    for top in (0.0, 1e3, 1e8, 1e12, 1e16, 1e300, -1e16):
        x, y = Value(top), Value(top)
        total = autograd.logsumexp([x, y])
        total.backward()
        assert total.data == top + math.log(2.0)
        assert (x.grad, y.grad) == (0.5, 0.5)
        assert [slope.data for slope in grad(lambda a, b: autograd.logsumexp([a, b]))(x, y)] == [0.5, 0.5]
    assert autograd.logsumexp([-inf, -inf]) == -inf
    assert autograd.logsumexp([-inf, 1.0]) == 1.0
    assert autograd.logsumexp([inf, 800.0]) == inf
    assert grad(lambda a: autograd.logsumexp([a, -inf]))(3.0) == 1.0


@pytest.mark.parametrize(("x", "y"), [(2.0, 0.0), (2.0, 1.0), (0.5, 2.0), (3.0, -1.0)])
def test_mixed_derivatives_of_a_power(x: float, y: float) -> None:
    """∂²/∂x∂y x^y = x^(y−1)·(1 + y·log x), and ∂³/∂x²∂y = x^(y−2)·(2y − 1 + y·(y − 1)·log x)."""
    matrix = hessian(lambda a, b: a**b)(x, y)
    assert matrix[0][1] == matrix[1][0] == pytest.approx(x ** (y - 1) * (1 + y * math.log(x)), rel=1e-12)
    third = grad(lambda b: grad(grad(lambda a: a**b))(x))(y)
    assert third == pytest.approx(x ** (y - 2) * (2 * y - 1 + y * (y - 1) * math.log(x)), rel=1e-12)


def test_a_slope_that_is_a_comparison_is_a_number() -> None:
    row = gate("ramp", "ramp", lambda xp, x: xp.maximum(x, 0.0), lambda xp, out, x: x > 0)
    try:
        assert (grad(row)(3.0), grad(row)(Value(3.0)).data, hessian(row)(3.0)) == (1.0, 1.0, [[0.0]])
        assert compile(lambda x: grad(row)(x[0]), x=1, gradient=False)([[1.0], [-1.0]]).tolist() == [1.0, 0.0]
    finally:
        del GATES["ramp"]


def test_a_derivative_through_a_stale_graph_is_refused() -> None:
    x = Value(2.0)
    y = x * x
    x.data = 3.0
    for at in (1.0, Value(1.0)):
        with pytest.raises(RuntimeError, match="stale"):
            grad(lambda z: z * y)(at)
    y.forward()
    assert grad(lambda z: z * y)(Value(1.0)).data == 9.0


def test_a_number_that_a_derivative_has_taken_stays_so_in_a_pickle() -> None:
    x = Value(2.0)
    number = (x**3).inputs[1]
    slope, number, x = pickle.loads(pickle.dumps((grad(lambda z: z**number)(x), number, x)))
    with pytest.raises(AttributeError, match="differentiated"):
        number.data = 5.0
    x.data = 3.0
    assert slope.forward() == 27.0


def test_adjoints_are_refused_while_compiling() -> None:
    p = Value(2.0)
    with pytest.raises(TypeError, match=r"adjoints\(\) does not work while compiling"):
        compile(lambda x: autograd.adjoints(p * p)[p] * x[0], [p], x=1, gradient=False)


def test_a_clip_with_bounds_in_arrays_records_gates() -> None:
    x = Value(2.0)
    y = np.clip(x, np.array([0.0, 0.0]), np.array([1.0, 5.0])).sum()  # type: ignore[call-overload]
    assert y.data == 3.0
    x.data = 0.5
    assert y.forward() == 1.0


def test_a_function_in_a_slope_that_is_not_a_gate_is_refused_by_name() -> None:
    stairs = gate("stairs", "stairs", lambda xp, x: xp.floor(x) * x, lambda xp, out, x: xp.floor(x))
    assert grad(stairs)(2.5) == 2.0
    with pytest.raises(AttributeError, match=r"xp\.floor.*gate\('floor'"):
        grad(grad(stairs))(2.5)
