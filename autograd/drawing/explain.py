"""The lectures' walk in words: forward gate by gate, then backward, upstream × local = downstream."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
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


@dataclass(frozen=True)
class Explanation:
    """The walk through a graph; its repr is the text."""

    text: str

    def __repr__(self) -> str:
        return self.text


def explain(root: Value, *, digits: int = 6, names: bool = True) -> Explanation:
    """Return the walk through a graph, which a prompt shows: every gate's output, then upstream × local = downstream.

    Nodes without a name are numbered v1, v2, … in the order of the forward pass. Numbers have `digits` significant
    digits, the gradients at the end 12. They are there once `root.backward()` has run.

    >>> x, y, z = Value(-2.0, "x"), Value(5.0, "y"), Value(-4.0, "z")
    >>> f = (x + y) * z
    >>> f.backward()
    >>> explain(f)
    forward
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
        self.names = dict(_complete(flow, node_names(flow.order, known), self.number))

    def number(self, x: float) -> str:
        return f"{x:.{self.digits}g}"

    def lines(self) -> Iterator[str]:
        skipped = len(self.gates) - LONGEST
        if self.flow.stale:
            yield "stale: a leaf has changed since; forward() replays the graph"
        yield "forward"
        if skipped > 0:
            yield f"  … {skipped:,} gates before these"
        for node in self.gates[-LONGEST:]:
            assert node.gate is not None
            formula = node.gate.formula([self.names[input] for input in node.inputs])
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
            data = [input.data if input.role == "constant" else self.names[input] for input in node.inputs]
            formulas = gate.formulas(data, self.names[node]) or [""] * len(node.inputs)
            nickname = gate.nickname
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


def _complete(
    flow: Flow, given: Mapping[Value, str | None], number: Callable[[float], str]
) -> Iterator[tuple[Value, str]]:
    """Yield every node with a name: its own, a constant's number, f for the root, v1, v2, … for other gates."""
    taken = set(given.values())
    free = (name for i in count(1) if (name := f"v{i}") not in taken)
    for node in flow.order:
        own = given[node]
        if own:
            yield node, own
        elif not node.inputs:
            yield node, number(node.data)
        else:
            yield node, "f" if node is flow.root and "f" not in taken else next(free)


def _table(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
