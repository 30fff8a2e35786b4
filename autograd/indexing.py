"""Picking by a whole number that is known at run time: rows of a table, and the one-hot row that does it."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from itertools import pairwise
from math import nan
from typing import Any

from .arguments import as_list, describe, entries_of, list_or_none
from .context import declare_index
from .gates import abs, dot, exceeds, sum as add, where
from .value import Value

__all__ = ["as_index", "hits", "take"]

_FAR = 2.0**53  # beyond every place, so that the first and the last hit are computed as the others are


def take(table: Sequence[Any], i: Any) -> Any:
    """Return table[i], a row or a number, for a whole number i in 0 … n − 1 that may be an input of a compiled program.

    A plain i, also a float such as 2.0, picks the row itself. For a Value i the product Σₖ [i = k]·table[k] with a one-hot
    row is recorded, for every column; compiled, such rows are matrix products. No gradient passes to i. A Value that is
    no whole number in the range is a ValueError, or while its number is not known (tracing, replay) gives nan.

    >>> from autograd import compile
    >>> table = [[Value(0.0), Value(1.0)], [Value(2.0), Value(3.0)]]
    >>> [entry.data for entry in take(table, 1)]
    [2.0, 3.0]
    >>> program = compile(lambda i: take(table, i[0]), [v for row in table for v in row], i=1, gradient=False)
    >>> program([[1], [0]]).tolist()
    [[2.0, 3.0], [0.0, 1.0]]
    """
    rows = entries_of(table, "take: table")
    if not isinstance(i, Value):
        return rows[as_index(i, "take: i", len(rows))]
    chosen = hits(i, len(rows), "take: i")
    if list_or_none(rows[0]) is None:
        return dot(chosen, list(rows))
    listed = [as_list(row, f"take: table[{k}]") for k, row in enumerate(rows)]
    for k, row in enumerate(listed):
        if len(row) != len(listed[0]):
            raise ValueError(f"take: table[{k}] must have {len(listed[0])} entries, as table[0] has, got {len(row)}")
    return [dot(chosen, list(column)) for column in zip(*listed)]


def hits(i: Value, n: int, what: str = "i") -> list[Value]:
    """Return the one-hot row of a Value i: 1 at place i of n, and 0 elsewhere; nan everywhere if i is not a place from 0 to n − 1.

    >>> [hit.data for hit in hits(Value(1.0), 3)]
    [0.0, 1.0, 0.0]
    """
    if not declare_index(i, n):
        as_index(i.data, what, n)
    reached = [exceeds(i, edge) for edge in (-_FAR, *(k - 0.5 for k in range(1, n)), _FAR)]
    whole = where(abs(i - add(reached[1:])), nan, 0.0)
    return [a - b + whole for a, b in pairwise(reached)]


def as_index(i: Any, what: str, n: int) -> int:
    """Return a whole number in 0 … n − 1, given as an int or as a float, as an int.

    >>> as_index(2.0, "i", 3)
    2
    """
    try:
        index = int(i) if isinstance(i, float) and i.is_integer() else operator.index(i)
    except TypeError:
        index = -1
    if not 0 <= index < n:
        raise ValueError(f"{what} must be a whole number from 0 to {n - 1}, got {describe(i)}")
    return index
