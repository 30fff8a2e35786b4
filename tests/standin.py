"""A stand-in of a Value without a number: gates on it are written down, and every look at its number is refused."""

from __future__ import annotations

from typing import Any, NoReturn

import autograd


class StandIn:
    """A name, or a gate and its inputs; `evaluate` computes it once the names have numbers."""

    def __init__(self, name: str = "", gate: Any = None, inputs: tuple[Any, ...] = ()) -> None:
        self.name, self.gate, self.inputs = name, gate, inputs

    def __gate__(self, gate: Any, inputs: tuple[Any, ...]) -> StandIn:
        return StandIn(gate=gate, inputs=inputs)

    def __add__(self, other: Any) -> Any:
        return autograd.add(self, other)

    def __radd__(self, other: Any) -> Any:
        return autograd.add(other, self)

    def __sub__(self, other: Any) -> Any:
        return autograd.sub(self, other)

    def __rsub__(self, other: Any) -> Any:
        return autograd.sub(other, self)

    def __mul__(self, other: Any) -> Any:
        return autograd.mul(self, other)

    def __rmul__(self, other: Any) -> Any:
        return autograd.mul(other, self)

    def __truediv__(self, other: Any) -> Any:
        return autograd.div(self, other)

    def __neg__(self) -> Any:
        return autograd.neg(self)

    def _refuse(self, *_: Any) -> NoReturn:
        raise AssertionError("a look at a number that is not there: a branch on it would be frozen")

    __bool__ = __float__ = __int__ = __index__ = __len__ = __iter__ = _refuse
    __lt__ = __le__ = __gt__ = __ge__ = _refuse
    data = property(_refuse)


def evaluate(x: Any, numbers: dict[str, float]) -> Any:
    """Return what was written down, computed with these numbers for the names."""
    if isinstance(x, list):
        return [evaluate(entry, numbers) for entry in x]
    if not isinstance(x, StandIn):
        return x
    return x.gate.apply([evaluate(entry, numbers) for entry in x.inputs]) if x.gate else numbers[x.name]
