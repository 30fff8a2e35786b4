"""Guards the whole of backward on random graphs with sharing: against finite differences, a naive oracle, and algebra."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import example, given, strategies as st

import autograd
from autograd import GATES, Value, adjoints, backward as passes, check_gradients, grad, topological_order
from autograd.testing import Expression, expressions
from tests.oracle import sum_over_paths

Case = tuple[Expression, list[float]]
SMOOTH = [gate for gate in GATES.values() if gate.kink is None]


@given(expressions())
@example((Expression(1, [(GATES["mul"], (0, 0)), (GATES["mul"], (1, 1))]), [1.5]))
def test_gradients_agree_with_central_differences(case: Case) -> None:
    f, inputs = case
    check_gradients(f, inputs, rtol=1e-4, raises=True)


@given(expressions(max_steps=8))
def test_gradients_are_sums_over_all_paths(case: Case) -> None:
    f, inputs = case
    leaves = [Value(x) for x in inputs]
    root = f(*leaves)
    root.backward()
    for leaf in leaves:
        expected = sum_over_paths(root, leaf)
        assert leaf.grad == pytest.approx(expected, rel=1e-4, abs=1e-6)


def test_the_oracle_catches_an_accumulation_that_overwrites(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test of the test above: with a planted bug in the pow gate it must fail."""

    def overwriting(walk: Any) -> None:
        for node in walk.gates:
            x, y = node._first, node._rest
            x._adjoint = node._adjoint * y._data * x._data ** (y._data - 1)
            y._adjoint = node._adjoint * node._data * math.log(x._data)

    monkeypatch.setattr(passes, "_pull", overwriting)
    x = Value(1.5)
    y = x**x
    y.backward()
    assert y.inputs == (x, x)
    assert x.grad != pytest.approx(sum_over_paths(y, x))


@given(expressions())
def test_topological_order(case: Case) -> None:
    f, inputs = case
    root = f(*map(Value, inputs))
    order = topological_order(root)
    place = {node: i for i, node in enumerate(order)}
    assert len(place) == len(order)
    assert order[-1] is root
    assert all(place[input] < place[node] for node in order for input in node.inputs)
    kinds = [bool(node.inputs) for node in order]
    assert kinds == sorted(kinds), "leaves come first"
    assert topological_order(root) == order


@given(expressions(), st.floats(-3, 3))
def test_gradients_are_linear(case: Case, c: float) -> None:
    f, inputs = case
    base = _gradient(f, inputs)
    assert _gradient(lambda *xs: c * f(*xs), inputs) == pytest.approx([c * g for g in base], rel=1e-12, abs=1e-12)
    doubled = _gradient(lambda *xs: f(*xs) + f(*xs), inputs)
    assert doubled == pytest.approx([2 * g for g in base], rel=1e-12, abs=1e-12)


@given(expressions(), st.floats(-3, 3))
def test_the_seed_scales(case: Case, seed: float) -> None:
    f, inputs = case
    leaves = [Value(x) for x in inputs]
    root = f(*leaves)
    once = adjoints(root)
    scaled = adjoints(root, seed)
    assert [scaled[v] for v in leaves if v in scaled] == pytest.approx(
        [seed * once[v] for v in leaves if v in once], rel=1e-12, abs=1e-12
    )


@given(st.lists(st.floats(-3, 3), min_size=2, max_size=6), st.randoms(use_true_random=False))
def test_the_order_of_construction_does_not_matter(data: list[float], random: Any) -> None:
    def total(order: list[int], flip: bool) -> list[float]:
        leaves = [Value(x) for x in data]
        terms = [leaves[i] * leaves[i - 1] if flip else leaves[i - 1] * leaves[i] for i in order]
        result = terms[0]
        for term in terms[1:]:
            result = term + result if flip else result + term
        result.backward()
        return [leaf.grad for leaf in leaves]

    order = list(range(len(data)))
    shuffled = random.sample(order, len(order))
    assert total(order, False) == pytest.approx(total(shuffled, True), rel=1e-12, abs=1e-12)


@given(expressions())
def test_a_float_evaluation_is_the_recorded_one(case: Case) -> None:
    f, inputs = case
    assert f(*inputs) == pytest.approx(f(*map(Value, inputs)).data, rel=1e-13, abs=1e-300)


@given(expressions())
def test_replay_gives_the_same_bits(case: Case) -> None:
    f, inputs = case
    leaves = [Value(x) for x in inputs]
    root = f(*leaves)
    data = [node.data for node in topological_order(root)]
    leaves[0].data = leaves[0].data + 0.0
    root.forward()
    assert [node.data for node in topological_order(root)] == data


@given(expressions(gates=SMOOTH, max_steps=5, max_inputs=2))
@example((Expression(1, [(GATES["softplus"], (0,))]), [0.0]))  # a |x| in the local gradient once lost σ′(0)
def test_second_derivatives_are_derivatives_of_first_ones(case: Case) -> None:
    f, inputs = case
    n = len(inputs)
    for i in range(n):

        def slope(*xs: Any, i: int = i) -> Any:
            gradients = grad(f)(*xs)
            return gradients[i] if n > 1 else gradients

        check_gradients(slope, inputs, rtol=1e-3, atol=1e-4, raises=True)


@given(expressions(gates=SMOOTH, max_steps=6))
def test_a_small_step_downhill_lowers_a_smooth_function(case: Case) -> None:
    f, inputs = case
    slopes = _gradient(f, inputs)
    steepness = sum(s * s for s in slopes)
    if 1e-4 < steepness < 1e4:
        step = 1e-7 / steepness**0.5
        assert f(*[x - step * s for x, s in zip(inputs, slopes, strict=True)]) < f(*inputs)


def _gradient(f: Any, inputs: list[float]) -> list[float]:
    slopes = grad(f)(*inputs)
    return list(slopes) if len(inputs) > 1 else [slopes]


def test_relu_nets_without_bias_are_homogeneous() -> None:
    """Euler: for each layer, the sum of w·∂f/∂w is f."""
    layers = [[[0.5, -1.0], [1.5, 0.25]], [[2.0, 1.0], [-0.5, 1.0]], [[1.0, -3.0]]]
    weights = [[[Value(w) for w in row] for row in layer] for layer in layers]
    x: list[Any] = [1.0, 0.5]
    for layer in weights[:-1]:
        x = [autograd.relu(autograd.dot(row, x)) for row in layer]
    f = autograd.dot(weights[-1][0], x)
    f.backward()
    for layer in weights:
        assert sum(w.data * w.grad for row in layer for w in row) == pytest.approx(f.data)
