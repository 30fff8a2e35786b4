"""Plots of networks (extra `plot`): each draws on the Axes that it is given, or on new ones, and returns them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from autograd import grad

from .activation import title
from .history import History

__all__ = ["plot_activation", "plot_boundary", "plot_history", "plot_points"]

# Distinguishable in grey and by the colour-blind (Okabe & Ito), each with a marker of its own.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")
MARKERS = "o^sDvP"


def plot_boundary(
    model: Callable[[Any], Any], X: Sequence[Sequence[float]], y: Sequence[Any], ax: Any = None, *, steps: int = 80
) -> Any:
    """Colour the plane by the class that a model predicts, with the data on top.

    A model with one output decides by its sign (pre-activations, scores), one with several by the largest.
    X: rows of two numbers; y: class labels; steps: how many points the model is asked for along each side

    >>> from matplotlib.figure import Figure
    >>> ax = plot_boundary(lambda x: x[0] - x[1], [[0.0, 1.0], [1.0, 0.0]], [0, 1], Figure().subplots())
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('x₁', 'x₂')
    """
    ax = ax or _axes()
    low, high = ([pick(column) for column in zip(*X, strict=True)] for pick in (min, max))
    margin = [0.1 * (b - a) or 1.0 for a, b in zip(low, high, strict=True)]
    xs, ys = (
        [a - m + (b - a + 2 * m) * i / (steps - 1) for i in range(steps)]
        for a, b, m in zip(low, high, margin, strict=True)
    )
    predict = getattr(model, "predict", None) or (lambda rows: [model(row) for row in rows])
    outputs = predict([[a, b] for b in ys for a in xs])
    scores = [o if isinstance(o, (list, tuple)) else (-o, o) for o in outputs]
    for i in range(len(scores[0])):  # the class whose score leads those of all others
        leads = [s[i] - max(v for j, v in enumerate(s) if j != i) for s in scores]
        rows = [leads[k * steps : (k + 1) * steps] for k in range(steps)]
        ax.contourf(xs, ys, rows, levels=[0.0, math.inf], colors=[COLOURS[i % 6]], alpha=0.25)
        if min(leads) < 0 < max(leads):
            ax.contour(xs, ys, rows, levels=[0.0], colors="black", linewidths=1.0)
    plot_points(X, y, ax)
    ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)
    return ax


def plot_points(X: Sequence[Sequence[float]], y: Sequence[Any], ax: Any = None, *, size: float = 18.0) -> Any:
    """Plot points of the plane, each class with a colour and a marker of its own.

    X: rows of two numbers; y: class labels; size: of a marker, in square points

    >>> from matplotlib.figure import Figure
    >>> ax = plot_points([[0.0, 1.0], [1.0, 0.0]], ["cat", "dog"], Figure().subplots())
    >>> ax.get_legend_handles_labels()[1]
    ['class cat', 'class dog']
    """
    ax = ax or _axes()
    for i, label in enumerate(sorted(set(y))):
        points = [x for x, t in zip(X, y, strict=True) if t == label]
        ax.scatter(
            *zip(*points, strict=True), s=size, color=COLOURS[i % 6], marker=MARKERS[i % 6],
            edgecolors="black", linewidths=0.4, label=f"class {label}", zorder=3,
        )  # fmt: skip
    ax.set(xlabel="x₁", ylabel="x₂")
    return ax


def plot_history(history: History, ax: Any = None) -> Any:
    """Plot the cost of every epoch, with that on validation data and the metrics (on an axis of their own, dashed).

    >>> from matplotlib.figure import Figure
    >>> plot_history(History(cost=[1.0, 0.5, 0.25]), Figure().subplots()).get_yscale()  # where all costs are positive
    'log'
    """
    ax = ax or _axes()
    training = "training, with penalty" if history.penalised else "training"
    curves = [(training, history.cost), ("validation", history.validation)]
    for (name, values), colour in zip(curves, COLOURS, strict=False):
        if values:
            ax.plot(range(len(values)), values, color=colour, label=name)
    if history.cost and min([*history.cost, *history.validation]) > 0:
        ax.set_yscale("log")
    ax.set(xlabel="epoch", ylabel="cost")
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
    ax = ax or _axes()
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


def _axes() -> Any:
    try:
        import matplotlib.pyplot as plt
    except ImportError:
        raise ImportError('plots need matplotlib: pip install "gatewise[plot]"') from None
    return plt.subplots(layout="constrained")[1]
