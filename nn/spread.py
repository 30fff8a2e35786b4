"""How far numbers lie from their mean: measured without overflow, and told apart from rounding."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from typing import NamedTuple

__all__ = ["Centred", "centred", "window"]

ROUNDING = 2 * sys.float_info.epsilon  # of the largest number: closer to the mean than this, numbers count as equal


class Centred(NamedTuple):
    """Numbers as mean + largest·deviations, with deviations in [−1, 1]; largest is 0 where the numbers are all equal."""

    mean: float
    largest: float
    deviations: list[float]

    @property
    def deviation(self) -> float:
        """The standard deviation."""
        return self.largest * (math.hypot(*self.deviations) / math.sqrt(len(self.deviations)))


def centred(xs: Sequence[float]) -> Centred:
    """Return numbers, at least one, by their mean; numbers that differ by rounding only count as equal.

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


def window(xs: Sequence[float], margin: float = 0.1) -> tuple[float, float]:
    """Return the ends of an axis that shows numbers, with a margin, a part of their range, on each side.

    >>> window([0.0, 10.0]), window([0.3, 0.1 + 0.2])
    ((-1.0, 11.0), (-0.7, 1.3))
    """
    low, high = min(xs), max(xs)
    free = margin * (high - low) if centred(xs).largest else max(1.0, 1e-6 * abs(low))
    return low - free, high + free
