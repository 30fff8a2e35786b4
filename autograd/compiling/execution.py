"""Running a program: as a tape, or its source on NumPy, as it stands or in buffers that are kept for each size of batch."""

from __future__ import annotations

import builtins
import math
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

from .batches import Batches, Dtype, numpy
from .buffers import Buffered, NoBuffers
from .expressions import Call
from .passes import Forms
from .references import Source

__all__ = ["Execution", "function_of", "leaves_of"]

PRINTED = "<compiled>"  # the name of the printed program as a file, in tracebacks
SIZES = 4  # of batches, that buffers are kept for
LARGEST = 2**22  # numbers in the buffers of one size: of larger batches they would cost more memory than they gain time


class Execution:
    """A program, ready to be run on the parameters in one flat array, in the caller's order, and on rows of samples.

    Where there is code of the same program, that runs, unless something in it is not finite: the lines then say where.
    """

    def __init__(self, forms: Forms, batches: Batches, check: bool) -> None:
        self.forms, self.code, self.batches, self.check = forms, forms.code, batches, check
        self.samples = forms.samples  # of a batch that the code runs, at most
        self.update: Any = None  # the code of the rule that the last training moved the parameters by, if it has some
        self._views: tuple[Any, list[Any]] = (None, [])
        self._buffered: dict[int, Buffered | None] = {}  # by the size of the batch; None where there are none

    @property
    def source(self) -> Source:
        """The lines, which are not written before something needs them."""
        return self.forms.source

    def constants(self, dtype: Dtype) -> dict[str, Any]:
        """Return the arrays that the lines name, of floats of this type."""
        return _constants(self.source, dtype)

    @cached_property
    def function(self) -> Callable[..., Any]:
        """The function that the printed lines define."""
        return function_of(self.source, self.constants(self.batches.dtype))

    def native(self, flat: Any, rows: Sequence[Any]) -> tuple[float, Any, Any] | None:
        """Return the cost, its gradient and the outputs by the compiled part; None if that is not used or a check fails."""
        if self.code is None or len(rows[0]) > self.samples:
            return None
        found = self.code.run(flat, rows, self.check)
        if found is None or self.batches.dtype == "float64":
            return found
        cost, *arrays = found
        try:
            with numpy().errstate(over="raise" if self.check else "ignore"):  # of a number that no float32 can hold
                gradient, outputs = (numbers.astype(self.batches.dtype) for numbers in arrays)
                return float(numpy().float32(cost)), gradient, outputs
        except FloatingPointError:
            return None

    def outputs(self, flat: Any, rows: Sequence[Any]) -> Any:
        """Return the outputs of a function without gradient, a row for each."""
        found = self.native(flat, rows)
        if found is not None:
            return found[2]
        outputs = self.results(self.ordered(flat), [batch.T for batch in rows])
        if self.check and not numpy().isfinite(outputs).all():
            raise FloatingPointError(f"an output is not finite{self.batches.unusual(rows)}; check=False lets it pass")
        return outputs

    def results(self, theta: Any, columns: Sequence[Any]) -> Any:
        """Return what the printed lines return; what is not finite raises, naming the line, if it is to be checked."""
        np = numpy()
        mode: Any = "raise" if self.check else "ignore"
        with np.errstate(over=mode, divide=mode, invalid=mode):
            try:
                return self.function(np, *self.views(theta), *columns)
            except FloatingPointError as error:
                raise FloatingPointError(self._explained(error)) from None

    def cost_and_gradient(self, flat: Any, rows: Sequence[Any]) -> tuple[float, Any]:
        """Return the cost and its gradient, a flat array in the caller's order."""
        found = self.native(flat, rows)
        if found is not None:
            return found[:2]
        cost, gradient = self.on_numpy(self.ordered(flat), rows)
        if self.source.in_order:
            return cost, gradient
        placed = numpy().empty_like(gradient)
        placed[self.source.order] = gradient
        return cost, placed

    def ordered(self, flat: Any) -> Any:
        """Return the parameters in the order of the lines."""
        return flat if self.source.in_order else flat[self.source.order]

    def on_numpy(self, theta: Any, rows: Sequence[Any]) -> tuple[float, Any]:
        """Return the cost and its gradient by the lines, both in their order, in buffers where they have such a form."""
        np = numpy()
        columns, size = [batch.T for batch in rows], len(rows[0])
        buffered = self._take(size, theta, columns)
        if buffered is not None:
            mode: Any = "raise" if self.check else "ignore"
            gradient = np.empty_like(theta)
            try:
                with np.errstate(over=mode, divide=mode, invalid=mode):
                    cost = float(buffered.run(gradient, *self.views(theta), *columns)[0, 0])
                    if not self.check or math.isfinite(cost + float(np.dot(gradient, gradient))):
                        return cost, gradient
            except FloatingPointError:
                pass  # the lines themselves say in which
            finally:
                self._buffered[size] = buffered
        cost, gradient = self.joined(self.results(theta, columns))
        if self.check and not (math.isfinite(cost) and np.isfinite(gradient).all()):
            what = "the gradient is not finite" if math.isfinite(cost) else f"the cost is {cost}"
            raise FloatingPointError(f"{what}{self.batches.unusual(rows)}; check=False lets it pass")
        return cost, gradient

    def joined(self, results: Sequence[Any]) -> tuple[float, Any]:
        """Return the cost, and the gradients of all tensors in one flat array."""
        cost, *parts = results
        return float(cost), numpy().concatenate([part.reshape(-1) for part in parts]) if parts else numpy().zeros(0)

    def in_buffers(self, flat: Any, rows: Sequence[Any]) -> Buffered | None:
        """Return the program with buffers for batches of this size, if it has such a form."""
        size = len(rows[0])
        found = self._buffered[size] = self._take(size, self.ordered(flat), [batch.T for batch in rows])
        return found

    def _take(self, size: int, theta: Any, columns: Sequence[Any]) -> Buffered | None:
        """Take the buffers for a size of batch away, or make some: whoever comes meanwhile, in another thread, has others.

        What is not put back, after an interrupt, is made anew.
        """
        if size in self._buffered:
            found = self._buffered.pop(size, None)
            if found is None:
                self._buffered[size] = None
            return found
        np = numpy()
        for other in list(self._buffered)[: 1 - SIZES]:
            self._buffered.pop(other, None)
        try:
            with np.errstate(all="ignore"):
                made = Buffered(self.source, np, self.constants(self.batches.dtype), self.views(theta), columns)
            if made.size <= LARGEST:
                return made
        except NoBuffers:
            pass
        self._buffered[size] = None
        return None

    def views(self, theta: Any) -> list[Any]:
        """Return the flat array as a column, and the tensors in it; of the same array they are the same."""
        if self._views[0] is not theta:
            self._views = theta, [theta[:, None], *leaves_of(self.source, theta)]
        return self._views[1]

    def _explained(self, error: FloatingPointError) -> str:
        trace = error.__traceback__
        number = 0
        while trace is not None:
            if trace.tb_frame.f_code.co_filename == PRINTED:
                number = number or trace.tb_lineno  # of the program, which calls composed functions
            trace = trace.tb_next
        return f"{error} in line {number}: {self.source.described(number)}; check=False lets it pass"


def leaves_of(source: Source, theta: Any) -> list[Any]:
    """Return the tensors of parameters that stand in a flat array, vectors as columns."""
    shapes = [leaf.shape if len(leaf.shape) == 2 else (*leaf.shape, 1) for leaf in source.leaves]
    return [
        theta[leaf.start : leaf.start + math.prod(shape)].reshape(shape)
        for leaf, shape in zip(source.leaves, shapes, strict=True)
    ]


def function_of(source: Source, constants: dict[str, Any]) -> Callable[..., Any]:
    """Return the function that a source defines, given the constant arrays that it names."""
    for part in source.expressions:
        if part.__class__ is Call and not hasattr(numpy(), part.name):
            raise TypeError(
                f"the rule of a gate calls xp.{part.name}, which NumPy does not have: such a gate is not compiled"
            )
    namespace = {"inf": math.inf, "nan": math.nan, **constants}
    exec(builtins.compile(source.text, PRINTED, "exec"), namespace)
    return namespace["loss_and_grad" if source.gradient else "predict"]  # type: ignore[no-any-return]


def _constants(source: Source, dtype: Dtype) -> dict[str, Any]:
    np = numpy()
    found: dict[str, Any] = {"inf": math.inf, "nan": math.nan}
    with np.errstate(over="ignore"):  # a number beyond float32 is an infinity there
        for name, (numbers, shape) in source.constants.items():
            found[name] = np.array(numbers) if shape is None else np.array(numbers, dtype).reshape(shape)
    return found
