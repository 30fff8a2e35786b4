"""The likelihood of a mixture of Gaussians, with a Wishart prior on its covariances (ADBench).

The square root Q of an inverse covariance is lower triangular: exp(q) is its diagonal, l the rest by columns.
"""

from math import lgamma, log, pi
from typing import Any

from autograd import exp, logsumexp, sum

Vector = list[Any]


def distance(q: Vector, lower: Vector, v: Vector) -> Any:
    """Return ‖Q v‖²."""
    rows, below = [exp(a) * b for a, b in zip(q, v, strict=True)], iter(lower)
    for j in range(len(v)):
        for i in range(j + 1, len(v)):
            rows[i] = rows[i] + next(below) * v[j]
    return sum([row * row for row in rows])


def likelihood(alpha: Vector, means: list[Vector], q: list[Vector], lower: list[Vector], points: list[Vector]) -> Any:
    """Return the logarithm of the likelihood of all points."""
    terms = [a + sum(row) for a, row in zip(alpha, q, strict=True)]
    total = -len(points) * (len(q[0]) / 2 * log(2 * pi) + logsumexp(alpha))
    for x in points:
        squares = map(distance, q, lower, [[a - b for a, b in zip(x, mean, strict=True)] for mean in means])
        total = total + logsumexp([term - 0.5 * square for term, square in zip(terms, squares, strict=True)])
    return total


def prior(q: list[Vector], lower: list[Vector], gamma: float, m: int) -> Any:
    """Return the logarithm of the density of the Wishart prior, negated."""
    d, n, total = len(q[0]), len(q[0]) + m + 1, 0.0
    log_gamma = d * (d - 1) / 4 * log(pi) + sum([lgamma((n + 1 - j) / 2) for j in range(1, d + 1)])
    for diagonal, below in zip(q, lower, strict=True):
        square = sum([exp(2 * a) for a in diagonal]) + sum([a * a for a in below] or [0.0])
        total = total + gamma**2 / 2 * square - m * sum(diagonal)
    return total - len(q) * (n * d * log(gamma / 2**0.5) - log_gamma)
