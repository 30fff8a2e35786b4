"""Independent ways to the same numbers: a naive second engine, and the complex step."""

from __future__ import annotations

import cmath
from typing import Any

from autograd import Value


def sum_over_paths(root: Value, leaf: Value) -> float:
    """Return d root/d leaf as the lectures define it: over every path, the product of its local gradients.

    The local gradients are central differences of each gate's forward rule, so nothing of the engine is used but its
    record. The time is that of enumerating paths, so only for small graphs.
    """
    if root is leaf:
        return 1.0
    total = 0.0
    for place, input in enumerate(root.inputs):
        downstream = sum_over_paths(input, leaf)
        if downstream:
            total += _slope(root, place) * downstream
    return total


def _slope(node: Value, place: int) -> float:
    from autograd.row import FLOATS

    assert node.gate is not None
    data = [input.data for input in node.inputs]
    h = 1e-5
    above, below = list(data), list(data)
    above[place] += h
    below[place] -= h
    rise = node.gate.forward(FLOATS, *above) - node.gate.forward(FLOATS, *below)
    return float(rise / (above[place] - below[place]))


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


class ComplexFunctions:
    """`cmath` as the `xp` of rules; what it lacks is continued from the real line without a new singularity."""

    def __getattr__(self, name: str) -> Any:
        return getattr(cmath, name)

    def pow(self, x: complex, y: complex) -> complex:
        return cmath.exp(y * cmath.log(x))

    def log1p(self, x: complex) -> complex:
        return cmath.log(1 + x)

    def expm1(self, x: complex) -> complex:
        return cmath.exp(x) - 1

    def abs(self, x: complex) -> Complex:
        return Complex(x if x.real >= 0 else -x)

    def maximum(self, a: complex, b: complex) -> Complex:
        return Complex(a if a.real >= complex(b).real else b)

    def minimum(self, a: complex, b: complex) -> Complex:
        return Complex(a if a.real < complex(b).real else b)

    def where(self, condition: bool, a: complex, b: complex) -> Complex:
        return Complex(a if condition else b)
