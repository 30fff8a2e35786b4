"""Compute positions of nodes and edges with Graphviz, for a page that draws them itself."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from .rendering import render

__all__ = ["LABELS", "Layout", "Place", "Route", "layout"]

POINTS = 72.0  # per inch, the unit of sizes in Graphviz
LABELS = 150  # up to this number of edges, space is reserved for labels


class Place(NamedTuple):
    """The centre and size of a node in points; the origin is the top left corner."""

    x: float
    y: float
    width: float
    height: float


class Route(NamedTuple):
    """An edge: an SVG path, the tip of its arrow, and the position of its label."""

    path: str
    tip: tuple[float, float]
    label: tuple[float, float]


class Layout(NamedTuple):
    """The size of a graph, and the places of its nodes and routes of its edges, in order."""

    width: float
    height: float
    nodes: list[Place]
    edges: list[Route]


def layout(
    sizes: Sequence[tuple[float, float]],
    edges: Sequence[tuple[int, int]],
    straight: Collection[int] = (),
    *,
    down: bool = False,
) -> Layout:
    """Return the layout, from left to right or down, of nodes with these sizes (in points) and edges (tail, head).

    The edges whose indices are in `straight` are kept straight where possible.
    RenderingError if Graphviz is missing, fails or takes too long.
    """
    label = 'label="-0.000e+00\\n-0.000e+00" ' if len(edges) <= LABELS else ""
    direction = "TB" if down else "LR"
    lines = ["digraph {", f"graph [rankdir={direction} nodesep=0.25 ranksep=0.4]"]
    lines.append('node [fixedsize=true label="" shape=box]')
    lines += [
        "edge [fontsize=11]",
        *(f"n{i} [width={w / POINTS} height={h / POINTS}]" for i, (w, h) in enumerate(sizes)),
    ]
    weight = ["", "weight=10 "]
    lines += [f"n{a} -> n{b} [{label}{weight[i in straight]}id=e{i}]" for i, (a, b) in enumerate(edges)]
    found = json.loads(render("\n".join([*lines, "}"]), "json0"))
    _, _, width, height = map(float, found["bb"].split(","))

    def at(text: str) -> tuple[float, float]:
        x, y = map(float, text.split(","))
        return round(x, 1), round(height - y, 1)

    def route(edge: Any) -> Route:
        end, *points = edge["pos"].split()
        curve = [at(point) for point in points]
        path = "M" + "C".join(_pairs(part) for part in (curve[:1], curve[1:]))
        middle = curve[len(curve) // 2]
        return Route(path, at(end.removeprefix("e,")), at(edge["lp"]) if "lp" in edge else middle)

    nodes = {item["name"]: item for item in found["objects"]}
    routes = {item["id"]: route(item) for item in found.get("edges", [])}
    places = [Place(*at(nodes[f"n{i}"]["pos"]), *size) for i, size in enumerate(sizes)]
    return Layout(width, height, places, [routes[f"e{i}"] for i in range(len(edges))])


def _pairs(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:g},{y:g}" for x, y in points)
