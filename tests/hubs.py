"""Graphs whose nodes are used often and far apart: what Graphviz takes longest for."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import autograd
from autograd import Value, scope, tanh

__all__ = ["GRAPHS", "added", "dense", "recurrent", "shared_gate", "squares"]


def recurrent(steps: int) -> Value:
    """h = tanh(w·h + 0.3), over and over, by the same w."""
    w, h = Value(0.5, "w", role="parameter"), Value(0.1, "h0")
    for step in range(steps):
        with scope(f"steps/step{step}"):
            h = tanh(w * h + 0.3)
    return h


def added(terms: int) -> Value:
    """x + x + … of so many terms."""
    x = y = Value(0.5, "x")
    for _ in range(terms - 1):
        y = y + x
    return y


def decayed(steps: int) -> Value:
    x, y = Value(0.1, "x"), Value(1.0, "y")
    for _ in range(steps):
        y = y * 0.99 + x
    return y


def squares(count: int) -> Value:
    """y + x·x + x·x + …: each product takes x twice."""
    x, y = Value(0.5, "x"), Value(0.25, "y")
    for _ in range(count):
        y = y + x * x
    return y


def shared_gate(steps: int) -> Value:
    """A gate whose output every step adds."""
    g, y = tanh(Value(0.3, "x") * 1.5), Value(1.0, "y")
    for _ in range(steps):
        y = y * 0.9 + g
    return y


def several(steps: int, count: int) -> Value:
    """So many parameters, each used at every so-manieth step."""
    w, y = [Value(0.1 * i, f"w{i}", role="parameter") for i in range(count)], Value(1.0, "y")
    for i in range(steps):
        y = tanh(y * w[i % count] + w[(7 * i + 1) % count])
    return y


def skipped(depth: int) -> Value:
    """Each gate of the way down is added again on the way up."""
    down = [Value(0.1, "x")]
    for _ in range(depth):
        down.append(tanh(down[-1]))
    y = down[-1]
    for _ in range(depth):
        y = y + down.pop()
    return y


def dense(nodes: int, most: int, hubs: int = 0, seed: int = 0) -> Value:
    """Gates that take up to `most` of the nodes before them, and so many of these again and again."""
    random = Random(seed)
    made = [Value(random.uniform(-1.0, 1.0), f"x{i}") for i in range(20)]
    unused = dict.fromkeys(made)
    for _ in range(nodes - len(made) - 1):
        inputs = random.choices(made, k=random.randrange(most))
        inputs.append(made[random.randrange(hubs)] if hubs and random.random() < 0.6 else next(iter(unused)))
        for input in inputs:
            unused.pop(input, None)
        made.append(tanh(inputs[0]) if len(inputs) == 1 else autograd.sum(inputs))
        unused[made[-1]] = None
    total: Value = autograd.sum([*unused])
    return total


def layers(*sizes: int) -> Value:
    """Layers of sums, each of all the nodes of the layer before."""
    nodes = [Value(0.1 * i, f"x{i}") for i in range(sizes[0])]
    for size in sizes[1:]:
        nodes = [autograd.sum(nodes) for _ in range(size)]
    total: Value = autograd.sum(nodes)
    return total


def fan(gate: Callable[[list[Value]], Value], count: int) -> Value:
    return gate([Value(0.1 * i, f"x{i}") for i in range(count)])


def chain(count: int) -> Value:
    y = Value(1.0, "x")
    for _ in range(count - 1):
        y = -y
    return y


GRAPHS: dict[str, Callable[[], Value]] = {
    "recurrent": lambda: recurrent(74),
    "decayed": lambda: decayed(99),
    "added": lambda: added(299),
    "squares": lambda: squares(140),
    "shared gate": lambda: shared_gate(98),
    "ten hubs": lambda: several(90, 10),
    "twenty near hubs": lambda: several(90, 20),
    "skipped": lambda: skipped(148),
    "dense": lambda: dense(290, 3),
    "dense, one hub": lambda: dense(260, 3, 1, 1),
    "dense, five hubs": lambda: dense(260, 3, 5, 2),
    "few nodes": lambda: dense(100, 12, 0, 3),
    "wide layers": lambda: layers(23, 23, 1),
    "deep layers": lambda: layers(*[5] * 23),
    "sum": lambda: fan(autograd.sum, 299),
    "max": lambda: fan(autograd.max, 299),
    "dot": lambda: fan(lambda x: autograd.dot(x[:149], x[149:]), 298),
    "one input 600 times": lambda: autograd.sum([Value(0.5, "x")] * 600),
    "chain": lambda: chain(300),
}
