"""Samples and their targets: in batches, split, scaled. Data is a pair (X, y), a sample a row of X with its entry of y."""

from __future__ import annotations

import math
from collections.abc import Iterator
from random import Random
from typing import Any

from autograd.arguments import as_finite, as_finite_list, as_int, describe, list_or_none, require_random, to_python

from .samples import NotANumber
from .spread import centred

__all__ = ["Data", "Scaler", "batches", "standardise", "train_test_split"]

Data = tuple[Any, Any]  # lists or arrays of samples and of targets


def batches(data: Data, size: int | None = None, rng: Random | None = None) -> Iterator[tuple[list[Any], list[Any]]]:
    """Go once through the data in batches: all of it at once (None), one sample each (1), or mini-batches of `size`.

    With `rng` the samples are shuffled first; the last batch takes what is left.

    >>> list(batches(([[0.0], [1.0], [2.0]], [0, 1, 2]), 2))
    [([[0.0], [1.0]], [0, 1]), ([[2.0]], [2])]
    """
    X, y = samples(data)
    if rng is not None:
        require_random(rng)
    for places in orders(len(X), size, rng):
        yield [X[i] for i in places], [y[i] for i in places]


def orders(n: int, size: int | None, rng: Random | None) -> Iterator[list[int]]:
    """Go once through the places of n samples in batches, as `batches` does."""
    size = n if size is None else as_int(size, "the size of a batch")
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
    require_random(rng)
    tested = round(as_finite(fraction, "fraction, the part of the samples to test on,") * len(X))
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

    def __init__(self, X: Any) -> None:
        columns = [centred(column) for column in zip(*table("X", X), strict=True)]
        self.means = [column.mean for column in columns]
        self.scales = [column.deviation or 1.0 for column in columns]  # a constant feature stays

    def __call__(self, X: Any) -> list[list[float]]:
        rows = table("X", X, len(self.means))
        return [[(x - m) / s for x, m, s in zip(row, self.means, self.scales, strict=True)] for row in rows]


def standardise(train: Data, test: Data) -> tuple[Data, Data]:
    """Return both parts with features scaled by the mean and deviation of the training part: the test part stays unseen.

    >>> standardise(([[0.0], [2.0]], [0, 1]), ([[4.0]], [1]))
    (([[-1.0], [1.0]], [0, 1]), ([[3.0]], [1]))
    """
    (X, y), (unseen, labels) = samples(train, "train"), samples(test, "test")
    scaler = Scaler(X)
    return (scaler(X), y), (scaler(unseen), labels)


def samples(data: Any, what: str = "data") -> tuple[list[Any], list[Any]]:
    """Return data as two lists of equal length, from lists or arrays; every entry of X is a sample."""
    if not isinstance(data, (tuple, list)) or len(data) != 2:
        held = f" of length {len(data)}" if isinstance(data, (tuple, list)) else ""
        raise TypeError(f"{what} is a pair (X, y) of samples and targets, not {type(data).__name__}{held}")
    X, y = map(to_python, data)
    for name, part in (("X", X), ("y", y)):
        if not isinstance(part, list):
            raise TypeError(
                f"{name} of the {what} is a list or an array with one entry per sample, not {describe(part)}"
            )
    if len(X) != len(y):
        raise ValueError(f"every sample needs a target: X has {len(X)} rows, y has {len(y)} entries")
    if not X:
        raise ValueError("the data is empty: X has no rows")
    return X, y


def finite(what: str, data: Data) -> None:
    """Raise for the first number of the samples or the targets that is nan or infinite."""
    for name, part in zip(("X", "y"), data, strict=True):
        _finite(name, part, what)


def _finite(name: str, x: Any, what: str) -> None:
    if not isinstance(x, list):
        if isinstance(x, float) and not math.isfinite(x):
            raise NotANumber(f"{name} of the {what} must be a finite number, got {x}")
        return
    try:
        if all(map(math.isfinite, x)):
            return
    except (TypeError, OverflowError):  # lists, names of classes, ints beyond the floats
        pass
    for i, entry in enumerate(x):
        _finite(f"{name}[{i}]", entry, what)


def table(what: str, X: Any, n: int | None = None) -> list[list[float]]:
    """Return samples as rows of n finite numbers each (None: as many as the first has); a number is a row of one."""
    given = list_or_none(X)
    if given is None:
        raise TypeError(f"{what} is a list or an array of rows of numbers, not {describe(X)}")
    rows = [as_finite_list(x if list_or_none(x) is not None else [x], f"{what}[{i}]") for i, x in enumerate(given)]
    for i, row in enumerate(rows):
        if len(row) != (n or len(rows[0])):
            raise ValueError(f"{what}[{i}] has {len(row)} numbers, where {n or len(rows[0])} are expected")
    if not rows:
        raise ValueError(f"{what} has 0 rows: give it at least one")
    return rows
