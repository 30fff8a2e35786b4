"""Guards the classical neurons and perceptron learning: the lectures' runs to the last update, and the bound on updates."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from itertools import product
from random import Random
from typing import Any

import pytest
from hypothesis import assume, given, strategies as st

from autograd import Value, check_gradients, maximum, relu
from nn import classical
from nn.classical import McCullochPitts, Perceptron, SigmoidNeuron, Unit, learn_perceptron, novikoff_bound

SQUARE = [(0, 0), (0, 1), (1, 0), (1, 1)]
PRODUCT = [(a, b, a * b) for a, b in SQUARE]
AND, OR, NAND, NOR, XOR = (0, 0, 0, 1), (0, 1, 1, 1), (1, 1, 1, 0), (1, 0, 0, 0), (0, 1, 1, 0)


def signs(outputs: tuple[int, ...]) -> list[int]:
    return [2 * output - 1 for output in outputs]


@pytest.mark.parametrize(
    ("unit", "outputs"),
    [
        (McCullochPitts(["x"], ["y"], theta=1), (0, 0, 1, 0)),
        (McCullochPitts(inhibitory=2, theta=0), NOR),
        (McCullochPitts(2, theta=2), AND),
        (McCullochPitts(2, theta=1), OR),
        (McCullochPitts(inhibitory=1, theta=0), (1, 0)),
    ],
    ids=["xy'", "NOR", "AND", "OR", "NOT"],
)
def test_n1_mcculloch_pitts_units(unit: McCullochPitts, outputs: tuple[int, ...]) -> None:
    assert unit.truth_table().outputs == outputs


def test_inhibition_is_absolute() -> None:
    """Two excitatory inputs do not outvote an inhibitory one, as they would by difference (2 − 1 ≥ 1)."""
    unit = McCullochPitts(excitatory=2, inhibitory=["stop"], theta=1)
    assert (unit(1, 1, 0), unit(1, 1, 1)) == (1, 0)
    assert repr(unit) == "McCullochPitts(excitatory=['x1', 'x2'], inhibitory=['stop'], theta=1)"
    with pytest.raises(ValueError, match=r"the inputs of McCullochPitts.* must.*got 2 for stop"):
        unit(1, 1, 2)
    with pytest.raises(ValueError, match="takes 3 inputs, got 2"):
        unit(1, 1)
    with pytest.raises(ValueError, match=r"names of inputs must.*got 'x' twice"):
        McCullochPitts(["x"], ["x"], theta=1)


def test_n2_a_perceptron_fires_at_zero() -> None:
    assert [Perceptron([1, 1], -2)(x) for x in SQUARE] == list(AND)
    assert [Perceptron([1, 1], -1, output="sign")(x) for x in SQUARE] == [-1, 1, 1, 1]
    assert Perceptron([0.5], 0)(0) == 1
    assert Perceptron([10**20, 1], -(10**20) - 1)(1, 1) == 1  # as ints: in floats the two would be one too many
    assert Perceptron([10**20, 1], -(10**20) - 2)(1, 1) == 0
    with pytest.raises(ValueError, match=r"output must.*got 'boolean'"):
        Perceptron([1], 0, output="boolean")
    with pytest.raises(ValueError, match=r"Perceptron\(\[1, 1\], bias=-2\) takes 2 inputs, one per weight, "):
        Perceptron([1, 1], -2)(1, 1, 1)
    with pytest.raises(TypeError, match=r"an input needs a number, not the str '1': write float\('1'\)"):
        Perceptron([1, 1], -2)("1", 1)


@given(st.lists(st.integers(-9, 9), min_size=1, max_size=5), st.integers(-9, 9), st.data())
def test_n3_the_bias_is_a_weight_whose_input_is_1(weights: list[int], bias: int, data: Any) -> None:
    x = data.draw(st.lists(st.integers(-9, 9), min_size=len(weights), max_size=len(weights)))
    for unit in (Perceptron(weights, bias), Perceptron(weights, bias, "sign"), SigmoidNeuron(weights, bias)):
        assert unit.extended()([*x, 1]) == unit(x)
        assert unit.extended().weights == (*weights, bias)
    assert Perceptron(weights, bias, "sign").extended().output == "sign"


@pytest.mark.parametrize(
    ("outputs", "weights", "updates", "changes"),
    [
        (AND, (3, 2, -4), 18, (2, 3, 3, 2, 2, 3, 2, 1, 0)),
        (OR, (2, 2, -1), 9, (3, 1, 2, 2, 1, 0)),
        (NAND, (-3, -2, 4), 18, None),
        (NOR, (-2, -2, 1), 9, None),
    ],
    ids=["AND", "OR", "NAND", "NOR"],
)
def test_n4_perceptron_learning(
    outputs: tuple[int, ...], weights: tuple[int, ...], updates: int, changes: tuple[int, ...] | None
) -> None:
    learned = learn_perceptron(SQUARE, signs(outputs))
    assert (learned.weights, learned.updates, learned.converged) == (weights, updates, True)
    assert changes is None or learned.changes == changes
    assert all(type(weight) is int for weight in learned.weights)
    assert [learned.perceptron(x) for x in SQUARE] == signs(outputs)
    by_hand = learn_perceptron([(*x, 1) for x in SQUARE], signs(outputs), bias=False)
    assert (by_hand.weights, by_hand.changes) == (learned.weights, learned.changes)
    boolean = learn_perceptron(SQUARE, outputs)
    assert (boolean.weights, boolean.perceptron.truth_table().outputs) == (weights, outputs)


def test_n5_xor_is_never_learned() -> None:
    for epochs in (1, 2, 50):
        learned = learn_perceptron(SQUARE, signs(XOR), epochs)
        assert (learned.changes, learned.weights, learned.converged) == ((4,) * epochs, (0, 0, 0), False)
    assert repr(learned).startswith("not converged in 50 epochs, with 200 updates\nweights (0, 0, 0)\n")


def test_n6_the_bound_on_updates() -> None:
    assert novikoff_bound(SQUARE, signs(AND), [2, 2, -3]) == 51
    assert novikoff_bound(SQUARE, signs(OR), [2, 2, -1]) == 27
    assert novikoff_bound(PRODUCT, signs(XOR), [2, 2, -4, -1]) == 100
    assert math.sqrt(3 / novikoff_bound(SQUARE, signs(AND), [2, 2, -3])) == pytest.approx(0.242536, abs=5e-7)
    margin = min(y * (2 * a + 2 * b - 3) for (a, b), y in zip(SQUARE, signs(AND))) / math.sqrt(17)
    assert 3 / margin**2 == pytest.approx(51, rel=1e-12)


@pytest.mark.parametrize(("outputs", "best"), [(AND, 51), (OR, 27)], ids=["AND", "OR"])
def test_the_lectures_bounds_are_those_of_the_best_margin(outputs: tuple[int, ...], best: int) -> None:
    bounds = []
    for w in product(range(-4, 5), repeat=3):
        if all(y * (w[0] * a + w[1] * b + w[2]) > 0 for (a, b), y in zip(SQUARE, signs(outputs))):
            bounds.append(novikoff_bound(SQUARE, signs(outputs), w))
    assert min(bounds) == best


@given(
    st.lists(st.integers(-5, 5), min_size=2, max_size=4),
    st.lists(st.lists(st.integers(-6, 6), min_size=3, max_size=3), min_size=1, max_size=12),
)
def test_p16_updates_stay_within_the_bound(w: list[int], points: list[list[int]]) -> None:
    n = len(w) - 1
    margins = [sum(a * b for a, b in zip(w, (*x[:n], 1))) for x in points]
    samples = [(x[:n], 1 if z > 0 else -1) for x, z in zip(points, margins) if z]
    assume(samples)
    X, y = [x for x, _ in samples], [label for _, label in samples]
    bound = novikoff_bound(X, y, w)
    radius = max(sum(v * v for v in (*x, 1)) for x in X)
    gamma = min(abs(z) for z in margins if z)
    assert bound == Fraction(radius * sum(v * v for v in w), gamma**2)
    learned = learn_perceptron(X, y, epochs=int(bound) + 1)
    assert learned.converged and learned.updates <= bound
    assert [learned.perceptron(x) for x in X] == y
    assert novikoff_bound(X, y, learned.weights) >= learned.updates


def gaussians(seed: int, mean: float) -> tuple[list[tuple[float, ...]], list[int]]:
    """The lectures' code: X of 200 × 3 filled with 1, D1 ~ N(0, 1) in the even rows (y = +1), D2 ~ N(mean, 1) in the odd."""
    rng = Random(seed)
    X: list[tuple[float, ...]] = [(rng.gauss(mean * (i % 2), 1), rng.gauss(mean * (i % 2), 1), 1.0) for i in range(200)]
    return X, [1 - 2 * (i % 2) for i in range(200)]


def lectures_loop(X: list[tuple[float, ...]], y: list[int], epochs: int) -> tuple[list[float], list[int]]:
    w, changes = [0.0, 0.0, 0.0], []
    for _ in range(epochs):
        change = 0
        for i in range(len(X)):
            if y[i] * (w[0] * X[i][0] + w[1] * X[i][1] + w[2] * X[i][2]) <= 0:
                for k in range(3):
                    w[k] += y[i] * X[i][k]
                change += 1
        changes.append(change)
        if change == 0:
            break
    return w, changes


@pytest.mark.parametrize("mean", [3.0, 8.0])
def test_n7_two_gaussians(mean: float) -> None:
    for seed in range(5):
        X, y = gaussians(seed, mean)
        learned = learn_perceptron(X, y, epochs=5, bias=False)
        w, changes = lectures_loop(X, y, 5)
        assert learned.weights == pytest.approx(w, rel=1e-9) and list(learned.changes) == changes
        if mean == 8:  # so far apart they are separable; at the lectures' 3 they usually are not
            assert learned.converged
    if mean == 3:
        assert not classical.separable([x[:2] for x in X], y)
    assert math.erfc(1.5) / 2 == pytest.approx(0.016947426762, rel=1e-9)  # the Bayes error at 3: Φ(−1.5·√2)


def trained_by(loss: Any, X: Sequence[tuple[int, ...]], y: list[int], epochs: int) -> list[float]:
    w = [Value(0.0) for _ in range(len(X[0]) + 1)]
    for _ in range(epochs):
        for x, label in zip(X, y):
            for weight in w:
                weight.grad = 0.0
            loss(Unit(w[:-1], w[-1], lambda z: z)(x), label).backward()
            for weight in w:
                weight.data -= weight.grad
    return [weight.data for weight in w]


@pytest.mark.parametrize("outputs", [AND, OR, NAND, NOR, XOR])
def test_n8_the_perceptron_criterion_is_a_loss(outputs: tuple[int, ...]) -> None:
    y = signs(outputs)
    for epochs in (1, 2, 5, 12):
        assert trained_by(classical.perceptron_loss, SQUARE, y, epochs) == list(
            learn_perceptron(SQUARE, y, epochs).weights
        )
    assert trained_by(lambda z, t: relu(-t * z), SQUARE, y, 5) == [0.0, 0.0, 0.0]  # every sample ties there
    halved = trained_by(lambda z, t: maximum(0.0, -t * z), SQUARE, y, 1)
    assert halved != list(learn_perceptron(SQUARE, y, 1).weights)  # the tie sends only half the gradient to w


def test_the_perceptron_criterion_on_numbers() -> None:
    assert [classical.perceptron_loss(z, t) for z, t in ((2, 1), (2, -1), (-3, 1), (0, 1))] == [0, 2, 3, 0]


def test_n12_xor_by_the_product_feature() -> None:
    learned = learn_perceptron(PRODUCT, signs(XOR))
    assert (learned.weights, learned.updates, len(learned.changes)) == ((2, 2, -5, -1), 29, 12)
    assert learned.converged and learned.updates <= 100
    f = Perceptron([1, 1, -2], -0.5)
    assert [f.pre_activation(x) for x in PRODUCT] == [-0.5, 0.5, 0.5, -0.5]
    assert [classical.xor_by_product(*x) for x in SQUARE] == list(XOR)


@given(st.lists(st.floats(-3, 3), min_size=3, max_size=3), st.floats(-3, 3), st.floats(-3, 3))
def test_n16_the_sigmoid_neuron(w: list[float], x1: float, x2: float) -> None:
    expected = 1 / (1 + math.exp(-(w[0] * x1 + w[1] * x2 + w[2])))
    assert SigmoidNeuron(w[:2], w[2])(x1, x2) == pytest.approx(expected, rel=1e-12)
    assert check_gradients(lambda w, x: SigmoidNeuron(w[:2], w[2])(x), [w, [x1, x2]])


def test_a_neuron_of_values_is_one_dot_gate_and_its_activation() -> None:
    fired = Perceptron([1, 1], -2)([Value(1.0), Value(1.0)])
    assert (fired.data, fired.gate.name, fired.inputs[0].gate.name) == (1.0, "step", "dot")
    fired.backward()
    assert [x.grad for x in fired.inputs[0].inputs] == [0.0] * 5  # why perceptrons do not learn by backpropagation
    assert Perceptron([1], 0, "sign")(Value(-1.0)).data == -1.0
    assert len(Perceptron([1], 0)(Value(1.0)).inputs[0].inputs) == 2  # no bias of 0 in the picture


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        ([], [], "X must.*got none"),
        ([(1, 2)], [1, -1], "y must.*got 2"),
        ([(1, 2), (1,)], [1, -1], "row 1 of X must.*got 1"),
        ([(1, 2)], [2], "labels must.*got 2"),
        ([(1, 2), (3, 4)], [0, -1], "labels must.*got -1"),
        ([(1, math.nan)], [1], "an entry of X must.*got nan"),
        ([(1, math.inf)], [1], "an entry of X must.*got inf"),
    ],
)
def test_samples_that_are_none(X: Any, y: Any, message: str) -> None:
    for function in (learn_perceptron, classical.separable):
        with pytest.raises(ValueError, match=message):
            function(X, y)


def test_other_errors_of_learning() -> None:
    with pytest.raises(TypeError, match=r"a row of X must be a list of numbers, got 1: write \[1\]"):
        learn_perceptron([1, 2], [1, -1])  # type: ignore[list-item]
    with pytest.raises(TypeError, match=r"an entry of X must.*got Value\(data=1\.0"):
        learn_perceptron([[Value(1.0)]], [1])  # type: ignore[list-item]
    with pytest.raises(ValueError, match=r"epochs, the maximum number of passes, must.*got 0"):
        learn_perceptron(SQUARE, AND, 0)
    with pytest.raises(ValueError, match=r"do not separate: at x = \(0, 1, 1\), y = -1, y·\(w·x\) is 0"):
        novikoff_bound(SQUARE, signs(AND), [1, 1, -1])
    with pytest.raises(ValueError, match=r"weights must.*got 2"):
        novikoff_bound(SQUARE, signs(AND), [1, 1])
    with pytest.raises(OverflowError, match="beyond the range of floats in epoch 1: scale X down"):
        learn_perceptron([(1e308, 1e308), (1e308, -1e308)], [1, -1])
