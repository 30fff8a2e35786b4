"""Guards the page of a training run as a file: its numbers are the model's at every step, and the model stays as it is."""

from __future__ import annotations

import json
import re
import struct
import sys
from base64 import b64decode
from pathlib import Path
from random import Random
from typing import Any

import pytest

from autograd import Page, Value, relu, sigmoid, tanh
from nn import (
    MLP,
    Adam,
    History,
    Layer,
    Module,
    binary_cross_entropy_with_logits,
    cross_entropy_with_logits,
    explore_training,
    fit,
    l2,
    moons,
    spiral,
    squared_error,
)
from nn.training.history import Snapshot
from nn.viewing.pictures import curve


def content(page: Page) -> Any:
    (text,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page.html, re.DOTALL)
    return json.loads(text)


def unpacked(kind: str, text: str) -> list[float]:
    packed = b64decode(text)
    return list(struct.unpack(f"<{len(packed) // struct.calcsize(kind)}{kind}", packed))


def as_float32(numbers: list[float]) -> list[float]:
    return list(struct.unpack(f"<{len(numbers)}f", struct.pack(f"<{len(numbers)}f", *numbers)))


def trained(model: Module, data: Any, loss: Any = binary_cross_entropy_with_logits, **options: Any) -> History:
    settings: dict[str, Any] = {"epochs": 5, "batch_size": 10, "rng": Random(1), "record": True} | options
    return fit(model, data, loss, Adam(model.parameters(), 0.05), **settings)


@pytest.fixture
def model() -> MLP:
    return MLP(2, [3, 1], tanh, rng=Random(2))


DATA = moons(40, 0.1, Random(3))


class Looking(Module):
    """A model that looks at its numbers, and so cannot be compiled; `calls` counts down to an interrupt."""

    def __init__(self) -> None:
        self.w = [Value(0.5), Value(-0.25)]
        self.calls = -1

    def forward(self, x: Any) -> Any:
        self.calls -= 1
        if self.calls == 0:
            raise KeyboardInterrupt
        z = self.w[0] * x[0] + self.w[1] * x[1]
        return z if z.data > 0 else z * 0.5


def test_weights_gradients_and_costs_are_those_of_the_history(model: MLP) -> None:
    history = trained(model, DATA)
    found = content(explore_training(model, history, data=DATA, frames=7))
    frames = found["frames"][1:]
    assert [frame["step"] for frame in frames] == [0, 3, 6, 10, 13, 16, 19]
    assert found["steps"] == len(history.snapshots) == 20
    for frame in frames:
        snapshot = history.snapshots[frame["step"]]
        assert (frame["epoch"], frame["cost"]) == (snapshot.epoch, snapshot.cost)
        assert unpacked("f", frame["weights"]) == as_float32(snapshot.parameters)
        assert unpacked("f", frame["gradients"]) == as_float32(snapshot.gradients)
    assert found["tensors"][:2] == [
        {"name": "layer1.W", "rows": [["layer1.W[0]", 2], ["layer1.W[1]", 2], ["layer1.W[2]", 2]]},
        {"name": "layer1.b", "rows": [["layer1.b", 3]]},
    ]
    (costs,) = found["curves"]
    assert costs["points"] == [[i, float(f"{cost:.6g}")] for i, cost in enumerate(history.steps)]


def test_the_page_begins_with_the_weights_before_the_first_step(model: MLP) -> None:
    weights = [parameter.data for parameter in model.parameters()]
    history = trained(model, DATA)
    before, first = content(explore_training(model, history, data=DATA))["frames"][:2]
    assert (before["step"], before["epoch"], before["cost"]) == (-1, 0, history.snapshots[0].cost)
    assert unpacked("f", before["weights"]) == as_float32(weights) == as_float32(history.initial)
    assert before["gradients"] == first["gradients"]  # found at these weights, and followed by the first step
    history.initial = []
    assert [frame["step"] for frame in content(explore_training(model, history))["frames"][:2]] == [0, 1]


def check_plane(model: Module, history: History, data: Any, threshold: float = 0.0) -> None:
    """On the grid of every frame stand the outputs of the model as it was, to a part in 32,767 of the largest."""
    found = content(explore_training(model, history, data=data, frames=4, threshold=threshold))
    plane = found["plane"]
    side, outputs, low, high = (plane[key] for key in ("side", "outputs", "low", "high"))
    for axis in (0, 1):
        column = [x[axis] for x in data[0]]
        assert low[axis] == pytest.approx(min(column) - 0.1 * (max(column) - min(column)), abs=1e-12)
        assert high[axis] == pytest.approx(max(column) + 0.1 * (max(column) - min(column)), abs=1e-12)
    steps = [(b - a) / (side - 1) for a, b in zip(low, high, strict=True)]
    grid = [[low[0] + i * steps[0], low[1] + j * steps[1]] for j in range(side) for i in range(side)]
    state = model.state_dict()
    for frame in found["frames"]:
        kept = history.initial if frame["step"] < 0 else history.snapshots[frame["step"]].parameters
        for parameter, x in zip(model.parameters(), kept, strict=True):
            parameter.data = x
        rows = model.predict(grid)
        wanted = [score for row in rows for score in (row if outputs > 1 else [row - threshold])]
        scale = max(map(abs, wanted)) / 32767
        scores = [frame["scale"] * level for level in unpacked("h", frame["scores"])]
        assert scores == pytest.approx(wanted, abs=0.5 * scale * (1 + 1e-6) + 1e-12)
    model.load_state_dict(state)


def test_the_plane_has_the_models_own_outputs(model: MLP) -> None:
    check_plane(model, trained(model, DATA), DATA)


def test_the_plane_of_three_classes() -> None:
    data = spiral(10, 0.1, Random(4))
    model = MLP(2, [4, 3], relu, rng=Random(5))
    check_plane(model, trained(model, data, cross_entropy_with_logits), data)


def test_the_plane_of_probabilities_is_decided_where_the_caller_says() -> None:
    model = MLP(2, [3, 1], tanh, output=sigmoid, rng=Random(5))
    check_plane(model, trained(model, DATA, squared_error), DATA, threshold=0.5)


def test_the_plane_of_a_model_that_cannot_be_compiled() -> None:
    model = Looking()
    check_plane(model, trained(model, DATA), DATA)


def test_the_plane_without_numpy(model: MLP, monkeypatch: pytest.MonkeyPatch) -> None:
    history = trained(model, DATA)
    monkeypatch.setitem(sys.modules, "numpy", None)
    check_plane(model, history, DATA)


@pytest.mark.parametrize("model", [MLP(2, [3, 1], tanh, rng=Random(2)), Looking()], ids=["compiled", "looking"])
def test_the_model_stays_as_it_is(model: Module) -> None:
    history = trained(model, DATA)
    for parameter in model.parameters():
        parameter.data += 1.0
        parameter.grad = 7.0
    before = model.state_dict()
    explore_training(model, history, data=DATA, frames=3)
    assert model.state_dict() == before
    assert {parameter.grad for parameter in model.parameters()} == {7.0}


def test_an_interrupt_leaves_the_model_as_it_was() -> None:
    model = Looking()
    history = trained(model, DATA)
    before = model.state_dict()
    assert history.snapshots[0].parameters != history.snapshots[-1].parameters
    model.calls = 100  # in the middle of the first frame
    with pytest.raises(KeyboardInterrupt):
        explore_training(model, history, data=DATA)
    assert model.calls == 0
    assert model.state_dict() == before


def test_what_is_frozen_is_shown_as_it_is() -> None:
    model = MLP(2, [2, 1], tanh, rng=Random(1))
    model.layers[0].freeze()
    history = trained(model, DATA)
    frames = content(explore_training(model, history, data=DATA))["frames"]
    frozen = [w.data for row in model.layers[0].W for w in row] + [b.data for b in model.layers[0].b]
    last = history.snapshots[-1]
    assert unpacked("f", frames[-1]["weights"]) == as_float32([*frozen, *last.parameters])
    gradients = unpacked("f", frames[-1]["gradients"])
    assert all(x != x for x in gradients[:6]), "none: not a number"
    assert gradients[6:] == as_float32(last.gradients)


def test_tensors_of_any_shape_and_shared_ones() -> None:
    class Odd(Module):
        def __init__(self) -> None:
            self.scale = Value(2.0)
            self.ragged = [[Value(1.0)], [Value(0.5), self.scale]]

        def forward(self, x: Any) -> Any:
            return self.scale * x * self.ragged[0][0] + self.ragged[1][0]

    model = Odd()
    data = [1.0, 2.0], [1.0, 3.0]
    history = trained(model, data, squared_error)
    found = content(explore_training(model, history, data=data))
    assert found["tensors"] == [
        {"name": "scale", "rows": [["scale", None]]},
        {"name": "ragged", "rows": [["ragged[0]", 1], ["ragged[1]", 2]]},
    ]
    scale, a, b = history.snapshots[-1].parameters
    assert unpacked("f", found["frames"][-1]["weights"]) == as_float32([scale, a, b, scale])
    assert found["plane"] == {"why": "No decision boundary: it is drawn for inputs of 2 numbers, and these have 1."}


def test_without_data_or_a_plane_the_page_says_why_there_is_no_boundary(model: MLP) -> None:
    found = content(explore_training(model, trained(model, DATA)))
    assert "data=(X, y)" in found["plane"]["why"]
    wide = Layer.of([[0.0, 0.0, 0.0]], [0.0])
    data = [[1.0, 2.0, 3.0], [2.0, 1.0, 0.0]], [1.0, 0.0]
    found = content(explore_training(wide, trained(wide, data, squared_error), data=data))
    assert found["plane"]["why"].endswith("and these have 3.")
    assert "scores" not in found["frames"][0]


def test_points_have_the_class_that_their_region_has(model: MLP) -> None:
    """A class that no sample has keeps its place, or colours would say what is not so."""
    X = [[0.0, 0.0], [1.0, 0.5]]
    history = trained(model, (X, [1, 1]))
    assert content(explore_training(model, history, data=(X, [1, 1])))["plane"]["points"] == [[0, 0, 1], [1, 0.5, 1]]
    three = MLP(2, [3], rng=Random(0))
    history = trained(three, (X, [2, 0]), cross_entropy_with_logits)
    for y in ([2, 0], [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]):
        plane = content(explore_training(three, history, data=(X, y)))["plane"]
        assert [k for _, _, k in plane["points"]] == [2, 0]
        assert plane["labels"] == ["0", "1", "2"]


def test_targets_that_are_no_classes_have_no_colours() -> None:
    X, y = [[i / 7, i % 3] for i in range(8)], [i / 7 for i in range(8)]
    model = Layer.of([[0.1, 0.2]], [0.0])
    plane = content(explore_training(model, trained(model, (X, y), squared_error), data=(X, y)))["plane"]
    assert plane["labels"] == []
    assert {k for _, _, k in plane["points"]} == {None}


def test_long_curves_keep_their_peaks() -> None:
    costs = [1.0 + (i % 7) / 7 for i in range(5000)]
    costs[1234], costs[4321] = 99.0, 0.01
    found = curve([*enumerate(costs)])
    assert len(found) <= 1000
    assert (1234, 99.0) in found
    assert (4321, 0.01) in found
    assert all(costs[i] == pytest.approx(cost, rel=1e-5) for i, cost in found)
    assert found == sorted(found)


def test_it_stays_small(tmp_path: Path) -> None:
    """Under 2 MB: sixty frames of 2-16-16-1; of many weights, outputs, points and steps, as much as there is room for."""
    model = MLP(2, [16, 16, 1], rng=Random(0))
    numbers = [p.data for p in model.parameters()]
    history = History(snapshots=[Snapshot(0, 1.0 + i, numbers, numbers) for i in range(200)])
    page = explore_training(model, history, tmp_path / "page.html", data=DATA)
    html = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert len(content(page)["frames"]) == 60
    assert len(html.encode()) < 2_000_000
    large = MLP(2, [60, 60, 10], rng=Random(0))
    numbers = [p.data for p in large.parameters()]
    history = History(snapshots=[Snapshot(0, 1.0 + i, numbers, numbers) for i in range(3000)])
    page = explore_training(large, history, data=spiral(1500, 0.1, Random(1)))
    assert 10 < len(content(page)["frames"]) < 60
    assert len(page.html.encode()) < 2_000_000
    assert len(content(page)["plane"]["points"]) == 2000


def test_errors_say_what_to_write(model: MLP, monkeypatch: pytest.MonkeyPatch) -> None:
    without = trained(model, DATA, record=False)
    with pytest.raises(ValueError, match=r"write history = fit\(..., record=True\)"):
        explore_training(model, without)
    history = trained(model, DATA, penalty=lambda parameters: l2(parameters, 1e-3))
    with pytest.raises(ValueError, match=r"history must.*got 13"):
        explore_training(MLP(2, [4, 1], tanh), history)
    for frames in (0, -1, 2.5, True):
        with pytest.raises(
            ValueError, match="frames, the number of steps on the page, must be a whole number of at least 1"
        ):
            explore_training(model, history, frames=frames)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"data must be a pair \(X, y\)"):
        explore_training(model, history, data=3)  # type: ignore[arg-type]
    assert content(explore_training(model, history))["curves"][0]["name"].endswith(", with the penalty")
    monkeypatch.setattr("nn.viewing.explore.WEIGHTS", 100)
    with pytest.raises(ValueError, match=r"a page shows at most 9 weights, and MLP.* has 13"):
        explore_training(model, history)
