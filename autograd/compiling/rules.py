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

__all__ = ["Rule", "Rules", "long_sums"]

FEW = 8  # the rules of gates with up to so many inputs are kept for all programs
T = TypeVar("T")


class Sides(NamedTuple):
    """A gate as Σ left·right + Σ terms: the indices of the inputs that are its left factors, its right ones, its terms."""

    left: tuple[int, ...]
    right: tuple[int, ...]
    terms: tuple[int, ...]

    def split(self, inputs: tuple[T, ...]) -> tuple[tuple[T, ...], tuple[T, ...], tuple[T, ...]]:
        """Return the left factors, the right factors and the single terms."""
        return itemgetter(*self.left)(inputs), itemgetter(*self.right)(inputs), tuple([inputs[i] for i in self.terms])


class Rule:
    """The rules of a gate with n inputs: the steps of its output, and of the local gradients that are wanted.

    sides: if the gate is a sum of two or more products, which inputs are its factors; otherwise None. The steps of such a
    gate take a vector of left factors and one of right factors, then the single terms.
    """

    def __init__(self, gate: Gate, n: int) -> None:
        self._gate = gate
        self._slopes: dict[tuple[bool, ...], Steps] = {}
        inputs = [Symbol.named(f"x{i}") for i in range(n)]
        self.forward = long_sums(steps(inputs, [gate.forward(SYMBOLS, *inputs)]), n)
        self.sides = self._find_sides(inputs)
        if self.sides:
            self.forward = _dot_and_terms(len(self.sides.terms))

    def slopes(self, wanted: tuple[bool, ...]) -> Steps:
        """Return the steps on the inputs and the output of the local gradients that are wanted; None for the others."""
        found = self._slopes.get(wanted)
        if found is None:
            found = _swapped(wanted) if self.sides else self._derived(wanted)
            self._slopes[wanted] = found
        return found

    def _derived(self, wanted: tuple[bool, ...]) -> Steps:
        inputs, out = [Symbol.named(f"x{i}") for i in range(len(wanted))], Symbol.named("out")
        formulas = self._gate.local_gradients(SYMBOLS, out, inputs, wanted)
        return long_sums(steps([*inputs, out], _unguarded(formulas)), len(wanted) + 1)

    def _find_sides(self, inputs: Sequence[Symbol]) -> Sides | None:
        """Return the sides of a sum of two products or more, if each input occurs once and the local gradients fit."""
        n, found = len(inputs), self.forward
        *products, (op, terms) = found.steps or [("", ())]
        first = n + len(found.constants)  # the cell of the first product
        if op != "add" or len(products) < 2 or {op for op, _ in products} != {"mul"} or any(found.constants):
            return None
        left, right = zip(*(cells for _, cells in products), strict=True)
        single = tuple(t for t in terms if t < n)
        made = range(first, first + len(products))
        if sorted((*left, *right, *single)) != [*range(n)] or sorted(t for t in terms if t >= first) != [*made]:
            return None
        try:
            slopes = self._gate.local_gradients(SYMBOLS, Symbol.named("out"), inputs)
        except (ArithmeticError, TypeError, ValueError):  # it is raised, and says where, when a gradient is asked for
            return None
        swapped = all(slopes[a] is inputs[b] and slopes[b] is inputs[a] for a, b in zip(left, right))
        alone = all(slopes[i].__class__ in (int, float) and slopes[i] == 1 for i in single)
        return Sides(left, right, single) if swapped and alone else None


def _dot_and_terms(n: int) -> Steps:
    """Return the steps of a dot of two vectors, the cells 0 and 1, plus n single terms, the next cells."""
    dot = 2 + n
    total = [("add", (*range(2, dot), dot))] if n else []
    return Steps([], [("dot", (0, 1)), *total], [dot + len(total)])


def _swapped(wanted: tuple[bool, ...]) -> Steps:
    """Return the local gradients of a dot and terms: for each vector the other one, and for a single term 1."""
    one = len(wanted) + 1  # the cell of the constant, after the inputs and the output
    cells = [1, 0, *[one] * (len(wanted) - 2)]
    return Steps([1.0], [], [cell if want else None for cell, want in zip(cells, wanted, strict=True)])


class Rules(dict[tuple[Gate, int], Rule]):
    """The rules of the gates of a program: (gate, number of inputs) -> its rules."""

    def __missing__(self, key: tuple[Gate, int]) -> Rule:
        rule = self[key] = _kept(*key) if key[1] <= FEW else Rule(*key)
        return rule


@lru_cache(maxsize=1024)
def _kept(gate: Gate, n: int) -> Rule:
    return Rule(gate, n)


def long_sums(found: Steps, inputs: int) -> Steps:
    """Return steps in which a chain of additions, each the first term of the next, is one sum of many terms."""
    first = inputs + len(found.constants)
    uses = Counter(cell for _, cells in found.steps for cell in cells) + Counter(found.outputs)
    inner = {cells[0] for op, cells in found.steps if op == "add" and uses[cells[0]] == 1}  # begins another sum, alone
    moved = {cell: cell for cell in range(first)}  # cell -> its number in the new steps
    terms: dict[int, tuple[int, ...]] = {}  # inner sum -> its terms
    kept: list[tuple[str, tuple[int, ...]]] = []
    for cell, (op, cells) in enumerate(found.steps, first):
        head = terms.pop(cells[0], ()) if op == "add" else ()
        operands = (*(head or (moved[cells[0]],)), *(moved[c] for c in cells[1:]))
        if op == "add" and cell in inner:
            terms[cell] = operands
        else:
            moved[cell] = first + len(kept)
            kept.append((op, operands))
    return Steps(found.constants, kept, [None if cell is None else moved[cell] for cell in found.outputs])


def _unguarded(formulas: Sequence[Any]) -> list[Symbol | None]:
    """Return local gradients whose choices have no guards against nan, because the output is nan already there."""
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
