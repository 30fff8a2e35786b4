"""Tracing: a function is recorded once for all data, on input Values whose numbers cannot be read."""

from __future__ import annotations

import inspect
import keyword
import re
import unicodedata
from collections.abc import Callable, Mapping
from math import nan
from types import MappingProxyType
from typing import Any, NamedTuple

from ..arguments import truncated_repr, unpack_array
from ..context import traced
from ..value import Value
from .batches import numpy

__all__ = ["ALONE", "Trace", "input_names", "recorded", "takes_nothing", "trace"]

MOST_ENTRIES = 10**6  # maximum number of entries of one input
ALONE = "one"  # name of the stand-in input of a program without inputs: one sample, the number 1


class Trace(NamedTuple):
    """A recorded function: its outputs, the Values that stand for its inputs, and whether it returned a list.

    ranges: for each input that is an index, the number of entries that it selects from
    """

    outputs: list[Value]
    inputs: dict[str, list[Value]]
    several: bool
    ranges: Mapping[Value, int] = MappingProxyType({})


def trace(function: Any, sizes: Mapping[str, int]) -> Trace:
    """Call a function on lists of Values without numbers, of the given sizes, and return what it recorded.

    Operations that would make the graph depend on a number (`.data`, a comparison, float, bool) raise inside.
    """
    if not callable(function):
        raise TypeError(
            f"compile takes a function of Values, a model, or a recorded Value, not {truncated_repr(function)}"
        )
    sizes = {name: unpack_array(size) for name, size in sizes.items()}
    for name, size in sizes.items():
        _refuse_taken(name)
        if isinstance(size, bool) or not isinstance(size, int) or size < 1:
            raise ValueError(f"{name} is the number of entries of that input, at least 1, not {size!r}")
        if size > MOST_ENTRIES:
            raise ValueError(f"{name} has {size} entries, and an input has at most {MOST_ENTRIES}, one Value each")
    inputs = {name: [Value(nan, f"{name}[{i}]") for i in range(sizes[name])] for name in _ordered(function, sizes)}
    with traced() as ranges, numpy().errstate(invalid="ignore"):  # NumPy would warn where arrays of these are compared
        result = unpack_array(function(*inputs.values()))
    several = isinstance(result, (list, tuple))
    outputs = list(result) if several else [result]
    if not outputs:
        raise TypeError("a compiled function returns a Value or a list of Values, not an empty list")
    for output in outputs:
        if not isinstance(output, Value):
            raise TypeError(f"a compiled function returns a Value or a list of Values, not {truncated_repr(output)}")
    return Trace(outputs, inputs or _alone(), several, ranges)


def _ordered(function: Callable[..., Any], names: Mapping[str, int]) -> list[str]:
    """Return the names of the inputs in the order of the function's parameters, or as given if it does not name them.

    A single input may have any name, because it cannot be confused with another.
    """
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # some callables have no signature
        return list(names)
    if any(p.kind in (p.VAR_POSITIONAL, p.POSITIONAL_ONLY) for p in parameters):
        return list(names)
    taken = [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    needed = [p.name for p in parameters if p.default is p.empty]
    if len(names) == 1 >= len(needed) and taken:
        return list(names)
    found = [name for name in taken if name in names]
    if found != taken[: len(names)] or len(found) < len(needed):
        raise TypeError(
            f"the function's inputs are {', '.join(taken)}, and compile was given the sizes of {', '.join(names)}: "
            f"write compile(..., {', '.join(f'{name}=…' for name in needed)}), with the number of entries of each"
        )
    return found


def input_names(function: Any) -> list[str]:
    """Return the names of all inputs that a function needs, in their order."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # some callables have no signature
        parameters = {}.values()
    names = [p.name for p in parameters if p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD]
    if not names or len(names) < len([p for p in parameters if p.default is p.empty]):
        raise TypeError(
            "compile needs the size of every input, by name: compile(loss, model, x=2, y=1); of a function that names its "
            f"inputs, as in def loss(x, y), they are found at the first call, and this is {truncated_repr(function)}"
        )
    return names


def takes_nothing(function: Any) -> bool:
    """Tell whether a function has no inputs at all."""
    try:
        return callable(function) and not inspect.signature(function).parameters
    except (TypeError, ValueError):
        return False


def recorded(roots: list[Value], inputs: Mapping[str, Any], several: bool) -> Trace:
    """Return the trace of a graph that is recorded already, given the leaves that are its inputs."""
    for name in inputs:
        _refuse_taken(name)
    named = {name: list(values) if isinstance(values, (list, tuple)) else [values] for name, values in inputs.items()}
    known: dict[Value, str] = {}
    for name, values in named.items():
        for i, value in enumerate(values):
            if isinstance(value, Value) and value in known:
                raise ValueError(f"{name}[{i}] is {known[value]} again: a leaf can be one input only")
            known[value] = f"{name}[{i}]"
            if not isinstance(value, Value) or value.gate is not None:
                raise TypeError(
                    f"{name} is the list of leaves of the graph that are this input, not {truncated_repr(value)}"
                )
    return Trace(roots, named or _alone(), several)


def _alone() -> dict[str, list[Value]]:
    return {ALONE: [Value(nan, ALONE)]}


def _refuse_taken(name: str) -> None:
    """Raise for an input's name that the program's source uses itself."""
    if not name.isidentifier() or unicodedata.normalize("NFKC", name) != name:
        raise ValueError(f"an input's name is written in code, so it is an identifier, such as x, not {name!r}")
    if keyword.iskeyword(name) or re.fullmatch(r"xp|theta|seed|one|B|inf|nan|d?[Wb]\d+|[zadki]\d+", name):
        raise ValueError(
            f"an input cannot be called {name}, which is a name of the program's own: call it x, y or u, for one"
        )
