"""What a loss is given: an output and its target, read as numbers, rows and classes, or refused in a sentence.

A number is a float, a Value, or a stand-in of a Value that holds no number yet. Lists, tuples and arrays hold them.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator, Sequence
from math import inf, nan
from typing import Any, Literal

from autograd import Value, sum as add
from autograd.arguments import as_operand, describe, entries_of, list_or_none

__all__ = [
    "NotANumber",
    "Numbers",
    "Reduction",
    "Row",
    "Weights",
    "batch",
    "check_reduction",
    "class_index",
    "defined",
    "distribution",
    "in_pairs",
    "in_rows",
    "is_plain",
    "known",
    "paired",
    "place",
    "probability",
    "reduced",
    "weights",
]

Numbers = Any  # a number, or a list of numbers, or rows of them
Place = int | tuple[int, int] | None  # where an entry stands: in a list, in rows, or alone
Reduction = Literal["mean", "sum", "none"]
Row = tuple[str, list[Any]]  # the name of a row in messages, and its entries
Weights = list[tuple[int, Any]]  # classes that count in a target, each with its probability

Named = Iterable[tuple[str, Any]]  # the numbers that a loss was given, each with its name in messages

TOLERANCE = 1e-6  # how far from 1 the probabilities of a distribution may sum, by rounding


class NotANumber(ValueError, FloatingPointError):
    """A loss or a metric of nan: a wrong argument, and in training the end of the finite numbers."""


def known(x: Any) -> float | None:
    """Return the number that x holds, for checks only; None for a stand-in, which holds none.

    Every look at an output's number goes through here. What a loss builds never depends on it.
    """
    if x.__class__ is float:
        return x
    try:
        return x.data if isinstance(x, Value) else None
    except TypeError:  # it is being compiled, and shows no number
        return None


def row(what: str, x: Any) -> list[Any]:
    """Return the numbers of a list or an array, each a float, a Value or a symbol; an empty one is refused."""
    return [
        entry if entry.__class__ is float or entry.__class__ is Value else as_operand(entry, f"{what}[{i}]")
        for i, entry in enumerate(entries_of(x, what))
    ]


def place(what: str, where: Place) -> str:
    """Name an entry as a person would write it: output, output[2], output[2][0]."""
    if where is None:
        return what
    return f"{what}[{where}]" if isinstance(where, int) else f"{what}[{where[0]}][{where[1]}]"


def paired(loss: str, reduction: Reduction, output: Numbers, target: Numbers) -> list[tuple[Place, Any, Any]]:
    """Return (place, number of the output, number of the target) for every entry of two equal shapes."""
    check_reduction(loss, reduction)
    outputs, shape = _flat(f"{loss}: output", output)
    targets, other = _flat(f"{loss}: target", target)
    if shape != other:
        raise ValueError(
            f"{loss}: output and target have the same shape, and output is {_described(shape)}, "
            f"target {_described(other)}"
        )
    return list(zip(_places(shape), outputs, targets))


def batch(loss: str, reduction: Reduction, output: Numbers, name: str = "output") -> tuple[list[Row], bool]:
    """Return the rows of a batch, each with its name, and whether there is but one, given as a row and not as a batch."""
    check_reduction(loss, reduction)
    what = f"{loss}: {name}"
    rows = list_or_none(output)
    if rows is None:
        raise TypeError(f"{what} is a row with one number per class, or a list of rows, not {describe(output)}")
    if not rows:
        raise ValueError(f"{what} is empty: give it a row with one number per class, or a list of rows")
    if list_or_none(rows[0]) is None:
        return [(what, row(what, rows))], True
    return [(where, row(where, entries)) for i, entries in enumerate(rows) for where in [f"{what}[{i}]"]], False


def weights(loss: str, target: Any, rows: Sequence[Row], single: bool, name: str = "target") -> list[Weights]:
    """Return for each row the classes that count in its target: a class index, a one-hot row or a distribution."""
    what = f"{loss}: {name}"
    if single:
        return [_weights(what, target, len(rows[0][1]))]
    targets = list_or_none(target)
    if targets is None or len(targets) != len(rows):
        given = describe(target) if targets is None else f"{len(targets)}"
        raise ValueError(f"{what} is a list with one entry per row of the output, {len(rows)} in all, not {given}")
    return [_weights(f"{what}[{i}]", t, len(entries)) for i, (t, (_, entries)) in enumerate(zip(targets, rows))]


def _weights(what: str, target: Any, n: int) -> Weights:
    if list_or_none(target) is None:
        return [(class_index(what, target, n), 1.0)]
    entries = row(what, target)
    if len(entries) != n:
        raise ValueError(f"{what} has one entry per class, {n}, and this has {len(entries)}")
    return distribution(what, entries)


def class_index(what: str, k: Any, n: int) -> int:
    """Return the index of a class as an int in 0 … n − 1."""
    try:
        index = operator.index(k)
    except TypeError:
        raise TypeError(
            f"{what} is the index of a class, an int that counts from 0, not {describe(k)}: write int(k), or give a row "
            "with one probability per class"
        ) from None
    if not 0 <= index < n:
        raise ValueError(f"{what} is class {index}, and the {n} classes are 0 to {n - 1}")
    return index


def probability(what: str, where: Place, x: Any) -> None:
    """Refuse a number outside [0, 1]."""
    p = known(x)
    if p is not None and not 0.0 <= p <= 1.0:
        raise ValueError(
            f"{place(what, where)} is {p!r}, and a probability lies in [0, 1]: softmax(z) or sigmoid(z) makes "
            "probabilities of scores, and the losses _with_logits take scores as they are"
        )


def distribution(what: str, entries: list[Any]) -> Weights:
    """Return the classes of a distribution, with their probabilities; refuse what is none.

    Entries that are a plain 0 are left out, so that 0·log 0 counts as 0 and costs nothing.
    """
    total = 0.0
    for i, x in enumerate(entries):
        probability(what, i, x)
        p = known(x)
        total = nan if p is None else total + p
    if abs(total - 1.0) > TOLERANCE:
        raise ValueError(
            f"{what} is a distribution, which sums to 1, and this sums to {total:.6g}: softmax(z) makes one of scores, "
            "[n / sum(ns) for n in ns] of counts"
        )
    return [(k, x) for k, x in enumerate(entries) if not is_plain(x, 0.0)]


def is_plain(x: Any, value: float) -> bool:
    """Tell whether x is this very number and no Value: what a loss may branch on."""
    return x.__class__ is float and x == value


def reduced(loss: str, losses: list[Any], reduction: Reduction, single: bool, given: Named) -> Any:
    """Return the mean or the sum of losses, or the list of them; of what is no batch, its one loss."""
    if single:
        return defined(loss, losses[0], given)
    if reduction == "none":
        return [defined(loss, x, given) for x in losses]
    total = add(losses) if len(losses) > 1 else losses[0]
    return defined(loss, averaged(total, len(losses), reduction), given)


def averaged(total: Any, n: int, reduction: Reduction) -> Any:
    """Return a sum of n losses, or their mean."""
    return total / n if reduction == "mean" and n > 1 else total


def defined(loss: str, x: Any, given: Named) -> Any:
    """Return a loss; raise where it is nan, naming the number that made it so."""
    found = known(x)
    if found == found:
        return x
    entries = [(name, number) for name, entry in given for number in [known(entry)] if number is not None]
    wrong = [pair for pair in entries if pair[1] != pair[1]] or [pair for pair in entries if abs(pair[1]) == inf]
    if not wrong:
        raise NotANumber(f"{loss} is nan: the numbers that it was given are too large, scale them down")
    raise NotANumber(f"{wrong[0][0]} must be a finite number, got {wrong[0][1]}, which makes the loss nan")


def in_pairs(loss: str, pairs: Sequence[tuple[Place, Any, Any]]) -> Iterator[tuple[str, Any]]:
    """Name the numbers of `paired`."""
    for where, output, target in pairs:
        yield place(f"{loss}: output", where), output
        yield place(f"{loss}: target", where), target


def in_rows(rows: Sequence[Row]) -> Iterator[tuple[str, Any]]:
    """Name the numbers of `batch`."""
    for what, entries in rows:
        for i, x in enumerate(entries):
            yield f"{what}[{i}]", x


def check_reduction(loss: str, reduction: str) -> None:
    """Refuse a reduction that is none."""
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f'{loss}: reduction is "mean", "sum" or "none", not {reduction!r}')


def _flat(what: str, x: Any) -> tuple[list[Any], tuple[int, ...] | list[int]]:
    """Return all numbers of x, and its shape: () alone, (n,) for a list, [n, …] for rows."""
    entries = list_or_none(x)
    if entries is None:
        return [as_operand(x, what)], ()
    if not entries or list_or_none(entries[0]) is None:
        return row(what, entries), (len(entries),)
    rows = [row(f"{what}[{i}]", line) for i, line in enumerate(entries)]
    return [e for line in rows for e in line], [len(line) for line in rows]


def _places(shape: tuple[int, ...] | list[int]) -> Sequence[Place]:
    if isinstance(shape, list):
        return [(i, j) for i, n in enumerate(shape) for j in range(n)]
    return range(shape[0]) if shape else [None]


def _described(shape: tuple[int, ...] | list[int]) -> str:
    if isinstance(shape, list):
        lengths = sorted(set(shape))
        return f"{len(shape)} rows of {lengths[0] if len(lengths) == 1 else shape}"
    return f"a list of {shape[0]}" if shape else "one number"
