"""A charged particle falls past two charges, of which w moves the second: how far from the origin does it meet the ground?"""

from typing import Any

from autograd import grad, sqrt

Vector = list[Any]
STEP = 0.1


def potential(x: Vector, charges: list[Vector]) -> Any:
    return sum(1 / sqrt((x[0] - c[0]) ** 2 + (x[1] - c[1]) ** 2) for c in charges)


def missed(w: Any) -> Any:
    """Return the square of the distance, by Euler's method with the force as the gradient of the potential."""
    charges = [[10, 10 - w], [10, 0]]
    x: Vector = [0.0, 8.0]
    v: Vector = [0.75, 0.0]
    while True:
        force = grad(lambda x: -potential(x, charges))(x)
        x = [a + STEP * b for a, b in zip(x, v, strict=True)]
        if x[1] <= 0:
            return (x[0] - x[1] / v[1] * v[0]) ** 2
        v = [a + STEP * b for a, b in zip(v, force, strict=True)]
