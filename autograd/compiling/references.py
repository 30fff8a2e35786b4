"""Naming rows: how a line refers to rows of other arrays, as slices, gathers, tensors of parameters, or constants."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ..functions import COMPARISONS, FUNCTIONS
from ..symbols import NUMPY, definition
from .expressions import (
    Broadcast,
    Composed,
    Expression,
    Infix,
    Joined,
    Name,
    Number,
    Reshaped,
    Rows,
    Slice,
    Transposed,
    atom,
    walk,
)
from .statements import ArrayProgram, Leaf, Statement

__all__ = ["Line", "References", "Source"]

LARGEST = (2 - 2**-23) * 2.0**127  # of float32
PIECES = 6  # maximum number of slices in a concatenation; rows from more places are gathered


@dataclass
class Line:
    """A statement in terms of an array module: the name of its array, and the expression for it."""

    name: str
    expression: Expression
    operation: str


@dataclass
class Source:
    """The lines of a program, its results, and the tensors of parameters and constant arrays that the lines name."""

    inputs: list[str]
    leaves: list[Leaf]
    order: list[int]  # for each entry of the leaves, the index of the caller's parameter
    lines: list[Line] = field(default_factory=list)
    results: list[Expression] = field(default_factory=list)  # the outputs; or the cost, and the gradient in each tensor
    gradient: bool = False
    weighted: bool = False  # the seed is an argument: a weight for every sample, with sum 1; otherwise each has 1 / B
    constants: dict[str, Any] = field(default_factory=dict)
    products: int = 0
    gathers: int = 0

    @cached_property
    def in_order(self) -> bool:
        """Whether the parameters are in the caller's order."""
        return self.order == sorted(self.order)

    @cached_property
    def expressions(self) -> list[Expression]:
        """All expressions and their parts."""
        return [part for whole in [*(line.expression for line in self.lines), *self.results] for part in walk(whole)]

    @cached_property
    def header(self) -> list[str]:
        """The printed lines before those of the program."""
        names = {part.name for part in self.expressions if isinstance(part, Name)}
        weights = ["seed"] * self.weighted
        arguments = ", ".join(["xp", "theta", *(leaf.name for leaf in self.leaves), *self.inputs, *weights])
        header = [f"def {'loss_and_grad' if self.gradient else 'predict'}({arguments}):"]
        if "B" in names or ("seed" in names and not self.weighted):
            header.append(f"    B = {self.inputs[0]}.shape[1]")
        if "seed" in names and not self.weighted:
            header.append(f"    seed = xp.full_like({self.inputs[0]}[:1], 1 / B)")
        if "one" in names and "one" not in self.inputs:
            header.append(f"    one = xp.ones_like({self.inputs[0]}[:1, :1])")
        return header

    @cached_property
    def text(self) -> str:
        """The printed program, and below it the composed functions that it calls."""
        names = sorted({part.name for part in self.expressions if isinstance(part, Composed)})
        composed = [f"\n\n{definition(FUNCTIONS[name], NUMPY)}" for name in names]
        return "\n".join([*self.header, *(f"    {self.printed(k)}" for k in range(len(self.lines) + 1)), *composed])

    def printed(self, place: int) -> str:
        """Return the text of a line; the line after the last returns the results."""
        if place < len(self.lines):
            return f"{self.lines[place].name} = {self.lines[place].expression.text}"
        results = ", ".join(result.text for result in self.results)
        return f"return {results}{',' * (self.gradient and len(self.results) == 1)}"

    def described(self, number: int) -> str:
        """Return the text and the operation of a printed line, counted from 1."""
        place = max(number - 1 - len(self.header), 0)
        operation = self.lines[place].operation if place < len(self.lines) else "return"
        return f"{self.printed(place)} ({operation})"


class References:
    """Expressions for rows, given those for the arrays that are written already."""

    def __init__(self, program: ArrayProgram, inputs: list[str]) -> None:
        self.program = program
        self.nodes, self.statements = program.nodes, program.statements
        self.array_of, self.arrays_of, self.row_of = program.array_of, program.arrays_of, program.row_of
        self.source = Source(inputs, program.leaves, program.parameters)
        self.names_of: dict[Any, Name] = {}  # names of the constant arrays
        self.counted: Counter[str] = Counter()
        self.leaf_at = {leaf.start: leaf for leaf in program.leaves}
        self.written: dict[int, Expression] = {}  # array -> its name, or its expression if it is used once
        self.shape: dict[int, tuple[int, int]] = {}  # array -> shape, for arrays stored as matrices

    def rows(self, ids: Sequence[int], alone: bool = False, shape: tuple[int, int] | None = None) -> Expression:
        """Return the rows of nodes; equal rows become one, which broadcasts, unless `alone` forbids it.

        With a shape, return matrices and different constants in that shape, not as columns.
        """
        a = self.whole(ids)
        if a is not None:
            return self.written[a] if shape else self.column(a)
        constant = self.constant(ids, shape)
        if constant is not None:
            if alone:  # an array of the program's dtype
                array = constant if isinstance(constant, Name) else Infix("*", constant, Name("one"))
                return Broadcast(array, len(ids), Name("B"))
            return constant
        if not self.vary(ids) and len(set(ids)) > 1:
            return self.steady(ids)
        if len(ids) > 1 and len(set(ids)) == 1 and not alone:
            return self.rows(ids[:1])
        return self.joined(ids, varying=True)

    def steady(self, ids: Sequence[int]) -> Expression:
        """Return the rows of nodes that do not vary, as one column."""
        a = self.whole(ids)
        return self.joined(ids, varying=False) if a is None else self.column(a)

    def column(self, a: int) -> Expression:
        """Return an array with one row per member; only a matrix must be reshaped."""
        return Reshaped(atom(self.written[a]), (-1, 1)) if a in self.shape else self.written[a]

    def joined(self, ids: Sequence[int], varying: bool) -> Expression:
        """Return rows from several places: a concatenation of slices or, if they are many, gathered rows."""
        runs = self.runs(ids)
        if len({a for a, _ in runs}) == 1 and runs[0][0] != -1:
            return self.slice(runs[0][0], [row for _, rows in runs for row in rows])
        if len(runs) <= PIECES:
            return Joined([self.piece(a, rows, varying) for a, rows in runs])
        start, pieces, total = {}, [], 0
        for a in sorted({a for a, _ in runs}):
            rows = sorted({row for b, found in runs if b == a for row in found})
            start[a] = {row: total + k for k, row in enumerate(rows)}
            total += len(rows)
            pieces.append(self.piece(a, rows, varying))
        index = [start[a][row] for a, found in runs for row in found]
        return Rows(Joined(pieces), self.index(index))

    def runs(self, ids: Sequence[int]) -> list[tuple[int, list[int]]]:
        """Split nodes into runs from one array each, with their rows (for constants, their nodes)."""
        found: list[tuple[int, list[int]]] = []
        for i in ids:
            a = self.array_of(i)
            if not found or found[-1][0] != a:
                found.append((a, []))
            found[-1][1].append(i if a == -1 else self.row_of(i))
        return found

    def piece(self, a: int, rows: list[int], varying: bool) -> Expression:
        """Return rows for a concatenation: as numbers, and with a column per sample if the others vary."""
        if a == -1:
            found: Expression = self.vector([self.number(i) for i in rows], (len(rows), 1))
        else:
            found = self.slice(a, rows)
            if self.statements[a].op in COMPARISONS:
                found = Infix("*", atom(found), Name("one"))
        steady = a == -1 or not self.statements[a].varying
        return Broadcast(found, len(rows), Name("B")) if varying and steady else found

    def slice(self, a: int, rows: list[int]) -> Expression:
        if a == 0:
            vector = self.leaf_at.get(rows[0])
            if vector is not None and rows == list(range(vector.start, vector.start + math.prod(vector.shape))):
                name = Name(vector.name)
                return name if len(vector.shape) == 1 else Reshaped(name, (-1, 1))
        array = self.column(a)
        step = rows[1] - rows[0] if len(rows) > 1 else 1
        if step > 0 and rows == list(range(rows[0], rows[-1] + 1, step)):
            if rows == list(range(len(self.statements[a].members))):
                return array
            return Slice(atom(array), (slice(rows[0], rows[-1] + 1, step if step > 1 else None),))
        return Rows(atom(array), self.index(rows))

    def matrix(self, ids: list[int], shape: tuple[int, int, int]) -> Expression:
        """Return nodes that do not vary as a matrix, or g of them: a tensor, its transpose or part, or a gather."""
        g, r, width = shape
        form = (r, width) if g == 1 else shape
        arrays = self.arrays_of(ids)
        if arrays == {0}:
            rows = [self.row_of(i) for i in ids]
            for leaf in self.program.leaves:
                end = leaf.start + math.prod(leaf.shape)
                if g > 1 or len(leaf.shape) != 2 or not all(leaf.start <= row < end for row in (rows[0], rows[-1])):
                    continue
                n = leaf.shape[1]
                (i0, j0), (i1, j1) = (divmod(row - leaf.start, n) for row in (rows[0], rows[-1]))
                first = rows[0]
                across = rows == [row for x in range(r) for row in range(first + x * n, first + x * n + width)]
                if across and j1 - j0 == width - 1:
                    return _part(leaf, i0, i1, j0, j1)
                down = rows == [row for x in range(r) for row in range(first + x, first + x + width * n, n)]
                if down and j1 - j0 == r - 1:
                    return Transposed(_part(leaf, i0, i1, j0, j1))
        a = self.whole(ids)
        if a is not None and self.shape.get(a) == (r, width) and g == 1:
            return atom(self.written[a])
        if arrays == {-1}:
            return self.vector([self.number(i) for i in ids], form)
        return Reshaped(atom(self.numeric(self.steady(ids), ids)), form)

    def numeric(self, rows: Expression, ids: Sequence[int]) -> Expression:
        """Return rows as numbers; a comparison gives True and False, which PyTorch does not take in sums of products."""
        (first, *others) = self.arrays_of(ids)
        compares = first != -1 and not others and self.statements[first].op in COMPARISONS
        return Infix("*", atom(rows), Name("one")) if compares else rows

    def common_shape(self, array: Statement) -> tuple[int, int] | None:
        """Return the common matrix shape of all operands except constants, if there is one."""
        if array.varying or array.op in ("total", "where"):
            return None
        wholes = [self.whole(ids) for ids in array.operands if any(self.array_of(i) != -1 for i in ids)]
        shapes = {self.shape.get(a) if a is not None else None for a in wholes}
        return shapes.pop() if len(shapes) == 1 else None

    def whole(self, ids: Sequence[int]) -> int | None:
        """Return the array whose rows are exactly these nodes in order, if there is one."""
        a = self.array_of(ids[0])
        return a if a not in (-1, 0) and list(ids) == self.statements[a].members else None

    # Numbers

    def constant(self, ids: Sequence[int], shape: tuple[int, int] | None = None) -> Expression | None:
        """Return the numbers of constants, in a shape or as a column; equal constants become one number."""
        return None if self.arrays_of(ids) != {-1} else self.numbers([self.number(i) for i in ids], shape)

    def vary(self, ids: Sequence[int]) -> bool:
        """Tell whether one of some nodes differs from sample to sample."""
        return any(self.statements[a].varying for a in self.arrays_of(ids) - {-1})

    def number(self, i: int) -> float:
        return float(self.nodes[i].key)

    def numbers(self, numbers: Sequence[float], shape: tuple[int, int] | None) -> Expression:
        """Return one number if all are equal, else an array of the shape; a column if no shape is given."""
        if len(set(numbers)) > 1:
            return self.vector(numbers, shape or (len(numbers), 1))
        number = float(numbers[0])
        large = LARGEST < abs(number) < math.inf  # NumPy refuses such a number beside float32
        return self.vector([number], (1, 1)) if large else Number(number)

    def vector(self, numbers: Sequence[float], shape: tuple[int, ...]) -> Name:
        return self.kept("k", (tuple(numbers), shape))

    def index(self, rows: Sequence[int]) -> Name:
        self.source.gathers += 1
        return self.kept("i", (tuple(rows), None))

    def kept(self, letter: str, value: Any) -> Name:
        if value not in self.names_of:
            self.counted[letter] += 1
            name = self.names_of[value] = Name(f"{letter}{self.counted[letter]}")
            self.source.constants[name.name] = value
        return self.names_of[value]


def _part(leaf: Leaf, i0: int, i1: int, j0: int, j1: int) -> Expression:
    """Return a tensor, or a slice of its rows and columns."""
    m, n = leaf.shape
    if (i0, i1, j0, j1) == (0, m - 1, 0, n - 1):
        return Name(leaf.name)
    rows = slice(None) if (i0, i1) == (0, m - 1) else slice(i0, i1 + 1)
    columns = slice(None) if (j0, j1) == (0, n - 1) else slice(j0, j1 + 1)
    return Slice(Name(leaf.name), (rows, columns))
