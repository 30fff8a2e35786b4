"""Space warping: a linear layer cannot make two classes separable, a relu layer can.

An affine map rotates, scales, shears, reflects and translates: lines stay lines, midpoints stay midpoints, and classes that
no line separates stay inseparable. relu folds the plane along the axes. With W = [[1, −1], [−1, 1]] it maps the corners
(0, 0) and (1, 1) of XOR to one point and keeps the others apart.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from autograd import relu
from nn import Layer, classical, plot_points

CORNERS, LABELS = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [0, 1, 1, 0]
W = [[1.0, -1.0], [-1.0, 1.0]]


def main(out: Path = Path()) -> dict[str, float]:
    """Map a grid and the corners by four maps, print whether a line separates the classes then, and draw them."""
    maps: dict[str, Any] = {
        "the inputs": lambda points: points,
        "affine: rotated, sheared, shifted": Layer.of([[0.8, -0.9], [0.6, 0.8]], [0.3, -0.5]).predict,
        "linear: Wx": Layer.of(W).predict,
        "relu(Wx)": Layer.of(W, None, relu).predict,
    }
    ticks = np.linspace(-0.5, 1.5, 9)
    fine = np.linspace(-0.5, 1.5, 41)
    lines = [np.stack([np.full_like(fine, t), fine], axis=1) for t in ticks]
    lines += [line[:, ::-1] for line in lines]
    figure = Figure(figsize=(15, 4.3), layout="constrained")
    numbers: dict[str, float] = {}
    for (name, warp), ax in zip(maps.items(), figure.subplots(1, 4), strict=True):
        corners = warp(CORNERS)
        separable = bool(classical.separable(corners, LABELS))
        numbers[name] = separable
        print(
            f"{name}: {[[round(v, 9) for v in p] for p in corners]}, {'separable' if separable else 'not separable'} by a line"
        )
        for line in lines:
            ax.plot(*np.array(warp(line)).T, color="grey", linewidth=0.6)
        plot_points(corners, LABELS, ax, size=80)
        inputs = name == "the inputs"
        ax.set(xlabel="x₁" if inputs else "h₁", ylabel="x₂" if inputs else "h₂", aspect="equal", xlim=(-2.2, 2.2),
               ylim=(-2.2, 2.2), title=f"{name}\n{'' if separable else 'not '}separable")  # fmt: skip
    ax.plot([0.0, 0.5], [0.5, 0.0], "k--", label="h₁ + h₂ = ½")
    ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)
    figure.savefig(out / "space_warping.png", dpi=150)

    affine = maps["affine: rotated, sheared, shifted"]
    (p, q, middle) = affine([[0.3, -1.0], [1.1, 2.0], [0.7, 0.5]])
    numbers["midpoint"] = max(abs((a + b) / 2 - m) for a, b, m in zip(p, q, middle, strict=True))
    print(f"the affine map leaves a midpoint in the middle, up to {numbers['midpoint']:.0e}")
    print("(The lecture writes Wᵀx and Wx by turns; here it is Wx, a row for each neuron.)")
    return numbers


if __name__ == "__main__":
    main()
