"""The GPT of demos/microgpt.py, names of one length: compiled from scalars, by hand in NumPy, and the same lines under jax.jit.

Vocabulary 27, 4,192 parameters. First cost and gradient of a batch, then whole steps of Adam.
"""

from __future__ import annotations

import importlib.util
import os
import time
from collections.abc import Callable
from functools import partial
from random import Random
from statistics import median
from typing import Any

import numpy as np

from autograd import CompiledProgram, compile
from demos.microgpt import BLOCK, GPT, HEADS, WIDTH
from nn import Adam

from .compiling import compare

__all__ = ["LENGTHS", "VOCABULARY", "by_hand", "by_jax", "compiled", "run", "trained_by_hand"]

VOCABULARY = 27
HEAD = WIDTH // HEADS
LENGTHS = (4, 8, 16)
RATE, BETAS, EPSILON, STEPS = 1e-3, (0.85, 0.99), 1e-8, 200  # of a training in one call
Matrices = dict[str, Any]


def compiled(model: GPT, T: int, **options: Any) -> CompiledProgram:
    """Return the program of cost and gradient for names of T tokens and the T that follow them."""
    return compile(lambda x, y: model.loss(x, y, [1 / T] * T), model, x=T, y=T, **options)


# The same by hand, for a batch of names of one length


def backpropagated(xp: Any, weights: Matrices, tokens: Any, targets: Any, mask: Any) -> Any:
    """Return the cost and the gradient in every matrix."""
    W = weights
    B, T = tokens.shape

    def norm(x: Any) -> Any:
        scale = ((x * x).mean(-1, keepdims=True) + 1e-5) ** -0.5
        return x * scale, scale

    def norm_back(dy: Any, y: Any, scale: Any) -> Any:
        return (dy - y * (dy * y).mean(-1, keepdims=True)) * scale

    def heads(x: Any) -> Any:
        return x.reshape(B, T, HEADS, HEAD).swapaxes(1, 2)

    def joined(x: Any) -> Any:
        return x.swapaxes(1, 2).reshape(B, T, WIDTH)

    def outer(dz: Any, x: Any) -> Any:
        return dz.reshape(B * T, -1).T @ x.reshape(B * T, -1)

    x0 = W["wte"][tokens] + W["wpe"][:T]
    x1, s1 = norm(x0)
    x2, s2 = norm(x1)
    q, k, v = heads(x2 @ W["wq"].T), heads(x2 @ W["wk"].T), heads(x2 @ W["wv"].T)
    scores = q @ k.swapaxes(2, 3) / HEAD**0.5 + mask
    e = xp.exp(scores - scores.max(-1, keepdims=True))
    a = e / e.sum(-1, keepdims=True)
    o = joined(a @ v)
    x3 = o @ W["wo"].T + x1
    x4, s4 = norm(x3)
    h = xp.maximum(x4 @ W["up"].T, 0)
    h2 = h * h
    x5 = h2 @ W["down"].T + x3
    logits = x5 @ W["head"].T
    top = logits.max(-1, keepdims=True)
    e = xp.exp(logits - top)
    total = e.sum(-1, keepdims=True)
    onehot = xp.eye(VOCABULARY)[targets]
    cost = (top + xp.log(total)).sum() - (logits * onehot).sum()
    d_logits = (e / total - onehot) / (B * T)
    dx5 = d_logits @ W["head"]
    dh = (dx5 @ W["down"]) * (2 * h)
    dx3 = dx5 + norm_back(dh @ W["up"], x4, s4)
    do = heads(dx3 @ W["wo"])
    da = do @ v.swapaxes(2, 3)
    d_scores = a * (da - (da * a).sum(-1, keepdims=True)) / HEAD**0.5
    dq, dk, dv = joined(d_scores @ k), joined(d_scores.swapaxes(2, 3) @ q), joined(a.swapaxes(2, 3) @ do)
    dx1 = dx3 + norm_back(dq @ W["wq"] + dk @ W["wk"] + dv @ W["wv"], x2, s2)
    dx0 = norm_back(dx1, x1, s1)
    given = xp.eye(VOCABULARY)[tokens]
    d_wpe = dx0.sum(0)
    gradient = {
        "wte": outer(given, dx0), "wpe": xp.concatenate([d_wpe, xp.zeros((BLOCK - T, WIDTH))]),
        "wq": outer(dq, x2), "wk": outer(dk, x2), "wv": outer(dv, x2), "wo": outer(dx3, o),
        "up": outer(dh, x4), "down": outer(dx5, h2), "head": outer(d_logits, x5),
    }  # fmt: skip
    return cost / (B * T), xp.concatenate([gradient[name].reshape(-1) for name in W])


def arrays(model: GPT) -> Matrices:
    return {name: np.array(rows) for name, rows in model.state_dict().items()}


def causal(T: int) -> Any:
    return np.triu(np.full((T, T), -1e9), 1)


def by_hand(model: GPT, tokens: Any, targets: Any) -> Callable[[], Any]:
    """Backpropagation in NumPy."""
    weights, mask = arrays(model), causal(tokens.shape[1])
    return lambda: backpropagated(np, weights, tokens, targets, mask)


def trained_by_hand(model: GPT, tokens: Any, targets: Any) -> Callable[[], Any]:
    """Steps of Adam in NumPy, on one array whose views are the matrices; return the last cost."""
    shapes, mask = {name: array.shape for name, array in arrays(model).items()}, causal(tokens.shape[1])
    start = np.concatenate([array.reshape(-1) for array in arrays(model).values()])
    (beta, decay) = BETAS

    def train() -> float:
        theta, mean, square = start.copy(), np.zeros_like(start), np.zeros_like(start)
        parts = np.split(theta, np.cumsum([rows * columns for rows, columns in shapes.values()])[:-1])
        weights = {name: part.reshape(shape) for (name, shape), part in zip(shapes.items(), parts, strict=True)}
        for step in range(1, STEPS + 1):
            cost, gradient = backpropagated(np, weights, tokens, targets, mask)
            mean += (1 - beta) * (gradient - mean)
            square += (1 - decay) * (gradient * gradient - square)
            theta -= RATE / (1 - beta**step) * mean / (np.sqrt(square / (1 - decay**step)) + EPSILON)
        return float(cost)

    return train


def trained(program: CompiledProgram, x: Any, y: Any) -> Callable[[], Any]:
    """The same steps by program.train."""
    start = program.flat.copy()

    def train() -> float:
        program.flat = start
        return float(program.train(x, y, Adam(program.parameters, RATE, betas=BETAS, epsilon=EPSILON), STEPS)[-1])

    return train


def by_jax(model: GPT, tokens: Any, targets: Any) -> Callable[[], Any]:
    """The same lines in jax.numpy, compiled just in time, in float64, on one thread."""
    os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")
    import jax

    jax.config.update("jax_enable_x64", True)
    mask = jax.numpy.asarray(causal(tokens.shape[1]))
    weights = arrays(model)
    names = [*weights]  # jax sorts those of a dict

    def backward(matrices: Any, x: Any, y: Any) -> Any:
        return backpropagated(jax.numpy, dict(zip(names, matrices, strict=True)), x, y, mask)

    step = jax.jit(backward)
    given = jax.tree.map(jax.numpy.asarray, ([*weights.values()], tokens, targets))
    return lambda: jax.block_until_ready(step(*given))


def run(batches: tuple[int, ...] = (1, 8, 32)) -> None:
    """Print microseconds for cost and gradient and for a step of Adam, and in brackets how many times as fast as by hand."""
    rng = np.random.default_rng(0)
    model = GPT(VOCABULARY, Random(0))
    for T in LENGTHS:
        start = time.perf_counter()
        program = compiled(model, T)
        print(f"GPT, names of {T} tokens, compiled in {time.perf_counter() - start:.2f} s", flush=True)
        for n in batches:
            tokens, targets = rng.integers(0, VOCABULARY, (2, n, T))
            x, y = tokens.astype(float), targets.astype(float)
            jobs: dict[str, Callable[[], Any]] = {
                "by hand": by_hand(model, tokens, targets),
                "compiled": partial(program.value_and_grad, x, y),
            }
            if importlib.util.find_spec("jax"):
                jobs["jax.jit"] = by_jax(model, tokens, targets)
            compare(n, jobs)
            training(trained_by_hand(model, tokens, targets), trained(program, x, y))


def training(by_hand: Callable[[], float], compiled: Callable[[], float]) -> None:
    """Check that both trainings end at the same cost, time them in turn, and print a line."""
    assert np.isclose(by_hand(), compiled(), rtol=1e-6)
    times: list[list[float]] = [[], []]
    for _ in range(9):
        for job, found in zip((by_hand, compiled), times, strict=True):
            start = time.perf_counter()
            job()
            found.append((time.perf_counter() - start) / STEPS * 1e6)
    hand, ours = map(median, times)
    print(f"    a step of Adam: by hand {hand:.0f}, program.train {ours:.0f} ({hand / ours:.2f})", flush=True)


if __name__ == "__main__":
    run()
