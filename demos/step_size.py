"""The influence of the step size: too small is slow, too large oscillates, larger still diverges.

On f(x) = x² every step multiplies x by 1 − 2η, so the path is known: η = 0.5 reaches 0 in one step, and
η = 1 alternates between 1 and −1. A usual rule is to stop when |f(x^t+k) − f(x^t)| < ε.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from nn import minimize
from nn.viewing import COLOURS, MARKERS

ETAS = (0.1, 0.4, 0.5, 0.9, 1.0, 1.1)


def f(x: Any) -> Any:
    """x², with its minimum at 0."""
    return x * x


def main(out: Path = Path()) -> dict[str, float]:
    """Print x after ten steps and when the stop criterion holds, and draw the paths."""
    numbers: dict[str, float] = {}
    figure = Figure(figsize=(13, 6.5), layout="constrained")
    axes = figure.subplot_mosaic([[0.1, 0.4, 0.5, "all"], [0.9, 1.0, 1.1, "all"]], width_ratios=[1, 1, 1, 1.3])
    low = [-1.7 + i / 50 for i in range(171)]
    for eta, colour, marker in zip(ETAS, COLOURS, MARKERS, strict=True):
        descent = minimize(f, 1.0, learning_rate=eta, steps=20)
        numbers[f"x10 at {eta}"] = descent.path[10]
        print(f"η = {eta}: x = {', '.join(f'{x:.4g}' for x in descent.path[:5])}, …, x10 = {descent.path[10]:.10g}")
        ax = axes[eta]
        ax.plot(low, [f(x) for x in low], color="grey", linewidth=0.8)
        ax.plot(descent.path, descent.values, color=colour, marker=marker, markersize=5, linewidth=1)
        ax.set(xlabel="x", ylabel="f(x)", xlim=(-1.7, 1.7), ylim=(-0.1, 2.6), title=f"η = {eta}")
        values = [max(value, 1e-12) for value in descent.values]
        axes["all"].semilogy(values, color=colour, marker=marker, markersize=5, label=f"η = {eta}",
                             fillstyle="none" if eta == 0.9 else "full", linestyle=":" if eta == 0.9 else "-")  # fmt: skip
    axes["all"].set(xlabel="step", ylabel="f(x), cut off at 1e-12", title="0.1 and 0.9 fall equally fast")
    axes["all"].legend(frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    figure.savefig(out / "step_size.png", dpi=150)

    print("\n|f(x^t+k) − f(x^t)| < 1e-6 first holds at t:")
    for eta in (0.1, 0.4, 0.9, 1.0):
        for k in (1, 5):
            descent = minimize(f, 1.0, learning_rate=eta, epsilon=1e-6, k=k)
            assert descent.t is not None
            numbers[f"t at {eta}, k={k}"] = descent.t
            print(f"  η = {eta}, k = {k}: t = {descent.t}, where x = {descent.x:.2e}")
    print("At η = 1 the criterion is met at once, though nothing has converged: f is the same at 1 and −1.")
    return numbers


if __name__ == "__main__":
    main()
