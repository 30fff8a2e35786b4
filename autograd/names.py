"""Names of nodes in pictures and errors: the label, or else the caller's variable that holds the node."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from types import FrameType
from typing import Any

from .node import N

__all__ = ["caller_names", "complete_names", "names_in_errors", "node_names"]

PREFIXES: dict[str | None, str] = {"input": "x", "parameter": "w", "constant": "c"}
SUBSCRIPT = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def caller_names(frame: FrameType | None) -> dict[int, str]:
    """Map the id of each Value in a frame to the first variable that holds it, locals before globals.

    A Value in a list is named by its index, as w[0]. Names that begin with an underscore are skipped.
    """
    names: dict[int, str] = {}
    if frame is not None:
        for variables in (frame.f_locals, frame.f_globals):
            _collect(variables, names)
    return names


def _collect(variables: Mapping[str, Any], names: dict[int, str]) -> None:
    for name, x in list(variables.items()):
        if name.startswith("_") or not name.isidentifier():  # test frameworks add variables such as @py_assert1
            continue
        if hasattr(type(x), "__gate__"):
            names.setdefault(id(x), name)
        elif x.__class__ in (list, tuple):
            for i, entry in enumerate(x):
                if hasattr(type(entry), "__gate__"):
                    names.setdefault(id(entry), f"{name}[{i}]")


def node_names(order: Sequence[N], known: Mapping[int, str]) -> dict[N, str | None]:
    """Map each node to its label, or else the caller's name for it, or None."""
    return {node: node.label or known.get(id(node)) for node in order}


def complete_names(order: Sequence[N], known: Mapping[int, str]) -> dict[N, str]:
    """Map every node to a unique name: its label or variable, or else x1, w1 or c1 for a leaf and v1 for a gate.

    A name that several nodes have is numbered from the second on: x, x₂, x₃. An unnamed root is called f.
    """
    given, root = node_names(order, known), order[-1]
    own = {name for name in given.values() if name}
    free = {kind: _unused(kind, own) for kind in "xwcv"}
    uses: Counter[str] = Counter()
    names: dict[N, str] = {}
    for node in order:
        name = given[node]
        if name:
            uses[name] += 1
            names[node] = name if uses[name] == 1 else f"{name}{str(uses[name]).translate(SUBSCRIPT)}"
        elif node is root and node.inputs and "f" not in own:
            names[node] = "f"
        else:
            names[node] = next(free[PREFIXES.get(node.role, "v")])
    return names


def names_in_errors(order: Sequence[N]) -> dict[N, str]:
    """Return the names that `explain` would show for a graph, from the variables of the code that called this package."""
    frame: FrameType | None = sys._getframe()
    package = __name__.partition(".")[0]
    while frame is not None and str(frame.f_globals.get("__name__")).partition(".")[0] == package:
        frame = frame.f_back
    return complete_names(order, caller_names(frame))


def _unused(kind: str, taken: set[str]) -> Iterator[str]:
    """Yield kind1, kind2, … without the names that are taken."""
    return (name for i in count(1) if (name := f"{kind}{i}") not in taken)
