"""The scalar program: the operations that the rules of gates write when they run on its entries.

An entry is an arithmetic operation, a comparison or a function of `xp`, with its operands. Equal entries are stored
once and constants are folded, so that a graph and its gradient share common parts.
"""

from __future__ import annotations

import math
import operator
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from functools import reduce
from typing import Any

from ..functions import COMPARISONS, FLOATS, FUNCTIONS
from ..gate import REAL, Gate
from ..symbols import COMPLEMENT, Arithmetic

__all__ = ["Downstream", "Program", "Scalar", "is_normal"]

Downstream = int | tuple[int, int]  # an entry, or the two factors of a product


def _sum(numbers: Iterable[float]) -> float:
    return reduce(operator.add, numbers)  # in the order of the gates; sum() compensates rounding since Python 3.12


SEVERAL: dict[str, Callable[[list[float]], float]] = {
    "add": _sum, "total": math.prod, "dot": lambda x: _sum(map(operator.mul, x[: len(x) // 2], x[len(x) // 2 :])),
}  # fmt: skip

COMMUTATIVE = {row.name for row in FUNCTIONS.values() if row.commutative}
# Operations that are defined for all operands, and leaves.
DEFINED = {row.name for row in FUNCTIONS.values() if row.may_raise == "0"}
DEFINED |= {"dot", "total", "const", "param", "input", "seed"}


class Program:
    """Scalar operations in order of computation.

    An entry is varying if it differs from sample to sample, as inputs do; parameters and constants do not. Operands are

    add: two terms or more
    dot: left factors, then as many right ones. Left ones do not vary, right ones do; under a total both vary
    total: a varying entry, or two varying factors, whose product is summed over the samples of a batch
    """

    def __init__(self) -> None:
        self.ops: list[str] = []
        self.args: list[tuple[int, ...]] = []  # the operands of each entry; none for a leaf
        self.varying: list[bool] = []
        # leaf -> the index of a parameter, (name, index) of an input, the number of a constant
        self.key: dict[int, Any] = {}
        # in the forward pass: result of a gate -> the gate and its inputs
        self.gates: dict[int, tuple[Gate, list[Scalar]]] = {}
        self._defined: dict[int, bool] = {}
        self._is_backward = False
        self.constants: dict[int, float] = {}
        self._known: defaultdict[str, dict[Any, int]] = defaultdict(dict)

    def const(self, x: float) -> int:
        """Return the entry of a constant."""
        key = x if x else str(x)  # -0.0 and 0.0 are different constants
        i = self._known["const"].get(key)
        if i is None:
            i = self.leaf("const", key, False)
            self.constants[i] = self.key[i] = x
        return i

    def leaf(self, kind: str, key: Any, varying: bool) -> int:
        """Return the entry of a parameter (kind "param"), an input, or the seed of the gradient."""
        known = self._known[kind]
        i = known.get(key)
        if i is None:
            i = known[key] = self._append(kind, (), varying)
            self.key[i] = key
        return i

    def forget(self) -> None:
        """Free the table of equal entries, when no more are written: it is a third of the memory."""
        self._known.clear()

    def is_const(self, i: int, x: float) -> bool:
        """Tell whether an entry is this constant."""
        return self.constants.get(i) == x

    def node(self, op: str, *args: int) -> int:
        """Return the entry of an operation on entries, in its simplest form."""
        constants = self.constants
        const = [i for i in args if i in constants]
        if const and len(const) == len(args) and op != "total":
            return self.const(_fold(op, [constants[i] for i in args]))
        if op in COMMUTATIVE:  # constants first
            args = (*const, *sorted([i for i in args if i not in constants] if const else args))
        simpler = SIMPLER.get(op)
        found = simpler(self, *args) if simpler else None
        return found if found is not None else self._entry(op, args)

    def product(self, a: int, b: int) -> int:
        """Return node("mul", a, b), faster: products are many, and most cannot be simplified."""
        if a in self.constants or b in self.constants:
            return self.node("mul", a, b)
        return self._entry("mul", (a, b) if a <= b else (b, a))

    def sum(self, terms: list[int]) -> int:
        """Return the entry of a sum of any number of terms."""
        return self.node("add", *terms) if len(terms) > 1 else terms[0] if terms else self.const(0.0)

    def dot(self, pairs: list[tuple[int, int]]) -> int:
        """Return the entry of Σ a·b over pairs (a, b) in which b varies and a does not."""
        if len(pairs) == 1:
            return self.product(*pairs[0])
        lefts, rights = zip(*sorted(pairs))
        return self._entry("dot", lefts + rights)

    def downstream(self, a: int, b: int, summed: bool) -> Downstream:
        """Return the product of two entries, as an unwritten pair if `adjoint` can make it a term of a dot or total."""
        varying = self.varying
        if summed:
            if varying[a] and varying[b]:
                return (a, b) if a >= b else (b, a)
        elif varying[a] != varying[b]:
            steady, other = (a, b) if varying[b] else (b, a)
            if steady not in self.constants:
                return steady, other
        return self.node("total", self.product(a, b)) if summed else self.product(a, b)

    def adjoint(self, terms: list[Downstream]) -> int:
        """Return the entry of the sum of the contributions to an adjoint."""
        pairs = [term for term in terms if isinstance(term, tuple)]
        found = [term for term in terms if isinstance(term, int)] if len(pairs) < len(terms) else []
        if pairs:
            found.append(self.total(pairs) if self.varying[pairs[0][0]] else self.dot(pairs))
        return self.sum(found)

    def total(self, pairs: list[tuple[int, int]]) -> int:
        """Return the entry of Σ a·b over all samples and over pairs of varying factors."""
        if len(pairs) == 1:
            return self._entry("total", pairs[0])
        lefts, rights = zip(*pairs)  # in order of arrival, which is the order of computation
        return self._entry("total", (self._entry("dot", lefts + rights),))

    def _entry(self, op: str, args: tuple[int, ...]) -> int:
        known = self._known[op]
        i = known.get(args)
        if i is None:
            varying = self.varying
            i = known[args] = self._append(op, args, op != "total" and True in [varying[a] for a in args])
        return i

    def _append(self, op: str, args: tuple[int, ...], varying: bool) -> int:
        self.ops.append(op)
        self.args.append(args)
        self.varying.append(varying)
        return len(self.ops) - 1

    def begin_backward(self) -> None:
        """End the forward pass. Further products with 0 are left out: the forward pass refuses data without a slope."""
        self._is_backward = True
        self.gates.clear()
        self._defined.clear()

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
                    stack += [x.index for x in inputs]
                else:
                    found = self.ops[a] in DEFINED and math.isfinite(self.constants.get(a, 0.0))
                    stack += self.args[a]
            self._defined |= dict.fromkeys(seen if found else [i], found)
        return self._defined[i]

    # The simplifications of each operation; in commutative ones constants come first.

    def _add(self, *args: int) -> int | None:
        n = len([i for i in args if i in self.constants])
        number = _sum(self.constants[i] for i in args[:n]) if n else 0.0
        if n == 0 or (n == 1 and number != 0.0):
            return None
        if number != 0.0:
            return self.node("add", self.const(number), *args[n:])
        return args[n] if len(args) == n + 1 else self.node("add", *args[n:])

    def _mul(self, a: int, b: int) -> int | None:
        factor = self.constants.get(a)
        if factor is None:
            return None
        if factor == 0.0 and (self._is_backward or self.is_defined(b)):  # 0·log(x) is undefined where log(x) is
            return a
        if factor == 1.0:
            return b
        if self.ops[b] == "mul" and is_normal(product := factor * self.constants.get(self.args[b][0], 0.0)):
            return self.node("mul", self.const(product), self.args[b][1])
        return None

    def _neg(self, x: int) -> int:
        return self.node("mul", self.const(-1.0), x)

    def _sub(self, a: int, b: int) -> int:
        return self.node("add", a, self._neg(b))

    def _div(self, a: int, b: int) -> int | None:
        divisor = self.constants.get(b)
        # the reciprocal of most constants is rounded, but a program of many divisions would take up to 1.5 times as long
        if divisor and is_normal(inverse := 1 / divisor):
            return self.node("mul", self.const(inverse), a)
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
            square = self.node("mul", x, x)
            return square if power == 2.0 else self.node("mul", square, x if power == 3.0 else square)
        if power == 0.5:
            return self.node("sqrt", x)
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
                    return self.node("mul", steady, self.node("total", other))
        return None

    def without_nan(self, condition: int, no: int) -> int:
        """Return the `no` branch of a choice without its guard against nan."""
        if self.ops[no] != "where":
            return no
        opposite, otherwise, last = self.args[no]
        same = self.ops[opposite] == COMPLEMENT.get(self.ops[condition]) and self.args[opposite] == self.args[condition]
        return otherwise if same and math.isnan(self.constants.get(last, 0.0)) else no

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
        values: dict[int, float] = {}
        for i in self.needed(outputs):
            op, args = self.ops[i], self.args[i]
            if op == "const":
                values[i] = self.key[i]
            elif not args:
                values[i] = leaves[op, self.key[i]]
            else:
                values[i] = _fold(op, [values[a] for a in args])
        return [values[i] for i in outputs]


SIMPLER: dict[str, Callable[..., int | None]] = {
    "add": Program._add, "neg": Program._neg, "sub": Program._sub, "mul": Program._mul, "div": Program._div,
    "pow": Program._pow, "where": Program._where, "<=": Program._within, ">": Program._beyond, "total": Program._total,
}  # fmt: skip


def is_normal(number: float) -> bool:
    """Tell whether a folded number is a normal float: it neither overflowed nor came near 0, where floats lose digits."""
    return sys.float_info.min <= abs(number) <= sys.float_info.max


def _fold(op: str, x: list[float]) -> float:
    if op in SEVERAL:
        return SEVERAL[op](x)
    return float(FUNCTIONS[op].python(*x) if op in FUNCTIONS else getattr(FLOATS, op)(*x))


class Scalar(Arithmetic):
    """An entry of a program as a number for rules: arithmetic and functions of `xp` write further entries."""

    __slots__ = ("index", "program")

    def __init__(self, program: Program, index: int) -> None:
        self.program, self.index = program, index

    def __add__(self, other: Any) -> Scalar:
        return Sum(self, other)

    __radd__ = __add__

    def __mul__(self, other: Any) -> Scalar:
        program = self.program
        a, b = entry(program, self), entry(program, other)
        varying = program.varying
        if varying[a] != varying[b] and a not in program.constants and b not in program.constants:
            return Product(program, a, b) if varying[b] else Product(program, b, a)
        return Scalar(program, program.product(a, b))

    def written(self, operation: str, *operands: Any) -> Scalar:
        return Scalar(self.program, self.program.node(operation, *(entry(self.program, x) for x in operands)))

    def __gate__(self, gate: Any, inputs: tuple[Any, ...]) -> Any:
        """A gate in a rule writes its own formula."""
        return gate.forward(Functions(self.program), *inputs)


class Product(Scalar):
    """A product of a parameter's and a sample's entry that is not written yet, because a sum may absorb it."""

    __slots__ = ("left", "right")

    def __init__(self, program: Program, left: int, right: int) -> None:
        self.program, self.left, self.right = program, left, right

    def close(self) -> int:
        """Return its entry."""
        return self.program.product(self.left, self.right)


class Sum(Scalar):
    """A chain of additions that is not written yet; its first use as an operand makes it one entry."""

    __slots__ = ("before", "term")

    def __init__(self, before: Scalar, term: Any) -> None:
        self.program, self.before, self.term, self.index = before.program, before, term, -1

    def close(self) -> int:
        """Write the chain as one entry and return that; longer chains then use it as one term."""
        if self.index >= 0:
            return self.index
        terms: list[int] = []
        pairs: list[tuple[int, int]] = []
        rest: Scalar | None = self
        while rest is not None:
            rest, term = (rest.before, rest.term) if isinstance(rest, Sum) and rest.index < 0 else (None, rest)
            if term.__class__ is Product:
                pairs.append((term.left, term.right))
            else:
                terms.append(entry(self.program, term))
        terms.reverse()  # in the order of the additions
        if pairs:
            terms.append(self.program.dot(pairs))
        self.index = self.program.sum(terms)
        return self.index


def entry(program: Program, x: Any) -> int:
    """Return the entry of a Scalar or a number."""
    kind = x.__class__
    if kind is Scalar:
        return x.index  # type: ignore[no-any-return]
    if kind is float:
        return program.const(x)
    return x.close() if kind is Sum or kind is Product else program.const(float(x))


class Functions:
    """The `xp` of a program: a call writes an entry."""

    def __init__(self, program: Program, partials: bool = False) -> None:
        self._program, self._partials = program, partials

    def where(self, condition: Any, yes: Any, no: Any) -> Scalar:
        """In a partial derivative, leave out the guard against nan, because the gate's output is nan already."""
        program = self._program
        c, a, b = (entry(program, x) for x in (condition, yes, no))
        return Scalar(program, program.node("where", c, a, program.without_nan(c, b) if self._partials else b))

    def __getattr__(self, name: str) -> Any:
        if isinstance(getattr(math, name, None), float):
            return getattr(math, name)  # pi, e, inf, nan
        program = self._program
        return lambda *args: Scalar(program, program.node(name, *(entry(program, a) for a in args)))
