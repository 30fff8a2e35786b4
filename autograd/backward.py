"""The passes over a recorded graph: one walk, one reverse loop; backward, forward again, and clearing.

A pass computes everything aside, and writes last, in one call that no interrupt can divide, what later passes build on:
the gradients of leaves, the data of gates. Whatever goes wrong before, none of these has changed.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import repeat
from operator import attrgetter, length_hint
from threading import RLock
from typing import Any, TypeVar

from ._engine import compiled
from .arguments import as_float, truncated_repr
from .context import refuse_while_tracing, tick
from .gate import inputs_text
from .names import names_in_errors
from .node import CONSTANT, N, Node

__all__ = [
    "Walk",
    "adjoints",
    "assign",
    "backward",
    "forward",
    "fresh_order",
    "is_stale",
    "no_slope",
    "pull_any",
    "reverse",
    "topological_order",
    "zero_grad",
]

T = TypeVar("T")

walking = RLock()  # A walk marks the nodes that it reaches, so one walk at a time; under the GIL that costs nothing.
_latest = 0  # the number of the last walk
_tick = attrgetter("_tick")


@compiled
class Walk:
    """Everything that some roots were made from: leaves and gates, each node after all its inputs.

    Create it, and use the nodes' `_adjoint`, while holding the lock `walking`. Walks are numbered. A node's mark is twice
    the number of a walk while its inputs are being walked, and one more when it is done; the marks of other walks, finished
    or interrupted, mean nothing. The adjoint of every node that is done is 0.
    """

    __slots__ = ("changed", "gates", "leaves", "number")

    def __init__(self, roots: Sequence[Node], ends: Sequence[Node] = ()) -> None:
        global _latest
        for node in (*roots, *ends):
            if not hasattr(node, "_mark"):
                raise TypeError(f"a graph is walked from a Value, not from {truncated_repr(node)}")
        self.number = _latest = _latest + 1
        entered, done = 2 * self.number, 2 * self.number + 1  # compared by identity: a number that no other walk has
        self.leaves: list[Any] = []
        self.gates: list[Any] = []
        leaves, gates = self.leaves.append, self.gates.append
        changed = 0
        for end in ends:  # as if reached already: neither listed nor walked beyond
            end._mark = done
        stack = [*reversed(roots)]
        pop, push, extend = stack.pop, stack.append, stack.extend
        while stack:
            node = pop()
            if node._mark is entered:  # everything that was pushed above it is done, so its inputs are
                node._mark, node._adjoint = done, 0.0
                gates(node)
                continue
            while node._mark is not done:
                if node._mark is entered:  # reached from its own inputs, so somebody has set `_first`
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
        self.changed = changed  # when a leaf last was

    def finish(self) -> None:
        """Raise if another walk of this thread came in between, as from a signal handler: its marks replaced ours."""
        if self.number != _latest:
            raise RuntimeError("a graph was walked in the middle of another walk (in a signal handler?): run it again")


def topological_order(*roots: N, ends: Sequence[N] = ()) -> list[N]:
    """Return every node that the roots were made from, and the roots, each once and after all its inputs.

    Leaves come first, then gates in the order of a forward pass. The walk does not go beyond `ends`, and leaves them out.
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


# The reverse loop: upstream × local = downstream, which adds up where a node is used more than once.


def reverse(
    order: Sequence[N],
    seeds: Mapping[N, T],
    total: Callable[[list[T]], T],
    downstream: Callable[[N, T], Iterable[tuple[N, T]]],
) -> dict[N, T]:
    """Run backward through nodes in topological order, in whatever stands for numbers; return the adjoints of its ends.

    `downstream` gives what a node hands on, upstream × local for each of its inputs, and `total` adds up what arrived at
    one. Derivatives recorded on Values run through here, and the compiler's entries; `_pull` is this loop on floats.
    """
    arrived: dict[N, list[T]] = defaultdict(list)
    for node, seed in seeds.items():
        arrived[node].append(seed)
    for node in reversed(order):
        if node._first is not None and node in arrived:
            for input, handed in downstream(node, total(arrived.pop(node))):
                arrived[input].append(handed)
    return {node: total(terms) for node, terms in arrived.items()}


@compiled
def _pull(nodes: Iterable[Any]) -> None:
    """Hand the adjoint of each node on to its inputs; the nodes come in reverse topological order.

    The loop has the gates with one and two inputs written out, of which graphs are full; `pull_any` does the same for any number.
    A constant's slope is never asked for: it may not exist, as log x of x² at x < 0.
    """
    for node in nodes:
        gate, a, b = node._origin, node._first, node._rest
        if b is None:
            (to_a,) = gate.slopes(node._data, a._data, a._origin is not CONSTANT)
            if to_a is not None:
                a._adjoint += node._adjoint * to_a
        elif b.__class__ is not tuple:
            wanted_a, wanted_b = a._origin is not CONSTANT, b._origin is not CONSTANT
            to_a, to_b = gate.slopes(node._data, a._data, b._data, wanted_a, wanted_b)
            if to_a is not None:
                a._adjoint += node._adjoint * to_a
            if to_b is not None:
                b._adjoint += node._adjoint * to_b
        else:
            pull_any(node)


def pull_any(node: Any) -> None:
    """Hand the adjoint of a node on to its inputs by the slopes of its gate."""
    inputs = node.inputs
    wanted = [input._origin is not CONSTANT for input in inputs]
    slopes = node._origin.slopes(node._data, *[input._data for input in inputs], *wanted)
    for input, slope in zip(inputs, slopes, strict=True):
        if slope is not None:
            input._adjoint += node._adjoint * slope


# The passes


def adjoints(root: N, seed: float = 1.0) -> dict[N, float]:
    """Return d root/d node × seed for every node, in topological order; changes nothing. Constants get 0.

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


def backward(root: Node, seed: float = 1.0) -> None:
    """Add d root/d leaf × seed to the gradient of every leaf but constants, and set that of every other node."""
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
    """Write the gradients that a sweep left in `_adjoint`: leaves add them up, gates are set."""
    leaves = [leaf for leaf in walk.leaves if leaf._origin is not CONSTANT]
    try:
        grads = [leaf.grad + leaf._adjoint for leaf in leaves]
    except TypeError:
        leaf = next(leaf for leaf in leaves if not isinstance(leaf.grad, (int, float)))
        raise TypeError(
            f"the grad of {leaf.label or 'a leaf'} must be a number, and it is {leaf.grad!r}: set it to 0.0"
        ) from None
    nodes = [*walk.gates, *leaves]
    _write("grad", nodes, [*(node._adjoint for node in walk.gates), *grads])  # at once, as an interrupt sees it


def _sweep(root: Node, seed: float) -> Walk:
    """Leave in every node's `_adjoint` the gradient of the root; the lock must be held."""
    walk = Walk((root,))
    _refuse_stale(walk)
    root._adjoint = seed
    nodes = reversed(walk.gates)
    try:
        _pull(nodes)
    except (ArithmeticError, ValueError) as error:
        names = names_in_errors([*walk.leaves, *walk.gates])
        raise no_slope(walk.gates[length_hint(nodes)], error, names) from None  # as many are left as come before it
    return walk


def fresh_order(root: N, ends: Sequence[N]) -> list[N]:
    """Return the nodes of a graph as `topological_order` does; raise for one that is stale."""
    with walking:
        walk = Walk((root,), ends)
        _refuse_stale(walk)
        walk.finish()
        return [*walk.leaves, *walk.gates]


def no_slope(node: Node, error: Exception, names: Mapping[Node, str]) -> Exception:
    """Return an exception of the same type that names the gate whose slope is undefined, or beyond the floats, and where."""
    gate = node.gate
    assert gate is not None
    called, *inputs = [names.get(each, each.label) for each in (node, *node.inputs)]
    at = inputs_text(gate, [input._data for input in node.inputs], inputs)
    return type(error)(f"backward through {gate.name}{f' {called!r}' * bool(called)}: it has no finite slope at {at}")


def zero_grad(root: Node) -> None:
    """Set the gradient of every node of the graph to 0."""
    with walking:
        walk = Walk((root,))
        walk.finish()
        nodes = walk.leaves + walk.gates
        _write("grad", nodes, repeat(0.0))
        _write("_seed", nodes, repeat(None))


def forward(root: Node) -> float:
    """Compute what is stale in the graph again, from the leaves as they are now; return the root's new data."""
    with walking:
        walk = Walk((root,))
        walk.finish()
    data: dict[Node, float] = {}
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
            names = names_in_errors([*walk.leaves, *walk.gates])
            raise gate.refusal(error, now, [names[input] for input in inputs]) from None
    if data:
        time = tick()  # later than what other roots have computed from these nodes, so that they notice
        _write("_data", data, data.values())
        _write("_tick", data, repeat(time))
        _write("_seed", walk.gates, repeat(None))
    return root.data


@compiled
def assign(leaves: Sequence[Node], numbers: Any) -> int:
    """Write an array of float64 into the data of leaves; return the time at which they changed.

    An interrupt leaves all of them as they were, or all written: the times come first, so that at worst a graph is taken
    for stale that is not.
    """
    time = tick()
    _write("_tick", leaves, repeat(time))
    _write("_data", leaves, numbers.tolist())
    return time


def is_stale(root: Node) -> bool:
    """Tell whether a leaf was changed after a node of the graph was computed from it.

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
    """Return the first node that is older than a change of one of its inputs, and that input."""
    if walk.changed == 0:  # no leaf was ever changed
        return None
    times = {*map(_tick, walk.gates)}
    if len(times) == 1 and walk.changed <= min(times):  # all was computed at one time, after the last change
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
    names = names_in_errors([*walk.leaves, *walk.gates])
    formula = node.gate.formula([names[input] for input in node.inputs])
    raise RuntimeError(
        f"backward through a stale graph: {names[node]} = {formula} was computed as {node.data!r}, and its input "
        f"{names[changed]} has changed since, to {changed.data!r}; root.forward() computes it all again"
    )


def _write(attribute: str, nodes: Iterable[Node], values: Iterable[Any]) -> None:
    """Set an attribute of many nodes in one call that runs no Python code, so that no signal can come between."""
    deque(map(setattr, nodes, repeat(attribute), values), maxlen=0)
