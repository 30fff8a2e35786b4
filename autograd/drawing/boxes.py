"""Boxes: the shapes of a picture. A box is a single node, or the nodes of a scope folded together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from ..value import Value

__all__ = ["LEVELS", "Arrow", "Box", "Level", "fold", "homes"]

Level = Literal["gate", "neuron", "layer"]
LEVELS: tuple[Level, ...] = ("gate", "neuron", "layer")
ROWS = 3  # parameters of a gate, from which on they share a box


@dataclass(eq=False)
class Box:
    """Nodes shown as one shape, in topological order: a single node, a folded scope, or the parameters of one gate.

    `scope` is the folded scope. A copy of a hub, drawn beside some of its uses, has the hub as its `original`.
    """

    nodes: list[Value]
    scope: str | None = None
    original: Box | None = None

    @property
    def single(self) -> bool:
        """Whether the box shows a single node."""
        return self.scope is None and len(self.nodes) == 1

    @property
    def table(self) -> bool:
        """Whether the box lists the parameters of a gate."""
        return self.scope is None and len(self.nodes) > 1


@dataclass(eq=False)
class Arrow:
    """Edges shown as one arrow. An edge is a gate and the index of one of its inputs."""

    tail: Box
    head: Box
    edges: list[tuple[Value, int]] = field(default_factory=list)  # (gate, index of the input)

    @property
    def sources(self) -> list[Value]:
        """The nodes whose values the arrow carries, without duplicates."""
        return list(dict.fromkeys(gate.inputs[place] for gate, place in self.edges))


def homes(order: Sequence[Value]) -> dict[Value, str | None]:
    """Map each node to the scope it is drawn in: its own, or for a parameter or constant the one scope that uses it.

    Parameters are made before their module is called, so they have no scope of their own. A parameter that several
    scopes share is drawn outside of all of them, and so is an input.
    """
    scopes = {node: node.scope for node in order}
    if not any(scopes.values()):
        return scopes
    users: dict[Value, set[str | None]] = {}
    for node in order:
        for input in node.inputs:
            users.setdefault(input, set()).add(node.scope)
    for node in order:
        used = users.get(node, set())
        if node.role in ("parameter", "constant"):
            scopes[node] = next(iter(used)) if len(used) == 1 else None
        elif node.role == "input" and used != {node.scope}:
            scopes[node] = None
    return scopes


def fold(order: Sequence[Value], home: Mapping[Value, str | None], level: Level) -> list[Box]:
    """Return the boxes of a graph at a level, in the order of their last nodes.

    A scope that contains a single gate is not folded. At level "gate", the parameters that one gate of their scope uses
    alone share a box.
    """
    if level == "gate":
        return [*_tables(order, home)]
    widened = _fold_targets({scope for scope in home.values() if scope}, level)
    folded = {scope: Box([], scope) for scope in widened.values()}
    size = Counter[str]()
    for node in order:
        if scope := home[node]:
            folded[widened[scope]].nodes.append(node)
            size[widened[scope]] += node.role != "constant"
    boxes: list[Box] = []
    for node in order:
        scope = home[node]
        box = folded[widened[scope]] if scope and size[widened[scope]] > 1 else Box([node])
        if box.nodes[-1] is node:
            boxes.append(box)
    return boxes


def _tables(order: Sequence[Value], home: Mapping[Value, str | None]) -> Iterator[Box]:
    users: dict[Value, list[Value]] = {}
    for node in order:
        for input in node.inputs:
            users.setdefault(input, []).append(node)
    listed: dict[Value, list[Value]] = {}
    for node in order:
        if node.role == "parameter" and home[node] and len(users.get(node, ())) == 1:
            listed.setdefault(users[node][0], []).append(node)
    tables = {node: nodes for nodes in listed.values() if len(nodes) >= ROWS for node in nodes}
    for node in order:
        nodes = tables.get(node, [node])
        if nodes[-1] is node:
            yield Box(nodes)


def _fold_targets(scopes: set[str], level: Level) -> dict[str, str]:
    """Map each scope to the one that it is folded into: itself at level "neuron", its layer at level "layer".

    A layer is a scope whose inner scopes, its neurons, contain no further scopes.
    """
    inner: dict[str, set[str]] = {}
    for scope in scopes:
        while "/" in scope:
            outer = scope.rpartition("/")[0]
            inner.setdefault(outer, set()).add(scope)
            scope = outer
    layers = {outer for outer, parts in inner.items() if inner.keys().isdisjoint(parts)}
    outer_of = {scope: scope.rpartition("/")[0] for scope in scopes}
    return {scope: outer_of[scope] if level == "layer" and outer_of[scope] in layers else scope for scope in scopes}
