"""Losses and the functions around them: `loss(output, target)` of one sample or of a batch.

Every loss takes reduction="mean", "sum" or "none" (the list of the losses). The mean of an elementwise loss is over
numbers: output and target have the same shape, a number, a list or rows. The mean of a row loss is over samples: an output
is a row with one number per class, and a batch is a list of rows; a target is a class index that counts from 0 (in a
compiled function also a Value), a one-hot row, or a distribution over the classes.
A number or a single row gives one loss. Floats give floats; a Value anywhere gives Values.

A loss branches on targets that are plain numbers, never on the number in an output, so its graph can be replayed and traced.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from math import inf, isfinite, nan
from typing import Any, Literal, NoReturn, SupportsIndex

from autograd import Value, abs as absolute, dot, exp, log, log1p, logsumexp, relu, softplus, sum as add, where
from autograd.arguments import (
    as_finite,
    as_int,
    as_list,
    as_operand,
    checks_keywords,
    describe,
    entries_of,
    list_or_none,
    require_distinct,
    truncated_repr,
)
from autograd.indexing import hits

__all__ = [
    "argmax",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "binary_hinge",
    "cross_entropy",
    "cross_entropy_with_logits",
    "entropy",
    "hinge",
    "kl_divergence",
    "l1",
    "l2",
    "log_softmax",
    "mean_squared_error",
    "negative_log_likelihood",
    "one_hot",
    "softmax",
    "squared_error",
]

# A number, a list of numbers, or rows of them; each a float, a Value, or a symbol that holds no number yet.
Numbers = Any
Index = int | tuple[int, int] | None  # the index of an entry in a list or in rows; None for a number alone
Pair = tuple[Index, Any, Any]  # an entry of the output and the entry of the target at the same index
Reduction = Literal["mean", "sum", "none"]
Row = tuple[str, list[Any]]  # the name of a row in messages, and its entries
Chances = list[tuple[int, Any]]  # the classes of a target whose probability is not a plain 0, with their probabilities
NamedNumbers = Iterable[tuple[str, Any]]  # the numbers that a loss was given, with their names in messages

TOLERANCE = 1e-6  # maximum distance from 1 of the sum of a distribution, to allow for rounding


class NotANumber(ValueError, FloatingPointError):
    """A loss or a metric is nan: a ValueError for a caller, a FloatingPointError (divergence) for training."""


# Scores, probabilities and classes


@checks_keywords
def softmax(z: Numbers) -> list[Any]:
    """Return pᵢ = exp(zᵢ) / Σⱼ exp(zⱼ), computed from zᵢ − logsumexp(z), so that exp cannot overflow.

    A list of n scores gives a list of n probabilities; floats give floats, Values give Values.

    >>> [round(p, 2) for p in softmax([3.2, 5.1, -1.7, -3.7])]
    [0.13, 0.87, 0.0, 0.0]
    >>> softmax([1000.0, -1000.0])
    [1.0, 0.0]
    """
    powers = [exp(score) for score in _less_logsumexp(z)]
    total = add(powers)
    return [power / total for power in powers]


@checks_keywords
def log_softmax(z: Numbers) -> list[Any]:
    """Return log pᵢ = zᵢ − logsumexp(z), the logarithm of the softmax, exact where the softmax itself would be 0.

    A list of n scores gives a list of n; floats give floats, Values give Values.

    >>> log_softmax([1000.0, -1000.0])
    [0.0, -2000.0]
    """
    scores = _less_logsumexp(z)
    rest = logsumexp(scores)
    return [score - rest for score in scores]


def _less_logsumexp(z: Numbers) -> list[Any]:
    """Return zᵢ − logsumexp(z), which has the same softmax and no entry far above 0.

    For large scores logsumexp is rounded, so the exponentials of the result do not sum to exactly 1. Use it only where a shift
    of all scores changes nothing.
    """
    scores = as_row(z, "the scores of a softmax")
    top = logsumexp(scores)
    return [score - top for score in scores]


@checks_keywords
def argmax(z: Numbers) -> int:
    """Return the index of the largest of n scores, the first of ties, as a plain int without a gradient.

    >>> argmax([3.2, 5.1, -1.7, -3.7]), argmax([2.0, 2.0])
    (1, 0)
    """
    return index_of_largest(as_row(z, "the scores of argmax"), "argmax: z")


@checks_keywords
def one_hot(k: SupportsIndex | Value, n: int) -> list[Any]:
    """Return n entries, 1 at class k and 0 elsewhere. Classes count from 0, so "class 3 of 5" is one_hot(2, 5).

    Of a class that is a Value, such as an input of a compiled function, the entries are Values.

    >>> one_hot(2, 5)
    [0.0, 0.0, 1.0, 0.0, 0.0]
    """
    n = as_int(n, "one_hot: n, the number of classes,")
    if isinstance(k, Value):
        return hits(k, n, "one_hot: k")
    index = as_class_index(k, "one_hot: k", n)
    return [1.0 if i == index else 0.0 for i in range(n)]


# Elementwise losses


@checks_keywords
def squared_error(output: Numbers, target: Numbers, *, half: bool = False, reduction: Reduction = "sum") -> Any:
    """Return Σ (o − t)², or ½ Σ (o − t)² with half=True, whose gradient is o − t.

    >>> squared_error([1.5, 1.0, 2.0], [1.0, 2.0, 3.0], half=True)
    1.125
    """
    return _squared_error("squared_error", output, target, half, reduction)


def _squared_error(name: str, output: Numbers, target: Numbers, half: bool, reduction: Reduction) -> Any:
    pairs = pair_entries(name, reduction, output, target)
    given = name_pairs(name, pairs)
    gaps = [o - t for _, o, t in pairs]
    if len(gaps) == 1 or reduction == "none":
        losses = [0.5 * (gap * gap) if half else gap * gap for gap in gaps]
        return reduce(name, losses, reduction, pairs[0][0] is None, given)
    total = dot(gaps, gaps)
    loss = average(0.5 * total if half else total, len(gaps), reduction)
    found = number_or_none(loss)
    if found == inf:
        share = average(0.5 if half else 1.0, len(gaps), reduction)
        return dot([share * gap for gap in gaps], gaps)
    return require_defined(name, loss, given)


@checks_keywords
def mean_squared_error(output: Numbers, target: Numbers, *, reduction: Reduction = "mean") -> Any:
    """Return 1/n Σ (o − t)² over all n numbers.

    >>> mean_squared_error([1.5, 1.0, 2.0], [1.0, 2.0, 3.0])
    0.75
    """
    return _squared_error("mean_squared_error", output, target, False, reduction)


@checks_keywords
def binary_cross_entropy(output: Numbers, target: Numbers, *, reduction: Reduction = "mean") -> Any:
    """Return −t log o − (1 − t) log(1 − o) for probabilities o and targets t, both in [0, 1].

    ValueError where o is exactly 0 or 1 and the target is not: the loss would be infinite.

    >>> round(binary_cross_entropy(0.731058578630, 1), 9)
    0.313261688
    """
    name = "binary_cross_entropy"
    pairs = pair_entries(name, reduction, output, target)
    losses = []
    for index, o, t in pairs:
        require_probability(o, f"{name}: output", index)
        require_probability(t, f"{name}: target", index)
        chances: Chances = []
        logs = []
        if not is_plain(t, 0.0):
            if number_or_none(o) == 0.0 != number_or_none(t):
                raise_infinite(f"{name}: output", index, 0, "the target is not", name)
            chances.append((1, t))
            logs.append(log(_unless_both_zero(t, o, o, 1.0)))
        if not is_plain(t, 1.0):
            if number_or_none(o) == 1.0 != number_or_none(t):
                raise_infinite(f"{name}: output", index, 1, "the target is not", name)
            chances.append((0, 1.0 - t))
            logs.append(log1p(-_unless_both_zero(1.0 - t, 1.0 - o, o, 0.0)))
        losses.append(negate(expectation(chances, logs)))
    return reduce(name, losses, reduction, pairs[0][0] is None, name_pairs(name, pairs))


@checks_keywords
def binary_cross_entropy_with_logits(output: Numbers, target: Numbers, *, reduction: Reduction = "mean") -> Any:
    """Return t·softplus(−z) + (1 − t)·softplus(z), the binary cross-entropy of σ(z), for scores z (logits) of any size.

    The targets t lie in [0, 1]. Its gradient in z is σ(z) − t.

    >>> binary_cross_entropy_with_logits([1000.0, -1000.0], [1, 1], reduction="none")
    [0.0, 1000.0]
    """
    name = "binary_cross_entropy_with_logits"
    pairs = pair_entries(name, reduction, output, target)
    losses = []
    for index, z, t in pairs:
        require_probability(t, f"{name}: target", index)
        if is_plain(t, 1.0):
            losses.append(softplus(-z))
        elif is_plain(t, 0.0):
            losses.append(softplus(z))
        else:  # equal to softplus(z) − t·z, in which large scores cancel
            losses.append(dot([t, 1.0 - t], [softplus(-z), softplus(z)]))
    return reduce(name, losses, reduction, pairs[0][0] is None, name_pairs(name, pairs))


@checks_keywords
def binary_hinge(score: Numbers, target: Numbers, *, reduction: Reduction = "mean") -> Any:
    """Return relu(1 − y·s) for scores s and targets y in {−1, 1}: 0 once a score is right by a margin of 1.

    >>> binary_hinge([2.0, 0.25, 0.25], [1, 1, -1], reduction="none")
    [0.0, 0.75, 1.25]
    """
    names = ("score", "target")
    pairs = pair_entries("binary_hinge", reduction, score, target, names)
    losses = []
    for index, s, y in pairs:
        label = number_or_none(y)
        if label is not None and label not in (-1.0, 1.0):
            raise ValueError(
                f"{entry_name('binary_hinge: target', index)} must be −1 or 1, got {label!r}: write 2*t - 1 for t in {{0, 1}}"
            )
        if is_plain(y, 1.0):
            losses.append(relu(1.0 - s))
        else:
            losses.append(relu(1.0 + s) if is_plain(y, -1.0) else relu(1.0 - y * s))
    return reduce("binary_hinge", losses, reduction, pairs[0][0] is None, name_pairs("binary_hinge", pairs, names))


# Row losses


@checks_keywords
def cross_entropy(probabilities: Numbers, target: Any, *, reduction: Reduction = "mean") -> Any:
    """Return −Σₖ tₖ log pₖ for probabilities p and a target t; for a class index c, −log p_c.

    ValueError where a probability is exactly 0 and the target is not: the loss would be infinite.

    >>> round(cross_entropy([0.25, 0.5, 0.25], 1), 9), round(cross_entropy([0.25, 0.5, 0.25], [0.5, 0.5, 0]), 9)
    (0.693147181, 1.039720771)
    """
    rows, single = read_rows("cross_entropy", reduction, probabilities, "probabilities")
    targets = read_targets("cross_entropy", target, rows, single)
    losses = []
    for (what, p), t in zip(rows, targets):
        for k, entry in enumerate(p):
            require_probability(entry, what, k)
        losses.append(negate(expectation(t, _log_probabilities(what, t, p, "the target is not", "cross_entropy"))))
    return reduce("cross_entropy", losses, reduction, single, name_rows(rows))


@checks_keywords
def cross_entropy_with_logits(z: Numbers, target: Any, *, reduction: Reduction = "mean") -> Any:
    """Return logsumexp(z) − Σₖ tₖ zₖ, the cross-entropy of softmax(z), for scores z (logits) of any size.

    Its gradient in z is softmax(z) − t. Before the sum, z_c is subtracted for a class index c, else the largest score, so that
    large scores do not cancel. If the class leads by more than 37, its loss, below 1e-16, is rounded to 0.

    >>> round(cross_entropy_with_logits([3.2, 5.1, -1.7, -3.7], 1), 9)
    0.140486139
    >>> cross_entropy_with_logits([[1000.0, 0.0], [1000.0, 0.0]], [0, 1], reduction="none")
    [0.0, 1000.0]
    """
    name = "cross_entropy_with_logits"
    rows, single = read_rows(name, reduction, z, "z")
    targets = read_targets(name, target, rows, single)
    losses = []
    for (_, s), t in zip(rows, targets):
        leads = _score_differences(s, t) if certain_class(t) is not None else _less_largest(s, t)
        loss = logsumexp(leads)
        losses.append(loss if certain_class(t) is not None else loss - expectation(t, [leads[k] for k, _ in t]))
    return reduce(name, losses, reduction, single, name_rows(rows))


@checks_keywords
def negative_log_likelihood(log_probabilities: Numbers, target: Any, *, reduction: Reduction = "mean") -> Any:
    """Return −log p_c, given the logarithms of the probabilities and the class c (or −Σₖ tₖ log pₖ for a row t).

    >>> negative_log_likelihood([-0.5, -1.5], 1)
    1.5
    """
    name = "negative_log_likelihood"
    rows, single = read_rows(name, reduction, log_probabilities, "log_probabilities")
    targets = read_targets(name, target, rows, single)
    for _, p in rows:
        for x in p:
            require_defined(name, x, name_rows(rows))
    losses = [negate(expectation(t, [p[k] for k, _ in t])) for (_, p), t in zip(rows, targets)]
    return reduce(name, losses, reduction, single, name_rows(rows))


@checks_keywords
def hinge(scores: Numbers, target: Any, margin: float = 1.0, *, reduction: Reduction = "mean") -> Any:
    """Return Σ_{k≠c} relu(s_k − s_c + margin) for scores s and the right class c, an index or a one-hot row.

    The loss of a linear classifier: 0 once the right class leads every other by the margin.

    >>> hinge([2.0, 5.0, -1.0], 0), hinge([1.0, 5.0, 2.0], 1)
    (4.0, 0.0)
    """
    margin = as_finite(margin, "hinge: margin", 0)
    rows, single = read_rows("hinge", reduction, scores, "scores")
    losses = []
    for (what, s), t in zip(rows, read_targets("hinge", target, rows, single)):
        if len(s) < 2:
            raise ValueError(f"{what} must have two scores or more, got one: see binary_hinge")
        if any(number_or_none(x) not in (None, 0.0, 1.0) for _, x in t):
            raise ValueError(
                "hinge: target must be a class index or a one-hot row, got a distribution over several classes"
            )
        leads = _score_differences(s, t)
        right = certain_class(t)
        if right is not None:
            losses.append(add([relu(lead + margin) for k, lead in enumerate(leads) if k != right]))
        else:  # tracing does not know the right class, so its term relu(0 + margin) is subtracted
            losses.append(add([relu(lead + margin) for lead in leads]) - margin)
    return reduce("hinge", losses, reduction, single, name_rows(rows))


@checks_keywords
def kl_divergence(p: Numbers, q: Numbers, *, reduction: Reduction = "mean") -> Any:
    """Return KL(p‖q) = Σ pₖ log pₖ − Σ pₖ log qₖ of two distributions: at least 0, and 0 only for p = q; not symmetric.

    It is the cross-entropy of q against p minus the entropy of p. The difference is rounded to about 1e-16, so it can be
    slightly negative for nearly equal p and q. Where p is 0, the term and its slope are 0; where q is 0, p must be 0.

    >>> round(kl_divergence([0.5, 0.5], [0.25, 0.75]), 9), kl_divergence([0.5, 0.5], [0.5, 0.5])
    (0.143841036, 0.0)
    """
    rows, single = read_rows("kl_divergence", reduction, q, "q")
    losses = []
    for (what, entries), t in zip(rows, read_targets("kl_divergence", p, rows, single, "p")):
        as_distribution(entries, what)
        losses.append(
            expectation(t, _log_chances(t)) - expectation(t, _log_probabilities(what, t, entries, "p is not"))
        )
    return reduce("kl_divergence", losses, reduction, single, name_rows(rows))


@checks_keywords
def entropy(p: Numbers, *, reduction: Reduction = "mean") -> Any:
    """Return H(p) = −Σ pₖ log pₖ of a distribution, in nats: 0 for a certain class, log n for n equal probabilities.

    Where p is 0, its term and the slope of the term, which would be infinite, count as 0.

    >>> round(entropy([0.25, 0.25, 0.25, 0.25]), 9), entropy([1.0, 0.0])
    (1.386294361, 0.0)
    """
    rows, single = read_rows("entropy", reduction, p, "p")
    distributions = [as_distribution(entries, what) for what, entries in rows]
    losses = [negate(expectation(t, _log_chances(t))) for t in distributions]
    return reduce("entropy", losses, reduction, single, name_rows(rows))


# Penalties on parameters, which `fit` adds to the cost once per batch


@checks_keywords
def l1(parameters: Iterable[Any], strength: float) -> Any:
    """Return strength·Σ |w|, whose gradient strength·sign(w) moves every parameter towards 0 by the same amount.

    >>> l1([3.0, -4.0], 0.5)
    3.5
    """
    return _penalty(
        "l1",
        parameters,
        strength,
        lambda ws: add([absolute(w) for w in ws]),
        lambda ws, share: add([share * absolute(w) for w in ws]),
    )


@checks_keywords
def l2(parameters: Iterable[Any], strength: float) -> Any:
    """Return strength·Σ w², whose gradient is 2·strength·w.

    >>> l2([3.0, -4.0], 0.5)
    12.5
    """
    return _penalty(
        "l2", parameters, strength, lambda ws: dot(ws, ws), lambda ws, share: dot([share * w for w in ws], ws)
    )


def _penalty(
    name: str,
    parameters: Iterable[Any],
    strength: float,
    total: Callable[[list[Any]], Any],
    scaled: Callable[[list[Any], float], Any],
) -> Any:
    """Return strength times the total of the parameters; scaled(parameters, strength) scales each term first."""
    entries = as_list(parameters, f"{name}: parameters")
    require_distinct(entries, f"{name}: parameters")
    strength = as_finite(strength, f"{name}: strength", 0)
    try:
        found = strength * total(entries)
    except TypeError:
        as_row(entries, f"{name}: parameters")  # raises, naming the entry
        raise
    found = unless_infinite(found, lambda: scaled(entries, strength))
    return require_defined(name, found, ((f"{name}: parameters[{i}]", w) for i, w in enumerate(entries)))


# Sums over the classes of a target, and the logarithms in them


def certain_class(t: Chances) -> int | None:
    """Return the class whose probability is a plain 1; None for any other target."""
    return t[0][0] if len(t) == 1 and is_plain(t[0][1], 1.0) else None


def expectation(t: Chances, xs: list[Any]) -> Any:
    """Return Σ tₖ xₖ; for a certain class, its x."""
    return dot([chance for _, chance in t], xs) if certain_class(t) is None else xs[0]


def _score_differences(z: list[Any], t: Chances) -> list[Any]:
    """Return zₖ − Σⱼ tⱼ zⱼ for every class, so that large scores do not cancel later.

    The sum Σⱼ tⱼ zⱼ is exact for a one-hot target only. For others, use it where a shift of all scores changes nothing.
    """
    reference = expectation(t, [z[k] for k, _ in t])
    right = certain_class(t) if len(z) > 1 else None
    return [0.0 if k == right else score - reference for k, score in enumerate(z)]


def _less_largest(z: list[Any], t: Chances) -> list[Any]:
    """Return the scores minus the largest, a constant; use it where a shift of all scores changes nothing.

    While tracing, scores hold no numbers: Σⱼ tⱼ zⱼ is subtracted instead, which is exact for a one-hot target.
    """
    numbers = [number_or_none(score) for score in z]
    if None in numbers:
        return _score_differences(z, t)
    top = max(numbers)  # type: ignore[type-var]
    return [score - top for score in z] if top and isfinite(top) else z


def _log_probabilities(what: str, t: Chances, p: list[Any], beside: str, loss: str = "") -> list[Any]:
    """Return log pₖ of the classes in t; raise where pₖ is 0 and tₖ is not."""
    for k, chance in t:
        if number_or_none(p[k]) == 0.0 != number_or_none(chance):
            raise_infinite(what, k, 0, beside, loss)
    return [log(_unless_both_zero(chance, p[k], p[k], 1.0)) for k, chance in t]


def _log_chances(t: Chances) -> list[Any]:
    """Return log tₖ of the classes in t, and 0 where tₖ is 0."""
    return [log(chance if chance.__class__ is float else where(chance, chance, 1.0)) for _, chance in t]


def _unless_both_zero(chance: Any, p: Any, x: Any, other: float) -> Any:
    """Return x, or `other`, whose logarithm is 0, where a chance t and p are both 0: t·log p counts as 0 there."""
    return x if chance.__class__ is float else where(chance + p, x, other)


def raise_infinite(what: str, index: Index, p: int, beside: str, loss: str = "") -> NoReturn:
    """Raise for a probability of exactly 0 or 1 that makes a loss infinite."""
    remedy = f": give the scores themselves to {loss}_with_logits" if loss else ""
    raise ValueError(f"{entry_name(what, index)} is exactly {p} where {beside}, so the loss would be infinite{remedy}")


def negate(x: Any) -> Any:
    """Return −x, but 0.0 for 0.0, because −0.0 prints as -0.0."""
    return 0.0 - x if number_or_none(x) == 0.0 else -x


# Reading outputs and targets


def number_or_none(x: Any) -> float | None:
    """Return the number that x holds, for checks only; None for a symbol, which holds none.

    All checks of an output's number use this function. The graph of a loss never depends on its result.
    """
    if x.__class__ is float:
        return x
    try:
        return x.data if isinstance(x, Value) else None
    except TypeError:  # while a function is compiled, its Values hold no numbers
        return None


def is_plain(x: Any, number: float) -> bool:
    """Tell whether x is a float equal to `number`. A loss may branch on this: it is False for a Value, whatever its data."""
    return x.__class__ is float and x == number


def entry_name(what: str, index: Index) -> str:
    """Return the name of an entry in messages: output, output[2], output[2][0]."""
    if index is None:
        return what
    return f"{what}[{index}]" if isinstance(index, int) else f"{what}[{index[0]}][{index[1]}]"


def as_row(x: Any, what: str) -> list[Any]:
    """Return the numbers of a list or an array, each a float, a Value or a symbol; raise if it is empty."""
    return [
        entry if entry.__class__ is float or entry.__class__ is Value else as_operand(entry, f"{what}[{i}]")
        for i, entry in enumerate(entries_of(x, what))
    ]


def index_of_largest(scores: Sequence[Any], what: str) -> int:
    """Return the index of the largest score, the first of ties; `what` is the name of the scores in messages."""
    numbers = [as_comparable(score, f"{what}[{i}]") for i, score in enumerate(scores)]
    return numbers.index(max(numbers))


def as_comparable(x: Any, what: str) -> float:
    """Return the number that x holds; raise for nan, and for a symbol, which holds no number."""
    number = number_or_none(x)
    if number is None:
        reader = what.partition(":")[0]
        raise TypeError(
            f"{reader} compares numbers, so its arguments must hold numbers, got a {type(x).__name__} without one"
        )
    if number != number:
        raise NotANumber(f"{what} must be a number that can be compared, got nan")
    return number


def pair_entries(
    loss: str, reduction: Reduction, output: Numbers, target: Numbers, names: tuple[str, str] = ("output", "target")
) -> list[Pair]:
    """Return the entries of output and target, which must have the same shape, in pairs."""
    require_reduction(loss, reduction)
    outputs, shape = _flatten(output, f"{loss}: {names[0]}")
    targets, other = _flatten(target, f"{loss}: {names[1]}")
    if shape != other:
        raise ValueError(
            f"{loss}: {names[0]} and {names[1]} must have the same shape, got {_describe_shape(shape)} and {_describe_shape(other)}"
        )
    return list(zip(_indices(shape), outputs, targets))


def _flatten(x: Any, what: str) -> tuple[list[Any], tuple[int, ...] | list[int]]:
    """Return all numbers of x and its shape: () for a number, (n,) for a list, a list of row lengths for rows."""
    entries = list_or_none(x)
    if entries is None:
        return [as_operand(x, what)], ()
    if not entries or list_or_none(entries[0]) is None:
        return as_row(entries, what), (len(entries),)
    rows = [as_row(row, f"{what}[{i}]") for i, row in enumerate(entries)]
    return [entry for row in rows for entry in row], [len(row) for row in rows]


def _indices(shape: tuple[int, ...] | list[int]) -> Sequence[Index]:
    if isinstance(shape, list):
        return [(i, j) for i, n in enumerate(shape) for j in range(n)]
    return range(shape[0]) if shape else [None]


def _describe_shape(shape: tuple[int, ...] | list[int]) -> str:
    if isinstance(shape, list):
        lengths = sorted(set(shape))
        return f"{len(shape)} rows of {lengths[0] if len(lengths) == 1 else shape}"
    return f"a list of {shape[0]}" if shape else "one number"


def read_rows(loss: str, reduction: Reduction, output: Numbers, name: str = "output") -> tuple[list[Row], bool]:
    """Return the rows of a batch, each with its name, and whether the output is a single row instead of a batch."""
    require_reduction(loss, reduction)
    what = f"{loss}: {name}"
    rows = list_or_none(output)
    expected = f"{what} must be a row with one number per class, or a list of rows"
    if rows is None:
        raise TypeError(f"{expected}, got {describe(output)}")
    if not rows:
        raise ValueError(f"{expected}, got an empty list")
    if list_or_none(rows[0]) is None:
        return [(what, as_row(rows, what))], True
    names = [f"{what}[{i}]" for i in range(len(rows))]
    return [(row_name, as_row(row, row_name)) for row_name, row in zip(names, rows)], False


def read_targets(loss: str, target: Any, rows: Sequence[Row], single: bool, name: str = "target") -> list[Chances]:
    """Return the target of each row, a class index, a one-hot row or a distribution, as classes with probabilities."""
    what = f"{loss}: {name}"
    if single:
        return [_read_target(target, what, len(rows[0][1]))]
    targets = list_or_none(target)
    if targets is None or len(targets) != len(rows):
        got = describe(target) if targets is None else f"{len(targets)}"
        raise ValueError(f"{what} must be a list with one entry per row of the output, {len(rows)} in all, got {got}")
    return [_read_target(t, f"{what}[{i}]", len(entries)) for i, (t, (_, entries)) in enumerate(zip(targets, rows))]


def _read_target(target: Any, what: str, n: int) -> Chances:
    if isinstance(target, Value):
        return list(enumerate(hits(target, n, what)))
    if list_or_none(target) is None:
        return [(as_class_index(target, what, n), 1.0)]
    entries = as_row(target, what)
    if len(entries) != n:
        raise ValueError(f"{what} must have one entry per class, {n} in all, got {len(entries)}")
    return as_distribution(entries, what)


def as_class_index(k: Any, what: str, n: int) -> int:
    """Return the index of one of n classes as an int in 0 … n − 1."""
    try:
        index = operator.index(k)
    except TypeError:
        raise TypeError(
            f"{what} must be the index of a class, an int that counts from 0, got {describe(k)}: write int(k), or give a row "
            "with one probability per class"
        ) from None
    if not 0 <= index < n:
        raise ValueError(f"{what} must be a class from 0 to {n - 1}, got {index}")
    return index


def require_probability(x: Any, what: str, index: Index) -> None:
    """Raise for a number outside [0, 1]."""
    p = number_or_none(x)
    if p is not None and not 0.0 <= p <= 1.0:
        raise ValueError(
            f"{entry_name(what, index)} must be a probability, in [0, 1], got {p!r}: softmax(z) or sigmoid(z) makes "
            "probabilities of scores, and the losses _with_logits take scores as they are"
        )


def as_distribution(entries: list[Any], what: str) -> Chances:
    """Return the classes of a distribution with their probabilities; raise unless these are in [0, 1] and sum to 1.

    Entries that are a plain 0 are left out, so that 0·log 0 counts as 0.
    """
    total = 0.0
    for i, x in enumerate(entries):
        require_probability(x, what, i)
        p = number_or_none(x)
        total = nan if p is None else total + p
    if abs(total - 1.0) > TOLERANCE:
        raise ValueError(
            f"{what} must be a distribution, which sums to 1, got the sum {total:.6g}: softmax(z) makes one of scores, "
            "[n / sum(ns) for n in ns] of counts"
        )
    return [(k, x) for k, x in enumerate(entries) if not is_plain(x, 0.0)]


# Reducing the losses of a batch


def require_reduction(loss: str, reduction: str) -> None:
    """Raise unless the reduction is a known one."""
    if not isinstance(reduction, str) or reduction not in ("mean", "sum", "none"):
        raise ValueError(f'{loss}: reduction must be "mean", "sum" or "none", got {truncated_repr(reduction)}')


def reduce(loss: str, losses: list[Any], reduction: Reduction, single: bool, given: NamedNumbers) -> Any:
    """Return the mean or the sum of losses, or the list of them; of a single sample, its loss."""
    if single:
        return require_defined(loss, losses[0], given)
    if reduction == "none":
        return [require_defined(loss, x, given) for x in losses]
    n = len(losses)
    found = average(add(losses) if n > 1 else losses[0], n, reduction)
    found = unless_infinite(found, lambda: add([average(x, n, reduction) for x in losses]))
    return require_defined(loss, found, given)


def average(total: Any, n: int, reduction: Reduction) -> Any:
    """Return a sum of n losses, or their mean."""
    return total / n if reduction == "mean" and n > 1 else total


def unless_infinite(x: Any, scaled: Callable[[], Any]) -> Any:
    """Return x, or scaled() if x is infinite: the same sum, but with its terms scaled before they are added."""
    return scaled() if number_or_none(x) in (inf, -inf) else x


def require_defined(loss: str, x: Any, given: NamedNumbers) -> Any:
    """Return a loss; raise if it is nan, naming an argument that is not finite."""
    found = number_or_none(x)
    if found == found:
        return x
    named = [(name, number) for name, entry in given for number in [number_or_none(entry)] if number is not None]
    wrong = [pair for pair in named if pair[1] != pair[1]] or [pair for pair in named if abs(pair[1]) == inf]
    if not wrong:
        raise NotANumber(f"{loss} is nan: the numbers that it was given are too large, scale them down")
    raise NotANumber(f"{wrong[0][0]} must be a finite number, got {wrong[0][1]}, which makes the loss nan")


def name_pairs(
    loss: str, pairs: Sequence[Pair], names: tuple[str, str] = ("output", "target")
) -> Iterator[tuple[str, Any]]:
    """Yield the numbers of `pair_entries` with their names."""
    for index, output, target in pairs:
        yield entry_name(f"{loss}: {names[0]}", index), output
        yield entry_name(f"{loss}: {names[1]}", index), target


def name_rows(rows: Sequence[Row]) -> Iterator[tuple[str, Any]]:
    """Yield the numbers of `read_rows` with their names."""
    for what, entries in rows:
        for i, x in enumerate(entries):
            yield f"{what}[{i}]", x
