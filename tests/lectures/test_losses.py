"""Guards the lectures' numbers of losses, risk and regularisation, and what they say must hold for every input.

Where the lectures leave a number open, it is computed twice: in NumPy, and in decimal arithmetic of 40 digits.
"""

from __future__ import annotations

import math
from decimal import Decimal, getcontext
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

import nn
from autograd import Value, dot, finite_differences, grad, jacobian, sigmoid, value_and_grad

getcontext().prec = 40

CAT = 1
Z6, Z7 = [3.2, 5.1, -1.7, -3.7], [5.8, 2.2, -1.6, 1.5]
P6 = [0.129965514248, 0.868935709402, 0.000967798998, 0.000130977352]
P7 = [0.960150366411, 0.026234882119, 0.000586894563, 0.013027856907]

# The linear classifier of row N15: three classes, four pixels.
W = [[0.01, -0.05, 0.1, 0.05], [0.7, 0.2, 0.05, 0.16], [0.0, -0.45, -0.2, 0.03]]
X, B, Y = [-15.0, 22.0, -44.0, 56.0], [0.0, 0.2, -0.3], 2

scores = st.lists(st.floats(-8, 8), min_size=2, max_size=5)
# A probability exp(z − logsumexp) is as exact as its exponent, of size up to 18: so is their sum, of five at most.
ROUNDING = 5 * 18 * 2.0**-53


def close(x: Any) -> Any:
    return pytest.approx(x, rel=1e-9, abs=5e-13)


def linear(w: Any, x: Any = X, b: Any = B) -> list[Any]:
    return [dot(row, x, bias) for row, bias in zip(w, b)]


def test_c1_c2_c3_squared_errors() -> None:
    o, y = [1.5, 1.0, 2.0], [1.0, 2.0, 3.0]
    assert value_and_grad(lambda o: nn.squared_error(o, y, half=True))(o) == (1.125, [0.5, -1.0, -1.0])
    assert value_and_grad(lambda o: nn.squared_error(o, y))(o) == (2.25, [1.0, -2.0, -2.0])
    assert value_and_grad(lambda o: nn.mean_squared_error(o, y))(o) == (0.75, close([1 / 3, -2 / 3, -2 / 3]))
    x, factor, z, t = map(Value, (-2.0, 3.0, 1.0, -4.0))
    loss = nn.squared_error(x * factor + z, t)
    loss.backward()
    assert (loss.data, x.grad, factor.grad, z.grad, t.grad) == (1.0, -6.0, 4.0, -2.0, 2.0)


@pytest.mark.parametrize(
    ("z", "of_one", "of_zero"),
    [
        (1.0, 0.313261687518, 1.313261687518),
        (-2.0, 2.126928011043, 0.126928011043),
        (0.5, 0.474076984180, 0.974076984180),
    ],
)
def test_c4_binary_cross_entropy(z: float, of_one: float, of_zero: float) -> None:
    o = sigmoid(z)
    for y, expected in ((1, of_one), (0, of_zero)):
        assert nn.binary_cross_entropy(o, y) == close(expected)
        assert value_and_grad(lambda z, y=y: nn.binary_cross_entropy_with_logits(z, y))(z) == close((expected, o - y))
        assert grad(lambda z, y=y: nn.binary_cross_entropy(sigmoid(z), y))(z) == close(o - y)


def test_c4_gradients() -> None:
    assert sigmoid(1.0) == close(0.731058578630)
    for y, by_score, by_output in ((1, -0.268941421370, -1.367879441171), (0, 0.731058578630, 3.718281828459)):
        assert grad(lambda z, y=y: nn.binary_cross_entropy_with_logits(z, y))(1.0) == close(by_score)
        assert grad(lambda o, y=y: nn.binary_cross_entropy(o, y))(sigmoid(1.0)) == close(by_output)


@pytest.mark.parametrize(("z", "p", "loss"), [(Z6, P6, 0.140486138730), (Z7, P7, 3.640665375108)])
def test_c5_to_c9_softmax_and_cross_entropy(z: list[float], p: list[float], loss: float) -> None:
    """The lecture's 3.5 for the second example is −log of a rounded 0.03; unrounded it is 3.640665."""
    assert nn.softmax(z) == close(p)
    one_hot = nn.one_hot(CAT, 4)
    assert nn.cross_entropy(p, one_hot) == pytest.approx(loss, abs=1e-10), "p has twelve digits"
    assert nn.cross_entropy(nn.softmax(z), CAT) == nn.cross_entropy(nn.softmax(z), one_hot) == close(loss)
    slopes = [p[k] - (k == CAT) for k in range(4)]
    for f in (
        lambda z: nn.cross_entropy_with_logits(z, CAT),
        lambda z: nn.cross_entropy(nn.softmax(z), CAT),
        lambda z: nn.negative_log_likelihood(nn.log_softmax(z), CAT),
    ):
        value, slope = value_and_grad(f)(z)
        assert value == close(loss)
        assert slope == close(slopes)
        assert sum(slope) == pytest.approx(0.0, abs=1e-15)


def test_c6_c7_as_the_slides_round_them() -> None:
    assert [round(p, 2) for p in nn.softmax(Z6)] == [0.13, 0.87, 0.0, 0.0]
    assert [round(p, 2) for p in nn.softmax(Z7)] == [0.96, 0.03, 0.0, 0.01]
    assert round(nn.cross_entropy_with_logits(Z6, CAT), 2) == 0.14
    assert round(nn.cross_entropy([0.96, 0.03, 0.0, 0.01], CAT), 1) == 3.5
    assert nn.cross_entropy([0.96, 0.03, 0.0, 0.01], CAT) == close(3.506557897320)
    assert nn.cross_entropy([0.13, 0.87, 0.0, 0.0], CAT) == close(0.139262067334)


def test_c8_logits_in_the_log_sum_exp_form() -> None:
    assert nn.cross_entropy_with_logits(Z6, CAT) + 5.1 == close(5.240486138730)
    assert nn.cross_entropy_with_logits([1000, 1000], 0) == close(0.693147180560)
    assert nn.cross_entropy_with_logits([1000, 0], 1) == 1000.0
    assert nn.cross_entropy_with_logits([1000, 0], 0) == 0.0


def test_d13_the_softmax_jacobian() -> None:
    rows = jacobian(nn.softmax)(Z6)
    assert rows[0] == close([0.113074479355, -0.112931676321, -0.000125780494, -0.000017022539])
    p = np.array(nn.softmax(Z6))
    assert np.array(rows) == pytest.approx(np.diag(p) - np.outer(p, p), abs=1e-15)


@given(scores, st.floats(-50, 50))
def test_softmax_is_a_distribution_and_knows_no_shift(z: list[float], shift: float) -> None:
    p = nn.softmax(z)
    assert min(p) > 0
    assert sum(p) == pytest.approx(1.0, rel=ROUNDING)
    assert nn.softmax([entry + shift for entry in z]) == pytest.approx(p, rel=1e-11)
    assert nn.log_softmax(z) == pytest.approx(np.log(p), rel=1e-9, abs=1e-15)
    rows = np.array(jacobian(nn.softmax)(z))
    assert rows.sum(axis=1) == pytest.approx(0.0, abs=ROUNDING)
    assert rows == pytest.approx(rows.T, abs=1e-16)
    for target in (0, p):
        assert sum(grad(lambda z, t=target: nn.cross_entropy_with_logits(z, t))(z)) == pytest.approx(
            0.0, abs=2 * ROUNDING
        )


def decimal_entropy(p: list[str], q: list[str]) -> Decimal:
    return -sum((Decimal(a) * Decimal(b).ln() for a, b in zip(p, q)), Decimal(0))


def test_c18_c19_divergence_and_entropy() -> None:
    """OWN p = (0.5, 0.3, 0.2), q = (0.2, 0.5, 0.3), open in the lectures: not symmetric, and CE = H + KL."""
    p, q = [0.5, 0.3, 0.2], [0.2, 0.5, 0.3]
    exact_p, exact_q = ["0.5", "0.3", "0.2"], ["0.2", "0.5", "0.3"]
    h = decimal_entropy(exact_p, exact_p)
    kl = decimal_entropy(exact_p, exact_q) - h
    reverse = decimal_entropy(exact_q, exact_p) - decimal_entropy(exact_q, exact_q)
    assert nn.entropy(p) == pytest.approx(float(h), rel=1e-14)
    assert nn.kl_divergence(p, q) == pytest.approx(float(kl), rel=1e-13)
    assert nn.kl_divergence(q, p) == pytest.approx(float(reverse), rel=1e-13)
    assert nn.kl_divergence(p, q) == pytest.approx(np.sum(np.array(p) * np.log(np.array(p) / np.array(q))), rel=1e-13)
    assert (nn.entropy(p), nn.kl_divergence(p, q), nn.kl_divergence(q, p)) == close(
        (1.029653014065, 0.223804657186, 0.193794197941)
    )
    assert nn.cross_entropy(q, p) == pytest.approx(nn.entropy(p) + nn.kl_divergence(p, q), rel=1e-14)


@given(scores, st.data())
def test_cross_entropy_is_entropy_plus_divergence(z: list[float], data: st.DataObject) -> None:
    q = nn.softmax(z)
    p = nn.softmax(data.draw(st.lists(st.floats(-8, 8), min_size=len(z), max_size=len(z))))
    divergence = nn.kl_divergence(p, q)
    assert nn.cross_entropy(q, p) == pytest.approx(nn.entropy(p) + divergence, rel=1e-12)
    assert divergence >= -1e-14
    assert nn.kl_divergence(p, p) == 0.0
    by_divergence = grad(lambda z: nn.kl_divergence(p, nn.softmax(z)))(z)
    assert by_divergence == pytest.approx(grad(lambda z: nn.cross_entropy_with_logits(z, p))(z), abs=1e-12)


def test_c19_descent_on_the_logits_of_q_arrives_at_p() -> None:
    p = [0.5, 0.3, 0.2]
    for loss in (lambda z: nn.kl_divergence(p, nn.softmax(z)), lambda z: nn.cross_entropy_with_logits(z, p)):
        z = [1.0, -1.0, 2.0]
        for _ in range(200):
            z = [entry - slope for entry, slope in zip(z, grad(loss)(z))]
        assert nn.softmax(z) == pytest.approx(p, abs=1e-12)


def test_n13_c10_multinomial_logistic_regression() -> None:
    """Row N13 on the numbers of N15: z = Wx + b, softmax, −log p_y; dL/dW = (p − e_y) xᵀ."""
    z = linear(W)
    exact = [sum((Decimal(str(w)) * Decimal(str(x)) for w, x in zip(row, X)), Decimal(str(b))) for row, b in zip(W, B)]
    assert z == pytest.approx([-2.85, 0.86, 0.28], rel=1e-12)
    assert [float(entry) for entry in exact] == [-2.85, 0.86, 0.28]
    total = sum((entry.exp() for entry in exact), Decimal(0))
    loss, slope = value_and_grad(lambda w: nn.cross_entropy_with_logits(linear(w), Y))(W)
    assert loss == pytest.approx(float(total.ln() - exact[Y]), rel=1e-13)
    assert loss == nn.negative_log_likelihood(nn.log_softmax(z), Y) == close(1.040190569430)
    p = np.array([float(entry.exp() / total) for entry in exact])
    assert p == close([0.015449315676, 0.631163353605, 0.353387330719])
    assert nn.argmax(z) == 1, "a wrong decision: class 2 is right"
    assert np.array(slope) == pytest.approx(np.outer(p - np.eye(3)[Y], X), rel=1e-12)
    numeric = finite_differences(lambda w: nn.cross_entropy_with_logits(linear(w), Y), [W])
    assert np.ravel(slope) == pytest.approx(np.array(numeric), rel=1e-6, abs=1e-7)


def test_n14_independent_sigmoids_are_no_distribution() -> None:
    chances = [sigmoid(z) for z in Z6]
    assert sum(chances) == close(2.133366762213)
    with pytest.raises(ValueError, match=r"p must.*got the sum 2\.13337"):
        nn.entropy(chances)


def test_c11_density_estimation() -> None:
    """−log q(z) of the normal density, as the loss of one sample."""
    for z, expected in ((0.0, 0.918938533205), (1.0, 1.418938533205)):
        log_density = -nn.squared_error(z, 0.0, half=True) - 0.5 * math.log(2 * math.pi)
        assert nn.negative_log_likelihood([log_density], 0) == close(expected)


def test_c12_zero_one_loss() -> None:
    assert nn.zero_one([Z6, Z7], [CAT, CAT], reduction="none") == [0.0, 1.0]
    assert nn.zero_one([Z6, Z7], [CAT, CAT]) == 0.5


def test_c13_n15_multiclass_hinge() -> None:
    loss, slope = value_and_grad(lambda s: nn.hinge(s, Y))(linear(W))
    assert loss == close(1.58)
    assert slope == [0.0, 1.0, -1.0]
    by_weights = grad(lambda w: nn.hinge(linear(w), Y))(W)
    assert by_weights == [[0.0] * 4, X, [-x for x in X]]
    assert nn.hinge(Z6, CAT) == 0.0
    assert nn.hinge(Z7, CAT) == close(4.9)
    pictures = [[3.2, 5.1, -1.7], [1.3, 4.9, 2.0], [2.2, 2.5, -3.1]]
    assert nn.hinge(pictures, [0, 1, 2], reduction="none") == close([2.9, 0.0, 12.9])
    assert nn.hinge(pictures, [0, 1, 2]) == close(5.266666666667)


def test_c14_hinge_with_l2() -> None:
    """L = hinge + λ Σ w² with λ = 0.1 on N15: the lecture's L forgets λ, its gradient has 2λw, once."""
    strength = 0.1

    def cost(w: Any) -> Any:
        return nn.hinge(linear(w), Y) + nn.l2([entry for row in w for entry in row], strength)

    value, slope = value_and_grad(cost)(W)
    squares = sum((Decimal(str(entry)) ** 2 for row in W for entry in row), Decimal(0))
    assert squares == Decimal("0.8166")
    assert value == pytest.approx(1.58 + 0.08166, rel=1e-12)
    data = np.array([[0.0] * 4, X, [-x for x in X]])
    assert np.array(slope) == pytest.approx(data + 2 * strength * np.array(W), rel=1e-14)
    assert np.ravel(slope) == pytest.approx(np.array(finite_differences(cost, [W])), rel=1e-7, abs=1e-8)


@given(st.data())
def test_c15_c16_gradients_of_costs_are_means_and_sums_of_gradients(data: st.DataObject) -> None:
    """The batch's gradient is the mean of the samples' and the mean of the mini-batches', weighted by their sizes."""
    n = data.draw(st.integers(1, 6))
    entry = st.floats(-2, 2)
    xs = data.draw(st.lists(st.lists(entry, min_size=2, max_size=2), min_size=n, max_size=n))
    w = data.draw(st.lists(st.lists(entry, min_size=2, max_size=2), min_size=3, max_size=3))
    ys = data.draw(st.lists(st.integers(0, 2), min_size=n, max_size=n))
    size = data.draw(st.integers(1, n))
    loss: Any = data.draw(st.sampled_from([nn.cross_entropy_with_logits, nn.hinge]))

    def gradient(part: range, reduction: Any = "mean") -> Any:
        def cost(w: Any) -> Any:
            outputs = [linear(w, xs[i], [0.0] * 3) for i in part]
            return loss(outputs, [ys[i] for i in part], reduction=reduction)

        return np.array(grad(cost)(w))

    whole = gradient(range(n))
    assert np.mean([gradient(range(i, i + 1)) for i in range(n)], axis=0) == pytest.approx(whole, abs=1e-12)
    parts = [range(i, min(i + size, n)) for i in range(0, n, size)]
    weighted = np.sum([len(part) / n * gradient(part) for part in parts], axis=0)
    assert weighted == pytest.approx(whole, abs=1e-12)
    assert gradient(range(n), "sum") == pytest.approx(n * whole, abs=1e-12)


def test_c17_empirical_risk_is_the_mean_loss_and_has_an_argmin() -> None:
    """Of constant predictors, the mean minimises the empirical risk of the squared error on row N9's targets."""
    targets = [1.0, 3.0, 2.0, 5.0]
    risk = value_and_grad(lambda c: nn.mean_squared_error([c] * 4, targets))
    assert risk(2.75) == (2.1875, 0.0)
    assert min(risk(2.75 + step)[0] for step in (-0.1, 0.1)) > 2.1875


def test_c20_one_hot() -> None:
    """The first lecture's "class 3 of 5" counts from 1, the third's classes from 0; here they count from 0."""
    assert nn.one_hot(3 - 1, 5) == [0, 0, 1, 0, 0]
    assert nn.one_hot(CAT, 4) == [0, 1, 0, 0]


def test_c22_the_proxy_is_not_the_error() -> None:
    """Least squares on ±1 targets pays for the far point and misses a class that a worse fit separates."""
    xs, ys = [0.0, 1.0, 2.0, 3.0, 20.0], [-1, -1, 1, 1, 1]
    slope, intercept = np.polyfit(xs, ys, 1).tolist()
    assert (slope, intercept, -intercept / slope) == close((0.067431850789, -0.150645624103, 2.234042553191))

    def proxy_and_error(slope: float, intercept: float) -> tuple[float, float]:
        outputs = [slope * x + intercept for x in xs]
        return nn.mean_squared_error(outputs, ys), nn.zero_one(outputs, ys, threshold=0, reduction="sum")

    assert proxy_and_error(slope, intercept) == pytest.approx((0.706456241, 1.0), abs=1e-9)
    assert proxy_and_error(0.1, -0.15) == pytest.approx((0.7945, 0.0), abs=1e-9)
