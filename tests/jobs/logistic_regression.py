"""Logistic regression: the loss of one sample, whose label is −1 or 1."""

from typing import Any

from autograd import dot, softplus


def loss(w: list[Any], x: list[Any], y: Any) -> Any:
    return softplus(-y * dot(w[:-1], x, w[-1]))
