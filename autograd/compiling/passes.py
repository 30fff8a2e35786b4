"""All passes in a row: from a recorded function to its lines, and to the code that may run in their place."""

from __future__ import annotations

import gc
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

__all__ = ["Built", "Executor", "build"]

Executor = Literal["numpy", "tape", "native"]

MOST = 4  # operations of a tape for which a statement stands: measured, on networks and irregular graphs


class Built(NamedTuple):
    """A program in all its forms: the lines, and unless they run on NumPy the code that runs; and the report."""

    source: Source
    code: Code | None
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


def _passes(traced: Trace, parameters: Sequence[Value], gradient: bool, executor: Executor | None) -> Built:
    lowered = lower(traced.outputs, traced.inputs, parameters, gradient)
    nodes = gather(lowered.program, lowered.outputs, lowered.gradients, lowered.forward)
    sizes = {name: len(values) for name, values in traced.inputs.items()}
    program = arrange(nodes, len(parameters), sizes)
    source = write(program, list(sizes), gradient)
    chosen = executor or _choice(lowered, program)
    code, runs = None, "on NumPy"
    if chosen != "numpy":
        _require(chosen, lowered, program)
    if chosen == "tape":
        code = tape.tape(lowered, sizes, gradient)
        runs = f"as a tape of {code.operations} operations, over blocks of samples"
    elif chosen == "native":
        code = vectors.vectorised(program, sizes, gradient)
        runs = "natively, statement by statement, over blocks of samples"
    return Built(source, code, f"{report(program, source.gathers)}\nruns {runs}")


def _choice(lowered: Lowered, program: ArrayProgram) -> Executor:
    """Return what runs a program the fastest: a tape where a statement would stand for few of its operations."""
    if machine.native is None or tape.unknown(lowered):
        return "numpy"
    statements = sum(statement.op != "leaf" for statement in program.statements)
    return "tape" if tape.length(lowered) <= MOST * statements else "native"


def _require(executor: Executor, lowered: Lowered, program: ArrayProgram) -> None:
    """Raise if the compiled part cannot run a program."""
    if machine.native is None:
        raise ImportError(
            f'executor="{executor}" needs the compiled part, which this installation is without: use "numpy"'
        )
    for op, operands in tape.unknown(lowered) if executor == "tape" else vectors.unknown(program):
        raise ValueError(f"the compiled part knows no {op} of {operands}: use executor='numpy'")
