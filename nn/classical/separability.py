"""Linear separability of two classes, with a proof of either answer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import gcd, lcm
from operator import mul

from autograd.arguments import as_list

from .learning import read_samples
from .neurons import Number, Perceptron, format_affine, format_number
from .tables import TruthTable, as_boolean_table, input_names

__all__ = ["Separability", "separable"]

SHOWN = 40
MOST_WORK = 100_000_000  # maximum number of tableau entries visited, over all steps


@dataclass(frozen=True)
class Separability:
    """The answer of `separable`, true or false, and its proof, which its repr shows.

    samples: pairs of inputs and label
    perceptron: one that fires (w·x + b > 0) for exactly the samples of class 1 and has w·x + b < 0 at the others; or None
    counts: without a perceptron, the multiples of the samples' conditions whose sum is a contradiction; else None

    >>> bool(separable([0, 0, 0, 1])), separable([0, 1, 1, 0]).counts
    (True, (1, 1, 1, 1))
    """

    samples: tuple[tuple[tuple[Number, ...], int], ...]
    perceptron: Perceptron | None
    counts: tuple[int, ...] | None

    def __bool__(self) -> bool:
        return self.perceptron is not None

    def __repr__(self) -> str:
        return "\n".join(_positive(self) if self.perceptron else _negative(self))


def separable(
    truth_table: TruthTable | Sequence[int] | Iterable[Iterable[Number]], labels: Iterable[Number] | None = None
) -> Separability:
    """Decide whether some w, b have w·x + b > 0 for class 1 and < 0 for the other, and prove it.

    Give a truth table, or the list of its outputs in counting order; or points, and their labels (−1 and 1, or 0 and 1).
    With y = ±1 exactly one of two exists (Gordan): weights with y·(w·x + b) > 0 at every sample, or counts
    c ≥ 0, not all 0, for which Σ c·y·(x, 1) = 0. The simplex method finds it, in integers, so it is exact.

    >>> separable([0, 1, 1, 0])
    not linearly separable: a perceptron would need
      1 ×  b < 0            for (0, 0) → 0
      1 ×  w2 + b ≥ 0       for (0, 1) → 1
      1 ×  w1 + b ≥ 0       for (1, 0) → 1
      1 ×  w1 + w2 + b < 0  for (1, 1) → 0
    but the ≥ 0 and the < 0 each add up to w1 + w2 + 2·b, which cannot be both
    """
    if labels is None:
        table = as_boolean_table(truth_table)  # type: ignore[arg-type]
        truth_table, labels = zip(*table.rows)
    labels = as_list(labels, "labels")
    extended, _ = read_samples(truth_table, labels, bias=True)  # type: ignore[arg-type]
    samples = tuple((x[:-1], int(label)) for (x, _), label in zip(extended, labels))
    scale = lcm(*(Fraction(entry).denominator for x, _ in extended for entry in x))
    rows = [[y * int(Fraction(entry) * scale) for entry in x] for x, y in extended]
    weights, counts = _gordan(rows)
    return Separability(samples, Perceptron(weights[:-1], weights[-1]) if weights else None, counts)


def _gordan(rows: list[list[int]]) -> tuple[tuple[Number, ...] | None, tuple[int, ...] | None]:
    """Return w with w·a > 0 for every row a, or counts c ≥ 0, not all 0, with Σ c·a = 0; None for the other.

    The first phase of the simplex method looks for c with Σ c·a = 0 and Σ c = 1; where there is none, its multipliers
    are the weights. Bland's rule prevents cycles. The tableau holds integers, over the common
    denominator `unit`, and the divisions leave no remainder (Edmonds).
    """
    n, d = len(rows), len(rows[0])
    columns = [*zip(*rows), (1,) * n]
    tableau = [[*column, *(int(i == k) for k in range(d + 1)), int(i == d)] for i, column in enumerate(columns)]
    cost = [*(-sum(column) for column in zip(*columns)), *[0] * (d + 1), -1]
    tableau.append(cost)
    basis = list(range(n, n + d + 1))
    unit, work = 1, 0
    while (entering := next((j for j in range(n) if tableau[-1][j] < 0), None)) is not None:
        work += n * d
        if work > MOST_WORK:
            raise RuntimeError(
                f"separable gave up on {n} samples of {d - 1} entries, which it would take too long to decide exactly: "
                "learn_perceptron(X, y, epochs) may find a separator"
            )
        ratios = [
            (Fraction(row[-1], row[entering]), basis[i], i) for i, row in enumerate(tableau[:-1]) if row[entering] > 0
        ]
        _, _, leaving = min(ratios)
        pivot_row = tableau[leaving]
        pivot = pivot_row[entering]
        for i, row in enumerate(tableau):
            if i != leaving:
                factor = row[entering]
                tableau[i] = [(a * pivot - factor * b) // unit for a, b in zip(row, pivot_row)]
        basis[leaving], unit = entering, pivot
    cost = tableau[-1]
    if cost[-1] == 0:
        counts = [0] * n
        for i, j in enumerate(basis):
            if j < n:
                counts[j] = tableau[i][-1]
        return None, _reduced(counts)
    return _rounded(_reduced([c - unit for c in cost[n : n + d]]), rows), None


def _reduced(integers: Sequence[int]) -> tuple[int, ...]:
    divisor = gcd(*integers) or 1
    return tuple(integer // divisor for integer in integers)


def _rounded(w: tuple[int, ...], rows: list[list[int]]) -> tuple[Number, ...]:
    """Return shorter weights that still separate, if possible, because weights for floats may have hundreds of digits.

    Otherwise long weights become Fractions of the largest, because ints beyond 1.8e308 cannot be multiplied by floats.
    """
    largest = max(map(abs, w))
    for digits in (3, 6, 9, 12):
        short = [round(Fraction(weight * 10**digits, largest)) for weight in w]
        if largest > 10**digits and all(sum(map(mul, short, row)) > 0 for row in rows):
            return _reduced(short)
    return tuple(Fraction(weight, largest) for weight in w) if largest > 10**15 else w


def _positive(answer: Separability) -> list[str]:
    neuron, other = answer.perceptron, min(0, *(label for _, label in answer.samples))
    assert neuron is not None
    rows = []
    for x, label in answer.samples:
        z = neuron.pre_activation([Fraction(entry) for entry in x])
        rows.append((f"  z = {format_number(z)}", f"  at {_point(x)} → {format_number(label)}"))
    z_is = format_affine(neuron.weights, input_names(len(neuron.weights)), neuron.bias)
    return [f"linearly separable: z = {z_is} is > 0 for 1, and < 0 for {format_number(other)}", *_columns(rows)]


def _negative(answer: Separability) -> list[str]:
    assert answer.counts is not None
    names = [*(f"w{i}" for i in range(1, len(answer.samples[0][0]) + 1)), "b"]
    # Counts for floats have dozens of digits, so rounded shares of their sum are shown.
    whole = sum(answer.counts) if max(answer.counts) > 10**6 else 0

    def readable(count: int | Fraction) -> int | Fraction:
        return Fraction(count) / whole if whole else count

    used = [(count, x, label) for count, (x, label) in zip(answer.counts, answer.samples) if count]
    conditions = [
        (
            f"  {format_number(readable(count))} × ",
            f" {format_affine((*x, 1), names)} {'≥' if label > 0 else '<'} 0",
            f"  for {_point(x)} → {format_number(label)}",
        )
        for count, x, label in used
    ]
    positive = [(count, (*x, 1)) for count, x, label in used if label > 0]
    total = [readable(sum(count * Fraction(x[k]) for count, x in positive)) for k in range(len(names))]
    return [
        "not linearly separable: a perceptron would need",
        *_columns(conditions),
        f"but the ≥ 0 and the < 0 each add up to {format_affine(total, names)}, which cannot be both",
        *["(rounded here; the exact multiples are its `counts`)"] * bool(whole),
    ]


def _point(x: Sequence[Number]) -> str:
    return f"({', '.join(map(format_number, x))})"


def _columns(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows)]
    lines = ["".join(map(str.ljust, row, widths)).rstrip() for row in rows[:SHOWN]]
    return [*lines, *[f"  … and {len(rows) - SHOWN} more"] * (len(rows) > SHOWN)]
