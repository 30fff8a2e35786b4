"""All passes in a row: from a recorded function to its lines, and to the code that may run in their place."""

from __future__ import annotations

import gc
import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

from ..value import Value
from . import machine, tape, vectors
from .lowering import Lowered, lower
from .machine import Code
from .report import report
from .source import Source, write
from .statements import ArrayProgram, arrange
from .sums import gather
from .tracing import Trace

__all__ = ["Built", "Executor", "arrays", "build"]

Executor = Literal["numpy", "tape", "native"]

MOST = 4  # operations of a tape for which a statement stands: measured, on networks and irregular graphs
LARGE, FEW = 50_000, 32  # numbers of a matrix, from which on NumPy is faster for more samples than a few: measured


class Built(NamedTuple):
    """A program in all its forms: the lines, and unless they run on NumPy the code that runs, for batches of how many
    samples; and the report."""

    source: Source
    code: Code | None
    samples: float
    report: str


def build(traced: Trace, parameters: Sequence[Value], gradient: bool, executor: Executor | None) -> Built:
    """Run the passes. Without the garbage collector, which would look at all entries again and again and free none."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        return _passes(traced, parameters, gradient, executor)
    finally:
        if collecting:
            gc.enable()


def arrays(traced: Trace, parameters: Sequence[Value], gradient: bool) -> ArrayProgram:
    """Return the statements alone, for what prints these."""
    return _arranged(lower(traced.outputs, traced.inputs, parameters, gradient), traced, len(parameters))


def _arranged(lowered: Lowered, traced: Trace, parameters: int) -> ArrayProgram:
    nodes = gather(lowered.program, lowered.outputs, lowered.gradients, lowered.forward)
    return arrange(nodes, parameters, {name: len(values) for name, values in traced.inputs.items()})


def _passes(traced: Trace, parameters: Sequence[Value], gradient: bool, executor: Executor | None) -> Built:
    lowered = lower(traced.outputs, traced.inputs, parameters, gradient)
    program = _arranged(lowered, traced, len(parameters))
    sizes = {name: len(values) for name, values in traced.inputs.items()}
    source = write(program, list(sizes), gradient)
    chosen = executor or _choice(lowered, program)
    code, runs, samples = None, "on NumPy", math.inf
    if chosen != "numpy":
        _require(chosen, lowered, program)
    if chosen == "tape":
        code = tape.tape(lowered, sizes, gradient)
        runs = f"as a tape of {code.operations} operations, over blocks of samples"
    elif chosen == "native":
        code = vectors.vectorised(program, sizes, gradient)
        runs = "natively, statement by statement, over blocks of samples"
        if executor is None and _largest(program) >= LARGE:
            samples = FEW
            runs += f"; batches of more than {FEW} on NumPy, which has faster products of large matrices"
    return Built(source, code, samples, f"{report(program, source.gathers)}\nruns {runs}")


def _choice(lowered: Lowered, program: ArrayProgram) -> Executor:
    """Return what runs a program the fastest: a tape where a statement would stand for few of its operations."""
    if machine.native is None or tape.unknown(lowered):
        return "numpy"
    statements = sum(statement.op != "leaf" for statement in program.statements)
    return "tape" if tape.length(lowered) <= MOST * statements else "native"


def _largest(program: ArrayProgram) -> int:
    """Return how many numbers the largest matrix of the products has."""
    shapes = (statement.stack.shape for statement in program.statements if statement.stack is not None)
    return max((rows * width for _, rows, _, width in shapes), default=0)


def _require(executor: Executor, lowered: Lowered, program: ArrayProgram) -> None:
    """Raise if the compiled part cannot run a program."""
    if machine.native is None:
        raise ImportError(
            f'executor="{executor}" needs the compiled part, which this installation is without: use "numpy"'
        )
    for op, operands in tape.unknown(lowered) if executor == "tape" else vectors.unknown(program):
        raise ValueError(f"the compiled part knows no {op} of {operands}: use executor='numpy'")
