"""Guards compiled programs on PyTorch tensors, and the modules that stacks of dense layers become.

Collected where PyTorch is installed, as pytest's header says.
"""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
import torch

from autograd import Value, compile, dot, elu, relu, tanh, where
from autograd.compiling.batches import Dtype
from nn import MLP
from tests import fuzz
from tests.autograd.compiling.test_weights import weighted


@pytest.mark.parametrize("seed", range(40))
def test_the_same_source_on_tensors(seed: int) -> None:
    if (made := fuzz.compiled(seed)) is None:
        return
    program, X, Y, result = made
    cost, gradient = program.on_torch()(*map(torch.tensor, (program.flat, X, Y)))
    assert fuzz.agrees(result, (float(cost), gradient.numpy()))


def test_a_weight_is_a_number_of_copies_on_tensors() -> None:
    program, X, Y, counts, expected = weighted(3)
    cost, gradient = program.on_torch()(*map(torch.tensor, (program.flat, X, Y)), weights=torch.tensor(counts))
    assert fuzz.agrees(expected, (float(cost), gradient.numpy()))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_comparisons_and_numbers_alone_are_of_the_program_s_type(dtype: Dtype) -> None:
    w, v = Value(0.5), Value(-1.0)
    X, Y = np.random.default_rng(0).normal(size=(2, 6, 2)).astype(dtype)

    def kinks(x: Any, y: Any) -> Any:
        return dot([w, v], [where(a, 1.0, 0.0) for a in x]) + v * relu(w * y[1])

    chosen = compile(lambda x: [where(x[0], 2.0, 2.0)] * 2, [w], dtype=dtype, gradient=False, x=2)
    loss = compile(kinks, [w, v], dtype=dtype, x=2, y=2)
    theta = torch.tensor(loss.flat)
    cost, gradient = loss.on_torch()(theta, torch.tensor(X), torch.tensor(Y))
    outputs = chosen.on_torch()(theta[:1], torch.tensor(X))
    assert {str(made.dtype) for made in (cost, gradient, outputs)} == {f"torch.{dtype}"}
    assert outputs.tolist() == chosen(X).tolist() and chosen(X).dtype == dtype
    expected = loss.value_and_grad(X, Y)
    assert (float(cost), *gradient.tolist()) == pytest.approx((expected[0], *expected[1]), rel=1e-5)


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


def test_the_constant_of_an_activation_goes_along() -> None:
    w = [Value(1.0), Value(2.0)]
    X = np.random.default_rng(0).normal(size=(5, 2))
    program = compile(lambda x: [elu(dot(w, x), 2.0)], w, gradient=False, x=2)
    assert program.to_torch()(torch.tensor(X)).detach().numpy() == pytest.approx(program(X), rel=1e-12)
    alphas = iter([1.0, 2.0])
    uneven = compile(lambda x: [elu(dot(w, x), a) for a in alphas], w, gradient=False, x=2)
    with pytest.raises(ValueError, match="whose elu has one constant for all neurons"):
        uneven.to_torch()


def test_weights_that_are_inputs_are_refused_and_trained_ones_are_the_modules() -> None:
    w = [Value(1.0), Value(2.0)]
    for function in (lambda x: dot([w[0], x[1]], x), lambda x: dot(w, x, x[0])):
        with pytest.raises(ValueError, match="as weights leaves that are no inputs"):
            compile(function, w, gradient=False, x=2).to_torch()
    loss = compile(lambda x, y: (dot(w, x) - y[0]) ** 2, w, x=2, y=1)
    loss.flat = 100 * loss.flat
    assert compile(lambda x: dot(w, x), w, gradient=False, x=2).to_torch()[0].weight.tolist() == [[100.0, 200.0]]
