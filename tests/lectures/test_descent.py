"""Guards the lectures' numbers on descent: step sizes, the stop criterion, saddles, minima, random search, closed forms."""

from __future__ import annotations

import math
import random
from typing import Any

import numpy as np
import pytest

from autograd import grad, hessian
from nn import linear_regression, minimize, monomials, products, random_search


def square(x: Any) -> Any:
    return x * x


@pytest.mark.parametrize(
    ("eta", "x10"),
    [(0.1, 0.1073741824), (0.4, 1.024e-07), (0.5, 0.0), (0.9, 0.1073741824), (1.0, 1.0), (1.1, 6.1917364224)],
)
def test_o2_the_influence_of_the_step_size(eta: float, x10: float) -> None:
    descent = minimize(square, 1.0, learning_rate=eta, steps=10)
    assert descent.x == pytest.approx(x10, rel=1e-9, abs=1e-15)
    assert descent.path == pytest.approx([(1 - 2 * eta) ** t for t in range(11)], rel=1e-9, abs=1e-12)
    assert descent.t is None


@pytest.mark.parametrize(
    ("eta", "k", "t"), [(0.1, 1, 29), (0.1, 5, 31), (0.4, 1, 5), (0.4, 5, 5), (0.9, 1, 29), (0.9, 5, 31), (1.0, 1, 0)]
)
def test_o3_the_convergence_criterion(eta: float, k: int, t: int) -> None:
    descent = minimize(square, 1.0, learning_rate=eta, epsilon=1e-6, k=k)
    assert descent.t == t
    assert abs(descent.values[t + k] - descent.values[t]) < 1e-6
    assert all(abs(descent.values[s + k] - descent.values[s]) >= 1e-6 for s in range(t))


def saddle(x: list[Any]) -> Any:
    return x[0] * x[0] - x[1] * x[1]


def test_k2_k3_a_saddle_holds_plain_descent_and_momentum_leaves_it_sooner() -> None:
    assert grad(saddle)([0.0, 0.0]) == [0.0, 0.0]
    assert hessian(saddle)([0.0, 0.0]) == [[2.0, 0.0], [0.0, -2.0]]
    stuck = minimize(saddle, [1.0, 0.0], steps=100)
    assert stuck.x == [pytest.approx(2.037e-10, rel=1e-3), 0.0]

    def escape(momentum: float) -> int:
        path = minimize(saddle, [1.0, 1e-6], momentum=momentum, steps=100).path
        return next(t for t, (_, y) in enumerate(path) if abs(y) > 1)

    assert (escape(0.0), escape(0.9)) == (76, 36)


def test_o15_a_non_convex_function_has_the_minimum_that_the_start_leads_to() -> None:
    def f(x: Any) -> Any:
        return x**4 - 3 * x**2 + x

    ends = [minimize(f, start, learning_rate=0.01, steps=2000).x for start in (-2.0, 0.0, 2.0)]
    assert ends == pytest.approx([-1.300839566, -1.300839566, 1.130901123], abs=1e-9)
    assert [f(x) for x in ends[1:]] == pytest.approx([-3.513905039, -1.070230182], abs=1e-9)
    assert grad(f)(0.169938443) == pytest.approx(0.0, abs=1e-8)
    assert sorted(np.roots([4, 0, -6, 1]).real) == pytest.approx([-1.300839566, 0.169938443, 1.130901123], abs=1e-9)


def test_divergence_is_an_error() -> None:
    with pytest.raises((FloatingPointError, OverflowError)):
        minimize(lambda x: x**4, 10.0, learning_rate=1.0)
    with pytest.raises(FloatingPointError, match=r"minimize diverged at step .* try a smaller learning_rate"):
        minimize(square, 1.0, learning_rate=1e150, steps=20)


def test_o10_random_search_never_climbs_and_needs_more_evaluations_than_descent() -> None:
    def bowl(x: list[Any]) -> Any:
        return sum((v - i) ** 2 for i, v in enumerate(x))

    start = [4.0] * 6
    found = random_search(bowl, start, rng=random.Random(0), radius=0.2, tries=2000)
    assert all(b < a for a, b in zip(found.values, found.values[1:], strict=False))
    assert (found.values[-1], found.path[-1]) == (found.value, found.x)
    descent = minimize(bowl, start, steps=2000, epsilon=1e-3)
    as_low = next(i for i, value in enumerate(descent.values) if value <= found.value)
    assert as_low < 50 < found.evaluations == 2001
    assert (
        random_search(bowl, start, rng=random.Random(0), radius=0.2, tries=50).path
        == random_search(bowl, start, rng=random.Random(0), radius=0.2, tries=50).path
    )


# Closed forms

X, Y = [0.0, 1.0, 2.0, 3.0], [1.0, 3.0, 2.0, 5.0]


def test_n9_linear_regression_agrees_with_the_normal_equations_and_with_descent() -> None:
    fit = linear_regression(X, Y)
    assert [*fit.weights, fit.bias, fit.cost] == pytest.approx([1.1, 1.1, 0.675], rel=1e-12)
    A = np.column_stack([X, np.ones(4)])
    assert [*fit.weights, fit.bias] == pytest.approx(np.linalg.solve(A.T @ A, A.T @ Y), rel=1e-10)

    def cost(w: list[Any]) -> Any:
        return sum((w[0] * x + w[1] - y) ** 2 for x, y in zip(X, Y, strict=True)) / 4

    descent = minimize(cost, [0.0, 0.0], steps=200)
    assert descent.values[:4] == pytest.approx([9.75, 0.9775, 0.7460875, 0.732883375], rel=1e-12)
    assert descent.path[1:4] == [pytest.approx(p, rel=1e-12) for p in ([1.1, 0.55], [1.265, 0.66], [1.2815, 0.6985])]
    assert descent.x == pytest.approx([1.100001, 1.099998], abs=1e-6)
    largest = max(np.linalg.eigvalsh(np.array(hessian(cost)([0.0, 0.0]))))
    assert (largest, 2 / largest) == pytest.approx((8.405124837953, 0.237950064819), rel=1e-12)
    assert minimize(cost, [0.0, 0.0], learning_rate=0.237, steps=4000).value == pytest.approx(0.675)
    assert minimize(cost, [0.0, 0.0], learning_rate=0.2385, steps=4000).value > 1e6


def test_k8_capacity_the_training_error_of_polynomials_falls_to_0() -> None:
    costs = [linear_regression(X, Y, monomials(degree)).cost for degree in range(4)]
    assert costs == pytest.approx([2.1875, 0.675, 0.6125, 0.0], abs=1e-12)
    cubic = linear_regression(X, Y, monomials(3))
    assert [cubic.bias, *cubic.weights] == pytest.approx([1.0, 35 / 6, -5.0, 7 / 6], rel=1e-9)
    assert [cubic(x) for x in X] == pytest.approx(Y, rel=1e-9)


def test_n10_n12_features_make_xor_linear() -> None:
    corners, labels = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [-1.0, 1.0, 1.0, -1.0]
    assert linear_regression(corners, labels).weights == pytest.approx([0.0, 0.0], abs=1e-12)
    fit = linear_regression(corners, labels, products)
    assert [*fit.weights, fit.bias] == pytest.approx([2.0, 2.0, -4.0, -1.0], rel=1e-9)
    assert [math.copysign(1, fit(x)) for x in corners] == labels
    assert fit.cost == pytest.approx(0.0, abs=1e-20)


def test_c22_a_smaller_proxy_loss_can_mean_more_errors() -> None:
    x, y = [0.0, 1.0, 2.0, 3.0, 20.0], [-1.0, -1.0, 1.0, 1.0, 1.0]
    fit = linear_regression(x, y)
    (slope,) = fit.weights
    assert (slope, fit.bias, -fit.bias / slope, fit.cost) == pytest.approx(
        (0.067431850789, -0.150645624103, 2.234042553191, 0.706456241), rel=1e-9
    )
    assert sum((fit(a) > 0) != (b > 0) for a, b in zip(x, y, strict=True)) == 1
    perfect = [0.1 * (a - 1.5) for a in x]
    assert all((p > 0) == (b > 0) for p, b in zip(perfect, y, strict=True))
    assert sum((p - b) ** 2 for p, b in zip(perfect, y, strict=True)) / 5 == pytest.approx(0.7945)


def test_regression_says_what_is_wrong() -> None:
    with pytest.raises(ValueError, match=r"X and y must.*got 2 rows of X and 1 entries"):
        linear_regression([1.0, 2.0], [1.0])
    with pytest.raises(ValueError, match=r"data must.*got none"):
        linear_regression([], [])
