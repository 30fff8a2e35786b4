"""Prices of options by simulation, each from one path: its normal variables z are data, the market's numbers are parameters."""

from itertools import accumulate
from typing import Any

from autograd import exp, maximum, prod, sqrt, sum, tanh

Vector = list[Any]


def path(spot: Any, rate: Any, sigma: Any, time: Any, z: Vector) -> Vector:
    """Return the price of the stock after each step."""
    dt = time / len(z)
    drift, scale = (rate - sigma * sigma / 2) * dt, sigma * sqrt(dt)
    return [spot * exp((i + 1) * drift + scale * w) for i, w in enumerate(accumulate(z))]


def barrier(spot: Any, strike: Any, rate: Any, sigma: Any, bound: Any, time: Any, z: Vector) -> Any:
    """A call that is lost where the path goes below the bound, smoothed."""
    prices = path(spot, rate, sigma, time, z)
    alive = prod([(1 + tanh(10 * (s - bound))) / 2 for s in prices])
    return alive * maximum(prices[-1] - strike, 0.0) * exp(-rate * time)


def asian(spot: Any, strike: Any, rate: Any, sigma: Any, time: Any, z: Vector) -> Any:
    """A call on the mean price."""
    mean = sum(path(spot, rate, sigma, time, z)) / len(z)
    return maximum(mean - strike, 0.0) * exp(-rate * time)


def heston(market: Vector, z1: Vector, z2: Vector) -> Any:
    """A call where the variance v of the price varies too, by Euler's method: dv = kappa (theta − v) dt + xi √v dW."""
    spot, strike, rate, v, kappa, theta, xi, rho, time = market
    dt, log_price = time / len(z1), 0.0
    for a, b in zip(z1, z2, strict=True):
        positive = maximum(v, 0.0)
        root = sqrt(positive * dt + 1e-12)  # √0 has no slope
        log_price = log_price + (rate - positive / 2) * dt + root * a
        v = v + kappa * (theta - positive) * dt + xi * root * (rho * a + sqrt(1 - rho * rho) * b)
    return maximum(spot * exp(log_price) - strike, 0.0) * exp(-rate * time)
