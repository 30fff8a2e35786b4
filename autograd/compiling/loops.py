"""Statements as loops over their rows, one sample at a time, in the syntax that C and JavaScript share.

A statement with one row becomes a scalar, one with several rows an array. Operands with a constant stride in one array
are read in a loop, other rows of one array in a loop over a table of indices. Operands from several arrays are written
row by row.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import product
from math import copysign, prod
from typing import NamedTuple

from .blocks import Block
from .statements import ArrayProgram, Statement

__all__ = ["Language", "Loops", "block"]

ONCE, EACH, AFTER = range(3)  # sections of the function: before all samples, for each sample, after all samples
FEW = 3  # minimum number of rows for a loop; fewer are written one by one
UNROLLED = 4  # up to so many products are written one by one
SCATTERED = 64  # the same for factors from several arrays; more are copied side by side first
TABLE = 8  # minimum number of rows without a constant stride for a table of indices
WIDTH = 100

Place = float | tuple[str, int]  # of a node: a constant; or (name of an array, row), with row SCALAR for a scalar
SCALAR = -1


class Language(ABC):
    """The syntax in which C and JavaScript differ."""

    @abstractmethod
    def number(self, x: float) -> str:
        """Return a literal; in parentheses if it has a sign."""

    @abstractmethod
    def apply(self, op: str, operands: Sequence[str]) -> str:
        """Return a function or an operation of the table on names and literals; ValueError if the language has none."""

    @abstractmethod
    def loop(self, variable: str, first: int, n: int) -> str:
        """Return the head of a loop from `first` up to n."""

    @abstractmethod
    def scalar(self, name: str, text: str, constant: bool) -> str:
        """Return the line that declares a scalar."""


@dataclass
class Loop:
    """A loop over rows; the next loop may be merged into it."""

    head: str
    body: list[str]
    writes: dict[str, str]  # array -> text of the row that the body writes
    reads: list[tuple[str, str]]

    def joins(self, other: Loop) -> bool:
        """Tell whether a loop can be merged into this: of the arrays written here it uses the current row only."""
        mentioned = [*other.reads, *other.writes.items()]
        return self.head == other.head and all(text == self.writes.get(name, text) for name, text in mentioned)


class Reference(NamedTuple):
    """Rows of an array as a formula in the loop variables; its table of indices, if any, is made on printing."""

    name: str
    format: str
    letter: str = ""
    numbers: tuple[float, ...] | tuple[int, ...] = ()


@dataclass
class Loops:
    """A program in the text of a language.

    sections: the lines before all samples, for each sample, and after all
    arrays: the sizes of the arrays that the lines write
    tables: the tables that the lines read, by name: constants, and row indices, which are integers
    used: the tensors, inputs and other outside names that the lines mention
    """

    program: ArrayProgram
    inputs: Mapping[str, str]  # input -> its name in this language
    gradient: bool
    language: Language
    sections: tuple[list[str | Loop], ...] = field(default_factory=lambda: ([], [], []))
    arrays: dict[str, int] = field(default_factory=dict)
    tables: dict[str, tuple[float, ...] | tuple[int, ...]] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        program = self.program
        self.nodes, self.statements = program.nodes, program.statements
        self.counted: Counter[str] = Counter()
        self.named: dict[object, str] = {}  # contents of a table -> its name
        self.at: dict[int, Place] = {}  # node -> its place
        self.late: set[int] = set()  # nodes that are computed only after all samples
        self.written: set[int] = set()  # nodes that are accumulated directly in the gradient
        self.offset: dict[str, str] = {"outputs": self.sample(len(program.outputs))} if self.inputs else {}
        for statement in self.statements:
            if statement.op == "leaf" and statement.name in self.inputs:
                self.offset[self.inputs[statement.name]] = self.sample(len(statement.members))
        self.parameters = dict(self.tensors())
        self.served: dict[int, list[int]] = defaultdict(list)  # node -> parameters whose gradient it is
        for p, i in enumerate(program.gradients if self.gradient else ()):
            self.served[i].append(p)
        self.taken = {i for s in self.statements for ids in operands_of(s) for i in ids}
        for statement in self.statements:
            if statement.op != "leaf" and statement.members:
                self.define(statement)
        self.results()

    def sample(self, size: int) -> str:
        """Return the offset of a sample's rows."""
        return "s" if size == 1 else f"{size} * s"

    def tensors(self) -> Iterator[tuple[int, tuple[str, int]]]:
        """Pair every parameter with its place: in its tensor if that is a slice of theta, else in theta."""
        for leaf in self.program.leaves:
            numbers = self.program.parameters[leaf.start : leaf.start + prod(leaf.shape)]
            whole = numbers == list(range(numbers[0], numbers[0] + len(numbers)))
            for p in numbers:
                yield p, (leaf.name, p - numbers[0]) if whole else ("theta", p)

    def text(self, section: int) -> list[str]:
        """Return the lines of a section, with consecutive loops merged where possible."""
        lines: list[str | Loop] = []
        for piece in self.sections[section]:
            last = lines[-1] if lines else None
            if isinstance(piece, Loop) and isinstance(last, Loop) and last.joins(piece):
                lines[-1] = Loop(
                    last.head, last.body + piece.body, last.writes | piece.writes, last.reads + piece.reads
                )
            else:
                lines.append(piece)
        return [
            line for piece in lines for line in (block(piece.head, piece.body) if isinstance(piece, Loop) else [piece])
        ]

    # Places

    def places(self, ids: Sequence[int]) -> list[Place]:
        return [self.place(i) for i in ids]

    def place(self, i: int) -> Place:
        node = self.nodes[i]
        if node.op == "param":
            return self.parameters[node.key]
        if node.op == "input":
            name, row = node.key
            return self.inputs[name], row
        if node.op == "seed":
            return "seed", SCALAR
        return float(node.key) if node.op == "const" else self.at[i]

    def single(self, place: Place) -> str:
        reference = self.reference([place], (1,))
        assert reference is not None
        return self.written_as(reference, "")

    def written_as(self, reference: Reference, *variables: str) -> str:
        """Return the text of rows, and mark the names in it as used."""
        self.used.add(reference.name)
        table = self.table(reference.letter, reference.numbers) if reference.letter else ""
        return reference.format.format(*variables, table=table)

    def reference(self, places: Sequence[Place], shape: tuple[int, ...]) -> Reference | None:
        """Return places, in row-major order of this shape, as one formula; None if there is none."""
        numbers = [place for place in places if isinstance(place, float)]
        if len(numbers) == len(places):
            if len({(repr(x), copysign(1.0, x)) for x in numbers}) == 1:
                return Reference("", self.language.number(numbers[0]))
            return self.row("{table}", 0, strides(shape))._replace(letter="k", numbers=tuple(numbers))
        if numbers:
            return None
        found = [place for place in places if not isinstance(place, float)]
        name, first = found[0]
        if any(other != name for other, _ in found):
            return None
        rows = [row for _, row in found]
        if first == SCALAR:
            return Reference(name, name)
        steps = [rows[stride] - first if n > 1 else 0 for stride, n in zip(strides(shape), shape, strict=True)]
        turns = product(*map(range, shape))
        if all(row == first + sum(map(int.__mul__, steps, turn)) for row, turn in zip(rows, turns, strict=True)):
            return self.row(name, first, steps)
        if len(rows) < TABLE:
            return None
        row = self.row("{table}", 0, strides(shape)).format
        return Reference(name, f"{name}[{' + '.join([*self.begin(name), row])}]", "i", tuple(rows))

    def begin(self, name: str) -> list[str]:
        return [self.offset[name]] if name in self.offset else []

    def row(self, name: str, first: int, steps: Sequence[int]) -> Reference:
        """Return the row of an array at first + Σ step · variable."""
        terms = [(step, f"{{{k}}}") for k, step in enumerate(steps) if step]
        parts = [(1, text) for text in self.begin(name)]
        parts += [(step, text if abs(step) == 1 else f"{abs(step)} * {text}") for step, text in terms]
        if first or not parts:
            parts.append((1, str(first)))
        parts.sort(key=lambda part: part[0] < 0)  # subtracted terms come last
        text = "".join((" - " if sign < 0 else " + ") + part for sign, part in parts)[3:]
        return Reference(name, f"{name}[{text}]")

    def table(self, letter: str, numbers: tuple[float, ...] | tuple[int, ...]) -> str:
        """Return the name of a table of constants, or of rows."""
        key = (letter, tuple(map(repr, numbers)))
        if key not in self.named:
            self.named[key] = self.fresh(letter)
            self.tables[self.named[key]] = numbers
        return self.named[key]

    def fresh(self, letter: str) -> str:
        self.counted[letter] += 1
        return f"{letter}{self.counted[letter]}"

    def new(self, letter: str, members: Sequence[int]) -> list[Place]:
        """Return the places of a new array, or of a new scalar."""
        name = self.fresh(letter)
        if len(members) > 1:
            self.arrays[name] = len(members)
        places: list[Place] = [(name, row if len(members) > 1 else SCALAR) for row in range(len(members))]
        self.at.update(zip(members, places, strict=True))
        return places

    # Statements

    def define(self, statement: Statement) -> None:
        """Write a statement."""
        total = statement.op == "total" or (statement.stack is not None and statement.stack.total)
        letter = "d" if statement.backward else "a" if statement.stack is None else "z"
        if total:
            self.late.update(statement.members)
            blocks = statement.stack.blocks if statement.stack else ()
            for part in blocks:
                self.product(
                    EACH, self.accumulators(part.members, (len(part.lefts), len(part.rights)), letter), part, adds=True
                )
            if not blocks:
                places = self.accumulators(statement.members, (len(statement.members),), letter)
                self.rowwise(EACH, places, [self.places(statement.operands[0])], lambda to, a: f"{to} += {a};")
            return
        section = EACH
        if not self.varies(statement.members[0]):
            section = ONCE if all(self.late.isdisjoint(ids) for ids in operands_of(statement)) else AFTER
            if section == AFTER:
                self.late.update(statement.members)
        to = self.new(letter, statement.members)
        if statement.stack is not None:
            _, r, c, _ = statement.stack.shape
            for k, part in enumerate(statement.stack.blocks):
                self.product(section, to[k * r * c : (k + 1) * r * c], part, adds=False)
        elif statement.op == "sum":
            self.sum(section, to, statement)
        elif statement.op in ("max", "min"):
            self.extremes(section, to, statement)
        else:
            operands = [self.places(ids) for ids in statement.operands]
            self.set(section, to, operands, lambda *texts: self.language.apply(statement.op, texts))

    def varies(self, i: int) -> bool:
        return self.nodes[i].varying and self.nodes[i].op != "seed"

    def accumulators(self, members: Sequence[int], shape: tuple[int, ...], letter: str) -> list[Place]:
        """Return the places for sums over the samples: in the gradient itself if they have no other use."""
        if all(len(self.served.get(i, ())) == 1 and i not in self.taken for i in members):
            slopes = [self.slope(self.served[i][0]) for i in members]
            if len(members) <= SCATTERED or self.reference(slopes, shape):
                self.written.update(members)
                return slopes
        places = self.new(letter, members)
        self.first(ONCE, places, [0.0] * len(members))
        return places

    def slope(self, p: int) -> Place:
        """Return the place of a parameter's gradient."""
        name, row = self.parameters[p]
        return ("gradient" if name == "theta" else f"d{name}"), row

    def set(
        self, section: int, to: Sequence[Place], operands: Sequence[Sequence[Place]], formula: Callable[..., str]
    ) -> None:
        """Write rows as a formula of the operands' rows."""
        if scalar := name_of(to):
            text = formula(*(self.single(column[0]) for column in operands))
            self.sections[section].append(self.language.scalar(scalar, text, constant=True))
        else:
            self.rowwise(section, to, operands, lambda target, *texts: f"{target} = {formula(*texts)};")

    def first(self, section: int, to: Sequence[Place], places: Sequence[Place]) -> None:
        """Write the initial values of rows that are accumulated."""
        if scalar := name_of(to):
            self.sections[section].append(self.language.scalar(scalar, self.single(places[0]), constant=False))
        else:
            self.set(section, to, [places], str)

    def rowwise(
        self, section: int, to: Sequence[Place], operands: Sequence[Sequence[Place]], line: Callable[..., str]
    ) -> None:
        """Write a line for every row: as loops over rows in which each operand stays in one array."""
        columns = [to, *operands]
        kinds = [
            tuple("" if isinstance(place, float) else place[0] for place in row) for row in zip(*columns, strict=True)
        ]
        first = 0
        for last in range(1, len(kinds) + 1):
            if last < len(kinds) and kinds[last] == kinds[first]:
                continue
            found = (
                [self.reference(column[first:last], (last - first,)) for column in columns]
                if last - first >= FEW
                else [None]
            )
            references = [reference for reference in found if reference is not None]
            if len(references) == len(columns):
                self.loop(section, last - first, references, line)
            else:
                for row in range(first, last):
                    self.sections[section].append(line(*(self.single(column[row]) for column in columns)))
            first = last

    def loop(self, section: int, n: int, references: Sequence[Reference], line: Callable[..., str]) -> None:
        texts = [self.written_as(reference, "i") for reference in references]
        reads = list(zip([reference.name for reference in references[1:]], texts[1:], strict=True))
        head = self.language.loop("i", 0, n)
        self.sections[section].append(Loop(head, [line(*texts)], {references[0].name: texts[0]}, reads))

    def sum(self, section: int, to: Sequence[Place], statement: Statement) -> None:
        """Write Σ coef · operand, with an operand of coefficient 1 first if there is one."""
        terms = sorted(zip(statement.coefs, statement.operands, strict=True), key=lambda term: set(term[0]) != {1})
        signs = [-1 if max(coefs) == min(coefs) < 0 else 1 for coefs, _ in terms]
        operands: list[Sequence[Place]] = []
        for sign, (coefs, ids) in zip(signs, terms, strict=True):
            operands += [[sign * float(c) for c in coefs], self.places(ids)]

        def formula(*texts: str) -> str:
            found = ""
            for sign, factor, operand in zip(signs, texts[::2], texts[1::2], strict=True):
                found += (" - " if sign < 0 else " + ") + self.times(factor, operand)
            return found[3:] if signs[0] > 0 else f"-{found[3:]}"

        self.set(section, to, operands, formula)

    def times(self, a: str, b: str) -> str:
        one = self.language.number(1.0)
        return b if a == one else a if b == one else f"{a} * {b}"

    def extremes(self, section: int, to: Sequence[Place], statement: Statement) -> None:
        """Write the maximum or minimum of many operands, one after the other."""
        n, places = len(to), self.places(statement.operands[0])
        k = len(places) // n
        larger = partial(self.language.apply, f"{statement.op}imum")
        self.first(section, to, [places[row * k] for row in range(n)])
        operands, targets = self.reference(places, (n, k)), self.reference(to, (n,))
        if operands is None and n * k > SCATTERED:
            operands = self.reference(self.copied(section, places), (n, k))
        if operands is None or targets is None:
            for j in range(1, k):
                self.rowwise(section, to, [places[j::k]], lambda target, a: f"{target} = {larger([target, a])};")
            return
        rows, row = ("i", "j") if n > 1 else ("", "i")
        target, operand = self.written_as(targets, rows), self.written_as(operands, rows, row)
        body = block(self.language.loop(row, 1, k), [f"{target} = {larger([target, operand])};"])
        self.nest(section, n, body, (targets, target), [(operands, operand)])

    def nest(
        self,
        section: int,
        n: int,
        body: list[str],
        target: tuple[Reference, str],
        operands: Sequence[tuple[Reference, str]],
    ) -> None:
        """Write lines, in a loop over i if there are several rows."""
        if n == 1:
            self.sections[section].extend(body)
            return
        reads = [(reference.name, text) for reference, text in operands]
        self.sections[section].append(Loop(self.language.loop("i", 0, n), body, {target[0].name: target[1]}, reads))

    def copied(self, section: int, places: Sequence[Place]) -> list[Place]:
        """Copy places of several arrays into one array."""
        name = self.fresh("g")
        self.arrays[name] = len(places)
        to: list[Place] = [(name, row) for row in range(len(places))]
        self.rowwise(section, to, [places], lambda target, a: f"{target} = {a};")
        return to

    # Sums of products

    def product(self, section: int, to: Sequence[Place], part: Block, adds: bool) -> None:
        """Write a matrix product: row by row of the left factors, column by column of the right ones."""
        r, c, n = len(part.lefts), len(part.rights), len(part.lefts[0])
        lefts, rights = ([self.place(i) for ids in side for i in ids] for side in (part.lefts, part.rights))
        left, right = self.reference(lefts, (r, n)), self.reference(rights, (c, n))
        targets = self.reference(to, (r, c))
        if targets is not None and r * c * n > SCATTERED:
            left = left or self.reference(self.copied(section, lefts), (r, n))
            right = right or self.reference(self.copied(section, rights), (c, n))
        if left is None or right is None or targets is None or (r * c * n <= UNROLLED and max(r, c) < FEW):
            self.term_by_term(section, to, (r, c, n), lefts, rights, adds)
            return
        names = iter("ijk")
        i, j, k = (next(names) if size > 1 else "" for size in (r, c, n))
        target, a, b = self.written_as(targets, i, j), self.written_as(left, i, k), self.written_as(right, j, k)
        body = [f"{target} += {self.times(a, b)};" if adds or n > 1 else f"{target} = {self.times(a, b)};"]
        if n > 1:
            body = block(self.language.loop(k, 0, n), body)
        if not adds and n > 1:
            zero = self.language.number(0.0)
            scalar = name_of(to)
            body.insert(0, self.language.scalar(scalar, zero, constant=False) if scalar else f"{target} = {zero};")
        if c > 1:
            body = block(self.language.loop(j, 0, c), body)
        self.nest(section, r, body, (targets, target), [(left, a), (right, b)])

    def term_by_term(
        self,
        section: int,
        to: Sequence[Place],
        shape: tuple[int, int, int],
        lefts: Sequence[Place],
        rights: Sequence[Place],
        adds: bool,
    ) -> None:
        """Write sums of products one by one."""
        r, c, n = shape
        for row, column in product(range(r), range(c)):
            place = to[row * c + column]
            pairs = [(lefts[row * n + k], rights[column * n + k]) for k in range(n)]
            text = " + ".join(self.times(self.single(a), self.single(b)) for a, b in pairs)
            if adds:
                self.sections[section].append(f"{self.single(place)} += {text};")
            else:
                self.set(section, [place], [], lambda text=text: text)

    # Results

    def results(self) -> None:
        """Write the outputs of a sample; or the cost, and the part of the gradient that is not written yet."""
        outputs = self.places(self.program.outputs)
        if not self.gradient:
            to: list[Place] = [("outputs", row) for row in range(len(outputs))]
            self.set(EACH, to, [outputs], str)
            return
        (cost,) = self.program.outputs
        if self.varies(cost):
            self.sections[ONCE].append(self.language.scalar("total", self.language.number(0.0), constant=False))
            self.sections[EACH].append(f"total += {self.single(outputs[0])};")
            self.cost = f"total * {self.single(('seed', SCALAR))}"
        else:
            self.cost = self.single(outputs[0])
        rest = [(p, i) for p, i in enumerate(self.program.gradients) if i not in self.written]
        if rest:
            slopes = [self.slope(p) for p, _ in rest]
            self.set(AFTER, slopes, [self.places([i for _, i in rest])], str)


def name_of(places: Sequence[Place]) -> str:
    """Return the name of the scalar if the places are one scalar, else ""."""
    (place, *others) = places
    return place[0] if not others and not isinstance(place, float) and place[1] == SCALAR else ""


def operands_of(statement: Statement) -> Iterator[Sequence[int]]:
    """Return the operands of a statement."""
    if statement.stack is None:
        yield from statement.operands
    else:
        for part in statement.stack.blocks:
            yield from part.lefts
            yield from part.rights


def block(head: str, lines: Sequence[str]) -> list[str]:
    """Return lines within braces."""
    return [f"{head} {{", *(f"    {line}" for line in lines), "}"]


def strides(shape: Sequence[int]) -> list[int]:
    """Return the strides of a row-major array of this shape; 0 for a dimension of size 1."""
    return [prod(shape[k + 1 :]) if n > 1 else 0 for k, n in enumerate(shape)]
