"""Compiled programs against the same steps written by hand, and what else trains small networks.

Cost and gradient of one batch, float64, all in one run: each takes some steps in a row, as training does, in turn; medians of
the time a step. "printed" is the source as it is printed, "compiled" what value_and_grad runs of it, in buffers.
OPENBLAS_NUM_THREADS=1 compares one core each. Peers that are not installed are left out.
"""

from __future__ import annotations

import importlib.util
import shutil
import time
from collections.abc import Callable
from random import Random
from statistics import median
from typing import Any

import numpy as np

import autograd
import nn
from autograd import CompiledProgram, compile, dot

from . import convolution, dense
from .timing import medians

NETWORKS = ((2, 16, 16, 1), (64, 32, 10), (784, 128, 10))
BATCHES = (1, 32, 256)
SMOOTH, SMOOTH_BATCHES = ((3, 24, 12, 4), (40, 20, 20, 5)), (1, 8, 32, 64, 256)  # with tanh
RATE, STEPS = 0.001, 500  # of a training in one call
Jobs = dict[str, Callable[[], Any]]


def run() -> None:
    """Print microseconds a step, and in brackets how many times as fast as by hand in NumPy."""
    print("compiled programs, microseconds for cost and gradient of a batch (times as fast as by hand in NumPy):")
    rng = np.random.default_rng(0)
    for sizes in NETWORKS:
        network(sizes, BATCHES, rng)
    for sizes in SMOOTH:
        network(sizes, SMOOTH_BATCHES, rng, tanh=True)
    loss, parameters, arrays = convolution.scalars(Random(0))
    start = time.perf_counter()
    program = compile(loss, parameters, x=convolution.SIZE**2, y=10)
    print(f"3×3 convolution and dense layer, compiled in {time.perf_counter() - start:.2f} s", flush=True)
    for n in BATCHES:
        X, Y = rng.normal(size=(n, convolution.SIZE**2)), np.eye(10)[rng.integers(0, 10, n)]
        compare(n, {"by hand": convolution.by_hand(arrays, X, Y), **of(program, X, Y)})
    epoch()


def network(sizes: tuple[int, ...], batches: tuple[int, ...], rng: Any, tanh: bool = False) -> None:
    """Compare the steps of a network with hinge loss, or softmax and cross-entropy where it has several outputs."""
    hidden = autograd.tanh if tanh else autograd.relu
    model, k = nn.MLP(sizes[0], list(sizes[1:]), activation=hidden, rng=Random(0)), sizes[-1]

    def loss(x: Any, y: Any) -> Any:
        z = model(x)
        return (1 - y[0] * z).relu() if k == 1 else autograd.logsumexp(z) - dot(y, z)

    start = time.perf_counter()
    program = compile(loss, model, x=sizes[0], y=k)
    name = "-".join(map(str, sizes)) + ", tanh" * tanh
    print(f"{name}, compiled in {time.perf_counter() - start:.2f} s", flush=True)
    weights = [np.array([[w.data for w in row] for row in layer.W]) for layer in model.layers]
    biases = [np.array([[b.data] for b in layer.b]) for layer in model.layers]
    for n in batches:
        X = rng.normal(size=(n, sizes[0]))
        Y = np.sign(rng.normal(size=(n, 1))) if k == 1 else np.eye(k)[rng.integers(0, k, n)]
        given, in_c = (weights, biases, X, Y), shutil.which("cc") and not tanh
        jobs = {"by hand": dense.by_hand(*given, tanh), **of(program, X, Y)}
        if importlib.util.find_spec("torch"):
            jobs["torch.nn"] = dense.by_torch(*given, tanh)
        if importlib.util.find_spec("jax"):
            jobs["jax.jit"] = dense.by_jax(*given, tanh)
        if in_c:
            jobs["C"] = dense.by_c(*given)
        times = compare(n, jobs)
        if in_c:
            print(f"    a call (times as long as C): {times['compiled'] / times['C']:.2f}", flush=True)
            training(program, dense.trained_by_c(*given, RATE, STEPS), X, Y)


def of(program: CompiledProgram, X: Any, Y: Any) -> Jobs:
    """The program both ways."""
    columns, execution = [X.T, Y.T], program._execution
    views = execution.views(program.flat)
    return {
        "printed": lambda: execution.joined(execution.function(np, *views, *columns)),
        "compiled": lambda: program.value_and_grad(X, Y),
    }


def compare(n: int, jobs: Jobs, unit: float = 1e6, form: str = ".0f") -> dict[str, float]:
    """Check that all give the same, time them, print a line, and return the seconds of each."""
    expected = jobs["by hand"]()
    for name, job in jobs.items():
        cost, gradient = job()
        assert np.isclose(cost, expected[0], rtol=1e-9), name
        assert gradient is None or np.allclose(gradient, expected[1], rtol=1e-9, atol=1e-12), name
    times = medians(jobs)
    hand = times["by hand"]
    each = (f"{name} {t * unit:{form}} ({hand / t:.2f})" for name, t in times.items())
    print(f"  batch {n:3}: {', '.join(each)}", flush=True)
    return times


def training(program: CompiledProgram, in_c: Callable[[], Any], X: Any, Y: Any) -> None:
    """Steps in a row by program.train, and by plain C with its update: print microseconds a step."""
    start = program.flat.copy()

    def by(optimiser: type[Any]) -> float:
        program.flat = start
        return float(program.train(X, Y, optimiser(program.parameters, RATE), STEPS)[-1])

    jobs: Jobs = {"C": in_c, "program.train": lambda: by(nn.SGD), "with Adam": lambda: by(nn.Adam)}
    assert np.isclose(jobs["C"](), jobs["program.train"](), rtol=1e-9)
    times: dict[str, list[float]] = {name: [] for name in jobs}
    for _ in range(9):
        for name, job in jobs.items():
            begun = time.perf_counter()
            job()
            times[name].append((time.perf_counter() - begun) / STEPS * 1e6)
    program.flat = start
    in_c_each = median(times["C"])
    each = (f"{name} {median(t):.2f} ({median(t) / in_c_each:.2f})" for name, t in times.items())
    print(f"    {STEPS} steps in a call (times as long as C): {', '.join(each)}", flush=True)


def epoch() -> None:
    """An epoch of the digits, 64-32-10 in batches of 32 by stochastic gradient descent, as each would train them."""
    if not importlib.util.find_spec("sklearn"):
        return
    from sklearn.datasets import load_digits

    digits = load_digits()
    X, labels = digits.data[:1437] / 16, digits.target[:1437]
    Y, rate, batches = np.eye(10)[labels], 0.1, [slice(i, i + 32) for i in range(0, 1437, 32)]

    def fitted() -> nn.MLP:
        return nn.MLP(64, [32, 10], rng=Random(0))

    model = fitted()
    weights = [np.array([[w.data for w in row] for row in layer.W]) for layer in model.layers]
    biases = [np.array([[b.data] for b in layer.b]) for layer in model.layers]

    def loss(x: Any, y: Any) -> Any:
        z = model(x)
        return autograd.logsumexp(z) - dot(y, z)

    program = compile(loss, model, x=64, y=10)
    optimiser = nn.SGD(program.parameters, rate)

    def hand() -> None:
        for at in batches:
            _, gradient = dense.by_hand(weights, biases, X[at], Y[at])()
            start = 0
            for part in (p for pair in zip(weights, biases, strict=True) for p in pair):
                part -= rate * gradient[start : start + part.size].reshape(part.shape)
                start += part.size

    def compiled() -> None:
        for at in batches:
            program.flat = program.flat - rate * program.value_and_grad(X[at], Y[at])[1]

    def one_call() -> None:
        program.train(X, Y, optimiser, len(batches), batch_size=32)

    jobs: Jobs = {"by hand": hand, "compiled": compiled, "program.train": one_call}
    if importlib.util.find_spec("torch"):
        jobs["torch.nn"] = _torch_epoch(weights, biases, X, labels, rate, batches)
    times: dict[str, list[float]] = {name: [] for name in [*jobs, "fit"]}

    def timed(*_: object) -> None:
        """Time the others after every epoch of fit, whose first is not the usual one."""
        times["fit"].append(time.perf_counter() - since[0])
        for name, job in jobs.items():
            start = time.perf_counter()
            job()
            times[name].append(time.perf_counter() - start)
        since[0] = time.perf_counter()

    since, other = [time.perf_counter()], fitted()
    nn.fit(
        other, (X, labels), nn.cross_entropy_with_logits, nn.SGD(other.parameters(), rate), epochs=15, batch_size=32,
        callbacks=[timed], progress=False, compiled=True,
    )  # fmt: skip
    del times["fit"][0]
    by_hand = median(times["by hand"])
    each = (f"{name} {median(t) * 1e3:.1f} ms ({by_hand / median(t):.2f})" for name, t in times.items())
    print(f"an epoch of the digits, 64-32-10 in batches of 32: {', '.join(each)}", flush=True)


def _torch_epoch(weights: list[Any], biases: list[Any], X: Any, labels: Any, rate: float, batches: list[slice]) -> Any:
    import torch

    layers: list[Any] = []
    for W in weights:
        layers += [torch.nn.Linear(W.shape[1], W.shape[0], dtype=torch.float64), torch.nn.ReLU()]
    model = torch.nn.Sequential(*layers[:-1])
    optimiser = torch.optim.SGD(model.parameters(), lr=rate)
    x, y = torch.tensor(X), torch.tensor(labels)

    def train() -> None:
        for at in batches:
            optimiser.zero_grad()
            torch.nn.functional.cross_entropy(model(x[at]), y[at]).backward()
            optimiser.step()

    return train
