"""Printing an array program as Python: the vectorised backpropagation of the textbook, readable and ready to run."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence

from ..functions import COMPARISONS, FUNCTIONS
from .arrays import Array, Arrays, Leaf
from .blocks import Stack
from .references import References, Source

__all__ = ["Source", "write"]

SIGNS = {op: f" {FUNCTIONS[op].sign} " for op in ("mul", "div", *COMPARISONS)}


def write(program: Arrays, inputs: Sequence[str], gradient: bool) -> Source:
    """Return the source of `run(xp, *leaves, *inputs)`: the outputs, or with gradient=True the cost and its gradient."""
    return _Writer(program, list(inputs), gradient).run()


class _Writer(References):
    def __init__(self, program: Arrays, inputs: list[str], gradient: bool) -> None:
        super().__init__(program)
        self.inputs, self.gradient = inputs, gradient
        self.uses = self.count()
        self.statements: list[tuple[str, str, str]] = []
        self.names: Counter[str] = Counter()
        self.leaf_of = dict(self.leaf_gradients()) if gradient else {}

    def count(self) -> Counter[int]:
        """Count how often every array is taken, twice where only a part of it is: then it needs a name."""
        uses: Counter[int] = Counter()
        for array in self.arrays:
            for ids in self.taken(array):
                for a in {self.place[i][0] for i in ids if i in self.place}:
                    uses[a] += 1 if ids == self.arrays[a].members else 2
        for ids in [self.program.outputs, *([self.program.gradients] if self.gradient else [])]:
            uses.update(2 * list({self.place[i][0] for i in ids if i in self.place}))
        return uses

    def taken(self, array: Array) -> list[list[int]]:
        if array.stack is None:
            return array.operands
        return [self.lefts(array.stack), self.rights(array.stack)]

    def lefts(self, stack: Stack) -> list[int]:
        return [i for block in stack.blocks for left in block.lefts for i in left]

    def steady_left(self, stack: Stack) -> bool:
        """Tell whether the left factors are the same for all samples, as parameters are."""
        return not any(self.nodes[i].varying for i in self.lefts(stack))

    def rights(self, stack: Stack) -> list[int]:
        """Return the right factors in the order in which the product wants them."""
        if stack.total and not self.steady_left(stack):
            return [i for block in stack.blocks for right in block.rights for i in right]
        return [i for block in stack.blocks for products in zip(*block.rights, strict=True) for i in products]

    def leaf_gradients(self) -> Iterator[tuple[int, Leaf]]:
        """Pair the arrays that are the gradient of one tensor with that tensor."""
        in_order = [self.program.gradients[p] for p in self.program.parameters]
        for leaf in self.program.leaves:
            a = self.whole(in_order[leaf.start : leaf.start + math.prod(leaf.shape)])
            if a is not None:
                yield a, leaf

    def run(self) -> Source:
        for a, array in enumerate(self.arrays):
            if array.op == "leaf":
                self.text[a] = array.name
            elif array.members:
                self.define(a, array)
        lines = self.header()
        for name, expression, op in self.statements:
            lines.append(f"    {name} = {expression}")
            self.source.lines[len(lines)] = op
        lines.append(f"    return {self.results()}")
        self.source.text = "\n".join(lines)
        return self.source

    def header(self) -> list[str]:
        results = self.results()
        body = " ".join([*(expression for _, expression, _ in self.statements), results])
        words = set(re.findall(r"\w+", body))
        leaves = [leaf.name for leaf in self.program.leaves]
        lines = [
            f"def {'loss_and_grad' if self.gradient else 'predict'}(xp, theta, {', '.join([*leaves, *self.inputs])}):"
        ]
        if "B" in words or "seed" in words:
            lines.append(f"    B = {self.inputs[0]}.shape[1]")
        if "seed" in words:
            lines.append(f"    seed = xp.full_like({self.inputs[0]}[:1], 1 / B)")
        if "one" in words and "one" not in self.inputs:
            lines.append(f"    one = xp.ones_like({self.inputs[0]}[:1, :1])")
        return lines

    def results(self) -> str:
        if not self.gradient:
            return self.result(self.program.outputs)
        cost = self.result(self.program.outputs)
        places = dict(zip(self.program.parameters, range(len(self.program.parameters)), strict=True))
        in_order = [self.program.gradients[p] for p in self.program.parameters]
        assert len(places) == len(in_order)
        parts = []
        for leaf in self.program.leaves:
            n = math.prod(leaf.shape)
            parts.append(self.tensor(in_order[leaf.start : leaf.start + n], leaf))
        mean = f"({cost}).mean()" if " " in cost else f"{cost}.mean()"
        return ", ".join([mean, *parts]) + "," * (not parts)

    def result(self, ids: list[int]) -> str:
        return self.numeric(self.rows(ids, alone=True), ids)

    def tensor(self, ids: list[int], leaf: Leaf) -> str:
        """Return the gradient of one tensor, in its shape."""
        a = self.whole(ids)
        if a is not None and self.shape.get(a) == leaf.shape:
            return self.text[a]
        if all(i not in self.place for i in ids):  # numbers, as 0 where nothing depends on it
            shape = leaf.shape if len(leaf.shape) == 2 else (*leaf.shape, 1)
            return f"xp.broadcast_to({self.vector([self.number(i) for i in ids], (len(ids), 1))}, ({len(ids)}, 1)).reshape{shape}"
        text = self.atom(self.result(ids))
        return f"{text}.reshape({', '.join(map(str, leaf.shape))})" if len(leaf.shape) == 2 else text

    # Arrays

    def define(self, a: int, array: Array) -> None:
        expression = self.dot(a, array) if array.stack is not None else self.elementwise(a, array)
        if self.uses[a] == 1 and len(expression) < 60 and array.op not in ("max", "min"):
            self.text[a] = expression
            return
        name = self.name(a, array)
        self.statements.append((name, expression, array.op))
        self.text[a] = name

    def name(self, a: int, array: Array) -> str:
        if a in self.leaf_of:
            return f"d{self.leaf_of[a].name}"
        letter = "d" if array.backward else "z" if array.op in ("sum", "dot") and self.linear(array) else "a"
        self.names[letter] += 1
        return f"{letter}{self.names[letter]}"

    def linear(self, array: Array) -> bool:
        """Tell whether parameters enter here, as they do into a pre-activation."""
        if array.stack is not None:
            return any(self.nodes[i].op == "param" for i in array.stack.blocks[0].lefts[0])
        takes = {self.place[ids[0]][0] for ids in array.operands if ids[0] in self.place}
        return any(self.arrays[t].stack is not None and self.linear(self.arrays[t]) for t in takes)

    def dot(self, a: int, array: Array) -> str:
        stack = array.stack
        assert stack is not None
        self.source.products += 1
        g, r, c, n = stack.shape
        lefts, rights = self.lefts(stack), self.rights(stack)
        if self.steady_left(stack):
            left = self.matrix(lefts, (g, r, n))
            right = self.atom(self.numeric(self.rows(rights, alone=True), rights))
            if (g, c) == (1, 1):
                text = f"{left} @ {right}"
            else:
                inner = f"{n}, -1" if g == 1 else f"{g}, {n}, -1"
                text = f"({left} @ {right}.reshape({inner})).reshape({g * r * c}, -1)"
            return f"({text}).sum(1, keepdims=True)" if stack.total else text
        left, right = (self.atom(self.numeric(self.rows(ids, alone=True), ids)) for ids in (lefts, rights))
        if stack.total:
            if (g, n) == (1, 1):
                text = f"{left} @ {right}.T"
            elif g == 1:
                text = f"{left}.reshape({r}, -1) @ {right}.reshape({c}, -1).T"
            else:
                text = f"{left}.reshape({g}, {r}, -1) @ {right}.reshape({g}, {c}, -1).swapaxes(1, 2)"
            if g == 1 and c > 1:
                self.shape[a] = (r, c)
                return text
            return text if (g, c) == (1, 1) else f"({text}).reshape({g * r * c}, 1)"
        if (r, c) == (1, 1):
            product = f"{left} * {right}"
            return f"({product}).sum(0, keepdims=True)" if g == 1 else f"({product}).reshape({g}, {n}, -1).sum(1)"
        shapes = f"{left}.reshape({g}, {r}, {n}, -1), {right}.reshape({g}, {n}, {c}, -1)"
        return f'xp.einsum("grlb,glcb->grcb", {shapes}).reshape({g * r * c}, -1)'

    def elementwise(self, a: int, array: Array) -> str:
        op = array.op
        if op in ("max", "min"):
            n, k = len(array.members), len(array.operands[0]) // len(array.members)
            rows = self.atom(self.rows(array.operands[0], alone=True))
            return f"xp.{op}({rows}.reshape({n}, {k}, -1), 1)"
        shape = self.common_shape(array)
        if shape is not None:
            self.shape[a] = shape
        numeric = op not in ("mul", "where") or all(self.compares(ids) for ids in array.operands)
        texts = [
            self.numeric(text, ids) if numeric else text
            for ids in array.operands
            for text in [self.rows(ids, shape=shape)]
        ]
        seeds = [k for k, ids in enumerate(array.operands) if op == "mul" and self.is_seed(ids)]
        if len(seeds) == 1 and not numeric and not self.compares(array.operands[1 - seeds[0]]):
            texts[seeds[0]] = "1 / B"  # the same for all samples, so a number will do
        if op == "where":
            texts[1:] = map(self.numeric, texts[1:], array.operands[1:])
            if all(self.constant(ids) is not None for ids in array.operands[1:]):
                texts[1] = f"{texts[1]} * one"  # of the program's dtype
        if op == "sum":
            return self.sum(array, texts, shape)
        if op == "total":
            return f"{self.atom(texts[0])}.sum(1, keepdims=True)"
        if op in SIGNS:
            return SIGNS[op].join(map(self.atom, texts))
        name = FUNCTIONS[op].numpy if op in FUNCTIONS else ""
        return f"xp.{name or op}({', '.join(texts)})"

    def sum(self, array: Array, texts: list[str], shape: tuple[int, int] | None) -> str:
        entries = list(zip(array.coefs, texts, strict=True))
        entries.sort(key=lambda entry: ("@" not in entry[1], _number(entry[1])))
        first = next((entry for entry in entries if entry[0][0] != -1), None)
        entries.sort(key=lambda entry: entry is not first)  # −a + b is written as b − a
        found = ""
        for coefs, text in entries:
            sign = " - " if coefs[0] == -1 and set(coefs) == {-1} else " + "
            term = text if set(coefs) <= {1.0} else self.atom(text)
            if not set(coefs) <= {1.0} and not set(coefs) <= {-1.0}:
                term = f"{self.numbers(coefs, shape)} * {term}"
            elif sign == " - ":
                term = self.atom(text)
            if found:
                found += sign + (term if not term.startswith("-") else f"({term})")
            else:
                found = f"-{term}" if sign == " - " else term
        return found

    def is_seed(self, ids: list[int]) -> bool:
        return all(self.nodes[i].op == "seed" for i in ids)

    def compares(self, ids: list[int]) -> bool:
        return ids[0] in self.place and self.arrays[self.place[ids[0]][0]].op in COMPARISONS


def _number(text: str) -> bool:
    return re.fullmatch(r"-?[\d.]+(e[-+]?\d+)?", text) is not None
