"""Lowering: a recorded graph becomes a scalar program, by running the rules of its gates on scalar entries.

A gate that is a sum of products, such as a neuron, is one entry in the forward pass, a dot of two vectors. In the backward
pass its vectors are nodes of the graph too, which all gates with the same inputs share: they collect what each of these
gates contributes as a pair of an entry and a vector, and write sums of products for their entries at the end.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple

from ..backward import reverse, topological_order
from ..gate import Gate
from ..value import Value
from .rules import Rule, Rules
from .scalars import Contribution, Program

__all__ = ["Lowered", "lower"]


class Lowered(NamedTuple):
    """A scalar program, the entries of the outputs, and those of the gradient in every parameter (if asked for)."""

    program: Program
    outputs: list[int]
    gradients: list[int]
    forward: int  # number of entries of the forward pass, which come first


class Vector:
    """The factors on one side of a sum of products: a node of the graph, between these and all gates that read them."""

    __slots__ = ()
    _first = ()  # not None, which marks a leaf


class VectorContribution(NamedTuple):
    """A contribution to the adjoint of a vector: an upstream adjoint times another vector, both as entries.

    differs: whether the gate that it comes from depends on an input
    """

    upstream: int
    vector: int
    differs: bool


GraphNode = Value | Vector


class Graph(NamedTuple):
    """A recorded graph in topological order: the operands of every node but inputs and parameters, the rules, the roots."""

    operands: dict[GraphNode, tuple[GraphNode, ...]]
    rules: dict[GraphNode, Rule]
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
    entry_of = _forward(program, graph, inputs, parameters)
    roots, forward = [entry_of[root] for root in graph.roots], len(program.ops)
    program.begin_backward()
    gradients = _Backward(program, graph, entry_of, differing, parameters).run() if gradient else []
    program.free_tables()
    return Lowered(program, roots, gradients, forward)


def _merged(outputs: Sequence[Value], leaves: set[Value]) -> Graph:
    """Return the graph in which Values that are computed alike are one, and sums of products read vectors.

    A gate that is recorded twice on equal operands has one adjoint then: otherwise the backward pass would repeat for each
    record what the forward pass computes once. Constants are equal if their numbers are.
    """
    first: dict[Value, Value] = dict(zip(leaves, leaves, strict=True))  # Value -> the first that is computed alike
    operands: dict[GraphNode, tuple[GraphNode, ...]] = {}
    rules: dict[GraphNode, Rule] = {}
    rule_of = Rules()
    known: dict[Any, Value] = {}
    vectors: dict[tuple[Value, ...], Vector] = {}
    for value in topological_order(*outputs):
        if value in first:  # an input or a parameter
            continue
        gate = value.gate
        if gate is None:
            same = first[value] = known.setdefault(value.data.hex(), value)
            if same is value:
                operands[value] = ()
            continue
        inputs = tuple([first[x] for x in value.inputs])
        rule = rule_of[gate, len(inputs)]
        taken: tuple[GraphNode, ...] = inputs
        if rule.sides:
            left, right, terms = rule.sides.split(inputs)
            for side in (left, right):
                if side not in vectors:
                    vector = vectors[side] = Vector()
                    operands[vector] = side
            taken = (vectors[left], vectors[right], *terms)
        same = first[value] = known.setdefault((gate, taken), value)
        if same is value:
            operands[value], rules[value] = taken, rule
    return Graph(operands, rules, [first[output] for output in outputs])


def _forward(
    program: Program, graph: Graph, inputs: Mapping[str, Sequence[Value]], parameters: Sequence[Value]
) -> dict[GraphNode, int]:
    """Write the forward rule of every gate, and return the entry of every node."""
    entry_of: dict[GraphNode, int] = {}
    for name, values in inputs.items():
        for i, value in enumerate(values):
            entry_of[value] = program.leaf("input", (name, i), True)
    entry_of.update(zip(parameters, program.write_parameters(len(parameters)), strict=True))
    for node, operands in graph.operands.items():
        cells, first = [entry_of[x] for x in operands], len(program.ops)
        if isinstance(node, Vector):
            entry_of[node] = program.vector(tuple(cells))
        elif node.gate is None:
            entry_of[node] = program.const(node.data)
        else:
            n = len(operands)
            try:
                (output,) = program.run(graph.rules[node].forward, cells)
            except (ArithmeticError, ValueError) as error:
                raise _refusal(error, node.gate, program, cells[:n]) from None
            assert output is not None
            entry_of[node] = output
            if output >= first:
                program.gates[output] = node.gate, cells[:n]
    return entry_of


class _Backward:
    """The reverse loop on entries: it writes the local gradients of every gate, and their products with its adjoint.

    A node that depends on an input has an adjoint for each sample, even where all are equal and their entry does not vary,
    because the slopes that multiply it may vary. Adjoints are summed over the samples where they reach a node that depends
    on no input.
    """

    def __init__(
        self,
        program: Program,
        graph: Graph,
        entry_of: Mapping[GraphNode, int],
        inputs: set[Value],
        parameters: Sequence[Value],
    ) -> None:
        self.program, self.graph, self.entry_of, self.parameters = program, graph, entry_of, parameters
        # the nodes that depend on a parameter, and on an input
        self.leaves: set[GraphNode] = set(parameters)
        self.matters = self.leaves.copy()
        self.differs: set[GraphNode] = set(inputs)
        for node, operands in graph.operands.items():
            if not self.matters.isdisjoint(operands):
                self.matters.add(node)
            if not self.differs.isdisjoint(operands):
                self.differs.add(node)
        self.uses = Counter(chain(graph.roots, *graph.operands.values()))
        self.gradients: dict[Any, int] = {}  # parameter -> entry

    def run(self) -> list[int]:
        """Return the entries of the parameters' gradients."""
        program, root = self.program, self.graph.roots[0]
        seed = program.leaf("seed", 0, True) if root in self.differs else program.const(1.0)
        order: list[Any] = [node for node in self.graph.operands if node in self.matters]
        self.gradients.update(reverse(order, {root: seed}, self.adjoint, self.contributions))
        return [self.gradients[p] if p in self.gradients else program.const(0.0) for p in self.parameters]

    def adjoint(self, contributions: Sequence[Any]) -> Any:
        """Return the adjoint of a Value as an entry, and that of a vector as its contributions, for `spread`."""
        kind = contributions[0].__class__
        if kind is int and len(contributions) == 1:
            return contributions[0]
        return contributions if kind is VectorContribution else self.program.adjoint(contributions)

    def contributions(self, node: GraphNode, upstream: Any) -> Iterator[tuple[GraphNode, Any]]:
        """Return the contributions to the adjoints of a node's operands."""
        operands = self.graph.operands[node]
        if isinstance(node, Vector):
            yield from self.spread(operands, upstream)
            return
        program, gate, cells = self.program, node.gate, [self.entry_of[x] for x in operands]
        assert gate is not None
        try:
            rule = self.graph.rules[node].slopes(tuple([x in self.matters for x in operands]))
            slopes = program.run(rule, [*cells, self.entry_of[node]])
        except (ArithmeticError, ValueError) as error:
            raise _refusal(error, gate, program, cells) from None
        differs = node in self.differs
        for x, slope in zip(operands, slopes, strict=True):
            if slope is not None:
                if x.__class__ is Vector:
                    yield x, VectorContribution(upstream, slope, differs)
                else:
                    yield x, program.contribution(upstream, slope, differs and x not in self.differs)

    def spread(
        self, entries: Sequence[GraphNode], contributions: Sequence[VectorContribution]
    ) -> Iterator[tuple[GraphNode, Contribution]]:
        """Return the contributions to the adjoints of a vector's entries, from those to its own.

        Contributions of one kind are a dot for each entry, and the vector of upstream adjoints is a side of all these dots. If
        the entries are parameters that nothing else reads, and the dots are summed over the samples, these are the gradients
        of a neuron's weights, and written at once as totals.
        """
        program = self.program
        groups: dict[tuple[bool, bool, bool] | None, list[VectorContribution]] = defaultdict(list)
        differing = {x in self.differs for x in entries}
        for contribution in contributions:
            groups[self.kind(contribution, differing)].append(contribution)
        for kind, group in groups.items():
            upstreams, vectors = tuple([c.upstream for c in group]), tuple([c.vector for c in group])
            summed, upstream_varies, vector_varies = kind or (False, False, False)
            if summed and len(groups) == 1 and self.only_here(entries):
                totals = program.totals(program.vector(upstreams), program.columns(vectors))
                self.gradients.update(zip(entries, totals, strict=True))
            elif kind and len(group) > 1:
                left, swapped = program.vector(upstreams), upstream_varies and not vector_varies
                for x, column in zip(entries, program.columns(vectors), strict=True):
                    if x in self.matters:
                        yield x, (column, left, summed) if swapped else (left, column, summed)
            else:
                for upstream, vector, differs in group:
                    for x, factor in zip(entries, program.args[vector], strict=True):
                        if x in self.matters:
                            yield x, program.contribution(upstream, factor, differs and x not in self.differs)

    def kind(self, contribution: VectorContribution, differing: set[bool]) -> tuple[bool, bool, bool] | None:
        """Return whether a contribution is summed over the samples, its upstream adjoint varies, and its vector does.

        None: its products must be written one by one, because they are not all alike in this, or may be simplified.
        differing: whether entries of the vector depend on an input
        """
        program, upstream = self.program, contribution.upstream
        upstream_varies, vector_varies = program.varying[upstream], program.vector_varies[contribution.vector]
        summed = contribution.differs and False in differing
        if vector_varies is None or upstream in program.constants:
            return None
        if summed and (True in differing or not (upstream_varies and vector_varies)):
            return None
        return summed, upstream_varies, vector_varies

    def only_here(self, entries: Sequence[GraphNode]) -> bool:
        """Tell whether the entries of a vector are parameters that nothing else reads."""
        return self.leaves.issuperset(entries) and set(map(self.uses.__getitem__, entries)) == {1}


def _refusal(error: Exception, gate: Gate | None, program: Program, inputs: Sequence[int]) -> Exception:
    """Return the error of a gate at constants, with its inputs; inputs that depend on data are shown as nan."""
    return gate.refusal(error, [program.constants.get(i, math.nan) for i in inputs], ()) if gate else error
