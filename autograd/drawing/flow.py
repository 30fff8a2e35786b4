"""The gradients that pictures and explanations show: upstream × local = downstream for every edge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any

from ..arguments import truncated_repr
from ..backward import adjoints, is_stale, topological_order
from ..functions import FLOATS
from ..value import Value

__all__ = ["Flow", "check_digits", "format_number", "local_gradients"]


@dataclass(frozen=True)
class Flow:
    """A graph with its adjoints, if `backward` has run from its root and no leaf has changed since."""

    root: Value
    order: Sequence[Value]
    upstream: dict[Value, float] | None  # the adjoint of every node; None if not computed
    stale: bool

    @classmethod
    def of(cls, root: Value) -> Flow:
        if not isinstance(root, Value):
            raise TypeError(f"root must be a Value, got {truncated_repr(root)}")
        seed: float | None = getattr(root, "_seed", None)
        if seed is None or is_stale(root):
            return cls(root, topological_order(root), None, is_stale(root))
        # Not read from .grad, which another root's backward pass may have changed at shared nodes.
        upstream = adjoints(root, seed)
        return cls(root, list(upstream), upstream, stale=False)

    def gradient(self, node: Value) -> float | None:
        """The gradient shown at a node: `.grad` of a leaf, which accumulates over passes, or the adjoint of a gate."""
        if self.upstream is None or node.role == "constant":
            return None
        return self.upstream[node] if node.inputs else node.grad

    def share(self, node: Value) -> float | None:
        """Return the part of a leaf's grad from this root's pass, if the grad includes other passes; else None."""
        if self.upstream is None or node.inputs:
            return None
        added = self.upstream[node]
        return added if abs(node.grad - added) > 1e-9 * abs(added) else None


def local_gradients(node: Value) -> list[float | None]:
    """Return the local gradient by each input of a gate; None for constants and inputs without one."""
    gate = node.gate
    assert gate is not None
    wanted = [input.role != "constant" for input in node.inputs]
    try:
        return gate.local_gradients(FLOATS, node.data, [input.data for input in node.inputs], wanted)
    except (ArithmeticError, ValueError):  # no slope here; backward raises for it
        return [None] * len(wanted)


def check_digits(digits: Any) -> None:
    """Raise a ValueError unless digits is a whole number from 0 to 17."""
    if not isinstance(digits, Integral) or not 0 <= int(digits) <= 17:
        raise ValueError(f"digits must be a whole number from 0 to 17, got {truncated_repr(digits)}")


def format_number(x: float, digits: int | None) -> str:
    """Return a number with `digits` decimals, in scientific notation if it is very small or large; None for all digits.

    >>> format_number(-0.196612, 2), format_number(0.00012, 2), format_number(1234567890.0, 2), format_number(-0.196612, None)
    ('-0.20', '1.2e-04', '1.2e+09', '-0.196612')
    """
    x += 0.0  # turns -0.0 into 0.0
    if digits is None:
        return repr(x)
    if x == 0 or 10.0**-digits <= abs(x) < 1e7:
        return f"{x:.{digits}f}"
    return f"{x:.{max(digits - 1, 0)}e}"
