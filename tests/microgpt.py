"""A program in the manner of microgpt, written for any scalar class, and the plain class that comes with such programs."""

from __future__ import annotations

import math
from random import Random
from typing import Any, NamedTuple

__all__ = ["Adam", "Plain", "Sizes", "loss", "matrices"]


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


class Sizes(NamedTuple):
    """The sizes of a GPT; microgpt's own are the defaults."""

    tokens: int = 27
    width: int = 16
    heads: int = 4
    block: int = 16


def matrices(kind: Any, sizes: Sizes) -> dict[str, list[list[Any]]]:
    rng, width = Random(0), sizes.width
    shapes = {"wte": (sizes.tokens, width), "wpe": (sizes.block, width), "head": (sizes.tokens, width)}
    shapes |= dict.fromkeys(("wq", "wk", "wv", "wo"), (width, width))
    shapes |= {"up": (4 * width, width), "down": (width, 4 * width)}
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


def loss(state: Any, heads: int, tokens: list[int]) -> Any:
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
        size = len(x) // heads
        for h in range(0, len(x), size):
            scores = [sum(q[h + j] * k[h + j] for j in range(size)) / size**0.5 for k in keys]
            weights = softmax(scores)
            mixed += [sum(w * v[h + j] for w, v in zip(weights, values, strict=True)) for j in range(size)]
        x = [a + b for a, b in zip(linear(mixed, state["wo"]), residual, strict=True)]
        hidden = [h.relu() ** 2 for h in linear(rmsnorm(x), state["up"])]
        x = [a + b for a, b in zip(linear(hidden, state["down"]), x, strict=True)]
        losses.append(-softmax(linear(x, state["head"]))[tokens[t + 1]].log())
    return (1 / len(losses)) * sum(losses)


class Adam:
    """Adam in a loop over parameters, as microgpt has it, with a rate that falls to 0."""

    def __init__(self, parameters: list[Any], steps: int) -> None:
        self.parameters, self.steps, self.step = parameters, steps, 0
        self.m, self.v = [0.0] * len(parameters), [0.0] * len(parameters)

    def move(self) -> None:
        m, v, step = self.m, self.v, self.step
        rate = 0.01 * (1 - step / self.steps)
        for i, p in enumerate(self.parameters):
            m[i] = 0.85 * m[i] + 0.15 * p.grad
            v[i] = 0.99 * v[i] + 0.01 * p.grad**2
            p.data -= rate * (m[i] / (1 - 0.85 ** (step + 1))) / ((v[i] / (1 - 0.99 ** (step + 1))) ** 0.5 + 1e-8)
            p.grad = 0
        self.step += 1
