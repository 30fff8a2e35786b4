"""Penalties of parameters, added once to a cost: l1 and l2, the lectures' regularisation losses."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from autograd import abs as absolute, dot, sum as add

__all__ = ["l1", "l2"]


def l1(parameters: Iterable[Any], strength: float) -> Any:
    """Return strength·Σ |w|, whose gradient strength·sign(w) draws every parameter to 0 with the same force.

    >>> l1([3.0, -4.0], 0.5)
    3.5
    """
    return _strength("l1", strength) * add([absolute(w) for w in parameters])


def l2(parameters: Iterable[Any], strength: float) -> Any:
    """Return strength·Σ w², whose gradient is 2·strength·w.

    >>> l2([3.0, -4.0], 0.5)
    12.5
    """
    entries = list(parameters)
    return _strength("l2", strength) * dot(entries, entries)


def _strength(penalty: str, strength: float) -> float:
    if not 0 <= strength < float("inf"):
        raise ValueError(f"{penalty}: strength is a finite number of at least 0, not {strength!r}")
    return strength
