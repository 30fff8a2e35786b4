"""Render DOT text with the program `dot`, or with pygraphviz if there is no `dot`.

Both run in a separate process, so that a timeout can stop them and their messages can be captured.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec

__all__ = ["INSTALL", "SECONDS", "RenderingError", "render"]

INSTALL = 'to render pictures, install Graphviz ("apt install graphviz") or "pip install gatewise[draw]"'
SECONDS = 60.0
# sys.path starts with the current folder, whose files must not shadow modules.
PYGRAPHVIZ = """
import sys
del sys.path[0]
import pygraphviz
graph = pygraphviz.AGraph(string=sys.stdin.buffer.read().decode())
sys.stdout.buffer.write(graph.draw(format=sys.argv[1], prog="dot"))
"""


class RenderingError(RuntimeError):
    """Graphviz is missing or failed; the message says what to do."""


def render(source: str, format: str, seconds: float = SECONDS) -> bytes:
    """Return DOT text rendered as "png" or "pdf", its layout as "json0", or the layout with what to draw as "json".

    RenderingError if Graphviz is missing, fails, or takes longer than `seconds`.
    """
    dot = shutil.which("dot")
    if dot is not None:
        return _run("dot", [dot, f"-T{format}"], source, seconds)
    if not sys.executable or find_spec("pygraphviz") is None:
        raise RenderingError(f"{INSTALL}; a .dot file needs neither")
    return _run("pygraphviz", [sys.executable, "-c", PYGRAPHVIZ, format], source, seconds)


def _run(program: str, command: Sequence[str], source: str, seconds: float) -> bytes:
    pipe = subprocess.PIPE
    try:
        process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe)
    except OSError as error:
        raise RenderingError(f"{program} could not be started: {error}") from None
    with process:
        try:
            picture, complaint = process.communicate(source.encode(), seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            raise RenderingError(
                f"{program} took longer than {seconds:g} seconds: draw less, by level=, around= or limit="
            ) from None
        except BaseException:  # Ctrl-C: leave no process behind
            process.kill()
            process.wait()
            raise
    if process.returncode or not picture:
        lines = complaint.decode(errors="replace").strip().splitlines() or [f"exit code {process.returncode}"]
        raise RenderingError(f"{program} failed: {lines[-1]}")
    return picture
