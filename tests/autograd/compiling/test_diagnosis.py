"""Guards what a compiled program says of a number that is not finite: the sample, the gate, its scope and its line."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import autograd
from autograd import Value, compile, detect_anomaly, scope
from nn import SGD
from tests import fuzz

EXECUTORS = pytest.mark.parametrize("executor", fuzz.EXECUTORS)


def said(program: Any, *batches: Any, gradient: bool = True) -> str:
    with pytest.raises(FloatingPointError) as caught:
        program.value_and_grad(*batches) if gradient else program(*batches)
    return str(caught.value)


@EXECUTORS
@pytest.mark.parametrize("at", [0, 1, 76, 99])
@pytest.mark.parametrize("gradient", [True, False])
def test_the_sample_the_gate_its_scope_and_its_line(executor: Any, at: int, gradient: bool) -> None:
    w, b = Value(2.0, "w"), Value(1.0)

    def loss(x: Any, y: Any) -> Any:
        with scope("layer"):
            e = autograd.exp(w * x[0] + b)
        return (e - y[0]) ** 2

    with detect_anomaly():
        program = compile(loss, [w, b], x=1, y=1, executor=executor)
    x = np.zeros((100, 1))
    x[at:] = 800.0
    found = said(program, x, np.zeros((100, 1)), gradient=gradient)
    line = loss.__code__.co_firstlineno + 2
    assert f"sample {at} of this batch: exp: math range error (at" in found
    assert found.endswith(f"1601.0) (in layer, recorded at {__file__}:{line})")
    assert "overflow encountered in" in found


@EXECUTORS
def test_the_backward_pass_and_several_outputs(executor: Any) -> None:
    w = Value(1.0, "w")
    program = compile(lambda x: autograd.sqrt(x[0] * w), [w], x=1, executor=executor)
    found = said(program, [[1.0], [0.0], [2.0]])
    assert "sample 1 of this batch: backward through sqrt" in found
    assert "it has no finite slope at" in found
    several = compile(lambda x: [x[0], x[0] * w * w], [w], x=1, gradient=False, executor=executor)
    w.data = 1e200
    assert "sample 2 of this batch: mul 'f': the output is inf" in said(
        several, [[0.0], [1e-300], [1.0]], gradient=False
    )


def test_an_input_that_is_not_finite() -> None:
    program = compile(lambda x: x[0] * x[1], x=2, gradient=False)
    found = said(program, [[1.0, 2.0], [3.0, math.nan]], gradient=False)
    assert "x[1] holds a nan" in found
    assert found.endswith("sample 1 of this batch: mul 'f': the output is nan at x[0] = 3.0, x[1] = nan")


def test_a_sum_over_samples_of_which_none_fails_names_no_gate() -> None:
    w = Value(1.0)
    program = compile(lambda x: w * x[0], [w], x=1)
    assert "sample" not in said(program, np.full((4, 1), 1e308))


def test_a_constant_cost_names_no_gate() -> None:
    program = compile(lambda x: Value(math.nan, role="constant"), [Value(1.0)], x=1)
    assert "sample" not in said(program, [[1.0]])


def test_an_index_out_of_range() -> None:
    w = Value(2.0, "w")
    found = said(compile(lambda x: autograd.take([w, w * w], x[0]), [w], x=1), [[1.0], [5.0]])
    assert "x[1][0] must be a whole number from 0 to 1, got 5" in found
    assert "sample 1 of this batch: where" in found


def test_the_numbers_of_the_caller_are_kept() -> None:
    a, b = Value(2.0, "a"), Value(3.0, "b")
    y = autograd.exp(a * b)
    before = y.data
    assert "exp: math range error" in said(compile(y, [a], x=[b]), [[1.0], [1000.0]])
    assert (a.data, b.data, y.data, a.grad) == (2.0, 3.0, before, 0.0)


def test_training_names_them_too() -> None:
    w = Value(1.0, "w")
    program = compile(lambda x: autograd.exp(w * x[0]), [w], x=1)
    with pytest.raises(
        FloatingPointError, match=r"training diverged at step 0: .*sample 1 of this batch: exp: math range error"
    ):
        program.train([[1.0], [1000.0]], SGD([w], 0.1), steps=3)
    assert w.data == 1.0
