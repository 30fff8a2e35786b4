"""Learning-rate schedules: functions from the epoch, counted from 0, to its learning rate."""

from __future__ import annotations

import math
from collections.abc import Callable

from autograd.arguments import as_finite, as_int, checks_keywords, require_callable

__all__ = ["Schedule", "cosine", "exponential", "linear", "staircase", "warmup"]

Schedule = Callable[[int], float]


@checks_keywords
def linear(first: float, last: float, epochs: int) -> Schedule:
    """Go from `first` to `last` in equal steps over the epochs, and stay there.

    >>> [linear(1.0, 0.0, 5)(epoch) for epoch in (0, 2, 4, 9)]
    [1.0, 0.5, 0.0, 0.0]
    """
    first, last, epochs = _check_range(first, last, epochs)
    return _of_epochs(lambda epoch: first + (last - first) * min(1.0, epoch / max(1, epochs - 1)))


@checks_keywords
def cosine(first: float, last: float, epochs: int) -> Schedule:
    """Go from `first` to `last` along half a cosine over the epochs, and stay there.

    >>> [round(cosine(1.0, 0.0, 5)(epoch), 3) for epoch in range(5)]
    [1.0, 0.854, 0.5, 0.146, 0.0]
    """
    first, last, epochs = _check_range(first, last, epochs)
    return _of_epochs(
        lambda epoch: last + (first - last) * (1 + math.cos(math.pi * min(1.0, epoch / max(1, epochs - 1)))) / 2
    )


@checks_keywords
def exponential(first: float, factor: float) -> Schedule:
    """Multiply by `factor` after every epoch: first·factorᵗ.

    >>> [exponential(1.0, 0.5)(epoch) for epoch in range(3)]
    [1.0, 0.5, 0.25]
    """
    first, factor = _check_decay(first, factor)
    return _of_epochs(lambda epoch: _power("exponential", first, factor, epoch, epoch))


@checks_keywords
def staircase(first: float, factor: float, every: int) -> Schedule:
    """Multiply by `factor` after every `every` epochs.

    >>> [staircase(1.0, 0.1, 2)(epoch) for epoch in range(4)]
    [1.0, 1.0, 0.1, 0.1]
    """
    first, factor = _check_decay(first, factor)
    every = as_int(every, "every, how many epochs a stair lasts,")
    return _of_epochs(lambda epoch: _power("staircase", first, factor, epoch // every, epoch))


@checks_keywords
def warmup(epochs: int, schedule: Schedule) -> Schedule:
    """Rise linearly to the start of another schedule over `epochs`, then follow it.

    >>> [warmup(2, exponential(1.0, 0.5))(epoch) for epoch in range(4)]
    [0.5, 1.0, 1.0, 0.5]
    """
    epochs = as_int(epochs, "epochs, how long the rise takes,")
    require_callable(schedule, "schedule, which warmup leads to,", "epoch")
    return _of_epochs(lambda epoch: schedule(0) * (epoch + 1) / epochs if epoch < epochs else schedule(epoch - epochs))


def _of_epochs(rate: Schedule) -> Schedule:
    """Return the schedule with a check of its argument, the epoch."""
    return lambda epoch: rate(as_int(epoch, "epoch, counted from 0,", 0))


def _check_range(first: float, last: float, epochs: int) -> tuple[float, float, int]:
    first, last = as_finite(first, "first, the learning rate to begin with,", 0), as_finite(last, "last", 0)
    return first, last, as_int(epochs, "epochs, after which it has reached last,")


def _check_decay(first: float, factor: float) -> tuple[float, float]:
    return as_finite(first, "first, the learning rate to begin with,", 0), as_finite(factor, "factor", 0)


def _power(name: str, first: float, factor: float, times: int, epoch: int) -> float:
    """Return first·factorᵗ; raise if it is beyond the range of floats."""
    try:
        rate = first * factor**times
    except ArithmeticError:  # an overflow, or 0 to a negative power
        rate = math.inf
    if rate == math.inf:
        raise OverflowError(
            f"{name}: the learning rate of epoch {epoch} must be finite, got {first:g}·{factor:g}^{times}: choose a factor "
            "of at most 1, or fewer epochs"
        )
    return rate
