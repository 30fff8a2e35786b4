"""How nodes are being recorded right now: under which scope, whether at all, and at what time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ContextDecorator, contextmanager
from contextvars import ContextVar, Token
from sys import intern
from threading import Lock, RLock
from typing import Any

from .arguments import truncated_repr
from .native import compiled, core

__all__ = [
    "context",
    "defer",
    "no_grad",
    "recorded",
    "recording",
    "refuse_while_tracing",
    "scope",
    "settle",
    "tick",
    "traced",
    "tracing",
]


class _Recording:
    """What every recorded node looks at, kept to two attributes because every recorded node looks at it.

    `clock` counts the changes of leaves, from 1: a node that is older than a change of its input is stale.
    `special` holds an entry for each open block of all threads, and one while writes are deferred; while it is empty, none
    need be asked about. (A list, because appending and popping are atomic, and counting is not.)
    `deferred` holds, by owner, the writes of numbers into leaves that wait until somebody reads one.
    """

    __slots__ = ("clock", "deferred", "settle", "special")
    settle: Callable[[], None]

    def __init__(self) -> None:
        self.clock = 1
        self.special: list[None] = []
        self.deferred: dict[object, Callable[[], None]] = {}


# The scope that new nodes of this thread or task are stamped with ("" for none), and whether they are recorded.
_context: ContextVar[tuple[str, bool]] = ContextVar("autograd", default=("", True))
context = _context.get

recording: _Recording = _Recording() if core is None else core.Recording(_context)
_lock = Lock()


def tick() -> int:
    """Move the clock on by one change, and return the time."""
    with _lock:
        recording.clock += 1
        return recording.clock


if core is not None:
    tick = core.tick


_settling = RLock()


def defer(owner: object, write: Callable[[], None]) -> None:
    """Have `write` called before anyone next reads a number of a Value, once, whatever else its owner deferred before."""
    with _settling:
        if not recording.deferred:
            recording.special.append(None)
        recording.deferred.pop(owner, None)
        recording.deferred[owner] = write  # at the end: of leaves with several owners the last one's numbers count


def settle() -> None:
    """Write the numbers that were deferred into their leaves."""
    if recording.deferred:
        with _settling:
            while recording.deferred:
                owner, write = next(iter(recording.deferred.items()))
                write()  # before it is forgotten: who comes now waits, and what is interrupted is done again
                del recording.deferred[owner]
                if not recording.deferred:
                    recording.special.pop()


recording.settle = settle  # where compiled code finds it


# Whether Values hide their numbers: what is recorded then serves for all data, so it must not depend on any.
_tracing: ContextVar[bool] = ContextVar("autograd tracing", default=False)
tracing = _tracing.get


def refuse_while_tracing(what: str) -> None:
    """Raise a TypeError while a function is being recorded for all data; `what` would make the record depend on some."""
    if _tracing.get():
        raise TypeError(
            f"{what} does not work while compiling: one program is recorded for all data, so it cannot depend on a number. "
            "Write autograd.maximum(a, b), autograd.where(c, a, b) instead of if, and one-hot labels instead of indices"
        )


class _Block(ContextDecorator):
    """A with-block (or decorator) that changes the context of its own thread or task only."""

    def __init__(self) -> None:
        self._tokens: list[Token[tuple[str, bool]]] = []

    def _inside(self, scope: str, records: bool) -> tuple[str, bool]:
        """Return the context inside, given that outside."""
        return scope, records

    def _recreate_cm(self) -> _Block:
        return type(self)()  # a decorated function may run in several threads at once

    def __enter__(self) -> None:
        self._tokens.append(_context.set(self._inside(*_context.get())))
        recording.special.append(None)

    def __exit__(self, *_: Any) -> None:
        recording.special.pop()
        _context.reset(self._tokens.pop())


@compiled
class scope(_Block):
    """Stamp the nodes made inside with a name, by which pictures fold them; nested names are joined by a slash.

    >>> import autograd
    >>> with autograd.scope("layer1"), autograd.scope("neuron2"):
    ...     v = autograd.Value(2.0) * 3
    >>> v.scope
    'layer1/neuron2'
    """

    def __init__(self, name: str) -> None:
        if not isinstance(name, str):
            raise TypeError(f"a scope's name is a str, such as 'layer1', not {truncated_repr(name)}")
        self._name = name
        self._tokens = []

    def _recreate_cm(self) -> scope:
        return scope(self._name)

    def _inside(self, scope: str, records: bool) -> tuple[str, bool]:
        return intern(f"{scope}/{self._name}" if scope else self._name), records


class no_grad(_Block):
    """Evaluate without recording: what is made inside are constants, which remember no inputs.

    >>> import autograd
    >>> with autograd.no_grad():
    ...     v = autograd.Value(2.0) * 3
    >>> v, v.inputs
    (Value(data=6.0, grad=0.0), ())
    >>> (autograd.Value(2.0) * 3).detach().role  # of one node, later
    'constant'
    """

    def __init__(self, *given: Any) -> None:
        if given:
            raise TypeError("no_grad takes no arguments: write `with no_grad():` around what it is for, or @no_grad()")
        super().__init__()

    def _inside(self, scope: str, records: bool) -> tuple[str, bool]:
        refuse_while_tracing("no_grad")
        return scope, False


class recorded(_Block):
    """Record inside, even within `no_grad`: what differentiates a function needs its graph."""

    def _inside(self, scope: str, records: bool) -> tuple[str, bool]:
        return scope, True


@contextmanager
def traced() -> Iterator[None]:
    """Hide the numbers of all Values inside: reading one raises a TypeError."""
    token = _tracing.set(True)
    try:
        with recorded():
            yield
    finally:
        _tracing.reset(token)
