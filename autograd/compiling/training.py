"""Training a program: an optimiser's steps, as many of them as possible in one call of the C machine.

An optimiser's rule is run once on symbols. The result is a scalar program with one sample per parameter, and becomes
code for the C machine, which alternates between this update and the cost with its gradient. A step with a number that
is not finite is repeated in Python, to name that number. All steps run in Python where there is no code: for rules that
branch or read attributes other than numbers, and for programs on NumPy.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Sequence
from operator import attrgetter
from typing import Any, NamedTuple, Protocol

from ..arguments import as_finite, as_int, require_random
from ..functions import FUNCTIONS
from ..node import CONSTANT
from ..symbols import JAVASCRIPT, Symbol, functions, statements, steps
from ..value import Value
from .batches import numpy
from .execution import Execution
from .export import javascript_functions
from .lowering import Lowered
from .machine import BEST, Code, native
from .scalars import Program
from .tape import tape, unknown

__all__ = ["Optimiser", "Part", "Training", "train", "update"]

MEANS = 8  # maximum number of running means per parameter; must equal MEANS in tape.c
_origin = attrgetter("_origin")
KEPT: dict[Hashable, Code] = {}  # key or text of a rule -> its code
MOST_KEPT = 64
AT_ONCE = 2**16  # maximum number of steps per call, because their costs are one array


class Optimiser(Protocol):
    """The protocol of an optimiser; those of nn follow it."""

    parameters: list[Value]
    learning_rate: float
    steps: int
    state: list[Any]  # the running means of all parameters, one row for each mean

    def step_array(self, data: Any, gradient: Any) -> Any:
        """Return the numbers of all parameters after a step."""

    def rule_key(self) -> Hashable | None:
        """Return a key that is equal only for rules with the same result on symbols; None if there is none."""

    def rule_on(self, learning_rate: Any, steps: Any, w: Any, g: Any, *state: Any) -> tuple[Any, ...]:
        """Return the result of the rule on symbols; raise if it does not accept them."""


def update(optimiser: Optimiser) -> Code | None:
    """Return the code of an optimiser's rule; None if the rule does not become code.

    The code is kept, and the rule runs again only if its result may differ. A rule that may depend on anything else than its
    key runs twice, to detect random numbers.
    """
    if native is None or len(optimiser.state) > MEANS:
        return None
    key = optimiser.rule_key()
    if code := KEPT.get(key):
        return code
    try:
        found = _written(optimiser)
        text = _text(found)
        if unknown(found) or (key is None and _text(_written(optimiser)) != text):
            return None
    except Exception:  # a step in Python raises the same error, or needs no symbols
        return None
    key = text if key is None else key
    code = KEPT.get(key) or tape(found, dict.fromkeys(_names(optimiser), 1), gradient=False)
    if len(KEPT) >= MOST_KEPT:
        KEPT.clear()
    KEPT[key] = code
    return code


def _names(optimiser: Optimiser) -> list[str]:
    return ["w", "g", *(f"mean{k}" for k in range(len(optimiser.state)))]


def _written(optimiser: Optimiser) -> Lowered:
    """Return the rule as a scalar program, whose parameters are the learning rate and the number of the step."""
    program, names = Program(), _names(optimiser)
    given = [*program.write_parameters(2)]
    given += [program.leaf("input", (name, 0), True) for name in names]
    symbols = [Symbol.named(name) for name in ("rate", "steps", *names)]
    moved = program.run(steps(symbols, optimiser.rule_on(*symbols)), given)
    return Lowered(program, [i for i in moved if i is not None], [], len(program.ops))


def _text(written: Lowered) -> str:
    """Return a scalar program as text, which tells 0.0 from −0.0."""
    program = written.program
    return repr((written.outputs, program.ops, program.args, program.key))


class Compiled(Protocol):
    """The protocol of a program whose constants may change."""

    @property
    def outdated(self) -> bool:
        """Whether a leaf that was compiled in as a constant has changed since."""


class Part(NamedTuple):
    """A program, how it runs, and the samples that it takes: an array of rows for every input."""

    program: Compiled
    execution: Execution
    rows: Sequence[Any]


class Training:
    """Steps of an optimiser over rows of samples, starting at the parameters `theta`; each is done wholly or not at
    all.

    parts: programs with the same parameters, one for each size of the samples; places: for every sample, in the caller's
    order, the number of its part and its place there, as two arrays; None for one part
    clip: the maximum norm of a gradient; theta: the parameters after the last step; gradient: that of the last step
    """

    def __init__(
        self,
        parts: Sequence[Part],
        optimiser: Optimiser,
        theta: Any,
        clip: float | None,
        places: tuple[Any, Any] | None = None,
    ) -> None:
        self.parts, self.optimiser, self.places = parts, optimiser, places
        self.samples = sum(len(part.rows[0]) for part in parts)
        self.clip = math.inf if clip is None else as_finite(clip, "clip, the maximum norm of the gradient,", 0)
        self.theta, self.gradient = theta, numpy().zeros(len(theta))

    @property
    def outdated(self) -> bool:
        """Whether a leaf that was compiled in as a constant has changed since."""
        return any(part.program.outdated for part in self.parts)

    def run(self, steps: int, batch_size: int | None = None, rng: Any = None) -> Any:
        """Take steps over the samples again and again and return the cost of each; see `CompiledProgram.train`."""
        steps, samples = as_int(steps, "steps", 0), self.samples
        size = samples if batch_size is None else min(as_int(batch_size, "batch_size"), samples)
        if rng is not None:
            require_random(rng)
        costs: list[float] = []
        try:
            while len(costs) < steps:
                at, left = None, steps - len(costs)
                if rng is not None:
                    order = list(range(samples))
                    rng.shuffle(order)
                    at, left = numpy().array(order, numpy().int64), min(left, -(-samples // size))
                costs.extend(self.costs(at, size, left))
        except ArithmeticError as error:
            raise FloatingPointError(
                f"training diverged at step {len(costs)}: {error}. The parameters are those after the last whole step. Try a "
                f"learning rate below {self.optimiser.learning_rate:g}, or clip=1.0"
            ) from error
        return numpy().array(costs, float)

    def costs(self, order: Any, size: int, steps: int, at_once: int = AT_ONCE) -> Iterator[float]:
        """Take `steps` steps, each on the next batch of `size` samples, and yield the cost of each.

        order: an array of the places of the samples, or None: as they are. The last batch may have fewer samples, and after it
        the first one comes again. at_once: steps of one call, at most
        """
        origins = [*map(_origin, self.optimiser.parameters)]  # three times as fast as their roles
        fixed = [i for i, origin in enumerate(origins) if origin is CONSTANT] if CONSTANT in origins else []
        number, native = 0, any(self._native(part, size) for part in self.parts)
        moving = update(self.optimiser) if native else None
        while number < steps:
            if moving is not None and (alike := self._alike(order, size, number, min(steps - number, at_once))):
                costs, error = self._together(moving, fixed, *alike)
                yield from costs
                number += len(costs)
                if error is not None:
                    raise error
                if len(costs) == alike[-1]:
                    continue
            yield self._alone(fixed, self._divided(order, size, number))
            number += 1

    def update_to_js(self) -> str:
        """Return the optimiser's rule as a function of JavaScript: of (rate, steps, w, g, …means), the list of their new values.

        >>> from autograd import Value, compile
        >>> from nn import SGD
        >>> w = Value(1.0)
        >>> program = compile(lambda x: w * x[0], [w], x=1)
        >>> print(program.training([[[1.0]]], SGD([w], 0.25, momentum=0.5)).update_to_js())
        (rate, steps, w, g, mean0) => {
          const t0 = 0.5 * mean0 + g;
          return [w - rate * t0, t0];
        }
        """
        names = ["rate", "steps", *_names(self.optimiser)]
        formulas = [*map(Symbol.of, self.optimiser.rule_on(*map(Symbol.named, names)))]
        helpers: dict[str, str] = {}
        for name in sorted(functions(*formulas)):
            helpers |= javascript_functions(FUNCTIONS[name])
        named, texts = statements(formulas, JAVASCRIPT)
        lines = [f"  const {name} = {text};" for name, text in helpers.items()]
        lines += [f"  const {name} = {text};" for name, text in named]
        return "\n".join([f"({', '.join(names)}) => {{", *lines, f"  return [{', '.join(texts)}];", "}"])

    def _alike(self, order: Any, size: int, number: int, asked: int) -> tuple[Part, Any, int, int, int] | None:
        """Return the next steps that one call of a part can take, or None: the part, the places of its samples, the batch
        size, the number of the first step and how many.
        """
        if self.places is None:
            found = self.parts[0], order, size, number, asked
        else:
            divided = self._divided(order, size, number)
            if len(divided) > 1:
                return None
            ((part, places),) = divided
            found = part, places, len(places), 0, 1
        return found if self._native(found[0], found[2]) else None

    def _divided(self, order: Any, size: int, number: int) -> list[tuple[Part, Any]]:
        """Return the parts that take samples of a batch, each with the places of these."""
        start = number % -(-self.samples // size) * size
        at = slice(start, start + size) if order is None else order[start : start + size]
        if self.places is None:
            return [(self.parts[0], at)]
        numbers, places = (array[at] for array in self.places)
        return [(self.parts[k], places[numbers == k]) for k in dict.fromkeys(numbers.tolist())]

    def _native(self, part: Part, size: int) -> bool:
        """Tell whether steps on batches of this size run in C. Of large matrices they do so beyond the batches of calls too,
        because the update costs much less there: in float64 always, and in float32, where NumPy's products are twice as fast,
        up to forms.FEW samples.
        """
        execution = part.execution
        fits = not execution.single or min(size, len(part.rows[0])) <= execution.forms.samples
        return execution.code is not None and fits

    def _together(
        self, moving: Code, fixed: list[int], part: Part, order: Any, size: int, first: int, steps: int
    ) -> tuple[list[float], BaseException | None]:
        """Take steps in C; return their costs, and the interrupt that ended them, if any.

        There are fewer costs where a step has a number that is not finite.
        """
        np, optimiser, execution = numpy(), self.optimiser, part.execution
        assert execution.code is not None
        numbers = np.empty((1 + len(optimiser.state), len(self.theta)))
        for row, given in zip(numbers, (self.theta, *optimiser.state), strict=True):
            row[:] = given
        settings = np.array([optimiser.learning_rate, optimiser.steps], float)
        gradient, costs, error = np.empty(len(self.theta)), np.empty(steps), None
        try:
            execution.code.checked.train(
                moving.checked, numbers, gradient, tuple(part.rows), order, size, first, settings,
                np.array(fixed, np.int64), self.clip, costs, execution.check, execution.single, BEST,
            )  # fmt: skip
        except BaseException as interrupt:  # a signal handler may raise any exception
            error = interrupt
        done = int(settings[1]) - optimiser.steps
        if done:
            numbers, gradient = (array.astype(self.theta.dtype, copy=False) for array in (numbers, gradient))
            numbers.flags.writeable = False
            self.theta, self.gradient = numbers[0], gradient
            optimiser.state, optimiser.steps = [*numbers[1:]], optimiser.steps + done
        return costs[:done].tolist(), error

    def _alone(self, fixed: list[int], divided: Sequence[tuple[Part, Any]]) -> float:
        """Take one step in Python: its cost is the mean over the samples of all parts."""
        batches = [(part, [batch[places] for batch in part.rows]) for part, places in divided]
        samples = sum(len(rows[0]) for _, rows in batches)
        cost, gradient = 0.0, numpy().zeros_like(self.theta)
        for part, rows in batches:
            share = len(rows[0]) / samples
            found, slope = part.execution.cost_and_gradient(self.theta, rows)
            cost, gradient = cost + share * found, gradient + share * slope
        if not math.isfinite(cost):
            raise FloatingPointError(f"the cost is {cost}")
        gradient[fixed] = 0.0
        self.gradient = gradient = clipped(gradient, self.clip)
        moved = self.optimiser.step_array(self.theta, gradient)
        moved[fixed] = self.theta[fixed]
        self.theta = moved.astype(self.theta.dtype, copy=False)
        return cost


class Trainable(Protocol):
    """The protocol of a program, or of programs for several sizes, that `train` trains."""

    flat: Any

    def training(self, batches: Sequence[Any], optimiser: Optimiser, clip: float | None) -> Training:
        """Return the steps of an optimiser on batches."""


def train(
    program: Trainable,
    batches: Sequence[Any],
    optimiser: Optimiser,
    steps: int,
    batch_size: int | None = None,
    rng: Any = None,
    clip: float | None = None,
) -> Any:
    """Take steps on batches and return their costs; the parameters are then those after the last whole step."""
    training = program.training(batches, optimiser, clip)
    try:
        return training.run(steps, batch_size, rng)
    finally:
        program.flat = training.theta


def clipped(gradient: Any, largest: float) -> Any:
    """Return a gradient scaled down so that its norm is at most the largest; as it is, if a number in it is not finite.

    >>> import numpy as np
    >>> clipped(np.array([3.0, 4.0]), 1.0).round(6).tolist()
    [0.6, 0.8]
    """
    np = numpy()
    most = float(np.abs(gradient).max(initial=0.0))
    if not 0.0 < most < math.inf:
        return gradient
    unit = math.ldexp(1.0, math.frexp(most)[1] - 1)  # a power of two: the squares of the quotients are finite
    norm = float(np.linalg.norm(gradient / unit))
    return gradient if norm * unit <= largest else gradient / unit * (largest / norm)
