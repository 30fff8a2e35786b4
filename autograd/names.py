"""Names of nodes in pictures and errors: the label, or else the caller's variable that holds the node."""

from __future__ import annotations

import ast
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from inspect import getsourcelines
from itertools import count
from textwrap import dedent
from types import FrameType
from typing import Any

from .node import N

__all__ = ["caller", "caller_names", "complete_names", "names_in_errors", "node_names"]

PREFIXES: dict[str | None, str] = {"input": "x", "parameter": "w", "constant": "c"}
LIBRARIES = {"autograd", "nn", "numpy"}  # a function of NumPy, such as sum, calls the operators of Values
SUBSCRIPT = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def caller_names(frame: FrameType | None) -> dict[int, str]:
    """Map the id of each Value in a frame to a name: a module's name for its parameter, or else the first variable.

    Locals come before globals. A leaf in a list of leaves is named by its index, as w[0], and a parameter of a module as
    in `named_parameters`. The variables of loops, and names that begin with an underscore, are skipped.
    """
    names: dict[int, str] = {}
    if frame is not None:
        loops = _loop_variables(frame)
        variables = [
            (name, x)
            for scope in (frame.f_locals, frame.f_globals)
            for name, x in [*scope.items()]
            # test frameworks add variables such as @py_assert1
            if not name.startswith("_") and name.isidentifier() and name not in loops
        ]
        for collect in (_parameters, _entries):
            for name, x in variables:
                for value, found in collect(name, x):
                    names.setdefault(id(value), found)
    return names


def _parameters(name: str, x: Any) -> Iterator[tuple[Any, str]]:
    """Yield the parameters of a module with their names."""
    if not isinstance(x, type) and callable(getattr(type(x), "named_parameters", None)):
        try:
            named = [*x.named_parameters()]
        except Exception:  # of another library, or of a module that is not ready yet
            return
        yield from ((value, path) for path, value in named if hasattr(type(value), "__gate__"))


def _entries(name: str, x: Any) -> Iterator[tuple[Any, str]]:
    """Yield a Value with the name of its variable, or the leaves of a list with their indices."""
    if hasattr(type(x), "__gate__"):
        yield x, name
    elif x.__class__ in (list, tuple):
        values = [(entry, f"{name}[{i}]") for i, entry in enumerate(x) if hasattr(type(entry), "__gate__")]
        if all(value.gate is None for value, _ in values):  # else it lists the nodes of a graph
            yield from values


def _loop_variables(frame: FrameType) -> set[str]:
    """Return the targets of `for` in a frame's source: after the loop they still hold the last node that it met."""
    try:
        lines, _ = getsourcelines(frame)
        tree = ast.parse(dedent("".join(lines)))
    except (OSError, SyntaxError, ValueError, TypeError):  # typed at a prompt, or generated
        return set()
    targets = (part.target for part in ast.walk(tree) if isinstance(part, ast.For))
    return {name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)}


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
    return complete_names(order, caller_names(caller()))


def caller() -> FrameType | None:
    """Return the frame of the caller's code: the innermost one outside this package and the libraries that call it."""
    frame: FrameType | None = sys._getframe()
    while frame is not None and str(frame.f_globals.get("__name__")).partition(".")[0] in LIBRARIES:
        frame = frame.f_back
    return frame


def _unused(kind: str, taken: set[str]) -> Iterator[str]:
    """Yield kind1, kind2, … without the names that are taken."""
    return (name for i in count(1) if (name := f"{kind}{i}") not in taken)
