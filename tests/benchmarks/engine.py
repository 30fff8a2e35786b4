"""The scalar engine against micrograd and others: forward + backward per node, interleaved in one run, medians.

Which engine runs, plain Python or compiled, is printed; GATEWISE_ENGINE chooses.

A node is a recorded gate. Every run builds its graph anew, with 16 leaves, and drops it, as training does.
"gc on" is as users run Python; "gc off" shows what of it is the cyclic collector. What is measured includes touching
fresh memory for the first time, which on virtual machines can cost more than the arithmetic, the more the larger the
graph.
"""

from __future__ import annotations

import gc
import time
import tracemalloc
from functools import reduce
from itertools import pairwise
from operator import add, mul
from statistics import median
from typing import Any

from autograd import Value
from autograd._engine import core, description

from . import engines
from .engines import Build, Once


def chain(n: int, leaves: list[Any]) -> Any:
    """A deep graph: y = relu(y·w + x), n gates."""
    y = leaves[0]
    for i in range(n // 3):
        y = (y * leaves[i % 8] + leaves[8]).relu()
    return y


def sums(n: int, leaves: list[Any]) -> Any:
    """A deep graph without relu, which not all peers have: y = y·w + x."""
    y = leaves[0]
    for i in range(n // 2):
        y = y * leaves[i % 8] + leaves[8]
    return y


def products(n: int, leaves: list[Any]) -> Any:
    """A wide graph: the sum of n/2 products, added in pairs."""
    terms = [leaves[i % 16] * leaves[(i + 1) % 16] for i in range(n // 2)]
    while len(terms) > 1:
        terms = [a + b for a, b in zip(terms[::2], terms[1::2], strict=False)] + terms[len(terms) & ~1 :]
    return terms[0]


def rosenbrock(n: int, leaves: list[Any]) -> Any:
    """A deep graph with short branches and many numbers: Rosenbrock's function, 8 gates a term."""
    y, xs = 0.0 * leaves[0], (leaves * (n // 128 + 2))[: n // 8 + 1]
    for a, b in pairwise(xs):
        y = y + 100 * (b - a * a) ** 2 + (1 - a) ** 2
    return y


def layers(n: int, leaves: list[Any]) -> Any:
    """A deep and wide graph: layers of 16 neurons, each of which adds 16 products."""
    xs = leaves
    for _ in range(n // 512):
        sums = [reduce(add, map(mul, leaves[i:] + leaves[:i], xs)) for i in range(16)]
        xs = [each.tanh() for each in sums]
    return reduce(add, xs)


GRAPHS: dict[str, Build] = {"chain": chain, "sum of products": products}


once = engines.of_class(Value)


def compare(peer: Once, name: str, n: int, repeats: int, collect: bool) -> None:
    (gc.enable if collect else gc.disable)()
    ours, theirs = [], []
    for _ in range(repeats):
        ours.append(once(GRAPHS[name], n))
        theirs.append(peer(GRAPHS[name], n))
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
            costs = [median(once(build, n) for _ in range(max(3, 20_000 // n))) for n in sizes]
            gc.collect()
            each = ", ".join(f"{n:,}: {cost:.0f}" for n, cost in zip(sizes, costs, strict=True))
            print(
                f"{name:16} gc {'on ' if collect else 'off'}  ns/node at {each}; {costs[-1] / costs[0]:.1f} times",
                flush=True,
            )
    gc.enable()


def growth_of_backward() -> None:
    """Print how the cost of a backward pass alone grows, once a graph outgrows the cache."""
    for name, build in {**GRAPHS, "Rosenbrock": rosenbrock, "layers": layers}.items():
        costs: dict[int, list[float]] = {7_000: [], 71_000: [], 213_000: []}
        for n, found in costs.items():
            for _ in range(max(15, 500_000 // n)):  # in a row, so that small graphs are in the cache
                root = build(n, [Value(x) for x in engines.LEAVES])
                start = time.process_time()
                root.backward()
                found.append((time.process_time() - start) / n * 1e9)
                del root
        each = ", ".join(f"{n:,}: {median(found):.0f}" for n, found in costs.items())
        last = median(costs[213_000]) / median(costs[7_000])
        print(f"{name:16} backward alone, ns/gate at {each}; {last:.1f} times", flush=True)


def others() -> None:
    """Print the same for all peers that are here, on chains of products and sums, and on sums of products."""
    timings = engines.found()
    for name, build in {"y*w + x": sums, "sum of products": products}.items():
        for n, repeats in ((1_000, 15), (100_000, 5)):
            times: dict[str, list[float]] = {peer: [] for peer in ("here", *timings)}
            for _ in range(repeats):
                times["here"].append(once(build, n))
                for peer, timing in timings.items():
                    times[peer].append(timing(build, n))
            ratios = {peer: median(b / a for a, b in zip(times["here"], times[peer], strict=True)) for peer in timings}
            shown = ", ".join(f"{peer} {median(times[peer]):.0f} ({ratio:.2f} times)" for peer, ratio in ratios.items())
            print(f"{name:16} {n:>9,} nodes  {median(times['here']):8.0f} ns/node; {shown}", flush=True)


def memory() -> None:
    """Print the bytes of a node after a backward pass."""
    for name, build in GRAPHS.items():
        leaves = [Value(x) for x in engines.LEAVES]
        if core is not None:
            core.trim()  # what it keeps of freed nodes was paid for before
        tracemalloc.start()
        root = build(100_000, leaves)
        root.backward()
        held, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        print(f"{name:16} {held / 100_000:.0f} bytes a node", flush=True)
        del root


def run(peer: Any) -> None:
    """Compare with micrograd's Value, and with what else is here."""
    print(f"{description}:")
    micrograd = engines.of_class(peer)
    for name in GRAPHS:
        for n, repeats in ((1_000, 20), (100_000, 5)):
            for collect in (True, False):
                compare(micrograd, name, n, repeats, collect)
    others()
    memory()
    print("growth:")
    growth()
    growth_of_backward()
