"""A graph as DOT text, the lectures' figure: values on the edges going forward, gradients under them coming back."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from ..value import Value
from .flow import Flow, local_gradients, shown
from .names import caller_names, node_names

if TYPE_CHECKING:
    import graphviz

__all__ = ["dot_text", "to_dot"]

LEAF_STYLE = {
    "input": {"shape": "box", "style": "rounded"},
    "parameter": {"shape": "box", "style": "filled", "fillcolor": "#dde8f3"},
    "constant": {"shape": "plaintext", "fontcolor": "#777777"},
}
GRADIENT = "#b3311d"


def to_dot(root: Value, *, digits: int = 2, names: bool = True) -> str:
    """Return the whole graph as DOT text, whatever its size; the same graph gives the same text.

    Boxes are leaves, circles gates; each edge carries the value that flows along it and, once `root.backward()` has
    run, the gradient that flows back. Unlabelled nodes take the names of the caller's variables, unless names=False.

    >>> x = Value(2.0, "x")
    >>> print(to_dot(x * x))  # doctest: +ELLIPSIS
    digraph {
    ...
    """
    known = caller_names(sys._getframe(1)) if names else {}
    return dot_text(root, known, digits=digits)


def dot_text(root: Value, known: dict[int, str], *, digits: int, limit: int | None = None) -> str:
    """Return DOT text with the names that the caller knows, of the `limit` nodes nearest to the root."""
    import graphviz

    flow = Flow.of(root)
    kept = flow.order if limit is None or len(flow.order) <= limit else _nearest(flow.order, limit)
    names = node_names(kept, known)
    places = {node: f"n{i}" for i, node in enumerate(kept)}
    graph = graphviz.Digraph(
        graph_attr={"rankdir": "LR", "fontname": "sans-serif"},
        node_attr={"fontname": "sans-serif", "fontsize": "12"},
        edge_attr={"fontname": "sans-serif", "fontsize": "10"},
    )
    notes = ["stale: a leaf has changed since; forward() replays the graph"] if flow.stale else []
    if len(kept) < len(flow.order):
        notes.append(f"the {len(kept):,} nodes nearest to the root, of {len(flow.order):,}")
    if notes:
        graph.attr(label="; ".join(notes))
    for node in kept:
        _node(graph, flow, node, places[node], names[node], digits)
    for node in kept:
        _edges(graph, flow, node, places, digits)
    if root.inputs:
        graph.node("root", _text(names[root] or "output", None), shape="plaintext")
        graph.edge(places[root], "root", _flow_label(root.data, flow.gradient(root), digits))
    return str(graph.source)


def _node(graph: graphviz.Digraph, flow: Flow, node: Value, place: str, name: str | None, digits: int) -> None:
    if node.gate is not None:
        graph.node(
            place, _text(node.gate.symbol, name if node is not flow.root else None), shape="circle", margin="0.03"
        )
        return
    assert node.role is not None
    gradient = flow.gradient(node)
    if node.role == "constant":
        second = None
    elif gradient is None:
        second = "grad not computed"
    else:
        second = f"grad {shown(gradient, digits)}"
    data = shown(node.data, digits)
    graph.node(place, _text(f"{name} = {data}" if name else data, second), **LEAF_STYLE[node.role])


def _edges(graph: graphviz.Digraph, flow: Flow, node: Value, places: dict[Value, str], digits: int) -> None:
    if node.gate is None:
        return
    slopes = local_gradients(node) if flow.upstream is not None else [None] * len(node.inputs)
    for input, slope in zip(node.inputs, slopes, strict=True):
        if input not in places:
            continue
        downstream = None if slope is None or flow.upstream is None else flow.upstream[node] * slope
        graph.edge(places[input], places[node], _flow_label(input.data, downstream, digits))


def _nearest(order: Sequence[Value], limit: int) -> list[Value]:
    """Return the nodes that the fewest gates separate from the root, still in topological order."""
    distance = {order[-1]: 0}
    for node in reversed(order):
        for input in node.inputs:
            distance[input] = min(distance.get(input, len(order)), distance[node] + 1)
    near = set(sorted(order, key=distance.__getitem__)[:limit])
    return [node for node in order if node in near]


def _flow_label(data: float, gradient: float | None, digits: int) -> str:
    back = "" if gradient is None else f'<br/><font color="{GRADIENT}">{shown(gradient, digits)}</font>'
    return f"<{shown(data, digits)}{back}>"


def _text(first: str, second: str | None) -> str:
    """Return an HTML-like label of one or two lines that shows any text as it was typed."""
    lines = [_typed(first), *([f'<font point-size="10">{_typed(second)}</font>'] if second else [])]
    return f"<{'<br/>'.join(lines)}>"


def _typed(text: str) -> str:
    visible = "".join(c if c.isprintable() or c == "\n" else "�" for c in text)
    # Graphviz reads backslashes twice, the second time behind the entities of an HTML-like label.
    return "<br/>".join(escape(line, quote=False).replace("\\", "&#92;" * 2) for line in visible.split("\n"))
