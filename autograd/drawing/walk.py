"""`walk`: the backward pass one gate at a time, as numbers."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from ..backward import adjoints
from ..names import caller_names, complete_names
from ..value import Value
from .flow import check_digits, local_gradients

__all__ = ["Send", "Step", "walk"]


@dataclass(frozen=True)
class Send:
    """The contribution of a gate to one of its inputs: upstream × local = downstream. `total` is the sum at the input so far.

    `arrived` of `expected` gradients are in the total. `text` says it in a line.
    """

    into: Value
    local: float
    downstream: float
    total: float
    arrived: int
    expected: int
    text: str


@dataclass(frozen=True)
class Step:
    """The step of one gate in a backward pass: its output node, the gradient `upstream` there, and what it sends on."""

    number: int
    count: int
    gate: Value
    upstream: float
    sends: tuple[Send, ...]
    title: str

    def __str__(self) -> str:
        return "\n".join([self.title, *(f"  {send.text}" for send in self.sends)])


def walk(root: Value, *, digits: int = 6, names: bool = True) -> Iterator[Step]:
    """Yield the backward pass from a root one gate a step, from the last gate to the first, as `print` shows it.

    A step stands for one call of a gate's `_backward` by hand. The numbers are those of one pass that begins with
    df/df = 1; no `.grad` is read or changed. `digits` is the number of significant digits of the text.

    >>> x = Value(3.0, "x")
    >>> for step in walk(x * x + x):
    ...     print(step)
    step 1 of 2: f = v1 + x, df/df = 1
      v1 gets 1 × 1 = 1
      x gets 1 × 1 = 1, so far 1 (use 1 of 3)
    step 2 of 2: v1 = x², df/dv1 = 1
      x gets 1 × 3 = 3, so far 4 (use 2 of 3)
      x gets 1 × 3 = 3, in all 7
    """
    known = caller_names(sys._getframe(1)) if names else {}
    check_digits(digits)
    upstream = adjoints(root)  # raises for a stale graph and for a slope that is undefined
    return _steps(upstream, complete_names([*upstream], known), root, digits)


def _steps(upstream: dict[Value, float], names: dict[Value, str], root: Value, digits: int) -> Iterator[Step]:
    def number(x: float) -> str:
        return f"{x + 0.0:.{digits}g}"

    gates = [node for node in reversed([*upstream]) if node.inputs]
    slopes = {gate: local_gradients(gate) for gate in gates}
    expected = Counter(
        input for gate in gates for input, slope in zip(gate.inputs, slopes[gate], strict=True) if slope is not None
    )
    totals, arrived = {root: 1.0}, Counter[Value]()
    for k, node in enumerate(gates, start=1):
        assert node.gate is not None
        sends = []
        for input, slope in zip(node.inputs, slopes[node], strict=True):
            if slope is None:
                continue
            downstream = upstream[node] * slope
            totals[input] = totals.get(input, 0.0) + downstream
            arrived[input] += 1
            text = f"{names[input]} gets {number(upstream[node])} × {_factor(number(slope))} = {number(downstream)}"
            if expected[input] > 1:
                done = arrived[input] == expected[input]
                count = f"so far {number(totals[input])} (use {arrived[input]} of {expected[input]})"
                text += f", in all {number(totals[input])}" if done else f", {count}"
            sends.append(Send(input, slope, downstream, totals[input], arrived[input], expected[input], text))
        operands = [input.data if input.role == "constant" else names[input] for input in node.inputs]
        gradient = f"d{names[root]}/d{names[node]} = {number(upstream[node])}"
        title = f"step {k} of {len(gates)}: {names[node]} = {node.gate.formula(operands)}, {gradient}"
        yield Step(k, len(gates), node, upstream[node], tuple(sends), title)


def _factor(text: str) -> str:
    return f"({text})" if text.startswith("-") else text
