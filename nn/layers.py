"""Parts of networks: initial weights, activations, neurons, layers, the MLP, and modules made of modules."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from autograd import Gate, Value, dot, relu, scope
from autograd.arguments import (
    as_bool,
    as_finite,
    as_finite_list,
    as_int,
    as_operand,
    checks_keywords,
    describe,
    list_or_none,
    require_callable,
    require_random,
    truncated_repr,
)
from autograd.value import Operand

from .module import Module

__all__ = ["MLP", "Activation", "Concat", "Layer", "Neuron", "Sequential", "he", "uniform", "xavier", "zeros"]

Function = Callable[[Any], Any]

# Initialisers: functions (rng, nin, nout) that return one weight of a layer with nin inputs and nout outputs

Initialiser = Callable[[Random, int, int], float]


def uniform(rng: Random, nin: int, nout: int) -> float:
    """Draw from (−1, 1) for layers of any size, as micrograd does.

    >>> -1 <= uniform(Random(0), 2, 3) <= 1
    True
    """
    try:
        return rng.uniform(-1.0, 1.0)
    except AttributeError:
        _check_initialiser(rng, nin, nout)
        raise


def xavier(rng: Random, nin: int, nout: int) -> float:
    """Draw from (−r, r) with r = √(6/(nin + nout)): variance 2/(nin + nout), which suits tanh and sigmoid.

    >>> abs(xavier(Random(0), 50, 100)) <= 0.2
    True
    """
    try:
        limit = math.sqrt(6 / (nin + nout))
        return rng.uniform(-limit, limit)
    except (AttributeError, TypeError, ValueError, ArithmeticError):
        _check_initialiser(rng, nin, nout)
        raise


def he(rng: Random, nin: int, nout: int) -> float:
    """Draw from the normal distribution with mean 0 and variance 2/nin, which suits relu.

    >>> round(he(Random(0), 50, 100), 3)
    0.188
    """
    try:
        return rng.gauss(0.0, math.sqrt(2 / nin))
    except (AttributeError, TypeError, ValueError, ArithmeticError):
        _check_initialiser(rng, nin, nout)
        raise


def zeros(rng: Random, nin: int, nout: int) -> float:
    """Return 0. The neurons of a hidden layer then stay identical, because nothing breaks their symmetry.

    >>> zeros(Random(0), 2, 3)
    0.0
    """
    return 0.0


def _check_initialiser(rng: Any, nin: Any, nout: Any) -> None:
    """Raise for a wrong argument; called after a failed draw only, because a check of every draw is slow."""
    require_random(rng)
    as_int(nin, "nin, the number of inputs of the layer,")
    as_int(nout, "nout, the number of its outputs,")


# Activations


class Activation(Module):
    """A function as a module: a gate is applied to each component, another function to the whole list.

    >>> from autograd import relu
    >>> Activation(relu)([-1.0, 2.0])
    [0.0, 2.0]
    """

    def __init__(self, function: Function) -> None:
        self.function = as_activation(function)

    def forward(self, x: Any) -> Any:
        return activate(self.function, x)

    def __repr__(self) -> str:
        return f"Activation({activation_name(self.function)})"


def activate(function: Function | None, x: Any) -> Any:
    """Return the activation of x: componentwise for a gate, of the whole list for another function, x itself for None."""
    if function is None:
        return x
    entries = list_or_none(x) if isinstance(function, Gate) else None
    return function(x) if entries is None else [function(v) for v in entries]


def as_activation(function: Any) -> Any:
    """Return a function or None; raise a TypeError for anything else."""
    if isinstance(function, type):
        raise TypeError(f"a part of a network must be an instance, got a class: write {function.__name__}(...)")
    if function is None or callable(function):
        return function
    raise TypeError(
        f"an activation must be a function such as autograd.tanh, or None for a linear output, got {function!r}"
    )


def activation_name(function: Any) -> str:
    """Return the name of an activation in the repr of a network."""
    return "linear" if function is None else getattr(function, "__name__", type(function).__name__)


# Fully connected networks


class Neuron(Module):
    """activation(w·x + b): one dot gate and its activation, which is relu by default; None means linear.

    `init(rng, nin, nout)` draws each weight, from (−1, 1) by default. The bias starts at 0; bias=False leaves it out.
    `nonlin=False` is micrograd's spelling of activation=None.

    >>> from autograd import sigmoid
    >>> neuron = Neuron.of([2.0, -3.0], -3.0, sigmoid)
    >>> neuron, round(neuron([-1.0, -2.0]).data, 6)
    (Neuron(2 → 1, sigmoid), 0.731059)
    """

    @checks_keywords
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
        rng = _as_generator(rng)
        nin = as_int(nin, "nin, the number of inputs,")
        require_callable(init, "init, which draws a weight,", "rng, nin, nout")
        bias, nonlin = as_bool(bias, "bias, whether there is one,"), as_bool(nonlin, "nonlin")
        self.w = [Value(init(rng, nin, nout), role="parameter") for _ in range(nin)]
        self.b = Value(0.0, role="parameter") if bias else None
        self.activation = as_activation(activation) if nonlin else None

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
        return self._affine(_as_sample(self, x, len(self.w)))

    def forward(self, x: Any) -> Value:
        return self.fire(_as_sample(self, x, len(self.w)))

    def fire(self, x: Sequence[Operand]) -> Value:
        """Return the output for a sample whose length has been checked."""
        z = self._affine(x)
        return z if self.activation is None else self.activation(z)

    def _affine(self, x: Sequence[Operand]) -> Value:
        try:
            z: Value = dot(self.w, x) if self.b is None else dot(self.w, x, self.b)
        except TypeError:
            _check_sample(x)
            raise
        return z

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self.w)} → 1, {activation_name(self.activation)})"


class Layer(Module):
    """activation(Wx + b): `nout` neurons on the same `nin` inputs; one neuron gives a Value, several a list.

    `W[j][k]` is the weight from input k to neuron j. The keywords are those of Neuron.

    >>> layer = Layer.of([[1.0, -1.0], [-1.0, 1.0]], None, relu)
    >>> layer.nin, layer.activation, [h.data for h in layer([3.0, 1.0])]
    (2, <gate relu(x)>, [2.0, 0.0])
    """

    @checks_keywords
    def __init__(
        self,
        nin: int,
        nout: int,
        activation: Function | None = relu,
        *,
        nonlin: bool = True,
        bias: bool = True,
        init: Initialiser = uniform,
        rng: Random | None = None,
    ) -> None:
        rng, nout = _as_generator(rng), as_int(nout, "nout, the number of neurons,")
        self.neurons = [
            Neuron(nin, activation, nonlin=nonlin, bias=bias, init=init, rng=rng, nout=nout) for _ in range(nout)
        ]
        for i, neuron in enumerate(self.neurons, start=1):
            neuron.name = f"neuron{i}"

    @classmethod
    def of(
        cls, W: Sequence[Sequence[float]], b: Sequence[float] | None = None, activation: Function | None = None
    ) -> Layer:
        """Return the layer with these weights; None for no bias."""
        rows = list_or_none(W)
        if not rows:
            raise ValueError(
                f"W must be a list with a row of weights for each neuron, got {describe(W)}: [[1.0, -1.0]]"
            )
        weights = [as_finite_list(row, f"W[{j}]") for j, row in enumerate(rows)]
        biases = None if b is None else as_finite_list(b, "b")
        if biases is not None and len(biases) != len(weights):
            raise ValueError(f"b must have one bias for each of the {len(weights)} rows of W, got {len(biases)}")
        for j, row in enumerate(weights):
            if len(row) != len(weights[0]):
                raise ValueError(f"W[{j}] must have {len(weights[0])} weights, as W[0] has, got {len(row)}")
        layer = cls(len(weights[0]), len(weights), activation, bias=b is not None)
        layer.load_state_dict({"W": weights} | ({} if biases is None else {"b": biases}))
        return layer

    @property
    def W(self) -> list[list[Value]]:
        """The weights, one row for each neuron."""
        return [neuron.w for neuron in self.neurons]

    @property
    def b(self) -> list[Value]:
        """The biases, one for each neuron; an empty list if there are none."""
        return [neuron.b for neuron in self.neurons if neuron.b is not None]

    @property
    def nin(self) -> int:
        """The number of inputs of every neuron."""
        return len(self.neurons[0].w)

    @property
    def activation(self) -> Function | None:
        """The activation of every neuron."""
        return self.neurons[0].activation

    def tensors(self) -> dict[str, Any]:
        return {"W": self.W} | ({"b": self.b} if self.b else {}) | super().tensors()

    def _attributes(self) -> dict[str, Any]:
        # W and b hold the Values of the neurons
        return {name: content for name, content in vars(self).items() if name != "neurons"}

    def forward(self, x: Any) -> Value | list[Value]:
        x = _as_sample(self, x, self.nin)
        outputs = []
        for neuron in self.neurons:
            with scope(neuron.name or "neuron"):
                outputs.append(neuron.fire(x))
        return outputs[0] if len(outputs) == 1 else outputs

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.nin} → {len(self.neurons)}, {activation_name(self.activation)})"


class MLP(Module):
    """A multi-layer perceptron, or fully connected net: relu layers on `nin` inputs, and a linear layer at the end.

    nouts: the number of neurons of each layer, outputs last; x: a list of `nin` numbers or Values
    activation: the activation of the hidden layers
    output: the activation of the last layer: a gate, applied to each neuron, or a function of the list, as `nn.softmax`

    One output gives a Value, several a list.

    >>> model = MLP(2, [16, 16, 1])
    >>> model
    MLP(2 → 16 relu → 16 relu → 1 linear, 337 parameters)
    """

    @checks_keywords
    def __init__(
        self,
        nin: int,
        nouts: Sequence[int],
        activation: Function | None = relu,
        output: Function | None = None,
        *,
        nonlin: bool = True,
        bias: bool = True,
        init: Initialiser = uniform,
        rng: Random | None = None,
    ) -> None:
        rng = _as_generator(rng)
        widths = list_or_none(nouts)
        if not widths:
            raise TypeError(
                f"nouts must be a list with the number of neurons of each layer, as in [16, 16, 1], got {nouts!r}"
            )
        hidden = [as_activation(activation)] * (len(widths) - 1)
        self.layers = [
            Layer(m, n, f, nonlin=nonlin, bias=bias, init=init, rng=rng)
            for m, n, f in zip([nin, *widths], widths, [*hidden, None])
        ]
        for i, layer in enumerate(self.layers, start=1):
            layer.name = f"layer{i}"
        self.output = as_activation(output)

    def forward(self, x: Any) -> Any:
        for layer in self.layers:
            x = layer(x)
        return activate(self.output, x)

    def __repr__(self) -> str:
        parts = [str(self.layers[0].nin)]
        for layer in self.layers:
            function = self.output if layer is self.layers[-1] else layer.activation
            parts.append(f"{len(layer.neurons)} {activation_name(function)}")
        return f"{type(self).__name__}({' → '.join(parts)}, {len(self.parameters())} parameters)"


def _as_generator(rng: Any) -> Random:
    """Return rng, or a new generator for None."""
    return Random() if rng is None else require_random(rng)


def _as_sample(module: Module, x: Any, nin: int) -> Sequence[Operand]:
    """Return the entries of x, with numbers as constants that all neurons share; a single number is one input."""
    try:
        entries = list(x)
    except TypeError:
        entries = [x]
        if nin > 1:
            got = f"the number {x!r}" if isinstance(x, (int, float)) else describe(x)
            raise ValueError(
                f"{module!r} takes {nin} inputs, and x is {got}: a sample is a list of {nin} numbers, and a batch a "
                f"list of samples, [[{', '.join(['…'] * min(nin, 3))}]]"
            ) from None
    if len(entries) != nin:
        raise ValueError(f"{module!r} takes {nin} inputs, and x has {len(entries)}")
    return [Value(v, role="constant") if isinstance(v, (int, float)) else v for v in entries]


def _check_sample(x: Sequence[Any]) -> None:
    """Raise for the first entry of a sample that is not a number."""
    for i, v in enumerate(x):
        if list_or_none(v) is not None:
            raise TypeError(
                f"x must be one sample, got {describe(v)} for x[{i}]: of a batch X write model.predict(X) or model.batch(X)"
            ) from None
        as_operand(v, f"x[{i}]")


# Modules made of modules


class Sequential(Module):
    """The composition f_m ∘ … ∘ f_1: the output of each part is the input of the next.

    Parts are modules or functions; a gate among them is applied to each component. ValueError without any part.

    >>> from autograd import tanh
    >>> from nn import Layer
    >>> Sequential(Layer(2, 3, None), tanh, Layer(3, 1, None))
    Sequential(Layer(2 → 3, linear), Activation(tanh), Layer(3 → 1, linear))
    """

    def __init__(self, *parts: Module | Function) -> None:
        self.parts = _as_modules(parts)

    def forward(self, x: Any) -> Any:
        for part in self.parts:
            x = part(x)
        return x

    def outputs(self, x: Any) -> list[Any]:
        """Return the output of every part, in order."""
        found: list[Any] = []
        for part in self.parts:
            found.append(part(found[-1] if found else x))
        return found

    def __repr__(self) -> str:
        return _describe_parts(self, self.parts)


class Concat(Module):
    """The concatenation f_1(x) ⊕ f_2(x) ⊕ …: all parts take the same input, and one list holds their outputs.

    >>> from autograd import relu, tanh
    >>> Concat(relu, tanh)([1.0, 0.0])
    [1.0, 0.0, 0.7615941559557649, 0.0]
    """

    def __init__(self, *parts: Module | Function) -> None:
        self.parts = _as_modules(parts)

    def forward(self, x: Any) -> list[Any]:
        outputs = [part(x) for part in self.parts]
        return [v for output in outputs for v in (output if isinstance(output, list) else [output])]

    def __repr__(self) -> str:
        return _describe_parts(self, self.parts)


def _describe_parts(module: Module, parts: Sequence[Module]) -> str:
    """Return the repr of a module made of parts; parts nested too deeply for Python's stack are left out."""
    try:
        inner = ", ".join(map(repr, parts))
    except RecursionError:
        inner = "…"
    return f"{type(module).__name__}({inner})"


def _as_modules(parts: tuple[Module | Function, ...]) -> list[Module]:
    """Return modules and functions as modules, each with a name: its own, or its type and position."""
    if not parts:
        raise ValueError("a network must have at least one part, got none")
    for part in parts:
        if isinstance(part, (list, tuple)):
            raise TypeError(
                f"a part of a network must be a module or a function, got {truncated_repr(part)}: write *parts"
            )
    modules = [part if isinstance(part, Module) else Activation(part) for part in parts]
    for i, module in enumerate(modules, start=1):
        module.name = module.name or f"{type(module).__name__.lower()}{i}"
    return modules
