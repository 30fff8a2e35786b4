"""Guards the words of errors: they name what the caller wrote, and say what to write instead."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

import autograd
from autograd import Value, explain

# Names


def test_a_stale_graph_names_its_nodes_as_explain_does() -> None:
    w0, x0, b = Value(2.0), Value(-1.0), Value(-3.0)
    f = (w0 * x0 + b).tanh()
    assert "v1 = w0·x0 = -2" in str(explain(f))
    w0.data = 1.0
    with pytest.raises(
        RuntimeError, match=r"v1 = w0·x0 was computed as -2\.0, and its input w0 has changed since, to 1\.0"
    ):
        f.backward()


def test_a_label_comes_before_the_name_of_a_variable() -> None:
    w = Value(2.0, "weight")
    z = w * 3
    f = z + 1
    w.data = 1.0
    with pytest.raises(RuntimeError, match=r"z = weight·c1 was computed as 6\.0, and its input weight has changed"):
        f.backward()


def test_nodes_without_a_name_are_numbered() -> None:
    def build(leaf: Value) -> Value:
        return autograd.exp(leaf * leaf) + 1

    leaves = {"first": Value(2.0), "second": Value(1.0)}  # no variable holds one
    root = build(leaves["first"]) * leaves["second"]
    leaves["second"].data = 3.0
    with pytest.raises(RuntimeError, match=r"root = v3·x2 was computed as .*, and its input x2 has changed"):
        root.backward()
    leaves["first"].data = 3.0
    with pytest.raises(RuntimeError, match=r"v1 = x1² was computed as 4\.0, and its input x1 has changed"):
        root.backward()


def test_names_are_found_in_lists_of_the_caller() -> None:
    w, x = [Value(1.0), Value(2.0)], [Value(3.0), Value(4.0)]
    f = w[0] * x[0] + w[1] * x[1]
    w[1].data = 0.0
    with pytest.raises(RuntimeError, match=r"= w\[1\]·x\[1\] was computed as 8\.0, and its input w\[1\] has changed"):
        f.backward()


@pytest.mark.parametrize("differentiate", [Value.backward, autograd.adjoints])
def test_a_slope_that_does_not_exist_names_gate_node_and_inputs(differentiate: Callable[[Value], Any]) -> None:
    p = Value(0.0)
    f = autograd.sqrt(p * 2) + 1
    with pytest.raises(ZeroDivisionError, match=r"backward through sqrt 'v2': .*at v1 = 0\.0"):
        differentiate(f)
    g = p**0.5
    with pytest.raises(ZeroDivisionError, match=r"backward through pow 'g': .*at p = 0\.0, c1 = 0\.5"):
        differentiate(g)


def test_a_replay_that_fails_names_its_inputs() -> None:
    p = Value(4.0)
    f = autograd.log(p - 1) + 1
    p.data = 1.0
    with pytest.raises(ValueError, match=re.escape("(at v1 = 0.0)")):
        f.forward()
    g = autograd.log(p) + 1
    p.data = -2.0
    with pytest.raises(ValueError, match=re.escape("(at p = -2.0)")):
        g.forward()


def test_errors_of_deep_graphs_take_no_recursion() -> None:
    x = Value(1.0)
    y = x
    for _ in range(20_000):
        y = y * 1.0
    x.data = 2.0
    with pytest.raises(RuntimeError, match=r"v1 = x·c1 was computed as 1\.0, and its input x has changed"):
        y.backward()
