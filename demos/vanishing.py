"""Gradients vanish or explode with depth: they are products with a factor Wᵀ and f′ per layer.

The gradient of layer k has the product over all later layers of weights times slopes of the activation (its order
is that of transposed W). The slope of a sigmoid is at most ¼, so its early layers hardly learn; relu with weights of the
right size keeps the gradient. In a linear network each layer multiplies by at most its spectral norm, the largest singular
value.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

from matplotlib.figure import Figure

from autograd import Value, relu, sigmoid
from nn import MLP, Layer, Sequential, cross_entropy_with_logits, gradient_norms, he, xavier
from nn.viewing import COLOURS, MARKERS

SEED, WIDTH = 0, 12
DEPTHS = (3, 6, 12)


def norms(activation: Callable[[Any], Any], init: Callable[..., float], depth: int) -> list[float]:
    """Return the norm of the gradient of every layer, for one random sample of two classes."""
    rng = Random(SEED)
    model = MLP(WIDTH, [*[WIDTH] * (depth - 1), 2], activation, init=init, rng=rng)
    x = [rng.gauss(0.0, 1.0) for _ in range(WIDTH)]
    cross_entropy_with_logits(model(x), 1).backward()
    return list(gradient_norms(model).values())


def through_linear_layers(s: float, depth: int) -> float:
    """Return |dy/dx| along one output of layers W = s·rotation, whose singular values are all s."""
    c, d = s * math.cos(0.3), s * math.sin(0.3)
    x = [Value(1.0), Value(0.0)]
    Sequential(*(Layer.of([[c, -d], [d, c]]) for _ in range(depth)))(x)[0].backward()
    return math.hypot(x[0].grad, x[1].grad)


def main(out: Path = Path()) -> dict[str, float]:
    """Print the gradient of the first layer against that of the last, and draw all of them."""
    figure = Figure(figsize=(13, 4.3), layout="constrained")
    *panels, linear = figure.subplots(1, 3)
    numbers: dict[str, float] = {}
    for ax, activation, init in zip(panels, (sigmoid, relu), (xavier, he), strict=True):
        for depth, colour, marker in zip(DEPTHS, COLOURS, MARKERS, strict=False):
            found = norms(activation, init, depth)
            ratio = numbers[f"{activation.name} {depth}"] = found[0] / found[-1]
            print(f"{activation.name:8} {depth:2} layers: |gradient| of layer 1 {found[0]:.2e}, of the last {found[-1]:.2e}, "
                  f"ratio {ratio:.2e}")  # fmt: skip
            ax.semilogy(range(1, depth + 1), found, color=colour, marker=marker, label=f"{depth} layers")
        ax.set(
            xlabel="layer",
            ylabel="norm of its gradient",
            ylim=(1e-8, 20),
            title=f"{activation.name}, {init.__name__} weights",
        )
        ax.legend(frameon=False, loc="lower right")
    for s, colour, marker in zip((0.5, 1.0, 1.5), COLOURS, MARKERS, strict=False):
        grown = [through_linear_layers(s, depth) for depth in range(1, 13)]
        numbers[f"linear {s}"] = grown[9]
        print(f"linear, spectral norm {s}: after 10 layers |dy/dx| = {grown[9]:.9g} = {s}¹⁰")
        linear.semilogy(range(1, 13), grown, color=colour, marker=marker, label=f"spectral norm {s}")
    linear.set(xlabel="layers", ylabel="|dy/dx|", title="linear layers")
    linear.legend(frameon=False, loc="lower left")
    figure.savefig(out / "vanishing.png", dpi=150)
    return numbers


if __name__ == "__main__":
    main()
