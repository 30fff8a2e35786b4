"""`frames`: the backward pass as an animation or a folder of pictures, one gate a frame."""

from __future__ import annotations

import re
import sys
from io import BytesIO
from os import PathLike
from pathlib import Path

from ..arguments import as_finite, as_path
from ..files import replace_file
from ..names import caller_names
from ..value import Value
from .boxes import Level
from .drawing import Drawing, drawing_of
from .flow import Flow
from .rendering import RenderingError
from .theme import Theme, check_theme
from .view import View

__all__ = ["frames"]

MOST = 200  # frames
LAST = 4  # seconds that the last frame of an animation is shown, in those of the others
NAME = re.compile(r"step\d+\.svg")


def frames(
    root: Value,
    path: str | PathLike[str],
    *,
    seconds: float = 1.0,
    scale: float = 1.0,
    theme: Theme = "light",
    level: Level | None = None,
    digits: int | None = 2,
    formulas: bool = False,
    names: bool = True,
) -> Path:
    """Write the backward pass from a root, draw(root, step=0) and so on up to its last gate, and return the path.

    A path that ends in .gif is an animation of `seconds` a frame, which needs Pillow (extra `draw`); one without a suffix
    is a folder of step0.svg, step1.svg, … for slides, where the pictures of a longer pass before are removed. All frames have
    the same layout. The other arguments are those of `draw` and `Drawing.save`.

    ValueError for a graph of more than 199 gates; RenderingError if Graphviz or Pillow is missing.

    >>> import tempfile
    >>> x, y, z = Value(-2.0, "x"), Value(5.0, "y"), Value(-4.0, "z")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     slides = frames((x + y) * z, f"{folder}/slides")
    ...     [picture.name for picture in sorted(slides.iterdir())]
    ['step0.svg', 'step1.svg', 'step2.svg']
    """
    path = as_path(path)
    suffix = path.suffix.lower()
    if suffix not in ("", ".gif"):
        raise ValueError(f"path must end in .gif, or be a folder without a suffix, got {path.name!r}")
    seconds = as_finite(seconds, "seconds, the time of a frame,", 0.02)
    check_theme(theme)
    known = caller_names(sys._getframe(1)) if names else {}
    count = 1 + sum(bool(node.inputs) for node in Flow.of(root).order)
    if count > MOST:
        raise ValueError(f"root must have a graph of at most {MOST - 1} gates, got {count - 1}: animate a part of it")
    views = (View.of(root, level=level, step=step) for step in range(count))
    drawings = (drawing_of(view, known, digits=digits, formulas=formulas) for view in views)
    if suffix:
        return replace_file(path, _animation([*drawings], seconds, scale, theme))
    pictures = [drawing.render("svg", scale=scale, theme=theme) for drawing in drawings]
    path.mkdir(parents=True, exist_ok=True)
    width = len(str(count - 1))
    written = {replace_file(path / f"step{i:0{width}}.svg", picture) for i, picture in enumerate(pictures)}
    for old in path.iterdir():
        if NAME.fullmatch(old.name) and old not in written:
            old.unlink()
    return path


def _animation(drawings: list[Drawing], seconds: float, scale: float, theme: Theme) -> bytes:
    try:
        from PIL import Image
    except ImportError:
        raise RenderingError(
            'an animation needs Pillow: write "pip install gatewise[draw]", or a path without .gif for a folder of SVGs'
        ) from None
    images = [Image.open(BytesIO(drawing.render("png", scale=scale, theme=theme))) for drawing in drawings]
    size = max(image.width for image in images), max(image.height for image in images)
    whole = []
    for image in images:
        opaque = Image.new("RGBA", size, "#ffffff00")
        opaque.paste(image)
        whole.append(opaque)
    milliseconds = [round(1000 * seconds)] * len(whole)
    milliseconds[-1] *= LAST
    file = BytesIO()
    whole[0].save(
        file, "GIF", save_all=True, append_images=whole[1:], duration=milliseconds, loop=0, disposal=2, optimize=False
    )
    return file.getvalue()
