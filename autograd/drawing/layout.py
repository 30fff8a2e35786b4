"""Where Graphviz would put the nodes and edges of a graph: for a page that draws them itself."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from .rendering import render

__all__ = ["Layout", "Place", "Route", "layout"]

POINTS = 72.0  # to an inch, which Graphviz measures sizes in
LABELS = 150  # edges, up to which room is made for what stands on them


class Place(NamedTuple):
    """The middle of a node and its size, in points, from the top left corner."""

    x: float
    y: float
    width: float
    height: float


class Route(NamedTuple):
    """An edge as the path of an SVG, where its arrow points, and where its label stands."""

    path: str
    tip: tuple[float, float]
    label: tuple[float, float]


class Layout(NamedTuple):
    """A graph laid out: its size, and a place for every node and a route for every edge, in their order."""

    width: float
    height: float
    nodes: list[Place]
    edges: list[Route]


def layout(
    sizes: Sequence[tuple[float, float]], edges: Sequence[tuple[int, int]], straight: Collection[int] = ()
) -> Layout:
    """Return the layout of nodes of these sizes (in points) and of edges from node to node, from left to right.

    The edges whose numbers are in `straight` should be so.
    RenderingError where no Graphviz is installed, or it fails or takes too long.
    """
    label = 'label="-0.000e+00\\n-0.000e+00" ' if len(edges) <= LABELS else ""
    lines = ["digraph {", "graph [rankdir=LR nodesep=0.25 ranksep=0.4]", 'node [fixedsize=true label="" shape=box]']
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
