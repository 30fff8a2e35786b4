"""Guards numpy beside a Value: a ufunc of a Value records a gate that replays, or is refused by name.

Where numpy holds Values in an array of objects, its choices compare data as Python's own `max` does; a function that is
recorded for all data refuses them.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator
from typing import Any

import numpy
import pytest
from hypothesis import given, strategies as st

import autograd
from autograd import GATES, Value, compile, gate

np: Any = numpy  # whose stubs know nothing of Values
Ufunc = Callable[..., Any]

ONE: dict[str, Ufunc] = {
    "exp": np.exp, "expm1": np.expm1, "log1p": np.log1p, "sin": np.sin, "cos": np.cos, "tanh": np.tanh,
    "negative": np.negative, "positive": np.positive, "absolute": np.absolute, "fabs": np.fabs, "square": np.square,
    "sign": np.sign, "reciprocal": np.reciprocal, "conjugate": np.conjugate,
}  # fmt: skip
TWO: dict[str, Ufunc] = {
    "add": np.add, "subtract": np.subtract, "multiply": np.multiply, "divide": np.divide, "maximum": np.maximum,
    "minimum": np.minimum, "heaviside": np.heaviside, "logaddexp": np.logaddexp,
}  # fmt: skip
COMPARISONS: dict[str, Ufunc] = {
    "less": np.less, "less_equal": np.less_equal, "greater": np.greater, "greater_equal": np.greater_equal,
}  # fmt: skip
numbers = st.floats(-3, 3).filter(lambda x: abs(x) > 1e-3)


@pytest.mark.parametrize("name", ONE)
@given(x=numbers, later=numbers)
def test_a_ufunc_of_one_value_is_recorded_and_replays(name: str, x: float, later: float) -> None:
    ufunc, v = ONE[name], Value(0.25 if name == "log1p" else x)
    y = ufunc(v) * 3
    assert y.data == pytest.approx(3 * ufunc(v.data), rel=1e-15)
    v.data = 0.5 if name == "log1p" else later
    assert y.forward() == pytest.approx(3 * ufunc(v.data), rel=1e-15)


@pytest.mark.parametrize("name", TWO)
@given(a=numbers, b=numbers, later=numbers)
def test_a_ufunc_of_two_is_recorded_and_replays(name: str, a: float, b: float, later: float) -> None:
    ufunc = TWO[name]
    for left, right in ((Value(a), Value(b)), (Value(a), b), (a, Value(b)), (Value(a), np.float64(b))):
        y = ufunc(left, right) * 3
        assert isinstance(y, Value)
        for leaf in (left, right):
            if isinstance(leaf, Value):
                leaf.data = later
        now = [x.data if isinstance(x, Value) else x for x in (left, right)]
        assert y.forward() == pytest.approx(3 * ufunc(*now), rel=1e-14)


@pytest.mark.parametrize(("ufunc", "base"), [(np.sqrt, 4.0), (np.log, 4.0)])
def test_roots_and_logarithms(ufunc: Ufunc, base: float) -> None:
    v = Value(base)
    y = ufunc(v)
    v.data = 9.0
    assert y.forward() == ufunc(9.0)


@pytest.mark.parametrize("power", [np.power, np.float_power])
def test_powers(power: Ufunc) -> None:
    v = Value(3.0)
    assert power(v, 2.0).gate is power(2.0, v).gate is autograd.pow
    assert (power(v, 2.0).data, power(2.0, v).data, power(v, np.array([0.5, 2.0]))[1].data) == (9.0, 8.0, 9.0)


def test_a_choice_of_numpy_follows_the_data() -> None:
    z = Value(2.0)
    y = np.maximum(z, 0.0) * 3
    z.data = -1.0
    assert y.forward() == 0.0
    y.backward()
    assert z.grad == 0.0


def test_at_a_tie_a_choice_splits_the_gradient_as_the_gate_does() -> None:
    z = Value(0.0)
    np.maximum(z, 0.0).backward()
    assert z.grad == 0.5


@pytest.mark.parametrize(("x", "expected"), [(2.0, 1.0), (0.0, 0.0), (-2.0, -1.0)])
def test_the_sign_of_zero_is_that_of_numpy(x: float, expected: float) -> None:
    v = Value(1.0)
    y: Any = np.sign(v)
    v.data = x
    assert y.forward() == np.sign(x) == expected


CLIPS: dict[str, Callable[[Any], Any]] = {
    "both": lambda v: np.clip(v, -1.0, 1.0),
    "low": lambda v: np.clip(v, -1.0, None),
    "high": lambda v: np.clip(v, None, 1.0),
    "by name": lambda v: np.clip(v, a_min=-1.0, a_max=1.0),
    "values": lambda v: np.clip(v, Value(-1.0), Value(1.0)),
    "number": lambda v: np.clip(0.0, v, 3.0),
    "array": lambda v: np.clip(np.array([0.0, 1.0]), v, 3.0)[1],
    "method": lambda v: v.clip(-1.0, 1.0),
    "method, high": lambda v: v.clip(max=1.0),
}


@pytest.mark.parametrize("name", CLIPS)
@pytest.mark.parametrize(("x", "later"), [(0.5, 5.0), (5.0, -5.0), (-5.0, 0.5)])
def test_clipping_follows_the_data(name: str, x: float, later: float) -> None:
    v = Value(x)
    y = CLIPS[name](v)
    v.data = later
    if isinstance(y, Value) and y is not v:
        y.forward()
    assert (y.data if isinstance(y, Value) else y) == CLIPS[name](Value(later)).data


def test_clipping_into_an_array_is_refused() -> None:
    with pytest.raises(ValueError, match="without out"):
        np.clip(Value(1.0), 0.0, 1.0, out=np.zeros(()))


@pytest.mark.parametrize("name", COMPARISONS)
def test_a_comparison_of_numpy_compares_data(name: str) -> None:
    ufunc, v = COMPARISONS[name], Value(1.0)
    assert ufunc(v, 2.0) is ufunc(1.0, 2.0).item()
    assert ufunc(v, np.array([0.0, 1.0, 2.0])).tolist() == ufunc(1.0, np.array([0.0, 1.0, 2.0])).tolist()
    assert ufunc(np.array([0.0, 1.0, 2.0]), v).dtype == bool
    with pytest.raises(TypeError, match="a comparison does not work while compiling"):
        compile(lambda x: ufunc(x[0], 0.0) * x[0], x=1)


def test_equality_stays_identity() -> None:
    v, w = Value(1.0), Value(1.0)
    assert np.equal(v, v)
    assert not np.equal(v, w)
    assert np.not_equal(v, 1.0)
    assert (v == np.array([1.0, v], dtype=object)).tolist() == [False, True]


# Arrays


def test_arrays_beside_a_value_give_arrays_of_values() -> None:
    v: Any = Value(3.0)
    array = np.array([[1.0, -2.0], [0.5, 4.0]])
    for operate in (operator.add, operator.sub, operator.mul, operator.truediv, operator.pow):
        for made, plain in (
            (operate(np.abs(array), v), operate(np.abs(array), 3.0)),
            (operate(v, array), operate(3.0, array)),
        ):
            assert made.dtype == object
            assert made.shape == (2, 2)
            assert [x.data for x in made.ravel()] == pytest.approx(plain.ravel().tolist())


@pytest.mark.parametrize("ufunc", [np.maximum, np.minimum])
def test_choices_between_an_array_and_a_value_are_gates(ufunc: Ufunc) -> None:
    v, w = Value(2.0), Value(5.0)
    chosen = ufunc(np.array([1.0, 3.0]), v)
    mixed = ufunc(np.array([w, v]), v)
    assert {x.gate for x in (*chosen, *mixed)} == {GATES[ufunc.__name__]}
    v.data = 10.0
    assert [x.forward() for x in (*chosen, *mixed)] == [*ufunc([1.0, 3.0], 10.0), ufunc(5.0, 10.0), 10.0]


def test_elementary_functions_of_arrays_of_values_are_gates() -> None:
    for row in GATES.values():
        low, high = row.domain[0][0]
        numbers = [low + part * (high - low) for part in (0.6, 0.8)]
        x = np.array([*map(Value, numbers)])
        ufunc = getattr(np, row.name, None)
        if len(row.names) == 1 and not row.variadic and isinstance(ufunc, np.ufunc) and row.name != "sign":
            made = ufunc(x)
            assert [y.data for y in made] == pytest.approx(ufunc(np.array(numbers)).tolist(), rel=1e-14)
            assert all(y.inputs[0] is leaf for y, leaf in zip(made, x, strict=True))


def test_sums_products_and_norms_of_arrays_of_values() -> None:
    x = np.array([Value(3.0), Value(4.0)])
    found: list[Any] = [np.sum(x), np.prod(x), np.mean(x), np.dot(x, x), x @ x, np.linalg.norm(x), np.cumsum(x)[1]]
    assert [y.data for y in found] == pytest.approx([7.0, 12.0, 3.5, 25.0, 25.0, 5.0, 7.0])
    for y in found:
        assert y.gate is not None
    x[0].data = 6.0
    assert [y.forward() for y in found] == pytest.approx([10.0, 24.0, 5.0, 52.0, 52.0, 52.0**0.5, 10.0])


@pytest.mark.parametrize("statistic", [np.std, np.var])
def test_spread_of_arrays_of_values(statistic: Ufunc) -> None:
    x = np.array([Value(3.0), Value(5.0), Value(1.0)])
    y = statistic(x)
    x[0].data = 9.0
    assert y.forward() == pytest.approx(statistic([9.0, 5.0, 1.0]))
    assert statistic(np.array([x, x]), axis=1)[0].data == pytest.approx(statistic([9.0, 5.0, 1.0]))


def test_functions_of_one_value_that_numpy_applies_to_arrays() -> None:
    v = Value(3.0)
    for function in (np.sum, np.prod, np.max, np.min):
        assert function(v) is v
    assert (np.mean(v).data, np.dot(v, v).data) == (3.0, 9.0)
    assert np.array(v).dtype == np.array([v]).dtype == object
    assert np.asarray([[v, 1.0], [2.0, v]]).shape == (2, 2)
    with pytest.raises(TypeError, match=r"write v\.data for the number"):
        np.array([v], dtype=float)


def test_arrays_change_in_place_where_they_hold_objects() -> None:
    v = Value(3.0)
    x = np.array([Value(1.0), Value(2.0)])
    x *= v
    x += 1.0
    np.maximum(x, v, out=x)
    assert [y.data for y in x] == [4.0, 7.0]
    numbers = np.array([1.0, 2.0])
    changes: list[Ufunc] = [operator.iadd, operator.imul, lambda a, b: np.maximum(a, b, out=a)]
    for change in changes:
        with pytest.raises(TypeError, match=r"must be object, got float64: write array = array \+ v"):
            change(numbers, v)
    assert numbers.tolist() == [1.0, 2.0]


def test_methods_of_ufuncs() -> None:
    v, numbers = Value(3.0), np.array([1.0, 5.0])
    assert [x.data for x in np.multiply.outer(numbers, v)] == [3.0, 15.0]
    assert [x.data for x in np.maximum.outer(numbers, v)] == [3.0, 5.0]
    x = np.array([Value(1.0), Value(2.0)])
    np.add.at(x, [0, 0], v)
    assert [y.data for y in x] == [7.0, 2.0]
    for ufunc in (np.exp, np.abs):
        with pytest.raises(TypeError, match=r"the dtype that .* must be object, got float32"):
            ufunc(v, dtype=np.float32)
        with pytest.raises(TypeError, match=r"must be object, got .*Value"):
            ufunc(v, out=v)
        assert ufunc(v, dtype=object).data == ufunc(3.0)
    assert np.less(v, np.array([1.0, 5.0]), out=np.zeros(2, bool)).tolist() == [False, True]


def test_a_ufunc_made_of_a_python_function_runs_it() -> None:
    twice: Any = np.frompyfunc(lambda x: x * 2, 1, 1)
    assert twice(Value(3.0)).data == 6.0
    assert np.vectorize(lambda x: x * 2)(Value(3.0)).item().data == 6.0


def test_scalars_of_numpy_do_as_pythons_numbers_do() -> None:
    v = Value(4.0)
    assert np.float64(0.0) + v is v
    assert (np.float64(1.0) / v).gate is autograd.reciprocal
    assert (np.float32(2.0) * v).data == (v * np.int64(2)).data == (np.bool_(True) * v * 2).data == 8.0
    assert (np.array(2.0) * v).data == 8.0
    assert (np.longdouble(2.0) * v).data == (np.array([2.0], np.longdouble) * v)[0].data == 8.0
    for scalar in (np.complex128(1j), np.str_("1"), np.datetime64("2020-01-01")):
        with pytest.raises(TypeError, match="needs a number, not the"):
            np.maximum(scalar, v)


# What is no gate


REFUSED = {
    "fmax": (lambda v: np.fmax(v, 0.0), r"np\.maximum"),
    "fmin": (lambda v: np.fmin(v, 0.0), r"np\.minimum"),
    "fmax, array": (lambda v: np.fmax(np.array([1.0]), v), r"np\.maximum"),
    "floor": (np.floor, r"v\.data"),
    "ceil": (np.ceil, r"v\.data"),
    "trunc": (np.trunc, r"v\.data"),
    "rint": (np.rint, r"v\.data"),
    "isnan": (np.isnan, r"v\.data"),
    "isinf": (np.isinf, r"v\.data"),
    "isfinite": (np.isfinite, r"v\.data"),
    "signbit": (np.signbit, r"v\.data"),
    "//": (lambda v: np.floor_divide(v, 2.0), r"a\.data"),
    "//, array": (lambda v: v // np.array([1.0]), r"a\.data"),
    "%": (lambda v: np.mod(v, 2.0), r"a\.data"),
    "%, array": (lambda v: np.array([1.0]) % v, r"a\.data"),
    "fmod": (lambda v: np.fmod(v, 2.0), r"v\.data"),
    "logical_and": (lambda v: np.logical_and(v, True), r"v\.data"),
    "logical_not": (np.logical_not, r"v\.data"),
    "modf": (np.modf, r"v\.data"),
    "nextafter": (lambda v: np.nextafter(v, 1.0), r"v\.data"),
    "copysign": (lambda v: np.copysign(v, 1.0), r"v\.data"),
    "&": (lambda v: np.bitwise_and(v, 1), "operand"),
    "matmul": (lambda v: np.array([1.0]) @ v, r"\*"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_a_gate_is_refused_by_name(name: str) -> None:
    call, remedy = REFUSED[name]
    with pytest.raises(TypeError, match=rf"(?=.*{name.partition(',')[0]}).*{remedy}"):
        call(Value(1.5))


def test_a_gate_of_ones_own_answers_the_ufunc_of_an_operator_that_value_lacks() -> None:
    row = gate("remainder", "mod", lambda xp, a, b: a - b * xp.floor(a / b), None, None)
    try:
        assert [np.remainder(Value(7.0), 4.0).gate, (np.array([7.0]) % Value(4.0))[0].gate] == [row, row]
    finally:
        del GATES["remainder"]


@pytest.fixture
def floor() -> Iterator[Any]:
    yield gate("floor", "⌊x⌋", lambda xp, x: xp.floor(x), None, doc="x rounded down. No gradient.")
    del GATES["floor"]


def test_a_gate_of_ones_own_answers_the_ufunc_of_its_name(floor: Any) -> None:
    v = Value(1.5)
    y: Any = np.floor(v)
    v.data = -0.5
    assert (y.gate, y.forward()) == (floor, -1.0)
    assert [x.gate for x in np.maximum(np.floor(v), np.array([1.0]))] == [autograd.maximum]


def test_inputs_that_are_not_numbers_are_refused_with_the_remedy() -> None:
    v: Any = Value(1.0)
    for ufunc in (np.add, np.maximum):
        with pytest.raises(TypeError, match="needs a number, not the str '3'"):
            ufunc(v, np.array(["3"], dtype=object))
        with pytest.raises(TypeError, match="needs a number, not None"):
            ufunc(v, None)


def test_errors_of_gates_pass_through_numpy() -> None:
    with pytest.raises(ValueError, match=r"log: .*p = -1\.0"):
        np.log(Value(-1.0, "p"))
    with pytest.raises(OverflowError, match=r"exp: .*p = 1000\.0"):
        np.exp(Value(1000.0, "p"))


# Recorded for all data


@pytest.mark.parametrize(
    "function",
    [
        lambda x: np.maximum(x[0], 0.0) * 3,
        lambda x: np.clip(x[0], -1.0, 1.0) * x[1],
        lambda x: np.sum(np.maximum(np.array([1.0, -1.0]), x[0])) + np.exp(x[1]),
        lambda x: np.sign(x[0]) * np.abs(x[1]),
        lambda x: np.linalg.norm(np.array(x)),
        lambda x: np.array(x) @ np.array([2.0, 3.0]) - np.mean(np.tanh(np.array(x))),
        lambda x: np.var(np.array(x)),
    ],
)
def test_numpy_within_a_compiled_function(function: Callable[[Any], Any]) -> None:
    rows = [[0.5, 1.5], [-2.0, 0.3], [3.0, -1.0]]
    program = compile(function, x=2, gradient=False)
    assert program(rows).tolist() == pytest.approx([function([Value(x) for x in row]).data for row in rows])


def test_a_compiled_function_may_return_an_array_of_values() -> None:
    program = compile(lambda x: np.array(x) * 2.0, x=2, gradient=False)
    assert program([[1.0, 2.0]]).tolist() == [[2.0, 4.0]]


CHOICES: dict[str, Callable[[Any], Any]] = {
    "max": np.max,
    "min": np.min,
    "amax over an axis": lambda x: np.max(np.array([x, x]), axis=0)[0],
    "maximum": lambda x: np.maximum(x, 0.0)[0],
    "minimum of two": lambda x: np.minimum(x, x[::-1])[0],
    "fmax": lambda x: np.fmax(x, 0.0)[0],
    "clip": lambda x: np.clip(x, -1.0, 1.0)[0],
    "where": lambda x: np.where(x > 0, x, 0.0)[0],
    "where of the data": lambda x: np.where(x, x, 0.0)[0],
    "sort": lambda x: np.sort(x)[0],
    "argmax": lambda x: x[np.argmax(x)],
    "argsort": lambda x: x[np.argsort(x)[0]],
    "median": np.median,
    "ptp": np.ptp,
    "sign": lambda x: np.sign(x)[0] * x[0],
    "greater": lambda x: np.greater(x, 0.0)[0] * x[0],
    "any": lambda x: np.any(x) * x[0],
    "unique": lambda x: np.unique(x)[0],
    "isin": lambda x: np.isin(x, [1.0])[0] * x[0],
    "array_equal": lambda x: np.array_equal(x, [1.0, 2.0]) * x[0],
    "nonzero": lambda x: x[np.nonzero(x)][0],
    "searchsorted": lambda x: np.searchsorted(x, 0.0) * x[0],
    "nanmax": np.nanmax,
    "heaviside": lambda x: np.heaviside(x, 0.0)[0] * x[0],
    "round": lambda x: np.round(x)[0],
    "floor": lambda x: np.floor(x)[0] * x[0],
    "astype": lambda x: x.astype(float)[0] * x[0],
    "isnan": lambda x: np.isnan(x)[0] * x[0],
}


@pytest.mark.parametrize("name", CHOICES)
def test_choices_over_arrays_of_values_are_refused_in_a_function_for_all_data(name: str) -> None:
    with pytest.raises(TypeError):
        compile(lambda x: CHOICES[name](np.array(x)), x=2)


def test_choices_over_arrays_of_values_compare_data_as_pythons_max_does() -> None:
    a, b = Value(1.0), Value(2.0)
    x = np.array([b, a])
    assert np.max(x) is max(x) is b
    assert [*np.sort(x)] == sorted(x) == [a, b]
    assert np.argmax(x) == 0
    assert [*np.maximum(x, 1.5)] == [b, 1.5]
    assert np.where(x > 1.5, x, 0.0).tolist() == [b, 0.0]


def test_masked_arrays_keep_their_mask_or_are_refused() -> None:
    v, masked = Value(3.0), np.ma.array([1.0, 5.0], mask=[False, True])
    for made in (np.multiply(masked, v), np.add(v, masked), np.maximum(masked, v)):
        assert made.mask.tolist() == [False, True]
        assert made[0].gate is not None
    for operate in (operator.add, operator.sub, operator.mul, operator.truediv, operator.pow):
        for x, y in ((v, masked), (masked, v)):
            with pytest.raises(TypeError, match=r"write np\.multiply\(array, v\) instead of array \* v"):
                operate(x, y)


def test_the_engine_needs_no_numpy() -> None:
    v = Value(1.0)
    assert math.isclose((v.exp() * 2).data, 2 * math.e)
    assert not hasattr(v, "__array__")
    assert not hasattr(v, "__array_interface__")
    assert not hasattr(v, "__array_struct__")
