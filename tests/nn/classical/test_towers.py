"""Guards towers and what one hidden layer approximates by them: the lectures' values, and errors against closed forms."""

from __future__ import annotations

import math
from decimal import Decimal, localcontext
from typing import Any

import pytest
from hypothesis import given, strategies as st

from autograd import Value, check_gradients
from nn.classical import approximate, step_neuron, tower, tower_2d


def sine(x: float) -> float:
    return math.sin(2 * math.pi * x)


def close(x: Any) -> Any:
    return pytest.approx(x, rel=1e-9, abs=0)


def test_u1_a_step_from_a_steep_sigmoid() -> None:
    neuron = step_neuron(0.4, 1000)
    assert (neuron.weights, neuron.bias) == ((1000,), -400.0)
    assert neuron(0.4) == 0.5
    assert neuron(0.41) == close(1 / (1 + math.exp(-10)))
    assert [step_neuron(0.4)(x) for x in (math.nextafter(0.4, 0), 0.4, 0.5)] == [0, 1, 1]


@given(st.floats(-50, 50), st.floats(0.1, 5000), st.booleans())
def test_u1_the_position_of_a_step_is_minus_b_over_w(S: float, w: float, down: bool) -> None:
    neuron = step_neuron(S, -w if down else w)
    assert -neuron.bias / neuron.weights[0] == pytest.approx(S, rel=1e-12)
    assert neuron(S) == 0.5
    assert (neuron(S + 1) < 0.5) == down


def test_u2_a_tower() -> None:
    f = tower(0.4, 0.6, 0.8, w=1000)
    values = {
        0.39: 3.631829496e-05,
        0.399: 0.215153137096,
        0.4: 0.4,
        0.401: 0.584846862904,
        0.5: 0.8,
        0.6: 0.4,
    }
    for x, value in values.items():
        assert f(x) == close(value), x
    assert f(0.3) == pytest.approx(2.976e-44, rel=1e-3)
    assert f(0.7) == pytest.approx(0, abs=1e-12)
    assert len(f.neurons) == 2
    ideal = tower(0.4, 0.6, 0.8)
    assert [ideal(x) for x in (0.39, 0.4, 0.5, 0.6)] == [0, 0.8, 0.8, 0]


def decimal_tower(x: str, left: str, right: str, height: Decimal, w: Decimal) -> Decimal:
    sides = [1 / (1 + (-(w * (Decimal(x) - Decimal(side)))).exp()) for side in (left, right)]
    return height * (sides[0] - sides[1])


@pytest.mark.parametrize(
    "point", [(".5", ".5"), (".5", ".7"), (".3", ".7"), (".4", ".4"), (".401", ".5"), (".599", ".402")]
)
def test_u3_a_tower_over_a_square(point: tuple[str, str]) -> None:
    """In two ways: against the formula with sixty digits, and, away from the walls, against its limits."""
    x, y = map(float, point)
    smooth = tower_2d((0.4, 0.6), (0.4, 0.6), w=1000)
    with localcontext() as context:
        context.prec = 60
        total = sum((decimal_tower(v, ".4", ".6", Decimal(10), Decimal(1000)) for v in point), Decimal(0))
        expected = float(1 / (1 + (15 - total).exp()))
    assert smooth(x, y) == close(expected)
    standing = point.count(".5")
    if set(point) <= {".3", ".5", ".7"}:
        assert smooth(x, y) == close([1 / (1 + math.exp(15)), 1 / (1 + math.exp(5)), 1 / (1 + math.exp(-5))][standing])


def test_u3_the_numbers() -> None:
    f = tower_2d((0.40, 0.60), (0.40, 0.60), height=10, threshold=15, w=1000)
    assert f(0.5, 0.5) == close(0.9933071490757153)  # σ(20 − 15)
    assert f(0.5, 0.7) == close(0.0066928509242848554)  # σ(10 − 15)
    assert f(0.1, 0.9) == close(3.059022269256247e-07)  # σ(0 − 15)
    assert f(0.4, 0.4) == close(0.0066928509242848554)  # a corner: half of each


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0.1, 50))
def test_u3_ideal_towers_fire_in_the_square_only(x: float, y: float, height: float) -> None:
    f = tower_2d((0.4, 0.6), (0.2, 0.7), height)
    assert f(x, y) == (0.4 <= x < 0.6 and 0.2 <= y < 0.7)


@pytest.mark.parametrize(
    ("n", "printed"), [(5, 0.587785), (10, 0.309017), (20, 0.156434), (50, 0.062791), (100, 0.031411)]
)
def test_u4_u5_a_sine_by_towers(n: int, printed: float) -> None:
    F = approximate(sine, n)
    assert F.sup_error == close(math.sin(math.pi / n))
    assert F.sup_error == pytest.approx(printed, abs=5e-7)
    assert F.sup_error <= math.pi / n
    assert len(F.neurons) == 2 * n
    for i in range(n):
        assert F((i + 0.5) / n) == pytest.approx(sine((i + 0.5) / n), abs=1e-12)


@pytest.mark.parametrize("n", [4, 20, 100])
def test_u4_the_mean_error_in_closed_form(n: int) -> None:
    """On a piece where f is monotone and its height is f(m), the distance integrates to |G(a) + G(b) − 2·G(m)|, G′ = f."""

    def G(x: float) -> float:
        return -math.cos(2 * math.pi * x) / (2 * math.pi)

    exact = sum(abs(G(i / n) + G((i + 1) / n) - 2 * G((i + 0.5) / n)) for i in range(n))
    midpoint_rule = (1 / (14 * n)) ** 2 / 24 * 4 * math.pi**2  # the bound of its error, h²·max|f″|/24, at h = 1/14n
    assert approximate(sine, n).mean_error == pytest.approx(exact, abs=midpoint_rule)


@given(
    st.lists(st.floats(-3, 3), min_size=4, max_size=4),
    st.integers(1, 40),
    st.floats(-2, 1),
    st.floats(0.1, 2),
)
def test_u5_u7_any_smooth_function_on_any_interval(c: list[float], n: int, low: float, length: float) -> None:
    """No further from f than its steepest slope times half a piece; a straight line more than that is a bug."""
    high = low + length

    def f(x: float) -> float:
        return c[0] + c[1] * x + c[2] * x**2 + c[3] * x**3

    far = max(abs(low), abs(high))
    steepest = abs(c[1]) + 2 * abs(c[2]) * far + 3 * abs(c[3]) * far**2
    F = approximate(f, n, low, high)
    assert F.mean_error <= F.sup_error <= steepest * length / n / 2 + 1e-9
    assert abs(F(high) - f(high)) <= steepest * length / n / 2 + 1e-9  # the end is in its tower


def test_a_wrong_height_is_seen() -> None:
    F = approximate(sine, 20)
    F.weights[4] += 0.1  # one wall of the third tower
    assert F.sup_error > math.sin(math.pi / 20) + 0.05


@pytest.mark.parametrize("n", [6, 10, 50])
def test_u6_relus_join_points_by_lines(n: int) -> None:
    """With n = 4k + 2 pieces one is centred at the top of the sine, and the chord is furthest from it there."""
    F = approximate(sine, n, activation="relu")
    assert len(F.neurons) == n
    assert F.sup_error == pytest.approx(1 - math.cos(math.pi / n), rel=1e-9)
    assert F.sup_error <= math.pi**2 / (2 * n**2)
    for k in range(n + 1):
        assert F(k / n) == pytest.approx(sine(k / n), abs=1e-12)


@pytest.mark.parametrize("w", [50, 1000])
def test_u6_tanh_makes_the_same_towers(w: float) -> None:
    by_sigmoid, by_tanh = approximate(sine, 10, w=w), approximate(sine, 10, w=w, activation="tanh")
    for k in range(101):
        assert by_tanh(k / 100) == pytest.approx(by_sigmoid(k / 100), abs=1e-12)
    assert len(by_tanh.neurons) == 20
    assert by_tanh.sup_error == pytest.approx(by_sigmoid.sup_error, abs=1e-12)


def test_u7_a_jump_is_met_in_the_mean_only() -> None:
    def jump(x: float) -> float:
        return float(x >= 1 / 3)

    means = []
    for n in (4, 16, 64, 256):
        ideal = approximate(jump, n)
        assert ideal.sup_error == 1  # the whole jump, for the midpoint is on one side of 1/3
        assert ideal.mean_error <= 1 / n
        means.append(ideal.mean_error)
    assert means == sorted(means, reverse=True) and means[-1] < 0.003
    # with the wall right at the jump a continuous F still misses by half of it, however steep
    for w in (1e3, 1e6):
        steep = approximate(lambda x: float(x >= 0.5), 4, w=w)
        assert steep(0.5) == close(0.5)
        assert steep.sup_error == pytest.approx(0.5, abs=1e-9)
        assert steep.mean_error < 0.01


def test_towers_of_values_have_gradients() -> None:
    assert check_gradients(lambda x, height: tower(0.4, 0.6, height, w=50)(x), [0.43, 0.8])
    assert check_gradients(lambda left, w: tower(left, 0.6, 0.8, w)(0.43), [0.4, 50.0])
    assert check_gradients(lambda x, y: tower_2d((0.4, 0.6), (0.4, 0.6), w=20)(x, y), [0.43, 0.55])
    assert check_gradients(lambda x: approximate(sine, 6, w=30)(x), [0.3])
    assert check_gradients(lambda x: approximate(sine, 6, activation="relu")(x), [0.3])
    x = Value(0.5)
    y = tower(0.4, 0.6)(x)
    y.backward()
    assert (y.data, x.grad) == (1.0, 0.0)
    assert tower(Value(0.4), 0.6, w=10)(0.5).data == close(tower(0.4, 0.6, w=10)(0.5))


def test_what_the_prompt_shows() -> None:
    assert repr(approximate(sine, 5)).startswith("5 towers on [0, 1], 10 hidden neurons: largest error 0.587785, mean ")
    assert repr(tower(0.4, 0.6, 0.8)) == (
        "F(x) = 0\n+ 0.8 × Perceptron([1], bias=-0.4)\n− 0.8 × Perceptron([1], bias=-0.6)"
    )
    assert repr(tower_2d((0, 1), (0, 1))).startswith("fires if tower(x) + tower(y) ≥ 15\nin x: F(x) = 0\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n": 0}, "n, the number of pieces, must be a whole number of at least 1, got 0"),
        ({"n": 2.0}, "n, the number of pieces, must be a whole number of at least 1, got 2.0"),
        ({"low": 1.0}, r"low and high must.*got 1\.0 and 1\.0"),
        ({"high": math.inf}, "high must be finite"),
        ({"activation": "sin"}, "activation must.*got 'sin'"),
        ({"activation": "tanh"}, "w must.*got None"),
        ({"activation": "relu", "w": 10}, "w must be None"),
        ({"w": 0}, "w must not be 0"),
        ({"f": lambda x: math.nan}, r"f\(0\.125\) must.*got nan"),
    ],
)
def test_approximations_that_cannot_be(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        approximate(**{"f": sine, "n": 4, **arguments})


def test_towers_that_cannot_be() -> None:
    with pytest.raises(ValueError, match=r"left must.*got 0\.6 and 0\.4"):
        tower(0.6, 0.4)
    with pytest.raises(TypeError, match="S needs a number, not the str 'a'"):
        step_neuron("a")
    with pytest.raises(TypeError, match=r"f\(0\.25\) needs a number, not None"):
        approximate(lambda x: None, 2)
