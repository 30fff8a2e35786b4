"""Guards data: batches that lose and repeat nothing, splits, scaling, and the point sets by their formulas and seeds."""

from __future__ import annotations

import math
import random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from nn import batches, circles, gaussians, moons, spiral, standardise, train_test_split, xor
from nn.data import Scaler

WRONG: Any = None


@given(st.integers(1, 30), st.one_of(st.none(), st.integers(1, 40)), st.one_of(st.none(), st.integers(0, 5)))
def test_batches_give_every_sample_once_with_its_target(n: int, size: int | None, seed: int | None) -> None:
    X, y = [[float(i)] for i in range(n)], list(range(n))
    rng = None if seed is None else random.Random(seed)
    found = list(batches((X, y), size, rng))
    assert all(len(xs) == len(ts) == (size or n) for xs, ts in found[:-1])
    assert all(x == [float(t)] for xs, ts in found for x, t in zip(xs, ts, strict=True))
    order = [t for _, ts in found for t in ts]
    assert sorted(order) == y
    if seed is None:
        assert order == y
    else:
        assert order == [t for _, ts in batches((X, y), size, random.Random(seed)) for t in ts]


def test_every_epoch_is_shuffled_anew() -> None:
    rng, data = random.Random(0), ([[0.0]] * 20, list(range(20)))
    first, second = ([t for _, ts in batches(data, 5, rng) for t in ts] for _ in range(2))
    assert first != second


def test_data_comes_as_arrays_too() -> None:
    ((X, y),) = batches((np.eye(2), np.array([0, 1])))
    assert (X, y) == ([[1.0, 0.0], [0.0, 1.0]], [0, 1])
    assert type(y[0]) is int


@given(st.integers(2, 40), st.floats(0.1, 0.9), st.integers(0, 100))
def test_a_split_keeps_every_sample_on_one_side(n: int, fraction: float, seed: int) -> None:
    X, y = [[float(i)] for i in range(n)], list(range(n))
    if not 0 < round(fraction * n) < n:
        return
    train, test = train_test_split((X, y), fraction, rng=random.Random(seed))
    assert len(test[1]) == round(fraction * n)
    assert sorted([*train[1], *test[1]]) == y
    assert all(x == [float(t)] for part in (train, test) for x, t in zip(*part, strict=True))


def test_scaling_uses_the_training_part_only() -> None:
    train, test = standardise(([[1.0, 5.0], [3.0, 5.0]], [0, 1]), ([[5.0, 6.0]], [0]))
    assert train[0] == [[-1.0, 0.0], [1.0, 0.0]]
    assert test[0] == [[3.0, 1.0]]
    X = np.random.default_rng(0).normal(3, 2, size=(50, 2))
    assert np.array(Scaler(X.tolist())(X.tolist())) == pytest.approx((X - X.mean(0)) / X.std(0), rel=1e-12)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: list(batches(([], []))), ValueError, "data must.*got none"),
        (
            lambda: list(batches(([[1.0]], []))),
            ValueError,
            "X and y must.*got 1 rows of X and 0 entries",
        ),
        (lambda: list(batches(WRONG)), TypeError, "data must.*got the NoneType"),
        (
            lambda: list(batches(([[1.0]], [1]), 0)),
            ValueError,
            "the size of a batch must be a whole number of at least 1",
        ),
        (
            lambda: train_test_split(([[1.0]], [1]), 0.5, rng=random.Random(0)),
            ValueError,
            r"fraction must.*got 0\.5 of 1 samples",
        ),
        (
            lambda: train_test_split(([[1.0]] * 4, [1] * 4), 1.5, rng=random.Random(0)),
            ValueError,
            r"fraction must.*got 1\.5 of 4 samples",
        ),
    ],
)
def test_errors_say_what_came(make: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make()


def test_l17_the_spiral_is_the_lectures_formula() -> None:
    X, y = spiral(201, 0.0, random.Random(0))
    assert X[100] == pytest.approx([0.433012701892, -0.25], abs=1e-12)  # k = 1, t = 0.5
    assert (len(X), [y.count(k) for k in range(3)]) == (603, [201] * 3)
    for (a, b), k in zip(X, y, strict=True):
        t = math.hypot(a, b)
        angle = 2 * math.pi / 3 * (2 * t + k)
        assert [a, b] == pytest.approx([t * math.sin(angle), t * math.cos(angle)], abs=1e-12)


def test_moons_lie_on_two_half_circles() -> None:
    X, y = moons(101, 0.0, random.Random(0))
    for (a, b), label in zip(X, y, strict=True):
        centre = (1.0, 0.5) if label else (0.0, 0.0)
        assert math.dist((a, b), centre) == pytest.approx(1.0)
        assert (b <= 0.5 + 1e-12) if label else (b >= -1e-12)
    assert [min(X)[0], max(X)[0]] == pytest.approx([-1.0, 2.0])


@pytest.mark.parametrize("make", [moons, circles, gaussians, xor, spiral])
def test_the_same_seed_gives_the_same_points_with_their_noise(make: Any) -> None:
    one, two, other = (make(400, 0.2, random.Random(seed)) for seed in (1, 1, 2))
    assert one == two
    assert one != other
    noisy, clean = make(400, 0.2, random.Random(3))[0], make(400, 0.0, random.Random(3))[0]
    if make in (moons, xor):  # each coordinate is off by a Gaussian of that deviation
        gaps = [a - b for p, q in zip(noisy, clean, strict=True) for a, b in zip(p, q, strict=True)]
        assert math.sqrt(sum(g * g for g in gaps) / len(gaps)) == pytest.approx(0.2, rel=0.1)


def test_classes_are_where_they_should_be() -> None:
    X, y = circles(200, 0.0, random.Random(0))
    assert all((math.hypot(*x) <= 1.0) == bool(label) for x, label in zip(X, y, strict=True))
    X, y = xor(200, 0.0, random.Random(0))
    assert all((a * b < 0) == bool(label) for (a, b), label in zip(X, y, strict=True))
    X, y = gaussians(2000, 3.0, random.Random(0))
    means = [[sum(x[i] for x, t in zip(X, y, strict=True) if t == label) / 1000 for i in (0, 1)] for label in (0, 1)]
    assert means == [pytest.approx([0.0, 0.0], abs=0.1), pytest.approx([3.0, 3.0], abs=0.1)]
