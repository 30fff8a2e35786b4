"""`explore_training`: a page with a slider over the steps of a training run."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import autograd
from autograd import Page, Value
from autograd.arguments import as_finite, as_int, checks_keywords, describe

from ..data.batching import Data
from ..module import Module
from ..training.history import History, Snapshot
from .pictures import Plane, curve, entries, evenly, packed, training_page

__all__ = ["explore_training"]

WEIGHTS = 1_000_000  # maximum bytes of the page for weights and gradients
GRID = 800_000  # maximum bytes of the page for the outputs of the model on the plane
SIDE = 41  # maximum points along each side of the grid


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

    For the initial weights and for each step, the page shows the loss curve, beside that of the validation data if fit had
    some, the decision boundary with the data on top, the network, and the weights beside the gradients of the step. The
    boundary needs `data`, a pair (X, y) with X of two columns; a single output predicts class 1 above `threshold` (0.5 for
    probabilities), several outputs predict the largest. The deeper a colour, the surer the class.

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
    shown = entries(model)
    most = WEIGHTS * 3 // 4 // (2 * 4 * max(1, len(shown)))
    if most < 1:
        raise ValueError(f"a page shows at most {WEIGHTS * 3 // 32:,} weights, and {model!r} has {len(shown):,}")
    before = len(snapshots) - len(history.snapshots)  # 1 if a frame shows the initial weights, as step −1
    places = [*range(-before, 0), *evenly(len(history.snapshots), min(frames, max(1, most - before)))]
    kept = [snapshots[before + i] for i in places]
    order = {parameter: i for i, parameter in enumerate(model.parameters())}
    plane = Plane(model, data, threshold)
    side = max(2, min(SIDE, math.isqrt(GRID * 3 // 4 // (2 * plane.outputs * len(kept)))))
    content = {
        "steps": len(history.snapshots),
        "curves": _curves(history),
        "frames": [
            {
                "step": i,
                "epoch": snapshot.epoch,
                "cost": snapshot.cost,
                "weights": packed("f", [snapshot.parameters[order[v]] if v in order else v.data for v in shown]),
                "gradients": packed("f", [snapshot.gradients[order[v]] if v in order else math.nan for v in shown]),
                **answer,
            }
            for i, snapshot, answer in zip(places, kept, _answers(model, kept, plane, side), strict=True)
        ],
    }
    page = training_page(f"{model!r}, step by step", model, plane.content(side), content, "training.js")
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


def _curves(history: History) -> list[dict[str, Any]]:
    """Return the curve of the costs by the number of steps taken, and that of the validation, which ends an epoch."""
    penalty = ", with the penalty" if history.penalised else ""
    costs = [(i, snapshot.cost) for i, snapshot in enumerate(history.snapshots)]
    curves = [{"name": f"training: the batch of each step{penalty}", "points": curve(costs)}]
    ends = [i for i, (a, b) in enumerate(pairwise(history.snapshots), 1) if a.epoch != b.epoch]
    held_out = [*zip([*ends, len(history.snapshots)], history.validation, strict=False)]
    if held_out:
        curves.append({"name": "validation: after each epoch", "points": curve(held_out)})
    return curves


def _answers(model: Module, kept: Sequence[Snapshot], plane: Plane, side: int) -> list[dict[str, Any]]:
    """Return the outputs of the model on the grid of the plane for every snapshot, less the threshold, as int16 × scale."""
    if plane.why:
        return [{}] * len(kept)
    found: list[dict[str, Any]] = []
    for snapshot, rows in zip(kept, _outputs(model, kept, plane.grid(side)), strict=True):
        scores = [score for row in rows for score in (row if isinstance(row, list) else [row])]
        if not all(map(math.isfinite, scores)):
            raise ValueError(
                f"after a step of epoch {snapshot.epoch} the model's outputs on the plane are not all finite"
            )
        scores = [score - plane.threshold for score in scores] if plane.outputs == 1 else scores
        scale = max(map(abs, scores)) / 32767 or 1.0
        found.append({"scale": scale, "scores": packed("h", [round(score / scale) for score in scores])})
    return found


def _outputs(model: Module, kept: Sequence[Snapshot], points: Sequence[Sequence[float]]) -> list[list[Any]]:
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
