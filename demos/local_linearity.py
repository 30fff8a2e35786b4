"""Near a point a smooth function is its tangent, Δy = slope · Δx; the rest is of second order.

Gradients suffice for small steps: L(w + u) = L(w) + ∇L·u + ½ uᵀHu + …. Shown on the sigmoid neuron as a function
of w0, at w0 = 2. The error of the tangent divided by u² tends to half the second derivative.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from autograd import grad, linearize, sigmoid
from nn.viewing import COLOURS


def neuron(w0: Any) -> Any:
    """The sigmoid neuron; x0 = −1, w1·x1 = 6, w2 = −3."""
    return sigmoid(w0 * -1.0 + 6.0 - 3.0)


def main(out: Path = Path()) -> dict[str, float]:
    """Print true, linear and quadratic change for three steps, and draw the approximations and their errors."""
    tangent, parabola = linearize(neuron, 2.0), linearize(neuron, 2.0, order=2)
    value = neuron(2.0)
    half_bend = grad(grad(neuron))(2.0) / 2
    print(f"f(2) = {value:.6f}, f′(2) = {grad(neuron)(2.0):.6f}, ½f″(2) = {half_bend:.9f}")
    print("step u   true change       linear change     with ½f″u²        (true − linear)/u²")
    for u in (0.1, 0.01, 0.001):
        true, linear, quadratic = neuron(2.0 + u) - value, tangent(u) - value, parabola(u) - value
        print(f"{u:<7g} {true:.12f}  {linear:.12f}  {quadratic:.12f}  {(true - linear) / u**2:.6f}")

    figure = Figure(figsize=(10, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    us = [-4 + i / 20 for i in range(161)]
    left.plot([2 + u for u in us], [neuron(2 + u) for u in us], color=COLOURS[0], label="f, the neuron")
    left.plot([2 + u for u in us], [tangent(u) for u in us], color=COLOURS[5], linestyle="--", label="tangent at 2")
    left.plot([2 + u for u in us], [parabola(u) for u in us], color=COLOURS[2], linestyle=":", label="with ½f″u²")
    left.plot([2.0], [value], "ko")
    left.set(xlabel="w0", ylabel="f", ylim=(-0.2, 1.4), title="a neuron and its approximations")
    left.legend(frameon=False, loc="upper right")
    steps = [10 ** (-i / 4) for i in range(13)]
    for name, near, style in (("tangent", tangent, "--"), ("with ½f″u²", parabola, ":")):
        errors = [abs(near(u) - neuron(2.0 + u)) for u in steps]
        right.loglog(steps, errors, style, color=COLOURS[5 if style == "--" else 2], marker="o", label=name)
    right.set(xlabel="step u", ylabel="|error|", title="the errors fall like u² and u³")
    right.legend(frameon=False, loc="upper left")
    figure.savefig(out / "local_linearity.png", dpi=150)
    u = 0.001
    return {
        "true": neuron(2.01) - value,
        "linear": tangent(0.01) - value,
        "half bend": half_bend,
        "measured": (neuron(2.0 + u) - tangent(u)) / u**2,
    }


if __name__ == "__main__":
    main()
