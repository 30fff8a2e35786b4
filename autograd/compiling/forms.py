"""The forms of a program: code that runs, made from a trace by one stage after another, and on demand source text."""

from __future__ import annotations

import gc
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Literal

from ..value import Value
from . import machine, tape, vectors
from .lowering import Lowered, lower
from .machine import Code
from .report import report
from .source import Source, write
from .statements import ArrayProgram, arrange
from .sums import Nodes, gather
from .tracing import Trace

__all__ = ["Executor", "Forms"]

Executor = Literal["numpy", "tape", "native"]

MOST = 4  # maximum operations per kind in a tape, measured on networks and irregular graphs
# from so many numbers in a matrix on, NumPy is faster for more than FEW samples in float64: measured
LARGE, FEW = 50_000, 32


class Forms:
    """The forms of a program: native code for batches of at most `samples`, if any, and NumPy source, made on demand.

    A tape needs neither statements nor source, which take several times as long to make. They are made from the trace again
    when they are asked for, so that no intermediate result is kept.
    """

    def __init__(self, traced: Trace, parameters: Sequence[Value], gradient: bool, executor: Executor | None) -> None:
        self.traced, self.parameters, self.gradient = traced, tuple(parameters), gradient
        self._sizes = {name: len(values) for name, values in traced.inputs.items()}
        self.code: Code | None = None
        self.samples = math.inf
        self._runs = "on NumPy"
        with _without_collector():
            self._build(executor)

    def _build(self, executor: Executor | None) -> None:
        lowered = self._lowered()
        chosen, self._why = (executor, f'executor="{executor}" was given') if executor else _choice(lowered)
        if chosen != "numpy" and machine.native is None:
            raise ImportError(
                f'executor="{executor}" needs the C machine, which this installation is without: use "numpy"'
            )
        if chosen == "tape":
            _refuse(tape.unknown(lowered))
            self.code = tape.tape(lowered, self._sizes, self.gradient)
            self._runs = f"as a tape of {self.code.operations} operations, over blocks of samples"
            return
        nodes = _gathered(lowered)
        del lowered  # frees its memory before the statements need as much again
        program = self._arranged(nodes)
        if chosen == "native":
            _refuse(vectors.unknown(program))
            self.code = vectors.vectorised(program, self._sizes, self.gradient)
            self._runs = "natively, statement by statement, over blocks of samples"
            if executor is None and _largest(program) >= LARGE:
                self.samples = FEW
                self._runs += (
                    f"; batches of more than {FEW} on NumPy, which has faster products of large matrices, and in float32 "
                    f"all calls (native stay: training in float64, and in float32 on batches of at most {FEW})"
                )
        if self.samples < math.inf or chosen == "numpy":
            self._written = self._write(program)

    @property
    def arrays(self) -> ArrayProgram:
        """The array program, for printers of statements."""
        with _without_collector():
            return self._arranged(_gathered(self._lowered()))

    @cached_property
    def _written(self) -> tuple[Source, str]:
        with _without_collector():
            return self._write(self.arrays)

    @property
    def source(self) -> Source:
        """The source of the program on NumPy."""
        return self._written[0]

    @cached_property
    def weighted(self) -> Source:
        """The source with a weight for every sample."""
        with _without_collector():
            return write(self.arrays, list(self._sizes), self.gradient, weighted=True)

    @property
    def report(self) -> str:
        """The report: which parts became matrix products, what runs, and why."""
        return f"{self._written[1]}\nruns {self._runs}\nbecause {self._why}"

    def _lowered(self) -> Lowered:
        return lower(self.traced.outputs, self.traced.inputs, self.parameters, self.gradient)

    def _arranged(self, nodes: Nodes) -> ArrayProgram:
        return arrange(nodes, len(self.parameters), self._sizes)

    def _write(self, program: ArrayProgram) -> tuple[Source, str]:
        source = write(program, list(self._sizes), self.gradient)
        return source, report(program, source.gathers)


def _gathered(lowered: Lowered) -> Nodes:
    return gather(lowered.program, lowered.outputs, lowered.gradients, lowered.forward)


@contextmanager
def _without_collector() -> Iterator[None]:
    """Disable the garbage collector while compiling, because the programs only grow."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def _choice(lowered: Lowered) -> tuple[Executor, str]:
    """Return the fastest executor of a program and the reason: a tape if few of its operations are of one kind."""
    if machine.native is None:
        return "numpy", "the C machine is not installed, which is built where there is a C compiler"
    for op, operands in tape.unknown(lowered):
        return "numpy", f"the C machine has no xp.{op} of {operands} operand{'s' * (operands > 1)}"
    operations, kinds = tape.length(lowered), tape.kinds(lowered)
    often = f"each kind of operation occurs {operations / max(kinds, 1):.1f} times on average"
    if operations <= MOST * kinds:
        return "tape", f"{often}, and up to {MOST} a tape is faster"
    return "native", f"{often}, and beyond {MOST} statements are faster"


def _largest(program: ArrayProgram) -> int:
    """Return the number of entries of the largest matrix in a product."""
    shapes = (statement.stack.shape for statement in program.statements if statement.stack is not None)
    return max((rows * width for _, rows, _, width in shapes), default=0)


def _refuse(unknown: Sequence[tuple[str, int]]) -> None:
    """Raise if the C machine cannot run a program."""
    for op, operands in unknown:
        raise ValueError(f"the C machine knows no {op} of {operands}: use executor='numpy', if NumPy has it")
