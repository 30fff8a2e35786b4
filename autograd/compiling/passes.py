"""All passes in a row: from a recorded function to its source, and to the tape that may run in its place."""

from __future__ import annotations

import gc
from collections.abc import Sequence

from ..value import Value
from .lowering import lower
from .references import Source
from .report import report
from .source import write
from .statements import arrange
from .sums import gather
from .tape import Executor, Tape, taped
from .tracing import Trace

__all__ = ["build"]


def build(
    traced: Trace, parameters: Sequence[Value], gradient: bool, executor: Executor | None
) -> tuple[Source, Tape | None, str]:
    """Run the passes and return the source, the tape if the program runs as one, and the report.

    Without the garbage collector, which would look at all entries again and again and free none.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        return _passes(traced, parameters, gradient, executor)
    finally:
        if collecting:
            gc.enable()


def _passes(
    traced: Trace, parameters: Sequence[Value], gradient: bool, executor: Executor | None
) -> tuple[Source, Tape | None, str]:
    lowered = lower(traced.outputs, traced.inputs, parameters, gradient)
    nodes = gather(lowered.program, lowered.outputs, lowered.gradients, lowered.forward)
    sizes = {name: len(values) for name, values in traced.inputs.items()}
    program = arrange(nodes, len(parameters), sizes)
    source = write(program, list(sizes), gradient)
    statements = sum(statement.op != "leaf" for statement in program.statements)
    tape = taped(lowered, sizes, source.order, statements, executor)
    return source, tape, f"{report(program, source.gathers)}\nruns {tape or 'on NumPy'}"
