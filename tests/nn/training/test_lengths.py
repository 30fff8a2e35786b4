"""Guards training on samples of different lengths: compiled, a program for each, it takes the steps of the scalar path."""

from __future__ import annotations

import math
import signal
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

import autograd
from autograd import Value, compile, dot, take
from autograd.compiling import machine, sized
from nn import SGD, Adam, Module, batches, cross_entropy_with_logits, fit, l2, squared_error


class Mean(Module):
    """w · mean tanh(v·x) over the numbers of a sample."""

    def __init__(self) -> None:
        self.v, self.w, self.scale = Value(0.7), Value(-0.4), Value(1.0, role="constant")

    def forward(self, x: Any) -> Any:
        return self.scale * self.w * autograd.sum([autograd.tanh(self.v * a) for a in x]) / len(x)


class Bigram(Module):
    """The scores of the next token after each token."""

    def __init__(self) -> None:
        rng = Random(0)
        self.table = [[Value(rng.gauss(0, 0.5)) for _ in range(4)] for _ in range(4)]

    def forward(self, x: Any) -> Any:
        return [take(self.table, token) for token in x]


def numbers(n: int = 15, longest: int = 4) -> tuple[list[list[float]], list[float]]:
    rng = Random(1)
    X = [[rng.gauss(0, 1) for _ in range(rng.randint(1, longest))] for _ in range(n)]
    return X, [sum(x) / len(x) for x in X]


def texts() -> tuple[list[list[int]], list[list[int]]]:
    rng = Random(2)
    X = [[rng.randrange(4) for _ in range(rng.randint(1, 5))] for _ in range(14)]
    return X, [[*x[1:], 0] for x in X]


def run(model: Module, data: Any, loss: Any, compiled: bool, **options: Any) -> Any:
    return fit(model, data, loss, Adam(model.parameters(), 0.05), compiled=compiled, **options)


def agree(a: Any, b: Any) -> None:
    (scalar, model), (compiled, other) = a, b
    assert compiled.steps == pytest.approx(scalar.steps, rel=1e-9)
    assert compiled.cost == pytest.approx(scalar.cost, rel=1e-9)
    assert compiled.validation == pytest.approx(scalar.validation, rel=1e-9)
    assert compiled.metrics == {name: pytest.approx(found, rel=1e-9) for name, found in scalar.metrics.items()}
    pairs = zip(model.parameters(), other.parameters(), strict=True)
    assert all(q.data == pytest.approx(p.data, rel=1e-9, abs=1e-12) for p, q in pairs)


@pytest.mark.parametrize("size", [1, 4, None])
@pytest.mark.parametrize("record", [False, True])
def test_compiled_steps_are_the_scalar_ones(size: int | None, record: bool) -> None:
    found = []
    for compiled in (False, True):
        model, seen = Mean(), list[int]()
        history = run(
            model, numbers(), squared_error, compiled, epochs=4, batch_size=size, rng=Random(3), clip=0.3, record=record,
            penalty=lambda ps: l2(ps, 1e-2), validation=0.2, metrics={"first": lambda o, t: o[0] + t[0]},
            callbacks=[lambda e, m, h, seen=seen: seen.append(e)],
        )  # fmt: skip
        assert seen == [0, 1, 2, 3]
        found.append((history, model))
    agree(*found)
    for a, b in zip(found[0][0].snapshots, found[1][0].snapshots, strict=True):
        assert b.gradients == pytest.approx(a.gradients, rel=1e-8, abs=1e-11)


@pytest.mark.parametrize("size", [1, 5])
def test_rows_of_scores_against_a_class_for_each(size: int) -> None:
    found = []
    for compiled in (False, True):
        model = Bigram()
        right = {"right": lambda o, t: float(sum(max(range(4), key=z.__getitem__) == c for z, c in zip(o[0], t[0])))}
        history = run(
            model, texts(), cross_entropy_with_logits, compiled, epochs=3, batch_size=size, rng=Random(0), validation=0.3,
            metrics=right,
        )  # fmt: skip
        found.append((history, model))
    agree(*found)


@given(
    lengths=st.lists(st.integers(1, 4), min_size=1, max_size=9),
    size=st.integers(1, 10),
    kind=st.sampled_from([lambda p: SGD(p, 0.1, momentum=0.5), lambda p: Adam(p, 0.03)]),
    clip=st.sampled_from([None, 0.2]),
    seed=st.integers(0, 99),
)
@settings(max_examples=25, deadline=None)
def test_any_lengths_in_any_batches(lengths: list[int], size: int, kind: Any, clip: float | None, seed: int) -> None:
    rng = Random(seed)
    data = [[rng.uniform(-1, 1) for _ in range(n)] for n in lengths], [rng.uniform(-1, 1) for _ in lengths]
    found = []
    for compiled in (False, True):
        model = Mean()
        options: dict[str, Any] = {
            "epochs": 3,
            "batch_size": size,
            "rng": Random(seed),
            "clip": clip,
            "compiled": compiled,
        }
        found.append((fit(model, data, squared_error, kind(model.parameters()), **options), model))
    agree(*found)


def test_the_best_weights_are_restored() -> None:
    found = []
    for compiled in (False, True):
        model = Mean()
        options: dict[str, Any] = {"epochs": 60, "batch_size": 4, "rng": Random(1), "patience": 2, "compiled": compiled}
        found.append((fit(model, numbers(), squared_error, SGD(model.parameters(), 1.5), **options), model))
    agree(*found)
    assert found[0][0].stopped == found[1][0].stopped
    assert "restored" in found[0][0].stopped


def test_more_lengths_than_programs_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sized, "KEPT", 2)
    data = numbers(20, 7)
    found = [(run(model, data, squared_error, compiled, epochs=2), model) for compiled, model in
             ((False, Mean()), (True, Mean()))]  # fmt: skip
    agree(*found)


def test_a_constant_that_a_callback_changes_is_compiled_in_again() -> None:
    found = []
    for compiled in (False, True):
        model = Mean()

        def halve(epoch: int, model: Any, history: Any) -> None:
            model.scale.data /= 2

        found.append((run(model, numbers(), squared_error, compiled, epochs=3, callbacks=[halve]), model))
    agree(*found)


def test_a_step_that_fails_is_named_and_the_model_keeps_the_last_whole_one() -> None:
    for size in (1, 3, None):
        model = Mean()
        with pytest.raises(FloatingPointError, match=r"training diverged in epoch \d, batch \d"):
            fit(
                model, ([[1.0], [1.0, 2.0], [3.0]], [1e300, 2.0, 3.0]), squared_error, SGD(model.parameters(), 0.1),
                epochs=2, batch_size=size, compiled=True,
            )  # fmt: skip
        assert [p.data for p in model.parameters()] == [0.7, -0.4]


def test_an_interrupt_ends_after_a_whole_step() -> None:
    def train(epochs: int, seconds: float) -> Any:
        model = Mean()
        optimiser = SGD(model.parameters(), 1e-5)
        start = [lambda e, m, h: signal.setitimer(signal.ITIMER_REAL, seconds)] if seconds else []
        history = fit(
            model, numbers(2000), squared_error, optimiser, epochs=epochs, batch_size=1, compiled=True, callbacks=start
        )
        return history, optimiser

    try:
        before = signal.signal(signal.SIGALRM, signal.default_int_handler)
        history, optimiser = train(1000, 0.02)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert history.stopped == f"interrupted in epoch {history.epochs}"
    assert 2000 <= len(history.steps) <= optimiser.steps <= len(history.steps) + 1
    assert all(math.isfinite(p.data) for p in optimiser.parameters)


@pytest.mark.skipif(machine.native is None, reason="the C machine is not built")
def test_a_batch_of_one_length_is_a_step_in_the_compiled_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autograd.compiling.training.Training._alone", None)
    run(Mean(), numbers(), squared_error, True, epochs=2, batch_size=1)


@pytest.mark.parametrize("how", [{}, {"executor": "numpy"}, {"dtype": "float32"}])
@pytest.mark.parametrize("size", [None, 1, 4])
def test_programs_train_on_samples_of_any_sizes(how: dict[str, Any], size: int | None) -> None:
    X, y = numbers()
    trained = []
    for options in ({"executor": "numpy"}, how):
        model = Mean()
        programs = compile(lambda x, y, model=model: squared_error(model(x), y[0]), model, **options)
        optimiser = Adam(model.parameters(), 0.05)
        costs = programs.train(X, y, optimiser, 12, batch_size=size, rng=Random(0), clip=0.5)
        trained.append([*costs, *programs.flat])
        assert programs.flat.tolist() == pytest.approx([p.data for p in model.parameters()], rel=1e-6)
    assert trained[1] == pytest.approx(trained[0], rel=1e-4 if "dtype" in how else 1e-9)


def test_what_programs_do_not_train_on() -> None:
    w = Value(1.0)
    programs = compile(lambda x, y: (w * dot(x, x) - y[0]) ** 2, [w])
    with pytest.raises(ValueError, match="y has 1 rows, and x has 2"):
        programs.train([[1.0], [1.0, 2.0]], [1.0], SGD([w], 0.1), 1)
    with pytest.raises(ValueError, match="x must be a batch of rows with at least one number"):
        programs.train([[1.0], []], [1.0, 2.0], SGD([w], 0.1), 1)
    with pytest.raises(TypeError, match="a batch for each of x, y"):
        programs.train([[1.0]], optimiser=SGD([w], 0.1), steps=1)
    with pytest.raises(ValueError, match="optimiser must move the 1 parameters"):
        programs.train([[1.0]], [1.0], SGD([Value(1.0)], 0.1), 1)
    with pytest.raises(TypeError, match="optimiser must be an Optimiser"):
        programs.train([[1.0]], [1.0], 5, 1)
    with pytest.raises(ValueError, match="steps"):
        programs.train([[1.0]], [1.0], SGD([w], 0.1), -1)


@pytest.mark.parametrize("seed", [None, 0])
def test_batches_of_one_length(seed: int | None) -> None:
    X, y = texts()
    rng = None if seed is None else Random(seed)
    found = list(batches((X, y), 3, rng, by_length=True))
    assert all(len({*map(len, xs)}) == 1 for xs, _ in found)
    assert sorted((x, t) for xs, ts in found for x, t in zip(xs, ts, strict=True)) == sorted(zip(X, y, strict=True))
    lengths = [len(x) for x in X]
    assert len(found) == sum(math.ceil(lengths.count(n) / 3) for n in set(lengths))
    runs = [len(xs[0]) for xs, _ in found]
    assert (sorted(runs, key=runs.index) == runs) is (seed is None)  # shuffled, the lengths alternate
    with pytest.raises(TypeError, match="by_length must be True or False"):
        list(batches((X, y), by_length=3))  # type: ignore[arg-type]
