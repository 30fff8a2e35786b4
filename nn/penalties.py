"""Penalties of parameters, added once to a cost: l1 and l2, the lectures' regularisation losses."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from autograd import abs as absolute, dot, sum as add
from autograd.arguments import as_finite, as_list

__all__ = ["l1", "l2"]


def l1(parameters: Iterable[Any], strength: float) -> Any:
    """Return strength·Σ |w|, whose gradient strength·sign(w) draws every parameter to 0 with the same force.

    >>> l1([3.0, -4.0], 0.5)
    3.5
    """
    entries = as_list(parameters, "l1: parameters")
    return as_finite(strength, "l1: strength", 0) * add([absolute(w) for w in entries])


def l2(parameters: Iterable[Any], strength: float) -> Any:
    """Return strength·Σ w², whose gradient is 2·strength·w.

    >>> l2([3.0, -4.0], 0.5)
    12.5
    """
    entries = as_list(parameters, "l2: parameters")
    return as_finite(strength, "l2: strength", 0) * dot(entries, entries)
