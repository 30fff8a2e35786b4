"""Guards the words of errors: they name what the caller wrote, and say what to write instead."""

from __future__ import annotations

import array
import math
import operator
import re
from collections.abc import Callable
from typing import Any

import numpy
import pytest

import autograd
from autograd import Value, explain
from autograd.beside import ATTRIBUTES, FUNCTIONS

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


# Names of other libraries


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_an_attribute_of_another_library_says_what_to_write(name: str) -> None:
    v: Any = Value(3.0) * 2
    words = re.escape(f"a Value has no attribute {name!r}: write {ATTRIBUTES[name]}")
    with pytest.raises(AttributeError, match=words):
        getattr(v, name)
    with pytest.raises(AttributeError, match=words):
        setattr(v, name, None)
    assert not hasattr(v, name)
    assert not hasattr(Value, name)


def test_what_nobody_has_is_pythons_own_error() -> None:
    v: Any = Value(3.0)
    for name in ("__array__", "__array_interface__", "__index__", "__len__", "_ipython_display_", "colour"):
        with pytest.raises(AttributeError, match=name):
            getattr(v, name)


@pytest.mark.parametrize(
    "make",
    [
        lambda a: Value(3.0, (a, a), "+"),  # type: ignore[arg-type]
        lambda a: Value(3.0, (a, a)),  # type: ignore[arg-type]
        lambda a: Value(3.0, {a}, "+", "name"),  # type: ignore[arg-type]
        lambda a: Value(3.0, "name", "+"),  # type: ignore[arg-type]
        lambda a: Value(3.0, None, "+"),  # type: ignore[arg-type]
    ],
)
def test_a_value_is_not_given_its_inputs(make: Callable[[Value], Value]) -> None:
    with pytest.raises(TypeError, match=r"must be .*, got .*: write Value\(data, 'name'\).* a \+ b"):
        make(Value(1.0))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_of_another_library_says_what_to_write(name: str) -> None:
    with pytest.raises(AttributeError, match=rf"autograd'? has no attribute '{name}': write "):
        getattr(autograd, name)


def test_a_name_that_nobody_has_is_pythons_own_error() -> None:
    with pytest.raises(AttributeError, match=r"module 'autograd' has no attribute 'colour'$"):
        _ = autograd.colour  # type: ignore[attr-defined]
    with pytest.raises(ImportError, match="cannot import name 'colour'"):
        exec("from autograd import colour")


# Everyday mistakes


MISTAKES: dict[str, tuple[Callable[[Any], Any], str]] = {
    "//": (lambda v: v // 2, r"// is not a gate; write math\.floor"),
    "// of a number": (lambda v: 2 // v, r"// is not a gate; write math\.floor"),
    "//=": (lambda v: exec("v //= 2", {"v": v}), r"// is not a gate"),
    "%": (lambda v: v % 2.0, r"% is not a gate; write a\.data % b\.data"),
    "% of a number": (lambda v: 2 % v, r"% is not a gate; write a\.data % b\.data"),
    "@": (lambda v: v @ v, r"@ is not a gate; write a \* b, or autograd\.dot"),
    "round": (round, r"write round\(v\.data\)"),
    "round to digits": (lambda v: round(v, 2), r"write round\(v\.data\)"),
    "floor": (math.floor, r"write v\.data"),
    "ceil": (math.ceil, r"write v\.data"),
    "sqrt": (math.sqrt, r"autograd\.exp\(v\) instead of math\.exp"),
    "isnan": (math.isnan, r"write v\.data"),
    "int": (int, r"write v\.data"),
    "complex": (complex, r"write v\.data"),
    "bool": (bool, r"v > 0 instead of if v"),
    "not": (lambda v: not v, r"v > 0 instead of if v"),
    "if": (lambda v: 1 if v else 0, r"v > 0 instead of if v"),
    "and": (lambda v: v and 1, r"v > 0 instead of if v"),
    "any": (lambda v: any([v]), r"v > 0 instead of if v"),
    "%f": (lambda v: operator.mod("%f", v), r"write v\.data"),
    "the array of floats": (lambda v: numpy.array([v], dtype=float), r"write v\.data"),
    "a float of a list": (lambda v: array.array("d", [v]), r"write v\.data"),
    "index": (lambda v: [1, 2][v], "Value"),
    "range": (lambda v: range(v), "Value"),
    "subscript": (lambda v: v[0], "Value"),
    "len": (len, "Value"),
    "iteration": (list, "Value"),
    "unpacking": (lambda v: exec("a, b = v", {"v": v}), "Value"),
    "membership": (lambda v: 1 in v, "Value"),
    "call": (lambda v: v(2.0), "Value"),
    "&": (lambda v: v & 1, "Value"),
    "three-argument pow": (lambda v: pow(v, 2, 3), "pow"),
    "a str": (lambda v: v + "1", r"add needs a number, not the str '1': write float"),
    "a list": (lambda v: v * [1.0], r"mul needs a number, not a list: make one Value per entry"),
    "None": (lambda v: None - v, r"sub needs a number, not None: does the function"),
    "a complex": (lambda v: v / 1j, r"div needs a number, not the complex 1j"),
    "abs twice": (lambda v: autograd.abs(v, v), r"abs\(x\): too many positional arguments"),
    "dot of one list": (lambda v: autograd.dot([v]), r"^dot\(w, x, bias=0\.0\): missing a required argument: 'x'"),
    "dot of floats": (lambda _: autograd.dot([1.0]), r"^dot\(w, x, bias=0\.0\): missing a required argument: 'x'"),
    "dot of nothing": (lambda _: autograd.dot(), r"^dot\(w, x, bias=0\.0\): missing a required argument: 'w'"),
    "dot of four": (lambda v: autograd.dot([v], [v], v, v), r"^dot\(w, x, bias=0\.0\): too many positional arguments"),
    "dot's keyword": (lambda v: autograd.dot([v], [v], b=v), r"^dot\(w, x, bias=0\.0\): .* keyword argument 'b'"),
    "max with a key": (lambda v: autograd.max([v], key=abs), r"^max\(\*xs\): .* keyword argument 'key'"),
    "sum with a start": (lambda v: autograd.sum([v], start=v), r"^sum\(\*xs\): .* keyword argument 'start'"),
    "logsumexp along an axis": (lambda v: autograd.logsumexp(v, axis=0), r"^logsumexp\(\*xs\): .* 'axis'"),
    "sigmoid of nothing": (lambda _: autograd.sigmoid(), r"^sigmoid\(x\): missing a required argument: 'x'"),
    "dot of a generator and a number": (lambda v: autograd.dot((x for x in [v]), 1.0), r"^dot, for x, needs a list"),
    "a seed": (lambda v: v.backward("1"), r"the seed of backward needs a number, not the str"),
    "a label": (lambda v: setattr(v, "label", 3), r"the label of a Value must be a str, got 3"),
    "data": (lambda v: setattr(v, "data", v), r"data needs a number, not a Value: .*\.data"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_an_everyday_mistake_is_a_type_error_that_says_what_to_write(name: str) -> None:
    mistake, words = MISTAKES[name]
    v = Value(2.0, "v")
    with pytest.raises(TypeError, match=words):
        mistake(v)
    assert (v.data, v.grad, v.label) == (2.0, 0.0, "v")


def test_the_largest_of_nothing_names_its_gate() -> None:
    for gate in (autograd.max, autograd.logsumexp):
        with pytest.raises(ValueError, match=f"^{gate.name} of an empty list has no value"):
            gate()


def test_what_is_not_a_gate_leaves_others_their_turn() -> None:
    class Matrix:
        def __rmatmul__(self, other: Any) -> str:
            return "matrix"

        __rfloordiv__ = __rmod__ = __rmatmul__

    v: Any = Value(2.0)
    assert v @ Matrix() == v // Matrix() == v % Matrix() == "matrix"


def test_equality_is_identity() -> None:
    """So that Values are keys of dicts and sets; `v.data == 3` compares numbers."""
    v: Any = Value(3.0)
    assert v != 3
    assert v not in [3.0, Value(3.0)]
    assert v in [3.0, v]
    assert [3.0, v].index(v) == 1


def test_pythons_own_choices_compare_data() -> None:
    v, w = Value(1.0), Value(2.0)
    assert max(v, w) is w
    assert min([w, v]) is v
    assert sorted([w, v]) == [v, w]
    assert sum([]) == 0
    assert 1 < v + w < 4


def test_formats() -> None:
    v = Value(math.pi)
    assert f"{v:.2f} {v:8.3e} {v:+g}" == "3.14 3.142e+00 +3.14159"
    assert f"{v!r}" == f"{v}" == str(v)
    with pytest.raises(ValueError, match="format code"):
        f"{v:d}"
