"""The passes over a recorded graph: backward, forward again, and clearing.

A pass computes everything aside, and writes last, in one call that no interrupt can divide, what later passes build on:
the gradients of leaves, the data of gates. Whatever goes wrong before, none of these has changed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from itertools import repeat
from operator import attrgetter, length_hint
from typing import Any

from .arguments import as_float
from .derive import sweep
from .gates import add, mul
from .graph import Walk, walking
from .names import names_in_errors
from .native import core
from .node import CONSTANT, N, Node
from .recording import refuse_while_tracing, tick
from .row import inputs_text

__all__ = ["adjoints", "assign", "backward", "forward", "fresh_order", "is_stale", "no_slope", "zero_grad"]

_tick = attrgetter("_tick")
_pull = sweep(mul, add) if core is None else core.sweep


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
    _refuse_stale(walk, root)
    root._adjoint = seed
    nodes = reversed(walk.gates)
    try:
        _pull(nodes)
    except (ArithmeticError, ValueError) as error:
        names = names_in_errors(root)
        raise no_slope(walk.gates[length_hint(nodes)], error, names) from None  # as many are left as come before it
    return walk


def fresh_order(root: N, ends: Sequence[N]) -> list[N]:
    """Return the nodes of a graph as `topological_order` does; raise for one that is stale."""
    with walking:
        walk = Walk((root,), ends)
        _refuse_stale(walk, root)
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
            names = names_in_errors(root)
            raise gate.refusal(error, now, [names[input] for input in inputs]) from None
    if data:
        time = tick()  # later than what other roots have computed from these nodes, so that they notice
        _write("_data", data, data.values())
        _write("_tick", data, repeat(time))
        _write("_seed", walk.gates, repeat(None))
    return root.data


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


def _refuse_stale(walk: Walk, root: Node) -> None:
    edge = _stale_edge(walk)
    if edge is None:
        return
    node, changed = edge
    assert node.gate is not None
    names = names_in_errors(root)
    formula = node.gate.formula([names[input] for input in node.inputs])
    raise RuntimeError(
        f"backward through a stale graph: {names[node]} = {formula} was computed as {node.data!r}, and its input "
        f"{names[changed]} has changed since, to {changed.data!r}; root.forward() computes it all again"
    )


def _write(attribute: str, nodes: Iterable[Node], values: Iterable[Any]) -> None:
    """Set an attribute of many nodes in one call that runs no Python code, so that no signal can come between."""
    deque(map(setattr, nodes, repeat(attribute), values), maxlen=0)


if core is not None:  # the twins
    _keep, _stale_edge, assign = core.keep, core.stale_edge, core.assign
