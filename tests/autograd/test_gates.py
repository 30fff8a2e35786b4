"""Guards the table: every row's local gradients, conventions and stable forms, and that every reader agrees on them."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

import autograd
from autograd import GATES, Gate, Value, check_gradients, compile
from autograd.functions import FLOATS, FUNCTIONS
from autograd.gate import gate
from autograd.testing import gate_inputs
from tests.oracle import Complex, ComplexFunctions

EDGES = [
    pytest.param(row, i, id=f"{row.name}[{i}]")
    for row in GATES.values()
    for i in range(1 if row.variadic else len(row.names))
]
ROWS = [pytest.param(row, id=row.name) for row in GATES.values()]


def _slope(row: Gate, data: list[float], i: int) -> float | None:
    slopes = row.local_gradients(FLOATS, row.forward(FLOATS, *data), data)
    return None if slopes[i] is None else float(slopes[i])


@pytest.mark.parametrize("row", ROWS)
@given(data=st.data())
def test_the_gradient_agrees_with_central_differences(row: Gate, data: st.DataObject) -> None:
    inputs = data.draw(gate_inputs(row))

    def f(*xs: Any) -> Any:
        return row.apply(xs)

    check_gradients(f, inputs, raises=True)


@pytest.mark.parametrize(("row", "i"), EDGES)
@given(data=st.data())
def test_local_gradients_agree_with_the_complex_step(row: Gate, i: int, data: st.DataObject) -> None:
    """Im f(x + ih)/h has no rounding of a difference in it, so it must agree to the last digits."""
    inputs = data.draw(gate_inputs(row))
    step = 1e-100
    varied = [Complex(x, step if j == i else 0.0) for j, x in enumerate(inputs)]
    numeric = complex(row.forward(ComplexFunctions(), *varied)).imag / step
    slope = _slope(row, inputs, i)
    assert (0.0 if slope is None else slope) == pytest.approx(numeric, rel=1e-11, abs=1e-13)


def one_sided(f: Callable[[float], float], x: float) -> tuple[float, float]:
    h = 1e-7
    return (f(x) - f(x - h)) / h, (f(x + h) - f(x)) / h


@pytest.mark.parametrize(
    ("name", "inputs", "slopes"),
    [
        ("relu", [0.0], [0.0]),
        ("abs", [0.0], [0.0]),
        ("leaky_relu", [0.0, 0.1], [0.1, 0.0]),
        ("elu", [0.0, 1.0], [1.0, 0.0]),
        ("elu", [0.0, 0.3], [1.0, 0.0]),
        ("maximum", [2.0, 2.0], [0.5, 0.5]),
        ("minimum", [2.0, 2.0], [0.5, 0.5]),
        ("max", [1.0, 3.0, 3.0, 3.0], [0.0, 1 / 3, 1 / 3, 1 / 3]),
        ("where", [0.0, 5.0, 7.0], [None, 0.0, 1.0]),
    ],
)
def test_conventions_at_kinks_lie_between_the_one_sided_slopes(
    name: str, inputs: list[float], slopes: list[float | None]
) -> None:
    row = GATES[name]
    assert [_slope(row, inputs, i) for i in range(len(inputs))] == slopes
    assert row.kink is not None
    assert row.kink.distance(*inputs) == 0.0
    for i, slope in enumerate(slopes):
        if slope is not None:
            around = one_sided(lambda x, i=i: row.forward(FLOATS, *inputs[:i], x, *inputs[i + 1 :]), inputs[i])  # type: ignore[misc]
            assert min(around) - 1e-6 <= slope <= max(around) + 1e-6


def test_step_and_sign_fire_at_zero_and_pass_no_gradient() -> None:
    x = Value(0.0)
    assert (autograd.step(x).data, autograd.sign(x).data) == (1.0, 1.0)
    assert (autograd.step(-1e-300), autograd.sign(-1e-300)) == (0.0, -1.0)
    (autograd.step(x) + autograd.sign(x)).backward()
    assert x.grad == 0.0


def test_every_kink_states_its_convention_and_every_row_says_what_it_is() -> None:
    assert all(row.kink.convention for row in GATES.values() if row.kink)
    assert all(row.doc.endswith(".") for row in GATES.values())


class Arrays:
    """NumPy as the `xp` of rules, with the composed functions of the table."""

    def __getattr__(self, name: str) -> Any:
        row = FUNCTIONS.get(name)
        return partial(row.rule, self) if row is not None and row.rule is not None else getattr(np, name)


@pytest.mark.parametrize("row", ROWS)
@given(data=st.data())
def test_a_row_runs_on_arrays_as_on_floats(row: Gate, data: st.DataObject) -> None:
    """The compiled program's arithmetic: the same rule under numpy, on several samples at once."""
    samples = [data.draw(gate_inputs(row)) for _ in range(3)]
    n = min(map(len, samples))
    samples = [sample[:n] for sample in samples]
    columns = [np.array(column) for column in zip(*samples, strict=True)]
    outputs = row.forward(Arrays(), *columns)
    slopes = row.local_gradients(Arrays(), outputs, columns)
    for k, sample in enumerate(samples):
        assert float(np.broadcast_to(outputs, 3)[k]) == pytest.approx(row.forward(FLOATS, *sample), rel=1e-12)
        for i, slope in enumerate(slopes):
            expected = _slope(row, sample, i)
            assert (slope is None) == (expected is None)
            if slope is not None:
                assert float(np.broadcast_to(slope, 3)[k]) == pytest.approx(expected, rel=1e-12, abs=1e-15)


@pytest.mark.parametrize("row", [pytest.param(row, id=row.name) for row in GATES.values() if not row.variadic])
@given(data=st.data())
def test_printed_rules_give_the_bits_of_the_row(row: Gate, data: st.DataObject) -> None:
    """The engine runs functions that are printed from the row; nothing may get lost in print."""
    inputs = data.draw(gate_inputs(row, margin=0.0))
    leaves = [Value(x) for x in inputs]
    y = row.apply(leaves)
    assert y.data == row.compute(*inputs) == row.forward(FLOATS, *inputs)
    y.backward()
    for i, leaf in enumerate(leaves):
        printed = row.slopes(y.data, *inputs, *[True] * len(inputs))[i]
        assert leaf.grad == (printed or 0.0) == (_slope(row, inputs, i) or 0.0)


@pytest.mark.parametrize("row", ROWS)
def test_a_gate_is_a_function_of_the_package_and_knows_its_own_name(row: Gate) -> None:
    assert getattr(autograd, row.name) is row
    assert row.name in repr(row)
    assert str(row.__doc__).startswith(row.doc)


def test_floats_in_a_float_out_values_in_a_value_out() -> None:
    assert autograd.exp(2.0) == math.exp(2.0)
    assert type(autograd.maximum(1, True)) is float
    assert isinstance(autograd.exp(Value(2.0)), Value)
    assert isinstance(autograd.maximum(1.0, Value(2.0)), Value)


def test_lists_or_arguments_defaults_and_keywords() -> None:
    a, b = Value(2.0), Value(3.0)
    assert autograd.max([a, b]).data == autograd.max(a, b).data == 3.0
    assert autograd.sum(x * x for x in [a, b]).data == 13.0
    assert autograd.sum([]) == 0.0
    assert autograd.leaky_relu(Value(-2.0)).data == -0.2
    assert autograd.leaky_relu(Value(-2.0), slope=0.5).data == -1.0
    assert Value(-2.0).leaky_relu(0.5).data == -1.0
    assert autograd.dot([a, b], [5, 7]).data == 31.0
    node = autograd.dot([a, b], [5.0, 7.0], bias=b)
    assert node.data == 34.0
    assert len(node.inputs) == 5
    node.backward()
    assert (a.grad, b.grad) == (5.0, 8.0)


def test_a_slope_may_be_learned() -> None:
    slope = Value(0.25)
    autograd.leaky_relu(-2.0, slope).backward()
    assert slope.grad == -2.0


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (lambda: autograd.sigmoid(-1000.0), 0.0),
        (lambda: autograd.sigmoid(1000.0), 1.0),
        (lambda: autograd.sigmoid(-30.0), 9.357622968839e-14),
        (lambda: autograd.softplus(1000.0), 1000.0),
        (lambda: autograd.softplus(-1000.0), 0.0),
        (lambda: autograd.logsumexp([1000.0, 1000.0]), 1000 + math.log(2)),
        (lambda: autograd.logsumexp([-1000.0, -1000.0]), -1000 + math.log(2)),
        (lambda: autograd.logsumexp([math.inf, 1.0]), math.inf),
        (lambda: autograd.elu(-1000.0), -1.0),
        (lambda: autograd.elu(1000.0), 1000.0),
    ],
)
def test_no_overflow_where_the_naive_form_has_one(call: Callable[[], float], expected: float) -> None:
    assert call() == pytest.approx(expected, rel=1e-12)


def test_gradients_of_stable_forms_far_out() -> None:
    for x, slope in ((-1000.0, 0.0), (1000.0, 1.0)):
        v = Value(x)
        v.softplus().backward()
        assert v.grad == slope


def test_nan_goes_through_max_min_and_relu_in_either_place() -> None:
    for name in ("maximum", "minimum", "max"):
        assert math.isnan(GATES[name](math.nan, 1.0))
        assert math.isnan(GATES[name](1.0, math.nan))
    assert math.isnan(autograd.relu(math.nan))


@given(st.floats(-30, 30))
def test_fused_gates_equal_their_compositions(x: float) -> None:
    pairs: list[tuple[Any, Any]] = [
        (autograd.sigmoid, lambda v: 1 / (1 + autograd.exp(-v))),
        (autograd.relu, lambda v: autograd.maximum(0.0, v)),
        (autograd.tanh, lambda v: 2 * autograd.sigmoid(2 * v) - 1),
        (autograd.softplus, lambda v: autograd.log(1 + autograd.exp(v))),
    ]
    for fused, composed in pairs:
        a, b = Value(x), Value(x)
        y, z = fused(a), composed(b)
        y.backward()
        z.backward()
        assert y.data == pytest.approx(z.data, rel=1e-9, abs=1e-12)
        if x != 0:  # at its kink maximum splits the tie; relu does not
            assert a.grad == pytest.approx(b.grad, rel=1e-9, abs=1e-12)


@given(st.lists(st.sampled_from([1.0, 2.0, 2.5]), min_size=1, max_size=6), st.floats(-3, 3))
def test_max_gates_hand_on_the_whole_upstream(data: list[float], upstream: float) -> None:
    leaves = [Value(x) for x in data]
    autograd.max(leaves).backward(upstream)
    assert sum(leaf.grad for leaf in leaves) == pytest.approx(upstream)
    a, b = Value(data[0]), Value(data[-1])
    (autograd.maximum(a, b) + autograd.minimum(a, b)).backward(upstream)
    assert (a.grad, b.grad) == pytest.approx((upstream, upstream))


@pytest.mark.parametrize(
    ("declare", "message"),
    [
        (lambda: gate("exp", "exp", lambda xp, x: x, lambda xp, out, x: 1.0), "already"),
        (lambda: gate("two words", "?", lambda xp, x: x, lambda xp, out, x: 1.0), "identifier"),
        (lambda: gate("unfinished", "?", lambda xp, a, b: a * b, lambda xp, out, a, b: b), "2 local gradient"),
        (lambda: gate("branching", "?", lambda xp, x: x if x > 0 else 0, lambda xp, out, x: 1.0), "xp.where"),
        (lambda: gate("foreign", "?", lambda xp, x: math.exp(x), lambda xp, out, x: out), "xp.exp"),
        (lambda: gate("missing", "?", lambda xp, x: xp.square(x), lambda xp, out, x: 1.0), "no xp.square"),
        (lambda: gate("many", "?", lambda xp, a, b, c, d, e, f, g, h, i, j, k: a, *[None] * 11), r"takes \*inputs"),
        (lambda: gate("equal", "?", lambda xp, x: xp.where(x == 0, 1, x), lambda xp, out, x: 1.0), "<, > and xp.where"),
        (lambda: gate("domains", "?", lambda xp, x: x, lambda xp, out, x: 1.0, domain=[((0, 1),)] * 2), "domain for 2"),
    ],
)
def test_a_row_that_cannot_work_is_refused_when_declared(declare: Callable[[], Any], message: str) -> None:
    before = dict(GATES)
    with pytest.raises((TypeError, ValueError), match=message):
        declare()
    assert before == GATES


@pytest.mark.parametrize(
    ("rule", "x", "expected"),
    [
        (lambda xp, x: x ** (1 / 3), -8.0, ValueError),
        (lambda xp, x: xp.floor(x), 2.5, 2.0),
        (lambda xp, x: x > 0, 2.5, 1.0),
        (lambda xp, x: x * xp.pi, 2.0, 2 * math.pi),
    ],
)
def test_a_users_gate_gives_floats_whichever_way_it_is_evaluated(rule: Any, x: float, expected: Any) -> None:
    mine = gate("mine", "m", rule, lambda xp, out, x: 1.0)
    leaf = Value(1.0)
    y = mine(leaf)
    leaf.data = x
    try:
        ways: list[Callable[[], float]] = [lambda: mine(x), lambda: mine(Value(x)).data, y.forward]
        for evaluate in ways:
            if expected is ValueError:
                with pytest.raises(ValueError, match="mine: "):
                    evaluate()
            else:
                assert evaluate() == expected
                assert type(evaluate()) is float
    finally:
        del GATES["mine"]


def test_a_variadic_rule_may_pass_no_gradient_to_some() -> None:
    first = gate("first", "1st", lambda xp, *xs: xs[0], lambda xp, out, *xs: [1.0, *[None] * (len(xs) - 1)])
    try:
        a, b = Value(2.0), Value(3.0)
        first(a, b).backward()
        assert (a.grad, b.grad) == (1.0, 0.0)
        assert autograd.grad(lambda b: first(2.0, b))(3.0) == 0.0
    finally:
        del GATES["first"]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: autograd.asin(2.0), ValueError, r"asin: .*x = 2\.0"),
        (lambda: autograd.acosh(Value(0.5)), ValueError, r"acosh: .*x = 0\.5"),
        (lambda: autograd.atanh(Value(1.0, "v")), ValueError, r"atanh: .*v = 1\.0"),
        (lambda: autograd.log2(0.0), ValueError, r"log2: .*x = 0\.0"),
        (lambda: autograd.atan2(Value(0.0), Value(0.0)).backward(), ZeroDivisionError, r"atan2.*x1 = 0\.0, x2 = 0\.0"),
        (lambda: autograd.hypot(Value(0.0), Value(0.0)).backward(), ZeroDivisionError, r"hypot.*x1 = 0\.0, x2 = 0\.0"),
        (lambda: autograd.grad(autograd.cbrt)(0.0), ZeroDivisionError, r"cbrt.*x = 0\.0"),
        (lambda: autograd.grad(autograd.asin)(1.0), ZeroDivisionError, r"asin.*x = 1\.0"),
    ],
)
def test_outside_a_domain_the_error_names_the_gate_and_its_inputs(
    call: Callable[[], Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize("wrong", [0.0, -1.0])
def test_huber_refuses_a_delta_that_is_not_above_0(wrong: float) -> None:
    x, delta = Value(2.0), Value(1.0)
    loss = autograd.huber(x, delta)
    delta.data = wrong
    calls: list[Callable[[], Any]] = [
        lambda: autograd.huber(2.0, wrong),
        lambda: autograd.huber(x, delta),
        lambda: autograd.grad(autograd.huber)(2.0, wrong),
        lambda: compile(lambda x: autograd.huber(x[0], wrong), x=1, gradient=False),
        loss.forward,
    ]
    for call in calls:
        with pytest.raises(ValueError, match=f"huber: .* = {wrong}"):
            call()
    program = compile(lambda x, d: autograd.huber(x[0], d[0]), x=1, d=1, gradient=False)
    with pytest.raises(FloatingPointError, match=f"huber: .* = {wrong}"):
        program([[2.0], [2.0]], [[1.0], [wrong]])


def test_huber_at_the_ends_of_its_delta() -> None:
    assert (autograd.huber(2.0, math.inf), autograd.huber(-3.0)) == (2.0, 2.5)
    assert math.isnan(autograd.huber(2.0, math.nan))
