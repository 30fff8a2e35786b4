"""Values beside other libraries: numpy's ufuncs are gates or refused by name, and foreign names raise an error with advice.

numpy calls `Value.__array_ufunc__` for a ufunc with a Value among its arguments, so this module does not import numpy. With
an array among them, the result is an object array with one Value per entry. Without `__array_ufunc__` numpy would compare
data, and `np.maximum(v, 0)` would be v or the number 0 instead of a gate.
"""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable
from numbers import Real
from typing import Any, NoReturn

from .arguments import as_float
from .gate import GATES
from .gates import logsumexp, maximum, minimum, pow, where

__all__ = ["ARC", "FUNCTIONS", "Beside"]

# numpy's names of the operators that Value has.
OPERATORS: dict[str, Callable[..., Any]] = {
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
    "divide": operator.truediv,
    "power": operator.pow,
    "negative": operator.neg,
    "positive": operator.pos,
    "absolute": operator.abs,
    "less": operator.lt,
    "less_equal": operator.le,
    "greater": operator.gt,
    "greater_equal": operator.ge,
    "equal": operator.eq,
    "not_equal": operator.ne,
}

# numpy's names of all other operators. A gate of that name takes the ufunc; without one, the operator takes or refuses it.
FURTHER_OPERATORS: dict[str, Callable[..., Any]] = {
    "floor_divide": operator.floordiv,
    "remainder": operator.mod,
    "bitwise_and": operator.and_,
    "bitwise_or": operator.or_,
    "bitwise_xor": operator.xor,
    "invert": operator.invert,
    "left_shift": operator.lshift,
    "right_shift": operator.rshift,
}

# ARC maps numpy's name of a gate to ours. COMPOSED holds ufuncs that have no gate, and DIFFERENT those that differ from the
# gate of their name; both are written with gates and operators.
ARC = {f"arc{name}": f"a{name}" for name in ("sin", "cos", "tan", "tan2", "sinh", "cosh", "tanh")}
COMPOSED: dict[str, Callable[..., Any]] = {
    "clip": lambda x, low, high: minimum(maximum(x, low), high),
    "conjugate": operator.pos,
    "fabs": operator.abs,
    "float_power": pow,
    "heaviside": lambda x, at_zero: where(x, 1.0, where(-x, 0.0, at_zero)),
    "logaddexp": logsumexp,
    "square": lambda x: x * x,
}
DIFFERENT: dict[str, Callable[..., Any]] = {
    "sign": lambda x: where(x, 1.0, 0.0) - where(-x, 1.0, 0.0),  # np.sign(0) is 0, and the gate gives 1
}

INSTEAD = {
    "fmax": "np.maximum, which passes a nan on",
    "fmin": "np.minimum, which passes a nan on",
    "matmul": "array * v, because a Value has no dimensions",
}


# Names of other libraries, and what to write instead.
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
# Operators that are refused. A method of Value with one of these names takes precedence.
REFUSED_OPERATORS = {
    ("__floordiv__", "__rfloordiv__"): ("//", "math.floor(a.data / b.data) for the number"),
    ("__mod__", "__rmod__"): ("%", "a.data % b.data for the number"),
    ("__matmul__", "__rmatmul__"): ("@", "a * b, or autograd.dot(w, x) of two lists"),
}


class Beside:
    """The part of Value for other libraries: the methods that numpy calls, and foreign names, which raise with advice.

    A foreign attribute raises AttributeError, a foreign operator TypeError.
    """

    __slots__ = ()

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **keywords: Any) -> Any:
        """Return the result of a ufunc of Values, numbers and arrays: a Value, or an object array of Values."""
        name = ufunc.__name__
        rule = OPERATORS.get(name) or _rule(name)
        if rule is None and any({*loop} - {*"O->"} for loop in ufunc.types):  # it takes numbers too
            instead = INSTEAD.get(name, f"{name}(v.data) for the number, or declare a gate({name!r}, …)")
            raise TypeError(f"{name} is not a gate, so it cannot take a Value: write {instead}")
        numpy = sys.modules["numpy"]
        if rule is not None and method == "__call__" and not keywords:
            numbers = [as_float(x, name) if isinstance(x, numpy.generic) else x for x in inputs]
            if {*map(type, numbers)} <= {type(self), float, int, bool}:  # no array among them
                return rule(*numbers)
        if keywords:
            _check_dtypes(name, keywords, numpy)
        boxed = [_boxed(x, numpy) if _is_value(x) else x for x in inputs]
        if rule is None or name in OPERATORS:  # numpy's loop for object arrays applies Python's operators
            return getattr(ufunc, method)(*boxed, **keywords)
        with numpy.errstate(all="ignore"):  # numpy would warn when a gate compares with nan
            return getattr(numpy.frompyfunc(rule, ufunc.nin, 1), method)(*boxed, **keywords)

    @property
    def _mask(self) -> NoReturn:
        """Refuse the operators of masked arrays, which would read `_data` as an array and compute without the graph."""
        raise TypeError("a masked array has no operators with Values: write np.multiply(array, v) instead of array * v")

    def clip(self, min: Any = None, max: Any = None, out: None = None) -> Any:
        """Return min(max(x, low), high) by gates; a bound may be None. `np.clip(v, …)` calls this.

        >>> from autograd import Value
        >>> Value(5.0).clip(-1.0, 1.0).data
        1.0
        """
        if out is not None:
            raise ValueError("clip of a Value makes a new Value: write v = v.clip(min, max), without out")
        clipped: Any = self if min is None else _entrywise(maximum, self, min)
        return clipped if max is None else _entrywise(minimum, clipped, max)

    def conjugate(self) -> Any:
        """Return the Value itself, because it is real. `np.var` of an array of Values calls this.

        >>> from autograd import Value
        >>> x = Value(5.0)
        >>> x.conjugate() is x
        True
        """
        return self

    def __round__(self, digits: int | None = None) -> NoReturn:
        raise TypeError("round() is not a gate: write round(v.data) for the number")


def _rule(name: str) -> Callable[..., Any] | None:
    gate = GATES.get(name) or GATES.get(ARC.get(name, name))
    return DIFFERENT.get(name) or gate or COMPOSED.get(name) or FURTHER_OPERATORS.get(name)


def _check_dtypes(name: str, keywords: dict[str, Any], numpy: Any) -> None:
    """Raise if the result would be written into a number array or a Value (`out=`, `dtype=`)."""
    wanted = [getattr(x, "dtype", type(x)) for x in keywords.get("out", ()) if x is not None]
    if keywords.get("dtype") is not None:
        wanted.append(numpy.dtype(keywords["dtype"]))
    for dtype in wanted:
        if getattr(dtype, "kind", "") not in ("O", "b"):  # comparisons give bools
            raise TypeError(
                f"the dtype that {name} of a Value writes must be object, got {dtype}: "
                "write array = array + v instead of array += v"
            )


def _entrywise(gate: Callable[..., Any], x: Any, bound: Any) -> Any:
    """Return gate(x, bound), entry by entry if one of them is an array."""
    if not (hasattr(x, "shape") or hasattr(bound, "shape")):
        return gate(x, bound)
    numpy = sys.modules["numpy"]
    return numpy.frompyfunc(gate, 2, 1)(*(_boxed(each, numpy) if _is_value(each) else each for each in (x, bound)))


def _is_value(x: Any) -> bool:
    return hasattr(type(x), "__gate__")


def _boxed(x: Any, numpy: Any) -> Any:
    """Return a Value in a 0-dimensional object array, so that numpy handles the ufunc and does not call Value again."""
    box = numpy.empty((), object)
    box[()] = x
    return box


class _Elsewhere:
    """A descriptor for an attribute of another library: reading or setting it raises, and says what to write instead.

    A `__getattr__` for all of them would slow down every read of an unset slot.
    """

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
            return NotImplemented  # the other type may define the operator; numpy's error names the ufunc
        raise TypeError(f"unsupported operand: {symbol} is not a gate; write {instead}")

    return operator


for _name, _instead in ATTRIBUTES.items():
    setattr(Beside, _name, _Elsewhere(_name, _instead))
for _methods, (_symbol, _instead) in REFUSED_OPERATORS.items():
    for _name in _methods:
        setattr(Beside, _name, _refused(_symbol, _instead))
