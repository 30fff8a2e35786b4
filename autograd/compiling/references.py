"""Naming rows: how a statement refers to rows of other arrays, as slices, gathers, tensors of parameters, or constants."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ..functions import COMPARISONS
from .arrays import Array, Arrays, Leaf

__all__ = ["References", "Source"]

LARGEST = (2 - 2**-23) * 2.0**127  # of float32
PIECES = 6  # that are written side by side; rows from more places are gathered


@dataclass
class Source:
    """The text of a program, the tensors of parameters and the constant arrays that it names, and what each line computes."""

    text: str
    leaves: list[Leaf]
    order: list[int]  # of the parameters in the leaves, as the caller numbers them
    constants: dict[str, Any] = field(default_factory=dict)
    lines: dict[int, str] = field(default_factory=dict)  # line -> operation
    products: int = 0
    gathers: int = 0


class References:
    """The texts of rows, given the texts of the arrays that are written already."""

    def __init__(self, program: Arrays) -> None:
        self.program = program
        self.nodes, self.arrays, self.place = program.nodes, program.arrays, program.place
        self.source = Source("", program.leaves, program.parameters)
        self.names_of: dict[Any, str] = {}  # of the constant arrays
        self.counted: Counter[str] = Counter()
        self.leaf_at = {leaf.start: leaf for leaf in program.leaves}
        self.text: dict[int, str] = {}  # array -> its name, or its whole expression where it is used once
        self.shape: dict[int, tuple[int, int]] = {}  # of arrays that are matrices as they are

    def rows(self, ids: Sequence[int], alone: bool = False, shape: tuple[int, int] | None = None) -> str:
        """Return the rows of nodes; one row for all of equal ones, unless it must stand alone (not broadcast).

        With a shape, return matrices and different constants in that shape, not as columns.
        """
        a = self.whole(ids)
        if a is not None:
            return self.text[a] if shape or a not in self.shape else f"{self.atom(self.text[a])}.reshape(-1, 1)"
        constant = self.constant(ids, shape)
        if constant is not None:
            if alone:
                array = constant if constant.startswith("k") else f"{constant} * one"  # of the program's dtype
                return f"xp.broadcast_to({array}, ({len(ids)}, B))"
            return constant
        if not any(self.nodes[i].varying for i in ids) and len(set(ids)) > 1:
            return self.steady(ids)
        if len(ids) > 1 and len(set(ids)) == 1 and not alone:
            return self.rows(ids[:1])
        return self.joined(ids, varying=True)

    def steady(self, ids: Sequence[int]) -> str:
        """Return the rows of nodes that do not vary, one column each."""
        a = self.whole(ids)
        if a is not None:
            return self.text[a] if a not in self.shape else f"{self.atom(self.text[a])}.reshape(-1, 1)"
        return self.joined(ids, varying=False)

    def joined(self, ids: Sequence[int], varying: bool) -> str:
        """Return rows from several places: slices side by side, or if they are many, rows gathered from these."""
        runs = self.runs(ids)
        if len({a for a, _ in runs}) == 1 and runs[0][0] != -1:
            return self.slice(runs[0][0], [row for _, rows in runs for row in rows])
        if len(runs) <= PIECES:
            return f"xp.concatenate([{', '.join(self.piece(a, rows, varying) for a, rows in runs)}])"
        start, pieces, total = {}, [], 0
        for a in sorted({a for a, _ in runs}):
            rows = sorted({row for b, found in runs if b == a for row in found})
            start[a] = {row: total + k for k, row in enumerate(rows)}
            total += len(rows)
            pieces.append(self.piece(a, rows, varying))
        index = [start[a][row] for i in ids for a, row in [self.place.get(i, (-1, i))]]
        return f"xp.concatenate([{', '.join(pieces)}])[{self.index(index)}]"

    def runs(self, ids: Sequence[int]) -> list[tuple[int, list[int]]]:
        """Split nodes into runs from one array each, with their rows (of a constant, its node)."""
        found: list[tuple[int, list[int]]] = []
        for i in ids:
            a, row = self.place.get(i, (-1, i))
            if not found or found[-1][0] != a:
                found.append((a, []))
            found[-1][1].append(row)
        return found

    def piece(self, a: int, rows: list[int], varying: bool) -> str:
        """Return rows to stand beside others: as numbers, and if these vary with a column for every sample."""
        if a == -1:
            text = self.vector([self.number(i) for i in rows], (len(rows), 1))
        else:
            text = self.slice(a, rows)
            if self.arrays[a].op in COMPARISONS:
                text = f"{self.atom(text)} * one"
        return (
            text
            if not varying or (a != -1 and self.arrays[a].varying)
            else f"xp.broadcast_to({text}, ({len(rows)}, B))"
        )

    def slice(self, a: int, rows: list[int]) -> str:
        name = self.text[a]
        if a == 0:
            vector = self.leaf_at.get(rows[0])
            if vector is not None and rows == list(range(vector.start, vector.start + math.prod(vector.shape))):
                return vector.name if len(vector.shape) == 1 else f"{vector.name}.reshape(-1, 1)"
        if a in self.shape:
            name = f"{self.atom(name)}.reshape(-1, 1)"
        step = rows[1] - rows[0] if len(rows) > 1 else 1
        if step > 0 and rows == list(range(rows[0], rows[-1] + 1, step)):
            if rows == list(range(len(self.arrays[a].members))):
                return name
            return f"{self.atom(name)}[{rows[0]}:{rows[-1] + 1}{f':{step}' if step > 1 else ''}]"
        return f"{self.atom(name)}[{self.index(rows)}]"

    def matrix(self, ids: list[int], shape: tuple[int, int, int]) -> str:
        """Return what does not vary as a matrix (or g of them): a tensor, its transpose or a part of it, or a gather."""
        g, r, width = shape
        form = f"{r}, {width}" if g == 1 else f"{g}, {r}, {width}"
        if all(i in self.place and self.place[i][0] == 0 for i in ids):
            rows = [self.place[i][1] for i in ids]
            for leaf in self.program.leaves:
                end = leaf.start + math.prod(leaf.shape)
                if g > 1 or len(leaf.shape) != 2 or not all(leaf.start <= row < end for row in (rows[0], rows[-1])):
                    continue
                m, n = leaf.shape
                at = [divmod(row - leaf.start, n) for row in rows]
                (i0, j0), (i1, j1) = at[0], at[-1]
                if at == [(i0 + x, j0 + y) for x in range(r) for y in range(width)]:
                    return leaf.name + _part(i0, i1, m, j0, j1, n)
                if at == [(i0 + y, j0 + x) for x in range(r) for y in range(width)]:
                    return f"{leaf.name}{_part(i0, i1, m, j0, j1, n)}.T"
        a = self.whole(ids)
        if a is not None and self.shape.get(a) == (r, width) and g == 1:
            return self.atom(self.text[a])
        if all(i not in self.place for i in ids):
            return self.vector([self.number(i) for i in ids], (r, width) if g == 1 else shape)
        return f"{self.atom(self.numeric(self.steady(ids), ids))}.reshape({form})"

    def numeric(self, text: str, ids: Sequence[int]) -> str:
        """Return the text of rows as numbers; those of a comparison alone are True and False, which PyTorch does not add up."""
        (first, *others) = {self.place.get(i, (-1, 0))[0] for i in ids}
        compares = first != -1 and not others and self.arrays[first].op in COMPARISONS
        return f"{self.atom(text)} * one" if compares else text

    def common_shape(self, array: Array) -> tuple[int, int] | None:
        """Return the shape of the matrices that all operands but constants are, if they have one shape."""
        if array.varying or array.op in ("total", "where"):
            return None
        wholes = [self.whole(ids) for ids in array.operands if any(i in self.place for i in ids)]
        shapes = {self.shape.get(a) if a is not None else None for a in wholes}
        return shapes.pop() if len(shapes) == 1 else None

    def whole(self, ids: Sequence[int]) -> int | None:
        """Return the array that these are all rows of, in order, if there is one."""
        a = self.place.get(ids[0], (-1, 0))[0]
        return a if a not in (-1, 0) and list(ids) == self.arrays[a].members else None

    # Numbers

    def constant(self, ids: Sequence[int], shape: tuple[int, int] | None = None) -> str | None:
        """Return the numbers of constants, in a shape or as a column: one where they are equal."""
        return None if any(i in self.place for i in ids) else self.numbers([self.number(i) for i in ids], shape)

    def number(self, i: int) -> float:
        return float(self.nodes[i].place)

    def numbers(self, numbers: Sequence[float], shape: tuple[int, int] | None) -> str:
        """Return one number where all are equal, else an array of the shape, a column without one."""
        if len(set(numbers)) > 1:
            return self.vector(numbers, shape or (len(numbers), 1))
        number = float(numbers[0])
        large = LARGEST < abs(number) < math.inf  # NumPy refuses such a number beside float32
        return self.vector([number], (1, 1)) if large else repr(number)

    def vector(self, numbers: Sequence[float], shape: tuple[int, ...]) -> str:
        return self.kept("k", (tuple(numbers), shape))

    def index(self, rows: Sequence[int]) -> str:
        self.source.gathers += 1
        return self.kept("i", (tuple(rows), None))

    def kept(self, letter: str, value: Any) -> str:
        if value not in self.names_of:
            self.counted[letter] += 1
            name = self.names_of[value] = f"{letter}{self.counted[letter]}"
            self.source.constants[name] = value
        return self.names_of[value]

    def atom(self, text: str) -> str:
        """Return an expression so that an operator or a method may follow it."""
        return text if _enclosed(text) else f"({text})"


def _part(i0: int, i1: int, m: int, j0: int, j1: int, n: int) -> str:
    if (i0, i1, j0, j1) == (0, m - 1, 0, n - 1):
        return ""
    rows = ":" if (i0, i1) == (0, m - 1) else f"{i0}:{i1 + 1}"
    columns = ":" if (j0, j1) == (0, n - 1) else f"{j0}:{j1 + 1}"
    return f"[{rows}, {columns}]"


def _enclosed(text: str) -> bool:
    """Tell whether an expression is a call, an index or in parentheses as a whole."""
    depth, outside = 0, ""
    for character in text:
        if character in "([":
            depth += 1
        elif character in ")]":
            depth -= 1
        elif depth == 0:
            outside += character
    return re.fullmatch(r"[\w.]*", outside) is not None
