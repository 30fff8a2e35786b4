"""Statements: nodes with the same operation on rows of the same arrays become the rows of one array."""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from .blocks import Level, Stack, levels, stacks
from .sums import Node, Nodes

__all__ = ["ArrayProgram", "Leaf", "Statement", "arrange"]

ROWS = 32  # bits of the number of a row
MANY = 4  # from so many groups on that differ only in their arrays, they are one statement
Row = tuple[tuple[int, ...], tuple[float, ...], int]  # operands, coefficients and index of a node
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

    def row_of(self, i: int) -> int:
        """Return the row of a node in its array; a constant has none."""
        return self.position[i] & ((1 << ROWS) - 1)


def arrange(found: Nodes, n_parameters: int, inputs: dict[str, int]) -> ArrayProgram:
    """Return the array program of nodes."""
    return _Arranging(found, n_parameters, inputs).run()


class _Arranging:
    def __init__(self, found: Nodes, n_parameters: int, inputs: dict[str, int]) -> None:
        self.nodes, self.found, self.inputs = found.nodes, found, inputs
        self.level = levels(self.nodes)
        self.statements: list[Statement] = []
        # array and row of every node, packed in one int that sorts them: −1 for constants; for parameters, until `leaves`
        # has ordered them, the caller's order
        self.position = array("q", [-1]) * len(self.nodes)
        self.where = self.position.__getitem__
        self.param = {node.key: i for i, node in enumerate(self.nodes) if node.op == "param" and found.needed[i]}
        self.n_parameters = n_parameters

    def run(self) -> ArrayProgram:
        self.add(
            Statement("leaf", [self.param.get(p, -1) for p in range(self.n_parameters)], False, False, name="theta")
        )
        entry = {node.key: i for i, node in enumerate(self.nodes) if node.op == "input"}
        for name, size in self.inputs.items():
            self.add(Statement("leaf", [entry.get((name, i), -1) for i in range(size)], True, False, name=name))
        seed = [i for i, node in enumerate(self.nodes) if node.op == "seed"]
        self.add(Statement("leaf", seed, True, False, name="seed"))
        rank: dict[int, int] = {}  # node of a parameter's gradient -> index of the parameter
        for p, gradient in enumerate(self.found.gradients):
            rank[gradient] = p
            for i in self.nodes[gradient].args if self.nodes[gradient].op != "dot" else ():
                rank.setdefault(i, p)
        by_level: dict[Level, list[int]] = defaultdict(list)
        for i, node in enumerate(self.nodes):
            if node.args and self.found.needed[i]:
                by_level[self.level[i]].append(i)
        for at in sorted(by_level):
            dots = [i for i in by_level[at] if self.nodes[i].op == "dot"]
            for stack in stacks(self.nodes, dots, self.level, self.where, rank):
                backward = all(self.nodes[i].backward for i in stack.members)
                self.add(Statement("dot", stack.members, stack.varying, backward, stack=stack))
            self.elementwise([i for i in by_level[at] if self.nodes[i].op != "dot"])
        leaves, order = self.leaves()
        self.statements[0].members = [self.param.get(p, -1) for p in order]
        for row, p in enumerate(order):
            if p in self.param:
                self.position[self.param[p]] = row
        return ArrayProgram(
            self.nodes, self.statements, self.position, leaves, order, self.found.outputs, self.found.gradients
        )

    def add(self, statement: Statement) -> None:
        first = len(self.statements) << ROWS
        for row, i in enumerate(statement.members):
            if i >= 0:
                self.position[i] = first + row
        self.statements.append(statement)

    def leaves(self) -> tuple[list[Leaf], list[int]]:
        """Assign every parameter to a tensor: the largest matrices claim theirs first; the others form vectors."""
        nodes = self.nodes
        matrices = []
        for statement in self.statements:
            for block in statement.stack.blocks if statement.stack and statement.stack.varying else ():
                grid = [[nodes[i].key for i in left if nodes[i].op == "param"] for left in block.lefts]
                if all(len(row) == len(block.lefts[0]) for row in grid):
                    matrices.append(grid)
        matrices.sort(key=lambda grid: -len(grid) * len(grid[0]))
        claimed: set[Any] = set()
        tensors: list[tuple[list[Any], tuple[int, ...]]] = []
        for grid in matrices:
            flat = [p for row in grid for p in row]
            if claimed.isdisjoint(flat) and len(set(flat)) == len(flat):
                claimed.update(flat)
                tensors.append((flat, (len(grid), len(grid[0]))))
        first: dict[Any, Level] = {}
        others = {i for p, i in self.param.items() if p not in claimed}
        for i, node in enumerate(nodes):
            for x in others.intersection(node.args):
                first.setdefault(nodes[x].key, self.level[i])
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

    def elementwise(self, members: Sequence[int]) -> None:
        """Group nodes of one level by operation and by the arrays they read, and sort each group by the rows in these.

        Many groups that differ only in their arrays, such as the positions of an attention, become one.
        """
        kinds: dict[Kind, dict[tuple[int, ...], list[Row]]] = defaultdict(lambda: defaultdict(list))
        for i in members:
            node = self.nodes[i]
            args, coefs = list(node.args), list(node.coefs)
            if node.op in ("sum", "mul", "maximum", "minimum", "max", "min"):
                pairs = sorted(zip(args, coefs or [1.0] * len(args)), key=lambda pair: self.where(pair[0]))
                args, coefs = [a for a, _ in pairs], [c for _, c in pairs]
            signs = tuple(c if abs(c) == 1 else 0 for c in coefs) if node.op == "sum" else ()
            arrays = [self.position[a] >> ROWS for a in args]
            if node.op in ("max", "min"):
                arrays = sorted(set(arrays))
            kind = node.op, node.varying, node.backward, signs, len(args)
            kinds[kind][tuple(arrays)].append((tuple(args), tuple(coefs), i))
        for (op, varying, backward, _, _), groups in kinds.items():
            several = list(groups.values())
            for found in [[row for rows in several for row in rows]] if len(several) >= MANY else several:
                found.sort(key=lambda entry: tuple(map(self.where, entry[0])))
                statement = Statement(op, [i for _, _, i in found], varying, backward)
                if op in ("max", "min"):
                    statement.operands = [[a for args, _, _ in found for a in args]]
                else:
                    statement.operands = [list(column) for column in zip(*(args for args, _, _ in found))]
                    statement.coefs = (
                        [list(column) for column in zip(*(coefs for _, coefs, _ in found))] if op == "sum" else []
                    )
                self.add(statement)
