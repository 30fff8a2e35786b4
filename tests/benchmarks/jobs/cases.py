"""The jobs: an objective of tests/jobs, the numbers that it is differentiated at, and its data.

This file imports no package that differentiates, so that all of them can run it.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any, NamedTuple

__all__ = ["BATCHES", "ONE", "Case", "load", "mixture_points", "recurrent_text"]

Vector = list[Any]


class Case(NamedTuple):
    """An objective: with the functions of module m, of weights w, which it is differentiated in, and a sample x.

    Where there are no weights it is differentiated in the sample, with a gradient for each of a batch.
    """

    name: str
    module: str
    objective: Callable[[Any, Vector, Vector], Any]
    weights: Vector
    samples: int = 0  # the size of a batch, 0 for one call without data
    row: Callable[[Random], Vector] = lambda _: []  # draws a sample
    recorded: bool = True  # whether it is also timed as recorded anew

    def rows(self) -> list[Vector]:
        rng = Random(1)
        return [self.row(rng) for _ in range(self.samples)]


def load(name: str, functions: Any) -> Any:
    """Run a module of tests/jobs with the functions of a peer in the place of those that it imports from autograd."""

    def imported(module: str, *rest: Any) -> Any:
        return functions if module == "autograd" else __import__(module, *rest)

    path = Path(__file__).parents[2] / "jobs" / f"{name}.py"
    module: Any = ModuleType(name)
    module.__builtins__ = {**vars(builtins), "__import__": imported}
    exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), vars(module))
    return module


def normal(n: int, mean: float = 0.0, deviation: float = 1.0, seed: int = 0) -> Vector:
    rng = Random(seed)
    return [rng.gauss(mean, deviation) for _ in range(n)]


def split(flat: Vector, width: int) -> list[Vector]:
    return [flat[i : i + width] for i in range(0, len(flat), width)]


CAMERA = [1.8, 0.59, -0.64, 90.9, 29.4, 28.8, 211.6, -0.28, -14.8, 0.059, 0.07]
OBSERVED = [*CAMERA, 4.2, 5.6, 1.4, 0.42]


def bundle(m: Any, w: Vector, x: Vector) -> Any:
    v = w or x
    a, b = m.errors(v[:11], v[11:14], v[14], [-525.7, 161.8])
    return a * a + b * b


def mixture_points(d: int, N: int) -> list[Vector]:
    return split(normal(d * N, seed=2), d)


def mixture(d: int, K: int, N: int) -> Case:
    points, lower = mixture_points(d, N), d * (d - 1) // 2

    def objective(m: Any, w: Vector, _: Vector) -> Any:
        means, q, below = w[K : K + K * d], w[K + K * d : K + 2 * K * d], w[K + 2 * K * d :]
        given = split(q, d), split(below, lower) if lower else [[]] * K
        return m.likelihood(w[:K], split(means, d), *given, points) - m.prior(*given, 1.0, 0)

    return Case(f"GMM d{d} K{K} N{N}", "gaussian_mixture", objective, normal(K * (1 + 2 * d + lower), 0.0, 0.5))


def recurrent_text(characters: int, bits: int = 14) -> list[Vector]:
    rng = Random(2)
    return [[float(rng.random() < 0.25) for _ in range(bits)] for _ in range(characters)]


def recurrent(characters: int, bits: int = 14) -> Case:
    text = recurrent_text(characters, bits)
    begin = [[[0.1] * bits, [0.2] * bits]] * 2

    def objective(m: Any, w: Vector, _: Vector) -> Any:
        four, ends = split(w[: 16 * bits], 4 * bits), split(w[16 * bits :], bits)
        return m.loss([four[:2], four[2:]], ends, begin, text)

    return Case(f"LSTM, {characters} characters", "lstm", objective, normal(19 * bits, 0.5, 0.3))


def determinant(m: Any, w: Vector, x: Vector) -> Any:
    v = w or x
    return m.det(split(v, round(len(v) ** 0.5)))


def reactions(m: Any, w: Vector, x: Vector, steps: int) -> Any:
    return m.last(w or x, steps)


def orbit(m: Any, w: Vector, x: Vector, steps: int) -> Any:
    v = w or x
    return m.misfit(v, [[1.0 + 0.01 * i, 2.0] for i in range(steps)])


def arm(m: Any, w: Vector, x: Vector) -> Any:
    return m.effort(w or x, 0.3, 0.6)


def least_squares(m: Any, w: Vector, _: Vector) -> Any:
    return m.objective(w, 100)


def valley(m: Any, w: Vector, _: Vector) -> Any:
    return m.valley(w)


def springs(m: Any, w: Vector, _: Vector) -> Any:
    return m.energy(w)


ORBIT = [1.5, 1.0, 3.0, 1.0]
ONE = [
    Case("BA", "bundle_adjustment", bundle, OBSERVED),
    mixture(2, 5, 100),
    mixture(2, 5, 1000),
    recurrent(100),
    Case("llsq 4, 100 points", "least_squares", least_squares, normal(4)),
    Case("ode 10, 100 steps", "differential_equation", partial(reactions, steps=100), normal(10, 1.0, 0.1)),
    *(Case(f"det {n}", "determinant", determinant, normal(n * n)) for n in (5, 6, 7)),
    *(Case(f"Rosenbrock {n:,}", "rosenbrock", valley, normal(n)) for n in (100, 1000, 10_000)),
    *(Case(f"Lotka–Volterra, {n:,} steps", "lotka_volterra", partial(orbit, steps=n), ORBIT) for n in (100, 1000)),
    *(Case(f"arm, {n} joints", "robot_arm", arm, normal(n, 0.0, 0.1)) for n in (7, 70)),
    Case("springs 1,000", "springs", springs, normal(1000)),
]


def drawn(around: Vector) -> Callable[[Random], Vector]:
    """Return what draws rows near some numbers."""
    return lambda rng: [x * rng.gauss(1.0, 0.05) + 0.01 * rng.random() for x in around]


def normals(n: int) -> Callable[[Random], Vector]:
    return lambda rng: [rng.gauss(0.0, 1.0) for _ in range(n)]


def barrier(m: Any, w: Vector, z: Vector) -> Any:
    return m.barrier(*w, z)


def asian(m: Any, w: Vector, z: Vector) -> Any:
    return m.asian(*w, z)


def heston(m: Any, w: Vector, z: Vector) -> Any:
    return m.heston(w, z[: len(z) // 2], z[len(z) // 2 :])


def price(m: Any, _: Vector, x: Vector) -> Any:
    return m.price(*x)


def logistic(m: Any, w: Vector, x: Vector) -> Any:
    return m.loss(w, x[:-1], x[-1])


BARRIER, ASIAN = [100.0, 100.0, 0.05, 0.2, 90.0, 1.0], [100.0, 100.0, 0.05, 0.2, 1.0]
HESTON = [100.0, 100.0, 0.05, 0.04, 2.0, 0.04, 0.3, -0.7, 1.0]
BATCHES = [
    Case("barrier option, 500 steps", "options", barrier, BARRIER, 1000, normals(500)),
    Case("Asian option, 252 steps", "options", asian, ASIAN, 1000, normals(252)),
    Case("Heston, 50 steps", "options", heston, HESTON, 1000, normals(100)),
    Case(
        "logistic regression, 10",
        "logistic_regression",
        logistic,
        normal(11),
        1000,
        lambda r: [*normals(10)(r), r.choice((-1.0, 1.0))],
    ),
    Case("Black–Scholes and Greeks", "black_scholes", price, [], 1000, drawn([100.0, 100.0, 0.05, 0.2, 1.0])),
    Case("BA", "bundle_adjustment", bundle, [], 1000, drawn(OBSERVED)),
    Case("det 5", "determinant", determinant, [], 1000, normals(25)),
    Case("arm, 7 joints", "robot_arm", arm, [], 1000, normals(7)),
    Case("ode 10, 100 steps", "differential_equation", partial(reactions, steps=100), [], 1000, drawn([1.0] * 10)),
    Case("Lotka–Volterra, 100 steps", "lotka_volterra", partial(orbit, steps=100), [], 1000, drawn(ORBIT)),
]
