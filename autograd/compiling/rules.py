"""The rules of gates as steps on the entries of a scalar program.

A gate that is a sum of products of its inputs, as dot is, takes two vectors of entries, its left and its right factors,
because many gates share them: all neurons of a layer read the same inputs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any, NamedTuple, TypeVar

from ..gate import Gate
from ..symbols import SYMBOLS, Steps, Symbol, otherwise, parts, steps

__all__ = ["Rule", "long_sums", "rule_of"]


T = TypeVar("T")


class Sides(NamedTuple):
    """The places of a gate's inputs in its sum of products: of the left factors, of the right ones, of single terms."""

    left: tuple[int, ...]
    right: tuple[int, ...]
    rest: tuple[int, ...]

    def split(self, inputs: tuple[T, ...]) -> tuple[tuple[T, ...], tuple[T, ...], tuple[T, ...]]:
        """Return the left factors, the right factors and the single terms."""
        return itemgetter(*self.left)(inputs), itemgetter(*self.right)(inputs), tuple([inputs[i] for i in self.rest])


class Rule:
    """The rules of a gate with n inputs: the steps of its output, and of the local gradients that are wanted.

    sides: if the gate is a sum of products, how to split its inputs. The steps then take a vector of left factors, one of
    right factors, and the single terms.
    """

    def __init__(self, gate: Gate, n: int) -> None:
        self._gate, self._inputs, self._out = gate, [Symbol.named(f"x{i}") for i in range(n)], Symbol.named("out")
        self._slopes: dict[tuple[bool, ...], Steps] = {}
        self.forward = long_sums(steps(self._inputs, [gate.forward(SYMBOLS, *self._inputs)]), n)
        self.sides = self._split()
        if self.sides:
            more = (("add", (*range(2, 2 + len(self.sides.rest)), 2 + len(self.sides.rest))),) * bool(self.sides.rest)
            self.forward = Steps([], [("dot", (0, 1)), *more], [2 + len(self.sides.rest) + len(more)])
            self._inputs = []  # thousands in a wide layer

    def slopes(self, wanted: tuple[bool, ...]) -> Steps:
        """Return the steps on the inputs and the output of the local gradients that are wanted; None for the others."""
        found = self._slopes.get(wanted)
        if found is None:
            found = self._slopes[wanted] = self._swapped(wanted) if self.sides else self._derived(wanted)
        return found

    def _derived(self, wanted: tuple[bool, ...]) -> Steps:
        given = self._gate.local_gradients(SYMBOLS, self._out, self._inputs, wanted)
        return long_sums(steps([*self._inputs, self._out], _unguarded(given)), len(wanted) + 1)

    def _swapped(self, wanted: tuple[bool, ...]) -> Steps:
        """The local gradient of each side is the other one, and that of a single term 1."""
        cells = [1, 0, *(len(wanted) + 1 for _ in wanted[2:])]
        return Steps([1.0], [], [cell if want else None for cell, want in zip(cells, wanted, strict=True)])

    def _split(self) -> Sides | None:
        """Return the sides of a sum of two products or more of different inputs, whose slopes are those of one."""
        n, found = len(self._inputs), self.forward
        *products, (op, terms) = found.steps or [("", ())]
        first = n + len(found.constants)
        if op != "add" or len(products) < 2 or {op for op, _ in products} != {"mul"} or any(found.constants):
            return None
        left, right = zip(*(cells for _, cells in products), strict=True)
        rest = tuple(t for t in terms if t < n)
        made = range(first, first + len(products))
        if sorted((*left, *right, *rest)) != [*range(n)] or sorted(t for t in terms if t >= first) != [*made]:
            return None
        slopes = self._gate.local_gradients(SYMBOLS, self._out, self._inputs)
        swapped = all(slopes[a] is self._inputs[b] and slopes[b] is self._inputs[a] for a, b in zip(left, right))
        alone = all(slope.__class__ in (int, float) and slope == 1 for slope in map(slopes.__getitem__, rest))
        return Sides(left, right, rest) if swapped and alone else None


@lru_cache(maxsize=1024)
def rule_of(gate: Gate, n: int) -> Rule:
    """Return the rules of a gate with n inputs."""
    return Rule(gate, n)


def long_sums(found: Steps, inputs: int) -> Steps:
    """Return steps in which a chain of additions, each the first term of the next, is one sum of many terms."""
    first = inputs + len(found.constants)
    uses = Counter(cell for _, cells in found.steps for cell in cells) + Counter(found.outputs)
    begins = {cells[0] for op, cells in found.steps if op == "add" and uses[cells[0]] == 1}
    place = {cell: cell for cell in range(first)}
    terms: dict[int, tuple[int, ...]] = {}
    kept: list[tuple[str, tuple[int, ...]]] = []
    for cell, (op, cells) in enumerate(found.steps, first):
        head = terms.pop(cells[0], ()) if op == "add" else ()
        taken = (*(head or (place[cells[0]],)), *(place[c] for c in cells[1:]))
        if op == "add" and cell in begins:
            terms[cell] = taken
        else:
            place[cell] = first + len(kept)
            kept.append((op, taken))
    return Steps(found.constants, kept, [None if cell is None else place[cell] for cell in found.outputs])


def _unguarded(formulas: Sequence[Any]) -> list[Symbol | None]:
    """Rewrite the choices of local gradients without their guards against nan: the output is nan already there."""
    symbols = [None if formula is None else Symbol.of(formula) for formula in formulas]
    done: dict[int, Symbol] = {}
    for part in parts(*(symbol for symbol in symbols if symbol is not None)):
        operands = part.operands
        if part.operator == "where":
            operands = (*operands[:2], otherwise(operands[0], operands[2]))
        changed = tuple([done[id(x)] for x in operands])
        same = all(map(lambda a, b: a is b, changed, part.operands))
        done[id(part)] = part if same else Symbol(part.operator, *changed)
    return [None if symbol is None else done[id(symbol)] for symbol in symbols]
