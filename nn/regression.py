"""Linear regression in closed form, on the inputs or on features of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from autograd.arguments import as_finite, as_finite_list, as_int, list_or_none, require_callable

from .data import samples
from .squares import affine

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
        row = _row("x", x, self.features)
        if len(row) != len(self.weights):
            raise ValueError(f"this fit has {len(self.weights)} weights, and x gives {len(row)} features: one each")
        return self._at(row)

    def _at(self, row: Sequence[float]) -> float:
        """Return w·row + b of features that are known to be as many as the weights."""
        return math.fsum([self.bias, *map(float.__mul__, self.weights, row)])


def linear_regression(X: Any, y: Any, features: Features | None = None) -> LinearFit:
    """Return the weights and bias that minimise the mean of (w·φ(x) + b − y)², by least squares.

    X: samples, each a number or a list of numbers; y: a number for each; features: φ, of a sample, else the sample itself.
    Of several minima it is the one with the shortest (w, b). A feature that others explain up to the rounding of its own
    numbers counts as explained.

    >>> fit = linear_regression([0.0, 1.0, 2.0, 3.0], [1.0, 3.0, 2.0, 5.0])
    >>> round(fit.weights[0], 9), round(fit.bias, 9), round(fit.cost, 9), round(fit(4.0), 9)
    (1.1, 1.1, 0.675, 5.5)
    """
    if features is not None:
        require_callable(features, "features, of a sample,", "x")
    given, targets = samples((X, y))
    rows = [_row(f"X[{i}]", x, features) for i, x in enumerate(given)]
    for i, row in enumerate(rows):
        if len(row) != len(rows[0]):
            raise ValueError(f"X[{i}] gives {len(row)} features, and X[0] gives {len(rows[0])}: as many each")
    heights = as_finite_list(targets, "y")
    weights, bias = affine([list(column) for column in zip(*rows, strict=True)], heights)
    fit = LinearFit(weights, bias, math.nan, features)
    gaps = [fit._at(row) - height for row, height in zip(rows, heights, strict=True)]
    return fit._replace(cost=math.fsum(gap * gap / len(gaps) for gap in gaps))


def monomials(degree: int) -> Features:
    """Return the features x, x², …, x^degree of a number.

    >>> monomials(3)(2.0)
    [2.0, 4.0, 8.0]
    """
    degree = as_int(degree, "degree, the highest power,", 0)
    return lambda x: [as_finite(x, "x, of which monomials are powers,") ** i for i in range(1, degree + 1)]


def products(x: Sequence[float]) -> list[float]:
    """Return the entries of x and the products of every two of them: (x_u, x_v, x_u·x_v) makes XOR separable.

    >>> products([2.0, 3.0])
    [2.0, 3.0, 6.0]
    """
    row = as_finite_list(x, "x")
    return [*row, *(a * b for i, a in enumerate(row) for b in row[i + 1 :])]


def _row(what: str, x: Any, features: Features | None) -> list[float]:
    """Return the features of a sample."""
    found = x if features is None else features(x)
    entries = list_or_none(found)
    if features is not None:
        what = f"the features of {what}"
    return [as_finite(found, what)] if entries is None else as_finite_list(found, what) if entries else []
