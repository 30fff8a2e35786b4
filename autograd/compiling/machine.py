"""The assembler of the C machine: code as operations on the memories and sections that machine.h describes.

A slot of the steady memory holds one number, for steps that do not depend on the sample. A slot of the lanes holds one
number per sample of a block.
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect
from collections.abc import Sequence
from operator import sub
from typing import Any, NamedTuple

from .._engine import load
from ..functions import known
from .batches import numpy

__all__ = [
    "AFTER",
    "EACH",
    "LANES",
    "ONCE",
    "PARAMETERS",
    "RESULTS",
    "STEADY",
    "Assembly",
    "Code",
    "Dot",
    "Matrix",
    "native",
    "runs",
]

native = load("autograd.compiling._tape")

SETUP, ONCE, EACH, AFTER = range(4)  # the sections: for a new workspace, before all samples, for each block, after all
PARAMETERS, STEADY, LANES, RESULTS = range(4)  # the memories
BEST = -1
MOVES = (
    "param",
    "seed",
    "spread",
    "input",
    "output",
    "result",
    "cost",
)  # operations that move numbers into and out of the memories
SHORT = 3  # minimum average length of a run that is written as starts and strides


class Matrix(NamedTuple):
    """A matrix in a memory: the place of its first entry, and the strides of rows and columns."""

    memory: int
    start: int
    row: int
    column: int


class Dot(NamedTuple):
    """A sum of products: the slot of the result, start and stride of left and right factors, and the number of terms."""

    to: int
    left: int
    left_step: int
    right: int
    right_step: int
    terms: int


def runs(op: str, operands: int) -> bool:
    """Tell whether the C machine has this function. NumPy must have it too, because its lines name a failed operation."""
    row = known(op, operands)
    return op in native.OPERATIONS and row is not None and bool(row.numpy or row.sign or row.rule)


class Assembly:
    """Code under construction: the steps of each section, and the allocated slots."""

    def __init__(self) -> None:
        self.sections: list[array[int]] = [array("i") for _ in range(4)]
        self.steady = self.lanes = self.operations = 0
        self.constants: dict[tuple[float, float], int] = {}
        self.spread: dict[int, int] = {}  # steady slot -> slot of the lanes with the same number in every lane
        self.free: list[tuple[int, int]] = []  # free slots of the lanes, as (first, count)

    def constant(self, x: float) -> int:
        """Return the steady slot of a constant."""
        key = (x, math.copysign(1.0, x))
        if key not in self.constants:
            self.constants[key] = self.new_steady()
        return self.constants[key]

    def new_steady(self, n: int = 1) -> int:
        """Allocate consecutive slots of the steady memory; return the first."""
        self.steady += n
        return self.steady - n

    def new_lanes(self, n: int = 1) -> int:
        """Allocate consecutive slots of the lanes; return the first."""
        for k, (start, size) in enumerate(self.free):
            if size >= n:
                self.free[k : k + 1] = [(start + n, size - n)] if size > n else []
                return start
        start, size = self.free[-1] if self.free else (0, 0)
        if self.free and start + size == self.lanes:  # extend the last free slots, which are too few
            del self.free[-1]
            self.lanes = start
        self.lanes += n
        return self.lanes - n

    def free_lanes(self, start: int, n: int) -> None:
        """Free slots for reuse; what lies side by side is joined."""
        k = bisect(self.free, (start, n))
        if k < len(self.free) and self.free[k][0] == start + n:
            n += self.free.pop(k)[1]
        if k and sum(self.free[k - 1]) == start:
            start, before = self.free.pop(k - 1)
            k, n = k - 1, n + before
        self.free.insert(k, (start, n))

    def in_lanes(self, steady: Sequence[int]) -> list[int]:
        """Return slots of the lanes that hold the numbers of steady slots in every lane."""
        missing = [slot for slot in dict.fromkeys(steady) if slot not in self.spread]
        if missing:
            start = self.lanes  # not a reused slot, because these keep their numbers for all blocks
            self.lanes += len(missing)
            self.emit_spread([*zip(range(start, self.lanes), missing, strict=True)])
        return [self.spread[slot] for slot in steady]

    def emit_spread(self, pairs: Sequence[tuple[int, int]]) -> None:
        """Write how slots of the lanes get the numbers of steady slots: constants once in a workspace, others in every run."""
        self.spread.update((steady, lane) for lane, steady in pairs)
        constants = set(self.constants.values())
        for section, chosen in ((SETUP, True), (ONCE, False)):
            found = [pair for pair in pairs if (pair[1] in constants) is chosen]
            self.emit(section, "spread", [lane for lane, _ in found], [steady for _, steady in found])

    def emit(self, section: int, op: str, *operands: Sequence[int]) -> None:
        """Write a run of one operation with independent steps; `operands` holds one list of places per operand."""
        n = len(operands[0])
        if not n:
            return
        code, number = self.sections[section], native.OPERATIONS[op][0]
        self.operations += n * (op not in MOVES)
        parts = _even(operands, n)
        if n == 1 or len(parts) * SHORT > n:
            code.extend((number, n))
            code.extend(place for step in zip(*operands) for place in step)
            return
        for first, last in parts:
            code.extend((number, first - last))
            for places in operands:
                code.extend((places[first], places[first + 1] - places[first] if last - first > 1 else 0))

    def emit_dots(self, section: int, dots: Sequence[Dot]) -> None:
        """Write independent sums of products."""
        if dots:
            self.operations += sum(dot.terms for dot in dots)
            self.sections[section].extend((native.OPERATIONS["dot"][0], len(dots)))
            self.sections[section].extend(place for dot in dots for place in dot)

    def emit_terms(self, section: int, to: int, lefts: Sequence[int], rights: Sequence[int]) -> None:
        """Write a sum of products of any slots."""
        self.operations += len(lefts)
        self.sections[section].extend((native.OPERATIONS["terms"][0], 1 + 2 * len(lefts), to))
        self.sections[section].extend(slot for pair in zip(lefts, rights) for slot in pair)

    def emit_product(
        self, section: int, op: str, shape: tuple[int, int, int], to: Matrix, left: Matrix, right: Matrix
    ) -> None:
        """Write a product or a gradient of so many rows, columns, and products a sum."""
        self.operations += math.prod(shape)
        self.sections[section].extend((native.OPERATIONS[op][0], 1, *shape, *to, *left, *right))


class Code:
    """Finished code, the same for all parameters and batches."""

    def __init__(self, assembly: Assembly, outputs: int, parameters: int) -> None:
        self._empty, self._double, self._none = numpy().empty, numpy().dtype("float64"), numpy().empty((0, 1))
        self.outputs, self.parameters, self.operations = outputs, parameters, assembly.operations
        numbers = array("d", bytes(8 * (1 + max(assembly.constants.values(), default=-1))))
        for (x, _), slot in assembly.constants.items():
            numbers[slot] = x
        self.lanes, self.sections = assembly.lanes, assembly.sections
        self.checked = native.Code(*assembly.sections, assembly.lanes, assembly.steady, numbers)

    def run(
        self, theta: Any, rows: Sequence[Any], check: bool, generation: int = BEST
    ) -> tuple[float, Any, Any] | None:
        """Return the cost, the gradient and the outputs, a row for each, of parameters and inputs with a row for each sample.

        With `check`, return None if a number overflows, is undefined or not finite. `generation` selects the code for a
        processor generation, 0 for the oldest.
        """
        outputs = self._empty((self.outputs, len(rows[0]))) if self.outputs else self._none
        gradient = self._empty(self.parameters)
        if theta.dtype is not self._double:
            theta = theta.astype(self._double)
        cost = self.checked.run(theta, tuple(rows), outputs, gradient, check, generation)
        return None if cost is None else (cost, gradient, outputs)


def _even(operands: Sequence[Sequence[int]], n: int) -> list[tuple[int, int]]:
    """Split steps into parts in which every operand has a constant stride."""
    moves = [*zip(*(map(sub, places[1:], places) for places in operands), strict=True)]  # from each step to the next
    parts, first = [], 0
    while first < n:
        last = first + 1
        while last < n and moves[last - 1] == moves[first]:
            last += 1
        parts.append((first, last))
        first = last
    return parts
