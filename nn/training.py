"""Training: the lectures' loop of forward, loss, backward and update over batches, until a stop rule holds."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from random import Random
from typing import Any

import autograd
from autograd import Value, no_grad

from .data import Data, batches, samples, train_test_split
from .history import History, Snapshot
from .module import Module
from .optimisers import Diverged, Optimiser, clip_gradients
from .schedules import Schedule

__all__ = ["converged", "evaluate", "fit"]

Loss = Callable[[Any, Any], Any]
Metric = Callable[[list[Any], list[Any]], float]
AT_ONCE = 32  # samples in one graph: enough to spread the cost of a walk over them, few enough to be freed young


def fit(
    model: Module,
    data: Data,
    loss: Loss,
    optimiser: Optimiser,
    *,
    epochs: int = 100,
    batch_size: int | None = None,
    rng: Random | None = None,
    penalty: Callable[[list[Value]], Any] | None = None,
    schedule: Schedule | None = None,
    clip: float | None = None,
    validation: Data | float | None = None,
    metrics: Mapping[str, Metric] | None = None,
    callbacks: Sequence[Callable[[int, Module, History], object]] = (),
    patience: int | None = None,
    epsilon: float | None = None,
    k: int = 1,
    progress: bool | None = None,
    record: bool = False,
) -> History:
    """Minimise the cost, the mean of loss(model(x), y) over the data (plus a penalty), and return its history.

    batch_size: None for batch gradient descent, 1 for stochastic, else mini-batches; `rng` shuffles every epoch
    penalty: of the parameters, added once a batch, as in lambda ps: l2(ps, 1e-4)
    schedule: the learning rate of each epoch; clip: the largest norm of the gradient
    validation: data, or the fraction of the data to set aside (which needs `rng`), measured after every epoch
    metrics: functions of all outputs and targets, such as accuracy
    callbacks: called as f(epoch, model, history) after every epoch; one that returns True ends the training
    patience: stop when so many epochs brought no better validation cost (without validation: cost), with the best weights
    epsilon, k: stop by the lectures' criterion |cost of epoch t+k − cost of epoch t| < epsilon
    progress: a bar on the terminal; None shows it where there is a terminal and tqdm is installed
    record: keep weights and gradients of every step in history.snapshots

    A run that diverges raises a FloatingPointError that names epoch, batch and parameter; one that is interrupted (Ctrl-C)
    returns its history. Either way the model has the weights after the last whole step.

    >>> from nn import SGD, Layer, fit, squared_error
    >>> model = Layer.of([[0.0]], [0.0])
    >>> data = ([[0.0], [1.0], [2.0], [3.0]], [1.0, 3.0, 2.0, 5.0])
    >>> history = fit(model, data, squared_error, SGD(model.parameters(), 0.1), epochs=200)
    >>> history
    <History of 200 epochs: cost 9.75 → 0.675; stopped: all epochs done>
    >>> round(model.W[0][0].data, 5), round(model.b[0].data, 5)
    (1.1, 1.1)
    """
    data, held_out = _set_aside(samples(data), validation, rng)
    if epochs < 0:
        raise ValueError(f"epochs is how often to go through the data, at least 0, not {epochs}")
    history = History(
        metrics={name: [] for name in metrics or {}}, penalised=penalty is not None, stopped="all epochs done"
    )
    run = _Run(model, loss, optimiser, penalty, clip, record, history)
    best, best_epoch, best_weights = math.inf, 0, run.before
    epoch = 0
    try:
        for epoch in _shown(range(epochs), history, progress):
            if schedule is not None:
                optimiser.learning_rate = schedule(epoch)
            cost = run.epoch(epoch, batches(data, batch_size, rng))
            if held_out is not None or metrics:
                outputs, measured = evaluate(model, held_out or data, loss)
                for name, metric in (metrics or {}).items():
                    history.metrics[name].append(metric(outputs, (held_out or data)[1]))
                if held_out is not None:
                    history.validation.append(measured)
            history.learning_rate.append(optimiser.learning_rate)
            history.cost.append(cost)
            answers = [callback(epoch, model, history) for callback in callbacks]
            if any(answer is True for answer in answers):
                history.stopped = "a callback said so"
                break
            if epsilon is not None and converged(history.cost, epsilon, k):
                history.stopped = f"converged: the cost changed by less than {epsilon:g} in {k} epoch{'s' * (k > 1)}"
                break
            watched = (history.validation or history.cost)[-1]
            if watched < best:
                best, best_epoch, best_weights = watched, epoch, run.weights()
            elif patience is not None and epoch - best_epoch >= patience:
                run.restore(best_weights)
                history.stopped = f"no better than in epoch {best_epoch}, whose weights are restored"
                break
    except KeyboardInterrupt:
        run.restore(run.before)
        history.stopped = f"interrupted in epoch {epoch}"
    return history


def _set_aside(data: Data, validation: Data | float | None, rng: Random | None) -> tuple[Data, Data | None]:
    """Return the data to train on, and that to validate on."""
    if not isinstance(validation, float):
        return data, None if validation is None else samples(validation)
    if rng is None:
        raise ValueError("setting a fraction of the data aside shuffles it: give rng=random.Random(0), for one")
    return train_test_split(data, validation, rng=rng)


def evaluate(model: Module, data: Data, loss: Loss) -> tuple[list[Any], float]:
    """Return the model's outputs for the data as plain numbers, and their mean loss.

    >>> from nn import Layer, evaluate, squared_error
    >>> evaluate(Layer.of([[2.0]]), ([[1.0], [2.0]], [2.0, 3.0]), squared_error)
    ([2.0, 4.0], 0.5)
    """
    X, y = samples(data)
    with no_grad():
        outputs = model.predict(X)
        losses = [_number(loss(output, target)) for output, target in zip(outputs, y, strict=True)]
    return outputs, math.fsum(losses) / len(losses)


def converged(costs: Sequence[float], epsilon: float, k: int = 1) -> bool:
    """Tell whether |f(x^t+k) − f(x^t)| < ε holds at the end of a list of costs. (Where steps leap to and fro, falsely.)

    >>> converged([1.0, 0.64, 0.4096], 0.3), converged([1.0, 0.64, 0.4096], 0.3, k=2)
    (True, False)
    """
    return len(costs) > k and abs(costs[-1] - costs[-1 - k]) < epsilon


class _Run:
    """One call of fit: what a step needs, and the weights to go back to if it fails."""

    def __init__(
        self,
        model: Module,
        loss: Loss,
        optimiser: Optimiser,
        penalty: Callable[[list[Value]], Any] | None,
        clip: float | None,
        record: bool,
        history: History,
    ) -> None:
        self.model, self.loss, self.optimiser, self.penalty = model, loss, optimiser, penalty
        self.clip, self.record, self.history = clip, record, history
        self.names = {parameter: name for name, parameter in model.named_parameters()}
        self.before = self.weights()

    def weights(self) -> list[float]:
        return [parameter.data for parameter in self.optimiser.parameters]

    def restore(self, weights: list[float]) -> None:
        for parameter, x in zip(self.optimiser.parameters, weights, strict=True):
            parameter.data = x

    def epoch(self, epoch: int, batches: Iterable[tuple[list[Any], list[Any]]]) -> float:
        """Take a step for every batch and return the mean cost, each batch weighted by its samples."""
        total, count = 0.0, 0
        for i, (X, y) in enumerate(batches):
            try:
                cost = self.step(X, y)
            except ArithmeticError as error:
                raise FloatingPointError(
                    f"training diverged in epoch {epoch}, batch {i}: {self.reason(error)}. The model keeps its last good "
                    f"parameters. Try a learning rate below {self.optimiser.learning_rate:g}, or clip=1.0"
                ) from error
            self.before = self.weights()
            self.history.steps.append(cost)
            if self.record:
                gradients = [parameter.grad for parameter in self.optimiser.parameters]
                self.history.snapshots.append(Snapshot(epoch, cost, self.before, gradients))
            total, count = total + cost * len(X), count + len(X)
        return total / count

    def step(self, X: list[Any], y: list[Any]) -> float:
        """Find the gradient of the cost of a batch, follow it, and return the cost."""
        self.optimiser.zero_grad()
        cost = 0.0
        for start in range(0, len(X), AT_ONCE):
            part = slice(start, start + AT_ONCE)
            total = autograd.sum([self.loss(self.model(x), t) for x, t in zip(X[part], y[part], strict=True)])
            total.backward(1 / len(X))
            cost += total.data / len(X)
        if self.penalty is not None:
            extra = self.penalty(self.optimiser.parameters)
            extra.backward()
            cost += extra.data
        if not math.isfinite(cost):
            raise Diverged(f"the cost is {cost}")
        if self.clip is not None:
            clip_gradients(self.optimiser.parameters, self.clip)
        self.optimiser.step()
        return cost

    def reason(self, error: ArithmeticError) -> str:
        """Say what is no longer finite, by the name of the first parameter."""
        if isinstance(error, Diverged) and error.parameter is not None:
            return str(error).replace("parameter ", f"{self.names.get(error.parameter)}, parameter ", 1)
        for parameter in self.optimiser.parameters:
            if not math.isfinite(parameter.grad):
                return f"{error}, and the gradient of {self.names.get(parameter)} is {parameter.grad}"
        largest = max(self.optimiser.parameters, key=lambda parameter: abs(parameter.data))
        return f"{error}; the largest parameter, {self.names.get(largest)}, is {largest.data:g}"


def _shown(epochs: range, history: History, progress: bool | None) -> Iterator[int]:
    """Go through the epochs behind a progress bar, on a terminal and where tqdm is installed."""
    bar: Any = None
    if progress or (progress is None and sys.stderr.isatty()):
        with suppress(ImportError):
            from tqdm import tqdm

            bar = tqdm(epochs, unit="epoch", leave=False)
    for epoch in epochs if bar is None else bar:
        yield epoch
        if bar is not None and history.cost:
            bar.set_postfix(cost=f"{history.cost[-1]:.4g}")


def _number(x: Any) -> float:
    return x.data if isinstance(x, Value) else float(x)
