"""Small data sets in the plane, drawn by the caller's random generator: the same seed gives the same points."""

from __future__ import annotations

import math
from random import Random
from typing import Any

from autograd.arguments import as_finite, as_int, checks_keywords, require_random

__all__ = ["circles", "gaussians", "moons", "spiral", "xor"]

Points = tuple[list[list[float]], list[int]]


@checks_keywords
def moons(n: int, noise: float, rng: Random) -> Points:
    """Return n points on two interleaved half circles, classes 0 and 1, with Gaussian noise of deviation `noise`.

    >>> X, y = moons(4, 0.0, Random(0))
    >>> [[round(v, 3) for v in x] for x in X], y
    ([[1.0, 0.0], [0.0, 0.5], [-1.0, 0.0], [2.0, 0.5]], [0, 1, 0, 1])
    """
    n, noise = _read_arguments(n, "noise", noise, rng)
    X, y = [], [i % 2 for i in range(n)]
    for i, label in enumerate(y):
        t = math.pi * (i // 2) / max(1, (n + 1 - label) // 2 - 1)
        x = (1 - math.cos(t), 0.5 - math.sin(t)) if label else (math.cos(t), math.sin(t))
        X.append([v + rng.gauss(0.0, noise) for v in x])
    return X, y


@checks_keywords
def spiral(n: int, noise: float, rng: Random, classes: int = 3) -> Points:
    """Return n points of each class k = 1…K on the arms t·(sin φ, cos φ), φ = (2π/K)·(2t + k − 1) + noise, 0 ≤ t ≤ 1.

    >>> X, y = spiral(3, 0.0, Random(0))
    >>> [round(v, 12) for v in X[1]], y[1]
    ([0.433012701892, -0.25], 0)
    """
    n, noise = _read_arguments(n, "noise", noise, rng)
    classes = as_int(classes, "classes")
    X, y = [], []
    for k in range(classes):
        for i in range(n):
            t = i / max(1, n - 1)
            angle = 2 * math.pi / classes * (2 * t + k) + rng.gauss(0.0, noise)
            X.append([t * math.sin(angle), t * math.cos(angle)])
            y.append(k)
    return X, y


@checks_keywords
def circles(n: int, noise: float, rng: Random) -> Points:
    """Return n points: class 1 around the origin within radius 1, class 0 in the ring between 1.5 and 2.5.

    `noise` is the deviation of the Gaussian noise added to each coordinate.

    >>> X, y = circles(4, 0.0, Random(0))
    >>> [math.hypot(*x) < 1 for x in X], y
    ([False, True, False, True], [0, 1, 0, 1])
    """
    n, noise = _read_arguments(n, "noise", noise, rng)
    X, y = [], [i % 2 for i in range(n)]
    for label in y:
        r, angle = rng.uniform(0.0, 1.0) if label else rng.uniform(1.5, 2.5), rng.uniform(0.0, 2 * math.pi)
        X.append([r * math.cos(angle) + rng.gauss(0.0, noise), r * math.sin(angle) + rng.gauss(0.0, noise)])
    return X, y


@checks_keywords
def gaussians(n: int, distance: float, rng: Random) -> Points:
    """Return n points, alternately from two normal distributions of deviation 1 around (0, 0) and (distance, distance).

    >>> X, y = gaussians(200, 3.0, Random(0))
    >>> len(X), y[:4]
    (200, [0, 1, 0, 1])
    """
    n, distance = _read_arguments(n, "distance", distance, rng)
    y = [i % 2 for i in range(n)]
    return [[rng.gauss(distance * label, 1.0), rng.gauss(distance * label, 1.0)] for label in y], y


@checks_keywords
def xor(n: int, noise: float, rng: Random) -> Points:
    """Return n points near the corners of the square ±1, class 1 where the signs of the coordinates differ.

    `noise` is the deviation of the Gaussian noise added to each coordinate.

    >>> xor(4, 0.0, Random(0))
    ([[-1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [1.0, 1.0]], [0, 1, 1, 0])
    """
    n, noise = _read_arguments(n, "noise", noise, rng)
    X, y = [], []
    for i in range(n):
        a, b = (i // 2) % 2, i % 2
        X.append([2 * a - 1 + rng.gauss(0.0, noise), 2 * b - 1 + rng.gauss(0.0, noise)])
        y.append(a ^ b)
    return X, y


def _read_arguments(n: Any, name: str, spread: Any, rng: Any) -> tuple[int, float]:
    """Return the number of points and the size of their noise or distance."""
    require_random(rng)
    return as_int(n, "n, the number of points,"), as_finite(spread, name, 0)
