"""Activation functions as parts of a network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autograd import Gate
from autograd.arguments import list_or_none

from .module import Module

__all__ = ["Activation", "activate", "title"]

Function = Callable[[Any], Any]


class Activation(Module):
    """A function as a module: a gate is applied to each component, another function to the whole list.

    >>> from autograd import relu
    >>> Activation(relu)([-1.0, 2.0])
    [0.0, 2.0]
    """

    def __init__(self, function: Function) -> None:
        self.function = checked(function)

    def forward(self, x: Any) -> Any:
        return activate(self.function, x)

    def __repr__(self) -> str:
        return f"Activation({title(self.function)})"


def activate(function: Function | None, x: Any) -> Any:
    """Return AF(x): componentwise for a gate, else the function of the whole; x itself for None."""
    if function is None:
        return x
    entries = list_or_none(x) if isinstance(function, Gate) else None
    return function(x) if entries is None else [function(v) for v in entries]


def checked(function: Any) -> Any:
    """Return an activation, or raise a TypeError that says what one is."""
    if isinstance(function, type):
        raise TypeError(f"a part of a network is an instance: write {function.__name__}(...), not the class")
    if function is None or callable(function):
        return function
    raise TypeError(f"an activation is a function such as autograd.tanh, or None for a linear output, not {function!r}")


def title(function: Any) -> str:
    """Return how a network's repr calls an activation."""
    return "linear" if function is None else getattr(function, "__name__", type(function).__name__)
