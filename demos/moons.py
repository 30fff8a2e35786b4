"""Two moons: a binary task that no line separates, learnt by two hidden layers of tanh neurons.

The recipe's output layer is one sigmoid neuron and its loss the binary cross-entropy. 200 points train, 300 fresh ones
test, all with Gaussian noise of deviation 0.1.
"""

from __future__ import annotations

from pathlib import Path
from random import Random

from matplotlib.figure import Figure

from autograd import tanh
from nn import Adam, fit, moons, plot_boundary, recipe, xavier
from nn.training.schedules import cosine

SEED, NOISE, EPOCHS = 0, 0.1, 30


def main(out: Path = Path()) -> dict[str, float]:
    """Train, print the accuracy on fresh points, and draw the decision boundary."""
    rng = Random(SEED)
    train, test = moons(200, NOISE, rng), moons(300, NOISE, rng)
    task = recipe("binary", 2, [8, 8], activation=tanh, init=xavier, rng=rng)
    history = fit(
        task.model, train, task.loss, Adam(task.model.parameters()),
        epochs=EPOCHS, batch_size=16, rng=rng, schedule=cosine(0.05, 0.0, EPOCHS),
    )  # fmt: skip
    accuracy = task.score(task.predict(test[0]), test[1])
    print(task.model, history, f"accuracy on {len(test[1])} fresh points: {accuracy:.3f}", sep="\n")

    figure = Figure(figsize=(7.5, 5), layout="constrained")
    ax = plot_boundary(task.model, *test, figure.subplots())
    ax.set_title(f"two moons, noise {NOISE}: {accuracy:.1%} of fresh points correct")
    figure.savefig(out / "moons.png", dpi=150)
    return {"accuracy": accuracy}


if __name__ == "__main__":
    main()
