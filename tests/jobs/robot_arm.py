"""Inverse kinematics: the joints of an arm in the plane, each turned from the one before, that bring its hand to a point."""

from itertools import accumulate
from typing import Any

from autograd import cos, sin, sum


def hand(turns: list[Any], length: float) -> tuple[Any, Any]:
    angles = [*accumulate(turns)]
    return length * sum([cos(a) for a in angles]), length * sum([sin(a) for a in angles])


def effort(turns: list[Any], x: float, y: float) -> Any:
    """Return the squared distance of the hand from (x, y), and a little for every turn; the arm is 1 long."""
    u, v = hand(turns, 1 / len(turns))
    return (u - x) ** 2 + (v - y) ** 2 + 1e-3 * sum([a * a for a in turns])
