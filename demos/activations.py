"""The activation functions and their derivatives: sigmoid, tanh, relu, leaky relu (0.1), elu.

autograd computes each derivative. It is at most 1, for the sigmoid at most ¼, so sigmoid gradients vanish in deep networks.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from autograd import elu, leaky_relu, relu, sigmoid, tanh, value_and_grad
from nn import plot_activation

POINTS = (-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0)


def elu_03(x: Any) -> Any:
    """elu with α = 0.3: its derivative jumps at 0 from 0.3 to 1."""
    return elu(x, 0.3)


def main(out: Path = Path()) -> dict[str, float]:
    """Print a table of values and derivatives, and plot each function with its derivative."""
    functions: dict[str, Callable[[Any], Any]] = {
        "sigmoid": sigmoid, "tanh": tanh, "relu": relu, "leaky_relu": leaky_relu, "elu": elu, "elu_03": elu_03,
    }  # fmt: skip
    numbers: dict[str, float] = {}
    print(f"{'x':>10}", *(f"{x:>15g}" for x in POINTS))
    for name, function in functions.items():
        pairs = [value_and_grad(function)(x) for x in POINTS]
        print(f"{name:>10}", *(f"{value:>15.9f}" for value, _ in pairs))
        print(f"{'slope':>10}", *(f"{slope:>15.9f}" for _, slope in pairs))
        for x, (value, slope) in zip(POINTS, pairs, strict=True):
            numbers |= {f"{name}({x:g})": value, f"{name}'({x:g})": slope}
    print("\nAn activation must be differentiable. relu is not at 0, where its slope is 0 by convention.")

    figure = Figure(figsize=(12, 7), layout="constrained")
    for ax, (name, function) in zip(figure.subplots(2, 3).flat, functions.items(), strict=True):
        plot_activation(function, ax)
        ax.set_title("elu with α = 0.3: its slope jumps" if name == "elu_03" else name)
    figure.savefig(out / "activations.png", dpi=150)
    return numbers


if __name__ == "__main__":
    main()
