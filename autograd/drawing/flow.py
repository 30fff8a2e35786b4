"""The gradient flow that pictures and explanations show: through every gate, upstream × local = downstream."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any

from ..arguments import truncated_repr
from ..backward import adjoints, is_stale, topological_order
from ..functions import FLOATS
from ..value import Value

__all__ = ["Flow", "check_digits", "local_gradients", "shown"]


@dataclass(frozen=True)
class Flow:
    """A graph with its gradients, if `backward` has run from its root and no leaf has changed since."""

    root: Value
    order: Sequence[Value]
    upstream: dict[Value, float] | None  # of every node; None: not computed
    stale: bool

    @classmethod
    def of(cls, root: Value) -> Flow:
        if not isinstance(root, Value):
            raise TypeError(f"a picture is of a graph, so it needs a Value, not {truncated_repr(root)}")
        seed: float | None = getattr(root, "_seed", None)
        if seed is None or is_stale(root):
            return cls(root, topological_order(root), None, is_stale(root))
        # Computed anew from this root: the grad of a node that two roots share is that of the last pass through it.
        upstream = adjoints(root, seed)
        return cls(root, list(upstream), upstream, stale=False)

    def gradient(self, node: Value) -> float | None:
        """What stands beside a node: the grad of a leaf, which may hold several passes, or a gate's for this root."""
        if self.upstream is None or node.role == "constant":
            return None
        return self.upstream[node] if node.inputs else node.grad

    def share(self, node: Value) -> float | None:
        """Return what this root's pass has added to a leaf's grad, where the grad holds earlier passes too; else None."""
        if self.upstream is None or node.inputs:
            return None
        added = self.upstream[node]
        return added if abs(node.grad - added) > 1e-9 * abs(added) else None


def local_gradients(node: Value) -> list[float | None]:
    """Return the local gradient of each input of a gate; None for constants and where the gate passes none."""
    gate = node.gate
    assert gate is not None
    wanted = [input.role != "constant" for input in node.inputs]
    try:
        return gate.local_gradients(FLOATS, node.data, [input.data for input in node.inputs], wanted)
    except (ArithmeticError, ValueError):  # no slope here; backward says so
        return [None] * len(wanted)


def check_digits(digits: Any) -> None:
    """Raise a ValueError for a number of digits that numbers cannot be shown with."""
    if not isinstance(digits, Integral) or not 0 <= int(digits) <= 17:
        raise ValueError(f"digits is a whole number from 0 to 17, not {truncated_repr(digits)}")


def shown(x: float, digits: int | None) -> str:
    """Return a number with so many decimals, or in scientific notation where these would hide it; None: all digits.

    >>> shown(-0.196612, 2), shown(0.00012, 2), shown(1234567890.0, 2), shown(-0.196612, None)
    ('-0.20', '1.2e-04', '1.2e+09', '-0.196612')
    """
    x += 0.0  # a zero has no sign here
    if digits is None:
        return repr(x)
    if x == 0 or 10.0**-digits <= abs(x) < 1e7:
        return f"{x:.{digits}f}"
    return f"{x:.{max(digits - 1, 0)}e}"
