"""The scalar program as it is, on a tape of the compiled part: for what has too few matrices to be worth arrays.

Constants, parameters and what is computed from these alone come first, once; then, for each block of samples, what differs
from sample to sample; at last what takes sums over all samples. Operations of one kind are brought together where their
order allows it, and a slot whose number nobody needs any more is used again, so that a block stays in the cache.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Mapping, Sequence
from heapq import heappop, heappush
from itertools import count
from typing import Any, Literal, NamedTuple

from .._engine import load
from ..functions import known
from .lowering import Lowered

__all__ = ["Executor", "Tape", "native", "taped"]

native = load("autograd.compiling._tape")

Executor = Literal["numpy", "tape"]

MOST = 16  # operations for which an array operation stands: measured, on networks and irregular graphs
REACH = 1000  # steps over which operations of one kind are brought together: measured
BEST = -1
ONCE, EACH, AFTER = range(3)  # the sections of a tape
LEAVES = ("const", "param", "input", "seed")
SEVERAL = ("add", "dot", "total")  # operations of any number of entries, written with others


class Step(NamedTuple):
    """An operation of the tape: an entry made of others, or numbers that come from or go to a place outside."""

    op: str
    makes: int | None
    takes: tuple[int, ...] = ()
    place: tuple[int, ...] = ()


class Tape:
    """The code of a scalar program for the compiled part, the same for all parameters and batches.

    order: which parameter stands where in the flat array of all, and so in the gradient
    """

    def __init__(self, lowered: Lowered, sizes: Mapping[str, int], order: Sequence[int]) -> None:
        self.outputs, self.parameters = len(lowered.outputs), len(lowered.gradients)
        sections = _Sections(lowered, sizes, order)
        ordered = [_together(steps) for steps in sections.steps]
        self.constants = array("d", sections.constants)
        self.operations = sum(not step.place for steps in ordered for step in steps)
        self.slots, self.code = _coded(ordered)
        self.checked = native.Code(*self.code, self.slots, self.constants)

    def run(self, theta: Any, columns: Sequence[Any], check: bool, generation: int = BEST) -> tuple[Any, Any] | None:
        """Return the outputs, a row for each, and the gradient, of parameters and inputs with a column for each sample.

        With `check`, None where anything overflows or is undefined. `generation` counts processors that the compiled part
        has code for, from the oldest.
        """
        import numpy as np

        outputs, gradient = np.empty((self.outputs, columns[0].shape[1])), np.empty(self.parameters)
        parameters = np.ascontiguousarray(theta, np.float64)
        inputs = tuple(column.astype(np.float64, copy=False) for column in columns)
        fine = self.checked.run(parameters, inputs, outputs, gradient, check, generation)
        return (outputs, gradient) if fine else None

    def __str__(self) -> str:
        return f"as a tape of {self.operations} operations, {native.LANES} samples at once"


def taped(
    lowered: Lowered, sizes: Mapping[str, int], order: Sequence[int], arrays: int, executor: Executor | None
) -> Tape | None:
    """Return the tape that a program runs as, None if it runs on NumPy.

    Unless told, it runs as a tape if an array operation of NumPy would stand for few operations of the tape: up to about
    MOST of them the tape was faster for batches of every size, and the more so the smaller they are.
    """
    if executor == "numpy" or (executor is None and native is None):
        return None
    if native is None:
        raise ImportError('executor="tape" needs the compiled part, which this installation is without: use "numpy"')
    program = lowered.program
    used = {(op, len(args)) for op, args in zip(program.ops, program.args) if op not in (*LEAVES, *SEVERAL)}
    unknown = sorted(call for call in used if not _runs(*call))
    if executor == "tape":
        if unknown:
            op, operands = unknown[0]
            raise ValueError(f"the compiled part knows no {op} of {operands}: use executor='numpy'")
    elif unknown or sum(map(_length, program.ops, program.args)) > MOST * arrays:
        return None
    return Tape(lowered, sizes, order)


def _runs(op: str, operands: int) -> bool:
    """Tell whether a tape runs a function of so many operands; NumPy has to have it too, whose source names what fails."""
    row = known(op, operands)
    return op in native.OPERATIONS and row is not None and bool(row.numpy or row.sign)


def _length(op: str, args: Sequence[int]) -> int:
    """Return how many steps an entry is."""
    return len(args) // 2 if op == "dot" else len(args) - 1 if op == "add" else 1


class _Sections:
    """The steps of each section, and the constants that they take."""

    def __init__(self, lowered: Lowered, sizes: Mapping[str, int], order: Sequence[int]) -> None:
        self.program = program = lowered.program
        self.steps: tuple[list[Step], ...] = [], [], []
        self.negated = {
            i: program.args[i][1]
            for i, op in enumerate(program.ops)
            if op == "mul" and program.is_const(program.args[i][0], -1.0)
        }
        self.fresh = count(len(program.ops))
        self.constants = [0.0]
        place: dict[Any, tuple[int, ...]] = {p: (k,) for k, p in enumerate(order)}
        for k, (name, size) in enumerate(sizes.items()):
            place |= {(name, i): (k, i) for i in range(size)}
        late: set[int] = set()
        for i in self.needed([*lowered.outputs, *lowered.gradients]):
            op, takes = program.ops[i], self.takes(i)
            if op == "const":
                self.steps[ONCE].append(Step(op, i, (), (len(self.constants),)))
                self.constants.append(program.constants[i])
            elif op in LEAVES:
                at = (0,) if op == "seed" else place[program.place[i]]
                self.steps[EACH if op == "input" else ONCE].append(Step(op, i, (), at))
            elif op == "total":
                sums = next(self.fresh)  # the sum of each place in a block over all blocks
                self.steps[ONCE].append(Step("const", sums, (), (0,)))
                self.steps[EACH].append(Step("total" if len(takes) == 1 else "total product", None, (sums, *takes)))
                self.steps[AFTER].append(Step("sum", i, (sums,)))
                late.add(i)
            else:
                section = EACH if program.varying[i] else ONCE if late.isdisjoint(takes) else AFTER
                self.steps[section].extend(self.written(i, op, takes))
                if section == AFTER:
                    late.add(i)
        self.steps[EACH].extend(Step("output", None, (i,), (row,)) for row, i in enumerate(lowered.outputs))
        gradients = [lowered.gradients[p] for p in order] if lowered.gradients else []
        self.steps[AFTER].extend(Step("result", None, (i,), (k,)) for k, i in enumerate(gradients))

    def terms(self, i: int) -> tuple[list[int], list[int]]:
        """Return what a sum adds, at least one entry, and what it subtracts: a − b takes b and not −1·b."""
        first, *others = sorted(self.program.args[i], key=self.negated.__contains__)
        added = [t for t in others if t not in self.negated]
        return [first, *added], [self.negated[t] for t in others if t in self.negated]

    def takes(self, i: int) -> tuple[int, ...]:
        """Return the entries that an entry is computed from."""
        if self.program.ops[i] == "add":
            added, subtracted = self.terms(i)
            return (*added, *subtracted)
        return self.program.args[i][i in self.negated :]

    def needed(self, outputs: Sequence[int]) -> list[int]:
        wanted, stack = set(), list(outputs)
        while stack:
            i = stack.pop()
            if i not in wanted:
                wanted.add(i)
                stack += self.takes(i)
        return sorted(wanted)

    def written(self, i: int, op: str, takes: Sequence[int]) -> list[Step]:
        """Return the steps of an entry: sums of many are added up term by term."""
        so_far: tuple[int, ...] = ()
        if op == "dot":
            first, *others = zip(takes[: len(takes) // 2], takes[len(takes) // 2 :])
            parts: list[tuple[str, tuple[int, ...]]] = [("mul", first), *(("fma", pair) for pair in others)]
        elif op == "add":
            added, subtracted = self.terms(i)
            so_far = (added[0],)
            parts = [*(("add", (t,)) for t in added[1:]), *(("sub", (t,)) for t in subtracted)]
        else:
            parts = [("neg" if i in self.negated else op, tuple(takes))]
        steps = []
        for k, (name, operands) in enumerate(parts, 1):
            makes = i if k == len(parts) else next(self.fresh)
            steps.append(Step(name, makes, (*so_far, *operands)))
            so_far = (makes,)
        return steps


def _together(steps: Sequence[Step]) -> list[Step]:
    """Return steps with equal operations side by side, the oldest first, and no step before what it takes."""
    maker = {step.makes: k for k, step in enumerate(steps)}
    users: dict[int, list[int]] = defaultdict(list)
    missing = [0] * len(steps)
    ready: dict[str, list[int]] = defaultdict(list)  # heaps of steps whose operands are there
    for k, step in enumerate(steps):
        takes = {maker[i] for i in step.takes if i in maker}
        missing[k] = len(takes)
        for other in takes:
            users[other].append(k)
        if not takes:
            ready[step.op].append(k)
    found = []
    while ready:
        op = min(ready, key=lambda op: ready[op][0])
        heap = ready[op]
        furthest = heap[0] + REACH
        while heap and heap[0] <= furthest:
            k = heappop(heap)
            found.append(steps[k])
            for user in users[k]:
                missing[user] -= 1
                if not missing[user]:
                    heappush(ready[steps[user].op], user)
        if not heap:
            del ready[op]
    return found


def _coded(sections: Sequence[Sequence[Step]]) -> tuple[int, list[array[int]]]:
    """Return the number of slots, and the code of each section: for each run its operation, how many steps, and these."""
    made: dict[int | None, int] = {step.makes: s for s, steps in enumerate(sections) for step in steps}
    last = {i: step for steps in sections for step in steps for i in step.takes}
    slot: dict[int, int] = {}
    free: list[int] = []
    slots, codes = 0, []
    for s, steps in enumerate(sections):
        code, op, count = array("i"), "", 0
        for step in steps:
            if step.op != op:
                op, count = step.op, len(code) + 1
                code.extend((native.OPERATIONS[op][0], 0))
            code[count] += 1
            if step.makes is not None:
                slot[step.makes] = free.pop() if free else slots
                slots = max(slots, slot[step.makes] + 1)
                code.append(slot[step.makes])
            code.extend(step.place)
            code.extend(slot[i] for i in step.takes)
            # what an earlier section made is for all blocks
            free += [slot[i] for i in {*step.takes} if last[i] is step and made[i] == s]
        codes.append(code)
    return slots, codes
