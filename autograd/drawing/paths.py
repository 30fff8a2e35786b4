"""Every path from a node to the root, with the product of its local gradients: they add up to the gradient."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..arguments import truncated_repr
from ..backward import adjoints
from ..value import Value
from .flow import Flow, local_gradients
from .report import Section
from .walk import numeric_gradients

__all__ = ["paths"]

MOST = 20  # paths that are written out: there may be 2^60
LONGEST = 200_000  # nodes of all these together
ENDS = 6  # nodes at either end of a long path

Steps = dict[Value, list[tuple[Value, float]]]  # from a node to each gate that uses it, and the local gradient there


def paths(flow: Flow, wrt: Value, names: Mapping[Value, str], digits: int, numeric: bool) -> list[Section]:
    """Return the section on the paths from `wrt` to the root.

    The sum over all of them is found by going forward, each node's being the sum over its inputs of theirs times the
    local gradient, and stands beside the gradient that the backward pass finds.
    """
    if not isinstance(wrt, Value):
        raise TypeError(f"wrt is a node of the graph, a Value, not {truncated_repr(wrt)}")
    if wrt not in names:
        raise ValueError(f"wrt={wrt!r} is not in the graph of the root: give one of its nodes")
    if wrt.role == "constant":
        raise ValueError(f"wrt={wrt!r} is a constant, and nothing is differentiated with respect to one")
    root = flow.root
    steps, count, sums = _forward(flow, wrt)
    title = f"every path from {names[wrt]} to {names[root]}: the product of the local gradients on it"
    if not count.get(root):
        return [Section(title, [f"there is none: {names[root]} does not depend on {names[wrt]}, so the gradient is 0"])]
    most = min(MOST, max(1, LONGEST // len(flow.order)))
    listed, table = 0.0, [("", "path", "product", "")]
    for i, path in zip(range(most), _walk(steps, count, wrt, root), strict=False):
        product = 1.0
        for _, slope in path:
            product *= slope
        listed += product
        nodes = _cut([names[wrt], *(names[node] for node, _ in path)])
        factors = _cut([_factor(slope, digits) for _, slope in path])
        table.append((str(i + 1), " → ".join(nodes), " · ".join(factors) or "1", f"= {product:.{digits}g}"))
    total, gradient = sums[root], f"d{names[root]}/d{names[wrt]}"
    after = []
    if count[root] > most:
        after.append(f"… {count[root] - most:,} more paths, together {total - listed:.{digits}g}")
    number = f"sum of the {count[root]:,} paths" if count[root] > 1 else "the one path"
    after.append(f"{number}: {total:.12g}")
    if not flow.stale:
        after.append(f"{gradient} by the backward pass: {adjoints(root)[wrt]:.12g}")
        found = numeric_gradients(flow, [wrt]) if numeric else None
        if found:
            after.append(f"{gradient} by finite differences: {found[0]}")
    return [Section(title, table=[*table], after=after)]


def _forward(flow: Flow, wrt: Value) -> tuple[Steps, dict[Value, int], dict[Value, float]]:
    """Return the steps, and for each node how many paths lead to it from `wrt` and the sum of their products."""
    steps: Steps = {}
    count, sums = {wrt: 1}, {wrt: 1.0}
    for node in flow.order:
        if node is wrt or not any(input in count for input in node.inputs):
            continue
        for input, slope in zip(node.inputs, local_gradients(node), strict=True):
            if input in count and slope is not None:
                steps.setdefault(input, []).append((node, slope))
                count[node] = count.get(node, 0) + count[input]
                sums[node] = sums.get(node, 0.0) + sums[input] * slope
    return steps, count, sums


def _walk(steps: Steps, count: Mapping[Value, int], wrt: Value, root: Value) -> Iterator[list[tuple[Value, float]]]:
    """Yield the paths one by one, each as its gates with the local gradient of the step to it; no step is in vain."""
    ahead = {root}
    for node in reversed([*count]):  # in topological order, as the forward pass met them
        if any(gate in ahead for gate, _ in steps.get(node, ())):
            ahead.add(node)
    path: list[tuple[Value, float]] = []
    stack = [iter([(wrt, 1.0)])]
    while stack:
        step = next(stack[-1], None)
        if step is None:
            stack.pop()
            if path:
                path.pop()
            continue
        node = step[0]
        path.append(step)
        if node is root:
            yield path[1:]
            path.pop()
        else:
            stack.append(iter([onward for onward in steps.get(node, ()) if onward[0] in ahead]))


def _factor(slope: float, digits: int) -> str:
    return f"{slope:.{digits}g}" if slope >= 0 else f"({slope:.{digits}g})"


def _cut(parts: list[str]) -> list[str]:
    skipped = len(parts) - 2 * ENDS
    return parts if skipped <= 1 else [*parts[:ENDS], f"… {skipped:,} more …", *parts[-ENDS:]]
