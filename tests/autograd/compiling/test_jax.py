"""Guards compiled programs under JAX: jitted or not, on one device or many, they give what they give on NumPy.

Collected where JAX is installed, as pytest's header says.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

import autograd
from autograd import compile, sigmoid, tanh
from tests import fuzz
from tests.autograd.compiling.test_weights import weighted

jax.config.update("jax_enable_x64", True)

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("seed", range(40))
def test_the_same_source_under_jax_numpy(seed: int) -> None:
    if (made := fuzz.compiled(seed)) is None:
        return
    program, X, Y, result = made
    cost, gradient = program.to_jax()(program.flat, X, Y)
    assert fuzz.agrees(result, (float(cost), np.asarray(gradient)))


@pytest.mark.parametrize("seed", range(0, 40, 8))
def test_jitted_programs(seed: int) -> None:
    if (made := fuzz.compiled(seed)) is None:
        return
    program, X, Y, result = made
    cost, gradient = jax.jit(program.to_jax())(program.flat, X, Y)
    assert fuzz.agrees(result, (float(cost), np.asarray(gradient)))


def test_a_weight_is_a_number_of_copies_under_jit() -> None:
    program, X, Y, counts, expected = weighted(3)
    cost, gradient = jax.jit(program.to_jax())(program.flat, X, Y, weights=counts)
    assert fuzz.agrees(expected, (float(cost), np.asarray(gradient)))


def test_constants_have_the_type_of_the_parameters() -> None:
    w = [autograd.Value(x) for x in (0.5, -1.0, 2.0)]
    program = compile(
        lambda x: autograd.take([[0.1, v] for v in w], x[0])[1] * autograd.dot([0.1, 0.2], [x[1], x[2]]), w
    )
    cost, gradient = program.sized([[0, 1, 2]]).to_jax()(program.flat.astype("float32"), np.ones((2, 3), "float32"))
    assert (cost.dtype, gradient.dtype) == ("float32", "float32")


def test_irregular_programs_are_not_handed_to_jit() -> None:
    rng = random.Random(0)
    w = [autograd.Value(rng.uniform(0.5, 1)) for _ in range(700)]

    def winding(x: Any) -> Any:
        a, b = x[0], x[1]
        for i, v in enumerate(w):
            a, b = (tanh(a * v), a) if i % 3 else (b + v, sigmoid(a))
        return a * b

    program = compile(winding, w, x=2)
    with pytest.raises(ValueError, match=r"too irregular for JAX: it has \d+ lines"):
        program.to_jax()


def test_sharded_training_gives_the_costs_of_training_here() -> None:
    """Two processes, each with two devices of its own."""
    environment = {**os.environ, "XLA_FLAGS": "--xla_force_host_platform_device_count=2", "JAX_PLATFORMS": "cpu"}
    command = [sys.executable, "-m", "demos", "sharded_training", "--processes=2"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stdout.splitlines() if "4 devices of 2 processes" in line]
    assert [line.split()[0] for line in lines] == ["digits", "GPT"]
    assert all(float(line.rsplit("at most", 1)[1]) < 1e-9 for line in lines)


def test_a_process_that_fails_ends_the_others() -> None:
    environment = {**os.environ, "XLA_FLAGS": "--xla_no_such_flag=1", "JAX_PLATFORMS": "cpu"}
    command = [sys.executable, "-m", "demos", "sharded_training", "--processes=2"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode != 0
    assert "of 2 failed" in done.stderr


def test_rows_on_devices_are_checked_and_padded() -> None:
    w = autograd.Value(2.0)
    program = compile(lambda x: w * x[0], [w], x=1)
    batches, weights = program.sharded([[1.0], [3.0], [5.0]])
    cost, gradient = jax.jit(program.to_jax())(program.flat, *batches, weights=weights)
    assert (float(cost), gradient.tolist()) == (6.0, [3.0])
    with pytest.raises(ValueError, match=r"x must have shape \(rows, 1\)|x "):
        program.sharded([[1.0, 2.0]])
    with pytest.raises(ValueError, match=r"theta must have shape \(1,\)"):
        program.to_jax()(np.ones(2), np.ones((3, 1)))


def test_an_output_without_inputs_has_a_row_for_every_sample() -> None:
    w = autograd.Value(3.0)
    X = np.array([[1.0], [2.0], [4.0]])
    for function in (lambda x: w, lambda x: [w, 2 * w], lambda x: [w, x[0]]):
        program = compile(function, [w], gradient=False, x=1)
        for run in (program.to_jax(), jax.jit(program.to_jax())):
            assert np.asarray(run(program.flat, X)).tolist() == program(X).tolist()
