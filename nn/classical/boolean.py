"""Networks of perceptrons for any Boolean function and for any convex region."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any

from autograd.arguments import as_int, as_list, truncated_repr

from .networks import ThresholdNetwork
from .neurons import Number, Perceptron, as_exact_tuple, as_finite_exact
from .tables import TruthTable, as_boolean_table

__all__ = ["convex_region", "dnf_network", "k_map_groups", "one_hot_network", "universal_and", "universal_or"]


def universal_and(n: int, positive: int | None = None) -> Perceptron:
    """Return the AND of n inputs, of which those after the first `positive` are negated (default: none).

    The weights are +1 and −1. If L of N are positive, the sum ranges from L − N to L, and only one row reaches L.

    >>> universal_and(2, 1).truth_table().outputs
    (0, 0, 1, 0)
    """
    return _and(_signs(n, positive))


def universal_or(n: int, positive: int | None = None) -> Perceptron:
    """Return the OR of n inputs, of which those after the first `positive` are negated: it fires from L − N + 1 on.

    >>> universal_or(2, 1).truth_table().outputs
    (1, 0, 1, 1)
    """
    signs = _signs(n, positive)
    return Perceptron(signs, signs.count(-1) - 1)


def one_hot_network(outputs: TruthTable | Sequence[int]) -> ThresholdNetwork:
    """Return a network of 2ⁿ + 1 perceptrons for a Boolean function of n inputs, which suffices for every function.

    Each hidden perceptron fires at one row only: its weights are +1 where the row has a 1, else −1, and its threshold is the
    number of 1s. The output perceptron adds the hidden ones of the rows whose output is 1.

    >>> one_hot_network([0, 1, 1, 0])
    ThresholdNetwork of 2 inputs: 5 neurons in 2 layers
    layer 1  h1 fires if −x1 − x2 ≥ 0
             h2 fires if −x1 + x2 ≥ 1
             h3 fires if x1 − x2 ≥ 1
             h4 fires if x1 + x2 ≥ 2
    layer 2  f fires if h2 + h3 ≥ 0.5
    """
    table = as_boolean_table(outputs)
    hidden = {
        f"h{i}": (_and([1 if bit else -1 for bit in row]), table.names)
        for i, (row, _) in enumerate(table.rows, start=1)
    }
    return _network(table, hidden, Perceptron(table.outputs, -0.5))


def dnf_network(outputs: TruthTable | Sequence[int], groups: Sequence[str] | None = None) -> ThresholdNetwork:
    """Return the network of a Boolean function's disjunctive normal form: a perceptron per group, and the OR of them.

    A group has one character per input: "10-" is x1 AND NOT x2, for either x3. `groups` defaults to `k_map_groups`; a
    ValueError names the first row for which the groups do not give the function.

    >>> dnf_network([0, 0, 1, 1, 0, 0, 1, 0])
    ThresholdNetwork of 3 inputs: 3 neurons in 2 layers
    layer 1  h1 fires if x2 − x3 ≥ 1
             h2 fires if −x1 + x2 ≥ 1
    layer 2  f fires if h1 + h2 ≥ 1
    """
    table = as_boolean_table(outputs)
    n = len(table.names)
    groups = k_map_groups(table) if groups is None else as_list(groups, "groups")
    for group in groups:
        if not isinstance(group, str) or len(group) != n or set(group) - set("01-"):
            raise ValueError(f"a group must have {n} characters, one per input, each 0, 1 or -, got {group!r}")
    covered = {row for group in groups for row in _rows(group)}
    for i, (row, output) in enumerate(table.rows):
        if (i in covered) != output:
            kept = "in a group" if i in covered else "in no group"
            raise ValueError(f"the row {row} has the output {output}, but is {kept}")
    hidden = {}
    for i, group in enumerate(groups, start=1):
        literals = [(1 if bit == "1" else -1, name) for bit, name in zip(group, table.names) if bit != "-"]
        hidden[f"h{i}"] = _and([sign for sign, _ in literals]), [name for _, name in literals]
    return _network(table, hidden, Perceptron([1] * len(groups), -1))


def k_map_groups(outputs: TruthTable | Sequence[int]) -> list[str]:
    """Return groups that cover exactly the 1s of a Boolean function, like the groups of a Karnaugh map.

    They are prime implicants (Quine and McCluskey): no group can grow. Groups that are the only cover of a 1 come first,
    then repeatedly the group that covers most of the rest. The result is not always the shortest.

    >>> k_map_groups([1, 0, 1, 1])
    ['-0', '1-']
    """
    table = as_boolean_table(outputs)
    n = len(table.names)
    level = {format(i, f"0{n}b") for i, output in enumerate(table.outputs) if output}
    primes: list[str] = []
    while level:
        grown, used = set(), set()
        for group in level:
            for k, bit in enumerate(group):
                other = f"{group[:k]}1{group[k + 1 :]}"
                if bit == "0" and other in level:
                    grown.add(f"{group[:k]}-{group[k + 1 :]}")
                    used |= {group, other}
        primes += level - used
        level = grown
    covers = {group: set(_rows(group)) for group in sorted(primes)}
    left = {i for i, output in enumerate(table.outputs) if output}
    holders: dict[int, list[str]] = {i: [] for i in left}
    for group, rows in covers.items():
        for i in rows:
            holders[i].append(group)
    chosen = sorted({holder[0] for holder in holders.values() if len(holder) == 1})
    left -= {i for group in chosen for i in covers[group]}
    while left:
        chosen.append(max(covers, key=lambda group: len(covers[group] & left)))
        left -= covers[chosen[-1]]
    return chosen


def convex_region(corners: Sequence[Sequence[Number]]) -> ThresholdNetwork:
    """Return the network that fires in a convex polygon, its edge included: a perceptron per side, and the AND of them.

    `corners` are points (x, y) in order, in either direction; with int coordinates the weights are exact.

    >>> square = convex_region([(-1, -1), (1, -1), (1, 1), (-1, 1)])
    >>> square(0, 0), square(1, 1), square(1.5, 0), square(2, 2)
    (1, 1, 0, 0)
    """
    given = as_list(corners, "corners")
    points = [tuple(as_finite_exact(v, "a coordinate") for v in as_exact_tuple(corner, "a corner")) for corner in given]
    if len(points) < 3 or any(len(point) != 2 for point in points):
        raise ValueError(f"corners must be three points (x, y) or more, got {truncated_repr(given)}")
    if sum(_turn(points[0], p, q) for p, q in pairwise(points)) < 0:
        points.reverse()
    sides = {}
    for i, (start, end) in enumerate(zip(points, [*points[1:], points[0]]), start=1):
        turns = [_turn(start, end, corner) for corner in points]
        if min(turns) < 0 or max(turns) == 0:
            raise ValueError(f"the polygon is not convex: not all corners lie on one side of {start} to {end}")
        (x, y), (u, v) = start, end
        # w·x + b is _turn(start, end, x)
        sides[f"side{i}"] = Perceptron([y - v, u - x], (v - y) * x - (u - x) * y), ["x", "y"]
    return ThresholdNetwork(["x", "y"], {**sides, "inside": (_and([1] * len(sides)), list(sides))})


def _turn(p: Sequence[Number], q: Sequence[Number], r: Sequence[Number]) -> Fraction:
    """Return the cross product of q − p and r − p: positive if the path from p over q to r turns left."""
    (x, y), (u, v), (s, t) = ([Fraction(c) for c in point] for point in (p, q, r))
    return (u - x) * (t - y) - (v - y) * (s - x)


def _and(signs: Sequence[int]) -> Perceptron:
    return Perceptron(signs, -signs.count(1))


def _signs(n: int, positive: int | None) -> list[int]:
    n = as_int(n, "n, the number of inputs,")
    positive = n if positive is None else as_int(positive, "positive, the number of inputs that are not negated,", 0)
    if positive > n:
        raise ValueError(f"positive must be at most n, the number of inputs, got {positive} of {n}")
    return [1] * positive + [-1] * (n - positive)


def _rows(group: str) -> list[int]:
    """Return the indices, in counting order, of the rows that a group covers."""
    rows = [0]
    for bit in group:
        rows = [2 * row + int(b) for row in rows for b in ("01" if bit == "-" else bit)]
    return rows


def _network(table: TruthTable, hidden: dict[str, Any], output: Perceptron) -> ThresholdNetwork:
    taken = sorted({*hidden, "f"} & {*table.names})
    if taken:
        raise ValueError(f"names of inputs must differ from those of neurons, got {taken[0]!r} for both")
    return ThresholdNetwork(table.names, {**hidden, "f": (output, list(hidden))})
