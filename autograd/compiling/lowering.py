"""From a recorded graph to its scalar program: every gate's row, run forward and, for the gradient, backward."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ..graph import topological_order
from ..value import Value
from .scalars import Functions, Program, Scalar, entry

__all__ = ["Lowered", "lower"]


class Lowered(NamedTuple):
    """A scalar program, the entries of the outputs, and those of the gradient in every parameter (if asked for)."""

    program: Program
    outputs: list[int]
    gradients: list[int]
    forward: int  # how many entries there were before those of the backward pass


def lower(
    outputs: Sequence[Value], inputs: Mapping[str, Sequence[Value]], parameters: Sequence[Value], gradient: bool = False
) -> Lowered:
    """Return the scalar program of recorded outputs: a leaf that is neither input nor parameter is a constant.

    With gradient=True also that of Σ over the samples of seed · d output/d parameter, by upstream × local = downstream.
    """
    program = Program()
    xp = Functions(program)
    at: dict[Value, Scalar] = {}
    for kind, place, value in [
        *(("input", (name, i), value) for name, values in inputs.items() for i, value in enumerate(values)),
        *(("param", i, value) for i, value in enumerate(parameters)),
    ]:
        at[value] = Scalar(program, program.leaf(kind, place, kind == "input"))
    order = topological_order(*outputs)
    for value in order:
        if value not in at:
            gate = value.gate
            made = value.data if gate is None else gate.forward(xp, *(at[x] for x in value.inputs))
            at[value] = Scalar(program, entry(program, made))
    found = [at[output].index for output in outputs]
    forward = len(program.ops)
    if not gradient:
        return Lowered(program, found, [], forward)

    matters = set(parameters)  # what the gradient of a parameter comes through
    for value in order:
        if any(x in matters for x in value.inputs):
            matters.add(value)
    (root,) = outputs
    varies = program.varying
    upstream: dict[Value, Any] = {
        root: Scalar(program, program.leaf("seed", 0, True)) if varies[at[root].index] else 1.0
    }
    for value in reversed(order):
        if value.gate is None or value not in upstream or value not in matters:
            continue
        arrived = entry(program, upstream.pop(value))
        wanted = [x in matters for x in value.inputs]
        slopes = value.gate.local_gradients(xp, at[value], [at[x] for x in value.inputs], wanted)
        for x, slope in zip(value.inputs, slopes, strict=True):
            if slope is None:
                continue
            local = entry(program, slope)
            summed = not varies[at[x].index] and (varies[arrived] or varies[local])
            downstream = Scalar(program, (program.total if summed else program.product)(arrived, local))
            before = upstream.get(x)
            upstream[x] = downstream if before is None else downstream + before
    return Lowered(program, found, [entry(program, upstream.get(p, 0.0)) for p in parameters], forward)
