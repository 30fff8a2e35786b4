"""The linear classifier z = Wx + b: hinge and softmax loss of its scores, and its decision boundaries.

The example has four pixels and three classes, of which the last is right. Hinge asks only that the right score
leads by 1; softmax always wants more. In the plane, three such neurons cut the three arms of a spiral by straight lines,
which no training can bend.
"""

from __future__ import annotations

from pathlib import Path
from random import Random

from matplotlib.figure import Figure

from autograd import Value, dot
from nn import Adam, cross_entropy_with_logits, fit, hinge, l2, plot_boundary, recipe, softmax, spiral

W = [[0.01, -0.05, 0.1, 0.05], [0.7, 0.2, 0.05, 0.16], [0.0, -0.45, -0.2, 0.03]]
X, B, RIGHT = [-15.0, 22.0, -44.0, 56.0], [0.0, 0.2, -0.3], 2
STRENGTH = 0.1  # of the penalty
SEED = 0


def main(out: Path = Path()) -> dict[str, float]:
    """Print both losses with their gradients in W, and draw the boundary of a linear classifier on the spiral."""
    scores = [dot(row, X, b) for row, b in zip(W, B, strict=True)]
    numbers: dict[str, float] = {f"score {i}": z for i, z in enumerate(scores)}
    p = softmax(scores)
    print("scores:     ", "  ".join(f"{z:9.6f}" for z in scores), f"  (class {RIGHT} is right)")
    print("softmax:    ", "  ".join(f"{x:9.6f}" for x in p))
    for name, loss_of in (("hinge", hinge), ("cross-entropy", cross_entropy_with_logits)):
        weights = [[Value(w) for w in row] for row in W]
        loss = loss_of([dot(row, X, b) for row, b in zip(weights, B, strict=True)], RIGHT)
        loss.backward()
        print(f"{name}: loss {loss:.12f}, dL/dW =")
        for row in weights:
            print("             ", "  ".join(f"{w.grad:9.4f}" for w in row))
        numbers |= {name: loss.data} | {f"{name} dW{j}0": row[0].grad for j, row in enumerate(weights)}
    penalty = l2([w for row in W for w in row], STRENGTH)
    print(f"with the penalty λ·Σw², λ = {STRENGTH}: {numbers['hinge'] + penalty:.6f}, whose gradient adds 2λw, once")
    print("(the lecture's loss has no λ, its gradient has, and counts 2λw twice)")
    cars = hinge([[3.2, 5.1, -1.7], [1.3, 4.9, 2.0], [2.2, 2.5, -3.1]], [0, 1, 2], reduction="none")
    print("hinge of the pictures cat, car, frog:", ", ".join(f"{x:g}" for x in cars), f"mean {sum(cars) / 3:.12f}\n")

    rng = Random(SEED)
    task = recipe("multiclass", 2, [], 3, rng=rng)
    points = spiral(60, 0.2, rng)
    fit(task.model, points, task.loss, Adam(task.model.parameters(), 0.05), epochs=30, batch_size=30, rng=rng)
    accuracy = task.score(task.predict(points[0]), points[1])
    print(f"{task.model} on the spiral: accuracy {accuracy:.3f}")
    figure = Figure(figsize=(6.5, 5), layout="constrained")
    ax = plot_boundary(task.model, *points, figure.subplots())
    ax.set_title(f"three neurons, straight boundaries: {accuracy:.0%} correct")
    figure.savefig(out / "linear_classifier.png", dpi=150)
    return numbers | {
        "p2": p[RIGHT],
        "penalised": numbers["hinge"] + penalty,
        "mean": sum(cars) / 3,
        "accuracy": accuracy,
    }


if __name__ == "__main__":
    main()
