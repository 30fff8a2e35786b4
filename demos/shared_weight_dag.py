"""A weight that is used twice: the gradients of both uses add up.

The lecture's graph: x1 = φ1(x0, w1), x2 = φ2(x0, x1, w2), x3 = φ3(x1, x2, w1), and the loss l = x3. Here the φ are
products, so that all numbers are whole: x1 = w1·x0, x2 = w2·x0·x1, x3 = w1·x1·x2. A pass that overwrites instead of
adding would lose one of the two gradients.
"""

from __future__ import annotations

from pathlib import Path

from autograd import Value, draw, explain


def main(out: Path = Path()) -> dict[str, float]:
    """Print the walk and draw the graph; then give each use of w1 its own leaf and print its share."""
    x0, w1, w2 = Value(2.0), Value(3.0), Value(-1.0)
    x1 = w1 * x0
    x2 = w2 * x0 * x1
    x3 = w1 * x1 * x2
    x3.backward()
    print(explain(x3))
    print(f"\n{explain(x3, wrt=w1)}")
    draw(x3).save(out / "shared_weight_dag.svg")

    in_phi1, in_phi3 = Value(3.0), Value(3.0)  # w1 twice; the rest are numbers
    v1 = in_phi1 * 2.0
    (in_phi3 * v1 * (-1.0 * 2.0 * v1)).backward()
    print(
        f"\nWith a leaf of its own for each use of w1: {in_phi1.grad:g} by φ1, {in_phi3.grad:g} by φ3, in all {w1.grad:g}."
    )
    print(f"The lecture prints dl/dx1 twice; the line that is lost is dl/dx2 = ∂φ3/∂x2 · dl/dx3 = {x2.grad:g}.")
    numbers = {"x1": x1.data, "x2": x2.data, "x3": x3.data, "dl/dx1": x1.grad, "dl/dx2": x2.grad}
    numbers |= {"dl/dw1": w1.grad, "dl/dw2": w2.grad, "dl/dx0": x0.grad}
    return numbers | {"via φ1": in_phi1.grad, "via φ3": in_phi3.grad}


if __name__ == "__main__":
    main()
