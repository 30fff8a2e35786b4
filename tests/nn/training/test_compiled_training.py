"""Guards fit(compiled=True): the scalar path's history, weights, stops and failures, at array speed."""

from __future__ import annotations

import math
import random
import signal
import sys
import threading
from typing import Any

import pytest

from autograd import Value, tanh
from autograd.compiling import machine
from autograd.compiling.training import Training
from nn import (
    MLP,
    SGD,
    Adam,
    AdamW,
    Layer,
    accuracy,
    binary_cross_entropy_with_logits,
    binary_hinge,
    cross_entropy_with_logits,
    fit,
    l2,
    moons,
    spiral,
    squared_error,
)


def both(make: Any) -> tuple[Any, Any]:
    """Run the same training on scalars and compiled: (history, weights) each."""
    found = []
    for compiled in (False, True):
        model, history = make(compiled)
        found.append((history, [p.data for p in model.parameters()]))
    return found[0], found[1]


@pytest.mark.parametrize(
    "optimiser", [lambda p: SGD(p, 0.1, momentum=0.9), lambda p: Adam(p, 0.02), lambda p: AdamW(p, 0.02)]
)
def test_the_first_twenty_steps_are_the_scalar_ones(optimiser: Any) -> None:
    def run(compiled: bool) -> Any:
        rng = random.Random(0)
        model = MLP(2, [8, 8, 1], tanh, rng=rng)
        history = fit(
            model, moons(40, 0.1, rng), binary_cross_entropy_with_logits, optimiser(model.parameters()), epochs=5,
            batch_size=10, rng=rng, penalty=lambda ps: l2(ps, 1e-3), clip=2.0, validation=0.2, record=True, compiled=compiled,
            metrics={"accuracy": lambda o, t: accuracy(o, t, threshold=0)},
        )  # fmt: skip
        return model, history

    (scalar, weights), (compiled, others) = both(run)
    assert len(scalar.steps) == 20
    assert compiled.steps == pytest.approx(scalar.steps, rel=1e-9)
    assert compiled.cost == pytest.approx(scalar.cost, rel=1e-9)
    assert compiled.validation == pytest.approx(scalar.validation, rel=1e-9)
    assert compiled.metrics == scalar.metrics
    assert others == pytest.approx(weights, rel=1e-9, abs=1e-12)
    for a, b in zip(scalar.snapshots, compiled.snapshots, strict=True):
        assert (a.epoch, b.parameters, b.gradients) == (
            b.epoch, pytest.approx(a.parameters, rel=1e-9, abs=1e-12), pytest.approx(a.gradients, rel=1e-8, abs=1e-11),
        )  # fmt: skip


@pytest.mark.skipif(machine.native is None, reason="the C machine is not built")
@pytest.mark.parametrize("record", [False, True])
def test_an_epoch_needs_no_step_by_itself(record: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Optimiser, clipping and penalty run in the C machine, in one call for an epoch; one for a step if it is recorded."""
    calls = []
    together = Training._together

    def counted(*given: Any) -> Any:
        calls.append(given[-1])
        return together(*given)

    monkeypatch.setattr(Training, "_together", counted)
    monkeypatch.setattr(Training, "_alone", None)
    rng = random.Random(0)
    model = MLP(2, [8, 8, 1], tanh, rng=rng)
    fit(
        model, moons(40, 0.1, rng), binary_cross_entropy_with_logits, Adam(model.parameters(), 0.02), epochs=3, batch_size=7,
        rng=rng, penalty=lambda ps: l2(ps, 1e-3), clip=2.0, record=record, compiled=True,
    )  # fmt: skip
    assert calls == ([1] * 18 if record else [6] * 3)


@pytest.mark.skipif(machine.native is None, reason="the C machine is not built")
def test_a_signal_within_an_epoch_ends_it_after_a_whole_step() -> None:
    def train(epochs: int, n: int) -> Any:
        model, rng = MLP(2, [8, 8, 1], tanh, rng=random.Random(0)), random.Random(1)
        X = [[rng.random(), rng.random()] for _ in range(n)]
        optimiser = SGD(model.parameters(), 1e-4)
        history = fit(
            model, (X, [0.0] * n), squared_error, optimiser, epochs=epochs, batch_size=1, compiled=True,
            callbacks=[lambda e, m, h: signal.setitimer(signal.ITIMER_REAL, 0.02)] if n > 4000 else [],
        )  # fmt: skip
        return history, optimiser.steps, [p.data for p in model.parameters()]

    try:
        before = signal.signal(signal.SIGALRM, signal.default_int_handler)
        history, steps, weights = train(1000, 40_000)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert history.stopped == f"interrupted in epoch {history.epochs}"
    assert history.epochs >= 1
    assert len(history.steps) == steps > 40_000
    assert all(map(math.isfinite, weights))


def test_classes_become_one_hot_rows() -> None:
    def run(compiled: bool) -> Any:
        rng = random.Random(0)
        model = MLP(2, [6, 3], tanh, rng=rng)
        data = spiral(12, 0.1, rng)
        return model, fit(
            model, data, cross_entropy_with_logits, Adam(model.parameters(), 0.05), epochs=4, compiled=compiled
        )

    (scalar, weights), (compiled, others) = both(run)
    assert compiled.steps == pytest.approx(scalar.steps, rel=1e-9)
    assert others == pytest.approx(weights, rel=1e-9, abs=1e-12)


def test_several_outputs_regression_and_frozen_layers() -> None:
    def run(compiled: bool) -> Any:
        model = MLP(2, [3, 2], tanh, rng=random.Random(0))
        model.layers[0].freeze()
        data = [[0.1, 0.2], [0.3, -0.4], [1.0, 0.0]], [[1.0, 0.0], [0.0, 1.0], [0.5, 0.5]]
        return model, fit(model, data, squared_error, SGD(model.parameters(), 0.1), epochs=6, compiled=compiled)

    (scalar, weights), (compiled, others) = both(run)
    assert len(weights) == 8
    assert compiled.steps == pytest.approx(scalar.steps, rel=1e-9)
    assert others == pytest.approx(weights, rel=1e-9)


def test_stops_and_callbacks_see_the_values_as_they_are() -> None:
    model = Layer.of([[0.0]], [0.0])
    seen = []
    history = fit(
        model, ([[0.0], [1.0], [2.0], [3.0]], [1.0, 3.0, 2.0, 5.0]), squared_error, SGD(model.parameters(), 0.1),
        epochs=500, epsilon=1e-6, compiled=True, callbacks=[lambda e, m, h: seen.append(m.parameters()[0].data)],
    )  # fmt: skip
    assert seen[:3] == pytest.approx([1.1, 1.265, 1.2815], rel=1e-12)
    assert history.stopped.startswith("converged")
    assert [model.W[0][0].data, model.b[0].data] == pytest.approx([1.1, 1.1], abs=1e-2)


def test_a_diverging_run_is_named_and_restored() -> None:
    model = Layer.of([[0.0]], [0.0])
    with pytest.raises(
        FloatingPointError, match=r"training diverged in epoch \d+, batch 0: .*Try a learning rate below 1e\+30"
    ):
        fit(model, ([[0.0], [1.0]], [1.0, 3.0]), squared_error, SGD(model.parameters(), 1e30), epochs=50, compiled=True)
    assert all(math.isfinite(p.data) for p in model.parameters())


def test_an_interrupt_leaves_the_last_whole_step() -> None:
    class Interrupted(SGD):
        def step_array(self, data: Any, gradient: Any) -> Any:
            if self.steps == 3:
                raise KeyboardInterrupt
            return super().step_array(data, gradient)

    def train(cls: Any, epochs: int) -> tuple[Any, list[float]]:
        model = Layer.of([[0.0]], [0.0])
        data = [[0.0], [1.0]], [1.0, 3.0]
        history = fit(model, data, squared_error, cls(model.parameters(), 0.1), epochs=epochs, compiled=True)
        return history, [p.data for p in model.parameters()]

    history, weights = train(Interrupted, 10)
    assert (history.stopped, history.epochs) == ("interrupted in epoch 3", 3)
    assert weights == train(SGD, 3)[1]


def test_leaves_that_other_threads_change_do_not_disturb_a_run() -> None:
    """The flat array is ahead of the Values within an epoch: only a change of these Values may make it packed again."""

    def train() -> list[float]:
        rng = random.Random(1)
        model = MLP(2, [4, 1], tanh, rng=rng)
        fit(
            model, moons(24, 0.1, rng), binary_cross_entropy_with_logits, SGD(model.parameters(), 0.1), epochs=20,
            batch_size=4, rng=rng, compiled=True,
        )  # fmt: skip
        return [p.data for p in model.parameters()]

    alone, other, done = train(), Value(0.0), threading.Event()

    def disturb() -> None:
        while not done.is_set():
            other.data = other.data + 1.0

    thread, interval = threading.Thread(target=disturb), sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    thread.start()
    try:
        while other.data <= 100:  # a run may end before the thread has disturbed it much
            assert thread.is_alive()
            assert train() == alone
    finally:
        done.set()
        thread.join()
        sys.setswitchinterval(interval)


def test_a_step_that_fails_leaves_the_optimiser_as_it_was() -> None:
    model = Layer.of([[1.0]])
    optimiser = SGD(model.parameters(), 1e300, momentum=0.9)
    with pytest.raises(FloatingPointError, match="training diverged in epoch 0, batch 0"):
        fit(model, ([[1e9]], [0.0]), squared_error, optimiser, epochs=3, compiled=True)
    assert optimiser.steps == 0
    assert list(optimiser.state[0]) == [0.0]
    assert model.W[0][0].data == 1.0


def test_any_other_error_leaves_the_steps_before_it() -> None:
    class Failing(SGD):
        def rule(self, *numbers: Any) -> tuple[Any, ...]:
            if self.steps == 3:
                raise ValueError("the third step")
            return super().rule(*numbers)

    found = []
    for compiled in (False, True):
        model = Layer.of([[1.0]])
        with pytest.raises(ValueError, match="the third step"):
            fit(
                model,
                ([[1.0]] * 4, [0.0] * 4),
                squared_error,
                Failing(model.parameters(), 0.1),
                batch_size=1,
                compiled=compiled,
            )
        found.append(model.W[0][0].data)
    assert found == pytest.approx([0.64, 0.64])


def test_targets_that_a_loss_refuses_are_refused() -> None:
    for compiled in (False, True):
        model = MLP(2, [1])
        with pytest.raises(ValueError, match=r"write 2\*t - 1"):
            fit(model, ([[1.0, 2.0], [2.0, 1.0]], [1, 0]), binary_hinge, SGD(model.parameters()), compiled=compiled)
