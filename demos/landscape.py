"""The landscape of a cost: saddles that slow descent, two minima, random search, rarity of minima.

Descent finds a local minimum, if the step is small enough and no saddle stops it. At a saddle the gradient is 0 and only
some directions go down. For a minimum all curvatures must be positive, which gets exponentially rare as dimensions grow:
here for random symmetric matrices.
"""

from __future__ import annotations

import math
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from autograd import hessian
from nn import minimize, random_search
from nn.viewing import COLOURS, MARKERS

SEED, DRAWS = 0, 20_000
EXACT = {1: 0.5, 2: (2 - math.sqrt(2)) / 4, 3: (math.pi - 2 * math.sqrt(2)) / (4 * math.pi)}


def saddle(x: list[Any]) -> Any:
    """x² − y²: down along y, up along x."""
    return x[0] * x[0] - x[1] * x[1]


def two_minima(x: Any) -> Any:
    """x⁴ − 3x² + x."""
    return x**4 - 3 * x**2 + x


def bowl(x: list[Any]) -> Any:
    """Σ (xᵢ − i)² in six dimensions."""
    return sum((v - i) ** 2 for i, v in enumerate(x))


def all_curve_up(n: int, rng: Random) -> float:
    """Return the share of random symmetric n × n matrices whose eigenvalues are all positive."""
    a = np.array([rng.gauss(0.0, 1.0) for _ in range(DRAWS * n * n)]).reshape(DRAWS, n, n)
    return float((np.linalg.eigvalsh(a + a.transpose(0, 2, 1)) > 0).all(axis=1).mean())


def main(out: Path = Path()) -> dict[str, float]:
    """Print where each descent ends, and draw the four pictures."""
    rng = Random(SEED)
    numbers: dict[str, float] = {}
    figure = Figure(figsize=(12, 9), layout="constrained")
    (ax, valley), (race, rare) = figure.subplots(2, 2)

    runs = {
        "from (1, 0)": minimize(saddle, [1.0, 0.0], steps=100),
        "from (1, 1e-6)": minimize(saddle, [1.0, 1e-6], steps=100),
        "with momentum 0.9": minimize(saddle, [1.0, 1e-6], steps=100, momentum=0.9),
    }
    numbers["stuck at x"] = runs["from (1, 0)"].x[0]
    print(
        f"x² − y²: Hessian {hessian(saddle)([0.0, 0.0])}; from (1, 0), 100 steps lead to {runs['from (1, 0)'].x}: stuck"
    )
    for name in ("from (1, 1e-6)", "with momentum 0.9"):
        numbers[name] = next(t for t, (_, y) in enumerate(runs[name].path) if abs(y) > 1)
        print(f"  {name}: |y| > 1 after {numbers[name]:g} steps")
    side = np.linspace(-1.5, 1.5, 61)
    lines = ax.contour(side, side, [[saddle([u, v]) for u in side] for v in side], 13, colors="grey", linewidths=0.7)
    ax.clabel(lines, fontsize="x-small")
    for (name, run), colour, marker in zip(runs.items(), COLOURS, MARKERS, strict=False):
        ax.plot(*zip(*run.path, strict=True), color=colour, marker=marker, markersize=4, label=name)
    ax.set(xlabel="x", ylabel="y", xlim=(-1.5, 1.5), ylim=(-1.5, 1.5), title="the saddle x² − y²")
    ax.legend(loc="lower right", framealpha=1.0)

    xs = np.linspace(-2.1, 2.1, 200)
    valley.plot(xs, two_minima(xs), color="grey")
    for start, colour, marker in zip((-2.0, 0.0, 2.0), COLOURS, MARKERS, strict=False):
        run = minimize(two_minima, start, learning_rate=0.01, steps=1000)
        numbers |= {f"from {start:g}": run.x, f"f from {start:g}": run.value}
        print(f"x⁴ − 3x² + x from {start:g}: minimum {run.value:.9f} at {run.x:.9f}")
        valley.plot(run.path[:100:4], run.values[:100:4], marker, color=colour, markersize=6, label=f"from {start:g}")
    valley.set(xlabel="x", ylabel="f", title="the start decides which minimum")
    valley.legend(frameon=False, loc="upper center")

    start_point = [4.0] * 6
    best: list[float] = []  # after each evaluation

    def watched(x: list[float]) -> float:
        best.append(min([bowl(x), *best[-1:]]))
        return float(bowl(x))

    found = random_search(watched, start_point, rng=rng, radius=0.2, tries=600)
    descent = minimize(bowl, start_point, steps=40)
    numbers |= {"random search": found.value, "descent": descent.value}
    print(f"a bowl in 6 dimensions: random search {found.value:.4f} after {found.evaluations} evaluations,")
    print(f"  descent {descent.value:.2e} after {len(descent.values)} evaluations with gradient")
    race.semilogy(best, color=COLOURS[5], linestyle="--", label="random search")
    race.semilogy(descent.values, color=COLOURS[0], marker="o", markersize=4, label="gradient descent")
    race.set(xlabel="evaluations", ylabel="f", title="random search and gradient descent")
    race.legend(frameon=False)

    sizes = range(1, 6)
    shares = [all_curve_up(n, rng) for n in sizes]
    for n, share in zip(sizes, shares, strict=True):
        numbers[f"all curve up, n={n}"] = share
        print(f"all {n} curvatures positive: {share:.5f}" + (f" (exactly {EXACT[n]:.12f})" if n in EXACT else ""))
    rare.semilogy(sizes, [s or math.nan for s in shares], "o", color=COLOURS[0], label=f"of {DRAWS:,} random matrices")
    rare.semilogy(list(EXACT), list(EXACT.values()), "k_", markersize=16, label="exact")
    rare.set(xlabel="dimensions n", ylabel="P(all n eigenvalues > 0)", xticks=list(sizes), title="minima get rare")
    rare.legend(frameon=False)
    figure.savefig(out / "landscape.png", dpi=150)
    return numbers


if __name__ == "__main__":
    main()
