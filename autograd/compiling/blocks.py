"""Finding matrix products: dots whose left vectors are rows, and right vectors columns, of the same matrices.

Dots with the same right vector x are the rows of a matrix times x. Right vectors that are multiplied with the same rows
are further columns: positions of a convolution, uses of a shared layer, samples of a batch that is written as one graph.
The elements of totals are dots of one left vector with several right ones. Blocks of one shape and kind are stacked.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from .sums import Indices, Node

__all__ = ["Block", "Stack", "levels", "stacks"]

STEPS = 32  # bits of a level that count the steps since the last matrix of parameters
Level = int
Where = Callable[[int], int]  # position of a node as one number: its array in the high bits, its row in the low


@dataclass(frozen=True)
class Block:
    """One matrix product: node (r, c) is the dot of lefts[r] with rights[c]."""

    lefts: tuple[Indices, ...]
    rights: tuple[Indices, ...]
    members: Indices  # row by row


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

    Rows and columns are ordered by the positions of their factors; those of gradients first by `rank`, the index of the
    parameter whose gradient a dot is, or is a part of.
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
    dots: dict[Indices, dict[Indices, int]] = defaultdict(dict)  # right factors -> left factors -> dot
    for i in members:
        left, right = nodes[i].args
        if nodes[i].op == "totals":
            last: Indices | None = None
            for k, (order, rights) in enumerate(vectors.columns(right), i + 1):  # the elements are the next nodes
                if order is not last:  # usually all orders are one
                    last, lefts = order, vectors.left(left, order)
                dots[rights][lefts] = k
        else:
            order, rights = vectors.right(right)
            dots[rights][vectors.left(left, order)] = i
    columns: dict[frozenset[Indices], list[Indices]] = defaultdict(list)  # the rows of a block -> its columns
    for rights, by_left in dots.items():
        columns[frozenset(by_left)].append(rights)
    return [_block([*rows], found, dots, where, rank) for rows, found in columns.items()]


def _block(
    rows: list[Indices],
    columns: list[Indices],
    dots: Mapping[Indices, Mapping[Indices, int]],
    where: Where,
    rank: Mapping[int, int],
) -> Block:
    """Return a block with its rows and columns in order."""
    table = [[*map(dots[column].__getitem__, rows)] for column in columns]
    ranks = [[rank.get(i, -1) for i in line] for line in table]
    row_rank, column_rank = [*map(min, zip(*ranks))], [*map(min, ranks)]
    down = sorted(range(len(rows)), key=lambda k: (row_rank[k], [*map(where, rows[k])]))
    across = sorted(range(len(columns)), key=lambda k: (column_rank[k], [*map(where, columns[k])]))
    members = tuple([table[j][k] for k in down for j in across])
    return Block(tuple([rows[k] for k in down]), tuple([columns[k] for k in across]), members)


class _Vectors:
    """The factors of dots, sorted by the positions of the right ones.

    Equal orders are one object, so that `is` compares them.
    """

    def __init__(self, nodes: Sequence[Node], where: Where) -> None:
        self.nodes, self.where = nodes, where
        self.known_orders: dict[Indices, Indices] = {}
        self.known_rights: dict[int, tuple[Indices, Indices]] = {}
        self.known_columns: dict[int, list[tuple[Indices, Indices]]] = {}
        self.known_lefts: dict[tuple[int, Indices], Indices] = {}

    def right(self, vector: int) -> tuple[Indices, Indices]:
        """Return the order of a right vector, and its factors in this order."""
        if vector not in self.known_rights:
            factors = self.nodes[vector].args
            places = [*map(self.where, factors)]
            order = tuple(sorted(range(len(places)), key=places.__getitem__))
            order = self.known_orders.setdefault(order, order)
            self.known_rights[vector] = order, tuple([factors[k] for k in order])
        return self.known_rights[vector]

    def columns(self, vectors: int) -> list[tuple[Indices, Indices]]:
        """Return the same for each column of a vector of columns."""
        if vectors not in self.known_columns:
            self.known_columns[vectors] = [self.right(column) for column in self.nodes[vectors].args]
        return self.known_columns[vectors]

    def left(self, vector: int, order: Indices) -> Indices:
        """Return the factors of a left vector in the order of the right one."""
        if (vector, order) not in self.known_lefts:
            factors = self.nodes[vector].args
            self.known_lefts[vector, order] = tuple([factors[k] for k in order])
        return self.known_lefts[vector, order]


def _kind(nodes: Sequence[Node], level: Sequence[Level], i: int) -> object:
    node = nodes[i]
    return (node.op, node.key[0] if isinstance(node.key, tuple) else None, level[i])


def _are_parameters(nodes: Sequence[Node], vector: int) -> bool:
    return all(nodes[i].op == "param" for i in nodes[vector].args)
