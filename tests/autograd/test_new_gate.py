"""Guards the promise of one row, many readers: a gate that the project has never seen goes through every reader."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Iterator
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
