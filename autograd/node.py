"""A node of a graph: its slots, and what can be read of them and set."""

from __future__ import annotations

from enum import Enum
from typing import Any, TypeVar

from .arguments import as_float, truncated_repr
from .context import recording, refuse_while_tracing, tick
from .gate import Gate

__all__ = ["CONSTANT", "INPUT", "NUMBER", "PARAMETER", "TAKEN", "N", "Node", "Role", "as_label"]


class Role(Enum):
    """What a leaf stands for; a constant is never differentiated."""

    INPUT = "input"
    PARAMETER = "parameter"
    CONSTANT = "constant"

    @classmethod
    def named(cls, name: str) -> Role:
        """Return the role of this name."""
        try:
            return cls(name)
        except ValueError:
            raise ValueError(f"a leaf's role must be 'input', 'parameter' or 'constant', got {name!r}") from None


INPUT, PARAMETER, CONSTANT = Role  # looking a member up on an Enum is slow

# The `_tick` of a constant that was written as a number, as in v + 1, while nothing has changed it. A derivative takes
# the number as it is; from then on it cannot be changed.
NUMBER, TAKEN = -1, -2

N = TypeVar("N", bound="Node")


class Node:
    """What a `Value` holds. A million nodes fit into memory because each is small: its one or two inputs without a tuple,
    where it came from (a gate, or the role of a leaf) in one slot, and no value in the slots that are rarely set.
    """

    __slots__ = (
        "_adjoint",
        "_data",
        "_first",
        "_label",
        "_mark",
        "_origin",
        "_rest",
        "_scope",
        "_seed",
        "_tick",
        "grad",
    )

    _data: float
    _origin: Gate | Role
    _first: Any  # the first input; None for a leaf
    _rest: Any  # None, the second input, or the tuple of all inputs but the first
    _tick: int  # the recording's clock when the data was computed; 0 for a leaf that was never changed
    _mark: int  # of the last walk that reached the node, which says how far it got
    _adjoint: float  # d root/d node, while a backward pass runs
    _label: str | None  # set on few nodes
    _scope: str | None  # set within a scope
    _seed: float | None  # set by the backward pass that ran from here
    grad: float

    @property
    def data(self) -> float:
        """The number. Setting it, on a leaf, makes what was computed from it stale until `forward()` replays it."""
        if recording.special:
            refuse_while_tracing(".data")
        return self._data

    @data.setter
    def data(self, x: float) -> None:
        if self._first is not None:
            raise AttributeError(f"only a leaf's data can be set, and {self!r} is the output of a gate: set its inputs")
        if self._tick == TAKEN:
            raise AttributeError(
                f"the data of a number in an expression that was differentiated cannot be set: write Value({self._data!r}) "
                "in its place"
            )
        refuse_while_tracing("setting .data")
        self._data = as_float(x, "data")
        self._tick = tick()

    label = property(
        lambda self: getattr(self, "_label", None), lambda self, name: setattr(self, "_label", as_label(name))
    )
    scope = property(lambda self: getattr(self, "_scope", None))

    @property
    def gate(self) -> Gate | None:
        """The gate that made the node, or None for a leaf."""
        return self._origin if isinstance(self._origin, Gate) else None

    @property
    def inputs(self: N) -> tuple[N, ...]:
        """What the node was made from, in order, twice if used twice; () for a leaf."""
        if self._first is None:
            return ()
        rest = self._rest
        if rest is None:
            return (self._first,)
        return (self._first, *rest) if rest.__class__ is tuple else (self._first, rest)

    @property
    def role(self) -> str | None:
        """What a leaf stands for: "input", "parameter" or "constant"; None for the output of a gate."""
        return self._origin.value if isinstance(self._origin, Role) else None

    @role.setter
    def role(self, role: str) -> None:
        if self._first is not None:
            raise AttributeError(f"only a leaf has a role, and {self!r} is the output of a gate")
        self._origin = Role.named(role)


def as_label(label: str | None, *more: Any) -> str | None:
    """Return a label; refuse other things, and the inputs that micrograd's Value takes after its data."""
    if more or not (label is None or isinstance(label, str)):
        got = f"{2 + len(more)} arguments" if more else truncated_repr(label)
        raise TypeError(
            f"the label of a Value must be a str, got {got}: write Value(data, 'name'), without its inputs, "
            "which a + b records"
        )
    return None if label is None else str.__str__(label)  # exactly a str, which refers to nothing else
