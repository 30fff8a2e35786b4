"""Three data sets of scikit-learn: iris flowers, breast tumours and the progression of diabetes.

Four steps each time: a model, a loss (both by the recipe of the task), an optimiser, a run. A quarter of the
samples is kept for testing; features are scaled by the mean and deviation of the
training part.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from matplotlib.figure import Figure
from sklearn import datasets

from autograd import tanh
from nn import Adam, fit, l2, plot_history, recipe, standardise, train_test_split, xavier
from nn.training import Task
from nn.training.schedules import cosine

SEED = 0


class Setting(NamedTuple):
    """The settings to train on one data set."""

    load: Callable[..., Any]
    task: Task
    hidden: list[int]
    nout: int
    epochs: int
    learning_rate: float
    decay: float
    unit: float = 1.0  # of the target


SETTINGS = {
    "iris": Setting(datasets.load_iris, "multiclass", [8], 3, epochs=40, learning_rate=0.05, decay=1e-3),
    "breast cancer": Setting(datasets.load_breast_cancer, "binary", [4], 1, epochs=12, learning_rate=0.01, decay=0.03),
    "diabetes": Setting(
        datasets.load_diabetes, "regression", [4], 1, epochs=30, learning_rate=0.01, decay=0.03, unit=100.0
    ),
}


def main(out: Path = Path()) -> dict[str, float]:
    """Train on each set, print the score on the samples kept aside (accuracy, R² for diabetes), and draw the histories."""
    figure = Figure(figsize=(13, 4), layout="constrained")
    scores = {}
    for ax, (name, s) in zip(figure.subplots(1, len(SETTINGS)), SETTINGS.items(), strict=True):
        rng = Random(SEED)
        X, y = s.load(return_X_y=True)
        data = X.tolist(), [t / s.unit if s.task == "regression" else t for t in y.tolist()]
        train, test = standardise(*train_test_split(data, 0.25, rng=rng))
        task = recipe(s.task, len(train[0][0]), s.hidden, s.nout, activation=tanh, init=xavier, rng=rng)
        history = fit(
            task.model, train, task.loss, Adam(task.model.parameters()), epochs=s.epochs, batch_size=16, rng=rng,
            schedule=cosine(s.learning_rate, 0.0, s.epochs), penalty=partial(l2, strength=s.decay), validation=test,
        )  # fmt: skip
        scores[name] = task.score(task.predict(test[0]), test[1])
        measure = "R²" if s.task == "regression" else "accuracy"
        print(f"{name}: {task.model}, {measure} on {len(test[1])} samples kept aside: {scores[name]:.3f}")
        plot_history(history, ax)
        ax.set_title(f"{name}: {measure} {scores[name]:.2f}", pad=28)
    figure.savefig(out / "real_data.png", dpi=150)
    return scores


if __name__ == "__main__":
    main()
