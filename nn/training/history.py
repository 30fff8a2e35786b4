"""The record of a training run: its costs, its snapshots, and why it ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

__all__ = ["History", "Snapshot"]


class Snapshot(NamedTuple):
    """The weights after a step, and its gradients, in the order of the model's parameters.

    The gradient of a parameter that the optimiser does not move is nan.
    """

    epoch: int
    cost: float
    parameters: list[float]
    gradients: list[float]


@dataclass
class History:
    """The record of `fit`: one entry per epoch (in `steps` one per batch), and why training stopped.

    cost: mean loss over the epoch's batches, measured while training, with the penalty if there is one
    validation: mean loss on the validation data after the epoch, without penalty
    metrics: by name, measured after the epoch on the validation data, or on the training data if there is none
    snapshots: with fit(record=True), the weights and gradients after every step; initial: the weights before the first

    >>> history = History(cost=[1.0, 0.5], stopped="all epochs done")
    >>> history.epochs, history
    (2, <History of 2 epochs: cost 1 → 0.5; stopped: all epochs done>)
    """

    cost: list[float] = field(default_factory=list)
    validation: list[float] = field(default_factory=list)
    metrics: dict[str, list[float]] = field(default_factory=dict)
    learning_rate: list[float] = field(default_factory=list)
    steps: list[float] = field(default_factory=list)
    snapshots: list[Snapshot] = field(default_factory=list)
    initial: list[float] = field(default_factory=list)
    penalised: bool = False
    stopped: str = "not begun"

    @property
    def epochs(self) -> int:
        """The number of finished epochs."""
        return len(self.cost)

    def keep_whole_epochs(self) -> None:
        """Drop the entries of an interrupted epoch, which has no cost yet."""
        for entries in (self.validation, self.learning_rate, *self.metrics.values()):
            del entries[self.epochs :]

    def __repr__(self) -> str:
        if not self.cost:
            return f"<History of no epoch: {self.stopped}>"
        last = {"cost": self.cost, "validation": self.validation, **self.metrics}
        numbers = [f"{name} {values[0]:.4g} → {values[-1]:.4g}" for name, values in last.items() if values]
        return f"<History of {self.epochs} epochs: {', '.join(numbers)}; stopped: {self.stopped}>"
