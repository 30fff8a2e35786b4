"""Guards the program in buffers: the numbers of the printed source, nothing shared between calls, threads or batch sizes."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import autograd
from autograd import CompiledProgram, Value, compile, dot
from autograd.compiling import execution
from autograd.compiling.batches import Dtype
from autograd.compiling.buffers import Buffered
from nn import MLP
from tests import fuzz


def classifier(**options: Any) -> CompiledProgram:
    model = MLP(3, [8, 4], rng=random.Random(0))

    def loss(x: Any, y: Any) -> Any:
        z = model(x)
        return autograd.logsumexp(z) - dot(y, z)

    return compile(loss, model, x=3, y=4, executor="numpy", **options)


def batch(n: int, seed: int = 0) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 3)), np.eye(4)[rng.integers(0, 4, n)]


def test_every_line_writes_into_an_array_that_is_there() -> None:
    text = classifier().in_buffers(*batch(5))
    calls = [line.strip() for line in text.splitlines()[1:-1]]
    assert {line.split("(")[0] for line in calls if line.startswith("xp.")} >= {
        "xp.dot",
        "xp.add",
        "xp.maximum",
        "xp.exp",
    }
    views = [line for line in calls if not line.startswith("xp.")]  # of arguments, made anew in every step
    assert views and all(re.fullmatch(r"\w+ = \w+(\.T|\[\d+:\d+\]\.reshape\(\d+, \d+\))", line) for line in views)
    assert "xp.dot(W1, x, z1)" in calls and ", gW1)" in text


@pytest.mark.parametrize("seed", range(0, 400, 8))
def test_a_program_gives_what_its_source_gives(seed: int) -> None:
    found = fuzz.compiled(seed)
    if found is not None:
        program, X, Y, result = found
        assert "return t" in program.in_buffers(X, Y) and program.in_buffers(X, Y) != str(program)
        printed = program.run_on(np, program.flat, X, Y)
        again = program.value_and_grad(X, Y)
        assert again[0] == result[0] and np.array_equal(again[1], result[1])
        assert fuzz.agrees(printed, result) or fuzz.agrees(fuzz.judge(program, X, Y), result, 1e-9)


def test_a_result_is_the_callers_own() -> None:
    program = classifier()
    first = program.value_and_grad(*batch(5))[1]
    kept = first.copy()
    first[:] = 0.0
    second = program.value_and_grad(*batch(5))[1]
    program.value_and_grad(*batch(5, seed=1))
    assert np.array_equal(second, kept)


def test_parameters_and_batches_of_any_layout_and_size() -> None:
    program = classifier()
    for n in (1, 5, 2, 7, 5, 3, 1, 300):  # more sizes than are kept
        X, Y = batch(n, seed=n)
        expected = program.run_on(np, program.flat, X, Y)
        for given in (
            X,
            np.asfortranarray(X),
            X.tolist(),
            np.repeat(X, 2, axis=0)[::2],
            X.astype(np.float32).astype(float),
        ):
            found = program.value_and_grad(given, Y)
            assert found[0] == pytest.approx(expected[0], rel=1e-6)
        assert program.value_and_grad(X, Y)[1] == pytest.approx(expected[1], rel=1e-12, abs=1e-15)
        program.flat = program.flat - 0.1 * expected[1]
    with pytest.raises(ValueError, match="read-only"):  # in place the Values would not hear of it
        program.flat[0] = 0.5
    mine = 0.5 * program.flat
    program.flat = mine
    mine += 100.0  # the program has its own
    assert program.value_and_grad(X, Y)[0] == pytest.approx(program.run_on(np, program.flat, X, Y)[0], rel=1e-12)
    assert np.abs(program.flat).max() < 50


def test_threads_do_not_share_buffers() -> None:
    program = classifier()
    cases = [batch(64, seed=i) for i in range(8)]
    expected = [program.value_and_grad(*case) for case in cases]
    with ThreadPoolExecutor(8) as pool:
        for _ in range(20):
            for (cost, gradient), found in zip(
                expected, pool.map(lambda case: program.value_and_grad(*case), cases), strict=True
            ):
                assert found[0] == pytest.approx(cost, rel=1e-12)
                assert found[1] == pytest.approx(gradient, rel=1e-10, abs=1e-13)


def test_a_large_batch_keeps_no_buffers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execution, "LARGEST", 100)
    program = classifier()
    X, Y = batch(50)
    assert program.in_buffers(X, Y) == str(program)
    assert program.value_and_grad(X, Y)[0] == pytest.approx(program(X, Y), rel=1e-12)


def test_what_is_not_finite_names_the_printed_line_in_every_call() -> None:
    w = Value(1.0)
    program = compile(lambda x, y: autograd.exp(w * x[0]) * y[0], [w], x=1, y=1, executor="numpy")
    fine, much = ([[1.0], [2.0]], [[1.0], [1.0]]), ([[1.0], [1000.0]], [[1.0], [1.0]])
    for _ in range(3):
        assert np.isfinite(program.value_and_grad(*fine)[0])
        with pytest.raises(FloatingPointError, match=r"overflow encountered in exp in line \d+: .* = .*exp"):
            program.value_and_grad(*much)
    squares = compile(lambda x, y: dot([w, w], [x[0] * x[0], y[0]]), [w], x=1, y=1)
    with pytest.raises(FloatingPointError, match="overflow"):  # within a product, which no call reports by itself
        squares.value_and_grad([[1e200], [1.0]], [[0.0], [0.0]])


def test_float32_stays_float32_in_buffers() -> None:
    program = classifier(dtype="float32")
    X, Y = batch(6)
    assert program.value_and_grad(X, Y)[1].dtype == np.float32
    assert program.value_and_grad(X, Y)[1] == pytest.approx(classifier().value_and_grad(X, Y)[1], rel=1e-3, abs=1e-6)


ALIASED: dict[str, Callable[[list[Any], list[Any]], Any]] = {
    "a cost that is its own gradient": lambda w, x: autograd.exp(w[0]),
    "a cost that is a parameter": lambda w, x: w[0],
    "a cost that is an input": lambda w, x: x[0],
    "gradients that are equal": lambda w, x: w[0] + w[1],
    "gradients that are equal and vary": lambda w, x: (w[0] + w[1]) * x[0] * x[1],
    "gradients that are a parameter": lambda w, x: w[0] * w[1] + w[2],
    "gradients that are means of inputs": lambda w, x: w[0] * x[0] + w[1] * x[1] + w[2] * x[0],
    "gradients that are one another's part": lambda w, x: autograd.exp(w[0]) + autograd.exp(w[0]) * w[1],
    "a row of exponentials": lambda w, x: autograd.sum([autograd.exp(v) for v in w]),
    "exponentials after a product": lambda w, x: autograd.sum([autograd.exp(v) for v in w]) * autograd.exp(w[0]) * x[0],
}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("kind", ALIASED)
def test_nothing_of_one_call_is_left_in_the_next(kind: str, dtype: Dtype) -> None:
    w = [Value(0.5), Value(-1.0), Value(2.0)]

    def loss(x: list[Any]) -> Any:
        return ALIASED[kind](w, x)

    programs = [compile(loss, w, x=2, dtype=dtype, executor=executor) for executor in fuzz.EXECUTORS]
    rng = np.random.default_rng(0)
    kept = []
    for n in (3, 3, 1, 3, 1):
        X = rng.normal(size=(n, 2))
        for v in w:
            v.data = rng.normal()
            v.grad = 0.0
        cost = 0.0
        for x in X.tolist():
            root = loss(list(map(Value, x)))
            root.backward(1 / n)
            cost += root.data / n
        expected = [v.grad for v in w]
        for program in programs:
            found = program.value_and_grad(X)
            assert found[0] == pytest.approx(cost, rel=1e-5)
            assert found[1].tolist() == pytest.approx(expected, rel=1e-5, abs=1e-6)
            assert program(X) == pytest.approx(cost, rel=1e-5)
            kept.append((found[1], found[1].copy()))
            assert not np.shares_memory(found[1], program.flat)
    assert all(
        np.array_equal(given, copy) for given, copy in kept
    )  # a later call does not write into an earlier result


def test_a_mean_of_an_input_or_of_a_gradient_has_buffers() -> None:
    w = Value(0.5)
    for loss in (lambda x: x[0], lambda x: autograd.exp(w), lambda x: w):
        program = compile(loss, [w], x=1, executor="numpy")
        assert program.in_buffers([[1.0], [2.0]]) != str(program)


def test_the_fuzzer_sees_a_view_that_is_kept_from_the_first_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Buffered, "seen", lambda self, base, before, after, view: self.kept(view))
    assert any("numpy" in fuzz.run(seed) for seed in range(20))
