"""Guards nested containers of numbers: what is taken apart is put together in the same shape."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, strategies as st

from autograd import Value
from autograd.trees import aligned, flatten, to_numbers, unflatten


class Point(NamedTuple):
    x: Any
    y: Any


NUMBERS = st.floats(allow_nan=False)
ARRAYS = st.lists(NUMBERS, min_size=6, max_size=6).map(lambda x: np.array(x).reshape(2, 3))
TREES = st.recursive(
    NUMBERS | ARRAYS,
    lambda children: (
        st.lists(children, max_size=3)
        | st.lists(children, max_size=2).map(tuple)
        | st.builds(Point, children, children)
        | st.dictionaries(st.text(max_size=2), children, max_size=3)
    ),
    max_leaves=8,
)


def same(a: Any, b: Any) -> bool:
    if isinstance(a, np.ndarray):
        return isinstance(b, np.ndarray) and a.dtype == b.dtype and np.array_equal(a, b)
    if isinstance(a, dict):
        return isinstance(b, dict) and [*a] == [*b] and all(same(a[key], b[key]) for key in a)
    if isinstance(a, (list, tuple)):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    return bool(a == b)


@given(TREES)
def test_taken_apart_and_put_together_again(tree: Any) -> None:
    entries = [*flatten(tree)]
    assert same(unflatten(tree, iter(entries)), tree)
    assert [*aligned(tree, tree, "x")] == entries
    values = [*map(Value, entries)]
    assert [*flatten(unflatten(tree, iter(values)))] == values
    assert same(to_numbers(unflatten(tree, iter(values))), tree)


@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 0), (2, 3, 4)])
def test_arrays_of_any_shape(shape: tuple[int, ...]) -> None:
    array = np.arange(np.prod(shape), dtype=int).reshape(shape)
    back = unflatten(array, map(float, flatten(array)))
    assert (back.shape, back.dtype, back.tolist()) == (shape, np.float64, array.tolist())


def test_other_kinds() -> None:
    assert unflatten(OrderedDict(b=0, a=[0]), iter([1.0, 2.0])) == {"b": 1.0, "a": [2.0]}
    assert to_numbers(np.array(["a", "b"])).tolist() == ["a", "b"]
    masked = np.ma.masked_array([1.0, 2.0], [False, True])
    assert [*flatten(masked)] == [1.0, None]
    words = np.empty(2, object)
    words[:] = [["a"], {"b": 1}]
    assert to_numbers(words).tolist() == [["a"], {"b": 1}]


@pytest.mark.parametrize(
    ("like", "x", "words"),
    [
        (np.zeros((2, 3)), np.zeros((3, 2)), r"x must have the shape \(2, 3\)"),
        (np.zeros((2, 1)), np.zeros(2), r"x must have the shape \(2, 1\)"),
        (np.zeros(2), np.zeros((2, 1)), r"x must have the shape \(2,\)"),
        ({"a": [1.0]}, {"a": [1.0, 2.0]}, r"x\['a'\] must have 1 entries"),
        ({"a": 1.0}, {"b": 1.0}, "x must be a dict with the keys 'a'"),
        (1.0, {}, "x must be one number"),
    ],
)
def test_other_shapes_are_refused_by_name(like: Any, x: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        list(aligned(like, x, "x"))
