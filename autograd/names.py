"""What to call a node in a picture or an error: its label, or the variable that holds it in the code of the caller."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from types import FrameType
from typing import Any

from .node import N

__all__ = ["caller_names", "complete_names", "names_in_errors", "node_names"]

KINDS: dict[str | None, str] = {"input": "x", "parameter": "w", "constant": "c"}
SUBSCRIPT = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def caller_names(frame: FrameType | None) -> dict[int, str]:
    """Return the names of the Values in a frame by their id: locals before globals, the first binding of each.

    A Value in a list is called by its place, w[0]. Names that begin with an underscore are passed over.
    """
    names: dict[int, str] = {}
    if frame is not None:
        for variables in (frame.f_locals, frame.f_globals):
            _collect(variables, names)
    return names


def _collect(variables: Mapping[str, Any], names: dict[int, str]) -> None:
    for name, x in list(variables.items()):
        if name.startswith("_") or not name.isidentifier():  # such as the temporaries of test frameworks
            continue
        if hasattr(type(x), "__gate__"):
            names.setdefault(id(x), name)
        elif x.__class__ in (list, tuple):
            for i, entry in enumerate(x):
                if hasattr(type(entry), "__gate__"):
                    names.setdefault(id(entry), f"{name}[{i}]")


def node_names(order: Sequence[N], known: Mapping[int, str]) -> dict[N, str | None]:
    """Return each node's label, or else the name that the caller knows it by, or None."""
    return {node: node.label or known.get(id(node)) for node in order}


def complete_names(order: Sequence[N], known: Mapping[int, str]) -> dict[N, str]:
    """Return a name of its own for every node: its own, or else x1, w1 or c1 for a leaf, v1 for a gate.

    A name that several nodes bear is numbered from the second on: x, x₂, x₃. The root without a name is called f.
    """
    given, root = node_names(order, known), order[-1]
    own = {name for name in given.values() if name}
    free = {kind: _unused(kind, own) for kind in "xwcv"}
    borne: Counter[str] = Counter()
    names: dict[N, str] = {}
    for node in order:
        name = given[node]
        if name:
            borne[name] += 1
            names[node] = name if borne[name] == 1 else f"{name}{str(borne[name]).translate(SUBSCRIPT)}"
        elif node is root and node.inputs and "f" not in own:
            names[node] = "f"
        else:
            names[node] = next(free[KINDS.get(node.role, "v")])
    return names


def names_in_errors(order: Sequence[N]) -> dict[N, str]:
    """Return the name of every node of a graph as `explain` of its last gives it to the code that called this package."""
    frame: FrameType | None = sys._getframe()
    package = __name__.partition(".")[0]
    while frame is not None and str(frame.f_globals.get("__name__")).partition(".")[0] == package:
        frame = frame.f_back
    return complete_names(order, caller_names(frame))


def _unused(kind: str, own: set[str]) -> Iterator[str]:
    """Yield kind1, kind2, … but for what is somebody's own name."""
    return (name for i in count(1) if (name := f"{kind}{i}") not in own)
