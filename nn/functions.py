"""Functions from scores to probabilities and classes: softmax, log_softmax, argmax, one_hot, decisions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, SupportsIndex

from autograd import exp, logsumexp, sum as add
from autograd.arguments import as_finite, as_int, list_or_none

from .samples import NotANumber, Numbers, class_index, known, row

__all__ = ["argmax", "decisions", "log_softmax", "one_hot", "softmax"]


def softmax(z: Numbers) -> list[Any]:
    """Return pᵢ = exp(zᵢ) / Σⱼ exp(zⱼ), computed from scores less their logsumexp, which cannot overflow.

    A list of n scores gives a list of n probabilities; floats in, floats out, Values in, Values out.

    >>> [round(p, 2) for p in softmax([3.2, 5.1, -1.7, -3.7])]
    [0.13, 0.87, 0.0, 0.0]
    >>> softmax([1000.0, -1000.0])
    [1.0, 0.0]
    """
    powers = [exp(score) for score in _lowered(z)]
    total = add(powers)
    return [power / total for power in powers]


def log_softmax(z: Numbers) -> list[Any]:
    """Return log pᵢ = zᵢ − logsumexp(z), the logarithm of the softmax, exact where the softmax itself would be 0.

    A list of n scores gives a list of n; floats in, floats out, Values in, Values out.

    >>> log_softmax([1000.0, -1000.0])
    [0.0, -2000.0]
    """
    scores = _lowered(z)
    rest = logsumexp(scores)
    return [score - rest for score in scores]


def _lowered(z: Numbers) -> list[Any]:
    """Return zᵢ − logsumexp(z): scores with the same softmax, none far above 0.

    At large scores the logsumexp is rounded to a multiple of their last digit, so these numbers are not yet normalised.
    What is done with them must not depend on a shift that all have in common.
    """
    scores = row("the scores of a softmax", z)
    top = logsumexp(scores)
    return [score - top for score in scores]


def argmax(z: Numbers) -> int:
    """Return the index of the largest of n scores, the first of ties; a plain int, which no gradient passes.

    >>> argmax([3.2, 5.1, -1.7, -3.7]), argmax([2.0, 2.0])
    (1, 0)
    """
    return _largest("argmax: z", row("the scores of argmax", z))


def _largest(what: str, scores: Sequence[Any]) -> int:
    numbers = [plain(f"{what}[{i}]", score) for i, score in enumerate(scores)]
    return numbers.index(max(numbers))


def one_hot(k: SupportsIndex, n: int) -> list[float]:
    """Return e_k: n entries that are 0 but for a 1 at class k. Classes count from 0, so "class 3 of 5" is one_hot(2, 5).

    >>> one_hot(2, 5)
    [0.0, 0.0, 1.0, 0.0, 0.0]
    """
    n = as_int(n, "one_hot: n, the number of classes,")
    index = class_index("one_hot: k", k, n)
    return [1.0 if i == index else 0.0 for i in range(n)]


def plain(what: str, x: Any) -> float:
    """Return the number that x holds, where nothing but a number will do."""
    number = known(x)
    if number is None:
        reader = what.partition(":")[0]
        raise TypeError(f"{reader} decides by numbers, and the {type(x).__name__} that it was given holds none yet")
    if number != number:
        raise NotANumber(f"{what} must be a number that can be compared, got nan")
    return number


def decisions(what: str, outputs: Any, targets: Any, threshold: float = 0.5) -> list[tuple[int, int]]:
    """Return (decided class, true class) for each sample of a batch.

    A row of scores decides for its argmax, and its target is a class index or a one-hot row. A single score decides for
    class 1 where score ≥ threshold, else for class 0; its target is 0 or 1, or, beside scores that are decided at
    threshold 0, −1 or 1, where −1 is class 0.
    """
    threshold = as_finite(threshold, f"{what}: threshold")
    given, wanted = list_or_none(outputs), list_or_none(targets)
    if given is None or wanted is None:
        raise TypeError(f"{what}: outputs and targets are lists with one entry per sample")
    if not given:
        raise ValueError(f"{what} of an empty batch is undefined: give it at least one sample")
    if len(given) != len(wanted):
        raise ValueError(
            f"{what}: there is one target per output, and these are {len(given)} outputs, {len(wanted)} targets"
        )
    if list_or_none(given[0]) is None:
        scores = [plain(f"{what}: outputs[{i}]", score) for i, score in enumerate(row(f"{what}: outputs", given))]
        return [(int(score >= threshold), label) for score, label in zip(scores, _labels(what, wanted, threshold))]
    rows = [row(f"{what}: outputs[{i}]", scores) for i, scores in enumerate(given)]
    n = len(rows[0])
    if n < 2 or any(len(scores) != n for scores in rows):
        raise ValueError(
            f"{what}: each row has one score per class, two or more, and these have {sorted(set(map(len, rows)))}; a single "
            "score stands by itself, not in a list"
        )
    return [
        (_largest(f"{what}: outputs[{i}]", scores), _true_class(f"{what}: targets[{i}]", target, n))
        for i, (scores, target) in enumerate(zip(rows, wanted))
    ]


def _labels(what: str, targets: Sequence[Any], threshold: float) -> list[int]:
    labels = [plain(f"{what}: targets[{i}]", label) for i, label in enumerate(row(f"{what}: targets", targets))]
    kinds = set(labels)
    if not (kinds <= {0.0, 1.0} or kinds <= {-1.0, 1.0}):
        odd = next((label for label in labels if label not in (-1.0, 0.0, 1.0)), "a mixture of −1 and 0")
        raise ValueError(f"{what}: the targets of single scores are 0 or 1 throughout, or −1 or 1, not {odd}")
    if -1.0 in kinds and threshold == 0.5:
        raise ValueError(f"{what}: targets −1 and 1 stand beside scores, not probabilities: write threshold=0")
    return [int(label > 0) for label in labels]


def _true_class(what: str, target: Any, n: int) -> int:
    entries = list_or_none(target)
    if entries is None:
        return class_index(what, target, n)
    if len(entries) != n:
        raise ValueError(f"{what} has one entry per class, {n}, and this has {len(entries)}")
    return _largest(what, row(what, entries))
