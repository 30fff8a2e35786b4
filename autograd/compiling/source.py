"""Printing an array program as Python: vectorised backpropagation, readable and executable."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence

from ..functions import COMPARISONS, FUNCTIONS
from .blocks import Stack
from .expressions import (
    Broadcast,
    Call,
    Composed,
    Einsum,
    Expression,
    Extreme,
    Group,
    Infix,
    Name,
    Number,
    Reduced,
    Reshaped,
    Rows,
    Slice,
    Sum,
    Swapped,
    Transposed,
    atom,
    walk,
)
from .references import Line, References, Source
from .statements import ArrayProgram, Leaf, Statement

__all__ = ["Source", "write"]

SIGNS = {op: FUNCTIONS[op].sign for op in ("mul", "div", *COMPARISONS)}
WIDEST = 60  # maximum number of characters of an inlined expression


def write(program: ArrayProgram, inputs: Sequence[str], gradient: bool, weighted: bool = False) -> Source:
    """Return the lines of f(xp, theta, *leaves, *inputs): the outputs, or with gradient=True the cost and its gradient.

    With weighted=True the row `seed` is the last argument: the cost is Σ seed · loss over the samples, not the mean.
    """
    return _Writer(program, list(inputs), gradient, weighted).run()


class _Writer(References):
    def __init__(self, program: ArrayProgram, inputs: list[str], gradient: bool, weighted: bool) -> None:
        super().__init__(program, inputs)
        self.gradient = self.source.gradient = gradient
        self.source.weighted = weighted
        self.uses = self.count()
        self.names: Counter[str] = Counter()
        self.leaf_of = dict(self.leaf_gradients()) if gradient else {}

    def count(self) -> Counter[int]:
        """Count the uses of every array; a use of a part counts twice, because it needs a name."""
        uses: Counter[int] = Counter()
        for statement in self.statements:
            for ids in self.taken(statement):
                for a in self.arrays_of(ids) - {-1}:
                    uses[a] += 1 if ids == self.statements[a].members else 2
        for ids in [self.program.outputs, *([self.program.gradients] if self.gradient else [])]:
            uses.update(2 * [*(self.arrays_of(ids) - {-1})])
        return uses

    def taken(self, statement: Statement) -> list[list[int]]:
        if statement.stack is None:
            return statement.operands
        return [self.lefts(statement.stack), self.rights(statement.stack)]

    def lefts(self, stack: Stack) -> list[int]:
        return [i for block in stack.blocks for left in block.lefts for i in left]

    def steady_left(self, stack: Stack) -> bool:
        """Tell whether the left factors are the same for all samples."""
        return not self.vary(self.lefts(stack))

    def rights(self, stack: Stack) -> list[int]:
        """Return the right factors in the order of the product."""
        if stack.total and not self.steady_left(stack):
            return [i for block in stack.blocks for right in block.rights for i in right]
        return [i for block in stack.blocks for products in zip(*block.rights, strict=True) for i in products]

    def leaf_gradients(self) -> Iterator[tuple[int, Leaf]]:
        """Yield every array that is exactly the gradient of one tensor, with that tensor."""
        in_order = [self.program.gradients[p] for p in self.program.parameters]
        for leaf in self.program.leaves:
            a = self.whole(in_order[leaf.start : leaf.start + math.prod(leaf.shape)])
            if a is not None:
                yield a, leaf

    def run(self) -> Source:
        for a, statement in enumerate(self.statements):
            if statement.op == "leaf":
                self.written[a] = Name(statement.name)
            elif statement.members:
                self.define(a, statement)
        outputs = self.result(self.program.outputs)
        if not self.gradient:
            self.source.results = [outputs]
        else:
            self.source.results = [self.cost(outputs), *self.gradients()]
        return self.source

    def cost(self, losses: Expression) -> Expression:
        if self.source.weighted:
            return Reduced(Reduced(Group(Infix("*", atom(losses), Name("seed"))), 1), 0)
        rows = all(isinstance(part, (Name, Slice, Rows)) for part in walk(losses))
        return Reduced(losses if rows else Group(losses), None)

    def gradients(self) -> Iterator[Expression]:
        in_order = [self.program.gradients[p] for p in self.program.parameters]
        for leaf in self.program.leaves:
            yield self.tensor(in_order[leaf.start : leaf.start + math.prod(leaf.shape)], leaf)

    def result(self, ids: list[int]) -> Expression:
        return self.numeric(self.rows(ids, alone=True), ids)

    def tensor(self, ids: list[int], leaf: Leaf) -> Expression:
        """Return the gradient of one tensor, in its shape."""
        a = self.whole(ids)
        if a is not None and self.shape.get(a) == leaf.shape:
            return self.written[a]
        if all(self.array_of(i) == -1 for i in ids):  # constants, such as 0 for a tensor without effect
            shape = leaf.shape if len(leaf.shape) == 2 else (*leaf.shape, 1)
            numbers = self.vector([self.number(i) for i in ids], (len(ids), 1))
            return Reshaped(Broadcast(numbers, len(ids), Number(1)), shape)
        found = atom(self.result(ids))
        return Reshaped(found, leaf.shape) if len(leaf.shape) == 2 else found

    # Statements

    def define(self, a: int, statement: Statement) -> None:
        expression = self.dot(a, statement) if statement.stack is not None else self.elementwise(a, statement)
        if self.uses[a] == 1 and statement.op not in ("max", "min") and len(expression.text) < WIDEST:
            self.written[a] = expression
            return
        name = self.name(a, statement)
        self.source.lines.append(Line(name, expression, statement.op))
        self.written[a] = Name(name)

    def name(self, a: int, statement: Statement) -> str:
        if a in self.leaf_of:
            return f"d{self.leaf_of[a].name}"
        letter = (
            "d" if statement.backward else "z" if statement.op in ("sum", "dot") and self.linear(statement) else "a"
        )
        self.names[letter] += 1
        return f"{letter}{self.names[letter]}"

    def linear(self, statement: Statement) -> bool:
        """Tell whether a statement reads parameters, as a pre-activation does."""
        if statement.stack is not None:
            return any(self.nodes[i].op == "param" for i in statement.stack.blocks[0].lefts[0])
        takes = {self.array_of(ids[0]) for ids in statement.operands} - {-1}
        return any(self.statements[t].stack is not None and self.linear(self.statements[t]) for t in takes)

    def dot(self, a: int, statement: Statement) -> Expression:
        stack = statement.stack
        assert stack is not None
        self.source.products += 1
        g, r, c, n = stack.shape
        lefts, rights = self.lefts(stack), self.rights(stack)
        if self.steady_left(stack):
            left = self.matrix(lefts, (g, r, n))
            right = atom(self.numeric(self.rows(rights, alone=True), rights))
            if (g, c) == (1, 1):
                product: Expression = Infix("@", left, right)
            else:
                right = Reshaped(right, (n, -1) if g == 1 else (g, n, -1))
                product = Reshaped(atom(Infix("@", left, right)), (g * r * c, -1))
            return Reduced(Group(product), 1, keepdims=True) if stack.total else product
        left, right = (atom(self.numeric(self.rows(ids, alone=True), ids)) for ids in (lefts, rights))
        if stack.total:
            if (g, n) == (1, 1):
                product = Infix("@", left, Transposed(right))
            elif g == 1:
                product = Infix("@", Reshaped(left, (r, -1)), Transposed(Reshaped(right, (c, -1))))
            else:
                product = Infix("@", Reshaped(left, (g, r, -1)), Swapped(Reshaped(right, (g, c, -1))))
            if g == 1 and c > 1:
                self.shape[a] = (r, c)
                return product
            return product if (g, c) == (1, 1) else Reshaped(atom(product), (g * r * c, 1))
        if (r, c) == (1, 1):
            products = atom(Infix("*", left, right))
            return Reduced(products, 0, keepdims=True) if g == 1 else Reduced(Reshaped(products, (g, n, -1)), 1)
        product = Einsum(Reshaped(left, (g, r, n, -1)), Reshaped(right, (g, n, c, -1)))
        return Reshaped(product, (g * r * c, -1))

    def elementwise(self, a: int, statement: Statement) -> Expression:
        op = statement.op
        if op in ("max", "min"):
            n, k = len(statement.members), len(statement.operands[0]) // len(statement.members)
            return Extreme(op, Reshaped(atom(self.rows(statement.operands[0], alone=True)), (n, k, -1)))
        shape = self.common_shape(statement)
        if shape is not None:
            self.shape[a] = shape
        numeric = op not in ("mul", "where") or all(self.compares(ids) for ids in statement.operands)
        parts = [
            self.numeric(rows, ids) if numeric else rows
            for ids in statement.operands
            for rows in [self.rows(ids, shape=shape)]
        ]
        alike = op == "mul" and not self.source.weighted  # the seed is 1 / B for all samples, so a number suffices
        seeds = [k for k, ids in enumerate(statement.operands) if alike and self.is_seed(ids)]
        if len(seeds) == 1 and not numeric and not self.compares(statement.operands[1 - seeds[0]]):
            parts[seeds[0]] = Infix("/", Number(1), Name("B"))
        if op == "where":
            parts[1:] = map(self.numeric, parts[1:], statement.operands[1:])
            if all(self.constant(ids) is not None for ids in statement.operands[1:]):
                parts[1] = Infix("*", parts[1], Name("one"))  # an array of the program's dtype
        if op == "sum":
            return self.sum(statement, parts, shape)
        if op == "total":
            return Reduced(atom(parts[0]), 1, keepdims=True)
        if op in SIGNS:
            left, right = map(atom, parts)
            return Infix(SIGNS[op], left, right)
        row = FUNCTIONS.get(op)
        if row is not None and row.rule is not None:
            return Composed(op, tuple(parts))
        return Call(op if row is None else row.printed, tuple(parts))

    def sum(self, statement: Statement, parts: list[Expression], shape: tuple[int, int] | None) -> Expression:
        entries = list(zip(statement.coefs, parts, strict=True))
        entries.sort(key=lambda entry: (not _has_product(entry[1]), _is_finite_number(entry[1])))
        first = next((entry for entry in entries if entry[0][0] != -1), None)
        entries.sort(key=lambda entry: entry is not first)  # −a + b is written as b − a
        signs: list[int] = []
        terms: list[Expression] = []
        for coefs, part in entries:
            sign = 1
            if set(coefs) == {-1}:
                sign, part = -1, atom(part)
            elif set(coefs) != {1}:
                part = Infix("*", self.numbers(coefs, shape), atom(part))
            if isinstance(part, Sum) and not (terms and _begins_negative(part)):  # its terms are inlined into this sum
                signs += part.signs
                terms += part.parts
            else:
                signs.append(sign)
                terms.append(Group(part) if terms and _begins_negative(part) else part)
        return Sum(signs, terms) if len(terms) > 1 or signs[0] < 0 else terms[0]

    def is_seed(self, ids: list[int]) -> bool:
        return all(self.nodes[i].op == "seed" for i in ids)

    def compares(self, ids: list[int]) -> bool:
        a = self.array_of(ids[0])
        return a != -1 and self.statements[a].op in COMPARISONS


def _has_product(expression: Expression) -> bool:
    return any(isinstance(part, Infix) and part.sign == "@" for part in walk(expression))


def _begins_negative(expression: Expression) -> bool:
    """Tell whether the text of an expression begins with a minus."""
    while isinstance(expression, (Sum, Infix)):
        if isinstance(expression, Sum) and expression.signs[0] < 0:
            return True
        expression = expression.parts[0]
    return isinstance(expression, Number) and math.copysign(1.0, expression.value) < 0


def _is_finite_number(expression: Expression) -> bool:
    return isinstance(expression, Number) and math.isfinite(expression.value)
