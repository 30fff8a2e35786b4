"""Capacity and generalisation: training errors fall with a polynomial's degree, test errors go in a U.

Training and test samples are drawn alike and independently (i.i.d.) from one line of sin(2πx) with noise; only fresh samples
show the generalisation error. A low degree underfits both, a high one overfits: it learns the noise of its training set.
"""

from __future__ import annotations

import math
from pathlib import Path
from random import Random

from matplotlib.figure import Figure

from nn import linear_regression, mean_squared_error, monomials
from nn.viewing import COLOURS

SEED, TRAIN, TEST, NOISE = 5, 15, 300, 0.25
DEGREES = range(11)


def draw_samples(n: int, rng: Random) -> tuple[list[float], list[float]]:
    """Return n independent samples."""
    xs = [rng.random() for _ in range(n)]
    return xs, [math.sin(2 * math.pi * x) + rng.gauss(0.0, NOISE) for x in xs]


def main(out: Path = Path()) -> dict[str, float]:
    """Fit polynomials of all degrees, print their errors, and draw three of them and the U."""
    numbers: dict[str, float] = {}
    for degree in range(4):
        cost = linear_regression([0.0, 1.0, 2.0, 3.0], [1.0, 3.0, 2.0, 5.0], monomials(degree)).cost
        numbers[f"four points, degree {degree}"] = cost
        print(f"four points, degree {degree}: training error {cost:.4f}")

    rng = Random(SEED)
    train, test = draw_samples(TRAIN, rng), draw_samples(TEST, rng)
    fits = [linear_regression(*train, monomials(degree)) for degree in DEGREES]
    errors = [mean_squared_error([fit(x) for x in test[0]], test[1]) for fit in fits]
    for degree, fit, error in zip(DEGREES, fits, errors, strict=True):
        numbers |= {f"train {degree}": fit.cost, f"test {degree}": error}
        print(f"degree {degree:2}: training error {fit.cost:.5f}, test error {error:.5f}")
    best = min(DEGREES, key=errors.__getitem__)
    numbers["best"] = best
    print(f"degree {best} generalises best; the noise alone makes {NOISE**2}")

    figure = Figure(figsize=(13, 7), layout="constrained")
    top = figure.subplot_mosaic([["under", "right", "over"], ["U", "U", "U"]])
    grid = [i / 200 for i in range(201)]
    for name, degree in (("under", 1), ("right", best), ("over", 10)):
        ax = top[name]
        ax.plot(grid, [math.sin(2 * math.pi * x) for x in grid], ":", color="grey", label="the truth")
        ax.plot(grid, [fits[degree](x) for x in grid], color=COLOURS[0], label="the polynomial")
        ax.plot(*train, "o", color=COLOURS[5], markeredgecolor="black", label="training samples")
        ax.set(xlabel="x", ylabel="y", ylim=(-2.0, 2.6),
               title=f"degree {degree}\ntraining error {fits[degree].cost:.3f}, test error {errors[degree]:.3g}")  # fmt: skip
    top["under"].legend(frameon=False, loc="upper right")
    top["U"].semilogy(DEGREES, [fit.cost for fit in fits], "o-", color=COLOURS[0], label="training error")
    top["U"].semilogy(DEGREES, errors, "s--", color=COLOURS[5], label="test error, of fresh samples")
    top["U"].axhline(NOISE**2, color="grey", linestyle=":", label="the variance of the noise")
    top["U"].set(xlabel="degree: the capacity", ylabel="mean squared error", xticks=list(DEGREES))
    top["U"].legend(frameon=False, loc="upper left")
    figure.savefig(out / "capacity.png", dpi=150)
    return numbers


if __name__ == "__main__":
    main()
