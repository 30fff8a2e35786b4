"""Guards plots: what they draw is the model's, on the Axes given; how they look was looked at."""

from __future__ import annotations

import math
import random
import sys
from collections.abc import Iterator
from typing import Any

import matplotlib
import pytest
from matplotlib.contour import ContourSet
from matplotlib.figure import Figure

from autograd import relu, sigmoid, tanh
from nn import MLP, SGD, History, Layer, fit, plot_activation, plot_boundary, plot_history, plot_points, squared_error

matplotlib.use("Agg")
from matplotlib import pyplot as plt


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    plt.close("all")


def test_the_boundary_of_a_line_is_where_it_should_be() -> None:
    """The lectures' AND neuron −30 + 20x₁ + 20x₂: its boundary is x₁ + x₂ = 1.5."""
    corners = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]
    _, ax = plt.subplots()
    assert plot_boundary(Layer.of([[20.0, 20.0]], [-30.0]), corners, [0, 0, 0, 1], ax, steps=41) is ax
    drawn: Any = [each for each in ax.collections if isinstance(each, ContourSet) and not each.filled]
    points = [point for each in drawn for path in each.get_paths() for point in path.vertices]
    assert points
    assert all(a + b == pytest.approx(1.5, abs=1e-6) for a, b in points)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["class 0", "class 1"]


def test_the_boundary_of_probabilities_is_where_the_caller_says() -> None:
    corners = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]
    model = MLP(2, [1], output=sigmoid)
    model.load_state_dict({"layer1.W": [[1.0, 1.0]], "layer1.b": [-1.5]})
    ax = plot_boundary(model, corners, [0, 0, 0, 1], Figure().subplots(), steps=41, threshold=0.5)
    drawn: Any = [each for each in ax.collections if isinstance(each, ContourSet) and not each.filled]
    points = [point for each in drawn for path in each.get_paths() for point in path.vertices]
    assert points
    assert all(a + b == pytest.approx(1.5, abs=1e-3) for a, b in points)


def test_three_classes_and_plain_functions() -> None:
    model = MLP(2, [3, 3], tanh, rng=random.Random(0))
    X, y = [[0.0, 0.0], [1.0, 0.0], [0.0, 2.0]], [0, 1, 2]
    ax = plot_boundary(model, X, y, steps=12)
    assert len(ax.get_legend().get_texts()) == 3
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("x₁", "x₂")
    plot_boundary(lambda x: x[0] - x[1], X, [-1, 1, 1], steps=12)


def test_points_are_where_they_are_with_a_look_for_each_class() -> None:
    ax = plot_points([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]], [1, -1, 1], Figure().subplots())
    drawn = {each.get_label(): each for each in ax.collections}
    assert drawn["class -1"].get_offsets().tolist() == [[2.0, 3.0]]
    assert drawn["class 1"].get_offsets().tolist() == [[0.0, 1.0], [4.0, 5.0]]
    looks = {(tuple(each.get_facecolor()[0]), each.get_paths()[0].vertices.shape) for each in ax.collections}
    assert len(looks) == 2


@pytest.mark.parametrize("height", [3.0, 5.0, 9.0])
def test_a_title_has_room_above_the_legend_of_a_history(height: float) -> None:
    figure = Figure(figsize=(7.0, height), layout="constrained")
    ax = plot_history(History(cost=[1.0, 0.5], validation=[1.1, 0.7]), figure.subplots())
    title = ax.set_title("a title", pad=28)
    figure.draw_without_rendering()
    legend = ax.get_legend().get_window_extent()
    assert not legend.overlaps(title.get_window_extent())
    assert not legend.overlaps(ax.get_window_extent().shrunk(0.99, 0.99))


def test_a_history_is_plotted_curve_by_curve() -> None:
    data = [[0.0], [1.0], [2.0]], [1.0, 2.0, 2.0]
    model = Layer.of([[0.0]], [0.0])
    history = fit(
        model,
        data,
        squared_error,
        SGD(model.parameters(), 0.1),
        epochs=5,
        validation=data,
        metrics={"error": lambda o, t: 0.5},
    )
    ax = plot_history(history)
    assert [list(line.get_ydata()) for line in ax.get_lines()] == [history.cost, history.validation]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["training", "validation", "error"]
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_yscale()) == ("epoch", "cost", "log")


def test_epochs_are_marked_in_whole_numbers() -> None:
    ax = plot_history(History(cost=[1.0 / (i + 1) for i in range(20)]))
    ax.figure.draw_without_rendering()
    ticks = ax.get_xticks()
    assert len(ticks) > 2
    assert all(tick == round(tick) for tick in ticks)


def test_activations_are_plotted_with_their_derivative() -> None:
    ax = plot_activation(sigmoid, low=-2.0, high=2.0)
    curve, slope = (list(line.get_ydata())[::100] for line in ax.get_lines()[:2])
    assert curve == pytest.approx([0.119202922022, 0.268941421370, 0.5, 0.731058578630, 0.880797077978])
    assert slope == pytest.approx([0.104993585404, 0.196611933241, 0.25, 0.196611933241, 0.104993585404])
    slopes = list(plot_activation(relu).get_lines()[1].get_ydata())
    assert any(map(math.isnan, slopes))  # no line across the jump
    assert {v for v in slopes if not math.isnan(v)} == {0.0, 1.0}


def test_without_matplotlib_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r'pip install "gatewise\[plot\]"'):
        plot_activation(relu)


@pytest.mark.parametrize(
    "targets",
    [
        [[0, 1], [1, 1]], [[0, 1], [math.nan, 1]], [[0, 1], [0.5, 0.5]], [[0, 1], [0, 1, 0]], [[0, 1], []], [[0, 1], [0, 0]],
        [0, math.nan], [0, None], [0, {}], [[0], [1]], [[1], [1]],
    ],
)  # fmt: skip
def test_a_target_without_a_class_is_named(targets: Any) -> None:
    points = [[0.0, 1.0], [1.0, 0.0]]
    with pytest.raises(ValueError, match=r"y\[[01]\].* must"):
        plot_points(points, targets)
    with pytest.raises(ValueError, match=r"y\[[01]\].* must"):
        plot_boundary(Layer.of([[1.0, 0.0]]), points, targets, steps=2)
