"""The pictures that the pages of training share: the data of the plane, the network, the weights and the curves."""

from __future__ import annotations

import math
import sys
from array import array
from base64 import b64encode
from collections.abc import Iterator, Sequence
from importlib.resources import files
from itertools import count, pairwise
from typing import Any

from autograd import Page, Value
from autograd.trees import flatten

from ..data.batching import Data, read_data
from ..layers import MLP, Activation, Layer, Sequential, activation_name
from ..module import Module
from .plots import COLOURS, class_labels, class_order, window

__all__ = ["Plane", "curve", "entries", "evenly", "packed", "training_page"]

PICTURES = ["pictures.js", "weights.js", "network.js", "plane.js", "curve.js"]
LARGEST = 2_000_000  # maximum bytes of a page
CURVE = 500  # maximum parts of a curve, each drawn by its lowest and its highest cost
POINTS = 2000  # maximum points of the data on the plane
NEURONS = 24  # maximum neurons of a layer in the picture of the network
EDGES = 800  # maximum edges in the picture of the network


def training_page(
    title: str,
    model: Module,
    plane: dict[str, Any],
    content: dict[str, Any],
    script: str,
    functions: Sequence[str] = (),
) -> Page:
    """Return a page with the pictures of a model in training.

    script: the file that says what the pictures show and when; functions: JavaScript that it calls
    """
    shared = {
        "tensors": [{"name": name, "rows": [*_rows(name, tensor)]} for name, tensor in model.tensors().items()],
        "colours": COLOURS,
        "plane": plane,
        "network": _network(model),
    }
    page = Page(
        title,
        body=_read_page_file("training.html"),
        scripts=[*functions, *map(_read_page_file, [*PICTURES, script])],
        data=shared | content,
        style=_read_page_file("training.css"),
    )
    size = len(page.html.encode())
    if size > LARGEST:
        raise ValueError(
            f"the page must have at most {LARGEST:,} bytes, got {size:,}: give a smaller model or fewer samples"
        )
    return page


class Plane:
    """The plane of the inputs of a model: its window, the points of the data on it, and the rule that decides a class.

    `why` says why there is none, and is empty if there is one.
    """

    def __init__(self, model: Module, data: Data | None, threshold: float) -> None:
        self.why, self.outputs, self.threshold = "", 1, threshold
        if data is None:
            self.why = "No decision boundary: write explore_training(model, history, data=(X, y)) to see it."
            return
        self.X, self.y = read_data(data)
        sizes = {len(x) if isinstance(x, list) else 1 for x in self.X}
        if sizes != {2}:
            found = " or ".join(map(str, sorted(sizes)))
            self.why = f"No decision boundary: it is drawn for inputs of 2 numbers, and these have {found}."
            return
        ends = [window(column) for column in zip(*self.X, strict=True)]
        self.low, self.high = ([*end] for end in zip(*ends, strict=True))
        first = model.predict([self.X[0]])[0]
        self.outputs = len(first) if isinstance(first, list) else 1
        # such outputs are probabilities, others are taken as the logarithms of odds
        self.shares = self.outputs > 1 and min(first) >= 0 and math.isclose(sum(first), 1)

    def content(self, side: int) -> dict[str, Any]:
        """Return the data of the plane for the page, with a grid of `side` points along each side."""
        if self.why:
            return {"why": self.why}
        labels = class_labels(self.y)
        known = class_order(labels, self.outputs)
        known = known if len(known) <= len(COLOURS) else []  # too many to tell apart
        places = evenly(len(self.X), POINTS)
        return {
            "low": self.low,
            "high": self.high,
            "side": side,
            "outputs": self.outputs,
            "threshold": self.threshold,
            "shares": self.shares,
            "labels": [*map(str, known)],
            "points": [[*map(_six_digits, self.X[i]), known.index(labels[i]) if known else None] for i in places],
            "places": places,
            "all": len(self.X),
        }

    def grid(self, side: int) -> list[list[float]]:
        """Return the points of the grid, row by row from below."""
        xs, ys = ([a + (b - a) * i / (side - 1) for i in range(side)] for a, b in zip(self.low, self.high, strict=True))
        return [[a, b] for b in ys for a in xs]


def _network(model: Module) -> dict[str, Any]:
    """Return the layers of a model for its picture, each weight by its place among the entries, or why there is none."""
    stack = _layers(model)
    if stack is None:
        return {"why": "No picture of the network: it is drawn for an MLP, a Layer, or a Sequential of them."}
    layers = [layer for layer, _ in stack]
    widest = max(layers[0].nin, *(len(layer.neurons) for layer in layers))
    edges = sum(layer.nin * len(layer.neurons) for layer in layers)
    if widest > NEURONS or edges > EDGES:
        return {
            "why": f"No picture of the network: it is drawn for layers of at most {NEURONS} neurons and {EDGES} weights in all, "
            f"and this one has layers of up to {widest} neurons and {edges:,} weights."
        }
    place = {id(value): i for i, value in reversed([*enumerate(entries(model))])}
    return {
        "layers": [
            {
                "weights": [[place[id(w)] for w in row] for row in layer.W],
                "biases": [place[id(b)] for b in layer.b],
                "activation": ", ".join(map(activation_name, functions)) or "linear",
            }
            for layer, functions in stack
        ]
    }


def _layers(model: Module) -> list[tuple[Layer, list[Any]]] | None:
    """Return the layers of a model that is a stack of them, each with the functions of its outputs; None for another model."""
    if type(model).forward not in (Layer.forward, MLP.forward, Sequential.forward):  # a subclass may compute anything
        return None
    if isinstance(model, Layer):
        return [(model, [model.activation] if model.activation else [])]
    assert isinstance(model, (MLP, Sequential))
    found: list[tuple[Layer, list[Any]]] = []
    for part in model.layers if isinstance(model, MLP) else model.parts:
        if isinstance(part, Activation) and found:
            found[-1][1].append(part.function)
        elif stack := _layers(part):
            found += stack
        else:
            return None
    if isinstance(model, MLP) and model.output:
        found[-1][1].append(model.output)
    return found if all(len(a.neurons) == b.nin for (a, _), (b, _) in pairwise(found)) else None


def entries(model: Module) -> list[Value]:
    """Return the Values of all tensors of a model, frozen ones too, in the order in which the page shows them."""
    return [*flatten(model.tensors())]


def _rows(name: str, tensor: Any) -> Iterator[tuple[str, int | None]]:
    """Yield the name and the length of every list of Values in a tensor; the length of a Value alone is None."""
    if isinstance(tensor, Value):
        yield name, None
    elif all(isinstance(part, Value) for part in tensor):
        yield name, len(tensor)
    else:
        for i, part in zip(count(), tensor):
            yield from _rows(f"{name}[{i}]", part)


def evenly(n: int, most: int) -> list[int]:
    """Return at most `most` of the indices 0 … n − 1, evenly spaced, the last among them.

    >>> evenly(10, 4), evenly(3, 4), evenly(5, 1)
    ([0, 3, 6, 9], [0, 1, 2], [4])
    """
    k = min(n, most)
    return [n - 1] if k == 1 else [round(i * (n - 1) / (k - 1)) for i in range(k)]


def curve(points: Sequence[tuple[int, float]]) -> list[tuple[int, float]]:
    """Return the points (step, cost) of a curve, or the lowest and the highest in each part of a long one.

    >>> curve([(0, 3.0), (1, 2.0), (2, 1.0)])
    [(0, 3.0), (1, 2.0), (2, 1.0)]
    """
    size = math.ceil(len(points) / CURVE)
    if size > 2:
        parts = [points[start : start + size] for start in range(0, len(points), size)]
        points = [p for part in parts for p in sorted({pick(part, key=lambda p: p[1]) for pick in (min, max)})]
    return [(step, _six_digits(cost)) for step, cost in points]


def packed(kind: str, numbers: Sequence[float]) -> str:
    """Return numbers as base64 of their little-endian bytes: "d" and "f" for floats of 64 and 32 bits, "h" for int16."""
    found = array(kind, numbers)
    if sys.byteorder == "big":
        found.byteswap()
    return b64encode(found.tobytes()).decode()


def _six_digits(x: float) -> float:
    return float(f"{x:.6g}")


def _read_page_file(name: str) -> str:
    return (files(__package__) / "pages" / name).read_text(encoding="utf-8")
