"""A node of a graph: its slots and properties."""

from __future__ import annotations

from enum import Enum
from typing import Any, TypeVar

from .arguments import as_float, truncated_repr
from .context import recording, refuse_while_tracing, tick
from .gate import Gate

__all__ = ["CONSTANT", "INPUT", "NUMBER", "PARAMETER", "TAKEN", "N", "Node", "Role", "as_label", "place_of"]


class Role(Enum):
    """The role of a leaf; a constant is never differentiated."""

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

# The `_tick` of a constant that was written as a number, as in v + 1, and never set. NUMBER: its data can be set.
# TAKEN: a recorded derivative has copied the number, so its data can no longer be set.
NUMBER, TAKEN = -1, -2

N = TypeVar("N", bound="Node")


class Node:
    """The slots of a `Value`. A node is small, so that graphs of millions fit into memory: one or two inputs are stored
    without a tuple, gate and role share a slot, and rarely used slots stay unset.
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
    _tick: int  # the clock when the data was computed or set; 0 for a leaf that was never set
    _mark: int  # written by the last walk that reached the node: see Walk
    _adjoint: float  # d root/d node, while a backward pass runs
    _label: str | None  # rarely set
    _scope: str | tuple[str, str] | None  # set only within a scope; within detect_anomaly, a scope and a line of code
    _seed: float | None  # set on the root of a backward pass
    grad: float

    @property
    def data(self) -> float:
        """The number. Setting it on a leaf makes every node computed from it stale, until `forward()` replays the graph."""
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

    @property
    def scope(self) -> str | None:
        """The `autograd.scope` that the node was made in, or None."""
        made = getattr(self, "_scope", None)
        return made[0] or None if made.__class__ is tuple else made

    @property
    def gate(self) -> Gate | None:
        """The gate that made the node, or None for a leaf."""
        return self._origin if isinstance(self._origin, Gate) else None

    @property
    def inputs(self: N) -> tuple[N, ...]:
        """The operands of the gate in order, an operand twice if used twice; () for a leaf."""
        if self._first is None:
            return ()
        rest = self._rest
        if rest is None:
            return (self._first,)
        return (self._first, *rest) if rest.__class__ is tuple else (self._first, rest)

    @property
    def role(self) -> str | None:
        """The role of a leaf: "input", "parameter" or "constant"; None for the output of a gate."""
        return self._origin._value_ if isinstance(self._origin, Role) else None  # half the time of .value

    @role.setter
    def role(self, role: str) -> None:
        if self._first is not None:
            raise AttributeError(f"only a leaf has a role, and {self!r} is the output of a gate")
        self._origin = Role.named(role)


def place_of(node: Node) -> str:
    """Return the file and line that recorded a node, if it was within detect_anomaly; else an empty string."""
    made = getattr(node, "_scope", None)
    return made[1] if isinstance(made, tuple) else ""


def as_label(label: str | None, *more: Any) -> str | None:
    """Return a label as a str or None; raise for other types, and for more arguments, as micrograd's Value takes them."""
    if more or not (label is None or isinstance(label, str)):
        got = f"{2 + len(more)} arguments" if more else truncated_repr(label)
        raise TypeError(
            f"the label of a Value must be a str, got {got}: write Value(data, 'name'), without its inputs, "
            "which a + b records"
        )
    # not a subclass of str, whose instances may refer to other objects
    return None if label is None else str.__str__(label)
