"""The scalar program as it is, as code for the compiled part: for what has too few matrices to be worth statements.

Constants, parameters and what is computed from these alone come first, once; then, for each block of samples, what differs
from sample to sample; at last what takes sums over all samples. Operations of one kind are brought together where their
order allows it, and a slot whose number nobody needs any more is used again, so that a block stays in the cache.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from heapq import heappop, heappush
from itertools import count, groupby
from typing import Any, NamedTuple

from .lowering import Lowered
from .machine import AFTER, EACH, ONCE, Assembly, Code, runs

__all__ = ["kinds", "length", "tape", "unknown"]

REACH = 1000  # steps over which operations of one kind are brought together: measured
LEAVES = ("const", "param", "input", "seed")
TOTALS = ("total", "total product")
SEVERAL = ("add", "dot", "total")  # operations of any number of entries, written with others


class Step(NamedTuple):
    """An operation of the tape: an entry made of others, or numbers that come from or go to a place outside."""

    op: str
    makes: int | None
    takes: tuple[int, ...] = ()
    place: tuple[int, ...] = ()


def unknown(lowered: Lowered) -> list[tuple[str, int]]:
    """Return the functions, and their numbers of operands, that the compiled part does not have."""
    program = lowered.program
    used = {(op, len(args)) for op, args in zip(program.ops, program.args) if op not in (*LEAVES, *SEVERAL)}
    return sorted(call for call in used if not runs(*call))


def length(lowered: Lowered) -> int:
    """Return how many steps a scalar program is."""
    program = lowered.program
    return sum(
        len(args) // 2 if op == "dot" else len(args) - 1 if op == "add" else 1
        for op, args in zip(program.ops, program.args)
    )


def kinds(lowered: Lowered) -> int:
    """Return how many operations differ in kind: those of one kind do the same to operands of the same kinds.

    About as many statements the program would be; parameters are of one kind, and so are the entries of an input.
    """
    program = lowered.program
    kind = [0] * len(program.ops)
    known: dict[Any, int] = {}
    for i in program.needed([*lowered.outputs, *lowered.gradients]):
        op, args = program.ops[i], program.args[i]
        if op == "input":
            key: Any = (op, program.place[i][0])
        elif len(args) <= 2:
            key = (op, *[kind[a] for a in args])
        else:
            key = (op, frozenset([kind[a] for a in args]))
        kind[i] = known.setdefault(key, len(known))
    return len(known)


def tape(lowered: Lowered, sizes: Mapping[str, int], gradient: bool) -> Code:
    """Return the code of a scalar program: the cost and its gradient, or the outputs."""
    sections = _Sections(lowered, sizes, gradient)
    ordered = {section: _together(steps) for section, steps in sections.steps.items()}
    return Code(_coded(ordered, sections.constants), 0 if gradient else len(lowered.outputs), len(lowered.gradients))


class _Sections:
    """The steps of each section, and the constants that they take."""

    def __init__(self, lowered: Lowered, sizes: Mapping[str, int], gradient: bool) -> None:
        self.program = program = lowered.program
        self.steps: dict[int, list[Step]] = {ONCE: [], EACH: [], AFTER: []}
        self.negated = {
            i: program.args[i][1]
            for i, op in enumerate(program.ops)
            if op == "mul" and program.is_const(program.args[i][0], -1.0)
        }
        self.fresh = count(len(program.ops))
        self.constants: dict[int, float] = {}
        place: dict[Any, tuple[int, ...]] = {}
        for k, (name, size) in enumerate(sizes.items()):
            place |= {(name, i): (k, i) for i in range(size)}
        late: set[int] = set()
        for i in self.needed([*lowered.outputs, *lowered.gradients]):
            op, takes = program.ops[i], self.takes(i)
            if op == "const":
                self.constants[i] = program.constants[i]
            elif op in LEAVES:
                at = () if op == "seed" else (program.place[i],) if op == "param" else place[program.place[i]]
                self.steps[EACH if op == "input" else ONCE].append(Step(op, i, (), at))
            elif op == "total":
                self.steps[EACH].append(Step("total" if len(takes) == 1 else "total product", i, takes))
                late.add(i)
            else:
                section = EACH if program.varying[i] else ONCE if late.isdisjoint(takes) else AFTER
                self.steps[section].extend(self.written(i, op, takes))
                if section == AFTER:
                    late.add(i)
        if gradient:
            self.cost(lowered.outputs[0])
        else:
            self.steps[EACH].extend(Step("output", None, (i,), (row,)) for row, i in enumerate(lowered.outputs))
        self.steps[AFTER].extend(Step("result", None, (i,), (k,)) for k, i in enumerate(lowered.gradients))

    def cost(self, i: int) -> None:
        """Write the steps of the mean of an entry over the samples."""
        if self.program.varying[i]:
            seed, total, mean = (next(self.fresh) for _ in range(3))
            self.steps[ONCE].append(Step("seed", seed))
            self.steps[EACH].append(Step("total", total, (i,)))
            self.steps[AFTER].append(Step("mul", mean, (total, seed)))
            i = mean
        self.steps[AFTER].append(Step("cost", None, (i,)))

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


def _coded(sections: Mapping[int, Sequence[Step]], constants: Mapping[int, float]) -> Assembly:
    """Return the code of sections: runs of steps with one operation, which are taken one after the other."""
    assembly = Assembly()
    last = {i: step for steps in sections.values() for step in steps for i in step.takes}
    steady = {i: assembly.constant(x) for i, x in constants.items()}
    lanes: dict[int, int] = {}
    for section, steps in sections.items():
        here = lanes if section == EACH else steady
        made: set[int] = set()  # what an earlier section made is for all blocks
        free: list[int] = []
        for op, run in groupby(steps, lambda step: step.op):
            found = []
            for step in run:
                if section == EACH:
                    takes = [lanes[i] if i in lanes else assembly.in_lanes([steady[i]])[0] for i in step.takes]
                else:
                    takes = [steady[i] for i in step.takes]
                makes = []
                if step.makes is not None and op in TOTALS:
                    makes = [assembly.new_steady()]
                    steady[step.makes] = makes[0]
                elif step.makes is not None:
                    makes = [free.pop() if free else assembly.one_more(section)]
                    here[step.makes] = makes[0]
                    made.add(step.makes)
                found.append((*makes, *step.place, *takes))
                free += [here[i] for i in {*step.takes} if last[i] is step and i in made]
            assembly.emit(section, op, *zip(*found), apart=False)
    return assembly
