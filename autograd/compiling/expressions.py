"""Expressions of compiled lines: trees of operations that are printed, run on arrays, or converted to buffers.

Each operation defines its text, given the texts of its parts, and its array, given their arrays.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from math import inf, nan
from operator import ge, gt, le, lt, matmul, mul, truediv
from typing import Any

from ..functions import FUNCTIONS, Function
from ..symbols import NUMPY, definition

__all__ = [
    "Broadcast", "Call", "Composed", "Einsum", "Expression", "Extreme", "Group", "Infix", "Joined", "Name", "Number",
    "Operation", "Reduced", "Reshaped", "Rows", "Slice", "Sum", "Swapped", "Transposed", "View", "atom", "walk",
]  # fmt: skip

INFIX = {"*": mul, "/": truediv, "@": matmul, "<": lt, "<=": le, ">": gt, ">=": ge}


class Expression(ABC):
    """A part of a line: a name or an operation. `enclosed`: its text needs no parentheses before an operator or a method."""

    enclosed = True
    parts: tuple[Expression, ...] = ()

    @abstractmethod
    def printed(self, texts: Sequence[str]) -> str:
        """Return its text, given those of its parts."""

    @cached_property
    def text(self) -> str:
        return self.printed([part.text for part in self.parts])


@dataclass(eq=False)
class Name(Expression):
    """An array, by its name."""

    name: str

    def printed(self, texts: Sequence[str]) -> str:
        return self.name


class Operation(Expression):
    """An operation on its parts."""

    @abstractmethod
    def run(self, xp: Any, arrays: Sequence[Any]) -> Any:
        """Return its array, given those of its parts."""


class Number(Operation):
    """A number. If its text has a sign, also in the exponent, it is parenthesised before an operator or a method."""

    def __init__(self, value: float) -> None:
        self.value = value
        self.enclosed = str(value).isalnum() or str(value).replace(".", "").isalnum()

    def printed(self, texts: Sequence[str]) -> str:
        return repr(self.value)

    def run(self, xp: Any, arrays: Sequence[Any]) -> Any:
        return self.value


class Group(Operation):
    """Parentheses."""

    def __init__(self, inner: Expression) -> None:
        self.parts = (inner,)

    def printed(self, texts: Sequence[str]) -> str:
        return f"({texts[0]})"

    def run(self, xp: Any, arrays: Sequence[Any]) -> Any:
        return arrays[0]


class Sum(Operation):
    """Terms added or subtracted from left to right; the first may be negated."""

    enclosed = False

    def __init__(self, signs: Sequence[int], parts: Sequence[Expression]) -> None:
        self.signs, self.parts = tuple(signs), tuple(parts)

    def printed(self, texts: Sequence[str]) -> str:
        signed = [(" - " if sign < 0 else " + ") + text for sign, text in zip(self.signs, texts)]
        return ("-" if self.signs[0] < 0 else "") + signed[0][3:] + "".join(signed[1:])

    def run(self, xp: Any, arrays: Sequence[Any]) -> Any:
        found = -arrays[0] if self.signs[0] < 0 else arrays[0]
        for sign, array in zip(self.signs[1:], arrays[1:]):
            found = found - array if sign < 0 else found + array
        return found


@dataclass(eq=False)
class Infix(Operation):
    """An infix operator between two operands, which are enclosed."""

    sign: str
    left: Expression
    right: Expression
    enclosed = False

    def __post_init__(self) -> None:
        self.parts = (self.left, self.right)

    def printed(self, texts: Sequence[str]) -> str:
        return f"{texts[0]} {self.sign} {texts[1]}"

    def run(self, xp: Any, arrays: Sequence[Any]) -> Any:
        return INFIX[self.sign](*arrays)


@dataclass(eq=False)
class Call(Operation):
    """A call of a function of the array module."""

    name: str
    parts: tuple[Expression, ...]

    def printed(self, texts: Sequence[str]) -> str:
        return f"xp.{self.name}({', '.join(texts)})"

    def run(self, xp: Any, arrays: Sequence[Any]) -> Any:
        return getattr(xp, self.name)(*arrays)


class Composed(Call):
    """A call of a composed function of the table, whose first argument is the array module."""

    @property
    def function(self) -> Callable[..., Any]:
        """The printed function."""
        return _function(FUNCTIONS[self.name])

    def printed(self, texts: Sequence[str]) -> str:
        return f"{self.name}({', '.join(['xp', *texts])})"

    def run(self, xp: Any, arrays: Sequence[Any]) -> Any:
        return self.function(xp, *arrays)


@cache
def _function(row: Function) -> Callable[..., Any]:
    """Return a composed function of the table as a function of an array module and arrays."""
    namespace: dict[str, Any] = {"inf": inf, "nan": nan}
    exec(definition(row, NUMPY), namespace)
    function: Callable[..., Any] = namespace[row.name]
    return function


class Joined(Operation):
    """Rows of several arrays, one below the other."""

    def __init__(self, parts: Sequence[Expression]) -> None:
        self.parts = tuple(parts)

    def printed(self, texts: Sequence[str]) -> str:
        return f"xp.concatenate([{', '.join(texts)}])"

    def run(self, xp: Any, arrays: Sequence[Any]) -> Any:
        return xp.concatenate(arrays)


@dataclass(eq=False)
class Broadcast(Operation):
    """A row, or a column, repeated to so many rows and columns."""

    of: Expression
    rows: int
    columns: Expression

    def __post_init__(self) -> None:
        self.parts = (self.of, self.columns)

    def printed(self, texts: Sequence[str]) -> str:
        return f"xp.broadcast_to({texts[0]}, ({self.rows}, {texts[1]}))"

    def run(self, xp: Any, arrays: Sequence[Any]) -> Any:
        return xp.broadcast_to(arrays[0], (self.rows, int(arrays[1])))


@dataclass(eq=False)
class Extreme(Operation):
    """The maximum or minimum along the second axis; op is "max" or "min"."""

    op: str
    of: Expression

    def __post_init__(self) -> None:
        self.parts = (self.of,)

    def printed(self, texts: Sequence[str]) -> str:
        return f"xp.{self.op}({texts[0]}, 1)"

    def run(self, xp: Any, arrays: Sequence[Any]) -> Any:
        return getattr(xp, self.op)(arrays[0], 1)


@dataclass(eq=False)
class Einsum(Operation):
    """Products of stacked matrices, sample by sample."""

    left: Expression
    right: Expression
    products = "grlb,glcb->grcb"

    def __post_init__(self) -> None:
        self.parts = (self.left, self.right)

    def printed(self, texts: Sequence[str]) -> str:
        return f'xp.einsum("{self.products}", {texts[0]}, {texts[1]})'

    def run(self, xp: Any, arrays: Sequence[Any]) -> Any:
        return xp.einsum(self.products, *arrays)


@dataclass(eq=False)
class Reduced(Operation):
    """A sum along an axis, or the mean of all entries if axis is None."""

    of: Expression
    axis: int | None
    keepdims: bool = False

    def __post_init__(self) -> None:
        self.parts = (self.of,)

    def printed(self, texts: Sequence[str]) -> str:
        if self.axis is None:
            return f"{texts[0]}.mean()"
        return f"{texts[0]}.sum({self.axis}{', keepdims=True' if self.keepdims else ''})"

    def run(self, xp: Any, arrays: Sequence[Any]) -> Any:
        return arrays[0].mean() if self.axis is None else arrays[0].sum(self.axis, keepdims=self.keepdims)


class View(Operation):
    """Another view of the array that is its first part, or a copy where NumPy cannot make a view."""


@dataclass(eq=False)
class Reshaped(View):
    """The array in another shape."""

    of: Expression
    shape: tuple[int, ...]

    def __post_init__(self) -> None:
        self.parts = (self.of,)

    def printed(self, texts: Sequence[str]) -> str:
        return f"{texts[0]}.reshape({', '.join(map(str, self.shape))})"

    def run(self, xp: Any, arrays: Sequence[Any]) -> Any:
        return arrays[0].reshape(self.shape)


@dataclass(eq=False)
class Transposed(View):
    """Rows as columns."""

    of: Expression

    def __post_init__(self) -> None:
        self.parts = (self.of,)

    def printed(self, texts: Sequence[str]) -> str:
        return f"{texts[0]}.T"

    def run(self, xp: Any, arrays: Sequence[Any]) -> Any:
        return arrays[0].T


@dataclass(eq=False)
class Swapped(View):
    """Stacked matrices, each transposed."""

    of: Expression

    def __post_init__(self) -> None:
        self.parts = (self.of,)

    def printed(self, texts: Sequence[str]) -> str:
        return f"{texts[0]}.swapaxes(1, 2)"

    def run(self, xp: Any, arrays: Sequence[Any]) -> Any:
        return arrays[0].swapaxes(1, 2)


@dataclass(eq=False)
class Slice(View):
    """Rows, and columns if they are named too."""

    of: Expression
    slices: tuple[slice, ...]

    def __post_init__(self) -> None:
        self.parts = (self.of,)

    def printed(self, texts: Sequence[str]) -> str:
        return f"{texts[0]}[{', '.join(map(_sliced, self.slices))}]"

    def run(self, xp: Any, arrays: Sequence[Any]) -> Any:
        return arrays[0][self.slices]


@dataclass(eq=False)
class Rows(View):
    """Rows in any order, selected by an array of indices."""

    of: Expression
    index: Expression

    def __post_init__(self) -> None:
        self.parts = (self.of, self.index)

    def printed(self, texts: Sequence[str]) -> str:
        return f"{texts[0]}[{texts[1]}]"

    def run(self, xp: Any, arrays: Sequence[Any]) -> Any:
        return arrays[0][arrays[1]]


def atom(expression: Expression) -> Expression:
    """Return an expression, in parentheses if an operator or a method could not follow it."""
    return expression if expression.enclosed else Group(expression)


def walk(expression: Expression) -> Iterator[Expression]:
    """Return an expression and all its parts."""
    yield expression
    for part in expression.parts:
        yield from walk(part)


def _sliced(rows: slice) -> str:
    if rows.start is None:
        return ":"
    return f"{rows.start}:{rows.stop}{f':{rows.step}' if rows.step else ''}"
