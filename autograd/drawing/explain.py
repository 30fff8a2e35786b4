"""The lectures' walk in words: forward gate by gate, then backward, upstream × local = downstream."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count, islice

from ..value import Value
from .flow import Flow, local_gradients
from .names import caller_names, node_names

__all__ = ["Explanation", "explain"]

ROWS = 600  # of the table of the backward pass
LONGEST = 200  # gates that are written out; of a larger graph, those nearest to the root
MOST_TERMS = 12  # of a sum at a shared leaf
NOT_COMPUTED = "not computed"
KINDS: dict[str | None, str] = {"input": "x", "parameter": "w", "constant": "c"}
SUBSCRIPT = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


@dataclass(frozen=True)
class Explanation:
    """The walk through a graph; its repr is the text."""

    text: str

    def __repr__(self) -> str:
        return self.text


def explain(root: Value, *, digits: int = 6, names: bool = True) -> Explanation:
    """Return the walk through a graph, which a prompt shows: every gate's output, then upstream × local = downstream.

    Nodes without a name are numbered: gates v1, v2, … in the order of the forward pass, inputs x1, …, parameters w1, ….
    Numbers have `digits` significant digits, the gradients at the end 12; they are there once `root.backward()` has run.

    >>> x, y, z = Value(-2.0, "x"), Value(5.0, "y"), Value(-4.0, "z")
    >>> f = (x + y) * z
    >>> f.backward()
    >>> explain(f)
    forward
      x = -2, y = 5, z = -4
      v1 = x + y = 3
      f = v1·z = -12
    backward: upstream × local = downstream
      gate  output  upstream  local   downstream  into
      *     f       1         -4 (z)  -4          v1    swap multiplier
      *     f       1         3 (v1)  3           z
      +     v1      -4        1       -4          x     gradient distributor
      +     v1      -4        1       -4          y
    gradients
      df/dx = -4
      df/dy = -4
      df/dz = 3
    """
    flow = Flow.of(root)
    known = caller_names(sys._getframe(1)) if names else {}
    return Explanation("\n".join(_Writer(flow, known, digits).lines()))


class _Writer:
    def __init__(self, flow: Flow, known: dict[int, str], digits: int) -> None:
        self.flow, self.digits = flow, digits
        self.gates = [node for node in flow.order if node.inputs]
        self.names = dict(_complete(flow, node_names(flow.order, known)))

    def number(self, x: float) -> str:
        return f"{x:.{self.digits}g}"

    def lines(self) -> Iterator[str]:
        skipped = len(self.gates) - LONGEST
        if self.flow.stale:
            yield "stale: a leaf has changed since; forward() replays the graph"
        yield "forward"
        leaves = [node for node in self.flow.order if node.role in ("input", "parameter")]
        if leaves:
            more = ", …" if len(leaves) > MOST_TERMS else ""
            yield f"  {', '.join(f'{self.names[x]} = {self.number(x.data)}' for x in leaves[:MOST_TERMS])}{more}"
        if skipped > 0:
            yield f"  … {skipped:,} gates before these"
        for node in self.gates[-LONGEST:]:
            assert node.gate is not None
            formula = node.gate.formula(self.operands(node))
            yield f"  {self.names[node]} = {formula} = {self.number(node.data)}"
        yield "backward: upstream × local = downstream"
        head = ("gate", "output", "upstream", "local", "downstream", "into", "")
        yield from _table([head, *islice(self.backward(), ROWS)])
        if skipped > 0:
            yield f"  … {skipped:,} gates behind these"
        yield "gradients"
        yield from self.gradients()
        if self.flow.upstream is None:
            yield f"run {self.names[self.flow.root]}.backward() to compute the gradients"

    def operands(self, node: Value) -> list[str | float]:
        """The inputs of a gate as formulas show them: names, and constants as numbers."""
        return [input.data if input.role == "constant" else self.names[input] for input in node.inputs]

    def gradients(self) -> Iterator[str]:
        """The gradient of every leaf; where several gates use one, as the sum of what they send back."""
        parts: dict[Value, list[str]] = {}
        upstream = self.flow.upstream or {}
        for node in self.gates if upstream and len(self.gates) <= LONGEST else ():
            for input, slope in zip(node.inputs, local_gradients(node), strict=True):
                if slope is not None:
                    parts.setdefault(input, []).append(self.number(upstream[node] * slope))
        leaves = [node for node in self.flow.order if node.role in ("input", "parameter")]
        for leaf in leaves[:LONGEST]:
            name = f"  d{self.names[self.flow.root]}/d{self.names[leaf]}"
            if self.flow.upstream is None:
                yield f"{name} = {NOT_COMPUTED}"
                continue
            gradient = self.flow.upstream[leaf]
            terms = parts.get(leaf, [])
            total = f"{' + '.join(terms)} = {gradient:.12g}" if 1 < len(terms) <= MOST_TERMS else f"{gradient:.12g}"
            earlier = leaf.grad - gradient
            more = (
                f"  (its grad is {self.number(leaf.grad)}, with earlier passes)"
                if abs(earlier) > 1e-9 * abs(gradient)
                else ""
            )
            yield f"{name} = {total}{more}"
        if len(leaves) > LONGEST:
            yield f"  … {len(leaves) - LONGEST:,} more leaves"

    def backward(self) -> Iterator[tuple[str, ...]]:
        for node in reversed(self.gates[-LONGEST:]):
            gate = node.gate
            upstream = None if self.flow.upstream is None else self.flow.upstream[node]
            assert gate is not None
            formulas = gate.formulas(self.operands(node), self.names[node]) or [""] * len(node.inputs)
            kink = gate.kink is not None and gate.kink.distance(*(input.data for input in node.inputs)) == 0
            nickname = (
                f"{gate.nickname}  at its kink: {gate.kink.convention}".strip() if kink and gate.kink else gate.nickname
            )
            for input, slope, formula in zip(node.inputs, local_gradients(node), formulas, strict=True):
                if input.role == "constant":
                    continue
                into = self.names[input]
                if slope is None:
                    yield gate.symbol, self.names[node], "", "none", "", into, nickname
                else:
                    plain = self.number(slope)
                    local = plain if formula in ("", plain.replace("-", "−")) else f"{plain} ({formula})"
                    up = NOT_COMPUTED if upstream is None else self.number(upstream)
                    down = NOT_COMPUTED if upstream is None else self.number(upstream * slope)
                    yield gate.symbol, self.names[node], up, local, down, into, nickname
                nickname = ""


def _complete(flow: Flow, given: Mapping[Value, str | None]) -> Iterator[tuple[Value, str]]:
    """Yield every node with a name that no other node has: its own, or else x1, w1 or c1 for a leaf, v1 for a gate.

    A name that several nodes bear is numbered from the second on: x, x₂, x₃. The root without a name is called f.
    """
    own = {label for label in given.values() if label}
    free = {kind: _unused(kind, own) for kind in "xwcv"}
    borne: Counter[str] = Counter()
    for node in flow.order:
        name = given[node]
        if name:
            borne[name] += 1
            yield node, name if borne[name] == 1 else f"{name}{str(borne[name]).translate(SUBSCRIPT)}"
        elif node is flow.root and node.inputs and "f" not in own:
            yield node, "f"
        else:
            yield node, next(free[KINDS.get(node.role, "v")])


def _unused(kind: str, own: set[str]) -> Iterator[str]:
    """Yield kind1, kind2, … but for what is somebody's own name."""
    return (name for i in count(1) if (name := f"{kind}{i}") not in own)


def _table(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
