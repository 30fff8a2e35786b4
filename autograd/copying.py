"""Copies of a graph: pickle and deepcopy at any depth, with its sharing, its gradients and what is stale kept.

Like every pickle of Python's, that of a graph executes code when it is loaded: load only pickles of your own.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Any
from weakref import finalize, ref

from .graph import topological_order
from .native import core
from .node import N, Node
from .recording import refuse_while_tracing
from .row import Gate

__all__ = ["deep_copy", "flatten", "new_node", "shallow_copy"]

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
            type(gates[0]),
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
        return _leaf, (type(root), root._origin, root._data, root.grad, _rare([root]), min(root._tick, 0))
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


def _leaf(cls: type[Node], role: Any, data: float, grad: float, rare: Rare, tick: int) -> Node:
    leaf = new_node(cls, role, data, grad, ())
    leaf._tick = tick  # below 0 for a number in an expression
    _restore([leaf], rare)
    return leaf


def _restored(
    cls: Any,
    given: Sequence[Node],
    gates: Sequence[Gate],
    data: Sequence[float],
    grads: Sequence[float],
    counts: Sequence[int],
    places: Sequence[int],
    rare: Rare,
    stale: Sequence[int],
) -> list[Node]:
    for gate in {*gates}:
        cls._derived(gate)
    order = list(given)
    inputs = map(order.__getitem__, places)
    for gate, x, grad, count in zip(gates, data, grads, counts, strict=True):
        order.append(new_node(cls, gate, x, grad, tuple(islice(inputs, count))))
    _restore(order, rare)
    if stale:  # the clock of another process means nothing here, so what was older than its inputs becomes so again
        for node in given:
            if node._first is None and node._tick == 0:
                node._tick = 1
        for i in stale:
            order[i]._tick = 0
    return order


def shallow_copy(node: N) -> N:
    """Return another node made from the same inputs."""
    refuse_while_tracing("copying")
    copy = new_node(type(node), node._origin, node._data, node.grad, node.inputs)
    copy._tick = node._tick
    _restore([copy], _rare([node]))
    return copy


def deep_copy(root: N, memo: dict[int, Any]) -> N:
    """Return a copy of the whole graph of this node; nodes that `memo` holds already are not copied again."""
    refuse_while_tracing("copying")
    fresh = [node for node in topological_order(root) if id(node) not in memo]
    for node in fresh:
        inputs = tuple([memo[id(input)] for input in node.inputs])
        memo[id(node)] = copy = new_node(type(root), node._origin, node._data, node.grad, inputs)
        copy._tick = node._tick
    _restore([memo[id(node)] for node in fresh], _rare(fresh))
    return memo[id(root)]  # type: ignore[no-any-return]


def new_node(cls: type[N], origin: Any, data: float, grad: float, inputs: tuple[Any, ...]) -> N:
    """Return a node made from inputs; without any, a leaf, whose origin is its role."""
    _check_inputs(origin, len(inputs))
    if core is not None:
        return core.restore(origin, data, grad, inputs)  # type: ignore[no-any-return]
    node = cls.__new__(cls)
    node._origin, node._data, node.grad = origin, data, grad
    node._adjoint, node._tick = 0.0, 1 if inputs else 0
    if not inputs:
        node._first = node._rest = None
    elif origin.variadic or len(inputs) > 2:
        node._first, node._rest = inputs[0], inputs[1:]
    else:
        node._first, node._rest = inputs[0], inputs[1] if len(inputs) == 2 else None
    return node


def _check_inputs(origin: Any, count: int) -> None:
    """Refuse a number of inputs that the gate does not have, as when it was declared anew since a graph was pickled."""
    if not isinstance(origin, Gate):
        fits, wanted = count == 0, "no"
    elif origin.variadic:
        fits, wanted = count > 0, "at least one"
    else:
        fits, wanted = count == len(origin.names), str(len(origin.names))
    if not fits:
        made = f"the gate {origin.name!r}" if isinstance(origin, Gate) else "a leaf"
        raise ValueError(
            f"{made} has {wanted} input(s), and this graph has {count} there: declare the gate as it was when the graph was made"
        )
