"""Neurons, layers of neurons, and the network of layers: the lectures' fully connected net."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

from autograd import Value, dot, relu
from autograd.value import Operand

from .module import Module

__all__ = ["MLP", "Layer", "Neuron"]


class Neuron(Module):
    """relu(w·x + b), or w·x + b alone with nonlin=False: one dot gate and its activation.

    Weights are drawn from (−1, 1) by `rng` (default: a new unseeded one); the bias starts at 0.

    >>> neuron = Neuron(2)
    >>> neuron.w[0].data, neuron.w[1].data, neuron.b.data = 2.0, -1.0, 0.5
    >>> neuron([1.0, 1.0]).data
    1.5
    """

    def __init__(self, nin: int, nonlin: bool = True, *, rng: Random | None = None) -> None:
        rng = rng or Random()
        self.w = [Value(rng.uniform(-1, 1), role="parameter") for _ in range(nin)]
        self.b = Value(0.0, role="parameter")
        self.nonlin = nonlin

    def forward(self, x: Sequence[Operand]) -> Value:
        z: Value = dot(self.w, x, self.b)
        return relu(z) if self.nonlin else z

    def parameters(self) -> list[Value]:
        return [*self.w, self.b]

    def __repr__(self) -> str:
        return f"{'ReLU' if self.nonlin else 'Linear'}Neuron({len(self.w)})"


class Layer(Module):
    """`nout` neurons on the same `nin` inputs; one neuron gives a Value, several a list."""

    def __init__(self, nin: int, nout: int, nonlin: bool = True, *, rng: Random | None = None) -> None:
        rng = rng or Random()
        self.neurons = [Neuron(nin, nonlin, rng=rng) for _ in range(nout)]
        for i, neuron in enumerate(self.neurons, start=1):
            neuron.name = f"neuron{i}"

    def forward(self, x: Sequence[Operand]) -> Value | list[Value]:
        outputs = [neuron(x) for neuron in self.neurons]
        return outputs[0] if len(outputs) == 1 else outputs

    def parameters(self) -> list[Value]:
        return [parameter for neuron in self.neurons for parameter in neuron.parameters()]

    def __repr__(self) -> str:
        return f"Layer of [{', '.join(map(str, self.neurons))}]"


class MLP(Module):
    """A multi-layer perceptron: `nin` inputs, then layers of `nouts` neurons, relu in all but the last.

    >>> model = MLP(2, [16, 16, 1])
    >>> len(model.parameters())
    337
    """

    def __init__(self, nin: int, nouts: Sequence[int], *, rng: Random | None = None) -> None:
        rng = rng or Random()
        sizes = [nin, *nouts]
        last = len(nouts) - 1
        self.layers = [
            Layer(m, n, nonlin=i != last, rng=rng) for i, (m, n) in enumerate(zip(sizes, nouts, strict=False))
        ]
        for i, layer in enumerate(self.layers, start=1):
            layer.name = f"layer{i}"

    def forward(self, x: Any) -> Any:
        for i, layer in enumerate(self.layers):
            x = layer([x] if i and isinstance(x, Value) else x)
        return x

    def parameters(self) -> list[Value]:
        return [parameter for layer in self.layers for parameter in layer.parameters()]

    def __repr__(self) -> str:
        return f"MLP of [{', '.join(map(str, self.layers))}]"
