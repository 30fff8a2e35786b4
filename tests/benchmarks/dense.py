"""Cost and gradient of a dense network with relu or tanh layers, written by hand for each of the peers; in C with relu alone.

One output has the hinge loss, more have softmax cross-entropy. Weights and biases come as lists of arrays, biases as columns; X
and Y have a row for every sample. Each returns a function that makes one step: (cost, flat gradient), or (cost, None).
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["by_c", "by_hand", "by_jax", "by_torch", "trained_by_c"]

Step = Callable[[], Any]


def by_hand(weights: Sequence[Any], biases: Sequence[Any], X: Any, Y: Any, tanh: bool = False) -> Step:
    """Backpropagation as the lectures write it, in NumPy."""
    return lambda: backpropagated(np, weights, biases, X, Y, tanh)


def backpropagated(xp: Any, weights: Sequence[Any], biases: Sequence[Any], X: Any, Y: Any, tanh: bool) -> Any:
    a = [X.T]
    for i, (W, b) in enumerate(zip(weights, biases, strict=True)):
        z = W @ a[-1] + b
        a.append(z if i == len(weights) - 1 else xp.tanh(z) if tanh else xp.maximum(z, 0))
    y, s, n = Y.T, a[-1], len(X)
    if len(y) == 1:
        loss = xp.maximum(1 - y * s, 0)
        delta = xp.where(loss > 0, -y / n, 0.0)
    else:
        top = s.max(0, keepdims=True)
        e = xp.exp(s - top)
        total = e.sum(0, keepdims=True)
        loss = top + xp.log(total) - (y * s).sum(0, keepdims=True)
        delta = (e / total - y) / n
    parts = []
    for i in range(len(weights) - 1, -1, -1):
        parts += [delta.sum(1, keepdims=True), delta @ a[i].T]
        if i:
            delta = (weights[i].T @ delta) * (1 - a[i] * a[i] if tanh else a[i] > 0)
    return loss.mean(), xp.concatenate([part.reshape(-1) for part in reversed(parts)])


def by_jax(weights: Sequence[Any], biases: Sequence[Any], X: Any, Y: Any, tanh: bool = False) -> Step:
    """The same lines in jax.numpy, compiled just in time, in float64, on one thread."""
    os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")
    import jax

    jax.config.update("jax_enable_x64", True)
    step = jax.jit(lambda W, b, x, y: backpropagated(jax.numpy, W, b, x, y, tanh))
    given = jax.tree.map(jax.numpy.asarray, (list(weights), list(biases), X, Y))
    return lambda: jax.block_until_ready(step(*given))


def by_torch(weights: Sequence[Any], biases: Sequence[Any], X: Any, Y: Any, tanh: bool = False) -> Step:
    """The same by torch.nn and its autograd."""
    import torch

    torch.set_num_threads(1)
    layers: list[Any] = []
    for W, b in zip(weights, biases, strict=True):
        linear = torch.nn.Linear(W.shape[1], W.shape[0], dtype=torch.float64)
        with torch.no_grad():
            linear.weight.copy_(torch.tensor(W))
            linear.bias.copy_(torch.tensor(b[:, 0]))
        layers += [linear, torch.nn.Tanh() if tanh else torch.nn.ReLU()]
    model, x, y = torch.nn.Sequential(*layers[:-1]), torch.tensor(X), torch.tensor(Y)

    def step() -> Any:
        model.zero_grad()
        s = model(x)
        loss = torch.relu(1 - y * s).mean() if y.shape[1] == 1 else (torch.logsumexp(s, 1) - (y * s).sum(1)).mean()
        loss.backward()
        return loss.item(), None

    return step


def by_c(weights: Sequence[Any], biases: Sequence[Any], X: Any, Y: Any) -> Step:
    """The same in plain C (dense.c), compiled for this machine."""
    pointers, gradient, _ = _arrays(weights, biases, X, Y)
    function = _library().cost_and_gradient
    function.restype = ctypes.c_double
    return lambda: (function(len(weights), pointers[0], len(X), *pointers[1:]), gradient)


def trained_by_c(weights: Sequence[Any], biases: Sequence[Any], X: Any, Y: Any, rate: float, steps: int) -> Step:
    """So many steps of gradient descent in a row in plain C, from these weights on: the cost of the last."""
    pointers, _, parts = _arrays(weights, biases, X, Y)
    function, start = _library().train, parts.copy()
    function.restype = ctypes.c_double

    def train() -> Any:
        parts[:] = start
        return function(steps, ctypes.c_double(rate), len(weights), pointers[0], len(X), *pointers[1:])

    return train


def _arrays(weights: Sequence[Any], biases: Sequence[Any], X: Any, Y: Any) -> tuple[list[Any], Any, Any]:
    """Return what dense.c takes, and of it the gradient and the parameters."""
    sizes = np.array([weights[0].shape[1], *map(len, weights)], np.int32)
    parts = np.concatenate([part.ravel() for pair in zip(weights, biases, strict=True) for part in pair])
    gradient, work = np.empty_like(parts), np.empty((2 * sizes[1:].sum() + 2) * len(X))
    x, y = np.ascontiguousarray(X.T), np.ascontiguousarray(Y.T)
    arrays = (sizes, parts, x, y, gradient, work)
    return [array.ctypes.data_as(ctypes.c_void_p) for array in arrays], gradient, parts  # which keep the arrays


def _library() -> Any:
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "dense.so"
        source = Path(__file__).with_name("dense.c")
        subprocess.run(
            ["cc", "-O3", "-march=native", "-ffast-math", "-shared", "-fPIC", source, "-o", target, "-lm"], check=True
        )
        return ctypes.CDLL(str(target))
