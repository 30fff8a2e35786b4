"""Towers: pairs of steps, whose sum, one hidden layer, approximates any continuous function of one input."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cached_property
from itertools import pairwise
from typing import Any

from autograd import Value, dot, relu, sigmoid, step, tanh
from autograd.arguments import as_int, as_list, list_or_none, require_callable

from .neurons import Perceptron, SigmoidNeuron, Unit, as_exact, as_finite_exact, format_number

__all__ = ["Approximation", "HiddenLayer", "Tower2D", "approximate", "step_neuron", "tower", "tower_2d"]

SHOWN = 20


def step_neuron(S: Any, w: Any = None) -> Unit:
    """Return the neuron of one input that steps from 0 to 1 at S: σ(w·x + b) with b = −w·S, or an ideal step for w=None.

    The larger w, the steeper the step; at S itself the sigmoid is 1/2 and the ideal step 1. A negative w steps down.

    >>> step_neuron(0.4, 1000)
    SigmoidNeuron([1000], bias=-400.0)
    >>> step_neuron(0.4, 1000)(0.4)
    0.5
    """
    S = as_exact(S, "S")
    if w is None:
        return Perceptron([1], -S)
    w = _steepness(w)
    return SigmoidNeuron([w], -w * S)


class HiddenLayer:
    """A network of one input and one hidden layer: F(x) = Σ c·h(x) + offset, a linear combination of its neurons.

    neurons: the hidden neurons h, of one input each; weights: their output weights c; offset: the output's bias

    >>> HiddenLayer([step_neuron(0.4), step_neuron(0.6)], [2, -2], 1)(0.5)
    3.0
    """

    def __init__(self, neurons: Sequence[Unit], weights: Sequence[Any], offset: Any = 0.0) -> None:
        self.neurons, weights = as_list(neurons, "neurons"), as_list(weights, "weights, of the output,")
        for i, neuron in enumerate(self.neurons):
            require_callable(neuron, f"neurons[{i}]")
        if len(self.neurons) != len(weights):
            raise ValueError(
                f"weights, of the output, must have {len(self.neurons)} entries, one per hidden neuron, got {len(weights)}"
            )
        self.weights = [as_exact(weight, "an output weight") for weight in weights]
        self.offset = as_exact(offset, "the offset")

    def __call__(self, x: Any) -> Any:
        return dot(self.weights, [neuron(x) for neuron in self.neurons], self.offset)

    def __repr__(self) -> str:
        terms = [
            f"{'−' if _data(c) < 0 else '+'} {format_number(abs(_data(c)))} × {n!r}"
            for c, n in zip(self.weights, self.neurons)
        ]
        more = [f"… and {len(terms) - SHOWN} more"] * (len(terms) > SHOWN)
        return "\n".join([f"F(x) = {format_number(self.offset)}", *terms[:SHOWN], *more])


def tower(left: Any, right: Any, height: Any = 1.0, w: Any = None) -> HiddenLayer:
    """Return the tower function height·(T1(x) − T2(x)): T1 steps up at `left`, T2 at `right`, see `step_neuron`.

    >>> f = tower(0.4, 0.6, height=0.8)
    >>> f(0.3), f(0.4), f(0.5), f(0.6)
    (0.0, 0.8, 0.8, 0.0)
    """
    if not _data(as_exact(left, "left")) < _data(as_exact(right, "right")):
        raise ValueError(f"left must be below right, got {left!r} and {right!r}")
    return HiddenLayer([step_neuron(left, w), step_neuron(right, w)], [height, -as_exact(height, "height")])


class Tower2D:
    """A tower over a rectangle: a 1-D tower in x, another in y, and an output neuron that fires where both are high.

    See `tower_2d`, which builds it. x, y: the two towers; threshold: of the output neuron; smooth: whether that is
    σ(sum − threshold), or fires at sum ≥ threshold.

    >>> Tower2D(tower(0, 1), tower(0, 1), 1.5, smooth=False)(0.5, 0.5)
    1.0
    """

    def __init__(self, x: HiddenLayer, y: HiddenLayer, threshold: Any, smooth: bool) -> None:
        self.x, self.y, self.threshold, self.smooth = x, y, threshold, smooth

    def __call__(self, x: Any, y: Any) -> Any:
        z = self.x(x) + self.y(y) - self.threshold
        return sigmoid(z) if self.smooth else step(z)

    def __repr__(self) -> str:
        rule = "σ(tower(x) + tower(y) − {})" if self.smooth else "fires if tower(x) + tower(y) ≥ {}"
        return f"{rule.format(format_number(self.threshold))}\nin x: {self.x!r}\nin y: {self.y!r}"


def tower_2d(
    x: tuple[Any, Any], y: tuple[Any, Any], height: Any = 10.0, threshold: Any = None, w: Any = None
) -> Tower2D:
    """Return the tower over the rectangle x[0] to x[1], y[0] to y[1].

    The sum of both towers is 0 outside, `height` where one is high, and 2·height where both are. The threshold is 1.5·height
    by default. With a steepness w the output is σ(sum − threshold).

    >>> f = tower_2d((0.4, 0.6), (0.4, 0.6))
    >>> f(0.5, 0.5), f(0.5, 0.7), f(0.3, 0.7)
    (1.0, 0.0, 0.0)
    """
    height = as_exact(height, "height")
    threshold = 1.5 * height if threshold is None else as_exact(threshold, "threshold")
    for name, pair in (("x", x), ("y", y)):
        if len(list_or_none(pair) or ()) != 2:
            raise TypeError(f"{name} must be a pair (left, right) of the tower's walls, got {pair!r}")
    return Tower2D(tower(*x, height, w), tower(*y, height, w), threshold, smooth=w is not None)


class Approximation(HiddenLayer):
    """The result of `approximate`: the network F, called like f, and its distance from f.

    The errors are measured at points of every piece, its ends and its midpoint among them.

    >>> line = approximate(lambda x: x, 4)
    >>> line.sup_error, line.mean_error, line.errors
    (0.125, 0.0625, (0.125, 0.0625))
    """

    def __init__(self, f: Callable[[float], Any], knots: Sequence[float], kind: str, layer: HiddenLayer) -> None:
        super().__init__(layer.neurons, layer.weights, layer.offset)
        self.f = f
        self.knots = list(knots)
        self.kind = kind

    @cached_property
    def errors(self) -> tuple[float, float]:
        """The largest and the mean of |f(x) − F(x)|."""
        # even, so that no cell spans the midpoint, where |f − F| has a kink
        cells = max(2, min(16, 1600 // len(self.knots)) // 2 * 2)
        largest = total = 0.0
        for left, right in pairwise(self.knots):
            # the next piece begins at `right`, so this one is measured just before it
            end = right if right == self.knots[-1] else math.nextafter(right, -math.inf)
            inner = [left + (right - left) * (k + 0.5) / cells for k in range(cells)]
            distances = [abs(_value(self.f, x) - self(x)) for x in (*inner, left, (left + right) / 2, end)]
            largest = max(largest, *distances)
            total += (right - left) * sum(distances[:cells]) / cells
        return largest, total / (self.knots[-1] - self.knots[0])

    @property
    def sup_error(self) -> float:
        """The largest error."""
        return self.errors[0]

    @property
    def mean_error(self) -> float:
        """The mean error, by the midpoint rule."""
        return self.errors[1]

    def __repr__(self) -> str:
        low, high = format_number(self.knots[0]), format_number(self.knots[-1])
        return (
            f"{self.kind} on [{low}, {high}], {len(self.neurons)} hidden neurons: "
            f"largest error {self.sup_error:.6g}, mean error {self.mean_error:.6g}"
        )


def approximate(
    f: Callable[[float], Any], n: int, low: float = 0.0, high: float = 1.0, *, w: Any = None, activation: str = "step"
) -> Approximation:
    """Approximate f on [low, high] by one hidden layer: on each of n equal pieces a tower as high as f at its midpoint.

    activation: "step", an ideal step for w=None, else σ of steepness w; "tanh", the same towers of steepness w; or "relu",
    which interpolates f linearly between the ends of the pieces, with one neuron each. The first and the last step lie half
    a piece outside, so that low and high are inside a tower.

    Any continuous f is approximated to any accuracy. A function with a jump is approximated in the mean only: every continuous
    F is somewhere at least half the jump away.

    >>> import math
    >>> approximate(lambda x: math.sin(2 * math.pi * x), 10)
    10 towers on [0, 1], 20 hidden neurons: largest error 0.309017, mean error 0.0991629
    """
    require_callable(f, "f, the function to approximate,")
    n = as_int(n, "n, the number of pieces,")
    low, high = float(as_finite_exact(low, "low")), float(as_finite_exact(high, "high"))
    width = (high - low) / n
    knots = [low + (high - low) * i / n for i in range(n)] + [high]
    if not all(a < b for a, b in pairwise(knots)):
        raise ValueError(f"low and high must leave room for {n} pieces, got {low} and {high}")
    if activation == "relu":
        if w is not None:
            raise ValueError("w must be None for activation='relu', which has no steepness")
        return Approximation(f, knots, f"{n} relus", _relus(knots, [_value(f, x) for x in knots]))
    if activation not in ("step", "tanh"):
        raise ValueError(f"activation must be 'step', 'tanh' or 'relu', got {activation!r}")
    if activation == "tanh" and w is None:
        raise ValueError(
            "w must be a number for activation='tanh', got None: write w=1000, or activation='step' for ideal steps"
        )
    heights = [_value(f, (a + b) / 2) for a, b in pairwise(knots)]
    walls = [low - width / 2, *knots[1:-1], high + width / 2]
    neurons, weights = [], []
    for left, right, height in zip(walls, walls[1:], heights):
        # tanh(z/2) = 2·σ(z) − 1, and the two −1s of a tower cancel
        size = height / 2 if activation == "tanh" else height
        neurons += [_tanh_step(S, w) if activation == "tanh" else step_neuron(S, w) for S in (left, right)]
        weights += [size, -size]
    return Approximation(f, knots, f"{n} towers", HiddenLayer(neurons, weights))


def _relus(knots: Sequence[float], heights: Sequence[float]) -> HiddenLayer:
    slopes = [(v - u) / (b - a) for a, b, u, v in zip(knots, knots[1:], heights, heights[1:])]
    bends = [slope - before for before, slope in zip([0.0, *slopes], slopes)]
    return HiddenLayer([Unit([1.0], -knot, relu) for knot in knots[:-1]], bends, heights[0])


def _tanh_step(S: float, w: Any) -> Unit:
    w = _steepness(w)
    return Unit([w / 2], -w / 2 * S, tanh)


def _steepness(w: Any) -> Any:
    w = as_exact(w, "w")
    if _data(w) == 0:
        raise ValueError("w must not be 0, which makes no step: give a large w, or None for an ideal step")
    return w


def _data(x: Any) -> Any:
    return x.data if isinstance(x, Value) else x


def _value(f: Callable[[float], Any], x: float) -> float:
    return float(as_finite_exact(_data(f(x)), f"f({x!r})"))
