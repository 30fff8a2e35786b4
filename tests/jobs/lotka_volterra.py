"""Prey and predators, u' = a u − b u v and v' = −c v + d u v, by Runge and Kutta's method: four parameters fitted to counts."""

from typing import Any

Vector = list[Any]


def rates(parameters: Vector, u: Any, v: Any) -> tuple[Any, Any]:
    a, b, c, d = parameters
    eaten = u * v
    return a * u - b * eaten, d * eaten - c * v


def orbit(parameters: Vector, steps: int, u: Any = 1.0, v: Any = 1.0, h: float = 0.01) -> list[Vector]:
    """Return both counts after every step."""
    counts = []
    for _ in range(steps):
        p1, q1 = rates(parameters, u, v)
        p2, q2 = rates(parameters, u + h / 2 * p1, v + h / 2 * q1)
        p3, q3 = rates(parameters, u + h / 2 * p2, v + h / 2 * q2)
        p4, q4 = rates(parameters, u + h * p3, v + h * q3)
        u = u + h / 6 * (p1 + 2 * p2 + 2 * p3 + p4)
        v = v + h / 6 * (q1 + 2 * q2 + 2 * q3 + q4)
        counts.append([u, v])
    return counts


def misfit(parameters: Vector, counted: list[Vector]) -> Any:
    """Return the mean square of the difference to counts after every step."""
    total = 0.0
    for (u, v), (p, q) in zip(orbit(parameters, len(counted)), counted, strict=True):
        total = total + (u - p) ** 2 + (v - q) ** 2
    return total / len(counted)
