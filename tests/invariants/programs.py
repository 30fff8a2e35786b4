"""Random programs of gates: what every property is tried on.

A program is drawn gate by gate, each on results that are there already, so that a failure shrinks to a few gates. There
are three kinds. *Tame* ones use every gate inside its domain and beside its kinks, where derivatives exist. *Exact* ones
use the gates whose results are exact in small halves, and stand on ties and kinks all the time. *Wild* ones hold any
float: nan, infinities, the smallest and the largest.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from autograd import GATES, Gate, Value
from autograd.functions import FLOATS
from autograd.testing import inputs_of

Draw = Callable[[st.SearchStrategy[Any]], Any]
Place = int | float  # an int is the place of an earlier result, a float a constant
Step = tuple[str, tuple[Place, ...]]

MARGIN = 0.05  # how far tame programs stay away from kinks
BOUND = 50.0  # and from zero their results
EXACT = ["add", "sub", "neg", "mul", "abs", "relu", "leaky_relu", "maximum", "minimum", "where", "step", "sign"]
EXACT += ["exceeds", "sum", "dot", "max"]
HALVES = [0.0, 1.0, -1.0, 0.5, 2.0, -2.0, 1.5, -0.5]
WILD = (
    st.floats()
    | st.sampled_from(HALVES)
    | st.sampled_from([1e300, -1e300, 1e-310, -0.0, math.nan, math.inf, -math.inf, 710.0])
)


@dataclass(frozen=True, repr=False)
class Program:
    """The data of its leaves, and the gates with their inputs; called on floats or Values, it runs the gates."""

    leaves: Sequence[float]
    steps: Sequence[Step]

    def results(self, leaves: Sequence[Any], gates: Mapping[str, Gate] = GATES) -> list[Any]:
        """Return the leaves, and the result of every gate."""
        found = list(leaves)
        for name, places in self.steps:
            found.append(gates[name].apply([found[p] if isinstance(p, int) else p for p in places]))
        return found

    def __call__(self, *leaves: Any) -> Any:
        return self.results(leaves)[-1]

    def record(self) -> tuple[list[Value], Value]:
        """Return new leaves and the root of the graph that is recorded on them."""
        leaves = [Value(x, f"x{i}") for i, x in enumerate(self.leaves)]
        return leaves, self(*leaves)

    def at(self, leaves: Sequence[float]) -> Program:
        return Program(tuple(leaves), self.steps)

    def __repr__(self) -> str:
        names = [f"x{i}" for i in range(len(self.leaves))] + [f"v{i}" for i in range(len(self.steps))]
        lines = [", ".join(f"x{i} = {x!r}" for i, x in enumerate(self.leaves))]
        for i, (gate, places) in enumerate(self.steps):
            inputs = ", ".join(names[p] if isinstance(p, int) else repr(p) for p in places)
            lines.append(f"v{i} = {gate}({inputs})")
        return f"<{'; '.join(lines)}>"


def is_tame(program: Program) -> bool:
    """Tell whether every gate has its inputs inside its domain and beside its kink, and no result is large."""
    found = list(program.leaves)
    for name, places in program.steps:
        data = [found[p] if isinstance(p, int) else p for p in places]
        out = _tame(GATES[name], data)
        if out is None:
            return False
        found.append(out)
    return True


def _tame(gate: Gate, data: Sequence[float]) -> float | None:
    domains = gate.domain * len(data) if gate.variadic else gate.domain
    if not all(map(_within, data, domains)) or (gate.kink and not abs(gate.kink.distance(*data)) >= MARGIN):
        return None
    out = float(gate.forward(FLOATS, *data))
    return out if abs(out) <= BOUND else None


def _exact(gate: Gate, data: Sequence[float]) -> float | None:
    out = float(gate.forward(FLOATS, *data))
    return out if abs(out) <= BOUND and (out * 256).is_integer() else None


def _any(gate: Gate, data: Sequence[float]) -> float | None:
    try:
        return gate.evaluate(data)
    except (ArithmeticError, ValueError):
        return None


def _within(x: float, domain: Any) -> bool:
    return any(low <= x <= high for low, high in domain)


@st.composite
def programs(
    draw: Draw,
    gates: Sequence[str] | None,
    numbers: Callable[[Any], st.SearchStrategy[float]],
    fits: Callable[[float, Any], bool],
    accept: Callable[[Gate, Sequence[float]], float | None],
    max_steps: int,
) -> Program:
    """Draw leaves, then gates on results that fit, which are kept where `accept` gives their output."""
    rows = [GATES[name] for name in gates] if gates else [*GATES.values()]
    leaves: list[float] = draw(st.lists(numbers(((-3.0, 3.0),)), min_size=1, max_size=3))
    results, steps, used = list(leaves), list[Step](), set[int]()
    wanted, tries = draw(st.integers(1, max_steps)), 3 * max_steps
    while len(steps) < wanted and (tries := tries - 1):
        gate = draw(st.sampled_from(rows))
        domains = gate.domain * draw(st.integers(1, 4)) if gate.variadic else gate.domain
        recorded = draw(st.integers(0, len(domains) - 1))  # the one input that is surely no constant
        places: list[Place] = []
        for i, domain in enumerate(domains):
            fitting = [place for place, x in enumerate(results) if fits(x, domain)]
            constant = not fitting or (i != recorded and draw(st.integers(0, 2)) == 2)
            places.append(draw(numbers(domain)) if constant else draw(st.sampled_from(fitting)))
        data = [results[p] if isinstance(p, int) else p for p in places]
        nodes = {p for p in places if isinstance(p, int)}
        out = accept(gate, data) if nodes else None
        if out is not None:
            used |= nodes
            steps.append((gate.name, tuple(places)))
            results.append(out)
    loose = [i for i in range(len(leaves), len(results)) if i not in used]
    if len(loose) != 1:  # a root to which every gate leads
        steps.append(("sum", tuple(loose or range(len(leaves)))))
    return Program(tuple(leaves), tuple(steps))


def tame(gates: Sequence[str] | None = None, max_steps: int = 6) -> st.SearchStrategy[Program]:
    """Programs that have derivatives."""
    return programs(gates, inputs_of, _within, _tame, max_steps)


def exact(gates: Sequence[str] = EXACT, max_steps: int = 6) -> st.SearchStrategy[Program]:
    """Programs on ties and kinks, without any rounding."""
    return programs(gates, lambda _: st.sampled_from(HALVES), lambda *_: True, _exact, max_steps)


def wild(gates: Sequence[str] | None = None, max_steps: int = 6) -> st.SearchStrategy[Program]:
    """Programs of any floats that every gate accepts."""
    return programs(gates, lambda _: WILD, lambda *_: True, _any, max_steps)


@st.composite
def moved(draw: Draw, kind: st.SearchStrategy[Program]) -> tuple[Program, Program]:
    """Draw a program, and the same at other data where it is as tame."""
    program = draw(kind)
    scales = draw(st.lists(st.floats(0.7, 1.4), min_size=len(program.leaves), max_size=len(program.leaves)))
    return program, nearby(program, scales)


@st.composite
def moved_exactly(draw: Draw, kind: st.SearchStrategy[Program]) -> tuple[Program, Program]:
    """Draw an exact program, and the same on the other side of its kinks."""
    program = draw(kind)
    n = len(program.leaves)
    return program, program.at(draw(st.lists(st.sampled_from(HALVES), min_size=n, max_size=n)))


def nearby(program: Program, scales: Sequence[float]) -> Program:
    """Return a program at scaled data; at its own where it would not be tame there."""
    other = program.at([x * s for x, s in zip(program.leaves, scales, strict=True)])
    return other if is_tame(other) else program
