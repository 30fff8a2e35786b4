"""Lowering: a recorded graph becomes a scalar program, by running the rules of its gates on scalar entries."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ..backward import reverse, topological_order
from ..gate import Gate
from ..value import Value
from .scalars import Downstream, Functions, Program, Scalar, entry

__all__ = ["Lowered", "lower"]


class Lowered(NamedTuple):
    """A scalar program, the entries of the outputs, and those of the gradient in every parameter (if asked for)."""

    program: Program
    outputs: list[int]
    gradients: list[int]
    forward: int  # number of entries of the forward pass, which come first


def lower(
    outputs: Sequence[Value], inputs: Mapping[str, Sequence[Value]], parameters: Sequence[Value], gradient: bool = False
) -> Lowered:
    """Return the scalar program of recorded outputs; leaves that are neither inputs nor parameters become constants.

    With gradient=True it also computes Σ seed · d output/d parameter over the samples, by the reverse loop.
    """
    program = Program()
    differing = {value for values in inputs.values() for value in values}
    first, operands = _merged(topological_order(*outputs), differing.union(parameters))
    roots = [first[output] for output in outputs]
    del first  # frees its memory before the entries need as much
    at = _forward(program, operands, inputs, parameters)
    found, forward = [at[root].index for root in roots], len(program.ops)
    program.begin_backward()
    gradients = _backward(program, operands, at, roots[0], differing, parameters) if gradient else []
    program.forget()
    return Lowered(program, found, gradients, forward)


def _merged(order: Sequence[Value], leaves: set[Value]) -> tuple[dict[Value, Value], dict[Value, tuple[Value, ...]]]:
    """Return the first Value that is computed as each one is, and the operands of these first ones, in order.

    A gate that is recorded twice on equal operands has one adjoint then: otherwise the backward pass would repeat for each
    record what the forward pass computes once. Constants are equal if their numbers are.
    """
    first: dict[Value, Value] = {}
    operands: dict[Value, tuple[Value, ...]] = {}
    known: dict[Any, Value] = {}
    for value in order:
        taken = tuple([first[x] for x in value.inputs])
        key = (value.gate, taken) if taken else value if value in leaves else value.data.hex()
        merged = first[value] = known.setdefault(key, value)
        if merged is value:
            operands[value] = taken
    return first, operands


def _forward(
    program: Program,
    operands: Mapping[Value, tuple[Value, ...]],
    inputs: Mapping[str, Sequence[Value]],
    parameters: Sequence[Value],
) -> dict[Value, Scalar]:
    """Write every gate's forward rule down, and return the entry of every Value."""
    at: dict[Value, Scalar] = {}
    for name, values in inputs.items():
        for i, value in enumerate(values):
            at[value] = Scalar(program, program.leaf("input", (name, i), True))
    for i, value in enumerate(parameters):
        at[value] = Scalar(program, program.leaf("param", i, False))
    xp = Functions(program)
    for value, given in operands.items():
        if value not in at:
            gate, taken, first = value.gate, [at[x] for x in given], len(program.ops)
            try:
                i = entry(program, gate.forward(xp, *taken) if gate else value.data)
            except (ArithmeticError, ValueError) as error:
                raise _refusal(error, gate, program, taken) from None
            at[value] = Scalar(program, i)
            if gate and i >= first:
                program.gates[i] = gate, taken
    return at


def _backward(
    program: Program,
    operands: Mapping[Value, tuple[Value, ...]],
    at: Mapping[Value, Scalar],
    root: Value,
    inputs: set[Value],
    parameters: Sequence[Value],
) -> list[int]:
    """Write upstream × local = downstream down for every gate, and return the entries of the parameters' gradients.

    A Value that depends on an input has an adjoint for each sample, even where all are equal and their entry does not
    vary, because the slopes that multiply it may vary. Adjoints are summed over the samples where they reach a Value that
    depends on no input.
    """
    xp = Functions(program, partials=True)
    matters, differs = set(parameters), set(inputs)  # the Values that depend on a parameter, and on an input
    for value, given in operands.items():
        if not matters.isdisjoint(given):
            matters.add(value)
        if not differs.isdisjoint(given):
            differs.add(value)

    def downstream(value: Value, upstream: int) -> Iterator[tuple[Value, Downstream]]:
        gate, given = value.gate, operands[value]
        assert gate is not None
        taken = [at[x] for x in given]
        try:
            slopes = gate.local_gradients(xp, at[value], taken, [x in matters for x in given])
        except (ArithmeticError, ValueError) as error:
            raise _refusal(error, gate, program, taken) from None
        varies = value in differs
        for x, slope in zip(given, slopes, strict=True):
            if slope is not None:
                local = slope.index if slope.__class__ is Scalar else entry(program, slope)
                yield x, program.downstream(upstream, local, varies and x not in differs)

    seed = program.leaf("seed", 0, True) if root in differs else program.const(1.0)
    seeds: dict[Value, Downstream] = {root: seed}
    found = reverse([value for value in operands if value in matters], seeds, program.adjoint, downstream)
    return [found[parameter] if parameter in found else program.sum([]) for parameter in parameters]


def _refusal(error: Exception, gate: Gate | None, program: Program, taken: Sequence[Scalar]) -> Exception:
    """Return the error of a gate at constants, with its inputs; inputs that depend on data are shown as nan."""
    return gate.refusal(error, [program.constants.get(x.index, math.nan) for x in taken], ()) if gate else error
