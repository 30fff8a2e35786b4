"""Guards the counts of right and wrong: accuracy, confusion, R² and the 0–1 loss, against counts by hand and by NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

import nn
from autograd import Value
from tests.standin import StandIn

ROWS = [[0.1, 0.7, 0.2], [0.6, 0.3, 0.1], [0.2, 0.2, 0.6], [0.5, 0.5, 0.0]]


def test_rows_decide_for_their_argmax_the_first_of_ties() -> None:
    targets = [1, 2, 2, 1]
    assert nn.accuracy(ROWS, targets) == 0.5
    assert nn.accuracy(ROWS, [nn.one_hot(k, 3) for k in targets]) == 0.5
    assert nn.accuracy(np.array(ROWS), np.array(targets)) == 0.5
    assert nn.accuracy([[Value(x) for x in row] for row in ROWS], targets) == 0.5
    assert nn.confusion(ROWS, targets) == [[0, 0, 0], [1, 1, 0], [1, 0, 1]]
    assert nn.zero_one(ROWS, targets, reduction="none") == [0.0, 1.0, 0.0, 1.0]
    assert (nn.zero_one(ROWS, targets), nn.zero_one(ROWS, targets, reduction="sum")) == (0.5, 2.0)
    assert (nn.zero_one(ROWS[0], 1), nn.zero_one(ROWS[0], np.int64(2))) == (0.0, 1.0)


def test_single_scores_fire_at_the_threshold() -> None:
    probabilities = [0.5, 0.49, 0.9, 0.1]
    assert nn.accuracy(probabilities, [1, 1, 0, 0]) == 0.5
    assert nn.accuracy(probabilities, [True, False, True, False]) == 1.0
    assert nn.confusion(probabilities, [1, 1, 0, 0]) == [[1, 1], [1, 1]]
    assert nn.accuracy(probabilities, [1, 1, 1, 0], threshold=0.3) == 1.0
    scores = [0.0, -0.1, 0.2, -3.0]
    assert nn.accuracy(scores, [1, -1, 1, 1], threshold=0) == nn.accuracy(scores, [1, 0, 1, 1], threshold=0) == 0.75
    assert nn.confusion(scores, [1, -1, 1, 1], threshold=0) == [[1, 0], [1, 2]]
    assert (nn.zero_one(0.4, 1), nn.zero_one(-0.4, -1, threshold=0)) == (1.0, 0.0)
    assert type(nn.zero_one(Value(0.4), 1)) is float


@given(st.data())
def test_counts_are_those_of_numpy(data: st.DataObject) -> None:
    size, n = data.draw(st.integers(1, 8)), data.draw(st.integers(2, 4))
    rows = data.draw(st.lists(st.lists(st.integers(-3, 3), min_size=n, max_size=n), min_size=size, max_size=size))
    targets = data.draw(st.lists(st.integers(0, n - 1), min_size=size, max_size=size))
    decided = np.argmax(rows, axis=1)
    expected = np.zeros((n, n), dtype=int)
    np.add.at(expected, (np.array(targets), decided), 1)
    assert nn.confusion(rows, targets) == expected.tolist()
    assert nn.accuracy(rows, targets) == pytest.approx((decided == targets).mean(), rel=1e-15)
    assert nn.zero_one(rows, targets) == pytest.approx(1 - nn.accuracy(rows, targets), abs=1e-15)


@given(st.lists(st.tuples(st.floats(-4, 4), st.integers(-4, 4)), min_size=2, max_size=8))
def test_r_squared_is_one_minus_the_unexplained_part_of_the_variance(pairs: list[tuple[float, int]]) -> None:
    outputs, targets = [o for o, _ in pairs], [t for _, t in pairs]
    if np.var(targets) == 0:
        with pytest.raises(ValueError, match="r_squared: targets must"):
            nn.r_squared(outputs, targets)
        return
    residual = nn.mean_squared_error(outputs, targets)
    assert nn.r_squared(outputs, targets) == pytest.approx(1 - residual / np.var(targets), rel=1e-9, abs=1e-12)


def test_r_squared_of_the_lectures_line() -> None:
    """Row N9's line 1.1 x + 1.1 through (0,1), (1,3), (2,2), (3,5) leaves an MSE of 0.675 of a variance of 2.1875."""
    outputs = [1.1 * x + 1.1 for x in range(4)]
    assert nn.mean_squared_error(outputs, [1, 3, 2, 5]) == pytest.approx(0.675, rel=1e-12)
    assert nn.r_squared([Value(o) for o in outputs], [1, 3, 2, 5]) == pytest.approx(1 - 0.675 / 2.1875, rel=1e-12)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: nn.accuracy([], []), ValueError, "outputs must.*got an empty list"),
        (lambda: nn.confusion([], []), ValueError, "outputs must.*got an empty list"),
        (lambda: nn.accuracy([0.5], [1, 0]), ValueError, "outputs and targets must.*got 1 outputs and 2 targets"),
        (lambda: nn.accuracy(0.5, 1), TypeError, "lists with one entry per sample"),
        (lambda: nn.accuracy([0.5, 0.2], [1, 2]), ValueError, r"the targets of single scores must.*got 2\.0"),
        (
            lambda: nn.accuracy([0.5, 0.2], [0, -1], threshold=0),
            ValueError,
            "the targets of single scores must.*got a mixture of −1 and 0",
        ),
        (lambda: nn.accuracy([0.5, 0.2], [1, -1]), ValueError, "write threshold=0"),
        (lambda: nn.accuracy([[0.5], [0.2]], [1, 0]), ValueError, r"each row must.*got rows of \[1\]"),
        (lambda: nn.accuracy([[0.5, 0.5], [0.2]], [1, 0]), ValueError, r"each row must.*got rows of \[1"),
        (lambda: nn.accuracy(ROWS, [0, 0, 0, 3]), ValueError, r"targets\[3\] must.*got 3"),
        (
            lambda: nn.accuracy(ROWS[:1], [[1, 0]]),
            ValueError,
            r"targets\[0\] must.*got 2",
        ),
        (
            lambda: nn.accuracy([StandIn("x")], [1]),
            TypeError,
            "accuracy compares numbers, so its arguments must",
        ),
        (lambda: nn.r_squared([1.0], [1.0, 2.0]), ValueError, "same shape"),
        (lambda: nn.r_squared([], []), ValueError, "empty"),
    ],
)
def test_refusals(call: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        call()


# Rows that are not one-hot


@pytest.mark.parametrize("row", [[0, 0], [7, 5], [1, 1], [0.5, 0.5], [0.0, 0.9], [2, 0], [-1, 1], [1, 0, 0], [1]])
@pytest.mark.parametrize("metric", [nn.accuracy, nn.confusion, nn.zero_one, nn.recipe("multiclass", 2, nout=2).score])
def test_a_target_row_that_is_not_one_hot_is_refused(metric: Any, row: Any) -> None:
    with pytest.raises(ValueError, match=r"targets?\[1\]"):
        metric([[0.9, 0.1], [0.2, 0.8]], [[1, 0], row])


def test_one_hot_rows_of_any_kind_are_taken() -> None:
    scores = [[0.9, 0.1], [0.2, 0.8]]
    for rows in ([[1, 0], [0, 1]], [(True, False), (False, True)], np.eye(2), [[Value(1.0), 0], [0.0, 1.0]]):
        assert nn.accuracy(scores, rows) == 1.0
        assert nn.confusion(scores, rows) == [[1, 0], [0, 1]]
