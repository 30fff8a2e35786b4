"""Boxes: what a picture shows as one shape, a node of its own or the nodes of a scope folded together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from ..value import Value

__all__ = ["LEVELS", "Arrow", "Box", "Level", "fold", "homes"]

Level = Literal["gate", "neuron", "layer"]
LEVELS: tuple[Level, ...] = ("gate", "neuron", "layer")


@dataclass(eq=False)
class Box:
    """Nodes shown as one, in topological order; `scope` is that of a fold, None for a node on its own.

    A copy, which stands beside some of the uses of a hub, has the hub as its `original`.
    """

    nodes: list[Value]
    scope: str | None = None
    original: Box | None = None


@dataclass(eq=False)
class Arrow:
    """Edges shown as one: each is the position of an input among the inputs of a gate."""

    tail: Box
    head: Box
    edges: list[tuple[Value, int]] = field(default_factory=list)  # the gate, and which of its inputs

    @property
    def sources(self) -> list[Value]:
        """The nodes whose values flow along it, each once."""
        return list(dict.fromkeys(gate.inputs[place] for gate, place in self.edges))


def homes(order: Sequence[Value]) -> dict[Value, str | None]:
    """Return the scope in which a picture shows each node: its own; for a parameter or constant, that of its only users.

    Parameters are made before their module is called, outside of its scope, yet belong into its picture. One that
    several scopes share stands outside of them all, and so does an input.
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

    A scope with nothing in it but a gate is shown as that gate: a fold would only hide it.
    """
    if level == "gate":
        return [Box([node]) for node in order]
    widened = _widened({scope for scope in home.values() if scope}, level)
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


def _widened(scopes: set[str], level: Level) -> dict[str, str]:
    """Map each scope to the one that it is folded into: at "neuron" level itself, at "layer" level its layer.

    A layer is a scope whose inner scopes have none within them: its neurons.
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
