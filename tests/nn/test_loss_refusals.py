"""Guards what losses say of arguments that they cannot take: which one, what came, what was expected, what to write."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import nn
from autograd import Value
from tests.standin import StandIn


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (
            lambda: nn.squared_error([1.0], [1.0, 2.0]),
            ValueError,
            "output and target must.*got a list of 1 and a list of",
        ),
        (lambda: nn.squared_error(1.0, [1.0]), ValueError, "output and target must.*got one number and a list of "),
        (
            lambda: nn.squared_error([[1.0], [2.0]], [1.0, 2.0]),
            ValueError,
            "output and target must.*got 2 rows of 1 and a list of",
        ),
        (
            lambda: nn.squared_error([[1.0], [2.0, 3.0]], [[1.0], [2.0]]),
            ValueError,
            r"output and target must.*got 2 rows of \[1",
        ),
        (lambda: nn.mean_squared_error([], []), ValueError, "output must have at least one entry"),
        (lambda: nn.squared_error(["1"], [1.0]), TypeError, r"squared_error: output\[0\] needs .*write float\('1'\)"),
        (lambda: nn.squared_error(None, 1.0), TypeError, "squared_error: output needs .*None"),
        (lambda: nn.squared_error(1.0, 1.0, reduction="avg"), ValueError, "reduction must.*got 'avg'"),  # type: ignore[arg-type]
        (lambda: nn.hinge([1.0, 2.0], 0, reduction="max"), ValueError, "reduction must.*got 'max'"),  # type: ignore[arg-type]
        (lambda: nn.zero_one([1.0, 2.0], 0, reduction=None), ValueError, "reduction must.*got None"),  # type: ignore[arg-type]
        (
            lambda: nn.binary_cross_entropy([0.5, 1.5], [1, 1]),
            ValueError,
            r"output\[1\] must.*got 1\.5",
        ),
        (lambda: nn.binary_cross_entropy([[0.5, -0.5]], [[1, 1]]), ValueError, r"output\[0\]\[1\] must.*got -0\.5"),
        (lambda: nn.binary_cross_entropy(Value(math.nan), 1), ValueError, "output must.*got nan"),
        (lambda: nn.binary_cross_entropy(0.5, -1), ValueError, r"target must.*got -1\.0"),
        (lambda: nn.binary_cross_entropy_with_logits(0.5, 2), ValueError, r"target must.*got 2\.0"),
        (lambda: nn.binary_cross_entropy(Value(0.0), 1), ValueError, "exactly 0 .*binary_cross_entropy_with_logits"),
        (lambda: nn.binary_cross_entropy(1.0, 0.5), ValueError, "exactly 1 .*binary_cross_entropy_with_logits"),
        (
            lambda: nn.binary_hinge([0.5, 0.5], [1, 0]),
            ValueError,
            r"target\[1\] must.*got 0\.0",
        ),
        (lambda: nn.cross_entropy([0.5, 1.5], 0), ValueError, r"probabilities\[1\] must.*got 1\.5"),
        (
            lambda: nn.cross_entropy([[1.0, 0.0]], [1]),
            ValueError,
            r"probabilities\[0\]\[1\] is exactly 0 .*cross_entropy_with_logits",
        ),
        (lambda: nn.cross_entropy([0.5, 0.5], [0.5, 0.4]), ValueError, r"target must.*got the sum 0\.9"),
        (lambda: nn.cross_entropy([0.5, 0.5], [1.5, -0.5]), ValueError, r"target\[0\] must.*got 1\.5"),
        (lambda: nn.cross_entropy(Value(0.5), 0), TypeError, r"probabilities must.*got the Value Value\(data=0\.5"),
        (lambda: nn.cross_entropy_with_logits([], 0), ValueError, "z must.*got an empty list"),
        (lambda: nn.cross_entropy_with_logits([[]], [0]), ValueError, r"z\[0\] must have at least one entry"),
        (
            lambda: nn.cross_entropy_with_logits([[1.0], 2.0], [0, 0]),
            TypeError,
            r"z\[1\] must be a list of numbers",
        ),
        (
            lambda: nn.cross_entropy_with_logits([1.0, 2.0], 2),
            ValueError,
            "target must.*got 2",
        ),
        (
            lambda: nn.cross_entropy_with_logits([[1.0, 2.0]], [-1]),
            ValueError,
            r"target\[0\] must.*got -1",
        ),
        (
            lambda: nn.cross_entropy_with_logits([1.0, 2.0], 1.0),
            TypeError,
            r"target must.*got the float 1\.0",
        ),
        (
            lambda: nn.negative_log_likelihood([1.0, 2.0], Value(2.0)),
            ValueError,
            r"target must be a whole number from 0 to 1, got the float 2\.0",
        ),
        (
            lambda: nn.cross_entropy_with_logits([1.0, 2.0], [0, 0, 1]),
            ValueError,
            "target must.*got 3",
        ),
        (
            lambda: nn.cross_entropy_with_logits([[1.0, 2.0]], [0, 1]),
            ValueError,
            "target must.*got 2",
        ),
        (
            lambda: nn.cross_entropy_with_logits([[1.0, 2.0]], 0),
            ValueError,
            "target must.*got the int 0",
        ),
        (lambda: nn.hinge([1.0], 0), ValueError, "scores must.*got one"),
        (lambda: nn.hinge([1.0, 2.0], [0.5, 0.5]), ValueError, "a class index or a one-hot row"),
        (
            lambda: nn.hinge([1.0, 2.0], 0, margin=-1),
            ValueError,
            "margin must be a finite number of at least 0, got -1",
        ),
        (
            lambda: nn.kl_divergence([0.5, 0.5], [0.5, 0.4]),
            ValueError,
            r"q must.*got the sum 0\.9",
        ),
        (
            lambda: nn.kl_divergence([0.5, 0.6], [0.5, 0.5]),
            ValueError,
            r"p must.*got the sum 1\.1",
        ),
        (lambda: nn.kl_divergence([0.5, 0.5], [1.0, 0.0]), ValueError, r"q\[1\] is exactly 0 where p is not"),
        (lambda: nn.kl_divergence([1.0], [0.5, 0.5]), ValueError, "p must.*got 1"),
        (lambda: nn.entropy([[0.5, 0.5], [0.5, 0.500002]]), ValueError, r"p\[1\] must.*got the sum 1"),
        (lambda: nn.entropy([1.5, -0.5]), ValueError, r"p\[0\] must.*got 1\.5"),
        (lambda: nn.l2([1.0], -0.1), ValueError, "l2: strength must be a finite number of at least 0, got -0.1"),
        (lambda: nn.l1([1.0], math.nan), ValueError, "l1: strength must be a finite number of at least 0, got nan"),
        (lambda: nn.softmax([]), ValueError, "the scores of a softmax must have at least one entry"),
        (lambda: nn.log_softmax(1.0), TypeError, "must be a list of numbers, got the float 1.0"),
        (lambda: nn.softmax([[1.0, 2.0]]), TypeError, r"must be one number, got the list \[1.0, 2.0\]"),
        (lambda: nn.argmax([1.0, math.nan]), ValueError, r"z\[1\] must be a number .*nan"),
        (lambda: nn.argmax([StandIn("x")]), TypeError, "argmax compares numbers, so its arguments must"),
        (lambda: nn.one_hot(3, 3), ValueError, "k must.*got 3"),
        (lambda: nn.one_hot(-1, 3), ValueError, "k must.*got -1"),
        (lambda: nn.one_hot(1.0, 3), TypeError, r"k must.*got the float 1\.0"),  # type: ignore[arg-type]
        (lambda: nn.one_hot(0, 0), ValueError, "a whole number of at least 1, got 0"),
    ],
)
def test_refusals(call: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        call()


@pytest.mark.parametrize("reduction", [np.ones(2), None, 1, ["mean"], "average"])
def test_a_reduction_that_is_none_is_refused(reduction: Any) -> None:
    for loss in (nn.squared_error, nn.zero_one, nn.binary_hinge):
        with pytest.raises(ValueError, match="reduction must be"):
            loss([0.5, 0.5], [1, 1], reduction=reduction)
