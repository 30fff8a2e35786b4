"""Gates for the compiled engine: a row's rules, run on symbols, become tapes, which are lists of steps on numbered cells.

A gate whose rule calls what C has no twin of is left to the Python functions that were derived from it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..native import core
from ..row import Gate
from ..symbol import SYMBOLS, Symbol, parts

__all__ = ["row"]

MOST_STEPS = 1_000_000  # that all tapes of a gate with any number of inputs hold together


def row(gate: Gate, record: Callable[..., Any], pull: Callable[..., Any]) -> Any:
    """Return a gate as the compiled engine records it; `record` and `pull` are the derived functions."""
    if gate.variadic:
        return core.Row(gate, -1, record, pull, None, [], _by_count(gate))
    inputs = [Symbol.named(name) for name in gate.names]
    out = Symbol.named("out")
    forward = _tape(inputs, [gate.forward(SYMBOLS, *inputs)])
    slopes = [_slope([*inputs, out], slope) for slope in gate.local_gradients(SYMBOLS, out, inputs)]
    if forward is None or NotImplemented in slopes:
        return core.Row(gate, len(inputs), record, pull)
    return core.Row(gate, len(inputs), record, pull, forward, slopes)


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
    steps = 0

    def tapes(count: int) -> Any:
        nonlocal steps
        if steps + count > MOST_STEPS:
            return False
        steps += count
        inputs = [Symbol.named(f"x{i}") for i in range(count)]
        out = Symbol.named("out")
        forward = _tape(inputs, [gate.forward(SYMBOLS, *inputs)])
        local = _tape([*inputs, out], gate.local_gradients(SYMBOLS, out, inputs))
        return False if forward is None or local is None else (forward, local)

    return tapes


def _tape(inputs: Sequence[Symbol], outputs: Sequence[Any]) -> Any:
    """Return formulas of the inputs, None among them for what is not there, as one tape; None if C lacks a function."""
    symbols = [None if x is None else Symbol.of(x) for x in outputs]
    every = Symbol("all", *(symbol for symbol in symbols if symbol is not None))
    cell = {id(x): i for i, x in enumerate(inputs)}
    formulas = [part for part in parts(every) if part is not every and id(part) not in cell]
    constants = [part for part in formulas if part.operator == "number"]
    written = [part for part in formulas if part.operator != "number"]
    cell |= {id(part): i for i, part in enumerate([*constants, *written], len(cell))}
    steps = []
    for part in written:
        if part.operator not in core.CODES:
            return None
        a, b, c = (*(cell[id(x)] for x in part.arguments), 0, 0)[:3]
        steps.append((core.CODES[part.operator], a, b, c))
    places = [-1 if symbol is None else cell[id(symbol)] for symbol in symbols]
    return core.Tape(len(inputs), [part.arguments[0] for part in constants], steps, places)
