"""How nodes are being recorded right now: under which scope, whether at all, and at what time."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ContextDecorator
from contextvars import ContextVar, Token
from threading import Lock
from typing import Any, NamedTuple

__all__ = ["context", "no_grad", "recorded", "recording", "scope", "tick"]


class _Recording:
    """What every recorded node looks at, kept to two attributes because every recorded node looks at it.

    `clock` counts the changes of leaves, from 1: a node that is older than a change of its input is stale.
    `special` counts the open `scope` and `no_grad` blocks of all threads; while it is 0, none need be asked about.
    """

    __slots__ = ("clock", "special")

    def __init__(self) -> None:
        self.clock = 1
        self.special = 0


recording = _Recording()
_lock = Lock()


def tick() -> int:
    """Move the clock on by one change, and return the time."""
    with _lock:
        recording.clock += 1
        return recording.clock


class Context(NamedTuple):
    """The scope that new nodes are stamped with, and whether they are recorded."""

    scope: str | None
    records: bool


_OUTSIDE = Context(None, records=True)
_context: ContextVar[Context] = ContextVar("autograd", default=_OUTSIDE)


def context() -> Context:
    """Return the context of this thread or task."""
    return _context.get()


class _Block(ContextDecorator):
    """A with-block (or decorator) that changes the context of its own thread or task only."""

    def __init__(self, inside: Callable[[Context], Context]) -> None:
        self._inside = inside
        self._tokens: list[Token[Context]] = []

    def _recreate_cm(self) -> _Block:
        return _Block(self._inside)  # a decorated function may run in several threads at once

    def __enter__(self) -> None:
        self._tokens.append(_context.set(self._inside(_context.get())))
        with _lock:
            recording.special += 1

    def __exit__(self, *_: Any) -> None:
        with _lock:
            recording.special -= 1
        _context.reset(self._tokens.pop())


class scope(_Block):
    """Stamp the nodes made inside with a name, by which pictures fold them; nested names are joined by a slash.

    >>> import autograd
    >>> with autograd.scope("layer1"), autograd.scope("neuron2"):
    ...     v = autograd.Value(2.0) * 3
    >>> v.scope
    'layer1/neuron2'
    """

    def __init__(self, name: str) -> None:
        super().__init__(lambda outer: Context(f"{outer.scope}/{name}" if outer.scope else name, outer.records))


class no_grad(_Block):
    """Evaluate without recording: what is made inside are constants, which remember no inputs.

    >>> import autograd
    >>> with autograd.no_grad():
    ...     v = autograd.Value(2.0) * 3
    >>> v, v.inputs
    (Value(data=6.0, grad=0.0), ())
    """

    def __init__(self) -> None:
        super().__init__(lambda outer: Context(outer.scope, records=False))


def recorded() -> _Block:
    """Record inside, even within `no_grad`: what differentiates a function needs its graph."""
    return _Block(lambda outer: Context(outer.scope, records=True))
