"""What other libraries write otherwise: their names and operators raise an error that says what to write here."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Real
from typing import Any, NoReturn

__all__ = ["FUNCTIONS", "BesideOthers"]

ATTRIBUTES = {
    "_backward": "gate(name, symbol, forward, *local) for an operation of your own",
    "_children": "v.inputs",
    "_op": "v.gate, or v.gate.symbol for what a picture shows",
    "_prev": "v.inputs",
    "T": "v, because a Value has no dimensions",
    "item": "v.data",
    "numpy": "v.data",
    "requires_grad": 'Value(data, role="constant") for what is not to be differentiated, and v.detach() for a copy',
    "value": "v.data",
}
FUNCTIONS = {
    "Tensor": "Value(data), one for each number",
    "draw_dot": "draw(v), or to_dot(v) for its text",
    "numpy": "import numpy as np; np.exp(v) records the gate",
    "tensor": "Value(data), one for each number",
}
OPERATORS = {
    "floordiv": ("//", "math.floor(a.data / b.data) for the number"),
    "mod": ("%", "a.data % b.data for the number"),
    "matmul": ("@", "a * b, or autograd.dot(w, x) of two lists"),
}


class BesideOthers:
    """What is not here: an attribute is an AttributeError, an operator a TypeError.

    Attributes, not a `__getattr__`, which would slow down the reading of every other attribute.
    """

    __slots__ = ()

    def __round__(self, digits: int | None = None) -> NoReturn:
        raise TypeError("round() is not a gate: write round(v.data) for the number")


class _Elsewhere:
    """An attribute of another library's numbers: reading or setting it says what to write instead."""

    def __init__(self, name: str, instead: str) -> None:
        self.message = f"a Value has no attribute {name!r}: write {instead}"
        self.__doc__ = f"Not here: write {instead}."

    def __get__(self, v: Any, cls: Any = None) -> NoReturn:
        raise AttributeError(self.message)

    def __set__(self, v: Any, x: Any) -> NoReturn:
        raise AttributeError(self.message)


def _refused(symbol: str, instead: str) -> Callable[[Any, Any], Any]:
    def operator(v: Any, other: Any) -> Any:
        if not (isinstance(other, Real) or hasattr(type(other), "__gate__")):
            return NotImplemented  # which may know of Values, and numpy names the ufunc
        raise TypeError(f"unsupported operand: {symbol} is not a gate; write {instead}")

    return operator


for _name, _instead in ATTRIBUTES.items():
    setattr(BesideOthers, _name, _Elsewhere(_name, _instead))
for _name, (_symbol, _instead) in OPERATORS.items():
    setattr(BesideOthers, f"__{_name}__", _refused(_symbol, _instead))
    setattr(BesideOthers, f"__r{_name}__", _refused(_symbol, _instead))
