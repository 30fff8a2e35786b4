"""Metrics of a batch of outputs: accuracy, confusion, r_squared, zero_one. They return plain numbers, without gradients.

A row of scores is classified by its argmax, a single score by a threshold: see `decisions`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from autograd.arguments import as_finite, as_operand, checks_keywords, describe, list_or_none

from ..data.scaling import centred, scaled_difference
from ..losses import (
    Numbers,
    Reduction,
    as_class_index,
    as_comparable,
    as_row,
    entry_name,
    index_of_largest,
    name_pairs,
    pair_entries,
    reduce,
    require_reduction,
)

__all__ = ["accuracy", "confusion", "decisions", "r_squared", "true_class", "zero_one"]


@checks_keywords
def accuracy(outputs: Numbers, targets: Any, *, threshold: float = 0.5) -> float:
    """Return the fraction of the samples whose predicted class is their target.

    A row of scores predicts its argmax; its target is a class index or a one-hot row. A single score predicts class 1 where
    it is ≥ threshold: 0.5 for probabilities and targets in {0, 1}; write threshold=0 for scores (logits) and for
    targets in {−1, 1}.

    >>> accuracy([[0.1, 0.9], [0.8, 0.2]], [1, 1]), accuracy([0.5, -0.2, 0.1], [1, -1, -1], threshold=0)
    (0.5, 0.6666666666666666)
    """
    pairs = decisions("accuracy", outputs, targets, threshold)
    return sum(decided == true for decided, true in pairs) / len(pairs)


@checks_keywords
def confusion(outputs: Numbers, targets: Any, *, threshold: float = 0.5) -> list[list[int]]:
    """Return the matrix whose row i, column j counts the samples of class i predicted as class j.

    Classes are predicted as in `accuracy`. For single scores there are two: first the class of target 0 or −1, then of 1.

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

    For rows of outputs, t̄ is the row of the means of each output. ValueError if all targets are equal,
    or differ only by rounding.

    >>> r_squared([1.0, 2.0, 3.0], [1.0, 2.0, 3.0]), r_squared([2.0, 2.0, 2.0], [1.0, 2.0, 3.0])
    (1.0, 0.0)
    """
    names = ("outputs", "targets")
    pairs = pair_entries("r_squared", "sum", outputs, targets, names)
    for name, x in name_pairs("r_squared", pairs, names):
        if abs(as_comparable(x, name)) == math.inf:
            raise ValueError(f"{name} must be a finite number, got {as_comparable(x, name)}")
    columns: dict[int, list[float]] = {}
    for place, _, t in pairs:
        columns.setdefault(place[1] if isinstance(place, tuple) else 0, []).append(as_comparable(t, "r_squared"))
    spreads = [centred(column) for column in columns.values()]
    top = max(spread.largest for spread in spreads)
    if not top:
        raise ValueError(
            "r_squared: targets must differ by more than rounding, got equal or neighbouring floats: R² compares the errors with "
            "their spread"
        )
    errors = [scaled_difference(as_comparable(t, "r_squared"), as_comparable(o, "r_squared"), top) for _, o, t in pairs]
    ratio = math.hypot(*errors) / math.hypot(*(d * (s.largest / top) for s in spreads for d in s.deviations))
    return 1.0 - ratio * ratio


@checks_keywords
def zero_one(output: Numbers, target: Any, *, threshold: float = 0.5, reduction: Reduction = "mean") -> Any:
    """Return 1 where the predicted class is not the target, else 0, as a plain number without a gradient.

    A row predicts its argmax, a single score class 1 where it is ≥ threshold: 0.5 for probabilities; 0 for scores
    and targets in {−1, 1}. The target of one sample is a number; a list has one target per sample of a batch.

    >>> zero_one([0.1, 0.7, 0.2], 1), zero_one([0.9, 0.4, 0.6], [1, 1, 0], reduction="sum")
    (0.0, 2.0)
    """
    require_reduction("zero_one", reduction)
    single = list_or_none(target) is None
    outputs, targets = ([output], [target]) if single else (output, target)
    pairs = decisions("zero_one", outputs, targets, threshold, ("output", "target"), single)
    return reduce("zero_one", [float(decided != true) for decided, true in pairs], reduction, single, ())


def decisions(
    what: str,
    outputs: Any,
    targets: Any,
    threshold: float = 0.5,
    names: tuple[str, str] = ("outputs", "targets"),
    single: bool = False,
) -> list[tuple[int, int]]:
    """Return (predicted class, true class) for each sample of a batch.

    A row of scores predicts its argmax, and its target is a class index or a one-hot row. A single score predicts class 1
    where score ≥ threshold, else class 0. Its target is 0 or 1, or −1 or 1 if the threshold is not 0.5, where −1 is class 0.

    names: of the two arguments, for messages
    single: the caller gave one sample, wrapped here in lists of one entry
    """
    output, target = (f"{what}: {name}" for name in names)
    threshold = as_finite(threshold, f"{what}: threshold")
    given, wanted = list_or_none(outputs), list_or_none(targets)
    if given is None or wanted is None:
        raise TypeError(f"{output} and {names[1]} must be lists with one entry per sample")
    if not given:
        raise ValueError(f"{output} must have at least one sample, got an empty list")
    if len(given) != len(wanted):
        raise ValueError(
            f"{output} and {names[1]} must have the same length, got {len(given)} {names[0]} and {len(wanted)} {names[1]}"
        )
    if list_or_none(given[0]) is None:
        scores = [_comparable(score, _entry(output, i, single)) for i, score in enumerate(given)]
        labels = [_comparable(label, _entry(target, i, single)) for i, label in enumerate(wanted)]
        return [(int(score >= threshold), label) for score, label in zip(scores, _labels(what, labels, threshold))]
    rows = [as_row(scores, _entry(output, i, single)) for i, scores in enumerate(given)]
    n = len(rows[0])
    if n < 2 or any(len(scores) != n for scores in rows):
        raise ValueError(
            f"{what}: each row must have one score per class, two or more, got rows of {sorted(set(map(len, rows)))}; write "
            "a single score as a number, not as a list"
        )
    return [
        (index_of_largest(scores, _entry(output, i, single)), true_class(true, _entry(target, i, single), n))
        for i, (scores, true) in enumerate(zip(rows, wanted))
    ]


def _entry(what: str, i: int, single: bool) -> str:
    return entry_name(what, None if single else i)


def _comparable(x: Any, what: str) -> float:
    return as_comparable(as_operand(x, what), what)


def _labels(what: str, labels: Sequence[float], threshold: float) -> list[int]:
    kinds = set(labels)
    if not (kinds <= {0.0, 1.0} or kinds <= {-1.0, 1.0}):
        odd = next((label for label in labels if label not in (-1.0, 0.0, 1.0)), "a mixture of −1 and 0")
        raise ValueError(f"{what}: the targets of single scores must all be 0 or 1, or all −1 or 1, got {odd}")
    if -1.0 in kinds and threshold == 0.5:
        raise ValueError(f"{what}: targets −1 and 1 belong to scores, not to probabilities: write threshold=0")
    return [int(label > 0) for label in labels]


def true_class(target: Any, what: str, n: int) -> int:
    """Return the class of a target, a class index or a one-hot row, among n."""
    entries = list_or_none(target)
    if entries is None:
        return as_class_index(target, what, n)
    if len(entries) != n:
        raise ValueError(f"{what} must have one entry per class, {n} in all, got {len(entries)}")
    chances = [as_comparable(entry, f"{what}[{i}]") for i, entry in enumerate(as_row(entries, what))]
    if chances.count(1.0) != 1 or chances.count(0.0) != n - 1:
        raise ValueError(f"{what} must be a class index or a one-hot row, of 0s and a single 1, got {describe(target)}")
    return chances.index(1.0)
