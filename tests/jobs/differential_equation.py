"""The last of a chain of reactions, y0' = x0 and yi' = xi·y(i−1) from y = 0, by Runge and Kutta's method of order 4."""

from typing import Any

Vector = list[Any]


def rates(x: Vector, y: Vector) -> Vector:
    return [x[0], *(a * b for a, b in zip(x[1:], y, strict=False))]


def last(x: Vector, steps: int, end: float = 2.0) -> Any:
    """Return the last y at t = end."""
    y, h = [0.0 * a for a in x], end / steps
    for _ in range(steps):
        k1 = rates(x, y)
        k2 = rates(x, [a + h / 2 * k for a, k in zip(y, k1, strict=True)])
        k3 = rates(x, [a + h / 2 * k for a, k in zip(y, k2, strict=True)])
        k4 = rates(x, [a + h * k for a, k in zip(y, k3, strict=True)])
        slopes = zip(k1, k2, k3, k4, strict=True)
        y = [a + h / 6 * (p + 2 * q + 2 * r + s) for a, (p, q, r, s) in zip(y, slopes, strict=True)]
    return y[-1]
