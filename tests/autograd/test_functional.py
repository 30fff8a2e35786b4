"""Guards grad, value_and_grad, jacobian, hessian, products with them, and linearize: shapes, nesting, purity, refusals."""

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
    adjoints,
    check_gradients,
    finite_differences,
    grad,
    hessian,
    hvp,
    jacobian,
    jvp,
    linearize,
    no_grad,
    value_and_grad,
    vjp,
)
from autograd.trees import flatten


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
    with pytest.raises(TypeError, match=r"write jacobian\(f\)"):
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
        (lambda: grad(several)(1.0), TypeError, r"write jacobian\(f\)"),
        (lambda: grad(nothing)(1.0), TypeError, "must return a Value.*None"),
        (lambda: grad(lambda x: x)("1"), TypeError, "write float"),
        (lambda: linearize(lambda x: x, 1.0, order=3), ValueError, "order must be 1"),
        (lambda: linearize(lambda x: x, 1.0)([1.0, 2.0]), ValueError, "u must be one number"),
    ],
)
def test_refusals(call: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        call()


# Which arguments, and beside which output


def test_argnums_selects_the_arguments_as_in_jax() -> None:
    def f(x: Any, y: Any, z: Any) -> Any:
        return x * y**2 * z

    assert grad(f, argnums=1)(2.0, 3.0, 5.0) == grad(f, 1)(2.0, 3.0, 5.0) == 60.0
    assert grad(f, argnums=-1)(2.0, 3.0, 5.0) == 18.0
    assert grad(f, argnums=(2, 0))(2.0, 3.0, 5.0) == (18.0, 45.0)
    assert grad(f, argnums=[0])(2.0, 3.0, 5.0) == (45.0,)
    assert value_and_grad(f, argnums=np.int64(1))(2.0, 3.0, 5.0) == (90.0, 60.0)
    assert jacobian(f, argnums=(1, 2))(2.0, 3.0, 5.0) == [[60.0, 18.0]]
    assert hessian(f, argnums=(0, 1))(2.0, 3.0, 5.0) == [[0.0, 30.0], [30.0, 20.0]]
    assert grad(f)(z=5.0, y=3.0, x=2.0) == (45.0, 60.0, 18.0)


def test_other_arguments_are_handed_on_as_they_are() -> None:
    given: Any = object()

    def f(x: Any, more: Any, *, power: int) -> Any:
        assert more is given
        return x**power

    assert grad(f, argnums=0)(3.0, given, power=2) == 6.0
    with pytest.raises(TypeError, match="argnums"):
        grad(lambda x, y: x)(1.0, given)
    with pytest.raises(TypeError, match="must be positional, got power by keyword"):
        grad(f)(3.0, given, power=2)
    v = Value(3.0)
    slope = grad(lambda x, y: x * y * y, argnums=0)(2.0, v)
    assert isinstance(slope, Value), "what depends on a Value is recorded"
    assert adjoints(slope)[v] == 6.0


def test_an_exponent_needs_no_slope_where_argnums_leaves_it_out() -> None:
    assert grad(lambda x, y: x**y, argnums=0)(-2.0, 3.0) == 12.0
    with pytest.raises(ValueError, match="argnums"):
        grad(lambda x, y: x**y)(-2.0, 3.0)


def test_what_a_function_returns_beside_its_output() -> None:
    def f(x: Any) -> tuple[Any, dict[str, Any]]:
        y = x[0] * x[1]
        return y, {"y": y, "all": np.array([y, x[0]]), "text": "a", "n": np.arange(2)}

    for numbers in ([2.0, 3.0], np.array([2.0, 3.0])):
        slope, more = grad(f, has_aux=True)(numbers)
        assert [*slope] == [3.0, 2.0]
        assert (more["y"], more["all"].tolist(), more["text"], more["n"].dtype.kind) == (6.0, [6.0, 2.0], "a", "i")
    (value, more), slope = value_and_grad(f, has_aux=True)([2.0, 3.0])
    assert (value, more["y"], slope) == (6.0, 6.0, [3.0, 2.0])
    assert jacobian(f, has_aux=True)([2.0, 3.0])[0] == [[3.0, 2.0]]
    rows, more = hessian(f, has_aux=True)([2.0, 3.0])
    assert (rows, more["y"]) == ([[0.0, 1.0], [1.0, 0.0]], 6.0)
    output, tangent, more = jvp(f, ([2.0, 3.0],), ([1.0, 0.0],), has_aux=True)
    assert (output, tangent, more["y"]) == (6.0, 3.0, 6.0)
    output, pull, more = vjp(f, [2.0, 3.0], has_aux=True)
    assert (output, pull(2.0), more["y"]) == (6.0, ([6.0, 4.0],), 6.0)


# Arrays, lists and dicts


@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 3), (2, 1, 2)])
def test_an_array_gives_an_array_of_its_shape(shape: tuple[int, ...]) -> None:
    x = np.arange(1.0, 1.0 + np.prod(shape)).reshape(shape)

    def f(v: Any) -> Any:
        assert np.shape(v) == shape
        return np.sum(v * v * v) + 0.0

    slope = grad(f)(x)
    assert (type(slope), slope.dtype, slope.shape) == (np.ndarray, np.float64, shape)
    assert slope.tolist() == (3 * x * x).tolist()
    matrix = hessian(f)(x) if x.size else None
    assert matrix is None or matrix.tolist() == np.diag(6 * x.ravel()).tolist()
    product = hvp(f, (x,), (x,))
    assert (product.shape, product.tolist()) == (shape, (6 * x * x).tolist())


def test_arrays_index_slice_and_multiply_as_numpy_writes_them() -> None:
    x, w = np.array([1.0, 2.0, 4.0]), np.array([[1.0, 2.0], [3.0, 4.0]])
    assert grad(lambda x: np.sum((x[1:] - x[:-1]) ** 2))(x).tolist() == [-2.0, -2.0, 4.0]
    assert grad(lambda w: w[0, 0] * w[1, 1])(w).tolist() == [[4.0, 0.0], [0.0, 1.0]]
    assert grad(lambda x: x @ x)(x).tolist() == [2.0, 4.0, 8.0]
    assert grad(lambda w, x: (w @ x) @ x)(w, x[:2])[0].tolist() == [[1.0, 2.0], [2.0, 4.0]]
    assert grad(np.var)(x) == pytest.approx(2 * (x - x.mean()) / 3)
    assert grad(lambda x: np.exp(x).sum())(x.astype(np.float32)).dtype == np.float64
    assert jacobian(lambda w: w @ x[:2])(w).tolist() == [[1.0, 2.0, 0.0, 0.0], [0.0, 0.0, 1.0, 2.0]]


def test_trees_of_arrays_lists_and_dicts() -> None:
    p = {"w": np.array([[1.0, 2.0]]), "b": [3.0, (4.0,)]}

    def f(p: Any) -> Any:
        return (p["w"] ** 2).sum() + p["b"][0] * p["b"][1][0]

    slope = grad(f)(p)
    assert (slope["w"].tolist(), slope["b"]) == ([[2.0, 4.0]], [4.0, (3.0,)])
    assert jacobian(f)(p) == [[2.0, 4.0, 4.0, 3.0]]
    assert hvp(f, (p,), (p,))["b"] == [4.0, (3.0,)]
    assert check_gradients(f, [p])
    assert linearize(f, p)(p) == pytest.approx(17.0 + 10.0 + 24.0)


def test_arrays_of_values_give_arrays_of_values() -> None:
    x = np.array([Value(1.0), Value(2.0)])
    slope = grad(lambda v: (v**3).sum())(x)
    assert (slope.dtype, [s.data for s in slope]) == (object, [3.0, 12.0])
    assert [adjoints(s)[v] for s, v in zip(slope, x, strict=True)] == [6.0, 12.0]


# Products


def several_outputs(x: Any, p: Any) -> Any:
    a = autograd.sin(x[0] * x[1]) + p["c"]
    return {"a": a, "b": [a * x[1], autograd.dot(x, x), 3.0], "c": np.array([x[0], a])}


@given(st.lists(st.floats(-2, 2), min_size=6, max_size=6))
def test_products_are_those_with_the_jacobian(numbers: list[float]) -> None:
    arguments = ([numbers[0], numbers[1]], {"c": numbers[2]})
    v = ([numbers[3], numbers[4]], {"c": numbers[5]})
    rows = np.array(jacobian(several_outputs)(*arguments))
    output, tangent = jvp(several_outputs, arguments, v)
    assert [*flatten(tangent)] == pytest.approx(rows @ np.array(numbers[3:]), rel=1e-12, abs=1e-12)
    assert (type(tangent), [*tangent], tangent["c"].dtype) == (dict, ["a", "b", "c"], float)
    again, pull = vjp(several_outputs, *arguments)
    assert [*flatten(output)] == [*flatten(again)]
    left = pull(output)
    assert [*flatten(left)] == pytest.approx(np.array([*flatten(output)]) @ rows, rel=1e-12, abs=1e-12)
    assert (type(left), type(left[0]), type(left[1])) == (tuple, list, dict)


@given(st.lists(st.floats(-2, 2), min_size=6, max_size=6))
def test_hessian_products_are_those_with_the_hessian(numbers: list[float]) -> None:
    def f(x: Any, y: Any) -> Any:
        return autograd.tanh(x[0] * x[1]) * autograd.exp(y) + x[1] ** 3 * y

    arguments, v = (numbers[:2], numbers[2]), (numbers[3:5], numbers[5])
    expected = np.array(hessian(f)(*arguments)) @ np.array(numbers[3:])
    assert [*flatten(hvp(f, arguments, v))] == pytest.approx(expected, rel=1e-11, abs=1e-11)
    assert hvp(lambda x: x**3, (2.0,), (0.5,)) == 6.0


def test_products_nest() -> None:
    def f(x: Any) -> Any:
        return x**4

    assert grad(lambda x: jvp(f, (x,), (1.0,))[1])(2.0) == 48.0
    assert grad(lambda v: jvp(f, (2.0,), (v,))[1])(3.0) == 32.0
    assert jvp(lambda x: jvp(f, (x,), (1.0,))[1], (2.0,), (1.0,)) == (32.0, 48.0)
    assert jvp(grad(f), (2.0,), (1.0,)) == (32.0, 48.0)
    assert grad(lambda x: vjp(f, x)[1](1.0)[0])(2.0) == 48.0
    assert grad(lambda u: vjp(f, 2.0)[1](u)[0])(1.0) == 32.0
    assert grad(lambda x: hvp(f, (x,), (1.0,)))(2.0) == 48.0
    assert hvp(lambda x: hvp(f, (x,), (1.0,)), (2.0,), (1.0,)) == 24.0
    assert grad(lambda x: x * jvp(lambda y: x * y, (1.0,), (1.0,))[1])(3.0) == 6.0, "x is used by closure"
    x = Value(2.0)
    output, tangent = jvp(f, (x,), (1.0,))
    assert (output.data, tangent.data, adjoints(tangent)[x]) == (16.0, 32.0, 48.0)
    assert isinstance(jvp(lambda x: 3.0, (x,), (1.0,))[1], Value)


def test_products_and_argnums_inside_compile() -> None:
    def f(w: Any, x: Any) -> Any:
        return w[0] ** 3 * x[0] + autograd.sin(w[1]) * w[0]

    w, x = [Value(1.5), Value(0.5)], [2.0]
    direction = [0.3, -0.2]
    numbers = [v.data for v in w]
    derivatives: dict[str, Callable[[Any, Any], Any]] = {
        "grad": lambda w, x: autograd.dot(grad(f, argnums=0)(w, x), direction),
        "jvp": lambda w, x: jvp(lambda w: f(w, x), (w,), (direction,))[1],
        "vjp": lambda w, x: autograd.dot(vjp(lambda w: f(w, x), w)[1](1.0)[0], direction),
        "hvp": lambda w, x: autograd.dot(hvp(lambda w: f(w, x), (w,), (direction,)), direction),
        "hessian": lambda w, x: autograd.sum([*flatten(hessian(f, argnums=0)(w, x))]),
    }
    for name, derivative in derivatives.items():
        program = autograd.compile(lambda x, g=derivative: g(w, x), w, x=1)
        cost, slope = program.value_and_grad([x])
        assert cost == pytest.approx(derivative(numbers, x), rel=1e-13), name
        assert slope == pytest.approx(grad(derivative, argnums=0)(numbers, x), rel=1e-12), name


def test_a_pull_is_used_again() -> None:
    output, pull = vjp(lambda x: [x[0] * x[1], x[0]], np.array([2.0, 3.0]))
    assert output == [6.0, 2.0]
    assert pull([1.0, 0.0])[0].tolist() == [3.0, 2.0]
    assert pull(np.array([0.0, 2.0]))[0].tolist() == [2.0, 0.0]


def test_forward_mode_names_the_gate_without_a_slope() -> None:
    with pytest.raises(ZeroDivisionError, match="sqrt"):
        jvp(autograd.sqrt, (0.0,), (1.0,))
    with pytest.raises(ZeroDivisionError, match="sqrt"):
        hvp(autograd.sqrt, (0.0,), (1.0,))
