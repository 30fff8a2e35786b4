"""`Value`: one number that remembers how it was made."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from itertools import islice
from math import nan
from numbers import Real
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
        self._tick = self._mark = 0
        self.grad = 0.0
        if label is not None or more:
            self._label = as_label(label, *more)
        if recording.special:
            self._scope = context()[0] or None

    def __init_subclass__(cls) -> NoReturn:
        raise TypeError("Value cannot be subclassed: write a function of Values, or a gate with autograd.gate(...)")

    # Arithmetic. A foreign type is answered by NotImplemented, so that its own reflected operator runs.

    def __add__(self, other: Operand) -> Value:
        return _record_two(gates.add, self, other)

    def __radd__(self, other: Operand) -> Value:
        return (
            self if _is_number(other, 0) else _record_two(gates.add, other, self)
        )  # 0 + v is v, so that sum() draws clean

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


# Recording: what makes nodes.

_new = Value.__new__


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
    node._mark = 0
    node.grad = 0.0
    return node


# as_float() answers these with what to write instead.
_HOPELESS = (str, bytes, complex, list, tuple, dict, set, frozenset, type(None))


def record_by_rule(gate: Gate, *inputs: Any) -> Any:
    """Compute a gate's output and return it as a node made from its inputs; NotImplemented where one is not ours."""
    nodes = tuple([operand(x, gate.name) for x in inputs])
    if any(node is NotImplemented for node in nodes):
        return NotImplemented
    try:
        data = gate.compute(*[node._data for node in nodes])
    except (ArithmeticError, ValueError) as error:
        return _refused(error, gate, nodes)
    return output(gate, data, nodes)


record = chosen("record", record_by_rule)


@compiled
def _record_one(gate: Gate, a: Any) -> Any:
    """Record a gate with one input, as `record` does, in half the time."""
    if a.__class__ is not Value and (a := operand(a, gate.name)) is NotImplemented:
        return NotImplemented
    compute = gate.compute
    try:
        data = compute(a._data)
    except (ArithmeticError, ValueError) as error:
        return _refused(error, gate, (a,))
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
    """Record a gate with two inputs, as `record` does, in half the time."""
    if a.__class__ is not Value and (a := operand(a, gate.name)) is NotImplemented:
        return NotImplemented
    if b.__class__ is not Value and (b := operand(b, gate.name)) is NotImplemented:
        return NotImplemented
    compute = gate.compute  # a function of the instance: called by its attribute it takes half as long again
    try:
        data = compute(a._data, b._data)
    except (ArithmeticError, ValueError) as error:
        return _refused(error, gate, (a, b))
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
    """Return the output of a gate that was computed from these inputs just now."""
    node = restore(gate, data, 0.0, inputs)
    node._tick = recording.clock
    return _stamped(node) if recording.special else node


def _stamped(node: Value) -> Value:
    """Give a new node the scope it was made in; where nothing is recorded, make it a constant."""
    scope, records, _, _ = context() if recording.left else here()
    if scope:
        node._scope = scope
    if not records:
        node._origin = CONSTANT
        node._first = node._rest = None
    return node


def _refused(error: Exception, gate: Gate, inputs: tuple[Value, ...]) -> Value:
    """Raise the error of a gate with the names of its inputs; where numbers are hidden, none can be refused: make a node."""
    if tracing():
        return output(gate, nan, inputs)
    raise gate.refusal(error, [node._data for node in inputs], [node.label for node in inputs]) from None


@compiled
def restore(origin: Gate | Role, data: float, grad: float, inputs: tuple[Any, ...]) -> Value:
    """Return a node as it was when it was copied or pickled; without inputs a leaf, whose origin is its role."""
    node = _new(Value)
    node._origin, node._data, node.grad = origin, data, grad
    node._mark, node._tick = 0, 1 if inputs else 0
    first, *rest = inputs or (None,)
    tupled = len(rest) > 1 or (isinstance(origin, Gate) and origin.variadic)
    node._first, node._rest = first, tuple(rest) if tupled else rest[0] if rest else None
    return node


# Copies. Like every pickle of Python's, that of a graph executes code when it is loaded: load only pickles of your own.

RARE = ("_label", "_scope", "_seed")  # the slots that most nodes leave empty
Rare = dict[str, dict[int, Any]]


class _Part:
    """The gates of a graph that are pickled together, and what they are made from: leaves, and nodes of other parts.

    A pickle holds each part once, and a node as its place in a part; so roots that share gates share them after loading.
    A part lives as long as something that pickles it, and is flattened when it is pickled.
    """

    __slots__ = ("__weakref__", "gates", "given", "place")

    def __init__(self, root: Node) -> None:
        self.gates: list[Node] = []
        given: dict[Node, None] = {}
        seen, stack = {root}, [(root, iter(root.inputs))]
        while stack:  # depth first, as far as there are gates of no part
            node, inputs = stack[-1]
            for x in inputs:
                if x._first is None or x in _parts:
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
        part = ref(self)
        _parts.update(dict.fromkeys(self.gates, part))
        finalize(self, _forget, self.gates)

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


_parts: dict[Node, ref[_Part]] = {}  # of every gate that is being pickled


def _forget(gates: Sequence[Node]) -> None:
    for gate in gates:
        _parts.pop(gate, None)


def flatten(root: Node) -> tuple[Any, ...]:
    """Return what pickle needs to build the graph of this node again, without recursion."""
    refuse_while_tracing("pickling")
    if root._first is None:
        return _leaf, (root._origin, root._data, root.grad, _rare([root]), min(root._tick, 0))
    known = _parts.get(root)
    part = None if known is None else known()
    if part is None:
        part = _Part(root)
    return list.__getitem__, (part, part.place[root])


def _rare(nodes: Sequence[Node], first: int = 0) -> Rare:
    """Return what the rarely set slots hold, by slot and by the place of the node, counted from `first`."""
    return {
        slot: {i: getattr(node, slot) for i, node in enumerate(nodes, first) if hasattr(node, slot)} for slot in RARE
    }


def _restore(nodes: Sequence[Node], rare: Rare) -> None:
    for slot, held in rare.items():
        for i, x in held.items():
            setattr(nodes[i], slot, x)


def _leaf(role: Any, data: float, grad: float, rare: Rare, tick: int) -> Node:
    leaf = restore(role, data, grad, ())
    leaf._tick = tick  # below 0 for a number in an expression
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
    if stale:  # the clock of another process means nothing here, so what was older than its inputs becomes so again
        for node in given:
            if node._first is None and node._tick == 0:
                node._tick = 1
        for i in stale:
            order[i]._tick = 0
    return order


def shallow_copy(node: Value) -> Value:
    """Return another node made from the same inputs."""
    refuse_while_tracing("copying")
    copy = restore(node._origin, node._data, node.grad, node.inputs)
    copy._tick = node._tick
    _restore([copy], _rare([node]))
    return copy


def deep_copy(root: Value, memo: dict[int, Any]) -> Value:
    """Return a copy of the whole graph of this node; nodes that `memo` holds already are not copied again."""
    refuse_while_tracing("copying")
    fresh = [node for node in topological_order(root) if id(node) not in memo]
    for node in fresh:
        inputs = tuple([memo[id(input)] for input in node.inputs])
        memo[id(node)] = copy = restore(node._origin, node._data, node.grad, inputs)
        copy._tick = node._tick
    _restore([memo[id(node)] for node in fresh], _rare(fresh))
    return memo[id(root)]


def _checked(gate: Gate, data: float, grad: float, inputs: tuple[Any, ...]) -> Value:
    """Restore the output of a gate, or say that it was declared anew, with other inputs, since the graph was pickled."""
    count = len(inputs)
    if count == 0 if gate.variadic else count != len(gate.names):
        wanted = "at least one" if gate.variadic else str(len(gate.names))
        raise ValueError(
            f"the gate {gate.name!r} has {wanted} input(s), and this graph has {count} there: declare the gate as it was "
            "when the graph was made"
        )
    return restore(gate, data, grad, inputs)


def _install_methods() -> None:
    """Make every other gate with named inputs a method, also by numpy's name: np.arctan of an array calls `v.arctan()`."""
    for name, gate in [*GATES.items(), *((name, GATES[row]) for name, row in ARC.items() if row in GATES)]:
        plain = all(parameter.default is parameter.empty for parameter in gate.__signature__.parameters.values())
        if plain and not gate.variadic and not hasattr(Value, name):
            setattr(Value, name, _method(gate))


def _method(gate: Gate) -> Callable[..., Any]:
    def method(*inputs: Any) -> Any:
        return record(gate, *inputs)

    method.__name__, method.__doc__ = gate.name, gate.doc
    return method


_install_methods()
install(Value, operand, record_by_rule)
