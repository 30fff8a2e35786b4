"""Guards what a run of fit keeps and refuses: the best weights, what callbacks write, interrupts, nan, wrong samples."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

import autograd
import nn
from autograd import Value
from nn import SGD, History, Layer, Module, evaluate, fit, squared_error

BOTH = pytest.mark.parametrize("compiled", [False, True])
DATA = ([1.0, 2.0], [3.0, 5.0])


def line() -> Layer:
    return Layer.of([[0.0]], [0.0])


def numbers(model: Module) -> list[float]:
    return [p.data for p in model.parameters()]


# The best weights

ENDS: dict[str, dict[str, Any]] = {
    "all epochs done": {"patience": 5},
    "a callback said so": {"patience": 5, "callbacks": [lambda epoch, *_: epoch == 2]},
    "converged": {"patience": 5, "epsilon": 2.0},
    "penalised": {"patience": 5, "penalty": lambda ps: nn.l2(ps, 1e-6)},
}


@BOTH
@pytest.mark.parametrize("end", ENDS)
def test_a_last_step_to_worse_weights_is_undone(end: str, compiled: bool) -> None:
    model, best = line(), []
    options = {**ENDS[end], "callbacks": [lambda e, m, h: best.append(numbers(m)), *ENDS[end].get("callbacks", [])]}
    history = fit(
        model, DATA, squared_error, SGD(model, 0.1), epochs=3, compiled=compiled,
        schedule=lambda e: [0.1, 0.1, 50.0][e], **options,
    )  # fmt: skip
    assert history.cost == pytest.approx([17.0, 1.685, 0.169], rel=2e-2)
    assert numbers(model) == best[1]
    assert "whose weights are restored" in history.stopped
    assert evaluate(model, DATA, squared_error)[1] == pytest.approx(history.cost[-1], rel=2e-2)


@BOTH
def test_a_last_step_to_a_loss_beyond_the_floats_is_undone(compiled: bool) -> None:
    model = line()
    history = fit(
        model, DATA, lambda o, t: autograd.exp(squared_error(o, t)), SGD(model, 0.1), epochs=1, patience=1,
        compiled=compiled,
    )  # fmt: skip
    assert numbers(model) == [0.0, 0.0]
    assert "the start of epoch 0 was better" in history.stopped


@BOTH
def test_last_weights_that_are_the_best_stay(compiled: bool) -> None:
    model, twin = line(), line()
    history = fit(model, DATA, squared_error, SGD(model, 0.1), epochs=3, patience=1, batch_size=1, compiled=compiled)
    fit(twin, DATA, squared_error, SGD(twin, 0.1), epochs=history.epochs, batch_size=1, compiled=compiled)
    assert numbers(model) == numbers(twin)


# nan


@BOTH
def test_a_nan_while_measuring_is_named(compiled: bool) -> None:
    def broken(o: Any, t: Any) -> Any:
        return math.nan if isinstance(t, float) and t == 9.0 else squared_error(o, t)

    model = line()
    with pytest.raises(FloatingPointError, match=r"validation loss of epoch 0 is nan: .*sample 1"):
        fit(model, DATA, broken, SGD(model), validation=([1.0, 2.0], [3.0, 9.0]), compiled=compiled)
    with pytest.raises(ValueError, match=r"mean loss is nan: .*sample 0"):
        evaluate(model, ([1.0], [9.0]), broken)


def test_losses_that_cancel_are_named() -> None:
    with pytest.raises(ValueError, match="mean loss is nan"):
        evaluate(line(), DATA, lambda o, t: math.inf if t == 3.0 else -math.inf)


@BOTH
@pytest.mark.parametrize("result", [None, [1.0], "a", math.nan, Value(1.0)])
def test_a_metric_that_returns_no_number_is_named(result: Any, compiled: bool) -> None:
    model = line()
    with pytest.raises((TypeError, ValueError), match="the metric 'mine'"):
        fit(model, DATA, squared_error, SGD(model), metrics={"mine": lambda o, t: result}, compiled=compiled)


# Samples and targets

MASKED = np.ma.array([[1.0], [2.0]], mask=[[False], [True]])
WRONG: dict[str, Any] = {
    "text": [[1.0], ["2"]], "None": [[1.0], [None]], "masked": MASKED, "huge": [[1.0], [10**400]],
    "complex": [[1.0], [1j]], "Decimal": [[1.0], [Decimal(2)]], "Value": [[1.0], [Value(2.0)]],
}  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG)
def test_a_sample_without_numbers_is_refused_either_way(wrong: str) -> None:
    said = []
    for compiled in (False, True):
        model = line()
        with pytest.raises((TypeError, OverflowError), match=r"X\[1\]\[0\] of the data") as caught:
            fit(model, (WRONG[wrong], [1.0, 2.0]), squared_error, SGD(model), compiled=compiled)
        said.append((caught.type, str(caught.value)))
        assert numbers(model) == [0.0, 0.0]
    assert said[0] == said[1]
    with pytest.raises((TypeError, OverflowError), match=r"X\[1\]\[0\] of the data"):
        evaluate(line(), (WRONG[wrong], [1.0, 2.0]), squared_error)


def test_targets_of_a_compiled_loss_are_numbers() -> None:
    model = line()
    scores = {"up": 1.0, "down": 0.0}
    with pytest.raises(TypeError, match=r"y\[0\].*the str 'up'"):
        fit(model, (DATA[0], ["up", "down"]), lambda o, t: squared_error(o, scores[t]), SGD(model), compiled=True)


def test_data_that_contains_itself_is_refused() -> None:
    loop_of_lists: list[Any] = [1.0]
    loop_of_lists.append(loop_of_lists)
    for data in ((loop_of_lists, [1.0, 2.0]), ([1.0, 2.0], loop_of_lists)):
        with pytest.raises(ValueError, match="must not contain"):
            fit(line(), data, squared_error, SGD(line()))
    with pytest.raises(ValueError, match="must not contain"):
        line().predict(loop_of_lists)
    with pytest.raises(ValueError, match="must not contain"):
        line().load_state_dict({"W": loop_of_lists, "b": [0.0]})


@BOTH
def test_a_target_beyond_the_floats_is_no_divergence(compiled: bool) -> None:
    model = line()
    with pytest.raises(OverflowError, match=r"y\[1\] of the data"):
        fit(model, ([1.0, 2.0], [1, 10**400]), squared_error, SGD(model), compiled=compiled)


@BOTH
@pytest.mark.parametrize("penalty", ["a", None, [1.0]])
def test_a_penalty_that_is_no_number_is_named(penalty: Any, compiled: bool) -> None:
    model = line()
    with pytest.raises(TypeError, match="the penalty"):
        fit(model, DATA, squared_error, SGD(model), penalty=lambda ps: penalty, compiled=compiled)


@BOTH
@pytest.mark.parametrize("loss", [lambda o, t: 3.0, lambda o, t: o.data, lambda o, t: None])
def test_a_loss_without_a_graph_is_refused(loss: Any, compiled: bool) -> None:
    model = line()
    with pytest.raises(TypeError, match="loss must return a Value"):
        fit(model, DATA, loss, SGD(model), compiled=compiled)


ELSEWHERE = Layer.of([[1.0]], [0.0])


def recorded_nowhere(o: Any, t: Any) -> Any:
    with autograd.no_grad():
        return squared_error(o, t)


@BOTH
@pytest.mark.parametrize(
    "loss",
    [
        recorded_nowhere,
        lambda o, t: squared_error(o.detach(), t),
        lambda o, t: squared_error(Value(o.data), t),
        lambda o, t: squared_error(ELSEWHERE([3.0]), t),
        lambda o, t: squared_error(autograd.step(o), t),
        lambda o, t: autograd.where(o, 1.0, 0.0),
    ],
)
def test_a_loss_without_a_path_to_a_parameter_is_refused(loss: Any, compiled: bool) -> None:
    model = Layer.of([[1.0]], [1.0])
    with pytest.raises(ValueError, match="loss must depend on a parameter"):
        fit(model, DATA, loss, SGD(model, 0.1, weight_decay=0.1), compiled=compiled)
    assert numbers(model) == [1.0, 1.0]


@BOTH
def test_a_penalty_without_a_path_to_a_parameter_is_refused(compiled: bool) -> None:
    model = Layer.of([[1.0]], [1.0])
    with pytest.raises(ValueError, match="the penalty must depend on a parameter"):
        fit(
            model, DATA, squared_error, SGD(model), penalty=lambda ps: nn.l2([p.detach() for p in ps], 0.1),
            compiled=compiled,
        )  # fmt: skip
    assert numbers(model) == [1.0, 1.0]


@BOTH
@pytest.mark.parametrize("batch_size", [None, 1])
def test_one_sample_whose_loss_has_a_path_is_enough(batch_size: int | None, compiled: bool) -> None:
    def loss(o: Any, t: Any) -> Any:
        return Value(1.0) if isinstance(t, float) and t == 3.0 else squared_error(o, t)

    model = line()
    fit(model, DATA, loss, SGD(model, 0.1), epochs=1, batch_size=batch_size, compiled=compiled)
    assert numbers(model) != [0.0, 0.0]


@BOTH
def test_the_mean_of_an_epochs_costs_is_finite_where_the_costs_are(compiled: bool) -> None:
    model = Layer.of([[1.2e154]], None)
    data = ([1.0, 1.0, 1.0, 1.0], [0.0, 0.0, 0.0, 0.0])
    history = fit(model, data, squared_error, SGD(model, 0.0), epochs=1, batch_size=1, compiled=compiled)
    assert history.cost == pytest.approx([1.44e308])


def test_the_mean_of_a_batchs_losses_is_finite_where_the_losses_are() -> None:
    model = Layer.of([[1.2e154]], None)
    data = ([1.0] * 70, [0.0] * 70)
    history = fit(model, data, squared_error, SGD(model, 1e-3), epochs=1)
    assert history.cost == pytest.approx([1.44e308])
    assert numbers(model) == pytest.approx([1.2e154 * 0.998])


# Callbacks and interrupts


class Stopping(SGD):
    """Is interrupted, or diverges, in its second step."""

    error: type[BaseException] = KeyboardInterrupt

    def rule(self, w: Any, g: Any, *state: Any) -> tuple[Any, ...]:
        if self.steps == 2:
            raise self.error
        return super().rule(w, g, *state)


class Diverging(Stopping):
    error = OverflowError


def write(epoch: int, model: Module, history: History) -> None:
    model.parameters()[0].data = 7.0


@BOTH
@pytest.mark.parametrize("make", [Stopping, Diverging])
def test_what_a_callback_writes_stays(make: Any, compiled: bool) -> None:
    model = line()
    try:
        fit(model, DATA, squared_error, make(model, 0.1), epochs=5, callbacks=[write], compiled=compiled)
    except FloatingPointError:
        assert make is Diverging
    assert numbers(model) == [7.0, 0.8]


@BOTH
def test_what_a_callback_writes_stays_if_the_next_callback_is_interrupted(compiled: bool) -> None:
    def stop(epoch: int, model: Module, history: History) -> None:
        raise KeyboardInterrupt

    model = line()
    history = fit(model, DATA, squared_error, SGD(model, 0.1), callbacks=[write, stop], compiled=compiled)
    assert history.stopped == "interrupted in epoch 0"
    assert numbers(model) == [7.0, 0.8]


@pytest.mark.parametrize("at", [1, 2, 3, 4])
def test_an_interrupt_while_compiling_returns_the_history(at: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The third and fourth program are made anew, after a callback has changed a number that was compiled in."""
    made, compile = 0, autograd.compile

    def interrupted(*arguments: Any, **options: Any) -> Any:
        nonlocal made
        made += 1
        if made == at:
            raise KeyboardInterrupt
        return compile(*arguments, **options)

    def change(epoch: int, model: Module, history: History) -> None:
        model.parameters()[0].data = constant.data = 7.0

    model, constant = line(), Value(1.0, role="constant")
    monkeypatch.setattr(autograd, "compile", interrupted)
    history = fit(
        model, DATA, lambda o, t: squared_error(o, t) * constant, SGD(model, 0.1), epochs=3, callbacks=[change],
        compiled=True,
    )  # fmt: skip
    assert history.stopped == "interrupted in epoch 0"
    assert numbers(model) == ([7.0, 0.8] if at > 2 else [0.0, 0.0])
