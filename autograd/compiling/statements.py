"""Statements: nodes with the same operation on rows of the same arrays become the rows of one array."""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from operator import itemgetter
from typing import Any

from .blocks import Level, Stack, levels, stacks
from .sums import Indices, Node, Nodes

__all__ = ["ArrayProgram", "Leaf", "Statement", "arrange"]

ROWS = 32  # bits of the number of a row
SUMS = ("dot", "totals")  # operations that become matrix products
MANY = 4  # minimum number of groups that differ only in their arrays to become one statement
SYMMETRIC = ("sum", "mul", "maximum", "minimum", "max", "min")
# A node as a row of a statement: the positions of its operands, its operands, its coefficients, the node.
Row = tuple[list[int], Indices, tuple[float, ...], int]
# Operation, varying, backward, the coefficients that are 1 or −1 (0 for another one), the number of operands.
Kind = tuple[str, bool, bool, tuple[float, ...], int]


@dataclass
class Statement:
    """Rows that are computed together: one row per member, and one column per sample (a single one if not varying).

    op: the operation of its members; "leaf" for inputs, parameters and the seed
    operands: for each argument, one node per member; for max and min a single list, which holds all arguments of the first
    member, then those of the second, and so on
    """

    op: str
    members: list[int]
    varying: bool
    backward: bool
    operands: list[list[int]] = field(default_factory=list)
    coefs: list[list[float]] = field(default_factory=list)
    stack: Stack | None = None
    name: str = ""


@dataclass(frozen=True)
class Leaf:
    """A tensor of parameters: their numbers, row by row."""

    name: str
    start: int  # its offset in the flat array of all parameters
    shape: tuple[int, ...]


@dataclass
class ArrayProgram:
    """The statements in order of computation, and the array and row of every node."""

    nodes: list[Node]
    statements: list[Statement]
    position: array[int]  # of every node: its array and its row in one number; −1 for a constant
    leaves: list[Leaf]
    parameters: list[int]  # for each entry of the flat array, the index of the caller's parameter
    outputs: list[int]
    gradients: list[int]

    def array_of(self, i: int) -> int:
        """Return the number of the array that holds a node; −1 for a constant."""
        return self.position[i] >> ROWS

    def arrays_of(self, ids: Iterable[int]) -> set[int]:
        """Return the numbers of the arrays that hold nodes, with −1 if one is a constant."""
        return {place >> ROWS for place in map(self.position.__getitem__, ids)}

    def row_of(self, i: int) -> int:
        """Return the row of a node in its array; a constant has none."""
        return self.position[i] & ((1 << ROWS) - 1)


def arrange(found: Nodes, n_parameters: int, inputs: dict[str, int]) -> ArrayProgram:
    """Return the array program of nodes."""
    return _Arranging(found, n_parameters, inputs).run()


class _Arranging:
    def __init__(self, found: Nodes, n_parameters: int, inputs: dict[str, int]) -> None:
        self.nodes, self.found, self.n_parameters, self.inputs = found.nodes, found, n_parameters, inputs
        self.level = levels(self.nodes)
        self.statements: list[Statement] = []
        # array and row of every node, packed in one int that sorts them: −1 for constants; for parameters, until `leaves`
        # has ordered them, the caller's order
        self.position = array("q", [-1]) * len(self.nodes)
        self.where = self.position.__getitem__
        self.leaf_nodes: dict[str, dict[Any, int]] = defaultdict(dict)  # operation -> key -> node
        for i, node in enumerate(self.nodes):
            if not node.args and found.needed[i]:
                self.leaf_nodes[node.op][node.key] = i
        self.parameter_nodes = self.leaf_nodes["param"]

    def run(self) -> ArrayProgram:
        self.add_leaves()
        rank = self.rank()
        by_level: dict[Level, list[int]] = defaultdict(list)
        for i, node in enumerate(self.nodes):
            if node.args and node.op not in ("vector", "element") and self.found.needed[i]:
                by_level[self.level[i]].append(i)
        for level in sorted(by_level):
            dots = [i for i in by_level[level] if self.nodes[i].op in SUMS]
            for stack in stacks(self.nodes, dots, self.level, self.where, rank):
                backward = all(self.nodes[i].backward for i in stack.members)
                self.add(Statement("dot", stack.members, stack.varying, backward, stack=stack))
            self.elementwise([i for i in by_level[level] if self.nodes[i].op not in SUMS])
        leaves, order = self.leaves()
        self.statements[0].members = self.parameters(order)
        for row, p in enumerate(order):
            if p in self.parameter_nodes:
                self.position[self.parameter_nodes[p]] = row
        return ArrayProgram(
            self.nodes, self.statements, self.position, leaves, order, self.found.outputs, self.found.gradients
        )

    def add_leaves(self) -> None:
        """Add the statements of the parameters, of each input, and of the seed."""
        self.add(Statement("leaf", self.parameters(range(self.n_parameters)), False, False, name="theta"))
        entry = self.leaf_nodes["input"]
        for name, size in self.inputs.items():
            self.add(Statement("leaf", [entry.get((name, i), -1) for i in range(size)], True, False, name=name))
        self.add(Statement("leaf", [*self.leaf_nodes["seed"].values()], True, False, name="seed"))

    def parameters(self, order: Iterable[int]) -> list[int]:
        """Return the nodes of the caller's parameters in this order; −1 for one that nothing reads."""
        return [self.parameter_nodes.get(p, -1) for p in order]

    def rank(self) -> dict[int, int]:
        """Return the parameter that a node is the gradient of, or an operand of the gradient of."""
        rank: dict[int, int] = {}
        for p, gradient in enumerate(self.found.gradients):
            rank[gradient] = p
            node = self.nodes[gradient]
            if node.op not in ("element", "dot"):
                for i in node.args:
                    rank.setdefault(i, p)
        return rank

    def add(self, statement: Statement) -> None:
        first = len(self.statements) << ROWS
        for row, i in enumerate(statement.members):
            if i >= 0:
                self.position[i] = first + row
        self.statements.append(statement)

    def leaves(self) -> tuple[list[Leaf], list[int]]:
        """Assign every parameter to a tensor: the largest matrices claim theirs first; the others form vectors."""
        claimed: set[int] = set()
        tensors: list[tuple[list[int], tuple[int, ...]]] = []
        for matrix in self.matrices():
            flat = [p for row in matrix for p in row]
            if claimed.isdisjoint(flat) and len(set(flat)) == len(flat):
                claimed.update(flat)
                tensors.append((flat, (len(matrix), len(matrix[0]))))
        first = self.first_levels({i for p, i in self.parameter_nodes.items() if p not in claimed})
        rest: dict[Level | None, list[int]] = defaultdict(list)
        for p in range(self.n_parameters):
            if p not in claimed:
                rest[first.get(p)].append(p)
        tensors += [(vector, (len(vector),)) for vector in rest.values()]
        tensors.sort(key=lambda tensor: min(tensor[0]))
        leaves: list[Leaf] = []
        order: list[int] = []
        counts = {1: 0, 2: 0}
        for flat, shape in tensors:
            counts[len(shape)] += 1
            leaves.append(Leaf(f"{'Wb'[len(shape) == 1]}{counts[len(shape)]}", len(order), shape))
            order += flat
        return leaves, order

    def matrices(self) -> list[list[list[int]]]:
        """Return the matrices of parameters on the left of varying products, the largest first."""
        nodes = self.nodes
        found = []
        for statement in self.statements:
            for block in statement.stack.blocks if statement.stack and statement.stack.varying else ():
                rows = [[nodes[i].key for i in left if nodes[i].op == "param"] for left in block.lefts]
                if all(len(row) == len(block.lefts[0]) for row in rows):
                    found.append(rows)
        found.sort(key=lambda rows: -len(rows) * len(rows[0]))
        return found

    def first_levels(self, parameters: set[int]) -> dict[int, Level]:
        """Return the level of the first operation that reads a parameter, given as nodes, itself or in a vector."""
        nodes = self.nodes
        first: dict[int, Level] = {}
        if not parameters:
            return first
        read: dict[int, set[int]] = {}  # vector -> the parameters in it
        for i, node in enumerate(nodes):
            if not node.args or node.op == "element":
                continue
            found = parameters.intersection(node.args)
            if node.op == "vector":
                read[i] = found
                continue
            for x in found.union(*(read[vector] for vector in node.args)) if node.op == "dot" else found:
                first.setdefault(nodes[x].key, self.level[i])
        return first

    def elementwise(self, members: Sequence[int]) -> None:
        """Group nodes of one level by operation and by the arrays they read, and sort each group by the rows in these.

        Many groups that differ only in their arrays, such as the positions of an attention, become one.
        """
        kinds: dict[Kind, dict[tuple[int, ...], list[Row]]] = defaultdict(lambda: defaultdict(list))
        for i in members:
            op, args, coefs, _, varying, backward, _ = self.nodes[i]
            places = [*map(self.where, args)]
            if op in SYMMETRIC and (ordered := sorted(places)) != places:
                order = sorted(range(len(args)), key=places.__getitem__)
                args, places = tuple([args[k] for k in order]), ordered
                coefs = tuple([coefs[k] for k in order]) if coefs else ()
            signs = tuple([c if abs(c) == 1 else 0 for c in coefs])
            arrays = [place >> ROWS for place in places]
            if op in ("max", "min"):
                arrays = sorted(set(arrays))
            kinds[op, varying, backward, signs, len(args)][tuple(arrays)].append((places, args, coefs, i))
        for (op, varying, backward, _, _), groups in kinds.items():
            merged = [[*chain.from_iterable(groups.values())]] if len(groups) >= MANY else groups.values()
            for rows in merged:
                rows.sort(key=itemgetter(0))
                _, operands, coefs_of, members_of = zip(*rows)
                statement = Statement(op, [*members_of], varying, backward)
                if op in ("max", "min"):
                    statement.operands = [[a for args in operands for a in args]]
                else:
                    statement.operands = [list(column) for column in zip(*operands)]
                    statement.coefs = [list(column) for column in zip(*coefs_of)]
                self.add(statement)
