"""`draw`, and the `Drawing` that it returns: a picture to show in a notebook, save or open."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..arguments import as_finite, as_path
from ..files import replace_file
from ..names import caller_names
from ..value import Value
from .boxes import Level
from .dot import ESCAPED, dot_text, in_words
from .rendering import SECONDS, RenderingError, render
from .svg import BACKSLASH, svg
from .theme import Theme, check_theme, paint
from .view import View

if TYPE_CHECKING:
    import graphviz

__all__ = ["FORMATS", "Drawing", "draw", "drawing_of"]

FORMATS = ("svg", "png", "pdf", "dot")
DPI = 96.0  # pixels an inch of a PNG
REPR_SECONDS = 10.0  # limits of a repr: a prompt should not wait longer for a picture
REPR_BYTES = 2_000_000  # a notebook should not store a larger one
REPR_TEXT = 5_000


class Drawing:
    """The picture of a graph, as DOT text (`source`). Notebooks display it; `save` writes it and `view` opens it.

    `graphviz` is the same picture as a `graphviz.Source`. `title` is the picture in words, which an SVG carries for
    readers who hear it.
    """

    def __init__(self, source: str, title: str = "computational graph") -> None:
        self._template, self.source, self.title = source, paint(source, "light"), title

    @property
    def graphviz(self) -> graphviz.Source:
        """The picture as an object of the graphviz package."""
        import graphviz

        return graphviz.Source(self.source)

    def render(self, format: str, *, scale: float = 1.0, theme: Theme = "light") -> bytes:
        """Return the picture as "svg", "png" or "pdf"; RenderingError if Graphviz is missing or fails.

        scale multiplies the size of an SVG and the pixels of a PNG. theme: "light", "dark", or "transparent", which is
        "light" without a background.
        """
        if format not in FORMATS[:-1]:
            raise ValueError(f"format must be one of {', '.join(map(repr, FORMATS[:-1]))}, got {format!r}")
        return self._render(format, scale, theme, SECONDS)

    def _render(self, format: str, scale: float, theme: Theme, seconds: float) -> bytes:
        check_theme(theme)
        scale = as_finite(scale, "scale, the factor of the picture's size,", 0.01)
        source = paint(self._template, theme)
        if format == "svg":
            layout = render(source.replace(ESCAPED, BACKSLASH), "json", seconds)
            return svg(layout, title=self.title, scale=scale)
        if format == "pdf" and scale != 1:
            raise ValueError(
                f"scale must be 1 for a .pdf, which has no pixels, got {scale:g}: scale it where it is shown"
            )
        return render(source.replace("{", f"{{ dpi={DPI * scale:g}", 1), format, seconds)

    def save(self, path: str | PathLike[str], *, scale: float = 1.0, theme: Theme = "light") -> Path:
        """Write the picture in the format of the suffix, .svg, .png, .pdf or .dot, and return the path.

        scale and theme are those of `render`, as in .save("graph.png", scale=2, theme="dark") for a slide. The file is
        replaced atomically.
        """
        path = as_path(path)
        format = path.suffix.lower().lstrip(".")
        if format not in FORMATS:
            raise ValueError(f"a picture's name must end in .svg, .png, .pdf or .dot, got {path.name!r}")
        if format == "dot":
            check_theme(theme)
            return replace_file(path, paint(self._template, theme).encode())
        return replace_file(path, self.render(format, scale=scale, theme=theme))

    def view(self) -> Path:
        """Open the picture in the system's viewer of SVG files, and return the path of the temporary file."""
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
            picture = self._render("svg", 1.0, "light", REPR_SECONDS)
            if len(picture) > REPR_BYTES:
                raise RenderingError(
                    f"the picture has {len(picture):,} bytes, too large to display: write .save('graph.svg')"
                )
            return {"image/svg+xml": picture.decode(), "text/plain": repr(self)}
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
    step: int | None = None,
    digits: int | None = 2,
    formulas: bool = False,
    names: bool = True,
) -> Drawing:
    """Return the picture of a graph: leaves, gates, the values between them and, after `backward()`, the gradients.

    level: "gate" shows every gate; "neuron" folds each innermost scope (an `nn` neuron) into one box labelled with its
        formula, such as relu(w·x+b), with arrows as wide as their weights; "layer" folds all neurons of a layer into one
        box: 16 × relu(w·x+b). By default a graph of 60 nodes or more, if they have scopes, is folded as far as it takes
        to have at most 300 boxes.
    around: a node of the graph; only nodes at most `depth` edges (default 2) from it are drawn.
    limit: the maximum number of nodes and boxes; those nearest to the root (or to `around`) are drawn.
    step: how many gates a backward pass from the root has gone through. 0 shows its beginning, df/df = 1. Gradients that
        have not arrived are left out, the gate of the step is marked, and the layout is that of every other step. The
        numbers are those of this pass alone, whether or not `backward()` has run.
    digits: decimals of the numbers; None for all of them. formulas: each gate's local gradient on its edges.
    names: whether unlabelled nodes take the names of the caller's variables.

    A graph without scopes that has more than 300 nodes is drawn in part, with a note. ValueError for more than 3,000
    nodes or 600 edges, if none of level, around and limit is given.

    A node with 12 or more uses that are far apart is repeated beside them, in dashed boxes; so are nodes with very long
    edges. The gradient of such a node is the sum over all its boxes.

    >>> x = Value(2.0, "x")
    >>> draw(x * x)
    <Drawing of 11 lines of DOT: .save('graph.svg') or .view()>
    """
    known = caller_names(sys._getframe(1)) if names else {}
    view = View.of(root, level=level, around=around, depth=depth, limit=limit, step=step)
    return drawing_of(view, known, digits=digits, formulas=formulas)


def drawing_of(view: View, known: Mapping[int, str], *, digits: int | None, formulas: bool) -> Drawing:
    """Return the picture of a view, with its words."""
    return Drawing(dot_text(view, known, digits=digits, formulas=formulas), in_words(view, known, digits=digits))
