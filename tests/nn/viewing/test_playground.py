"""Guards the page that trains a network as a file: what it refuses, its size, and that the model stays as it is."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest

from autograd import Value, sigmoid, tanh
from nn import (
    MLP,
    SGD,
    Concat,
    Layer,
    Sequential,
    binary_cross_entropy_with_logits,
    cross_entropy_with_logits,
    moons,
    playground,
    spiral,
    squared_error,
)

from .test_explore_training import Looking, content, unpacked

DATA = moons(40, 0.1, Random(3))


@pytest.fixture
def model() -> MLP:
    return MLP(2, [3, 1], tanh, rng=Random(2))


def test_the_page_has_the_samples_and_the_weights_to_the_last_bit(model: MLP) -> None:
    found = content(playground(model, DATA, loss=squared_error, batch_size=100))
    assert unpacked("d", found["theta"]) == [parameter.data for parameter in model.parameters()]
    assert unpacked("d", found["training"]["x"]) == [x for row in DATA[0] for x in row]
    assert unpacked("d", found["training"]["y"]) == DATA[1]
    assert (found["rate"], found["batch"], found["validation"]) == (0.1, 40, None)
    assert found["places"] == [*range(13)]


def test_indices_of_classes_become_rows() -> None:
    data = spiral(5, 0.1, Random(0))
    found = content(
        playground(MLP(2, [3], rng=Random(0)), data, loss=cross_entropy_with_logits, validation=0.4, rng=Random(1))
    )
    assert (found["training"]["samples"], found["validation"]["samples"]) == (9, 6)
    rows = unpacked("d", found["validation"]["y"])
    assert sorted(rows) == [0.0] * 12 + [1.0] * 6


def test_the_model_and_the_optimiser_stay_as_they_are(model: MLP) -> None:
    optimiser = SGD(model, 0.1, momentum=0.9)
    for parameter in model.parameters():
        parameter.grad = 7.0
    before = model.state_dict()
    playground(model, DATA, loss=binary_cross_entropy_with_logits, optimiser=optimiser)
    assert model.state_dict() == before
    assert {parameter.grad for parameter in model.parameters()} == {7.0}
    assert (optimiser.steps, optimiser.learning_rate, {*optimiser.state[0]}) == (0, 0.1, {0.0})


def test_a_parameter_that_the_optimiser_does_not_move_stays(model: MLP) -> None:
    last = model.layers[1].parameters()
    found = content(playground(model, DATA, loss=squared_error, optimiser=SGD(last, 0.1)))
    assert found["places"] == [*[-1] * 9, 0, 1, 2, 3]
    last[0].role = "constant"  # frozen after the optimiser was made
    assert content(playground(model, DATA, loss=squared_error, optimiser=SGD(last, 0.1)))["fixed"] == [0]


def test_the_network_is_drawn_for_stacks_of_layers() -> None:
    def drawn(model: Any, nin: int = 2) -> Any:
        data = [[float(i), 1.0, 2.0][:nin] for i in range(4)], [1.0, 0.0, 1.0, 0.0]
        return content(playground(model, data, loss=squared_error))["network"]

    layers = drawn(Sequential(Layer(2, 3, None, rng=Random(0)), tanh, MLP(3, [2, 1], rng=Random(1))))["layers"]
    assert [len(layer["weights"]) for layer in layers] == [3, 2, 1]
    assert layers[0] == {"weights": [[0, 1], [2, 3], [4, 5]], "biases": [6, 7, 8], "activation": "tanh"}
    assert layers[1]["weights"][0] == [9, 10, 11]
    assert [layer["activation"] for layer in layers] == ["tanh", "relu", "linear"]
    assert drawn(MLP(2, [2, 1], output=sigmoid, rng=Random(1)))["layers"][1]["activation"] == "sigmoid"
    assert drawn(Layer(2, 1, bias=False, rng=Random(0)))["layers"][0]["biases"] == []

    class Residual(Layer):
        def forward(self, x: Any) -> Any:
            return sum(x, super().forward(x))

    assert drawn(Residual(2, 1, rng=Random(0)))["why"].startswith("No picture of the network")
    wide = Sequential(Concat(tanh, Layer(2, 1, None, rng=Random(0))), Layer(3, 1, None, rng=Random(1)))
    assert drawn(wide)["why"].startswith("No picture of the network")
    assert drawn(MLP(2, [25, 1], rng=Random(0)))["why"].endswith("layers of up to 25 neurons and 75 weights.")
    assert "layers" in drawn(MLP(2, [24, 1], rng=Random(0)))


def test_it_stays_small_or_says_so(model: MLP, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    large = MLP(2, [60, 60, 10], rng=Random(0))
    page = playground(large, spiral(1500, 0.1, Random(1)), tmp_path / "p.html", loss=cross_entropy_with_logits)
    assert len(page.html.encode()) < 2_000_000
    assert (tmp_path / "p.html").read_text(encoding="utf-8") == page.html
    monkeypatch.setattr("nn.viewing.pictures.LARGEST", 10_000)
    with pytest.raises(ValueError, match=r"page must have at most 10,000 bytes.*fewer samples"):
        playground(model, DATA, loss=squared_error)


def test_errors_say_what_to_write(model: MLP, tmp_path: Path) -> None:
    with pytest.raises(TypeError, match=r"model.*DATA|model must be a Module"):
        playground(DATA, model, loss=squared_error)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="loss must be a function"):
        playground(model, DATA, loss=model)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="optimiser must be an Optimiser"):
        playground(model, DATA, loss=squared_error, optimiser=0.1)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="optimiser moves no parameter"):
        playground(model, DATA, loss=squared_error, optimiser=SGD([Value(1.0)], 0.1))
    with pytest.raises(ValueError, match="rng"):
        playground(model, DATA, loss=squared_error, validation=0.3)
    with pytest.raises(ValueError, match="batch"):
        playground(model, DATA, loss=squared_error, batch_size=0)
    with pytest.raises(ValueError, match=r"\.html"):
        playground(model, DATA, tmp_path / "p.gif", loss=squared_error)
    assert not (tmp_path / "p.gif").exists()
    with pytest.raises(TypeError, match="data"):
        playground(Looking(), DATA, loss=squared_error)

    class OwnStep(SGD):
        def step_array(self, data: Any, gradient: Any) -> Any:
            return data

    with pytest.raises(TypeError, match="OwnStep"):
        playground(model, DATA, loss=squared_error, optimiser=OwnStep(model, 0.1))
