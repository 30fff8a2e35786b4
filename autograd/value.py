"""`Value`: one number that remembers how it was made."""

from __future__ import annotations

from collections.abc import Sequence
from math import nan
from numbers import Real
from typing import Any, NoReturn, Union

from .arguments import as_float, is_numpy_scalar, truncated_repr
from .backward import backward, forward, zero_grad
from .copying import deep_copy, flatten, new_node, shallow_copy
from .derive import derive
from .elsewhere import BesideOthers
from .native import compiled, core
from .operators import Operators, install_operators
from .recording import context, here, recording, refuse_while_tracing, tick, tracing
from .role import CONSTANT, INPUT, NUMBER, PARAMETER, TAKEN, Role
from .row import GATES, Gate
from .ufuncs import BesideNumpy

__all__ = ["Operand", "Value"]

Operand = Union["Value", float]


@compiled
class Value(BesideNumpy, BesideOthers, Operators):
    """A number that records how it was made: a leaf, or the output of a gate.

    Arithmetic on Values, and the gates (`autograd.exp(v)`, `v.exp()`), compute at once and record the graph;
    `backward()` then finds the derivative of a result with respect to everything that it was made from.

    >>> x, y, z = Value(-2.0, "x"), Value(5.0, "y"), Value(-4.0, "z")
    >>> f = (x + y) * z
    >>> f.backward()
    >>> f.data, x.grad, y.grad, z.grad
    (-12.0, -4.0, -4.0, 3.0)

    `<`, `<=`, `>`, `>=` compare data and give a bool, and so do Python's `max` and `sorted`, and numpy's choices over an
    array of Values (`np.max`, `np.where`, `np.clip`, sorting): they follow the data of the moment. The gates `maximum`,
    `minimum` and `where`, and `np.maximum(v, 0)` of a Value, follow the data of every replay. `==` is identity.

    data: the number (a float); it may be set on a leaf, and `root.forward()` then replays the graph
    grad: d root/d this, from the last `backward()`; leaves add up the passes until they are zeroed
    label: a name for pictures and messages, or None
    gate, inputs: the gate that made it and what it was made from, in order; None and () for a leaf
    role: "input", "parameter" or "constant" for a leaf (a constant is never differentiated), else None
    scope: the `autograd.scope` that it was made in, or None
    """

    __slots__ = ("_adjoint", "_data", "_first", "_label", "_origin", "_rest", "_scope", "_seed", "_tick", "grad")

    # A million nodes fit into memory because a node holds little: its one or two inputs without a tuple, where it came
    # from (a gate, or the role of a leaf) in one slot, and nothing for what is rarely set.
    _data: float
    _origin: Gate | Role
    _first: Value | None
    _rest: Any  # None, the second input, or the tuple of all inputs but the first
    _tick: int  # the recording's clock when the data was computed; 0 for a leaf that was never changed
    _adjoint: float  # the workspace of a walk
    _label: str | None  # set on few nodes
    _scope: str | None  # set within a scope
    _seed: float | None  # set by the backward pass that ran from here
    grad: float

    def __init__(self, data: float, label: str | None = None, *more: NoReturn, role: str = "input") -> None:
        self._data = data if data.__class__ is float else as_float(data)
        self._origin = INPUT if role == "input" else Role.named(role)
        self._first = self._rest = None
        self._tick = 0
        self._adjoint = self.grad = 0.0
        if label is not None or more:
            self._label = _named(label, *more)
        if recording.special:
            self._scope = context()[0] or None

    def __init_subclass__(cls) -> NoReturn:
        raise TypeError("Value cannot be subclassed: write a function of Values, or a gate with autograd.gate(...)")

    # Slots of what is rarely set stay empty while recording, which makes it faster by a tenth.

    label = property(
        lambda self: getattr(self, "_label", None), lambda self, name: setattr(self, "_label", _named(name))
    )
    scope = property(lambda self: getattr(self, "_scope", None))

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

    @property
    def gate(self) -> Gate | None:
        """The gate that made the node, or None for a leaf."""
        return self._origin if isinstance(self._origin, Gate) else None

    @property
    def inputs(self) -> tuple[Value, ...]:
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

    def backward(self, seed: float = 1.0) -> None:
        """Apply the chain rule from here back to the leaves: upstream × local = downstream, added up at shared nodes.

        Afterwards `grad` of every node is d(this)/d(node) × seed; leaves add it to theirs. A stale graph is a RuntimeError.
        """
        backward(self, seed)

    def zero_grad(self) -> None:
        """Set `grad` to 0 in the whole graph of this node."""
        zero_grad(self)

    def forward(self) -> float:
        """Replay the graph from its leaves' present data and return this node's new data."""
        return forward(self)

    def detach(self) -> Value:
        """Return a constant with the same data, which gradients do not pass."""
        refuse_while_tracing("detach()")
        return Value(self._data, self.label, role="constant")

    def __gate__(self, gate: Gate, inputs: Sequence[Any]) -> Value:
        """Record a gate; `Gate.apply` calls this when there is a Value among its inputs."""
        self._derived(gate)
        assert gate.record is not None
        node = gate.record(*inputs)
        if node is NotImplemented:
            for x in inputs:
                if not isinstance(x, Value):
                    as_float(x, gate.name)
        return node  # type: ignore[no-any-return]

    @staticmethod
    def _derived(gate: Gate) -> None:
        """Derive the code of a gate that was declared after the table, when it is first recorded or unpickled."""
        if gate.record is None:
            derive(gate, _ENGINE)

    def _leaves_the_graph(self) -> NoReturn:
        refuse_while_tracing("float(), int() or a branch on a Value")
        raise TypeError(
            f"{self!r} as a plain number would silently leave the graph: write v.data for the number, "
            "autograd.exp(v) instead of math.exp(v), v > 0 instead of if v"
        )

    __float__ = __int__ = __bool__ = __complex__ = _leaves_the_graph

    def __format__(self, spec: str) -> str:
        if spec:
            refuse_while_tracing("formatting the number of a Value")
        return format(self._data, spec) if spec else repr(self)

    def __repr__(self) -> str:
        label = f", label={self.label!r}" if self.label else ""
        made = f", gate={self._origin.name}" if isinstance(self._origin, Gate) else ""
        return f"Value(data={self._data!r}, grad={self.grad!r}{label}{made})"

    def __reduce__(self) -> Any:
        return flatten(self)

    def __copy__(self) -> Value:
        return shallow_copy(self)

    def __deepcopy__(self, memo: dict[int, Any]) -> Value:
        return deep_copy(self, memo)


_new = Value.__new__


def _named(label: str | None, *more: Any) -> str | None:
    if more or not (label is None or isinstance(label, str)):
        got = f"{2 + len(more)} arguments" if more else truncated_repr(label)
        raise TypeError(
            f"the label of a Value must be a str, got {got}: write Value(data, 'name'), without its inputs, "
            "which a + b records"
        )
    return None if label is None else str.__str__(label)  # exactly a str, which refers to nothing else


def operand(x: Any, gate: str) -> Any:
    """Return x as an input of a gate: a number becomes a constant; what may know of Values itself: NotImplemented."""
    if x.__class__ is not float:
        if x.__class__ is Value:
            return x
        if not (isinstance(x, (Real, *_HOPELESS)) or is_numpy_scalar(x)):
            return NotImplemented
        x = as_float(x, gate)
    node = _new(Value)  # as Value(x, role="constant"), in half the time
    node._data = x
    node._origin = CONSTANT
    node._first = node._rest = None
    node._tick = NUMBER
    node._adjoint = node.grad = 0.0
    return node


# as_float() answers these with what to write instead.
_HOPELESS = (str, bytes, complex, list, tuple, dict, set, frozenset, type(None))


def make(gate: Gate, data: float, inputs: tuple[Value, ...]) -> Value:
    """Return the output of a gate with any number of inputs."""
    node: Value = _new(Value)
    node._data = data
    node._origin = gate
    node._first = inputs[0]
    node._rest = inputs[1:]
    node._tick = recording.clock
    node._adjoint = node.grad = 0.0
    return stamp(node) if recording.special else node


def stamp(node: Value) -> Value:
    """Give a new node the scope it was made in; where nothing is recorded, make it a constant."""
    scope, records, _, _ = context() if recording.left else here()
    if scope:
        node._scope = scope
    if not records:
        node._origin = CONSTANT
        node._first = node._rest = None
    return node


def refused(error: Exception, gate: Gate, nodes: Sequence[Value]) -> Value:
    """Raise the error of a gate with the names of its inputs; where numbers are hidden, none can be refused: make a node."""
    if tracing():
        inputs = tuple(nodes)
        if core is not None:
            return core.output(gate, nan, inputs)  # type: ignore[no-any-return]
        return stamp(new_node(Value, gate, nan, 0.0, inputs))
    raise gate.refusal(error, [node._data for node in nodes], [node.label for node in nodes]) from None


# What the source of derived code refers to.
_ENGINE: dict[str, Any] = {
    "CONSTANT": CONSTANT,
    "Value": Value,
    "make": make if core is None else core.output,
    "new": _new,
    "operand": operand,
    "recording": recording,
    "refused": refused,
    "stamp": stamp,
}


if core is not None:
    pure: Any = Value.__wrapped__  # type: ignore[attr-defined]
    core.install((INPUT, PARAMETER, CONSTANT), operand, pure.__init__, pure.data, GATES["dot"].arrange)
    Gate.__call__ = core.Call(Gate.__call__)  # type: ignore[method-assign]

install_operators(Value, _ENGINE)
