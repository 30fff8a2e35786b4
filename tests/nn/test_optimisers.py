"""Guards optimisers: their formulas against sequences recorded from PyTorch 2.13 and against NumPy, and their errors."""

from __future__ import annotations

import doctest
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

import autograd
import nn
from autograd import Value
from nn import SGD, Adam, AdamW, Optimiser, clip_gradients
from nn.training.schedules import cosine, exponential, linear, staircase, warmup

WRONG: Any = 1.0
Make = Callable[[Any], Optimiser]

# w = (1, −2), loss = w₀² + 3·w₀·w₁ + w₁⁴/4: where torch.optim 2.13, in float64, is after 1, 3 and 6 steps.
PYTORCH: dict[str, tuple[Make, list[tuple[float, float]]]] = {
    "SGD": (
        lambda w: SGD(w, 0.05),
        [(1.2, -1.75), (1.4575546875, -1.6338508253377915), (1.7291615055763985, -1.6721338248104054)],
    ),
    "SGD momentum": (
        lambda w: SGD(w, 0.05, momentum=0.9),
        [(1.2, -1.75), (1.8760546875, -1.2353566725973129), (2.646922017398973, -1.8983963945952633)],
    ),
    "SGD nesterov": (
        lambda w: SGD(w, 0.05, momentum=0.9, nesterov=True),
        [(1.38, -1.525), (2.000971147265625, -1.460213007343899), (2.8306151950586944, -2.117898526718674)],
    ),
    "SGD decay": (
        lambda w: SGD(w, 0.05, momentum=0.5, weight_decay=0.1),
        [(1.195, -1.74), (1.622167195, -1.4377370655410706), (1.9714312153415199, -1.7285438638068018)],
    ),
    "Adam": (
        lambda w: Adam(w, 0.1),
        [
            (1.09999999975, -1.9000000002),
            (1.2977927280386061, -1.7092874374967229),
            (1.5801903953354337, -1.495669858290227),
        ],
    ),
    "Adam decay": (
        lambda w: Adam(w, 0.1, betas=(0.8, 0.95), weight_decay=0.1),
        [
            (1.0999999997435899, -1.9000000001923076),
            (1.2967383435847972, -1.7108778925580528),
            (1.5710633153596418, -1.5095426641636553),
        ],
    ),
    "AdamW": (
        lambda w: AdamW(w, 0.1, weight_decay=0.2),
        [
            (1.07999999975, -1.8600000002),
            (1.2324910775424776, -1.6025820161846642),
            (1.432920497278032, -1.3371438649358531),
        ],
    ),
}


def loss(w: list[Value]) -> Value:
    return w[0] ** 2 + 3 * w[0] * w[1] + w[1] ** 4 / 4


def gradient(w: Any) -> Any:
    return np.array([2 * w[0] + 3 * w[1], 3 * w[0] + w[1] ** 3])


def run(
    make: Callable[[Any], Optimiser], steps: int, start: tuple[float, float] = (1.0, -2.0)
) -> list[tuple[float, ...]]:
    w = [Value(x, role="parameter") for x in start]
    optimiser = make(w)
    path = []
    for _ in range(steps):
        optimiser.zero_grad()
        loss(w).backward()
        optimiser.step()
        path.append(tuple(p.data for p in w))
    return path


@pytest.mark.parametrize("name", PYTORCH)
def test_sequences_are_those_of_pytorch(name: str) -> None:
    make, expected = PYTORCH[name]
    path = run(make, 6)
    assert [path[0], path[2], path[5]] == [pytest.approx(point, rel=1e-12) for point in expected]


rates = st.floats(0.001, 0.1)


@given(rates, st.floats(0, 0.95), st.floats(0, 0.2))
def test_sgd_is_its_formula(eta: float, momentum: float, decay: float) -> None:
    w, v = np.array([1.0, -2.0]), np.zeros(2)
    for point in run(lambda w: SGD(w, eta, momentum=momentum, weight_decay=decay), 5):
        v = momentum * v + gradient(w) + decay * w
        w = w - eta * v
        assert point == pytest.approx(w, rel=1e-9)


@given(rates, st.floats(0.1, 0.95), st.floats(0.5, 0.999), st.floats(0, 0.2), st.booleans())
def test_adam_is_its_formula(eta: float, beta1: float, beta2: float, decay: float, decoupled: bool) -> None:
    cls = AdamW if decoupled else Adam
    w, m, v = np.array([1.0, -2.0]), np.zeros(2), np.zeros(2)
    points = run(lambda w: cls(w, eta, betas=(beta1, beta2), weight_decay=decay), 5)
    for t, point in enumerate(points, start=1):
        g = gradient(w) + (0 if decoupled else decay * w)
        w = w * (1 - eta * decay) if decoupled else w
        m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g**2
        w = w - eta * (m / (1 - beta1**t)) / (np.sqrt(v / (1 - beta2**t)) + 1e-8)
        assert point == pytest.approx(w, rel=1e-9)


def test_o1_gradient_descent_on_a_square() -> None:
    x = Value(1.0)
    optimiser = SGD([x], 0.1)
    path = []
    for _ in range(10):
        optimiser.zero_grad()
        (x * x).backward()
        optimiser.step()
        path.append(x.data)
    assert path[:3] == pytest.approx([0.8, 0.64, 0.512], rel=1e-12)
    assert path[9] == pytest.approx(0.1073741824, rel=1e-12)


def test_a_step_beyond_the_finite_numbers_changes_nothing() -> None:
    w, v = Value(1.0, "w"), Value(2.0, "v")
    optimiser = SGD([w, v], 10.0, momentum=0.9)
    w.grad = v.grad = 1.0
    optimiser.step()
    before, state = (w.data, v.data), optimiser.state
    v.grad = 1e308
    with pytest.raises(FloatingPointError, match=r"a step would make v -inf: its data is -8.0, its gradient 1e\+308"):
        optimiser.step()
    assert ((w.data, v.data), optimiser.state, optimiser.steps) == (before, state, 1)


def test_constants_stay() -> None:
    w, frozen = Value(1.0, role="parameter"), Value(2.0, role="parameter")
    optimiser = SGD([w, frozen], 0.1, weight_decay=0.5)
    frozen.role = "constant"
    (w * frozen).backward()
    optimiser.step()
    assert w.data == pytest.approx(0.75)
    assert frozen.data == 2.0


def test_gradients_are_clipped_by_their_norm() -> None:
    w = [Value(1.0) for _ in range(3)]
    for p, g in zip(w, (2.0, -3.0, 6.0), strict=True):
        p.grad = g
    assert clip_gradients(w, 8.0) == 7.0
    assert [p.grad for p in w] == [2.0, -3.0, 6.0]
    assert clip_gradients(w, 3.5) == 7.0
    assert [p.grad for p in w] == [1.0, -1.5, 3.0]


def test_schedules() -> None:
    assert [linear(1.0, 0.1, 100)(k) for k in (0, 99, 500)] == pytest.approx([1.0, 0.1, 0.1])
    assert [linear(2.0, 1.0, 1)(k) for k in (0, 1)] == [2.0, 1.0]
    half = cosine(0.4, 0.2, 11)
    assert half(5) == pytest.approx(0.3)
    assert sum(half(k) for k in range(11)) == pytest.approx(11 * 0.3)
    warm = warmup(4, linear(1.0, 0.0, 3))
    assert [warm(k) for k in range(8)] == [0.25, 0.5, 0.75, 1.0, 1.0, 0.5, 0.0, 0.0]


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda w: SGD([], 0.1), ValueError, "parameters must not be empty"),
        (lambda w: SGD([WRONG], 0.1), TypeError, r"parameters must.*got 1\.0"),
        (lambda w: SGD([w * 2], 0.1), TypeError, "leaves"),
        (lambda w: SGD([w], -0.1), ValueError, "the learning rate must be a finite number of at least 0, got -0.1"),
        (lambda w: SGD([w], math.nan), ValueError, "the learning rate must be a finite number of at least 0, got nan"),
        (lambda w: SGD([w], 0.1, nesterov=True), ValueError, "looks ahead along the momentum, which is 0"),
        (lambda w: Adam([w], 0.1, betas=(0.9, 1.0)), ValueError, r"betas must.*got \(0\.9"),
        (lambda w: Optimiser([w], 0.1).step(), TypeError, "Optimiser has no rule: write one in the class"),
        (lambda w: clip_gradients([w], -1.0), ValueError, "the largest norm must be a finite number of at least 0"),
    ],
)
def test_errors_say_what_to_write(make: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make(Value(1.0))


# A Value named twice


@pytest.mark.parametrize(
    "use",
    [
        lambda w, v: SGD([w, v, w]),
        lambda w, v: Adam(iter([w, v, w])),
        lambda w, v: clip_gradients([w, v, w], 1.0),
        lambda w, v: nn.l1([w, v, w], 1.0),
        lambda w, v: nn.l2([w, v, w], 1.0),
        lambda w, v: autograd.compile(lambda x: (w + v) * x[0], [w, v, w], x=1),
    ],
)
def test_a_parameter_named_twice_is_refused(use: Any) -> None:
    with pytest.raises(ValueError, match=r"parameters\[2\] is parameters\[0\] again"):
        use(Value(1.0), Value(2.0))


def test_numbers_may_be_equal_in_a_penalty() -> None:
    assert nn.l2([2.0, 2.0], 1.0) == 8.0
    assert nn.l1([Value(2.0), Value(2.0)], 1.0).data == 4.0


# Attributes of an optimiser


@pytest.mark.parametrize(
    ("make", "name", "remedy"),
    [
        (SGD, "lr", "learning_rate"),
        (Adam, "eta", "learning_rate"),
        (Adam, "momentum", "betas"),
        (SGD, "wd", "weight_decay"),
    ],
)
def test_an_attribute_named_as_elsewhere_is_refused(make: Any, name: str, remedy: str) -> None:
    optimiser = make([Value(1.0)])
    with pytest.raises(TypeError, match=f"{make.__name__} has no argument {name}: write {remedy}"):
        setattr(optimiser, name, 0.5)


def test_a_subclass_has_names_of_its_own() -> None:
    class Decaying(SGD):
        def __init__(self, parameters: Any, alpha: float = 0.5) -> None:
            super().__init__(parameters)
            self.alpha, self.gamma, self.other = alpha, 1.0, 2.0

    optimiser = Decaying([Value(1.0)])
    optimiser.alpha = 0.25
    assert (optimiser.alpha, optimiser.gamma, optimiser.other) == (0.25, 1.0, 2.0)


@pytest.mark.parametrize("rate", [-1.0, "a", None, math.nan, math.inf, Value(0.1)])
def test_a_learning_rate_that_is_none_is_refused_where_it_is_set(rate: Any) -> None:
    optimiser = SGD([Value(1.0)], 0.5)
    with pytest.raises((TypeError, ValueError), match="learning rate"):
        optimiser.learning_rate = rate
    assert optimiser.learning_rate == 0.5


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("wrong", [lambda w, g: w - g, lambda w, g: (w - g, g), lambda w, g: None, lambda w, g: ()])
def test_a_rule_that_returns_no_tuple_of_its_numbers_is_refused(wrong: Any, compiled: bool) -> None:
    class Wrong(nn.Optimiser):
        def rule(self, w: Any, g: Any, *state: Any) -> Any:
            return wrong(w, g)

    model = nn.Layer.of([[1.0]], [0.0])
    optimiser = Wrong(model, 0.1)
    with pytest.raises(TypeError, match=r"rule of Wrong must return a tuple of 1 \(the new data\)"):
        nn.fit(model, ([[1.0]], [0.0]), nn.squared_error, optimiser, compiled=compiled)
    assert (optimiser.steps, model.W[0][0].data) == (0, 1.0)


@pytest.mark.parametrize("compiled", [False, True])
def test_the_documented_rule_trains_either_way(compiled: bool) -> None:
    found: dict[str, Any] = {}
    lines = [example.source for example in doctest.DocTestParser().get_examples(nn.Optimiser.__doc__ or "")]
    exec(lines[0], {"Optimiser": nn.Optimiser}, found)
    model = nn.Layer.of([[3.0]])
    nn.fit(model, ([[1.0]], [0.0]), nn.squared_error, found["Signs"](model, 0.5), epochs=2, compiled=compiled)
    assert model.W[0][0].data == 2.0


@pytest.mark.parametrize("epoch", ["a", None, -1, 0.5, True, [0]])
@pytest.mark.parametrize("name", ["linear", "cosine", "exponential", "staircase", "warmup"])
def test_a_schedule_refuses_what_is_no_epoch(name: str, epoch: Any) -> None:
    made = {
        "linear": linear(1.0, 0.0, 3), "cosine": cosine(1.0, 0.0, 3), "exponential": exponential(1.0, 0.5),
        "staircase": staircase(1.0, 0.5, 2), "warmup": warmup(2, linear(1.0, 0.0, 3)),
    }  # fmt: skip
    with pytest.raises(ValueError, match="epoch, counted from 0, must be"):
        made[name](epoch)
    assert made[name](1) >= 0.0
