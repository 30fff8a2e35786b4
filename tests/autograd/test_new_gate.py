"""Guards the promise of one row, many readers: a gate that the project has never seen goes through every reader."""

from __future__ import annotations

import copy
import math
import pickle
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import autograd
from autograd import GATES, Gate, Value, check_gradients, draw, explain, gate, grad, hessian, no_grad, to_dot
from autograd.__main__ import main
from autograd.gate import POSITIVE, Kink


@pytest.fixture
def swish() -> Iterator[Gate]:
    yield gate(
        "swish",
        "x·σ",
        lambda xp, x: x / (1 + xp.exp(-x)),
        lambda xp, out, x: out / x + out - out * out / x,
        domain=[POSITIVE],
        doc="x·σ(x).",
    )
    del GATES["swish"]


@pytest.fixture
def norm() -> Iterator[Gate]:
    def gradients(xp: Any, out: Any, *xs: Any) -> list[Any]:
        return [x / out for x in xs]

    yield gate("norm", "‖x‖", lambda xp, *xs: xp.sqrt(sum(x * x for x in xs)), gradients, domain=[POSITIVE])
    del GATES["norm"]


def test_it_is_recorded_and_differentiated(swish: Gate, norm: Gate) -> None:
    x = Value(1.5)
    y = norm([swish(x), 2.0])
    y.backward()
    assert (y.gate, y.inputs[0].gate) == (norm, swish)
    assert swish(1.5) == swish(x).data
    assert check_gradients(lambda x, y: norm(swish(x), y), [1.5, 2.0], raises=True)


def test_it_nests(swish: Gate, norm: Gate) -> None:
    assert check_gradients(grad(swish), [1.5], raises=True)
    matrix = hessian(lambda v: norm(v))([3.0, 4.0])
    assert [x for row in matrix for x in row] == pytest.approx([16 / 125, -12 / 125, -12 / 125, 9 / 125])


def test_it_is_drawn_and_explained(swish: Gate, norm: Gate) -> None:
    x = Value(1.5, "x")
    y = norm([swish(x), x])
    y.backward()
    assert "x·σ" in to_dot(y)
    assert "‖x‖" in draw(y).source
    walk = repr(explain(y))
    assert "v1 = swish(x)" in walk
    assert "v1/x + v1 − v1²/x" in walk


def test_it_is_replayed_copied_and_evaluated_without_recording(swish: Gate, norm: Gate) -> None:
    x = Value(1.5)
    y = norm([swish(x), x])
    for other in (copy.deepcopy(y), pickle.loads(pickle.dumps(y))):
        assert other.data == y.data
    with no_grad():
        assert norm([swish(x), x]).data == y.data
    x.data = 2.0
    assert y.forward() == norm([swish(2.0), 2.0])


def test_the_command_knows_it(swish: Gate, capsys: pytest.CaptureFixture[str], tmp_path: Any) -> None:
    assert main(["swish(x)", "x=1.5", "-o", str(tmp_path / "f.dot")]) == 0
    assert "f = swish(x)" in capsys.readouterr().out


def test_the_three_lines_of_the_readme() -> None:
    cube = autograd.gate(
        "cube", "x³", lambda xp, x: x * x * x, lambda xp, out, x: 3 * x * x, kink=Kink(lambda x: 1.0, "")
    )
    try:
        assert grad(cube)(2.0) == 12.0
    finally:
        del GATES["cube"]


# A choice in a rule computes both of its branches, whoever reads the rule, so that a guard of a domain is inside them.


@pytest.fixture
def bare() -> Iterator[Gate]:
    """log x for x > 0, else 0, with the guard outside."""
    yield gate("bare", "log⁺", lambda xp, x: xp.where(x > 0, xp.log(x), 0.0), lambda xp, out, x: 1.0)
    del GATES["bare"]


@pytest.fixture
def guarded() -> Iterator[Gate]:
    """The same with the guard inside."""

    def inside(xp: Any, x: Any) -> Any:
        return xp.where(x > 0, x, 1.0)

    yield gate(
        "guarded",
        "log⁺",
        lambda xp, x: xp.where(x > 0, xp.log(inside(xp, x)), 0.0),
        lambda xp, out, x: xp.where(x > 0, 1 / inside(xp, x), 0.0),
    )
    del GATES["guarded"]


def _moved(made: Value, leaf: Value, x: float) -> float:
    leaf.data = x
    return made.forward()


def _ways(f: Gate, x: float) -> list[Callable[[], Any]]:
    here = Value(2.0)
    made = f(here)
    return [
        lambda: f(x),
        lambda: f(Value(x)).data,
        lambda: _moved(made, here, x),
        lambda: autograd.value_and_grad(f)(x)[0],
        lambda: autograd.value_and_grad(f)(Value(x))[0].data,
        lambda: autograd.compile(lambda v: f(v[0]), v=1, gradient=False)([[x]])[0],
    ]


@pytest.mark.parametrize("x", [-1.0, 0.0, -0.0])
def test_a_domain_that_is_guarded_outside_is_refused_by_every_reader(bare: Gate, x: float) -> None:
    for way in _ways(bare, x):
        with pytest.raises((ValueError, FloatingPointError)):
            way()
    assert all(way() == pytest.approx(math.log(3.0)) for way in _ways(bare, 3.0))


@pytest.mark.parametrize("x", [-1.0, 0.0, -0.0, 1.0, 3.0])
def test_a_domain_that_is_guarded_inside_is_answered_by_every_reader(guarded: Gate, x: float) -> None:
    expected = math.log(x) if x > 0 else 0.0
    assert [way() for way in _ways(guarded, x)] == pytest.approx([expected] * 6, rel=1e-15)
    expected = 1 / x if x > 0 else 0.0
    here = Value(2.0)
    replayed = grad(guarded)(here)
    program = autograd.compile(lambda v: grad(guarded)(v[0]), v=1, gradient=False)
    found = [grad(guarded)(x), grad(guarded)(Value(x)).data, _moved(replayed, here, x), program([[x]])[0]]
    assert found == pytest.approx([expected] * 4, rel=1e-15)


def test_a_slope_that_is_guarded_outside_is_refused_by_every_reader() -> None:
    slope = gate("slope", "s", lambda xp, x: xp.maximum(x, 0.0), lambda xp, out, x: xp.where(x > 0, x / x, 0.0))
    try:
        here = Value(2.0)
        made = slope(Value(0.0))
        replayed = grad(slope)(here)
        ways: list[Callable[[], Any]] = [
            made.backward,
            lambda: grad(slope)(0.0),
            lambda: grad(slope)(Value(0.0)),
            lambda: _moved(replayed, here, 0.0),
            lambda: autograd.compile(lambda v: grad(slope)(v[0]), v=1, gradient=False)([[0.0]]),
        ]
        for way in ways:
            with pytest.raises(ArithmeticError):
                way()
    finally:
        del GATES["slope"]


# One local rule for any number of inputs returns one slope per input.


@pytest.fixture(params=[1, -1])
def miscounting(request: pytest.FixtureRequest) -> Iterator[Gate]:
    """A gate whose local rule returns one slope too many, or too few, of two inputs."""
    more = request.param
    yield gate(
        "miscounting", "Σ", lambda xp, *xs: sum(xs), lambda xp, out, *xs: [1.0] * (len(xs) + more * (len(xs) == 2))
    )
    del GATES["miscounting"]


def test_another_number_of_slopes_than_inputs_is_refused_by_name(miscounting: Gate) -> None:
    def once() -> Any:
        miscounting(Value(1.0), Value(2.0)).backward()

    two: Callable[..., Any] = lambda a, b: miscounting(a, b)  # noqa: E731
    w = Value(1.0)
    ways: list[Callable[[], Any]] = [
        once,
        once,
        once,
        lambda: grad(two)(1.0, 2.0),
        lambda: grad(two)(Value(1.0), Value(2.0)),
        lambda: check_gradients(two, [1.0, 2.0]),
        lambda: autograd.compile(lambda v: miscounting(v[0] * w, v[1]), [w], v=2).value_and_grad([[1.0, 2.0]]),
    ]
    for way in ways:
        with pytest.raises(TypeError, match=r"miscounting must return one slope per input, 2 here, got [13]\b"):
            way()
    x = Value(1.0)
    miscounting(x, x, x).backward()
    assert x.grad == 3.0


@pytest.mark.parametrize(("slopes", "words"), [([1.0] * 7, "3 here, got 7"), (1.0, "must be a list")])
def test_a_rule_that_never_counts_right_is_refused_when_declared(slopes: Any, words: str) -> None:
    with pytest.raises(TypeError, match=words):
        gate("uncounted", "Σ", lambda xp, *xs: sum(xs), lambda xp, out, *xs: slopes)
