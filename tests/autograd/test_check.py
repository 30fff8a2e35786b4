"""Tests check_gradients: right gradients pass, wrong ones fail, and the report shows which."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import autograd
from autograd import GATES, Gate, Value, backward as passes, check_gradients, finite_differences, gate


@pytest.fixture
def wrong() -> Iterator[Gate]:
    yield gate("wrong", "?", lambda xp, x: xp.sin(x), lambda xp, out, x: xp.cos(x) + 1e-3)
    del GATES["wrong"]


def test_a_wrong_rule_fails(wrong: Gate) -> None:
    report = check_gradients(lambda x, y: wrong(x) * y, [0.5, 2.0])
    assert not report
    assert not report.ok
    assert [check.ok for check in report.checks] == [False, True]
    assert report.worst.name == "x"
    assert report.worst.absolute == pytest.approx(2e-3, rel=1e-3)
    assert "WRONG" in repr(report)
    with pytest.raises(AssertionError, match=r"wrong in x:\n[\s\S]*WRONG"):
        check_gradients(lambda x, y: wrong(x) * y, [0.5, 2.0], raises=True)


def test_a_planted_bug_in_the_engine_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """Gates that hand nothing on."""
    monkeypatch.setattr(passes, "_pull", lambda walk: None)
    assert not check_gradients(autograd.tanh, [0.3])


def test_a_wrong_rule_fails_however_small_its_gradient(wrong: Gate) -> None:
    assert not check_gradients(lambda x: 1e-12 * wrong(x), [0.5])


@pytest.mark.parametrize("x", [1e-6, 1e-3, 1.0, 1e6, 1e17])
@pytest.mark.parametrize("scheme", ["central", "forward"])
def test_right_rules_pass_at_any_scale(x: float, scheme: Any) -> None:
    for f in (lambda x: 1 / x, autograd.log, autograd.sqrt, lambda x: x * x):
        check_gradients(f, [x], scheme=scheme, raises=True)


def test_a_nan_fails() -> None:
    assert not check_gradients(lambda x: x * math.nan, [1.0])


@pytest.mark.parametrize("scheme", ["central", "forward"])
def test_right_rules_pass_by_either_scheme(scheme: Any) -> None:
    report = check_gradients(
        lambda w, x: autograd.dot(w, x).tanh(), [[0.1, -0.2], [1.0, 2.0]], scheme=scheme, raises=True
    )
    assert [check.name for check in report.checks] == ["w[0]", "w[1]", "x[0]", "x[1]"]


def test_large_values_pass_and_small_errors_in_them_do_not() -> None:
    assert check_gradients(lambda x: x * 1e9, [3.0])
    assert check_gradients(lambda x: (x * 1e-9) ** 2, [3.0])


def test_values_as_inputs_and_functions_without_signature() -> None:
    assert check_gradients(lambda *xs: autograd.max(xs), [Value(1.0), Value(2.0)])
    assert check_gradients(autograd.maximum, [1.0, 2.0]).checks[1].name == "b"
    assert check_gradients(max, [Value(1.0), Value(2.0)]).checks[1].name == "input 1"
    with pytest.raises(TypeError, match=r"write \[2\.0\]"):
        check_gradients(autograd.exp, 2.0)  # type: ignore[arg-type]


SCALES: dict[str, tuple[Any, Any, float]] = {
    "sin of 1e6·x": (lambda x: autograd.sin(1e6 * x), lambda x: 1e6 * math.cos(1e6 * x), 1.0),
    "sin of 1e4·x": (lambda x: autograd.sin(1e4 * x), lambda x: 1e4 * math.cos(1e4 * x), 0.3),
    "a period in the step": (lambda x: autograd.sin(2e6 * math.pi * x), lambda x: 2e6 * math.pi * math.cos(2e6 * math.pi * x), 0.0),
    "half a period": (lambda x: autograd.sin(1e5 * math.pi * x), lambda x: 1e5 * math.pi * math.cos(1e5 * math.pi * x), 0.0),
    "a narrow bump": (lambda x: autograd.exp(-((1e7 * x - 1) ** 2)), lambda x: 2e7 * math.exp(-1.0), 0.0),
    "a narrow sigmoid": (lambda x: autograd.sigmoid(1e8 * x), lambda x: 0.25e8, 0.0),
    "a slow sine": (lambda x: autograd.sin(1e-6 * x), lambda x: 1e-6 * math.cos(1e-6 * x), 2.0),
    "on a plateau": (lambda x: 1e9 + x, lambda x: 1.0, 1.0),
    "near a pole": (lambda x: 1 / x, lambda x: -1 / x**2, 1e-12),
    "near a kink": (lambda x: autograd.relu(x) + 3 * x, lambda x: 4.0, 1e-8),
    "a polynomial": (lambda x: x**5 - x, lambda x: 5 * x**4 - 1, 3.0),
    "far out": (lambda x: x * x, lambda x: 2 * x, 1e12),
    "a product of scales": (
        lambda x: autograd.sin(1e5 * x) * autograd.exp(x),
        lambda x: math.exp(x) * (1e5 * math.cos(1e5 * x) + math.sin(1e5 * x)), 0.7,
    ),
    "an extremum": (lambda x: x * x, lambda x: 2 * x, 0.0),
    "a dead relu": (lambda x: autograd.relu(x), lambda x: 0.0, -2.0),
}  # fmt: skip


@pytest.mark.parametrize("scheme", ["central", "forward"])
@pytest.mark.parametrize("name", SCALES)
def test_functions_of_any_scale_are_judged_by_a_step_of_that_scale(name: str, scheme: Any) -> None:
    f, slope, x = SCALES[name]
    check_gradients(f, [x], scheme=scheme, raises=True)
    (right,) = check_gradients(f, [x], gradient=slope, scheme=scheme, raises=True).checks
    assert right.numeric == pytest.approx(slope(x), rel=1e-3, abs=1e-5)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda s: 0.0, lambda s: -s, lambda s: 2 * s, lambda s: s / 2, lambda s: 1.01 * s, lambda s: s * (1 - 1e-2),
        lambda s: 1e6 * s, lambda s: s + 1.0 + abs(s), lambda s: math.nan, lambda s: math.inf,
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", SCALES)
def test_planted_wrong_gradients_are_found_at_any_scale(name: str, wrong: Any) -> None:
    f, slope, x = SCALES[name]
    if wrong(slope(x)) != slope(x):
        assert not check_gradients(f, [x], gradient=lambda x: wrong(slope(x)))


def test_a_kink_is_named_rather_than_blamed() -> None:
    report = check_gradients(autograd.relu, [0.0])
    assert not report
    assert "relu′(0) = 0" in repr(report)
    assert "check at a point beside it" in repr(report)


def test_the_table() -> None:
    lines = repr(check_gradients(lambda x, y: x * y, [2.0, 3.0])).splitlines()
    assert lines[0].split() == ["input", "at", "analytic", "numeric", "abs", "error", "rel", "error", "result"]
    assert lines[1].split()[:3] == ["x", "2", "3"]
    assert len(lines) == 3


def test_finite_differences_cost_two_evaluations_an_input() -> None:
    """Row D4: a net of 21 parameters needs 42 forward passes."""
    calls = 0

    def f(parameters: list[Value]) -> Any:
        nonlocal calls
        calls += 1
        return autograd.sum([p * p for p in parameters])

    slopes = finite_differences(f, [[0.1 * i for i in range(21)]])
    assert calls == 42
    assert slopes == pytest.approx([0.2 * i for i in range(21)], abs=1e-9)


@pytest.mark.parametrize(
    ("arguments", "words"), [({"scheme": "backward"}, "'central' or 'forward'"), ({"step": 0.0}, "must be positive")]
)
def test_refusals(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        finite_differences(lambda x: x, [1.0], **arguments)
    with pytest.raises(ValueError, match=words):
        check_gradients(lambda x: x, [1.0], **arguments)


def test_a_gradient_by_hand_is_checked_in_place_of_the_engines() -> None:
    def f(w: Any, b: Any) -> Any:
        return (w[0] * w[1] + b) ** 2

    def gradient(w: list[float], b: float, sign: float = 1.0) -> list[Any]:
        z = w[0] * w[1] + b
        return [[2 * z * w[1], 2 * z * w[0]], sign * 2 * z]

    point = [[1.5, -2.0], 0.5]
    assert check_gradients(f, point, gradient=gradient)
    wrong = check_gradients(f, point, gradient=lambda w, b: gradient(w, b, -1.0))
    assert [(check.name, check.ok) for check in wrong.checks] == [("w[0]", True), ("w[1]", True), ("b", False)]
    assert [check.analytic for check in wrong.checks] == [10.0, -7.5, 5.0]
    with pytest.raises(AssertionError, match="wrong in b"):
        check_gradients(f, point, gradient=lambda w, b: gradient(w, b, -1.0), raises=True)


def test_a_gradient_by_hand_comes_as_numbers_lists_arrays_or_values() -> None:
    assert check_gradients(lambda x: x**2, [3.0], gradient=lambda x: 2 * x)
    assert check_gradients(lambda x: x**2, [3.0], gradient=lambda x: Value(2 * x))
    assert check_gradients(lambda w: w[0] * w[1], [[3.0, 4.0]], gradient=lambda w: np.array(w)[::-1])
    assert check_gradients(lambda x, y: x * y, [3.0, 4.0], gradient=lambda x, y: np.array([y, x]))
    assert check_gradients(lambda x, y: x * y, [3.0, 4.0], gradient=autograd.grad(lambda x, y: x * y))
    assert not check_gradients(lambda x: x**2, [3.0], gradient=lambda x: math.nan)


@pytest.mark.parametrize(
    ("gradient", "message"),
    [
        (lambda w, b: [1.0], r"gradient.* must be a list with one entry for each of 2 inputs, got \[1.0\]"),
        (lambda w, b: None, "gradient.* must be a list with one entry for each of 2 inputs, got None"),
        (lambda w, b: [[1.0], 2.0], r"the gradient in w must have 2 entries, got the list \[1.0\]"),
        (lambda w, b: [1.0, 2.0], "the gradient in w must have 2 entries, got the float 1.0"),
    ],
)
def test_a_gradient_of_another_shape_is_refused_by_name(gradient: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_gradients(lambda w, b: w[0] * w[1] + b, [[1.0, 2.0], 3.0], gradient=gradient)


def test_an_entry_that_is_no_number_is_refused_by_name() -> None:
    with pytest.raises(TypeError, match=r"the gradient in w\[1\] needs a number, not None"):
        check_gradients(lambda w: w[0] * w[1], [[1.0, 2.0]], gradient=lambda w: [w[1], None])


@pytest.mark.parametrize(("w", "x"), [(1e5, 1e9), (1.0, 1e14), (1e6, 1e8), (1e3, 1e11), (1e8, 1e5)])
@pytest.mark.parametrize("offset", [0.0, 3.0])
def test_fast_waves_far_out_are_measured_by_steps_of_a_few_ulps(w: float, x: float, offset: float) -> None:
    def f(x: Any) -> Any:
        return autograd.sin(w * x) + offset * x

    slope = w * math.cos(w * x) + offset
    assert check_gradients(f, [x])
    for wrong in (-slope, 2.5 * slope, 0.0):
        assert repr(check_gradients(f, [x], gradient=lambda x, wrong=wrong: wrong)).endswith("WRONG")


@pytest.mark.parametrize(("w", "x"), [(1.0, 1e15), (1.0, 1e17), (1e-3, 1e20), (1e5, 1e12), (1e8, 1e15)])
@pytest.mark.parametrize("offset", [0.0, 3.0])
def test_what_changes_between_neighbouring_numbers_is_reported_as_unmeasured(w: float, x: float, offset: float) -> None:
    def f(x: Any) -> Any:
        return autograd.sin(w * x) + offset * x

    for share in (1.0, -1.0):
        report = check_gradients(f, [x], gradient=lambda x, share=share: share * w * math.cos(w * x) + offset)
        assert report.checks[0].verdict == "unmeasured"
        assert not report
    with pytest.raises(AssertionError, match="not measurable in x"):
        check_gradients(f, [x], raises=True)


@pytest.mark.parametrize("x", [1e-38, 1e-12, 1e-3])
def test_paths_that_cancel_leave_the_rounding_of_the_gradient(x: float) -> None:
    assert check_gradients(lambda x: (x - x) + (x - x) + x * x, [x])
    assert not check_gradients(lambda x: (x - x) + (x - x) + x * x + 1e-6 * x, [x], gradient=lambda x: 2 * x)
