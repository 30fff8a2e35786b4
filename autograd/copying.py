"""Copies of a graph: pickle and deepcopy at any depth, with its sharing, its gradients and what is stale kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .gate import Gate
from .graph import topological_order

if TYPE_CHECKING:
    from .value import Value

__all__ = ["deep_copy", "flatten"]

# What a node holds beside its inputs, in the order in which it is flattened.
FIELDS = ("_data", "grad", "_origin", "_label", "_scope", "_seed")


def flatten(root: Value) -> tuple[Any, ...]:
    """Return what pickle needs to build the graph of this node again, without recursion.

    Leaves go in as objects of their own, so that several roots in one pickle share them; gates as flat lists.
    """
    if not root.inputs:
        return _leaf, (type(root), [getattr(root, field, None) for field in FIELDS])
    order = topological_order(root)
    place = {node: i for i, node in enumerate(order)}
    leaves = [node for node in order if not node.inputs]
    gates = order[len(leaves) :]
    columns = [[getattr(node, field, None) for node in gates] for field in FIELDS]
    inputs = [[place[input] for input in node.inputs] for node in gates]
    stale = [i for i, node in enumerate(gates) if any(input._tick > node._tick for input in node.inputs)]
    return _graph, (type(root), leaves, columns, inputs, stale)


def _leaf(cls: type[Value], fields: Sequence[Any]) -> Value:
    return _node(cls, fields, ())


def _graph(
    cls: type[Value], leaves: list[Value], columns: list[list[Any]], inputs: list[list[int]], stale: list[int]
) -> Value:
    order = list(leaves)
    for fields, places in zip(zip(*columns, strict=True), inputs, strict=True):
        order.append(_node(cls, fields, [order[i] for i in places]))
    for i in stale:
        order[len(leaves) + i]._tick = -1  # older than anything: the clock of another process means nothing here
    return order[-1]


def deep_copy(root: Value, memo: dict[int, Any]) -> Value:
    """Return a copy of the whole graph of this node; nodes that `memo` holds already are not copied again."""
    for node in topological_order(root):
        if id(node) not in memo:
            fields = [getattr(node, field, None) for field in FIELDS]
            copy = _node(type(root), fields, [memo[id(input)] for input in node.inputs])
            copy._tick = node._tick
            memo[id(node)] = copy
    return memo[id(root)]  # type: ignore[no-any-return]


def _node(cls: type[Value], fields: Sequence[Any], inputs: Sequence[Value]) -> Value:
    node: Value = object.__new__(cls)
    for field, x in zip(FIELDS, fields, strict=True):
        setattr(node, field, x)
    node._adjoint, node._tick = 0.0, 0
    node._first, node._rest = (inputs[0] if inputs else None), None
    if isinstance(node._origin, Gate) and node._origin.variadic:
        node._rest = tuple(inputs[1:])
    elif len(inputs) > 1:
        node._rest = inputs[1] if len(inputs) == 2 else tuple(inputs[1:])
    return node
