"""Guards the promise of one method: an operator that Value did not have is recorded, replayed, taken by numpy and compiled.

numpy's names of all operators are in beside.py, whether Value has them or not, and a method of Value overrides a refusal.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from typing import Any

import numpy
import pytest

from autograd import GATES, Gate, Value, compile, explain, gate
from autograd.functions import FUNCTIONS
from autograd.symbols import COMPLEMENT, Arithmetic, Symbol
from autograd.value import _record_two

np: Any = numpy  # whose stubs know nothing of Values


@pytest.fixture
def quotient(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    """The gate of a // b, and the methods that record it."""
    row = gate("quotient", "⌊÷⌋", lambda xp, a, b: xp.floor(a / b), None, None)
    monkeypatch.setattr(Value, "__floordiv__", lambda self, other: _record_two(row, self, other))
    monkeypatch.setattr(Value, "__rfloordiv__", lambda self, other: _record_two(row, other, self))
    yield row
    del GATES["quotient"]


CALLS: dict[str, Callable[[Any, Any], Any]] = {
    "//": operator.floordiv,
    "ufunc": np.floor_divide,
    "ufunc by name": lambda a, b: np.floor_divide(a, b, dtype=object),
    "in an array": lambda a, b: (np.array([a]) // np.array([b]))[0],
    "beside an array": lambda a, b: (a // np.array([b], dtype=object))[0],
    "of an array": lambda a, b: (np.array([a], dtype=object) // b)[0],
}


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("right", [Value(2.0), 2.0, np.float64(2.0)])
def test_one_method_is_an_operator_for_python_and_numpy(name: str, right: Any, quotient: Gate) -> None:
    v = Value(7.0)
    y = CALLS[name](v, right)
    assert (y.gate, y.data) == (quotient, 3.0)
    v.data = -7.0
    assert y.forward() == -4.0


@pytest.mark.parametrize("name", CALLS)
def test_its_reflected_method_takes_numbers_at_the_left(name: str, quotient: Gate) -> None:
    for left in (7.0, np.float64(7.0)):
        y = CALLS[name](left, Value(2.0))
        assert (y.gate, y.data) == (quotient, 3.0)


def test_it_is_explained_and_compiled(quotient: Gate) -> None:
    v: Any = Value(7.0, "v")
    y = v // 2.0
    assert "quotient(v, 2)" in repr(explain(y))
    program = compile(lambda x: x[0] // 2.0, x=1, gradient=False)
    assert program([[7.0], [-7.0]]).tolist() == [3.0, -4.0]


def test_without_the_method_every_way_to_call_it_is_refused_with_its_remedy() -> None:
    for call in CALLS.values():
        for left, right in ((Value(7.0), 2.0), (Value(7.0), Value(2.0)), (7.0, Value(2.0))):
            with pytest.raises(TypeError, match=r"// is not a gate; write math\.floor"):
                call(left, right)


# Operators in rules


def test_an_operator_of_the_table_of_functions_is_a_method_of_what_rules_run_on() -> None:
    a, b = Symbol.named("a"), Symbol.named("b")
    rows = [row for row in FUNCTIONS.values() if row.sign]
    assert len(rows) >= 9
    for row in rows:
        made = row.python(*(a, b)[: row.operands])
        assert (made.operator, made.operands) == (row.name, (a, b)[: row.operands])
        if row.operands == 2:
            from_left, from_right = row.python(2.0, b), row.python(a, 2.0)
            assert {from_left.operator, from_right.operator} <= {row.name, *COMPLEMENT}
    assert vars(Arithmetic).keys() - vars(Value).keys() - {"__slots__"} == {"written"}
