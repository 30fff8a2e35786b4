"""The only walk in the project: from a root to everything that it was made from, in topological order."""

from __future__ import annotations

from collections.abc import Sequence
from threading import RLock
from typing import Any

from .arguments import truncated_repr
from .native import core
from .node import N, Node

__all__ = ["Walk", "topological_order", "walking"]

walking = RLock()  # A walk marks the nodes that it reaches, so one walk at a time; under the GIL that costs nothing.


class Walk:
    """Everything that some roots were made from: leaves and gates, each node after all its inputs.

    Create it, and use the nodes' `_adjoint`, while holding the lock `walking`. A walk owns two zeros, float objects that
    no other walk shares: a node whose adjoint *is* `entered` has inputs still being walked, one whose adjoint is `zero`
    is done, and the backward pass may start adding to it at once. Marks that an interrupted walk left behind are the
    zeros of another walk and mean nothing.
    """

    __slots__ = ("changed", "gates", "leaves", "zero")
    latest: float | None = None  # the zero of the last walk; not the walk, which would keep its graph alive

    def __init__(self, roots: Sequence[Node], ends: Sequence[Node] = ()) -> None:
        for node in (*roots, *ends):
            if not hasattr(node, "_adjoint"):
                raise TypeError(f"a graph is walked from a Value, not from {truncated_repr(node)}")
        self.zero = zero = Walk.latest = float("0")  # a new object; the literal 0.0 would be shared
        entered = float("0")
        self.leaves: list[Any] = []
        self.gates: list[Any] = []
        leaves, gates = self.leaves.append, self.gates.append
        changed = 0
        for end in ends:  # as if reached already: neither listed nor walked beyond
            end._adjoint = zero
        stack = [*reversed(roots)]
        pop, push, extend = stack.pop, stack.append, stack.extend
        while stack:
            node = pop()
            if node._adjoint is entered:  # everything that was pushed above it is done, so its inputs are
                node._adjoint = zero
                gates(node)
                continue
            while node._adjoint is not zero:
                first = node._first
                if first is None:
                    node._adjoint = zero
                    leaves(node)
                    if node._tick > changed:
                        changed = node._tick
                    break
                node._adjoint = entered
                push(node)
                rest = node._rest
                if rest.__class__ is tuple:
                    extend([input for input in rest[::-1] if input._adjoint is not zero])
                elif rest is not None and rest._adjoint is not zero:
                    push(rest)
                node = first
        self.changed = changed  # when a leaf last was

    def finish(self) -> None:
        """Raise if another walk of this thread came in between, as from a signal handler: its marks replaced ours."""
        if Walk.latest is not self.zero:
            raise RuntimeError("a graph was walked in the middle of another walk (in a signal handler?): run it again")


if core is not None:
    Walk = core.Walk  # type: ignore[misc]  # its twin, which finds the same nodes in the same order


def topological_order(*roots: N, ends: Sequence[N] = ()) -> list[N]:
    """Return every node that the roots were made from, and the roots, each once and after all its inputs.

    Leaves come first, then gates in the order of a forward pass. The walk does not go beyond `ends`, and leaves them out.
    O(nodes + edges), without recursion at any depth.

    >>> from autograd import Value
    >>> a, b = Value(2.0, "a"), Value(3.0, "b")
    >>> [node.label or node.gate.name for node in topological_order(a * b + a)]
    ['a', 'b', 'mul', 'add']
    """
    if not isinstance(ends, (list, tuple)):
        raise TypeError(f"ends is a list of Values, not {truncated_repr(ends)}: write ends=[v]")
    with walking:
        walk = Walk(roots, ends)
        walk.finish()
        return [*walk.leaves, *walk.gates]
