"""Guards local gradients at the ends of the floats, at infinities and at kinks: right, or refused by the gate's name."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal, localcontext
from fractions import Fraction
from itertools import product
from typing import Any

import pytest

import autograd
from autograd import GATES, Gate, Value, adjoints, compile, gate, grad, hessian, jacobian

INF = math.inf
POWERS = [-300, -200, -170, -160, -155, -154, -150, -100, -10, 0, 10, 100, 150, 154, 155, 160, 170, 200, 300]
EPSILON, LEAST = sys.float_info.epsilon, 5e-324


def slope(f: Callable[..., Any], *inputs: float, place: int = 0) -> float:
    """The derivative by a backward pass."""
    leaves = [Value(x, role="input" if i == place else "constant") for i, x in enumerate(inputs)]
    return adjoints(f(*leaves))[leaves[place]]


def assert_right(expected: Fraction, readers: Sequence[Callable[[], float]], name: str) -> None:
    """Each reader gives the nearest float within rounding; beyond the floats each raises by the gate's name."""
    for read in readers:
        if abs(expected) > Fraction(sys.float_info.max):
            with pytest.raises(
                (OverflowError, ZeroDivisionError), match=rf"backward through {name}\b.*no finite slope"
            ):
                read()
        else:
            assert abs(Fraction(read()) - expected) <= abs(expected) * Fraction(4 * EPSILON) + Fraction(LEAST)


@pytest.mark.parametrize("power", POWERS)
@pytest.mark.parametrize("sign", [3.0, -7.0])
def test_a_reciprocal_is_right_wherever_its_slope_is_a_float(power: int, sign: float) -> None:
    x = sign * 10.0**power
    for f in (autograd.reciprocal, lambda v: 1 / v):
        readers = [lambda: slope(f, x), lambda: grad(f)(x), lambda: grad(f)(Value(x)).data]  # noqa: B023
        assert_right(-1 / Fraction(x) ** 2, readers, "reciprocal")


@pytest.mark.parametrize(("a", "b"), list(product(POWERS[::3], POWERS[::3])))
def test_a_quotient_is_right_wherever_its_slopes_are_floats(a: int, b: int) -> None:
    x, y = 3.0 * 10.0**a, -7.0 * 10.0**b
    f = autograd.div
    if abs(x / y) == INF:
        return
    for place, expected in enumerate([1 / Fraction(y), -Fraction(x) / Fraction(y) ** 2]):

        def alone(v: Any, place: int = place) -> Any:
            return f(v, y) if place == 0 else f(x, v)

        at = (x, y)[place]
        readers = [lambda: slope(f, x, y, place=place), lambda: grad(alone)(at), lambda: grad(alone)(Value(at)).data]  # noqa: B023
        assert_right(expected, readers, "div")


def exact(name: str, x: float) -> Fraction:
    """The slope of a gate of one input, to 400 digits."""
    with localcontext() as context:
        context.prec, context.Emax, context.Emin = 400, 10**9, -(10**9)
        at = Decimal(x)
        slopes: dict[str, Callable[[], Decimal]] = {
            "log": lambda: 1 / at,
            "log1p": lambda: 1 / (1 + at),
            "sqrt": lambda: 1 / (2 * at.sqrt()),
            "exp": at.exp,
            "expm1": at.exp,
            "softplus": lambda: 1 / (1 + (-at).exp()),
        }
        return Fraction(slopes[name]())


@pytest.mark.parametrize("name", ["log", "log1p", "sqrt", "exp", "expm1", "softplus"])
@pytest.mark.parametrize("power", POWERS)
def test_other_slopes_are_right_from_the_smallest_floats_to_the_largest(name: str, power: int) -> None:
    for x in (3.0 * 10.0**power, -3.0 * 10.0**power):
        if (x < 0 and name in ("log", "log1p", "sqrt")) or (x > 600 and name in ("exp", "expm1")) or x < -1e4:
            continue
        f = GATES[name]
        assert_right(exact(name, x), [lambda: slope(f, x), lambda: grad(f)(Value(x)).data], name)  # noqa: B023


@pytest.mark.parametrize("name", ["tanh", "sigmoid"])
@pytest.mark.parametrize("x", [1e-300, 1e-8, 0.5, 3.0, 12.0, 30.0, 1e3, 1e300])
def test_slopes_that_are_made_of_the_output_are_right_to_its_rounding(name: str, x: float) -> None:
    """1 − out² and out·(1 − out): their error is that of an output near 1, whatever is left of the slope."""
    for at in (x, -x):
        e = math.exp(-2 * x) if name == "tanh" else math.exp(-x)
        expected = 4 * e / (1 + e) ** 2 if name == "tanh" else e / (1 + e) ** 2
        assert slope(GATES[name], at) == pytest.approx(expected, rel=4 * EPSILON, abs=2 * EPSILON)


@pytest.mark.parametrize("x", [LEAST, 1e-310])
@pytest.mark.parametrize("name", ["log", "reciprocal"])
def test_a_slope_at_a_denormal_is_refused_where_it_is_beyond_the_floats(name: str, x: float) -> None:
    v = Value(x)
    y = GATES[name](v)
    ways: list[Callable[[], Any]] = [y.backward, lambda: grad(GATES[name])(x), lambda: grad(GATES[name])(Value(x))]
    for differentiate in ways:
        with pytest.raises(OverflowError, match=rf"backward through {name}\b.*no finite slope"):
            differentiate()
    assert v.grad == 0.0


def test_an_infinite_slope_of_an_infinite_input_is_a_number() -> None:
    """Only finite inputs have a slope that is lost; 3·inf² is inf as inf itself is."""
    inputs = [Value(INF), Value(2.0)]
    autograd.div(*inputs).backward()
    assert [v.grad for v in inputs] == [0.5, -INF]


@pytest.fixture
def ratio() -> Iterator[Gate]:
    """Σ x / x₀, by a rule for any number of inputs."""

    def slopes(xp: Any, out: Any, *xs: Any) -> list[Any]:
        return [(1 - out) / xs[0], *[1 / xs[0]] * (len(xs) - 1)]

    yield gate("ratio", "Σ/x", lambda xp, *xs: sum(xs[1:], xs[0]) / xs[0], slopes)
    del GATES["ratio"]


def test_a_gate_with_any_number_of_inputs_refuses_it_too(ratio: Gate) -> None:
    for _ in range(3):  # compiled code is made when a count of inputs comes again
        with pytest.raises(OverflowError, match=r"backward through ratio\b.*no finite slope"):
            ratio([Value(1e-200), Value(1e100)]).backward()
        x, y = Value(2.0), Value(INF)
        ratio([x, y]).backward()
        assert (x.grad, y.grad) == (-INF, 0.5)


# Equal infinities tie

TIES: dict[str, Callable[..., Any]] = {
    "maximum": autograd.maximum,
    "minimum": autograd.minimum,
    "max": lambda a, b: autograd.max([a, b]),
    "exceeds": autograd.exceeds,
    "where": lambda a, b: autograd.where(autograd.exceeds(a, b), a, b),
    "relu": lambda a, b: autograd.relu(a) + autograd.relu(b),
    "leaky_relu": lambda a, b: autograd.leaky_relu(a) + autograd.leaky_relu(b),
    "abs": lambda a, b: abs(a) + abs(b),
}


@pytest.mark.parametrize("name", TIES)
@pytest.mark.parametrize(("a", "b"), list(product([INF, -INF, 1.0], [INF, -INF, 1.0])))
def test_recorded_derivatives_at_infinities_are_those_of_a_pass(name: str, a: float, b: float) -> None:
    f = TIES[name]
    x, y = Value(a), Value(b)
    f(x, y).backward()
    expected = (x.grad, y.grad)
    assert not any(map(math.isnan, expected))
    assert tuple(s.data for s in grad(f)(x, y)) == expected
    here, there = Value(1.0), Value(2.0)
    slopes = grad(f)(here, there)
    here.data, there.data = a, b
    assert tuple(s.forward() for s in slopes) == expected
    program = compile(lambda v: [s + 0 * 1.0 for s in grad(f)(*v)], v=2, gradient=False, check=False)
    assert program([[a, b]])[0].tolist() == list(expected)


def test_exceeds_is_a_comparison_that_is_recorded() -> None:
    a, b = Value(3.0), Value(2.0)
    over = autograd.exceeds(a, b)
    assert (over.data, autograd.exceeds(2, 3), autograd.exceeds(INF, INF)) == (1.0, 0.0, 0.0)
    assert math.isnan(autograd.exceeds(math.nan, 1.0))
    over.backward()
    assert (a.grad, b.grad) == (0.0, 0.0)
    a.data = 1.0
    assert over.forward() == 0.0


# Second derivatives at kinks

SEVERAL = [row for row in GATES.values() if not row.variadic and len(row.names) > 1]


@pytest.mark.parametrize("row", SEVERAL, ids=lambda row: row.name)
def test_hessians_are_symmetric_at_kinks(row: Gate) -> None:
    for point in product([0.0, 0.1, 1.0, -2.0, 2.0], repeat=len(row.names)):
        try:
            matrix = hessian(row)(*point)
        except (ArithmeticError, ValueError):  # outside the domain
            continue
        for i, j in product(range(len(point)), repeat=2):
            assert matrix[i][j] == pytest.approx(matrix[j][i], rel=1e-14), point
        again = [[entry.data for entry in entries] for entries in hessian(row)(*map(Value, point))]
        assert again == matrix


@pytest.mark.parametrize(("name", "mixed"), [("leaky_relu", 1.0), ("elu", 0.0)])
def test_mixed_derivatives_at_a_kink_follow_its_convention(name: str, mixed: float) -> None:
    """leaky_relu′(0) = slope, whose derivative in slope is 1; elu′(0) = 1, whose derivative in alpha is 0."""
    assert hessian(GATES[name])(0.0, 0.3) == [[0.0, mixed], [mixed, 0.0]]
    assert jacobian(grad(GATES[name]))(0.0, 0.3) == [[0.0, mixed], [mixed, 0.0]]
