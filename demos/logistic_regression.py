"""Logistic regression: P(y = 1 | x) = σ(w·x + b), decided at ½, which is the line w·x + b = 0.

The smallest network: one sigmoid neuron and the cross-entropy −y log o − (1 − y) log(1 − o), whose gradient in
z is o − y. The graph of that loss is drawn for one sample; then descent with momentum fits the neuron to two clouds that
overlap, and the picture is its S-shaped surface.
"""

from __future__ import annotations

from pathlib import Path
from random import Random

import numpy as np
from matplotlib.figure import Figure

from autograd import Value, draw, explain, log, sigmoid
from nn import SGD, Neuron, binary_cross_entropy_with_logits, fit, gaussians, plot_points

SEED, POINTS, DISTANCE = 0, 80, 1.5


def main(out: Path = Path()) -> dict[str, float]:
    """Explain and draw the loss of one sample, fit the neuron, and draw the probability over the plane."""
    w1, w2, b = (Value(x, name, role="parameter") for x, name in ((2.0, "w1"), (-3.0, "w2"), (-3.0, "b")))
    x1, x2 = Value(-1.0, "x1"), Value(-2.0, "x2")
    z = w1 * x1 + w2 * x2 + b
    o = sigmoid(z)
    loss = -log(o)  # of the target y = 1
    loss.backward()
    print(explain(loss))
    draw(loss).save(out / "logistic_regression-graph.svg")
    print(f"dL/dz = o − y = {o.data:.12f} − 1 = {z.grad:.12f}\n")
    numbers = {"loss": loss.data, "dL/dz": z.grad, "dL/do": o.grad}

    X, y = gaussians(POINTS, DISTANCE, Random(SEED))
    neuron = Neuron.of([0.0, 0.0], 0.0)  # gives z; the loss takes z
    optimiser = SGD(neuron.parameters(), 1.0, momentum=0.9)
    history = fit(neuron, (X, y), binary_cross_entropy_with_logits, optimiser, epochs=400)
    weights = [p.data for p in neuron.parameters()]
    print(history)
    print(f"P(y = 1 | x) = σ({weights[0]:.4f}·x₁ + {weights[1]:.4f}·x₂ − {-weights[2]:.4f})")

    across, up = np.meshgrid(np.linspace(-3.5, 5.5, 46), np.linspace(-3.5, 5.5, 46))
    chances = np.reshape(
        [sigmoid(z) for z in neuron.predict(np.stack([across.ravel(), up.ravel()], axis=1))], across.shape
    )
    figure = Figure(figsize=(12, 5), layout="constrained")
    left = figure.add_subplot(1, 2, 1)
    levels = left.contour(across, up, chances, levels=[0.1, 0.5, 0.9], colors="black", linewidths=[0.8, 2, 0.8])
    left.clabel(levels, fmt="%.1f")
    plot_points(X, y, left, size=22)
    left.set(title="P(y = 1 | x); the decision is at 0.5", aspect="equal")
    left.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)
    right = figure.add_subplot(1, 2, 2, projection="3d")
    right.plot_surface(across, up, chances, cmap="viridis", linewidth=0)
    right.set(xlabel="x₁", ylabel="x₂", zlabel="P(y = 1 | x)", title="the S-shaped surface")
    right.view_init(25, -110)
    figure.savefig(out / "logistic_regression.png", dpi=150)
    return numbers | dict(zip(("w1", "w2", "b"), weights, strict=True)) | {"cost": history.cost[-1]}


if __name__ == "__main__":
    main()
