"""Code for the C machine from the scalar program itself, for programs with few operations per statement.

The first section computes once what depends only on constants and parameters; the second runs for each block of
samples; the last uses sums over all samples. This file writes the steps of each section, with sums and dots term by term;
schedule.c orders the steps, gives their entries slots, and writes the code.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import chain, count
from typing import Any

from .lowering import Lowered
from .machine import AFTER, EACH, MOVES, ONCE, Assembly, Code, native, runs
from .scalars import Entries

__all__ = ["kinds", "length", "tape", "unknown"]

LEAVES = ("const", "param", "input", "seed")
VECTORS = ("vector", "totals", "element")  # no steps of their own: dots and elements take the entries of their vectors
SEVERAL = ("add", "dot", "total")  # operations with any number of operands; written as several steps

# A step: operation, result entry, operand entries, and its places: the parameter, input or output that it moves. A plain
# tuple, because there are very many.
Step = tuple[str, "int | None", Entries, tuple[int, ...]]


def unknown(lowered: Lowered) -> list[tuple[str, int]]:
    """Return the functions that the C machine lacks, as (name, number of operands)."""
    program = lowered.program
    used = set(zip(program.ops, map(len, program.args)))
    return sorted((op, n) for op, n in used if op not in (*LEAVES, *SEVERAL, *VECTORS) and not runs(op, n))


def length(lowered: Lowered) -> int:
    """Return the number of steps of a scalar program."""
    program, long = lowered.program, ("dot", "totals", "add")
    found = sum(n for op, n in Counter(program.ops).items() if op not in (*long, *VECTORS))
    for op, args in zip(program.ops, program.args):
        if op in long:
            size = len(args) - 1 if op == "add" else len(program.args[args[0]])
            found += size * len(program.args[args[1]]) if op == "totals" else size
    return found


def kinds(lowered: Lowered) -> int:
    """Return the number of kinds of operations; operations of one kind are equal and have operands of equal kinds.

    This estimates the number of statements. All parameters are of one kind, and so are the entries of an input.
    """
    program = lowered.program
    kind = [0] * len(program.ops)
    known: dict[Any, int] = {"param": 0} if program.parameters else {}
    vectors: dict[frozenset[int], int] = {}
    for i, (op, args) in enumerate(zip(program.ops, program.args)):
        if op in ("param", "element"):  # nothing reads an element
            continue
        if op == "vector":
            kind[i] = vectors.setdefault(frozenset([kind[a] for a in args]), -1 - len(vectors))
            continue
        if not args:
            key: Any = program.key[i][0] if op == "input" else (op,)
        elif len(args) == 2:
            key = (op, kind[args[0]], kind[args[1]])
        else:
            key = (op, frozenset([kind[a] for a in args]))
        kind[i] = known.setdefault(key, len(known))
    return len(known)


def tape(lowered: Lowered, sizes: Mapping[str, int], gradient: bool) -> Code:
    """Return the code of a scalar program: the cost and its gradient, or the outputs."""
    sections = _Sections(lowered, sizes, gradient)
    assembly = Assembly()
    steady = array("i", [-1]) * next(sections.fresh)  # entry -> the slot of a constant
    for i, x in sections.constants.items():
        steady[i] = assembly.constant(x)
    steps = sections.steps
    del sections  # frees what only writing needed
    assembly.operations = sum(op not in MOVES for each in steps.values() for op, *_ in each)
    numbers = {op: number for op, (number, _) in native.OPERATIONS.items()}
    assembled = native.assemble(numbers, tuple(steps.values()), steady, assembly.steady)
    codes, spread, assembly.steady, assembly.lanes = assembled
    for section, code in zip(steps, codes, strict=True):
        assembly.sections[section].frombytes(code)
    assembly.emit_spread(spread)
    return Code(assembly, 0 if gradient else len(lowered.outputs), len(lowered.gradients))


class _Sections:
    """The steps of each section, and the constants that they read.

    The entries of a step are those of the scalar program, and fresh ones for numbers that only steps have.
    """

    def __init__(self, lowered: Lowered, sizes: Mapping[str, int], gradient: bool) -> None:
        self.program = program = lowered.program
        self.steps: dict[int, list[Step]] = {ONCE: [], EACH: [], AFTER: []}
        minus = {i for i, x in program.constants.items() if x == -1.0}
        self.negated = {
            i: args[1] for i, args in enumerate(program.args) if args and args[0] in minus and program.ops[i] == "mul"
        }
        self.added: dict[int, int] = {}  # sum -> number of terms that it adds, before those that it subtracts
        self.fresh = count(len(program.ops))
        one, minus_one, minus_zero = next(self.fresh), next(self.fresh), next(self.fresh)
        self.constants = {one: 1.0, minus_one: -1.0, minus_zero: -0.0}
        # operations -> their operands as those of a + b·c, which rounds as the operation, and keeps the sign of a zero
        self.as_fma: dict[str, Callable[..., tuple[int, ...]]] = {
            "add": lambda a, b: (a, one, b),
            "sub": lambda a, b: (a, minus_one, b),
            "mul": lambda a, b: (minus_zero, a, b),
            "neg": lambda a: (minus_zero, minus_one, a),
        }
        self.place: dict[Any, tuple[int, int]] = {}  # key of an input -> its places
        for k, (name, size) in enumerate(sizes.items()):
            self.place |= {(name, i): (k, i) for i in range(size)}
        outputs = [*lowered.outputs, *lowered.gradients]
        needed = self.needed(outputs)
        self.fused = self.fused_products(needed, outputs)
        self.write_entries(needed)
        if gradient:
            self.cost(lowered.outputs[0])
        else:
            self.steps[EACH].extend(("output", None, (i,), (row,)) for row, i in enumerate(lowered.outputs))
        self.steps[AFTER].extend(("result", None, (i,), (k,)) for k, i in enumerate(lowered.gradients))

    def needed(self, outputs: Sequence[int]) -> list[Entries | None]:
        """Return the operands of each entry that outputs depend on, and None for the others."""
        found: list[Entries | None] = [None] * len(self.program.ops)
        wanted = bytearray(len(found))
        for i in outputs:
            wanted[i] = 1
        for i in range(len(found) - 1, -1, -1):
            if wanted[i]:
                found[i] = takes = self.operands(i)
                for a in takes:
                    wanted[a] = 1
        return found

    def operands(self, i: int) -> Entries:
        """Return the entries that the steps of an entry read.

        Of a sum these are first the terms that it adds, at least one and products last, then those that it subtracts: b for
        a − b, not −1·b. Of a dot these are the left factors, then as many right ones.
        """
        program, ops, negated = self.program, self.program.ops, self.negated
        args = program.args[i]
        if i in negated:
            return args[1:]
        if ops[i] == "dot":
            return program.args[args[0]] + program.args[args[1]]
        if ops[i] == "element":
            left, columns = program.args[args[0]]
            return program.args[left] + program.args[program.args[columns][i - args[0] - 1]]
        if ops[i] != "add":
            return args
        if ops[args[0]] != "mul" and negated.keys().isdisjoint(args):
            self.added[i] = len(args)
            return args
        first, *others = sorted(args, key=lambda t: (t in negated, ops[t] == "mul"))
        added = [first, *(t for t in others if t not in negated)]
        self.added[i] = len(added)
        return (*added, *(negated[t] for t in others if t in negated))

    def fused_products(self, needed: Sequence[Entries | None], outputs: Sequence[int]) -> dict[int, Entries]:
        """Return the products, with their factors, that nothing reads but one sum, which adds them and varies as they do."""
        ops, varying = self.program.ops, self.program.varying
        found = {
            a: takes
            for i, last in self.added.items()
            for a in (needed[i] or ())[1:last]
            if ops[a] == "mul" and varying[a] == varying[i] and a not in self.negated and (takes := needed[a])
        }
        reads = Counter(a for a in chain(outputs, *filter(None, needed)) if a in found)
        return {a: takes for a, takes in found.items() if reads[a] == 1}

    def write_entries(self, needed: Sequence[Entries | None]) -> None:
        """Write the steps of all needed entries, each in its section."""
        program, fused = self.program, self.fused
        once, each, after = self.steps.values()
        late: set[int] = set()  # entries that depend on sums over the samples
        for i, takes in enumerate(needed):
            if takes is None:
                continue
            op = program.ops[i]
            if i in fused:
                if not late.isdisjoint(takes):
                    late.add(i)
            elif op == "const":
                self.constants[i] = program.constants[i]
            elif op in LEAVES:
                key = program.key[i]
                places = () if op == "seed" else (key,) if op == "param" else self.place[key]
                (each if op == "input" else once).append((op, i, (), places))
            elif op in ("total", "element"):
                self.total(each, i, takes)
                late.add(i)
            elif program.varying[i]:
                self.write(each, i, op, takes)
            elif late.isdisjoint(takes):
                self.write(once, i, op, takes)
            else:
                self.write(after, i, op, takes)
                late.add(i)

    def cost(self, i: int) -> None:
        """Write the steps of the mean of an entry over the samples."""
        if self.program.varying[i]:
            seed, total, mean = (next(self.fresh) for _ in range(3))
            self.steps[ONCE].append(("seed", seed, (), ()))
            self.steps[EACH].append(("total", total, (i,), ()))
            self.steps[AFTER].append(("mul", mean, (total, seed), ()))
            i = mean
        self.steps[AFTER].append(("cost", None, (i,), ()))

    def total(self, steps: list[Step], i: int, takes: Entries) -> None:
        """Write the steps of a sum over the samples: of one entry, or of left factors times as many right ones."""
        if len(takes) > 2:
            products = next(self.fresh)
            self.write(steps, products, "dot", takes)
            takes = (products,)
        steps.append(("total" if len(takes) == 1 else "total product", i, takes, ()))

    def write(self, steps: list[Step], i: int, op: str, takes: Entries) -> None:
        """Write the steps of an entry: sums and dots term by term, a sum with the products that only it reads."""
        so_far = takes[0]
        if op == "add":
            last = len(takes) - 1
            for k in range(1, last + 1):
                makes, term = i if k == last else next(self.fresh), takes[k]
                if term in self.fused:
                    self.step(steps, "fma", makes, (so_far, *self.fused[term]))
                else:
                    self.step(steps, "add" if k < self.added[i] else "sub", makes, (so_far, term))
                so_far = makes
        elif op == "dot":
            n = len(takes) // 2
            for k in range(n):
                makes = i if k == n - 1 else next(self.fresh)
                factors = takes[k], takes[n + k]
                self.step(steps, *(("fma", makes, (so_far, *factors)) if k else ("mul", makes, factors)))
                so_far = makes
        else:
            self.step(steps, "neg" if i in self.negated else op, i, takes)

    def step(self, steps: list[Step], op: str, makes: int, takes: Entries) -> None:
        """Write a step; on single numbers all arithmetic as a + b·c, because runs of one operation need no dispatch."""
        if op in self.as_fma and steps is not self.steps[EACH]:
            op, takes = "fma", self.as_fma[op](*takes)
        steps.append((op, makes, takes, ()))
