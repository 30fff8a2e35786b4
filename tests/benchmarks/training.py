"""One training step of micrograd's own demo, by micrograd and here: the same lines, only the import differs.

2-16-16-1, 100 points of two moons, full batch, hinge loss and L2 penalty. Each takes some steps in a row, as training does,
in turn; medians of the processor times a step are compared. The collector is on, as users run Python. "fit" is the same by this
project's own training loop.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from random import Random
from statistics import median
from types import ModuleType
from typing import Any

import nn
from autograd import Value


def step(value: Any, model: Any, X: list[list[float]], y: list[int]) -> None:
    """Forward, loss, backward and update, as the demo's notebook writes them."""
    inputs = [list(map(value, row)) for row in X]
    scores = list(map(model, inputs))
    losses = [(1 + -yi * score).relu() for yi, score in zip(y, scores, strict=True)]
    data_loss = sum(losses) * (1.0 / len(losses))
    penalty = 1e-4 * sum(p * p for p in model.parameters())
    total = data_loss + penalty
    model.zero_grad()
    total.backward()
    for p in model.parameters():
        p.data -= 0.5 * p.grad


def run(engine: ModuleType, peer: ModuleType, rounds: int = 5, steps: int = 4) -> None:
    """Compare the step with that of micrograd's `engine` and `nn` modules."""
    rng = Random(1337)
    X, labels = nn.moons(100, 0.1, rng)
    y = [2 * label - 1 for label in labels]
    ours, theirs, fitted = nn.MLP(2, [16, 16, 1], rng=rng), peer.MLP(2, [16, 16, 1]), nn.MLP(2, [16, 16, 1], rng=rng)
    optimiser = nn.SGD(fitted.parameters(), 0.5)
    jobs: dict[str, Callable[[], object]] = {
        "here": lambda: step(Value, ours, X, y),
        "here, by fit": lambda: nn.fit(
            fitted, (X, y), nn.binary_hinge, optimiser, epochs=1, penalty=lambda ps: nn.l2(ps, 1e-4), progress=False
        ),
        "micrograd": lambda: step(engine.Value, theirs, X, y),
    }
    times: dict[str, list[float]] = {name: [] for name in jobs}
    gc.enable()
    for _ in range(rounds):
        for name, job in jobs.items():
            gc.collect()
            start = time.process_time()
            for _ in range(steps):
                job()
            times[name].append((time.process_time() - start) / steps)
    print("a step of micrograd's demo:")
    for name in ("here", "here, by fit"):
        ratio = median(b / a for a, b in zip(times[name], times["micrograd"], strict=True))
        print(
            f"{name:16} {median(times[name]) * 1e3:8.1f} ms, micrograd {median(times['micrograd']) * 1e3:8.1f} ms, "
            f"{ratio:5.1f} times as fast",
            flush=True,
        )
