"""A new sample turns the perceptron's line far, and a line learnt by gradient descent less.

Descent on a loss has low variance: its solution changes little when samples are added, even where it then misses one.
The perceptron takes any line that has no error. Six points, then a seventh at (−0.2, 3), which the first line
of the perceptron gets wrong.
"""

from __future__ import annotations

import math
from pathlib import Path

from matplotlib.figure import Figure

from nn import SGD, Layer, binary_cross_entropy_with_logits, classical, fit, l2, plot_points
from nn.viewing import COLOURS, MARKERS

X = [[-2.0, 0.0], [-1.5, 1.0], [-1.0, -1.0], [1.0, 1.0], [1.5, -1.0], [2.0, 0.0]]
Y = [-1, -1, -1, 1, 1, 1]
NEW, LABEL, STRENGTH = [-0.2, 3.0], 1, 0.1


def perceptron(X: list[list[float]], y: list[int]) -> list[float]:
    """Return (w1, w2, b) by the perceptron learning algorithm."""
    return [float(w) for w in classical.learn_perceptron(X, y).weights]


def logistic(X: list[list[float]], y: list[int]) -> list[float]:
    """Return (w1, w2, b) of logistic regression with an L2 penalty of the weights."""
    model = Layer(2, 1, None, init=lambda rng, nin, nout: 0.0)
    targets = [(label + 1) / 2 for label in y]
    fit(model, (X, targets), binary_cross_entropy_with_logits, SGD(model.parameters(), 0.5, momentum=0.8), epochs=200,
        penalty=lambda ps: l2(ps[:2], STRENGTH))  # fmt: skip
    return [p.data for p in model.parameters()]


def main(out: Path = Path()) -> dict[str, float]:
    """Learn both lines with and without the new sample, print the angles between them, and draw them."""
    figure = Figure(figsize=(10, 4.5), layout="constrained")
    numbers: dict[str, float] = {}
    for learn, ax in zip((perceptron, logistic), figure.subplots(1, 2), strict=True):
        before, after = learn(X, Y), learn([*X, NEW], [*Y, LABEL])
        turn = math.degrees(abs(math.atan2(after[1], after[0]) - math.atan2(before[1], before[0])))
        name = learn.__name__
        print(f"{name:10}: (w1, w2, b) = ({', '.join(f'{w:.4f}' for w in before)}), with the new sample")
        print(f"{'':24}  ({', '.join(f'{w:.4f}' for w in after)}): turned by {turn:.1f}°")
        numbers |= {f"{name} turns by": turn} | {f"{name} w{i}": w for i, w in enumerate(after)}
        numbers |= {f"{name} before w{i}": w for i, w in enumerate(before)}
        plot_points(X, Y, ax, size=45)
        ax.scatter(*NEW, color=COLOURS[1], marker=MARKERS[1], edgecolors="black", s=160, label="new, class 1", zorder=3)
        for (w1, w2, b), style, when in ((before, "--", "before"), (after, "-", "after")):
            ends = [(-(b + w2 * v) / w1, v) for v in (-2.0, 4.0)]  # neither line is horizontal
            ax.plot(*zip(*ends, strict=True), style, color="black", label=f"the line {when}")
        ax.set(xlabel="x₁", ylabel="x₂", xlim=(-4, 4), ylim=(-2, 4), title=f"{name}: turned by {turn:.1f}°")
    ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)
    figure.savefig(out / "new_sample.png", dpi=150)
    return numbers


if __name__ == "__main__":
    main()
