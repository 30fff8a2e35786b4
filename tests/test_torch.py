"""Guards compiled programs on PyTorch tensors, and the modules that stacks of dense layers become.

Collected where PyTorch is installed, as pytest's header says.
"""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
import torch

from autograd import compile, relu, tanh
from nn import MLP

from . import fuzz


@pytest.mark.parametrize("seed", range(40))
def test_the_same_source_on_tensors(seed: int) -> None:
    if (made := fuzz.compiled(seed)) is None:
        return
    program, X, Y, result = made
    cost, gradient = program.on_torch()(*map(torch.tensor, (program.flat, X, Y)))
    assert fuzz.agrees(result, (float(cost), gradient.numpy()))


@pytest.mark.parametrize("output", [None, tanh])
def test_a_stack_of_dense_layers_is_a_torch_module(output: Any) -> None:
    model = MLP(3, [5, 4, 2], relu, output, rng=random.Random(0))
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
