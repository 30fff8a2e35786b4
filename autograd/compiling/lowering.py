"""Lowering: a recorded graph becomes a scalar program, by running the rules of its gates on scalar entries."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple

from ..backward import reverse, topological_order
from ..gate import Gate
from ..value import Value
from .rules import Rule, rule_of
from .scalars import Downstream, Program

__all__ = ["Lowered", "lower"]


class Lowered(NamedTuple):
    """A scalar program, the entries of the outputs, and those of the gradient in every parameter (if asked for)."""

    program: Program
    outputs: list[int]
    gradients: list[int]
    forward: int  # number of entries of the forward pass, which come first


class Vector:
    """The factors on one side of a sum of products: a node between them and all gates that read them."""

    __slots__ = ("_first",)

    def __init__(self, first: Value) -> None:
        self._first = first  # not None: it is no leaf


class Share(NamedTuple):
    """A contribution to the adjoint of a vector: a number times another vector, both as entries.

    varies: whether the gate that it comes from depends on an input
    """

    number: int
    vector: int
    varies: bool


Node = Value | Vector


class Graph(NamedTuple):
    """A recorded graph in topological order: the operands of every node but inputs and parameters, the rules, the roots."""

    operands: dict[Node, tuple[Node, ...]]
    rules: dict[Node, Rule]
    roots: list[Value]


def lower(
    outputs: Sequence[Value], inputs: Mapping[str, Sequence[Value]], parameters: Sequence[Value], gradient: bool = False
) -> Lowered:
    """Return the scalar program of recorded outputs; leaves that are neither inputs nor parameters become constants.

    With gradient=True it also computes Σ seed · d output/d parameter over the samples, by the reverse loop.
    """
    program = Program()
    differing = {value for values in inputs.values() for value in values}
    graph = _merged(outputs, differing.union(parameters))
    at = _forward(program, graph, inputs, parameters)
    found, forward = [at[root] for root in graph.roots], len(program.ops)
    program.begin_backward()
    gradients = _Backward(program, graph, at, differing, parameters).run() if gradient else []
    program.forget()
    return Lowered(program, found, gradients, forward)


def _merged(outputs: Sequence[Value], leaves: set[Value]) -> Graph:
    """Return the graph in which Values that are computed alike are one, and sums of products read vectors.

    A gate that is recorded twice on equal operands has one adjoint then: otherwise the backward pass would repeat for each
    record what the forward pass computes once. Constants are equal if their numbers are.
    """
    first: dict[Value, Value] = dict(zip(leaves, leaves, strict=True))
    operands: dict[Node, tuple[Node, ...]] = {}
    rules: dict[Node, Rule] = {}
    known: dict[Any, Value] = {}
    vectors: dict[tuple[Value, ...], Vector] = {}
    for value in topological_order(*outputs):
        if value in first:
            continue
        gate = value.gate
        if gate is None:
            same = first[value] = known.setdefault(value.data.hex(), value)
            if same is value:
                operands[value] = ()
            continue
        given = [first[x] for x in value.inputs]
        rule = rule_of(gate, len(given))
        taken: tuple[Node, ...] = tuple(given)
        if rule.sides:
            left, right, rest = rule.sides.split(tuple(given))
            for side in (left, right):
                if side not in vectors:
                    made = vectors[side] = Vector(given[0])
                    operands[made] = side
            taken = (vectors[left], vectors[right], *rest)
        same = first[value] = known.setdefault((gate, taken), value)
        if same is value:
            operands[value], rules[value] = taken, rule
    return Graph(operands, rules, [first[output] for output in outputs])


def _forward(
    program: Program, graph: Graph, inputs: Mapping[str, Sequence[Value]], parameters: Sequence[Value]
) -> dict[Node, int]:
    """Write every gate's forward rule down, and return the entry of every node."""
    at: dict[Node, int] = {}
    for name, values in inputs.items():
        for i, value in enumerate(values):
            at[value] = program.leaf("input", (name, i), True)
    at.update(zip(parameters, program.write_parameters(len(parameters)), strict=True))
    for node, given in graph.operands.items():
        taken, first = [at[x] for x in given], len(program.ops)
        if isinstance(node, Vector):
            at[node] = program.vector(tuple(taken))
        elif node.gate is None:
            at[node] = program.const(node.data)
        else:
            try:
                (output,) = program.run(graph.rules[node].forward, taken)
            except (ArithmeticError, ValueError) as error:
                raise _refusal(error, node.gate, program, taken[: len(given)]) from None
            assert output is not None
            at[node] = output
            if output >= first:
                program.gates[output] = node.gate, taken[: len(given)]
    return at


class _Backward:
    """The reverse loop on entries: upstream × local = downstream, written down for every gate.

    A Value that depends on an input has an adjoint for each sample, even where all are equal and their entry does not
    vary, because the slopes that multiply it may vary. Adjoints are summed over the samples where they reach a Value that
    depends on no input.
    """

    def __init__(
        self, program: Program, graph: Graph, at: Mapping[Node, int], inputs: set[Value], parameters: Sequence[Value]
    ) -> None:
        self.program, self.graph, self.at, self.parameters = program, graph, at, parameters
        # the nodes that depend on a parameter, and on an input
        self.leaves: set[Node] = set(parameters)
        self.matters = self.leaves.copy()
        self.differs: set[Node] = set(inputs)
        for node, given in graph.operands.items():
            if not self.matters.isdisjoint(given):
                self.matters.add(node)
            if not self.differs.isdisjoint(given):
                self.differs.add(node)
        self.uses = Counter(chain(graph.roots, *graph.operands.values()))
        self.found: dict[Any, int] = {}  # the parameters' gradients

    def run(self) -> list[int]:
        """Return the entries of the parameters' gradients."""
        program, root = self.program, self.graph.roots[0]
        seed = program.leaf("seed", 0, True) if root in self.differs else program.const(1.0)
        order: list[Any] = [node for node in self.graph.operands if node in self.matters]
        self.found.update(reverse(order, {root: seed}, self.total, self.downstream))
        return [self.found[p] if p in self.found else program.const(0.0) for p in self.parameters]

    def total(self, terms: Sequence[Any]) -> Any:
        """Return the adjoint of a Value as an entry, and that of a vector as the shares in it, for `spread`."""
        first = terms[0].__class__
        if first is int and len(terms) == 1:
            return terms[0]
        return terms if first is Share else self.program.adjoint(terms)

    def downstream(self, node: Node, upstream: Any) -> Iterator[tuple[Node, Any]]:
        """Return what the adjoint of each operand receives."""
        given = self.graph.operands[node]
        if isinstance(node, Vector):
            yield from self.spread(given, upstream)
            return
        program, gate, taken = self.program, node.gate, [self.at[x] for x in given]
        assert gate is not None
        try:
            rule = self.graph.rules[node].slopes(tuple([x in self.matters for x in given]))
            slopes = program.run(rule, [*taken, self.at[node]])
        except (ArithmeticError, ValueError) as error:
            raise _refusal(error, gate, program, taken) from None
        varies = node in self.differs
        for x, local in zip(given, slopes, strict=True):
            if local is not None:
                if x.__class__ is Vector:
                    yield x, Share(upstream, local, varies)
                else:
                    yield x, program.downstream(upstream, local, varies and x not in self.differs)

    def spread(self, entries: Sequence[Node], shares: Sequence[Share]) -> Iterator[tuple[Node, Downstream]]:
        """Return what the entries of a vector receive of its adjoint.

        Shares of one kind are a sum of products for each entry, with the same numbers for all. If the entries are parameters
        that nothing else reads, and the sums are over all samples, they are written at once: the gradient of a neuron.
        """
        program, differs = self.program, {x in self.differs for x in entries}
        alike: dict[tuple[bool, bool, bool] | None, list[Share]] = defaultdict(list)
        for share in shares:
            number, vector = program.varying[share.number], program.alike[share.vector]
            summed = share.varies and False in differs
            mixed = share.number in program.constants or (summed and True in differs)
            if vector is None or mixed or (summed and not (number and vector)):
                alike[None].append(share)
            else:
                alike[summed, number, vector].append(share)
        for kind, group in alike.items():
            numbers, vectors = tuple([share.number for share in group]), tuple([share.vector for share in group])
            if kind and kind[0] and len(alike) == 1 and self.only_here(entries):
                gradients = program.totals(program.vector(numbers), program.columns(vectors))
                self.found.update(zip(entries, gradients, strict=True))
            elif kind and len(group) > 1:
                left, swapped = program.vector(numbers), kind[1] > kind[2]
                for x, column in zip(entries, program.columns(vectors), strict=True):
                    if x in self.matters:
                        yield x, (column, left, kind[0]) if swapped else (left, column, kind[0])
            else:
                for share in group:
                    for x, factor in zip(entries, program.args[share.vector], strict=True):
                        if x in self.matters:
                            summed = share.varies and x not in self.differs
                            yield x, program.downstream(share.number, factor, summed)

    def only_here(self, entries: Sequence[Node]) -> bool:
        """Tell whether the entries of a vector are parameters that nothing else reads."""
        return self.leaves.issuperset(entries) and set(map(self.uses.__getitem__, entries)) == {1}


def _refusal(error: Exception, gate: Gate | None, program: Program, taken: Sequence[int]) -> Exception:
    """Return the error of a gate at constants, with its inputs; inputs that depend on data are shown as nan."""
    return gate.refusal(error, [program.constants.get(i, math.nan) for i in taken], ()) if gate else error
