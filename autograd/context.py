"""How nodes are being recorded right now: under which scope, whether at all, and at what time."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ContextDecorator, contextmanager
from contextvars import ContextVar
from inspect import isasyncgenfunction, iscoroutinefunction, isgeneratorfunction
from sys import intern
from threading import Lock
from typing import Any, TypeVar
from weakref import ref

from ._engine import chosen, compiled, partly_compiled
from .arguments import truncated_repr

__all__ = [
    "context",
    "here",
    "no_grad",
    "recorded",
    "recording",
    "refuse_while_tracing",
    "scope",
    "tick",
    "traced",
    "tracing",
]


class _Recording:
    """Global state read on every operation, so it is small.

    `clock` counts the changes of leaves, from 1: a node that is older than a change of its input is stale.
    `special` holds an item for each open block of all threads. While it is empty, recording takes the fast path. (A list,
    because appending and popping are atomic, and counting is not.)
    `left` holds a weak reference to each block that has ended, and may stand in the context of a task or thread still.
    """

    __slots__ = ("clock", "context", "leave", "left", "special")
    # where compiled code finds the functions of these names
    context: Callable[[], Context]
    leave: Callable[[list[_Block]], int]

    def __init__(self) -> None:
        self.clock = 1
        self.special: list[None] = []
        self.left: list[ref[_Block]] = []


# What new nodes of this thread or task are made in: their scope ("" for none), whether they are recorded, the innermost block
# that is open, and the context outside of it. It is immutable; a task has the one that it was started in.
Context = tuple[str, bool, "_Block | None", Any]

_context: ContextVar[Context] = chosen("context", ContextVar("autograd", default=("", True, None, None)))
here, _set = _context.get, _context.set
recording: _Recording = chosen("recording", _Recording())
_lock = Lock()


def context() -> Context:
    """Return the context that new nodes are made in; while `recording.left` is empty, `here()` is faster."""
    now = here()
    if recording.left and any(block._left for block in _blocks(now)):
        now = _without(now)
        _set(now)
    return now


def _blocks(now: Context) -> Iterator[_Block]:
    """Return the blocks that are open in a context, the innermost first."""
    while now[2] is not None:
        yield now[2]
        now = now[3]


def _without(now: Context, gone: _Block | None = None) -> Context:
    """Return a context without a block, and without those that have ended, wherever these stand in it."""
    kept = [block for block in _blocks(now) if block is not gone and not block._left]
    while now[2] is not None:
        now = now[3]
    for block in reversed(kept):
        now = block._inside(now)
    return now


# How often a context is referred to when its block is left and no task or thread was started in it; without such counts (PyPy),
# the contexts of all are looked through.
_references = getattr(sys, "getrefcount", lambda _: 1)
_alone = 0


def _leave(opened: list[_Block]) -> int:
    """Leave one of the blocks: the innermost here, else the last. Return how often its context is referred to still.

    Generators leave theirs in any order, so a block is taken out of the context wherever it stands. It has ended for all:
    where another context may hold it, it says so of itself.
    """
    now = context() if recording.left else here()
    block = opened[-1]
    references = sys.maxsize
    if now[2] is block:
        _set(now[3])
        references = _references(now)
    else:
        block = next((block for block in _blocks(now) if block in opened), block)
        _set(_without(now, block))
    if references > _alone:
        block._left = True
        recording.left.append(ref(block, recording.left.remove))
    opened.remove(block)
    recording.special.pop()
    return references


recording.context, recording.leave = context, _leave


@compiled
def tick() -> int:
    """Move the clock on by one change, and return the time."""
    with _lock:
        recording.clock += 1
        return recording.clock


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


F = TypeVar("F", bound=Callable[..., Any])


class _Block(ContextDecorator):
    """A with-block (or decorator) that changes the context of its own thread or task, and of what is started inside.

    `_opened` holds what was entered and not left yet: the block itself, or where that is open already a block like it, so
    that a context names each once. `_left` tells that a block has ended, for contexts that hold it still.
    """

    _left = False
    _opened: Any = ()

    def __init__(self) -> None:
        if self._opened:
            raise RuntimeError("a block cannot be made anew while it is open: make another one")
        self._opened: list[_Block] = []

    def _inside(self, outer: Context) -> Context:
        """Return the context inside, given that outside."""
        return outer[0], outer[1], self, outer

    def _recreate_cm(self) -> _Block:
        return type(self)()  # a decorated function may run in several threads at once

    def __call__(self, function: F) -> F:
        """Return the function with its calls inside the block."""
        if isgeneratorfunction(function) or iscoroutinefunction(function) or isasyncgenfunction(function):
            raise TypeError(
                f"{type(self).__name__} cannot decorate {function.__name__}, whose body runs after its call has ended: "
                "write the with-block inside it"
            )
        return ContextDecorator.__call__(self, function)

    def __enter__(self) -> None:
        opened = self._opened
        if opened.__class__ is not list:
            raise RuntimeError(
                "a block must be made before it is entered: write with no_grad(): or with scope('name'):"
            )
        block = self._recreate_cm() if opened or self._left else self
        outer = context() if recording.left else here()
        try:
            _set(block._inside(outer))
            recording.special.append(None)
            opened.append(block)
        except BaseException:  # an interrupt, after which there will be no __exit__
            _set(outer)
            raise

    def __exit__(self, *_: Any) -> None:
        if not self._opened:
            raise RuntimeError("a block was left that was not entered: write `with`, which does both")
        _leave(self._opened)


@partly_compiled
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
        _Block.__init__(self)
        self._name = str.__str__(name)  # exactly a str, which refers to nothing else

    def _recreate_cm(self) -> scope:
        return scope(self._name)

    def _inside(self, outer: Context) -> Context:
        path = outer[0]
        return intern(f"{path}/{self._name}" if path else self._name), outer[1], self, outer


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

    def _inside(self, outer: Context) -> Context:
        return outer[0], False, self, outer

    def __enter__(self) -> None:
        refuse_while_tracing("no_grad")
        super().__enter__()


class recorded(_Block):
    """Record inside, even within `no_grad`: what differentiates a function needs its graph."""

    def _inside(self, outer: Context) -> Context:
        return outer[0], True, self, outer


with_nothing_started = recorded()
with_nothing_started.__enter__()
_alone = _leave(with_nothing_started._opened)
del with_nothing_started  # and so what is said of it in recording.left


@contextmanager
def traced() -> Iterator[None]:
    """Hide the numbers of all Values inside: reading one raises a TypeError."""
    token = _tracing.set(True)
    try:
        with recorded():
            yield
    finally:
        _tracing.reset(token)
