"""`explore`: an interactive page that steps through an expression, gate by gate, forward and backward."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from ..names import caller_names, complete_names
from ..value import Value
from .flow import Flow, check_digits, sign
from .hubs import hubs, spine
from .javascript import scripts
from .layout import Layout, layout
from .page import Page, page_file
from .view import LARGEST

__all__ = ["explore"]

SCRIPTS = ["flow.js", "picture.js", "details.js", "explore.js"]
LETTER = 7.5  # width of a letter in points
LONGEST = 14  # letters of a name in the picture
FORMULA = 40  # letters of a formula


def explore(root: Value, path: str | os.PathLike[str] | None = None, *, digits: int = 2, names: bool = True) -> Page:
    """Write an interactive page for an expression: one HTML file that works offline.

    Each step computes the output of one gate, or going backward the gradients of its inputs; gradients add up at shared
    nodes. Pointing at a node or an edge shows its numbers. Changing a leaf recomputes the page by the rules of the gates.
    Predict mode hides each gradient until it is guessed. Without a path, the page is only returned; notebooks display
    it. `digits` is the number of decimals in the picture. The page computes everything from the leaves, so a stale graph
    is shown as after `root.forward()`.

    ValueError for a graph of more than 3,000 nodes; RenderingError if Graphviz, which lays the graph out, is missing.

    >>> x, y, z = Value(-2.0, "x"), Value(5.0, "y"), Value(-4.0, "z")
    >>> page = explore((x + y) * z)
    >>> page.html.count("<script>")
    1
    """
    flow = Flow.of(root)
    order = flow.order
    if len(order) > LARGEST:
        raise ValueError(
            f"root must have a graph of at most {LARGEST:,} nodes, got {len(order):,}: explore a smaller part "
            "of it, such as the loss of one sample, or draw(root, level='layer')"
        )
    check_digits(digits)
    known = caller_names(sys._getframe(1)) if names else {}
    labels = complete_names(order, known)
    place = {node: i for i, node in enumerate(order)}
    data = {"digits": digits, "nodes": [_node(node, labels, place) for node in order]}
    data |= _layout_data(order, place, labels)
    gates = {f"{node.gate.name}/{len(node.inputs)}": (node.gate, len(node.inputs)) for node in order if node.gate}
    page = Page(
        f"{labels[root]}, step by step",
        body=page_file("explore.html"),
        scripts=[scripts(gates), *map(page_file, SCRIPTS)],
        data=data,
    )
    if path is not None:
        page.save(path)
    return page


def _node(node: Value, labels: Mapping[Value, str], place: Mapping[Value, int]) -> dict[str, Any]:
    """Return the data of a node for the page; the rules of its gate are in the script's GATES."""
    gate = node.gate
    if gate is None:
        if not math.isfinite(node.data):
            raise ValueError(f"leaves must be finite numbers, got {labels[node]} = {node.data!r}")
        named = node.role != "constant" or bool(node.label)
        return {"name": labels[node], "role": node.role, "data": node.data, "inputs": [], "named": named}
    operands = [input.data if input.role == "constant" else labels[input] for input in node.inputs]
    formulas = gate.formulas(operands, labels[node]) or [""] * len(operands)
    return {
        "name": labels[node],
        "gate": f"{gate.name}/{len(operands)}",
        "gateName": gate.name,
        "scope": node.scope or "",
        "symbol": sign(node),
        "doc": gate.doc,
        "nickname": gate.nickname,
        "kink": gate.kink.convention if gate.kink else "",
        "inputs": [place[input] for input in node.inputs],
        "formula": gate.formula(operands),
        "locals": [formula if len(formula) <= FORMULA else "" for formula in formulas],
    }


def _layout_data(order: Sequence[Value], place: Mapping[Value, int], labels: Mapping[Value, str]) -> dict[str, Any]:
    """Return the layout for the page: places of the nodes, routes of the edges, and the copies of each hub.

    The last place and route belong to the box with the root's name. A copy has its place and its range of uses.
    """
    root = order[-1]
    sizes = [_size(node, labels[node]) for node in order]
    edges = [(place[input], place[node]) for node in order for input in node.inputs]
    many = hubs(len(order), edges)
    straight = spine(len(order), edges) if many else ()
    if root.inputs:
        sizes.append((_width(labels[root], 48.0), 40.0))
        edges.append((place[root], len(order)))
    count, copies = len(sizes), []
    for hub, groups in many.items():
        first, uses = 1, sum(map(len, groups))
        for group in groups:
            if group is not groups[0]:
                for i in group:
                    edges[i] = (len(sizes), edges[i][1])
                copies.append({"of": hub, "first": first, "last": first + len(group) - 1, "uses": uses})
                sizes.append((_width(f"{labels[order[hub]]} = ", 60.0) + 40, 42.0))
            first += len(group)
    found: Layout = layout(sizes, edges, straight)
    return {
        "width": found.width,
        "height": found.height,
        "places": [spot._asdict() for spot in found.nodes[:count]],
        "copies": [copy | spot._asdict() for copy, spot in zip(copies, found.nodes[count:], strict=True)],
        "routes": [route._asdict() for route in found.edges],
    }


def _size(node: Value, name: str) -> tuple[float, float]:
    if node.gate is not None:
        return max(46.0, LETTER * len(sign(node)) + 20), 46.0
    return (_width(f"{name} = ", 60.0) + 40, 42.0) if node.role != "constant" or node.label else (60.0, 36.0)


def _width(text: str, least: float) -> float:
    return max(least, LETTER * min(len(text), LONGEST) + 20)
