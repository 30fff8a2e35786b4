"""`explain`: describe both passes of a graph step by step, or the gradient path by path."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ..names import caller_names, complete_names
from ..value import Value
from .flow import Flow, check_digits
from .latex import latex as as_latex
from .passes import passes
from .paths import paths
from .report import Section, markdown as as_markdown, text as as_text

__all__ = ["Explanation", "explain"]


@dataclass(frozen=True)
class Explanation:
    """An explanation as `text`, as `markdown` and, if it was asked for, as `latex`. Its repr is the field that `shows` names.

    A worksheet has the explanation that it asks for as its `key`.
    """

    text: str
    markdown: str
    latex: str = ""
    shows: Literal["text", "markdown", "latex"] = "text"
    key: Explanation | None = None

    def __repr__(self) -> str:
        return {"text": self.text, "markdown": self.markdown, "latex": self.latex}[self.shows]

    def _repr_markdown_(self) -> str:
        return self.latex or self.markdown


def explain(
    root: Value,
    *,
    wrt: Value | None = None,
    numeric: bool = False,
    markdown: bool = False,
    latex: bool = False,
    blank: bool = False,
    digits: int = 6,
    names: bool = True,
) -> Explanation:
    """Return a description of both passes: every gate's output, then upstream × local = downstream for every edge.

    wrt: a node. Describe every path from it to the root instead, with the product of the local gradients on it. The sum
        of the products is the gradient. At most 20 paths are written out.
    numeric: finite differences beside each gate's local gradient and each leaf's gradient (or that of `wrt`); a local
        gradient that is not their limit is marked WRONG, except at a kink.
    markdown: the repr is Markdown; notebooks show Markdown in any case.
    latex: the repr is the derivation in LaTeX, an align* environment: each gate, then each gradient by the chain rule.
    blank: a worksheet, with blanks for the numbers to compute; its `key` is the explanation with the numbers. It needs no
        backward pass before.

    Beside a local gradient stands its formula. Where the gate chooses, as maximum does, that is the branch which is taken,
    and why: 0 (because a < b).

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
    if markdown + latex + blank > 1 and not (markdown and blank):
        raise ValueError("of markdown, latex and blank at most one must be True, but for a worksheet in Markdown")
    if (latex or blank) and (numeric or wrt is not None):
        raise ValueError("latex and blank must be without wrt and numeric: write explain(root, wrt=x) for the paths")
    flow = Flow.of(root)
    if blank:
        flow = Flow.of(root, sum(bool(node.inputs) for node in flow.order))
    check_digits(digits)
    known = complete_names(flow.order, caller_names(sys._getframe(1)) if names else {})
    stale = [Section("stale: a leaf has changed since; forward() replays the graph")] if flow.stale else []
    shows: Literal["text", "markdown", "latex"] = "markdown" if markdown else "latex" if latex else "text"
    if blank:
        key = _explained(passes(flow, known, digits, numeric), shows)
        return _explained(passes(flow, known, digits, numeric, blank=True), shows, key=key)
    if wrt is None:
        sections = [*stale, *passes(flow, known, digits, numeric)]
        if flow.upstream is None:
            sections.append(Section(f"run {known[root]}.backward() to compute the gradients"))
    else:
        sections = [*stale, *paths(flow, wrt, known, digits, numeric)]
    return _explained(sections, shows, as_latex(flow, known, digits) if latex else "")


def _explained(
    sections: Sequence[Section],
    shows: Literal["text", "markdown", "latex"],
    latex: str = "",
    key: Explanation | None = None,
) -> Explanation:
    """Return sections as an explanation."""
    return Explanation(as_text(sections), as_markdown(sections), latex, shows, key)
