"""Linear regression in closed form, on the inputs or on features of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

__all__ = ["LinearFit", "linear_regression", "monomials", "products"]

Features = Callable[[Any], Sequence[float]]


class LinearFit(NamedTuple):
    """w and b of least cost, that cost (the mean squared error), and the features φ that it was fitted on."""

    weights: list[float]
    bias: float
    cost: float
    features: Features | None = None

    def __call__(self, x: Any) -> float:
        """Return w·φ(x) + b."""
        return self.bias + math.fsum(map(float.__mul__, self.weights, _row(x, self.features)))


def linear_regression(X: Sequence[Any], y: Sequence[float], features: Features | None = None) -> LinearFit:
    """Return the weights and bias that minimise the mean of (w·φ(x) + b − y)², by least squares; needs numpy.

    Of several minima it is the one with the shortest (w, b).

    >>> fit = linear_regression([0.0, 1.0, 2.0, 3.0], [1.0, 3.0, 2.0, 5.0])
    >>> round(fit.weights[0], 9), round(fit.bias, 9), round(fit.cost, 9), round(fit(4.0), 9)
    (1.1, 1.1, 0.675, 5.5)
    """
    try:
        import numpy as np
    except ImportError:
        raise ImportError('linear_regression needs numpy: pip install "gatewise[compile]"') from None
    rows = [[*_row(x, features), 1.0] for x in X]
    if not rows or len(rows) != len(y):
        raise ValueError(f"every sample needs a target: X has {len(rows)} rows, y has {len(y)} entries")
    A, t = np.array(rows), np.array(y, dtype=float)
    solution = np.linalg.lstsq(A, t, rcond=None)[0]
    *weights, bias = solution.tolist()
    return LinearFit(weights, bias, float(np.mean((A @ solution - t) ** 2)), features)


def monomials(degree: int) -> Features:
    """Return the features x, x², …, x^degree of a number.

    >>> monomials(3)(2.0)
    [2.0, 4.0, 8.0]
    """
    return lambda x: [float(x) ** i for i in range(1, degree + 1)]


def products(x: Sequence[float]) -> list[float]:
    """Return the entries of x and the products of every two of them: (x_u, x_v, x_u·x_v) makes XOR separable.

    >>> products([2.0, 3.0])
    [2.0, 3.0, 6.0]
    """
    return [*x, *(a * b for i, a in enumerate(x) for b in x[i + 1 :])]


def _row(x: Any, features: Features | None) -> list[float]:
    found = x if features is None else features(x)
    return [float(v) for v in found] if isinstance(found, Sequence) else [float(found)]
