"""The scalar engine against micrograd: forward + backward per node, interleaved in one run, medians.

A node is a recorded gate; leaves are made beforehand. Every run builds its graph anew and drops it, as training does.
"gc on" is as users run Python; "gc off" shows what of it is the cyclic collector. What is measured includes touching
fresh memory for the first time, which on virtual machines can cost more than the arithmetic, the more the larger the
graph.
"""

from __future__ import annotations

import gc
import time
import tracemalloc
from collections.abc import Callable
from statistics import median
from typing import Any

from autograd import Value

Build = Callable[[Any, list[Any]], Any]


def chain(n: int, leaves: list[Any]) -> Any:
    """A deep graph: y = relu(y·w + x), n gates."""
    y = leaves[0]
    for i in range(n // 3):
        y = (y * leaves[i % 8] + leaves[8]).relu()
    return y


def products(n: int, leaves: list[Any]) -> Any:
    """A wide graph: the sum of n/2 products, added in pairs."""
    terms = [leaves[i % 16] * leaves[(i + 1) % 16] for i in range(n // 2)]
    while len(terms) > 1:
        terms = [a + b for a, b in zip(terms[::2], terms[1::2], strict=False)] + terms[len(terms) & ~1 :]
    return terms[0]


GRAPHS: dict[str, Callable[[int, list[Any]], Any]] = {"chain": chain, "sum of products": products}


def once(cls: Any, build: Callable[[int, list[Any]], Any], n: int) -> float:
    """Return nanoseconds per node of building a graph and running it backward."""
    leaves = [cls(0.1 + 0.01 * i) for i in range(16)]
    gc.collect()
    start = time.perf_counter()
    root = build(n, leaves)
    root.backward()
    elapsed = time.perf_counter() - start
    del root
    return elapsed / n * 1e9


def compare(peer: Any, name: str, n: int, repeats: int, collect: bool) -> None:
    (gc.enable if collect else gc.disable)()
    ours, theirs = [], []
    for _ in range(repeats):
        ours.append(once(Value, GRAPHS[name], n))
        theirs.append(once(peer, GRAPHS[name], n))
    gc.enable()
    ratio = median(b / a for a, b in zip(ours, theirs, strict=True))
    print(
        f"{name:16} {n:>9,} nodes, gc {'on ' if collect else 'off'}  {median(ours):8.0f} ns/node, "
        f"micrograd {median(theirs):8.0f}, {ratio:5.1f} times as fast",
        flush=True,
    )


def growth() -> None:
    """Print how the cost of a node grows with the graph."""
    for collect in (True, False):
        (gc.enable if collect else gc.disable)()
        for name, build in GRAPHS.items():
            sizes = (1_000, 10_000, 100_000, 1_000_000)
            costs = [median(once(Value, build, n) for _ in range(max(3, 100_000 // n))) for n in sizes]
            gc.collect()
            each = ", ".join(f"{n:,}: {cost:.0f}" for n, cost in zip(sizes, costs, strict=True))
            print(
                f"{name:16} gc {'on ' if collect else 'off'}  ns/node at {each}; {costs[-1] / costs[0]:.1f} times",
                flush=True,
            )
    gc.enable()


def memory() -> None:
    """Print the bytes of a node after a backward pass."""
    for name, build in GRAPHS.items():
        leaves = [Value(0.1 + 0.01 * i) for i in range(16)]
        tracemalloc.start()
        root = build(100_000, leaves)
        root.backward()
        held, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        print(f"{name:16} {held / 100_000:.0f} bytes a node", flush=True)
        del root


def run(peer: Any) -> None:
    """Compare with micrograd's Value."""
    for name in GRAPHS:
        for n, repeats in ((1_000, 60), (100_000, 5)):
            for collect in (True, False):
                compare(peer, name, n, repeats, collect)
    memory()
    print("growth:")
    growth()
