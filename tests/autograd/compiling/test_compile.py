"""Guards compile: what becomes a matrix product, that the numbers are the engine's, and every refusal.

Where a shape is fully vectorised, the number of its matrix products and the shapes of its tensors are asserted, so that
vectorisation that gets lost is a failing test.
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np
import pytest

import autograd
from autograd import CompiledProgram, Value, compile, dot, gate, relu, sigmoid, tanh
from autograd.compiling.forms import Executor
from autograd.compiling.lowering import lower
from autograd.compiling.references import References
from nn import MLP, Layer, cross_entropy_with_logits, l2
from tests import fuzz

R = random.Random(1)
WRONG: Any = "int8"


def matrix(rows: int, columns: int) -> list[list[Value]]:
    return [[Value(R.uniform(-1, 1)) for _ in range(columns)] for _ in range(rows)]


def vector(n: int) -> list[Value]:
    return [Value(R.uniform(-1, 1)) for _ in range(n)]


def flat(*tensors: Any) -> list[Value]:
    return [v for t in tensors for row in t for v in (row if isinstance(row, list) else [row])]


def dense(W: Any, b: Any, x: Any) -> list[Any]:
    return [dot(row, x, c) for row, c in zip(W, b, strict=True)]


def squared(outputs: Any, y: Any) -> Any:
    return sum((o - t) ** 2 for o, t in zip(outputs, y, strict=True))


def checked(
    loss: Callable[..., Any], parameters: Any, samples: int = 6, executor: Executor | None = None, **sizes: int
) -> CompiledProgram:
    """Compile a loss, compare its cost and gradient with the engine's on random samples, and return the program."""
    program: CompiledProgram = compile(loss, parameters, executor=executor, **sizes)  # type: ignore[call-overload]
    rng = np.random.default_rng(0)
    batches = [rng.normal(size=(samples, n)) for n in sizes.values()]
    found = program.value_and_grad(*batches)
    for p in program.parameters:
        p.grad = 0.0
    cost = 0.0
    for rows in zip(*(b.tolist() for b in batches), strict=True):
        root = loss(*(list(map(Value, row)) for row in rows))
        root.backward(1 / samples)
        cost += root.data / samples
    assert fuzz.agrees((cost, np.array([p.grad for p in program.parameters])), found)
    assert program(*batches) == pytest.approx(cost, rel=1e-10)
    return program


def shapes(program: CompiledProgram) -> list[tuple[int, ...]]:
    return [leaf.shape for leaf in program.source.leaves]


# The page of the lecture


def test_the_program_of_an_mlp_is_the_page_of_the_lecture() -> None:
    model = MLP(2, [16, 16, 1], rng=random.Random(0))
    program = checked(lambda x, y: (1 - y[0] * model(x)).relu(), model, x=2, y=1)
    assert (
        str(program)
        == """\
def loss_and_grad(xp, theta, W1, b1, W2, b2, W3, b3, x, y):
    B = x.shape[1]
    seed = xp.full_like(x[:1], 1 / B)
    z1 = W1 @ x + b1
    a1 = xp.maximum(0.0, z1)
    z2 = W2 @ a1 + b2
    a2 = xp.maximum(0.0, z2)
    a3 = 1.0 - (y * (W3 @ a2 + b3))
    a4 = xp.maximum(0.0, a3)
    d1 = y * (-(seed * (a3 > 0.0)))
    dW3 = d1 @ a2.T
    db3 = d1.sum(1, keepdims=True)
    d2 = (z2 > 0.0) * (W3.T @ d1)
    dW2 = d2 @ a1.T
    db2 = d2.sum(1, keepdims=True)
    d3 = (z1 > 0.0) * (W2.T @ d2)
    dW1 = d3 @ x.T
    db1 = d3.sum(1, keepdims=True)
    return a4.mean(), dW1, db1, dW2, db2, dW3, db3"""
    )
    assert shapes(program) == [(16, 2), (16,), (16, 16), (16,), (1, 16), (1,)]


def test_softmax_cross_entropy_comes_out_as_p_minus_y() -> None:
    model = MLP(6, [5, 3], sigmoid, rng=random.Random(0))
    program = checked(lambda x, y: autograd.logsumexp(z := model(x)) - dot(y, z), model, x=6, y=3)
    assert "    a4 = xp.exp(z2 - a3)\n    a5 = k1 @ a4\n" in str(program)
    assert "    d1 = (1 / B) * (a4 / a5 - y)\n    dW2 = d1 @ a2.T\n" in str(program)
    loss = compile(lambda x, y: cross_entropy_with_logits(model(x), y), model, x=6, y=3)
    X, Y = np.random.default_rng(0).normal(size=(4, 6)), np.eye(3)[[0, 2, 1, 1]]
    assert fuzz.agrees(program.value_and_grad(X, Y), loss.value_and_grad(X, Y))


# Shapes that are fully vectorised: products counted, shapes asserted

W, b, U, c, Q = matrix(4, 3), vector(4), matrix(2, 4), vector(2), matrix(4, 4)


def written_out(W: Any, b: Any, x: Any) -> list[Any]:
    rows = []
    for row, shift in zip(W, b, strict=True):
        total = shift
        for w, v in zip(row, x, strict=True):
            total = total + v * w
        rows.append(total)
    return rows


def reversed_out(W: Any, b: Any, x: Any) -> list[Any]:
    rows = []
    for row, shift in zip(W, b, strict=True):
        total: Any = 0.0
        for w, v in reversed(list(zip(row, x, strict=True))):
            total = total - (-w) * v
        rows.append(total + shift)
    return rows


@pytest.mark.parametrize("affine", [dense, written_out, reversed_out])
def test_dense_layers_in_every_spelling(affine: Any) -> None:
    program = checked(
        lambda x, y: squared(affine(U, c, [tanh(h) for h in affine(W, b, x)]), y), flat(W, b, U, c), x=3, y=2
    )
    assert shapes(program) == [(4, 3), (4,), (2, 4), (2,)]
    assert (program.source.products, program.source.gathers) == (5, 0)


def test_tied_and_transposed_weights_share_one_tensor() -> None:
    turned = [list(column) for column in zip(*W, strict=True)]
    program = checked(
        lambda x, y: squared(dense(turned, [0.0] * 3, [tanh(h) for h in dense(W, b, x)]), y), flat(W, b), x=3, y=3
    )
    assert shapes(program) == [(4, 3), (4,)]
    assert "W1.T @ " in str(program)


def test_a_shared_layer_is_one_product_over_its_uses() -> None:
    def loss(x: Any, y: Any) -> Any:
        hidden = [tanh(h) for i in range(3) for h in dense(W, b, x[3 * i : 3 * i + 3])]
        return (autograd.sum(hidden) - y[0]) ** 2

    program = checked(loss, flat(W, b), x=9, y=1)
    assert shapes(program) == [(4, 3), (4,)]
    assert str(program).count("W1 @ ") == 1


def test_convolution_is_one_product_over_its_positions() -> None:
    K, kb, D, db = matrix(2, 9), vector(2), matrix(3, 32), vector(3)

    def loss(x: Any, y: Any) -> Any:
        places = [[(i + p) * 6 + j + q for p in range(3) for q in range(3)] for i in range(4) for j in range(4)]
        features = [dot(k, [x[i] for i in place], s).relu() for k, s in zip(K, kb, strict=True) for place in places]
        z = dense(D, db, features)
        return autograd.logsumexp(z) - dot(y, z)

    program = checked(loss, flat(K, kb, D, db), x=36, y=3)
    assert shapes(program) == [(2, 9), (2,), (3, 32), (3,)]
    assert str(program).count("W1 @ ") == 1


def test_a_minibatch_written_as_one_graph_is_its_matrix() -> None:
    def loss(x: Any, y: Any) -> Any:
        return (
            sum(
                squared(dense(U, c, [tanh(h) for h in dense(W, b, x[3 * i : 3 * i + 3])]), [y[i]] * 2) for i in range(4)
            )
            / 4
        )

    program = checked(loss, flat(W, b, U, c), x=12, y=4)
    assert shapes(program)[:2] == [(4, 3), (4,)]
    assert str(program).count("W1 @ ") == 1


def test_skip_concat_recurrence_attention_normalisation_and_max() -> None:
    skip = checked(
        lambda x, y: squared([v + tanh(z) for v, z in zip(x, dense(Q, b, x), strict=True)], y), flat(Q, b), x=4, y=4
    )
    assert (shapes(skip), skip.source.products, skip.source.gathers) == ([(4, 4), (4,)], 3, 0)
    joined = checked(
        lambda x, y: squared(dense(U, c, [*(tanh(h) for h in dense(W, b, x)[:2]), *(sigmoid(h) for h in dense(W, b, x)[2:])]), y),
        flat(W, b, U, c), x=3, y=2,
    )  # fmt: skip
    assert shapes(joined)[:3] == [(4, 3), (4,), (2, 4)]
    assert joined.source.gathers == 0

    def recurrent(x: Any, y: Any) -> Any:
        h: list[Any] = [0.0] * 4
        for v in x:
            h = [tanh(z + row[0] * v) for z, row in zip(dense(Q, b, h), W, strict=True)]
        return squared(h, y * 4)

    unrolled = checked(recurrent, flat(Q, b, [row[:1] for row in W]), x=3, y=1)
    assert shapes(unrolled) == [(4, 5), (4,)]  # the weights of input and state side by side
    assert len(re.findall("W1(?:\\[[^]]*\\])? @ ", str(unrolled))) == 3
    heads = [matrix(3, 2) for _ in range(3)]

    def attention(x: Any, y: Any) -> Any:
        tokens = [x[0:2], x[2:4], x[4:6], x[6:8]]
        q, k, v = ([[dot(row, t) for row in M] for t in tokens] for M in heads)
        out = []
        for query in q:
            scores = [dot(query, key) for key in k]
            total = autograd.logsumexp(scores)
            weights = [autograd.exp(s - total) for s in scores]
            out += [dot(weights, [row[j] for row in v]) for j in range(3)]
        return squared(out, y)

    attending = checked(attention, flat(*heads), x=8, y=12)
    assert len(attending.source.lines) < 60

    gains = vector(4)

    def causal(x: Any, y: Any) -> Any:
        """Position t attends to t + 1 of them, so each comes to its layer by another way."""
        tokens, out = [x[2 * t : 2 * t + 2] for t in range(len(x) // 2)], []
        q, k, v = ([[dot(row, t) for row in M] for t in tokens] for M in heads)
        for t, query in enumerate(q):
            scores = [dot(query, key) for key in k[: t + 1]]
            total = autograd.logsumexp(scores)
            weights = [autograd.exp(s - total) for s in scores]
            attended = [dot(weights, [row[j] for row in v[: t + 1]]) for j in range(3)]
            out += [tanh(z) for z in dense(V, c, attended)]
        return squared(out, y)

    V = matrix(2, 3)
    programs = [checked(causal, flat(*heads, V, c), x=2 * n, y=2 * n) for n in (4, 7)]
    for program in programs:  # the matrices of all positions at once, both ways, whatever their number
        assert len(re.findall(r"W\d(?:\[[^]]*\])?(?:\.T)? @ ", str(program))) == 3

    def normalised(x: Any, y: Any) -> Any:
        h = dense(Q, b, x)
        mean = autograd.sum(h) / 4
        scale = (autograd.sum([(v - mean) ** 2 for v in h]) / 4 + 1e-5) ** -0.5
        return squared([g * (v - mean) * scale for g, v in zip(gains, h, strict=True)], y)

    assert checked(normalised, flat(Q, b, gains), x=4, y=4).source.gathers <= 2
    biggest = checked(lambda x, y: (autograd.max(dense(Q, b, x)) - y[0]) ** 2, flat(Q, b), x=4, y=1)
    assert "xp.max(" in str(biggest)


def test_penalties_frozen_and_unused_parameters() -> None:
    model = MLP(2, [3, 1], tanh, rng=random.Random(0))
    program = checked(lambda x, y: (model(x) - y[0]) ** 2 + l2(model.parameters(), 0.01), model, x=2, y=1)
    assert shapes(program) == [(3, 2), (3,), (1, 3), (1,)]
    model.layers[0].freeze()
    assert len(compile(lambda x, y: (model(x) - y[0]) ** 2, model, x=2, y=1).parameters) == 4
    checked(lambda x, y: (model(x) - y[0]) ** 2, model, x=2, y=1)
    unused, w = Value(3.0), Value(2.0)
    program = checked(lambda x, y: (w * x[0] - y[0]) ** 2, [unused, w], x=1, y=1)
    assert program.value_and_grad([[1.0]], [[1.0]])[1].tolist() == [0.0, 2.0]


def test_a_gate_that_is_recorded_many_times_has_one_adjoint() -> None:
    """A recursion of depth 10 records 3,069 gates, of which 30 differ: the gradient takes a few operations for each."""
    leaves = [Value(0.5 + i / 20) for i in range(20)]

    def recursion(depth: int) -> Any:
        if depth == 10:
            return leaves[0]
        return leaves[depth] * recursion(depth + 1) + recursion(depth + 1) * leaves[10 + depth]

    root = recursion(0)
    assert len(lower([root], {}, leaves, gradient=True).program.ops) < 200
    root.backward()
    cost, gradient = compile(root, leaves).value_and_grad()
    assert cost == pytest.approx(root.data, rel=1e-12)
    assert gradient.tolist() == pytest.approx([leaf.grad for leaf in leaves], rel=1e-12)


def test_parameters_may_be_nested() -> None:
    W, b = [[Value(1.0), Value(2.0)], [Value(3.0), Value(4.0)]], Value(5.0)

    def loss(x: Any) -> Any:
        return sum(w * a for row in W for w, a in zip(row, x, strict=True)) + b

    assert compile(loss, {"W": W, "b": b}, x=2).value_and_grad([[10.0, 100.0]])[1].tolist() == [
        10.0,
        100.0,
        10.0,
        100.0,
        1.0,
    ]


def test_a_parameter_may_be_the_loss_itself() -> None:
    w, v = Value(3.0), Value(-1.0)
    assert compile(lambda x: w, [w, v], x=1).value_and_grad([[0.0], [1.0]])[1].tolist() == [1.0, 0.0]
    cost, gradient = compile(lambda x: w * v + 2, [w, v], x=1).value_and_grad([[0.0], [1.0]])
    assert (cost, gradient.tolist()) == (-1.0, [-1.0, 3.0])


# All gates


@pytest.mark.parametrize("name", autograd.GATES)
def test_every_gate_of_the_table(name: str) -> None:
    gate = autograd.GATES[name]
    n = 3 if gate.variadic else len(gate.names)
    domains = [domain[-1] for domain in gate.domain] * (n if gate.variadic else 1)
    w = [Value(0.4 + 0.3 * i) for i in range(n)]

    def loss(x: Any) -> Any:
        inputs = [
            low + (high - low) * sigmoid(x[i] + p) for i, (p, (low, high)) in enumerate(zip(w, domains, strict=True))
        ]
        return tanh(gate(inputs[: n - 1], inputs[: n - 1], inputs[-1]) if name == "dot" else gate(*inputs)) * w[0]

    checked(loss, w, x=n)


def test_a_gate_that_was_just_added() -> None:
    cube = autograd.gate("cube_for_a_test", "x³", lambda xp, x: x * x * x, lambda xp, out, x: 3 * x * x)
    try:
        checked(lambda x, y: squared([cube(z) for z in dense(W, b, x)], y), flat(W, b), x=3, y=4)
    finally:
        del autograd.GATES["cube_for_a_test"]


@pytest.mark.parametrize("executor", fuzz.EXECUTORS)
@pytest.mark.parametrize(("rows", "columns"), [(1, 2), (1, 16), (3, 4), (4, 1), (2, 2)])
def test_gradients_that_are_a_matrix_product_and_constants(rows: int, columns: int, executor: Executor) -> None:
    """Constants that differ from parameter to parameter, beside and before gradients that are a matrix."""
    W = matrix(rows, columns)
    p, c = flat(W), [1.0 + i for i in range(rows * columns)]

    def output(x: Any) -> Any:
        return autograd.sum([tanh(dot(row, x)) ** 2 for row in W])

    for loss in (
        lambda x: output(x) + dot(p, c),
        lambda x: output(x) + dot(p[::-1], c),
        lambda x: output(x) + autograd.sum([a * w * w for a, w in zip(c, p, strict=True)]),
        lambda x: output(x) + autograd.sum([tanh(a * w) for a, w in zip(c, p, strict=True)]),
        lambda x: dot(p, c) * output(x),
    ):
        checked(loss, p, x=columns, executor=executor)
        checked(loss, p[::-1], x=columns, executor=executor)


@pytest.mark.parametrize("executor", fuzz.EXECUTORS)
def test_penalties_with_a_coefficient_for_each_parameter(executor: Executor) -> None:
    q = vector(2)
    checked(lambda x: dot(q[::-1], x) + dot(q, [5.0, 7.0]), q, x=2, executor=executor)
    model = MLP(4, [8, 1])
    p = model.parameters()
    checked(lambda x: model(x) ** 2 + dot(p, [0.01 * i for i in range(len(p))]), model, x=4, executor=executor)


@pytest.mark.parametrize("executor", fuzz.EXECUTORS)
def test_derivatives_of_logsumexp_in_float32(executor: Executor) -> None:
    x = [[1.0, 2.0], [-3.0, 0.5]]
    gradient, rows = autograd.grad(autograd.logsumexp), autograd.hessian(autograd.logsumexp)
    functions: tuple[Callable[..., Any], ...] = (gradient, lambda x: rows(x)[1])
    for function in functions:
        program = compile(function, gradient=False, dtype="float32", executor=executor, x=2)
        assert program(x).tolist() == [pytest.approx(function(row), rel=1e-6) for row in x]
        assert "e+308" not in str(program)


@pytest.mark.parametrize("executor", fuzz.EXECUTORS)
def test_constants_beyond_float32(executor: Executor) -> None:
    for function in (
        lambda x: [autograd.maximum(x[0], -1e40), autograd.minimum(x[1], 1e41)],
        lambda x: [autograd.maximum(v, -c) for v, c in zip(x, (1e40, 1e41), strict=True)],
        lambda x: [autograd.where(v, v, 1e40) for v in x],
    ):
        program = compile(function, gradient=False, dtype="float32", executor=executor, x=2)
        assert program([[1.0, 2.0]]).tolist() == [[1.0, 2.0]]
        assert program.run_on(np, program.flat, np.ones((1, 2), "float32")).tolist() == [[1.0, 1.0]]


def test_a_division_by_zero_in_a_derivative_names_the_gate() -> None:
    with pytest.raises(ZeroDivisionError, match="div"):
        compile(lambda x: autograd.grad(lambda z: z / 0.0)(x[0]), x=1, gradient=False)


# The fuzzer


@pytest.mark.parametrize("start", range(0, 200, 20))
def test_random_programs(start: int) -> None:
    assert [found for seed in range(start, start + 20) if (found := fuzz.run(seed))] == []


def test_the_fuzzer_sees_constants_in_another_shape_than_their_matrix(monkeypatch: pytest.MonkeyPatch) -> None:
    real = References.numbers
    monkeypatch.setattr(References, "numbers", lambda self, numbers, shape: real(self, numbers, None))
    assert any(fuzz.guarded((), seed) for seed in range(100))


def test_the_fuzzer_sees_a_planted_bug(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test of the test above: with products that lose a sign, cases must fail."""
    from autograd.compiling import sums

    monkeypatch.setattr(sums._Gathering, "one_varies", lambda self, args: True)
    real = sums._Gathering.terms
    monkeypatch.setattr(sums._Gathering, "terms", lambda self, i: [(abs(c), *rest) for c, *rest in real(self, i)])
    failures = 0
    for seed in range(20):
        try:
            failures += bool(fuzz.run(seed))
        except Exception:
            failures += 1
    assert failures > 5


# Numbers


def number(x: float) -> Value:
    return Value(x, role="constant")


SUMS: dict[str, Callable[[Any], Any]] = {
    "one gate after the other": lambda x: number(1e16) - 1 + 2 + x,
    "in a sum": lambda x: autograd.sum([1e16, -1.0, 2.0, x]),
    "in a sum of Values": lambda x: autograd.sum([number(0.1), number(0.2), number(0.3), number(-0.6), x]),
    "in a sum, seen before": lambda x: (2.0 * x) * (-1.0 * x) + autograd.sum([1e16, -1.0, 2.0, -1e16]),
    "in a dot": lambda x: autograd.dot([number(1e16), number(1.0), number(-1e16)], [1.0, 1.0, 1.0]) + x,
    "beside a product": lambda x: number(1e16) - 1 + 2 + 1e-300 * x,
}
SCALES: dict[str, Callable[[Any], Any]] = {
    "up": lambda x: x * 1e-300 * 1e200 * 1e200,
    "down, then up": lambda x: (x * 1e-200) * (1e200 * (x * 1e-200)) * 1e200,
    "in a sum": lambda x: (x * 1e-300) * 1e200 * 1e200 + 1.0,
    "outside a sum": lambda x: ((x * 1e-300) * 1e200 + 1e-100) * 1e200,
    "within a product": lambda x: 1e200 * ((1e200 * x) * (x * 1e-300)),
    "a small divisor": lambda x: x * 1e-310 / 2e-310,
    "a large divisor": lambda x: x * 1e300 / 1.7e308,
}


@pytest.mark.parametrize("executor", fuzz.EXECUTORS)
@pytest.mark.parametrize("form", SUMS)
def test_numbers_are_added_up_in_the_order_in_which_they_are_written(form: str, executor: Any) -> None:
    for x in (0.0, 0.25):
        program = compile(lambda x: SUMS[form](x[0]), gradient=False, x=1, executor=executor)
        assert program([[x]])[0] == SUMS[form](Value(x)).data


@pytest.mark.parametrize("executor", fuzz.EXECUTORS)
@pytest.mark.parametrize("form", SCALES)
def test_numbers_are_multiplied_only_where_that_is_no_overflow(form: str, executor: Any) -> None:
    for x in (1.0, 1e-3):
        program = compile(lambda x: SCALES[form](x[0]), gradient=False, x=1, executor=executor)
        assert program([[x]])[0] == pytest.approx(SCALES[form](Value(x)).data, rel=1e-14, abs=0.0)


def test_numbers_after_an_input_are_one_number() -> None:
    """They are added up before the input is, which the eager engine does not do."""
    program = compile(lambda x: x[0] + 1e16 - 1 + 2, gradient=False, x=1, executor="numpy")
    assert "a1 = x + 1.0000000000000002e+16\n" in str(program)  # (1e16 − 1) + 2
    assert "a1 = x + 10.0\n" in str(
        compile(lambda x: x[0] + 1.0 + 2.0 + 3.0 + 4.0, gradient=False, x=1, executor="numpy")
    )


def cross_entropy(z: list[Any], y: list[Any]) -> Any:
    low = dot(y, z)
    leads = [score - low for score in z]
    return autograd.logsumexp(leads) - dot(y, leads)


def log_softmax(z: list[Any], y: list[Any]) -> Any:
    top = autograd.max(z)
    rest = autograd.log(autograd.sum([autograd.exp(score - top) for score in z]))
    return -dot(y, [score - top - rest for score in z])


def softmax(z: list[Any], y: list[Any]) -> Any:
    top = autograd.max(z)
    powers = [autograd.exp(score - top) for score in z]
    return -autograd.log(dot(y, powers) / autograd.sum(powers))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("executor", fuzz.EXECUTORS)
@pytest.mark.parametrize("loss", [cross_entropy, log_softmax, softmax])
@pytest.mark.parametrize("size", [1.0, 1e3, 1e6, 1e8, 1e12])
def test_large_scores_lose_no_digit(loss: Any, size: float, executor: Any, dtype: Any) -> None:
    w = vector(3)
    program = compile(
        lambda x, y: loss([a * b for a, b in zip(w, x, strict=True)], y), w, dtype=dtype, executor=executor, x=3, y=3
    )
    base = np.float32(size)
    other = np.nextafter(base, np.float32(0)) if size < 1e9 else base  # apart by a last digit of float32
    scores = np.array([base, other, base], float)
    program.flat = scores
    powers = np.exp(scores - scores.max())
    for right in np.eye(3):
        cost, gradient = program.value_and_grad([[1.0] * 3], [right])
        assert cost == pytest.approx(float(scores.max() - scores @ right + np.log(powers.sum())), rel=1e-6)
        assert gradient == pytest.approx(powers / powers.sum() - right, rel=2e-6, abs=1e-30)


def test_scores_that_cancel_are_subtracted_before_what_is_small_is_added() -> None:
    def plain(z: list[Any], y: list[Any]) -> Any:
        top = autograd.max(z)
        return top + autograd.log(autograd.sum([autograd.exp(score - top) for score in z])) - dot(y, z)

    w = vector(3)
    for dtype in ("float64", "float32"):
        program = compile(
            lambda x, y: plain([v * x[0] for v in w], y), w, dtype=dtype, executor="numpy", x=1, y=3
        )  # fmt: skip
        for size in (1.0, 1e3, 1e8, 1e12):
            program.flat = [size] * 3
            assert program.value_and_grad([[1.0]], [[1.0, 0.0, 0.0]])[0] == pytest.approx(math.log(3), rel=1e-6)


# Values, types, and what is asked of a program


def test_parameters_are_read_anew_after_they_changed_and_given_back() -> None:
    w = Value(2.0)
    program = compile(lambda x, y: (w * x[0] - y[0]) ** 2, [w], x=1, y=1)
    assert program([[1.0]], [[0.0]]) == 4.0
    w.data = 3.0
    assert program([[1.0]], [[0.0]]) == 9.0
    program.flat = [5.0]
    assert (program([[1.0]], [[0.0]]), w.data) == (25.0, 5.0)
    root = w * 2
    assert root.data == 10.0


def test_predictions_of_one_output_and_of_several() -> None:
    one, two = MLP(2, [3, 1], rng=random.Random(0)), MLP(2, [3, 2], rng=random.Random(0))
    X = [[0.5, -1.0], [1.0, 2.0], [0.0, 0.0]]
    for model in (one, two):
        program = compile(model, x=2)
        assert program(X).tolist() == [pytest.approx(p, rel=1e-12) for p in model.predict(X)]
    assert (compile(one, x=2)(X).shape, compile(two, x=2)(X).shape) == ((3,), (3, 2))


def test_float32_stays_float32() -> None:
    model = MLP(2, [8, 8, 1], rng=random.Random(0))

    def loss(x: Any, y: Any) -> Any:
        s = model(x)
        return relu(1 - y[0] * s) + autograd.maximum(s, 0.5) * 0.1 + autograd.where(s, s * 2, 0.25) + abs(s)

    program, exact = (compile(loss, model, dtype=dtype, x=2, y=1) for dtype in ("float32", "float64"))
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(5, 2)), np.sign(rng.normal(size=(5, 1)))
    results = program._execution.results(program.flat, [X.T.astype(np.float32), Y.T.astype(np.float32)])
    assert {np.asarray(r).dtype for r in results} == {np.dtype("float32")}
    assert program.value_and_grad(X, Y)[1].dtype == np.float32
    assert program.value_and_grad(X, Y)[1] == pytest.approx(exact.value_and_grad(X, Y)[1], rel=1e-4, abs=1e-5)


def test_the_report_says_what_is_a_matrix() -> None:
    model = MLP(2, [16, 1], rng=random.Random(0))
    report = compile(lambda x, y: (model(x) - y[0]) ** 2, model, x=2, y=1).report()
    assert "parameters: W1 16 × 2, b1 16, W2 1 × 16, b2 1" in report
    assert "sums of products: 81, computed as 5 matrix products" in report  # 16 + 1, backward 16 + 16 + 32
    assert "gathers: none" in report
    order = compile(lambda x: autograd.sum([tanh(x[i]) * tanh(x[j]) for i in (3, 0, 2) for j in (1, 4, 0)]), [], x=5)
    assert "gathers: none" not in order.report()


@pytest.mark.parametrize(
    ("loss", "what"),
    [
        (lambda x, y: x[0] if x[0] > y[0] else y[0], "a comparison"),
        (lambda x, y: x[0] if x[0] else y[0], "a branch on a Value"),
        (lambda x, y: math.exp(x[0]), r"float\(\), int\(\)"),
        (lambda x, y: x[0] * x[0].data, ".data"),
        (lambda x, y: x[0] * float(f"{x[0]:.3f}"), "formatting"),
    ],
)
def test_a_program_cannot_depend_on_data(loss: Any, what: str) -> None:
    with pytest.raises(TypeError, match=what) as caught:
        compile(loss, [Value(1.0)], x=2, y=1)
    assert "one program is recorded for all data" in str(caught.value)
    assert "autograd.where(c, a, b) instead of if, and one-hot labels" in str(caught.value)
    assert Value(2.0).data == 2.0  # numbers show again


def test_compare_finds_a_branch_that_was_frozen_outside() -> None:
    w, state = Value(1.0), {"positive": True}

    def model(x: Any) -> Any:
        return w * x[0] if state["positive"] else -w * x[0]

    program = compile(model, [w], gradient=False, x=1)
    program.compare(model, [[1.0], [2.0]])
    state["positive"] = False
    with pytest.raises(AssertionError, match=r"sample 0: the function gives -1.0, the program 1.0: does it branch"):
        program.compare(model, [[1.0], [2.0]])


def test_what_is_not_finite_names_the_line() -> None:
    w = Value(1.0)
    program = compile(lambda x: autograd.exp(w * x[0]), [w], x=1)
    with pytest.raises(FloatingPointError, match=r"overflow.* in line \d+: .*xp.exp.*; check=False lets it pass"):
        program.value_and_grad([[1000.0]])
    assert compile(lambda x: autograd.exp(w * x[0]), [w], check=False, x=1)([[1000.0]]) == math.inf


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda m: compile(lambda *x: m(x)),
            TypeError,
            r"the size of every input, by name: compile\(loss, model, x=2, y=1\)",
        ),
        (lambda m: compile(m, x=0), ValueError, "x is the number of entries of that input, at least 1, not 0"),
        (lambda m: compile(m, m, x=2), TypeError, "the gradient is that of one number: return a Value, not a list"),
        (lambda m: compile(lambda x: 3.0, [], x=2), TypeError, "returns a Value or a list of Values, not 3.0"),
        (lambda m: compile(m, 5, x=2), TypeError, "parameters are a model or a list of Values, not 5"),
        (lambda m: compile(m, [Value(1.0) * 2], x=2), TypeError, "parameters must be leaves"),
        (lambda m: compile(m, x=2, dtype=WRONG), ValueError, "the dtype is 'float64' or 'float32', not 'int8'"),
        (
            lambda m: compile(m, x=2)([[1.0]]),
            ValueError,
            r"x must have shape \(rows, 2\), got \(1, 1\)",
        ),
        (lambda m: compile(m, x=2)([[1.0, 2.0]], [[1.0]]), TypeError, "this program takes x: 1 batch, not 2"),
        (
            lambda m: compile(m, x=2).value_and_grad([[1.0, 2.0]]),
            TypeError,
            "this program has no gradient: compile a loss",
        ),
    ],
)
def test_errors_say_what_to_write(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call(Layer(2, 2, rng=random.Random(0)))


def test_recorded_graphs_are_compiled_too_and_compared_on_further_samples() -> None:
    w, x, t = Value(2.0), Value(3.0, "x"), Value(1.0, "t")

    def loss(x: Any, y: Any) -> Any:
        gap = w * x[0] - y[0]
        return gap if gap > 0 else -gap  # a branch, of which a record holds one side

    program = compile(loss([x], [t]), [w], x=[x], y=[t])
    assert program.value_and_grad([[3.0], [1.0]], [[1.0], [0.0]])[1].tolist() == [2.0]
    program.compare(loss, [[3.0], [1.0]], [[1.0], [0.0]])
    with pytest.raises(AssertionError, match=r"sample 1: the function gives 3.0, the program -3.0: does it branch"):
        program.compare(loss, [[3.0], [1.0]], [[1.0], [5.0]])
    with pytest.raises(TypeError, match="x is the list of leaves of the graph that are this input, not 3"):
        compile(w * x, [w], x=3)


@pytest.mark.parametrize(
    ("X", "Y", "error", "message"),
    [
        (
            [[1.0, 2.0], [1.0]],
            [[0.0], [1.0]],
            ValueError,
            r"x must be a batch of rows with 2 numbers each, and x\[1\] has 1",
        ),
        ([["a", "b"]], [[0.0]], ValueError, r"rows with 2 numbers each, and x\[0\]\[0\] is 'a'"),
        ([[1.0, None]], [[0.0]], ValueError, r"rows with 2 numbers each, and x\[0\]\[1\] is None"),
        (np.array([[1j, 0]]), [[0.0]], ValueError, "rows with 2 numbers each, and x is array"),
        (
            [1.0, 2.0],
            [[0.0]],
            ValueError,
            r"x must have shape \(rows, 2\), got \(2,\): one sample is a batch of one row",
        ),
        ([[math.inf, 2.0]], [[0.0]], FloatingPointError, r"invalid value encountered in matmul in line \d+: dW1 ="),
        ([[2.0, 1.0]], [[math.inf]], FloatingPointError, r"the cost is inf: y\[0\] holds an infinity"),
        ([[1e200, 2.0]], [[1e200]], FloatingPointError, r"overflow encountered in multiply in line \d+"),
        ([], [], ValueError, r"x must have shape \(rows, 2\), got \(0,\): give it at least one row"),
        ([[1.0, 2.0]], [[0.0], [1.0]], ValueError, "y has 2 rows, and x has 1"),
        ([[1.0, 2.0], [math.nan, 0.0]], [[0.0], [1.0]], FloatingPointError, r"the cost is nan: x\[1\] holds a nan"),
    ],
)
def test_bad_batches_are_named(X: Any, Y: Any, error: type[Exception], message: str) -> None:
    model = MLP(2, [3, 1], tanh, rng=random.Random(0))
    with pytest.raises(error, match=message):
        compile(lambda x, y: (model(x) - y[0]) ** 2, model, x=2, y=1).value_and_grad(X, Y)


def test_a_parameter_without_effect_is_reported() -> None:
    unused, w = Value(3.0), Value(2.0)
    assert "without effect: parameters 0" in compile(lambda x: w * x[0], [unused, w], x=1).report()
    nothing = compile(lambda x: x[0] * 2, [], x=1)
    assert nothing.value_and_grad([[1.0], [3.0]])[0] == 4.0
    assert nothing.value_and_grad([[1.0]])[1].shape == (0,)


@pytest.mark.parametrize("name", ["a1", "z2", "d1", "W1", "seed", "B", "xp", "theta", "lambda"])
def test_names_of_the_program_s_own_are_refused(name: str) -> None:
    sizes: Any = {name: 1}
    with pytest.raises(ValueError, match=f"an input cannot be called {name}, which is a name of the program's own"):
        compile(lambda x: x[0], [], **sizes)


# Functions of parameters alone, and graphs with several roots


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("executor", fuzz.EXECUTORS)
def test_a_function_of_parameters_alone_is_called_without_a_batch(executor: Any, dtype: Any) -> None:
    w = vector(3)

    def loss() -> Any:
        return autograd.sum([autograd.exp(v) for v in w]) * w[0] + autograd.where(w[1], 1.0, 0.0) * w[2]

    def row() -> list[Any]:
        return [w[0] * w[1], Value(2.0) * 1.0, w[2]]

    program = compile(loss, w, executor=executor, dtype=dtype)
    several = compile(row, w, executor=executor, dtype=dtype, gradient=False)
    single = compile(lambda: w[0] * 2, w, executor=executor, dtype=dtype, gradient=False)
    assert (program.inputs, repr(program).split(",")[0]) == ({}, "<compiled program of no inputs")
    for numbers in ([0.5, 1.0, -2.0], [1.5, -1.0, 0.25]):
        program.flat = numbers
        for v in w:
            v.grad = 0.0
        root = loss()
        root.backward()
        for cost, gradient in (program.value_and_grad(), program.run_on(np, program.flat)):
            assert (cost, *gradient) == pytest.approx((root.data, *(v.grad for v in w)), rel=1e-6)
            assert gradient.dtype == dtype
        assert program() == pytest.approx(root.data, rel=1e-6)
        assert several().tolist() == pytest.approx([numbers[0] * numbers[1], 2.0, numbers[2]], rel=1e-6)
        assert (several().shape, several().dtype) == ((3,), dtype)
        assert single() == np.float32(2 * numbers[0])
        program.compare(loss, tolerance=1e-6)
        several.compare(row, tolerance=1e-6)
    assert "B = " not in str(program) and "one" in str(program)
    with pytest.raises(TypeError, match="this program takes no batch, not 1"):
        program.value_and_grad([[1.0]])
    with pytest.raises(TypeError, match=r"a function without inputs needs parameters: compile\(lambda: loss\(w\), w\)"):
        compile(lambda: Value(2.0) * 1.0, [])


@pytest.mark.parametrize("executor", fuzz.EXECUTORS)
def test_a_recorded_graph_of_parameters_alone_is_called_without_a_batch(executor: Executor) -> None:
    p = Value(2.0)
    cost, gradient = compile(p * p, [p], executor=executor).value_and_grad()
    assert (cost, gradient.tolist()) == (4.0, [4.0])
    assert compile([p * 2, p + 1], [p], executor=executor, gradient=False)().tolist() == [4.0, 3.0]
    with pytest.raises(TypeError, match="without inputs needs parameters"):
        compile(p * p)


@pytest.mark.parametrize(
    ("numbers", "at"),
    [([None], 0), (["3"], 0), ([1j], 0), (np.array(["3"]), 0), ("3", 0), (None, 0), ([1.0, "3"], 1), ([[1.0]], None)],
)
def test_numbers_of_parameters_that_are_none_are_refused(numbers: Any, at: int | None) -> None:
    w = [Value(2.0), Value(5.0)]
    program = compile(lambda x: w[0] * x[0] + w[1], w, x=1)
    with pytest.raises((TypeError, ValueError), match="flat must have shape" if at is None else rf"flat\[{at}\]"):
        program.flat = numbers
    with pytest.raises((TypeError, ValueError), match="flat"):
        program.value_and_grad_at(numbers, [[1.0]])
    assert [v.data for v in w] == [2.0, 5.0]


@pytest.mark.parametrize("executor", fuzz.EXECUTORS)
def test_results_that_are_comparisons_are_numbers(executor: Executor) -> None:
    w = Value(2.0)
    asks = gate("asks_for_a_test", "?", lambda xp, x: (x > 0) >= (x > 1), lambda xp, out, x: x > 0)
    try:
        X = np.array([[0.5], [2.0], [-1.0]])
        outputs = compile(lambda x: [asks(x[0])], gradient=False, executor=executor, x=1)
        cost = compile(lambda: asks(w), [w], executor=executor)
        for found in (
            outputs(X),
            outputs.run_on(np, outputs.flat, X),
            *cost.value_and_grad(),
            *cost.run_on(np, cost.flat),
        ):
            assert np.asarray(found).dtype == "float64"
        assert outputs(X).tolist() == [[1.0], [1.0], [1.0]]
        assert cost.value_and_grad()[1].tolist() == [1.0]
    finally:
        del autograd.GATES["asks_for_a_test"]


@pytest.mark.parametrize("f", [lambda x: x**3, lambda x: np.hypot(x, 1.0)])
def test_functions_of_arrays_are_recorded_without_a_warning(f: Any) -> None:
    """The numbers that stand in for inputs are nan, and NumPy warns where an operation on an array compared a nan."""
    program = compile(lambda x: autograd.grad(lambda x: np.sum(f(x)))(np.array(x)).tolist(), x=8)
    x = np.linspace(-2.0, 2.0, 8)
    assert program([x])[0] == pytest.approx(autograd.grad(lambda x: np.sum(f(x)))(x), rel=1e-15)


def test_several_recorded_roots_are_one_program() -> None:
    w, x = Value(2.0), Value(3.0)
    squares, sums = w * x * x, w + x
    program = compile([squares, sums], [w], x=[x], gradient=False)
    assert program([[3.0], [1.0]]).tolist() == [[18.0, 5.0], [2.0, 3.0]]
    assert compile((sums,), x=[x])([[3.0]]).tolist() == [[5.0]]
    with pytest.raises(TypeError, match=r"the gradient is that of one number: .*gradient=False"):
        compile([squares, sums], [w], x=[x])
    wrong: Any = [squares, 3.0]
    with pytest.raises(TypeError, match=r"compile takes .* not \[Value"):
        compile(wrong, [w], x=[x])


def test_the_report_counts_what_it_would_be_long_to_list() -> None:
    w = vector(200)
    report = compile(lambda x: w[0] * x[0] + w[199], w, x=1).report()
    assert "without effect: 198 parameters, 1, 2, 3, 4, 5, 6, …" in report.splitlines()
    chain = compile(lambda x: reduce(lambda a, v: autograd.tanh(a * v) + v, w, x[0]), w, x=1)
    several = chain.report()
    assert re.match(r"parameters: .*, … \(\d+ tensors\)$", several.splitlines()[0])
    assert all(len(line) < 140 for line in several.splitlines())
    if "tape" in fuzz.EXECUTORS:
        report = compile(lambda x: autograd.exp(w[0]) * w[1], w, x=1, executor="tape").report()
        assert re.search(r"runs as a tape of [2-9] operations", report)


@pytest.mark.parametrize("power", [2, 3, 4])
def test_small_powers_are_products(power: int) -> None:
    program = compile(lambda x: x[0] ** power, [], x=1, gradient=False, executor="numpy")
    assert "**" not in str(program)
    x = np.random.default_rng(0).normal(size=1000)
    np.testing.assert_allclose(program(x[:, None]), x**power, rtol=2**-51)


UNDEFINED: dict[str, tuple[Callable[[Any], Any], float]] = {
    "log": (lambda x: 0.0 * autograd.log(x) + x, -1.0),
    "a quotient": (lambda x: 0.0 / x + x, 0.0),
    "in a dot": (lambda x: dot([0.0, 1.0], [autograd.sqrt(x), x]), -1.0),
    "in a scaled sum": (lambda x: x - 0.0 * (2.0 + autograd.exp(x) * autograd.log(x)), -1.0),
    "several": (lambda x: autograd.sum([0.0 * autograd.log(x + i) for i in range(4)]) * x, -0.5),
    "to the power 0": (lambda x: autograd.log(x) ** 0.0 + x, -1.0),
    "times itself": (lambda x: 0.0 * (x**-0.5) * (x**-0.5) + x, 0.0),
}


@pytest.mark.parametrize("executor", fuzz.EXECUTORS)
@pytest.mark.parametrize("case", UNDEFINED)
def test_zero_times_what_may_be_undefined_is_computed(case: str, executor: Executor) -> None:
    f, outside = UNDEFINED[case]
    with pytest.raises((ValueError, ZeroDivisionError)):
        f(Value(outside))
    w = Value(1.0)
    program = compile(lambda x: f(w * x[0]), [w], x=1, executor=executor)
    assert program.value_and_grad([[2.0]]) == (f(2.0), [autograd.grad(lambda w: f(2.0 * w))(1.0)])
    with pytest.raises(FloatingPointError):
        program.value_and_grad([[outside]])


def test_zero_times_what_is_defined_is_left_out() -> None:
    """So zeros of a constant matrix cost nothing; at infinities and where something overflows the product is 0 too."""
    for factor in (
        autograd.exp,
        sigmoid,
        autograd.softplus,
        lambda x: tanh(x * x + 1.0),
        lambda x: (x - 1.0) ** 2,
        relu,
    ):
        program = compile(lambda x, factor=factor: 0.0 * factor(x[0]) + x[0], x=1, gradient=False)
        assert "return x" in str(program), program
        assert program([[1e3]]).tolist() == [1e3]
    zero = compile(lambda x: 0.0 * x[0], x=1, gradient=False)
    assert zero([[math.inf]]).tolist() == [0.0]


def test_a_gate_that_returns_its_input_defines_nothing() -> None:
    """1·log(x) is the same entry as log(x), and as undefined."""
    program = compile(lambda x: 0.0 * (1.0 * autograd.log(x[0])), x=1, gradient=False)
    with pytest.raises(FloatingPointError):
        program([[-1.0]])
