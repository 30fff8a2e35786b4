"""The squared error L = (f − t)² of f = x·y + z: gradients flow from the loss to the inputs.

The lecture gives t = −4, x = −2, y = 3 and the gradients; z is never printed, and follows from them to be 1. One step
against the gradients then lowers the loss.
"""

from __future__ import annotations

from pathlib import Path

from autograd import Value, draw, explain

LEARNING_RATE = 0.01


def main(out: Path = Path()) -> dict[str, float]:
    """Print the walk, draw the graph, take one step of gradient descent and replay the graph."""
    x, y, z, t = Value(-2.0), Value(3.0), Value(1.0), Value(-4.0)
    g = x * y
    f = g + z
    L = (f - t) ** 2
    L.backward()
    print(explain(L))
    draw(L).save(out / "squared_error_graph.svg")
    numbers = {"L": L.data, "f": f.data, "df": f.grad, "dg": g.grad}
    numbers |= {"dx": x.grad, "dy": y.grad, "dz": z.grad, "dt": t.grad}

    for leaf in (x, y, z):  # t is the target: it stays
        leaf.data -= LEARNING_RATE * leaf.grad
    print(f"\nA step of −{LEARNING_RATE}·gradient in x, y and z: L falls from {numbers['L']:g} to {L.forward():.6f}")
    return numbers | {"L after a step": L.data}


if __name__ == "__main__":
    main()
