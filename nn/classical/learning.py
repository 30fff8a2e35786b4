"""The perceptron learning algorithm, the bound on its updates, and its criterion as a loss."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from operator import mul
from typing import Any

from autograd import where
from autograd.arguments import as_bool, as_int, as_list, as_operand

from ..losses import number_or_none
from .neurons import Number, Perceptron, as_exact_tuple, as_finite_exact, format_number

__all__ = ["PerceptronLearning", "learn_perceptron", "novikoff_bound", "perceptron_loss", "read_samples"]


@dataclass(frozen=True)
class PerceptronLearning:
    """The result of `learn_perceptron`: the weights, and the number of their updates.

    weights: in extended notation, so the last is the bias (with bias=False: one per input)
    changes: the updates of each epoch; converged: whether the last epoch had none
    perceptron: the neuron with these weights, and with output 0 or −1 as the labels have it

    >>> found = learn_perceptron([(0, 1), (1, 0)], [1, -1])
    >>> found.weights, found.updates, found.converged
    ((-1, 1, 0), 2, True)
    """

    weights: tuple[Number, ...]
    changes: tuple[int, ...]
    perceptron: Perceptron

    @property
    def updates(self) -> int:
        """The number of updates in all epochs."""
        return sum(self.changes)

    @property
    def converged(self) -> bool:
        """Whether the last epoch changed nothing: every sample is on its side."""
        return self.changes[-1] == 0

    def __repr__(self) -> str:
        verdict = "converged after" if self.converged else "not converged in"
        changes = ", ".join(map(str, self.changes[:20])) + ", …" * (len(self.changes) > 20)
        return (
            f"{verdict} {len(self.changes)} epochs, with {self.updates} updates\n"
            f"weights ({', '.join(map(format_number, self.weights))})\nchanges per epoch {changes}"
        )


def learn_perceptron(
    X: Iterable[Iterable[Number]], y: Iterable[Number], epochs: int = 1000, *, bias: bool = True
) -> PerceptronLearning:
    """Start at w = 0 and, sample by sample in order, add y·x to w if y·(w·x) ≤ 0, until an epoch has no change.

    A 1 is appended to every x, so that the last weight is the bias (bias=False: the X given are extended already). Labels
    are −1 and 1, or 0 and 1, of which 0 counts as −1. Ints and Fractions are computed exactly. On separable samples it
    converges, see `novikoff_bound`; on others it stops after `epochs`.

    >>> learn_perceptron([(0, 0), (0, 1), (1, 0), (1, 1)], [-1, -1, -1, 1])
    converged after 9 epochs, with 18 updates
    weights (3, 2, −4)
    changes per epoch 2, 3, 3, 2, 2, 3, 2, 1, 0
    """
    epochs = as_int(epochs, "epochs, the maximum number of passes,")
    samples, binary = read_samples(X, y, bias)
    w: list[Number] = [0] * len(samples[0][0])
    changes: list[int] = []
    while len(changes) < epochs and (not changes or changes[-1]):
        changes.append(0)
        for x, label in samples:
            z = sum(map(mul, w, x))
            if z != z:
                raise OverflowError(
                    f"the weights grew beyond the range of floats in epoch {len(changes)}: scale X down"
                )
            if label * z <= 0:
                w = [weight + label * entry for weight, entry in zip(w, x)]
                changes[-1] += 1
    output = "binary" if binary else "sign"
    perceptron = Perceptron(w[:-1], w[-1], output) if bias else Perceptron(w, 0, output)
    return PerceptronLearning(tuple(w), tuple(changes), perceptron)


def novikoff_bound(
    X: Iterable[Iterable[Number]], y: Iterable[Number], weights: Sequence[Number], *, bias: bool = True
) -> Fraction:
    """Return R²/γ², an upper bound of the updates of perceptron learning: R = max |x|, γ = min y·(w·x)/|w|.

    `weights` is any separator in extended notation; a larger margin γ gives a lower bound. A ValueError names a sample on
    the wrong side.

    >>> novikoff_bound([(0, 0), (0, 1), (1, 0), (1, 1)], [-1, -1, -1, 1], [2, 2, -3])
    Fraction(51, 1)
    """
    samples, _ = read_samples(X, y, bias)
    w = [Fraction(as_finite_exact(weight, "an entry of weights")) for weight in as_exact_tuple(weights, "weights")]
    if len(w) != len(samples[0][0]):
        raise ValueError(f"weights must have {len(samples[0][0])} entries, as the extended inputs have, got {len(w)}")
    exact = [([Fraction(entry) for entry in x], label) for x, label in samples]
    margins = [label * _inner(w, x) for x, label in exact]
    margin = min(margins)
    if margin <= 0:
        x, label = samples[margins.index(margin)]
        raise ValueError(f"the weights do not separate: at x = {x}, y = {label}, y·(w·x) is {format_number(margin)}")
    return max(_inner(x, x) for x, _ in exact) * _inner(w, w) / margin**2


def _inner(u: Sequence[Fraction], v: Sequence[Fraction]) -> Fraction:
    return sum(map(mul, u, v), Fraction(0))


def perceptron_loss(output: Any, target: Any) -> Any:
    """Return max(0, −y·z) of a pre-activation z and a label y of −1 or 1: zero where the sign is right.

    One step of gradient descent with learning rate 1 per sample is then perceptron learning. At z = 0, where it has a
    kink, its slope is −y: learning starts there, with w = 0, and could not leave it with relu(−y·z), whose slope is 0.

    >>> from autograd import Value
    >>> z = Value(0.0)
    >>> perceptron_loss(z, -1).backward()
    >>> z.grad
    1.0
    """
    z, y = as_operand(output, "perceptron_loss: output"), as_operand(target, "perceptron_loss: target")
    if number_or_none(y) not in (None, -1.0, 1.0):
        raise ValueError(f"perceptron_loss: target must be −1 or 1, got {target!r}: write 2*t - 1 for t in {{0, 1}}")
    return where(y * z, 0.0, -(y * z))


def read_samples(
    X: Iterable[Iterable[Number]], y: Iterable[Number], bias: bool
) -> tuple[list[tuple[tuple[Number, ...], int]], bool]:
    """Return the samples (x, extended by 1 with a bias, and −1 or 1), and whether the labels are 0 and 1."""
    bias = as_bool(bias, "bias, whether a 1 is appended,")
    rows = [
        tuple(as_finite_exact(v, "an entry of X") for v in as_exact_tuple(x, "a row of X")) for x in as_list(X, "X")
    ]
    labels = [as_finite_exact(label, "a label") for label in as_list(y, "y")]
    if not rows:
        raise ValueError("X must have at least one row, got none")
    if len(rows) != len(labels):
        raise ValueError(f"y must have one label for each of the {len(rows)} rows of X, got {len(labels)}")
    for i, x in enumerate(rows):
        if len(x) != len(rows[0]):
            raise ValueError(f"row {i} of X must have {len(rows[0])} entries, as row 0 has, got {len(x)}")
    if not (set(labels) <= {-1, 1} or set(labels) <= {0, 1}):
        raise ValueError(f"labels must be -1 and 1, or 0 and 1, got {', '.join(map(str, sorted(set(labels))[:5]))}")
    return [(x + (1,) * bias, 1 if label > 0 else -1) for x, label in zip(rows, labels)], 0 in labels
