"""The gradients that pictures and explanations show: upstream × local = downstream for every edge."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Integral
from typing import Any

from ..arguments import truncated_repr
from ..backward import adjoints, is_stale, topological_order
from ..functions import FLOATS
from ..value import Value

__all__ = ["Flow", "check_digits", "format_number", "local_gradients", "sign"]


@dataclass(frozen=True)
class Progress:
    """How far a backward pass has come: the gates that have sent their gradients, and what has arrived at each node."""

    done: Sequence[Value]
    totals: Mapping[Value, float]
    arrived: Counter[Value]  # the number of gradients in a total
    expected: Counter[Value]  # their number at the end


@dataclass(frozen=True)
class Flow:
    """A graph with its adjoints, if `backward` has run from its root and no leaf has changed since.

    With `progress`, the flow of a pass that has not ended: `upstream` holds the adjoints that it will have at its end.
    """

    root: Value
    order: Sequence[Value]
    upstream: dict[Value, float] | None  # the adjoint of every node; None if not computed
    stale: bool
    progress: Progress | None = None
    _slopes: dict[Value, list[float | None]] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, root: Value, step: int | None = None) -> Flow:
        """Return the flow of a root, or that of a pass from it after `step` gates; the pass needs no `backward` before."""
        if not isinstance(root, Value):
            raise TypeError(f"root must be a Value, got {truncated_repr(root)}")
        if step is not None:
            return cls._at(root, step)
        seed: float | None = getattr(root, "_seed", None)
        if seed is None or is_stale(root):
            return cls(root, topological_order(root), None, is_stale(root))
        # Not read from .grad, which another root's backward pass may have changed at shared nodes.
        upstream = adjoints(root, seed)
        return cls(root, list(upstream), upstream, stale=False)

    @classmethod
    def _at(cls, root: Value, step: object) -> Flow:
        upstream = adjoints(root)
        order = [*upstream]
        gates = [node for node in reversed(order) if node.inputs]
        if not isinstance(step, Integral) or not 0 <= (count := int(step)) <= len(gates):
            raise ValueError(
                f"step must be a whole number from 0 to {len(gates)}, the number of gates, got {truncated_repr(step)}"
            )
        totals, arrived, expected = {root: 1.0}, Counter([root]), Counter([root])
        for k, gate in enumerate(gates):
            for input, slope in zip(gate.inputs, local_gradients(gate), strict=True):
                if slope is not None:
                    expected[input] += 1
                    if k < count:
                        totals[input] = totals.get(input, 0.0) + upstream[gate] * slope
                        arrived[input] += 1
        return cls(root, order, upstream, False, Progress(gates[:count], totals, arrived, expected))

    def gradient(self, node: Value) -> float | None:
        """The gradient shown at a node: `.grad` of a leaf, which accumulates over passes, or the adjoint of a gate.

        Of a pass that has not ended, the sum of what has arrived.
        """
        if self.upstream is None or node.role == "constant":
            return None
        if self.progress is not None:
            return self.progress.totals.get(node)
        return self.upstream[node] if node.inputs else node.grad

    def downstream(self, gate: Value, place: int) -> float | None:
        """The gradient that a gate sends to one of its inputs, at the end of the pass; None if it sends none."""
        if self.upstream is None:
            return None
        if gate not in self._slopes:
            self._slopes[gate] = local_gradients(gate)
        slope = self._slopes[gate][place]
        return None if slope is None else self.upstream[gate] * slope

    def share(self, node: Value) -> float | None:
        """Return the part of a leaf's grad from this root's pass, if the grad includes other passes; else None."""
        if self.upstream is None or node.inputs or self.progress is not None:
            return None
        added = self.upstream[node]
        return added if abs(node.grad - added) > 1e-9 * abs(added) else None


def sign(node: Value) -> str:
    """Return what a picture writes on a gate: its symbol, and for a power with a constant exponent the power, as x².

    >>> sign(Value(3.0) ** 2), sign(Value(3.0) * Value(2.0)), sign(-Value(3.0))
    ('x²', '×', '*-1')
    """
    gate = node.gate
    assert gate is not None
    if gate.name == "pow" and node.inputs[0].role != "constant" and node.inputs[1].role == "constant":
        return gate.formula(["x", node.inputs[1].data])
    return gate.symbol


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
