"""Numbers in containers: lists, tuples, dicts and NumPy arrays of numbers and Values, nested to any depth.

Every derivative takes its arguments apart into entries, and puts its results together in the same shape.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any

from .arguments import NESTED, as_float, describe, unpack_array
from .value import Value

__all__ = ["aligned", "as_array", "flatten", "is_array", "to_numbers", "unflatten"]

NUMBERS = frozenset((float, Value))  # a list with no other types is taken as a whole, because most are long and flat
PLAIN = NUMBERS | {list, tuple, dict}  # types that need no look for arrays of NumPy


def flatten(x: Any) -> Iterator[Any]:
    """Yield the entries of nested lists, dicts and arrays in order.

    >>> list(flatten({"w": [1.0, 2.0], "b": (3.0,)}))
    [1.0, 2.0, 3.0]
    """
    found: list[Any] = []
    try:
        _collect(x, found)
    except RecursionError:
        raise ValueError(NESTED) from None
    return iter(found)


def _collect(x: Any, found: list[Any]) -> None:
    """Append the entries of x to what was found."""
    if type(x) in NUMBERS:
        found.append(x)
        return
    if type(x) not in PLAIN:
        if is_array(x):
            found.extend(_entries_of_array(x))
            return
        x = unpack_array(x)
    if isinstance(x, (list, tuple)) and NUMBERS.issuperset(map(type, x)):
        found.extend(x)
    elif isinstance(x, (list, tuple, dict)):
        for entry in x.values() if isinstance(x, dict) else x:
            _collect(entry, found)
    else:
        found.append(x)


def unflatten(shape: Any, entries: Iterator[Any]) -> Any:
    """Return the entries nested like `shape`; the inverse of `flatten`. An array of Values has the dtype object.

    >>> unflatten({"w": [0, 0], "b": (0,)}, iter([1.0, 2.0, 3.0]))
    {'w': [1.0, 2.0], 'b': (3.0,)}
    """
    return _replaced(
        shape, lambda xs: [*islice(entries, len(xs))], lambda x: as_array([*islice(entries, x.size)], x.shape)
    )


def to_numbers(x: Any) -> Any:
    """Return nested Values as their numbers; anything else stays as it is.

    >>> to_numbers([Value(2.0), "text"])
    [2.0, 'text']
    """
    return _replaced(
        x, _numbers, lambda x: as_array(_numbers(_entries_of_array(x)), x.shape) if x.dtype == object else x
    )


def _numbers(xs: Iterable[Any]) -> list[Any]:
    return [x.data if isinstance(x, Value) else x for x in xs]


def _replaced(x: Any, change: Callable[[Sequence[Any]], list[Any]], change_array: Callable[[Any], Any]) -> Any:
    """Return nested containers with every entry and every array changed; `change` takes some entries in a row."""
    if type(x) in NUMBERS:
        return change([x])[0]
    if type(x) not in PLAIN:
        if is_array(x):
            return change_array(x)
        x = unpack_array(x)
    if isinstance(x, dict):
        return {key: _replaced(entry, change, change_array) for key, entry in x.items()}
    if isinstance(x, (list, tuple)):
        flat = NUMBERS.issuperset(map(type, x))
        filled = change(x) if flat else [_replaced(entry, change, change_array) for entry in x]
        return type(x)(*filled) if hasattr(x, "_fields") else type(x)(filled)  # a namedtuple, or a list
    return change([x])[0]


def aligned(like: Any, x: Any, what: str, of: str = "its argument") -> Iterator[Any]:
    """Yield the entries of x, a float or a Value each; raise unless x has the shape of `like`. Lists may stand for arrays.

    what and of: the names of x and of `like` in messages

    >>> list(aligned([1.0, 2.0], [3, 4], "tangents"))
    [3.0, 4.0]
    """
    if is_array(like) and is_array(x) and x.shape != like.shape:
        raise ValueError(f"{what} must have the shape {like.shape} of {of}, got an array of shape {x.shape}")
    like, x = unpack_array(like), unpack_array(x)
    if isinstance(like, dict):
        if not isinstance(x, dict) or x.keys() != like.keys():
            raise ValueError(f"{what} must be a dict with the keys {', '.join(map(repr, like))}, got {describe(x)}")
        for key in like:
            yield from aligned(like[key], x[key], f"{what}[{key!r}]", of)
    elif isinstance(like, (list, tuple)):
        if not isinstance(x, (list, tuple)) or len(x) != len(like):
            raise ValueError(f"{what} must have {len(like)} entries, got {describe(x)}: give it the shape of {of}")
        if NUMBERS.issuperset(map(type, chain(like, x))):
            yield from x
            return
        for i, (entry, given) in enumerate(zip(like, x, strict=True)):
            yield from aligned(entry, given, f"{what}[{i}]", of)
    elif isinstance(x, (list, tuple, dict)):
        raise ValueError(f"{what} must be one number, got {describe(x)}: give it the shape of {of}")
    else:
        yield x if isinstance(x, Value) else as_float(x, what)


def is_array(x: Any) -> bool:
    """Tell whether x is a NumPy array, without importing NumPy."""
    numpy = sys.modules.get("numpy")
    return numpy is not None and isinstance(x, numpy.ndarray)


def _entries_of_array(array: Any) -> Iterator[Any]:
    """Return the entries of an array as Python numbers, those of an array of objects as they are."""
    entries = array.tolist() if array.ndim else [array.tolist()]
    for _ in range(array.ndim - 1):
        entries = chain.from_iterable(entries)
    return iter(entries)


def as_array(entries: list[Any], shape: tuple[int, ...]) -> Any:
    """Return an array of numbers, or of objects; without dimensions a Value stands alone, as NumPy's scalars do."""
    numpy = sys.modules["numpy"]
    if all(entry.__class__ is float for entry in entries):
        return numpy.array(entries, float).reshape(shape)
    if not shape:
        return entries[0]
    filled = numpy.empty(len(entries), object)
    for i, entry in enumerate(entries):  # one by one, because NumPy would look into entries that are lists
        filled[i] = entry
    return filled.reshape(shape)
