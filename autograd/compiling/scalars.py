"""The scalar program: the operations that the rules of gates write when they run on its entries.

An entry is a leaf, an arithmetic operation, a comparison or a function of `xp` with its operands, a vector of entries, or
a sum of products, which reads vectors: many sums share one. Equal entries are stored once and constants are folded, so
that a graph and its gradient share common parts.
"""

from __future__ import annotations

import math
import operator
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import reduce
from itertools import chain
from typing import Any

from ..functions import COMPARISONS, FLOATS, FUNCTIONS
from ..gate import REAL, Gate
from ..symbols import Steps

__all__ = ["Contribution", "Entries", "Program", "is_normal"]

Entries = tuple[int, ...]
# A contribution to an adjoint: an entry; or, as (left, right, whether it is summed over the samples), a product of two
# entries or a dot of two vectors that is not written yet, because `adjoint` can make it a part of a longer dot.
Contribution = int | tuple[int, int, bool]


def _sum(numbers: Iterable[float]) -> float:
    return reduce(operator.add, numbers)  # in the order of the gates; sum() compensates rounding since Python 3.12


def _dot(left: Iterable[float], right: Iterable[float]) -> float:
    return _sum(map(operator.mul, left, right))


# The operations that no row of FUNCTIONS computes, on the list of their operands' numbers. A vector's number is a list.
ON_LISTS: dict[str, Callable[[list[Any]], Any]] = {
    "add": _sum, "vector": list, "dot": lambda x: _dot(*x), "total": math.prod,
    "totals": lambda x: [_dot(x[0], column) for column in x[1]],
}  # fmt: skip

TOTALS = ("total", "totals")  # sums over the samples, which do not vary
COMMUTATIVE = {row.name for row in FUNCTIONS.values() if row.commutative}
# Operations that are defined for all operands, and leaves.
DEFINED = {row.name for row in FUNCTIONS.values() if row.may_raise == "0"}
DEFINED |= {"vector", "dot", "total", "const", "param", "input", "seed"}


class Program:
    """Scalar operations in order of computation.

    An entry is varying if it differs from sample to sample, as inputs do; parameters and constants do not. Operations with
    operands of their own kind are

    add: two terms or more
    vector: any entries; only the operations below read it
    dot: a vector of left factors and one of right factors. If one varies and the other does not, it is the right one
    total: a varying entry, or two varying factors, whose product is summed over the samples of a batch
    totals: a vector, and a vector of columns, which are vectors. For each column, its dot with the first vector is summed
    over the samples; the next entries, one "element" for each column, stand for these numbers
    """

    def __init__(self) -> None:
        self.ops: list[str] = []
        self.args: list[Entries] = []  # the operands of each entry; none for a leaf
        self.varying: list[bool] = []
        self.parameters = range(0)
        # leaf -> the index of a parameter, (name, index) of an input, the number of a constant
        self.key: dict[int, Any] = {}
        self.constants: dict[int, float] = {}
        # vector -> whether its entries vary; None if they differ in that, or if none varies and one is a constant
        self.vector_varies: dict[int, bool | None] = {}
        # in the forward pass: result of a gate -> the gate and its inputs
        self.gates: dict[int, tuple[Gate, list[int]]] = {}
        self._defined: dict[int, bool] = {}
        self._is_backward = False
        self._known: defaultdict[str, dict[Any, int]] = defaultdict(dict)  # operation -> operands -> entry
        self._columns: dict[Entries, Entries] = {}

    # Entries

    def leaf(self, kind: str, key: Any, varying: bool) -> int:
        """Return the entry of an input, the seed of the gradient, or a constant."""
        known = self._known[kind]
        i = known.get(key)
        if i is None:
            i = known[key] = self._append(kind, (), varying)
            self.key[i] = key
        return i

    def const(self, x: float) -> int:
        """Return the entry of a constant."""
        key = x if x else str(x)  # -0.0 and 0.0 are different constants
        i = self._known["const"].get(key)
        if i is None:
            i = self.leaf("const", key, False)
            self.constants[i] = self.key[i] = x
        return i

    def is_const(self, i: int, x: float) -> bool:
        """Tell whether an entry is this constant."""
        return self.constants.get(i) == x

    def write_parameters(self, n: int) -> range:
        """Write n parameters, once, and return their entries."""
        made = self.parameters = range(len(self.ops), len(self.ops) + n)
        self.ops += ["param"] * n
        self.args += [()] * n
        self.varying += [False] * n
        self.key.update(zip(made, range(n), strict=True))
        return made

    def run(self, rule: Steps, cells: list[int]) -> list[int | None]:
        """Write the steps of a rule on entries, to which it appends its cells, and return the entries of its results."""
        if rule.constants:
            cells += [self.const(x) for x in rule.constants]
        for op, operands in rule.steps:
            if len(operands) == 2:
                a, b = operands
                cells.append(self.binary(op, cells[a], cells[b]))
            else:
                cells.append(self.operation(op, *[cells[k] for k in operands]))
        return [None if k is None else cells[k] for k in rule.outputs]

    def operation(self, op: str, *args: int) -> int:
        """Return the entry of an operation on entries, in its simplest form."""
        constants = self.constants
        if constants.keys().isdisjoint(args):
            if op in COMMUTATIVE:
                args = tuple(sorted(args))
            simpler = REWRITTEN.get(op)
        else:
            const = [i for i in args if i in constants]
            if len(const) == len(args) and op not in TOTALS:
                return self.const(_fold(op, [constants[i] for i in args]))
            if op in COMMUTATIVE:  # constants first
                args = (*const, *sorted([i for i in args if i not in constants]))
            simpler = REWRITTEN.get(op) or SIMPLER.get(op)
        found = simpler(self, *args) if simpler else None
        return found if found is not None else self._intern(op, args)

    def binary(self, op: str, a: int, b: int) -> int:
        """Return operation(op, a, b), faster: most operations have two operands, and few of these can be simplified."""
        if op in REWRITTEN or a in self.constants or b in self.constants:
            return self.operation(op, a, b)
        return self._intern(op, (b, a) if a > b and op in COMMUTATIVE else (a, b))

    def vector(self, entries: Entries) -> int:
        """Return the entry of a vector."""
        known = self._known["vector"]
        i = known.get(entries)
        if i is None:
            kinds = {self.varying[a] for a in entries}
            i = known[entries] = self._append("vector", entries, True in kinds)
            uniform = len(kinds) == 1 and (True in kinds or self.constants.keys().isdisjoint(entries))
            self.vector_varies[i] = True in kinds if uniform else None
        return i

    def columns(self, rows: Entries) -> Entries:
        """Return the vectors of the first, second, … entries of vectors of one length."""
        found = self._columns.get(rows)
        if found is None:
            entries = [self.args[row] for row in rows]
            found = self._columns[rows] = tuple([self.vector(column) for column in zip(*entries, strict=True)])
        return found

    def totals(self, left: int, columns: Entries) -> range:
        """Return the entries of Σ left·column over all samples, for several columns."""
        owner = self._intern("totals", (left, self.vector(columns)))
        made = range(owner + 1, owner + 1 + len(columns))
        if owner + 1 == len(self.ops):  # it is new
            self.ops += ["element"] * len(columns)
            self.args += [(owner,)] * len(columns)
            self.varying += [False] * len(columns)
        return made

    def _intern(self, op: str, args: Entries) -> int:
        """Return the entry of an operation as it is: the known one or a new one."""
        known = self._known[op]
        i = known.get(args)
        if i is None:
            varying = self.varying
            i = known[args] = len(varying)
            self.ops.append(op)
            self.args.append(args)
            varying.append(op not in TOTALS and True in [varying[a] for a in args])
        return i

    def _append(self, op: str, args: Entries, varying: bool) -> int:
        self.ops.append(op)
        self.args.append(args)
        self.varying.append(varying)
        return len(self.ops) - 1

    def free_tables(self) -> None:
        """Free the tables of known entries, a third of the memory, when no more entries are written."""
        self._known.clear()
        self._columns.clear()

    # The backward pass

    def begin_backward(self) -> None:
        """End the forward pass. Further products with 0 are left out: the forward pass refuses data without a slope."""
        self._is_backward = True
        self.gates.clear()
        self._defined.clear()

    def contribution(self, a: int, b: int, summed: bool) -> Contribution:
        """Return the product of two entries, as an unwritten pair if `adjoint` can make it a term of a dot or total."""
        varying = self.varying
        if summed:
            if varying[a] and varying[b]:
                return (a, b, True) if a >= b else (b, a, True)
        elif varying[a] != varying[b]:
            steady, other = (a, b) if varying[b] else (b, a)
            if steady not in self.constants:
                return steady, other, False
        product = self.binary("mul", a, b)
        return self.operation("total", product) if summed else product

    def adjoint(self, contributions: Sequence[Contribution]) -> int:
        """Return the entry of the sum of the contributions to an adjoint."""
        terms: list[int] = []
        pairs: dict[tuple[bool, bool, bool], list[tuple[int, int, bool]]] = defaultdict(list)
        for contribution in contributions:
            if isinstance(contribution, int):
                terms.append(contribution)
            else:
                left, right, summed = contribution
                pairs[summed, self.varying[left], self.varying[right]].append(contribution)
        terms += [self._sum_of_products(several) for several in pairs.values()]
        if len(terms) == 2:
            return self.binary("add", *terms)
        return self.operation("add", *terms) if terms[1:] else terms[0] if terms else self.const(0.0)

    def _sum_of_products(self, pairs: Sequence[tuple[int, int, bool]]) -> int:
        """Return the entry of the sum of products and dots whose left sides all vary or all do not, and so the right ones."""
        ((left, right, summed), *others) = pairs
        is_vector = self.vector_varies.__contains__
        if others:
            sides = ([self.args[i] if is_vector(i) else (i,) for i in side] for side in list(zip(*pairs))[:2])
            left, right = (self.vector(tuple(chain(*side))) for side in sides)
        if not is_vector(left):
            return self._intern("total", (left, right)) if summed else self.binary("mul", left, right)
        dot = self._intern("dot", (left, right))
        return self._intern("total", (dot,)) if summed else dot

    # Simplifications

    def is_defined(self, i: int) -> bool:
        """Tell whether an entry of the forward pass is a number for all finite data, unless something overflows."""
        if i not in self._defined:
            seen: set[int] = set()
            stack, found = [i], True
            while stack and found:
                a = stack.pop()
                if a in seen:
                    continue
                seen.add(a)
                gate, inputs = self.gates.get(a, (None, []))
                if a in self._defined:
                    found = self._defined[a]
                elif gate and gate.domain.count(REAL) == len(gate.domain):
                    stack += inputs
                else:
                    found = self.ops[a] in DEFINED and math.isfinite(self.constants.get(a, 0.0))
                    stack += self.args[a]
            self._defined |= dict.fromkeys(seen if found else [i], found)
        return self._defined[i]

    # Each method takes the operands of one operation, in commutative ones constants first; None: it stays as it is.

    def _dot(self, a: int, b: int) -> int:
        left, right = self.vector_varies[a], self.vector_varies[b]
        if left is None or right is None:  # constants fold, and each product has its steady factor on the left
            return self.adjoint(
                [self.contribution(x, y, False) for x, y in zip(self.args[a], self.args[b], strict=True)]
            )
        return self._intern("dot", (a, b) if (left, a) <= (right, b) else (b, a))

    def _add(self, *args: int) -> int | None:
        n = len([i for i in args if i in self.constants])
        number = _sum(self.constants[i] for i in args[:n]) if n else 0.0
        if n == 0 or (n == 1 and number != 0.0):
            return None
        if number != 0.0:
            return self.operation("add", self.const(number), *args[n:])
        return args[n] if len(args) == n + 1 else self.operation("add", *args[n:])

    def _mul(self, a: int, b: int) -> int | None:
        factor = self.constants.get(a)
        if factor is None:
            return None
        if factor == 0.0 and (self._is_backward or self.is_defined(b)):  # 0·log(x) is undefined where log(x) is
            return a
        if factor == 1.0:
            return b
        if self.ops[b] == "mul" and is_normal(product := factor * self.constants.get(self.args[b][0], 0.0)):
            return self.operation("mul", self.const(product), self.args[b][1])
        return None

    def _neg(self, x: int) -> int:
        return self.operation("mul", self.const(-1.0), x)

    def _sub(self, a: int, b: int) -> int:
        return self.binary("add", a, self._neg(b))

    def _div(self, a: int, b: int) -> int | None:
        divisor = self.constants.get(b)
        # the reciprocal of most constants is rounded, but a program of many divisions would take up to 1.5 times as long
        if divisor and is_normal(inverse := 1 / divisor):
            return self.operation("mul", self.const(inverse), a)
        return a if self._is_backward and self.is_const(a, 0.0) else None

    def _within(self, a: int, b: int) -> int | None:
        return self.const(1.0) if self._guards(a, b) else None

    def _beyond(self, a: int, b: int) -> int | None:
        return self.const(0.0) if self._guards(a, b) else None

    def _guards(self, a: int, b: int) -> bool:
        """Tell whether a comparison tests for infinity: a with the largest float, or their difference with 0.

        Programs leave such guards out.
        """
        if self.is_const(b, 0.0) and self.ops[a] == "add":
            return self.is_const(self.args[a][0], -sys.float_info.max)
        return self.is_const(b, sys.float_info.max)

    def _pow(self, x: int, y: int) -> int | None:
        power = self.constants.get(y)
        if power in (2.0, 3.0, 4.0):  # several times as fast as a power, and within 2 units in the last place
            square = self.operation("mul", x, x)
            return square if power == 2.0 else self.operation("mul", square, x if power == 3.0 else square)
        if power == 0.5:
            return self.operation("sqrt", x)
        if power == 0.0 and (self._is_backward or self.is_defined(x)):
            return self.const(1.0)
        return x if power == 1.0 else None

    def _where(self, condition: int, a: int, b: int) -> int | None:
        if condition in self.constants:
            return a if self.constants[condition] else b
        if a == b:
            return a
        asks = self.ops[condition] in COMPARISONS and self.is_const(a, 1.0) and self.is_const(b, 0.0)
        return condition if asks else None

    def _total(self, a: int) -> int | None:
        if self.is_const(a, 0.0):
            return a
        if self.ops[a] == "seed":  # 1 / B
            return self.const(1.0)
        if self.ops[a] == "mul":
            for steady, other in (self.args[a], self.args[a][::-1]):
                if not self.varying[steady]:
                    return self.operation("mul", steady, self.operation("total", other))
        return None

    # Interpretation

    def needed(self, outputs: Iterable[int]) -> list[int]:
        """Return the entries that outputs are computed from, and the outputs, in order."""
        wanted = bytearray(len(self.ops))
        for i in outputs:
            wanted[i] = 1
        for i in range(len(wanted) - 1, -1, -1):  # operands come before their users
            if wanted[i]:
                for a in self.args[i]:
                    wanted[a] = 1
        return [i for i, is_wanted in enumerate(wanted) if is_wanted]

    def evaluate(self, outputs: Iterable[int], leaves: Mapping[tuple[str, Any], float]) -> list[float]:
        """Return the outputs for one sample by direct interpretation; the `total` of one sample is its number."""
        outputs = list(outputs)
        values: dict[int, Any] = {}
        for i in self.needed(outputs):
            op, args = self.ops[i], self.args[i]
            if op == "const":
                values[i] = self.key[i]
            elif op == "element":
                values[i] = values[args[0]][i - args[0] - 1]
            elif not args:
                values[i] = leaves[op, self.key[i]]
            else:
                values[i] = _fold(op, [values[a] for a in args])
        return [values[i] for i in outputs]


# The operations that are always looked at for another form, and those that may be simpler if an operand is a constant.
REWRITTEN: dict[str, Callable[..., int | None]] = {
    "neg": Program._neg, "sub": Program._sub, "where": Program._where, "dot": Program._dot, "total": Program._total,
}  # fmt: skip
SIMPLER: dict[str, Callable[..., int | None]] = {
    "add": Program._add, "mul": Program._mul, "div": Program._div, "pow": Program._pow, "<=": Program._within,
    ">": Program._beyond,
}  # fmt: skip


def is_normal(number: float) -> bool:
    """Tell whether a folded number is a normal float: it neither overflowed nor came near 0, where floats lose digits."""
    return sys.float_info.min <= abs(number) <= sys.float_info.max


def _fold(op: str, x: list[Any]) -> Any:
    if op in ON_LISTS:
        return ON_LISTS[op](x)
    return float(FUNCTIONS[op].python(*x) if op in FUNCTIONS else getattr(FLOATS, op)(*x))
