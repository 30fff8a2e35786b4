"""Guards fit: the lectures' numbers of batch, stochastic and mini-batch descent, every way to stop, and to fail."""

from __future__ import annotations

import math
import random
import signal
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

import autograd
from autograd import Value, sigmoid, tanh
from nn import (
    MLP,
    SGD,
    Adam,
    History,
    Layer,
    Module,
    accuracy,
    binary_cross_entropy_with_logits,
    cross_entropy_with_logits,
    evaluate,
    fit,
    he,
    l2,
    moons,
    squared_error,
    train_test_split,
)
from nn.training.schedules import linear

X, Y = [[0.0], [1.0], [2.0], [3.0]], [1.0, 3.0, 2.0, 5.0]


def line(w: float = 0.0, b: float = 0.0) -> Layer:
    return Layer.of([[w]], [b])


def weights(model: Module) -> list[float]:
    return [p.data for p in model.parameters()]


def test_o6_batch_gradient_descent() -> None:
    model, path = line(), []
    history = fit(
        model, (X, Y), squared_error, SGD(model.parameters(), 0.1), epochs=200,
        callbacks=[lambda epoch, model, history: path.append(weights(model))],
    )  # fmt: skip
    assert history.cost[:4] == pytest.approx([9.75, 0.9775, 0.7460875, 0.732883375], rel=1e-12)
    assert path[:3] == [pytest.approx(w, rel=1e-12) for w in ([1.1, 0.55], [1.265, 0.66], [1.2815, 0.6985])]
    assert weights(model) == pytest.approx([1.100001, 1.099998], abs=1e-6)
    assert (history.epochs, history.steps, history.stopped) == (200, history.cost, "all epochs done")


def by_numpy(size: int, order: list[int], eta: float) -> list[float]:
    """One epoch of mini-batch descent on the mean squared error, by its formula."""
    w, b = 0.0, 0.0
    x, y = np.array(X)[order, 0], np.array(Y)[order]
    for start in range(0, 4, size):
        xs, ys = x[start : start + size], y[start : start + size]
        gap = w * xs + b - ys
        w, b = w - eta * 2 * np.mean(gap * xs), b - eta * 2 * np.mean(gap)
    return [float(w), float(b)]


@pytest.mark.parametrize(("size", "expected"), [(1, None), (2, None), (4, [1.1, 0.55])])
def test_o7_o8_one_epoch_of_stochastic_and_mini_batch_descent(size: int, expected: Any) -> None:
    model = line()
    fit(model, (X, Y), squared_error, SGD(model.parameters(), 0.1), epochs=1, batch_size=size)
    assert weights(model) == pytest.approx(by_numpy(size, [0, 1, 2, 3], 0.1), rel=1e-12)
    if expected:
        assert weights(model) == pytest.approx(expected)
    shuffled = line()
    fit(
        shuffled,
        (X, Y),
        squared_error,
        SGD(shuffled.parameters(), 0.1),
        epochs=1,
        batch_size=size,
        rng=random.Random(4),
    )
    order = list(range(4))
    random.Random(4).shuffle(order)
    assert weights(shuffled) == pytest.approx(by_numpy(size, order, 0.1), rel=1e-12)


def test_o7_by_hand() -> None:
    """Sample by sample with η = 0.1: (0,1): b = 0.2; (1,3): w = b' = …, in exact fractions."""
    from fractions import Fraction as F

    w, b = F(0), F(0)
    for (x,), y in zip(X, Y, strict=True):
        gap = w * F(x) + b - F(y)
        w, b = w - F(1, 5) * gap * F(x), b - F(1, 5) * gap
    model = line()
    fit(model, (X, Y), squared_error, SGD(model.parameters(), 0.1), epochs=1, batch_size=1)
    assert weights(model) == pytest.approx([float(w), float(b)], rel=1e-12)


@given(st.integers(0, 1000), st.integers(1, 70))
def test_p11_the_gradient_of_a_batch_is_the_mean_of_those_of_its_samples(seed: int, n: int) -> None:
    rng = random.Random(seed)
    model = MLP(2, [3, 1], tanh, rng=rng)
    data = [[rng.uniform(-1, 1), rng.uniform(-1, 1)] for _ in range(n)], [rng.uniform(-1, 1) for _ in range(n)]
    before = weights(model)
    fit(model, data, squared_error, SGD(model.parameters(), 1e-3), epochs=1)
    moved = [(a - b) / 1e-3 for a, b in zip(before, weights(model), strict=True)]
    for p, x in zip(model.parameters(), before, strict=True):
        p.data = x
    total = [0.0] * len(before)
    for sample, t in zip(*data, strict=True):
        model.zero_grad()
        squared_error(model(sample), t).backward()
        total = [s + p.grad / n for s, p in zip(total, model.parameters(), strict=True)]
    assert moved == pytest.approx(total, rel=1e-6, abs=1e-9)


def test_the_variance_of_a_mini_batch_gradient_falls_as_1_over_n() -> None:
    rng = random.Random(0)
    X, y = [[rng.gauss(0, 1)] for _ in range(400)], [rng.gauss(0, 1) for _ in range(400)]

    def variance(size: int) -> float:
        model = line(0.5)
        slopes: list[float] = []
        for _ in range(20):
            history = fit(
                model,
                (X, y),
                squared_error,
                SGD(model.parameters(), 0.0),
                epochs=1,
                batch_size=size,
                rng=rng,
                record=True,
            )
            slopes += [snapshot.gradients[0] for snapshot in history.snapshots]
        return float(np.var(slopes))

    assert variance(4) / variance(16) == pytest.approx(4, rel=0.35)


def test_the_penalty_counts_once_a_cost() -> None:
    model = line(2.0, 1.0)
    history = fit(model, (X, Y), squared_error, SGD(model.parameters(), 0.0), epochs=1, penalty=lambda ps: l2(ps, 0.1))
    _, cost = evaluate(model, (X, Y), squared_error)
    assert history.cost == [pytest.approx(cost + 0.1 * (4 + 1))]
    assert model.W[0][0].grad == pytest.approx(
        sum(2 * (2 * x + 1 - y) * x for (x,), y in zip(X, Y, strict=True)) / 4 + 0.4
    )


def test_schedule_clip_and_snapshots() -> None:
    model = line()
    history = fit(
        model,
        (X, Y),
        squared_error,
        SGD(model.parameters()),
        epochs=3,
        schedule=linear(0.1, 0.0, 3),
        clip=1.0,
        record=True,
    )
    assert history.learning_rate == pytest.approx([0.1, 0.05, 0.0])
    assert math.hypot(*history.snapshots[0].gradients) == pytest.approx(1.0)
    assert [s.epoch for s in history.snapshots] == [0, 1, 2]
    assert history.snapshots[-1].parameters == weights(model)
    assert [s.cost for s in history.snapshots] == history.steps


def test_validation_and_metrics() -> None:
    rng = random.Random(0)
    model = MLP(2, [6, 1], tanh, rng=rng)
    history = fit(
        model, moons(120, 0.1, rng), binary_cross_entropy_with_logits, Adam(model.parameters(), 0.05), epochs=25,
        batch_size=16, rng=rng, validation=0.25, metrics={"accuracy": lambda o, t: accuracy(o, t, threshold=0.0)},
    )  # fmt: skip
    assert len(history.validation) == len(history.metrics["accuracy"]) == len(history.cost) == 25
    assert len(history.steps) == 25 * math.ceil(90 / 16)
    assert history.validation[-1] < history.validation[0]
    assert history.metrics["accuracy"][-1] > 0.8
    assert repr(history).startswith("<History of 25 epochs: cost ")
    assert "accuracy" in repr(history)


def test_validation_data_is_never_trained_on() -> None:
    model = line()
    history = fit(model, (X, Y), squared_error, SGD(model.parameters(), 0.1), epochs=2, validation=([[1.0]], [100.0]))
    other = line()
    fit(other, (X, Y), squared_error, SGD(other.parameters(), 0.1), epochs=2)
    assert weights(model) == weights(other)
    assert history.validation == [pytest.approx((w - 100) ** 2) for w in (1.65, 1.925)]
    assert history.metrics == {}


# Ways to stop


def test_patience_restores_the_best_weights() -> None:
    model, best = line(), []
    history = fit(
        model, (X, Y), squared_error, SGD(model.parameters(), 0.1), epochs=100, patience=3,
        validation=([[0.0], [1.0]], [0.6, 1.7]), callbacks=[lambda e, m, h: best.append((h.validation[-1], weights(m)))],
    )  # fmt: skip
    lowest = min(best)
    assert history.epochs == best.index(lowest) + 3 + 1 < 100
    assert weights(model) == lowest[1]
    assert history.stopped == f"no better than in epoch {best.index(lowest)}, whose weights are restored"


def test_the_lectures_criterion_and_a_callback_stop() -> None:
    model = line()
    history = fit(model, (X, Y), squared_error, SGD(model.parameters(), 0.1), epochs=500, epsilon=1e-4, k=2)
    assert abs(history.cost[-1] - history.cost[-3]) < 1e-4
    assert all(abs(a - b) >= 1e-4 for a, b in zip(history.cost[2:-1], history.cost, strict=False))
    assert history.stopped == "converged: the cost changed by less than 0.0001 in 2 epochs"
    model = line()
    history = fit(
        model,
        (X, Y),
        squared_error,
        SGD(model.parameters(), 0.1),
        callbacks=[lambda e, m, h: h.cost[-1] < 1.0, lambda *_: 1],
    )
    assert (history.epochs, history.stopped) == (2, "a callback said so")


def test_one_seed_gives_one_run() -> None:
    def run() -> tuple[list[float], list[float]]:
        rng = random.Random(3)
        model = MLP(2, [4, 1], tanh, rng=rng)
        history = fit(
            model, moons(30, 0.1, rng), squared_error, SGD(model.parameters(), 0.1), epochs=3, batch_size=8, rng=rng
        )
        return weights(model), history.steps

    assert run() == run()


# Ways to fail


def test_a_diverging_run_names_epoch_batch_and_parameter_and_leaves_the_last_good_weights() -> None:
    model, good = MLP(1, [2, 1], tanh, rng=random.Random(0)), []
    reason = r"the cost is inf, and the gradient of layer1.W\[0\]\[0\] is nan"
    advice = r"The model keeps its last good parameters. Try a learning rate below 1e\+08, or clip=1.0"
    with pytest.raises(FloatingPointError, match=rf"training diverged in epoch 9, batch 0: {reason}. {advice}"):
        fit(
            model, (X, Y), squared_error, SGD(model.parameters(), 1e8), batch_size=2, record=True,
            callbacks=[lambda e, m, h: good.append(weights(m))],
        )  # fmt: skip
    assert all(map(math.isfinite, weights(model)))
    assert len(good) > 1


def test_an_overflowing_gate_is_divergence_too() -> None:
    class Exponential(Module):
        def __init__(self) -> None:
            self.rate = Value(1.0)

        def forward(self, x: Any) -> Any:
            return autograd.exp(self.rate * x[0])

    model = Exponential()
    with pytest.raises(
        FloatingPointError, match=r"epoch 1, batch 0: exp: math range error .*the largest parameter, rate, is"
    ):
        fit(model, ([[1.0]], [1000.0]), squared_error, SGD(model.parameters(), 10.0))
    assert math.isfinite(model.rate.data)
    assert model.rate.data != 1.0


def test_a_nan_in_the_data_is_named() -> None:
    model = line(1.0, 2.0)
    with pytest.raises(FloatingPointError, match=r"X\[0\]\[0\] of the data must be a finite number, got nan"):
        fit(model, ([[math.nan]], [1.0]), squared_error, SGD(model.parameters(), 0.1))
    assert weights(model) == [1.0, 2.0]


def test_an_interrupt_leaves_whole_steps_and_a_history() -> None:
    class Interrupting(SGD):
        def rule(self, *numbers: Any) -> tuple[Any, ...]:
            if self.steps == 6:
                signal.raise_signal(signal.SIGINT)
            return super().rule(*numbers)

    model, copy = line(), line()
    history = fit(model, (X, Y), squared_error, Interrupting(model.parameters(), 0.1), epochs=50, batch_size=2)
    fit(copy, ([*X, X[0], X[1]][:4], Y), squared_error, SGD(copy.parameters(), 0.1), epochs=2, batch_size=2)
    assert history.stopped == "interrupted in epoch 2"
    assert (history.epochs, len(history.steps)) == (2, 5)
    again = fit(model, (X, Y), squared_error, SGD(model.parameters(), 0.1), epochs=200)
    assert again.cost[-1] == pytest.approx(0.675, rel=1e-4)


@pytest.mark.parametrize("at", range(1, 60, 3))
def test_an_interrupt_at_any_parameter_write_restores_the_step(at: int) -> None:
    """The signal comes while the optimiser writes: no half of a step stays."""
    model = MLP(1, [2, 1], tanh, rng=random.Random(0))
    optimiser = SGD(model.parameters(), 0.01, momentum=0.5)
    states, calls = [weights(model)], 0

    def trace(frame: Any, event: str, arg: Any) -> Any:
        nonlocal calls
        if event == "call" and frame.f_code.co_name == "data" and len(frame.f_locals) == 2:
            calls += 1
            if calls == at:
                sys.settrace(None)
                raise KeyboardInterrupt
        return None

    sys.settrace(trace)
    try:
        history = fit(
            model, (X, Y), squared_error, optimiser, epochs=6, callbacks=[lambda e, m, h: states.append(weights(m))]
        )
    finally:
        sys.settrace(None)
    assert history.stopped.startswith("interrupted") == (calls == at)
    assert weights(model) in states


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda m: fit(m, ([], []), squared_error, SGD(m.parameters())), ValueError, "data must.*got none"),
        (
            lambda m: fit(m, (X, Y), squared_error, SGD(m.parameters()), epochs=-1),
            ValueError,
            "epochs.*at least 0, got -1",
        ),
        (
            lambda m: fit(m, (X, Y), squared_error, SGD(m.parameters()), validation=0.5),
            ValueError,
            "validation, a fraction of the data, needs rng to shuffle",
        ),
        (
            lambda m: fit(m, ([[1.0, 2.0]], [1.0]), squared_error, SGD(m.parameters())),
            ValueError,
            "takes 1 inputs, and x has 2",
        ),
        (lambda m: evaluate(m, (X, Y[:2]), squared_error), ValueError, "X and y must.*got 4 rows of X and 2 entries"),
    ],
)
def test_errors_say_what_came(make: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make(line())


def test_a_progress_bar_on_request_only(capsys: pytest.CaptureFixture[str]) -> None:
    model = line()
    fit(model, (X, Y), squared_error, SGD(model.parameters(), 0.1), epochs=3)
    assert capsys.readouterr().err == ""
    fit(model, (X, Y), squared_error, SGD(model.parameters(), 0.1), epochs=3, progress=True)
    shown = capsys.readouterr().err
    assert "/3 [" in shown
    assert "cost=0.7" in shown


def test_b15_o13_an_mlp_learns_xor() -> None:
    corners = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]
    for activation in (tanh, sigmoid):
        rng = random.Random(1)
        model = MLP(2, [4, 1], activation, rng=rng)
        history = fit(
            model, (corners, [0, 1, 1, 0]), binary_cross_entropy_with_logits, SGD(model.parameters(), 0.5), epochs=3000,
            patience=None, callbacks=[lambda e, m, h: h.cost[-1] < 0.1],
        )  # fmt: skip
        assert history.stopped == "a callback said so"
        assert [z > 0 for z in model.predict(corners)] == [False, True, True, False]
        # the output is linear regression on learnt features, which one line now separates
        features = [[h.data for h in model.layers[0](x)] for x in corners]
        (weights,), (bias,) = model.layers[1].W, model.layers[1].b
        scores = [sum(w.data * h for w, h in zip(weights, row, strict=True)) + bias.data for row in features]
        assert scores == pytest.approx(model.predict(corners), rel=1e-12)


def test_an_empty_history_says_so() -> None:
    assert repr(History()) == "<History of no epoch: not begun>"


def test_scalars_alone_learn_to_read_a_sample_of_digits() -> None:
    from sklearn.datasets import load_digits

    rng = random.Random(0)
    X, y = load_digits(return_X_y=True)
    chosen = rng.sample(range(len(y)), 300)
    train, test = train_test_split(
        ([[v / 16 for v in X[i]] for i in chosen], [int(y[i]) for i in chosen]), 0.25, rng=rng
    )
    model = MLP(64, [16, 10], init=he, rng=rng)
    fit(model, train, cross_entropy_with_logits, Adam(model.parameters(), 0.01), epochs=8, batch_size=16, rng=rng)
    assert accuracy(model.predict(test[0]), test[1]) > 0.8


def test_patience_without_validation_restores_the_weights_of_the_best_cost() -> None:
    model, data = Layer.of([[1.0]]), ([[1.0]], [0.0])
    history = fit(model, data, squared_error, SGD(model.parameters(), 1.5), epochs=20, patience=2)
    assert history.cost == [1.0, 4.0, 16.0]
    assert evaluate(model, data, squared_error)[1] == 1.0


def test_what_was_frozen_after_the_optimiser_was_made_stays() -> None:
    for compiled in (False, True):
        model = Layer.of([[0.5]], [0.0])
        optimiser = SGD(model.parameters(), 0.1, momentum=0.5)
        model.b[0].role = "constant"
        fit(model, (X, Y), squared_error, optimiser, epochs=3, compiled=compiled)
        assert model.b[0].data == 0.0
        assert model.W[0][0].data != 0.5


@pytest.mark.parametrize("compiled", [False, True])
def test_a_negative_clip_is_refused(compiled: bool) -> None:
    with pytest.raises(ValueError, match=r"clip, the maximum norm of the gradient, must.*got -1"):
        fit(line(), (X, Y), squared_error, SGD(line().parameters()), clip=-1, compiled=compiled)
