"""Softmax and cross-entropy on two pictures of a cat, scored for dog, cat, fish, frog.

p_i = e^z_i / Σ e^z_j, and the loss is −log p of the right class, which is logsumexp(z) − z_cat. Its gradient in z is
p − e_cat, with entries that sum to 0; the Jacobian of the softmax itself is diag(p) − p·pᵀ.
"""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure

from autograd import Value, draw, jacobian, logsumexp, sigmoid
from nn import cross_entropy, one_hot, softmax
from nn.viewing import COLOURS

CLASSES = ("dog", "cat", "fish", "frog")
CAT = 1
EXAMPLES = ((3.2, 5.1, -1.7, -3.7), (5.8, 2.2, -1.6, 1.5))


def main(out: Path = Path()) -> dict[str, float]:
    """Print scores, probabilities, losses and gradients, draw one loss's graph and the bars of both pictures."""
    numbers: dict[str, float] = {}
    figure = Figure(figsize=(11, 6.5), layout="constrained")
    for i, (scores, axes) in enumerate(zip(EXAMPLES, figure.subplots(2, 2), strict=True), start=1):
        z = [Value(score, name) for score, name in zip(scores, CLASSES, strict=True)]
        loss = logsumexp(z) - z[CAT]
        loss.backward()
        p = softmax(list(scores))
        print(f"picture {i}: {', '.join(f'{name} {score:g}' for name, score in zip(CLASSES, scores, strict=True))}")
        print("  p         ", "  ".join(f"{x:.12f}" for x in p))
        print("  dL/dz     ", "  ".join(f"{v.grad:.12f}" for v in z), " (p − e_cat)")
        print(f"  L = −log p_cat = {loss:.12f}")
        numbers |= {f"p{i} {name}": x for name, x in zip(CLASSES, p, strict=True)}
        numbers |= {f"dL{i}/dz {name}": v.grad for name, v in zip(CLASSES, z, strict=True)} | {f"L{i}": loss.data}
        if i == 1:
            draw(loss).save(out / "softmax_examples-graph.svg")
        for ax, heights, what in ((axes[0], scores, "score z"), (axes[1], p, "probability")):
            bars = ax.bar(CLASSES, heights, color=[COLOURS[4], COLOURS[0], COLOURS[4], COLOURS[4]], edgecolor="black")
            ax.bar_label(bars, fmt="%.2f", padding=2)
            ax.axhline(0, color="black", linewidth=0.8)
            ax.margins(y=0.15)
            ax.set(
                xlabel="class",
                ylabel=what,
                title=f"picture {i}: {what}" + (f", loss {loss:.6f}" if ax is axes[1] else ""),
            )
    figure.savefig(out / "softmax_examples.png", dpi=150)

    rounded = cross_entropy([0.96, 0.03, 0.0, 0.01], one_hot(CAT, 4))
    row = jacobian(softmax)(list(EXAMPLES[0]))[0]
    print(f"\nThe lecture's 3.5 for picture 2 is −log of the rounded 0.03, {rounded:.6f}; unrounded it is {loss:.6f}.")
    print("Its one-hot slide lists cat first, its examples dog first: y = [0, 1, 0, 0] is the cat here.")
    print('Probabilities are non-negative, not "nonzero", and sum to 1.')
    sigmoids = sum(sigmoid(score) for score in EXAMPLES[0])
    print(f"Four independent sigmoids of picture 1 sum to {sigmoids:.12f}: no distribution.")
    print("The first row of the softmax's Jacobian for picture 1:", "  ".join(f"{x:.12f}" for x in row))
    return numbers | {f"J{k}": x for k, x in enumerate(row)} | {"sum of sigmoids": sigmoids, "rounded": rounded}


if __name__ == "__main__":
    main()
