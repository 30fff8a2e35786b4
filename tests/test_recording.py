"""Guards scope and no_grad: what they stamp and spare, nested, in threads, and after exceptions."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

import autograd
from autograd import Value, no_grad, scope
from autograd.recording import recording


def test_scopes_nest_and_end() -> None:
    x = Value(1.0)
    with scope("layer1"):
        a = x * 2
        with scope("neuron2"):
            b = autograd.dot([x], [a])
            leaf = Value(3.0)
    assert (a.scope, b.scope, leaf.scope, (x * 2).scope, x.scope) == (
        "layer1",
        "layer1/neuron2",
        "layer1/neuron2",
        None,
        None,
    )


def test_no_grad_makes_constants() -> None:
    x = Value(2.0)
    with no_grad():
        y, z = x * x, autograd.sum([x, x])
    assert (y.data, y.inputs, y.role, z.data, z.inputs) == (4.0, (), "constant", 4.0, ())
    assert (x * x).inputs == (x, x)


def test_both_are_decorators_too() -> None:
    @no_grad()
    @scope("s")
    def f(x: Value) -> Value:
        return x * 2

    assert f(Value(3.0)).inputs == ()
    assert f(Value(3.0)).data == 6.0


def test_blocks_close_on_exceptions() -> None:
    with pytest.raises(ValueError, match="inside"), no_grad(), scope("s"):
        raise ValueError("inside")
    assert not recording.special
    assert (Value(1.0) * 2).inputs


def test_a_block_in_one_thread_is_not_seen_in_another() -> None:
    entered, done = threading.Event(), threading.Event()

    def other() -> None:
        with no_grad(), scope("other"):
            entered.set()
            done.wait(5)

    thread = threading.Thread(target=other)
    thread.start()
    entered.wait(5)
    y = Value(1.0) * 2
    done.set()
    thread.join()
    assert (len(y.inputs), y.scope) == (2, None)


def test_threads_build_and_differentiate_graphs_at_once() -> None:
    """Separate graphs on shared weights: every thread's numbers are those of a thread alone."""
    weights = [Value(0.1 * i) for i in range(20)]

    def work(seed: int) -> list[float]:
        found = []
        for k in range(30):
            with scope(f"thread{seed}"):
                y = autograd.dot(weights, [float((seed * k + i) % 7) for i in range(20)]).tanh() * seed
            assert y.scope == f"thread{seed}"
            found.append(autograd.adjoints(y)[weights[3]])
        return found

    alone = [work(seed) for seed in range(8)]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(work, range(8)))
    assert together == alone
    assert not recording.special


def test_threads_accumulate_every_pass() -> None:
    x = Value(2.0)

    def work(_: int) -> None:
        for _ in range(200):
            (x * 3).backward()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert x.grad == 8 * 200 * 3
