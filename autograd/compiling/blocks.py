"""Finding matrix products: dots whose left factors are rows, and right factors columns, of the same matrices.

Dots with the same right tuple x are the rows of a matrix times x. Right tuples that are multiplied with the same rows
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
        args = node.args
        last = max(map(level_of, args)) if args else -1
        matrix = node.op == "dot" and nodes[args[0]].op == "param"
        if matrix and all(nodes[i].op == "param" for i in args[: len(args) // 2]):
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
        alike[len(nodes[i].args), nodes[i].total, nodes[i].varying].append(i)
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
    rows: dict[Tuple, dict[Tuple, int]] = defaultdict(dict)
    for i in members:
        args = nodes[i].args
        left, right = args[: len(args) // 2], args[len(args) // 2 :]
        if len(left) > 1:
            _, _, right, left = zip(*sorted(zip(map(where, right), map(where, left), right, left)))
        rows[right][left] = i
    columns: dict[frozenset[Tuple], list[Tuple]] = defaultdict(list)
    for right, lefts in rows.items():
        columns[frozenset(lefts)].append(right)
    blocks = []
    for found, rights in columns.items():
        tuples = list(found)
        served = {right: {left: rank.get(i, -1) for left, i in rows[right].items()} for right in rights}
        first = {left: min([served[right][left] for right in rights]) for left in tuples}
        rights.sort(key=lambda right: (min(served[right].values()), [*map(where, right)]))
        tuples.sort(key=lambda left: (first[left], [*map(where, left)]))
        table = [rows[right] for right in rights]
        blocks.append(Block(tuple(tuples), tuple(rights), tuple([row[left] for left in tuples for row in table])))
    return blocks


def _kind(nodes: Sequence[Node], level: Sequence[Level], i: int) -> object:
    node = nodes[i]
    return (node.op, node.key[0] if isinstance(node.key, tuple) else None, level[i])
