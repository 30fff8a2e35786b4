"""A GPT of 4,192 parameters, one name at a time: compiled from scalars, by hand in NumPy, and the same lines under jax.jit.

Vocabulary 27, width 16, four heads, one layer, no biases. A name of T characters is T + 1 tokens, of which the first T are
given, one-hot, and the last T are to be predicted. One program stands for all names of one length.
"""

from __future__ import annotations

import importlib.util
import os
import time
from collections.abc import Callable
from functools import partial
from random import Random
from typing import Any

import numpy as np

import autograd
from autograd import CompiledProgram, Value, compile, dot

__all__ = ["LENGTHS", "by_hand", "by_jax", "compiled", "one_hot", "parameters", "run"]

VOCABULARY, WIDTH, HEADS, BLOCK = 27, 16, 4, 16
HEAD = WIDTH // HEADS
LENGTHS = (4, 8, 16)
SHAPES = {
    "wte": (VOCABULARY, WIDTH), "wpe": (BLOCK, WIDTH), "wq": (WIDTH, WIDTH), "wk": (WIDTH, WIDTH), "wv": (WIDTH, WIDTH),
    "wo": (WIDTH, WIDTH), "up": (4 * WIDTH, WIDTH), "down": (WIDTH, 4 * WIDTH), "head": (VOCABULARY, WIDTH),
}  # fmt: skip
Vector = list[Any]
Matrices = dict[str, Any]


def parameters(seed: int = 0) -> Matrices:
    """Return the matrices of a new model, as rows of Values."""
    rng = Random(seed)
    return {
        name: [[Value(rng.gauss(0.0, 0.08)) for _ in range(columns)] for _ in range(rows)]
        for name, (rows, columns) in SHAPES.items()
    }


def linear(W: list[Vector], x: Vector) -> Vector:
    return [dot(row, x) for row in W]


def rmsnorm(x: Vector) -> Vector:
    scale = (dot(x, x) / len(x) + 1e-5) ** -0.5
    return [a * scale for a in x]


def softmax(x: Vector) -> Vector:
    total = autograd.logsumexp(x)
    return [autograd.exp(a - total) for a in x]


def add(x: Vector, y: Vector) -> Vector:
    return [a + b for a, b in zip(x, y, strict=True)]


def loss(model: Matrices, tokens: Vector, targets: Vector) -> Any:
    """Return the mean loss of one name, of tokens and targets one-hot, position after position."""
    T = len(tokens) // VOCABULARY
    columns = list(zip(*model["wte"], strict=True))
    keys: list[Vector] = []
    values: list[Vector] = []
    losses = []
    for t in range(T):
        at = slice(t * VOCABULARY, (t + 1) * VOCABULARY)
        residual = rmsnorm(add([dot(column, tokens[at]) for column in columns], model["wpe"][t]))
        x = rmsnorm(residual)
        q = linear(model["wq"], x)
        keys.append(linear(model["wk"], x))
        values.append(linear(model["wv"], x))
        attended: Vector = []
        for start in range(0, WIDTH, HEAD):
            part = slice(start, start + HEAD)
            weights = softmax([dot(q[part], k[part]) / HEAD**0.5 for k in keys])
            attended += [dot(weights, [v[j] for v in values]) for j in range(start, start + HEAD)]
        residual = add(linear(model["wo"], attended), residual)
        hidden = [h.relu() ** 2 for h in linear(model["up"], rmsnorm(residual))]
        x = add(linear(model["down"], hidden), residual)
        logits = linear(model["head"], x)
        losses.append(autograd.logsumexp(logits) - dot(targets[at], logits))
    return autograd.sum(losses) / T


def compiled(model: Matrices, T: int, **options: Any) -> CompiledProgram:
    """Return the program of cost and gradient for names of one length."""
    flat = [value for matrix in model.values() for row in matrix for value in row]
    return compile(lambda x, y: loss(model, x, y), flat, x=T * VOCABULARY, y=T * VOCABULARY, **options)


def one_hot(tokens: Any) -> Any:
    """Return the inputs of names: a row for each."""
    return np.eye(VOCABULARY)[tokens].reshape(len(tokens), -1)


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
    return cost / (B * T), xp.concatenate([gradient[name].reshape(-1) for name in SHAPES])


def arrays(model: Matrices) -> Matrices:
    return {name: np.array([[v.data for v in row] for row in rows]) for name, rows in model.items()}


def causal(T: int) -> Any:
    return np.triu(np.full((T, T), -1e9), 1)


def by_hand(model: Matrices, tokens: Any, targets: Any) -> Callable[[], Any]:
    """Backpropagation in NumPy."""
    weights, mask = arrays(model), causal(tokens.shape[1])
    return lambda: backpropagated(np, weights, tokens, targets, mask)


def by_jax(model: Matrices, tokens: Any, targets: Any) -> Callable[[], Any]:
    """The same lines in jax.numpy, compiled just in time, in float64, on one thread."""
    os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")
    import jax

    jax.config.update("jax_enable_x64", True)
    mask = jax.numpy.asarray(causal(tokens.shape[1]))
    step = jax.jit(lambda weights, x, y: backpropagated(jax.numpy, weights, x, y, mask))
    given = jax.tree.map(jax.numpy.asarray, (arrays(model), tokens, targets))
    return lambda: jax.block_until_ready(step(*given))


def run(batches: tuple[int, ...] = (1, 8, 32)) -> None:
    """Print microseconds for cost and gradient, and in brackets how many times as fast as by hand."""
    from .compiling import compare

    rng = np.random.default_rng(0)
    model = parameters()
    for T in LENGTHS:
        start = time.perf_counter()
        program = compiled(model, T)
        print(f"GPT, names of {T} characters, compiled in {time.perf_counter() - start:.2f} s", flush=True)
        for n in batches:
            tokens, targets = rng.integers(0, VOCABULARY, (2, n, T))
            x, y = one_hot(tokens), one_hot(targets)
            jobs: dict[str, Callable[[], Any]] = {
                "by hand": by_hand(model, tokens, targets),
                "compiled": partial(program.value_and_grad, x, y),
            }
            if importlib.util.find_spec("jax"):
                jobs["jax.jit"] = by_jax(model, tokens, targets)
            compare(n, jobs)


if __name__ == "__main__":
    run()
