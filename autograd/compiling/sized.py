"""Compiled functions without given sizes: each call finds the sizes of its batches, and a program is kept for each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..arguments import list_or_none, truncated_repr
from ..value import Value
from .batches import Dtype
from .parameters import ParameterArray
from .passes import Executor
from .program import CompiledProgram
from .tracing import input_names, trace

__all__ = ["SizedPrograms"]

KEPT = 64  # maximum number of programs; the least recently used is dropped


class SizedPrograms:
    """The programs of one function, one for each size of its inputs: compiled at the first batch of that size, then kept.

    parameters: the Values that all of them read, in the order of their gradients

    At most 64 programs are kept; the least recently used goes. They share the numbers of the parameters.

    >>> from autograd import Value, compile, dot
    >>> w = Value(2.0)
    >>> programs = compile(lambda x: w * dot(x, x), [w])
    >>> programs.value_and_grad([[1.0, 2.0]])[0], programs.value_and_grad([[1.0, 2.0, 3.0]])[0], programs
    (10.0, 28.0, <compiled programs of x=2; x=3, 1 parameters>)
    >>> programs.sized([[1.0, 2.0]]).inputs
    {'x': 2}
    """

    def __init__(
        self,
        function: Callable[..., Any],
        parameters: Sequence[Value],
        gradient: bool,
        dtype: Dtype,
        check: bool,
        executor: Executor | None,
    ) -> None:
        self.parameters, self.differentiable = list(parameters), gradient
        self._function, self._names = function, input_names(function)
        self._options = dtype, check, executor
        self._array = ParameterArray(parameters, dtype)
        self._kept: dict[tuple[int, ...], CompiledProgram] = {}  # the most recently used last

    def sized(self, *batches: Any) -> CompiledProgram:
        """Return the program for batches of these sizes; it is compiled at the first call, and after a constant changed."""
        if len(batches) != len(self._names):
            raise TypeError(f"this program takes a batch for each of {', '.join(self._names)}, got {len(batches)}")
        sizes = tuple(_size(name, batch) for name, batch in zip(self._names, batches))
        program = self._kept.pop(sizes, None)
        if program is None or program.outdated:
            traced = trace(self._function, dict(zip(self._names, sizes)))
            program = CompiledProgram(traced, self.parameters, self.differentiable, *self._options, self._array)
            for oldest in list(self._kept)[: 1 - KEPT]:
                self._kept.pop(oldest, None)
        self._kept[sizes] = program
        return program

    def __call__(self, *batches: Any) -> Any:
        """Return the outputs for a batch: (samples, outputs), or (samples,) for one; of a loss, the cost, their mean."""
        return self.sized(*batches)(*batches)

    def value_and_grad(self, *batches: Any) -> tuple[float, Any]:
        """Return the cost, the mean loss over a batch, and its gradient, aligned with `parameters`."""
        return self.sized(*batches).value_and_grad(*batches)

    def value_and_grad_at(self, flat: Any, *batches: Any) -> tuple[float, Any]:
        """Return cost and gradient at an array of parameters; the Values stay unchanged."""
        return self.sized(*batches).value_and_grad_at(flat, *batches)

    @property
    def flat(self) -> Any:
        """The parameters' numbers in one array; the Values take the numbers over when it is assigned."""
        return self._array.read().view()

    @flat.setter
    def flat(self, numbers: Any) -> None:
        self._array.write(numbers)

    def __repr__(self) -> str:
        kept = "; ".join(
            ", ".join(f"{name}={n}" for name, n in zip(self._names, sizes)) for sizes in sorted(self._kept)
        )
        return f"<compiled programs of {kept or 'no size so far'}, {len(self.parameters)} parameters>"


def _size(name: str, batch: Any) -> int:
    """Return the number of entries in a row of a batch; a single number is a row of one."""
    shape = getattr(batch, "shape", None)
    if shape is None:
        rows = list_or_none(batch)
        entries = list_or_none(rows[0]) if rows else ()
        size = 1 if entries is None else len(entries)
    else:
        size = shape[1] if len(shape) == 2 else int(len(shape) == 1)
    if not size:
        raise ValueError(
            f"{name} must be a batch of rows with at least one number each, got {truncated_repr(batch)}: one sample is a "
            "batch of one row"
        )
    return size
