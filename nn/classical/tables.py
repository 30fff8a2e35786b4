"""Truth tables: the outputs of a function of 0s and 1s, in counting order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import product
from numbers import Real
from typing import Any

from autograd import Value
from autograd.arguments import as_int, as_list, require_callable, truncated_repr

__all__ = ["TruthTable", "as_boolean_table", "input_names", "truth_table"]

MOST_INPUTS = 16  # 65,536 rows
SHOWN = 64


class TruthTable:
    """The outputs of a function of n inputs, each 0 or 1, in counting order: (0, 0), (0, 1), (1, 0), (1, 1) for n = 2.

    Its argument is the list of its 2ⁿ outputs; `truth_table` makes one from a function. An output is a number, or a tuple
    of numbers for a function with several.

    >>> TruthTable([0, 1, 1, 0])
    x1  x2  f
    0   0   0
    0   1   1
    1   0   1
    1   1   0
    >>> TruthTable([0, 1]).rows
    [((0,), 0), ((1,), 1)]

    names: of the inputs; columns: of the outputs; outputs: a tuple with one entry per row
    """

    def __init__(
        self, outputs: Sequence[Any], names: Sequence[str] | None = None, columns: Sequence[str] | None = None
    ):
        outputs = as_list(outputs, "outputs, of a truth table,")
        n = len(outputs).bit_length() - 1
        if n < 1 or len(outputs) != 2**n:
            raise ValueError(
                f"outputs, of a truth table of n inputs, must have 2ⁿ entries (2, 4, 8, …), got {len(outputs)}"
            )
        self.names = input_names(n if names is None else names)
        if len(self.names) != n:
            raise ValueError(f"names must have {n} entries for {len(outputs)} outputs, got {len(self.names)}")
        self.outputs = tuple(tuple(y) if isinstance(y, (list, tuple)) else y for y in outputs)
        first = self.outputs[0]
        usual = [f"f{k}" for k in range(1, len(first) + 1)] if isinstance(first, tuple) else ["f"]
        self.columns = input_names(usual if columns is None else columns)
        for y in self.outputs:
            if (len(y) if isinstance(y, tuple) else 1) != len(self.columns):
                raise ValueError(
                    f"an output must have one entry for each of the columns {list(self.columns)}, got {truncated_repr(y)}"
                )

    @property
    def rows(self) -> list[tuple[tuple[int, ...], Any]]:
        """The pairs of inputs and output."""
        return list(zip(input_rows(len(self.names)), self.outputs))

    def __len__(self) -> int:
        return len(self.outputs)

    def __eq__(self, other: object) -> bool:
        return self.outputs == other.outputs if isinstance(other, TruthTable) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # equality compares outputs and ignores names

    def __repr__(self) -> str:
        head = [*self.names, *self.columns]
        lines = [head]
        for x, y in self.rows[:SHOWN]:
            lines.append([*map(str, x), *map(_text, y if isinstance(y, tuple) else (y,))])
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        text = ["  ".join(map(str.ljust, line, widths)).rstrip() for line in lines]
        return "\n".join([*text, *[f"… and {len(self) - SHOWN} rows more"] * (len(self) > SHOWN)])


def truth_table(f: Callable[..., Any], inputs: int | Sequence[str]) -> TruthTable:
    """Evaluate f(x1, …, xn) at all 2ⁿ rows of 0s and 1s; `inputs` is n, or the names of the inputs.

    >>> truth_table(lambda a, b: a ^ b, ["a", "b"]).outputs
    (0, 1, 1, 0)
    """
    require_callable(f, "f, of the inputs,")
    names = input_names(inputs)
    return TruthTable([f(*x) for x in input_rows(len(names))], names)


def input_rows(n: int) -> list[tuple[int, ...]]:
    """Return the 2ⁿ rows of inputs, in counting order."""
    if not 1 <= n <= MOST_INPUTS:
        raise ValueError(f"a truth table must have 1 to {MOST_INPUTS} inputs, got {n}: it has 2ⁿ rows")
    return list(product((0, 1), repeat=n))


def input_names(inputs: int | Sequence[str], first: int = 1) -> tuple[str, ...]:
    """Return the names of the inputs: those given, or x1, x2, … for a number, counted from `first`."""
    if isinstance(inputs, str):
        raise TypeError(f"inputs must be a number or a list of names, got the str {inputs!r}: write [{inputs!r}]")
    if not isinstance(inputs, Iterable):
        n = as_int(inputs, "inputs, unless a list of names,", 0)
        return tuple(f"x{i}" for i in range(first, first + n))
    names = as_list(inputs, "inputs, unless a number,")
    for i, name in enumerate(names):
        if not isinstance(name, str):
            raise TypeError(f"inputs must be a number or a list of names, got {truncated_repr(name)} for a name")
        if name in names[:i]:
            raise ValueError(f"names of inputs must differ, got {name!r} twice")
    return tuple(names)


def as_boolean_table(outputs: TruthTable | Sequence[int]) -> TruthTable:
    """Return a table, or the list of its outputs, as a table; raise unless all outputs are 0 or 1."""
    table = outputs if isinstance(outputs, TruthTable) else TruthTable(outputs)
    for x, y in table.rows:
        if isinstance(y, Value) or not isinstance(y, Real) or y not in (0, 1):
            raise ValueError(f"the output of a Boolean function must be 0 or 1, got {truncated_repr(y)} at {x}")
    return TruthTable([int(y == 1) for y in table.outputs], table.names)


def _text(y: Any) -> str:
    y = y.data if isinstance(y, Value) else y
    return f"{y:.9g}" if isinstance(y, float) else str(y)
