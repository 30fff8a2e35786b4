"""Objectives that people differentiate, each written in scalars in a file of its own: their numbers and their gradients.

Where a number was published, or was found in two ways that agree, it must come out again. Gradients are compared with finite
differences, closed forms and NumPy, and programs with the engine.
"""

from __future__ import annotations

from itertools import chain
from math import erf, exp, log, pi, prod, sqrt
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize

from autograd import Value, check_gradients, compile, grad, hessian, jacobian, value_and_grad

from . import (
    black_scholes,
    bundle_adjustment as bundle,
    descent,
    determinant,
    differential_equation as reactions,
    gaussian_mixture as mixture,
    least_squares,
    logistic_regression,
    lotka_volterra,
    lstm,
    options,
    particle,
    robot_arm,
    rosenbrock,
    saddle,
    springs,
)

Vector = list[float]


def normal(rng: Random, n: int) -> Vector:
    return [rng.gauss(0.0, 1.0) for _ in range(n)]


# ADBench: bundle adjustment, mixtures, a recurrent network


CAMERA = [
    1.797201,
    0.590697,
    -0.635786,
    90.85955,
    29.361415,
    28.777534,
    211.628116,
    -0.284531,
    -14.762924,
    0.058931,
    0.069976,
]
POINT, WEIGHT, FOUND = [4.173048, 5.586898, 1.403869], 0.417022, [-525.672849, 161.811929]


def test_the_errors_of_bundle_adjustment() -> None:
    errors = bundle.errors(CAMERA, POINT, WEIGHT, FOUND)
    assert errors == pytest.approx([-0.269048849235189, 0.259944792677902], rel=1e-12)
    assert bundle.weight_error(WEIGHT) == pytest.approx(0.826092651516, rel=1e-12)


def test_the_jacobian_of_bundle_adjustment() -> None:
    rows = jacobian(bundle.errors, argnums=(0, 1, 2))(CAMERA, POINT, WEIGHT, FOUND)
    assert np.shape(rows) == (2, 15)
    for i, row in enumerate(rows):
        check_gradients(
            lambda camera, point, weight, i=i: bundle.errors(camera, point, weight, FOUND)[i],
            [CAMERA, POINT, WEIGHT],
            gradient=lambda *_, row=row: [row[:11], row[11:14], row[14]],
            raises=True,
        )


ALPHA, MEANS = [-0.649014, 1.181166, -0.758453], [[0.092339, 0.18626], [0.345561, 0.396767], [0.538817, 0.419195]]
Q, LOWER = [[0.586443, -0.851887], [-1.509405, 0.875874], [0.166813, -1.965419]], [[0.800321], [-0.24279], [-1.270071]]
SEEN = [[1.175171, 2.02916]]


def test_the_posterior_of_a_mixture_in_both_variants() -> None:
    likelihood, prior = mixture.likelihood(ALPHA, MEANS, Q, LOWER, SEEN), mixture.prior(Q, LOWER, 1.0, 0)
    assert likelihood - prior == pytest.approx(-20.0673605466583, rel=1e-12)
    assert likelihood + prior == pytest.approx(8.07380408004975791, rel=1e-12)


@pytest.mark.parametrize("sign", [-1, 1])
@pytest.mark.parametrize("d", [1, 2, 4])
def test_the_gradient_of_a_mixture(d: int, sign: int) -> None:
    rng = Random(d)
    given = [normal(rng, 3), *([normal(rng, n) for _ in range(3)] for n in (d, d, d * (d - 1) // 2))]
    points = [normal(rng, d) for _ in range(5)]
    check_gradients(
        lambda a, mu, q, low: mixture.likelihood(a, mu, q, low, points) + sign * mixture.prior(q, low, 1.5, 2),
        given,
        raises=True,
    )


def read_lstm() -> tuple[list[Any], list[Vector]]:
    """Return the parameters (layers, ends, begin) and the text as bits."""
    *lines, text = Path(__file__).with_name("lstm.txt").read_text(encoding="utf-8").split("\n", 11)
    rows = [[*map(float, line.split())] for line in lines]
    bits = [[*map(float, f"{ord(character):014b}")] for character in text]
    return [[rows[:2], rows[2:4]], rows[4:7], [rows[7:9], rows[9:]]], bits


def test_the_loss_of_a_recurrent_network_on_a_sonnet() -> None:
    parameters, text = read_lstm()
    assert len(text) == 1024
    loss, _ = value_and_grad(lstm.loss, argnums=(0, 1))(*parameters, text)
    assert loss == pytest.approx(0.6666651795588522, rel=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_the_gradient_of_a_recurrent_network_along_a_line(seed: int) -> None:
    (layers, ends, begin), text = read_lstm()
    at = [np.array(layers), np.array(ends)]
    ways = [np.random.default_rng(seed).normal(size=x.shape) for x in at]

    def along(t: Any) -> Any:
        moved = [x + t * way for x, way in zip(at, ways, strict=True)]
        return lstm.loss(moved[0], moved[1], begin, text[:20])

    check_gradients(along, [0.0], raises=True)


# Sums, recursions, integrations


@pytest.mark.parametrize("n", [10, 100])
def test_least_squares_beside_its_normal_equations(n: int) -> None:
    x = normal(Random(0), 4)
    t = np.linspace(-1, 1, n)
    powers = np.vander(t, 4, increasing=True)
    value, slope = value_and_grad(lambda x: least_squares.objective(x, n))(x)
    assert value == pytest.approx(0.5 * ((np.sign(t) - powers @ x) ** 2).sum(), rel=1e-12)
    assert slope == pytest.approx((powers.T @ (powers @ x - np.sign(t))).tolist(), rel=1e-11)


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_the_chain_of_reactions_has_a_closed_form(n: int) -> None:
    x = [1.5, 2.0, 0.5, 1.25][:n]
    value, slope = value_and_grad(lambda x: reactions.last(x, 10))(x)
    expected = prod(x) * 2.0**n / prod(range(1, n + 1))
    assert value == pytest.approx(expected, rel=1e-13)
    assert slope == pytest.approx([expected / a for a in x], rel=1e-12)


def test_the_gradient_of_a_longer_chain_of_reactions() -> None:
    check_gradients(lambda x: reactions.last(x, 20), [[1.0 + 0.1 * i for i in range(7)]], raises=True)


@pytest.mark.parametrize("n", [1, 2, 3, 5, 6])
def test_the_gradient_of_a_determinant_is_its_matrix_of_cofactors(n: int) -> None:
    rows = np.random.default_rng(n).normal(size=(n, n))
    value, cofactors = value_and_grad(determinant.det)(rows.tolist())
    assert value == pytest.approx(np.linalg.det(rows), rel=1e-12)
    np.testing.assert_allclose(cofactors, np.linalg.det(rows) * np.linalg.inv(rows).T, rtol=1e-11)


def test_orbits_of_prey_and_predators() -> None:
    true, start = [1.5, 1.0, 3.0, 1.0], [1.3, 0.9, 2.7, 1.2]
    counted = lotka_volterra.orbit(true, 50)
    check_gradients(lambda p: lotka_volterra.misfit(p, counted), [start], raises=True)

    def drift(steps: int) -> float:
        """Return by how much a number that orbits keep has changed at t = 10, by a method of order 4."""
        u, v = lotka_volterra.orbit(true, steps, h=10 / steps)[-1]
        return float(abs(u - 3 * log(u) + v - 1.5 * log(v) - 2))

    assert 15 * drift(2000) < drift(1000) < 1e-7
    assert value_and_grad(lambda p: lotka_volterra.misfit(p, counted))(true) == (0.0, [0.0] * 4)


# Minimisation


def test_the_particle_meets_the_ground_at_the_origin() -> None:
    check_gradients(particle.missed, [0.1], raises=True)
    (w,) = descent.minimise(lambda w: particle.missed(w[0]), [0.0])
    assert w == pytest.approx(0.2071918746486116, rel=1e-12)


def test_both_players_end_at_the_saddle() -> None:
    assert [*chain(*saddle.play())] == pytest.approx([8.2463248261403561e-06] * 4, rel=1e-12)


@pytest.mark.parametrize("n", [2, 100])
def test_rosenbrocks_valley(n: int) -> None:
    x = np.random.default_rng(n).normal(size=n)
    inner, outer = x[1:] - x[:-1] ** 2, 1 - x[:-1]
    expected = np.zeros(n)
    expected[:-1] = -400 * x[:-1] * inner - 2 * outer
    expected[1:] += 200 * inner
    value, slope = value_and_grad(rosenbrock.valley)(x.tolist())
    assert value == pytest.approx(100 * (inner**2).sum() + (outer**2).sum(), rel=1e-12)
    np.testing.assert_allclose(slope, expected, rtol=1e-10)
    assert value_and_grad(rosenbrock.valley)([1.0] * n) == (0.0, [0.0] * n)


@pytest.mark.parametrize("joints", [7, 70])
def test_an_arm_reaches_a_point(joints: int) -> None:
    start = [0.1 / (1 + i) for i in range(joints)]
    check_gradients(lambda turns: robot_arm.effort(turns, 0.3, 0.6), [start], raises=True)
    found = minimize(
        lambda turns: value_and_grad(robot_arm.effort, argnums=0)(turns, 0.3, 0.6), np.array(start), jac=True
    )
    assert robot_arm.hand(found.x.tolist(), 1 / joints) == pytest.approx((0.3, 0.6), abs=0.01)


def test_the_hessian_of_springs_is_tridiagonal() -> None:
    n = 200
    x = np.random.default_rng(0).normal(size=n)
    stiffness = 1 + 3 * np.diff(x, prepend=0.0, append=0.0) ** 2
    found = hessian(springs.energy, sparse=True)(x)
    assert found.nnz == 3 * n - 2
    expected = np.diag(stiffness[:-1] + stiffness[1:]) - np.diag(stiffness[1:-1], 1) - np.diag(stiffness[1:-1], -1)
    np.testing.assert_allclose(found.toarray(), expected, rtol=1e-12)
    assert np.array(hessian(springs.energy)(x[:5].tolist())).shape == (5, 5)


# Batches: options and regression


MARKET = {
    "barrier": [100.0, 100.0, 0.05, 0.2, 90.0, 1.0],
    "asian": [100.0, 100.0, 0.05, 0.2, 1.0],
    "heston": [100.0, 100.0, 0.05, 0.04, 2.0, 0.04, 0.3, -0.7, 1.0],
}
STEPS = {"barrier": 500, "asian": 252, "heston": 100}  # numbers of a sample; for Heston two in each of 50 steps


def payoff(name: str, market: Any, z: Any) -> Any:
    return options.heston(market, z[:50], z[50:]) if name == "heston" else getattr(options, name)(*market, z)


def simulated(name: str, market: Vector, z: Any) -> Any:
    """Return the mean of the payoffs by NumPy, of a row of z for each path."""
    if name == "heston":
        spot, strike, rate, v, kappa, theta, xi, rho, time = market
        log_price, dt = np.zeros(len(z)), time / 50
        for a, b in zip(z.T[:50], z.T[50:], strict=True):
            w = np.maximum(v, 0.0)
            log_price = log_price + (rate - w / 2) * dt + np.sqrt(w * dt + 1e-12) * a
            v = v + kappa * (theta - w) * dt + xi * np.sqrt(w * dt + 1e-12) * (rho * a + sqrt(1 - rho**2) * b)
        return (np.maximum(spot * np.exp(log_price) - strike, 0.0) * exp(-rate * time)).mean()
    spot, strike, rate, sigma, *bound, time = market
    dt = time / z.shape[1]
    at = np.arange(1, z.shape[1] + 1)
    prices = spot * np.exp((rate - sigma**2 / 2) * dt * at + sigma * sqrt(dt) * z.cumsum(1))
    alive = np.prod((1 + np.tanh(10 * (prices - bound[0]))) / 2, 1) if bound else 1.0
    end = prices[:, -1] if bound else prices.mean(1)
    return (alive * np.maximum(end - strike, 0.0) * exp(-rate * time)).mean()


@pytest.mark.parametrize("name", MARKET)
def test_options_simulated_by_a_program(name: str) -> None:
    market, z = MARKET[name], np.random.default_rng(0).normal(size=(200, STEPS[name]))
    parameters = [*map(Value, market)]
    cost, slope = compile(lambda z: payoff(name, parameters, z), parameters, z=STEPS[name]).value_and_grad(z)
    assert cost == pytest.approx(simulated(name, market, z), rel=1e-11)
    by_engine = np.mean([grad(lambda m, row=row: payoff(name, m, row))(market) for row in z[:8].tolist()], 0)
    program = compile(lambda z: payoff(name, parameters, z), parameters, z=STEPS[name])
    np.testing.assert_allclose(program.value_and_grad(z[:8])[1], by_engine, rtol=1e-9, atol=1e-12)
    for i, at in enumerate(market):
        h = 1e-5 * abs(at)
        up, down = ([*market[:i], at + step, *market[i + 1 :]] for step in (h, -h))
        assert slope[i] == pytest.approx(
            (simulated(name, up, z) - simulated(name, down, z)) / (2 * h), rel=1e-3, abs=1e-6
        )


def test_greeks_by_closed_forms_for_a_batch_of_options() -> None:
    def cdf(x: float) -> float:
        return (1 + erf(x / sqrt(2))) / 2

    def greeks(v: Any) -> list[Any]:
        first = grad(lambda v: black_scholes.price(*v))
        second = jacobian(lambda v: [first(v)[0], first(v)[3]])(v)
        return [black_scholes.price(*v), *first(v), second[0][0], second[0][3], second[1][3]]

    program = compile(greeks, v=5, gradient=False)
    rng = np.random.default_rng(0)
    market = rng.uniform([60, 80, 0.01, 0.1, 0.2], [140, 120, 0.08, 0.5, 2.0], (50, 5))
    for row, (s, k, r, sigma, t) in zip(program(market).tolist(), market.tolist(), strict=True):
        scale = sigma * sqrt(t)
        d1 = (log(s / k) + (r + sigma**2 / 2) * t) / scale
        d2, paid, density = d1 - scale, k * exp(-r * t), exp(-(d1**2) / 2) / sqrt(2 * pi)
        price, vega = s * cdf(d1) - paid * cdf(d2), s * density * sqrt(t)
        first = [cdf(d1), -exp(-r * t) * cdf(d2), t * paid * cdf(d2), vega, vega * sigma / (2 * t) + r * paid * cdf(d2)]
        second = [density / (s * scale), -density * d2 / sigma, vega * d1 * d2 / sigma]
        assert row == pytest.approx([price, *first, *second], rel=1e-10, abs=1e-12)
        assert greeks([s, k, r, sigma, t]) == pytest.approx(row, rel=1e-11, abs=1e-13)


def test_logistic_regression_beside_numpy() -> None:
    rng = np.random.default_rng(0)
    x, y, w = rng.normal(size=(40, 3)), np.sign(rng.normal(size=(40, 1))), rng.normal(size=4)
    parameters = [*map(Value, w)]
    margins = y[:, 0] * (x @ w[:-1] + w[-1])
    cost, slope = compile(
        lambda x, y: logistic_regression.loss(parameters, x, y[0]), parameters, x=3, y=1
    ).value_and_grad(x, y)
    assert cost == pytest.approx(np.logaddexp(0, -margins).mean(), rel=1e-13)
    wrong = -y[:, 0] / (1 + np.exp(margins)) / 40
    np.testing.assert_allclose(slope, [*(wrong @ x), wrong.sum()], rtol=1e-11, atol=1e-14)
    first = (x[0].tolist(), float(y[0, 0]))
    check_gradients(lambda w: logistic_regression.loss(w, *first), [w.tolist()], raises=True)
