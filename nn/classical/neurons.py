"""The neurons of history: McCulloch and Pitts's unit, the perceptron, the sigmoid neuron."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from fractions import Fraction
from numbers import Integral
from operator import mul
from typing import Any

from autograd import Value, dot, sigmoid, sign, step
from autograd.arguments import as_list, require_callable

from .tables import TruthTable, input_names, truth_table

__all__ = ["McCullochPitts", "Number", "Perceptron", "SigmoidNeuron", "Unit", "entries", "linear", "plain", "shown"]

Number = int | float | Fraction
_EXACT = (int, float, Fraction)


def number(x: Any, what: str) -> Any:
    """Return x as it is where it is exact (an int, a Fraction, a float, a Value), else as the number it stands for."""
    if x.__class__ in _EXACT or isinstance(x, Value):
        return x
    if isinstance(x, Integral):  # bools, and the integers of numpy
        return int(x)
    try:
        return Value(x).data
    except TypeError as error:
        raise TypeError(what + str(error).removeprefix("a Value")) from None


def plain(x: Any, what: str) -> Number:
    """Return x as a finite number without a graph."""
    if isinstance(x, Value):
        raise TypeError(f"{what} is a plain number here, not {x!r}: write its .data")
    x = number(x, what)
    if not -math.inf < x < math.inf:
        raise ValueError(f"{what} must be finite, and is {x}")
    return x  # type: ignore[no-any-return]


def entries(x: Any, what: str) -> tuple[Any, ...]:
    """Return the numbers of a list, a tuple or a row of an array."""
    if isinstance(x, (str, Value, dict, set)) or not isinstance(x, Iterable):
        raise TypeError(f"{what} must be a list of numbers, got {x!r}: write [{x!r}]")
    x = as_list(x, what)
    return tuple(number(entry, f"an entry of {what}") for entry in x)


def arguments(x: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the inputs of a call, given as one list or one by one."""
    inputs = x[0] if len(x) == 1 and isinstance(x[0], Iterable) and getattr(x[0], "shape", None) != () else x
    return tuple(x if x.__class__ in _EXACT else number(x, "an input") for x in inputs)


def linear(weights: Sequence[Any], names: Sequence[str], bias: Any = 0) -> str:
    """Write w·x + b as a person does, without the terms that are 0.

    >>> linear([1, -2, 0], ["x", "y", "z"], -3)
    'x − 2·y − 3'
    """
    parts: list[str] = []
    for weight, name in [*zip(weights, names, strict=True), (bias, "")]:
        weight = weight.data if isinstance(weight, Value) else weight
        if weight != 0:
            sign = (" − " if parts else "−") if weight < 0 else " + " if parts else ""
            size = "" if name and abs(weight) == 1 else shown(abs(weight)) + "·" * bool(name)
            parts.append(sign + size + name)
    return "".join(parts) or "0"


def shown(x: Any) -> str:
    """Write a number as a person does: with six digits, where it is a float or has more than fifteen.

    >>> shown(-2), shown(Fraction(1, 3)), shown(0.1), shown(Fraction(10**400, 3))
    ('−2', '1/3', '0.1', '3.33333e+399')
    """
    x = x.data if isinstance(x, Value) else x
    if not isinstance(x, float):
        n, d = Fraction(x).as_integer_ratio()
        x = Decimal(n) / d if max(abs(n), d) > 10**15 else x
    return (f"{x:.6g}" if isinstance(x, (float, Decimal)) else str(x)).replace("-", "−")


class Unit:
    """activation(w·x + b): a neuron of given weights, called with its inputs, as a list or one by one.

    On plain numbers the sum is plain arithmetic, exact for ints and Fractions; where a Value is among the weights or
    the inputs, it is one dot gate and the activation's.

    >>> from autograd import relu
    >>> Unit([1, -1], 0, relu)(5, 3)
    2.0

    weights: a tuple of n numbers or Values; bias: a number or a Value; activation: a gate, or any function of w·x + b
    """

    def __init__(self, weights: Sequence[Any], bias: Any = 0, activation: Callable[[Any], Any] = sigmoid) -> None:
        self.weights = entries(weights, "weights")
        self.bias = number(bias, "bias")
        require_callable(activation, "activation, of w·x + b,")
        self.activation = activation

    def pre_activation(self, *x: Any) -> Any:
        """Return z = w·x + b.

        >>> Unit([1, -1], 2).pre_activation(5, 3)
        4
        """
        inputs = arguments(x)
        if len(inputs) != len(self.weights):
            raise ValueError(f"{self!r} has {len(self.weights)} weights, but was given {len(inputs)} inputs")
        if any(isinstance(v, Value) for v in (*self.weights, self.bias, *inputs)):
            bias = self.bias if isinstance(self.bias, Value) else float(self.bias)  # dot leaves 0.0 out
            return dot(self.weights, inputs, bias)
        return sum(map(mul, self.weights, inputs), self.bias)

    def __call__(self, *x: Any) -> Any:
        return self.activation(self.pre_activation(*x))

    def extended(self) -> Unit:
        """Return the same neuron in extended notation: the bias is the last weight, and its input is always 1.

        >>> Perceptron([1, 1], -2).extended()
        Perceptron([1, 1, -2], bias=0)
        """
        return Unit([*self.weights, self.bias], 0, self.activation)

    def truth_table(self) -> TruthTable:
        """Return the outputs for all inputs of 0s and 1s."""
        return truth_table(self, len(self.weights))

    def __repr__(self) -> str:
        kind = f"Unit[{getattr(self.activation, '__name__', 'f')}]" if type(self) is Unit else type(self).__name__
        return f"{kind}({list(self.weights)}, bias={self.bias})"


class SigmoidNeuron(Unit):
    """σ(w·x + b) = 1/(1 + e^−(w·x + b)): where a perceptron jumps, it climbs, steeper with larger weights.

    >>> SigmoidNeuron([20, 20], -30).truth_table()
    x1  x2  f
    0   0   9.35762297e-14
    0   1   4.53978687e-05
    1   0   4.53978687e-05
    1   1   0.999954602
    """

    def __init__(self, weights: Sequence[Any], bias: Any = 0) -> None:
        super().__init__(weights, bias, sigmoid)


class Perceptron(Unit):
    """Fires (1) when w·x + b ≥ 0; else it gives 0, or −1 with output="sign".

    The lectures use both outputs, {0, 1} for Boolean functions and {−1, 1} for learning, and once label the sign
    function "Sigmoid": it is a step.

    >>> Perceptron([1, 1], -2).truth_table().outputs
    (0, 0, 0, 1)
    """

    def __init__(self, weights: Sequence[Any], bias: Any = 0, output: str = "binary") -> None:
        if not isinstance(output, str) or output not in _OUTPUTS:
            raise ValueError(f"output is 'binary' (0 or 1) or 'sign' (-1 or 1), not {output!r}")
        super().__init__(weights, bias, _OUTPUTS[output])
        self.output = output

    def extended(self) -> Perceptron:
        return Perceptron([*self.weights, self.bias], 0, self.output)

    def rule(self, names: Sequence[str]) -> str:
        """Return the condition under which it fires, as in x1 + x2 ≥ 2."""
        return f"{linear(self.weights, names)} ≥ {shown(-self.bias)}"

    def __repr__(self) -> str:
        return super().__repr__()[:-1] + (")" if self.output == "binary" else f", output={self.output!r})")


def _binary(z: Any) -> Any:
    return step(z) if isinstance(z, Value) else int(z >= 0)


def _sign(z: Any) -> Any:
    return sign(z) if isinstance(z, Value) else 1 if z >= 0 else -1


_OUTPUTS: dict[str, Callable[[Any], Any]] = {"binary": _binary, "sign": _sign}


class McCullochPitts:
    """The threshold logic unit of 1943: 1 when at least `theta` excitatory inputs are on, and no inhibitory one.

    Inputs are 0 or 1, the excitatory ones first; each kind is given as a number of inputs or as their names. Inhibition
    is absolute: one inhibitory input that is on gives 0. (The lectures also subtract the inhibitory inputs; that is
    another neuron, which agrees with this one on their examples.)

    >>> McCullochPitts(excitatory=["x"], inhibitory=["y"], theta=1).truth_table()
    x  y  f
    0  0  0
    0  1  0
    1  0  1
    1  1  0
    """

    def __init__(
        self, excitatory: int | Sequence[str] = (), inhibitory: int | Sequence[str] = (), *, theta: Number
    ) -> None:
        self.excitatory = input_names(excitatory)
        first = len(self.excitatory) + 1
        self.inhibitory = input_names(inhibitory, first)
        self.names = input_names([*self.excitatory, *self.inhibitory])
        self.theta = plain(theta, "theta")

    def __call__(self, *x: Any) -> int:
        inputs = arguments(x)
        if len(inputs) != len(self.names):
            raise ValueError(f"{self!r} has {len(self.names)} inputs, but was given {len(inputs)}")
        for name, bit in zip(self.names, inputs):
            if isinstance(bit, Value) or bit not in (0, 1):
                raise ValueError(f"the inputs of {self!r} are 0 or 1, and {name} is {bit!r}")
        n = len(self.excitatory)
        return int(not any(inputs[n:]) and sum(inputs[:n]) >= self.theta)

    def truth_table(self) -> TruthTable:
        """Return the outputs for all inputs of 0s and 1s."""
        return truth_table(self, self.names)

    def __repr__(self) -> str:
        kinds = {"excitatory": self.excitatory, "inhibitory": self.inhibitory}
        return f"McCullochPitts({''.join(f'{kind}={list(x)}, ' for kind, x in kinds.items() if x)}theta={self.theta})"
