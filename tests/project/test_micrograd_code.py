"""Guards that code written for micrograd's public Value and nn runs with only its imports changed."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, strategies as st

from autograd import Value
from nn import MLP, Layer, Module, Neuron


def test_the_example_of_its_readme() -> None:
    a = Value(-4.0)
    b = Value(2.0)
    c = a + b
    d = a * b + b**3
    c += c + 1
    c += 1 + c + (-a)
    d += d * 2 + (b + a).relu()
    d += 3 * d + (b - a).relu()
    e = c - d
    f = e**2
    g = f / 2.0
    g += 10.0 / f
    g.backward()
    assert f"{g.data:.4f} {a.grad:.4f} {b.grad:.4f}" == "24.7041 138.8338 645.5773"


def moons(n: int, rng: random.Random) -> tuple[np.ndarray, np.ndarray]:
    """Two half circles with a little noise, n points in all."""
    angles = np.array([rng.uniform(0, np.pi) for _ in range(n)])
    y = np.arange(n) % 2
    x = np.stack(
        [np.where(y, 1 - np.cos(angles), np.cos(angles)), np.where(y, 0.5 - np.sin(angles), np.sin(angles))], 1
    )
    return x + np.array([[rng.gauss(0, 0.1) for _ in range(2)] for _ in range(n)]), y * 2 - 1


def test_the_demo_trains_a_binary_classifier() -> None:
    """The cells of its notebook: numpy scalars into Values, numpy labels times Values, hinge loss and L2, plain SGD."""
    rng = random.Random(1337)
    X, y = moons(60, rng)
    model = MLP(2, [16, 16, 1], rng=rng)
    assert str(model) == "MLP(2 → 16 relu → 16 relu → 1 linear, 337 parameters)"
    assert len(model.parameters()) == 337

    def loss() -> tuple[Value, float]:
        inputs = [list(map(Value, xrow)) for xrow in X]
        scores = list(map(model, inputs))
        losses = [(1 + -yi * scorei).relu() for yi, scorei in zip(y, scores, strict=True)]
        data_loss = sum(losses) * (1.0 / len(losses))
        alpha = 1e-4
        reg_loss = alpha * sum(p * p for p in model.parameters())
        total_loss = data_loss + reg_loss
        accuracy = [(yi > 0) == (scorei.data > 0) for yi, scorei in zip(y, scores, strict=True)]
        return total_loss, sum(accuracy) / len(accuracy)

    first, _ = loss()
    for k in range(30):
        total_loss, acc = loss()
        model.zero_grad()
        total_loss.backward()
        learning_rate = 1.0 - 0.9 * k / 100
        for p in model.parameters():
            p.data -= learning_rate * p.grad
    assert total_loss.data < first.data / 2
    assert acc > 0.85
    xmesh = np.array([[0.0, 1.0], [1.0, -0.5]])
    scores = [model(list(map(Value, xrow))) for xrow in xmesh]
    assert np.array([s.data > 0 for s in scores]).shape == (2,)


def test_neurons_layers_and_a_module_of_ones_own() -> None:
    class Both(Module):
        def __init__(self) -> None:
            self.parts = [Neuron(2), Neuron(2, nonlin=False)]

        def __call__(self, x: list[Value]) -> Value:
            total: Value = self.parts[0](x) + self.parts[1](x)
            return total

        def parameters(self) -> list[Value]:
            return [p for part in self.parts for p in part.parameters()]

    both = Both()
    both([Value(1.0), Value(2.0)]).backward()
    assert both.parameters()[-1].grad == 1.0
    both.zero_grad()
    assert all(p.grad == 0 for p in both.parameters())
    assert isinstance(Layer(2, 1)([1.0, 2.0]), Value)
    assert len(Layer(2, 3)([1.0, 2.0])) == 3
    with pytest.raises(TypeError, match="Module has no forward"):
        Module()(1.0)
    with pytest.raises(ValueError, match=r"Neuron\(2 → 1, relu\) takes 2 inputs, and x has 3"):
        Neuron(2)([1.0, 2.0, 3.0])


def test_modules_stamp_their_scopes() -> None:
    y = MLP(2, [2, 1])([1.0, 2.0])
    assert (y.scope, y.inputs[2].scope) == ("mlp/layer2/neuron1", "mlp/layer1/neuron1")
    assert [p.role for p in Neuron(1).parameters()] == ["parameter"] * 2


@given(st.integers(0, 100), st.lists(st.floats(-2, 2), min_size=3, max_size=3))
def test_a_network_equals_its_numpy_formulas(seed: int, x: list[float]) -> None:
    model = MLP(3, [4, 2], rng=random.Random(seed))
    a = np.array(x)
    for i, layer in enumerate(model.layers):
        z = np.array([[w.data for w in row] for row in layer.W]) @ a + [b.data for b in layer.b]
        a = np.maximum(z, 0) if i == 0 else z
    assert [value.data for value in model(x)] == pytest.approx(list(a), rel=1e-12, abs=1e-12)


def test_the_same_seed_gives_the_same_network() -> None:
    first, second = (MLP(2, [3, 1], rng=random.Random(7)) for _ in range(2))
    assert [p.data for p in first.parameters()] == [p.data for p in second.parameters()]
    assert [p.data for p in MLP(2, [3, 1]).parameters()] != [p.data for p in MLP(2, [3, 1]).parameters()]
