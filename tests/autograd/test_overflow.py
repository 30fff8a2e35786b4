"""Guards the ends of the floats: operators and gates do there as Python's floats do, on Values as on numbers.

What is beyond the floats is inf where Python's operator says so, and an OverflowError where its function does. The suite
runs under each engine, so what both are compared with here, plain floats, they have in common.
"""

from __future__ import annotations

import itertools
import math
import operator
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pytest

import autograd
from autograd import GATES, Gate, Value
from autograd.functions import FLOATS

LARGEST, LEAST_NORMAL, LEAST = sys.float_info.max, sys.float_info.min, 5e-324
ENDS = [
    0.0, -0.0, 1.0, -1.0, 0.5, -2.0, 3.0, LARGEST, -LARGEST, 1e308, 1e200, -1e200, 1e-200, LEAST_NORMAL, -LEAST_NORMAL,
    LEAST, -LEAST, 1e-310, 709.0, 710.0, -745.0, -746.0, 37.0, -40.0, 1e16, math.inf, -math.inf, math.nan,
]  # fmt: skip
OPERATORS: list[Callable[[Any, Any], Any]] = [
    operator.add, operator.sub, operator.mul, operator.truediv, operator.pow, operator.lt, operator.ge,
]  # fmt: skip
UNARY: list[Callable[[Any], Any]] = [operator.neg, operator.pos, operator.abs]
BUILT_IN = tuple(GATES.values())


def outcome(compute: Callable[..., Any], *inputs: Any) -> str:
    """Return the bits of a number, or the error."""
    try:
        result = compute(*inputs)
    except (ArithmeticError, ValueError) as error:
        return f"{type(error).__name__}: {error}"
    result = result.data if isinstance(result, Value) else result
    return "ValueError: complex" if isinstance(result, complex) else float(result).hex()


def kind(outcome: str) -> str:
    return outcome.partition(":")[0]


@pytest.mark.parametrize("operate", OPERATORS)
def test_operators_do_as_pythons_do(operate: Callable[[Any, Any], Any]) -> None:
    for a, b in itertools.product(ENDS, ENDS):
        expected = kind(outcome(operate, a, b))
        zero_and_value = operate is operator.add and a == 0.0  # 0 + v is v, sign and all
        assert kind(outcome(operate, Value(a), Value(b))) == expected, (a, b)
        assert kind(outcome(operate, Value(a), b)) == expected, (a, b)
        assert kind(outcome(operate, a, Value(b))) == (b.hex() if zero_and_value else expected), (a, b)


@pytest.mark.parametrize("operate", UNARY)
def test_operators_of_one_number_do_as_pythons_do(operate: Callable[[Any], Any]) -> None:
    for x in ENDS:
        assert outcome(operate, Value(x)) == outcome(operate, x)


def points(gate: Gate) -> Iterator[Sequence[float]]:
    """Yield inputs of a gate: every pair of ends, and 1.0 for what is beyond two."""
    n = 2 if gate.variadic else len(gate.names)
    for ends in itertools.product(ENDS, repeat=min(n, 2)):
        yield [*ends, *[1.0] * (n - len(ends))]


@pytest.mark.parametrize("gate", BUILT_IN, ids=lambda gate: gate.name)
def test_a_gate_of_values_does_as_of_numbers(gate: Gate) -> None:
    for xs in points(gate):
        assert outcome(gate.apply, [*map(Value, xs)]) == outcome(gate.apply, xs), xs


@pytest.mark.parametrize("gate", BUILT_IN, ids=lambda gate: gate.name)
def test_a_backward_pass_does_as_the_rules_do_on_numbers(gate: Gate) -> None:
    """What the rule refuses, the pass refuses too, naming the gate; no gradient has changed then."""
    for xs in points(gate):
        values = [*map(Value, xs)]
        try:
            y = gate.apply(values)
        except (ArithmeticError, ValueError):
            continue
        try:
            slopes = gate.local_gradients(FLOATS, y.data, xs)
            if all(map(math.isfinite, xs)) and not all(math.isfinite(slope or 0.0) for slope in slopes):
                raise OverflowError("a slope of finite inputs is beyond the floats")
        except (ArithmeticError, ValueError) as error:
            with pytest.raises(type(error), match=f"backward through {gate.name} "):
                y.backward()
            assert [v.grad for v in values] == [0.0] * len(values)
            continue
        y.backward()
        expected = [0.0 if slope is None else 0.0 + slope for slope in slopes]
        assert [v.grad.hex() for v in values] == [x.hex() for x in expected], xs


@pytest.mark.parametrize(
    ("compute", "error", "words"),
    [
        (lambda v: v**2, OverflowError, r"pow: .*x = 1e\+200"),
        (lambda v: autograd.exp(v), OverflowError, r"exp: .*x = 1e\+200"),
        (lambda v: 1 / (v - v), ZeroDivisionError, r"reciprocal: .*x = 0\.0"),
        (lambda v: np.exp(v), OverflowError, r"exp: .*x = 1e\+200"),
        (lambda v: np.power(v, 2.0), OverflowError, r"pow: .*x = 1e\+200"),
    ],
)
def test_functions_raise_beyond_the_floats(compute: Callable[[Any], Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        compute(Value(1e200))


def test_products_and_sums_are_infinite_beyond_the_floats() -> None:
    v = Value(1e200)
    for y in (v * v, v * 1e200, autograd.dot([v], [v]), autograd.sum([v * 1e108, v * 1e108]), np.float64(1e200) * v):
        assert y.data == math.inf
    y = v * v
    y.backward()
    assert v.grad == 2e200


def test_gradients_add_up_beyond_the_floats() -> None:
    v = Value(1.0)
    y = v * 1e308 + v * 1e308
    y.backward()
    assert (y.data, v.grad) == (math.inf, math.inf)


def test_a_denormal_is_a_number() -> None:
    v = Value(LEAST)
    assert (v * 0.5).data == 0.0
    assert (v + v).data == 2 * LEAST
    assert (1 / v).data == math.inf
    assert (v * 2 / v).data == 2.0


def test_an_int_beyond_the_floats_is_refused_wherever_a_number_is_taken() -> None:
    v = Value(1.0)
    takers: list[Callable[[Any], Any]] = [
        Value,
        lambda x: v * x,
        lambda x: x - v,
        lambda x: v > x,
        lambda x: setattr(v, "data", x),
        lambda x: v.backward(x),
        lambda x: autograd.maximum(v, x),
        lambda x: autograd.adjoints(v * 2, x),
        autograd.exp,
    ]
    for take in takers:
        with pytest.raises(OverflowError, match=r"beyond its range \(about 1\.8e308\)"):
            take(10**400)
    assert (v.data, v.grad) == (1.0, 0.0)
