"""Independent ways to the same numbers: rules written by hand, the sum over paths, and the complex step."""

from __future__ import annotations

import cmath
import functools
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from autograd import Gate, Value
from autograd.functions import FLOATS, FUNCTIONS

Partial = Callable[..., float] | None  # None: the gate passes no gradient to this input


def _side(x: float, below: float, at: float, above: float, kink: float = 0.0) -> float:
    """Return the slope below, at or above a kink; that of nan is nan."""
    return above if x > kink else below if x < kink else at if x == kink else math.nan


def _sigma(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


def _power(x: float, y: float) -> float:
    if x == 0 and y < 0:
        raise ZeroDivisionError
    return math.pow(x, y)


def _largest(*xs: float) -> float:
    return math.nan if any(map(math.isnan, xs)) else max(xs)


def _cbrt(x: float) -> float:
    return math.copysign(abs(x) ** (1 / 3), x)


def _huber(x: float, delta: float) -> float:
    if delta <= 0:
        raise ValueError(f"delta must be above 0, got {delta}")
    return x * x / 2 if abs(x) <= delta else delta * (abs(x) - delta / 2)


def _logsumexp(*xs: float) -> float:
    top = _largest(*xs)
    return top if math.isinf(top) else top + math.log(math.fsum(math.exp(x - top) for x in xs))


def _dot(*xs: float) -> float:
    n, biased = divmod(len(xs), 2)
    total = xs[-1] if biased else 0.0
    for w, x in zip(xs[:n], xs[n : 2 * n], strict=True):
        total += w * x
    return total


def _dot_partial(i: int, *xs: float) -> float:
    n = len(xs) // 2
    return xs[i + n] if i < n else xs[i - n] if i < 2 * n else 1.0


def _max_partial(i: int, *xs: float) -> float:
    top = _largest(*xs)
    return math.nan if math.isnan(top) else (xs[i] == top) / xs.count(top)


def _softmax(i: int, *xs: float) -> float:
    top = _largest(*xs)
    return math.exp(xs[i] - top) / math.fsum(math.exp(x - top) for x in xs)


# The output and the partial derivatives of gates, by hand: nothing here reads the table. A gate that is not here is read by
# the complex step, which finds a slope where there is none, at the end of a domain.
RULES: dict[str, tuple[Callable[..., float], tuple[Partial, ...]]] = {
    "add": (lambda a, b: a + b, (lambda a, b: 1.0, lambda a, b: 1.0)),
    "sub": (lambda a, b: a - b, (lambda a, b: 1.0, lambda a, b: -1.0)),
    "neg": (lambda x: -x, (lambda x: -1.0,)),
    "mul": (lambda a, b: a * b, (lambda a, b: b, lambda a, b: a)),
    "div": (lambda a, b: a / b, (lambda a, b: 1 / b, lambda a, b: -a / b / b)),
    "reciprocal": (lambda x: 1 / x, (lambda x: -1 / x / x,)),
    "pow": (
        _power,
        (
            lambda x, y: 0.0 if y == 0 else y * _power(x, y - 1),
            lambda x, y: (0.0 if y > 0 else y if y != y else math.log(x)) if x == 0 else _power(x, y) * math.log(x),
        ),
    ),
    "abs": (abs, (lambda x: _side(x, -1.0, 0.0, 1.0),)),
    "exp": (math.exp, (math.exp,)),
    "expm1": (math.expm1, (math.exp,)),
    "log": (math.log, (lambda x: 1 / x,)),
    "log1p": (math.log1p, (lambda x: 1 / (1 + x),)),
    "sqrt": (math.sqrt, (lambda x: 1 / (2 * math.sqrt(x)),)),
    "cbrt": (_cbrt, (lambda x: 1 / (3 * _cbrt(x) ** 2),)),
    "hypot": (math.hypot, (lambda x, y: x / math.hypot(x, y), lambda x, y: y / math.hypot(x, y))),
    "sin": (math.sin, (math.cos,)),
    "cos": (math.cos, (lambda x: -math.sin(x),)),
    "asin": (math.asin, (lambda x: 1 / math.sqrt((1 - x) * (1 + x)),)),
    "acos": (math.acos, (lambda x: -1 / math.sqrt((1 - x) * (1 + x)),)),
    "acosh": (math.acosh, (lambda x: 1 / math.sqrt(x - 1) / math.sqrt(x + 1),)),
    "tanh": (math.tanh, (lambda x: (1 - math.tanh(x)) * (1 + math.tanh(x)),)),
    "sigmoid": (_sigma, (lambda x: _sigma(x) * _sigma(-x),)),
    "softplus": (lambda x: _logsumexp(x, 0.0), (_sigma,)),
    "relu": (lambda x: _largest(x, 0.0), (lambda x: _side(x, 0.0, 0.0, 1.0),)),
    "leaky_relu": (
        lambda x, slope: x if x > 0 else slope * x,
        (lambda x, slope: _side(x, slope, slope, 1.0), lambda x, slope: _side(x, x, 0.0, 0.0)),
    ),
    "elu": (
        lambda x, alpha: x if x >= 0 else alpha * math.expm1(x),
        (
            lambda x, alpha: 1.0 if x >= 0 else alpha * math.exp(x),
            lambda x, alpha: 0.0 if x >= 0 else math.expm1(x),
        ),
    ),
    "huber": (
        _huber,
        (lambda x, delta: _largest(-delta, -_largest(-x, -delta)), lambda x, delta: _largest(abs(x) - delta, 0.0)),
    ),
    "clip": (
        lambda x, low, high: -_largest(-_largest(x, low), -high),
        (
            lambda x, low, high: _side(x, 0.0, 0.5, 1.0, low) * _side(_largest(x, low), 1.0, 0.5, 0.0, high),
            lambda x, low, high: _side(low, 0.0, 0.5, 1.0, x) * _side(_largest(x, low), 1.0, 0.5, 0.0, high),
            lambda x, low, high: _side(high, 1.0, 0.5, 0.0, _largest(x, low)),
        ),
    ),
    "maximum": (
        _largest,
        (lambda a, b: _side(a, 0.0, 0.5, 1.0, b), lambda a, b: _side(b, 0.0, 0.5, 1.0, a)),
    ),
    "minimum": (
        lambda a, b: -_largest(-a, -b),
        (lambda a, b: _side(a, 1.0, 0.5, 0.0, b), lambda a, b: _side(b, 1.0, 0.5, 0.0, a)),
    ),
    "where": (
        lambda c, a, b: math.nan if math.isnan(c) else a if c > 0 else b,
        (None, lambda c, a, b: _side(c, 0.0, 0.0, 1.0), lambda c, a, b: _side(c, 1.0, 1.0, 0.0)),
    ),
    "step": (lambda x: _side(x, 0.0, 1.0, 1.0), (None,)),
    "sign": (lambda x: _side(x, -1.0, 1.0, 1.0), (None,)),
    "exceeds": (lambda a, b: _side(a, 0.0, 0.0, 1.0, b), (None, None)),
    "sum": (lambda *xs: sum(xs), (lambda i, *xs: 1.0,)),
    "dot": (_dot, (_dot_partial,)),
    "max": (_largest, (_max_partial,)),
    "logsumexp": (_logsumexp, (_softmax,)),
}


def output(gate: Gate, inputs: Sequence[float]) -> float:
    """Return the output of a gate by its rule written by hand; of a gate that has none here, by its row."""
    if gate.name not in RULES:
        return float(gate.forward(FLOATS, *inputs))
    forward, _ = RULES[gate.name]
    return forward(*inputs)


def partial(gate: Gate, place: int, inputs: Sequence[float]) -> float | None:
    """Return d output/d inputs[place] by hand, or by the complex step; None where the gate passes no gradient."""
    if gate.name not in RULES:
        return complex_step(gate, place, inputs)
    _, rules = RULES[gate.name]
    if gate.variadic:
        (rule,) = rules
        return None if rule is None else rule(place, *inputs)
    rule = rules[place]
    return None if rule is None else rule(*inputs)


def sum_over_paths(root: Value, leaf: Value) -> float:
    """Return d root/d leaf as the lectures define it: over every path, the product of its partial derivatives.

    Nothing of the engine is used but its record. The time is that of enumerating paths, so only for small graphs.
    """
    return sum(math.prod(path) for path in paths(root, leaf))


def paths(root: Value, leaf: Value) -> Iterator[tuple[float, ...]]:
    """Yield the partial derivatives along every path from the root to a leaf."""
    if root is leaf:
        yield ()
        return
    data = [input.data for input in root.inputs]
    for place, input in enumerate(root.inputs):
        for path in paths(input, leaf):
            assert root.gate is not None
            slope = partial(root.gate, place, data)
            if slope is not None:
                yield (slope, *path)


class Gradient(float):
    """A derivative that knows its size: the sum of its terms without their signs, by which rounding is measured."""

    size: float

    def __new__(cls, x: float, size: float) -> Gradient:
        gradient = super().__new__(cls, x)
        gradient.size = size
        return gradient


def gradients(root: Value, seed: float = 1.0) -> dict[Value, Gradient]:
    """Return d root/d node × seed for every node by a naive second engine: rules by hand, one pass over one order."""
    order: list[Value] = []
    seen: set[Value] = set()

    def visit(node: Value) -> None:
        if node not in seen:
            seen.add(node)
            for input in node.inputs:
                visit(input)
            order.append(node)

    visit(root)
    found = {node: Gradient(0.0, 0.0) for node in order} | {root: Gradient(seed, abs(seed))}
    for node in reversed(order):
        data = [input.data for input in node.inputs]
        for place, input in enumerate(node.inputs):
            assert node.gate is not None
            slope = None if input.role == "constant" else partial(node.gate, place, data)
            if slope is not None:
                so_far, upstream = found[input], found[node]
                found[input] = Gradient(so_far + upstream * slope, so_far.size + upstream.size * abs(slope))
    return found


STEP = 1e-100


def complex_step(gate: Gate, place: int, inputs: Sequence[float]) -> float:
    """Return Im f(x + ih)/h, which has no rounding of a difference in it and so agrees to the last digits."""
    near = abs(inputs[place]) * 1e-20  # log2 changes much between a small number and STEP
    step = near if sys.float_info.min < near < STEP else STEP
    varied = [Complex(x, step if i == place else 0.0) for i, x in enumerate(inputs)]
    return complex(gate.forward(ComplexFunctions(), *varied)).imag / step


class Complex(complex):
    """A complex number that rules can compare and take the absolute value of, as on the real line beside it."""

    def __gt__(self, other: Any) -> bool:
        return self.real > complex(other).real

    def __lt__(self, other: Any) -> bool:
        return self.real < complex(other).real

    def __ge__(self, other: Any) -> bool:
        return self.real >= complex(other).real

    def __le__(self, other: Any) -> bool:
        return self.real <= complex(other).real


def _closed(operation: Callable[..., Any]) -> Callable[..., Any]:
    def closed(self: complex, *others: Any) -> Any:
        result = operation(self, *others)
        return result if result is NotImplemented else Complex(result)

    return closed


for _name in ("add", "radd", "sub", "rsub", "mul", "rmul", "truediv", "rtruediv", "neg"):
    setattr(Complex, f"__{_name}__", _closed(getattr(complex, f"__{_name}__")))


class ComplexFunctions:
    """`cmath` as the `xp` of rules; what it lacks is continued from the real line without a new singularity."""

    def __getattr__(self, name: str) -> Any:
        row = FUNCTIONS.get(name)
        if row is not None and row.rule is not None:
            return functools.partial(row.rule, self)
        function = getattr(cmath, name)
        return (lambda *xs: Complex(function(*xs))) if callable(function) else function

    def log2(self, x: complex) -> Complex:
        return Complex(cmath.log(x) / math.log(2))

    def atan2(self, y: complex, x: complex) -> Complex:
        slope = (x.real * complex(y).imag - y.real * complex(x).imag) / (x.real**2 + y.real**2)
        return Complex(complex(math.atan2(y.real, x.real), slope))

    def pow(self, x: complex, y: complex) -> Complex:
        return Complex(cmath.exp(y * cmath.log(x)))

    def log1p(self, x: complex) -> Complex:
        return Complex(cmath.log(1 + x))

    def expm1(self, x: complex) -> Complex:
        return Complex(cmath.exp(x) - 1)

    def abs(self, x: complex) -> Complex:
        return Complex(x if x.real >= 0 else -x)

    def maximum(self, a: complex, b: complex) -> Complex:
        return Complex(a if a.real >= complex(b).real else b)

    def minimum(self, a: complex, b: complex) -> Complex:
        return Complex(a if a.real < complex(b).real else b)

    def where(self, condition: bool, a: complex, b: complex) -> Complex:
        return Complex(a if condition else b)
