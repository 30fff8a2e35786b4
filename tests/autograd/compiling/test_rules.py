"""Rules as steps on entries, and sums of products on vectors: which gates take vectors, and layers that share entries."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import autograd
from autograd import GATES, Value, compile, dot, gate
from autograd.compiling.lowering import lower
from autograd.compiling.rules import Rules, long_sums
from autograd.compiling.tracing import trace
from autograd.symbols import Steps
from tests import fuzz

Operation = tuple[str, tuple[int, ...]]


@pytest.fixture(autouse=True)
def _table_of_gates() -> Iterator[None]:
    """Remove the gates that a test adds."""
    known = dict(GATES)
    yield
    for name in GATES.keys() - known:
        del GATES[name]


def test_a_chain_of_additions_is_one_sum_and_its_last_terms_stay_as_they_are() -> None:
    """((a + b) + c) + (a + b); a sum that is read twice; and a + (b + c), which rounds otherwise."""
    chain: list[Operation] = [("add", (0, 1)), ("add", (3, 2)), ("add", (0, 1)), ("add", (4, 5))]
    assert long_sums(Steps([], chain, [6]), 3) == Steps([], [("add", (0, 1)), ("add", (0, 1, 2, 3))], [4])
    twice: list[Operation] = [("add", (0, 1)), ("add", (3, 2)), ("mul", (4, 3))]
    assert long_sums(Steps([], twice, [5]), 3) == Steps([], twice, [5])
    right: list[Operation] = [("add", (1, 2)), ("add", (0, 3))]
    assert long_sums(Steps([], right, [4]), 3) == Steps([], right, [4])


def _input(k: int) -> Callable[..., Any]:
    """Return the local gradient that is input k: of a product, the other factor."""
    return lambda xp, out, *inputs: inputs[k]


def test_a_sum_of_products_takes_vectors() -> None:
    sides = Rules()[GATES["dot"], 5].sides
    assert sides is not None
    assert sides.split(("a", "b", "x", "y", "c")) == (("a", "b"), ("x", "y"), ("c",))
    plane = gate("plane", "ab+cd", lambda xp, a, b, c, d: a * b + c * d, *map(_input, (1, 0, 3, 2)))
    sides = Rules()[plane, 4].sides
    assert sides is not None
    assert sides.split(("a", "b", "c", "d")) == (("a", "c"), ("b", "d"), ())


OTHER_GATES: dict[str, Callable[[], tuple[autograd.Gate, int]]] = {
    "one product": lambda: (GATES["dot"], 2),
    "a product of sums": lambda: (gate("g", "g", lambda xp, a, b, c: (a + b) * c, *[_input(2)] * 3), 3),
    "another local gradient": lambda: (
        gate("g", "g", lambda xp, a, b, c, d: a * b + c * d, _input(1), _input(0), _input(3), lambda *_: 1.0), 4,
    ),
    "a square": lambda: (gate("g", "g", lambda xp, a, b: a * a + b * b, _input(0), _input(1)), 2),
    "one added": lambda: (gate("g", "g", lambda xp, a, b, c, d: a * b + c * d + 1, *map(_input, (1, 0, 3, 2))), 4),
}  # fmt: skip


@pytest.mark.parametrize("case", OTHER_GATES)
def test_other_gates_take_their_inputs(case: str) -> None:
    other, n = OTHER_GATES[case]()
    assert Rules()[other, n].sides is None


def leaves(*numbers: float) -> list[Value]:
    return [Value(number) for number in numbers]


A, B, C = leaves(0.5, -1.5), leaves(2.0, 0.25), leaves(-0.75, 1.25)
LAYERS: dict[str, Callable[[Any], Any]] = {
    "an input twice": lambda x: dot(A, [x[0], x[0]]) * dot(B, [x[0], x[1]]),
    "one factor, different vectors": lambda x: dot(A, [x[0], x[1]]) + dot(B, [x[0], x[2]]) + dot(C, [x[1], x[2]]),
    "a weight in two vectors": lambda x: dot([A[0], B[0]], x[:2]) * dot([A[0], C[0]], x[:2]),
    "a weight twice": lambda x: dot([A[0], A[0]], x[:2]) ** 2,
    "weights in any order": lambda x: dot(A, x[:2]) * dot(A[::-1], x[:2]) + dot(x[:2], B),
    "constants among weights": lambda x: dot([A[0], 2.0, A[1]], x) + dot([1.0, -1.0, 0.0], x) * B[0],
    "inputs and weights mixed": lambda x: dot([A[0], x[0]], [x[1], B[0]]) * dot([A[1], x[0]], [B[1], x[2]]),
    "weights alone": lambda x: dot(A, B) * x[0] + dot(A, C) * dot(B, C),
    "weights of weights": lambda x: dot([autograd.tanh(a) for a in A], x[:2]) ** 2,
    "inputs alone": lambda x: dot(x, [x[1], x[2], x[0]]) * A[0] + B[0] * dot(x[:2], x[:2]),
    "positions of a layer": lambda x: autograd.sum([autograd.tanh(dot(A, [x[i], x[i + 1]], B[0])) for i in range(2)]),
    "products of two layers": lambda x: dot([dot(A, x[:2]), dot(B, x[:2])], [dot(C, x[:2]), dot(A, x[1:])]),
    "a weight beside its vector": lambda x: dot(A, x[:2]) * A[1] + A[0] ** 2 + dot(B, x[:2]) * C[0],
    "one neuron for two sums": lambda x: (lambda v: dot([v, x[0]], A) * dot([v, x[1]], B))(dot(C, x[1:])),
}


@pytest.mark.parametrize("executor", fuzz.EXECUTORS)
@pytest.mark.parametrize("layer", LAYERS)
def test_layers_that_share_entries_have_the_gradients_of_the_engine(layer: str, executor: Any) -> None:
    function, parameters = LAYERS[layer], [*A, *B, *C]
    program = compile(function, parameters, executor=executor, x=3)
    rows = [[0.5, -1.0, 2.0], [1.5, 0.25, -0.5], [-2.0, 1.0, 1.0]]
    expected, slopes = 0.0, [0.0] * len(parameters)
    for row in rows:
        for parameter in parameters:
            parameter.grad = 0.0
        loss = function([Value(x) for x in row])
        loss.backward(1 / len(rows))
        expected += loss.data / len(rows)
        slopes = [slope + parameter.grad for slope, parameter in zip(slopes, parameters, strict=True)]
    cost, gradient = program.value_and_grad(rows)
    assert cost == pytest.approx(expected, rel=1e-12)
    assert gradient.tolist() == pytest.approx(slopes, rel=1e-12, abs=1e-13)


def test_direct_interpretation_reads_vectors_and_totals() -> None:
    function, parameters = LAYERS["positions of a layer"], [*A, *B, *C]
    traced = trace(function, {"x": 3})
    lowered = lower(traced.outputs, traced.inputs, parameters, gradient=True)
    numbers: dict[tuple[str, Any], float] = {("input", ("x", i)): x for i, x in enumerate((0.5, -1.0, 2.0))}
    numbers |= {("param", i): p.data for i, p in enumerate(parameters)} | {("seed", 0): 1.0}
    interpreted = lowered.program.evaluate([*lowered.outputs, *lowered.gradients], numbers)
    cost, gradient = compile(function, parameters, x=3).value_and_grad([[0.5, -1.0, 2.0]])
    assert interpreted == pytest.approx([cost, *gradient], rel=1e-12)


def test_a_layer_takes_one_entry_for_each_neuron_and_one_for_the_gradient_of_its_weights() -> None:
    W = [leaves(*[0.1 * i - 0.01 * j for j in range(50)]) for i in range(8)]
    traced = trace(lambda x: autograd.sum([autograd.tanh(dot(w, x)) for w in W]), {"x": 50})
    program = lower(traced.outputs, traced.inputs, [v for w in W for v in w], gradient=True).program
    assert program.ops.count("dot") == program.ops.count("totals") == 8
    assert program.ops.count("element") == 400
    assert len(program.ops) < 2 * 400 + 200


@pytest.mark.parametrize("slopes", [lambda n: [1 / (n - 4)] * n, lambda n: [1.0] * 3, lambda n: [float("x")] * n])
def test_a_slope_that_fails_is_not_asked_for_without_a_gradient(slopes: Callable[[int], list[float]]) -> None:
    def products(xp: Any, *xs: Any) -> Any:
        return sum((a * b for a, b in zip(xs[2::2], xs[3::2], strict=False)), xs[0] * xs[1])

    def local(xp: Any, out: Any, *xs: Any) -> list[float]:
        return slopes(len(xs)) if len(xs) == 4 else [1.0] * len(xs)

    pairs, w = gate("pairs", "pairs", products, local), leaves(0.5, 2.0)
    program = compile(lambda x: pairs(w[0], x[0], w[1], x[1]), w, x=2, gradient=False)
    assert program([[1.0, 2.0]]).tolist() == [4.5]
    for _ in range(3):  # the engine in C prepares the rule for so many inputs when it sees them again
        recorded = pairs(w[0], 1.0, w[1], 2.0)
        assert recorded.data == 4.5
        with pytest.raises((ArithmeticError, TypeError, ValueError)):
            recorded.backward()
    with pytest.raises((ArithmeticError, TypeError, ValueError)):
        compile(lambda x: pairs(w[0], x[0], w[1], x[1]), w, x=2)


def test_rules_of_many_lengths_are_not_kept() -> None:
    gc.collect()
    before = len(gc.get_objects())
    w = leaves(*[0.01 * i for i in range(200)])
    compile(lambda x: autograd.sum([autograd.logsumexp([v * x[0] for v in w[: n + 1]]) for n in range(8, 200)]), w, x=1)
    gc.collect()
    assert len(gc.get_objects()) - before < 20_000
