"""The perceptron learning algorithm on two Gaussian clouds: where y·(w·x) ≤ 0, add y·x to w.

The lecture's program: D1 around 0, D2 around 3, 100 points each with deviation 1, a column of 1s for the bias, even rows D1
(y = +1), odd rows D2 (y = −1), w = 0, five epochs or until nothing changes. The clouds overlap, so that for most draws no
line separates them, and the updates never stop.
"""

from __future__ import annotations

import math
from pathlib import Path
from random import Random

from matplotlib.figure import Figure

from nn import classical, gaussians, plot_points
from nn.viewing import COLOURS

SEED, POINTS, DISTANCE, EPOCHS = 0, 200, 3.0, 5


def main(out: Path = Path()) -> dict[str, float]:
    """Learn for five epochs, print the changes and the errors, and draw the line."""
    X, cloud = gaussians(POINTS, DISTANCE, Random(SEED))
    y = [1 - 2 * k for k in cloud]
    X1 = [[*x, 1.0] for x in X]  # the lecture's fill_(1)
    learnt = classical.learn_perceptron(X1, y, EPOCHS, bias=False)
    print(f"X is {len(X1)} × {len(X1[0])}, y has {len(y)} labels, {sum(t > 0 for t in y)} of them +1")
    print(learnt)
    errors = sum(learnt.perceptron(x) != t for x, t in zip(X1, y, strict=True))
    bayes = math.erfc(DISTANCE * math.sqrt(2) / 2 / math.sqrt(2)) / 2  # Φ(−half the distance of the means)
    print(f"errors: {errors} of {len(y)}; the best line of all errs on {bayes:.9%} of fresh points")
    print(
        "(In the lecture's code X[:, :2, :2] should be X[0::2, :2], torch.empty(…, fill_(1)) torch.empty(…).fill_(1);"
    )
    print(' its sign function, 1 where x ≥ 0 and else −1, is labelled "Sigmoid".)')

    figure = Figure(figsize=(11, 4.7), layout="constrained")
    left, right = figure.subplots(1, 2)
    plot_points(X, y, left, size=20)
    w1, w2, b = learnt.weights
    across = [-3.0, 6.0]
    left.plot(across, [-(w1 * u + b) / w2 for u in across], color="black", label="w·x = 0")
    left.set(ylim=(-3.5, 6.0), title=f"D1 (1) and D2 (−1) after {EPOCHS} epochs: {errors} errors")
    left.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)
    right.bar(range(1, len(learnt.changes) + 1), learnt.changes, color=COLOURS[0], edgecolor="black")
    right.set(xlabel="epoch", ylabel="changes of w", title="updates never stop")
    figure.savefig(out / "perceptron_gaussians.png", dpi=150)
    return {"rows": len(X1), "columns": len(X1[0]), "epochs": len(learnt.changes), "errors": errors, "Bayes": bayes}


if __name__ == "__main__":
    main()
