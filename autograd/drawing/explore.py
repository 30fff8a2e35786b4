"""`explore`: an interactive page that steps through an expression, gate by gate, forward and backward."""

from __future__ import annotations

import math
import os
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from ..names import caller_names, complete_names
from ..value import Value
from .boxes import LEVELS, Box, Level
from .flow import Flow, check_digits, sign
from .javascript import gate_row, operations
from .layout import LABELS, layout
from .page import Page, page_file
from .view import FULL, GATES, LARGEST, LINES, View

__all__ = ["LETTER", "LONGEST", "explore", "explorer"]

SCRIPTS = ["rules.js", "flow.js", "picture.js", "details.js", "predict.js", "explore.js"]
LETTER = 7.5  # width of a letter in points
LONGEST = 14  # letters of a name in the picture
UNFOLDED = 600  # boxes of a level that is offered beside a coarser one
NAMES: dict[Level | None, str] = {None: "gates", "neuron": "neurons", "layer": "layers"}


def explore(root: Value, path: str | os.PathLike[str] | None = None, *, digits: int = 2, names: bool = True) -> Page:
    """Write an interactive page for an expression: one HTML file that works offline.

    Each step computes the output of one gate, or going backward the gradients of its inputs; gradients add up at shared
    nodes. Pointing at a node or an edge shows its numbers. Changing a leaf recomputes the page by the rules of the gates.
    Predict mode asks for each gradient before it shows it. Networks are folded to neurons or layers, which the page can
    unfold. Without a path, the page is only returned; notebooks display it. `digits` is the number of decimals in the
    picture. The page computes everything from the leaves, so a stale graph is shown as after `root.forward()`.

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
    kinds = {_key(node): (node.gate, len(node.inputs)) for node in order if node.gate}
    rows = {key: gate_row(gate, count) for key, (gate, count) in kinds.items()}
    sheets, level = _sheets(flow, labels, place)
    data = {"nodes": [_node(node, labels, place) for node in order], "sheets": sheets, "level": level}
    page = explorer(f"{labels[root]}, step by step", digits, rows, [page_file("given.js")], data)
    if path is not None:
        page.save(path)
    return page


def explorer(
    title: str,
    digits: int,
    rows: Mapping[str, Any],
    scripts: Sequence[str],
    data: Mapping[str, Any],
    *,
    wasm: bool = False,
) -> Page:
    """Return a page that explores graphs of the gates with these rows; its own scripts say which graphs."""
    return Page(
        title,
        body=page_file("explore.html"),
        scripts=[operations(), *map(page_file, SCRIPTS), *scripts],
        data={"digits": digits, "gates": rows, **data},
        wasm=wasm,
    )


def _key(node: Value) -> str:
    """Return the name and number of inputs of a node's gate, which have one row."""
    assert node.gate is not None
    return f"{node.gate.name}/{len(node.inputs)}"


def _node(node: Value, labels: Mapping[Value, str], place: Mapping[Value, int]) -> dict[str, Any]:
    """Return the data of a node for the page; the rules of its gate are among those of all gates."""
    gate = node.gate
    if gate is None:
        if not math.isfinite(node.data):
            raise ValueError(f"leaves must be finite numbers, got {labels[node]} = {node.data!r}")
        named = node.role != "constant" or bool(node.label)
        return {"name": labels[node], "role": node.role, "data": node.data, "inputs": [], "named": named}
    inputs = [place[input] for input in node.inputs]
    found = {"name": labels[node], "gate": _key(node), "inputs": inputs}
    return found | ({"scope": node.scope} if node.scope else {})


def _sheets(flow: Flow, labels: Mapping[Value, str], place: Mapping[Value, int]) -> tuple[dict[str, Any], str]:
    """Return a sheet for each level that the page can show, the finest first, and the level that it begins with.

    A graph without scopes has one level. One with scopes begins at the finest that shows well, and unfolds to UNFOLDED boxes.
    """
    scoped = any(node.scope for node in flow.order)
    views: dict[str, View] = {}
    for level in (None, *LEVELS[1:] * scoped):
        view = View.every(flow, level)
        if not views or len(view.boxes) < len(views[next(reversed(views))].boxes):  # else it folds nothing more
            views[NAMES[level]] = view
    coarsest = next(reversed(views))
    offered = [name for name, view in views.items() if len(view.boxes) <= UNFOLDED or name == coarsest]
    most = {"gates": GATES} if scoped else {}
    well = [
        name for name in offered if len(views[name].boxes) <= most.get(name, FULL) and len(views[name].arrows) <= LINES
    ]
    return {name: _sheet(views[name], labels, place) for name in offered}, (well or [coarsest])[0]


def _sheet(view: View, labels: Mapping[Value, str], place: Mapping[Value, int]) -> dict[str, Any]:
    """Return the boxes and arrows of a view with their layouts, from left to right and, for narrow windows, down.

    The boxes are followed by that with the root's name, and by the copies of hubs.
    """
    root = view.flow.root
    number = {box: i for i, box in enumerate(view.boxes)}
    first_edge = _first_edges(view.flow.order)
    sizes = [_size(box, labels) for box in view.boxes]
    ends = []
    if root.inputs:
        ends = [(len(sizes) - 1, len(sizes))]
        sizes.append((_width(labels[root], 48.0), 40.0))
    copies = []
    uses = Counter(arrow.tail for arrow in view.arrows)
    for box, repeated in view.copies.items():
        total, first = sum(uses[tail] for tail in (box, *repeated)), 1 + uses[box]
        for copy in repeated:
            number[copy] = len(sizes)
            copies.append({"of": number[box], "first": first, "last": first + uses[copy] - 1, "uses": total})
            first += uses[copy]
            sizes.append(_size(copy, labels))
    edges = [(number[arrow.tail], number[arrow.head]) for arrow in view.arrows] + ends
    spine = view.spine() if view.copies else ()
    straight = {i for i, arrow in enumerate(view.arrows) if arrow in spine}
    columns = [[number[box] for box in boxes] for boxes in _columns(view)]
    return {
        "boxes": [{"nodes": [place[node] for node in box.nodes], **_fold(box)} for box in view.boxes],
        "arrows": [[first_edge[gate] + slot for gate, slot in arrow.edges] for arrow in view.arrows],
        "copies": copies,
        "dense": bool(columns) or len(edges) > LABELS,  # then labels are shown of the current edge only
        "wide": layout(sizes, edges, straight, columns),
        "tall": None if len(edges) > LABELS else layout(sizes, edges, straight, columns, down=True),
    }


def _columns(view: View) -> list[list[Box]]:
    """Return the folded boxes of each outer scope, such as the neurons of a layer, and the leaves that feed them alone.

    An outer scope in which an arrow leads from one box to another is not a column.
    """
    outer = {box: box.scope.rpartition("/")[0] for box in view.boxes if box.scope}
    chained = {outer[arrow.head] for arrow in view.arrows if outer.get(arrow.tail) == outer.get(arrow.head) is not None}
    columns: dict[str, list[Box]] = {}
    leaves: dict[str, list[Box]] = {}
    for box in view.boxes:
        if box in outer and outer[box] not in chained:
            columns.setdefault(outer[box], []).append(box)
        elif box.single and not box.nodes[0].inputs:
            fed = {outer.get(arrow.head) for arrow in view.arrows if arrow.tail is box}
            if len(fed) == 1 and (scope := fed.pop()) is not None:
                leaves.setdefault(scope, []).append(box)
    several = {scope: boxes for scope, boxes in columns.items() if len(boxes) > 1}
    return [*several.values(), *(boxes for scope, boxes in leaves.items() if len(boxes) > 1 and scope in several)]


def _first_edges(order: Sequence[Value]) -> dict[Value, int]:
    """Map each node to the number of the edge into its first input, where all edges are numbered in order."""
    found, count = {}, 0
    for node in order:
        found[node] = count
        count += len(node.inputs)
    return found


def _fold(box: Box) -> dict[str, str]:
    return {"scope": box.scope, "title": _title(box.scope)} if box.scope else {}


def _title(scope: str) -> str:
    """Return the last two parts of a scope: layer1/neuron3."""
    return "/".join(scope.split("/")[-2:])


def _size(box: Box, labels: Mapping[Value, str]) -> tuple[float, float]:
    node = box.nodes[-1]
    if box.scope is not None:
        return LETTER * min(len(_title(box.scope)), 18) + 20, 42.0
    if node.gate is not None and box.original is None:
        return max(46.0, LETTER * len(sign(node)) + 20, LETTER * min(len(labels[node]), LONGEST) + 14), 46.0
    named = node.role != "constant" or node.label
    return (_width(f"{labels[node]} = ", 60.0) + 40, 42.0) if named else (60.0, 36.0)


def _width(text: str, least: float) -> float:
    return max(least, LETTER * min(len(text), LONGEST) + 20)
