"""Running a program: its native code, or its source on NumPy, as printed or with buffers kept per batch size."""

from __future__ import annotations

import builtins
import math
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

from .batches import Batches, Dtype, numpy
from .buffers import Buffered, NoBuffers
from .diagnosis import diagnosed
from .expressions import Call
from .forms import Forms
from .references import Source

__all__ = ["Execution", "constants_of", "function_of", "leaves_of"]

PRINTED = "<compiled>"  # file name of the printed program in tracebacks
SIZES = 4  # maximum number of batch sizes with kept buffers
LARGEST = 2**22  # maximum number of floats in the buffers of one size; more cost memory and save little time


class Execution:
    """A program that runs on a flat array of the parameters, in the caller's order, and on rows of samples.

    Native code runs if there is any. If a number in it is not finite, the printed lines run again, to name the line.
    """

    def __init__(self, forms: Forms, batches: Batches, check: bool) -> None:
        self.forms, self.code, self.batches, self.check = forms, forms.code, batches, check
        self.single = batches.dtype == "float32"  # the native code computes in doubles, and its results are rounded
        # maximum batch size of a native call: 0 for large matrices in float32, whose products are faster on NumPy at any size
        self.samples = 0 if self.single and forms.samples < math.inf else forms.samples
        self._views: tuple[Any, list[Any]] = (None, [])
        self._buffered: dict[int, Buffered | None] = {}  # batch size -> program with buffers; None if impossible

    @property
    def source(self) -> Source:
        """The source, written on first use."""
        return self.forms.source

    @cached_property
    def function(self) -> Callable[..., Any]:
        """The function that the printed lines define."""
        return function_of(self.source, constants_of(self.source, self.batches.dtype))

    def native(self, flat: Any, rows: Sequence[Any]) -> tuple[float, Any, Any] | None:
        """Return the cost, its gradient and the outputs by native code; None if there is none, or if a check fails."""
        if self.code is None or len(rows[0]) > self.samples:
            return None
        found = self.code.run(flat, rows, self.check)
        if found is None or not self.single:
            return found
        cost, *arrays = found
        try:
            with numpy().errstate(
                over="raise" if self.check else "ignore"
            ):  # a number beyond float32 overflows when it is converted
                gradient, outputs = (numbers.astype(self.batches.dtype) for numbers in arrays)
                return float(numpy().float32(cost)), gradient, outputs
        except FloatingPointError:
            return None

    def outputs(self, flat: Any, rows: Sequence[Any]) -> Any:
        """Return the outputs of a function without gradient, a row for each."""
        found = self.native(flat, rows)
        return diagnosed(self._outputs, self.forms, flat, rows) if found is None else found[2]

    def _outputs(self, flat: Any, rows: Sequence[Any]) -> Any:
        """Return the outputs by NumPy."""
        outputs = self.results(self.ordered(flat), [batch.T for batch in rows])
        if self.check and not numpy().isfinite(outputs).all():
            raise FloatingPointError(f"an output is not finite{self.batches.unusual(rows)}; check=False lets it pass")
        return outputs

    def results(self, theta: Any, columns: Sequence[Any]) -> Any:
        """Return the results of the printed lines; a number that is not finite raises, if it is to be checked."""
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
        return diagnosed(self._cost_and_gradient, self.forms, flat, rows) if found is None else found[:2]

    def _cost_and_gradient(self, flat: Any, rows: Sequence[Any]) -> tuple[float, Any]:
        """Return the cost and its gradient by NumPy, in the caller's order."""
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
        """Return the cost and its gradient by NumPy, in the order of the source, with buffers where possible."""
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
                pass  # the printed lines then name the one that failed
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
        """Remove and return the buffers of a batch size, or make new ones, so that no two threads share any.

        Buffers that are not returned, after an interrupt, are made again.
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
                made = Buffered(
                    self.source, np, constants_of(self.source, self.batches.dtype), self.views(theta), columns
                )
            if made.size <= LARGEST:
                return made
        except NoBuffers:
            pass
        self._buffered[size] = None
        return None

    def views(self, theta: Any) -> list[Any]:
        """Return the flat array as a column and the tensors in it; the views of the same array are cached."""
        if self._views[0] is not theta:
            self._views = theta, [theta[:, None], *leaves_of(self.source, theta)]
        return self._views[1]

    def _explained(self, error: FloatingPointError) -> str:
        trace = error.__traceback__
        number = 0
        while trace is not None:
            if trace.tb_frame.f_code.co_filename == PRINTED:
                number = number or trace.tb_lineno  # the outermost line; inner ones belong to composed functions
            trace = trace.tb_next
        return f"{error} in line {number}: {self.source.described(number)}; check=False lets it pass"


def leaves_of(source: Source, theta: Any) -> list[Any]:
    """Return the tensors of parameters as views of a flat array, vectors as columns."""
    shapes = [leaf.shape if len(leaf.shape) == 2 else (*leaf.shape, 1) for leaf in source.leaves]
    return [
        theta[leaf.start : leaf.start + math.prod(shape)].reshape(shape)
        for leaf, shape in zip(source.leaves, shapes, strict=True)
    ]


def function_of(source: Source, constants: dict[str, Any]) -> Callable[..., Any]:
    """Compile a source with its constant arrays and return the function that it defines."""
    for part in source.expressions:
        if part.__class__ is Call and not hasattr(numpy(), part.name):
            raise TypeError(
                f"the rule of a gate calls xp.{part.name}, which NumPy does not have: such a gate is not compiled"
            )
    namespace = {"inf": math.inf, "nan": math.nan, **constants}
    exec(builtins.compile(source.text, PRINTED, "exec"), namespace)
    return namespace["loss_and_grad" if source.gradient else "predict"]  # type: ignore[no-any-return]


def constants_of(source: Source, dtype: Dtype) -> dict[str, Any]:
    """Return the constant arrays that a source names, of floats of this type."""
    np = numpy()
    found: dict[str, Any] = {"inf": math.inf, "nan": math.nan}
    with np.errstate(over="ignore"):  # a number beyond float32 becomes an infinity
        for name, (numbers, shape) in source.constants.items():
            found[name] = np.array(numbers) if shape is None else np.array(numbers, dtype).reshape(shape)
    return found
