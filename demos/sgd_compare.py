"""Batch, mini-batch, stochastic descent: one exact step an epoch, several noisy or many noisier ones.

Stochastic steps have high variance, which mini-batches of n samples reduce by 1/n; they waste less on redundant data. On a
line through noisy points all three go through the data equally often.
"""

from __future__ import annotations

from pathlib import Path
from random import Random
from statistics import pvariance

from matplotlib.figure import Figure

from nn import SGD, Layer, batches, fit, squared_error
from nn.viewing import COLOURS, MARKERS

SEED, POINTS, EPOCHS = 0, 128, 12
KINDS = {"batch": None, "mini-batch of 16": 16, "stochastic": 1}


def line() -> Layer:
    """Return the model w·x + b with w = b = 0."""
    return Layer.of([[0.0]], [0.0])


def first_steps() -> list[tuple[float, float, float]]:
    """Return (cost, w, b) before each of four steps of batch descent on a small example."""
    model, found = line(), []
    data = ([[0.0], [1.0], [2.0], [3.0]], [1.0, 3.0, 2.0, 5.0])
    for _ in range(4):
        w, b = (p.data for p in model.parameters())
        cost = fit(model, data, squared_error, SGD(model.parameters(), 0.1), epochs=1).cost[0]
        found.append((cost, w, b))
    return found


def gradient(X: list[list[float]], y: list[float]) -> float:
    """Return dcost/dw of a batch at w = b = 0."""
    model = line()
    for x, t in zip(X, y, strict=True):
        squared_error(model(x), t).backward(1 / len(X))
    return model.parameters()[0].grad


def main(out: Path = Path()) -> dict[str, float]:
    """Print the first steps and the variance of the gradients, and draw the costs and the paths of the weights."""
    numbers: dict[str, float] = {}
    for i, (cost, w, b) in enumerate(first_steps()):
        numbers |= {f"cost {i}": cost, f"w {i}": w, f"b {i}": b}
        print(f"four points, step {i}: w = {w:.4f}, b = {b:.4f}, cost {cost:.9f}")

    rng = Random(SEED)
    xs = [rng.uniform(-1.0, 1.0) for _ in range(POINTS)]
    data = [[x] for x in xs], [2 * x - 0.5 + rng.gauss(0.0, 0.5) for x in xs]

    figure = Figure(figsize=(13, 4.3), layout="constrained")
    costs, ways, spread = figure.subplots(1, 3)
    for (name, size), colour, style, width in zip(
        KINDS.items(), COLOURS, ("-", "--", ":"), (2.0, 2.0, 0.7), strict=False
    ):
        model = line()
        history = fit(model, data, squared_error, SGD(model.parameters(), 0.1), epochs=EPOCHS, batch_size=size,
                      rng=Random(SEED), record=True)  # fmt: skip
        weights = [(0.0, 0.0), *(tuple(snapshot.parameters) for snapshot in history.snapshots)]
        curve = [sum((w * x[0] + b - t) ** 2 for x, t in zip(*data, strict=True)) / POINTS for w, b in weights]
        seen = [i * (size or POINTS) / POINTS for i in range(len(curve))]
        print(f"{name}: {len(curve) - 1} steps in {EPOCHS} epochs, cost of all data {curve[-1]:.6f}")
        numbers[name] = curve[-1]
        costs.semilogy(seen, curve, style, color=colour, linewidth=width, zorder=1 + width, label=name)
        ways.plot(*zip(*weights, strict=True), style, color=colour, linewidth=width, zorder=1 + width, label=name)
    costs.set(xlabel="epochs", ylabel="cost of all data", title="equal passes over the data")
    costs.legend(frameon=False)
    ways.plot([2.0], [-0.5], "k*", markersize=12, zorder=5, label="the line behind the data")
    ways.set(xlabel="w", ylabel="b", title="paths of the weights")
    ways.legend(frameon=False)

    sizes = (1, 2, 4, 8, 16, 32)
    variances = []
    for size in sizes:
        drawn = [gradient(*part) for _ in range(640 * size // POINTS) for part in batches(data, size, rng)]
        variances.append(pvariance(drawn))
    numbers |= {f"variance {size}": v for size, v in zip(sizes, variances, strict=True)}
    print("variance of dcost/dw:", ", ".join(f"n = {n}: {v:.4f}" for n, v in zip(sizes, variances, strict=True)))
    spread.loglog(sizes, variances, color=COLOURS[0], marker=MARKERS[0], linestyle="none", label="measured")
    spread.loglog(sizes, [variances[0] / n for n in sizes], "k--", linewidth=1, label="1/n")
    spread.set(xlabel="samples n in a batch", ylabel="variance of dcost/dw", title="mini-batches are less noisy")
    spread.legend(frameon=False)
    figure.savefig(out / "sgd_compare.png", dpi=150)
    return numbers


if __name__ == "__main__":
    main()
