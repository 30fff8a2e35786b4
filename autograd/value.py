"""`Value`: one number that remembers how it was made."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from itertools import islice
from math import nan
from numbers import Real
from threading import local
from typing import Any, NoReturn, Union
from weakref import finalize, ref

from . import gates
from ._engine import chosen, compiled, install, partly_compiled
from .arguments import as_float, is_numpy_scalar
from .backward import backward, forward, topological_order, zero_grad
from .beside import ARC, Beside
from .context import context, here, recording, refuse_while_tracing, tracing
from .gate import GATES, Gate
from .node import CONSTANT, INPUT, NUMBER, Node, Role, as_label

__all__ = ["Operand", "Value"]

Operand = Union["Value", float]


@partly_compiled
class Value(Node, Beside):
    """A number that records how it was made: a leaf, or the output of a gate.

    Arithmetic on Values and the gates (`autograd.exp(v)`, `v.exp()`) compute at once and record the graph;
    `backward()` then computes the derivative of a result with respect to every node of its graph.

    >>> x, y, z = Value(-2.0, "x"), Value(5.0, "y"), Value(-4.0, "z")
    >>> f = (x + y) * z
    >>> f.backward()
    >>> f.data, x.grad, y.grad, z.grad
    (-12.0, -4.0, -4.0, 3.0)

    `<`, `<=`, `>`, `>=` compare data and give a bool. Python's `max` and `sorted`, and numpy's choices over an array of
    Values (`np.max`, `np.where`, `np.clip`, sorting), use these comparisons, so a replay repeats their choice. The gates
    `maximum`, `minimum` and `where`, and `np.maximum(v, 0)`, choose anew in every replay. `==` is identity.

    data: the number (a float); it can be set on a leaf, and `root.forward()` then replays the graph
    grad: d root/d this, from the last `backward()`; a leaf adds up the passes until it is zeroed
    label: a name for pictures and messages, or None
    gate, inputs: the gate that made it and its inputs in order; None and () for a leaf
    role: "input", "parameter" or "constant" for a leaf (a constant is never differentiated), else None
    scope: the `autograd.scope` that it was made in, or None
    """

    __slots__ = ()

    def __init__(self, data: float, label: str | None = None, *more: NoReturn, role: str = "input") -> None:
        self._data = data if data.__class__ is float else as_float(data)
        self._origin = INPUT if role == "input" else Role.named(role)
        self._first = self._rest = None
        self._tick = self._mark = 0
        self.grad = 0.0
        if label is not None or more:
            self._label = as_label(label, *more)
        if recording.special:
            self._scope = context()[0] or None

    def __init_subclass__(cls) -> NoReturn:
        raise TypeError("Value cannot be subclassed: write a function of Values, or a gate with autograd.gate(...)")

    # Arithmetic returns NotImplemented for a foreign type, so that the type's own reflected operator runs.

    def __add__(self, other: Operand) -> Value:
        return _record_two(gates.add, self, other)

    def __radd__(self, other: Operand) -> Value:
        if _is_number(other, 0):  # Python's sum() begins with 0, which is left out of the graph
            return self
        return _record_two(gates.add, other, self)

    def __sub__(self, other: Operand) -> Value:
        return _record_two(gates.sub, self, other)

    def __rsub__(self, other: Operand) -> Value:
        return _record_two(gates.sub, other, self)

    def __mul__(self, other: Operand) -> Value:
        return _record_two(gates.mul, self, other)

    def __rmul__(self, other: Operand) -> Value:
        return _record_two(gates.mul, other, self)

    def __truediv__(self, other: Operand) -> Value:
        return _record_two(gates.div, self, other)

    def __rtruediv__(self, other: Operand) -> Value:
        return _record_one(gates.reciprocal, self) if _is_number(other, 1) else _record_two(gates.div, other, self)

    def __pow__(self, other: Operand) -> Value:
        return _record_two(gates.pow, self, other)

    def __rpow__(self, other: Operand) -> Value:
        return _record_two(gates.pow, other, self)

    def __neg__(self) -> Value:
        return _record_one(gates.neg, self)

    def __pos__(self) -> Value:
        return self

    def __abs__(self) -> Value:
        return _record_one(gates.abs, self)

    # Order compares data, so that Python's control flow works; equality is identity, so that Values hash.

    def __lt__(self, other: Operand) -> bool:
        return _compare(operator.lt, self, other)

    def __le__(self, other: Operand) -> bool:
        return _compare(operator.le, self, other)

    def __gt__(self, other: Operand) -> bool:
        return _compare(operator.gt, self, other)

    def __ge__(self, other: Operand) -> bool:
        return _compare(operator.ge, self, other)

    def __eq__(self, other: object) -> Any:
        refuse_while_tracing("a comparison with == or !=")  # would compare identities
        return NotImplemented

    __hash__ = object.__hash__

    # Gates as methods, as in micrograd; np.exp of an array of Values calls v.exp() of each entry.

    def reciprocal(self) -> Value:
        """1/x."""
        return _record_one(gates.reciprocal, self)

    def exp(self) -> Value:
        """eˣ."""
        return _record_one(gates.exp, self)

    def expm1(self) -> Value:
        """eˣ − 1, exact for small x."""
        return _record_one(gates.expm1, self)

    def log(self) -> Value:
        """The natural logarithm."""
        return _record_one(gates.log, self)

    def log1p(self) -> Value:
        """log(1 + x), exact for small x."""
        return _record_one(gates.log1p, self)

    def sqrt(self) -> Value:
        """√x."""
        return _record_one(gates.sqrt, self)

    def sin(self) -> Value:
        """The sine of x in radians."""
        return _record_one(gates.sin, self)

    def cos(self) -> Value:
        """The cosine of x in radians."""
        return _record_one(gates.cos, self)

    def tanh(self) -> Value:
        """The hyperbolic tangent."""
        return _record_one(gates.tanh, self)

    def sigmoid(self) -> Value:
        """The logistic function 1/(1 + e⁻ˣ)."""
        return _record_one(gates.sigmoid, self)

    def softplus(self) -> Value:
        """log(1 + eˣ), the smooth relu."""
        return _record_one(gates.softplus, self)

    def relu(self) -> Value:
        """max(0, x)."""
        return _record_one(gates.relu, self)

    def leaky_relu(self, slope: Operand = 0.1) -> Value:
        """x for x > 0, else slope·x."""
        return _record_two(gates.leaky_relu, self, slope)

    def elu(self, alpha: Operand = 1.0) -> Value:
        """x for x ≥ 0, else alpha·(eˣ − 1)."""
        return _record_two(gates.elu, self, alpha)

    def backward(self, seed: float = 1.0) -> None:
        """Apply the chain rule from here back to the leaves: upstream × local = downstream, added up at shared nodes.

        Sets `grad` of every gate's output to d(this)/d(node) × seed, and adds it to `grad` of every leaf. Raises
        RuntimeError if the graph is stale.
        """
        backward(self, seed)

    def zero_grad(self) -> None:
        """Set `grad` to 0 in the whole graph of this node."""
        zero_grad(self)

    def forward(self) -> float:
        """Replay the graph from its leaves' present data and return this node's new data."""
        return forward(self)

    def detach(self) -> Value:
        """Return a constant with the same data; gradients do not flow through it."""
        refuse_while_tracing("detach()")
        return Value(self._data, self.label, role="constant")

    def __gate__(self, gate: Gate, inputs: Sequence[Any]) -> Value:
        """Record a gate; `Gate.apply` calls this if one of its inputs is a Value."""
        node = record(gate, *inputs)
        if node is NotImplemented:
            for x in inputs:
                if not isinstance(x, Value):
                    as_float(x, gate.name)
        return node

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


def _is_number(x: Any, wanted: int) -> bool:
    return x.__class__ in (int, float) and x == wanted


def _compare(compare: Callable[[float, float], bool], v: Value, other: Any) -> Any:
    refuse_while_tracing("a comparison")
    other = operand(other, "a comparison")
    return other if other is NotImplemented else compare(v._data, other._data)


# Recording: the functions that make nodes.

_new = Value.__new__


def operand(x: Any, gate: str) -> Any:
    """Return x as an input of a gate: a Value as it is, a number as a constant, NotImplemented for a foreign type."""
    if x.__class__ is not float:
        if x.__class__ is Value:
            return x
        if not (isinstance(x, (Real, *_NOT_OPERANDS)) or is_numpy_scalar(x)):
            return NotImplemented
        x = as_float(x, gate)
    node = _new(Value)  # takes half the time of Value(x, role="constant")
    node._data = x
    node._origin = CONSTANT
    node._first = node._rest = None
    node._tick = NUMBER
    node._mark = 0
    node.grad = 0.0
    return node


# Types that are refused by as_float(), which says what to write instead. All other types are foreign.
_NOT_OPERANDS = (str, bytes, complex, list, tuple, dict, set, frozenset, type(None))


def record_by_rule(gate: Gate, *inputs: Any) -> Any:
    """Compute a gate and return its output as a node; NotImplemented if an input has a foreign type."""
    nodes = tuple([operand(x, gate.name) for x in inputs])
    if any(node is NotImplemented for node in nodes):
        return NotImplemented
    try:
        data = gate.compute(*[node._data for node in nodes])
    except (ArithmeticError, ValueError) as error:
        if not tracing():
            raise _refusal(error, gate, nodes) from None
        data = nan  # while tracing, no data is known yet
    return output(gate, data, nodes)


record = chosen("record", record_by_rule)


@compiled
def _record_one(gate: Gate, a: Any) -> Any:
    """Do what `record` does for one input, in half the time."""
    if a.__class__ is not Value and (a := operand(a, gate.name)) is NotImplemented:
        return NotImplemented
    compute = gate.compute
    try:
        data = compute(a._data)
    except (ArithmeticError, ValueError) as error:
        if not tracing():
            raise _refusal(error, gate, (a,)) from None
        data = nan  # while tracing, no data is known yet
    node = _new(Value)
    node._data = data
    node._origin = gate
    node._first = a
    node._rest = None
    node._tick = recording.clock
    node._mark = 0
    node.grad = 0.0
    return _stamped(node) if recording.special else node


@compiled
def _record_two(gate: Gate, a: Any, b: Any) -> Any:
    """Do what `record` does for two inputs, in half the time."""
    if a.__class__ is not Value and (a := operand(a, gate.name)) is NotImplemented:
        return NotImplemented
    if b.__class__ is not Value and (b := operand(b, gate.name)) is NotImplemented:
        return NotImplemented
    compute = gate.compute  # calling gate.compute(...) directly would take 1.5 times as long
    try:
        data = compute(a._data, b._data)
    except (ArithmeticError, ValueError) as error:
        if not tracing():
            raise _refusal(error, gate, (a, b)) from None
        data = nan  # while tracing, no data is known yet
    node = _new(Value)
    node._data = data
    node._origin = gate
    node._first = a
    node._rest = b
    node._tick = recording.clock
    node._mark = 0
    node.grad = 0.0
    return _stamped(node) if recording.special else node


@compiled
def output(gate: Gate, data: float, inputs: tuple[Any, ...]) -> Value:
    """Return a new node for the output of a gate, computed from these inputs."""
    node = restore(gate, data, 0.0, inputs)
    node._tick = recording.clock
    return _stamped(node) if recording.special else node


def _stamped(node: Value) -> Value:
    """Set the scope of a new node; within `no_grad`, make it a constant."""
    scope, records, _, _, observe = context() if recording.left else here()
    if scope:
        node._scope = scope
    if observe is not None:
        observe(node)
    if not records:
        node._origin = CONSTANT
        node._first = node._rest = None
    return node


def _refusal(error: Exception, gate: Gate, inputs: tuple[Value, ...]) -> Exception:
    """Return the error of a gate with the names and numbers of its inputs."""
    return gate.refusal(error, [node._data for node in inputs], [node.label for node in inputs])


@compiled
def restore(origin: Gate | Role, data: float, grad: float, inputs: tuple[Any, ...]) -> Value:
    """Return a copied or unpickled node; without inputs it is a leaf, whose origin is its role."""
    node = _new(Value)
    node._origin, node._data, node.grad = origin, data, grad
    node._mark, node._tick = 0, 1 if inputs else 0
    first, *rest = inputs or (None,)
    several = len(rest) > 1 or (isinstance(origin, Gate) and origin.variadic)  # kept in a tuple: see Node
    node._first, node._rest = first, tuple(rest) if several else rest[0] if rest else None
    return node


# Copies. Loading any pickle executes code, a graph's too: load only pickles that you made.

RARE = ("_label", "_scope", "_seed")  # slots that are empty in most nodes
Rare = dict[str, dict[int, Any]]


class _Part:
    """The gates of a graph that are pickled together, and `given`: their inputs that are leaves or gates of other parts.

    A pickle holds each part once, and each root as an index into its part. So two roots that share gates still share them
    after loading. Only picklers refer to a part, so it is freed when they are done.
    """

    __slots__ = ("__weakref__", "gates", "given", "place")

    def __init__(self, root: Node) -> None:
        self.gates: list[Node] = []
        given: dict[Node, None] = {}
        parts = _pickling.parts
        seen, stack = {root}, [(root, iter(root.inputs))]
        while stack:  # depth first; leaves and gates of other parts end the search
            node, inputs = stack[-1]
            for x in inputs:
                if x._first is None or (x in parts and parts[x]() is not None):
                    given[x] = None
                elif x not in seen:
                    seen.add(x)
                    stack.append((x, iter(x.inputs)))
                    break
            else:
                self.gates.append(node)
                stack.pop()
        self.given = [*given]
        self.place = {node: i for i, node in enumerate([*self.given, *self.gates])}
        finalize(self, _forget, parts, self.gates)
        parts.update(dict.fromkeys(self.gates, ref(self)))

    def __reduce__(self) -> tuple[Any, ...]:
        gates, n = self.gates, len(self.given)
        inputs = [node.inputs for node in gates]
        return _restored, (
            self.given,
            [node._origin for node in gates],
            [node._data for node in gates],
            [node.grad for node in gates],
            [len(entries) for entries in inputs],
            [self.place[input] for entries in inputs for input in entries],
            _rare(gates, n),
            [i for i, node in enumerate(gates, n) if any(input._tick > node._tick for input in inputs[i - n])],
        )


class _Pickling(local):
    """A map from every gate that this thread is pickling to its part, which may be gone already after an interrupt."""

    def __init__(self) -> None:
        self.parts: dict[Node, ref[_Part]] = {}


_pickling = _Pickling()


def _forget(parts: dict[Node, ref[_Part]], gates: Sequence[Node]) -> None:
    for gate in gates:
        parts.pop(gate, None)


def flatten(root: Node) -> tuple[Any, ...]:
    """Return the value of `__reduce__` for this node: its part, and its index there, so that pickling does not recurse."""
    refuse_while_tracing("pickling")
    if root._first is None:
        return _leaf, (root._origin, root._data, root.grad, _rare([root]), min(root._tick, 1))
    known = _pickling.parts.get(root)
    part = None if known is None else known()
    if part is None:
        part = _Part(root)
    return list.__getitem__, (part, part.place[root])


def _rare(nodes: Sequence[Node], first: int = 0) -> Rare:
    """Return the values of the rarely set slots, by slot and by index of the node, counted from `first`."""
    return {
        slot: {i: getattr(node, slot) for i, node in enumerate(nodes, first) if hasattr(node, slot)} for slot in RARE
    }


def _restore(nodes: Sequence[Node], rare: Rare) -> None:
    for slot, held in rare.items():
        for i, x in held.items():
            setattr(nodes[i], slot, x)


def _leaf(role: Any, data: float, grad: float, rare: Rare, tick: int) -> Node:
    leaf = restore(role, data, grad, ())
    leaf._tick = tick  # negative for a number in an expression, 1 if the leaf was ever set
    _restore([leaf], rare)
    return leaf


def _restored(
    given: Sequence[Node],
    gates: Sequence[Gate],
    data: Sequence[float],
    grads: Sequence[float],
    counts: Sequence[int],
    places: Sequence[int],
    rare: Rare,
    stale: Sequence[int],
) -> list[Node]:
    order = list(given)
    inputs = map(order.__getitem__, places)
    for gate, x, grad, count in zip(gates, data, grads, counts, strict=True):
        order.append(_checked(gate, x, grad, tuple(islice(inputs, count))))
    _restore(order, rare)
    for i in stale:
        order[i]._tick = 0  # it stays stale; the tick of the process that pickled it means nothing here
    return order


def shallow_copy(node: Value) -> Value:
    """Return another node made from the same inputs."""
    refuse_while_tracing("copying")
    copy = restore(node._origin, node._data, node.grad, node.inputs)
    copy._tick = node._tick
    _restore([copy], _rare([node]))
    return copy


def deep_copy(root: Value, memo: dict[int, Any]) -> Value:
    """Return a copy of the whole graph of this node; a node that is in `memo` is not copied again."""
    refuse_while_tracing("copying")
    fresh = [node for node in topological_order(root) if id(node) not in memo]
    for node in fresh:
        inputs = tuple([memo[id(input)] for input in node.inputs])
        memo[id(node)] = copy = restore(node._origin, node._data, node.grad, inputs)
        copy._tick = node._tick
    _restore([memo[id(node)] for node in fresh], _rare(fresh))
    return memo[id(root)]


def _checked(gate: Gate, data: float, grad: float, inputs: tuple[Any, ...]) -> Value:
    """Restore the output of a gate; raise if the gate now has another number of inputs than when the graph was pickled."""
    count = len(inputs)
    if count == 0 if gate.variadic else count != len(gate.names):
        wanted = "at least one" if gate.variadic else str(len(gate.names))
        raise ValueError(
            f"the gate {gate.name!r} has {wanted} input(s), and this graph has {count} there: declare the gate as it was "
            "when the graph was made"
        )
    return restore(gate, data, grad, inputs)


def _install_methods() -> None:
    """Add a method for every other gate whose inputs have names and no defaults.

    It is added by numpy's name, too, because np.arctan of an array calls v.arctan() of each entry.
    """
    for name, gate in [*GATES.items(), *((name, GATES[row]) for name, row in ARC.items() if row in GATES)]:
        required = all(parameter.default is parameter.empty for parameter in gate.__signature__.parameters.values())
        if required and not gate.variadic and not hasattr(Value, name):
            setattr(Value, name, _method(gate))


def _method(gate: Gate) -> Callable[..., Any]:
    def method(*inputs: Any) -> Any:
        return record(gate, *inputs)

    method.__name__, method.__doc__ = gate.name, gate.doc
    return method


_install_methods()
install(Value, operand, record_by_rule)
