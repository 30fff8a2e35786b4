"""Handwritten digits, 8×8 pixels: scalars learn to read from a sample of 500."""

from __future__ import annotations

from pathlib import Path
from random import Random

from matplotlib.figure import Figure
from sklearn import datasets

from autograd import relu
from nn import Adam, argmax, fit, he, plot_history, recipe, train_test_split
from nn.schedules import cosine

SEED, SAMPLES, EPOCHS = 0, 500, 8


def main(out: Path = Path()) -> dict[str, float]:
    """Train, print the accuracy and some digits as they were read, and draw the history."""
    rng = Random(SEED)
    X, y = datasets.load_digits(return_X_y=True)
    chosen = rng.sample(range(len(y)), SAMPLES)
    data = [[v / 16 for v in X[i]] for i in chosen], [int(y[i]) for i in chosen]
    train, test = train_test_split(data, 0.25, rng=rng)
    task = recipe("multiclass", 64, [24], 10, activation=relu, init=he, rng=rng)
    history = fit(
        task.model, train, task.loss, Adam(task.model.parameters()), epochs=EPOCHS, batch_size=16, rng=rng,
        schedule=cosine(0.01, 0.0, EPOCHS), validation=test,
    )  # fmt: skip
    outputs = task.predict(test[0])
    accuracy = task.score(outputs, test[1])
    read = " ".join(f"{argmax(p)}{'' if argmax(p) == t else f'({t})'}" for p, t in zip(outputs, test[1], strict=True))
    print(
        task.model, history, f"accuracy on {len(test[1])} digits kept aside: {accuracy:.3f}", f"read: {read}", sep="\n"
    )

    figure = Figure(figsize=(7.5, 5), layout="constrained")
    ax = plot_history(history, figure.subplots())
    ax.set_title(f"digits, {SAMPLES} of {len(y)}: {accuracy:.1%} of {len(test[1])} kept aside right", pad=28)
    figure.savefig(out / "digits_sample.png", dpi=150)
    return {"accuracy": accuracy}


if __name__ == "__main__":
    main()
