"""A naive model of the engine, of dictionaries and floats: what the state machine compares the engine with.

It derives by the rules of tests/oracle.py, which are written by hand, and keeps what is stale by counting versions: a node
remembers which versions of its inputs it was computed from.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from autograd import Gate

from ..oracle import Gradient, output, partial

LARGEST, SMALLEST = 1e6, 1e-6  # of the numbers that are compared; outside, rounding decides


@dataclass(eq=False)
class Node:
    """A leaf, with a role, or the output of a gate."""

    data: float
    role: str | None
    gate: Gate | None = None
    inputs: Sequence[Node] = ()
    scope: str | None = None
    placed: bool = False  # whether the line of code that recorded it is known
    grad: float = 0.0
    version: int = 0
    seen: list[int] = field(default_factory=list)

    def copy(self, inputs: Sequence[Node]) -> Node:
        return Node(
            self.data, self.role, self.gate, inputs, self.scope, self.placed, self.grad, self.version, [*self.seen]
        )


def recorded(gate: Gate, inputs: Sequence[Node], data: float, scope: str | None, placed: bool) -> Node:
    return Node(data, None, gate, inputs, scope, placed, seen=[x.version for x in inputs])


def reached(root: Node) -> list[Node]:
    """Return the nodes of a graph, each after its inputs."""
    order: dict[Node, None] = {}

    def visit(node: Node) -> None:
        if node not in order:
            for x in node.inputs:
                visit(x)
            order[node] = None

    visit(root)
    return list(order)


def is_stale(root: Node) -> bool:
    return any(is_outdated(node) for node in reached(root))


def is_outdated(node: Node) -> bool:
    """Tell whether an input has another version than the one that the node was computed from."""
    return [x.version for x in node.inputs] != node.seen


def evaluated(root: Node, data: Mapping[Node, float]) -> dict[Node, float]:
    """Return what every node would be, given some data of leaves; raise as the gates do."""
    found = dict(data)
    for node in reached(root):
        if node not in found:
            inputs = [found[x] for x in node.inputs]
            found[node] = node.data if node.gate is None else output(node.gate, inputs)
    return found


def outdated(root: Node) -> list[Node]:
    """Return the nodes that a replay computes again."""
    again: dict[Node, None] = {}
    for node in reached(root):
        if is_outdated(node) or any(x in again for x in node.inputs):
            again[node] = None
    return list(again)


def replay(nodes: Sequence[Node]) -> None:
    """Note that these nodes were computed again."""
    for node in nodes:
        node.version += 1
    for node in nodes:
        node.seen = [x.version for x in node.inputs]


def adjoints(root: Node, seed: float) -> tuple[dict[Node, Gradient], set[type[Exception]]]:
    """Return d root/d node × seed for every node, and the errors of slopes that do not exist."""
    order = reached(root)
    found = {node: Gradient(0.0, 0.0) for node in order} | {root: Gradient(seed, abs(seed))}
    errors: set[type[Exception]] = set()
    for node in reversed(order):
        data = [x.data for x in node.inputs]
        for place, x in enumerate(node.inputs):
            assert node.gate is not None
            if x.role == "constant":
                continue
            try:
                slope = partial(node.gate, place, data)
            except (ArithmeticError, ValueError) as error:
                errors.add(type(error))
                continue
            if slope is not None:
                so_far, upstream = found[x], found[node]
                found[x] = Gradient(so_far + upstream * slope, so_far.size + upstream.size * abs(slope))
    return found, errors


def copied(root: Node) -> tuple[Node, dict[Node, Node]]:
    """Return a copy of a graph, and what became of each of its nodes."""
    copies: dict[Node, Node] = {}
    for node in reached(root):
        copies[node] = node.copy([copies[x] for x in node.inputs])
    return copies[root], copies


def comparable(numbers: Sequence[float]) -> bool:
    return all(x == 0 or SMALLEST <= abs(x) <= LARGEST for x in numbers)


def refusal(action: Callable[[], object]) -> type[Exception] | None:
    """Return the type of the error that an action of the model raises."""
    try:
        action()
    except (ArithmeticError, ValueError) as error:
        return type(error)
    return None
