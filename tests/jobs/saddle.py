"""A game of two players: the first minimises what the second maximises, min max ‖x‖² − ‖y‖², both from (1, 1)."""

from typing import Any

from .descent import minimise

Vector = list[Any]


def payoff(x: Vector, y: Vector) -> Any:
    return x[0] ** 2 + x[1] ** 2 - y[0] ** 2 - y[1] ** 2


def answer(x: Vector) -> Vector:
    """Return the best y to a given x."""
    return minimise(lambda y: -payoff(x, y), [1.0, 1.0])


def play() -> tuple[Vector, Vector]:
    x = minimise(lambda x: payoff(x, answer(x)), [1.0, 1.0])
    return x, answer(x)
