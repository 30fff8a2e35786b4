"""Guards backpropagation in networks: the lectures' nets number by number, and their matrix formulas written in NumPy.

NumPy is the independent way: the δ recursion, the D^(j) products and Jacobians of compositions there know nothing of the
engine, and the engine knows nothing of matrices.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

import autograd
from autograd import Value, exp, jacobian, log, logsumexp, relu, sigmoid, softplus, tanh
from nn import MLP, Layer, Sequential, gradient_norms, pre_activations, sensitivities

Array = Any


def close(x: Any) -> Any:
    return pytest.approx(x, rel=1e-9, abs=5e-13)


def grads(values: Any) -> Any:
    return [grads(v) for v in values] if isinstance(values, list) else values.grad


def cross_entropy(z: list[Value], y: int) -> Value:
    return logsumexp(z) - z[y]  # type: ignore[no-any-return]


def squared(f: Any, y: float) -> Any:
    return (f - y) ** 2


# V1: the regression net βᵀg(Wx)

W, BETA = [[1.0, -2.0], [0.5, 3.0]], [2.0, -1.0]


def v1() -> tuple[Layer, Layer]:
    return Layer.of(W, None, sigmoid), Layer.of([BETA])


def test_v1_one_sample() -> None:
    hidden, output = v1()
    h = hidden([0.5, 0.25])
    assert [v.inputs[0].data for v in h] == [0.0, 1.0]
    assert [v.data for v in h] == close([0.5, 0.731058578630])
    f = output(h)
    assert f.data == close(0.268941421370)
    f.backward()
    assert grads(output.W) == [close([0.5, 0.731058578630])]
    assert grads(hidden.W) == [close([0.25, 0.125]), close([-0.098305966621, -0.049152983310])]
    assert grads(h) == BETA
    for layer in (hidden, output):
        layer.zero_grad()
    loss = (output(hidden([0.5, 0.25])) - 1) ** 2
    loss.backward()
    assert loss.data == close(0.534446645389)
    assert grads(output.W) == [close([-0.731058578630, -1.068893290777])]
    assert grads(hidden.W) == [close([-0.365529289315, -0.182764644658]), close([0.143734840457, 0.071867420229])]


def test_v1_two_samples_and_the_identity() -> None:
    hidden, output = v1()
    data = [([0.5, 0.25], 1.0), ([-1.0, 2.0], -1.0)]
    outputs: list[Any] = [output(hidden(x)) for x, _ in data]
    assert outputs[1].data == close(-0.982544160436)
    cost = autograd.sum([(f - y) ** 2 for f, (_, y) in zip(outputs, data, strict=True)]) / 2
    cost.backward()
    assert cost.data == close(0.267375675862)
    assert grads(output.W) == [close([-0.365412459983, -0.517061853495])]
    assert grads(hidden.W) == [close([-0.182996739479, -0.090918132686]), close([0.071938178726, 0.035792193120])]
    linear = Sequential(Layer.of(W), Layer.of([BETA]))
    assert [linear([1.0, 0.0]).data, linear([0.0, 1.0]).data] == [1.5, -7.0]
    assert linear([0.5, 0.25]).data == -1.0


# V2: classification with the same net; the lecture gives formulas, the numbers are computed in NumPy and by differences


def test_v2_binary() -> None:
    hidden, output = v1()
    f: Any = output(hidden([0.5, 0.25]))
    loss = softplus(f) - f  # −log σ(f)
    loss.backward()
    h = 1 / (1 + np.exp(-np.array([0.0, 1.0])))
    p = 1 / (1 + np.exp(-(np.array(BETA) @ h)))
    delta = p - 1
    assert loss.data == close(-np.log(p))
    assert grads(output.W) == [close((delta * h).tolist())]
    assert grads(hidden.W) == close_rows(np.outer(delta * np.array(BETA) * h * (1 - h), [0.5, 0.25]))
    assert (loss.data, delta) == (close(0.567690538880), close(-0.433166992979))
    assert numeric(lambda w: -np.log(1 / (1 + np.exp(-(np.array(BETA) @ g(w @ [0.5, 0.25]))))), W) == pytest.approx(
        np.array(grads(hidden.W)), abs=1e-9
    )


def test_v2_multiclass() -> None:
    hidden, output = v1()[0], Layer.of([[1.0, 0.0], [0.0, 1.0], [-1.0, 1.0]])
    loss = cross_entropy(output(hidden([0.5, 0.25])), 0)
    loss.backward()
    U = np.array([[1, 0], [0, 1], [-1, 1]])
    h = g(np.array([0.0, 1.0]))
    z = U @ h
    p = np.exp(z) / np.exp(z).sum()
    delta = p - [1, 0, 0]
    assert loss.data == close(-np.log(p[0]))
    assert loss.data == close(1.106620491201)
    assert grads(output.W) == close_rows(np.outer(delta, h))
    assert grads(hidden.W) == close_rows(np.outer((U.T @ delta) * h * (1 - h), [0.5, 0.25]))

    def cost(w: Array) -> float:
        scores = U @ g(w @ [0.5, 0.25])
        return float(np.log(np.exp(scores).sum()) - scores[0])

    assert numeric(cost, W) == pytest.approx(np.array(grads(hidden.W)), abs=1e-9)


def g(z: Array) -> Array:
    return 1 / (1 + np.exp(-z))


def close_rows(rows: Array) -> list[Any]:
    return [close(row) for row in rows.tolist()]


def numeric(f: Callable[[Array], float], w: Any, h: float = 1e-5) -> Array:
    """Central differences in every entry of w."""
    w = np.array(w, dtype=float)
    found = np.zeros_like(w)
    for place in np.ndindex(*w.shape):
        step = np.zeros_like(w)
        step[place] = h
        found[place] = (f(w + step) - f(w - step)) / (2 * h)
    return found


# V3: two hidden layers and softmax cross-entropy, 21 parameters

V3 = {
    "layer1.W": [[0.1, -0.2], [0.4, 0.3]],
    "layer1.b": [0.05, -0.1],
    "layer2.W": [[-0.3, 0.2], [0.5, -0.4]],
    "layer2.b": [0.0, 0.1],
    "layer3.W": [[0.2, -0.1], [-0.5, 0.3], [0.6, 0.4]],
    "layer3.b": [0.1, 0.0, -0.1],
}


def v3(activation: Any) -> MLP:
    model = MLP(2, [2, 2, 3], activation)
    model.load_state_dict(V3)
    return model


def test_v3_with_sigmoid() -> None:
    model = v3(sigmoid)
    x = [Value(1.0), Value(2.0)]
    logits = model(x)
    loss = cross_entropy(logits, 2)
    loss.backward()
    z1, z2, z3 = pre_activations(model, [1.0, 2.0])
    assert (z1, z2) == (close([-0.25, 0.9]), close([0.010842850791, 0.034531948507]))
    assert z3 == [v.data for v in logits] == close([0.149678924292, -0.098765704263, 0.405079263427])
    assert loss.data == close(0.866600100847)
    first, second, third = model.layers
    assert grads(third.b) == close([0.325627743888, 0.253993889704, -0.579621633592])
    assert grads(second.b) == close([-0.102408084065, -0.047039290770])
    assert grads(first.b) == close([0.001772849608, -0.000342343066])
    assert grads(first.W) == [close([0.001772849608, 0.003545699215]), close([-0.000342343066, -0.000684686131])]
    assert grads(second.W) == [close([-0.044836665703, -0.072806976430]), close([-0.020594906881, -0.033442560377])]
    assert grads(third.W) == [
        close([0.163696546556, 0.165624732752]),
        close([0.127685442568, 0.129189452964]),
        close([-0.291381989125, -0.294814185716]),
    ]
    assert grads(x) == close([0.000040347734, -0.000457272841])


@pytest.mark.parametrize("activation", [relu, tanh, sigmoid])
def test_v3_by_the_recursion_and_by_differences(activation: Any) -> None:
    model = v3(activation)
    cross_entropy(model([1.0, 2.0]), 2).backward()
    expected = backpropagate(V3, [1.0, 2.0], 2, activation.name)
    for name, tensor in model.tensors().items():
        assert np.array(grads(tensor)) == pytest.approx(expected[name], rel=1e-12, abs=1e-15)

        def cost(w: Array, name: str = name) -> float:
            return forward(V3 | {name: w}, [1.0, 2.0], activation.name, 2)

        assert numeric(cost, V3[name]) == pytest.approx(expected[name], abs=1e-9)


def test_v3_relu_has_a_dead_neuron_in_each_hidden_layer() -> None:
    model = v3(relu)
    cross_entropy(model([1.0, 2.0]), 2).backward()
    for layer in model.layers[:2]:
        assert [0.0, 0.0] in grads(layer.W)


F: dict[str, Callable[[Array], Array]] = {"sigmoid": g, "tanh": np.tanh, "relu": lambda z: np.maximum(z, 0)}
SLOPE: dict[str, Callable[[Array], Array]] = {
    "sigmoid": lambda z: g(z) * (1 - g(z)),
    "tanh": lambda z: 1 - np.tanh(z) ** 2,
    "relu": lambda z: (z > 0).astype(float),
}


def forward(state: Any, x: Any, activation: str, y: int) -> float:
    a = np.array(x)
    layers = len(state) // 2
    for i in range(1, layers + 1):
        z = np.array(state[f"layer{i}.W"]) @ a + state[f"layer{i}.b"]
        a = F[activation](z) if i < layers else z
    return float(np.log(np.exp(a).sum()) - a[y])


def backpropagate(state: Any, x: Any, y: int, activation: str) -> dict[str, Array]:
    """The lectures: δ^L = softmax − e_y, δ^(l−1) = (Wᵀδ^l) ⊙ f′(z^(l−1)), dW = δaᵀ, db = δ."""
    layers = len(state) // 2
    weights = [np.array(state[f"layer{i}.W"]) for i in range(1, layers + 1)]
    a, z = [np.array(x)], []
    for i, w in enumerate(weights, start=1):
        z.append(w @ a[-1] + state[f"layer{i}.b"])
        a.append(F[activation](z[-1]) if i < layers else z[-1])
    p = np.exp(z[-1] - z[-1].max())
    delta = p / p.sum() - np.eye(len(p))[y]
    found = {}
    for i in range(layers, 0, -1):
        found[f"layer{i}.W"], found[f"layer{i}.b"] = np.outer(delta, a[i - 1]), delta
        if i > 1:
            delta = (weights[i - 1].T @ delta) * SLOPE[activation](z[i - 2])
    return found


SHAPES = st.lists(st.integers(1, 4), min_size=1, max_size=4)


@given(st.integers(0, 10_000), st.integers(1, 3), SHAPES, st.integers(2, 3), st.sampled_from([relu, tanh, sigmoid]))
def test_the_recursion_equals_the_scalar_engine(
    seed: int, nin: int, hidden: list[int], nout: int, activation: Any
) -> None:
    rng = random.Random(seed)
    model = MLP(nin, [*hidden, nout], activation, rng=rng)
    for layer in model.layers:
        for b in layer.b:
            b.data = rng.uniform(-1, 1)
    x, y = [rng.uniform(-1, 1) for _ in range(nin)], rng.randrange(nout)
    loss = cross_entropy(model(x), y)
    loss.backward()
    expected = backpropagate(model.state_dict(), x, y, activation.name)
    for name, tensor in model.tensors().items():
        assert np.array(grads(tensor)) == pytest.approx(expected[name], rel=1e-9, abs=1e-14)
    deltas = sensitivities(model, x, y, cross_entropy)
    for i, delta in enumerate(deltas, start=1):
        assert delta == pytest.approx(expected[f"layer{i}.b"].tolist(), rel=1e-9, abs=1e-14)


@given(st.integers(0, 10_000), st.sampled_from([tanh, sigmoid]), st.sampled_from([tanh, None]), st.integers(1, 3))
def test_sensitivities_are_the_grads_of_pre_activations(seed: int, activation: Any, output: Any, nout: int) -> None:
    model = MLP(2, [3, 2, nout], activation, output, rng=random.Random(seed))
    x, y = [0.3, -0.7], 0.5

    def loss(f: Any, y: float) -> Any:
        return autograd.sum([squared(v, y) for v in f]) if isinstance(f, list) else squared(f, y)

    order = autograd.topological_order(root := loss(model(x), y))
    root.backward()
    dots = [node for node in order if node.gate is autograd.dot]
    by_layer = [[d.grad for d in dots if (d.scope or "").startswith(f"mlp/layer{i}/")] for i in (1, 2, 3)]
    places = [[(d.scope or "") for d in dots if (d.scope or "").startswith(f"mlp/layer{i}/")] for i in (1, 2, 3)]
    for found, names, delta in zip(by_layer, places, sensitivities(model, x, y, loss), strict=True):
        in_order = [grad for _, grad in sorted(zip(names, found, strict=True))]
        assert delta == pytest.approx(in_order, rel=1e-12, abs=1e-15)


@given(st.integers(0, 10_000), st.lists(st.integers(1, 3), min_size=1, max_size=3))
def test_forward_products_and_the_jacobian_of_a_composition(seed: int, sizes: list[int]) -> None:
    """003's D^(m) = I, D^(j) = D^(j+1) D_z f_(j+1), and the product of the layers' Jacobians, equal the engine's."""
    rng = random.Random(seed)
    model = MLP(2, [*sizes, 2], tanh, rng=rng)
    x = [rng.uniform(-1, 1), rng.uniform(-1, 1)]
    a, product = np.array(x), np.eye(2)
    jacobians = []
    for i, layer in enumerate(model.layers):
        w, b = np.array([[v.data for v in row] for row in layer.W]), np.array([v.data for v in layer.b])
        z = w @ a + b
        last = i == len(model.layers) - 1
        jacobians.append(w if last else (1 - np.tanh(z) ** 2)[:, None] * w)
        a = z if last else np.tanh(z)
    for step in jacobians:
        product = step @ product
    assert np.array(jacobian(lambda v: model(v))(x)) == pytest.approx(product, rel=1e-10, abs=1e-14)
    back = np.eye(2)
    for step in reversed(jacobians):
        back = back @ step
    assert back == pytest.approx(product, rel=1e-12, abs=1e-14)


# K5, K6: vanishing and exploding gradients


@pytest.mark.parametrize(("activation", "scale"), [(sigmoid, 1.0), (relu, 1.0), (tanh, 3.0)])
def test_k5_gradients_over_depth_are_products_of_layer_jacobians(activation: Any, scale: float) -> None:
    rng = random.Random(1)
    depth, width = 6, 4
    model = MLP(width, [width] * depth, activation, rng=rng)
    for layer in model.layers:
        for row in layer.W:
            for w in row:
                w.data *= scale
    x = [0.5, -0.2, 0.1, 0.9]
    cross_entropy(model(x), 1).backward()
    norms = gradient_norms(model)
    expected = backpropagate(model.state_dict(), x, 1, activation.name)
    for i in range(1, depth + 1):
        both = np.append(expected[f"layer{i}.W"].ravel(), expected[f"layer{i}.b"])
        assert norms[f"layer{i}"] == pytest.approx(float(np.linalg.norm(both)), rel=1e-10)
    if activation is sigmoid:  # every factor of the product is at most ‖W‖/4
        assert norms["layer1"] < norms["layer6"] / 100


def test_k6_a_linear_net_grows_by_the_spectral_norm() -> None:
    """Along the top singular vectors every layer multiplies by the largest singular value, and never by more."""
    w = np.array([[2.0, 1.0], [0.0, 1.5]])
    top = float(np.linalg.norm(w, 2))
    by_hand = np.sqrt((np.trace(w.T @ w) + np.sqrt(np.trace(w.T @ w) ** 2 - 4 * np.linalg.det(w.T @ w))) / 2)
    assert top == pytest.approx(float(by_hand), rel=1e-12)
    for depth in (1, 5, 10):
        model = Sequential(*(Layer.of(w.tolist()) for _ in range(depth)))
        J = np.array(jacobian(lambda v, model=model: model(v))([0.0, 0.0]))
        assert float(np.linalg.norm(J, 2)) <= top**depth * (1 + 1e-12)
    symmetric = (w + w.T) / 2
    model = Sequential(*(Layer.of(symmetric.tolist()) for _ in range(10)))
    J = np.array(jacobian(lambda v: model(v))([0.0, 0.0]))
    assert float(np.linalg.norm(J, 2)) == pytest.approx(float(np.linalg.norm(symmetric, 2)) ** 10, rel=1e-12)


def test_l20_the_gradient_at_the_output_is_o_minus_y() -> None:
    z = Value(0.7)
    ((z - 0.2) ** 2 / 2).backward()
    assert z.grad == close(0.7 - 0.2)
    z = Value(1.0)
    o = sigmoid(z)
    (-log(o)).backward()
    assert z.grad == close(-0.268941421370)
    scores = [Value(3.2), Value(5.1), Value(-1.7), Value(-3.7)]
    total = autograd.sum([exp(s) for s in scores])
    (-log(exp(scores[1]) / total)).backward()
    assert grads(scores) == close([0.129965514248, -0.131064290598, 0.000967798998, 0.000130977352])
