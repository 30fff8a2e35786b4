"""The lectures' spiral: three arms, wound into each other, that a network with two hidden layers unwinds.

X_k(t) = t·(sin φ, cos φ) with φ = (2π/3)(2t + k − 1) + noise for 0 ≤ t ≤ 1: 200 points an arm, noise of deviation 0.2 in
the angle. A quarter of the points is kept for testing. The recipe: three neurons, softmax, cross-entropy.
"""

from __future__ import annotations

from pathlib import Path
from random import Random

from autograd import tanh
from nn import Adam, fit, plot_boundary, recipe, spiral, train_test_split, xavier
from nn.schedules import cosine

SEED, NOISE, EPOCHS = 0, 0.2, 50


def main(out: Path = Path()) -> dict[str, float]:
    """Train, print the accuracy on the points kept aside, and draw the decision boundary."""
    rng = Random(SEED)
    train, test = train_test_split(spiral(200, NOISE, rng), 0.25, rng=rng)
    task = recipe("multiclass", 2, [16, 16], 3, activation=tanh, init=xavier, rng=rng)
    history = fit(
        task.model, train, task.loss, Adam(task.model.parameters()),
        epochs=EPOCHS, batch_size=16, rng=rng, schedule=cosine(0.03, 0.0, EPOCHS),
    )  # fmt: skip
    accuracy = task.score(task.predict(test[0]), test[1])
    print(task.model, history, f"accuracy on {len(test[1])} points kept aside: {accuracy:.3f}", sep="\n")

    ax = plot_boundary(task.model, *test)
    ax.set_title(f"spiral, noise {NOISE}: {accuracy:.1%} of the points kept aside right")
    ax.figure.savefig(out / "spiral.png", dpi=150)
    return {"accuracy": accuracy}


if __name__ == "__main__":
    main()
