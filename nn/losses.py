"""Losses, as the lectures write them: `loss(output, target)` of one sample or a batch.

All take reduction="mean", "sum" or "none" (the list of the losses). An elementwise loss counts every number: output and
target are both a number, a list, or rows. A row loss counts samples: an output is a row with one number per class, a batch
a list of rows; a target is a class index that counts from 0, a one-hot row, or a distribution over the classes.
A number or a single row gives its one loss. Floats in, floats out; with a Value anywhere, Values out.

No loss branches on what an output holds, only on targets that are plain numbers, so its graph may be replayed and traced.
"""

from __future__ import annotations

from typing import Any

from autograd import dot, log, log1p, logsumexp, relu, softplus, sum as add
from autograd.arguments import as_finite, list_or_none

from .chances import above, certain, expected, log_chances, negated, own_log_chances, refuse_infinite, unless_both_zero
from .functions import decisions
from .samples import (
    Numbers,
    Reduction,
    Weights,
    averaged,
    batch,
    check_reduction,
    defined,
    distribution,
    in_pairs,
    in_rows,
    is_plain,
    known,
    paired,
    place,
    probability,
    reduced,
    weights,
)

__all__ = [
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "binary_hinge",
    "cross_entropy",
    "cross_entropy_with_logits",
    "entropy",
    "hinge",
    "kl_divergence",
    "mean_squared_error",
    "negative_log_likelihood",
    "squared_error",
    "zero_one",
]

# Elementwise losses


def squared_error(output: Numbers, target: Numbers, *, half: bool = False, reduction: Reduction = "sum") -> Any:
    """Return Σ (o − t)², or ½ Σ (o − t)² with half=True, whose gradient is o − t.

    >>> squared_error([1.5, 1.0, 2.0], [1.0, 2.0, 3.0], half=True)
    1.125
    """
    pairs = paired("squared_error", reduction, output, target)
    given = in_pairs("squared_error", pairs)
    gaps = [o - t for _, o, t in pairs]
    if len(gaps) == 1 or reduction == "none":
        losses = [0.5 * (gap * gap) if half else gap * gap for gap in gaps]
        return reduced("squared_error", losses, reduction, pairs[0][0] is None, given)
    total = dot(gaps, gaps)
    return defined("squared_error", averaged(0.5 * total if half else total, len(gaps), reduction), given)


def mean_squared_error(output: Numbers, target: Numbers, *, reduction: Reduction = "mean") -> Any:
    """Return 1/n Σ (o − t)² over all n numbers.

    >>> mean_squared_error([1.5, 1.0, 2.0], [1.0, 2.0, 3.0])
    0.75
    """
    return squared_error(output, target, reduction=reduction)


def binary_cross_entropy(output: Numbers, target: Numbers, *, reduction: Reduction = "mean") -> Any:
    """Return −t log o − (1 − t) log(1 − o) for probabilities o and targets t, both in [0, 1].

    Where o is exactly 0 or 1 and the target is not, the loss would be infinite and is refused.

    >>> round(binary_cross_entropy(0.731058578630, 1), 9)
    0.313261688
    """
    name = "binary_cross_entropy"
    pairs = paired(name, reduction, output, target)
    losses = []
    for at, o, t in pairs:
        probability(f"{name}: output", at, o)
        probability(f"{name}: target", at, t)
        chances: Weights = []
        logs = []
        if not is_plain(t, 0.0):
            if known(o) == 0.0 != known(t):
                refuse_infinite(f"{name}: output", at, 0, "the target is not", name)
            chances.append((1, t))
            logs.append(log(unless_both_zero(t, o, o, 1.0)))
        if not is_plain(t, 1.0):
            if known(o) == 1.0 != known(t):
                refuse_infinite(f"{name}: output", at, 1, "the target is not", name)
            chances.append((0, 1.0 - t))
            logs.append(log1p(-unless_both_zero(1.0 - t, 1.0 - o, o, 0.0)))
        losses.append(negated(expected(chances, logs)))
    return reduced(name, losses, reduction, pairs[0][0] is None, in_pairs(name, pairs))


def binary_cross_entropy_with_logits(output: Numbers, target: Numbers, *, reduction: Reduction = "mean") -> Any:
    """Return t·softplus(−z) + (1 − t)·softplus(z), the binary cross-entropy of σ(z), for scores z (logits) of any size.

    The targets t lie in [0, 1]. Its gradient in z is σ(z) − t: the lectures' logistic regression.

    >>> binary_cross_entropy_with_logits([1000.0, -1000.0], [1, 1], reduction="none")
    [0.0, 1000.0]
    """
    name = "binary_cross_entropy_with_logits"
    pairs = paired(name, reduction, output, target)
    losses = []
    for at, z, t in pairs:
        probability(f"{name}: target", at, t)
        if is_plain(t, 1.0):
            losses.append(softplus(-z))
        elif is_plain(t, 0.0):
            losses.append(softplus(z))
        else:  # not softplus(z) − t·z, the same, in which large scores cancel
            losses.append(dot([t, 1.0 - t], [softplus(-z), softplus(z)]))
    return reduced(name, losses, reduction, pairs[0][0] is None, in_pairs(name, pairs))


def binary_hinge(score: Numbers, target: Numbers, *, reduction: Reduction = "mean") -> Any:
    """Return relu(1 − y·s) for scores s and targets y in {−1, 1}: 0 once a score is right by a margin of 1.

    >>> binary_hinge([2.0, 0.25, 0.25], [1, 1, -1], reduction="none")
    [0.0, 0.75, 1.25]
    """
    pairs = paired("binary_hinge", reduction, score, target)
    losses = []
    for at, s, y in pairs:
        label = known(y)
        if label is not None and label not in (-1.0, 1.0):
            raise ValueError(
                f"{place('binary_hinge: target', at)} is {label!r}, and a target is −1 or 1: write 2*t - 1 for t in "
                "{0, 1}"
            )
        if is_plain(y, 1.0):
            losses.append(relu(1.0 - s))
        else:
            losses.append(relu(1.0 + s) if is_plain(y, -1.0) else relu(1.0 - y * s))
    return reduced("binary_hinge", losses, reduction, pairs[0][0] is None, in_pairs("binary_hinge", pairs))


# Row losses


def cross_entropy(probabilities: Numbers, target: Any, *, reduction: Reduction = "mean") -> Any:
    """Return −Σₖ tₖ log pₖ for probabilities p and a target t; for a class index c, −log p_c.

    A probability of exactly 0 where the target is not 0 would make the loss infinite and is refused.

    >>> round(cross_entropy([0.25, 0.5, 0.25], 1), 9), round(cross_entropy([0.25, 0.5, 0.25], [0.5, 0.5, 0]), 9)
    (0.693147181, 1.039720771)
    """
    rows, single = batch("cross_entropy", reduction, probabilities)
    targets = weights("cross_entropy", target, rows, single)
    losses = []
    for (what, p), t in zip(rows, targets):
        for k, entry in enumerate(p):
            probability(what, k, entry)
        losses.append(negated(expected(t, log_chances(what, t, p, "the target is not", "cross_entropy"))))
    return reduced("cross_entropy", losses, reduction, single, in_rows(rows))


def cross_entropy_with_logits(z: Numbers, target: Any, *, reduction: Reduction = "mean") -> Any:
    """Return logsumexp(z) − Σₖ tₖ zₖ, the cross-entropy of softmax(z), for scores z (logits) of any size.

    For a class index c it is computed as logsumexp(z − z_c), so that large scores do not cancel. Its gradient in z is
    softmax(z) − t, as the lectures derive it.

    >>> round(cross_entropy_with_logits([3.2, 5.1, -1.7, -3.7], 1), 9)
    0.140486139
    >>> cross_entropy_with_logits([[1000.0, 0.0], [1000.0, 0.0]], [0, 1], reduction="none")
    [0.0, 1000.0]
    """
    name = "cross_entropy_with_logits"
    rows, single = batch(name, reduction, z)
    targets = weights(name, target, rows, single)
    losses = []
    for (_, s), t in zip(rows, targets):
        leads = above(s, t)
        loss = logsumexp(leads)
        losses.append(loss if certain(t) is not None else loss - expected(t, [leads[k] for k, _ in t]))
    return reduced(name, losses, reduction, single, in_rows(rows))


def negative_log_likelihood(log_probabilities: Numbers, target: Any, *, reduction: Reduction = "mean") -> Any:
    """Return −log p_c, given the logarithms of the probabilities and the class c (or −Σₖ tₖ log pₖ for a row t).

    >>> negative_log_likelihood([-0.5, -1.5], 1)
    1.5
    """
    name = "negative_log_likelihood"
    rows, single = batch(name, reduction, log_probabilities)
    targets = weights(name, target, rows, single)
    for _, p in rows:
        for x in p:
            defined(name, x, in_rows(rows))
    losses = [negated(expected(t, [p[k] for k, _ in t])) for (_, p), t in zip(rows, targets)]
    return reduced(name, losses, reduction, single, in_rows(rows))


def hinge(scores: Numbers, target: Any, margin: float = 1.0, *, reduction: Reduction = "mean") -> Any:
    """Return Σ_{k≠c} relu(s_k − s_c + margin) for scores s and the right class c, an index or a one-hot row.

    The lectures' loss for a linear classifier: 0 once the right class leads every other by the margin.

    >>> hinge([2.0, 5.0, -1.0], 0), hinge([1.0, 5.0, 2.0], 1)
    (4.0, 0.0)
    """
    margin = as_finite(margin, "hinge: margin", 0)
    rows, single = batch("hinge", reduction, scores)
    losses = []
    for (what, s), t in zip(rows, weights("hinge", target, rows, single)):
        if len(s) < 2:
            raise ValueError(f"{what} has one score, and hinge compares two or more: see binary_hinge")
        if any(known(x) not in (None, 0.0, 1.0) for _, x in t):
            raise ValueError("hinge: target is a class index or a one-hot row, not a distribution over several classes")
        leads = above(s, t)
        right = certain(t)
        if right is not None:
            losses.append(add([relu(lead + margin) for k, lead in enumerate(leads) if k != right]))
        else:  # which class is right, no plain number says: it is among the terms, and adds its margin to itself
            losses.append(add([relu(lead + margin) for lead in leads]) - margin)
    return reduced("hinge", losses, reduction, single, in_rows(rows))


def kl_divergence(p: Numbers, q: Numbers, *, reduction: Reduction = "mean") -> Any:
    """Return KL(p‖q) = Σ pₖ log pₖ − Σ pₖ log qₖ of two distributions: at least 0, and 0 only for p = q; not symmetric.

    It is the cross-entropy of q against p less the entropy of p. Where p is 0, its term and the slopes of this count as 0;
    where q is 0, p must be 0.

    >>> round(kl_divergence([0.5, 0.5], [0.25, 0.75]), 9), kl_divergence([0.5, 0.5], [0.5, 0.5])
    (0.143841036, 0.0)
    """
    rows, single = batch("kl_divergence", reduction, q, "q")
    losses = []
    for (what, entries), t in zip(rows, weights("kl_divergence", p, rows, single, "p")):
        distribution(what, entries)
        losses.append(expected(t, own_log_chances(t)) - expected(t, log_chances(what, t, entries, "p is not")))
    return reduced("kl_divergence", losses, reduction, single, in_rows(rows))


def entropy(p: Numbers, *, reduction: Reduction = "mean") -> Any:
    """Return H(p) = −Σ pₖ log pₖ of a distribution, in nats: 0 for a certain class, log n for n equal chances.

    Where p is 0, its term and the slope of this, which would be infinite, count as 0.

    >>> round(entropy([0.25, 0.25, 0.25, 0.25]), 9), entropy([1.0, 0.0])
    (1.386294361, 0.0)
    """
    rows, single = batch("entropy", reduction, p, "p")
    classes = [distribution(what, entries) for what, entries in rows]
    losses = [negated(expected(t, own_log_chances(t))) for t in classes]
    return reduced("entropy", losses, reduction, single, in_rows(rows))


def zero_one(output: Numbers, target: Any, *, threshold: float = 0.5, reduction: Reduction = "mean") -> Any:
    """Return 1 where the class decided for is not the target, else 0: a plain number, which no gradient passes.

    A row decides for its argmax, a single score for class 1 where it is ≥ threshold: 0.5 for probabilities; 0 for scores
    and targets in {−1, 1}. The target of one sample is a number; a list has one target per sample of a batch.

    >>> zero_one([0.1, 0.7, 0.2], 1), zero_one([0.9, 0.4, 0.6], [1, 1, 0], reduction="sum")
    (0.0, 2.0)
    """
    check_reduction("zero_one", reduction)
    single = list_or_none(target) is None
    pairs = decisions("zero_one", [output] if single else output, [target] if single else target, threshold)
    return reduced("zero_one", [float(decided != true) for decided, true in pairs], reduction, single, ())
