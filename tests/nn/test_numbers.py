"""Guards the numbers of nn at their limits: large scores, badly scaled columns, rounding, nan, overflow, and their ends."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

import autograd
import nn
from autograd import Value, compile, dot, grad, hessian, value_and_grad
from nn import SGD, Adam, AdamW, Layer, Module, Optimiser, clip_gradients, fit, linear_regression, monomials, schedules
from nn.data import Scaler
from tests.fuzz import EXECUTORS

INF, NAN = math.inf, math.nan


def softmax(z: list[float]) -> list[float]:
    """By exact differences of scores."""
    top = max(map(Fraction, z))
    powers = [math.exp(max(float(Fraction(x) - top), -800.0)) for x in z]
    return [power / math.fsum(powers) for power in powers]


def cost(z: list[float], t: list[float]) -> float:
    """Cross-entropy with logits, by exact differences of scores."""
    top = max(map(Fraction, z))
    total = math.log(math.fsum(math.exp(max(float(Fraction(x) - top), -800.0)) for x in z))
    return total + float(sum(Fraction(a) * (top - Fraction(x)) for a, x in zip(t, z, strict=True)))


# Scores of any size

large = st.sampled_from([0.0, 1.0, 1e3, 1e8, 1e12, 1e16, 1e25, 1e100, 1e300, 1.7e308])
scores = st.builds(
    lambda size, near, sign: [sign * size + x for x in near],
    large, st.lists(st.floats(-40, 40), min_size=2, max_size=5), st.sampled_from([-1.0, 1.0]),
)  # fmt: skip


@given(scores)
def test_softmax_is_right_at_every_size(z: list[float]) -> None:
    expected = softmax(z)
    assert nn.softmax(z) == pytest.approx(expected, rel=1e-13, abs=1e-300)
    assert [p.data for p in nn.softmax(list(map(Value, z)))] == nn.softmax(z)
    assert nn.log_softmax(z) == pytest.approx(
        [-cost(z, nn.one_hot(k, len(z))) for k in range(len(z))], rel=1e-13, abs=1e-14
    )
    for k, p in enumerate(expected):
        slope = grad(lambda z, k=k: nn.softmax(z)[k])(z)
        assert slope == pytest.approx([p * ((i == k) - q) for i, q in enumerate(expected)], rel=1e-9, abs=1e-15)
        slope = grad(lambda z, k=k: nn.log_softmax(z)[k])(z)
        assert slope == pytest.approx([(i == k) - q for i, q in enumerate(expected)], rel=1e-9, abs=1e-15)


@given(scores, st.data())
def test_cross_entropy_with_logits_is_right_at_every_size(z: list[float], data: st.DataObject) -> None:
    c = data.draw(st.integers(0, len(z) - 1))
    p = softmax(z)
    soft = data.draw(st.sampled_from([softmax([k * k / 7 for k in range(len(z))]), [1 / len(z)] * len(z)]))
    for target, t in ((c, nn.one_hot(c, len(z))), (soft, soft)):
        value, slope = value_and_grad(lambda z, target=target: nn.cross_entropy_with_logits(z, target))(z)
        assert value == pytest.approx(cost(z, t), rel=1e-12, abs=1e-14)
        assert slope == pytest.approx([a - b for a, b in zip(p, t, strict=True)], rel=1e-9, abs=1e-15)
        assert nn.cross_entropy_with_logits(z, target) == value


def test_equal_scores_share_the_probability_whatever_their_size() -> None:
    for size in (1e8, 1e12, 1e16, 1e25, 1e300, 1.7e308, -1e16):
        assert nn.softmax([size, size]) == [0.5, 0.5]
        assert nn.softmax([size] * 3) == pytest.approx([1 / 3] * 3, rel=1e-15)
        assert nn.log_softmax([size, size]) == [-math.log(2)] * 2
        assert nn.entropy(nn.softmax([size] * 3)) == pytest.approx(math.log(3), rel=1e-15)
        value, slope = value_and_grad(lambda z: nn.cross_entropy_with_logits(z, 0))([size, size])
        assert value == math.log(2)
        assert slope == [-0.5, 0.5]
        assert nn.hinge([size, size], 0) == 1.0
        assert nn.cross_entropy_with_logits([size] * 3, [1 / 3] * 3) == pytest.approx(math.log(3), rel=1e-15)


def test_infinite_scores() -> None:
    assert nn.softmax([0.0, -INF, 0.0]) == [0.5, 0.0, 0.5]
    assert nn.log_softmax([0.0, -INF]) == [0.0, -INF]
    assert nn.cross_entropy_with_logits([0.0, -INF], 0) == 0.0
    assert nn.cross_entropy_with_logits([0.0, -INF], 1) == INF
    assert nn.cross_entropy_with_logits([INF, 0.0], 0) == 0.0
    assert value_and_grad(lambda z: nn.cross_entropy_with_logits(z, 0))([0.0, 0.0, -INF])[1] == [-0.5, 0.5, 0.0]
    with pytest.raises(ValueError, match=r"z\[0\] .*inf"):
        nn.cross_entropy_with_logits([INF, INF], 0)


def test_second_derivatives_of_the_softmax_and_its_losses() -> None:
    z, first = [0.3, -1.0, 2.0], grad(lambda z: nn.softmax(z)[0])
    p = np.array(nn.softmax(z))
    curvature = np.diag(p) - np.outer(p, p)
    for size in (0.0, 1e6):
        moved = [x + size for x in z]
        for f in (lambda z: nn.cross_entropy_with_logits(z, 1), lambda z: -nn.log_softmax(z)[1]):
            assert np.array(hessian(f)(moved)) == pytest.approx(curvature, abs=1e-9)
        expected = [
            [(p[0] * ((j == 0) - p[j]) * ((i == 0) - p[i]) - p[0] * curvature[i, j]) for j in range(3)]
            for i in range(3)
        ]
        assert [list(grad(lambda z, i=i: first(z)[i])(moved)) for i in range(3)] == [
            pytest.approx(row, abs=1e-9) for row in expected
        ]
    tied = hessian(lambda z: nn.softmax(z)[0])([1.0, 1.0])
    assert tied == [pytest.approx([0.0, 0.0], abs=1e-15)] * 2


@pytest.mark.parametrize("executor", EXECUTORS)
@pytest.mark.parametrize("size", [0.0, 1e3, 1e8, 1e16])
def test_compiled_losses_of_large_scores(executor: Any, size: float) -> None:
    Z, T = [[size, size], [size + 2.0, size - 2.0]], [[1.0, 0.0], [0.0, 1.0]]
    w = Value(1.0, role="parameter")
    program = compile(
        lambda z, t: nn.cross_entropy_with_logits([w * x for x in z], t), [w], z=2, t=2, executor=executor
    )
    expected = sum(nn.cross_entropy_with_logits(z, t) for z, t in zip(Z, T, strict=True)) / 2
    assert program.value_and_grad(Z, T)[0] == pytest.approx(expected, rel=1e-12)
    chances = compile(lambda z: nn.softmax([w * x for x in z]), [w], z=2, gradient=False, executor=executor)
    assert chances(Z).tolist() == [pytest.approx(nn.softmax(z), rel=1e-12) for z in Z]


def test_a_program_of_a_softmax_stays_readable() -> None:
    model = nn.MLP(2, [3], rng=random.Random(0))
    program = compile(lambda x, y: nn.cross_entropy_with_logits(model(x), y), model, x=2, y=3)
    assert len(str(program).splitlines()) <= 18


@pytest.mark.parametrize("t", [0.0, 1.0, 0.5, 0.25, 1e-9])
@pytest.mark.parametrize("z", [-1e300, -1e16, -800.0, -20.0, 0.0, 20.0, 40.0, 800.0, 1e16, 1e300])
def test_binary_cross_entropy_with_logits_keeps_what_is_small(t: float, z: float) -> None:
    def tail(x: float) -> float:
        return x + math.log1p(math.exp(-x)) if x > 0 else math.log1p(math.exp(x))

    def sigma(x: float) -> float:
        return 1 / (1 + math.exp(-x)) if x > 0 else math.exp(x) / (1 + math.exp(x))

    value, slope = value_and_grad(nn.binary_cross_entropy_with_logits)(Value(z), Value(t))
    assert value.data == pytest.approx(t * tail(-z) + (1 - t) * tail(z), rel=1e-14)
    assert slope[0].data == pytest.approx((1 - t) * sigma(z) - t * sigma(-z), rel=1e-9, abs=1e-17)
    assert nn.binary_cross_entropy_with_logits(z, t) == pytest.approx(value.data, rel=1e-14)


# 0·log 0

SURE = [[0.0, -800.0], [-800.0, 0.0, -900.0], [1000.0, 0.0, -1000.0]]


@pytest.mark.parametrize("z", SURE)
def test_entropy_and_divergence_of_chances_of_0(z: list[float]) -> None:
    for f in (
        lambda z: nn.entropy(nn.softmax(z)),
        lambda z: nn.kl_divergence(nn.softmax(z), nn.softmax(z)),
        lambda z: nn.cross_entropy(nn.softmax(z), nn.softmax(z)),
    ):
        value, slope = value_and_grad(f)(z)
        assert (value, slope) == (0.0, [0.0] * len(z))
    uniform = [1 / len(z)] * len(z)
    value, slope = value_and_grad(lambda z: nn.kl_divergence(nn.softmax(z), uniform))(z)
    assert value == pytest.approx(math.log(len(z)))
    assert all(map(math.isfinite, slope))
    with pytest.raises(ValueError, match=r"kl_divergence: q\[\d\] is exactly 0"):
        nn.kl_divergence(list(map(Value, uniform)), nn.softmax(list(map(Value, z))))


def test_the_slope_in_a_target_of_0_is_that_of_the_loss() -> None:
    slope = grad(lambda t: nn.cross_entropy([0.25, 0.75], t))([0.0, 1.0])
    assert slope == pytest.approx([math.log(4), math.log(4 / 3)])
    assert grad(lambda t: nn.binary_cross_entropy(0.25, t))(0.0) == pytest.approx(math.log(4) - math.log(4 / 3))


def test_a_softmax_output_that_saturates_trains_compiled_as_it_does_eagerly() -> None:
    runs = []
    for compiled in (False, True):
        model = nn.MLP(1, [2], output=nn.softmax, rng=random.Random(0))
        data = ([[2000.0], [-2000.0]], [int(model([2000.0])[1].data > 0.5), int(model([-2000.0])[1].data > 0.5)])
        history = fit(model, data, nn.cross_entropy, SGD(model, 1e-9), epochs=3, compiled=compiled)
        runs.append(history.cost)
    assert runs[0] == runs[1] == [0.0] * 3


# Least squares


def test_large_columns_are_fitted() -> None:
    line = linear_regression([1.7e9 + i for i in range(10)], [2.0 * i + 1 for i in range(10)])
    assert (line.weights, line.bias, line.cost) == ([2.0], 1.0 - 2 * 1.7e9, 0.0)
    years = [float(year) for year in range(1990, 2021)]
    y = [(x - 2005) ** 3 / 1000 + (x - 2005) for x in years]
    cubic = linear_regression(years, y, monomials(3))
    assert cubic.cost < 1e-16
    assert [cubic(x) for x in years] == pytest.approx(y, abs=1e-7)
    assert cubic.weights[2] == pytest.approx(1e-3, rel=1e-9)


@pytest.mark.parametrize("unit", [1e-300, 1e-9, 1e9, 1e150])
def test_units_do_not_matter(unit: float) -> None:
    rng = random.Random(1)
    X = [[rng.gauss(0, 1), rng.gauss(0, 1)] for _ in range(20)]
    y = [3 * a - b + rng.gauss(0, 0.1) for a, b in X]
    usual = linear_regression(X, y)
    scaled = linear_regression([[a, b * unit] for a, b in X], y)
    assert scaled.weights[0] == pytest.approx(usual.weights[0], rel=1e-12)
    assert scaled.weights[1] * unit == pytest.approx(usual.weights[1], rel=1e-12)
    assert scaled.cost == pytest.approx(usual.cost, rel=1e-12)


@given(
    st.integers(1, 12),
    st.integers(1, 5),
    st.integers(0, 2**32 - 1),
    st.sampled_from(["plain", "sum", "constant", "round"]),
)
def test_it_agrees_with_lapack(n: int, p: int, seed: int, kind: str) -> None:
    rng = np.random.default_rng(seed)
    X, y = rng.normal(size=(n, p)), rng.normal(size=n)
    if kind == "sum":
        X[:, -1] = X[:, 0] - 2 * X[:, p // 2]
    elif kind == "constant":
        X[:, 0] = 3.3
    elif kind == "round":
        X = np.round(X)
    A = np.column_stack([X, np.ones(n)])
    expected = np.linalg.lstsq(A, y, rcond=None)[0]
    found = linear_regression(X, y)
    sizes = np.linalg.svd(A, compute_uv=False)
    cond = sizes[0] / min(s for s in sizes if s > 1e-12 * sizes[0])
    assert [*found.weights, found.bias] == pytest.approx(expected, rel=1e-12 * cond**2, abs=1e-12 * cond**2)
    assert found.cost == pytest.approx(np.mean((A @ expected - y) ** 2), rel=1e-9, abs=1e-20 * cond**2)


@pytest.mark.parametrize("offset", [1e3, 1e6, 1e9])
@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_it_agrees_with_lapack_on_standardised_columns(offset: float, scale: float) -> None:
    rng = np.random.default_rng(3)
    Z, y = rng.normal(size=(40, 3)), rng.normal(size=40)
    X = offset + Z * [scale, 1.0, 10.0]
    centre = X.mean(0)
    expected = np.linalg.lstsq((X - centre) / X.std(0), y - y.mean(), rcond=None)[0] / X.std(0)
    found = linear_regression(X, y)
    assert found.weights == pytest.approx(expected, rel=1e-9 + 1e-16 * offset / scale)


def test_columns_that_say_nothing_twice() -> None:
    x = [0.1 * i for i in range(8)]
    y = [2 * a + 1 for a in x]
    for column in ([0.3, 0.1 + 0.2] * 4, [a * 3 for a in x], [a + 0.7 for a in x], [1e9 + a for a in x]):
        found = linear_regression([*zip(x, column, strict=True)], y)
        assert found.cost < 1e-12
        assert max(map(abs, found.weights)) < 10
    assert linear_regression([[5.0]], [10.0]).cost < 1e-28
    assert linear_regression([7.0] * 4, [1.0, 2.0, 3.0, 4.0])(7.0) == pytest.approx(2.5)
    assert linear_regression([1.0, 2.0], [1.0, 3.0], monomials(0))(9.0) == 2.0


def test_many_samples() -> None:
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(20_000, 3)) + 1e4, rng.normal(size=20_000)
    expected = np.linalg.lstsq(np.column_stack([X - 1e4, np.ones(len(X))]), y, rcond=None)[0]
    assert linear_regression(X.astype(np.float32).astype(float), y).weights == pytest.approx(expected[:-1], abs=1e-3)
    assert linear_regression(X, y).weights == pytest.approx(expected[:-1], abs=1e-12)


def test_weights_beyond_the_floats_are_refused() -> None:
    with pytest.raises(OverflowError, match="weight of feature 0"):
        linear_regression([1.0, 2.0], [1e308, -1e308])


def test_regression_takes_columns_only_as_features() -> None:
    y = [1.0, 3.0, 5.0]
    assert linear_regression(np.array([[0.0], [1.0], [2.0]], np.float32), y) == linear_regression([0.0, 1.0, 2.0], y)
    with pytest.raises(TypeError, match=r"y\[0\] must be one number"):
        linear_regression([0.0, 1.0, 2.0], np.array(y)[:, None])
    with pytest.raises(ValueError, match=r"X\[1\].*got nan"):
        linear_regression([0.0, NAN, 2.0], y)


def test_the_cost_of_an_exact_fit_of_huge_targets_is_finite() -> None:
    assert linear_regression([0.0, 1.0, 2.0], [-1.7e308, 0.0, 1.7e308]).cost == 0.0
    assert linear_regression([0.0, 1.0], [0.0, 1e200]).cost == 0.0
    assert linear_regression([0.0, 1.0, 2.0], [0.0, 1e200, 0.0]).cost == float("inf")  # 2.2e399


def test_columns_whose_mean_is_no_float_are_centred_all_the_same() -> None:
    line = linear_regression([1.7e18 + 256 * i for i in range(10)], [2.0 * i + 1 for i in range(10)])
    assert line.weights == pytest.approx([2 / 256], rel=1e-14)
    assert linear_regression([1.0, 2.0, 3.0, 4.0, 5.0], [2.0**53 + 2 * i for i in range(5)]).weights == [2.0]
    ulps = [1e16 + 4.0 * (i % 2) for i in range(6)]
    assert linear_regression([float(i % 2) for i in range(6)], ulps).weights == pytest.approx([4.0], rel=1e-12)
    assert nn.r_squared(ulps, ulps) == 1.0
    assert nn.r_squared([1e16, 1e16 + 8], [1e16, 1e16 + 4]) == pytest.approx(-1.0)
    scaled, _ = nn.standardise(([[x] for x in ulps], [0] * 6), ([[1e16]], [0]))
    assert scaled[0] == [[-1.0], [1.0]] * 3
    odd, _ = nn.standardise(([[2.0**53 + 2 * i] for i in range(4)], [0] * 4), ([[1e16]], [0]))
    assert sum(x for (x,) in odd[0]) == pytest.approx(0.0, abs=1e-15)


# Constants with rounding

CONSTANTS = [
    [5.0] * 3,
    [1.1] * 3,
    [0.1] * 10,
    [0.3, 0.1 + 0.2, 0.3],
    [1e300] * 7,
    [-1.7e308] * 5,
    [1e-320] * 3,
    [1 / 3] * 6,
]


@pytest.mark.parametrize("constant", CONSTANTS)
def test_a_constant_is_a_constant(constant: list[float]) -> None:
    n = len(constant)
    with pytest.raises(ValueError, match="r_squared: targets must"):
        nn.r_squared([0.1] * n, constant)
    scaler = Scaler([[x] for x in constant])
    assert scaler.scales == [1.0]
    assert scaler([[x] for x in constant]) == [[pytest.approx(0.0, abs=1e-15 * abs(constant[0]))]] * n


def test_standardise_leaves_constants_in_their_unit() -> None:
    (X, _), (test, _) = nn.standardise(([[0.1]] * 3, [0, 1, 0]), ([[0.2]], [1]))
    assert (X, test) == ([[0.0]] * 3, [[0.1]])


@given(st.lists(st.integers(-1000, 1000), min_size=2, max_size=9), st.sampled_from([1e-200, 1.0, 1e9, 1e200]))
def test_columns_of_any_size_are_standardised(xs: list[int], unit: float) -> None:
    column = [x * unit for x in xs]
    scaled = [x for (x,) in Scaler([[x] for x in column])([[x] for x in column])]
    expected = np.array(xs, float) - np.mean(xs)
    assert scaled == pytest.approx(expected / (np.std(xs) if len({*xs}) > 1 else 1.0), rel=1e-9, abs=1e-9)


def test_r_squared_of_numbers_of_any_size() -> None:
    o, t = [1.0, 2.5, 2.0], [1.0, 2.0, 3.0]
    expected = nn.r_squared(o, t)
    for unit in (1e-200, 1e200):
        assert nn.r_squared([x * unit for x in o], [x * unit for x in t]) == pytest.approx(expected, rel=1e-12)
    shifted = nn.r_squared([x + 1e9 for x in o], [x + 1e9 for x in t])
    assert shifted == pytest.approx(expected, rel=1e-6)


def test_r_squared_of_rows_compares_each_output_with_its_own_mean() -> None:
    targets = [[0.0, 1000.0], [1.0, 1001.0], [2.0, 1002.0]]
    assert nn.r_squared([[1.0, 1001.0]] * 3, targets) == 0.0
    assert nn.r_squared(np.array(targets)[:, :1], np.array(targets)[:, :1]) == 1.0
    with pytest.raises(ValueError, match="same shape"):
        nn.r_squared(np.array(targets)[:, :1], [0.0, 1.0, 2.0])


# nan and infinity

ROW, PAIR = [0.2, NAN], [NAN, 0.0]
NANS: dict[str, Callable[[], Any]] = {
    r"accuracy: outputs\[0\]": lambda: nn.accuracy(PAIR, [0, 0]),
    r"accuracy: targets\[1\]": lambda: nn.accuracy([0.0, 1.0], [0, NAN]),
    r"accuracy: outputs\[1\]\[0\]": lambda: nn.accuracy([[0.0, 1.0], PAIR], [0, 0]),
    r"accuracy: targets\[0\]\[1\]": lambda: nn.accuracy([[0.0, 1.0]], [ROW]),
    r"confusion: outputs\[0\]": lambda: nn.confusion([NAN], [0]),
    r"zero_one: output\[0\]": lambda: nn.zero_one([NAN], [0]),
    r"argmax: z\[0\]": lambda: nn.argmax(PAIR),
    r"r_squared: outputs\[0\]": lambda: nn.r_squared(PAIR, [0.0, 1.0]),
    r"r_squared: targets\[0\]": lambda: nn.r_squared([0.0, 1.0], PAIR),
    r"squared_error: output": lambda: nn.squared_error(NAN, 0.0),
    r"squared_error: target\[0\]": lambda: nn.squared_error([0.0, 0.0], PAIR),
    r"mean_squared_error: output\[1\]\[0\]": lambda: nn.mean_squared_error([[0.0, 0.0], PAIR], [[0.0, 0.0]] * 2),
    r"binary_cross_entropy: output\[0\]": lambda: nn.binary_cross_entropy(PAIR, [0, 0]),
    r"binary_cross_entropy_with_logits: output\[0\]": lambda: nn.binary_cross_entropy_with_logits(PAIR, [0, 0.5]),
    r"binary_cross_entropy_with_logits: target": lambda: nn.binary_cross_entropy_with_logits(1.0, NAN),
    r"binary_hinge: score\[0\]": lambda: nn.binary_hinge(PAIR, [1, -1]),
    r"binary_hinge: target": lambda: nn.binary_hinge(1.0, NAN),
    r"cross_entropy: probabilities\[0\]": lambda: nn.cross_entropy(PAIR, 1),
    r"cross_entropy_with_logits: z\[0\]": lambda: nn.cross_entropy_with_logits(PAIR, 1),
    r"cross_entropy_with_logits: target\[0\]": lambda: nn.cross_entropy_with_logits([0.0, 0.0], PAIR),
    r"negative_log_likelihood: log_probabilities\[0\]": lambda: nn.negative_log_likelihood(PAIR, 0),
    r"hinge: scores\[0\]": lambda: nn.hinge(PAIR, 1),
    r"kl_divergence: p\[0\]": lambda: nn.kl_divergence(PAIR, [0.5, 0.5]),
    r"kl_divergence: q\[0\]": lambda: nn.kl_divergence([0.5, 0.5], PAIR),
    r"entropy: p\[0\]": lambda: nn.entropy(PAIR),
    r"l1: parameters\[0\]": lambda: nn.l1(PAIR, 1.0),
    r"l2: parameters\[1\]": lambda: nn.l2([1.0, Value(NAN)], 1.0),
}


@pytest.mark.parametrize("name", NANS)
def test_metrics_and_losses_refuse_nan_by_name(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} .*nan"):
        NANS[name]()


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_a_nan_among_values_is_found_in_its_sample(reduction: Any) -> None:
    rows = [[Value(0.5), Value(1.0)], [Value(0.5), Value(NAN)]]
    for loss in (nn.cross_entropy_with_logits, nn.hinge, nn.negative_log_likelihood):
        with pytest.raises(ValueError, match=r"(z|scores|log_probabilities)\[1\]\[1\] .*nan"):
            loss(rows, [0, 0], reduction=reduction)
    with pytest.raises(ValueError, match=r"squared_error: output\[1\]\[1\] .*nan"):
        nn.squared_error(rows, [[0.0, 0.0]] * 2, reduction=reduction)


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("wrong", [NAN, INF, -INF])
def test_data_that_is_not_finite_is_named(compiled: bool, wrong: float) -> None:
    good = ([[0.0], [1.0]], [0.0, 1.0])
    for data, name in ((([[0.0], [wrong]], [0.0, 1.0]), r"X\[1\]\[0\]"), (([[0.0], [1.0]], [0.0, wrong]), r"y\[1\]")):
        model = Layer.of([[1.0]])
        with pytest.raises(ValueError, match=rf"{name} of the data must be a finite number"):
            fit(model, data, nn.squared_error, SGD(model), compiled=compiled)
        with pytest.raises(ValueError, match=rf"{name} of the validation must be a finite number"):
            fit(model, good, nn.squared_error, SGD(model), validation=data, compiled=compiled)
        with pytest.raises(ValueError, match=rf"{name} of the data must be a finite number"):
            nn.evaluate(model, data, nn.squared_error)
        assert model.W[0][0].data == 1.0


def test_data_of_arrays_names_and_ints_is_taken() -> None:
    model = Layer.of([[1.0]])
    data = (np.array([[0.0], [1.0]], np.float32), np.array([0, 1]))
    assert fit(model, data, nn.squared_error, SGD(model), epochs=1).epochs == 1
    names: Any = ([[0.0], [1.0]], ["down", "up"])
    fit(model, names, lambda o, t: nn.squared_error(o, float(t == "up")), SGD(model), epochs=1)


# Gradients of any size


def given_gradients(*gradients: float) -> list[Value]:
    found = [Value(1.0) for _ in gradients]
    for value, g in zip(found, gradients, strict=True):
        value.grad = g
    return found


@pytest.mark.parametrize("size", [1e-320, 1e-170, 1.0, 1e160, 1.7e308])
def test_gradients_of_any_size_are_clipped(size: float) -> None:
    w = given_gradients(size, size)
    clip_gradients(w, size / 2)
    assert [p.grad for p in w] == pytest.approx([size / 2 / math.sqrt(2)] * 2, rel=1e-15 if size > 1e-300 else 1e-3)
    w = given_gradients(size, -size)
    clip_gradients(w, 1e-3 * min(size, 1.0))
    assert math.hypot(*(p.grad for p in w)) == pytest.approx(1e-3 * min(size, 1.0), rel=1e-12 if size > 1e-300 else 0.1)
    w = given_gradients(size, 0.0)
    assert clip_gradients(w, size) == size
    assert w[0].grad == size
    clip_gradients(w, 0.0)
    assert w[0].grad == 0.0


@pytest.mark.parametrize("wrong", [NAN, INF, -INF])
def test_gradients_that_are_not_finite_are_named(wrong: float) -> None:
    for make in (lambda w: SGD(w, 0.0), lambda w: SGD(w, 0.1, momentum=0.9), Adam, AdamW, Signs):
        w = given_gradients(1.0, wrong)
        w[1].label = "shift"
        optimiser = make(w)
        with pytest.raises(FloatingPointError, match="the gradient of shift is"):
            optimiser.step()
        assert ([p.data for p in w], optimiser.steps) == ([1.0, 1.0], 0)
    with pytest.raises(FloatingPointError, match="the gradient of shift is"):
        clip_gradients(w, 1.0)


class Signs(Optimiser):
    def __init__(self, parameters: Any) -> None:
        super().__init__(parameters, 0.5)

    def rule(self, w: Any, g: Any, *state: Any) -> tuple[Any, ...]:
        return (w - self.learning_rate * (1.0 * (g > 0) - 1.0 * (g < 0)),)


class Steep(Module):
    """One parameter, whose gradient is 1e160 at the sample 1e160 and 1 at 1."""

    def __init__(self) -> None:
        self.w = Value(1.0)

    def forward(self, x: Any) -> Any:
        return self.w * x[0]


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("make", [Adam, AdamW])
def test_a_gradient_whose_square_overflows_is_refused(compiled: bool, make: Any) -> None:
    model = Steep()
    optimiser = make(model.parameters(), 0.1)
    fit(model, ([[1.0]], [0.0]), lambda o, t: o - t, optimiser, epochs=2, compiled=compiled)
    before, state = model.w.data, [list(map(float, row)) for row in optimiser.state]
    with pytest.raises(FloatingPointError, match=r"running mean of w, parameter 0 inf.* its gradient 1e\+160"):
        fit(model, ([[1e160]], [0.0]), lambda o, t: o - t, optimiser, epochs=1, compiled=compiled)
    assert model.w.data == before
    assert ([list(map(float, row)) for row in optimiser.state], optimiser.steps) == (state, 2)
    fit(model, ([[1.0]], [0.0]), lambda o, t: o - t, optimiser, epochs=1, compiled=compiled)
    assert model.w.data == pytest.approx(before - 0.1, rel=1e-2)


@pytest.mark.parametrize("compiled", [False, True])
def test_clipping_saves_a_step_of_a_huge_gradient(compiled: bool) -> None:
    model = Steep()
    fit(model, ([[1e300]], [0.0]), lambda o, t: o - t, Adam(model, 0.1), epochs=1, clip=1.0, compiled=compiled)
    assert model.w.data == pytest.approx(0.9)


@pytest.mark.parametrize("compiled", [False, True])
def test_an_epsilon_of_0_is_named_where_it_divides(compiled: bool) -> None:
    model = Steep()
    optimiser = Adam(model, epsilon=0)
    with pytest.raises(FloatingPointError, match="epsilon"):
        fit(model, ([[0.0]], [0.0]), lambda o, t: o - t, optimiser, epochs=1, compiled=compiled)
    assert (model.w.data, optimiser.steps) == (1.0, 0)
    fit(model, ([[3.0]], [0.0]), lambda o, t: o - t, optimiser, epochs=1, compiled=compiled)
    assert model.w.data == pytest.approx(0.999)


# The best weights, whichever way a run ends

ENDS: dict[str, dict[str, Any]] = {
    "all epochs done": {"epochs": 6, "patience": 5},
    "a callback said so": {"epochs": 50, "patience": 9, "callbacks": [lambda epoch, *_: epoch == 5]},
    "converged": {"epochs": 50, "patience": 9, "epsilon": 9.0, "k": 3},
    "no better than in epoch": {"epochs": 50, "patience": 2},
}


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("end", ENDS)
def test_patience_ends_with_the_best_weights(end: str, compiled: bool) -> None:
    model, seen = Layer.of([[0.0]], [0.0]), []
    options = {**ENDS[end], "callbacks": [lambda e, m, h: seen.append((h.validation[-1], m.W[0][0].data))]}
    options["callbacks"] += ENDS[end].get("callbacks", [])
    history = fit(
        model, ([[0.0], [1.0]], [0.0, 9.0]), nn.squared_error, SGD(model, 0.1), validation=([[1.0]], [4.0]),
        compiled=compiled, **options,
    )  # fmt: skip
    assert history.stopped.startswith(end)
    assert "whose weights are restored" in history.stopped
    assert 0 < history.validation.index(min(seen)[0]) < history.epochs - 1
    assert model.W[0][0].data == min(seen)[1]


def test_patience_leaves_the_last_weights_where_they_are_the_best() -> None:
    for validation in (None, ([[1.0]], [1.0])):
        model, twin = Layer.of([[0.0]]), Layer.of([[0.0]])
        data = ([[1.0]], [1.0])
        history = fit(model, data, nn.squared_error, SGD(model, 0.1), epochs=4, patience=2, validation=validation)
        fit(twin, data, nn.squared_error, SGD(twin, 0.1), epochs=4)
        assert history.stopped == "all epochs done"
        assert model.W[0][0].data == twin.W[0][0].data


# Names of arguments and learning rates

w = [Value(1.0)]
MISSPELT: list[tuple[Callable[[], Any], str]] = [
    (lambda: SGD(w, lr=0.1), "SGD has no argument lr: write learning_rate"),  # type: ignore[call-arg]
    (lambda: Adam(w, lr=0.1), "Adam has no argument lr: write learning_rate"),  # type: ignore[call-arg]
    (lambda: AdamW(w, eps=1e-8), "AdamW has no argument eps: write epsilon"),  # type: ignore[call-arg]
    (lambda: Adam(w, momentum=0.9), "Adam has no argument momentum: write betas"),  # type: ignore[call-arg]
    (lambda: Adam(w, beta1=0.9), "Adam has no argument beta1: write betas"),  # type: ignore[call-arg]
    (lambda: SGD(w, betas=(0.9, 0.9)), "SGD has no argument betas: write momentum"),  # type: ignore[call-arg]
    (lambda: SGD(w, weightdecay=0.1), "write weight_decay"),  # type: ignore[call-arg]
    (lambda: SGD(w, wd=0.1), "write weight_decay"),  # type: ignore[call-arg]
    (lambda: SGD(params=w), "write parameters"),  # type: ignore[call-arg]
    (lambda: SGD(w, dampening=0.1), "its arguments are parameters, learning_rate, momentum"),  # type: ignore[call-arg]
    (lambda: Signs(w, lr=0.1), "Signs has no argument lr: its arguments are parameters"),  # type: ignore[call-arg]
    (lambda: schedules.exponential(0.1, gamma=0.9), "write factor"),  # type: ignore[call-arg]
    (lambda: schedules.staircase(0.1, 0.5, step_size=2), "write every"),  # type: ignore[call-arg]
    (lambda: schedules.cosine(0.1, 0.0, T_max=9), "write epochs"),  # type: ignore[call-arg]
    (lambda: schedules.cosine(0.1, eta_min=0.0, epochs=9), "write last"),  # type: ignore[call-arg]
    (lambda: schedules.linear(lr=0.1, last=0.0, epochs=9), "write first"),  # type: ignore[call-arg]
    (lambda: schedules.warmup(warmup_epochs=3), "write epochs"),  # type: ignore[call-arg]
    (lambda: clip_gradients(w, max_norm=1.0), "write largest"),  # type: ignore[call-arg]
    (lambda: nn.minimize(lambda x: x * x, 1.0, lr=0.1), "write learning_rate"),  # type: ignore[call-arg]
    (lambda: fit(Steep(), ([1.0], [1.0]), nn.squared_error, SGD(w), num_epochs=3), "write epochs"),  # type: ignore[call-arg]
]


@pytest.mark.parametrize(("call", "words"), MISSPELT)
def test_an_argument_named_as_elsewhere_is_answered_by_its_name_here(call: Any, words: str) -> None:
    with pytest.raises(TypeError, match=words):
        call()


def test_learning_rates_beyond_the_floats_are_refused() -> None:
    for schedule in (
        schedules.exponential(1.0, 10.0),
        schedules.exponential(1e300, 1e10),
        schedules.staircase(1.0, 10.0, 1),
    ):
        with pytest.raises(OverflowError, match="learning rate of epoch 400 must be finite"):
            schedule(400)
    with pytest.raises(OverflowError, match="learning rate of epoch 400"):
        schedules.warmup(2, schedules.exponential(1.0, 10.0))(402)
    assert schedules.exponential(1.0, 0.1)(400) == 0.0


def test_minimize_takes_arrays_and_says_where_it_diverges() -> None:
    found = nn.minimize(lambda x: dot(list(x), list(x)), np.array([1.0, 2.0]), steps=50)
    assert found.x == pytest.approx([0.0, 0.0], abs=1e-4)
    assert {type(x) for point in found.path for x in point} == {float}
    for f, x0 in ((lambda x: x * x, 1.0), (lambda x: autograd.exp(-x), -700.0)):
        with pytest.raises(FloatingPointError, match="minimize diverged at step"):
            nn.minimize(f, x0, learning_rate=1e200)
    searched = nn.random_search(lambda x: x @ x, np.array([1.0, 2.0]), rng=random.Random(0), tries=200)
    assert searched.value < 0.1
    with pytest.raises(TypeError, match=r"x0\[0\] must be one number"):
        nn.minimize(lambda x: x[0], np.array([[1.0], [2.0]]))


@pytest.mark.parametrize("x", [0.1 + 0.2, 1e9, -1e17, 1e300])
def test_a_plot_of_points_in_a_line_has_a_plane(x: float) -> None:
    from matplotlib.figure import Figure

    X = [[x, 0.0], [x, 1.0], [math.nextafter(x, 0.0), 2.0]]
    ax = nn.plot_boundary(lambda point: point[1] - 0.5, X, [0, 1, 1], Figure().subplots(), steps=3)
    low, high = ax.get_xlim()
    assert high - low > 1e-9 * abs(x)
    model = nn.MLP(2, [1], rng=random.Random(0))
    history = fit(model, (X[:1], [1.0]), lambda o, t: 0.0 * o, SGD(model, 0.0), epochs=1, record=True)
    assert "No decision boundary" not in nn.explore_training(model, history, data=(X, [0, 1, 1])).html


# Overflow on the way to a finite number

MEANS: list[tuple[Callable[[Callable[[float], Any]], Any], float]] = [
    (lambda v: nn.mean_squared_error([v(1e154)] * 2, [0.0] * 2), 1e308),
    (lambda v: nn.mean_squared_error([[v(1e154)] * 2] * 4, [[0.0] * 2] * 4), 1e308),
    (lambda v: nn.squared_error([v(1.2e154)] * 2, [0.0] * 2, half=True), 1.44e308),
    (lambda v: nn.cross_entropy_with_logits([[v(0.0), v(1.2e308)]] * 3, [0] * 3), 1.2e308),
    (lambda v: nn.binary_cross_entropy_with_logits([v(1.2e308)] * 3, [0] * 3), 1.2e308),
    (lambda v: nn.binary_hinge([v(-1.2e308)] * 3, [1] * 3), 1.2e308),
    (lambda v: nn.hinge([[v(0.0), v(1.2e308)]] * 3, [0] * 3), 1.2e308),
    (lambda v: nn.negative_log_likelihood([[v(-1.2e308), v(0.0)]] * 3, [0] * 3), 1.2e308),
    (lambda v: nn.l2([v(1e160)], 1e-200), 1e120),
    (lambda v: nn.l1([v(1.2e308) for _ in range(3)], 1e-200), 3.6e108),
]


@pytest.mark.parametrize(("mean", "expected"), MEANS)
def test_a_mean_that_is_finite_is_found(mean: Callable[..., Any], expected: float) -> None:
    assert mean(float) == pytest.approx(expected, rel=1e-14)
    x = Value(0.0)
    found = mean(lambda number: x + number)
    assert found.data == pytest.approx(expected, rel=1e-14)
    found.backward()
    assert math.isfinite(x.grad)


def test_a_sum_that_is_infinite_stays_infinite() -> None:
    assert nn.squared_error([1e154] * 2, [0.0] * 2) == INF
    assert nn.mean_squared_error([1e155], [0.0]) == INF
    assert nn.l2([1e160], 1.0) == INF


def test_differences_beyond_the_floats_are_scaled_first() -> None:
    model = Layer.of([[1.0]])
    data = ([[1.0]] * 3, [1.7e308] * 3)
    assert nn.evaluate(model, data, lambda o, t: t)[1] == pytest.approx(1.7e308, rel=1e-15)
    errors = [Fraction(1e308) * 2, Fraction(0.9e308) + Fraction(1e308)]
    spread = (Fraction(1e308) - Fraction(0.9e308)) ** 2 / 2
    assert nn.r_squared([-1e308] * 2, [1e308, 0.9e308]) == pytest.approx(
        float(1 - sum(e * e for e in errors) / spread), rel=1e-12
    )
    _, (test, _) = nn.standardise(([[1.7e308], [1.6e308]], [0, 1]), ([[-1.7e308]], [1]))
    assert test == [[pytest.approx(-67.0, rel=1e-12)]]


# Names in messages, and 0 without a sign


def test_messages_name_the_function_and_the_argument_of_the_caller() -> None:
    with pytest.raises(ValueError, match=r"^mean_squared_error: output and target"):
        nn.mean_squared_error([1.0, 2.0], [1.0])
    with pytest.raises(ValueError, match=r"^mean_squared_error: output"):
        nn.mean_squared_error([NAN, 1.0], [1.0, 1.0])
    with pytest.raises(ValueError, match=r"^r_squared: outputs and targets"):
        nn.r_squared([1.0, 2.0], [1.0])
    with pytest.raises(ValueError, match=r"^zero_one: output must be .*nan"):
        nn.zero_one(NAN, 0)
    with pytest.raises(ValueError, match=r"^zero_one: output\[1\] must be .*nan"):
        nn.zero_one([0.0, NAN], [0, 1])
    with pytest.raises(ValueError, match=r"^zero_one: target must be a class"):
        nn.zero_one([0.0, 1.0], 2)
    for penalty, name in ((nn.l1, "l1"), (nn.l2, "l2")):
        with pytest.raises(TypeError, match=rf"^{name}: parameters\[0\] "):
            penalty(["a"], 1.0)
    with pytest.raises(TypeError, match=r"^squared_error: output\[1\] .*masked"):
        nn.squared_error(np.ma.array([1.0, 2.0], mask=[False, True]), [1.0, 1.0])
    with pytest.raises(ValueError, match=r"^r_squared: targets must"):
        nn.r_squared([1.0, 2.0], [1e16, 1e16 + 2])


@pytest.mark.parametrize("v", [float, Value])
def test_an_entropy_of_0_has_no_sign(v: Callable[[float], Any]) -> None:
    for found in (nn.entropy([v(1.0), v(0.0)]), nn.cross_entropy([v(1.0), v(0.0)], 0)):
        assert math.copysign(1.0, getattr(found, "data", found)) == 1.0
