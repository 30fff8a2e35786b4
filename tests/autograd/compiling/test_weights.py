"""Guards the weights of samples: a whole weight is a number of copies, and only their ratios matter."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from autograd import CompiledProgram, Value, compile
from tests import fuzz


def weighted(seed: int) -> tuple[CompiledProgram, Any, Any, Any, fuzz.Result]:
    """Return a random program, a batch, the number of copies of every row, and the result for the copies."""
    made = fuzz.compiled(seed)
    assert made is not None
    program, X, Y, _ = made
    counts = np.random.default_rng(seed).integers(0, 4, len(X)).astype(float)
    counts[-1] = 2.0
    copies = [np.repeat(batch, counts.astype(int), 0) for batch in (X, Y)]
    return program, X, Y, counts, program.value_and_grad(*copies)


@pytest.mark.parametrize("seed", [seed for seed in range(60) if fuzz.compiled(seed)])
def test_a_weight_is_a_number_of_copies(seed: int) -> None:
    program, X, Y, counts, expected = weighted(seed)
    for weights in (counts, counts / 8):
        assert fuzz.agrees(expected, program.run_on(np, program.flat, X, Y, weights=weights))


def test_weights_that_do_not_fit_are_refused() -> None:
    w = Value(2.0)
    function, X = (lambda x: w * x[0]), np.ones((3, 1))
    wrong: list[tuple[CompiledProgram, Any, type[Exception], str]] = [
        (compile(function, [w], x=1), np.ones(2), ValueError, r"weights must have shape \(3,\), got \(2,\)"),
        (compile(function, [w], x=1), np.ones((3, 1)), ValueError, r"weights must have shape \(3,\), got \(3, 1\)"),
        (compile(function, [w], x=1), [1, 1, 1], TypeError, r"weights must be an array, got \[1, 1, 1\]"),
        (compile(function, [w], x=1), np.ma.masked_array(np.ones(3)), TypeError, "weights must be plain numbers"),
        (compile(function, [w], x=1, gradient=False), np.ones(3), TypeError, "weights must be None, got"),
    ]
    for program, weights, error, message in wrong:
        with pytest.raises(error, match=message):
            program.run_on(np, program.flat, X, weights=weights)
    alone = compile(lambda: w * w, [w])
    with pytest.raises(TypeError, match="weights must be None, got"):
        alone.run_on(np, alone.flat, weights=np.ones(1))
