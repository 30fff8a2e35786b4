"""Linear regression in closed form, on the inputs or on features of them, in plain Python."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from fractions import Fraction
from operator import mul
from typing import Any, NamedTuple

from autograd.arguments import as_finite, as_finite_list, as_int, checks_keywords, list_or_none, require_callable

from ..data.batching import read_data
from ..data.scaling import Centred, centred

__all__ = ["LinearFit", "linear_regression", "monomials", "products"]

Features = Callable[[Any], Sequence[float]]
Column = Sequence[float]

EPSILON = sys.float_info.epsilon
REFINEMENTS = 2  # number of corrections of a solution by solving for the residual


class LinearFit(NamedTuple):
    """The result of `linear_regression`: w, b, their cost (the mean squared error), and the features φ."""

    weights: list[float]
    bias: float
    cost: float
    features: Features | None = None

    def __call__(self, x: Any) -> float:
        """Return w·φ(x) + b."""
        row = _row("x", x, self.features)
        if len(row) != len(self.weights):
            raise ValueError(f"x must give {len(self.weights)} features, one per weight of this fit, got {len(row)}")
        return self._at(row)

    def _at(self, row: Sequence[float]) -> float:
        """Return w·row + b for a row whose length has been checked."""
        return math.fsum([self.bias, *map(float.__mul__, self.weights, row)])


@checks_keywords
def linear_regression(X: Any, y: Any, features: Features | None = None) -> LinearFit:
    """Return the weights and bias that minimise the mean of (w·φ(x) + b − y)², by least squares.

    X: samples, each a number or a list of numbers; y: a number for each; features: φ (default: x itself).
    Of several minima, the one with the least norm of (w, b) is returned. A feature that is a linear combination of others up
    to rounding counts as dependent.

    >>> fit = linear_regression([0.0, 1.0, 2.0, 3.0], [1.0, 3.0, 2.0, 5.0])
    >>> round(fit.weights[0], 9), round(fit.bias, 9), round(fit.cost, 9), round(fit(4.0), 9)
    (1.1, 1.1, 0.675, 5.5)
    """
    if features is not None:
        require_callable(features, "features, of a sample,", "x")
    samples, targets = read_data((X, y))
    rows = [_row(f"X[{i}]", x, features) for i, x in enumerate(samples)]
    for i, row in enumerate(rows):
        if len(row) != len(rows[0]):
            raise ValueError(f"X[{i}] must give {len(rows[0])} features, as X[0] does, got {len(row)}")
    heights = as_finite_list(targets, "y")
    weights, bias = _least_squares([list(column) for column in zip(*rows, strict=True)], heights)
    return LinearFit(weights, bias, _cost(weights, bias, rows, heights), features)


def _cost(weights: Column, bias: float, rows: Sequence[Column], y: Column) -> float:
    """Return the mean squared error; targets beyond 2^500 are scaled by a power of two, so that only the result overflows."""
    exponent = max(0, math.frexp(max(map(abs, y)))[1] - 500)
    small = LinearFit([math.ldexp(w, -exponent) for w in weights], math.ldexp(bias, -exponent), math.nan)
    gaps = [small._at(row) - math.ldexp(height, -exponent) for row, height in zip(rows, y, strict=True)]
    cost = math.fsum(gap / len(gaps) * gap for gap in gaps)
    try:
        return math.ldexp(cost, 2 * exponent)
    except OverflowError:
        return math.inf


@checks_keywords
def monomials(degree: int) -> Features:
    """Return the features x, x², …, x^degree of a number.

    >>> monomials(3)(2.0)
    [2.0, 4.0, 8.0]
    """
    degree = as_int(degree, "degree, the highest power,", 0)
    return lambda x: [as_finite(x, "x, of which monomials are powers,") ** i for i in range(1, degree + 1)]


@checks_keywords
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


# Least squares by Householder's reflections of centred and scaled columns


def _least_squares(columns: Sequence[Column], y: Column) -> tuple[list[float], float]:
    """Return the weights w and the bias b that minimise Σ (Σⱼ wⱼ·columnⱼ + b − y)²; of several minima, the shortest (w, b).

    Columns are centred, so that they need no bias, and scaled, so that units do not matter.
    """
    parts, target = [centred(column) for column in columns], centred(y)
    noise = [
        math.hypot(*(x / part.largest for x in column)) if part.largest else 0.0
        for column, part in zip(columns, parts, strict=True)
    ]
    factors = _Reflections([part.deviations for part in parts], noise)
    solution = _unscaled(factors.solve(target.deviations), parts, target.largest, _mean(target))
    free = [
        _unscaled([-u for u in factors.solve(factors.columns[j])], parts, 1.0, Fraction(), alone=j)
        for j in factors.dependent
    ]
    if free:
        lengths = [max(map(abs, direction)) for direction in free]
        directions = [[x / length for x in direction] for direction, length in zip(free, lengths, strict=True)]
        shares = _Reflections(directions, [0.0] * len(free)).solve(solution)
        solution = [x - math.fsum(map(mul, shares, along)) for x, *along in zip(solution, *directions, strict=True)]
    weights = solution[:-1]
    return weights, _bias(weights, parts, _mean(target))


def _unscaled(scaled: Column, parts: Sequence[Centred], unit: float, mean: Fraction, alone: int = -1) -> list[float]:
    """Return (w, b) from the weights of scaled columns; one scaled unit of the column `alone` is added."""
    weights = [w * (unit / part.largest) if part.largest else 0.0 for w, part in zip(scaled, parts, strict=True)]
    if alone >= 0:
        weights[alone] = unit / (parts[alone].largest or unit)
    for j, w in enumerate(weights):
        if not math.isfinite(w):
            raise OverflowError(f"the weight of feature {j} must be below 1.8e308: scale X up or y down")
    return [*weights, _bias(weights, parts, mean)]


def _bias(weights: Column, parts: Sequence[Centred], mean: Fraction) -> float:
    """Return the bias of the plane through the means, rounded once."""
    return float(mean - sum(Fraction(w) * _mean(part) for w, part in zip(weights, parts)))


def _mean(part: Centred) -> Fraction:
    return Fraction(part.mean) + Fraction(part.rest)


class _Reflections:
    """QR factorisation with pivoting of columns; `noise` is the norm of the rounding of each column's entries.

    A column is `dependent`, with weight 0, if its part orthogonal to the earlier columns is as small as its rounding.
    """

    def __init__(self, columns: Sequence[Column], noise: Sequence[float]) -> None:
        self.columns = columns
        n = len(columns[0]) if columns else 0
        left = {j: list(column) for j, column in enumerate(columns)}
        smallest = {
            j: EPSILON * max(noise[j], 4 * max(n, len(columns)) * math.hypot(*column)) for j, column in left.items()
        }
        self.mirrors: list[tuple[list[float], float]] = []
        self.triangle: dict[int, list[float]] = {}  # by column, in the order of the pivots
        while left:
            k = len(self.mirrors)
            sizes = {j: math.hypot(*column[k:]) for j, column in left.items()}
            j = max(sizes, key=lambda j: sizes[j] if sizes[j] > smallest[j] else 0.0)
            if sizes[j] <= smallest[j]:
                break
            pivot = left.pop(j)
            top = math.copysign(sizes[j], pivot[k])
            mirror = [pivot[k] + top, *pivot[k + 1 :]]
            self.mirrors.append((mirror, top * mirror[0]))
            self.triangle[j] = [*pivot[:k], -top]
            for column in left.values():
                self._reflect(column, k)
        self.dependent = [*left]

    def _reflect(self, column: list[float], k: int) -> None:
        mirror, half = self.mirrors[k]
        share = sum(map(mul, mirror, column[k:])) / half
        column[k:] = [x - share * m for x, m in zip(column[k:], mirror, strict=True)]

    def solve(self, y: Column) -> list[float]:
        """Return the weights of the columns with the least Σ (Σⱼ wⱼ·columnⱼ − y)²."""
        weights = self._solve(y)
        for _ in range(REFINEMENTS):
            residual = [b - math.fsum(map(mul, weights, row)) for b, *row in zip(y, *self.columns, strict=True)]
            weights = [w + change for w, change in zip(weights, self._solve(residual), strict=True)]
        return weights

    def _solve(self, y: Column) -> list[float]:
        rotated = list(y)
        for k in range(len(self.mirrors)):
            self._reflect(rotated, k)
        weights = [0.0] * len(self.columns)
        for k, (j, entries) in reversed([*enumerate(self.triangle.items())]):
            weights[j] = rotated[k] / entries[k]
            for i in range(k):
                rotated[i] -= weights[j] * entries[i]
        return weights
