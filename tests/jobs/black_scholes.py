"""The price of a call by Black and Scholes, from spot, strike, rate, volatility and time."""

from typing import Any

from autograd import exp, log, normal_cdf, sqrt


def price(spot: Any, strike: Any, rate: Any, sigma: Any, time: Any) -> Any:
    scale = sigma * sqrt(time)
    d1 = (log(spot / strike) + (rate + sigma * sigma / 2) * time) / scale
    return spot * normal_cdf(d1) - strike * exp(-rate * time) * normal_cdf(d1 - scale)
