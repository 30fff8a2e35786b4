"""Samples and their targets: in batches, split, scaled. Data is a pair (X, y), a sample a row of X with its entry of y."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any

__all__ = ["Data", "Scaler", "batches", "standardise", "train_test_split"]

Data = tuple[Any, Any]  # lists or arrays of samples and of targets


def batches(data: Data, size: int | None = None, rng: Random | None = None) -> Iterator[tuple[list[Any], list[Any]]]:
    """Go once through the data in batches: all of it at once (None), one sample each (1), or mini-batches of `size`.

    With `rng` the samples are shuffled first; the last batch takes what is left.

    >>> list(batches(([[0.0], [1.0], [2.0]], [0, 1, 2]), 2))
    [([[0.0], [1.0]], [0, 1]), ([[2.0]], [2])]
    """
    X, y = samples(data)
    for places in orders(len(X), size, rng):
        yield [X[i] for i in places], [y[i] for i in places]


def orders(n: int, size: int | None, rng: Random | None) -> Iterator[list[int]]:
    """Go once through the places of n samples in batches, as `batches` does."""
    size = n if size is None else size
    if isinstance(size, bool) or not isinstance(size, int) or size < 1:
        raise ValueError(f"the size of a batch is a whole number of at least 1, or None for all samples, not {size!r}")
    order = list(range(n))
    if rng is not None:
        rng.shuffle(order)
    for start in range(0, n, size):
        yield order[start : start + size]


def train_test_split(data: Data, fraction: float = 0.25, *, rng: Random) -> tuple[Data, Data]:
    """Return the data in two parts, shuffled, with `fraction` of the samples in the second, which is kept for testing.

    >>> train, test = train_test_split(([[0.0], [1.0], [2.0], [3.0]], [0, 1, 2, 3]), rng=Random(0))
    >>> len(train[0]), len(test[1])
    (3, 1)
    """
    X, y = samples(data)
    tested = round(fraction * len(X))
    if not 0 < fraction < 1 or not 0 < tested < len(X):
        raise ValueError(f"a fraction of {fraction!r} of {len(X)} samples leaves one of the two parts empty")
    order = list(range(len(X)))
    rng.shuffle(order)
    train, test = order[tested:], order[:tested]
    return ([X[i] for i in train], [y[i] for i in train]), ([X[i] for i in test], [y[i] for i in test])


class Scaler:
    """Shifts and scales features to mean 0 and standard deviation 1, as measured on the X that it was made from.

    >>> scaler = Scaler([[1.0, 10.0], [3.0, 10.0]])
    >>> scaler([[1.0, 10.0], [3.0, 20.0]])
    [[-1.0, 0.0], [1.0, 10.0]]
    """

    def __init__(self, X: Sequence[Sequence[float]]) -> None:
        columns = list(zip(*X, strict=True))
        self.means = [math.fsum(column) / len(column) for column in columns]
        self.scales = [
            math.sqrt(math.fsum((x - mean) ** 2 for x in column) / len(column)) or 1.0  # a constant feature stays
            for column, mean in zip(columns, self.means, strict=True)
        ]

    def __call__(self, X: Sequence[Sequence[float]]) -> list[list[float]]:
        return [[(x - m) / s for x, m, s in zip(row, self.means, self.scales, strict=True)] for row in X]


def standardise(train: Data, test: Data) -> tuple[Data, Data]:
    """Return both parts with features scaled by the mean and deviation of the training part: the test part stays unseen.

    >>> standardise(([[0.0], [2.0]], [0, 1]), ([[4.0]], [1]))
    (([[-1.0], [1.0]], [0, 1]), ([[3.0]], [1]))
    """
    scaler = Scaler(train[0])
    return (scaler(train[0]), train[1]), (scaler(test[0]), test[1])


def samples(data: Any) -> tuple[list[Any], list[Any]]:
    """Return data as two lists of equal length, from lists or arrays."""
    if not isinstance(data, (tuple, list)) or len(data) != 2:
        raise TypeError(f"data is a pair (X, y) of samples and targets, not {type(data).__name__}")
    X, y = (list(part.tolist() if hasattr(part, "tolist") else part) for part in data)
    if len(X) != len(y):
        raise ValueError(f"every sample needs a target: X has {len(X)} rows, y has {len(y)} entries")
    if not X:
        raise ValueError("the data is empty: X has no rows")
    return X, y
