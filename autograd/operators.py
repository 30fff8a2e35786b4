"""The operators and methods of Value, each the derived code of a row of the table."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from . import gates as _rows  # noqa: F401  (fills the table)
from .derive import derive
from .native import core
from .recording import refuse_while_tracing, settle
from .row import GATES, Gate
from .ufuncs import ARC

__all__ = ["Operators", "install_operators"]

BINARY = {"add": "add", "sub": "sub", "mul": "mul", "truediv": "div", "pow": "pow"}
UNARY = ("neg", "abs")
COMPARISONS = ("lt", "le", "gt", "ge")


if TYPE_CHECKING:
    from .value import Operand, Value

    class Operators:
        """What `install_operators` adds, for type checkers."""

        def __add__(self, other: Operand) -> Value: ...
        def __radd__(self, other: Operand) -> Value: ...
        def __sub__(self, other: Operand) -> Value: ...
        def __rsub__(self, other: Operand) -> Value: ...
        def __mul__(self, other: Operand) -> Value: ...
        def __rmul__(self, other: Operand) -> Value: ...
        def __truediv__(self, other: Operand) -> Value: ...
        def __rtruediv__(self, other: Operand) -> Value: ...
        def __pow__(self, other: Operand) -> Value: ...
        def __rpow__(self, other: Operand) -> Value: ...
        def __neg__(self) -> Value: ...
        def __pos__(self) -> Value: ...
        def __abs__(self) -> Value: ...
        def __lt__(self, other: Operand) -> bool: ...
        def __le__(self, other: Operand) -> bool: ...
        def __gt__(self, other: Operand) -> bool: ...
        def __ge__(self, other: Operand) -> bool: ...
        def add(self, b: Operand) -> Value: ...
        def sub(self, b: Operand) -> Value: ...
        def mul(self, b: Operand) -> Value: ...
        def div(self, b: Operand) -> Value: ...
        def pow(self, y: Operand) -> Value: ...
        def neg(self) -> Value: ...
        def abs(self) -> Value: ...
        def reciprocal(self) -> Value: ...
        def exp(self) -> Value: ...
        def expm1(self) -> Value: ...
        def log(self) -> Value: ...
        def log1p(self) -> Value: ...
        def sqrt(self) -> Value: ...
        def sin(self) -> Value: ...
        def cos(self) -> Value: ...
        def tanh(self) -> Value: ...
        def sigmoid(self) -> Value: ...
        def softplus(self) -> Value: ...
        def relu(self) -> Value: ...
        def leaky_relu(self, slope: Operand = 0.1) -> Value: ...
        def elu(self, alpha: Operand = 1.0) -> Value: ...
        def maximum(self, b: Operand) -> Value: ...
        def minimum(self, b: Operand) -> Value: ...
        def where(self, a: Operand, b: Operand) -> Value: ...
        def step(self) -> Value: ...
        def sign(self) -> Value: ...
else:
    Operators = object


def install_operators(cls: Any, engine: dict[str, Any]) -> None:
    """Derive the code of every row and hang the operators and methods on the class.

    Every gate with named inputs is a method of the first, as users of micrograd (`v.relu()`) and numpy expect: np.exp of
    an array of Values calls `v.exp()` of each, np.arctan `v.arctan()`.
    """
    for gate in GATES.values():
        derive(gate, engine)
        if not gate.variadic and not hasattr(cls, gate.name):
            setattr(cls, gate.name, _method(gate))
    for name, row in ARC.items():
        if row in GATES:
            setattr(cls, name, _method(GATES[row]))
    comparisons = {name: _comparison(getattr(operator, name), engine["operand"]) for name in COMPARISONS}
    comparisons["eq"] = _equality
    if core is not None:  # its nodes have the operators below
        core.install_operators(GATES, tuple(map(comparisons.get, ("lt", "le", "eq", "eq", "gt", "ge"))))
        return
    for name, comparison in comparisons.items():
        setattr(cls, f"__{name}__", comparison)
    for name, row in BINARY.items():
        setattr(cls, f"__{name}__", GATES[row].record)
        setattr(cls, f"__r{name}__", _reflected(GATES[row]))
    for name in UNARY:
        setattr(cls, f"__{name}__", GATES[name].record)
    # 0 + v is v, so that sum() draws clean; 1/v is the lectures' reciprocal gate.
    cls.__radd__ = _unless(0, lambda v: v, cls.__radd__)
    cls.__rtruediv__ = _unless(1, cls.reciprocal, cls.__rtruediv__)
    cls.__pos__ = lambda v: v


def _reflected(gate: Gate) -> Callable[[Any, Any], Any]:
    record = gate.record
    assert record is not None
    return lambda v, other: record(other, v)


def _unless(number: int, special: Callable[[Any], Any], usual: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    return lambda v, other: special(v) if other.__class__ in (int, float) and other == number else usual(v, other)


def _method(gate: Gate) -> Callable[..., Any]:
    if all(parameter.default is parameter.empty for parameter in gate.__signature__.parameters.values()):
        assert gate.record is not None
        return gate.record

    def method(v: Any, *inputs: Any, **named: Any) -> Any:
        return gate(v, *inputs, **named)

    method.__name__, method.__doc__ = gate.name, gate.doc
    return method


def _comparison(compare: Callable[[float, float], bool], operand: Callable[[Any, str], Any]) -> Callable[..., Any]:
    """Compare the data, so that Python's control flow works; equality stays identity, and Values hash."""

    def comparison(v: Any, other: Any) -> Any:
        refuse_while_tracing("a comparison")
        settle()
        other = operand(other, "a comparison")
        return other if other is NotImplemented else compare(v._data, other._data)

    return comparison


def _equality(v: Any, other: Any) -> Any:
    """Equality is identity; but where numbers are hidden, who asks for it means the numbers."""
    refuse_while_tracing("a comparison with == or !=")
    return NotImplemented
