"""A convolution written in scalars, and the same by hand in NumPy: 8×8 images, four 3×3 filters, relu, ten classes."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import numpy as np

import autograd
from autograd import Value, dot, relu

__all__ = ["SIZE", "by_hand", "scalars"]

SIZE, FILTERS, CLASSES = 8, 4, 10
POSITIONS = [(i, j) for i in range(SIZE - 2) for j in range(SIZE - 2)]


def scalars(rng: Random) -> tuple[Callable[..., Any], list[Value], list[Any]]:
    """Return the loss of one image, its parameters, and these as arrays: filters, their biases, weights and biases."""

    def drawn(rows: int, columns: int) -> list[list[Value]]:
        return [[Value(rng.uniform(-0.3, 0.3)) for _ in range(columns)] for _ in range(rows)]

    K, W = drawn(FILTERS, 9), drawn(CLASSES, FILTERS * len(POSITIONS))
    (c,), (b,) = drawn(1, FILTERS), drawn(1, CLASSES)

    def loss(x: Any, y: Any) -> Any:
        windows = [[x[(i + k) * SIZE + j + m] for k in range(3) for m in range(3)] for i, j in POSITIONS]
        a = [relu(dot(K[f], window, c[f])) for f in range(FILTERS) for window in windows]
        z = [dot(row, a, bias) for row, bias in zip(W, b, strict=True)]
        return autograd.logsumexp(z) - dot(y, z)

    parameters = [v for row in K for v in row] + c + [v for row in W for v in row] + b
    arrays = [np.array([[v.data for v in row] for row in K]), np.array([[v.data] for v in c])]
    arrays += [np.array([[v.data for v in row] for row in W]), np.array([[v.data] for v in b])]
    return loss, parameters, arrays


def by_hand(arrays: list[Any], X: Any, Y: Any) -> Callable[[], Any]:
    """The same with the windows as columns of one matrix, as convolutions are written in NumPy."""
    K, c, W, b = arrays
    n, p = len(X), len(POSITIONS)

    def step() -> Any:
        windows = np.lib.stride_tricks.sliding_window_view(X.reshape(n, SIZE, SIZE), (3, 3), axis=(1, 2))
        columns = windows.reshape(n, p, 9).transpose(2, 1, 0).reshape(9, -1)
        z = K @ columns + c
        a = np.maximum(z, 0).reshape(FILTERS * p, n)
        s = W @ a + b
        top = s.max(0, keepdims=True)
        e = np.exp(s - top)
        total = e.sum(0, keepdims=True)
        loss = top + np.log(total) - (Y.T * s).sum(0, keepdims=True)
        delta = (e / total - Y.T) / n
        dz = (W.T @ delta).reshape(FILTERS, -1) * (z > 0)
        parts = [dz @ columns.T, dz.sum(1), delta @ a.T, delta.sum(1)]
        return loss.mean(), np.concatenate([part.reshape(-1) for part in parts])

    return step
