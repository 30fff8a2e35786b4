"""Plots of networks (extra `plot`): each draws on the Axes that it is given, or on new ones, and returns them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from autograd import grad
from autograd.arguments import as_finite, as_int, as_operand, describe, list_or_none, require_callable

from .activation import title
from .data import samples, table
from .functions import argmax
from .history import History
from .spread import window

__all__ = ["plot_activation", "plot_boundary", "plot_history", "plot_points"]

# Distinguishable in grey and by the colour-blind (Okabe & Ito), each with a marker of its own.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")
MARKERS = "o^sDvP"


def plot_boundary(
    model: Callable[[Any], Any], X: Any, y: Any, ax: Any = None, *, steps: int = 80, threshold: float = 0.0
) -> Any:
    """Colour the plane by the class that a model predicts, with the data on top.

    A model with one output decides by whether it exceeds `threshold`: 0 for pre-activations and scores, 0.5 for
    probabilities; one with several by the largest.
    X: rows of two numbers; y: class labels; steps: how many points the model is asked for along each side

    >>> from matplotlib.figure import Figure
    >>> ax = plot_boundary(lambda x: x[0] - x[1], [[0.0, 1.0], [1.0, 0.0]], [0, 1], Figure().subplots())
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('x₁', 'x₂')
    """
    require_callable(model, "model")
    steps = as_int(steps, "steps, the points along each side,", 2)
    threshold = as_finite(threshold, "threshold")
    points, labels = _labelled(X, y)
    ax = _axes(ax)
    ends = [window(column) for column in zip(*points, strict=True)]
    xs, ys = ([low + (high - low) * i / (steps - 1) for i in range(steps)] for low, high in ends)
    predict = getattr(model, "predict", None) or (lambda rows: [model(row) for row in rows])
    outputs = [_scores(o) for o in predict([[a, b] for b in ys for a in xs])]
    scores = [o if len(o) > 1 else (threshold - o[0], o[0] - threshold) for o in outputs]
    for i in range(len(scores[0])):  # the class whose score leads those of all others
        leads = [s[i] - max(v for j, v in enumerate(s) if j != i) for s in scores]
        rows = [leads[k * steps : (k + 1) * steps] for k in range(steps)]
        ax.contourf(xs, ys, rows, levels=[0.0, math.inf], colors=[COLOURS[i % 6]], alpha=0.25)
        if min(leads) < 0 < max(leads):
            ax.contour(xs, ys, rows, levels=[0.0], colors="black", linewidths=1.0)
    _scatter(points, labels, ax, classes(labels, len(outputs[0])), 18.0)
    ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)
    return ax


def plot_points(X: Any, y: Any, ax: Any = None, *, size: float = 18.0) -> Any:
    """Plot points of the plane, each class with a colour and a marker of its own.

    X: rows of two numbers; y: class labels, of which 0, 1, 2, … look the same in every plot, or one-hot rows; size: of a
    marker, in square points

    >>> from matplotlib.figure import Figure
    >>> ax = plot_points([[0.0, 1.0], [1.0, 0.0]], ["cat", "dog"], Figure().subplots())
    >>> ax.get_legend_handles_labels()[1]
    ['class cat', 'class dog']
    """
    points, labels = _labelled(X, y)
    return _scatter(points, labels, _axes(ax), classes(labels), as_finite(size, "size", 0))


def classes(labels: Sequence[Any], outputs: int | None = None) -> list[Any]:
    """Return the classes in the order of their colours, which is that of a model's outputs, also where one is absent.

    >>> classes([1, 1]), classes([1, -1]), classes([2, 0], 3), classes(["b", "a"], 1)
    ([0, 1], [-1, 1], [0, 1, 2], ['a', 'b'])
    """
    several = [*range(outputs or len(COLOURS))]
    usual = [several] if outputs and outputs > 1 else [[0, 1], [-1, 1], *([several] if outputs is None else [])]
    found = {*labels}
    fitting = next((known for known in usual if found <= {*known}), None)
    return fitting or sorted(found, key=_place)


def _place(label: Any) -> tuple[int, float, str]:
    """Return what labels are sorted by: numbers first, whatever else as it is written."""
    return (0, label, "") if isinstance(label, (int, float)) else (1, 0.0, str(label))


def class_labels(y: Sequence[Any]) -> list[Any]:
    """Return the class of every sample: a label as it is, for a one-hot row its place."""
    labels = [argmax(t) if isinstance(t, list) else t for t in y]
    for i, label in enumerate(labels):
        if label is None or label != label:
            raise ValueError(f"y[{i}] is {label}: a class label is a number or a name")
    return labels


def _labelled(X: Any, y: Any) -> tuple[list[list[float]], list[Any]]:
    rows, targets = samples((X, y))
    return table("X, of which a plot shows two columns", rows, 2), class_labels(targets)


def _scores(output: Any) -> list[float]:
    """Return the outputs of a model for one point as plain numbers."""
    given = list_or_none(output)
    found = [as_operand(score, "an output of the model") for score in ([output] if given is None else given)]
    return [score if isinstance(score, float) else score.data for score in found]


def _scatter(points: Any, labels: Sequence[Any], ax: Any, known: list[Any], size: float) -> Any:
    for label in sorted({*labels}, key=known.index):
        i = known.index(label)
        ax.scatter(
            *zip(*(x for x, t in zip(points, labels) if t == label)), s=size, color=COLOURS[i % 6],
            marker=MARKERS[i % 6], edgecolors="black", linewidths=0.4, label=f"class {label}", zorder=3,
        )  # fmt: skip
    ax.set(xlabel="x₁", ylabel="x₂")
    return ax


def plot_history(history: History, ax: Any = None) -> Any:
    """Plot the cost of every epoch, with that on validation data and the metrics (on an axis of their own, dashed).

    >>> from matplotlib.figure import Figure
    >>> plot_history(History(cost=[1.0, 0.5, 0.25]), Figure().subplots()).get_yscale()  # where all costs are positive
    'log'
    """
    if not isinstance(history, History):
        raise TypeError(f"history is what fit returned, not {describe(history)}")
    ax = _axes(ax)
    training = "training, with penalty" if history.penalised else "training"
    curves = [(training, history.cost), ("validation", history.validation)]
    for (name, values), colour in zip(curves, COLOURS, strict=False):
        if values:
            ax.plot(range(len(values)), values, color=colour, label=name)
    if history.cost and min([*history.cost, *history.validation]) > 0:
        ax.set_yscale("log")
    ax.set(xlabel="epoch", ylabel="cost")
    ax.xaxis.get_major_locator().set_params(integer=True)
    lines, names = ax.get_legend_handles_labels()
    if history.metrics:
        right = ax.twinx()
        for (name, values), colour in zip(history.metrics.items(), COLOURS[2:], strict=False):
            lines += right.plot(range(len(values)), values, color=colour, linestyle="--")
            names.append(name)
        right.set_ylabel("metric (dashed)")
    ax.legend(lines, names, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=len(names), frameon=False)
    return ax


def plot_activation(
    function: Callable[[Any], Any], ax: Any = None, *, low: float = -4.0, high: float = 4.0, steps: int = 401
) -> Any:
    """Plot an activation and its derivative, which the engine finds, over [low, high].

    >>> from autograd import tanh
    >>> from matplotlib.figure import Figure
    >>> plot_activation(tanh, Figure().subplots()).get_legend_handles_labels()[1]
    ['tanh(x)', 'tanh′(x)']
    """
    require_callable(function, "function, the activation,")
    low, high = as_finite(low, "low"), as_finite(high, "high")
    if not low < high:
        raise ValueError(f"an activation is plotted from low up to high, not from {low} to {high}")
    steps = as_int(steps, "steps, the points of the curve,", 2)
    ax = _axes(ax)
    slope = grad(function)
    xs = [low + (high - low) * i / (steps - 1) for i in range(steps)]
    ax.plot(xs, [function(x) for x in xs], color=COLOURS[0], label=f"{title(function)}(x)")
    slopes = [slope(x) for x in xs]
    jumps = [
        abs(b - a) > 0.3 * (max(slopes) - min(slopes)) for a, b in zip(slopes, [*slopes[1:], slopes[-1]], strict=True)
    ]
    broken = [math.nan if jump else v for v, jump in zip(slopes, jumps, strict=True)]  # no line where there is no slope
    ax.plot(xs, broken, color=COLOURS[5], linestyle="--", label=f"{title(function)}′(x)")
    ax.axhline(0, color="grey", linewidth=0.6)
    ax.axvline(0, color="grey", linewidth=0.6)
    ax.set(xlabel="x", ylabel="value")
    ax.legend(loc="best", frameon=False)
    return ax


def _axes(ax: Any) -> Any:
    """Return the Axes to draw on: those given, or new ones."""
    if ax is not None:
        if not hasattr(ax, "contourf"):
            raise TypeError(f"ax is matplotlib's Axes to draw on, such as plt.subplots()[1], not {describe(ax)}")
        return ax
    try:
        import matplotlib.pyplot as plt
    except ImportError:
        raise ImportError('plots need matplotlib: pip install "gatewise[plot]"') from None
    return plt.subplots(layout="constrained")[1]
