"""How good a model is, counted on a batch: accuracy, confusion, r_squared. Plain numbers, which no gradient passes.

`decisions` says how an output decides for a class: rows by argmax, single scores by a threshold.
"""

from __future__ import annotations

import math
from typing import Any

from autograd.arguments import list_or_none

from .functions import decisions, plain
from .samples import Numbers, in_pairs, paired
from .spread import centred

__all__ = ["accuracy", "confusion", "r_squared"]


def accuracy(outputs: Numbers, targets: Any, *, threshold: float = 0.5) -> float:
    """Return the part of the samples, 0 to 1, whose decided class is their target.

    A row of scores decides for its argmax; its target is a class index or a one-hot row. A single score decides for class 1
    where it is ≥ threshold: 0.5 for probabilities and targets in {0, 1}; write threshold=0 for scores (logits) and for
    targets in {−1, 1}.

    >>> accuracy([[0.1, 0.9], [0.8, 0.2]], [1, 1]), accuracy([0.5, -0.2, 0.1], [1, -1, -1], threshold=0)
    (0.5, 0.6666666666666666)
    """
    pairs = decisions("accuracy", outputs, targets, threshold)
    return sum(decided == true for decided, true in pairs) / len(pairs)


def confusion(outputs: Numbers, targets: Any, *, threshold: float = 0.5) -> list[list[int]]:
    """Return the matrix whose row i, column j counts the samples of class i that were taken for class j.

    Classes are decided as in `accuracy`; single scores have two, of which −1 or 0 is the first.

    >>> confusion([[0.1, 0.9], [0.8, 0.2], [0.7, 0.3]], [1, 1, 0])
    [[1, 0], [1, 1]]
    """
    pairs = decisions("confusion", outputs, targets, threshold)
    n = len(list_or_none(outputs[0]) or (0, 1))
    counts = [[0] * n for _ in range(n)]
    for decided, true in pairs:
        counts[true][decided] += 1
    return counts


def r_squared(outputs: Numbers, targets: Numbers) -> float:
    """Return R² = 1 − Σ(t − o)² / Σ(t − t̄)²: 1 for exact outputs, 0 for no better than the targets' own mean t̄.

    Of rows of outputs, t̄ is the row of the means of each output. ValueError where all targets are equal.

    >>> r_squared([1.0, 2.0, 3.0], [1.0, 2.0, 3.0]), r_squared([2.0, 2.0, 2.0], [1.0, 2.0, 3.0])
    (1.0, 0.0)
    """
    pairs = paired("r_squared", "sum", outputs, targets)
    for name, x in in_pairs("r_squared", pairs):
        if abs(plain(name, x)) == math.inf:
            raise ValueError(f"{name} must be a finite number, got {plain(name, x)}")
    columns: dict[int, list[float]] = {}
    for where, _, t in pairs:
        columns.setdefault(where[1] if isinstance(where, tuple) else 0, []).append(plain("r_squared", t))
    spreads = [centred(column) for column in columns.values()]
    top = max(spread.largest for spread in spreads)
    if not top:
        raise ValueError("r_squared is undefined where all targets are equal: it compares errors with their spread")
    errors = [(plain("r_squared", t) - plain("r_squared", o)) / top for _, o, t in pairs]
    ratio = math.hypot(*errors) / math.hypot(*(d * (s.largest / top) for s in spreads for d in s.deviations))
    return 1.0 - ratio * ratio
