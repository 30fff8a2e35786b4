"""Data as pairs (X, y) of samples and targets: read, checked, split, and in batches."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any

from autograd.arguments import (
    as_bool,
    as_finite,
    as_finite_list,
    as_int,
    checks_keywords,
    describe,
    list_or_none,
    require_random,
    to_python,
)

from ..losses import NotANumber

__all__ = [
    "Data",
    "batches",
    "length_of",
    "read_data",
    "read_table",
    "require_finite",
    "require_numbers",
    "sample_order",
    "train_test_split",
]

PLAIN = frozenset({float, int, bool})
Data = tuple[Any, Any]  # (X, y): samples and their targets, each a list or an array


@checks_keywords
def batches(
    data: Data, size: int | None = None, rng: Random | None = None, *, by_length: bool = False
) -> Iterator[tuple[list[Any], list[Any]]]:
    """Yield the data once, in batches: one of all samples (None), one per sample (1), or mini-batches of `size`.

    With `rng` the samples are shuffled first; the last batch may be smaller. With by_length=True all samples of a batch have
    one length, and so have its targets, as a compiled program needs it; `rng` then shuffles the batches too.

    >>> list(batches(([[0.0], [1.0], [2.0]], [0, 1, 2]), 2))
    [([[0.0], [1.0]], [0, 1]), ([[2.0]], [2])]
    >>> list(batches((["ab", "c", "de"], [0, 1, 2]), 2, by_length=True))
    [(['ab', 'de'], [0, 2]), (['c'], [1])]
    """
    X, y = read_data(data)
    if rng is not None:
        require_random(rng)
    size = len(X) if size is None else as_int(size, "the size of a batch")
    order = sample_order(len(X), rng)
    groups = [order]
    if as_bool(by_length, "by_length"):
        lengths: dict[tuple[int, int], list[int]] = {}
        for i in order:
            lengths.setdefault((length_of(X[i]), length_of(y[i])), []).append(i)
        groups = [*lengths.values()]
    found = [group[start : start + size] for group in groups for start in range(0, len(group), size)]
    if by_length and rng is not None:
        rng.shuffle(found)
    for places in found:
        yield [X[i] for i in places], [y[i] for i in places]


def length_of(x: Any) -> int:
    """Return the number of entries of a sample or a target; a number is one."""
    return len(x) if isinstance(x, (list, str)) else 1


def sample_order(n: int, rng: Random | None) -> Sequence[int]:
    """Return the indices of n samples, shuffled with `rng`; a range without."""
    if rng is None:
        return range(n)
    order = list(range(n))
    rng.shuffle(order)
    return order


@checks_keywords
def train_test_split(data: Data, fraction: float = 0.25, *, rng: Random) -> tuple[Data, Data]:
    """Return the shuffled data in two parts, for training and for testing, with `fraction` of the samples in the second.

    >>> train, test = train_test_split(([[0.0], [1.0], [2.0], [3.0]], [0, 1, 2, 3]), rng=Random(0))
    >>> len(train[0]), len(test[1])
    (3, 1)
    """
    X, y = read_data(data)
    require_random(rng)
    tested = round(as_finite(fraction, "fraction, the part of the samples to test on,") * len(X))
    if not 0 < fraction < 1 or not 0 < tested < len(X):
        raise ValueError(f"fraction must leave samples in both parts, got {fraction!r} of {len(X)} samples")
    order = list(range(len(X)))
    rng.shuffle(order)
    train, test = order[tested:], order[:tested]
    return ([X[i] for i in train], [y[i] for i in train]), ([X[i] for i in test], [y[i] for i in test])


def read_data(data: Any, what: str = "data") -> tuple[list[Any], list[Any]]:
    """Return data as two lists of equal length, from lists or arrays; an entry of X is a sample, an entry of y its target."""
    if not isinstance(data, (tuple, list)) or len(data) != 2:
        length = f" of length {len(data)}" if isinstance(data, (tuple, list)) else ""
        raise TypeError(f"{what} must be a pair (X, y) of samples and targets, got {describe(data)}{length}")
    X, y = map(to_python, data)
    for name, part in (("X", X), ("y", y)):
        if not isinstance(part, list):
            raise TypeError(
                f"{name} of the {what} must be a list or an array with one entry per sample, got {describe(part)}"
            )
    if len(X) != len(y):
        raise ValueError(f"X and y must have one entry per sample, got {len(X)} rows of X and {len(y)} entries of y")
    if not X:
        raise ValueError(f"{what} must have at least one sample, got none")
    return X, y


def require_finite(data: Data, what: str) -> None:
    """Raise for the first sample entry that is not a finite number, or the first target that is a nan or infinite number.

    A target that is not a number, such as a class name, is left to the loss.
    """
    X, y = data
    require_numbers(X, "X", what)
    _require_finite(y, "y", what, frozenset())


def require_numbers(x: Any, name: str, what: str) -> None:
    """Raise for the first entry of lists, at any depth, that is not a finite number."""
    _require_finite(x, name, what, PLAIN)


def _require_finite(x: Any, name: str, what: str, plain: frozenset[type]) -> None:
    """Raise for a number that is not finite as a float; with plain types, also for an entry that is not a number."""
    if not isinstance(x, (list, tuple)):
        if isinstance(x, float) and not math.isfinite(x):
            raise NotANumber(f"{name} of the {what} must be a finite number, got {x}")
        if plain or isinstance(x, int):
            as_finite(x, f"{name} of the {what}")
        return
    try:
        if all(map(math.isfinite, x)) and (not plain or plain.issuperset(map(type, x))):
            return
    except (TypeError, OverflowError):  # an entry is a list, the name of a class, or an int beyond the range of floats
        pass
    for i, entry in enumerate(x):
        _require_finite(entry, f"{name}[{i}]", what, plain)


def read_table(X: Any, what: str, n: int | None = None) -> list[list[float]]:
    """Return samples as rows of n finite numbers (None: as many as the first has); a single number becomes a row."""
    samples = list_or_none(X)
    if samples is None:
        raise TypeError(f"{what} must be a list or an array of rows of numbers, got {describe(X)}")
    rows = [as_finite_list(x if list_or_none(x) is not None else [x], f"{what}[{i}]") for i, x in enumerate(samples)]
    for i, row in enumerate(rows):
        if len(row) != (n or len(rows[0])):
            raise ValueError(f"{what}[{i}] must have {n or len(rows[0])} numbers, got {len(row)}")
    if not rows:
        raise ValueError(f"{what} must have at least one row, got none")
    return rows
