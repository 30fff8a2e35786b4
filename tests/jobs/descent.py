"""Gradient descent whose step grows and shrinks, for objectives that hold a minimisation themselves (Pearlmutter, Siskind)."""

from collections.abc import Callable
from math import hypot
from typing import Any

from autograd import Value, value_and_grad

Vector = list[Any]


def number(x: Any) -> float:
    return x.data if isinstance(x, Value) else x


def minimise(f: Callable[[Vector], Any], x: Vector) -> Vector:
    """Return where f is least: a step that lowers f is taken, else halved; after ten taken steps it doubles."""
    rate, taken = 1e-5, 0
    value, slope = value_and_grad(f)(x)
    while hypot(*map(number, slope)) > 1e-5:
        if taken == 10:
            rate, taken = 2 * rate, 0
        nearer = [a - rate * s for a, s in zip(x, slope, strict=True)]
        if hypot(*(number(a) - number(b) for a, b in zip(nearer, x, strict=True))) <= 1e-5:
            break
        found, its_slope = value_and_grad(f)(nearer)
        if number(found) < number(value):
            x, value, slope, taken = nearer, found, its_slope, taken + 1
        else:
            rate, taken = rate / 2, 0
    return x
