"""`explore`: a page on which a person steps through an expression, gate by gate, forward and backward."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from ..names import caller_names, complete_names
from ..value import Value
from .flow import Flow, check_digits
from .hubs import hubs, spine
from .javascript import scripts
from .layout import Layout, layout
from .page import Page, page_file
from .view import LARGEST

__all__ = ["explore"]

SCRIPTS = ["flow.js", "picture.js", "details.js", "explore.js"]
LETTER = 7.5  # points that a letter takes
LONGEST = 14  # letters of a name that the page shows in the picture
FORMULA = 40  # letters of a formula


def explore(root: Value, path: str | os.PathLike[str] | None = None, *, digits: int = 2, names: bool = True) -> Page:
    """Write a page on which one steps through an expression: one HTML file that needs no network and no server.

    Forward, each gate computes its output; backward, upstream × local = downstream, added up at shared nodes. Pointing at
    a node or an edge shows its numbers; leaves can be changed, and the page computes all anew by the gates' own rules;
    in predict mode it hides each gradient until it was guessed. Without a path, the page is returned only: in a notebook
    it shows itself. `digits` is how many decimals the picture shows. The page computes from the leaves, so a stale graph
    is shown as `root.forward()` would make it.

    ValueError for a graph of more than 3,000 nodes; RenderingError where no Graphviz is installed to lay it out.

    >>> x, y, z = Value(-2.0, "x"), Value(5.0, "y"), Value(-4.0, "z")
    >>> page = explore((x + y) * z)
    >>> page.html.count("<script>")
    1
    """
    flow = Flow.of(root)
    order = flow.order
    if len(order) > LARGEST:
        raise ValueError(
            f"a page steps through at most {LARGEST:,} nodes, and this graph has {len(order):,}: explore a smaller part "
            "of it, such as the loss of one sample, or draw(root, level='layer')"
        )
    check_digits(digits)
    known = caller_names(sys._getframe(1)) if names else {}
    called = complete_names(order, known)
    place = {node: i for i, node in enumerate(order)}
    data = {"digits": digits, "nodes": [_node(node, called, place) for node in order]}
    data |= _laid_out(order, place, called)
    gates = {f"{node.gate.name}/{len(node.inputs)}": (node.gate, len(node.inputs)) for node in order if node.gate}
    page = Page(
        f"{called[root]}, step by step",
        body=page_file("explore.html"),
        scripts=[scripts(gates), *map(page_file, SCRIPTS)],
        data=data,
    )
    if path is not None:
        page.save(path)
    return page


def _node(node: Value, called: Mapping[Value, str], place: Mapping[Value, int]) -> dict[str, Any]:
    """What the page knows of a node; of a gate, its rules are in GATES."""
    gate = node.gate
    if gate is None:
        if not math.isfinite(node.data):
            raise ValueError(f"a page computes with finite numbers, and {called[node]} is {node.data!r}")
        named = node.role != "constant" or bool(node.label)
        return {"name": called[node], "role": node.role, "data": node.data, "inputs": [], "named": named}
    operands = [input.data if input.role == "constant" else called[input] for input in node.inputs]
    formulas = gate.formulas(operands, called[node]) or [""] * len(operands)
    return {
        "name": called[node],
        "gate": f"{gate.name}/{len(operands)}",
        "gateName": gate.name,
        "scope": node.scope or "",
        "symbol": gate.symbol,
        "doc": gate.doc,
        "nickname": gate.nickname,
        "kink": gate.kink.convention if gate.kink else "",
        "inputs": [place[input] for input in node.inputs],
        "formula": gate.formula(operands),
        "locals": [formula if len(formula) <= FORMULA else "" for formula in formulas],
    }


def _laid_out(order: Sequence[Value], place: Mapping[Value, int], called: Mapping[Value, str]) -> dict[str, Any]:
    """Where the nodes are, and the edges; behind them the name of the root and the edge that leads to it.

    Then the copies of each hub: where they are, and which of its uses the edges from them lead to.
    """
    root = order[-1]
    sizes = [_size(node, called[node]) for node in order]
    edges = [(place[input], place[node]) for node in order for input in node.inputs]
    many = hubs(len(order), edges)
    straight = spine(len(order), edges) if many else ()
    if root.inputs:
        sizes.append((_width(called[root], 48.0), 40.0))
        edges.append((place[root], len(order)))
    count, copies = len(sizes), []
    for hub, groups in many.items():
        first, uses = 1, sum(map(len, groups))
        for group in groups:
            if group is not groups[0]:
                for i in group:
                    edges[i] = (len(sizes), edges[i][1])
                copies.append({"of": hub, "first": first, "last": first + len(group) - 1, "uses": uses})
                sizes.append((_width(f"{called[order[hub]]} = ", 60.0) + 40, 42.0))
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
        return max(46.0, LETTER * len(node.gate.symbol) + 20), 46.0
    return (_width(f"{name} = ", 60.0) + 40, 42.0) if node.role != "constant" or node.label else (60.0, 36.0)


def _width(text: str, least: float) -> float:
    return max(least, LETTER * min(len(text), LONGEST) + 20)
