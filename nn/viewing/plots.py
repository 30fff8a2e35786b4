"""Plots of networks (extra `plot`), each on the given Axes or on new ones, which it returns."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from typing import Any

from autograd import grad
from autograd.arguments import (
    as_finite,
    as_int,
    as_operand,
    checks_keywords,
    describe,
    list_or_none,
    require_callable,
    truncated_repr,
)

from ..data.batching import read_data, read_table
from ..data.scaling import centred
from ..layers import activation_name
from ..training.history import History
from ..training.metrics import true_class

__all__ = ["plot_activation", "plot_boundary", "plot_history", "plot_points"]

# The palette of Okabe and Ito, distinguishable by the colour-blind; each colour has a marker, for print in grey.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")
MARKERS = "o^sDvP"


@checks_keywords
def plot_boundary(
    model: Callable[[Any], Any], X: Any, y: Any, ax: Any = None, *, steps: int = 80, threshold: float = 0.0
) -> Any:
    """Colour the plane by the class that a model predicts, with the data on top.

    A single output predicts class 1 above `threshold`: 0 for pre-activations and scores, 0.5 for probabilities. Several
    outputs predict the largest.
    X: rows of two numbers; y: class labels; steps: the number of points along each side at which the model is evaluated

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
    for i in range(len(scores[0])):  # positive where the score of class i exceeds all others
        leads = [s[i] - max(v for j, v in enumerate(s) if j != i) for s in scores]
        rows = [leads[k * steps : (k + 1) * steps] for k in range(steps)]
        ax.contourf(xs, ys, rows, levels=[0.0, math.inf], colors=[COLOURS[i % 6]], alpha=0.25)
        if min(leads) < 0 < max(leads):
            ax.contour(xs, ys, rows, levels=[0.0], colors="black", linewidths=1.0)
    _scatter(points, labels, ax, class_order(labels, len(outputs[0])), 18.0)
    ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)
    return ax


@checks_keywords
def plot_points(X: Any, y: Any, ax: Any = None, *, size: float = 18.0) -> Any:
    """Plot points of the plane, with a colour and a marker for each class.

    X: rows of two numbers; y: class labels or one-hot rows; labels 0, 1, 2, … have fixed colours; size: the area of
    a marker, in square points

    >>> from matplotlib.figure import Figure
    >>> ax = plot_points([[0.0, 1.0], [1.0, 0.0]], ["cat", "dog"], Figure().subplots())
    >>> ax.get_legend_handles_labels()[1]
    ['class cat', 'class dog']
    """
    points, labels = _labelled(X, y)
    return _scatter(points, labels, _axes(ax), class_order(labels), as_finite(size, "size", 0))


def class_order(labels: Sequence[Any], outputs: int | None = None) -> list[Any]:
    """Return the classes in the order of their colours and of a model's outputs, including absent classes.

    >>> class_order([1, 1]), class_order([1, -1]), class_order([2, 0], 3), class_order(["b", "a"], 1)
    ([0, 1], [-1, 1], [0, 1, 2], ['a', 'b'])
    """
    several = [*range(outputs or len(COLOURS))]
    usual = [several] if outputs and outputs > 1 else [[0, 1], [-1, 1], *([several] if outputs is None else [])]
    found = {*labels}
    fitting = next((known for known in usual if found <= {*known}), None)
    return fitting or sorted(found, key=_sort_key)


def _sort_key(label: Any) -> tuple[int, float, str]:
    """Return the sort key of a label: numbers first, anything else by its text."""
    return (0, label, "") if isinstance(label, (int, float)) else (1, 0.0, str(label))


def class_labels(y: Sequence[Any]) -> list[Any]:
    """Return the class of every sample: a label as it is, the index of the 1 of a one-hot row."""
    n = next((len(t) for t in y if isinstance(t, list)), 0)
    return [_class_label(t, f"y[{i}]", n) for i, t in enumerate(y)]


def _class_label(target: Any, what: str, n: int) -> Any:
    if isinstance(target, list):
        if n == 1:
            raise ValueError(
                f"{what} must be a class label or a one-hot row of two or more, got {target}: write {what}[0]"
            )
        return true_class(target, what, n)
    if target is None or not isinstance(target, Hashable) or target != target:
        raise ValueError(f"{what} must be a class label, a number or a name, got {truncated_repr(target)}")
    return target


def _labelled(X: Any, y: Any) -> tuple[list[list[float]], list[Any]]:
    rows, targets = read_data((X, y))
    return read_table(rows, "X, the points of the plane,", 2), class_labels(targets)


def _scores(output: Any) -> list[float]:
    """Return the outputs of a model for one point as plain numbers."""
    outputs = list_or_none(output)
    scores = [as_operand(score, "an output of the model") for score in ([output] if outputs is None else outputs)]
    return [score if isinstance(score, float) else score.data for score in scores]


def _scatter(points: Any, labels: Sequence[Any], ax: Any, known: list[Any], size: float) -> Any:
    for label in sorted({*labels}, key=known.index):
        i = known.index(label)
        ax.scatter(
            *zip(*(x for x, t in zip(points, labels) if t == label)), s=size, color=COLOURS[i % 6],
            marker=MARKERS[i % 6], edgecolors="black", linewidths=0.4, label=f"class {label}", zorder=3,
        )  # fmt: skip
    ax.set(xlabel="x₁", ylabel="x₂")
    return ax


@checks_keywords
def plot_history(history: History, ax: Any = None) -> Any:
    """Plot the costs of training and validation by epoch, and the metrics, dashed, on a second axis.

    >>> from matplotlib.figure import Figure
    >>> plot_history(History(cost=[1.0, 0.5, 0.25]), Figure().subplots()).get_yscale()  # where all costs are positive
    'log'
    """
    if not isinstance(history, History):
        raise TypeError(f"history must be the result of fit, got {describe(history)}")
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


@checks_keywords
def plot_activation(
    function: Callable[[Any], Any], ax: Any = None, *, low: float = -4.0, high: float = 4.0, steps: int = 401
) -> Any:
    """Plot an activation and its derivative, computed by autograd.grad, over [low, high].

    >>> from autograd import tanh
    >>> from matplotlib.figure import Figure
    >>> plot_activation(tanh, Figure().subplots()).get_legend_handles_labels()[1]
    ['tanh(x)', 'tanh′(x)']
    """
    require_callable(function, "function, the activation,")
    low, high = as_finite(low, "low"), as_finite(high, "high")
    if not low < high:
        raise ValueError(f"low must be below high, got {low} and {high}")
    steps = as_int(steps, "steps, the points of the curve,", 2)
    ax = _axes(ax)
    slope = grad(function)
    xs = [low + (high - low) * i / (steps - 1) for i in range(steps)]
    ax.plot(xs, [function(x) for x in xs], color=COLOURS[0], label=f"{activation_name(function)}(x)")
    slopes = [slope(x) for x in xs]
    jumps = [
        abs(b - a) > 0.3 * (max(slopes) - min(slopes)) for a, b in zip(slopes, [*slopes[1:], slopes[-1]], strict=True)
    ]
    broken = [
        math.nan if jump else v for v, jump in zip(slopes, jumps, strict=True)
    ]  # no line across a jump of the slope
    ax.plot(xs, broken, color=COLOURS[5], linestyle="--", label=f"{activation_name(function)}′(x)")
    ax.axhline(0, color="grey", linewidth=0.6)
    ax.axvline(0, color="grey", linewidth=0.6)
    ax.set(xlabel="x", ylabel="value")
    ax.legend(loc="best", frameon=False)
    return ax


def _axes(ax: Any) -> Any:
    """Return the given Axes, or new ones."""
    if ax is not None:
        if not hasattr(ax, "contourf"):
            raise TypeError(f"ax must be Axes of matplotlib, such as plt.subplots()[1], got {describe(ax)}")
        return ax
    try:
        import matplotlib.pyplot as plt
    except ImportError:
        raise ImportError('plots need matplotlib: pip install "gatewise[plot]"') from None
    return plt.subplots(layout="constrained")[1]


def window(xs: Sequence[float], margin: float = 0.1) -> tuple[float, float]:
    """Return the ends of an axis that shows numbers, with a margin on each side, as a fraction of their range.

    >>> window([0.0, 10.0]), window([0.3, 0.1 + 0.2])
    ((-1.0, 11.0), (-0.7, 1.3))
    """
    low, high = min(xs), max(xs)
    free = margin * (high - low) if centred(xs).largest else max(1.0, 1e-6 * abs(low))
    return low - free, high + free
