"""Write a picture as SVG, from what Graphviz says is drawn where.

Graphviz's own SVG starts each line of text where it would be centred in the font of the machine that made the picture. Here
lines are centred in the browser's font.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

__all__ = ["BACKSLASH", "svg"]

FONT = "Helvetica, Arial, system-ui, sans-serif"
MARGIN = 4.0  # points around the picture
BOLD, ITALIC = 1, 2  # bits of a font
BACKSLASH = "\ue0ff"  # stands for a backslash on the way through Graphviz, which would cut the text off after one


def svg(layout: bytes, *, title: str, scale: float = 1.0) -> bytes:
    """Return Graphviz's output in its format "json" as an SVG document, `scale` times as large as at 72 points an inch."""
    graph = json.loads(layout)
    left, bottom, right, top = map(float, graph["bb"].split(","))
    width, height = right - left + 2 * MARGIN, top - bottom + 2 * MARGIN
    edges, objects = graph.get("edges", []), graph.get("objects", [])
    frames = [item for item in objects if "bb" in item]
    nodes = [item for item in objects if "bb" not in item]
    items = [*frames, *(edges + nodes if graph.get("outputorder") == "edgesfirst" else nodes + edges)]
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width * scale:.0f}pt" height="{height * scale:.0f}pt"'
        f' viewBox="{-MARGIN:g} {-MARGIN:g} {width:g} {height:g}" role="img" font-family="{FONT}">',
        f"<title>{escape(title, quote=False)}</title>",
    ]
    if (back := graph.get("bgcolor", "transparent")) != "transparent":
        lines.append(f'<rect x="{-MARGIN:g}" y="{-MARGIN:g}" width="{width:g}" height="{height:g}" fill="{back}"/>')
    pen = _Pen(left, top)
    for item in items:
        drawn = [*pen.draw(item)]
        if drawn:
            told = item.get("tooltip", "")
            about = f"<title>{_escaped(told)}</title>" if told else ""
            lines += [f"<g>{about}", *drawn, "</g>"]
    lines += [*pen.draw({"_ldraw_": graph.get("_ldraw_", [])}), "</svg>", ""]
    return "\n".join(lines).encode()


class _Pen:
    """Turns the drawing operations of a node, an edge or a frame into SVG elements."""

    def __init__(self, left: float, top: float) -> None:
        self.left, self.top = left, top

    def draw(self, item: Mapping[str, Any]) -> Iterator[str]:
        for part in ("_draw_", "_hdraw_", "_tdraw_", "_ldraw_"):
            pen = fill = "none"
            size, bits, style = 12.0, 0, ""
            for operation in item.get(part, ()):
                match operation["op"]:
                    case "c":
                        pen = operation["color"]
                    case "C":
                        fill = operation["color"]
                    case "F":
                        size = operation["size"]
                    case "t":
                        bits = operation["fontchar"]
                    case "S":
                        style = _style(style, operation["style"])
                    case "T":
                        yield from self.text(operation, size, bits, pen)
                    case "E" | "e":
                        (x, y), (rx, ry) = self.at(operation["rect"][:2]), operation["rect"][2:]
                        shape = f'<ellipse cx="{x:g}" cy="{y:g}" rx="{rx:g}" ry="{ry:g}"'
                        yield f"{shape}{_colours(operation['op'] == 'E', pen, fill, style)}"
                    case "P" | "p" | "L":
                        shape = "polyline" if operation["op"] == "L" else "polygon"
                        points = " ".join(map(self.pair, operation["points"]))
                        yield f'<{shape} points="{points}"{_colours(operation["op"] == "P", pen, fill, style)}'
                    case "B" | "b":
                        first, *rest = map(self.pair, operation["points"])
                        path = f'<path d="M{first} C{" ".join(rest)}"'
                        yield f"{path}{_colours(operation['op'] == 'B', pen, fill, style)}"

    def text(self, operation: Mapping[str, Any], size: float, bits: int, colour: str) -> Iterator[str]:
        invisible = colour == "transparent" or (colour.endswith("00") and len(colour) == 9)
        if invisible or not operation["text"].strip():
            return  # keeps a place only
        x, y = self.at(operation["pt"])
        middle = x + operation["width"] / 2
        looks = ' font-weight="bold"' * bool(bits & BOLD) + ' font-style="italic"' * bool(bits & ITALIC)
        text = _escaped(operation["text"])
        yield f'<text x="{middle:.2f}" y="{y:.2f}" text-anchor="middle" font-size="{size:g}" fill="{colour}"{looks}>{text}</text>'

    def at(self, point: Sequence[float]) -> tuple[float, float]:
        return round(point[0] - self.left, 2), round(self.top - point[1], 2)

    def pair(self, point: Sequence[float]) -> str:
        return "{:g},{:g}".format(*self.at(point))


def _escaped(text: str) -> str:
    return escape(text.replace(BACKSLASH, "\\"), quote=False)


def _style(style: str, change: str) -> str:
    if change.startswith("setlinewidth("):
        return f'{style} stroke-width="{change[len("setlinewidth(") : -1]}"'
    return f'{style} stroke-dasharray="5,3"' if change == "dashed" else style


def _colours(filled: bool, pen: str, fill: str, style: str) -> str:
    return f' fill="{fill if filled else "none"}" stroke="{pen}"{style}/>'
