"""Tests Value at the prompt: accepted numbers, comparison, repr, and errors."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

import autograd
from autograd import Value
from autograd.testing import values

OPERATORS = [operator.add, operator.sub, operator.mul, operator.truediv, operator.pow]


@pytest.mark.parametrize(
    "number", [3, 3.0, True, np.float64(3), np.float32(3), np.int64(3), np.bool_(True), Fraction(3)]
)
@pytest.mark.parametrize("operate", OPERATORS)
def test_numbers_are_taken_on_either_side(operate: Callable[[Any, Any], Any], number: Any) -> None:
    v = Value(2.0)
    right, left = operate(v, number), operate(number, v)
    assert isinstance(right, Value)
    assert isinstance(left, Value)
    assert right.data == operate(2.0, float(number))
    assert left.data == operate(float(number), 2.0)
    assert type(right.data) is float
    assert Value(number).data == float(number)


BAD: list[tuple[Any, str]] = [
    ("3", "write float"),
    (None, "does the function that made it return"),
    (1j, "gates are real"),
    ([1.0], "one Value per entry"),
    ((1.0,), "one Value per entry"),
    ({}, "one Value per entry"),
]


@pytest.mark.parametrize(
    ("bad", "remedy"), [*BAD, (np.array([1.0]), "tolist"), (Decimal(1), "write float"), (object(), "float")]
)
def test_a_value_of_anything_else_is_refused_with_the_remedy(bad: Any, remedy: str) -> None:
    with pytest.raises(TypeError, match=remedy):
        Value(bad)
    with pytest.raises(TypeError, match=remedy):
        autograd.exp(bad) if not isinstance(bad, (list, tuple)) else autograd.maximum(bad, 1.0)


@pytest.mark.parametrize(("bad", "remedy"), BAD)
@pytest.mark.parametrize("operate", [*OPERATORS, operator.lt, operator.ge])
def test_operators_refuse_with_the_remedy(operate: Callable[[Any, Any], Any], bad: Any, remedy: str) -> None:
    for x, y in ((Value(1.0), bad), (bad, Value(1.0))):
        with pytest.raises(TypeError, match=remedy) as refusal:
            operate(x, y)
        assert "needs a number" in str(refusal.value)


def test_what_knows_values_better_than_we_gets_its_turn() -> None:
    class Foreign:
        def __rmul__(self, other: Value) -> str:
            return f"times {other.data}"

    assert Value(2.0) * Foreign() == "times 2.0"
    with pytest.raises(TypeError, match="unsupported operand"):
        Value(2.0) + Foreign()  # type: ignore[operator]


def test_a_value_of_a_value_and_a_label_that_is_no_text() -> None:
    with pytest.raises(TypeError, match="use it as it is"):
        Value(Value(1.0))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="label of a Value must be a str"):
        Value(1.0, 2)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="'input', 'parameter' or 'constant'"):
        Value(1.0, role="weight")
    with pytest.raises(OverflowError, match=r"1\.8e308"):
        Value(10**400)


def test_numpy_arrays_beside_a_value_give_object_arrays_of_values() -> None:
    v: Any = Value(3.0)
    array = np.array([1.0, 2.0])
    for product in (v * array, array * v):
        assert product.dtype == object
        assert [x.data for x in product] == [3.0, 6.0]
    assert (array + v).sum().data == 9.0
    assert list(v < np.array([1.0, 5.0])) == [False, True]
    assert np.exp(v).data == math.exp(3.0)
    assert np.log1p(v).data == math.log1p(3.0)
    assert isinstance(np.float64(2.0) * v, Value)
    assert (np.array(2.0) * v).data == 6.0
    total = (np.array([Value(1.0), Value(2.0)]) @ np.array([v, v])).data
    assert total == 9.0


def test_comparisons_are_of_data_and_equality_is_identity() -> None:
    a, b = Value(1.0), Value(2.0)
    one: Any = 1.0
    assert a < b <= Value(2.0) < 3 and 3 > b >= 2.0
    assert (a < b) is True
    assert max(a, b) is b
    assert sorted([b, a]) == [a, b]
    assert a == a
    assert a != Value(1.0)
    assert a != one
    assert len({a, b, Value(1.0)}) == 3


@pytest.mark.parametrize("leave", [float, int, bool, complex, math.exp, lambda v: 1 if v else 0, lambda v: not v])
def test_leaving_the_graph_is_refused(leave: Callable[[Value], Any]) -> None:
    with pytest.raises(TypeError, match=r"write v\.data for the number.*autograd\.exp"):
        leave(Value(1.0))


@pytest.mark.parametrize("operate", [operator.floordiv, operator.mod, operator.matmul])
def test_operators_that_are_no_gates(operate: Callable[[Any, Any], Any]) -> None:
    with pytest.raises(TypeError, match="unsupported operand"):
        operate(Value(1.0), Value(2.0))


def test_printing() -> None:
    x = Value(2, "x")
    assert repr(x) == "Value(data=2.0, grad=0.0, label='x')"
    assert repr(Value(0.5) * 2) == "Value(data=1.0, grad=0.0, gate=mul)"
    assert f"{x:.2f} {x:>6.1f}" == "2.00    2.0"
    assert f"{x}" == str(x) == repr(x)


def test_only_a_leafs_data_can_be_set() -> None:
    x = Value(2.0)
    y = x * 3
    with pytest.raises(AttributeError, match="only a leaf's data"):
        y.data = 1.0
    with pytest.raises(TypeError, match="data needs a number"):
        x.data = "3"  # type: ignore[assignment]
    x.data = np.float32(4)  # type: ignore[assignment]
    assert type(x.data) is float
    for name in ("inputs", "gate", "scope"):
        with pytest.raises(AttributeError):
            setattr(x, name, None)
    with pytest.raises(AttributeError, match="only a leaf has a role"):
        y.role = "constant"


def test_there_are_no_subclasses_of_value_and_no_new_attributes() -> None:
    with pytest.raises(TypeError, match=r"write a function of Values, or a gate"):
        type("Mine", (Value,), {})
    with pytest.raises(AttributeError):
        Value(1.0).gradient = 3  # type: ignore[attr-defined]


def test_nodes_keep_inputs_in_order_and_twice_if_used_twice() -> None:
    x, y = Value(2.0), Value(3.0)
    assert (x - y).inputs == (x, y)
    assert (x + x).inputs == (x, x)
    assert autograd.sum([x, y, x]).inputs == (x, y, x)
    assert autograd.sum([x]).inputs == (x,)
    assert autograd.where(x, y, x).inputs == (x, y, x)
    assert (x.gate, x.inputs, (-x).gate) == (None, (), autograd.neg)


def test_roles_and_constants() -> None:
    x = Value(2.0)
    two = (x * 2).inputs[1]
    assert (x.role, two.role, two.data, (x * 2).role) == ("input", "constant", 2.0, None)
    assert Value(1.0, role="parameter").role == "parameter"
    y = x * 2
    y.backward()
    assert (x.grad, two.grad) == (2.0, 0.0)
    x.role = "constant"  # as freezing a model does
    y.backward()
    assert x.grad == 2.0


def test_sums_draw_clean_and_one_over_is_the_reciprocal_gate() -> None:
    x, y = Value(2.0), Value(4.0)
    assert 0 + x is x
    assert +x is x
    total = sum([x, y])
    assert isinstance(total, Value)
    assert total.inputs == (x, y)
    assert (1 / x).gate is autograd.reciprocal
    assert (3 / x).gate is autograd.div
    assert (x + 0).gate is autograd.add


def test_powers() -> None:
    x = Value(2.0)
    assert (x**-1).data == 0.5
    assert (x**0.5).data == math.sqrt(2)
    assert (3**x).data == 9.0
    assert (Value(-2.0) ** 2).data == 4.0
    for base, exponent, error in (
        (-8.0, 1 / 3, ValueError),
        (0.0, -1.0, ZeroDivisionError),
        (10.0, 400, OverflowError),
    ):
        with pytest.raises(error, match=r"pow: .*base = "):
            Value(base, "base") ** exponent


@pytest.mark.parametrize(
    ("compute", "error", "words"),
    [
        (lambda: autograd.log(Value(0.0, "p")), ValueError, r"log: .*p = 0\.0"),
        (lambda: autograd.log(0.0), ValueError, r"log: .*x = 0\.0"),
        (lambda: autograd.exp(Value(1000.0)), OverflowError, r"exp: .*x = 1000\.0"),
        (lambda: 1 / Value(0.0, "q"), ZeroDivisionError, r"reciprocal: .*q = 0\.0"),
        (lambda: Value(2.0) / 0, ZeroDivisionError, r"div: .*b = 0\.0"),
        (lambda: autograd.sqrt(Value(-1.0)), ValueError, r"sqrt: "),
        (lambda: autograd.max([]), ValueError, "max of an empty list"),
        (lambda: autograd.dot([Value(1.0)], [1.0, 2.0]), ValueError, "w has 1 entries, x has 2"),
        (lambda: autograd.dot(1.0, [1.0]), TypeError, "dot, for w, needs a list"),
        (lambda: autograd.maximum(Value(1.0)), TypeError, r"maximum\(a, b\): missing"),
        (lambda: autograd.leaky_relu(Value(1.0), slop=2), TypeError, r"leaky_relu\(x, slope=0\.1\): .*slop"),
    ],
)
def test_what_math_refuses_is_refused_naming_gate_and_inputs(
    compute: Callable[[], Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        compute()


def test_nan_and_infinity_are_numbers() -> None:
    assert math.isnan(Value(math.nan).data)
    v = Value(math.inf)
    (v * 2).backward()
    assert v.grad == 2.0


@given(values())
def test_leaves_start_without_gradient(v: Value) -> None:
    assert (v.grad, v.role, v.inputs) == (0.0, "input", ())


def test_a_number_that_a_derivative_has_taken_stays_that_number() -> None:
    x = Value(3.0)
    y = x * x * 2
    number = y.inputs[1]
    number.data = 4.0
    assert y.forward() == 36.0
    z = x**2
    autograd.grad(lambda v: v**2)(x)
    z.inputs[1].data = 3.0
    assert z.forward() == 27.0, "no derivative was taken of this one"
    exponents = []

    def power(v: Value) -> Value:
        y = v**2
        exponents.append(y.inputs[1])
        return y

    slope = autograd.grad(power)(x)
    with pytest.raises(AttributeError, match=r"data of a number in an expression .* Value\(2\.0\)"):
        exponents[0].data = 5.0
    assert slope.forward() == 6.0


NOTES: list[tuple[str, Any]] = [
    ("_label", "x"), ("_label", "loss"), ("_label", None), ("_scope", "layer1"), ("_scope", ("layer1", "model.py:3")),
    ("_scope", None), ("_seed", 1.0), ("_seed", -0.5), ("_seed", None),
]  # fmt: skip


@given(st.lists(st.sampled_from(NOTES), max_size=8), st.booleans())
def test_a_slot_that_is_rarely_used_holds_what_was_set_last(writes: list[tuple[str, Any]], leaf: bool) -> None:
    """Whichever others are set: the compiled engine holds them together."""
    x = Value(2.0)
    node, last = x if leaf else x * x, dict.fromkeys(slot for slot, _ in NOTES)
    for slot, value in writes:
        setattr(node, slot, value)
        last[slot] = value
        assert {each: getattr(node, each, None) for each in last} == last
    node.backward()
    assert (node._seed, node.label, x.grad) == (1.0, last["_label"], 1.0 if leaf else 4.0)
