"""Hubs: nodes whose uses are far apart. A picture repeats them beside their uses, to avoid long edges."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["REACH", "USES", "hubs", "spine"]

USES = 12  # a node with fewer uses is drawn once, so that its edges show the sum of gradients
REACH = 500  # total columns that edges may cross: Graphviz takes a second for 500, a minute for 10,000


def hubs(count: int, edges: Sequence[tuple[int, int]]) -> dict[int, list[list[int]]]:
    """Map each hub to the indices of its edges, grouped by the column of their heads, from left to right.

    The nodes are 0 to count − 1, and the edges are in the order of their heads. The hub is drawn beside its first group,
    and a copy beside each other group. A node is a hub if it has 12 or more uses, not all in one column. If the edges of
    the other nodes are too long in total to lay out, those with the longest edges are hubs too.

    >>> hubs(14, [(tail, head) for head in range(1, 14) for tail in (head - 1, 0)])[0][:3]
    [[0, 1], [3], [5]]
    """
    columns = _columns(count, edges)
    groups: dict[int, dict[int, list[int]]] = {}
    reach = [0] * count
    for i, (tail, head) in enumerate(edges):
        groups.setdefault(tail, {}).setdefault(columns[head], []).append(i)
        reach[tail] += max(columns[head] - columns[tail] - 1, 0)
    apart = [node for node in groups if len(groups[node]) > 1]
    found = {node for node in apart if sum(map(len, groups[node].values())) >= USES}
    left = sum(reach) - sum(reach[node] for node in found)
    for node in sorted(apart, key=reach.__getitem__, reverse=True):
        if left > REACH and node not in found:
            found.add(node)
            left -= reach[node]
    return {node: [own for _, own in sorted(groups[node].items())] for node in apart if node in found}


def spine(count: int, edges: Sequence[tuple[int, int]]) -> set[int]:
    """Return for each node its incoming edge on the longest path; these edges should be drawn straight."""
    depth = [0] * count
    deepest: dict[int, int] = {}
    for i, (tail, head) in enumerate(edges):
        if head not in deepest or depth[tail] > depth[edges[deepest[head]][0]]:
            deepest[head] = i
        depth[head] = max(depth[head], depth[tail] + 1)
    return {*deepest.values()}


def _columns(count: int, edges: Sequence[tuple[int, int]]) -> list[int]:
    """Return the column of each node, as far right as its uses allow; the last is 0. Backward edges are ignored."""
    columns = [0] * count
    for tail, head in reversed(edges):
        if tail < head:
            columns[tail] = min(columns[tail], columns[head] - 1)
    return columns
