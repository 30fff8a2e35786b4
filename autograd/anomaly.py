"""`detect_anomaly`: the gate, and the line of code that recorded it, at which a number stops being finite."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

from .context import Block, Context, context, here, recording, tracing
from .gate import Gate, gate_text, inputs_text
from .names import caller, caller_names
from .node import Node, place_of

__all__ = ["detect_anomaly", "not_finite", "watching", "whereabouts"]


class detect_anomaly(Block):
    """Raise a FloatingPointError at the first output, partial derivative or gradient that is nan or infinite.

    It names the gate, its inputs and their numbers, and the file and line of the caller that recorded the gate, in the forward
    as in the backward pass of graphs that are recorded inside; a gate that has no finite slope is named so, too. Recording is
    slower inside, by what it takes to look for the line. Name and meaning are those of PyTorch.

    >>> import autograd
    >>> x, y = autograd.Value(1e200, "x"), autograd.Value(1e300, "y")
    >>> with autograd.detect_anomaly():  # doctest: +ELLIPSIS
    ...     z = x * y
    Traceback (most recent call last):
    FloatingPointError: mul: the output is inf at x = 1e+200, y = 1e+300 (recorded at ...
    """

    def _inside(self, outer: Context) -> Context:
        return outer[0], outer[1], self, outer, _observe


def _observe(node: Node) -> None:
    """Write down where a new node is recorded; raise if its data is not finite."""
    frame = caller()
    place = "" if frame is None else f"{frame.f_code.co_filename}:{frame.f_lineno}"
    node._scope = (node.scope or "", place)
    if not isfinite(node._data) and not tracing():
        names = caller_names(frame)
        inputs = node.inputs
        labels = [x.label or names.get(id(x)) for x in inputs]
        raise not_finite(node, node._data, [x._data for x in inputs], labels)


def watching() -> bool:
    """Tell whether the caller is inside detect_anomaly."""
    return bool(recording.special) and (context() if recording.left else here())[4] is _observe


def not_finite(
    node: Node, output: float, inputs: Sequence[float], labels: Sequence[str | None], called: str | None = None
) -> FloatingPointError:
    """Return the error of a gate whose output is not finite."""
    gate = node.gate
    assert isinstance(gate, Gate)
    at = inputs_text(gate, inputs, labels)
    return FloatingPointError(f"{gate_text(gate, called)}: the output is {output!r} at {at}{whereabouts(node)}")


def whereabouts(node: Node) -> str:
    """Return the scope of a node, and the line that recorded it, as messages end with them."""
    place = place_of(node)
    known = [f"in {node.scope}"] * bool(node.scope) + [f"recorded at {place}"] * bool(place)
    return f" ({', '.join(known)})" if known else ""
