"""Gates for the C engine: running a row's rules on symbols gives formulas, which become bytecode.

A gate whose rules call a function that C lacks is recorded by `record_by_rule` of value.py, and its adjoints are computed
by `pull_any` of backward.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from .._engine import core
from ..backward import pull_any
from ..beside import Beside
from ..functions import known
from ..gate import GATES, Gate
from ..node import CONSTANT, INPUT, PARAMETER
from ..symbols import SYMBOLS, Symbol, steps

__all__ = ["install"]

MOST_STEPS = 1_000_000  # maximum number of steps in all bytecode of one variadic gate


def install(value: Any, operand: Callable[..., Any], record: Callable[..., Any]) -> None:
    """Hand the C engine its Python functions and the table, and replace gates as methods of `Value` by rows, which are in C."""
    plain = value.__wrapped__
    row = partial(_row, record)
    core.install((INPUT, PARAMETER, CONSTANT), operand, plain.__init__, plain.data, GATES["dot"].arrange, row)
    compare = (plain.__lt__, plain.__le__, plain.__eq__, plain.__eq__, plain.__gt__, plain.__ge__)
    core.install_operators(GATES, compare)
    for name, method in [*vars(value).items()]:
        if getattr(method, "__name__", "") in GATES and not name.startswith("_") and not hasattr(Beside, name):
            gate = GATES[method.__name__]
            if all(p.default is p.empty for p in gate.__signature__.parameters.values()):
                setattr(value, name, core.row(gate))


def _row(record: Callable[..., Any], gate: Gate) -> Any:
    """Return the Row of a gate."""
    by_rule = partial(record, gate), pull_any
    if gate.variadic:
        return core.Row(gate, -1, *by_rule, None, [], _by_count(gate))
    inputs = [Symbol.named(name) for name in gate.names]
    out = Symbol.named("out")
    forward = _bytecode(inputs, [gate.forward(SYMBOLS, *inputs)])
    slopes = [_slope([*inputs, out], slope) for slope in gate.local_gradients(SYMBOLS, out, inputs)]
    if forward is None or NotImplemented in slopes:
        return core.Row(gate, len(inputs), *by_rule)
    return core.Row(gate, len(inputs), *by_rule, forward, slopes)


def _slope(given: Sequence[Symbol], slope: Any) -> Any:
    """Return a local gradient for Row: None, a float, the index of an equal input or output, or bytecode.

    NotImplemented if C lacks a function.
    """
    if slope is None:
        return None
    symbol = Symbol.of(slope)
    if symbol.operator == "number":
        return symbol.arguments[0]
    for place, x in enumerate(given):
        if x is symbol:
            return place
    bytecode = _bytecode(given, [symbol])
    return NotImplemented if bytecode is None else bytecode


def _by_count(gate: Gate) -> Callable[[int], Any]:
    """Return a function of the number of inputs that returns bytecode of the output and of all local gradients, or False."""
    held = 0

    def by_count(count: int) -> Any:
        nonlocal held
        if held + count > MOST_STEPS:
            return False
        held += count
        inputs = [Symbol.named(f"x{i}") for i in range(count)]
        out = Symbol.named("out")
        try:
            forward = _bytecode(inputs, [gate.forward(SYMBOLS, *inputs)])
            local = _bytecode([*inputs, out], gate.local_gradients(SYMBOLS, out, inputs))
        except (ArithmeticError, TypeError, ValueError):  # with so many inputs: the pass that runs the rule says where
            return False
        return False if forward is None or local is None else (forward, local)

    return by_count


def _bytecode(inputs: Sequence[Symbol], outputs: Sequence[Any]) -> Any:
    """Return formulas of the inputs (or None in place of one) as bytecode; None if C lacks a function."""
    found = steps(inputs, outputs)
    if not all(_runs(operator, len(cells)) for operator, cells in found.steps):
        return None
    code = [(core.CODES[operator], *(*cells, 0, 0)[:3]) for operator, cells in found.steps]
    return core.Bytecode(len(inputs), found.constants, code, [-1 if cell is None else cell for cell in found.outputs])


def _runs(operator: str, operands: int) -> bool:
    """Tell whether C has this function, with this number of operands."""
    return operator in core.CODES and known(operator, operands) is not None
