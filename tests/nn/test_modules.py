"""Guards modules: their parameters and names, their state, freezing, composition, and the numbers of the lectures' nets."""

from __future__ import annotations

import math
import random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

import autograd
from autograd import Value, check_gradients, relu, sigmoid, tanh
from nn import MLP, Activation, Concat, Layer, Module, Neuron, Sequential, he, uniform, xavier, zeros

WRONG: Any = "tanh"


def data(outputs: Any) -> Any:
    return [data(v) for v in outputs] if isinstance(outputs, list) else outputs.data


def test_names_and_order_of_parameters() -> None:
    model = MLP(2, [2, 1], rng=random.Random(0))
    names = [name for name, _ in model.named_parameters()]
    assert names == [
        *("layer1.W[0][0]", "layer1.W[0][1]", "layer1.W[1][0]", "layer1.W[1][1]", "layer1.b[0]", "layer1.b[1]"),
        *("layer2.W[0][0]", "layer2.W[0][1]", "layer2.b[0]"),
    ]
    assert model.parameters() == [parameter for _, parameter in model.named_parameters()]
    assert [p.role for p in model.parameters()] == ["parameter"] * 9


def test_counts_of_the_lectures() -> None:
    assert [len(MLP(n, [4, 5, 5, 4]).parameters()) for n in (2, 3)] == [91, 95]
    assert len(MLP(2, [2, 2, 3]).parameters()) == 21
    assert len(MLP(3, [4, 1], bias=False).parameters()) == 16


def test_a_module_of_ones_own_finds_its_values_in_attributes_and_lists() -> None:
    class Mixed(Module):
        def __init__(self) -> None:
            self.scale = Value(2.0)
            self.table = [[Value(1.0), Value(3.0)]]
            self.part = Neuron(1)
            self.parts = [Neuron(1, bias=False), Neuron(1, bias=False)]
            self.shared = self.part
            self.note = "no parameter"
            self.cached = self.scale * 2

    mixed = Mixed()
    assert [name for name, _ in mixed.named_parameters()] == [
        *("scale", "table[0][0]", "table[0][1]", "part.w[0]", "part.b", "parts1.w[0]", "parts2.w[0]"),
    ]
    assert len(set(mixed.parameters())) == len(mixed.parameters()) == 7
    assert list(mixed.state_dict()) == [
        "scale",
        "table",
        "part.w",
        "part.b",
        "parts1.w",
        "parts2.w",
        "shared.w",
        "shared.b",
    ]


def test_a_state_goes_into_a_model_of_the_same_shape() -> None:
    first, second = MLP(2, [3, 1], rng=random.Random(1)), MLP(2, [3, 1], rng=random.Random(2))
    second.load_state_dict(first.state_dict())
    assert second.state_dict() == first.state_dict()
    assert second([0.5, -1.0]).data == first([0.5, -1.0]).data


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"layer1.W": None}, r"layer1\.W must.*got None"),
        ({"layer1.W": [[1.0, 2.0]]}, r"layer1\.W must.*got 1 entries"),
        ({"layer1.b": [1.0, "x", 3.0]}, r"layer1\.b\[1\] must.*got 'x'"),
        ({"layer1.b": [1.0, True, 3.0]}, r"layer1\.b\[1\] must.*got True"),
        ({"layer2.b": [math.nan]}, r"layer2\.b\[0\] must.*got nan"),
        ({"layer3.W": [[1.0]]}, r"the model has no \['layer3.W'\]"),
    ],
)
def test_a_state_that_does_not_fit_changes_nothing(change: dict[str, Any], message: str) -> None:
    model = MLP(2, [3, 1])
    before = model.state_dict()
    with pytest.raises(ValueError, match=message):
        model.load_state_dict(before | change)
    with pytest.raises(ValueError, match=r"it lacks \['layer1.b'\]"):
        model.load_state_dict({name: numbers for name, numbers in before.items() if name != "layer1.b"})
    with pytest.raises(TypeError, match=r"state must.*got a list"):
        model.load_state_dict([])  # type: ignore[arg-type]
    assert model.state_dict() == before


def test_what_is_frozen_is_constant_and_kept() -> None:
    model = MLP(2, [2, 1], rng=random.Random(0))
    model.layers[0].freeze()
    assert len(model.parameters()) == 3
    model([1.0, 2.0]).backward()
    assert [w.grad for row in model.layers[0].W for w in row] == [0.0] * 4
    assert len(model.state_dict()["layer1.W"]) == 2
    model.layers[0].unfreeze()
    assert len(model.parameters()) == 9


def test_predict_gives_numbers_and_records_nothing() -> None:
    model = MLP(2, [3, 2], rng=random.Random(0))
    X = [[0.5, -1.0], [1.0, 2.0]]
    assert model.predict(X) == [data(model(x)) for x in X] == model.predict(np.array(X))
    assert model.predict(X[:1]) == [data(model(X[0]))]
    assert MLP(2, [1]).predict([]) == []
    assert all(isinstance(v, float) for row in model.predict(X) for v in row)


def test_representations_show_the_shape() -> None:
    assert repr(Neuron(3, tanh)) == "Neuron(3 → 1, tanh)"
    assert repr(Layer(2, 16, None)) == "Layer(2 → 16, linear)"
    assert repr(MLP(2, [16, 1], tanh, sigmoid)) == "MLP(2 → 16 tanh → 1 sigmoid, 65 parameters)"
    assert repr(Concat(Neuron(1), relu)) == "Concat(Neuron(1 → 1, relu), Activation(relu))"


def test_scopes_name_the_parts_of_containers() -> None:
    model = Sequential(Layer(2, 2, None), tanh, Layer(2, 1, None))
    y = model([1.0, 2.0])
    assert (y.scope, y.inputs[2].scope) == ("sequential/layer3/neuron1", "sequential/activation2")
    assert [name for name, _ in model.named_parameters()][-1] == "layer3.b[0]"


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Neuron(0), ValueError, "nin, the number of inputs, must be a whole number of at least 1, got 0"),
        (
            lambda: Layer(2, WRONG),
            ValueError,
            "nout, the number of neurons, must be a whole number of at least 1, got 'tanh'",
        ),
        (
            lambda: MLP(2, WRONG),
            TypeError,
            "nouts must.*got 'tanh'",
        ),
        (lambda: MLP(2, []), TypeError, r"nouts must.*got \[\]"),
        (
            lambda: Neuron(2, WRONG),
            TypeError,
            r"an activation must.*got 'tanh'",
        ),
        (lambda: MLP(2, [1], rng=0), TypeError, r"rng must be .*, got 0: write rng=random.Random\(0\)"),  # type: ignore[arg-type]
        (lambda: Sequential(), ValueError, "a network must.*got none"),
        (lambda: Layer(2, 2)([1.0]), ValueError, r"Layer\(2 → 2, relu\) takes 2 inputs, and x has 1"),
        (lambda: Neuron(2)(1.0), ValueError, r"takes 2 inputs, and x is the number 1.0"),
        (lambda: Neuron(1)(["a"]), TypeError, r"x\[0\] needs a number, not the str 'a': write float\('a'\)"),
    ],
)
def test_errors_say_what_to_write(make: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make()


# Initialisers


def test_initialisers_have_their_moments() -> None:
    rng, nin, nout, n = random.Random(0), 30, 20, 20_000
    for init, variance in ((uniform, 1 / 3), (xavier, 2 / 50), (he, 2 / 30)):
        drawn = [init(rng, nin, nout) for _ in range(n)]
        assert sum(drawn) / n == pytest.approx(0.0, abs=4 * math.sqrt(variance / n))
        assert sum(x * x for x in drawn) / n == pytest.approx(variance, rel=0.05)
    layer = Layer(30, 20, init=xavier, rng=rng)
    assert max(abs(w.data) for row in layer.W for w in row) <= math.sqrt(6 / 50)


def test_zeros_keep_hidden_neurons_identical() -> None:
    def train(init: Any) -> list[list[float]]:
        model = MLP(2, [3, 1], sigmoid, init=init, rng=random.Random(0))
        for _ in range(20):
            cost = autograd.sum([(model(x) - t) ** 2 for x, t in (([0.0, 1.0], 1.0), ([1.0, 1.0], 0.0))])
            model.zero_grad()
            cost.backward()
            for p in model.parameters():
                p.data -= 0.1 * p.grad
        return data(model.layers[0].W)  # type: ignore[no-any-return]

    first, *others = train(zeros)
    assert all(row == first for row in others)
    assert first != [0.0, 0.0]  # they learn, all the same thing
    assert len({tuple(row) for row in train(uniform)}) == 3


def test_one_seed_gives_one_network() -> None:
    assert (
        MLP(2, [3, 1], init=he, rng=random.Random(5)).state_dict()
        == MLP(2, [3, 1], init=he, rng=random.Random(5)).state_dict()
    )


# The lectures' rows


def test_l5_linear_layers_collapse_into_one() -> None:
    W = [[[1, 2], [0, -1]], [[2, 0], [1, 1]], [[1, -1], [3, 1]], [[0, 1], [1, 1]]]
    b = [[1, 0], [0, -1], [2, 2], [-1, 1]]
    model = Sequential(*(Layer.of(w, c) for w, c in zip(W, b, strict=True)))
    assert data(model([1.0, -2.0])) == [-12.0, -11.0]
    product, shift = np.eye(2), np.zeros(2)
    for w, c in zip(W, b, strict=True):
        product, shift = np.array(w) @ product, np.array(w) @ shift + c
    assert (product.tolist(), shift.tolist()) == ([[7, 13], [8, 16]], [7, 13])
    assert data(Layer.of(product.tolist(), shift.tolist())([1.0, -2.0])) == [-12.0, -11.0]


def test_b9_xor_by_a_relu_layer() -> None:
    layer = Layer.of([[1.0, -1.0], [-1.0, 1.0]], None, relu)
    corners = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]
    assert [data(layer(x)) for x in corners] == [[0, 0], [0, 1], [1, 0], [0, 0]]
    assert [data(autograd.sum(layer(x))) for x in corners] == [0, 1, 1, 0]


def test_n3_a_bias_is_a_weight_of_an_input_that_is_1() -> None:
    neuron = Neuron.of([2.0, -1.0], 0.5, tanh)
    extended = Neuron.of([2.0, -1.0, 0.5], None, tanh)
    assert neuron([0.3, 0.7]).data == pytest.approx(extended([0.3, 0.7, 1.0]).data, rel=1e-15)


def test_l4_a_batch_is_the_matrix_formula() -> None:
    """O = AF(WX + B) with samples as columns and B = b repeated; here samples are rows."""
    layer = Layer(3, 4, tanh, rng=random.Random(3))
    X = np.random.default_rng(0).normal(size=(3, 5))
    W, b = np.array(data(layer.W)), np.array(data(layer.b))
    outputs = np.tanh(W @ X + np.repeat(b[:, None], 5, axis=1))
    assert pytest.approx(outputs, rel=1e-14) == np.array(data(layer.batch(X.T.tolist()))).T


def test_l12_concat_adds_the_gradients_of_its_branches() -> None:
    x = [Value(0.5), Value(-1.0)]
    branches = Layer.of([[1.0, 2.0]], [0.0], tanh), Layer.of([[0.5, -1.0]], [1.0], sigmoid)
    weights = [3.0, -2.0]
    autograd.dot(weights, Concat(*branches)(x)).backward()
    together = [v.grad for v in x]
    apart = [0.0, 0.0]
    for branch, weight in zip(branches, weights, strict=True):
        for v in x:
            v.grad = 0.0
        (weight * branch(x)).backward()
        apart = [total + v.grad for total, v in zip(apart, x, strict=True)]
    assert together == pytest.approx(apart, rel=1e-14)


def test_l11_sequential_is_composition_and_associative() -> None:
    a, b, c = Layer(2, 3, tanh), Layer(3, 2, relu), Layer(2, 1, None)
    x = [0.3, -0.8]
    expected = c(b(a(x))).data
    assert (
        Sequential(a, b, c)(x).data
        == Sequential(Sequential(a, b), c)(x).data
        == Sequential(a, Sequential(b, c))(x).data
    )
    assert expected == Sequential(a, b, c)(x).data
    assert [data(z) for z in Sequential(a, b, c).outputs(x)] == [data(a(x)), data(b(a(x))), expected]


def test_activations_are_applied_to_components() -> None:
    assert data(Activation(tanh)([Value(0.5), Value(1.0)])) == [math.tanh(0.5), math.tanh(1.0)]
    assert Activation(max)([1.0, 3.0]) == 3.0


def test_x_may_be_an_array_or_a_lone_number() -> None:
    model = MLP(1, [2, 1], tanh, rng=random.Random(0))
    assert model(0.5).data == model([0.5]).data == model(np.array([0.5])).data == model([Value(0.5)]).data


def test_n11_logistic_regression() -> None:
    """P(y=1|x) = σ(w·x + b); its cross-entropy has the gradient (σ − y)·x, here also by hand and by differences."""
    w, b, x = [1.0, 2.0], 0.25, [0.5, -1.0]
    neuron = Neuron.of(w, b, sigmoid)
    p = neuron(x)
    assert p.data == pytest.approx(1 / (1 + math.exp(1.25)), rel=1e-12)
    (-autograd.log(p)).backward()
    expected = [(p.data - 1) * v for v in (*x, 1.0)]
    assert [v.grad for v in neuron.parameters()] == pytest.approx(expected, rel=1e-12)

    def loss(w0: Any, w1: Any, b: Any) -> Any:
        return autograd.softplus(-(w0 * x[0] + w1 * x[1] + b))

    assert check_gradients(loss, [*w, b], raises=True)
    assert autograd.grad(loss)(*w, b) == pytest.approx(tuple(expected), rel=1e-12)
    decides = [neuron(point).data >= 0.5 for point in ([0.0, 0.0], [0.0, -0.125], [0.0, -0.126])]
    assert decides == [True, True, False]  # the boundary is w·x + b = 0


@given(st.lists(st.floats(-3, 3), min_size=6, max_size=6), st.lists(st.floats(-3, 3), min_size=4, max_size=4))
def test_l10_affine_layers_map_midpoints_to_midpoints(numbers: list[float], points: list[float]) -> None:
    layer = Layer.of([numbers[:2], numbers[2:4]], numbers[4:])
    first, second = points[:2], points[2:]
    middle = [(a + b) / 2 for a, b in zip(first, second, strict=True)]
    ends = zip(data(layer(first)), data(layer(second)), strict=True)
    assert data(layer(middle)) == pytest.approx([(a + b) / 2 for a, b in ends], rel=1e-9, abs=1e-9)


@given(
    st.integers(0, 1000), st.lists(st.integers(1, 4), min_size=1, max_size=3), st.sampled_from([relu, tanh, sigmoid])
)
def test_gradients_of_networks_in_their_inputs(seed: int, nouts: list[int], activation: Any) -> None:
    rng = random.Random(seed)
    model = MLP(2, nouts, activation, rng=rng)

    def f(x: list[Value]) -> Any:
        output = model(x)
        return autograd.sum(output) if isinstance(output, list) else output

    x = [rng.uniform(-1, 1), rng.uniform(-1, 1)]
    if activation is not relu:
        check_gradients(f, [x], raises=True)
    assert len(model.parameters()) == sum(m * n + n for m, n in zip([2, *nouts], nouts, strict=False))


def test_parts_of_the_same_name_keep_all_their_parameters() -> None:
    a, b = MLP(2, [3, 1]), MLP(3, [4, 1])
    joined = Sequential(a.layers[0], *b.layers)
    assert len(joined.parameters()) == 9 + 16 + 5
    assert list(joined.state_dict())[:4] == ["layer1.W", "layer1.b", "layer1_2.W", "layer1_2.b"]


# Names that two parts would share


class Holder(Module):
    def __init__(self, **parts: Any) -> None:
        for name, part in parts.items():
            setattr(self, name, part)


def named(name: str, module: Module) -> Module:
    module.name = name
    return module


CLASHES: dict[str, tuple[Any, list[str]]] = {
    "a tensor beside an entry of a list": (
        lambda: Holder(a=[Neuron(1), Value(2.0)], a2=Value(3.0)),
        ["a1.w", "a1.b", "a2", "a2_2"],
    ),
    "keys of two types": (lambda: Holder(w={1: Value(1.0), "1": Value(2.0)}), ["w.1", "w.1_2"]),
    "keys with dots": (
        lambda: Holder(w={"a": {"b": Value(1.0)}, "a.b": Value(2.0), "a.b_2": Value(3.0)}),
        ["w.a.b", "w.a.b_2", "w.a.b_2_2"],
    ),
    "a module after a dict": (
        lambda: Holder(d={"w": Value(1.0)}, m=named("d", Neuron(1))),
        ["d.w", "d_2.w", "d_2.b"],
    ),
    "a dict after a module": (
        lambda: Holder(m=named("d", Neuron(1)), d={"w": Value(1.0)}),
        ["d.w", "d.b", "d.w_2"],
    ),
    "modules of two depths": (
        lambda: Holder(d=Holder(x=Neuron(1)), e=named("d.x", Neuron(1))),
        ["d.x.w", "d.x.b", "d.x_2.w", "d.x_2.b"],
    ),
    "a tensor beside a module": (lambda: Holder(d=Value(1.0), m=named("d", Neuron(1))), ["d", "d.w", "d.b"]),
}


@pytest.mark.parametrize("clash", CLASHES)
def test_parts_of_one_name_are_numbered(clash: str, tmp_path: Any) -> None:
    make, names = CLASHES[clash]
    model, twin = make(), make()
    assert list(model.tensors()) == names
    for i, parameter in enumerate(model.parameters()):
        parameter.data = float(i)
    assert len(model.parameters()) == len(model.named_parameters()) == len({n for n, _ in model.named_parameters()})
    twin.load_state_dict(model.state_dict())
    assert [p.data for p in twin.parameters()] == [float(i) for i in range(len(model.parameters()))]


def test_parts_that_contain_themselves_or_nest_too_deep_are_named() -> None:
    loop: list[Any] = [Value(1.0)]
    loop.append(loop)
    table: dict[str, Any] = {}
    table["self"] = table
    deep: Module = Neuron(1)
    for _ in range(2000):
        deep = Holder(part=deep)
    own = Holder()
    own.part = own  # type: ignore[attr-defined]
    for part in (loop, table, deep, own):
        with pytest.raises(ValueError, match=r"(whole|part) must not contain itself"):
            Holder(whole=part).parameters()


@pytest.mark.parametrize("key", [None, 1, ("w",)])
def test_a_state_with_a_key_that_is_no_name_is_refused(key: Any) -> None:
    neuron = Neuron(1)
    with pytest.raises(ValueError, match="the model has no"):
        neuron.load_state_dict({**neuron.state_dict(), key: 1.0, "other": 2.0})


def test_a_subclass_of_a_layer_trains_its_own_parameters_too() -> None:
    class Scaled(Layer):
        def __init__(self) -> None:
            super().__init__(2, 2)
            self.scale, self.inner = Value(3.0), Neuron(1)

    model = Scaled()
    assert list(model.tensors()) == ["W", "b", "scale", "inner.w", "inner.b"]
    assert len(model.parameters()) == 9
    assert "scale" in model.state_dict()


class Endless(Module):
    def forward(self, x: Any) -> Any:
        return self(x)


@pytest.mark.parametrize("whole", [Sequential, Concat])
def test_a_forward_deeper_than_the_stack_says_so(whole: Any) -> None:
    model: Module = Layer.of([[2.0]], [0.0])
    for _ in range(900):
        model = whole(model)
    for call in (lambda: model([1.0]), lambda: model.predict([[1.0]]), lambda: Endless()([1.0])):
        with pytest.raises(ValueError, match=r"forward of .* must not call itself, nor modules nested so deep"):
            call()
    assert [p.data for p in model.parameters()] == [2.0, 0.0]
    assert repr(model).startswith(f"{whole.__name__}({whole.__name__}(")
    assert "(…)" in repr(model)
    assert Layer.of([[2.0]])([3.0]).scope == "layer/neuron1"  # no scope is left open
