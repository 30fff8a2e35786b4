"""`playground`: a page on which the visitor trains a given network on given data, in the browser."""

from __future__ import annotations

import os
from collections.abc import Sequence
from random import Random
from typing import Any

from autograd import Page
from autograd.arguments import as_finite, as_int, checks_keywords, describe, require_random
from autograd.trees import unflatten

from ..data.batching import Data, read_data, require_finite
from ..module import Module
from ..optimisers import SGD, Optimiser
from ..saving import file_head
from ..training.history import History
from ..training.loop import check_parts, set_aside
from ..training.steps import CompiledRun, Loss
from .pictures import Plane, entries, packed, training_page

__all__ = ["playground"]

SIDE = 41  # points along each side of the grid on the plane


@checks_keywords
def playground(
    model: Module,
    data: Data,
    path: str | os.PathLike[str] | None = None,
    *,
    loss: Loss,
    optimiser: Optimiser | None = None,
    batch_size: int | None = None,
    validation: Data | float | None = None,
    rng: Random | None = None,
    threshold: float = 0.0,
) -> Page:
    """Return a page that trains this model on these data in the browser: one HTML file that needs no network and no server.

    Each step is that of fit: w ← rule(w, ∂C/∂w) with the cost C, the mean of loss(model(x), y) over a batch, both written as
    JavaScript. The page has buttons to play, to take one step, to reset and to save the weights as a file for `load`, fields
    for the learning rate, the size of a batch and the noise that is added to the inputs, and the pictures of
    `explore_training`. For more inputs than two it shows the costs and the weights.

    path: the file to write; None only returns the page, which a notebook displays
    optimiser: None for SGD(model, 0.1); the page begins with its learning rate, and with its running means
    batch_size: None for all samples; validation, rng: as for fit; threshold: as for explore_training

    The model does not change. Needs numpy. TypeError and ValueError for a model or a loss that cannot be compiled or written
    as JavaScript, and for a page above 2 MB. The idea is that of TensorFlow Playground (Smilkov and others 2017).

    >>> from nn import Layer, playground, squared_error
    >>> page = playground(Layer.of([[0.0, 0.0]], [0.0]), ([[0.0, 1.0], [1.0, 0.0]], [0.0, 1.0]), loss=squared_error)
    >>> page.title
    'Train Layer(2 → 1, linear)'
    """
    check_parts(model, loss)
    optimiser = SGD(model, 0.1) if optimiser is None else optimiser
    if not isinstance(optimiser, Optimiser):
        raise TypeError(f"optimiser must be an Optimiser such as nn.Adam(model, 0.05), got {describe(optimiser)}")
    threshold = as_finite(threshold, "threshold")
    data, held_out = set_aside(read_data(data), validation, None if rng is None else require_random(rng))
    for name, part in (("data", data), ("validation", held_out)):
        if part is not None:
            require_finite(part, name)
    size = len(data[0]) if batch_size is None else as_int(batch_size, "the size of a batch")
    samples = tuple(a + b for a, b in zip(data, held_out or ([], []), strict=True))  # those of the validation come last
    run = CompiledRun(model, samples, loss, optimiser, None, None, False, History())
    if len(run.training.parts) > 1:
        raise ValueError("X of the data must have samples of one length, got several: a page has one program")
    program, _, rows = run.training.parts[0]
    place = {parameter: i for i, parameter in enumerate(optimiser.parameters)}
    shown = entries(model)
    content = {
        "theta": packed("d", program.flat),
        "means": [packed("d", row) for row in optimiser.state],
        "steps": optimiser.steps,
        "fixed": [i for i, parameter in enumerate(optimiser.parameters) if parameter.role == "constant"],
        "places": [place.get(value, -1) for value in shown],
        "weights": packed("d", [value.data for value in shown]),
        "file": file_head(model) | {"state": unflatten(model.tensors(), iter(range(len(shown))))},
        "rate": optimiser.learning_rate,
        "batch": min(size, len(data[0])),
        "training": _samples([part[: len(data[0])] for part in rows]),
        "validation": held_out and _samples([part[len(data[0]) :] for part in rows]),
    }
    functions = [
        f"const costOf = {program.to_js(module=False)};",
        f"const outputsOf = {run.predictor.sized(data[0]).to_js(module=False)};",
        f"const updated = {run.training.update_to_js()};",
    ]
    plane = Plane(model, data, threshold).content(SIDE)
    page = training_page(f"Train {model!r}", model, plane, content, "playground.js", functions)
    if path is not None:
        page.save(path)
    return page


def _samples(rows: Sequence[Any]) -> dict[str, Any]:
    X, y = rows
    return {"samples": len(X), "x": packed("d", X.ravel()), "y": packed("d", y.ravel())}
