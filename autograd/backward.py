"""The passes over a recorded graph: topological order, the reverse loop, backward, forward and zero_grad.

A pass computes into temporaries, and commits gradients and data last, in one call that runs no Python code. An error or
an interrupt before the commit leaves the graph unchanged, and no interrupt can split the commit.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import repeat
from math import isfinite
from operator import attrgetter
from threading import RLock
from typing import Any, TypeVar

from ._engine import compiled
from .anomaly import not_finite, watching, whereabouts
from .arguments import as_float, truncated_repr
from .context import recording, refuse_while_tracing, tick
from .gate import gate_text, inputs_text
from .names import names_in_errors
from .node import CONSTANT, N, Node

__all__ = [
    "Walk",
    "adjoints",
    "assign",
    "backward",
    "forward",
    "fresh_order",
    "gradient",
    "is_stale",
    "no_slope",
    "pull_any",
    "reverse",
    "topological_order",
    "zero_grad",
]

S = TypeVar("S")
T = TypeVar("T")

walking = RLock()  # A walk writes marks into nodes, so walks must not overlap.
_latest = 0  # the number of the last walk
_tick = attrgetter("_tick")


@compiled
class Walk:
    """Depth-first topological order of the graphs of some roots, as two lists, `leaves` and `gates`, inputs first.

    Hold the lock `walking` while creating it and while using `_adjoint` of its nodes. Walk number n marks a node 2n when it
    enters it and 2n + 1 when all its inputs are done; a mark of another walk, finished or interrupted, means not reached.
    A node that is done has adjoint 0.
    """

    __slots__ = ("changed", "failed", "gates", "leaves", "number")

    def __init__(self, roots: Sequence[Node], ends: Sequence[Node] = ()) -> None:
        global _latest
        for node in (*roots, *ends):
            if not hasattr(node, "_mark"):
                raise TypeError(f"a graph is walked from a Value, not from {truncated_repr(node)}")
        self.number = _latest = _latest + 1
        # compared by `is`, which is faster than ==, because only this walk makes ints of these values
        entered, done = 2 * self.number, 2 * self.number + 1
        self.leaves: list[Any] = []
        self.gates: list[Any] = []
        leaves, gates = self.leaves.append, self.gates.append
        changed = 0
        for end in ends:  # marked as done in advance, so neither listed nor entered
            end._mark = done
        stack = [*reversed(roots)]
        pop, push, extend = stack.pop, stack.append, stack.extend
        while stack:
            node = pop()
            if node._mark is entered:  # popped the second time, so all its inputs are done
                node._mark, node._adjoint = done, 0.0
                gates(node)
                continue
            while node._mark is not done:
                if node._mark is entered:  # a cycle, which only writing to `_first` can make
                    raise RuntimeError(
                        f"a graph must not contain itself: {truncated_repr(node)} is one of its own inputs"
                    )
                first = node._first
                if first is None:
                    node._mark, node._adjoint = done, 0.0
                    leaves(node)
                    if node._tick > changed:
                        changed = node._tick
                    break
                node._mark = entered
                push(node)
                rest = node._rest
                if rest.__class__ is tuple:
                    extend([input for input in rest[::-1] if input._mark is not done])
                elif rest is not None and rest._mark is not done:
                    push(rest)
                node = first
        self.changed = changed  # the tick of the leaf that was set last
        self.failed: Any = None  # the gate that _pull failed at

    def finish(self) -> None:
        """Raise if this thread began another walk meanwhile (in a signal handler), which has overwritten the marks."""
        if self.number != _latest:
            raise RuntimeError("a graph was walked in the middle of another walk (in a signal handler?): run it again")


def topological_order(*roots: N, ends: Sequence[N] = ()) -> list[N]:
    """Return the nodes of the graphs of the roots, each once and after all its inputs.

    Leaves come first, then gates in the order of a forward pass. `ends` and the nodes that only they lead to are left out.
    O(nodes + edges), without recursion at any depth.

    >>> from autograd import Value
    >>> a, b = Value(2.0, "a"), Value(3.0, "b")
    >>> [node.label or node.gate.name for node in topological_order(a * b + a)]
    ['a', 'b', 'mul', 'add']
    """
    if not isinstance(ends, (list, tuple)):
        raise TypeError(f"ends is a list of Values, not {truncated_repr(ends)}: write ends=[v]")
    with walking:
        walk = Walk(roots, ends)
        walk.finish()
        return [*walk.leaves, *walk.gates]


# The reverse loop: upstream × local = downstream; the adjoint of a node is the sum over its uses.


def reverse(
    order: Sequence[N],
    seeds: Mapping[N, S],
    total: Callable[[list[S]], T],
    downstream: Callable[[N, T], Iterable[tuple[N, S]]],
) -> dict[N, T]:
    """Run the reverse loop over nodes in topological order; return the adjoints of the leaves.

    `downstream` returns pairs (input, upstream × local) for a node and its adjoint, and `total` the sum of the contributions
    that reached a node. Adjoints may be of any type T, and contributions of another type S: Values for recorded derivatives,
    entries of a scalar program for the compiler. `_pull` is the same loop on floats.
    """
    arrived: dict[N, list[S]] = defaultdict(list)
    for node, seed in seeds.items():
        arrived[node].append(seed)
    for node in reversed(order):
        if node._first is not None and node in arrived:
            for input, handed in downstream(node, total(arrived.pop(node))):
                arrived[input].append(handed)
    return {node: total(terms) for node, terms in arrived.items()}


@compiled
def _pull(walk: Walk) -> None:
    """Add upstream × local to the adjoint of every input, for the gates of a walk, the last one first.

    The gate at which an error occurs is kept in `walk.failed`.

    The cases of one and two inputs are written out for speed; `pull_any` handles any number. The slope in a constant is not
    computed, because it may not exist: the slope of x² in the exponent is x²·log x, undefined for x < 0.
    """
    node = None
    try:
        for node in reversed(walk.gates):
            slopes, a, b = node._origin.slopes, node._first, node._rest
            if b is None:
                (to_a,) = slopes(node._data, a._data, a._origin is not CONSTANT)
                if to_a is not None:
                    a._adjoint += node._adjoint * to_a
            elif b.__class__ is not tuple:
                wanted_a, wanted_b = a._origin is not CONSTANT, b._origin is not CONSTANT
                to_a, to_b = slopes(node._data, a._data, b._data, wanted_a, wanted_b)
                if to_a is not None:
                    a._adjoint += node._adjoint * to_a
                if to_b is not None:
                    b._adjoint += node._adjoint * to_b
            else:
                pull_any(node)
    except BaseException:
        walk.failed = node
        raise


def pull_any(node: Any) -> None:
    """Add upstream × local to the adjoint of every input of one node."""
    inputs = node.inputs
    wanted = [input._origin is not CONSTANT for input in inputs]
    slopes = node._origin.slopes(node._data, *[input._data for input in inputs], *wanted)
    for input, slope in zip(inputs, slopes, strict=True):
        if slope is not None:
            input._adjoint += node._adjoint * slope


# The passes


def adjoints(root: N, seed: float = 1.0) -> dict[N, float]:
    """Return d root/d node × seed for every node, in topological order, without changing any; 0 for constants.

    >>> from autograd import Value
    >>> x = Value(3.0)
    >>> adjoints(x * x)[x], x.grad
    (6.0, 0.0)
    """
    seed = as_float(seed, "the seed of adjoints")
    refuse_while_tracing("adjoints()")
    with walking:
        walk = _sweep(root, seed)
        found = {node: node._adjoint for node in (*walk.leaves, *walk.gates)}
        walk.finish()
    return {node: 0.0 if node._origin is CONSTANT else adjoint for node, adjoint in found.items()}


def gradient(root: Node, inputs: Sequence[Node]) -> list[float]:
    """Return d root/d input for each of some nodes that are no constants; changes nothing."""
    with walking:
        for x in inputs:
            x._adjoint = 0.0  # of one that the walk does not reach
        walk = _sweep(root, 1.0)
        found = [x._adjoint for x in inputs]
        walk.finish()
    return found


def backward(root: Node, seed: float = 1.0) -> None:
    """Add d root/d leaf × seed to the gradient of every leaf except constants; set the gradient of every other node."""
    seed = as_float(seed, "the seed of backward")
    refuse_while_tracing("backward()")
    if root._origin is CONSTANT:
        raise RuntimeError(
            f"{root!r} is a constant, so there is nothing to differentiate: was it detached, or made in no_grad?"
        )
    with walking:
        walk = _sweep(root, seed)
        walk.finish()
        _keep(walk)
        root._seed = seed


@compiled
def _keep(walk: Walk) -> None:
    """Commit the adjoints as gradients: add them to those of leaves, set those of gates."""
    leaves = [leaf for leaf in walk.leaves if leaf._origin is not CONSTANT]
    for leaf in leaves:
        if not isinstance(leaf.grad, float):  # the C engine converts a gradient when it is set
            try:
                leaf.grad = as_float(leaf.grad)
            except (TypeError, OverflowError):
                raise TypeError(
                    f"the grad of {leaf.label or 'a leaf'} must be a number, and it is {leaf.grad!r}: set it to 0.0"
                ) from None
    grads = [leaf.grad + leaf._adjoint for leaf in leaves]
    nodes = [*walk.gates, *leaves]
    _write("grad", nodes, [*(node._adjoint for node in walk.gates), *grads])


def _sweep(root: Node, seed: float) -> Walk:
    """Compute the adjoint of every node into `_adjoint`; the caller must hold the lock."""
    began = recording.clock
    walk = Walk((root,))
    _refuse_stale(walk)
    root._adjoint = seed
    if watching():
        _pull_watched(walk)
    else:
        try:
            _pull(walk)
        except (ArithmeticError, ValueError) as error:
            raise no_slope(walk.failed, error, _names(walk)) from None
    if recording.clock != began:
        _refuse_changed(walk, began)
    return walk


def _pull_watched(walk: Walk) -> None:
    """Pull as `_pull` does; raise at the first adjoint that is not finite."""
    for node in reversed(walk.gates):
        try:
            pull_any(node)
        except (ArithmeticError, ValueError) as error:
            raise no_slope(node, error, _names(walk)) from None
        for input in node.inputs:
            if not isfinite(input._adjoint) and input._origin is not CONSTANT:
                raise _not_finite(node, input, _names(walk))


def _names(walk: Walk) -> dict[Node, str]:
    """Return the names of the nodes of a walk for a message."""
    return names_in_errors([*walk.leaves, *walk.gates])


def _not_finite(node: Node, input: Node, names: Mapping[Node, str]) -> FloatingPointError:
    """Return the error of a gate that makes the adjoint of an input nan or infinite."""
    gate, inputs = node.gate, node.inputs
    assert gate is not None
    numbers = [x._data for x in inputs]
    slope = gate.slopes(node._data, *numbers, *[x is input for x in inputs])[inputs.index(input)]
    return FloatingPointError(
        f"backward through {gate_text(gate, names[node])}: the gradient of {names[input]} is {input._adjoint!r}, with upstream "
        f"{node._adjoint!r} × local {slope!r} at {inputs_text(gate, numbers, [names[x] for x in inputs])}{whereabouts(node)}"
    )


def _refuse_changed(walk: Walk, began: int) -> None:
    """Raise if a leaf of the graph was set after the clock read `began`, so that a pass has read old and new data."""
    changed = next((leaf for leaf in walk.leaves if leaf._tick > began), None)
    if changed is not None:
        raise RuntimeError(
            f"{changed.label or 'a leaf'} was set in the middle of a pass (by another thread, or a signal handler?): "
            "call forward() again"
        )


def fresh_order(roots: Sequence[N], ends: Sequence[N]) -> list[N]:
    """Return the topological order of some graphs without `ends`; raise if one is stale."""
    with walking:
        walk = Walk(roots, ends)
        _refuse_stale(walk)
        walk.finish()
        return [*walk.leaves, *walk.gates]


def no_slope(node: Node, error: Exception, names: Mapping[Node, str]) -> Exception:
    """Return an exception of the same type that names the gate with an undefined or infinite slope, and its inputs."""
    gate = node.gate
    assert gate is not None
    called, *inputs = [names.get(each, each.label) for each in (node, *node.inputs)]
    at = inputs_text(gate, [input._data for input in node.inputs], inputs)
    return type(error)(f"backward through {gate_text(gate, called)}: it has no finite slope at {at}{whereabouts(node)}")


def zero_grad(root: Node) -> None:
    """Set the gradient of every node of the graph to 0."""
    with walking:
        walk = Walk((root,))
        walk.finish()
        nodes = walk.leaves + walk.gates
        _write("grad", nodes, repeat(0.0))
        _write("_seed", nodes, repeat(None))


def forward(root: Node) -> float:
    """Recompute the stale nodes of the graph from the present data of its leaves; return the root's new data."""
    began = recording.clock
    with walking:
        walk = Walk((root,))
        walk.finish()
    data: dict[Node, float] = {}
    watched = watching()
    for node in walk.gates:
        inputs = node.inputs
        if not any(input in data or input._tick > node._tick for input in inputs):
            continue
        gate = node.gate
        assert gate is not None
        now = [data.get(input, input._data) for input in inputs]
        try:
            data[node] = gate.evaluate(now)
        except (ArithmeticError, ValueError) as error:
            names = _names(walk)
            raise gate.refusal(error, now, [names[input] for input in inputs], whereabouts(node)) from None
        if watched and not isfinite(data[node]):
            names = _names(walk)
            raise not_finite(node, data[node], now, [names[input] for input in inputs], names[node])
    if recording.clock != began:
        _refuse_changed(walk, began)
    if data:
        time = tick()  # makes nodes of other graphs that use these stale
        _write("_data", data, data.values())
        _write("_tick", data, repeat(time))
        _write("_seed", walk.gates, repeat(None))
    return root.data


@compiled
def assign(leaves: Sequence[Node], numbers: Any) -> int:
    """Set the data of leaves from an array of float64; return the tick of the change.

    The ticks are written first, so that an interrupt between the two writes can only make a fresh graph count as stale.
    """
    time = tick()
    _write("_tick", leaves, repeat(time))
    _write("_data", leaves, numbers.tolist())
    return time


def is_stale(root: Node) -> bool:
    """Tell whether a leaf was set after a node of the graph was computed from it.

    >>> from autograd import Value
    >>> x = Value(3.0)
    >>> y = x * x
    >>> x.data = 4.0
    >>> is_stale(y), y.forward(), is_stale(y)
    (True, 16.0, False)
    """
    with walking:
        walk = Walk((root,))
        walk.finish()
    return _stale_edge(walk) is not None


@compiled
def _stale_edge(walk: Walk) -> tuple[Node, Node] | None:
    """Return the first node with an input that changed after the node was computed, and that input."""
    if walk.changed == 0:  # no leaf was ever set
        return None
    times = {*map(_tick, walk.gates)}
    if len(times) == 1 and walk.changed <= min(times):  # all gates were computed after the last change
        return None
    for node in walk.gates:
        for input in node.inputs:
            if input._tick > node._tick:
                return node, input
    return None


def _refuse_stale(walk: Walk) -> None:
    edge = _stale_edge(walk)
    if edge is None:
        return
    node, changed = edge
    assert node.gate is not None
    names = _names(walk)
    formula = node.gate.formula([names[input] for input in node.inputs])
    raise RuntimeError(
        f"backward through a stale graph: {names[node]} = {formula} was computed as {node.data!r}, and its input "
        f"{names[changed]} has changed since, to {changed.data!r}; root.forward() computes it all again"
    )


def _write(attribute: str, nodes: Iterable[Node], values: Iterable[Any]) -> None:
    """Set an attribute of many nodes in one call that runs no Python code, so that no signal handler can run in it."""
    deque(map(setattr, nodes, repeat(attribute), values), maxlen=0)
