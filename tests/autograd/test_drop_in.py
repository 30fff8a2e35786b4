"""A program in the manner of microgpt, written for any scalar class, gives with Value what it gives with a plain one."""

from __future__ import annotations

import math
from random import Random
from typing import Any

import pytest

from autograd import Value


class Plain:
    """A number with its operands and the local slope of each: the whole engine of a scalar GPT."""

    def __init__(self, data: float, operands: tuple[Plain, ...] = (), slopes: tuple[float, ...] = ()) -> None:
        self.data, self.grad, self._operands, self._slopes = data, 0.0, operands, slopes

    def __add__(self, other: Any) -> Plain:
        other = other if isinstance(other, Plain) else Plain(other)
        return Plain(self.data + other.data, (self, other), (1.0, 1.0))

    def __mul__(self, other: Any) -> Plain:
        other = other if isinstance(other, Plain) else Plain(other)
        return Plain(self.data * other.data, (self, other), (other.data, self.data))

    def __pow__(self, power: float) -> Plain:
        return Plain(math.pow(self.data, power), (self,), (power * math.pow(self.data, power - 1),))

    def log(self) -> Plain:
        return Plain(math.log(self.data), (self,), (1 / self.data,))

    def exp(self) -> Plain:
        return Plain(math.exp(self.data), (self,), (math.exp(self.data),))

    def relu(self) -> Plain:
        return Plain(max(0.0, self.data), (self,), (float(self.data > 0),))

    def __neg__(self) -> Plain:
        return self * -1

    def __sub__(self, other: Any) -> Plain:
        return self.__add__(-other)

    def __rsub__(self, other: Any) -> Plain:
        return (-self).__add__(other)

    def __truediv__(self, other: Any) -> Plain:
        return self.__mul__(other**-1)

    __radd__, __rmul__ = __add__, __mul__

    def backward(self) -> None:
        order: list[Plain] = []
        seen: set[Plain] = set()

        def visit(node: Plain) -> None:
            if node not in seen:
                seen.add(node)
                for operand in node._operands:
                    visit(operand)
                order.append(node)

        visit(self)
        self.grad = 1.0
        for node in reversed(order):
            for operand, slope in zip(node._operands, node._slopes, strict=True):
                operand.grad += slope * node.grad


WIDTH, HEADS, TOKENS, BLOCK = 8, 2, 9, 8


def matrices(kind: Any) -> dict[str, list[list[Any]]]:
    rng = Random(0)
    shapes = {"wte": (TOKENS, WIDTH), "wpe": (BLOCK, WIDTH), "head": (TOKENS, WIDTH)}
    shapes |= dict.fromkeys(("wq", "wk", "wv", "wo"), (WIDTH, WIDTH))
    shapes |= {"up": (4 * WIDTH, WIDTH), "down": (WIDTH, 4 * WIDTH)}
    return {name: [[kind(rng.gauss(0, 0.3)) for _ in range(n)] for _ in range(m)] for name, (m, n) in shapes.items()}


def linear(x: Any, w: Any) -> Any:
    return [sum(wi * xi for wi, xi in zip(row, x, strict=True)) for row in w]


def softmax(logits: Any) -> Any:
    top = max(v.data for v in logits)
    powers = [(v - top).exp() for v in logits]
    total = sum(powers)
    return [power / total for power in powers]


def rmsnorm(x: Any) -> Any:
    scale = (sum(xi * xi for xi in x) / len(x) + 1e-5) ** -0.5
    return [xi * scale for xi in x]


def loss(state: Any, tokens: list[int]) -> Any:
    keys: list[Any] = []
    values: list[Any] = []
    losses = []
    for t, token in enumerate(tokens[:-1]):
        x = rmsnorm([a + b for a, b in zip(state["wte"][token], state["wpe"][t], strict=True)])
        residual, x = x, rmsnorm(x)
        q = linear(x, state["wq"])
        keys.append(linear(x, state["wk"]))
        values.append(linear(x, state["wv"]))
        mixed = []
        size = WIDTH // HEADS
        for h in range(0, WIDTH, size):
            scores = [sum(q[h + j] * k[h + j] for j in range(size)) / size**0.5 for k in keys]
            weights = softmax(scores)
            mixed += [sum(w * v[h + j] for w, v in zip(weights, values, strict=True)) for j in range(size)]
        x = [a + b for a, b in zip(linear(mixed, state["wo"]), residual, strict=True)]
        hidden = [h.relu() ** 2 for h in linear(rmsnorm(x), state["up"])]
        x = [a + b for a, b in zip(linear(hidden, state["down"]), x, strict=True)]
        losses.append(-softmax(linear(x, state["head"]))[tokens[t + 1]].log())
    return (1 / len(losses)) * sum(losses)


def trained(kind: Any, steps: int) -> tuple[list[float], list[list[float]]]:
    """Train by Adam as microgpt does; return the losses and the gradients of every step."""
    state = matrices(kind)
    parameters = [p for matrix in state.values() for row in matrix for p in row]
    m, v = [0.0] * len(parameters), [0.0] * len(parameters)
    rng, losses, gradients = Random(1), [], []
    for step in range(steps):
        root = loss(state, [0, *(rng.randrange(1, TOKENS) for _ in range(rng.randrange(2, 7))), 0])
        root.backward()
        losses.append(root.data)
        gradients.append([p.grad for p in parameters])
        rate = 0.01 * (1 - step / steps)
        for i, p in enumerate(parameters):
            m[i] = 0.85 * m[i] + 0.15 * p.grad
            v[i] = 0.99 * v[i] + 0.01 * p.grad**2
            p.data -= rate * (m[i] / (1 - 0.85 ** (step + 1))) / ((v[i] / (1 - 0.99 ** (step + 1))) ** 0.5 + 1e-8)
            p.grad = 0
    return losses, gradients


def test_the_same_losses_and_gradients_over_20_steps() -> None:
    (plain, slopes), (ours, found) = trained(Plain, 20), trained(Value, 20)
    assert ours == pytest.approx(plain, rel=1e-12)
    for expected, gradient in zip(slopes, found, strict=True):
        largest = max(map(abs, expected))
        assert gradient == pytest.approx(expected, rel=1e-12, abs=1e-12 * largest)
