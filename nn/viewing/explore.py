"""`explore_training`: a page with a slider over the steps of a training run."""

from __future__ import annotations

import math
import os
import sys
from array import array
from base64 import b64encode
from collections.abc import Iterator, Sequence
from importlib.resources import files
from itertools import count
from typing import Any

import autograd
from autograd import Page, Value
from autograd.arguments import as_finite, as_int, checks_keywords, describe

from ..data.batching import Data, read_data
from ..module import Module
from ..training.history import History, Snapshot
from .plots import COLOURS, class_labels, class_order, window

__all__ = ["explore_training"]

SCRIPTS = ["frames.js", "weights.js", "plane.js", "curve.js", "training.js"]
WEIGHTS = 1_000_000  # maximum bytes of the page for weights and gradients
GRID = 800_000  # maximum bytes of the page for the outputs of the model on the plane
SIDE = 41  # maximum points along each side of the grid
CURVE = 500  # maximum parts of the loss curve, each drawn by its lowest and its highest cost
POINTS = 2000  # maximum points of the data on the plane


@checks_keywords
def explore_training(
    model: Module,
    history: History,
    path: str | os.PathLike[str] | None = None,
    *,
    data: Data | None = None,
    frames: int = 60,
    threshold: float = 0.0,
) -> Page:
    """Return a page with a slider over a training run: one HTML file that needs no network and no server.

    For the initial weights and for each step, the page shows the loss curve, the decision boundary with the data on top, and
    the weights beside the gradients of the step. The boundary needs `data`, a pair (X, y) with X of two columns; a single
    output predicts class 1 above `threshold` (0.5 for probabilities), several outputs predict the largest.

    history: of fit(model, ..., record=True); path: the file to write; None only returns the page, which a notebook displays
    frames: maximum number of steps on the page, evenly chosen; fewer for a large model, to keep the page below 2 MB

    The model does not change. ValueError for a history without snapshots, or of another model.

    >>> from nn import SGD, Layer, explore_training, fit, squared_error
    >>> model = Layer.of([[0.0, 0.0]], [0.0])
    >>> data = ([[0.0, 1.0], [1.0, 0.0], [2.0, 1.0]], [0, 0, 1])
    >>> history = fit(model, data, squared_error, SGD(model.parameters(), 0.1), epochs=5, record=True)
    >>> explore_training(model, history, data=data).title
    'Layer(2 → 1, linear), step by step'
    """
    if not isinstance(model, Module):
        raise TypeError(f"model must be the Module that was trained, got {describe(model)}: the model comes first")
    if not isinstance(history, History):
        raise TypeError(f"history must be the result of fit(..., record=True), got {describe(history)}")
    frames = as_int(frames, "frames, the number of steps on the page,")
    threshold = as_finite(threshold, "threshold")
    if not history.snapshots:
        raise ValueError(
            "history must have snapshots, got none: write history = fit(..., record=True), and train again"
        )
    snapshots = [*_initial_snapshot(history), *history.snapshots]
    _check(model, snapshots)
    entries = [value for tensor in model.tensors().values() for value in _flatten(tensor)]
    most = WEIGHTS * 3 // 4 // (2 * 4 * max(1, len(entries)))
    if most < 1:
        raise ValueError(f"a page shows at most {WEIGHTS * 3 // 32:,} weights, and {model!r} has {len(entries):,}")
    before = len(snapshots) - len(history.snapshots)  # 1 if a frame shows the initial weights, as step −1
    places = [*range(-before, 0), *_evenly(len(history.snapshots), min(frames, max(1, most - before)))]
    kept = [snapshots[before + i] for i in places]
    order = {parameter: i for i, parameter in enumerate(model.parameters())}
    plane, answers = _plane(model, kept, data, threshold)
    content = {
        "steps": len(history.snapshots),
        "curve": _curve([snapshot.cost for snapshot in history.snapshots]),
        "penalised": history.penalised,
        "tensors": [{"name": name, "rows": [*_rows(name, tensor)]} for name, tensor in model.tensors().items()],
        "colours": COLOURS,
        "plane": plane,
        "frames": [
            {
                "step": i,
                "epoch": snapshot.epoch,
                "cost": snapshot.cost,
                "weights": _packed("f", [snapshot.parameters[order[v]] if v in order else v.data for v in entries]),
                "gradients": _packed("f", [snapshot.gradients[order[v]] if v in order else math.nan for v in entries]),
                **answer,
            }
            for i, snapshot, answer in zip(places, kept, answers, strict=True)
        ],
    }
    page = Page(
        f"{model!r}, step by step",
        body=_read_page_file("training.html"),
        scripts=[*map(_read_page_file, SCRIPTS)],
        data=content,
        style=_read_page_file("training.css"),
    )
    if path is not None:
        page.save(path)
    return page


def _initial_snapshot(history: History) -> list[Snapshot]:
    """Return a list with the snapshot of the initial weights, if they are known, with the first cost and gradient."""
    first = history.snapshots[0]
    return [first._replace(parameters=history.initial)] if history.initial else []


def _check(model: Module, snapshots: Sequence[Snapshot]) -> None:
    """Raise unless every snapshot has as many parameters as the model."""
    n = len(model.parameters())
    for snapshot in snapshots:
        for kept in (snapshot.parameters, snapshot.gradients):
            if len(kept) != n:
                raise ValueError(
                    f"history must have the {n} parameters of {model!r}, got {len(kept)}: give the model that was trained, "
                    "with nothing frozen since"
                )


def _plane(
    model: Module, kept: Sequence[Snapshot], data: Data | None, threshold: float
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the data of the plane, and for every snapshot the outputs of the model on its grid."""
    nothing: list[dict[str, Any]] = [{}] * len(kept)
    if data is None:
        return {"why": "No decision boundary: write explore_training(model, history, data=(X, y)) to see it."}, nothing
    X, y = read_data(data)
    sizes = {len(x) if isinstance(x, list) else 1 for x in X}
    if sizes != {2}:
        found = " or ".join(map(str, sorted(sizes)))
        return {"why": f"No decision boundary: it is drawn for inputs of 2 numbers, and these have {found}."}, nothing
    low, high = ([*ends] for ends in zip(*(window(column) for column in zip(*X, strict=True)), strict=True))
    first = model.predict([X[0]])[0]
    outputs = len(first) if isinstance(first, list) else 1
    side = max(2, min(SIDE, math.isqrt(GRID * 3 // 4 // (2 * outputs * len(kept)))))
    xs, ys = ([a + (b - a) * i / (side - 1) for i in range(side)] for a, b in zip(low, high, strict=True))
    answers = []
    for snapshot, rows in zip(kept, _answers(model, kept, [[a, b] for b in ys for a in xs]), strict=True):
        scores = [score for row in rows for score in (row if isinstance(row, list) else [row])]
        if not all(map(math.isfinite, scores)):
            raise ValueError(
                f"after a step of epoch {snapshot.epoch} the model's outputs on the plane are not all finite"
            )
        scores = [score - threshold for score in scores] if outputs == 1 else scores
        scale = max(map(abs, scores)) / 32767 or 1.0
        answers.append({"scale": scale, "scores": _packed("h", [round(score / scale) for score in scores])})
    labels = class_labels(y)
    known = class_order(labels, outputs)
    known = known if len(known) <= len(COLOURS) else []  # too many to tell apart
    points = [
        [_six_digits(X[i][0]), _six_digits(X[i][1]), known.index(labels[i]) if known else None]
        for i in _evenly(len(X), POINTS)
    ]
    plane = {"low": low, "high": high, "side": side, "outputs": outputs, "threshold": threshold}
    return plane | {"labels": [*map(str, known)], "points": points, "all": len(X)}, answers


def _answers(model: Module, kept: Sequence[Snapshot], points: Sequence[Sequence[float]]) -> list[list[Any]]:
    """Return the model's outputs at the points for every snapshot, through a compiled program if the model compiles."""
    parameters = model.parameters()
    try:
        program = autograd.compile(model, parameters, gradient=False, x=2)
    except (ImportError, TypeError, ValueError):  # numpy is missing, or the model branches on its numbers
        before = [parameter.data for parameter in parameters]
        found = []
        try:
            for snapshot in kept:
                _set(parameters, snapshot.parameters)
                found.append(model.predict(points))
        finally:
            _set(parameters, before)
        return found
    import numpy as np  # after compile, which raises if numpy is missing

    return [program.run_on(np, np.array(s.parameters), np.array(points, float)).tolist() for s in kept]


def _set(parameters: Sequence[Value], numbers: Sequence[float]) -> None:
    for parameter, x in zip(parameters, numbers, strict=True):
        parameter.data = x


def _evenly(n: int, most: int) -> list[int]:
    """Return at most `most` of the indices 0 … n − 1, evenly spaced, the last among them.

    >>> _evenly(10, 4), _evenly(3, 4), _evenly(5, 1)
    ([0, 3, 6, 9], [0, 1, 2], [4])
    """
    k = min(n, most)
    return [n - 1] if k == 1 else [round(i * (n - 1) / (k - 1)) for i in range(k)]


def _curve(costs: Sequence[float]) -> list[list[float]]:
    """Return [step, cost] of every step, or of the lowest and the highest cost in each part of a long curve.

    >>> _curve([3.0, 2.0, 1.0])
    [[0, 3.0], [1, 2.0], [2, 1.0]]
    """
    size = math.ceil(len(costs) / CURVE)
    parts = [range(start, min(start + size, len(costs))) for start in range(0, len(costs), size)]
    ends = [i for part in parts for i in sorted({pick(part, key=costs.__getitem__) for pick in (min, max)})]
    return [[i, _six_digits(costs[i])] for i in (range(len(costs)) if size <= 2 else ends)]


def _flatten(tensor: Any) -> Iterator[Value]:
    if isinstance(tensor, Value):
        yield tensor
    else:
        for part in tensor:
            yield from _flatten(part)


def _rows(name: str, tensor: Any) -> Iterator[tuple[str, int | None]]:
    """Yield the name and the length of every list of Values in a tensor; the length of a Value alone is None."""
    if isinstance(tensor, Value):
        yield name, None
    elif all(isinstance(part, Value) for part in tensor):
        yield name, len(tensor)
    else:
        for i, part in zip(count(), tensor):
            yield from _rows(f"{name}[{i}]", part)


def _packed(kind: str, numbers: Sequence[float]) -> str:
    """Return numbers as base64 of their little-endian bytes: "f" for 32-bit floats, "h" for 16-bit integers."""
    packed = array(kind, numbers)
    if sys.byteorder == "big":
        packed.byteswap()
    return b64encode(packed.tobytes()).decode()


def _six_digits(x: float) -> float:
    return float(f"{x:.6g}")


def _read_page_file(name: str) -> str:
    return (files(__package__) / "pages" / name).read_text(encoding="utf-8")
