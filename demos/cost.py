"""What gradients cost: finite differences, backpropagation, the order of products, scalars, matrices.

Numerical gradients are slow, with two evaluations for every parameter, and approximate: a smaller step has less truncation
error but more rounding error. Backpropagation takes one forward and one backward pass, exact up to rounding, because it
multiplies the Jacobians from the side of the loss, vector by vector. Scalar graphs show all of this, and are "extremely
inefficient in practice": the same recursion in matrices is many times as fast.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any, Literal

import numpy as np
from matplotlib.figure import Figure

from autograd import exp, finite_differences, grad, sigmoid, sin
from nn import MLP, Layer, Sequential, cross_entropy_with_logits
from nn.viewing import COLOURS, MARKERS

SEED, N = 0, 64
SIZES = [32, 64, 64, 10]  # inputs, two hidden layers, classes


def f(x: Any) -> Any:
    """e^sin(x²). (The lecture writes its derivative, e^sin(x²)·cos(x²)·2x, after "f(x) =", where f′ is meant.)"""
    return exp(sin(x**2))


def small_net_evaluations() -> tuple[int, int]:
    """Return the number of parameters of the net 2-2-2-3, and of evaluations that a numerical gradient takes."""
    model = Sequential(
        Layer(2, 2, sigmoid, rng=Random(SEED)), Layer(2, 2, sigmoid, rng=Random(SEED)), Layer(2, 3, None)
    )
    parameters, evaluations = model.parameters(), 0

    def loss(*data: Any) -> Any:
        nonlocal evaluations
        evaluations += 1
        for parameter, x in zip(parameters, data, strict=True):
            parameter.data = x if isinstance(x, float) else x.data
        return cross_entropy_with_logits(model([1.0, 2.0]), 2)

    finite_differences(loss, [p.data for p in parameters])
    return len(parameters), evaluations


def product(a: list[list[float]], b: list[list[float]]) -> tuple[list[list[float]], int]:
    """Return the matrix product and the number of multiplications."""
    columns = list(zip(*b, strict=True))
    entries = [[sum(x * y for x, y in zip(row, column, strict=True)) for column in columns] for row in a]
    return entries, len(a) * len(columns) * len(b)


def recursion(weights: list[Any], biases: list[Any], x: Any, y: int) -> list[Any]:
    """Return the gradients of all weights by the δ recursion in NumPy; sigmoid hidden layers, softmax output.

    da/dz is diag(σ′(z)), which the recursion applies as an elementwise product.
    """
    a = [x]
    for W, b in zip(weights[:-1], biases[:-1], strict=True):
        a.append(1 / (1 + np.exp(-(W @ a[-1] + b))))
    z = weights[-1] @ a[-1] + biases[-1]
    delta = np.exp(z - z.max())
    delta /= delta.sum()
    delta[y] -= 1
    gradients = [np.outer(delta, a[-1])]
    for W, h, below in zip(weights[:0:-1], a[:0:-1], a[-2::-1], strict=True):
        delta = (W.T @ delta) * h * (1 - h)
        gradients.insert(0, np.outer(delta, below))
    return gradients


def fastest(f: Callable[[], object]) -> float:
    """Return the shortest of five timings of a call, in seconds."""
    times = []
    for _ in range(5):
        began = time.perf_counter()
        f()
        times.append(time.perf_counter() - began)
    return min(times)


def main(out: Path = Path()) -> dict[str, float]:
    """Print the four comparisons, and draw the error of finite differences over the step."""
    exact = grad(f)(1.0)
    steps = [10 ** (-k / 2) for k in range(2, 27)]
    figure = Figure(figsize=(7, 4.5), layout="constrained")
    ax = figure.subplots()
    numbers: dict[str, float] = {"f'(1)": exact}
    schemes: tuple[Literal["forward", "central"], ...] = ("forward", "central")
    for scheme, colour, marker in zip(schemes, COLOURS, MARKERS, strict=False):
        errors = [abs(finite_differences(f, [1.0], scheme=scheme, step=h)[0] - exact) for h in steps]
        ax.loglog(steps, errors, color=colour, marker=marker, markersize=5, label=f"{scheme} differences")
        for h in (1e-2, 1e-4, 1e-6, 1e-12):
            numbers[f"{scheme} {h:g}"] = abs(finite_differences(f, [1.0], scheme=scheme, step=h)[0] - exact)
            print(f"{scheme} differences of e^sin(x²) at 1, step {h:g}: error {numbers[f'{scheme} {h:g}']:.3e}")
    ax.set(xlabel="step", ylabel="|error| of the derivative", title="rounding dominates left of the minimum")
    ax.legend(frameon=False)
    figure.savefig(out / "cost.png", dpi=150)

    parameters, evaluations = small_net_evaluations()
    print(f"\na net of {parameters} parameters: {evaluations} evaluations, or one forward and one backward pass")

    rng = Random(SEED)
    A, B = ([[rng.gauss(0.0, 1.0) for _ in range(N)] for _ in range(N)] for _ in range(2))
    v = [[rng.gauss(0.0, 1.0) for _ in range(N)]]
    (vA, from_loss), (AB, whole) = product(v, A), product(A, B)
    gap = max(abs(p - q) for p, q in zip(product(vA, B)[0][0], product(v, AB)[0][0], strict=True))
    print(
        f"\nvᵀAB with n = {N}: {from_loss:,} multiplications a matrix from the side of the loss, {whole:,} for AB; gap {gap:.0e}"
    )
    print(
        "(for outputs × inputs; one lecture prints Jacobians transposed, inputs × outputs, and the products turned round)"
    )

    model = MLP(SIZES[0], SIZES[1:], sigmoid, rng=rng)
    x, y = [rng.gauss(0.0, 1.0) for _ in range(SIZES[0])], 3
    weights = [np.array([[w.data for w in row] for row in layer.W]) for layer in model.layers]
    biases = [np.array([b.data for b in layer.b]) for layer in model.layers]
    scalar = fastest(lambda: cross_entropy_with_logits(model(x), y).backward())
    matrix = fastest(lambda: recursion(weights, biases, np.array(x), y))
    model.zero_grad()
    cross_entropy_with_logits(model(x), y).backward()
    gradients = recursion(weights, biases, np.array(x), y)
    by_scalars = [np.array([[w.grad for w in row] for row in layer.W]) for layer in model.layers]
    differ = max(float(np.abs(a - b).max()) for a, b in zip(by_scalars, gradients, strict=True))
    print(f"\n{model}: gradients of one sample, scalar by scalar and by the δ recursion, differ by {differ:.0e};")
    print(f"  in this run scalars took {scalar / matrix:.0f} times as long")
    return numbers | {
        "parameters": parameters, "evaluations": evaluations, "from the loss": from_loss, "whole": whole,
        "gap": gap, "differ": differ,
    }  # fmt: skip


if __name__ == "__main__":
    main()
