"""The sample, and the gate of the recorded function, at which a number of a compiled program stopped being finite."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from typing import Any, TypeVar

from ..anomaly import detect_anomaly
from .forms import Forms

__all__ = ["diagnosed"]

T = TypeVar("T")
Run = Callable[[Any, Sequence[Any]], T]


def diagnosed(run: Run[T], forms: Forms, flat: Any, rows: Sequence[Any]) -> T:
    """Return run(flat, rows): a program on its parameters and on a batch of each input.

    Its error about a number that is not finite ends with the first sample that fails, its gate, inputs, scope and line.
    """
    try:
        return run(flat, rows)
    except FloatingPointError as error:
        place = _first_failing(run, flat, rows)
        sample = {name: batch[place].tolist() for name, batch in zip(forms.traced.inputs, rows, strict=True)}
        gate = _replayed(forms, flat.tolist(), sample)
        if not gate:  # each sample alone is finite: the sum over the samples is not
            raise
        raise FloatingPointError(f"{error}; sample {place} of this batch: {gate}") from None


def _first_failing(run: Run[Any], flat: Any, rows: Sequence[Any]) -> int:
    """Return the place of the first sample that fails, by bisection, given that the program fails on all of them."""
    passing, failing = 0, len(rows[0])  # the program passes on so many samples, and fails on so many
    while failing - passing > 1:
        middle = (passing + failing) // 2
        try:
            run(flat, [batch[:middle] for batch in rows])
            passing = middle
        except FloatingPointError:
            failing = middle
    return failing - 1


def _replayed(forms: Forms, numbers: Sequence[float], sample: Mapping[str, Sequence[float]]) -> str:
    """Run a copy of the recorded graph on one sample, and return the error of the first gate that fails, if one does."""
    outputs, parameters, inputs = deepcopy((forms.traced.outputs, [*forms.parameters], forms.traced.inputs))
    for i, (leaf, x) in enumerate(zip(parameters, numbers, strict=True)):
        leaf.data, leaf.label = x, leaf.label or f"parameters[{i}]"
    for name, values in inputs.items():
        for value, x in zip(values, sample[name], strict=True):
            value.data = x
    try:
        with detect_anomaly():
            for output in outputs:
                output.forward()
                if forms.gradient and output.role != "constant":
                    output.backward()
    except (ArithmeticError, ValueError) as error:
        return str(error)
    return ""
