"""List the paths from a node to the root, with their products of local gradients; the sum is the gradient."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..arguments import truncated_repr
from ..backward import adjoints
from ..value import Value
from .flow import Flow, local_gradients
from .passes import numeric_gradients
from .report import Section

__all__ = ["paths"]

MOST = 20  # paths that are written out; a graph may have 2^60
LONGEST = 200_000  # total nodes of the paths that are written out
ENDS = 6  # nodes shown at each end of a long path

Steps = dict[Value, list[tuple[Value, float]]]  # maps a node to its (gate, local gradient) uses


def paths(flow: Flow, wrt: Value, names: Mapping[Value, str], digits: int, numeric: bool) -> list[Section]:
    """Return the section on the paths from `wrt` to the root.

    The sum over all paths is computed in forward mode: a node's sum is that of its inputs, weighted by the local
    gradients. The section compares it with the gradient of the backward pass.
    """
    if not isinstance(wrt, Value):
        raise TypeError(f"wrt must be a Value, got {truncated_repr(wrt)}: give a node of the graph")
    if wrt not in names:
        raise ValueError(f"wrt must be a node of the graph, got {wrt!r}, which is not in the graph of the root")
    if wrt.role == "constant":
        raise ValueError(f"wrt must not be a constant, got {wrt!r}: write Value(data) for an input")
    root = flow.root
    steps, count, sums = _forward(flow, wrt)
    title = f"every path from {names[wrt]} to {names[root]}: the product of the local gradients on it"
    if not count.get(root):
        return [Section(title, [f"no path: {names[root]} does not depend on {names[wrt]}, so the gradient is 0"])]
    most = min(MOST, max(1, LONGEST // len(flow.order)))
    listed, table = 0.0, [("", "path", "product", "")]
    for i, path in zip(range(most), _walk(steps, count, wrt, root), strict=False):
        product = 1.0
        for _, slope in path:
            product *= slope
        listed += product
        nodes = _shorten([names[wrt], *(names[node] for node, _ in path)])
        factors = _shorten([_factor(slope, digits) for _, slope in path])
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
    """Return the steps, and for each node the number of paths from `wrt` and the sum of their products."""
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
    """Yield each path as a list of (gate, local gradient); only nodes that lead to the root are visited."""
    leads_to_root = {root}
    for node in reversed([*count]):  # in topological order, as the forward pass met them
        if any(gate in leads_to_root for gate, _ in steps.get(node, ())):
            leads_to_root.add(node)
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
            stack.append(iter([onward for onward in steps.get(node, ()) if onward[0] in leads_to_root]))


def _factor(slope: float, digits: int) -> str:
    return f"{slope:.{digits}g}" if slope >= 0 else f"({slope:.{digits}g})"


def _shorten(parts: list[str]) -> list[str]:
    skipped = len(parts) - 2 * ENDS
    return parts if skipped <= 1 else [*parts[:ENDS], f"… {skipped:,} more …", *parts[-ENDS:]]
