"""What to call a node: its label, or the variable that holds it where the picture is asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import FrameType
from typing import Any

from ..value import Value

__all__ = ["caller_names", "node_names"]


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
        if isinstance(x, Value):
            names.setdefault(id(x), name)
        elif x.__class__ in (list, tuple):
            for i, entry in enumerate(x):
                if isinstance(entry, Value):
                    names.setdefault(id(entry), f"{name}[{i}]")


def node_names(order: Sequence[Value], known: Mapping[int, str]) -> dict[Value, str | None]:
    """Return each node's label, or else the name that the caller knows it by, or None."""
    return {node: node.label or known.get(id(node)) for node in order}
