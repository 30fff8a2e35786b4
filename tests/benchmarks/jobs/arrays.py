"""The jobs as they are written for arrays: `PRIMALS` for jax and torch, which differentiate them, `BY_HAND` in NumPy.

Each takes the weights and the rows of a batch, a primal also a namespace xp of functions, and returns the mean over the batch, or,
where there are no weights, the values of all samples; by hand with the gradient. Jobs that are not here have too little structure
for arrays; jax and torch run their scalars.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import lgamma, log, pi
from typing import Any

import numpy as np

from .cases import mixture_points, recurrent_text

__all__ = ["BY_HAND", "PRIMALS"]

# For jax and torch


def mixture(xp: Any, w: Any, rows: Any, points: Any, K: int) -> Any:
    """In two dimensions."""
    alpha, means, q, low = w[:K], w[K : 3 * K].reshape(K, 2), w[3 * K : 5 * K].reshape(K, 2), w[5 * K :]
    v = xp.asarray(points)[:, None] - means
    first = xp.exp(q[:, 0]) * v[:, :, 0]
    second = xp.exp(q[:, 1]) * v[:, :, 1] + low * v[:, :, 0]
    beta = alpha + q.sum(1) - 0.5 * (first * first + second * second)
    value = -len(points) * (log(2 * pi) + xp.logsumexp(alpha, 0)) + xp.logsumexp(beta, 1).sum()
    return value - 0.5 * (xp.exp(2 * q).sum() + (low * low).sum()) + K * normaliser()


def normaliser(d: int = 2) -> float:
    """Return the constant of the prior for gamma = 1 and m = 0."""
    n = d + 1
    log_gamma = d * (d - 1) / 4 * log(pi) + sum(lgamma((n + 1 - j) / 2) for j in range(1, d + 1))
    return n * d * log(0.5**0.5) - log_gamma


def recurrent(xp: Any, w: Any, rows: Any, text: Any) -> Any:
    text, bits = xp.asarray(text), text.shape[1]
    four, ends = w[: 16 * bits].reshape(2, 2, 4, bits), w[16 * bits :].reshape(3, bits)

    def step(t: Any, state: Any) -> Any:
        *layers, total = state
        y, after = text[t] * ends[0], []
        for k, (h, c) in enumerate(layers):
            W, B = four[k]
            forget, take, show = xp.sigmoid(y * W[0] + B[0]), xp.sigmoid(h * W[1] + B[1]), xp.sigmoid(y * W[2] + B[2])
            c = c * forget + take * xp.tanh(h * W[3] + B[3])
            y = show * xp.tanh(c)
            after.append((y, c))
        scores = y * ends[1] + ends[2]
        return (*after, total + (text[t + 1] * (scores - xp.log(xp.exp(scores).sum() + 2))).sum())

    begin = (text[0] * 0 + 0.1, text[0] * 0 + 0.2)
    return -xp.loop(len(text) - 1, step, (begin, begin, w[0] * 0))[-1] / ((len(text) - 1) * bits)


def reactions(xp: Any, w: Any, rows: Any, steps: int = 100) -> Any:
    h = 2.0 / steps

    def rates(y: Any) -> Any:
        return xp.concatenate([w[:1], w[1:] * y[:-1]])

    def step(_: Any, y: Any) -> Any:
        k1 = rates(y)
        k2 = rates(y + h / 2 * k1)
        k3 = rates(y + h / 2 * k2)
        return y + h / 6 * (k1 + 2 * k2 + 2 * k3 + rates(y + h * k3))

    return xp.loop(steps, step, w * 0)[-1]


def orbit(xp: Any, w: Any, rows: Any, steps: int) -> Any:
    h = 0.01

    def rates(u: Any, v: Any) -> tuple[Any, Any]:
        eaten = u * v
        return w[0] * u - w[1] * eaten, w[3] * eaten - w[2] * v

    def step(i: Any, state: Any) -> Any:
        u, v, total = state
        p1, q1 = rates(u, v)
        p2, q2 = rates(u + h / 2 * p1, v + h / 2 * q1)
        p3, q3 = rates(u + h / 2 * p2, v + h / 2 * q2)
        p4, q4 = rates(u + h * p3, v + h * q3)
        u = u + h / 6 * (p1 + 2 * p2 + 2 * p3 + p4)
        v = v + h / 6 * (q1 + 2 * q2 + 2 * q3 + q4)
        return u, v, total + (u - (1.0 + 0.01 * i)) ** 2 + (v - 2.0) ** 2

    one = w[0] * 0 + 1
    return xp.loop(steps, step, (one, one, w[0] * 0))[2] / steps


def valley(xp: Any, w: Any, rows: Any) -> Any:
    inner, outer = w[1:] - w[:-1] * w[:-1], 1 - w[:-1]
    return 100 * (inner * inner).sum() + (outer * outer).sum()


def springs(xp: Any, w: Any, rows: Any) -> Any:
    ends = w[:1] * 0
    stretch = xp.concatenate([w, ends]) - xp.concatenate([ends, w])
    square = stretch * stretch
    return (square / 2 + square * square / 4).sum()


def arm(xp: Any, w: Any, rows: Any) -> Any:
    turns = rows if len(rows) else w
    angles, n = turns.cumsum(-1), turns.shape[-1]
    u, v = xp.cos(angles).sum(-1) / n, xp.sin(angles).sum(-1) / n
    return (u - 0.3) ** 2 + (v - 0.6) ** 2 + 1e-3 * (turns * turns).sum(-1)


def prices(xp: Any, spot: Any, rate: Any, sigma: Any, time: Any, z: Any) -> Any:
    dt = time / z.shape[1]
    at = xp.asarray(np.arange(1.0, z.shape[1] + 1))
    return spot * xp.exp((rate - sigma * sigma / 2) * dt * at + sigma * xp.sqrt(dt) * z.cumsum(1))


def barrier(xp: Any, w: Any, rows: Any) -> Any:
    spot, strike, rate, sigma, bound, time = w
    s = prices(xp, spot, rate, sigma, time, rows)
    alive = ((1 + xp.tanh(10 * (s - bound))) / 2).prod(1)
    return (alive * xp.clip(s[:, -1] - strike, 0.0)).mean() * xp.exp(-rate * time)


def asian(xp: Any, w: Any, rows: Any) -> Any:
    spot, strike, rate, sigma, time = w
    return xp.clip(prices(xp, spot, rate, sigma, time, rows).mean(1) - strike, 0.0).mean() * xp.exp(-rate * time)


def heston(xp: Any, w: Any, rows: Any) -> Any:
    spot, strike, rate, v, kappa, theta, xi, rho, time = w
    n, z = rows.shape[1] // 2, rows.T
    dt, other = time / n, xp.sqrt(1 - rho * rho)

    def step(k: Any, state: Any) -> Any:
        log_price, v = state
        positive = xp.clip(v, 0.0)
        root = xp.sqrt(positive * dt + 1e-12)
        v = v + kappa * (theta - positive) * dt + xi * root * (rho * z[k] + other * z[n + k])
        return log_price + (rate - positive / 2) * dt + root * z[k], v

    log_price, _ = xp.loop(n, step, (z[0] * 0, z[0] * 0 + v))
    return xp.clip(spot * xp.exp(log_price) - strike, 0.0).mean() * xp.exp(-rate * time)


def logistic(xp: Any, w: Any, rows: Any) -> Any:
    margins = -rows[:, -1] * (rows[:, :-1] @ w[:-1] + w[-1])
    return xp.logaddexp(margins, margins * 0).mean()


PRIMALS: dict[str, Callable[[Any, Any, Any], Any]] = {
    **{f"GMM d2 K5 N{n}": partial(mixture, points=np.array(mixture_points(2, n)), K=5) for n in (100, 1000)},
    "LSTM, 100 characters": partial(recurrent, text=np.array(recurrent_text(100))),
    "ode 10, 100 steps": reactions,
    **{f"Rosenbrock {n}": valley for n in ("100", "1,000", "10,000")},
    **{f"Lotka–Volterra, {n:,} steps": partial(orbit, steps=n) for n in (100, 1000)},
    "arm, 7 joints": arm,
    "arm, 70 joints": arm,
    "springs 1,000": springs,
    "barrier option, 500 steps": barrier,
    "Asian option, 252 steps": asian,
    "Heston, 50 steps": heston,
    "logistic regression, 10": logistic,
}
ONE_SAMPLE = ("ode", "Lotka")  # whose arrays are those of one sample, which a batch does without


# By hand in NumPy


def mixture_by_hand(w: Any, rows: Any, points: Any, K: int) -> Any:
    alpha, means, q, low = w[:K], w[K : 3 * K].reshape(K, 2), w[3 * K : 5 * K].reshape(K, 2), w[5 * K :]
    v, scale = points[:, None] - means, np.exp(q)
    y = scale * v
    y[:, :, 1] += low * v[:, :, 0]
    beta = alpha + q.sum(1) - 0.5 * (y * y).sum(2)
    top = beta.max(1, keepdims=True)
    e = np.exp(beta - top)
    total = e.sum(1, keepdims=True)
    p, mass = e / total, np.exp(alpha - alpha.max())
    value = (top + np.log(total)).sum() - len(points) * (log(2 * pi) + np.log(mass.sum()) + alpha.max())
    value += K * normaliser() - 0.5 * ((scale * scale).sum() + (low * low).sum())
    dy = -p[:, :, None] * y
    dv = dy * scale
    dv[:, :, 0] += dy[:, :, 1] * low
    counts = p.sum(0)
    dq = (dy * v).sum(0) * scale + counts[:, None] - scale * scale
    parts = (counts - len(points) * mass / mass.sum(), -dv.sum(0).ravel(), dq.ravel())
    return value, np.concatenate([*parts, (dy[:, :, 1] * v[:, :, 0]).sum(0) - low])


def recurrent_by_hand(w: Any, rows: Any, text: Any) -> Any:
    T, bits = len(text) - 1, text.shape[1]
    four, ends = w[: 16 * bits].reshape(2, 2, 4, bits), w[16 * bits :].reshape(3, bits)

    def sigmoid(x: Any) -> Any:
        return 1 / (1 + np.exp(-x))

    states = [(np.full(bits, 0.1), np.full(bits, 0.2))] * 2
    kept: list[tuple[Any, ...]] = []
    value, d_four, d_ends = 0.0, np.zeros_like(four), np.zeros_like(ends)
    for t in range(T):
        y = text[t] * ends[0]
        for k in range(2):
            (W, B), (h, c) = four[k], states[k]
            f, g, o, n = (
                sigmoid(y * W[0] + B[0]),
                sigmoid(h * W[1] + B[1]),
                sigmoid(y * W[2] + B[2]),
                np.tanh(h * W[3] + B[3]),
            )
            after = c * f + g * n
            squashed = np.tanh(after)
            kept.append((y, h, c, f, g, o, n, squashed))
            y = o * squashed
            states[k] = (y, after)
        scores = y * ends[1] + ends[2]
        e = np.exp(scores)
        total = e.sum() + 2
        value -= (text[t + 1] * (scores - np.log(total))).sum()
        kept.append((y, (e / total * text[t + 1].sum() - text[t + 1]) / (T * bits)))
    from_h, from_c = np.zeros((2, bits)), np.zeros((2, bits))
    for t in reversed(range(T)):
        y, ds = kept.pop()
        d_ends[1] += ds * y
        d_ends[2] += ds
        dy = ds * ends[1]
        for k in (1, 0):
            W = four[k, 0]
            y, h, c, f, g, o, n, squashed = kept.pop()
            dh = dy + from_h[k]
            dc = from_c[k] + dh * o * (1 - squashed * squashed)
            z = np.stack(
                [dc * c * f * (1 - f), dc * n * g * (1 - g), dh * squashed * o * (1 - o), dc * g * (1 - n * n)]
            )
            d_four[k, 0] += z * np.stack([y, h, y, h])
            d_four[k, 1] += z
            from_c[k], from_h[k], dy = dc * f, z[1] * W[1] + z[3] * W[3], z[0] * W[0] + z[2] * W[2]
        d_ends[0] += dy * text[t]
    return value / (T * bits), np.concatenate([d_four.ravel(), d_ends.ravel()])


def valley_by_hand(w: Any, rows: Any) -> Any:
    a = w[:-1]
    inner, outer = w[1:] - a * a, 1 - a
    slope = np.zeros_like(w)
    slope[:-1] = -400 * a * inner - 2 * outer
    slope[1:] += 200 * inner
    return 100 * (inner @ inner) + outer @ outer, slope


def least_squares_by_hand(w: Any, rows: Any) -> Any:
    t = np.linspace(-1, 1, 100)
    powers = t[:, None] ** np.arange(4)
    error = powers @ w - np.sign(t)
    return 0.5 * (error @ error), error @ powers


def springs_by_hand(w: Any, rows: Any) -> Any:
    stretch = np.diff(w, prepend=0.0, append=0.0)
    square = stretch * stretch
    force = stretch + square * stretch
    return (square / 2 + square * square / 4).sum(), force[:-1] - force[1:]


def arm_by_hand(w: Any, rows: Any) -> Any:
    turns = rows if len(rows) else w[None]
    angles, n = turns.cumsum(1), turns.shape[1]
    s, c = np.sin(angles) / n, np.cos(angles) / n
    u, v = c.sum(1, keepdims=True) - 0.3, s.sum(1, keepdims=True) - 0.6
    value = (u * u + v * v)[:, 0] + 1e-3 * (turns * turns).sum(1)
    each = 2 * (v * c - u * s)
    slope = each[:, ::-1].cumsum(1)[:, ::-1] + 2e-3 * turns
    return (value, slope) if len(rows) else (value[0], slope[0])


def determinant_by_hand(w: Any, rows: Any) -> Any:
    flat = rows if len(rows) else w
    n = round(flat.shape[-1] ** 0.5)
    matrices = flat.reshape(*flat.shape[:-1], n, n)
    value = np.linalg.det(matrices)
    cofactors = value[..., None, None] * np.linalg.inv(matrices).swapaxes(-1, -2)
    return value, cofactors.reshape(flat.shape)


def paths(w: Any, rows: Any, time: float) -> tuple[Any, Any, Any]:
    """Return the prices, and their slopes in sigma and in time, divided by the prices."""
    spot, _, rate, sigma = w[:4]
    n = rows.shape[1]
    at, walk = np.arange(1.0, n + 1) / n, rows.cumsum(1) * (1 / n) ** 0.5
    s = spot * np.exp((rate - sigma * sigma / 2) * time * at + sigma * time**0.5 * walk)
    return s, time**0.5 * walk - sigma * time * at, (rate - sigma * sigma / 2) * at + sigma * walk / (2 * time**0.5)


def collected(
    w: Any, payoff: Any, ds: Any, s: Any, slopes: tuple[Any, Any], rest: dict[int, float], time: float
) -> Any:
    """Return the mean of discounted payoffs, and the gradient from the slopes in the prices."""
    spot, rate, n = w[0], w[2], s.shape[1]
    discount, at = np.exp(-rate * time) / len(s), np.arange(1.0, n + 1) / n
    weighted, total = ds * s, payoff.sum()
    slope = np.zeros_like(w)
    slope[0] = weighted.sum() / spot
    slope[2] = time * (weighted.sum(0) @ at) - time * total
    slope[3], slope[-1] = (weighted * slopes[0]).sum(), (weighted * slopes[1]).sum() - rate * total
    for i, x in rest.items():
        slope[i] = x
    return discount * total, discount * slope


def barrier_by_hand(w: Any, rows: Any) -> Any:
    s, *slopes = paths(w, rows, w[5])
    t = np.tanh(10 * (s - w[4]))
    alive, end = ((1 + t) / 2).prod(1), np.maximum(s[:, -1] - w[1], 0)
    payoff, above = alive * end, end > 0
    each = payoff[:, None] * (10 * (1 - t))  # of tanh: (1 − t²)/(1 + t)
    ds = each.copy()
    ds[:, -1] += alive * above
    return collected(w, payoff, ds, s, (slopes[0], slopes[1]), {1: -(alive * above).sum(), 4: -each.sum()}, w[5])


def asian_by_hand(w: Any, rows: Any) -> Any:
    s, *slopes = paths(w, rows, w[4])
    payoff = np.maximum(s.mean(1) - w[1], 0)
    above = (payoff > 0) * 1.0
    return collected(w, payoff, above[:, None] / s.shape[1], s, (slopes[0], slopes[1]), {1: -above.sum()}, w[4])


def heston_by_hand(w: Any, rows: Any) -> Any:
    spot, strike, rate, v, kappa, theta, xi, rho, time = w
    n = rows.shape[1] // 2
    dt, other, log_price, z = time / n, np.sqrt(1 - rho * rho), np.zeros(len(rows)), np.ascontiguousarray(rows.T)
    v, kept = v + log_price, []
    for k in range(n):
        positive = np.maximum(v, 0)
        root, b = np.sqrt(positive * dt + 1e-12), rho * z[k] + other * z[n + k]
        kept.append((v, positive, root, b))
        log_price += (rate - positive / 2) * dt + root * z[k]
        v = v + kappa * (theta - positive) * dt + xi * root * b
    price, discount = spot * np.exp(log_price), np.exp(-rate * time) / len(rows)
    payoff = np.maximum(price - strike, 0)
    above = payoff > 0
    dl, dv, slope, ddt = above * price, np.zeros(len(rows)), np.zeros_like(w), 0.0
    slope[0], slope[1], slope[2] = dl.sum() / spot, -above.sum(), time * (dl.sum() - payoff.sum())
    for k in reversed(range(n)):
        v, positive, root, b = kept[k]
        droot, drift = dl * z[k] + dv * xi * b, theta - positive
        slope[4] += dv @ drift * dt
        slope[5] += dv.sum() * kappa * dt
        slope[6] += dv @ (root * b)
        slope[7] += xi * (dv * root) @ (z[k] - rho / other * z[n + k])
        dsquare = droot / (2 * root)
        ddt += dl @ (rate - positive / 2) + kappa * (dv @ drift) + dsquare @ positive
        dv = dv + (v > 0) * (dsquare * dt - dl * dt / 2 - dv * kappa * dt)
    slope[3], slope[8] = dv.sum(), ddt / n - rate * payoff.sum()
    return discount * payoff.sum(), discount * slope


def logistic_by_hand(w: Any, rows: Any) -> Any:
    x, y = rows[:, :-1], rows[:, -1]
    margins = y * (x @ w[:-1] + w[-1])
    wrong = -y / (1 + np.exp(margins)) / len(rows)
    return np.logaddexp(0, -margins).mean(), np.append(wrong @ x, wrong.sum())


def options_by_hand(w: Any, rows: Any) -> Any:
    """By the closed forms, with SciPy's error function."""
    from scipy.special import ndtr

    s, k, r, sigma, t = rows.T
    scale = sigma * np.sqrt(t)
    d1 = (np.log(s / k) + (r + sigma * sigma / 2) * t) / scale
    d2, paid = d1 - scale, k * np.exp(-r * t)
    n1, n2 = ndtr(d1), ndtr(d2)
    vega = s * np.exp(-d1 * d1 / 2) * (2 * pi) ** -0.5 * np.sqrt(t)
    greeks = [n1, -n2 * paid / k, t * paid * n2, vega, vega * sigma / (2 * t) + r * paid * n2]
    return s * n1 - paid * n2, np.stack(greeks, 1)


BY_HAND: dict[str, Callable[[Any, Any], Any]] = {
    **{f"GMM d2 K5 N{n}": partial(mixture_by_hand, points=np.array(mixture_points(2, n)), K=5) for n in (100, 1000)},
    "LSTM, 100 characters": partial(recurrent_by_hand, text=np.array(recurrent_text(100))),
    "llsq 4, 100 points": least_squares_by_hand,
    **{f"det {n}": determinant_by_hand for n in (5, 6, 7)},
    **{f"Rosenbrock {n}": valley_by_hand for n in ("100", "1,000", "10,000")},
    "arm, 7 joints": arm_by_hand,
    "arm, 70 joints": arm_by_hand,
    "springs 1,000": springs_by_hand,
    "barrier option, 500 steps": barrier_by_hand,
    "Asian option, 252 steps": asian_by_hand,
    "Heston, 50 steps": heston_by_hand,
    "logistic regression, 10": logistic_by_hand,
    "Black–Scholes and Greeks": options_by_hand,
}
