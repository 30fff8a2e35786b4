"""`take`: a row by a whole number, which may be an input of a compiled program."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from autograd import Value, compile, dot, take
from autograd.compiling.forms import Executor
from autograd.indexing import as_index, hits
from tests import fuzz

TABLE = [[0.5, -1.0], [2.0, 3.0], [-4.0, 0.25], [1.5, 1.0]]


def values() -> list[list[Value]]:
    return [[Value(x) for x in row] for row in TABLE]


@pytest.mark.parametrize("i", [2, 2.0, np.int64(2), np.float64(2.0), True + 1])
def test_a_plain_number_picks_the_row_itself(i: Any) -> None:
    table = values()
    assert take(table, i) is table[2]
    assert take([7.0, 8.0, 9.0], i) == 9.0


@given(st.integers(0, 3))
def test_a_value_records_a_product_with_a_one_hot_row(k: int) -> None:
    table, i = values(), Value(float(k))
    row = take(table, i)
    assert [entry.data for entry in row] == TABLE[k]
    (row[0] * row[1]).backward()
    expected = [[0.0, 0.0] for _ in TABLE]
    expected[k] = TABLE[k][::-1]
    assert [[v.grad for v in entries] for entries in table] == expected
    assert i.grad == 0.0
    assert take([1.0, 2.0, 3.0, 4.0], i).data == k + 1.0


@pytest.mark.parametrize("i", [-1, 4, 1.5, float("nan"), float("inf"), "1", None, 10**400])
def test_what_is_not_a_place_is_refused(i: Any) -> None:
    with pytest.raises(ValueError, match="take: i must be a whole number from 0 to 3"):
        take(values(), i)
    if isinstance(i, (int, float)) and i != 10**400:
        with pytest.raises(ValueError, match="take: i must be a whole number from 0 to 3"):
            take(values(), Value(i))


def test_tables_without_rows_or_of_unequal_rows() -> None:
    with pytest.raises(ValueError, match="take: table"):
        take([], 0)
    with pytest.raises(TypeError, match="take: table"):
        take(3.0, 0)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"take: table\[1\] must have 2 entries"):
        take([[1.0, 2.0], [3.0]], Value(0.0))


@given(st.floats(-3.0, 8.0) | st.sampled_from([-0.5, 3.5, 4.0, -1.0, 2.0**53, -(2.0**60), float("nan")]))
def test_a_replayed_index_that_is_no_place_gives_nan(x: float) -> None:
    i = Value(1.0)
    (entry, _) = take(values(), i)
    i.data = x
    entry.forward()
    if x in (0.0, 1.0, 2.0, 3.0):
        assert entry.data == TABLE[int(x)][0]
    else:
        assert np.isnan(entry.data)


def test_hits_of_one_place_only() -> None:
    assert [hit.data for hit in hits(Value(0.0), 1)] == [1.0]
    with pytest.raises(ValueError, match="i must be a whole number"):
        hits(Value(1.0), 1)
    assert as_index(3, "i", 4) == 3


def loss(table: list[list[Value]], x: Any, y: Any) -> Any:
    rows = [take(table, i) for i in x]
    return dot(rows[0], rows[1]) * y[0] + take(rows[1], y[1])


@pytest.mark.parametrize("executor", fuzz.EXECUTORS)
def test_every_executor_gives_what_the_gates_give(executor: Executor) -> None:
    table = values()
    flat = [v for row in table for v in row]
    X, Y = [[1, 2], [3, 3], [0, 2]], [[0.5, 1], [2.0, 0], [-1.0, 1]]
    program = compile(lambda x, y: loss(table, x, y), flat, x=2, y=2, executor=executor)
    cost, gradient = program.value_and_grad(X, Y)
    roots = [loss(table, x, (y[0], int(y[1]))) for x, y in zip(X, Y, strict=True)]
    for root in roots:
        root.backward(1 / 3)
    assert cost == pytest.approx(sum(root.data for root in roots) / 3, rel=1e-14)
    assert gradient.tolist() == pytest.approx([v.grad for v in flat], rel=1e-14)


@pytest.mark.parametrize("executor", fuzz.EXECUTORS)
@pytest.mark.parametrize("wrong", [4, -1, 0.5])
def test_the_sample_that_is_no_place_is_named(executor: Executor, wrong: float) -> None:
    table = values()
    flat = [v for row in table for v in row]
    program = compile(lambda x, y: loss(table, x, y), flat, x=2, y=2, executor=executor)
    with pytest.raises(FloatingPointError, match=rf"x\[1\]\[0\] must be a whole number from 0 to 3, got {wrong:g}"):
        program.value_and_grad([[1, 2], [wrong, 3]], [[0.5, 1], [2.0, 0]])
    with pytest.raises(FloatingPointError, match=rf"y\[0\]\[1\] must be a whole number from 0 to 1, got {wrong:g}"):
        program([[1, 2], [2, 3]], [[0.5, wrong], [2.0, 0]])
    loose = compile(lambda x: take(table, x[0]), flat, x=1, gradient=False, check=False, executor=executor)
    assert np.isnan(loose([[wrong], [1]])).tolist() == [[True, True], [False, False]]
