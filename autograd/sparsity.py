"""Sparse matrices of derivatives: their pattern, read off a graph, and colours by which few products give all entries.

Where no two rows of a group have an entry in the same column, one product with the sum of these rows gives the entries of
each (A. R. Curtis, M. J. D. Powell and J. K. Reid, On the estimation of sparse Jacobian matrices, 1974).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import Any

from .gate import Gate
from .node import N

__all__ = ["as_sparse", "colours", "dependencies", "scipy_sparse", "transposed"]

NOTHING: frozenset[int] = frozenset()


def dependencies(gates: Sequence[N], inputs: Sequence[N], outputs: Sequence[N]) -> list[list[int]]:
    """Return for each output the positions of the inputs that it depends on, of gates in topological order.

    An input that a gate passes no gradient to, such as the condition of `where`, does not count.
    """
    found = {x: frozenset([i]) for i, x in enumerate(inputs)}
    last: dict[N, N | None] = {x: node for node in gates for x in node.inputs}  # a set is dropped after its last use
    last.update(dict.fromkeys([*inputs, *outputs]))
    for node in gates:
        gate, operands = node._origin, node.inputs
        assert isinstance(gate, Gate)
        passed: Sequence[N] = operands
        if None in gate.local:
            passed = [x for x, rule in zip(operands, gate.local * len(operands)) if rule is not None]
        union = NOTHING
        for x in passed:
            more = found.get(x, NOTHING)
            if union <= more:  # so equal sets are one
                union = more
            elif not more <= union:
                union = union | more
        found[node] = union
        for x in operands:
            if last[x] is node:
                found.pop(x, None)
    return [sorted(found.get(y, NOTHING)) for y in outputs]


def transposed(lines: Sequence[Sequence[int]], width: int) -> list[list[int]]:
    """Return the columns of a pattern that is given by rows.

    >>> transposed([[0, 2], [2]], 3)
    [[0], [], [0, 1]]
    """
    columns: list[list[int]] = [[] for _ in range(width)]
    for i, line in enumerate(lines):
        for j in line:
            columns[j].append(i)
    return columns


def colours(lines: Sequence[Sequence[int]], width: int) -> list[int]:
    """Return a colour for each line, the least that no line has which shares a position with it.

    >>> colours([[0, 1], [1, 2], [2, 3]], 4)
    [0, 1, 0]
    """
    used: list[set[int]] = [set() for _ in range(width)]
    found = []
    for line in lines:
        taken = set().union(*[used[j] for j in line])
        found.append(next(colour for colour in count() if colour not in taken))
        for j in line:
            used[j].add(found[-1])
    return found


def scipy_sparse() -> Any:
    """Return scipy.sparse, or say how to install it."""
    try:
        from scipy import sparse
    except ImportError:
        raise ImportError('sparse=True needs SciPy: pip install "gatewise[scipy]", or leave it out') from None
    return sparse


def as_sparse(rows: Sequence[Sequence[int]], data: Sequence[float], width: int) -> Any:
    """Return a COO array from the columns of the entries in each row, and the entries in that order."""
    places = [i for i, row in enumerate(rows) for _ in row], [j for row in rows for j in row]
    return scipy_sparse().coo_array((data, places), shape=(len(rows), width), dtype=float)
