"""`draw` and the `Drawing` it returns: a picture that shows, saves and opens itself."""

from __future__ import annotations

import sys
import tempfile
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..arguments import as_path
from ..files import replace_file
from ..names import caller_names
from ..value import Value
from .boxes import Level
from .dot import dot_text
from .rendering import RenderingError, render
from .view import View

if TYPE_CHECKING:
    import graphviz

__all__ = ["FORMATS", "Drawing", "draw"]

FORMATS = ("svg", "png", "pdf", "dot")
REPR_SECONDS = 10.0  # a prompt should not wait for a picture that nobody limited
REPR_BYTES = 2_000_000  # nor a notebook carry a larger one
REPR_TEXT = 5_000


class Drawing:
    """The picture of a graph, as DOT text (`source`); it shows itself in a notebook, saves itself and opens a viewer.

    `graphviz` is the same as a `graphviz.Source`, for whatever else that package can do.
    """

    def __init__(self, source: str) -> None:
        self.source = source

    @property
    def graphviz(self) -> graphviz.Source:
        """The picture as an object of the graphviz package."""
        import graphviz

        return graphviz.Source(self.source)

    def render(self, format: str) -> bytes:
        """Return the picture as "svg", "png" or "pdf"; RenderingError where nothing can render it."""
        if format not in FORMATS[:-1]:
            raise ValueError(f"format is {', '.join(map(repr, FORMATS[:-1]))}, not {format!r}")
        return render(self.source, format)

    def save(self, path: str | PathLike[str]) -> Path:
        """Write the picture, in the format of the file's ending: .svg, .png, .pdf or .dot. Returns the path.

        The file is replaced whole or not at all.
        """
        path = as_path(path)
        format = path.suffix.lower().lstrip(".")
        if format not in FORMATS:
            raise ValueError(
                f"a picture ends in .svg, .png, .pdf or .dot, and {path.name!r} in {path.suffix or 'nothing'}"
            )
        return replace_file(path, self.source.encode() if format == "dot" else self.render(format))

    def view(self) -> Path:
        """Open the picture in the program that shows SVG files; returns the path of the file."""
        import graphviz

        with tempfile.NamedTemporaryFile(suffix=".svg", delete=False) as file:
            file.write(self.render("svg"))
        try:
            graphviz.view(file.name)
        except (OSError, RuntimeError) as error:
            raise RenderingError(f"no viewer could be opened ({error}); the picture is {file.name}") from None
        return Path(file.name)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        try:
            svg = render(self.source, "svg", REPR_SECONDS)
            if len(svg) > REPR_BYTES:
                raise RenderingError(f"the picture has {len(svg):,} bytes: .save('graph.svg')")
            return {"image/svg+xml": svg.decode(), "text/plain": repr(self)}
        except Exception as error:  # a repr never raises
            cut = f"{self.source[:REPR_TEXT]}\n…\n" if len(self.source) > REPR_TEXT else self.source
            return {"text/plain": f"{cut}{error}"}

    def __repr__(self) -> str:
        return f"<Drawing of {self.source.count(chr(10))} lines of DOT: .save('graph.svg') or .view()>"


def draw(
    root: Value,
    *,
    level: Level | None = None,
    around: Value | None = None,
    depth: int | None = None,
    limit: int | None = None,
    digits: int | None = 2,
    formulas: bool = False,
    names: bool = True,
) -> Drawing:
    """Return the picture of a graph: leaves, gates, the values between them and, after `backward()`, the gradients.

    level: "gate" shows every gate; "neuron" folds each innermost scope (that of an `nn` neuron) into one box that says
        what it computes, as in relu(w·x+b); "layer" folds the scopes of a layer's neurons together: 16 × relu(w·x+b).
        Without it, up to 300 nodes are drawn gate by gate, up to 3,000 folded as far as it takes.
    around: a node of the graph; only what at most `depth` edges (2 unless told) separate from it is drawn.
    limit: at most so many nodes and boxes, those nearest to the root (or to `around`), of a graph of any size.
    digits: decimals of the numbers; None for all of them. formulas: each gate's local gradient on its edges.
    names: whether unlabelled nodes take the names of the caller's variables.

    A graph without scopes that is larger than 300 nodes is drawn in part, and the picture says so. ValueError for one
    of more than 3,000 nodes or with more than 600 edges to draw, if none of level, around and limit says what to draw.

    A node with 12 uses or more that lie apart is drawn again beside each of them, in a dashed box; in a graph whose
    lines would be very long, so are those with the longest. What flows back into all of these adds up to its gradient.

    >>> x = Value(2.0, "x")
    >>> draw(x * x)
    <Drawing of 11 lines of DOT: .save('graph.svg') or .view()>
    """
    known = caller_names(sys._getframe(1)) if names else {}
    view = View.of(root, level=level, around=around, depth=depth, limit=limit)
    return Drawing(dot_text(view, known, digits=digits, formulas=formulas))
