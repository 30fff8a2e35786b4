"""Guards that a Value shows the numbers that a compiled program trained, whichever way it is read, and is not packed before."""

from __future__ import annotations

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
from autograd.recording import recording
from nn import MLP


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
def test_every_way_to_read_a_value_shows_the_trained_number(way: str, w: Value, program: CompiledProgram) -> None:
    program.flat = [5.0]
    assert w._data == 3.0  # nobody has read it, so nothing was written
    assert WAYS[way](w) == pytest.approx(5.0)
    assert w._data == 5.0 and not recording.deferred and not recording.special


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
    program.sync()
    assert w._data == 8.0


def test_training_packs_no_values_until_they_are_read(w: Value, program: CompiledProgram) -> None:
    for _ in range(50):
        program.flat = program.flat - 0.1 * program.value_and_grad([[1.0]], [[1.0]])[1]
    assert w._data == 3.0
    assert w.data == pytest.approx(1.0, abs=1e-3)


def test_programs_with_other_parameters_do_not_make_each_other_pack(w: Value, program: CompiledProgram) -> None:
    v = Value(1.0)
    other = compile(lambda x, y: v * x[0] * y[0], [v], x=1, y=1)
    program.flat, other.flat = [5.0], [2.0]
    assert program.value_and_grad([[1.0]], [[0.0]])[0] == 25.0 and other.value_and_grad([[1.0]], [[1.0]])[0] == 2.0
    assert (w._data, v._data) == (3.0, 1.0)
    assert (w.data, v._data) == (5.0, 2.0)


def test_a_gate_that_old_numbers_refuse_is_given_the_new_ones(w: Value, program: CompiledProgram) -> None:
    w.data = -1.0
    program.flat = [2.0]
    assert log(w).data == pytest.approx(np.log(2.0))
    program.flat = [-1.0]
    with pytest.raises(ValueError, match=r"log: .*at w = -1\.0"):
        log(w)


def test_a_program_may_be_forgotten_before_its_numbers_are_read() -> None:
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
        autograd.Value(1.0).data  # noqa: B018
        found = {p._data for p in program.parameters}
        assert len(found) <= 2 or not thread.is_alive()  # whole, but for one write that may be on its way
    thread.join()
    assert {p.data for p in model.parameters()} == {1999.0}
    assert not recording.special
