"""Guards what losses say of arguments that they cannot take: which one, what came, what was expected, what to write."""

from __future__ import annotations

import math
from typing import Any

import pytest

import nn
from autograd import Value

from .standin import StandIn


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: nn.squared_error([1.0], [1.0, 2.0]), ValueError, "output is a list of 1, target a list of 2"),
        (lambda: nn.squared_error(1.0, [1.0]), ValueError, "output is one number, target a list of 1"),
        (lambda: nn.squared_error([[1.0], [2.0]], [1.0, 2.0]), ValueError, "output is 2 rows of 1, target a list of 2"),
        (
            lambda: nn.squared_error([[1.0], [2.0, 3.0]], [[1.0], [2.0]]),
            ValueError,
            r"2 rows of \[1, 2\], target 2 rows of 1",
        ),
        (lambda: nn.mean_squared_error([], []), ValueError, "output must have at least one entry"),
        (lambda: nn.squared_error(["1"], [1.0]), TypeError, r"squared_error: output\[0\] needs .*write float\('1'\)"),
        (lambda: nn.squared_error(None, 1.0), TypeError, "squared_error: output needs .*None"),
        (lambda: nn.squared_error(1.0, 1.0, reduction="avg"), ValueError, "reduction is .*, not 'avg'"),  # type: ignore[arg-type]
        (lambda: nn.hinge([1.0, 2.0], 0, reduction="max"), ValueError, "hinge: reduction is .*, not 'max'"),  # type: ignore[arg-type]
        (lambda: nn.zero_one([1.0, 2.0], 0, reduction=None), ValueError, "zero_one: reduction is .*, not None"),  # type: ignore[arg-type]
        (
            lambda: nn.binary_cross_entropy([0.5, 1.5], [1, 1]),
            ValueError,
            r"output\[1\] is 1.5, and a probability lies",
        ),
        (lambda: nn.binary_cross_entropy([[0.5, -0.5]], [[1, 1]]), ValueError, r"output\[0\]\[1\] is -0.5"),
        (lambda: nn.binary_cross_entropy(Value(math.nan), 1), ValueError, "output is nan"),
        (lambda: nn.binary_cross_entropy(0.5, -1), ValueError, "target is -1.0, and a probability lies"),
        (lambda: nn.binary_cross_entropy_with_logits(0.5, 2), ValueError, "target is 2.0, and a probability lies"),
        (lambda: nn.binary_cross_entropy(Value(0.0), 1), ValueError, "exactly 0 .*binary_cross_entropy_with_logits"),
        (lambda: nn.binary_cross_entropy(1.0, 0.5), ValueError, "exactly 1 .*binary_cross_entropy_with_logits"),
        (
            lambda: nn.binary_hinge([0.5, 0.5], [1, 0]),
            ValueError,
            r"target\[1\] is 0.0, and a target is −1 or 1: write 2\*t",
        ),
        (lambda: nn.cross_entropy([0.5, 1.5], 0), ValueError, r"output\[1\] is 1.5, and a probability lies"),
        (
            lambda: nn.cross_entropy([[1.0, 0.0]], [1]),
            ValueError,
            r"output\[0\]\[1\] is exactly 0 .*cross_entropy_with_logits",
        ),
        (lambda: nn.cross_entropy([0.5, 0.5], [0.5, 0.4]), ValueError, "target is a distribution, .*sums to 0.9"),
        (lambda: nn.cross_entropy([0.5, 0.5], [1.5, -0.5]), ValueError, r"target\[0\] is 1.5, and a probability"),
        (lambda: nn.cross_entropy(Value(0.5), 0), TypeError, "output is a row with one number per class"),
        (lambda: nn.cross_entropy_with_logits([], 0), ValueError, "output is empty"),
        (lambda: nn.cross_entropy_with_logits([[]], [0]), ValueError, r"output\[0\] must have at least one entry"),
        (
            lambda: nn.cross_entropy_with_logits([[1.0], 2.0], [0, 0]),
            TypeError,
            r"output\[1\] must be a list of numbers",
        ),
        (
            lambda: nn.cross_entropy_with_logits([1.0, 2.0], 2),
            ValueError,
            "target is class 2, and the 2 classes are 0 to 1",
        ),
        (
            lambda: nn.cross_entropy_with_logits([[1.0, 2.0]], [-1]),
            ValueError,
            r"target\[0\] is class -1, .* are 0 to 1",
        ),
        (
            lambda: nn.cross_entropy_with_logits([1.0, 2.0], 1.0),
            TypeError,
            r"an int .*not the float 1.0: write int\(k\)",
        ),
        (
            lambda: nn.negative_log_likelihood([1.0, 2.0], Value(1.0)),
            TypeError,
            "an int that counts from 0, not the Value",
        ),
        (
            lambda: nn.cross_entropy_with_logits([1.0, 2.0], [0, 0, 1]),
            ValueError,
            "one entry per class, 2, and this has 3",
        ),
        (
            lambda: nn.cross_entropy_with_logits([[1.0, 2.0]], [0, 1]),
            ValueError,
            "one entry per row .*, 1 in all, not 2",
        ),
        (
            lambda: nn.cross_entropy_with_logits([[1.0, 2.0]], 0),
            ValueError,
            "one entry per row .* not the int 0",
        ),
        (lambda: nn.hinge([1.0], 0), ValueError, "output has one score, .*binary_hinge"),
        (lambda: nn.hinge([1.0, 2.0], [0.5, 0.5]), ValueError, "a class index or a one-hot row"),
        (
            lambda: nn.hinge([1.0, 2.0], 0, margin=-1),
            ValueError,
            "margin must be a finite number of at least 0, got -1",
        ),
        (
            lambda: nn.kl_divergence([0.5, 0.5], [0.5, 0.4]),
            ValueError,
            "q is a distribution, which sums to 1, .*sums to 0.9",
        ),
        (
            lambda: nn.kl_divergence([0.5, 0.6], [0.5, 0.5]),
            ValueError,
            "p is a distribution, which sums to 1, .*sums to 1.1",
        ),
        (lambda: nn.kl_divergence([0.5, 0.5], [1.0, 0.0]), ValueError, r"q\[1\] is exactly 0 where p is not"),
        (lambda: nn.kl_divergence([1.0], [0.5, 0.5]), ValueError, "p has one entry per class, 2, and this has 1"),
        (lambda: nn.entropy([[0.5, 0.5], [0.5, 0.500002]]), ValueError, r"p\[1\] is a distribution, .*softmax\(z\)"),
        (lambda: nn.entropy([1.5, -0.5]), ValueError, r"p\[0\] is 1.5"),
        (lambda: nn.l2([1.0], -0.1), ValueError, "l2: strength must be a finite number of at least 0, got -0.1"),
        (lambda: nn.l1([1.0], math.nan), ValueError, "l1: strength must be a finite number of at least 0, got nan"),
        (lambda: nn.softmax([]), ValueError, "the scores of a softmax must have at least one entry"),
        (lambda: nn.log_softmax(1.0), TypeError, "must be a list of numbers, got the float 1.0"),
        (lambda: nn.softmax([[1.0, 2.0]]), TypeError, r"must be one number, got the list \[1.0, 2.0\]"),
        (lambda: nn.argmax([1.0, math.nan]), ValueError, r"z\[1\] must be a number .*nan"),
        (lambda: nn.argmax([StandIn("x")]), TypeError, "argmax decides by numbers"),
        (lambda: nn.one_hot(3, 3), ValueError, "class 3, and the 3 classes are 0 to 2"),
        (lambda: nn.one_hot(-1, 3), ValueError, "class -1"),
        (lambda: nn.one_hot(1.0, 3), TypeError, "not the float 1.0"),  # type: ignore[arg-type]
        (lambda: nn.one_hot(0, 0), ValueError, "a whole number of at least 1, got 0"),
    ],
)
def test_refusals(call: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        call()
