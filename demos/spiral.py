"""The spiral: three interleaved arms, which a network maps so that straight lines separate them.

X_k(t) = t·(sin φ, cos φ) with φ = (2π/3)(2t + k − 1) + noise for 0 ≤ t ≤ 1. The last hidden layer has two neurons, so that
the points can be drawn before and after it. 200 an arm, noise 0.2; a quarter is kept for testing.
"""

from __future__ import annotations

from pathlib import Path
from random import Random

from matplotlib.figure import Figure

from autograd import no_grad, tanh
from nn import Adam, fit, plot_boundary, recipe, spiral, train_test_split, xavier
from nn.training.schedules import cosine

SEED, NOISE, ARM, EPOCHS = 0, 0.2, 200, 80


def main(out: Path = Path()) -> dict[str, float]:
    """Train, print the accuracy on the points kept aside, and draw them in the plane and in the last hidden layer."""
    rng = Random(SEED)
    train, test = train_test_split(spiral(ARM, NOISE, rng), 0.25, rng=rng)
    task = recipe("multiclass", 2, [16, 16, 2], 3, activation=tanh, init=xavier, rng=rng)
    history = fit(
        task.model, train, task.loss, Adam(task.model.parameters()),
        epochs=EPOCHS, batch_size=16, rng=rng, schedule=cosine(0.03, 0.0, EPOCHS), compiled=True,
    )  # fmt: skip
    accuracy = task.score(task.predict(test[0]), test[1])
    print(task.model, history, f"accuracy on {len(test[1])} points kept aside: {accuracy:.3f}", sep="\n")

    *hidden, last = task.model.layers
    points = []
    with no_grad():
        for x in test[0]:
            for layer in hidden:
                x = layer(x)
            points.append([h.data for h in x])
    figure = Figure(figsize=(13, 5), layout="constrained")
    before, after = figure.subplots(1, 2)
    plot_boundary(task.model, *test, before)
    before.set_title(f"test points: {accuracy:.1%} correct")
    plot_boundary(last, points, test[1], after)
    after.set(xlabel="h₁", ylabel="h₂", title="the same points in the last hidden layer")
    figure.savefig(out / "spiral.png", dpi=150)
    return {"accuracy": accuracy}


if __name__ == "__main__":
    main()
