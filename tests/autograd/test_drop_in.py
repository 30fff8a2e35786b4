"""A program in the manner of microgpt, written for any scalar class, gives with Value what it gives with a plain one."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from autograd import Value

from ..microgpt import Adam, Plain, Sizes, loss, matrices


def trained(kind: Any, steps: int) -> tuple[list[float], list[list[float]]]:
    """Train as microgpt does; return the losses and the gradients of every step."""
    sizes = Sizes(tokens=9, width=8, heads=2, block=8)
    state = matrices(kind, sizes)
    parameters = [p for matrix in state.values() for row in matrix for p in row]
    adam, rng, losses, gradients = Adam(parameters, steps), Random(1), list[float](), []
    for _ in range(steps):
        tokens = [0, *(rng.randrange(1, sizes.tokens) for _ in range(rng.randrange(2, 7))), 0]
        root = loss(state, sizes.heads, tokens)
        root.backward()
        losses.append(root.data)
        gradients.append([p.grad for p in parameters])
        adam.move()
    return losses, gradients


def test_the_same_losses_and_gradients_over_20_steps() -> None:
    (plain, slopes), (ours, found) = trained(Plain, 20), trained(Value, 20)
    assert ours == pytest.approx(plain, rel=1e-12)
    for expected, gradient in zip(slopes, found, strict=True):
        largest = max(map(abs, expected))
        assert gradient == pytest.approx(expected, rel=1e-12, abs=1e-12 * largest)
