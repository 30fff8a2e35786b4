"""nan in, nan out: no gate turns a nan into an answer, but those that C's own functions answer."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import pytest

from autograd import GATES, Gate, Value

from ..oracle import RULES, partial

# By gate and place of the nan: the inputs for which the output does not depend on it.
EXCEPTIONS: dict[tuple[str, int], Callable[..., bool]] = {
    ("pow", 0): lambda x, y: y == 0,
    ("pow", 1): lambda x, y: x == 1,
    ("where", 1): lambda c, a, b: not c > 0,  # the side that is not taken
    ("where", 2): lambda c, a, b: c > 0,
    ("hypot", 0): lambda x, y: math.isinf(y),
    ("hypot", 1): lambda x, y: math.isinf(x),
}


def with_a_nan(gate: Gate) -> Iterator[tuple[list[float], bool]]:
    """Yield inputs of which one is nan, and whether the output depends on it."""
    for n in (1, 2, 3) if gate.variadic else (len(gate.names),):
        for place in range(n):
            for others in product([1.0, 0.0, -1.0, 2.5, math.inf], repeat=n - 1):
                inputs = [*others[:place], math.nan, *others[place:]]
                ignored = EXCEPTIONS.get((gate.name, place))
                yield inputs, ignored is None or not ignored(*inputs)


def attempt(action: Callable[..., Any], *inputs: Any) -> Any:
    """Return a number, or the type of the error that is raised instead."""
    try:
        return action(*inputs)
    except (ArithmeticError, ValueError) as error:
        return type(error)


@pytest.mark.parametrize("name", GATES)
def test_nan_in_nan_out(name: str) -> None:
    """gate(…, nan, …) = nan, but pow(nan, 0) = pow(1, nan) = 1, hypot(∞, nan) = ∞ and the side that is not taken."""
    gate = GATES[name]
    for inputs, depends in with_a_nan(gate):
        for out in attempt(gate.apply, inputs), attempt(lambda xs: gate.apply([*map(Value, xs)]).data, inputs):
            assert isinstance(out, type) or math.isnan(out) == depends, (inputs, out)


@pytest.mark.parametrize("name", GATES)
def test_partial_derivatives_at_nan_are_nan(name: str) -> None:
    """∂gate/∂x at nan is nan where it depends on the nan: by the rules that are written by hand."""
    gate = GATES[name]

    def slope(inputs: list[float], i: int) -> float:
        leaves = [Value(x, role="input" if j == i else "constant") for j, x in enumerate(inputs)]
        gate.apply(leaves).backward()
        return leaves[i].grad

    for inputs, depends in with_a_nan(gate):
        for i in range(len(inputs) if depends and name in RULES else 0):
            found, value = attempt(slope, inputs, i), attempt(gate.apply, inputs)
            right = value if isinstance(value, type) else attempt(partial, gate, i, inputs)  # no value, no slope
            right = 0.0 if right is None else right  # no gradient
            assert found == right or (found != found and right != right), (inputs, i, found, right)
