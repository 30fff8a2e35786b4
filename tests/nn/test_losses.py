"""Guards the losses: against NumPy, central differences, scores of ±1000, stand-ins without numbers, and wrong arguments."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import assume, given, strategies as st

import nn
from autograd import Value, check_gradients, finite_differences, grad, topological_order, value_and_grad
from nn import losses
from tests.standin import StandIn, evaluate

GUIDE = Path(nn.__file__).with_name("guide.md")


class Case(NamedTuple):
    """A loss beside its oracle in NumPy, which gives the list of the losses, and how far its inputs are from a kink."""

    oracle: Callable[[Any, Any], Any]
    outputs: str  # what stands in an output: scores, probabilities, rows of either
    targets: str
    kink: Callable[[Any, Any], Any] | None = None


def margins(s: Any, t: Any) -> Any:
    return s - (s * t).sum(1, keepdims=True) + 1 + 9 * t  # the right class is no term of the loss


CASES: dict[str, Case] = {
    "squared_error": Case(lambda o, t: (o - t) ** 2, "scores", "scores"),
    "mean_squared_error": Case(lambda o, t: (o - t) ** 2, "scores", "scores"),
    "binary_cross_entropy": Case(lambda o, t: -t * np.log(o) - (1 - t) * np.log(1 - o), "probabilities", "chances"),
    "binary_cross_entropy_with_logits": Case(lambda z, t: np.logaddexp(0, z) - t * z, "scores", "chances"),
    "binary_hinge": Case(lambda s, y: np.maximum(0, 1 - y * s), "scores", "signs", lambda s, y: 1 - y * s),
    "cross_entropy": Case(lambda p, t: -(t * np.log(p)).sum(1), "rows of probabilities", "rows of probabilities"),
    "cross_entropy_with_logits": Case(
        lambda z, t: np.log(np.exp(z).sum(1)) - (t * z).sum(1), "rows of scores", "rows of probabilities"
    ),
    "negative_log_likelihood": Case(lambda p, t: -(t * p).sum(1), "rows of scores", "rows of probabilities"),
    "hinge": Case(lambda s, t: np.maximum(0, margins(s, t)).sum(1) - 10, "rows of scores", "rows of classes", margins),
    "kl_divergence": Case(
        lambda p, q: (p * (np.log(p) - np.log(q))).sum(1), "rows of probabilities", "rows of probabilities"
    ),
}
ELEMENTWISE = [name for name, case in CASES.items() if not case.outputs.startswith("rows")]
ROW = [name for name, case in CASES.items() if case.outputs.startswith("rows")]
scores = st.floats(-4, 4)
chances = st.floats(0.05, 0.95)


def test_every_loss_has_an_oracle_and_stands_in_the_guide() -> None:
    parameters = {name: [*inspect.signature(getattr(losses, name)).parameters.values()] for name in losses.__all__}
    found = [name for name, (_, *rest) in parameters.items() if rest and rest[-1].name == "reduction" != rest[0].name]
    assert found == sorted(CASES)
    (row,) = re.findall(r"^\| losses .*$", GUIDE.read_text(encoding="utf-8"), re.MULTILINE)
    assert {*found} <= {*re.findall(r"`(\w+)`", row)}


def entries(kind: str, n: int) -> st.SearchStrategy[list[float]]:
    drawn = {"scores": scores, "probabilities": chances, "chances": chances | st.sampled_from([0.0, 1.0])}
    drawn["signs"] = st.sampled_from([-1.0, 1.0])
    if kind == "classes":
        return st.integers(0, n - 1).map(lambda k: nn.one_hot(k, n))
    return st.lists(drawn[kind], min_size=n, max_size=n)


@st.composite
def arguments(draw: Any, name: str) -> tuple[Any, Any]:
    """An output and a target of the same shape, as nested lists of floats."""
    case = CASES[name]
    if name in ELEMENTWISE:
        n = draw(st.integers(1, 5))
        return draw(entries(case.outputs, n)), draw(entries(case.targets, n))
    size, n = draw(st.integers(1, 4)), draw(st.integers(2, 4))

    def rows(kind: str) -> list[list[float]]:
        kind = kind.removeprefix("rows of ")
        drawn = [draw(entries(kind, n)) for _ in range(size)]
        return [[x / sum(row) for x in row] for row in drawn] if kind == "probabilities" else drawn

    return rows(case.outputs), rows(case.targets)


def values(x: Any) -> Any:
    return [values(entry) for entry in x] if isinstance(x, list) else Value(x)


def numbers(x: Any) -> Any:
    return [numbers(entry) for entry in x] if isinstance(x, list) else getattr(x, "data", x)


@pytest.mark.parametrize("name", CASES)
@given(data=st.data())
def test_losses_are_those_of_numpy_in_every_reduction(name: str, data: st.DataObject) -> None:
    """Floats give floats and Values the same numbers as Values."""
    output, target = data.draw(arguments(name))
    loss = getattr(nn, name)
    each = CASES[name].oracle(np.array(output), np.array(target))
    for reduction, expected in (("none", each), ("sum", each.sum()), ("mean", each.mean())):
        plain, recorded = loss(output, target, reduction=reduction), loss(values(output), target, reduction=reduction)
        assert plain == pytest.approx(expected, rel=1e-9, abs=1e-12)
        assert numbers(recorded) == pytest.approx(expected, rel=1e-9, abs=1e-12)
        assert type(plain) is (list if reduction == "none" else float)
        assert type(recorded) is (list if reduction == "none" else Value)
    alone = loss(output[0], target[0])
    assert alone == pytest.approx(each[0], rel=1e-9, abs=1e-12)
    assert loss(np.array(output), np.array(target), reduction="sum") == loss(output, target, reduction="sum")


@pytest.mark.parametrize("name", CASES)
@given(data=st.data())
def test_gradients_agree_with_central_differences(name: str, data: st.DataObject) -> None:
    output, target = data.draw(arguments(name))
    kink = CASES[name].kink
    assume(kink is None or np.abs(kink(np.array(output), np.array(target))).min() > 1e-3)
    loss = getattr(nn, name)
    if name == "kl_divergence":  # whose arguments sum to 1, and so are differentiated through a softmax
        check_gradients(lambda z: loss([nn.softmax(row) for row in z], target), [output], raises=True)
        check_gradients(lambda z: loss(output, [nn.softmax(row) for row in z]), [target], raises=True)
    else:
        check_gradients(lambda o: loss(o, target), [output], raises=True)
    check_gradients(lambda z: nn.entropy(nn.softmax(z)), [np.ravel(output).tolist()], raises=True)


WRONG: dict[str, Callable[[Any, Any], Any]] = {  # plausible mistakes, each in the list of the losses
    "squared_error": lambda o, t: 0.5 * (o - t) ** 2,
    "mean_squared_error": lambda o, t: np.abs(o - t),
    "binary_cross_entropy": lambda o, t: -t * np.log(o),
    "binary_cross_entropy_with_logits": lambda z, t: np.logaddexp(0, -z) - t * z,
    "binary_hinge": lambda s, y: np.maximum(0, -y * s),
    "cross_entropy": lambda p, t: -(p * np.log(t)).sum(1),
    "cross_entropy_with_logits": lambda z, t: np.log(np.exp(z).sum(1)) - (t * np.exp(z)).sum(1),
    "negative_log_likelihood": lambda p, t: (t * p).sum(1),
    "hinge": lambda s, t: np.maximum(0, margins(s, t)).sum(1) - 9,
    "kl_divergence": lambda p, q: (q * (np.log(q) - np.log(p))).sum(1),
}


@pytest.mark.parametrize("name", CASES)
def test_a_plausible_mistake_is_seen(name: str) -> None:
    """The oracles tell each loss from its likeliest misreading, at inputs like those drawn above."""
    output, target = np.array([[0.3, 0.6, 0.1], [0.7, 0.1, 0.2]]), np.array([[0.2, 0.3, 0.5], [0.5, 0.4, 0.1]])
    if CASES[name].targets == "rows of classes":
        target = np.eye(3)[:2]
    if CASES[name].targets == "signs":
        target = np.array([[1.0, -1.0, -1.0], [1.0, -1.0, 1.0]])
    found = np.array(getattr(nn, name)(output, target, reduction="none"))
    assert found == pytest.approx(np.ravel(CASES[name].oracle(output, target)), rel=1e-12)
    assert found != pytest.approx(np.ravel(WRONG[name](output, target)), rel=1e-3)


@pytest.mark.parametrize("name", CASES)
@given(data=st.data())
def test_no_loss_looks_at_the_number_of_an_output(name: str, data: st.DataObject) -> None:
    """A loss of stand-ins, output or target or both, computes afterwards what it computes on numbers."""
    output, target = data.draw(arguments(name))
    given = {}

    def stand_in(x: Any, path: str) -> Any:
        if isinstance(x, list):
            return [stand_in(entry, f"{path}.{i}") for i, entry in enumerate(x)]
        given[path] = x
        return StandIn(path)

    loss = getattr(nn, name)
    expected = loss(output, target)
    o, t = stand_in(output, "output"), stand_in(target, "target")
    assert evaluate(loss(o, target), given) == pytest.approx(expected, rel=1e-12, abs=1e-12)
    assert evaluate(loss(o, t), given) == pytest.approx(expected, rel=1e-9, abs=1e-12)
    assert evaluate(nn.softmax(stand_in([1.0, 2.0], "z")), given) == pytest.approx(nn.softmax([1.0, 2.0]), rel=1e-15)


def test_targets_may_be_indices_one_hot_rows_or_distributions() -> None:
    z = [[0.5, -1.0, 2.0], [1.5, 0.0, -0.5]]
    p = [nn.softmax(row) for row in z]
    logs = [nn.log_softmax(row) for row in z]
    for loss, output in (
        (nn.cross_entropy_with_logits, z),
        (nn.cross_entropy, p),
        (nn.negative_log_likelihood, logs),
        (nn.hinge, z),
    ):
        found = loss(output, [2, 0], reduction="none")
        assert found == loss(output, [[0, 0, 1], [1, 0, 0]], reduction="none")
        assert found == loss(output, np.array([2, 0]), reduction="none")
        assert found == [loss(output[0], 2), loss(output[1], np.int64(0))]
        if loss is not nn.hinge:
            assert found == pytest.approx([-logs[0][2], -logs[1][0]], rel=1e-12)
            mixed = [0.25 * loss(output[0], 0) + 0.75 * loss(output[0], 2)]
            assert [loss(output[0], (0.25, 0.0, 0.75))] == pytest.approx(mixed, rel=1e-12)


def test_differentiating_a_target() -> None:
    """dL/dt of a squared error is −2(f − t); distributions may be Values too."""
    assert grad(lambda t: nn.squared_error(-5.0, t))(-4.0) == 2.0
    t = [0.2, 0.8]
    assert grad(lambda t: nn.cross_entropy([0.25, 0.75], t))(t) == pytest.approx([math.log(4), math.log(4 / 3)])
    assert grad(lambda t: nn.binary_cross_entropy(0.25, t))(1.0) == pytest.approx(math.log(4) - math.log(4 / 3))


def test_graphs_are_small() -> None:
    """A loss of n entries has as many gates as the docstrings' formulas at best: sums and products of lists are one."""

    def gates(loss: Any) -> int:
        return sum(1 for node in topological_order(loss) if node.inputs)

    v = values([0.1, 0.2, 0.3, 0.4])
    assert gates(nn.squared_error(v, [1.0] * 4)) == 4 + 1
    assert gates(nn.mean_squared_error(v, [1.0] * 4)) == 4 + 1 + 1
    assert gates(nn.squared_error(v[0], 1.0)) == 2
    assert gates(nn.cross_entropy_with_logits(v, 2)) == 3 + 1
    assert gates(nn.cross_entropy_with_logits(v, nn.one_hot(2, 4))) == 3 + 1
    assert gates(nn.cross_entropy_with_logits(v, [0.5, 0.5, 0.0, 0.0])) == 4 + 3
    assert gates(nn.cross_entropy(v, 2)) == 2
    assert gates(nn.binary_cross_entropy_with_logits(v[0], 0)) == 1
    assert gates(nn.binary_hinge(v[0], 1)) == 2
    assert gates(nn.hinge(v, 2)) == 3 * 3 + 1
    assert gates(nn.kl_divergence([0.1, 0.2, 0.3, 0.4], v)) == 4 + 2
    assert gates(nn.entropy(v)) == 2 * 4 + 2
    assert gates(nn.l2(v, 0.1)) == 2
    assert gates(nn.l1(v, 0.1)) == 4 + 2


@pytest.mark.parametrize("sign", [-1, 1])
def test_scores_of_a_thousand(sign: int) -> None:
    """Values and gradients at ±1000 are finite and exact."""
    z = 1000.0 * sign
    for t in (0.0, 1.0, 0.25):
        wrong = max(z, 0.0) - t * z
        assert value_and_grad(lambda z, t=t: nn.binary_cross_entropy_with_logits(z, t))(z) == (wrong, (sign > 0) - t)
    for c in (0, 1):
        value, slope = value_and_grad(lambda z, c=c: nn.cross_entropy_with_logits(z, c))([z, -z])
        right = c == int(sign < 0)
        p = [float(sign > 0), float(sign < 0)]
        assert value == (0.0 if right else 2000.0)
        assert slope == [p[0] - (c == 0), p[1] - (c == 1)]
    assert nn.cross_entropy_with_logits([z, z], [0.5, 0.5]) == pytest.approx(math.log(2), rel=1e-12)
    assert nn.softmax([z, -z]) == [float(sign > 0), float(sign < 0)]
    assert nn.log_softmax([z, -z]) == [min(0.0, 2 * z), min(0.0, -2 * z)]
    assert grad(lambda z: nn.softmax(z)[0])([z, -z]) == [0.0, 0.0]
    assert grad(lambda z: nn.log_softmax(z)[0])([z, -z]) == [float(sign < 0), -float(sign < 0)]
    assert value_and_grad(lambda s: nn.binary_hinge(s, 1))(z) == (max(0.0, 1 - z), -float(sign < 0))
    assert value_and_grad(lambda s: nn.hinge(s, 0))([z, 0.0]) == (
        max(0.0, 1 - z),
        [-1.0, 1.0] if sign < 0 else [0.0, 0.0],
    )
    small = nn.binary_cross_entropy_with_logits(40.0, 1)
    assert small == pytest.approx(math.exp(-40), rel=1e-12, abs=0), "what is small is not lost"


def test_conventions_at_the_kinks() -> None:
    """Hinge losses are built with relu, so at the kink their slope is 0."""
    assert value_and_grad(lambda s: nn.binary_hinge(s, 1))(1.0) == (0.0, 0.0)
    assert value_and_grad(lambda s: nn.hinge(s, 0))([2.0, 1.0]) == (0.0, [0.0, 0.0])
    assert value_and_grad(lambda s: nn.hinge(s, 0, margin=0.0))([2.0, 2.0]) == (0.0, [0.0, 0.0])


def test_zero_times_log_of_zero_is_zero() -> None:
    p, q = [0.5, 0.5, 0.0], [0.5, 0.5, 0.0]
    assert nn.entropy(p) == pytest.approx(math.log(2), rel=1e-15)
    assert nn.kl_divergence(p, q) == 0.0
    assert nn.cross_entropy(q, p) == pytest.approx(math.log(2), rel=1e-15)
    assert nn.binary_cross_entropy([0.0, 1.0], [0, 1]) == 0.0
    assert grad(lambda q: nn.cross_entropy(q, [0.0, 1.0]))([0.0, 1.0]) == [0.0, -1.0]
    assert "-0" not in repr([nn.entropy([1, 0]), nn.cross_entropy([1, 0], 0), nn.binary_cross_entropy(1, 1)])


def test_penalties() -> None:
    w = values([1.0, -2.0, 0.0])
    nn.l2(w, 0.5).backward()
    assert [x.grad for x in w] == [1.0, -2.0, 0.0]
    assert value_and_grad(lambda w: nn.l1(w, 0.5))([1.0, -2.0, 0.0]) == (1.5, [0.5, -0.5, 0.0])
    assert (nn.l1(iter([1.0, -2.0]), 0.0), nn.l2(iter([1.0, -2.0]), 2), nn.l2([], 0.1)) == (0.0, 10.0, 0.0)
    assert finite_differences(lambda w: nn.l2(w, 0.5), [[1.0, -2.0]]) == pytest.approx([1.0, -2.0])


def test_probabilities_may_miss_their_sum_by_rounding() -> None:
    assert nn.entropy([0.5, 0.5 + 5e-7]) == pytest.approx(math.log(2), rel=1e-6)
    assert nn.entropy([0.1] * 10) == pytest.approx(math.log(10), rel=1e-15)


def test_argmax_and_one_hot() -> None:
    assert nn.argmax([1.0, 3.0, 3.0]) == 1
    assert nn.argmax(values([-1.0, -2.0])) == 0
    assert type(nn.argmax(np.array([1.0, 2.0]))) is int
    assert nn.one_hot(np.int64(0), 2) == [1.0, 0.0]
