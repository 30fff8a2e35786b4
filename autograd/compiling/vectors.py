"""Code for the C machine from statements: one step per row, in consecutive slots, and one per matrix product.

A row is a slot, so the slices, gathers, concatenations and broadcasts of an array module cost nothing here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, product

from .blocks import Block, Stack
from .machine import AFTER, EACH, LANES, ONCE, PARAMETERS, RESULTS, STEADY, Assembly, Code, Dot, Matrix, runs
from .statements import ArrayProgram, Statement

__all__ = ["unknown", "vectorised"]

MANY = ("max", "min")
OTHERS = ("leaf", "dot", "sum", "total", *MANY)
TALL = 8  # from so many rows on, a matrix times one column is faster than row by row
Ids = Sequence[int]


def unknown(program: ArrayProgram) -> list[tuple[str, int]]:
    """Return the functions that the C machine lacks, as (name, number of operands)."""
    used = {(s.op, len(s.operands)) for s in program.statements if s.op not in OTHERS}
    return sorted(call for call in used if not runs(*call))


def vectorised(program: ArrayProgram, inputs: Mapping[str, int], gradient: bool) -> Code:
    """Return the code of an array program."""
    return _Vectors(program, list(inputs), gradient).run()


class _Vectors:
    def __init__(self, program: ArrayProgram, inputs: list[str], gradient: bool) -> None:
        self.program, self.inputs, self.gradient = program, inputs, gradient
        self.nodes = program.nodes
        self.code = Assembly()
        self.slot: dict[int, int] = {}  # node -> slot: in the lanes if it varies, else in the steady memory
        self.late: set[int] = set()  # nodes that are computed only after all samples
        self.last = self.uses()
        self.rows: dict[int, tuple[int, int]] = {}  # statement -> (first slot of the lanes, number of slots)
        self.temporary: list[tuple[int, int]] = []
        self.seeded: int | None = None  # the steady slot of 1 / samples
        self.written: set[int] = set()  # nodes that are already written to the results
        results = program.gradients if gradient else []
        self.served = dict(zip(results, range(len(results)), strict=True))  # node -> parameter whose gradient it is
        # nodes that are needed elsewhere than in one place of the results
        self.taken = {i for i, n in Counter(results).items() if n > 1} if len(self.served) < len(results) else set()
        self.taken.update(*(ids for s in program.statements for ids in self.operands(s)))

    def operands(self, statement: Statement) -> Iterator[Sequence[int]]:
        if statement.stack is None:
            yield from statement.operands
        else:
            for block in statement.stack.blocks:
                yield from block.lefts
                yield from block.rights

    def uses(self) -> dict[int, int]:
        """Map each statement to the last one that reads its rows."""
        last: dict[int, int] = {}
        arrays_of = self.program.arrays_of
        for a, statement in enumerate(self.program.statements):
            last.update(dict.fromkeys(arrays_of(chain(*self.operands(statement))), a))
        last.update(dict.fromkeys(arrays_of(self.program.outputs), len(self.program.statements)))
        last.pop(-1, None)  # constants
        return last

    def run(self) -> Code:
        program, code = self.program, self.code
        statements = program.statements
        ends: dict[int, list[int]] = {}
        for a, end in self.last.items():
            ends.setdefault(end, []).append(a)
        for a, statement in enumerate(statements):
            if statement.op == "leaf":
                self.leaf(a, statement)
            elif statement.members:
                self.define(a, statement)
            for start, n in self.temporary:
                code.free_lanes(start, n)
            self.temporary.clear()
            for done in ends.get(a, ()):
                if done in self.rows:
                    code.free_lanes(*self.rows[done])
        if self.gradient:
            self.results()
        else:
            code.emit(EACH, "output", range(len(program.outputs)), self.lanes(program.outputs))
        return Code(code, 0 if self.gradient else len(program.outputs), len(program.gradients) if self.gradient else 0)

    def in_lanes(self, statement: Statement) -> bool:
        return statement.varying and statement.name != "seed"

    def leaf(self, a: int, statement: Statement) -> None:
        """Allocate consecutive slots for an input; parameters and the seed are loaded at their first use."""
        if not self.in_lanes(statement) or a not in self.last:
            return
        n = len(statement.members)
        start = self.code.new_lanes(n)
        self.rows[a] = start, n
        there = [row for row, i in enumerate(statement.members) if i >= 0]
        self.slot.update((statement.members[row], start + row) for row in there)
        number = self.inputs.index(statement.name)
        self.code.emit(EACH, "input", [start + row for row in there], [number] * len(there), there)

    def results(self) -> None:
        """Write the cost, and the part of the gradient that is not written yet."""
        (cost,), code = self.program.outputs, self.code
        slot = code.new_steady()
        if self.varies(cost):
            code.emit(EACH, "total", [slot], self.lanes([cost]))
            mean = code.new_steady()
            code.emit(AFTER, "mul", [mean], [slot], [self.seed()])
            slot = mean
        else:
            (slot,) = self.steady([cost])
        code.emit(AFTER, "cost", [slot])
        rest = [(p, i) for p, i in enumerate(self.program.gradients) if i not in self.written]
        code.emit(AFTER, "result", [p for p, _ in rest], self.steady([i for _, i in rest]))

    # Slots

    def varies(self, i: int) -> bool:
        return self.nodes[i].varying and self.nodes[i].op != "seed"

    def seed(self) -> int:
        if self.seeded is None:
            self.seeded = self.code.new_steady()
            self.code.emit(ONCE, "seed", [self.seeded])
        return self.seeded

    def steady(self, ids: Sequence[int]) -> list[int]:
        """Return the steady slots of nodes that do not vary; parameters are loaded."""
        missing = [i for i in dict.fromkeys(ids) if i not in self.slot]
        fetched = []
        for i in missing:
            node = self.nodes[i]
            if node.op == "param":
                fetched.append(i)
            else:
                self.slot[i] = self.seed() if node.op == "seed" else self.code.constant(float(node.key))
        start = self.code.new_steady(len(fetched))
        self.slot.update(zip(fetched, range(start, start + len(fetched))))
        self.code.emit(ONCE, "param", range(start, start + len(fetched)), [self.nodes[i].key for i in fetched])
        return [self.slot[i] for i in ids]

    def lanes(self, ids: Sequence[int]) -> list[int]:
        """Return the slots of the lanes that hold nodes."""
        if all(a != -1 and self.in_lanes(self.program.statements[a]) for a in self.program.arrays_of(ids)):
            return [*map(self.slot.__getitem__, ids)]
        steady = [i for i in ids if not self.varies(i)]
        spread = dict(zip(steady, self.code.in_lanes(self.steady(steady))))
        return [spread[i] if i in spread else self.slot[i] for i in ids]

    def slots(self, section: int, ids: Sequence[int]) -> list[int]:
        return self.lanes(ids) if section == EACH else self.steady(ids)

    def numbers(self, section: int, numbers: Sequence[float]) -> list[int]:
        """Return the slots of constants."""
        slots = [self.code.constant(x) for x in numbers]
        return self.code.in_lanes(slots) if section == EACH else slots

    def new(self, section: int, n: int) -> range:
        start = self.code.new_lanes(n) if section == EACH else self.code.new_steady(n)
        return range(start, start + n)

    # Statements

    def define(self, a: int, statement: Statement) -> None:
        """Write a statement, whose rows get consecutive slots."""
        if statement.op == "total" or (statement.stack is not None and statement.stack.total):
            self.late.update(statement.members)
            if statement.stack is not None:
                for block in statement.stack.blocks:
                    self.total(block)
                return
            to = self.new(AFTER, len(statement.members))
            self.code.emit(EACH, "total", to, self.lanes(statement.operands[0]))
            self.slot.update(zip(statement.members, to))
            return
        section = EACH
        if not self.in_lanes(statement):
            section = ONCE if all(self.late.isdisjoint(ids) for ids in self.operands(statement)) else AFTER
            if section == AFTER:
                self.late.update(statement.members)
        to = self.new(section, len(statement.members))
        if section == EACH:
            self.rows[a] = to[0], len(to)
        if statement.stack is not None:
            self.products(section, to, statement.stack)
        elif statement.op == "sum":
            self.sum(section, to, statement)
        elif statement.op in MANY:
            self.extremes(section, to, statement)
        else:
            self.code.emit(section, statement.op, to, *(self.slots(section, ids) for ids in statement.operands))
        self.slot.update(zip(statement.members, to))

    def sum(self, section: int, to: range, statement: Statement) -> None:
        """Write Σ coef · operand, with an operand of coefficient 1 first if there is one."""
        terms = sorted(zip(statement.coefs, statement.operands), key=lambda term: set(term[0]) != {1})
        sofar: Sequence[int] = ()
        for coefs, ids in terms:
            slots = self.slots(section, ids)
            if set(coefs) == {1} and len(terms) == 1:
                self.code.emit(section, "copy", to, slots)
            elif set(coefs) == {1}:
                if sofar:
                    self.code.emit(section, "add", to, sofar, slots)
            elif set(coefs) == {-1}:
                self.code.emit(section, *(("sub", to, sofar, slots) if sofar else ("neg", to, slots)))
            else:
                factors = self.numbers(section, coefs)
                self.code.emit(section, *(("fma", to, sofar, factors, slots) if sofar else ("mul", to, factors, slots)))
            sofar = to if sofar or set(coefs) != {1} else slots

    def extremes(self, section: int, to: range, statement: Statement) -> None:
        k = len(statement.operands[0]) // len(to)
        sofar, *others = (self.slots(section, statement.operands[0][j::k]) for j in range(k))
        for slots in others:
            self.code.emit(section, f"{statement.op}imum", to, sofar, slots)
            sofar = list(to)

    # Matrix products

    def products(self, section: int, to: range, stack: Stack) -> None:
        _, r, c, n = stack.shape
        memory = LANES if section == EACH else STEADY
        dots: list[Dot] = []
        apart: list[tuple[int, Ids, Ids]] = []  # products whose factors have no constant stride
        for k, block in enumerate(stack.blocks):
            part = to[k * r * c : (k + 1) * r * c]
            lefts, rights = block.lefts, block.rights
            if r == 1 and self.alike(section, lefts):
                lefts, rights = rights, lefts
            rows, columns = len(lefts), len(rights)
            there = Matrix(memory, part[0], columns, 1)
            if not self.alike(section, lefts):
                steady, turned = self.steady_matrix(lefts), self.matrix(section, _turned(rights))
                turned = turned or self.gathered(_turned(rights))
                self.code.emit_product(section, "product", (rows, columns, n), there, steady, turned)
                continue
            if columns > 1 or rows >= TALL:
                whole, turned = self.matrix(section, lefts), self.matrix(section, _turned(rights))
                if whole is not None and turned is not None:
                    self.code.emit_product(section, "product", (rows, columns, n), there, whole, turned)
                    continue
            first, second = ([(ids, self.matrix(section, [ids])) for ids in side] for side in (lefts, rights))
            for slot, ((x, left), (y, right)) in zip(part, product(first, second)):
                if left is None or right is None:
                    apart.append((slot, x, y))
                else:
                    dots.append(Dot(slot, left.start, left.column, right.start, right.column, n))
        self.code.emit_dots(section, dots)
        for slot, left_ids, right_ids in apart:
            self.code.emit_terms(section, slot, self.slots(section, left_ids), self.slots(section, right_ids))

    def alike(self, section: int, table: Sequence[Sequence[int]]) -> bool:
        """Tell whether factors are slots as those that they are multiplied with, or constants, which may be."""
        arrays = self.program.arrays_of(chain(*table)) if section == EACH else {-1}
        return any(a == -1 or self.in_lanes(self.program.statements[a]) for a in arrays)

    def matrix(self, section: int, table: Sequence[Sequence[int]]) -> Matrix | None:
        """Return the slots of nodes as a matrix, if they have constant strides."""
        slots = [self.slots(section, ids) for ids in table]
        return _matrix(LANES if section == EACH else STEADY, slots)

    def steady_matrix(self, table: Sequence[Sequence[int]]) -> Matrix:
        """Return nodes that do not vary as a matrix: of parameters in place, else of steady slots, copied if needed."""
        if self.program.arrays_of(chain(*table)) == {0}:
            found = _matrix(PARAMETERS, [[self.nodes[i].key for i in ids] for ids in table])
            if found is not None:
                return found
        slots = [self.steady(ids) for ids in table]
        found = _matrix(STEADY, slots)
        if found is not None:
            return found
        width = len(table[0])
        start = self.code.new_steady(len(table) * width)
        self.code.emit(ONCE, "copy", range(start, self.code.steady), [slot for row in slots for slot in row])
        return Matrix(STEADY, start, width, 1)

    def gathered(self, table: Sequence[Sequence[int]]) -> Matrix:
        """Copy rows from several places for this statement; return the copies as a matrix."""
        width = len(table[0])
        n = len(table) * width
        start = self.code.new_lanes(n)
        self.temporary.append((start, n))
        self.code.emit(EACH, "copy", range(start, start + n), [slot for ids in table for slot in self.lanes(ids)])
        return Matrix(LANES, start, width, 1)

    def total(self, block: Block) -> None:
        """Write a product that is summed over the samples: usually a matrix's gradient, written directly to its place."""
        r, c, n = len(block.lefts), len(block.rights), len(block.lefts[0])
        to = self.destination(block.members, r, c)
        if to.memory == STEADY:
            self.slot.update(zip(block.members, range(to.start, to.start + r * c)))
        if to.memory == STEADY and n == 1 and 1 in (r, c):
            lefts, rights = (
                self.lanes([left[0] for left in block.lefts]),
                self.lanes([right[0] for right in block.rights]),
            )
            self.code.emit(EACH, "total product", range(to.start, to.start + r * c), lefts * c, rights * r)
            return
        left = self.matrix(EACH, block.lefts) or self.gathered(block.lefts)
        columns = _turned(block.rights)
        right = self.matrix(EACH, columns) or self.gathered(columns)
        if r > c < 8:  # the kernel computes columns side by side
            r, c, left, right = c, r, _transposed(right), _transposed(left)
            to = _transposed(to)
        self.code.emit_product(EACH, "gradient", (r, c, n), to, left, right)

    def destination(self, members: Sequence[int], r: int, c: int) -> Matrix:
        """Return the destination of a gradient: the results if it has no other use, else steady slots."""
        if self.served.keys() >= set(members) and self.taken.isdisjoint(members):
            places = [self.served[i] for i in members]
            found = _matrix(RESULTS, [places[k * c : (k + 1) * c] for k in range(r)])
            if found is not None:
                self.written.update(members)
                return found
        return Matrix(STEADY, self.code.new_steady(r * c), c, 1)


def _matrix(memory: int, table: Sequence[Sequence[int]]) -> Matrix | None:
    """Return a table of places as a matrix, if they have constant strides."""
    start = table[0][0]
    row = table[1][0] - start if len(table) > 1 else 0
    column = table[0][1] - start if len(table[0]) > 1 else 0
    for i, places in enumerate(table):
        first, n = start + i * row, len(places)
        if [*places] != ([*range(first, first + n * column, column)] if column else [first] * n):
            return None
    return Matrix(memory, start, row, column)


def _turned(table: Sequence[Ids]) -> list[Ids]:
    return list(zip(*table, strict=True))


def _transposed(matrix: Matrix) -> Matrix:
    return matrix._replace(row=matrix.column, column=matrix.row)
