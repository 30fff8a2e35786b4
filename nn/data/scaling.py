"""Mean and deviation of features, without overflow; numbers that differ only by rounding count as equal."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from autograd.arguments import checks_keywords

from .batching import Data, read_data, read_table

__all__ = ["Centred", "Scaler", "centred", "scaled_difference", "standardise"]


class Centred(NamedTuple):
    """Numbers as mean + rest + largest·deviations, with deviations in [−1, 1]; largest is 0 if all numbers are equal.

    The rest is the exact mean minus the float `mean`, which matters at 1e18, where floats are 128 apart.
    """

    mean: float
    rest: float
    largest: float
    deviations: list[float]

    @property
    def deviation(self) -> float:
        """The standard deviation."""
        return self.largest * (math.hypot(*self.deviations) / math.sqrt(len(self.deviations)))


def centred(xs: Sequence[float]) -> Centred:
    """Return numbers as a `Centred`; neighbouring floats count as equal, because rounding may turn one number into either.

    >>> centred([1.0, 3.0]), centred([0.3, 0.1 + 0.2]).largest
    (Centred(mean=2.0, rest=0.0, largest=1.0, deviations=[-1.0, 1.0]), 0.0)
    """
    low, high = min(xs), max(xs)
    middle = low / 2 + high / 2  # the mean of equal numbers is that number, and no sum overflows
    mean = middle + math.fsum((x - middle) / len(xs) for x in xs)
    largest = max(high - mean, mean - low)
    if largest == math.inf:
        raise OverflowError(f"numbers from {low:g} to {high:g} must differ by less than 1.8e308: scale them down")
    if high <= math.nextafter(low, math.inf):
        return Centred(mean, 0.0, 0.0, [0.0] * len(xs))
    rest = math.fsum((x - mean) / len(xs) for x in xs)
    largest = max(high - mean - rest, mean - low + rest)
    return Centred(mean, rest, largest, [(x - mean - rest) / largest for x in xs])


def scaled_difference(a: float, b: float, unit: float) -> float:
    """Return (a − b) / unit, even if a − b overflows.

    >>> scaled_difference(1.5e308, -1.5e308, 1e308)
    3.0
    """
    difference = a - b
    return difference / unit if math.isfinite(difference) else (a / 2 - b / 2) / unit * 2


class Scaler:
    """Shifts and scales features to mean 0 and standard deviation 1, measured on the X of its constructor.

    >>> scaler = Scaler([[1.0, 10.0], [3.0, 10.0]])
    >>> scaler([[1.0, 10.0], [3.0, 20.0]])
    [[-1.0, 0.0], [1.0, 10.0]]
    """

    def __init__(self, X: Any) -> None:
        columns = [centred(column) for column in zip(*read_table(X, "X"), strict=True)]
        self.means = [column.mean for column in columns]
        self._rests = [column.rest for column in columns]
        self.scales = [column.deviation or 1.0 for column in columns]  # a constant feature is not scaled

    def __call__(self, X: Any) -> list[list[float]]:
        rows = read_table(X, "X", len(self.means))
        parts = list(zip(self.means, self._rests, self.scales, strict=True))
        return [[scaled_difference(x, m, s) - r / s for x, (m, r, s) in zip(row, parts, strict=True)] for row in rows]


@checks_keywords
def standardise(train: Data, test: Data) -> tuple[Data, Data]:
    """Return both parts with features scaled by the mean and deviation of the training part alone.

    >>> standardise(([[0.0], [2.0]], [0, 1]), ([[4.0]], [1]))
    (([[-1.0], [1.0]], [0, 1]), ([[3.0]], [1]))
    """
    (X, y), (unseen, labels) = read_data(train, "train"), read_data(test, "test")
    scaler = Scaler(X)
    return (scaler(X), y), (scaler(unseen), labels)
