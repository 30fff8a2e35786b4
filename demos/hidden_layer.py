"""Watching a hidden layer learn: the points as its two neurons see them, at twelve epochs.

The lectures show the last hidden layer of a trained network, which separates classes that overlap in the inputs. Here a disc
and a ring around it go through eight neurons, then two, then one, whose boundary is a line.
"""

from __future__ import annotations

from pathlib import Path
from random import Random

from matplotlib.figure import Figure

from autograd import no_grad, sigmoid, tanh
from nn import SGD, accuracy, circles, fit, plot_points, recipe, xavier

SEED, POINTS, FRAMES = 1, 100, (0, 1, 2, 3, 4, 5, 7, 10, 14, 20, 30, 50)


def main(out: Path = Path()) -> dict[str, float]:
    """Train, and draw the last hidden layer at twelve epochs; print the accuracy at each."""
    rng = Random(SEED)
    X, y = circles(POINTS, 0.05, rng)
    task = recipe("binary", 2, [8, 2], activation=tanh, init=xavier, rng=rng)
    first, second, last = task.model.layers
    figure = Figure(figsize=(13, 9), layout="constrained")
    axes = dict(zip(FRAMES, figure.subplots(3, 4, sharex=True, sharey=True).flat, strict=True))
    numbers: dict[str, float] = {}

    def draw_frame(epoch: int) -> None:
        if epoch not in axes:
            return
        with no_grad():
            points = [[h.data for h in second(first(x))] for x in X]
        right = numbers[f"epoch {epoch}"] = accuracy(task.predict(X), y)
        ax = axes[epoch]
        plot_points(points, y, ax, size=16).set(xlabel="", ylabel="")
        (w1, w2), b = (w.data for w in last.W[0]), last.b[0].data
        side = [-1.2 + 2.4 * i / 60 for i in range(61)]
        ax.contour(
            side, side, [[sigmoid(w1 * u + w2 * v + b) for u in side] for v in side], levels=[0.5], colors="black"
        )
        ax.set_title(f"epoch {epoch}: {right:.0%} correct")
        print(f"epoch {epoch:2}: accuracy {right:.2f}")

    draw_frame(0)
    fit(task.model, (X, y), task.loss, SGD(task.model.parameters(), 0.1, momentum=0.9), epochs=max(FRAMES), batch_size=10,
        rng=rng, callbacks=[lambda epoch, model, history: draw_frame(epoch + 1)])  # fmt: skip
    figure.supxlabel("h₁")
    figure.supylabel("h₂")
    figure.suptitle("the last hidden layer: ring (circles) and disc (triangles), and where the output neuron cuts")
    figure.savefig(out / "hidden_layer.png", dpi=150)
    return numbers | {"frames": len(numbers)}


if __name__ == "__main__":
    main()
