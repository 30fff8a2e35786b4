"""A playground: the output of each hidden neuron over the plane, on four data sets.

One lecture shows playground.tensorflow.org. Here the same views: a row for each data set, a heat map for each of the six
tanh neurons of the hidden layer, and the output, whose zero line is the decision boundary.
"""

from __future__ import annotations

from pathlib import Path
from random import Random

import numpy as np
from matplotlib.figure import Figure

from autograd import no_grad, tanh
from nn import Adam, circles, fit, gaussians, plot_points, recipe, spiral, standardise, xavier, xor
from nn.viewing import COLOURS

SEED, POINTS, HIDDEN, STEPS = 0, 100, 6, 25


def main(out: Path = Path()) -> dict[str, float]:
    """Train a small network on each data set, print the accuracy, and draw all neurons."""
    rng = Random(SEED)
    sets = {
        "circles": (circles(POINTS, 0.1, rng), 40),
        "xor": (xor(POINTS, 0.35, rng), 40),
        "gaussians": (gaussians(POINTS, 3.0, rng), 15),
        "spiral": (spiral(POINTS // 2, 0.1, rng, classes=2), 150),
    }
    figure = Figure(figsize=(15, 8.5), layout="constrained")
    grid = figure.subplots(len(sets), HIDDEN + 1, sharex=True, sharey=True)
    numbers = {}
    for (name, (data, epochs)), axes in zip(sets.items(), grid, strict=True):
        (X, y), _ = standardise(data, data)
        task = recipe("binary", 2, [HIDDEN], activation=tanh, init=xavier, rng=rng)
        fit(task.model, (X, y), task.loss, Adam(task.model.parameters(), 0.05), epochs=epochs, batch_size=10, rng=rng)
        numbers[name] = task.score(task.predict(X), y)
        print(f"{name}: {task.model}, accuracy {numbers[name]:.2f} on the points shown")

        side = np.linspace(-2.5, 2.5, STEPS)
        hidden, last = task.model.layers
        with no_grad():
            answers = [hidden([float(u), float(v)]) for v in side for u in side]
            maps = [[h.data for h in column] for column in zip(*answers, strict=True)] + [
                [last(h).data for h in answers]
            ]
        for i, (ax, cells) in enumerate(zip(axes, maps, strict=True)):
            shown = np.reshape(cells, (STEPS, STEPS))
            ax.imshow(np.tanh(shown / (2 if i == HIDDEN else 1)), origin="lower", extent=(-2.5, 2.5, -2.5, 2.5), cmap="gray",
                      vmin=-1, vmax=1)  # fmt: skip
            if shown.min() < 0 < shown.max():
                ax.contour(side, side, shown, levels=[0.0], colors=COLOURS[5], linewidths=1.0)
            if name == "circles":
                ax.set_title("output" if i == HIDDEN else f"neuron {i + 1}")
        plot_points(X, y, axes[-1], size=9).set(xlabel="", ylabel="")
        axes[0].set_ylabel(name)
    figure.supxlabel("x₁")
    figure.supylabel("x₂")
    figure.suptitle("dark −1, bright +1, the line 0")
    figure.savefig(out / "playground.png", dpi=150)
    return numbers


if __name__ == "__main__":
    main()
