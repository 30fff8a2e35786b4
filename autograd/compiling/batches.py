"""Batches from the caller: rows of numbers are converted to columns of the program's dtype; errors name the faulty row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any, Literal

from ..arguments import truncated_repr

__all__ = ["Batches", "Dtype", "as_type", "numpy", "refuse_masked"]

Dtype = Literal["float64", "float32"]


class Batches:
    """The inputs of a program by name and size, and for each index column the number of entries that it selects from."""

    def __init__(
        self, sizes: Mapping[str, int], dtype: Dtype, ranges: Mapping[tuple[str, int], int] | None = None
    ) -> None:
        self.ranges = ranges or {}
        self.sizes, self.dtype, self._type = list(sizes.items()), dtype, numpy().dtype(dtype)
        self._columns, self._array_type = list(sizes.values()), numpy().ndarray

    def rows(self, batches: Sequence[Any]) -> Sequence[Any]:
        """Return one array per input with one row per sample; for a program without inputs, the single number 1."""
        if self._fit(batches):  # fast path: nearly every step
            return batches
        self._check_count(batches)
        if not batches:
            return [numpy().ones((1, 1), self._type)]
        arrays = [self._array(name, size, batch) for (name, size), batch in zip(self.sizes, batches)]
        self._check_rows(arrays)
        return arrays

    def _fit(self, batches: Sequence[Any]) -> bool:
        """Tell whether batches are already arrays of the program's dtype, one per input, with equal numbers of rows."""
        if not batches or len(batches) != len(self._columns):
            return False
        rows = 0
        for batch, columns in zip(batches, self._columns):
            if type(batch) is not self._array_type or batch.dtype is not self._type:
                return False
            rows = rows or len(batch) if batch.ndim else 0
            if rows == 0 or batch.shape != (rows, columns):
                return False
        return True

    def floats(self, theta: Any, parameters: int, batches: Sequence[Any], weights: Any = None) -> list[Any]:
        """Check theta, the batches and the weight of every row, arrays of any module; return the batches and the row of
        weights, if there are any, in theta's dtype.
        """
        self._check_count(batches)
        _require_array("theta", theta)
        _check_shape("theta", theta, (parameters,))
        if "float" not in str(theta.dtype):
            raise TypeError(f"theta must be an array of floats, got {theta.dtype}")
        arrays = []
        for (name, size), batch in zip(self.sizes, batches):
            _require_array(name, batch)
            arrays.append(_as_rows(name, size, batch))
        self._check_rows(arrays)
        if weights is not None:
            _require_array("weights", weights)
            _check_shape("weights", weights, (len(arrays[0]),))
            arrays.append(weights[:, None])
        return [as_type(array, theta.dtype) for array in arrays]

    def _check_count(self, batches: Sequence[Any]) -> None:
        if len(batches) != len(self.sizes):
            names = ", ".join(name for name, _ in self.sizes)
            wanted = f"{names}: {_counted(len(self.sizes), 'batch')}" if names else "no batch"
            raise TypeError(f"this program takes {wanted}, not {len(batches)}")

    def _check_rows(self, arrays: Sequence[Any]) -> None:
        for (name, _), array in zip(self.sizes, arrays):
            if len(array) != len(arrays[0]):
                raise ValueError(f"{name} has {len(array)} rows, and {self.sizes[0][0]} has {len(arrays[0])}")

    def unusual(self, batches: Sequence[Any]) -> str:
        """Describe the first index out of range, or else the first row that is not finite; an empty text if there is none."""
        if misplaced := self.misplaced(batches):
            return f": {misplaced}"
        np = numpy()
        for (name, _), found in zip(self.sizes, batches):
            rows = np.flatnonzero(~np.isfinite(found).all(1))
            if len(rows):
                kind = "a nan" if np.isnan(found[rows[0]]).any() else "an infinity"
                return f": {name}[{rows[0]}] holds {kind}"
        return ""

    def misplaced(self, batches: Sequence[Any]) -> str:
        """Describe the first entry that is an index, and is not a whole number in its range."""
        np = numpy()
        found = dict(zip((name for name, _ in self.sizes), batches))
        for (name, column), n in self.ranges.items():
            picks = found[name][:, column]
            for row in np.flatnonzero(~((picks >= 0) & (picks < n) & (picks == np.floor(picks)))):
                return f"{name}[{row}][{column}] must be a whole number from 0 to {n - 1}, got {picks[row]:g}"
        return ""

    def _array(self, name: str, size: int, batch: Any) -> Any:
        np = numpy()
        refuse_masked(name, batch)
        try:
            array = np.asarray(batch)
        except (ValueError, TypeError):  # raised for ragged rows
            array = np.empty(0, object)
        if not _holds_numbers(array):
            each = f"{_counted(size, 'number')} each"
            raise ValueError(f"{name} must be a batch of rows with {each}{_at_fault(name, size, batch)}")
        return _as_rows(name, size, array).astype(self._type, copy=False)


def _require_array(name: str, array: Any) -> None:
    if not hasattr(array, "shape") or not hasattr(array, "dtype"):
        raise TypeError(f"{name} must be an array, got {truncated_repr(array)}: make it one, as np.array does")


def _as_rows(name: str, size: int, array: Any) -> Any:
    """Return an array of any module with a row for every sample; rows of one number may lie in an array of one axis."""
    if not _holds_numbers(array):
        raise TypeError(f"{name} must be an array of numbers, got {array.dtype}")
    array = array[:, None] if array.ndim == 1 and size == 1 else array
    _check_shape(name, array, (None, size))
    return array


def _check_shape(name: str, array: Any, shape: tuple[int | None, ...]) -> None:
    """Raise unless `array` has this shape; None stands for any number of rows except 0."""
    found = tuple(array.shape)
    if len(found) != len(shape) or any(n != m if m is not None else n == 0 for n, m in zip(found, shape)):
        wanted = ", ".join("rows" if m is None else str(m) for m in shape) + "," * (len(shape) == 1)
        remedy = (
            ": give it at least one row"
            if 0 in found
            else f": one sample is a batch of one row, [{name}]"
            if found == shape[1:]
            else ""
        )
        raise ValueError(f"{name} must have shape ({wanted}), got {found}{remedy}")


def as_type(array: Any, dtype: Any) -> Any:
    """Return an array of NumPy, JAX or PyTorch converted to a dtype."""
    return array if array.dtype == dtype else array.astype(dtype) if hasattr(array, "astype") else array.to(dtype)


def _at_fault(name: str, size: int, batch: Any) -> str:
    """Describe the first row of a batch that is not a list of that many numbers."""
    for i, row in enumerate(batch if isinstance(batch, (list, tuple)) else [batch]):
        at = f"{name}[{i}]" if isinstance(batch, (list, tuple)) else name
        if not isinstance(row, (list, tuple)):
            if size > 1 or not _is_number(row):
                return f", and {at} is {truncated_repr(row)}"
        elif len(row) != size:
            return f", and {at} has {len(row)}"
        else:
            for j, x in enumerate(row):
                if not _is_number(x):
                    return f", and {at}[{j}] is {truncated_repr(x)}"
    return f", not {truncated_repr(batch)}"


def _is_number(x: Any) -> bool:
    return isinstance(x, (int, float)) or (hasattr(x, "dtype") and x.ndim == 0 and _holds_numbers(x))


def _holds_numbers(array: Any) -> bool:
    """Tell whether an array of any module holds real numbers."""
    name = getattr(array.dtype, "name", str(array.dtype))  # PyTorch's dtypes have no name
    return any(kind in name for kind in ("float", "int", "bool"))


def _counted(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {what}{'es' if what.endswith('ch') else 's'}"


def refuse_masked(name: str, numbers: Any) -> None:
    """Raise for a masked array, row or entry, because NumPy would drop the mask."""
    rows = numbers if isinstance(numbers, (list, tuple)) else ()
    entries = chain.from_iterable(row for row in rows if isinstance(row, (list, tuple)))
    kinds = {type(numbers), *map(type, rows), *map(type, entries)}
    if any(issubclass(kind, numpy().ma.MaskedArray) for kind in kinds):
        raise TypeError(
            f"{name} must be plain numbers, got masked ones: write array.filled(number), or leave the masked rows out"
        )


def numpy() -> Any:
    """Return NumPy, or say how to install it."""
    try:
        import numpy as np
    except ImportError:
        raise ImportError('compile needs numpy: pip install "gatewise[compile]"') from None
    return np
