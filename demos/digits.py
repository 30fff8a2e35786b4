"""Handwritten digits, 8×8 pixels: a network written in scalars trains as matrices.

`fit(compiled=True)` records the loss of one digit once and trains the vectorised program on all of them; the first rows of
that program are printed. 1,797 digits, a quarter kept for testing.
"""

from __future__ import annotations

from pathlib import Path
from random import Random

from matplotlib.figure import Figure
from sklearn import datasets

from autograd import compile, relu
from nn import Adam, argmax, fit, he, plot_history, recipe, train_test_split
from nn.training.schedules import cosine

SEED, EPOCHS = 0, 30


def main(out: Path = Path()) -> dict[str, float]:
    """Train, print the accuracy and some digits as they were read, and draw the history."""
    rng = Random(SEED)
    X, y = datasets.load_digits(return_X_y=True)
    data = (X / 16).tolist(), y.tolist()
    train, test = train_test_split(data, 0.25, rng=rng)
    task = recipe("multiclass", 64, [32], 10, activation=relu, init=he, rng=rng)
    history = fit(
        task.model, train, task.loss, Adam(task.model.parameters()), epochs=EPOCHS, batch_size=32, rng=rng,
        schedule=cosine(0.01, 0.0, EPOCHS), validation=test, compiled=True,
    )  # fmt: skip
    program = compile(task.model, x=64)
    print(program)
    outputs = task.predict(test[0])
    accuracy = task.score(outputs, test[1])
    read = " ".join(f"{argmax(p)}{'' if argmax(p) == t else f'({t})'}" for p, t in zip(outputs, test[1], strict=True))
    print(
        task.model, history, f"accuracy on {len(test[1])} digits kept aside: {accuracy:.3f}", f"read: {read}", sep="\n"
    )

    figure = Figure(figsize=(7.5, 5), layout="constrained")
    ax = plot_history(history, figure.subplots())
    ax.set_title(f"digits: {accuracy:.1%} correct on {len(test[1])} test digits", pad=28)
    figure.savefig(out / "digits.png", dpi=150)
    return {"accuracy": accuracy}


if __name__ == "__main__":
    main()
