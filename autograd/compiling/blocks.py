"""Finding matrix products: dots whose left vectors are rows, and right vectors columns, of the same matrices.

Dots with the same right vector x are the rows of a matrix times x. Right vectors that are multiplied with the same rows
are further columns:
positions of a convolution, uses of a shared layer, samples of a batch that is written as one graph. Blocks of one shape and
kind are stacked.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from .sums import Node

__all__ = ["Block", "Stack", "levels", "stacks"]

STEPS = 32  # bits of a level that count the steps since the last matrix of parameters
Level = int
Tuple = tuple[int, ...]
Where = Callable[[int], int]  # position of a node as one number: its array in the high bits, its row in the low


@dataclass(frozen=True)
class Block:
    """One matrix product: node (r, c) is the dot of lefts[r] with rights[c]."""

    lefts: tuple[Tuple, ...]
    rights: tuple[Tuple, ...]
    members: tuple[int, ...]  # row by row


@dataclass(frozen=True)
class Stack:
    """Blocks of one shape, computed together: g blocks of r rows and c columns; each entry sums l products."""

    blocks: tuple[Block, ...]
    total: bool
    varying: bool

    @property
    def shape(self) -> tuple[int, int, int, int]:
        first = self.blocks[0]
        return len(self.blocks), len(first.lefts), len(first.rights), len(first.lefts[0])

    @property
    def members(self) -> list[int]:
        return [i for block in self.blocks for i in block.members]


def levels(nodes: Sequence[Node]) -> list[Level]:
    """Return the level of each node: the number of parameter matrices between it and the leaves, then the steps since
    the last one.

    All uses of a matrix at the same depth are then computed together, even if the paths to them differ.
    """
    found: list[Level] = []
    level_of = found.__getitem__
    for node in nodes:
        op, args = node.op, node.args
        if not args or op == "element":  # nothing reads an element
            found.append(0)
            continue
        last = max(map(level_of, args))
        if op == "vector":
            found.append(last)
        elif op == "dot" and _are_parameters(nodes, args[0]):
            found.append(((last >> STEPS) + 1) << STEPS)
        else:
            found.append(last + 1)
    return found


def stacks(
    nodes: Sequence[Node], members: Sequence[int], level: Sequence[Level], where: Where, rank: Mapping[int, int]
) -> list[Stack]:
    """Return dots of one level as stacks of blocks.

    Rows and columns are ordered by the positions of their factors; those of gradients by their parameters, `rank`.
    """
    alike: dict[tuple[int, bool, bool], list[int]] = defaultdict(list)
    for i in members:
        node = nodes[i]
        alike[len(nodes[node.args[0]].args), node.total, node.varying].append(i)
    found = []
    for (_, total, varying), dots in alike.items():
        stacked: dict[object, list[Block]] = defaultdict(list)
        for block in _blocks(nodes, dots, where, rank):
            kinds = tuple(frozenset(_kind(nodes, level, i) for i in side) for side in (block.lefts[0], block.rights[0]))
            stacked[len(block.lefts), len(block.rights), kinds].append(block)
        for blocks in stacked.values():
            blocks.sort(key=lambda b: [[*map(where, b.lefts[0])], [*map(where, b.rights[0])]])
            found.append(Stack(tuple(blocks), total, varying))
    return found


def _blocks(nodes: Sequence[Node], members: Iterable[int], where: Where, rank: Mapping[int, int]) -> list[Block]:
    vectors = _Vectors(nodes, where)
    rows: dict[Tuple, dict[Tuple, int]] = defaultdict(dict)
    for i in members:
        left, right = nodes[i].args
        if nodes[i].op == "totals":
            last: Tuple | None = None
            for k, (order, column) in enumerate(vectors.matrix(right), i + 1):
                if order is not last:  # usually all orders are one
                    last, row = order, vectors.left(left, order)
                rows[column][row] = k
        else:
            order, column = vectors.right(right)
            rows[column][vectors.left(left, order)] = i
    columns: dict[frozenset[Tuple], list[Tuple]] = defaultdict(list)
    for right_factors, lefts in rows.items():
        columns[frozenset(lefts)].append(right_factors)
    blocks = []
    for found, rights in columns.items():
        tuples = list(found)
        table = [[*map(rows[right].__getitem__, tuples)] for right in rights]  # a row for each right tuple
        ranks = [[rank.get(i, -1) for i in row] for row in table]
        first, served = [*map(min, zip(*ranks))], [*map(min, ranks)]
        down = sorted(range(len(tuples)), key=lambda k: (first[k], [*map(where, tuples[k])]))
        across = sorted(range(len(rights)), key=lambda k: (served[k], [*map(where, rights[k])]))
        ids = [table[j][k] for k in down for j in across]
        blocks.append(Block(tuple([tuples[k] for k in down]), tuple([rights[k] for k in across]), tuple(ids)))
    return blocks


class _Vectors:
    """The factors of dots, sorted by their positions: first the right ones, and the left ones as these."""

    def __init__(self, nodes: Sequence[Node], where: Where) -> None:
        self.nodes, self.where = nodes, where
        self.rights: dict[int, tuple[Tuple, Tuple]] = {}
        self.orders: dict[Tuple, Tuple] = {}
        self.lefts: dict[tuple[int, Tuple], Tuple] = {}
        self.matrices: dict[int, list[tuple[Tuple, Tuple]]] = {}

    def right(self, vector: int) -> tuple[Tuple, Tuple]:
        """Return the order of a right vector, and its nodes in this order."""
        if vector not in self.rights:
            factors = self.nodes[vector].args
            places = [*map(self.where, factors)]
            order = tuple(sorted(range(len(places)), key=places.__getitem__))
            order = self.orders.setdefault(order, order)
            self.rights[vector] = order, tuple([factors[k] for k in order])
        return self.rights[vector]

    def matrix(self, vector: int) -> list[tuple[Tuple, Tuple]]:
        """Return the same for each one of a vector of right vectors."""
        if vector not in self.matrices:
            self.matrices[vector] = [self.right(column) for column in self.nodes[vector].args]
        return self.matrices[vector]

    def left(self, vector: int, order: Tuple) -> Tuple:
        """Return the nodes of a left vector in the order of the right one."""
        if (vector, order) not in self.lefts:
            factors = self.nodes[vector].args
            self.lefts[vector, order] = tuple([factors[k] for k in order])
        return self.lefts[vector, order]


def _kind(nodes: Sequence[Node], level: Sequence[Level], i: int) -> object:
    node = nodes[i]
    return (node.op, node.key[0] if isinstance(node.key, tuple) else None, level[i])


def _are_parameters(nodes: Sequence[Node], vector: int) -> bool:
    return all(nodes[i].op == "param" for i in nodes[vector].args)
