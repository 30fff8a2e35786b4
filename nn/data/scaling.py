"""Mean and deviation of features: measured without overflow, with rounding told apart from differences."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from typing import Any, NamedTuple

from autograd.arguments import checks_keywords

from .batching import Data, read_data, read_table

__all__ = ["Centred", "Scaler", "centred", "standardise"]

# Numbers whose distance from their mean, relative to the largest, is at most this count as equal.
ROUNDING = 2 * sys.float_info.epsilon


class Centred(NamedTuple):
    """Numbers as mean + largest·deviations, with deviations in [−1, 1]; largest is 0 if all numbers are equal."""

    mean: float
    largest: float
    deviations: list[float]

    @property
    def deviation(self) -> float:
        """The standard deviation."""
        return self.largest * (math.hypot(*self.deviations) / math.sqrt(len(self.deviations)))


def centred(xs: Sequence[float]) -> Centred:
    """Return one or more numbers by their mean; numbers that differ by rounding only count as equal.

    >>> centred([1.0, 3.0]), centred([0.3, 0.1 + 0.2]).largest
    (Centred(mean=2.0, largest=1.0, deviations=[-1.0, 1.0]), 0.0)
    """
    low, high = min(xs), max(xs)
    middle = low / 2 + high / 2  # the mean of equal numbers is that number, and no sum overflows
    mean = middle + math.fsum((x - middle) / len(xs) for x in xs)
    largest = max(high - mean, mean - low)
    if largest == math.inf:
        raise OverflowError(f"numbers from {low:g} to {high:g} must differ by less than 1.8e308: scale them down")
    if largest <= ROUNDING * max(abs(low), abs(high)):
        return Centred(mean, 0.0, [0.0] * len(xs))
    return Centred(mean, largest, [(x - mean) / largest for x in xs])


class Scaler:
    """Shifts and scales features to mean 0 and standard deviation 1, measured on the X of its constructor.

    >>> scaler = Scaler([[1.0, 10.0], [3.0, 10.0]])
    >>> scaler([[1.0, 10.0], [3.0, 20.0]])
    [[-1.0, 0.0], [1.0, 10.0]]
    """

    def __init__(self, X: Any) -> None:
        columns = [centred(column) for column in zip(*read_table(X, "X"), strict=True)]
        self.means = [column.mean for column in columns]
        self.scales = [column.deviation or 1.0 for column in columns]  # a constant feature is not scaled

    def __call__(self, X: Any) -> list[list[float]]:
        rows = read_table(X, "X", len(self.means))
        return [[(x - m) / s for x, m, s in zip(row, self.means, self.scales, strict=True)] for row in rows]


@checks_keywords
def standardise(train: Data, test: Data) -> tuple[Data, Data]:
    """Return both parts with features scaled by the mean and deviation of the training part alone.

    >>> standardise(([[0.0], [2.0]], [0, 1]), ([[4.0]], [1]))
    (([[-1.0], [1.0]], [0, 1]), ([[3.0]], [1]))
    """
    (X, y), (unseen, labels) = read_data(train, "train"), read_data(test, "test")
    scaler = Scaler(X)
    return (scaler(X), y), (scaler(unseen), labels)
