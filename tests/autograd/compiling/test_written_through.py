"""Guards that Values take over at once the numbers that a compiled program is assigned, and after every epoch of training."""

from __future__ import annotations

import contextlib
import copy
import gc
import pickle
import random
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd
from autograd import CompiledProgram, Value, compile, draw, exp, explain, grad, log, no_grad
from nn import MLP, SGD, fit, squared_error


@pytest.fixture
def w() -> Value:
    return Value(3.0, "w")


@pytest.fixture
def program(w: Value) -> CompiledProgram:
    return compile(lambda x, y: (w * x[0] - y[0]) ** 2, [w], x=1, y=1)


WAYS: dict[str, Callable[[Value], Any]] = {
    "data": lambda w: w.data,
    "repr": lambda w: float(repr(w).split("data=")[1].split(",")[0]),
    "format": lambda w: float(f"{w:.3f}"),
    "plain format": lambda w: float(f"{w}".split("data=")[1].split(",")[0]),
    "comparison": lambda w: 5.0 if 4.9 < w < 5.1 else 3.0,
    "a gate": lambda w: (w * 1.5).data / 1.5,
    "a gate of many inputs": lambda w: autograd.sum([w, w, 0.5]).data / 2 - 0.25,
    "a gate in a scope": lambda w: _scoped(w),
    "a gate in no_grad": lambda w: _constant(w),
    "two gates": lambda w: log(exp(w * 0.5)).data * 2,
    "a gradient": lambda w: grad(lambda v: v * v)(w).data / 2,
    "detach": lambda w: w.detach().data,
    "copy": lambda w: copy.copy(w)._data,
    "deepcopy": lambda w: copy.deepcopy(w)._data,
    "pickle": lambda w: pickle.loads(pickle.dumps(w))._data,
    "explain": lambda w: 5.0 if "w = 5" in str(explain(w * 2, names=False)) else 3.0,
    "draw": lambda w: 5.0 if "5" in draw(w, names=False).source else 3.0,
    "another program": lambda w: compile(lambda x: w * x[0], [w], gradient=False, x=1)([[1.0]])[0],
}


def _scoped(w: Value) -> float:
    with autograd.scope("here"):
        v = w * 1.0 + 0.0 * w
    assert v.scope == "here"
    return v.data


def _constant(w: Value) -> float:
    with no_grad():
        return (w * 1.0 + 0.0 * w).data


@pytest.mark.parametrize("way", WAYS)
def test_every_way_to_read_a_value_shows_the_assigned_number(way: str, w: Value, program: CompiledProgram) -> None:
    program.flat = [5.0]
    assert WAYS[way](w) == pytest.approx(5.0)


def test_a_graph_recorded_before_is_stale_and_says_so(w: Value, program: CompiledProgram) -> None:
    old = w * w
    program.flat = [5.0]
    with pytest.raises(RuntimeError, match="stale"):
        old.backward()
    assert old.forward() == 25.0
    program.flat = [6.0]
    assert autograd.draw(old).source.count("stale") >= 1


def test_the_last_program_that_trained_a_value_has_the_say(w: Value, program: CompiledProgram) -> None:
    other = compile(lambda x: w + x[0], [w], gradient=False, x=1)
    program.flat = [5.0]
    assert other([[0.0]]).tolist() == [5.0]
    other.flat = [7.0]
    program.flat = [6.0]
    assert w.data == 6.0 and other([[0.0]]).tolist() == [6.0]
    program.flat = [8.0]
    w.data = 9.0  # what is set last counts
    assert (w.data, program.flat.tolist()) == (9.0, [9.0])
    program.flat = program.flat - 1
    assert w.data == 8.0


def test_a_constant_that_changes_is_noticed_after_an_assignment(w: Value) -> None:
    c = Value(1.0, "c", role="constant")
    program = compile(lambda x: w * x[0] + c, [w], x=1)
    c.data = 5.0
    program.flat = [3.0]
    assert program.outdated
    with pytest.raises(RuntimeError, match="c is no parameter"):
        program.value_and_grad([[1.0]])


def test_cost_and_gradient_at_other_numbers_leave_the_values_alone(w: Value, program: CompiledProgram) -> None:
    cost, gradient = program.value_and_grad_at([5.0], [[1.0]], [[2.0]])
    assert (cost, gradient.tolist(), w.data) == (9.0, [6.0], 3.0)
    with pytest.raises(ValueError, match="flat must have shape"):
        program.value_and_grad_at([5.0, 6.0], [[1.0]], [[2.0]])


LAYOUTS: list[Any] = [
    np.arange(3.0),
    np.array([0.0, 9.0, 1.0, 9.0, 2.0, 9.0])[::2],
    np.arange(3, dtype=np.float32),
    [0, 1, 2],
]


@pytest.mark.parametrize("numbers", LAYOUTS)
def test_arrays_of_any_layout_are_assigned(numbers: Any) -> None:
    leaves = [Value(7.0) for _ in range(3)]
    before = leaves[0] * leaves[1]
    compile(lambda: leaves[0] * leaves[1] + leaves[2], leaves).flat = numbers
    assert [leaf.data for leaf in leaves] == [0.0, 1.0, 2.0]
    assert autograd.is_stale(before)


def test_fit_writes_through_after_every_epoch_and_at_every_end() -> None:
    """Before the callbacks, and when it ends, fails or is interrupted: the Values show what the program has trained."""
    for end in (None, KeyboardInterrupt, ArithmeticError):
        model = MLP(1, [2, 1], rng=random.Random(0))
        X, y = [[0.5], [-0.5], [1.0]], [0.1, 0.4, -0.2]
        seen: list[list[float]] = []

        def callback(epoch: int, model: Any, history: Any, end: Any = end, seen: list[list[float]] = seen) -> None:
            seen.append([p.data for p in model.parameters()])
            if epoch == 2 and end is not None:
                raise end

        optimiser = SGD(model.parameters(), 0.1)
        with contextlib.suppress(ArithmeticError):
            fit(model, (X, y), squared_error, optimiser, epochs=4, compiled=True, callbacks=[callback], progress=False)
        now = [p.data for p in model.parameters()]
        assert len({tuple(numbers) for numbers in seen}) == len(seen), "every epoch moves them"
        assert now == seen[-1]


def test_a_gate_is_given_the_assigned_numbers(w: Value, program: CompiledProgram) -> None:
    w.data = -1.0
    program.flat = [2.0]
    assert log(w).data == pytest.approx(np.log(2.0))
    program.flat = [-1.0]
    with pytest.raises(ValueError, match=r"log: .*at w = -1\.0"):
        log(w)


def test_a_program_may_be_forgotten_after_an_assignment() -> None:
    w = Value(1.0)
    compile(lambda x, y: w * x[0] * y[0], [w], x=1, y=1).flat = [4.0]
    gc.collect()
    assert w.data == 4.0


def test_reading_while_another_thread_trains() -> None:
    model = MLP(2, [4, 1], rng=random.Random(0))
    program = compile(lambda x, y: (model(x) - y[0]) ** 2, model, x=2, y=1)
    n, done = len(program.parameters), threading.Event()
    program.flat = np.zeros(n)

    def train() -> None:
        for i in range(2000):
            program.flat = np.full(n, float(i))
        done.set()

    thread = threading.Thread(target=train)
    thread.start()
    while not done.is_set():
        found = {p._data for p in program.parameters}
        assert len(found) <= 2 or not thread.is_alive()  # whole, but for one write that may be on its way
    thread.join()
    assert {p.data for p in model.parameters()} == {1999.0}
