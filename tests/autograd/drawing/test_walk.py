"""Tests walk: one gate a step, and every number that of the engine."""

from __future__ import annotations

import re

import pytest
from hypothesis import given

import autograd
from autograd import Value, topological_order, walk
from autograd.drawing.flow import local_gradients
from autograd.testing import Expression, expressions
from tests.worked import sigmoid_neuron


@given(expressions())
def test_every_number_is_the_engines(case: tuple[Expression, list[float]]) -> None:
    f, inputs = case
    root = f(*map(Value, inputs))
    adjoints = autograd.adjoints(root)
    gates = [node for node in reversed(topological_order(root)) if node.inputs]
    steps = [*walk(root)]
    assert [step.gate for step in steps] == gates
    totals: dict[Value, float] = {}
    for number, step in enumerate(steps, start=1):
        assert (step.number, step.count, step.upstream) == (number, len(gates), adjoints[step.gate])
        slopes = [slope for slope in local_gradients(step.gate) if slope is not None]
        assert [send.local for send in step.sends] == slopes
        for send in step.sends:
            assert send.downstream == step.upstream * send.local
            totals[send.into] = send.total
            assert (send.arrived == send.expected) == (f"of {send.expected})" not in send.text)
    for node, total in totals.items():
        assert total == adjoints[node]
    assert all(node.grad == 0.0 for node in topological_order(root)), "nothing is changed"


def test_the_text_of_the_lecture() -> None:
    lines = "\n".join(map(str, walk(sigmoid_neuron(), names=False))).splitlines()
    assert lines[:4] == [
        "step 1 of 8: f = 1/v7, df/df = 1",
        "  v7 gets 1 × (-0.534447) = -0.534447",
        "step 2 of 8: v7 = 1 + v6, df/dv7 = -0.534447",
        "  v6 gets -0.534447 × 1 = -0.534447",
    ]
    assert lines[-1] == "  x0 gets 0.196612 × 2 = 0.393224"


def test_gradients_add_up_one_by_one() -> None:
    x = Value(3.0, "x")
    totals = [send.total for step in walk(x * x + x) for send in step.sends if send.into is x]
    assert totals == [1.0, 4.0, 7.0]


def test_names_and_digits() -> None:
    third = Value(1.0) / 3
    y = third * 2
    assert "third gets" in str(next(walk(y)))
    assert "third" not in str(next(walk(y, names=False)))
    assert re.search(r"0\.333$", str([*walk(y, digits=3)][1])) is None
    with pytest.raises(ValueError, match="digits"):
        walk(y, digits=-1)
    x = Value(1.0, "x")
    y = x * 2
    x.data = 5.0
    with pytest.raises(RuntimeError):
        walk(y)
