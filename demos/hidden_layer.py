"""Watching a hidden layer learn: the points as its two neurons see them, epoch by epoch.

The last hidden layer of a trained network separates classes that overlap in the inputs. Here a disc and a ring around it go
through eight neurons, then two, then one, whose boundary is a line. The animation shows every epoch, the figure twelve.
"""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

from matplotlib.animation import FuncAnimation, PillowWriter
from matplotlib.figure import Figure

from autograd import tanh
from nn import SGD, accuracy, circles, fit, plot_points, recipe, xavier

SEED, POINTS, FRAMES = 1, 100, (0, 1, 2, 3, 4, 5, 7, 10, 14, 20, 30, 50)
LIMIT = 1.2  # of both axes; tanh is within 1


def main(out: Path = Path()) -> dict[str, float]:
    """Train, print the accuracy at twelve epochs, and draw the last hidden layer as a figure and as an animation."""
    rng = Random(SEED)
    X, y = circles(POINTS, 0.05, rng)
    task = recipe("binary", 2, [8, 2], activation=tanh, init=xavier, rng=rng)
    first, second, last = task.model.layers
    epochs: list[tuple[list[list[float]], list[float], float]] = []  # hidden activations, output neuron, accuracy

    def keep() -> None:
        points = [[h.data for h in second(first(x))] for x in X]
        neuron = [w.data for w in (*last.W[0], last.b[0])]
        epochs.append((points, neuron, accuracy(task.predict(X), y)))

    keep()
    fit(task.model, (X, y), task.loss, SGD(task.model.parameters(), 0.1, momentum=0.9), epochs=max(FRAMES), batch_size=10,
        rng=rng, callbacks=[lambda epoch, model, history: keep()])  # fmt: skip

    def draw(ax: Any, epoch: int) -> None:
        points, (w1, w2, b), right = epochs[epoch]
        plot_points(points, y, ax, size=16).set(xlabel="", ylabel="", xlim=(-LIMIT, LIMIT), ylim=(-LIMIT, LIMIT))
        nearest = [-b * w / (w1 * w1 + w2 * w2) for w in (w1, w2)]  # the boundary's point next to the origin
        ax.axline(nearest, (nearest[0] - w2, nearest[1] + w1), color="black")
        ax.set_title(f"epoch {epoch}: {right:.0%} correct")

    figure = Figure(figsize=(13, 9), layout="constrained")
    for ax, epoch in zip(figure.subplots(3, 4, sharex=True, sharey=True).flat, FRAMES, strict=True):
        draw(ax, epoch)
        print(f"epoch {epoch:2}: accuracy {epochs[epoch][2]:.2f}")
    figure.supxlabel("h₁")
    figure.supylabel("h₂")
    figure.suptitle("The last hidden layer: ring (circles) and disc (triangles), and the boundary of the output neuron")
    figure.savefig(out / "hidden_layer.png", dpi=150)

    moving = Figure(figsize=(5, 5), layout="constrained")
    ax = moving.subplots()

    def frame(epoch: int) -> list[Any]:
        ax.clear()
        draw(ax, epoch)
        ax.set(xlabel="h₁", ylabel="h₂")
        return []

    FuncAnimation(moving, frame, frames=len(epochs), init_func=list).save(
        out / "hidden_layer.gif", PillowWriter(fps=6), dpi=80
    )
    return {f"epoch {epoch}": epochs[epoch][2] for epoch in FRAMES} | {"frames": len(FRAMES)}


if __name__ == "__main__":
    main()
