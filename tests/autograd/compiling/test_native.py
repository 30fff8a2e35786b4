"""Guards programs that run natively: statements over blocks of samples give what NumPy gives, in every layout and size.

Left out where the C machine is not built.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import autograd
from autograd import CompiledProgram, Value, compile, dot
from autograd.compiling import forms, machine, vectors
from autograd.compiling.batches import Dtype
from nn import MLP
from tests import fuzz

pytestmark = pytest.mark.skipif(machine.native is None, reason="the C machine is not built")
R = random.Random(0)


def matrix(rows: int, columns: int) -> list[list[Value]]:
    return [[Value(R.uniform(-1, 1)) for _ in range(columns)] for _ in range(rows)]


def layered(W: list[list[Value]]) -> Callable[[list[Any]], Any]:
    return lambda x: autograd.sum([autograd.tanh(dot(row, x[: len(row)])) for row in W])


def attending(W: list[list[Value]]) -> Callable[[list[Any]], Any]:
    """Positions that share a matrix, and products of what differs from sample to sample."""

    def loss(x: list[Any]) -> Any:
        rows = [[dot(row, x[i : i + len(row)]) for row in W] for i in range(0, len(x) - len(W[0]) + 1, 2)]
        scores = [[dot(a, b) for b in rows] for a in rows]
        return autograd.sum([autograd.logsumexp(row) for row in scores])

    return loss


def scattered(W: list[list[Value]]) -> Callable[[list[Any]], Any]:
    """Rows and weights that stand nowhere side by side."""
    order = R.sample(range(12), 12)
    flat = [w for row in W for w in row]
    R.shuffle(flat)

    def loss(x: list[Any]) -> Any:
        shuffled = [x[i] for i in order]
        parts = [dot(flat[k : k + 3], shuffled[k : k + 3]) for k in range(0, min(len(flat), 12) - 2, 3)]
        return autograd.sum([autograd.maximum(p, 0.1) * q for p in parts for q in parts]) + dot(flat, flat) * 0.01

    return loss


FORMS = {"layered": layered, "attending": attending, "scattered": scattered}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("shape", [(1, 12), (12, 1), (3, 4), (8, 8), (9, 11), (17, 5)])
@pytest.mark.parametrize("form", FORMS)
def test_matrices_of_any_shape_and_batches_of_any_size(form: str, shape: tuple[int, int], dtype: Dtype) -> None:
    W = matrix(*shape)
    parameters = [w for row in W for w in row]
    R.shuffle(parameters)  # so that no tensor stands in the flat array as it is
    loss = FORMS[form](W)
    native, numpy = (compile(loss, parameters, executor=e, dtype=dtype, x=12) for e in ("native", "numpy"))
    in_order = compile(loss, [w for row in W for w in row], executor="native", dtype=dtype, x=12)
    rng = np.random.default_rng(0)
    for n in (1, 2, 7, 8, 9, 16, 33, 300):
        X = rng.normal(size=(n, 12)).astype(dtype)
        expected = numpy.value_and_grad(X)
        for given in (X, np.asfortranarray(X), np.repeat(X, 2, axis=0)[::2]):
            found = native.value_and_grad(given)
            assert fuzz.agrees(expected, found, 1e-12 if dtype == "float64" else 1e-4)
        assert in_order.value_and_grad(X)[0] == pytest.approx(found[0], rel=1e-12 if dtype == "float64" else 1e-5)
        assert native.code is not None and native.code.run(native.flat, [X], True) is not None, "not by NumPy instead"


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("generation", range(machine.native.GENERATIONS if machine.native else 0))
def test_every_generation_of_processors_gets_the_same(generation: int, form: str) -> None:
    W = matrix(9, 11)
    loss = FORMS[form](W)
    native, numpy = (compile(loss, [w for row in W for w in row], executor=e, x=24) for e in ("native", "numpy"))
    for n in (1, 20, 100):
        X = np.random.default_rng(n).normal(size=(n, 24))
        assert native.code is not None
        found = native.code.run(native.flat, [X], True, generation)
        assert found is not None
        assert fuzz.agrees(numpy.value_and_grad(X), found[:2], 1e-12)


def classifier(**options: Any) -> CompiledProgram:
    model = MLP(3, [8, 4], rng=random.Random(0))
    return compile(
        lambda x, y: autograd.logsumexp(model(x)) - dot(y, model(x)), model, executor="native", x=3, y=4, **options
    )


def batch(n: int, seed: int = 0) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 3)), np.eye(4)[rng.integers(0, 4, n)]


def test_a_result_is_the_callers_own_and_threads_share_no_memory() -> None:
    program = classifier()
    cases = [batch(n, seed=n) for n in (1, 64, 1, 200, 3000, 7, 64, 40)]
    expected = [program.value_and_grad(*case) for case in cases]
    kept = [gradient.copy() for _, gradient in expected]
    with ThreadPoolExecutor(8) as pool:
        for _ in range(20):
            found = list(pool.map(lambda case: program.value_and_grad(*case), cases))
            assert all(a[0] == b[0] and np.array_equal(a[1], b[1]) for a, b in zip(expected, found, strict=True))
    assert all(np.array_equal(gradient, copy) for (_, gradient), copy in zip(expected, kept, strict=True))


def test_what_is_not_finite_names_the_printed_line_and_leaves_nothing_behind() -> None:
    program = classifier()
    X, Y = batch(20)
    expected = program.value_and_grad(X, Y)
    for wrong in (1e308, np.inf, np.nan):
        worse = X.copy()
        worse[13, 1] = wrong
        with pytest.raises(FloatingPointError, match=r"in line \d+: .* = |x\[13\] holds"):
            program.value_and_grad(worse, Y)
        found = program.value_and_grad(X, Y)
        assert found[0] == expected[0] and np.array_equal(found[1], expected[1])
    worse[13, 1] = np.nan
    assert np.isnan(classifier(check=False).value_and_grad(worse, Y)[0])


def test_outputs_are_rows_also_of_what_depends_on_no_input() -> None:
    w = [Value(2.0), Value(3.0)]
    program = compile(lambda x: [w[0] * x[0], w[1], x[1], w[0] * w[1]], w, gradient=False, executor="native", x=2)
    X = np.arange(40.0).reshape(20, 2)
    expected = np.stack([2 * X[:, 0], np.full(20, 3.0), X[:, 1], np.full(20, 6.0)], 1)
    assert program(X).tolist() == expected.tolist()
    assert program(X[:1]).tolist() == expected[:1].tolist()


def test_large_matrices_and_many_samples_are_left_to_numpy_unless_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forms, "LARGE", 12)
    W = matrix(3, 4)
    chosen, told = (compile(layered(W), [w for row in W for w in row], executor=e, x=12) for e in (None, "native"))
    assert "; batches of more than 32 on NumPy" in chosen.report()
    assert "NumPy" not in told.report()
    X = np.random.default_rng(0).normal(size=(33, 12))
    for n in (32, 33):
        chosen.value_and_grad(X[:n])
        told.value_and_grad(X[:n])
        assert bool(chosen._execution._buffered) is (n > 32)
    assert not told._execution._buffered
    single = compile(layered(W), [w for row in W for w in row], dtype="float32", x=12)
    assert fuzz.agrees(single.value_and_grad(X[:1]), told.value_and_grad(X[:1]), 1e-5)
    assert single._execution._buffered, "in float32 NumPy is faster for a single sample, too"
    assert fuzz.agrees(chosen.value_and_grad(X), told.value_and_grad(X), 1e-12)


def test_the_fuzzer_sees_a_matrix_that_is_not_transposed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vectors, "_transposed", lambda matrix: matrix)
    assert any(fuzz.guarded((), seed) for seed in range(20))
