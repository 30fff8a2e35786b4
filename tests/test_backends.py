"""Guards compiled programs elsewhere: under JAX, jitted too, and on PyTorch tensors they give what they give on NumPy.

Collected where both are installed, as pytest's header says.
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
import torch

import autograd
from autograd import compile, sigmoid, tanh
from nn import MLP

from . import fuzz

jax.config.update("jax_enable_x64", True)

ROOT = Path(__file__).parent.parent


def expected(seed: int) -> Any:
    found = fuzz.case(seed)
    X, Y = fuzz.batch(found, seed)
    program = compile(found.loss, found.parameters, x=found.x, y=found.y)
    try:
        return program, X, Y, program.value_and_grad(X, Y)
    except FloatingPointError:
        return None


@pytest.mark.parametrize("seed", range(40))
def test_the_same_source_on_other_arrays(seed: int) -> None:
    if (made := expected(seed)) is None:
        return
    program, X, Y, result = made
    cost, gradient = program.to_jax()(program.flat, X, Y)
    assert fuzz.agrees(result, (float(cost), np.asarray(gradient)))
    cost, gradient = program.on_torch()(*map(torch.tensor, (program.flat, X, Y)))
    assert fuzz.agrees(result, (float(cost), gradient.numpy()))


@pytest.mark.parametrize("seed", range(0, 40, 8))
def test_jitted_programs(seed: int) -> None:
    if (made := expected(seed)) is None:
        return
    program, X, Y, result = made
    cost, gradient = jax.jit(program.to_jax())(program.flat, X, Y)
    assert fuzz.agrees(result, (float(cost), np.asarray(gradient)))


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


@pytest.mark.parametrize("output", [None, tanh])
def test_a_stack_of_dense_layers_is_a_torch_module(output: Any) -> None:
    model = MLP(3, [5, 4, 2], autograd.relu, output, rng=random.Random(0))
    X = np.random.default_rng(0).normal(size=(7, 3))
    module = compile(model, x=3).to_torch()
    assert isinstance(module, torch.nn.Sequential)
    assert module(torch.tensor(X)).detach().numpy() == pytest.approx(compile(model, x=3)(X), rel=1e-12)
    assert sum(p.numel() for p in module.parameters()) == len(model.parameters())


def test_what_is_no_stack_of_dense_layers_is_refused() -> None:
    model = MLP(2, [3, 2], rng=random.Random(0))
    with pytest.raises(TypeError, match=r"to_torch takes a model, not its loss: compile\(model, x=2\).to_torch\(\)"):
        compile(lambda x, y: model(x)[0] - y[0], model, x=2, y=1).to_torch()
    with pytest.raises(ValueError, match=r"to_torch takes a stack of dense layers .* and here is a add gate"):
        compile(lambda x: [a + b for a, b in zip(model(x), x, strict=True)], model, gradient=False, x=2).to_torch()


def test_sharded_training_gives_the_numbers_of_one_device() -> None:
    """In a process of its own, with eight virtual devices."""
    environment = {**os.environ, "XLA_FLAGS": "--xla_force_host_platform_device_count=8", "JAX_PLATFORMS": "cpu"}
    done = subprocess.run(
        [sys.executable, "-m", "demos.sharded_training"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert "8 devices" in done.stdout
    gap = float(done.stdout.rsplit("apart by", 1)[1].split()[0])
    assert gap < 1e-12
