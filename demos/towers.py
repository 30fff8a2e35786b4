"""Universal approximation: two steep sigmoids make a tower, sums of towers any continuous function.

σ(wx + b) steps at S = −b/w, the steeper the larger w. T1 − T2 is a tower; in two dimensions the sum of two towers passes a
threshold (15 for heights of 10) only where both stand. The largest error on sin(2πx) falls as 1/N, with 2N hidden neurons.
A function with a jump is approximated in the mean only: at the jump, an error of at least half its height remains.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from nn.classical import approximate, step_neuron, tower, tower_2d
from nn.viewing import COLOURS, MARKERS


def wave(x: float) -> float:
    """sin(2πx)."""
    return math.sin(2 * math.pi * x)


def jump(x: float) -> float:
    """0 left of 0.513, then 1."""
    return float(x >= 0.513)


def main(out: Path = Path()) -> dict[str, float]:
    """Print the tower's values and the errors of many towers, and draw them."""
    numbers: dict[str, float] = {}
    figure = Figure(figsize=(14, 8.5), layout="constrained")
    (steps, one, two), (sine, sizes, half) = figure.subplots(2, 3)
    xs = np.linspace(0, 1, 401)
    for w, colour, style in ((20, COLOURS[1], ":"), (60, COLOURS[2], "--"), (1000, COLOURS[0], "-")):
        steps.plot(xs, [step_neuron(0.4, w)(x) for x in xs], style, color=colour, label=f"w = {w}, b = {-0.4 * w:g}")
    steps.set(xlabel="x", ylabel="σ(wx + b)", title="a step at S = −b/w = 0.4")
    steps.legend(frameon=False)
    print(f"the step at its place: σ(1000·0.4 − 400) = {step_neuron(0.4, 1000)(0.4)}")

    T = tower(0.4, 0.6, 0.8, 1000)
    for x in (0.3, 0.39, 0.399, 0.4, 0.401, 0.5, 0.6, 0.7):
        numbers[f"tower({x})"] = T(x)
        print(f"tower from 0.4 to 0.6, height 0.8: f({x}) = {T(x):.12g}")
    one.plot(xs, [T(x) for x in xs], color=COLOURS[0])
    one.set(xlabel="x", ylabel="0.8·(T1 − T2)", title="a tower of two neurons, w = 1000")

    block = tower_2d((0.4, 0.6), (0.4, 0.6), w=1000)
    for p in ((0.5, 0.5), (0.5, 0.7), (0.3, 0.7)):
        numbers[f"block{p}"] = block(*p)
        print(f"in two dimensions, 10 in x and 10 in y, above 15: f{p} = {block(*p):.9f}")
    side = np.linspace(0, 1, 61)
    shown = two.pcolormesh(side, side, [[block(u, v) for u in side] for v in side], cmap="cividis", shading="nearest")
    figure.colorbar(shown, ax=two, label="σ(tower(x) + tower(y) − 15)")
    two.set(xlabel="x", ylabel="y", title="a tower in two dimensions", aspect="equal")

    sine.plot(xs, [wave(x) for x in xs], color="grey", linestyle=":", label="sin(2πx)")
    for n, colour, style in ((5, COLOURS[5], "--"), (20, COLOURS[0], "-")):
        F = approximate(wave, n)
        sine.plot(xs, [F(x) for x in xs], style, color=colour, linewidth=1.2, label=f"{n} towers")
    sine.set(xlabel="x", ylabel="F(x)", title="sums of towers")
    sine.legend(frameon=False)
    counts = (5, 10, 20, 50, 100)
    for kind, activation, k in (("towers", "step", 0), ("relu pieces", "relu", 2)):
        errors = [approximate(wave, n, activation=activation).sup_error for n in counts]
        numbers |= {f"{kind} {n}": error for n, error in zip(counts, errors, strict=True)}
        print(f"{kind}: largest error", ", ".join(f"N = {n}: {e:.6f}" for n, e in zip(counts, errors, strict=True)))
        sizes.loglog(counts, errors, color=COLOURS[k], marker=MARKERS[k], label=kind)
    sizes.loglog(counts, [math.pi / n for n in counts], "k--", linewidth=1, label="π/N")
    sizes.set(xlabel="N", ylabel="largest error on sin(2πx)", title="more neurons, less error")
    sizes.legend(frameon=False)
    few = counts[:4]
    smooth = [approximate(jump, n, w=20 * n) for n in few]
    half.loglog(few, [F.sup_error for F in smooth], color=COLOURS[5], marker=MARKERS[5], label="largest error")
    half.loglog(few, [F.mean_error for F in smooth], color=COLOURS[0], marker=MARKERS[0], label="mean error")
    half.set(
        xlabel="N", ylabel="error at a jump from 0 to 1", title="a jump: in the mean, not uniformly", ylim=(1e-3, 2)
    )
    half.set_xticks(few, labels=few)
    half.minorticks_off()
    half.legend(frameon=False, loc="lower left")
    for n, F in zip(few, smooth, strict=True):
        numbers |= {f"jump sup {n}": F.sup_error, f"jump mean {n}": F.mean_error}
        print(f"a jump, {n} smooth towers: largest error {F.sup_error:.3f}, mean error {F.mean_error:.5f}")
    print('(The lecture says "arbitrarily well" of discontinuous functions too: in the mean only.)')
    figure.savefig(out / "towers.png", dpi=150)
    return numbers


if __name__ == "__main__":
    main()
