"""Printing an array program as Python: the vectorised backpropagation of the textbook, readable and ready to run."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from .arrays import Array, Arrays, Leaf
from .scalars import COMPARE

__all__ = ["Source", "write"]

PIECES = 6  # that are written side by side; rows from more arrays are gathered
SYMBOLS = {"mul": " * ", "div": " / "} | {op: f" {op} " for op in COMPARE}


@dataclass
class Source:
    """The text of a program, the constant arrays that it names, and what each line computes."""

    text: str
    constants: dict[str, Any] = field(default_factory=dict)
    lines: dict[int, str] = field(default_factory=dict)  # line -> operation
    products: int = 0
    gathers: int = 0


def write(program: Arrays, inputs: Sequence[str], gradient: bool) -> Source:
    """Return the source of `run(xp, *leaves, *inputs)`: the outputs, or with gradient=True the cost and its gradient."""
    return _Writer(program, list(inputs), gradient).run()


class _Writer:
    def __init__(self, program: Arrays, inputs: list[str], gradient: bool) -> None:
        self.program, self.inputs, self.gradient = program, inputs, gradient
        self.nodes, self.arrays, self.place = program.nodes, program.arrays, program.place
        self.source = Source("")
        self.leaf_at = {leaf.start: leaf for leaf in program.leaves}
        self.uses = self.count()
        self.text: dict[int, str] = {}  # array -> its name, or its whole expression where it is used once
        self.shape: dict[int, tuple[int, int]] = {}  # of arrays that are matrices as they are
        self.statements: list[tuple[str, str, str]] = []
        self.names: Counter[str] = Counter()
        self.leaf_of = dict(self.leaf_gradients()) if gradient else {}
        self.used: set[str] = set()

    def count(self) -> Counter[int]:
        """Count how often every array is taken, twice where only a part of it is: then it needs a name."""
        uses: Counter[int] = Counter()
        for array in self.arrays:
            for ids in self.taken(array):
                for a in {self.place[i][0] for i in ids if i in self.place}:
                    whole = [self.place.get(i) for i in ids] == [(a, row) for row in range(len(self.arrays[a].members))]
                    uses[a] += 1 if whole else 2
        for ids in [self.program.outputs, *([self.program.gradients] if self.gradient else [])]:
            uses.update(2 * [a for a in {self.place[i][0] for i in ids if i in self.place}])
        return uses

    def taken(self, array: Array) -> list[list[int]]:
        if array.stack is None:
            return array.operands
        g, r, c, l = array.stack.shape
        lefts = [i for block in array.stack.blocks for left in block.lefts for i in left]
        return [lefts, self.rights(array)]

    def rights(self, array: Array) -> list[int]:
        """Return the right factors in the order in which their product wants them."""
        assert array.stack is not None
        if array.stack.varying or not self.varies(array):
            return [b.rights[c][k] for b in array.stack.blocks for k in range(len(b.rights[0])) for c in range(len(b.rights))]
        return [i for block in array.stack.blocks for right in block.rights for i in right]

    def varies(self, array: Array) -> bool:
        assert array.stack is not None
        return array.stack.total

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
        self.source.text = "\n".join(lines) + "\n"
        return self.source

    def header(self) -> list[str]:
        results = self.results()
        body = " ".join([*(expression for _, expression, _ in self.statements), results])
        words = set(re.findall(r"\w+", body))
        leaves = [leaf.name for leaf in self.program.leaves]
        lines = [f"def {'loss_and_grad' if self.gradient else 'predict'}(xp, theta, {', '.join([*leaves, *self.inputs])}):"]
        if "B" in words or "seed" in words:
            lines.append(f"    B = {self.inputs[0]}.shape[1]")
        if "seed" in words:
            lines.append(f"    seed = xp.full_like({self.inputs[0]}[:1], 1 / B)")
        if "one" in words:
            lines.append(f"    one = xp.ones_like({self.inputs[0]}[:1, :1])")
        return lines

    def results(self) -> str:
        if not self.gradient:
            return self.rows(self.program.outputs, alone=True)
        (root,) = self.program.outputs
        cost = self.rows([root], alone=True)
        places = dict(zip(self.program.parameters, range(len(self.program.parameters)), strict=True))
        in_order = [self.program.gradients[p] for p in self.program.parameters]
        assert len(places) == len(in_order)
        parts = []
        for leaf in self.program.leaves:
            n = math.prod(leaf.shape)
            parts.append(self.tensor(in_order[leaf.start : leaf.start + n], leaf))
        mean = f"({cost}).mean()" if " " in cost else f"{cost}.mean()"
        return ", ".join([mean, *parts]) + "," * (not parts)

    def tensor(self, ids: list[int], leaf: Leaf) -> str:
        """Return the gradient of one tensor, in its shape."""
        a = self.whole(ids)
        if a is not None and self.shape.get(a) == leaf.shape:
            return self.text[a]
        text = self.atom(self.rows(ids, alone=True))
        constant = all(i not in self.place for i in ids)
        if constant:
            return f"xp.zeros({leaf.shape})" if len(leaf.shape) == 2 else f"xp.zeros(({leaf.shape[0]}, 1))"
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
        g, r, c, l = stack.shape
        lefts = [i for block in stack.blocks for left in block.lefts for i in left]
        rights = self.rights(array)
        steady = not any(self.nodes[i].varying for i in lefts)
        if steady:
            left = self.matrix(lefts, (g, r, l))
            right = self.atom(self.rows(rights, alone=True))
            if (g, c) == (1, 1):
                text = f"{left} @ {right}"
            else:
                inner = f"{l}, -1" if g == 1 else f"{g}, {l}, -1"
                text = f"({left} @ {right}.reshape({inner})).reshape({g * r * c}, -1)"
            return f"({text}).sum(1, keepdims=True)" if stack.total else text
        left, right = (self.atom(self.rows(ids, alone=True)) for ids in (lefts, rights))
        if stack.total:
            if (g, l) == (1, 1):
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
            return f"({product}).sum(0, keepdims=True)" if g == 1 else f"({product}).reshape({g}, {l}, -1).sum(1)"
        shapes = f"{left}.reshape({g}, {r}, {l}, -1), {right}.reshape({g}, {l}, {c}, -1)"
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
            self.numeric(ids, shape is not None) if numeric else self.rows(ids, natural=shape is not None)
            for ids in array.operands
        ]
        if op == "where":
            texts[1:] = [self.numeric(ids, shape is not None) for ids in array.operands[1:]]
            constant = all(self.constant(ids) is not None for ids in array.operands[1:])
            if constant:
                texts[1] = f"{texts[1]} * one"
                self.used.add("one")
        if op == "sum":
            return self.sum(array, texts)
        if op == "total":
            return f"{self.atom(texts[0])}.sum(1, keepdims=True)"
        if op in SYMBOLS:
            return SYMBOLS[op].join(map(self.atom, texts))
        return f"xp.{op}({', '.join(texts)})"

    def sum(self, array: Array, texts: list[str]) -> str:
        entries = list(zip(array.coefs, texts, strict=True))
        entries.sort(key=lambda entry: (entry[0][0] == -1, "@" not in entry[1], _number(entry[1])))
        found = ""
        for coefs, text in entries:
            sign = " - " if coefs[0] == -1 and set(coefs) == {-1} else " + "
            term = text if set(coefs) <= {1.0} else self.atom(text)
            if not set(coefs) <= {1.0} and not set(coefs) <= {-1.0}:
                term = f"{self.vector(coefs)} * {term}"
            elif sign == " - ":
                term = self.atom(text)
            if found:
                found += sign + (term if not term.startswith("-") else f"({term})")
            else:
                found = f"-{term}" if sign == " - " else term
        return found

    def compares(self, ids: list[int]) -> bool:
        return ids[0] in self.place and self.arrays[self.place[ids[0]][0]].op in COMPARE

    def numeric(self, ids: list[int], natural: bool = False) -> str:
        """Return rows as numbers; those of a comparison are True and False."""
        text = self.rows(ids, natural=natural)
        if any(i in self.place and self.arrays[self.place[i][0]].op in COMPARE for i in ids):
            return f"{self.atom(text)} * one"
        return text

    # References to rows

    def rows(self, ids: Sequence[int], alone: bool = False, natural: bool = False) -> str:
        """Return the rows of nodes; one row for all of equal ones, unless it must stand alone (not broadcast)."""
        a = self.whole(ids)
        if a is not None:
            return self.text[a] if natural or a not in self.shape else f"{self.atom(self.text[a])}.reshape(-1, 1)"
        constant = self.constant(ids)
        if constant is not None:
            return constant if not alone else f"xp.broadcast_to({constant}, ({len(ids)}, B))"
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
            if self.arrays[a].op in COMPARE:
                text = f"{self.atom(text)} * one"
        return text if not varying or (a != -1 and self.arrays[a].varying) else f"xp.broadcast_to({text}, ({len(rows)}, B))"

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
        g, r, l = shape
        form = f"{r}, {l}" if g == 1 else f"{g}, {r}, {l}"
        if all(i in self.place and self.place[i][0] == 0 for i in ids):
            rows = [self.place[i][1] for i in ids]
            for leaf in self.program.leaves:
                end = leaf.start + math.prod(leaf.shape)
                if g > 1 or len(leaf.shape) != 2 or not all(leaf.start <= row < end for row in (rows[0], rows[-1])):
                    continue
                m, n = leaf.shape
                at = [divmod(row - leaf.start, n) for row in rows]
                (i0, j0), (i1, j1) = at[0], at[-1]
                if at == [(i0 + x, j0 + y) for x in range(r) for y in range(l)]:
                    return leaf.name + _part(i0, i1, m, j0, j1, n)
                if at == [(i0 + y, j0 + x) for x in range(r) for y in range(l)]:
                    return f"{leaf.name}{_part(i0, i1, m, j0, j1, n)}.T"
        a = self.whole(ids)
        if a is not None and self.shape.get(a) == (r, l) and g == 1:
            return self.atom(self.text[a])
        if all(i not in self.place for i in ids):
            return self.vector([self.number(i) for i in ids], (r, l) if g == 1 else shape)
        return f"{self.atom(self.steady(ids))}.reshape({form})"

    def common_shape(self, array: Array) -> tuple[int, int] | None:
        """Return the shape of the matrices that all operands are, if they are."""
        shapes = set()
        if array.varying or array.op in ("total", "where"):
            return None
        for ids in array.operands:
            if self.constant(ids) is not None:
                continue
            a = self.whole(ids)
            rows = [self.place[i][1] for i in ids if i in self.place]
            leaf = self.leaf_at.get(rows[0]) if rows and self.place[ids[0]][0] == 0 else None
            if a is not None and a != 0 and a in self.shape:
                shapes.add(self.shape[a])
            elif leaf is not None and len(leaf.shape) == 2 and rows == list(range(leaf.start, leaf.start + math.prod(leaf.shape))):
                return None
            else:
                return None
        for coefs in array.coefs:
            if len(set(coefs)) > 1:
                return None
        return shapes.pop() if len(shapes) == 1 else None

    def whole(self, ids: Sequence[int]) -> int | None:
        """Return the array that these are all rows of, in order, if there is one."""
        a = self.place.get(ids[0], (-1, 0))[0]
        if a in (-1, 0) or len(ids) != len(self.arrays[a].members):
            return None
        return a if all(self.place.get(i) == (a, row) for row, i in enumerate(ids)) else None

    # Numbers

    def constant(self, ids: Sequence[int]) -> str | None:
        """Return the numbers of constants: one where they are equal."""
        if any(i in self.place for i in ids):
            return None
        return self.vector([self.number(i) for i in ids])

    def number(self, i: int) -> float:
        return float(self.nodes[i].place)  # type: ignore[arg-type]

    def vector(self, numbers: Sequence[float], shape: tuple[int, ...] | None = None) -> str:
        if len(set(numbers)) == 1 and shape is None:
            return repr(float(numbers[0]))
        key = (tuple(numbers), shape or (len(numbers), 1))
        return self.kept("k", key)

    def index(self, rows: Sequence[int]) -> str:
        self.source.gathers += 1
        return self.kept("i", (tuple(rows), None))

    def kept(self, letter: str, value: Any) -> str:
        for name, other in self.source.constants.items():
            if other == value:
                return name
        name = f"{letter}{sum(n[0] == letter for n in self.source.constants) + 1}"
        self.source.constants[name] = value
        return name

    def atom(self, text: str) -> str:
        """Return an expression so that an operator or a method may follow it."""
        return text if _enclosed(text) else f"({text})"


def _number(text: str) -> bool:
    return re.fullmatch(r"-?[\d.]+(e-?\d+)?", text) is not None


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
