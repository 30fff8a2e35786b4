"""Training steps on Values or through the compiled program; both give the same numbers, up to rounding."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from operator import itemgetter
from typing import Any

import autograd
from autograd import Value, no_grad
from autograd.arguments import as_finite, as_operand, describe
from autograd.trees import flatten, unflatten

from ..data.batching import Data, length_of, require_numbers
from ..losses import one_hot
from ..module import Module
from ..optimisers import Diverged, Optimiser, clip_gradients
from .history import History, Snapshot

__all__ = ["CompiledRun", "Loss", "ScalarRun"]

Loss = Callable[[Any, Any], Any]
Penalty = Callable[[list[Value]], Any]
AT_ONCE = 32  # samples per graph: enough to share the cost of a traversal, few enough that the graph stays in cache


class ScalarRun:
    """The steps of one call of fit; `before` holds the weights to restore if a step fails."""

    def __init__(
        self,
        model: Module,
        data: Data,
        loss: Loss,
        optimiser: Optimiser,
        penalty: Penalty | None,
        clip: float | None,
        record: bool,
        history: History,
    ) -> None:
        self.model, self.data, self.loss, self.optimiser, self.penalty = model, data, loss, optimiser, penalty
        self.clip, self.record, self.history = clip, record, history
        self.checked = False
        self.names = {parameter: name for name, parameter in model.named_parameters()}
        if self.names and self.names.keys().isdisjoint(optimiser.parameters):
            raise ValueError(
                f"the optimiser moves no parameter of {model!r}: write {type(optimiser).__name__}(model.parameters()) of the "
                "model that is trained"
            )
        if all(parameter.role == "constant" for parameter in optimiser.parameters):
            raise ValueError(
                "every parameter of the optimiser is frozen, so there is nothing to train: model.unfreeze()"
            )
        self.prepare()
        self.refresh()
        history.initial = self.snapshot(0, 0.0).parameters if record else []

    def prepare(self) -> None:
        """Prepare the steps; called once, before the first step."""

    def refresh(self) -> None:
        """Read the weights again, because a callback may have changed them."""
        self.before = self.weights()

    def weights(self) -> Sequence[float]:
        """Return the numbers of all parameters."""
        return [parameter.data for parameter in self.optimiser.parameters]

    def gradients(self) -> Sequence[float]:
        """Return the gradient of the last step."""
        return [parameter.grad for parameter in self.optimiser.parameters]

    def restore(self, weights: Sequence[float]) -> None:
        """Set all parameters to earlier weights."""
        for parameter, x in zip(self.optimiser.parameters, weights, strict=True):
            parameter.data = float(x)

    def predict(self, X: Any) -> list[Any]:
        """Return the model's outputs as plain numbers."""
        return self.model.predict(X)

    def snapshot(self, epoch: int, cost: float) -> Snapshot:
        """Return the weights and gradients of the whole model, in its order; a parameter that does not move has gradient nan."""
        moved = dict(zip(self.optimiser.parameters, zip(map(float, self.before), map(float, self.gradients()))))
        kept = [moved.get(parameter, (parameter.data, math.nan)) for parameter in self.names]
        return Snapshot(epoch, cost, [x for x, _ in kept], [slope for _, slope in kept])

    def epoch(self, epoch: int, order: Sequence[int], size: int) -> float:
        """Take a step for every batch and return the mean cost, each batch weighted by its samples."""
        mean, count, costs = 0.0, len(order), self.costs(order, size)
        for i, start in enumerate(range(0, count, size)):
            try:
                cost = next(costs)
            except ArithmeticError as error:
                self.restore(self.before)
                raise FloatingPointError(
                    f"training diverged in epoch {epoch}, batch {i}: {self.reason(error)}. The model keeps its last good "
                    f"parameters. Try a learning rate below {self.optimiser.learning_rate:g}, or clip=1.0"
                ) from error
            except BaseException:  # KeyboardInterrupt too: no step may stay half done
                self.restore(self.before)
                raise
            self.before = self.weights()
            self.history.steps.append(cost)
            if self.record:
                self.history.snapshots.append(self.snapshot(epoch, cost))
            mean += cost * (min(size, count - start) / count)  # weighted first, because a sum of the costs may overflow
        return mean

    def costs(self, order: Sequence[int], size: int) -> Iterator[float]:
        """Take the steps of an epoch and yield the cost of each; `weights` may hold later steps, but only whole ones."""
        for start in range(0, len(order), size):
            yield self.step(order[start : start + size])

    def step(self, places: Sequence[int]) -> float:
        """Compute the gradient of the cost of a batch, let the optimiser step, and return the cost."""
        (X, y), n = self.data, len(places)
        self.optimiser.zero_grad()
        cost, extra = 0.0, None if self.penalty is None else self.penalty(self.optimiser.parameters)
        for start in range(0, n, AT_ONCE):
            losses = [self.loss(self.model(X[i]), y[i]) for i in places[start : start + AT_ONCE]]
            if not any(isinstance(loss, Value) for loss in losses):
                raise _no_graph(losses[0])
            if not self.checked:
                self.check_paths(losses, extra)
            total = autograd.sum(losses)
            total.backward(1 / n)
            shares = (_number(loss) / n for loss in losses)
            cost += total.data / n if math.isfinite(total.data) else sum(shares)  # the sum alone may overflow
        if self.penalty is not None:
            if isinstance(extra, Value):
                extra.backward()
            cost += extra.data if isinstance(extra, Value) else as_finite(extra, "the penalty")
        if not math.isfinite(cost):
            raise Diverged(f"the cost is {cost}")
        if self.clip is not None:
            clip_gradients(self.optimiser.parameters, self.clip)
        self.optimiser.step()
        return cost

    def check_paths(self, losses: Iterable[Any], penalty: Any) -> None:
        """Raise, once before the first step, unless a gradient passes from a loss, and from the penalty, to a parameter.

        The loss of a sample may be constant, so the error is raised only if no sample's loss has a path.
        """
        moved = {parameter for parameter in self.optimiser.parameters if parameter.role != "constant"}
        rest = (self.loss(self.model(x), t) for x, t in zip(*self.data, strict=True))
        if not any(_has_path(loss, moved) for loss in chain(losses, rest)):
            raise ValueError(
                "loss must depend on a parameter that the optimiser moves, and no gradient passes to one for any sample: "
                "compute it from the output that it is given, not inside no_grad(), from .data or .detach(), by step or sign, "
                "or from another model"
            )
        if isinstance(penalty, Value) and not _has_path(penalty, moved):
            raise ValueError(
                "the penalty must depend on a parameter that the optimiser moves, and no gradient passes to one: compute it "
                "from the parameters that it is given, not inside no_grad() or from .detach()"
            )
        self.checked = True

    def reason(self, error: ArithmeticError) -> str:
        """Return the cause of a failed step, with the name of the first parameter that is not finite."""
        if isinstance(error, Diverged) and error.parameter is not None:
            return str(error).replace("parameter ", f"{self.names.get(error.parameter)}, parameter ", 1)
        parameters = self.optimiser.parameters
        for parameter, slope in zip(parameters, self.gradients(), strict=True):
            if not math.isfinite(slope):
                return f"{error}, and the gradient of {self.names.get(parameter)} is {slope}"
        largest, x = max(zip(parameters, self.before, strict=True), key=lambda pair: abs(pair[1]))
        return f"{error}; the largest parameter, {self.names.get(largest)}, is {x:g}"


class CompiledRun(ScalarRun):
    """Training steps through compiled programs, one for each length of the samples and targets.

    They move an array of weights, which is written to the Values after an epoch.
    """

    training: Any  # autograd.compiling.training.Training

    def prepare(self) -> None:
        X, y = self.data
        self.parameters = self.optimiser.parameters
        first = self.loss(self.model(X[0]), y[0])
        if not isinstance(first, Value):
            raise _no_graph(first)
        if not self.checked:
            self.check_paths([first], None if self.penalty is None else self.penalty(self.parameters))
        require_numbers(y, "y", "data for a compiled program")
        samples: dict[int, Any] = {}  # the output for the first sample of every length
        targets = []
        with no_grad():
            for x, target in zip(X, y):
                size = length_of(x)
                if size not in samples:
                    samples[size] = self.model(x)
                self.loss(samples[size], target)  # tracing hides the targets from the loss, so it checks each one here
                classes = isinstance(samples[size], (list, tuple)) and not isinstance(y[0], list)
                targets.append(one_hot(target, len(samples[size])) if classes else target)
        one = not isinstance(targets[0], list)

        def cost(x: list[Value], y: list[Value]) -> Any:
            loss = self.loss(self.model(x), y[0] if one else y)
            return loss if self.penalty is None else loss + as_operand(self.penalty(self.parameters), "the penalty")

        try:
            self.programs = autograd.compile(cost, self.parameters)
            self.training = self.programs.training([X, targets], self.optimiser, self.clip)
        except (TypeError, IndexError) as error:
            if not classes:
                raise
            raise TypeError(
                f"{error}. With compiled=True an integer class reaches the loss as a one-hot row, because one program serves "
                "all classes: write dot(y, z), not z[y]"
            ) from error
        self.readers: dict[int, Callable[[list[float]], Any]] = {}  # see _reader; by the length of the sample
        self.predictor = autograd.compile(lambda x: [*flatten(self.model(x))], self.parameters, gradient=False)

    def refresh(self) -> None:
        if self.training.outdated:
            self.before = super().weights()  # to restore, if prepare is interrupted
            self.prepare()
        self.before = self.training.theta = self.programs.flat

    def epoch(self, epoch: int, order: Sequence[int], size: int) -> float:
        try:
            return super().epoch(epoch, order, size)
        finally:
            self.programs.flat = self.training.theta

    def costs(self, order: Sequence[int], size: int) -> Iterator[float]:
        import numpy as np

        places = None if isinstance(order, range) else np.array(order, np.int64)
        steps = -(-len(order) // size)
        yield from self.training.costs(places, size, steps, at_once=1 if self.record else steps)

    def weights(self) -> Any:
        return self.training.theta

    def gradients(self) -> Any:
        return self.training.gradient

    def restore(self, weights: Any) -> None:
        self.programs.flat = self.training.theta = weights

    def predict(self, X: Any) -> list[Any]:
        groups: dict[int, list[int]] = {}
        for i, x in enumerate(X):
            groups.setdefault(length_of(x), []).append(i)
        outputs: list[Any] = [None] * len(X)
        for size, places in groups.items():
            rows = [X[i] for i in places]
            if size not in self.readers:
                self.readers[size] = _reader(self.model.predict(rows[:1])[0])
            for i, output in zip(places, map(self.readers[size], self.predictor(rows).tolist())):
                outputs[i] = output
        return outputs


def _reader(output: Any) -> Callable[[list[float]], Any]:
    """Return the function that nests the numbers of an output like this one."""
    if not isinstance(output, list):
        return itemgetter(0)
    if not any(isinstance(entry, list) for entry in output):
        return list  # as unflatten does, in a tenth of the time
    return lambda numbers: unflatten(output, iter(numbers))


def _no_graph(loss: Any) -> TypeError:
    return TypeError(
        f"loss must return a Value, got {describe(loss)}: compute it from the output by gates, for every sample, as "
        "nn.squared_error does (zero_one and the metrics have no gradient)"
    )


def _number(x: Any) -> float:
    return x.data if isinstance(x, Value) else float(x)


def _has_path(root: Any, moved: set[Value]) -> bool:
    """Tell whether a gradient passes from a node to one of the parameters."""
    stack, seen = [root], set()
    while stack:
        node = stack.pop()
        if node in moved:
            return True
        if node in seen or not isinstance(node, Value) or node.gate is None:
            continue
        seen.add(node)
        rules = node.gate.local * len(node.inputs) if node.gate.variadic else node.gate.local
        stack += [input for input, rule in zip(node.inputs, rules, strict=True) if rule is not None]
    return False
