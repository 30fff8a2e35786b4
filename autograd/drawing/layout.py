"""Compute positions of nodes and edges with Graphviz, for a page that draws them itself."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from .rendering import render

__all__ = ["LABELS", "POINTS", "layout", "source"]

POINTS = 72.0  # per inch, the unit of sizes in Graphviz
LABELS = 150  # up to this number of edges, space is reserved for labels
KEYS = ("pos", "lp", "width", "height")  # of a node or edge, which are kept beside its name


def source(
    sizes: Sequence[tuple[float, float]],
    edges: Sequence[tuple[int, int]],
    straight: Collection[int] = (),
    columns: Sequence[Sequence[int]] = (),
    *,
    down: bool = False,
) -> str:
    """Return a graph for Graphviz: nodes n0, n1, … with these sizes (in points) and edges e0, e1, … (tail, head).

    It is laid out from left to right or down. The edges whose indices are in `straight` are kept straight where possible.
    Each of the `columns` lists nodes that stand in one column in this order; then edges are lines, without labels.
    """
    label = "" if columns or len(edges) > LABELS else 'label=" \\n-0.000e+00\\n-0.000e+00" '
    lines = [
        "digraph {",
        f"graph [rankdir={'TB' if down else 'LR'} nodesep=0.25 {'ranksep=1.5 splines=line' if columns else 'ranksep=0.4'}]",
        'node [fixedsize=true label="" shape=box]',
        "edge [fontsize=11]",
        *(f"n{i} [width={w / POINTS:.4f} height={h / POINTS:.4f}]" for i, (w, h) in enumerate(sizes)),
        *(f"n{a} -> n{b} [{label}{'weight=10 ' * (i in straight)}id=e{i}]" for i, (a, b) in enumerate(edges)),
        *(f"{{rank=same {' -> '.join(f'n{i}' for i in column)} [style=invis]}}" for column in columns),
        "}",
    ]
    return "\n".join(lines)


def layout(
    sizes: Sequence[tuple[float, float]],
    edges: Sequence[tuple[int, int]],
    straight: Collection[int] = (),
    columns: Sequence[Sequence[int]] = (),
    *,
    down: bool = False,
) -> dict[str, Any]:
    """Return the layout of a graph as Graphviz writes it, reduced to what a page reads: sizes and positions.

    RenderingError if Graphviz is missing, fails or takes too long.
    """
    found = json.loads(render(source(sizes, edges, straight, columns, down=down), "json0"))
    return {
        "rankdir": found["rankdir"],
        "bb": found["bb"],
        "objects": _kept(found["objects"], "name"),
        "edges": _kept(found.get("edges", []), "id"),
    }


def _kept(items: Sequence[Mapping[str, Any]], name: str) -> list[dict[str, Any]]:
    """Reduce the items that have a position and this name, which subgraphs and invisible edges have not."""
    return [
        {key: item[key] for key in (name, *KEYS) if key in item} for item in items if "pos" in item and name in item
    ]
