"""`Value`: one number that remembers how it was made."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from math import nan
from numbers import Real
from typing import Any, NoReturn, Union

from . import gates
from .arguments import as_float, is_numpy_scalar
from .backward import backward, forward, zero_grad
from .copying import deep_copy, flatten, new_node, shallow_copy
from .derive import derive
from .elsewhere import BesideOthers
from .native import compiled, core
from .node import CONSTANT, INPUT, NUMBER, PARAMETER, Node, Role, as_label
from .recording import context, here, recording, refuse_while_tracing, tracing
from .row import GATES, Gate
from .ufuncs import ARC, BesideNumpy

__all__ = ["Operand", "Value"]

Operand = Union["Value", float]


@compiled
class Value(Node, BesideNumpy, BesideOthers):
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

    __slots__ = ()

    def __init__(self, data: float, label: str | None = None, *more: NoReturn, role: str = "input") -> None:
        self._data = data if data.__class__ is float else as_float(data)
        self._origin = INPUT if role == "input" else Role.named(role)
        self._first = self._rest = None
        self._tick = 0
        self._adjoint = self.grad = 0.0
        if label is not None or more:
            self._label = as_label(label, *more)
        if recording.special:
            self._scope = context()[0] or None

    def __init_subclass__(cls) -> NoReturn:
        raise TypeError("Value cannot be subclassed: write a function of Values, or a gate with autograd.gate(...)")

    # Arithmetic. A foreign type is answered by NotImplemented, so that its own reflected operator runs.

    def __add__(self, other: Operand) -> Value:
        return gates.add.record(self, other)

    def __radd__(self, other: Operand) -> Value:
        return self if _is_number(other, 0) else gates.add.record(other, self)  # 0 + v is v, so that sum() draws clean

    def __sub__(self, other: Operand) -> Value:
        return gates.sub.record(self, other)

    def __rsub__(self, other: Operand) -> Value:
        return gates.sub.record(other, self)

    def __mul__(self, other: Operand) -> Value:
        return gates.mul.record(self, other)

    def __rmul__(self, other: Operand) -> Value:
        return gates.mul.record(other, self)

    def __truediv__(self, other: Operand) -> Value:
        return gates.div.record(self, other)

    def __rtruediv__(self, other: Operand) -> Value:
        return gates.reciprocal.record(self) if _is_number(other, 1) else gates.div.record(other, self)

    def __pow__(self, other: Operand) -> Value:
        return gates.pow.record(self, other)

    def __rpow__(self, other: Operand) -> Value:
        return gates.pow.record(other, self)

    def __neg__(self) -> Value:
        return gates.neg.record(self)

    def __pos__(self) -> Value:
        return self

    def __abs__(self) -> Value:
        return gates.abs.record(self)

    # Comparisons are of the data, so that Python's control flow works. Equality is identity, and Values hash.

    def __lt__(self, other: Operand) -> bool:
        return _compare(operator.lt, self, other)

    def __le__(self, other: Operand) -> bool:
        return _compare(operator.le, self, other)

    def __gt__(self, other: Operand) -> bool:
        return _compare(operator.gt, self, other)

    def __ge__(self, other: Operand) -> bool:
        return _compare(operator.ge, self, other)

    def __eq__(self, other: object) -> Any:
        refuse_while_tracing("a comparison with == or !=")  # which there would mean the numbers
        return NotImplemented

    __hash__ = object.__hash__

    # Gates as methods, as users of micrograd expect them; np.exp of an array of Values calls v.exp() of each.

    def reciprocal(self) -> Value:
        """1/x."""
        return gates.reciprocal.record(self)

    def exp(self) -> Value:
        """eˣ."""
        return gates.exp.record(self)

    def expm1(self) -> Value:
        """eˣ − 1, exact for small x."""
        return gates.expm1.record(self)

    def log(self) -> Value:
        """The natural logarithm."""
        return gates.log.record(self)

    def log1p(self) -> Value:
        """log(1 + x), exact for small x."""
        return gates.log1p.record(self)

    def sqrt(self) -> Value:
        """√x."""
        return gates.sqrt.record(self)

    def sin(self) -> Value:
        """The sine of x in radians."""
        return gates.sin.record(self)

    def cos(self) -> Value:
        """The cosine of x in radians."""
        return gates.cos.record(self)

    def tanh(self) -> Value:
        """The hyperbolic tangent."""
        return gates.tanh.record(self)

    def sigmoid(self) -> Value:
        """The logistic function 1/(1 + e⁻ˣ)."""
        return gates.sigmoid.record(self)

    def softplus(self) -> Value:
        """log(1 + eˣ), the smooth relu."""
        return gates.softplus.record(self)

    def relu(self) -> Value:
        """max(0, x)."""
        return gates.relu.record(self)

    def leaky_relu(self, slope: Operand = 0.1) -> Value:
        """x for x > 0, else slope·x."""
        return gates.leaky_relu.record(self, slope)

    def elu(self, alpha: Operand = 1.0) -> Value:
        """x for x ≥ 0, else alpha·(eˣ − 1)."""
        return gates.elu.record(self, alpha)

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
        return node

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


def _is_number(x: Any, wanted: int) -> bool:
    return x.__class__ in (int, float) and x == wanted


def _compare(compare: Callable[[float, float], bool], v: Value, other: Any) -> Any:
    refuse_while_tracing("a comparison")
    other = operand(other, "a comparison")
    return other if other is NotImplemented else compare(v._data, other._data)


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
            return core.output(gate, nan, inputs)
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


def _install_methods() -> None:
    """Make every gate with named inputs a method, also by numpy's name: np.arctan of an array calls `v.arctan()` of each.

    Under the compiled engine these take the place of the methods above, which they are, without a call of Python's.
    """
    for name, gate in [*GATES.items(), *((name, GATES[row]) for name, row in ARC.items() if row in GATES)]:
        plain = all(parameter.default is parameter.empty for parameter in gate.__signature__.parameters.values())
        here = hasattr(Value, name)
        if plain and not gate.variadic and (not here or (core is not None and name not in vars(BesideNumpy))):
            setattr(Value, name, gate.record)


if core is not None:
    pure: Any = Value.__wrapped__  # type: ignore[attr-defined]
    core.install((INPUT, PARAMETER, CONSTANT), operand, pure.__init__, pure.data, GATES["dot"].arrange)
    Gate.__call__ = core.Call(Gate.__call__)  # type: ignore[method-assign]

for _gate in GATES.values():
    derive(_gate, _ENGINE)
if core is not None:
    core.install_operators(GATES, (pure.__lt__, pure.__le__, pure.__eq__, pure.__eq__, pure.__gt__, pure.__ge__))
_install_methods()
