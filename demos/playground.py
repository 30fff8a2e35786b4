"""A playground: the output of each hidden neuron over the plane, on four data sets.

The views of playground.tensorflow.org: a row for each data set, a colour map for each of the six tanh neurons of the hidden
layer, and the output, whose zero line is the decision boundary.
"""

from __future__ import annotations

from pathlib import Path
from random import Random

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from autograd import compile, tanh
from nn import Adam, circles, fit, gaussians, plot_points, recipe, spiral, standardise, xavier, xor
from nn.viewing import COLOURS

SEED, POINTS, HIDDEN, STEPS = 0, 100, 6, 80
SHADES = LinearSegmentedColormap.from_list(
    "shades", [COLOURS[0], "white", COLOURS[1]]
)  # as the points of the two classes


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
        fit(
            task.model,
            (X, y),
            task.loss,
            Adam(task.model.parameters(), 0.05),
            epochs=epochs,
            batch_size=10,
            rng=rng,
            compiled=True,
        )
        numbers[name] = task.score(task.predict(X), y)
        print(f"{name}: {task.model}, accuracy {numbers[name]:.2f} on the points shown")

        side = np.linspace(-2.5, 2.5, STEPS)
        hidden, last = task.model.layers
        neurons = compile(
            lambda x, hidden=hidden, last=last: [*(h := hidden(x)), last(h)], task.model, x=2, gradient=False
        )
        outputs = neurons([[u, v] for v in side for u in side])
        for i, (ax, cells) in enumerate(zip(axes, outputs.T, strict=True)):
            shown = cells.reshape(STEPS, STEPS)
            ax.imshow(np.tanh(shown / 2) if i == HIDDEN else shown, origin="lower", extent=(-2.5, 2.5, -2.5, 2.5),
                      interpolation="bilinear", cmap=SHADES, vmin=-1, vmax=1, alpha=0.7)  # fmt: skip
            if shown.min() < 0 < shown.max():
                ax.contour(side, side, shown, levels=[0.0], colors="black", linewidths=1.0)
            if name == "circles":
                ax.set_title("output" if i == HIDDEN else f"neuron {i + 1}")
        plot_points(X, y, axes[-1], size=12).set(xlabel="", ylabel="")
        axes[0].set_ylabel(name)
    figure.supxlabel("x₁")
    figure.supylabel("x₂")
    figure.suptitle(
        "Outputs of the hidden neurons and of the network: blue −1, white 0, orange +1; the black line is 0"
    )
    figure.savefig(out / "playground.png", dpi=150)
    return numbers


if __name__ == "__main__":
    main()
