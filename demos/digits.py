"""Handwritten digits, 8×8 pixels: a network written in scalars trains as matrices.

`fit(compiled=True)` records the loss of one digit once and trains the vectorised program on all of them; the program of the
outputs is printed. 1,797 digits, a quarter kept for testing. The figure shows test digits with what the network read.
"""

from __future__ import annotations

from pathlib import Path
from random import Random

from matplotlib.figure import Figure
from sklearn import datasets

from autograd import compile, relu
from nn import Adam, argmax, fit, he, plot_history, recipe, train_test_split
from nn.training.schedules import cosine
from nn.viewing import COLOURS

SEED, EPOCHS = 0, 30
ROWS, COLUMNS = 5, 10  # of the digits shown


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
    found = [argmax(p) for p in outputs]
    read = " ".join(f"{guess}{'' if guess == t else f'({t})'}" for guess, t in zip(found, test[1], strict=True))
    print(
        task.model, history, f"accuracy on {len(test[1])} digits kept aside: {accuracy:.3f}", f"read: {read}", sep="\n"
    )

    figure = Figure(figsize=(14, 5.2), layout="constrained")
    [[left, right]] = figure.subfigures(1, 2, squeeze=False, width_ratios=(1, 1.25))
    ax = plot_history(history, left.subplots())
    ax.set_title(f"Cost while training; {accuracy:.1%} correct on {len(test[1])} test digits", pad=28)
    wrong = [i for i, guess in enumerate(found) if guess != test[1][i]]
    chosen = sorted([*wrong, *(i for i in range(len(found)) if i not in wrong)][: ROWS * COLUMNS])
    right.suptitle(f"Test digits and what was read; orange: the {len(wrong)} errors, with the true digit in brackets")
    for cell, i in zip(right.subplots(ROWS, COLUMNS).flat, chosen, strict=True):
        cell.imshow([test[0][i][8 * row : 8 * row + 8] for row in range(8)], cmap="Greys", vmin=0, vmax=1)
        cell.set_title(
            f"{found[i]}" + f" ({test[1][i]})" * (i in wrong), color=COLOURS[5] if i in wrong else "black", pad=2
        )
        cell.set_axis_off()
    figure.savefig(out / "digits.png", dpi=150)
    return {"accuracy": accuracy}


if __name__ == "__main__":
    main()
