"""The price of an option by Black and Scholes and all its Greeks, compiled for a batch of options.

A call pays max(S − K, 0) at time T. With a dividend yield q its price today is S e^(−qT) N(d₁) − K e^(−rT) N(d₂), where
d₁ = (log(S/K) + (r − q + σ²/2) T) / (σ√T), d₂ = d₁ − σ√T and N is the normal distribution function (Black and Scholes,
1973; Merton, 1973). The Greeks are its derivatives. They are taken inside the compiled function: the first six by one
backward pass, gamma, vanna and volga by two products with the Hessian, and are compared with their closed forms.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from statistics import median
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from scipy.special import ndtr

from autograd import compile, exp, hvp, log, normal_cdf, sqrt, value_and_grad

SEED, OPTIONS = 0, 10_000
LIMITS = ((60, 140), (80, 120), (0, 0.08), (0, 0.05), (0.1, 0.5), (0.1, 3))  # of the arguments of price, in their order
GREEKS = {
    "price": "V", "delta": "∂V/∂S", "dual delta": "∂V/∂K", "rho": "∂V/∂r", "psi": "∂V/∂q", "vega": "∂V/∂σ",
    "theta": "−∂V/∂T", "gamma": "∂²V/∂S²", "vanna": "∂²V/∂S∂σ", "volga": "∂²V/∂σ²",
}  # fmt: skip


def price(spot: Any, strike: Any, rate: Any, dividend: Any, volatility: Any, maturity: Any) -> Any:
    """Return the price of a call; rates and volatility are per year, the maturity is in years."""
    spread = volatility * sqrt(maturity)
    d1 = (log(spot / strike) + (rate - dividend + volatility**2 / 2) * maturity) / spread
    today = spot * exp(-dividend * maturity) * normal_cdf(d1)
    return today - strike * exp(-rate * maturity) * normal_cdf(d1 - spread)


def greeks(option: list[Any]) -> list[Any]:
    """Return the price of an option and its derivatives, in the order of GREEKS."""
    value, (delta, dual_delta, rho, psi, vega, slope) = value_and_grad(price)(*option)
    gamma, *_, vanna, _ = hvp(price, option, [1.0, 0.0, 0.0, 0.0, 0.0, 0.0])  # the Hessian's row of the spot
    *_, volga, _ = hvp(price, option, [0.0, 0.0, 0.0, 0.0, 1.0, 0.0])  # and that of the volatility
    return [value, delta, dual_delta, rho, psi, vega, -slope, gamma, vanna, volga]


def closed_forms(options: Any, cdf: Callable[[Any], Any]) -> Any:
    """Return the same by the formulas in the books, for an array of options; cdf is N on arrays."""
    S, K, r, q, sigma, T = options.T
    root = np.sqrt(T)
    d1 = (np.log(S / K) + (r - q + sigma**2 / 2) * T) / (sigma * root)
    d2 = d1 - sigma * root
    grown, paid = np.exp(-q * T) * cdf(d1), K * np.exp(-r * T) * cdf(d2)
    density = np.exp(-q * T - d1**2 / 2) / math.sqrt(2 * math.pi)
    vega = S * density * root
    theta = -S * density * sigma / (2 * root) + q * S * grown - r * paid
    gamma, vanna, volga = density / (S * sigma * root), -density * d2 / sigma, vega * d1 * d2 / sigma
    value = S * grown - paid
    return np.stack([value, grown, -paid / K, T * paid, -T * S * grown, vega, theta, gamma, vanna, volga], axis=1)


def ratio(f: Callable[[], object], g: Callable[[], object]) -> float:
    """Return how many times as long f takes as g: the median of 21 pairs of calls."""

    def seconds(call: Callable[[], object]) -> float:
        began = time.perf_counter()
        call()
        return time.perf_counter() - began

    return median(seconds(f) / seconds(g) for _ in range(21))


def main(out: Path = Path()) -> dict[str, float]:
    """Print the Greeks of one option, compare those of 10,000 with the closed forms, and draw four surfaces."""
    program = compile(greeks, option=6)
    found = program([[105.0, 100.0, 0.03, 0.01, 0.2, 0.5]])[0].tolist()
    print("a call on S = 105 with K = 100, r = 3 %, q = 1 %, σ = 20 %, half a year:")
    for (name, formula), number in zip(GREEKS.items(), found, strict=True):
        print(f"  {name:10} {formula:9} {number:16.9f}")

    rng = Random(SEED)
    options = np.array([[rng.uniform(*limits) for limits in LIMITS] for _ in range(OPTIONS)])
    exact = closed_forms(options, np.vectorize(lambda d: math.erfc(-d / math.sqrt(2)) / 2))
    gaps = np.abs(program(options) - exact).max(axis=0) / np.abs(exact).max(axis=0)
    print(f"\n{OPTIONS:,} options: from the closed forms at most {gaps.max():.0e} of the largest of each Greek")
    for count in (1, 100, 1_000, OPTIONS):
        batch = options[:count]
        times = ratio(lambda batch=batch: program(batch), lambda batch=batch: closed_forms(batch, ndtr))  # type: ignore[misc]
        print(f"  {count:6,} options: {times:.2f} times the time of the closed forms in NumPy and SciPy")

    spots, maturities = np.meshgrid(np.linspace(60, 140, 61), np.linspace(0.1, 2, 41))
    grid = np.stack(
        [np.broadcast_to(x, spots.shape).ravel() for x in (spots, 100, 0.03, 0.01, 0.2, maturities)], axis=1
    )
    surfaces = dict(zip(GREEKS, program(grid).T.reshape(-1, *spots.shape), strict=True))
    figure = Figure(figsize=(11, 9), layout="constrained")
    for place, name in enumerate(("price", "gamma", "vanna", "volga"), 1):
        ax = figure.add_subplot(2, 2, place, projection="3d")
        ax.plot_surface(spots, maturities, surfaces[name], cmap="viridis", linewidth=0)
        ax.set(
            xlabel="spot S", ylabel="maturity T in years", zlabel=GREEKS[name], title=f"{name} of a call, strike 100"
        )
        ax.set(yticks=[0.5, 1.0, 1.5, 2.0], xticks=[60, 80, 100, 120, 140])
        ax.view_init(30, -125)
    figure.savefig(out / "black_scholes.png", dpi=150)
    return dict(zip(GREEKS, found, strict=True)) | {"gap": float(gaps.max())}


if __name__ == "__main__":
    main()
