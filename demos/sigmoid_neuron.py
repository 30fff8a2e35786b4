"""The sigmoid neuron 1/(1 + e^−(w0·x0 + w1·x1 + w2)), forward and backward gate by gate.

The lecture starts with the gradient 1 at the output and walks to the inputs: through 1/x, +1, exp, *-1, the sums and the
products, each time upstream × local = downstream. `explain` prints that walk, `draw` its picture.
"""

from __future__ import annotations

from pathlib import Path

from autograd import Value, draw, exp, explain, sigmoid


def main(out: Path = Path()) -> dict[str, float]:
    """Print the walk and what the slide's rounding makes of it, and draw the graph."""
    w0, x0 = Value(2.0, "w0"), Value(-1.0, "x0")
    w1, x1 = Value(-3.0, "w1"), Value(-2.0, "x1")
    w2 = Value(-3.0, "w2")
    f = 1 / (1 + exp(-(w0 * x0 + w1 * x1 + w2)))
    f.backward()
    print(explain(f))
    draw(f).save(out / "sigmoid_neuron.svg")

    z = Value(1.0, "z")
    fused = sigmoid(z)
    fused.backward()
    print(f"\nAs one gate: σ(1) = {fused:.12f}, and its local gradient (1 − f)·f = {z.grad:.12f}")
    rounded = round(z.grad, 2)
    print(
        f"The slide goes on from a rounded {rounded:.2f}, which would give x0 {w0.data * rounded:.2f}, w1 "
        f"{x1.data * rounded:.2f} and x1 {w1.data * rounded:.2f}; exact are {x0.grad:.3f}, {w1.grad:.3f} and {x1.grad:.3f}."
    )
    print(f"Nor is −1/1.37² = {-1 / 1.37**2:.4f} the local gradient of 1/x here: that is {-(f.data**2):.4f}.")
    grads = {name: leaf.grad for name, leaf in (("w0", w0), ("x0", x0), ("w1", w1), ("x1", x1), ("w2", w2), ("z", z))}
    return {"f": f.data, **grads}


if __name__ == "__main__":
    main()
