"""Training: the loop of forward, loss, backward and update over batches, until a stop criterion holds."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from random import Random
from typing import Any

from autograd import Value, no_grad
from autograd.arguments import (
    as_bool,
    as_finite,
    as_int,
    as_operand,
    checks_keywords,
    describe,
    require_callable,
    require_random,
    to_python,
)

from ..data.batching import Data, read_data, require_finite, sample_order, train_test_split
from ..losses import NotANumber
from ..module import Module
from ..optimisers import Optimiser
from .history import History
from .schedules import Schedule
from .steps import CompiledRun, Loss, ScalarRun

__all__ = ["as_criterion", "check_parts", "converged", "evaluate", "fit", "set_aside"]

Metric = Callable[[list[Any], list[Any]], float]


@checks_keywords
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
    compiled: bool = False,
) -> History:
    """Minimise the cost, the mean of loss(model(x), y) over the data (plus a penalty), and return its history.

    data: samples and targets, in lists or arrays; every entry of X is a sample: a list of numbers, or one number for a model
        of one input
    batch_size: None for batch gradient descent, 1 for stochastic, else mini-batches; `rng` shuffles every epoch
    penalty: a function of the parameters, added once per batch, as in lambda ps: l2(ps, 1e-4)
    schedule: the learning rate of each epoch; clip: the maximum norm of the gradient
    validation: data, or the fraction of the data to set aside (which needs `rng`), measured after every epoch
    metrics: functions of all outputs and targets, such as accuracy
    callbacks: called as f(epoch, model, history) after every epoch; the training ends if one returns True
    patience: stop after this many epochs without a better validation cost (without validation: cost). The model then has the
        weights of the best epoch, except after an interrupt or an error. Without validation, the cost of an epoch belongs to
        the weights at its start; the last weights are kept if their cost is not higher
    epsilon, k: stop when |cost of epoch t+k − cost of epoch t| < epsilon
    progress: True shows a progress bar, if tqdm is installed; None only if stderr is a terminal
    record: keep weights and gradients of every step in history.snapshots
    compiled: train the program that `autograd.compile` makes of the loss (needs numpy), natively a whole epoch in one call of
        C, optimiser, clipping and penalty included; class indices become one-hot rows. Samples and targets may be lists
        of different lengths, such as texts: a program is compiled for each length

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
    check_parts(model, loss)
    if not isinstance(optimiser, Optimiser):
        raise TypeError(
            f"optimiser must be an Optimiser such as nn.SGD(model.parameters(), 0.1), got {describe(optimiser)}: "
            "the optimiser comes after the loss"
        )
    epochs = as_int(epochs, "epochs, the number of passes over the data,", 0)
    clip = None if clip is None else as_finite(clip, "clip, the maximum norm of the gradient,", 0)
    patience = None if patience is None else as_int(patience, "patience, the number of epochs without improvement,")
    epsilon, k = as_criterion(epsilon, k)
    _check_functions(penalty, schedule, metrics, callbacks)
    data, held_out = set_aside(read_data(data), validation, None if rng is None else require_random(rng))
    for name, part in (("data", data), ("validation", held_out)):
        if part is not None:
            require_finite(part, name)
    size = len(data[0]) if batch_size is None else as_int(batch_size, "the size of a batch")
    history = History(
        metrics={name: [] for name in metrics or {}}, penalised=penalty is not None, stopped="all epochs done"
    )
    kind = CompiledRun if as_bool(compiled, "compiled") else ScalarRun
    record = as_bool(record, "record")
    run: ScalarRun | None = None
    epoch = 0
    try:
        run = kind(model, data, loss, optimiser, penalty, clip, record, history)
        best, best_epoch, best_weights = math.inf, 0, run.before
        for epoch in _with_progress(range(epochs), history, progress):
            start = run.weights()
            if schedule is not None:
                optimiser.learning_rate = as_finite(
                    schedule(epoch), f"the learning rate of the schedule in epoch {epoch}", 0
                )
            cost = run.epoch(epoch, sample_order(len(data[0]), rng), size)
            if held_out is not None or metrics:
                X, y = held_out or data
                outputs = run.predict(X)
                for name, metric in (metrics or {}).items():
                    history.metrics[name].append(as_finite(metric(outputs, y), f"the metric {name!r}"))
                if held_out is not None:
                    history.validation.append(mean_loss(outputs, y, loss, f"the validation loss of epoch {epoch}"))
            history.learning_rate.append(optimiser.learning_rate)
            history.cost.append(cost)  # appended last, because len(history.cost) counts the finished epochs
            watched = (history.validation or history.cost)[-1]
            if epoch == 0 or watched < best:
                # without validation the cost belongs to the weights at the start of the epoch
                best, best_epoch, best_weights = watched, epoch, start if held_out is None else run.weights()
            answers = []
            for callback in callbacks:
                answers.append(to_python(callback(epoch, model, history)))
                run.refresh()
            if any(answer is True for answer in answers):
                history.stopped = "a callback said so"
                break
            if epsilon is not None and converged(history.cost, epsilon, k):
                history.stopped = f"converged: the cost changed by less than {epsilon:g} in {k} epoch{'s' * (k > 1)}"
                break
            if patience is not None and epoch - best_epoch >= patience:
                history.stopped = f"no better than in epoch {best_epoch}"
                break
        # without validation no epoch has measured the last weights
        if patience is not None and epochs and (_present_cost(run) > best if held_out is None else best_epoch < epoch):
            run.restore(best_weights)
            place = f"the start of epoch {best_epoch}" if held_out is None else f"epoch {best_epoch}"
            better = "" if epoch - best_epoch >= patience else f"; {place} was better"
            history.stopped += f"{better}, whose weights are restored"
    except KeyboardInterrupt:
        if run is not None:
            run.restore(run.before)
        history.keep_whole_epochs()
        history.stopped = f"interrupted in epoch {epoch}"
    return history


def check_parts(model: Any, loss: Any) -> None:
    """Raise for a model or a loss of the wrong type: the arguments are easily swapped."""
    if not isinstance(model, Module):
        raise TypeError(
            f"model must be a Module such as nn.MLP(2, [8, 1]), got {describe(model)}: the model comes first"
        )
    if not callable(loss) or isinstance(loss, (Module, type)):
        raise TypeError(
            f"loss must be a function such as nn.squared_error, got {describe(loss)}: the loss comes after the data"
        )
    require_callable(loss, "loss", "output, target")


def _check_functions(penalty: Any, schedule: Any, metrics: Any, callbacks: Any) -> None:
    if penalty is not None:
        require_callable(penalty, "penalty, as in lambda ps: l2(ps, 1e-4),", "parameters")
    if schedule is not None:
        require_callable(schedule, "schedule, such as nn.schedules.cosine(0.1, 0.0, epochs),", "epoch")
    metrics = {} if metrics is None else metrics
    if not isinstance(metrics, Mapping):
        raise TypeError(
            f"metrics must be a dict of names and functions, as in {{'accuracy': nn.accuracy}}, got {describe(metrics)}"
        )
    for name, metric in metrics.items():
        require_callable(metric, f"the metric {name!r}", "outputs, targets")
    if not isinstance(callbacks, (list, tuple)):
        raise TypeError(f"callbacks must be a list of functions, got {describe(callbacks)}: write callbacks=[f]")
    for i, callback in enumerate(callbacks):
        require_callable(callback, f"callbacks[{i}]", "epoch, model, history")


def as_criterion(epsilon: Any, k: Any) -> tuple[float | None, int]:
    """Return epsilon and k of the stop criterion, checked."""
    k = as_int(k, "k, the number of steps of the stop criterion,")
    return None if epsilon is None else as_finite(epsilon, "epsilon, of the stop criterion,", 0), k


def set_aside(data: Data, validation: Data | float | None, rng: Random | None) -> tuple[Data, Data | None]:
    """Return the data for training and the data for validation."""
    validation = to_python(validation)
    if not isinstance(validation, float):
        return data, None if validation is None else read_data(validation, "validation")
    if rng is None:
        raise ValueError(
            "validation, a fraction of the data, needs rng to shuffle: write rng=random.Random(0), for example"
        )
    return train_test_split(data, validation, rng=rng)


@checks_keywords
def evaluate(model: Module, data: Data, loss: Loss) -> tuple[list[Any], float]:
    """Return the model's outputs for the data as plain numbers, and their mean loss.

    >>> from nn import Layer, evaluate, squared_error
    >>> evaluate(Layer.of([[2.0]]), ([[1.0], [2.0]], [2.0, 3.0]), squared_error)
    ([2.0, 4.0], 0.5)
    """
    check_parts(model, loss)
    X, y = read_data(data)
    require_finite((X, y), "data")
    outputs = model.predict(X)
    return outputs, mean_loss(outputs, y, loss)


def mean_loss(outputs: Sequence[Any], targets: Sequence[Any], loss: Loss, what: str = "the mean loss") -> float:
    """Return the mean loss of outputs and targets, without recording; raise if it is nan."""
    with no_grad():
        losses = []
        for i, (output, target) in enumerate(zip(outputs, targets, strict=True)):
            try:
                losses.append(loss(_values(output), target))
            except NotANumber as error:
                raise NotANumber(f"sample {i}: {error}") from None
    losses = [_number(loss, "the loss") for loss in losses]
    try:
        mean = math.fsum(losses) / len(losses)
    except ValueError:  # fsum raises for inf and −inf together
        mean = math.nan
    except OverflowError:  # the sum overflows, but the mean may be finite
        mean = math.fsum(x / len(losses) for x in losses)
    if math.isnan(mean):
        i = next(i for i, x in enumerate(losses) if not math.isfinite(x))
        raise NotANumber(f"{what} is nan: the loss of sample {i} is {losses[i]}")
    return mean


def _present_cost(run: ScalarRun) -> float:
    """Return the cost of the present weights over all data, with the penalty; inf where it cannot be computed."""
    (X, y), penalty = run.data, run.penalty
    try:
        cost = mean_loss(run.predict(X), y, run.loss)
        if penalty is not None:
            with no_grad():
                cost += _number(penalty(run.optimiser.parameters), "the penalty")
    except (ArithmeticError, ValueError):
        return math.inf
    return cost


def _number(x: Any, what: str) -> float:
    number = as_operand(x, what)
    return number.data if isinstance(number, Value) else number


def _values(output: Any) -> Any:
    """Return the numbers of an output as Values, which losses expect."""
    return [*map(_values, output)] if isinstance(output, list) else Value(output)


def converged(costs: Sequence[float], epsilon: float, k: int = 1) -> bool:
    """Tell whether |f(x^t+k) − f(x^t)| < ε holds at the end of a list of costs.

    >>> converged([1.0, 0.64, 0.4096], 0.3), converged([1.0, 0.64, 0.4096], 0.3, k=2)
    (True, False)
    """
    return len(costs) > k and abs(costs[-1] - costs[-1 - k]) < epsilon


def _with_progress(epochs: range, history: History, progress: bool | None) -> Iterator[int]:
    """Yield the epochs, with a progress bar if stderr is a terminal and tqdm is installed."""
    bar: Any = None
    if progress or (progress is None and sys.stderr.isatty()):
        with suppress(ImportError):
            from tqdm import tqdm

            bar = tqdm(epochs, unit="epoch", leave=False)
    for epoch in epochs if bar is None else bar:
        yield epoch
        if bar is not None and history.cost:
            bar.set_postfix(cost=f"{history.cost[-1]:.4g}")
