"""Guards grad, value_and_grad, jacobian, hessian and linearize: shapes, nesting, purity, refusals."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, strategies as st

import autograd
from autograd import (
    Value,
    check_gradients,
    finite_differences,
    grad,
    hessian,
    jacobian,
    linearize,
    no_grad,
    value_and_grad,
)


def test_one_argument_several_a_list_and_lists_of_lists() -> None:
    assert grad(lambda x: x * x)(3.0) == 6.0
    assert grad(lambda x, y: x * y)(2.0, 3.0) == (3.0, 2.0)
    assert grad(lambda w: w[0] * w[1])([2.0, 3.0]) == [3.0, 2.0]
    assert grad(lambda w: w[0][0] * w[1][0])([[2.0], (3.0,)]) == [[3.0], (2.0,)]
    assert value_and_grad(lambda x: x * x)(3) == (9.0, 6.0)


def test_functions_of_the_gates_themselves() -> None:
    assert grad(autograd.exp)(0.0) == 1.0
    assert grad(grad(autograd.sin))(0.5) == pytest.approx(-math.sin(0.5), rel=1e-15)


def test_derivatives_nest_to_any_order() -> None:
    f = lambda x: x**5  # noqa: E731
    expected = [5 * 16.0, 20 * 8.0, 60 * 4.0, 120 * 2.0, 120.0, 0.0]
    for slope in expected:
        f = grad(f)
        assert f(2.0) == slope


def test_powers_of_negative_bases_and_of_zero_differentiate_again() -> None:
    assert grad(grad(lambda x: x**3))(-2.0) == -12.0
    assert grad(grad(lambda x: x**2))(0.0) == 2.0
    assert grad(grad(grad(lambda x: x**2)))(0.0) == 0.0


def test_inner_derivatives_do_not_confuse_their_variable_with_the_outer_one() -> None:
    assert grad(lambda x: x * grad(lambda y: x * y)(x))(3.0) == 6.0
    assert grad(lambda x: grad(lambda y: x * y * y)(x))(3.0) == 12.0
    x = Value(3.0)
    inner = grad(lambda y: y * x)(x)
    assert isinstance(inner, Value)
    assert inner.data == 3.0


def test_inner_derivatives_depend_on_outer_arguments_that_they_only_close_over() -> None:
    assert grad(lambda x: x * grad(lambda y: x * y)(1.0))(3.0) == 6.0
    assert hessian(lambda v: v[0] * grad(lambda y: v[1] * y * y)(1.0))([2.0, 3.0]) == [[0.0, 2.0], [2.0, 0.0]]
    assert grad(lambda x: x * grad(lambda y: y * y)(1.0))(3.0) == 2.0, "what does not depend stays a float"


def test_slopes_that_nobody_asks_for_need_not_exist() -> None:
    n, c = Value(3.0), autograd.sqrt(Value(0.0))
    assert grad(lambda x: x**n)(-2.0) == 12.0
    assert grad(lambda x: x * c)(2.0) == 0.0
    with pytest.raises(ZeroDivisionError):
        grad(autograd.sqrt)(0.0)


def test_unrolled_steps_cost_no_more_than_their_own_graph() -> None:
    """A derivative within a derivative walks to its own arguments and not through all that they were made from."""
    walked: list[int] = []

    def descend(x: Any) -> Any:
        for _ in range(60):
            x = x - 0.01 * grad(lambda y: y * y * y)(x)
            walked.append(len(autograd.topological_order(x)))
        return x

    assert grad(descend)(0.5) > 0
    steps = [b - a for a, b in pairwise(walked)]
    assert max(steps) == min(steps), "the graph grows by the same amount each step"


def test_named_tuples_keep_their_kind() -> None:
    class Point(NamedTuple):
        x: float
        y: float

    assert grad(lambda p: p.x * p.y)(Point(2.0, 3.0)) == Point(3.0, 2.0)


def test_values_in_values_out() -> None:
    x = Value(2.0)
    slope = grad(lambda y: y**3)(x)
    assert isinstance(slope, Value)
    slope.backward()
    assert (slope.data, x.grad) == (12.0, 12.0)
    assert isinstance(grad(lambda y: 3.0)(x), Value)
    rows = jacobian(lambda y: [y * y, 1.0])(x)
    assert [entry.data for row in rows for entry in row] == [4.0, 0.0]


def test_grad_is_never_written() -> None:
    w, x = Value(2.0), Value(3.0)
    grad(lambda y: w * y)(1.0)
    grad(lambda y: w * y)(x)
    hessian(lambda y: w * y * y)(1.0)
    assert (w.grad, x.grad) == (0.0, 0.0)


def test_what_does_not_depend_has_gradient_zero() -> None:
    assert grad(lambda x, y: x)(1.0, 2.0) == (1.0, 0.0)
    assert grad(lambda x: 3.0)(1.0) == 0.0
    assert jacobian(lambda x: [3, x])(1.0) == [[0.0], [1.0]]


def test_jacobian_is_outputs_by_inputs() -> None:
    rows = jacobian(lambda x, y: [x[0] * y, x[1], x[0] + y])([2.0, 3.0], 5.0)
    assert rows == [[5.0, 0.0, 2.0], [0.0, 1.0, 0.0], [1.0, 0.0, 1.0]]
    assert jacobian(lambda x: x * x)(3.0) == [[6.0]]


def test_a_function_may_return_an_array() -> None:
    array: Any = np.array
    total: Any = np.sum
    assert jacobian(lambda x: array([x, x * x]))(3.0) == [[1.0], [6.0]]
    assert jacobian(lambda x: array([[x[0], 2.0], [x[1], x[0] * x[1]]]))([3.0, 4.0]) == [
        [1, 0],
        [0, 0],
        [0, 1],
        [4, 3],
    ]
    assert [entry.data for (entry,) in jacobian(lambda x: array([x, x * x]))(Value(3.0))] == [1.0, 6.0]
    assert grad(lambda x: array(x * x))(3.0) == 6.0
    assert grad(lambda x: total(array([x, x * x])))(3.0) == 7.0
    assert jacobian(lambda x: array([1.0, 2.0]))(3.0) == [[0.0], [0.0]]
    with pytest.raises(TypeError, match=r"use jacobian\(f\)"):
        grad(lambda x: array([x, x * x]))(3.0)


def _itself() -> list[Any]:
    x: list[Any] = [1.0]
    x.append(x)
    return x


def _first(x: list[Any]) -> Any:
    return x[0]


NESTED: dict[str, Callable[[], Any]] = {
    "an argument": lambda: grad(_first)(_itself()),
    "an output": lambda: jacobian(lambda x: [x, _itself()])(1.0),
    "jacobian": lambda: jacobian(_first)(_itself()),
    "hessian": lambda: hessian(_first)(_itself()),
    "linearize": lambda: linearize(_first, _itself()),
    "a step": lambda: linearize(_first, [1.0])(_itself()),
    "inputs": lambda: check_gradients(_first, _itself()),
    "an input": lambda: check_gradients(_first, [_itself()]),
    "finite_differences": lambda: finite_differences(_first, [_itself()]),
}


@pytest.mark.parametrize("name", NESTED)
def test_a_list_that_contains_itself_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="contain themselves"):
        NESTED[name]()


def test_differentiation_records_even_where_nothing_is_recorded() -> None:
    with no_grad():
        assert grad(lambda x: x * x)(3.0) == 6.0
        assert grad(grad(lambda x: x**3))(3.0) == 18.0


@given(st.lists(st.floats(-2, 2), min_size=2, max_size=3))
def test_hessians_are_symmetric_and_differences_of_gradients(x: list[float]) -> None:
    def f(v: list[Any]) -> Any:
        return autograd.tanh(v[0] * v[1]) + autograd.exp(v[0]) * v[-1] + v[1] ** 3

    matrix = hessian(f)(x)
    h = 1e-5
    for i in range(len(x)):
        above, below = list(x), list(x)
        above[i] += h
        below[i] -= h
        difference = [(a - b) / (2 * h) for a, b in zip(grad(f)(above), grad(f)(below), strict=True)]
        assert matrix[i] == pytest.approx(difference, rel=1e-5, abs=1e-6)
        assert matrix[i] == pytest.approx([row[i] for row in matrix], rel=1e-12, abs=1e-12)


def test_linearize() -> None:
    def f(v: list[Any]) -> Any:
        return v[0] * v[0] * v[1]

    tangent, parabola = linearize(f, [2.0, 3.0]), linearize(f, [2.0, 3.0], order=2)
    assert tangent([0.0, 0.0]) == parabola([0, 0]) == 12.0
    assert tangent([0.1, 0.2]) == pytest.approx(12 + 1.2 + 0.8)
    assert parabola([0.1, 0.2]) == pytest.approx(12 + 2.0 + 0.5 * (6 * 0.01 + 2 * 4 * 0.02))


def several(x: Any) -> Any:
    return [x, x]


def nothing(x: Any) -> Any:
    return None


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: grad(lambda: 1.0)(), TypeError, "at least one argument"),
        (lambda: grad(several)(1.0), TypeError, r"use jacobian\(f\)"),
        (lambda: grad(nothing)(1.0), TypeError, "must return a Value.*None"),
        (lambda: grad(lambda x: x)("1"), TypeError, "write float"),
        (lambda: linearize(lambda x: x, 1.0, order=3), ValueError, "order must be 1"),
        (lambda: linearize(lambda x: x, 1.0)([1.0, 2.0]), ValueError, "as many entries"),
    ],
)
def test_refusals(call: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        call()
