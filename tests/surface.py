"""The public surface: what help() and the reference tell of, and the tests of docstrings walk."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator
from typing import Any

__all__ = ["MODULES", "members", "names", "public"]

MODULES = ("autograd", "autograd.testing", "nn", "nn.classical", "nn.schedules")


def public(module: Any) -> Iterator[tuple[str, Any]]:
    """Yield the names that a module offers, with what they stand for: classes, functions, and objects that are called."""
    for name in getattr(module, "__all__", None) or vars(module):
        thing = getattr(module, name)
        alias = type(thing).__module__ in ("typing", "types", "collections.abc") and not inspect.isfunction(thing)
        if not name.startswith("_") and callable(thing) and not alias:
            yield name, thing


def names() -> dict[str, Any]:
    """Return everything that is public by its full name."""
    return {f"{name}.{thing}": found for name in MODULES for thing, found in public(importlib.import_module(name))}


def members(thing: type) -> Iterator[tuple[str, Any]]:
    """Yield the public methods and properties of a class."""
    for name, member in inspect.getmembers(thing):
        if not name.startswith("_") and (inspect.isroutine(member) or isinstance(member, property)):
            yield name, member
