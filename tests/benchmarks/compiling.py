"""Compiled programs against the same steps written by hand in NumPy, and torch.nn where it is installed.

Cost and gradient of one batch, float64, interleaved in one run; medians. OPENBLAS_NUM_THREADS=1 compares one core each.
"""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable
from random import Random
from statistics import median
from typing import Any

import numpy as np

import autograd
import nn
from autograd import compile, dot

CASES = (((2, 16, 16, 1), 32, 300), ((64, 32, 10), 32, 300), ((784, 128, 10), 256, 15))


def by_hand(weights: list[Any], biases: list[Any], X: Any, Y: Any) -> Callable[[], Any]:
    """Backpropagation as the lectures write it, with relu layers: hinge loss for one output, softmax cross-entropy for more."""

    def step() -> Any:
        a, z = [X.T], []
        for i, (W, b) in enumerate(zip(weights, biases, strict=True)):
            z.append(W @ a[-1] + b)
            a.append(np.maximum(z[-1], 0) if i < len(weights) - 1 else z[-1])
        y, s, n = Y.T, z[-1], len(X)
        if len(y) == 1:
            loss = np.maximum(1 - y * s, 0)
            delta = np.where(loss > 0, -y / n, 0.0)
        else:
            top = s.max(0, keepdims=True)
            e = np.exp(s - top)
            total = e.sum(0, keepdims=True)
            loss = top + np.log(total) - (y * s).sum(0, keepdims=True)
            delta = (e / total - y) / n
        parts = []
        for i in range(len(weights) - 1, -1, -1):
            parts += [delta.sum(1, keepdims=True), delta @ a[i].T]
            if i:
                delta = (weights[i].T @ delta) * (z[i - 1] > 0)
        return loss.mean(), np.concatenate([part.reshape(-1) for part in reversed(parts)])

    return step


def by_torch(weights: list[Any], biases: list[Any], X: Any, Y: Any) -> Callable[[], Any]:
    """The same by torch.nn and its autograd."""
    import torch

    layers: list[Any] = []
    for W, b in zip(weights, biases, strict=True):
        linear = torch.nn.Linear(W.shape[1], W.shape[0], dtype=torch.float64)
        with torch.no_grad():
            linear.weight.copy_(torch.tensor(W))
            linear.bias.copy_(torch.tensor(b[:, 0]))
        layers += [linear, torch.nn.ReLU()]
    model, x, y = torch.nn.Sequential(*layers[:-1]), torch.tensor(X), torch.tensor(Y)

    def step() -> Any:
        model.zero_grad()
        s = model(x)
        loss = torch.relu(1 - y * s).mean() if y.shape[1] == 1 else (torch.logsumexp(s, 1) - (y * s).sum(1)).mean()
        loss.backward()
        return loss.item(), None

    return step


def run() -> None:
    """Print microseconds a step and ratios to the hand-written one."""
    rng = np.random.default_rng(0)
    print("compiled programs, microseconds for cost and gradient of a batch:")
    for sizes, batch, repeats in CASES:
        model, outputs = nn.MLP(sizes[0], list(sizes[1:]), rng=Random(0)), sizes[-1]

        def hinge(x: Any, y: Any, model: Any = model) -> Any:
            return (1 - y[0] * model(x)).relu()

        def cross_entropy(x: Any, y: Any, model: Any = model) -> Any:
            z = model(x)
            return autograd.logsumexp(z) - dot(y, z)

        start = time.perf_counter()
        program = compile(hinge if outputs == 1 else cross_entropy, model, x=sizes[0], y=outputs)
        compiling = time.perf_counter() - start
        X = rng.normal(size=(batch, sizes[0]))
        Y = np.sign(rng.normal(size=(batch, 1))) if outputs == 1 else np.eye(outputs)[rng.integers(0, outputs, batch)]
        weights = [np.array([[w.data for w in row] for row in layer.W]) for layer in model.layers]
        biases = [np.array([[b.data] for b in layer.b]) for layer in model.layers]
        jobs: dict[str, Callable[[], Any]] = {
            "by hand": by_hand(weights, biases, X, Y), "compiled": lambda: program.value_and_grad(X, Y),  # noqa: B023
        }  # fmt: skip
        if importlib.util.find_spec("torch"):
            jobs["torch.nn"] = by_torch(weights, biases, X, Y)
        assert np.allclose(jobs["by hand"]()[1], jobs["compiled"]()[1], rtol=1e-9)
        times: dict[str, list[float]] = {name: [] for name in jobs}
        for _ in range(repeats):
            for name, job in jobs.items():
                start = time.perf_counter()
                job()
                times[name].append(time.perf_counter() - start)
        hand = median(times["by hand"])
        each = ", ".join(f"{name} {median(t) * 1e6:.0f} ({median(t) / hand:.2f})" for name, t in times.items())
        print(f"{'-'.join(map(str, sizes)):12} batch {batch:3}: {each}; compiled in {compiling:.2f} s", flush=True)
