"""Rosenbrock's valley in n dimensions, whose Hessian is tridiagonal; least, 0, at ones."""

from itertools import pairwise
from typing import Any


def valley(x: list[Any]) -> Any:
    total = 0.0
    for a, b in pairwise(x):
        total = total + 100 * (b - a * a) ** 2 + (1 - a) ** 2
    return total
