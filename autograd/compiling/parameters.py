"""The numbers of parameters as one array, which the programs of these parameters share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..arguments import as_float
from ..backward import assign
from ..context import recording
from ..value import Value
from .batches import Dtype, numpy, refuse_masked

__all__ = ["ParameterArray"]


class ParameterArray:
    """The numbers of parameters in one array, in their order, read again after one of them was changed."""

    def __init__(self, parameters: Sequence[Value], dtype: Dtype) -> None:
        self.parameters, self.dtype = list(parameters), dtype
        self._flat: Any = None
        self._packed = 0  # the clock when the numbers were last read or written

    def read(self) -> Any:
        """Return the array, which is read-only."""
        now = recording.clock
        if self._flat is None or (self._packed != now and any(p._tick > self._packed for p in self.parameters)):
            self._flat = numpy().array([p._data for p in self.parameters], self.dtype)
            self._flat.flags.writeable = False
        self._packed = now
        return self._flat

    def write(self, numbers: Any) -> None:
        """Give the parameters other numbers."""
        flat = self.array(numbers)
        self._packed = assign(self.parameters, flat.astype(numpy().float64, copy=False))
        self._flat = flat

    def array(self, numbers: Any) -> Any:
        """Return numbers, one for each parameter, as a read-only array that the caller does not share."""
        refuse_masked("flat", numbers)
        array = numpy().asarray(numbers)
        if array.dtype.kind not in "biuf":
            entries = numbers if isinstance(numbers, (list, tuple)) else array.ravel().tolist()
            array = [as_float(x, f"flat[{i}]") for i, x in enumerate(entries)]
        flat = numpy().array(array, self.dtype)
        if flat.shape != (len(self.parameters),):
            raise ValueError(
                f"flat must have shape ({len(self.parameters)},), a number for each parameter, got {flat.shape}"
            )
        flat.flags.writeable = False
        return flat
