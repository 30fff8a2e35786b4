"""McCulloch and Pitts's unit, the perceptron and the sigmoid neuron."""

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

__all__ = [
    "McCullochPitts",
    "Number",
    "Perceptron",
    "SigmoidNeuron",
    "Unit",
    "as_exact_tuple",
    "as_finite_exact",
    "format_affine",
    "format_number",
]

Number = int | float | Fraction
_EXACT = (int, float, Fraction)


def as_exact(x: Any, what: str) -> Any:
    """Return an int, a Fraction, a float or a Value as it is, other integers as ints, other numbers as floats."""
    if x.__class__ in _EXACT or isinstance(x, Value):
        return x
    if isinstance(x, Integral):  # bools, and the integers of numpy
        return int(x)
    try:
        return Value(x).data
    except TypeError as error:
        raise TypeError(what + str(error).removeprefix("a Value")) from None


def as_finite_exact(x: Any, what: str) -> Number:
    """Return x as a finite number without a graph."""
    if isinstance(x, Value):
        raise TypeError(f"{what} must be a plain number, got {x!r}: write its .data")
    x = as_exact(x, what)
    if not -math.inf < x < math.inf:
        raise ValueError(f"{what} must be finite, got {x}")
    return x  # type: ignore[no-any-return]


def as_exact_tuple(x: Any, what: str) -> tuple[Any, ...]:
    """Return the numbers of a list, a tuple or a row of an array."""
    if isinstance(x, (str, Value, dict, set)) or not isinstance(x, Iterable):
        raise TypeError(f"{what} must be a list of numbers, got {x!r}: write [{x!r}]")
    x = as_list(x, what)
    return tuple(as_exact(entry, f"an entry of {what}") for entry in x)


def as_inputs(x: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the inputs of a call, from one list or from separate arguments."""
    inputs = x[0] if len(x) == 1 and isinstance(x[0], Iterable) and getattr(x[0], "shape", None) != () else x
    return tuple(x if x.__class__ in _EXACT else as_exact(x, "an input") for x in inputs)


def format_affine(weights: Sequence[Any], names: Sequence[str], bias: Any = 0) -> str:
    """Return the text of w·x + b, without the terms that are 0.

    >>> format_affine([1, -2, 0], ["x", "y", "z"], -3)
    'x − 2·y − 3'
    """
    parts: list[str] = []
    for weight, name in [*zip(weights, names, strict=True), (bias, "")]:
        weight = weight.data if isinstance(weight, Value) else weight
        if weight != 0:
            sign = (" − " if parts else "−") if weight < 0 else " + " if parts else ""
            size = "" if name and abs(weight) == 1 else format_number(abs(weight)) + "·" * bool(name)
            parts.append(sign + size + name)
    return "".join(parts) or "0"


def format_number(x: Any) -> str:
    """Return the text of a number: all digits of an int or a Fraction of up to fifteen, else six.

    >>> format_number(-2), format_number(Fraction(1, 3)), format_number(0.1), format_number(Fraction(10**400, 3))
    ('−2', '1/3', '0.1', '3.33333e+399')
    """
    x = x.data if isinstance(x, Value) else x
    if not isinstance(x, float):
        n, d = Fraction(x).as_integer_ratio()
        x = Decimal(n) / d if max(abs(n), d) > 10**15 else x
    return (f"{x:.6g}" if isinstance(x, (float, Decimal)) else str(x)).replace("-", "−")


class Unit:
    """activation(w·x + b): a neuron of given weights, called with its inputs, as a list or as separate arguments.

    On plain numbers the sum is plain arithmetic, exact for ints and Fractions; if a weight or an input is a Value, the call
    records a dot gate and the activation.

    >>> from autograd import relu
    >>> Unit([1, -1], 0, relu)(5, 3)
    2.0

    weights: a tuple of n numbers or Values; bias: a number or a Value; activation: a gate, or any function of w·x + b
    """

    def __init__(self, weights: Sequence[Any], bias: Any = 0, activation: Callable[[Any], Any] = sigmoid) -> None:
        self.weights = as_exact_tuple(weights, "weights")
        self.bias = as_exact(bias, "bias")
        require_callable(activation, "activation, of w·x + b,")
        self.activation = activation

    def pre_activation(self, *x: Any) -> Any:
        """Return z = w·x + b.

        >>> Unit([1, -1], 2).pre_activation(5, 3)
        4
        """
        inputs = as_inputs(x)
        if len(inputs) != len(self.weights):
            raise ValueError(f"{self!r} takes {len(self.weights)} inputs, one per weight, got {len(inputs)}")
        if any(isinstance(v, Value) for v in (*self.weights, self.bias, *inputs)):
            bias = self.bias if isinstance(self.bias, Value) else float(self.bias)  # dot omits a bias of 0.0
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
    """σ(w·x + b) = 1/(1 + e^−(w·x + b)): a smooth perceptron, steeper with larger weights.

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

    The output {0, 1} suits Boolean functions, {−1, 1} suits learning.

    >>> Perceptron([1, 1], -2).truth_table().outputs
    (0, 0, 0, 1)
    """

    def __init__(self, weights: Sequence[Any], bias: Any = 0, output: str = "binary") -> None:
        if not isinstance(output, str) or output not in _OUTPUTS:
            raise ValueError(f"output must be 'binary' (0 or 1) or 'sign' (-1 or 1), got {output!r}")
        super().__init__(weights, bias, _OUTPUTS[output])
        self.output = output

    def extended(self) -> Perceptron:
        return Perceptron([*self.weights, self.bias], 0, self.output)

    def rule(self, names: Sequence[str]) -> str:
        """Return the condition under which it fires, as in x1 + x2 ≥ 2."""
        return f"{format_affine(self.weights, names)} ≥ {format_number(-self.bias)}"

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
    is absolute: one inhibitory input that is on gives 0.

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
        self.theta = as_finite_exact(theta, "theta")

    def __call__(self, *x: Any) -> int:
        inputs = as_inputs(x)
        if len(inputs) != len(self.names):
            raise ValueError(f"{self!r} takes {len(self.names)} inputs, got {len(inputs)}")
        for name, bit in zip(self.names, inputs):
            if isinstance(bit, Value) or bit not in (0, 1):
                raise ValueError(f"the inputs of {self!r} must be 0 or 1, got {bit!r} for {name}")
        n = len(self.excitatory)
        return int(not any(inputs[n:]) and sum(inputs[:n]) >= self.theta)

    def truth_table(self) -> TruthTable:
        """Return the outputs for all inputs of 0s and 1s."""
        return truth_table(self, self.names)

    def __repr__(self) -> str:
        kinds = {"excitatory": self.excitatory, "inhibitory": self.inhibitory}
        return f"McCullochPitts({''.join(f'{kind}={list(x)}, ' for kind, x in kinds.items() if x)}theta={self.theta})"
