"""Compiled functions without given sizes: each call finds the sizes of its batches, and a program is kept for each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..arguments import list_or_none, truncated_repr
from ..value import Value
from .batches import Dtype, numpy
from .forms import Executor
from .parameters import ParameterArray
from .program import CompiledProgram
from .tracing import input_names, trace
from .training import Optimiser, Part, Training, train

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
        self._check_count(batches)
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

    def train(self, *arguments: Any, **options: Any) -> Any:
        """Move the parameters by the steps of an optimiser on samples of any sizes, and return the cost of each step.

            programs.train(X, Y, optimiser, steps, batch_size=None, rng=None, clip=None)

        The cost of a batch is the mean loss of its samples, whatever their sizes; see `CompiledProgram.train`. A batch of one
        size is a call of C, optimiser included; in a batch of several, each program adds its share of cost and gradient.

        >>> from autograd import Value, compile, dot
        >>> from nn import SGD
        >>> w = Value(1.0)
        >>> programs = compile(lambda x: w * dot(x, x), [w])
        >>> programs.train([[1.0], [2.0, 2.0], [3.0]], SGD([w], 0.5), steps=1), w.data
        (array([6.]), -2.0)
        """
        count = len(self._names)
        return train(self, arguments[:count], *arguments[count:], **options)

    def training(self, batches: Sequence[Any], optimiser: Optimiser, clip: float | None = None) -> Training:
        """Return the steps of an optimiser on samples of any sizes, to be taken some at a time; see `train`.

        >>> from autograd import Value, compile
        >>> from nn import SGD
        >>> w = Value(2.0)
        >>> steps = compile(lambda x: w * x[-1], [w]).training([[[1.0], [5.0, 3.0]]], SGD([w], 0.25))
        >>> list(steps.costs(order=None, size=1, steps=2)), steps.theta.tolist()
        ([2.0, 5.25], [1.0])
        """
        self._check_count(batches)
        every = [*map(_sizes, self._names, batches)]
        for name, sizes_of in zip(self._names, every):
            if len(sizes_of) != len(every[0]):
                raise ValueError(f"{name} has {len(sizes_of)} rows, and {self._names[0]} has {len(every[0])}")
        groups: dict[tuple[int, ...], list[int]] = {}
        for i, sizes in enumerate(zip(*every)):
            groups.setdefault(sizes, []).append(i)
        if len(groups) == 1:
            return self.sized(*batches).training(batches, optimiser, clip)
        parts: list[Part] = []
        places = numpy().empty((2, len(every[0])), numpy().int64)
        for k, chosen in enumerate(groups.values()):
            rows = [[batch[i] for i in chosen] for batch in batches]
            parts += self.sized(*rows).training(rows, optimiser, clip).parts
            places[:, chosen] = [[k] * len(chosen), range(len(chosen))]
        return Training(parts, optimiser, self._array.read(), clip, (places[0], places[1]))

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

    def _check_count(self, batches: Sequence[Any]) -> None:
        if len(batches) != len(self._names):
            raise TypeError(f"this program takes a batch for each of {', '.join(self._names)}, got {len(batches)}")

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


def _sizes(name: str, batch: Any) -> list[int]:
    """Return the number of entries of every row of a batch, a list of rows of any sizes or an array."""
    if isinstance(batch, (list, tuple)) and batch:
        return [_size(name, [row]) for row in batch]
    size = _size(name, batch)  # of an array; anything else raises
    return [size] * len(batch)
