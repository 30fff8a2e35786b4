"""The energy of masses on a line between two walls, joined by springs that stiffen: its Hessian is tridiagonal."""

from itertools import pairwise
from typing import Any


def energy(x: list[Any]) -> Any:
    total = 0.0
    for a, b in pairwise([0.0, *x, 0.0]):
        stretch = b - a
        total = total + stretch**2 / 2 + stretch**4 / 4
    return total
