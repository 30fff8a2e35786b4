"""Losses take a class compiled, as a whole number that is an input, as they take it eagerly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import nn
from autograd import Value, compile
from nn import Layer

LOSSES: dict[str, Callable[[list[Any], Any], Any]] = {
    "cross_entropy_with_logits": nn.cross_entropy_with_logits,
    "cross_entropy": lambda z, t: nn.cross_entropy(nn.softmax(z), t),
    "negative_log_likelihood": lambda z, t: nn.negative_log_likelihood(nn.log_softmax(z), t),
    "hinge": nn.hinge,
    "rows": lambda z, t: nn.cross_entropy_with_logits([z, z[::-1]], [t, t]),
}


@pytest.mark.parametrize("name", LOSSES)
def test_a_class_that_is_an_input(name: str) -> None:
    loss, layer = LOSSES[name], Layer.of([[0.5, -1.0], [2.0, 0.25], [-0.75, 1.5]], [0.1, 0.2, 0.3])
    X, y = [[1.0, 2.0], [-0.5, 0.25], [3.0, -1.0], [0.5, 0.5]], [2, 0, 1, 1]
    program = compile(lambda x, y: loss(layer(x), y[0]), layer)
    cost, gradient = program.value_and_grad(X, y)
    roots = [loss(layer(x), t) for x, t in zip(X, y, strict=True)]
    for root in roots:
        root.backward(1 / len(X))
    assert cost == pytest.approx(sum(root.data for root in roots) / len(X), rel=1e-13)
    assert gradient.tolist() == pytest.approx([p.grad for p in layer.parameters()], rel=1e-12, abs=1e-15)
    with pytest.raises(FloatingPointError, match=r"y\[3\]\[0\] must be a whole number from 0 to 2, got 3"):
        program.value_and_grad(X, [2, 0, 1, 3])


def test_one_hot_of_a_value() -> None:
    assert [hit.data for hit in nn.one_hot(Value(2.0), 3)] == [0.0, 0.0, 1.0]
    with pytest.raises(ValueError, match="one_hot: k must be a whole number from 0 to 2"):
        nn.one_hot(Value(3.0), 3)
    with pytest.raises(ValueError, match="target must be a whole number from 0 to 1"):
        nn.cross_entropy_with_logits([Value(1.0), Value(2.0)], Value(0.5))
