"""Guards the conversion of arguments: what counts as a number, an int, a bool and a list, for autograd and nn alike."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from autograd import Value
from autograd.arguments import as_bool, as_finite, as_int, as_operand, describe, to_python, truncated_repr


@pytest.mark.parametrize("x", [math.inf, -math.inf, math.nan, -1, 10**400])
def test_a_finite_number_is_neither_infinite_nor_nan_nor_below_the_least(x: Any) -> None:
    with pytest.raises((ValueError, OverflowError), match="the rate"):
        as_finite(x, "the rate", 0)


@pytest.mark.parametrize("x", [math.inf, -math.inf, math.nan])
def test_a_finite_number_without_a_bound_is_finite(x: float) -> None:
    with pytest.raises(ValueError, match=f"the rate must be a finite number, got {x}"):
        as_finite(x, "the rate")


@pytest.mark.parametrize("x", [2, 2.0, True, np.float32(2), np.int8(2)])
def test_numbers_of_python_and_numpy_become_floats(x: Any) -> None:
    assert type(as_finite(x, "x")) is float
    assert as_operand(x, "x") == float(x)


def test_a_value_is_an_operand_but_no_plain_number() -> None:
    x = Value(2.0)
    assert as_operand(x, "x") is x
    with pytest.raises(TypeError, match=r"x must be a plain number, got Value.*: write its \.data"):
        as_finite(x, "x")


@pytest.mark.parametrize("n", [True, 1.0, "1", None, 0])
def test_an_int_is_no_bool_and_no_float(n: Any) -> None:
    with pytest.raises(ValueError, match="n must be a whole number of at least 1"):
        as_int(n, "n")
    assert as_int(np.int64(3), "n") == 3


@pytest.mark.parametrize("x", [0.5, 2, "yes", None, [1]])
def test_a_bool_is_true_or_false(x: Any) -> None:
    with pytest.raises(TypeError, match="bias must be True or False"):
        as_bool(x, "bias")
    assert as_bool(np.True_, "bias") is True


def test_arrays_become_lists_at_every_depth() -> None:
    assert to_python([(1.0, np.array([2.0, 3.0])), range(2)]) == [[1.0, [2.0, 3.0]], [0, 1]]


def test_a_long_or_unprintable_value_is_cut() -> None:
    assert len(describe("a" * 1000)) <= 70
    assert truncated_repr(np.zeros((2, 2))) == "array([[0., 0.], [0., 0.]])"
    assert truncated_repr(10**5000) == "<int with thousands of digits>"
