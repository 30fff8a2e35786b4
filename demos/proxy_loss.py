"""Minimising a proxy loss may not minimise the errors: least squares with an outlier.

Five points on a line, classes −1, −1, 1, 1, 1, the last an outlier. The sign of the least squares fit to the labels is wrong for
the third point. A fit with a higher loss classifies all five correctly.
"""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure

from nn import linear_regression, mean_squared_error, plot_points, zero_one
from nn.viewing import COLOURS

X, Y = [0.0, 1.0, 2.0, 3.0, 20.0], [-1, -1, 1, 1, 1]


def main(out: Path = Path()) -> dict[str, float]:
    """Print both fits with their loss and errors, and draw them."""
    fit = linear_regression(X, Y)
    lines = {"least squares": (fit.weights[0], fit.bias), "a separator": (0.1, -0.15)}
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    ax = figure.subplots()
    numbers: dict[str, float] = {}
    for (name, (slope, intercept)), colour, style in zip(lines.items(), COLOURS, ("-", "--"), strict=False):
        outputs = [slope * x + intercept for x in X]
        loss, errors = mean_squared_error(outputs, Y), zero_one(outputs, Y, threshold=0, reduction="sum")
        boundary = -intercept / slope
        print(f"{name}: {slope:.12f}·x + {intercept:.12f}, decides 1 from x = {boundary:.12f} on")
        print(f"    proxy, the mean squared error: {loss:.9f}; errors: {errors:g}")
        numbers |= {f"{name}: loss": loss, f"{name}: errors": errors, f"{name}: boundary": boundary}
        ax.plot([-1, 21], [slope * x + intercept for x in (-1, 21)], style, color=colour,
                label=f"{name}: loss {loss:.4f}, errors {errors:g}")  # fmt: skip
        ax.axvline(boundary, color=colour, linestyle=style, linewidth=0.8)
    plot_points([[x, t] for x, t in zip(X, Y, strict=True)], Y, ax, size=50)
    ax.axhline(0, color="grey", linewidth=0.6)
    ax.set(xlabel="x", ylabel="output; its sign decides", title="lower loss, yet one error")
    ax.legend(frameon=False, loc="lower right")
    figure.savefig(out / "proxy_loss.png", dpi=150)
    return numbers | {"slope": fit.weights[0], "intercept": fit.bias}


if __name__ == "__main__":
    main()
