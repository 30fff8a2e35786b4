"""Metrics of a batch of outputs: accuracy, confusion, r_squared, zero_one. Plain numbers, which no gradient passes.

A row of scores decides for its argmax, a single score by a threshold: see `decisions`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from autograd.arguments import as_finite, checks_keywords, list_or_none

from ..data.scaling import centred
from ..losses import (
    Numbers,
    Reduction,
    as_class_index,
    as_comparable,
    as_row,
    index_of_largest,
    name_pairs,
    pair_entries,
    reduce,
    require_reduction,
)

__all__ = ["accuracy", "confusion", "decisions", "r_squared", "zero_one"]


@checks_keywords
def accuracy(outputs: Numbers, targets: Any, *, threshold: float = 0.5) -> float:
    """Return the fraction of the samples whose decided class is their target.

    A row of scores decides for its argmax; its target is a class index or a one-hot row. A single score decides for class 1
    where it is ≥ threshold: 0.5 for probabilities and targets in {0, 1}; write threshold=0 for scores (logits) and for
    targets in {−1, 1}.

    >>> accuracy([[0.1, 0.9], [0.8, 0.2]], [1, 1]), accuracy([0.5, -0.2, 0.1], [1, -1, -1], threshold=0)
    (0.5, 0.6666666666666666)
    """
    pairs = decisions("accuracy", outputs, targets, threshold)
    return sum(decided == true for decided, true in pairs) / len(pairs)


@checks_keywords
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


@checks_keywords
def r_squared(outputs: Numbers, targets: Numbers) -> float:
    """Return R² = 1 − Σ(t − o)² / Σ(t − t̄)²: 1 for exact outputs, 0 for outputs no better than the mean t̄ of the targets.

    For rows of outputs, t̄ is the row of the means of each output. ValueError if all targets are equal.

    >>> r_squared([1.0, 2.0, 3.0], [1.0, 2.0, 3.0]), r_squared([2.0, 2.0, 2.0], [1.0, 2.0, 3.0])
    (1.0, 0.0)
    """
    pairs = pair_entries("r_squared", "sum", outputs, targets)
    for name, x in name_pairs("r_squared", pairs):
        if abs(as_comparable(x, name)) == math.inf:
            raise ValueError(f"{name} must be a finite number, got {as_comparable(x, name)}")
    columns: dict[int, list[float]] = {}
    for place, _, t in pairs:
        columns.setdefault(place[1] if isinstance(place, tuple) else 0, []).append(as_comparable(t, "r_squared"))
    spreads = [centred(column) for column in columns.values()]
    top = max(spread.largest for spread in spreads)
    if not top:
        raise ValueError("r_squared: targets must not all be equal: it compares errors with their spread")
    errors = [(as_comparable(t, "r_squared") - as_comparable(o, "r_squared")) / top for _, o, t in pairs]
    ratio = math.hypot(*errors) / math.hypot(*(d * (s.largest / top) for s in spreads for d in s.deviations))
    return 1.0 - ratio * ratio


@checks_keywords
def zero_one(output: Numbers, target: Any, *, threshold: float = 0.5, reduction: Reduction = "mean") -> Any:
    """Return 1 where the class decided for is not the target, else 0: a plain number, which no gradient passes.

    A row decides for its argmax, a single score for class 1 where it is ≥ threshold: 0.5 for probabilities; 0 for scores
    and targets in {−1, 1}. The target of one sample is a number; a list has one target per sample of a batch.

    >>> zero_one([0.1, 0.7, 0.2], 1), zero_one([0.9, 0.4, 0.6], [1, 1, 0], reduction="sum")
    (0.0, 2.0)
    """
    require_reduction("zero_one", reduction)
    single = list_or_none(target) is None
    pairs = decisions("zero_one", [output] if single else output, [target] if single else target, threshold)
    return reduce("zero_one", [float(decided != true) for decided, true in pairs], reduction, single, ())


def decisions(what: str, outputs: Any, targets: Any, threshold: float = 0.5) -> list[tuple[int, int]]:
    """Return (decided class, true class) for each sample of a batch.

    A row of scores decides for its argmax, and its target is a class index or a one-hot row. A single score decides for
    class 1 where score ≥ threshold, else for class 0; its target is 0 or 1, or, beside scores that are decided at
    threshold 0, −1 or 1, where −1 is class 0.
    """
    threshold = as_finite(threshold, f"{what}: threshold")
    given, wanted = list_or_none(outputs), list_or_none(targets)
    if given is None or wanted is None:
        raise TypeError(f"{what}: outputs and targets must be lists with one entry per sample")
    if not given:
        raise ValueError(f"{what}: outputs must have at least one sample, got an empty list")
    if len(given) != len(wanted):
        raise ValueError(
            f"{what}: outputs and targets must be as many, got {len(given)} outputs and {len(wanted)} targets"
        )
    if list_or_none(given[0]) is None:
        scores = [
            as_comparable(score, f"{what}: outputs[{i}]") for i, score in enumerate(as_row(given, f"{what}: outputs"))
        ]
        return [(int(score >= threshold), label) for score, label in zip(scores, _labels(what, wanted, threshold))]
    rows = [as_row(scores, f"{what}: outputs[{i}]") for i, scores in enumerate(given)]
    n = len(rows[0])
    if n < 2 or any(len(scores) != n for scores in rows):
        raise ValueError(
            f"{what}: each row must have one score per class, two or more, got rows of {sorted(set(map(len, rows)))}; a single "
            "score stands by itself, not in a list"
        )
    return [
        (index_of_largest(scores, f"{what}: outputs[{i}]"), _true_class(target, f"{what}: targets[{i}]", n))
        for i, (scores, target) in enumerate(zip(rows, wanted))
    ]


def _labels(what: str, targets: Sequence[Any], threshold: float) -> list[int]:
    labels = [
        as_comparable(label, f"{what}: targets[{i}]") for i, label in enumerate(as_row(targets, f"{what}: targets"))
    ]
    kinds = set(labels)
    if not (kinds <= {0.0, 1.0} or kinds <= {-1.0, 1.0}):
        odd = next((label for label in labels if label not in (-1.0, 0.0, 1.0)), "a mixture of −1 and 0")
        raise ValueError(f"{what}: the targets of single scores must all be 0 or 1, or all −1 or 1, got {odd}")
    if -1.0 in kinds and threshold == 0.5:
        raise ValueError(f"{what}: targets −1 and 1 belong to scores, not to probabilities: write threshold=0")
    return [int(label > 0) for label in labels]


def _true_class(target: Any, what: str, n: int) -> int:
    entries = list_or_none(target)
    if entries is None:
        return as_class_index(target, what, n)
    if len(entries) != n:
        raise ValueError(f"{what} must have one entry per class, {n} in all, got {len(entries)}")
    return index_of_largest(as_row(entries, what), what)
