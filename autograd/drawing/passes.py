"""Describe both passes step by step: forward gate by gate, then backward, upstream × local = downstream."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice

from ..check import check_gradients, finite_differences
from ..gate import Gate
from ..value import Value
from .flow import Flow, local_gradients, sign
from .report import Section

__all__ = ["numeric_gradients", "passes"]

ROWS = 600  # of the table of the backward pass
LONGEST = 200  # gates that are written out, those nearest to the root
FORMULA = 40  # characters of a local gradient's formula
MOST_TERMS = 12  # of a sum at a shared leaf
MOST_REPLAYS = 2_000_000  # limit of gate evaluations for finite differences
MOST_NUDGED = 1_000  # inputs of a gate, up to which finite differences are computed
NOT_COMPUTED = "not computed"
BLANK = "_" * 10  # on a worksheet
NO_VALUE = "undefined nearby"


def passes(flow: Flow, names: Mapping[Value, str], digits: int, numeric: bool, *, blank: bool = False) -> list[Section]:
    """Return the sections; with `numeric`, finite differences beside every local gradient and gradient.

    With `blank`, blanks in the place of all numbers but the leaves' values.
    """
    return _Passes(flow, names, digits, numeric, blank).sections()


def numeric_gradients(flow: Flow, nodes: Sequence[Value]) -> list[str] | None:
    """Return d root/d node by central differences, without changing the graph; None if that takes too long."""
    gates = [node for node in flow.order if node.inputs]
    if 2 * len(gates) * len(nodes) > MOST_REPLAYS:
        return None
    found = []
    for nudged in nodes:
        depends = {nudged}
        for node in gates:
            if not depends.isdisjoint(node.inputs):
                depends.add(node)
        affected = [node for node in gates if node in depends and node is not nudged]

        def replay(x: Value, nudged: Value = nudged, affected: Sequence[Value] = affected) -> float:
            data = {nudged: x.data}
            for node in affected:
                assert node.gate is not None
                data[node] = node.gate.evaluate([data.get(input, input.data) for input in node.inputs])
            return data.get(flow.root, flow.root.data)

        found.append(_difference(replay, nudged.data))
    return found


class _Passes:
    def __init__(self, flow: Flow, names: Mapping[Value, str], digits: int, numeric: bool, blank: bool) -> None:
        self.flow, self.names, self.digits, self.numeric = flow, names, digits, bool(numeric)
        self.blank = blank
        self.gates = [node for node in flow.order if node.inputs]
        self.leaves = [node for node in flow.order if node.role in ("input", "parameter")]

    def number(self, x: float) -> str:
        return f"{x:.{self.digits}g}"

    def answer(self, x: float) -> str:
        return BLANK if self.blank else self.number(x)

    def sections(self) -> list[Section]:
        skipped = len(self.gates) - LONGEST
        forward = Section("forward")
        if self.leaves:
            more = ", …" if len(self.leaves) > MOST_TERMS else ""
            given = (f"{self.names[x]} = {self.number(x.data)}" for x in self.leaves[:MOST_TERMS])
            forward.lines.append(f"{', '.join(given)}{more}")
        if skipped > 0:
            forward.lines.append(f"… {skipped:,} gates before the following")
        for node in self.gates[-LONGEST:]:
            assert node.gate is not None
            formula = node.gate.formula(self.operands(node))
            forward.lines.append(f"{self.names[node]} = {formula} = {self.answer(node.data)}")
        head = ["gate", "output", "upstream", "local", *["numeric"] * self.numeric, "downstream", "into", ""]
        backward = Section("backward: upstream × local = downstream", table=[head, *islice(self.backward(), ROWS)])
        if skipped > 0:
            backward.after.append(f"… {skipped:,} earlier gates not shown")
        gradients = Section("gradients", list(self.gradients()))
        return [forward, backward, gradients]

    def operands(self, node: Value) -> list[str | float]:
        """The inputs of a gate for its formula: names, and constants as numbers."""
        return [input.data if input.role == "constant" else self.names[input] for input in node.inputs]

    def backward(self) -> Iterator[list[str]]:
        for node in reversed(self.gates[-LONGEST:]):
            gate = node.gate
            upstream = None if self.flow.upstream is None else self.flow.upstream[node]
            assert gate is not None
            data = [input.data for input in node.inputs]
            formulas = gate.decided_formulas(self.operands(node), self.names[node], data, node.data)
            kink = gate.kink is not None and gate.kink.distance(*data) == 0
            nickname = (
                f"{gate.nickname}  at its kink: {gate.kink.convention}".strip() if kink and gate.kink else gate.nickname
            )
            slopes = local_gradients(node)
            formulas = formulas or [("", "")] * len(slopes)
            for place, (input, slope, (formula, why)) in enumerate(zip(node.inputs, slopes, formulas, strict=True)):
                if input.role == "constant":
                    continue
                into = self.names[input]
                beside = [_local_difference(gate, node, place, None if kink else slope)] if self.numeric else []
                if slope is None:
                    yield [sign(node), self.names[node], "", "none", *beside, "", into, nickname]
                else:
                    plain = self.number(slope)
                    told = formula in ("", plain.replace("-", "−")) or len(formula) > FORMULA
                    more = [*[formula] * (not told), *[f"because {why}"] * (0 < len(why) <= FORMULA)]
                    local = BLANK if self.blank else f"{plain} ({', '.join(more)})" if more else plain
                    up = NOT_COMPUTED if upstream is None else self.answer(upstream)
                    down = NOT_COMPUTED if upstream is None else self.answer(upstream * slope)
                    yield [sign(node), self.names[node], up, local, *beside, down, into, nickname]
                nickname = ""

    def gradients(self) -> Iterator[str]:
        """The gradient of every leaf; if several gates use the leaf, as a sum of their downstream gradients."""
        parts: dict[Value, list[str]] = {}
        upstream = self.flow.upstream or {}
        for node in self.gates if upstream and len(self.gates) <= LONGEST else ():
            for input, slope in zip(node.inputs, local_gradients(node), strict=True):
                if slope is not None:
                    parts.setdefault(input, []).append(self.number(upstream[node] * slope))
        shown = self.leaves[:LONGEST]
        numeric = numeric_gradients(self.flow, shown) if self.numeric and not self.flow.stale else None
        for i, leaf in enumerate(shown):
            name = f"d{self.names[self.flow.root]}/d{self.names[leaf]}"
            beside = f"  (numeric: {numeric[i]})" if numeric else ""
            if self.flow.upstream is None:
                yield f"{name} = {NOT_COMPUTED}{beside}"
                continue
            if self.blank:
                yield f"{name} = {BLANK}"
                continue
            gradient = self.flow.upstream[leaf]
            terms = parts.get(leaf, [])
            total = f"{' + '.join(terms)} = {gradient:.12g}" if 1 < len(terms) <= MOST_TERMS else f"{gradient:.12g}"
            accumulated = self.flow.share(leaf) is not None
            more = f"  (its grad is {self.number(leaf.grad)}, with earlier passes)" if accumulated else ""
            yield f"{name} = {total}{beside}{more}"
        if len(self.leaves) > LONGEST:
            yield f"… {len(self.leaves) - LONGEST:,} more leaves"
        if self.numeric and numeric is None and not self.flow.stale:
            yield "no finite differences: the graph is too large"


def _local_difference(gate: Gate, node: Value, place: int, slope: float | None) -> str:
    """The local gradient by one input of a gate, by central differences, marked WRONG if `slope` is not that."""
    if len(node.inputs) > MOST_NUDGED:
        return ""
    inputs = [input.data for input in node.inputs]

    def nudged(x: Value) -> float:
        return gate.evaluate([*inputs[:place], x.data, *inputs[place + 1 :]])

    found = _difference(nudged, inputs[place])
    if slope is None or found == NO_VALUE:
        return found
    (check,) = check_gradients(nudged, [inputs[place]], gradient=lambda x: slope, rtol=1e-3, atol=1e-6).checks
    return f"{found} WRONG" if check.verdict == "WRONG" else found


def _difference(f: Callable[[Value], float], at: float) -> str:
    try:
        (slope,) = finite_differences(f, [at])
    except (ArithmeticError, ValueError):
        return NO_VALUE
    return f"{slope:.6g}"
