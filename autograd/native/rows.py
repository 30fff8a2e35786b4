"""Gates for the compiled engine: a row's rules, run on symbols, become tapes, which are lists of steps on numbered cells.

A gate whose rule calls what C has no twin of is recorded by `record` of value.py, and pulled by `pull_any`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from .._engine import core
from ..backward import pull_any
from ..functions import known
from ..gate import GATES, Gate
from ..node import CONSTANT, INPUT, PARAMETER
from ..symbols import SYMBOLS, Symbol, steps

__all__ = ["install"]

MOST_STEPS = 1_000_000  # that all tapes of a gate with any number of inputs hold together


def install(value: Any, operand: Callable[..., Any], record: Callable[..., Any]) -> None:
    """Give the compiled engine what it needs of Python, and `Value` its operators and the gates as methods, in C."""
    plain = value.__wrapped__
    row = partial(_row, record)
    core.install((INPUT, PARAMETER, CONSTANT), operand, plain.__init__, plain.data, GATES["dot"].arrange, row)
    compare = (plain.__lt__, plain.__le__, plain.__eq__, plain.__eq__, plain.__gt__, plain.__ge__)
    core.install_operators(GATES, compare)
    for name, method in [*vars(value).items()]:
        if getattr(method, "__name__", "") in GATES and not name.startswith("_"):
            gate = GATES[method.__name__]
            if all(p.default is p.empty for p in gate.__signature__.parameters.values()):
                setattr(value, name, core.row(gate))


def _row(record: Callable[..., Any], gate: Gate) -> Any:
    """Return a gate as the compiled engine records it."""
    by_rule = partial(record, gate), pull_any
    if gate.variadic:
        return core.Row(gate, -1, *by_rule, None, [], _by_count(gate))
    inputs = [Symbol.named(name) for name in gate.names]
    out = Symbol.named("out")
    forward = _tape(inputs, [gate.forward(SYMBOLS, *inputs)])
    slopes = [_slope([*inputs, out], slope) for slope in gate.local_gradients(SYMBOLS, out, inputs)]
    if forward is None or NotImplemented in slopes:
        return core.Row(gate, len(inputs), *by_rule)
    return core.Row(gate, len(inputs), *by_rule, forward, slopes)


def _slope(given: Sequence[Symbol], slope: Any) -> Any:
    """Return a local gradient as C takes it: None, a number, the place of what it equals among those given, or a tape."""
    if slope is None:
        return None
    symbol = Symbol.of(slope)
    if symbol.operator == "number":
        return symbol.arguments[0]
    for place, x in enumerate(given):
        if x is symbol:
            return place
    tape = _tape(given, [symbol])
    return NotImplemented if tape is None else tape


def _by_count(gate: Gate) -> Callable[[int], Any]:
    """Return a function that gives the tapes for a count of inputs, or False: forward, and all local gradients."""
    held = 0

    def tapes(count: int) -> Any:
        nonlocal held
        if held + count > MOST_STEPS:
            return False
        held += count
        inputs = [Symbol.named(f"x{i}") for i in range(count)]
        out = Symbol.named("out")
        forward = _tape(inputs, [gate.forward(SYMBOLS, *inputs)])
        local = _tape([*inputs, out], gate.local_gradients(SYMBOLS, out, inputs))
        return False if forward is None or local is None else (forward, local)

    return tapes


def _tape(inputs: Sequence[Symbol], outputs: Sequence[Any]) -> Any:
    """Return formulas of the inputs, None among them for what is not there, as one tape; None if C lacks a function."""
    found = steps(inputs, outputs)
    if not all(_runs(operator, len(cells)) for operator, cells in found.steps):
        return None
    code = [(core.CODES[operator], *(*cells, 0, 0)[:3]) for operator, cells in found.steps]
    return core.Tape(len(inputs), found.constants, code, [-1 if cell is None else cell for cell in found.outputs])


def _runs(operator: str, operands: int) -> bool:
    """Tell whether a tape runs a function of so many operands."""
    return operator in core.CODES and known(operator, operands) is not None
