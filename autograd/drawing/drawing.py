"""`draw` and the `Drawing` it returns: pictures by the `dot` program, or by pygraphviz where there is none."""

from __future__ import annotations

import sys
import tempfile
from os import PathLike
from pathlib import Path
from typing import Any

from ..files import replace_file
from ..graph import topological_order
from ..value import Value
from .dot import dot_text
from .names import caller_names

__all__ = ["INSTALL", "Drawing", "RenderingError", "draw"]

FULL, LARGEST = 300, 3000
FORMATS = ("svg", "png", "pdf", "dot")
INSTALL = 'to render pictures, install Graphviz ("apt install graphviz") or "pip install gatewise[draw]"'


class RenderingError(RuntimeError):
    """There is nothing here that can turn DOT text into a picture, or it failed; the message says what to install."""


class Drawing:
    """The picture of a graph: shows itself in a notebook, saves itself, and holds its DOT text as `source`."""

    def __init__(self, source: str) -> None:
        self.source = source

    def render(self, format: str) -> bytes:
        """Return the picture as "svg", "png" or "pdf"; RenderingError where nothing can render it."""
        import graphviz

        try:
            return bytes(graphviz.Source(self.source).pipe(format=format))
        except graphviz.ExecutableNotFound:
            pass
        except graphviz.CalledProcessError as error:
            raise RenderingError(f"dot failed: {error}") from None
        try:
            import pygraphviz
        except ImportError:
            raise RenderingError(f"{INSTALL}; a .dot file needs neither") from None
        try:
            return bytes(pygraphviz.AGraph(string=self.source).draw(format=format, prog="dot"))
        except (OSError, ValueError) as error:
            raise RenderingError(f"pygraphviz failed: {error}") from None

    def save(self, path: str | PathLike[str]) -> Path:
        """Write the picture, in the format of the file's ending: .svg, .png, .pdf or .dot. Returns the path.

        The file is replaced whole or not at all.
        """
        path = Path(path)
        format = path.suffix.lower().lstrip(".")
        if format not in FORMATS:
            raise ValueError(
                f"a picture ends in .svg, .png, .pdf or .dot, and {path.name!r} in {path.suffix or 'nothing'}"
            )
        content = self.source.encode() if format == "dot" else self.render(format)
        replace_file(path, content)
        return path

    def view(self) -> None:
        """Open the picture in the program that shows SVG files."""
        import graphviz

        with tempfile.NamedTemporaryFile(suffix=".svg", delete=False) as file:
            file.write(self.render("svg"))
        graphviz.view(file.name)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        try:
            return {"image/svg+xml": self.render("svg").decode(), "text/plain": repr(self)}
        except RenderingError as error:
            return {"text/plain": f"{self!r}: {error}"}

    def __repr__(self) -> str:
        return f"<Drawing of {self.source.count(chr(10))} lines of DOT: .save('graph.svg') or .view()>"


def draw(root: Value, *, digits: int = 2, names: bool = True, limit: int | None = None) -> Drawing:
    """Return the picture of a graph: leaves, gates, the values between them and, after `backward()`, the gradients.

    `digits` is how many decimals numbers show. Up to 300 nodes are drawn in full; of more, up to 3,000, the 300 nearest
    to the root. `limit` sets that number, for a graph of any size. Unlabelled nodes take the names of the caller's
    variables, unless names=False.

    >>> x = Value(2.0, "x")
    >>> draw(x * x)
    <Drawing of 11 lines of DOT: .save('graph.svg') or .view()>
    """
    known = caller_names(sys._getframe(1)) if names else {}
    if limit is not None and limit < 1:
        raise ValueError(f"limit is how many nodes to draw, at least 1, not {limit}")
    if limit is None and (size := len(topological_order(root))) > LARGEST:
        raise ValueError(
            f"a picture of {size:,} nodes shows nothing: draw(root, limit=300) draws those nearest to the root, "
            "to_dot(root) writes all of them as text"
        )
    return Drawing(dot_text(root, known, digits=digits, limit=FULL if limit is None else limit))
