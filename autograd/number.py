"""What counts as a number here, and the sentence that answers everything else."""

from __future__ import annotations

import sys
from numbers import Real
from typing import Any

__all__ = ["is_numpy_scalar", "number", "remedy", "short", "unpacked"]


def number(x: Any, what: str = "a Value") -> float:
    """Return x as a float if it is an int, a float, a bool or a numpy scalar; else raise a TypeError with the remedy.

    `what` names, in the message, the thing that the number was meant for.

    >>> number(True)
    1.0
    >>> number("3")
    Traceback (most recent call last):
    TypeError: a Value needs a number, not the str '3': write float('3')
    """
    if x.__class__ is float:
        return x
    if is_numpy_scalar(x):
        x = x.item()
    if isinstance(x, Real):
        try:
            return float(x)
        except OverflowError:
            raise OverflowError(
                f"{what} holds a float, and the {type(x).__name__} {short(x)} is beyond its range (about 1.8e308)"
            ) from None
    raise TypeError(f"{what} needs a number, not {remedy(x)}")


def is_numpy_scalar(x: Any) -> bool:
    """Tell whether x is a numpy scalar, which can only be where numpy is imported already."""
    numpy = sys.modules.get("numpy")
    return numpy is not None and isinstance(x, numpy.generic)


def unpacked(x: Any) -> Any:
    """Return an array as lists of Python's numbers, and a numpy scalar as one; anything else as it is.

    >>> unpacked([1, 2.5])
    [1, 2.5]
    """
    return x if hasattr(type(x), "__gate__") or not hasattr(x, "tolist") else x.tolist()


def remedy(x: Any) -> str:
    """Say what x is and what to write instead of it."""
    kind = type(x).__name__
    if x is None:
        return "None: does the function that made it return its result?"
    if isinstance(x, str):
        return f"the str {short(x)}: write float({short(x)})"
    if isinstance(x, complex):
        return f"the complex {x}: gates are real, so write its .real or its .imag"
    if isinstance(x, (list, tuple, set, frozenset, dict)):
        return f"a {kind}: make one Value per entry, as in [Value(x) for x in xs]"
    if getattr(x, "shape", None) == ():
        return f"an array of type {kind} with no dimensions: write x.item()"
    if hasattr(x, "tolist"):
        return f"the array of type {kind}: make one Value per entry, as in [Value(x) for x in array.tolist()]"
    if hasattr(x, "__gate__"):
        return f"a {kind}: use it as it is, or write its .data for the number alone"
    return f"the {kind} {short(x)}: write float(x) if it stands for a number"


def short(x: Any, width: int = 40) -> str:
    """Return the repr of x on one line, at most `width` characters of it."""
    try:
        text = repr(x)
    except ValueError:  # an int with more digits than Python prints
        return "with thousands of digits"
    return text if len(text) <= width else text[: width - 1] + "…"
