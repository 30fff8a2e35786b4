"""Sums of products: chains of additions in the scalar program become single nodes, so that a neuron is one node.

A sum of two or more products becomes a dot; a sum of many terms of one kind a dot with constants; a chain of maxima one
max. All other operations are elementwise. A dot with `total` also sums over the samples of a batch.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import reduce
from operator import add
from typing import Any, NamedTuple

from .scalars import Program, is_normal

__all__ = ["Node", "Nodes", "gather"]

MANY = 3  # minimum number of terms of one kind for a reduction; fewer are added one by one


class Node(NamedTuple):
    """An operation on other nodes, which are given by their indices in the list of nodes.

    op: a leaf ("const", "param", "input", "seed"), "sum" (Σ coefs·args), "dot" (Σ left·right, whose args are all left factors
    and then all right ones), "max" or "min" of many, or an elementwise operation of the scalar program
    """

    op: str
    args: tuple[int, ...] = ()
    coefs: tuple[float, ...] = ()
    total: bool = False
    varying: bool = False
    backward: bool = False
    key: Any = None  # of a leaf, as in the scalar program


class Nodes(NamedTuple):
    """Nodes in topological order, and those of the outputs and gradients."""

    nodes: list[Node]
    needed: bytearray  # 1 for each node that an output or a gradient is computed from
    outputs: list[int]
    gradients: list[int]


Entries = tuple[int, ...]
# A coefficient times Σ left·right, or times one left entry if there are no right ones, and whether it is summed over the batch.
# The left factors of a term are alike in varying or not, and so are the right ones.
Term = tuple[float, Entries, Entries, bool]


def gather(program: Program, outputs: Sequence[int], gradients: Sequence[int], forward: int) -> Nodes:
    """Return the nodes of a scalar program whose entries from `forward` on belong to the backward pass."""
    return _Gathering(program, [*outputs, *gradients], forward).run(len(outputs))


class _Gathering:
    def __init__(self, program: Program, outputs: list[int], forward: int) -> None:
        self.program, self.outputs, self.forward = program, outputs, forward
        self.uses = uses = [0] * len(program.ops)
        self.level = level = [0] * len(program.ops)
        for i in outputs:
            uses[i] += 1
        for i in range(len(uses) - 1, -1, -1):
            if uses[i]:  # entries without users are skipped
                for a in program.args[i]:
                    uses[a] += 1
        self.rank = rank = [program.key[i] if op == "param" else -1 for i, op in enumerate(program.ops)]
        level_of, rank_of = level.__getitem__, rank.__getitem__
        for i, args in enumerate(program.args):
            if args and uses[i]:
                level[i] = 1 + max(map(level_of, args))
                rank[i] = rank[args[0]] if program.ops[i] == "dot" else max(map(rank_of, args))
        self.nodes: list[Node] = []
        self.known: defaultdict[tuple[str, bool], dict[object, int]] = defaultdict(dict)
        self.at = [-1] * len(program.ops)  # scalar entry -> node, if it is one

    def run(self, n_outputs: int) -> Nodes:
        plans: list[list[Term] | tuple[int, ...] | None] = [None] * len(self.at)
        for i in self.outputs:
            plans[i] = ()
        for i in range(len(plans) - 1, -1, -1):  # entries that are only used as parts of a sum stay None
            if plans[i] is not None:
                plan = plans[i] = self.plan(i)
                if isinstance(plan, list):
                    for _, lefts, rights, _ in plan:
                        for f in lefts:
                            plans[f] = ()
                        for f in rights:
                            plans[f] = ()
                else:
                    for f in plan:
                        plans[f] = ()
        for i, steps in enumerate(plans):  # operands first
            if steps is not None:
                self.at[i] = self.build(i, steps)
                plans[i] = None  # frees the terms while the nodes grow
        places = [self.at[i] for i in self.outputs]
        wanted = bytearray(len(self.nodes))
        for k in places:
            wanted[k] = 1
        for k in range(len(wanted) - 1, -1, -1):
            if wanted[k]:
                for a in self.nodes[k].args:
                    wanted[a] = 1
        return Nodes(self.nodes, wanted, places[:n_outputs], places[n_outputs:])

    def plan(self, i: int) -> list[Term] | tuple[int, ...]:
        """Return the terms of an entry that is a sum, or the operands of any other."""
        program, op = self.program, self.program.ops[i]
        args = program.args[i]
        if not args or (op == "total" and len(args) == 2):
            return args
        if op in ("add", "mul", "dot", "total"):
            return self.terms(i)
        if op in ("maximum", "minimum"):
            found: list[int] = []
            stack = [i]
            while stack:
                t = stack.pop()
                if program.ops[t] == op and (t == i or self.uses[t] == 1):
                    stack += reversed(program.args[t])
                else:
                    found.append(t)
            return tuple(found) if len(found) >= MANY else program.args[i]
        return program.args[i]

    def terms(self, i: int) -> list[Term]:
        """Return an entry as terms: expand its sums that have no other user, and products with constants."""
        program = self.program
        found: list[Term] = []
        stack = [(1.0, i, False, True)]
        while stack:
            c, t, total, alone = stack.pop()
            op, args = program.ops[t], program.args[t]
            alone = alone and (t == i or self.uses[t] == 1)
            if op == "add" and alone:
                stack += [(c, a, total, True) for a in reversed(args)]
            elif op == "dot" and alone:
                n = len(args) // 2
                lefts, rights = args[:n], args[n:]
                if not program.varying[args[0]] and "mul" in map(program.ops.__getitem__, lefts):
                    found += [self.weighted(c, a, b, total) for a, b in zip(lefts, rights)]
                else:
                    found.append((c, lefts, rights, total))
            elif op == "total" and len(args) == 2:
                found.append((c, args[:1], args[1:], True))
            elif op == "mul" and args[0] in program.constants:
                factor, other = program.constants[args[0]], args[1]
                scaled = program.ops[other] == "mul" and program.args[other][0] in program.constants
                if (program.ops[other] in ("add", "dot", "total") and abs(factor) != 1) or scaled:
                    # do not expand: a scaled sum, or numbers whose product would overflow
                    found.append((c * factor, (other,), (), total))
                else:
                    stack.append((c * factor, other, total, alone))
            elif op == "total" and alone:
                stack.append((c, args[0], True, True))
            elif op == "mul" and (alone or self.one_varies(args)):
                found.append(self.weighted(c, args[0], args[1], total))
            else:
                found.append((c, (t,), (), total))
        return found

    def weighted(self, c: float, a: int, b: int, total: bool) -> Term:
        """Move the constant out of a product's steady factor: (−w)·x becomes −1 times w·x."""
        program = self.program
        factors = []
        for f in (a, b):
            if program.ops[f] == "mul" and not program.varying[f] and is_normal(scaled := c * self.number(f)):
                c, f = scaled, program.args[f][1]
            factors.append(f)
        return c, (factors[0],), (factors[1],), total

    def number(self, i: int) -> float:
        """Return the constant factor of a product; 0 if there is none."""
        return self.program.constants.get(self.program.args[i][0], 0.0)

    def one_varies(self, args: tuple[int, ...]) -> bool:
        """Tell whether exactly one factor varies: such a product is a term of a dot, so computing it twice is cheap."""
        return self.program.varying[args[0]] != self.program.varying[args[1]]

    def build(self, i: int, plan: list[Term] | tuple[int, ...]) -> int:
        program, op = self.program, self.program.ops[i]
        backward = i >= self.forward
        if not plan:
            leaf = Node(op, (), (), False, program.varying[i], False, program.key[i])
            return self.add(leaf) if op == "const" else self.append(leaf)  # the others are stored once already
        if isinstance(plan, list):
            return self.sum(plan, backward, i)
        if op == "total" and len(plan) == 2:  # the form of most parameters' gradients
            a, b = self.ordered(*plan)
            return self.add(Node("dot", (self.at[a], self.at[b]), (), True, False, backward))
        name = {"maximum": "max", "minimum": "min"}.get(op, op) if len(plan) >= MANY and op != "where" else op
        args = tuple(self.at[a] for a in plan)
        return self.add(Node(name, args, varying=program.varying[i], backward=backward))

    def sum(self, terms: list[Term], backward: bool, i: int) -> int:
        """Return the node of a sum: products become dots, terms of one kind reductions, and the rest is added."""
        varying, level, ops = self.program.varying, self.level, self.program.ops
        parts: list[tuple[float, int]] = []
        products: dict[tuple[bool, bool, bool, float], list[tuple[float, Entries, Entries]]] = defaultdict(list)
        plain: dict[tuple[bool, bool, str, int], list[tuple[float, int, bool]]] = defaultdict(list)
        numbers: list[float] = []
        for c, lefts, rights, total in terms:
            a = lefts[0]
            if rights:
                left, right = varying[a], varying[rights[0]]
                if left == right:
                    lefts, rights = zip(*map(self.ordered, lefts, rights))
                elif left:
                    lefts, rights, left, right = rights, lefts, right, left
                products[left, right, total, abs(c)].append((c, lefts, rights))
            elif a in self.program.constants:
                numbers.append(c * self.program.constants[a])
            else:
                plain[total, varying[a], ops[a], level[a]].append((c, a, total))
        for (left, right, total, size), group in products.items():
            if not total and left == right and len(group) < MANY:
                pairs = [(c, a, b) for c, lefts, rights in group for a, b in zip(lefts, rights)]
                if len(pairs) < MANY:
                    parts += self.few(pairs, left, backward)
                    continue
            for sign in (1, -1):
                same = [(lefts, rights) for c, lefts, rights in group if (c >= 0) == (sign > 0)]
                if same:
                    varies = not total and (left or right)
                    parts.append((sign * size, self.dot(same, total, varies, backward)))
        for (total, varies, *_), several in plain.items():
            if len(several) >= MANY or (total and len(several) > 1):
                weights = sorted((self.at[a], self.add(Node("const", key=c))) for c, a, _ in several)
                terms_at, coefs_at = zip(*weights)
                node = Node("dot", (*coefs_at, *terms_at), varying=varies, backward=backward)
                parts.append((1.0, self.totalled(self.add(node), total, backward)))
            else:
                parts += [(c, self.totalled(self.at[a], total, backward)) for c, a, _ in several]
        if numbers:  # constants of inner sums come first
            parts.append((1.0, self.add(Node("const", key=reduce(add, reversed(numbers))))))
        merged: dict[int, float] = {}
        for c, a in parts:
            merged[a] = merged.get(a, 0.0) + c
        if list(merged.values()) == [1.0]:
            return next(iter(merged))
        args, coefs = zip(*sorted(merged.items()))
        return self.add(Node("sum", args, coefs, varying=self.program.varying[i], backward=backward))

    def few(self, group: list[tuple[float, int, int]], varying: bool, backward: bool) -> list[tuple[float, int]]:
        """Return few products as elementwise terms; with a common factor f as the one term f·(a + b)."""
        bare = [self.bare(*product) for product in group] if len(group) > 1 else group
        common = set.intersection(*({a, b} for _, a, b in bare))
        if len(group) > 1 and common:
            factor = min(common)
            terms = sorted((self.at[b if a == factor else a], c) for c, a, b in bare)
            args, coefs = zip(*terms)
            varies = any(self.nodes[i].varying for i in args)
            inner = self.add(Node("sum", args, coefs, varying=varies, backward=backward))
            return [(1.0, self.add(Node("mul", (self.at[factor], inner), varying=varying, backward=backward)))]
        return [
            (c, self.add(Node("mul", (self.at[a], self.at[b]), varying=varying, backward=backward)))
            for c, a, b in group
        ]

    def bare(self, c: float, a: int, b: int) -> tuple[float, int, int]:
        """Return a product with constants moved out of its factors, where the remaining factor has a node anyway."""
        program, factors = self.program, []
        for f in (a, b):
            if program.ops[f] == "mul" and self.at[program.args[f][1]] >= 0 and is_normal(scaled := c * self.number(f)):
                c, f = scaled, program.args[f][1]
            factors.append(f)
        return c, factors[0], factors[1]

    def ordered(self, a: int, b: int) -> tuple[int, int]:
        """Return two factors, of which both vary or neither does, left one first, so that all products of two layers are alike.

        1. A factor of the backward pass is left of one of the forward pass.
        2. Otherwise the factor of the lower level is left: it is computed first.
        3. On the same level, the factor of the lower rank is left: its parameters come first.
        """
        if (a >= self.forward) != (b >= self.forward):
            return (a, b) if a >= self.forward else (b, a)
        level, rank = self.level, self.rank
        return (a, b) if (level[a], rank[a], a) <= (level[b], rank[b], b) else (b, a)

    def dot(self, products: list[tuple[Entries, Entries]], total: bool, varies: bool, backward: bool) -> int:
        at = self.at
        rows, columns = ([at[i] for entries in side for i in entries] for side in zip(*products))
        rights, lefts = zip(*sorted(zip(columns, rows)))
        return self.add(Node("dot", lefts + rights, (), total, varies, backward))

    def totalled(self, node: int, total: bool, backward: bool) -> int:
        return self.add(Node("total", (node,), backward=backward)) if total else node

    def add(self, node: Node) -> int:
        """Return the index of a node; equal nodes of both passes are one."""
        op, args, coefs, total, _, _, key = node
        same = (
            (args, coefs, key) if coefs or not args else args
        )  # most nodes have only operands, which are stored already
        found = self.known[op, total].setdefault(same, len(self.nodes))
        if found == len(self.nodes):
            self.append(node)
        return found

    def append(self, node: Node) -> int:
        """Return the index of a node that is new."""
        self.nodes.append(node)
        return len(self.nodes) - 1
