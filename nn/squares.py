"""Linear least squares in plain Python, by Householder's reflections of centred and scaled columns."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from fractions import Fraction
from operator import mul

from .spread import Centred, centred

__all__ = ["affine"]

Column = Sequence[float]

EPSILON = sys.float_info.epsilon
REFINEMENTS = 2  # how often a solution is corrected by solving for the residual


def affine(columns: Sequence[Column], y: Column) -> tuple[list[float], float]:
    """Return the weights w and the bias b that minimise Σ (Σⱼ wⱼ·columnⱼ + b − y)²; of several minima, the shortest (w, b).

    Centred columns need no bias, and scaled ones have no units: times in seconds are as good as times in years.
    """
    parts, target = [centred(column) for column in columns], centred(y)
    noise = [
        math.hypot(*(x / part.largest for x in column)) if part.largest else 0.0
        for column, part in zip(columns, parts, strict=True)
    ]
    factors = Reflections([part.deviations for part in parts], noise)
    solution = _unscaled(factors.solve(target.deviations), parts, target.largest, target.mean)
    free = [
        _unscaled([-u for u in factors.solve(factors.columns[j])], parts, 1.0, 0.0, alone=j) for j in factors.dependent
    ]
    if free:
        lengths = [max(map(abs, direction)) for direction in free]
        directions = [[x / length for x in direction] for direction, length in zip(free, lengths, strict=True)]
        shares = Reflections(directions, [0.0] * len(free)).solve(solution)
        solution = [x - math.fsum(map(mul, shares, along)) for x, *along in zip(solution, *directions, strict=True)]
    weights = solution[:-1]
    return weights, _bias(weights, parts, target.mean)


def _unscaled(scaled: Column, parts: Sequence[Centred], unit: float, mean: float, alone: int = -1) -> list[float]:
    """Return (w, b) of weights of scaled columns; 1 scaled unit of the column `alone` is added."""
    weights = [w * (unit / part.largest) if part.largest else 0.0 for w, part in zip(scaled, parts, strict=True)]
    if alone >= 0:
        weights[alone] = unit / (parts[alone].largest or unit)
    for j, w in enumerate(weights):
        if not math.isfinite(w):
            raise OverflowError(f"the weight of feature {j} must be below 1.8e308: scale X up or y down")
    return [*weights, _bias(weights, parts, mean)]


def _bias(weights: Column, parts: Sequence[Centred], mean: float) -> float:
    """Return the bias with which the plane goes through the means, rounded once."""
    return float(Fraction(mean) - sum(Fraction(w) * Fraction(part.mean) for w, part in zip(weights, parts)))


class Reflections:
    """QR factorisation with pivoting of columns, each with the norm of what rounding has done to its entries.

    A column that is as small as its own rounding, once those before it are taken out, is `dependent`: its weight is 0.
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
