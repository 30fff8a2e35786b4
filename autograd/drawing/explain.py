"""`explain`: describe both passes of a graph step by step, or the gradient path by path."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from ..names import caller_names, complete_names
from ..value import Value
from .flow import Flow, check_digits
from .passes import passes
from .paths import paths
from .report import Section, markdown as as_markdown, text as as_text

__all__ = ["Explanation", "explain"]


@dataclass(frozen=True)
class Explanation:
    """An explanation as `text` and as `markdown`; its repr is Markdown if `prefers_markdown`."""

    text: str
    markdown: str
    prefers_markdown: bool = False

    def __repr__(self) -> str:
        return self.markdown if self.prefers_markdown else self.text

    def _repr_markdown_(self) -> str:
        return self.markdown


def explain(
    root: Value,
    *,
    wrt: Value | None = None,
    numeric: bool = False,
    markdown: bool = False,
    digits: int = 6,
    names: bool = True,
) -> Explanation:
    """Return a description of both passes: every gate's output, then upstream × local = downstream for every edge.

    wrt: a node. Describe every path from it to the root instead, with the product of the local gradients on it. The sum
        of the products is the gradient. At most 20 paths are written out.
    numeric: finite differences beside each gate's local gradient and each leaf's gradient (or that of `wrt`).
    markdown: the repr is Markdown; notebooks show Markdown in any case.

    Unnamed nodes are numbered: gates v1, v2, … in the order of the forward pass, inputs x1, …, parameters w1, ….
    Numbers have `digits` significant digits, and the final gradients 12. Gradients require a `root.backward()` before.

    >>> x, y, z = Value(-2.0, "x"), Value(5.0, "y"), Value(-4.0, "z")
    >>> f = (x + y) * z
    >>> f.backward()
    >>> explain(f)
    forward
      x = -2, y = 5, z = -4
      v1 = x + y = 3
      f = v1·z = -12
    backward: upstream × local = downstream
      gate  output  upstream  local   downstream  into
      ×     f       1         -4 (z)  -4          v1    swap multiplier
      ×     f       1         3 (v1)  3           z
      +     v1      -4        1       -4          x     gradient distributor
      +     v1      -4        1       -4          y
    gradients
      df/dx = -4
      df/dy = -4
      df/dz = 3
    >>> explain(f, wrt=x)
    every path from x to f: the product of the local gradients on it
         path        product
      1  x → v1 → f  1 · (-4)  = -4
      the one path: -4
      df/dx by the backward pass: -4
    """
    flow = Flow.of(root)
    check_digits(digits)
    known = complete_names(flow.order, caller_names(sys._getframe(1)) if names else {})
    stale = [Section("stale: a leaf has changed since; forward() replays the graph")] if flow.stale else []
    if wrt is None:
        sections = [*stale, *passes(flow, known, digits, numeric)]
        if flow.upstream is None:
            sections.append(Section(f"run {known[root]}.backward() to compute the gradients"))
    else:
        sections = [*stale, *paths(flow, wrt, known, digits, numeric)]
    return Explanation(as_text(sections), as_markdown(sections), markdown)
