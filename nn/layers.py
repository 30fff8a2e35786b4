"""Neurons, layers of neurons, and the network of layers: the lectures' fully connected net."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

from autograd import Value, dot, relu, scope
from autograd.arguments import (
    as_bool,
    as_finite,
    as_finite_list,
    as_int,
    as_operand,
    describe,
    list_or_none,
    require_callable,
    require_random,
)
from autograd.value import Operand

from .activation import Function, activate, checked, title
from .initialisers import Initialiser, uniform
from .module import Module

__all__ = ["MLP", "Layer", "Neuron"]


class Neuron(Module):
    """AF(w·x + b): one dot gate and its activation, relu if not told otherwise, none for None.

    Weights are drawn by `init(rng, nin, nout)`, from (−1, 1) if not told otherwise; the bias starts at 0, and with
    bias=False there is none. `nonlin=False` is micrograd's way to say activation=None.

    >>> from autograd import sigmoid
    >>> neuron = Neuron.of([2.0, -3.0], -3.0, sigmoid)
    >>> neuron, round(neuron([-1.0, -2.0]).data, 6)
    (Neuron(2 → 1, sigmoid), 0.731059)
    """

    def __init__(
        self,
        nin: int,
        activation: Function | None = relu,
        *,
        nonlin: bool = True,
        bias: bool = True,
        init: Initialiser = uniform,
        rng: Random | None = None,
        nout: int = 1,
    ) -> None:
        rng = _generator(rng)
        nin = as_int(nin, "nin, the number of inputs,")
        require_callable(init, "init, which draws a weight,", "rng, nin, nout")
        bias, nonlin = as_bool(bias, "bias, whether there is one,"), as_bool(nonlin, "nonlin")
        self.w = [Value(init(rng, nin, nout), role="parameter") for _ in range(nin)]
        self.b = Value(0.0, role="parameter") if bias else None
        self.activation = checked(activation) if nonlin else None

    @classmethod
    def of(cls, weights: Sequence[float], bias: float | None = 0.0, activation: Function | None = None) -> Neuron:
        """Return the neuron with these weights; None for no bias."""
        w = as_finite_list(weights, "weights")
        neuron = cls(len(w), activation, bias=bias is not None)
        neuron.load_state_dict({"w": w} | ({} if bias is None else {"b": as_finite(bias, "bias")}))
        return neuron

    def pre_activation(self, x: Any) -> Value:
        """Return z = w·x + b.

        >>> Neuron.of([2.0, 1.0], -3.0, relu).pre_activation([0.5, 1.0]).data
        -1.0
        """
        return self._affine(inputs(self, x, len(self.w)))

    def forward(self, x: Any) -> Value:
        return self.fire(inputs(self, x, len(self.w)))

    def fire(self, x: Sequence[Operand]) -> Value:
        """Return the output for inputs that are known to be as many as they should."""
        z = self._affine(x)
        return z if self.activation is None else self.activation(z)

    def _affine(self, x: Sequence[Operand]) -> Value:
        try:
            z: Value = dot(self.w, x) if self.b is None else dot(self.w, x, self.b)
        except TypeError:
            _look_at(x)
            raise
        return z

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self.w)} → 1, {title(self.activation)})"


class Layer(Module):
    """AF(Wx + b): `nout` neurons on the same `nin` inputs; one neuron gives a Value, several a list.

    `W[j][k]` is the weight from input k to neuron j. Further arguments are those of Neuron.

    >>> layer = Layer.of([[1.0, -1.0], [-1.0, 1.0]], None, relu)
    >>> layer.nin, layer.activation, [h.data for h in layer([3.0, 1.0])]
    (2, <gate relu(x)>, [2.0, 0.0])
    """

    def __init__(self, nin: int, nout: int, activation: Function | None = relu, **options: Any) -> None:
        options["rng"] = _generator(options.get("rng"))
        nout = as_int(nout, "nout, the number of neurons,")
        self.neurons = [Neuron(nin, activation, nout=nout, **options) for _ in range(nout)]
        for i, neuron in enumerate(self.neurons, start=1):
            neuron.name = f"neuron{i}"

    @classmethod
    def of(
        cls, W: Sequence[Sequence[float]], b: Sequence[float] | None = None, activation: Function | None = None
    ) -> Layer:
        """Return the layer with these weights; None for no bias."""
        given = list_or_none(W)
        if not given:
            raise ValueError(
                f"W is a list with a row of weights for each neuron, as in [[1.0, -1.0]], not {describe(W)}"
            )
        rows = [as_finite_list(weights, f"W[{j}]") for j, weights in enumerate(given)]
        biases = None if b is None else as_finite_list(b, "b")
        if biases is not None and len(biases) != len(rows):
            raise ValueError(f"b has {len(biases)} biases, and W has {len(rows)} rows: one each")
        for j, weights in enumerate(rows):
            if len(weights) != len(rows[0]):
                raise ValueError(f"W[{j}] has {len(weights)} weights, and W[0] has {len(rows[0])}: one for each input")
        layer = cls(len(rows[0]), len(rows), activation, bias=b is not None)
        layer.load_state_dict({"W": rows} | ({} if biases is None else {"b": biases}))
        return layer

    @property
    def W(self) -> list[list[Value]]:
        """The weights, one row a neuron."""
        return [neuron.w for neuron in self.neurons]

    @property
    def b(self) -> list[Value]:
        """The biases, one a neuron; empty where there are none."""
        return [neuron.b for neuron in self.neurons if neuron.b is not None]

    @property
    def nin(self) -> int:
        """How many inputs every neuron takes."""
        return len(self.neurons[0].w)

    @property
    def activation(self) -> Function | None:
        """What every neuron applies to its pre-activation."""
        return self.neurons[0].activation

    def tensors(self) -> dict[str, Any]:
        return {"W": self.W} | ({"b": self.b} if self.b else {})

    def forward(self, x: Any) -> Value | list[Value]:
        x = inputs(self, x, self.nin)
        outputs = []
        for neuron in self.neurons:
            with scope(neuron.name or "neuron"):
                outputs.append(neuron.fire(x))
        return outputs[0] if len(outputs) == 1 else outputs

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.nin} → {len(self.neurons)}, {title(self.activation)})"


class MLP(Module):
    """A multi-layer perceptron, the lectures' fully connected net: relu layers on `nin` inputs, and a linear one at the end.

    `nouts` are the numbers of neurons of the layers, the last that of the outputs. x: a list of `nin` numbers or Values.

    `activation` is that of the hidden layers. `output` is that of the last layer: a gate for each of its neurons, or a
    function of all of them, such as `nn.softmax`. One output gives a Value, several a list.

    >>> model = MLP(2, [16, 16, 1])
    >>> model
    MLP(2 → 16 relu → 16 relu → 1 linear, 337 parameters)
    """

    def __init__(
        self,
        nin: int,
        nouts: Sequence[int],
        activation: Function | None = relu,
        output: Function | None = None,
        **options: Any,
    ) -> None:
        options["rng"] = _generator(options.get("rng"))
        widths = list_or_none(nouts)
        if not widths:
            raise TypeError(
                f"nouts is a list with the number of neurons of each layer, as in [16, 16, 1], not {nouts!r}"
            )
        hidden = [checked(activation)] * (len(widths) - 1)
        self.layers = [Layer(m, n, f, **options) for m, n, f in zip([nin, *widths], widths, [*hidden, None])]
        for i, layer in enumerate(self.layers, start=1):
            layer.name = f"layer{i}"
        self.output = checked(output)

    def forward(self, x: Any) -> Any:
        for layer in self.layers:
            x = layer(x)
        return activate(self.output, x)

    def __repr__(self) -> str:
        parts = [str(self.layers[0].nin)]
        for layer in self.layers:
            function = self.output if layer is self.layers[-1] else layer.activation
            parts.append(f"{len(layer.neurons)} {title(function)}")
        return f"{type(self).__name__}({' → '.join(parts)}, {len(self.parameters())} parameters)"


def _generator(rng: Any) -> Random:
    """Return what to draw weights from: something new for None."""
    return Random() if rng is None else require_random(rng)


def inputs(module: Module, x: Any, nin: int) -> Sequence[Operand]:
    """Return the entries of x as Values, made once for all neurons; a lone number is one input."""
    try:
        entries = list(x)
    except TypeError:
        entries = [x]
        if nin > 1:
            raise ValueError(
                f"{module!r} takes {nin} inputs, and x is {_lone(x)}: a sample is a list of {nin} numbers, and a batch a "
                f"list of samples, [[{', '.join(['…'] * min(nin, 3))}]]"
            ) from None
    if len(entries) != nin:
        raise ValueError(f"{module!r} takes {nin} inputs, and x has {len(entries)}")
    return [Value(v, role="constant") if isinstance(v, (int, float)) else v for v in entries]


def _look_at(x: Sequence[Any]) -> None:
    """Raise for the first entry of a sample that is no number."""
    for i, v in enumerate(x):
        if list_or_none(v) is not None:
            raise TypeError(
                f"x is one sample, and x[{i}] is {describe(v)}: of a batch X write model.predict(X) or model.batch(X)"
            ) from None
        as_operand(v, f"x[{i}]")


def _lone(x: Any) -> str:
    return f"the number {x!r}" if isinstance(x, (int, float)) else describe(x)
