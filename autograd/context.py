"""The state that recording depends on: the scope, whether gates are recorded, and the clock."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ContextDecorator, contextmanager, nullcontext
from contextvars import ContextVar
from inspect import isasyncgenfunction, iscoroutinefunction, isgeneratorfunction
from sys import intern
from threading import Lock
from typing import Any, TypeVar
from weakref import ref

from ._engine import chosen, compiled, partly_compiled
from .arguments import truncated_repr

__all__ = [
    "Block",
    "Recorded",
    "context",
    "declare_index",
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

    `clock` counts the changes of leaves, from 1; a node with a smaller tick than one of its inputs is stale.
    `special` holds one item for each open block of all threads. While it is empty, recording takes the fast path. It is a
    list, because append and pop are atomic and += is not.
    `left` holds weak references to the blocks that have ended but may still be in the context of another task or thread.
    """

    __slots__ = ("clock", "context", "leave", "left", "special")
    # C code looks these functions up here
    context: Callable[[], Context]
    leave: Callable[[list[Block]], int]

    def __init__(self) -> None:
        self.clock = 1
        self.special: list[None] = []
        self.left: list[ref[Block]] = []


# The context of a thread or task: the scope of new nodes ("" for none), whether gates are recorded, the innermost open
# block, the context outside that block, and the function that is called with each new node, or None. It is immutable; a
# new task inherits the one that it was started in.
Context = tuple[str, bool, "Block | None", Any, "Callable[[Any], object] | None"]

_context: ContextVar[Context] = chosen("context", ContextVar("autograd", default=("", True, None, None, None)))
here, _set = _context.get, _context.set
recording: _Recording = chosen("recording", _Recording())
_lock = Lock()


def context() -> Context:
    """Return the present context without blocks that have ended. If `recording.left` is empty, `here()` is the same, faster."""
    now = here()
    if recording.left and any(block._left for block in _blocks(now)):
        now = _without(now)
        _set(now)
    return now


def _blocks(now: Context) -> Iterator[Block]:
    """Return the blocks of a context, the innermost first."""
    while now[2] is not None:
        yield now[2]
        now = now[3]


def _without(now: Context, gone: Block | None = None) -> Context:
    """Return a context without the block `gone` and without all blocks that have ended, at whatever depth."""
    kept = [block for block in _blocks(now) if block is not gone and not block._left]
    while now[2] is not None:
        now = now[3]
    for block in reversed(kept):
        now = block._inside(now)
    return now


# `_alone` is the reference count of a context when its block is left and no task or thread was started inside. It is
# measured below.
# An interpreter without reference counts (PyPy) treats every block as if a task had been started inside.
_references = getattr(sys, "getrefcount", lambda _: 1)
_alone = 0


def _leave(opened: list[Block]) -> int:
    """Leave a block of `opened`, the innermost here or else the last; return the reference count of its context.

    Generators may leave their blocks in any order, so the block is removed at whatever depth it is. If another context may
    hold it (a task was started inside), `_left` marks it as ended there too.
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
    """Advance the clock by one and return it."""
    with _lock:
        recording.clock += 1
        return recording.clock


# True while a function is traced: the recorded graph must hold for all data, so reading a number raises.
_tracing: ContextVar[bool] = ContextVar("autograd tracing", default=False)
tracing = _tracing.get
_ranges: ContextVar[dict[Any, int]] = ContextVar("autograd ranges")  # set while tracing


def refuse_while_tracing(what: str) -> None:
    """Raise a TypeError while tracing, because `what` would make the recorded graph depend on the data."""
    if _tracing.get():
        raise TypeError(
            f"{what} does not work while compiling: one program is recorded for all data, so it cannot depend on a number. "
            "Write autograd.maximum(a, b), autograd.where(c, a, b) instead of if, and one-hot labels instead of indices"
        )


F = TypeVar("F", bound=Callable[..., Any])


class Block(ContextDecorator):
    """A with-block (or decorator) that changes the context of its thread or task, and of tasks started inside.

    `_opened` lists the blocks that were entered and not left yet: the block itself, and a copy for each time that it was
    entered again meanwhile, because a context must not hold a block twice. `_left` marks a block that has ended, for the
    contexts of other tasks that still hold it.
    """

    _left = False
    _opened: Any = ()

    def __init__(self, *given: Any) -> None:
        name = type(self).__name__
        if given:
            raise TypeError(f"{name} takes no arguments: write `with {name}():` around what it is for, or @{name}()")
        if self._opened:
            raise RuntimeError("a block cannot be made anew while it is open: make another one")
        self._opened: list[Block] = []

    def _inside(self, outer: Context) -> Context:
        """Return the context inside the block, given the one outside."""
        return outer[0], outer[1], self, outer, outer[4]

    def _recreate_cm(self) -> Block:
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
        except BaseException:  # after an interrupt here, Python does not call __exit__
            if block in opened:
                _leave(opened)
            else:
                _set(outer)  # one item too many in `special` costs only speed
            raise

    def __exit__(self, *_: Any) -> None:
        if not self._opened:
            raise RuntimeError("a block was left that was not entered: write `with`, which does both")
        _leave(self._opened)


@partly_compiled
class scope(Block):
    """Set the scope of the nodes made inside to a name; nested names are joined by a slash. Pictures can fold a scope.

    >>> import autograd
    >>> with autograd.scope("layer1"), autograd.scope("neuron2"):
    ...     v = autograd.Value(2.0) * 3
    >>> v.scope
    'layer1/neuron2'
    """

    def __init__(self, name: str) -> None:
        if not isinstance(name, str):
            raise TypeError(f"a scope's name is a str, such as 'layer1', not {truncated_repr(name)}")
        Block.__init__(self)
        self._name = str.__str__(name)  # exactly a str, which refers to nothing else

    def _recreate_cm(self) -> scope:
        return scope(self._name)

    def _inside(self, outer: Context) -> Context:
        path = outer[0]
        return intern(f"{path}/{self._name}" if path else self._name), outer[1], self, outer, outer[4]


class no_grad(Block):
    """Evaluate without recording: the nodes made inside are constants without inputs.

    >>> import autograd
    >>> with autograd.no_grad():
    ...     v = autograd.Value(2.0) * 3
    >>> v, v.inputs
    (Value(data=6.0, grad=0.0), ())
    >>> (autograd.Value(2.0) * 3).detach().role  # of one node, later
    'constant'
    """

    def _inside(self, outer: Context) -> Context:
        refuse_while_tracing("no_grad")
        return outer[0], False, self, outer, outer[4]


class Recorded(Block):
    """A block that records inside, even within `no_grad`."""

    def _inside(self, outer: Context) -> Context:
        return outer[0], True, self, outer, outer[4]


_nothing = nullcontext()


def recorded() -> AbstractContextManager[None]:
    """Return a block to be entered at once, in which gates are recorded: differentiating a function needs its graph.

    Where they are recorded anyway nothing is opened, because recording is slower while a block is open.
    """
    return _nothing if context()[1] else Recorded()


with_nothing_started = Recorded()
with_nothing_started.__enter__()
_alone = _leave(with_nothing_started._opened)
del with_nothing_started  # removes its weak reference from recording.left, too


def declare_index(i: Any, n: int) -> bool:
    """Tell whether a function is being traced; if so, note that the Value i must be a whole number in 0 … n − 1."""
    if _tracing.get():
        _ranges.get()[i] = min(n, _ranges.get().get(i, n))
    return _tracing.get()


@contextmanager
def traced() -> Iterator[dict[Any, int]]:
    """Hide the numbers of all Values inside: reading one raises a TypeError.

    Yields a dict from each Value that must be a whole number in 0 … n − 1 to its n: see `declare_index`.
    """
    ranges: dict[Any, int] = {}
    tokens = _tracing.set(True), _ranges.set(ranges)
    try:
        with Recorded():  # an open block, so that reading a number takes the slow path
            yield ranges
    finally:
        _tracing.reset(tokens[0])
        _ranges.reset(tokens[1])
