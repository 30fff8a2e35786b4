"""Sums of products: chains of additions in the scalar program become single nodes, so that a neuron is one node.

A sum of two or more products becomes a dot of two vectors; a sum of many terms of one kind a dot with constants; a chain
of maxima one max. All other operations are elementwise. A dot with `total` also sums over the samples of a batch.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import reduce
from itertools import repeat
from operator import add
from typing import Any, NamedTuple

from .scalars import Program, is_normal

__all__ = ["Node", "Nodes", "gather"]

MANY = 3  # minimum number of terms of one kind for a reduction; fewer are added one by one


class Node(NamedTuple):
    """An operation on other nodes, which are given by their indices in the list of nodes.

    op: a leaf ("const", "param", "input", "seed"), "vector", "sum" (Σ coefs·args), "dot" (Σ left·right of two vectors),
    "totals" (the dot of a vector with each one of a vector of vectors, whose numbers are the next nodes, "element"), "max"
    or "min" of many, or an elementwise operation of the scalar program
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
# A coefficient times left·right, two entries or two vectors of alike entries, or times one entry if the right one is NONE,
# and whether it is summed over the batch.
Term = tuple[float, int, int, bool]
NONE = -1


def gather(program: Program, outputs: Sequence[int], gradients: Sequence[int], forward: int) -> Nodes:
    """Return the nodes of a scalar program whose entries from `forward` on belong to the backward pass."""
    return _Gathering(program, [*outputs, *gradients], forward).run(len(outputs))


class _Gathering:
    def __init__(self, program: Program, outputs: list[int], forward: int) -> None:
        self.program, self.outputs, self.forward = program, outputs, forward
        ops, args = program.ops, program.args
        # all entries but parameters and elements, which are very many in a wide layer
        self.entries = [i for i, op in enumerate(ops) if op not in ("param", "element")]
        self.roots = {args[i][0] if ops[i] == "element" else i for i in outputs}
        self.uses = uses = [0] * len(ops)
        self.level = level = [0] * len(ops)
        for i in self.roots:
            uses[i] += 1
        for i in reversed(self.entries):
            if uses[i]:  # entries without users are skipped
                for a in args[i]:
                    uses[a] += 1
        self.rank = rank = [-1] * len(ops)
        rank[program.parameters.start : program.parameters.stop] = range(len(program.parameters))
        level_of, rank_of = level.__getitem__, rank.__getitem__
        for i in self.entries:
            if args[i] and uses[i]:
                level[i] = max(map(level_of, args[i])) + (ops[i] != "vector")
                best = min if ops[i] == "vector" else max
                rank[i] = rank[args[i][0]] if ops[i] == "dot" else best(map(rank_of, args[i]))
        self.nodes: list[Node] = []
        self.known: defaultdict[str, dict[Any, int]] = defaultdict(dict)
        self.at = [-1] * len(ops)  # scalar entry -> node, if it is one
        self.total_dots: dict[int, dict[int, int]] = defaultdict(dict)  # left factors -> right factors -> node
        self.matrices: dict[int, tuple[Entries | None, int]] = {}  # vector of vectors -> its order and node
        self.orders: dict[int, Entries | None] = {}  # right vector -> the order of its nodes, None if some are equal
        self.arranged: dict[tuple[int, Entries], int] = {}  # vector and order -> node

    def run(self, n_outputs: int) -> Nodes:
        plans: list[list[Term] | tuple[int, ...] | None] = [None] * len(self.at)
        for i in self.roots:
            plans[i] = ()
        for i in reversed(self.entries):  # those that are only used as parts of a sum stay None
            if plans[i] is not None and self.program.args[i]:
                plan = plans[i] = self.plan(i)
                if isinstance(plan, list):
                    for _, left, right, _ in plan:
                        plans[left] = ()
                        if right != NONE:
                            plans[right] = ()
                else:
                    for f in plan:
                        plans[f] = ()
        self.write_parameters()
        for i in self.entries:  # operands first
            steps = plans[i]
            if steps is not None:
                self.build(i, steps)
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
        if op == "mul" and self.is_plain(*args):
            return self.ordered(*args)
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

    def is_plain(self, a: int, b: int) -> bool:
        """Tell whether a product is no term of a dot and has no constant to move out of its factors."""
        varying, ops = self.program.varying, self.program.ops
        if varying[a] and varying[b]:
            return True
        return varying[a] == varying[b] and a not in self.program.constants and "mul" not in (ops[a], ops[b])

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
                lefts = program.args[args[0]]
                if not program.varying[args[0]] and "mul" in map(program.ops.__getitem__, lefts):
                    found += [self.weighted(c, a, b, total) for a, b in zip(lefts, program.args[args[1]])]
                else:
                    found.append((c, args[0], args[1], total))
            elif op == "total" and len(args) == 2:
                found.append((c, args[0], args[1], True))
            elif op == "mul" and args[0] in program.constants:
                factor, other = program.constants[args[0]], args[1]
                scaled = program.ops[other] == "mul" and program.args[other][0] in program.constants
                if (program.ops[other] in ("add", "dot", "total") and abs(factor) != 1) or scaled:
                    # do not expand: a scaled sum, or numbers whose product would overflow
                    found.append((c * factor, other, NONE, total))
                else:
                    stack.append((c * factor, other, total, alone))
            elif op == "total" and alone:
                stack.append((c, args[0], True, True))
            elif op == "mul" and (alone or self.one_varies(args)):
                found.append(self.weighted(c, args[0], args[1], total))
            else:
                found.append((c, t, NONE, total))
        return found

    def weighted(self, c: float, a: int, b: int, total: bool) -> Term:
        """Move the constant out of a product's steady factor: (−w)·x becomes −1 times w·x."""
        program = self.program
        factors = []
        for f in (a, b):
            if program.ops[f] == "mul" and not program.varying[f] and is_normal(scaled := c * self.number(f)):
                c, f = scaled, program.args[f][1]
            factors.append(f)
        return c, factors[0], factors[1], total

    def number(self, i: int) -> float:
        """Return the constant factor of a product; 0 if there is none."""
        return self.program.constants.get(self.program.args[i][0], 0.0)

    def one_varies(self, args: tuple[int, ...]) -> bool:
        """Tell whether exactly one factor varies: such a product is a term of a dot, so computing it twice is cheap."""
        return self.program.varying[args[0]] != self.program.varying[args[1]]

    def write_parameters(self) -> None:
        """Write the nodes of all parameters at once."""
        entries = self.program.parameters
        self.at[entries.start : entries.stop] = range(len(entries))
        none, no = repeat(()), repeat(False)
        self.nodes += map(Node, repeat("param"), none, none, no, no, no, range(len(entries)))

    def build(self, i: int, plan: list[Term] | tuple[int, ...]) -> None:
        """Write the node of an entry. Those of vectors are written when something reads them, in the order it needs."""
        op = self.program.ops[i]
        if op == "totals":
            self.totals(i, plan)
        elif op != "vector":
            self.at[i] = self.node(i, op, plan)

    def node(self, i: int, op: str, plan: list[Term] | tuple[int, ...]) -> int:
        program, backward = self.program, i >= self.forward
        if not plan:
            if op == "const":
                return self.const(program.key[i])
            return self.append(Node(op, (), (), False, program.varying[i], False, program.key[i]))
        if isinstance(plan, list):
            return self.sum(plan, backward, i)
        if op == "total" and len(plan) == 2:  # the form of most gradients of single parameters
            return self.dot([self.ordered(*plan)], True, False, backward)
        name = {"maximum": "max", "minimum": "min"}.get(op, op) if len(plan) >= MANY and op != "where" else op
        return self.add(name, tuple([self.at[a] for a in plan]), program.varying[i], backward)

    def totals(self, i: int, plan: Any) -> None:
        """Write the nodes of a vector of totals: as one, if the left factors come from the backward pass and the right ones do
        not, and one order suits all right vectors.
        """
        left, every = plan
        rights = self.program.args[every]
        order, columns = self.matrix(every)
        made = range(i + 1, i + 1 + len(rights))
        if order is None or min(self.program.args[left]) < self.forward:
            for k, right in zip(made, rights, strict=True):
                self.at[k] = self.sum([(1.0, left, right, True)], True, k)
            return
        factor, right_factors = self.vector(left, order), self.nodes[columns].args
        if factor in self.total_dots:
            self.at[made.start : made.stop] = [self.total_dot(factor, column, True) for column in right_factors]
            return
        owner = self.append(Node("totals", (factor, columns), (), True, backward=True))
        self.nodes += [Node("element", (owner,), backward=True)] * len(rights)
        found = range(owner + 1, owner + 1 + len(rights))
        self.total_dots[factor] = dict(zip(right_factors, found, strict=True))
        self.at[made.start : made.stop] = found

    def matrix(self, every: int) -> tuple[Entries | None, int]:
        """Return the order that suits all of a vector of vectors, and the node of these in this order.

        There is none if two of them have equal nodes, or if one has entries of the backward pass.
        """
        if every not in self.matrices:
            rights, order = self.program.args[every], None
            orders = {self.order(right) for right in rights}
            if len(orders) == 1 and max(map(max, map(self.program.args.__getitem__, rights))) < self.forward:
                (order,) = orders
            columns = () if order is None else tuple([self.vector(right, order) for right in rights])
            same = len(set(columns)) < len(rights)
            self.matrices[every] = (None, NONE) if same else (order, self.written(columns, True))
        return self.matrices[every]

    def sum(self, terms: list[Term], backward: bool, i: int) -> int:
        """Return the node of a sum: products become dots, terms of one kind reductions, and the rest is added."""
        varying, level, ops, args = self.program.varying, self.level, self.program.ops, self.program.args
        if len(terms) == 1:  # the same as below, faster
            ((c, a, b, total),) = terms
            if b == NONE and a not in self.program.constants:
                return self.scaled([(c, self.totalled(self.at[a], total, backward))], varying[i], backward)
            if b != NONE and varying[a] != varying[b]:
                dot = self.dot([(b, a) if varying[a] else (a, b)], total, not total, backward)
                return self.scaled([(c, dot)], varying[i], backward)
        parts: list[tuple[float, int]] = []
        products: dict[tuple[bool, bool, bool, float], list[tuple[float, int, int]]] = defaultdict(list)
        plain: dict[tuple[bool, bool, str, int], list[tuple[float, int, bool]]] = defaultdict(list)
        numbers: list[float] = []
        for c, a, b, total in terms:
            if b != NONE:
                left, right = varying[a], varying[b]
                if left != right:
                    products[False, True, total, abs(c)].append((c, b, a) if left else (c, a, b))
                elif ops[a] != "vector":
                    products[left, right, total, abs(c)].append((c, *self.ordered(a, b)))
                elif total or len(args[a]) >= MANY:
                    products[left, right, total, abs(c)] += [(c, *pair) for pair in self.ordered_vectors(a, b)]
                else:
                    products[left, right, total, abs(c)] += [(c, *pair) for pair in map(self.ordered, args[a], args[b])]
            elif a in self.program.constants:
                numbers.append(c * self.program.constants[a])
            else:
                plain[total, varying[a], ops[a], level[a]].append((c, a, total))
        for (left, right, total, size), group in products.items():
            if not total and left == right and len(group) < MANY and all(ops[a] != "vector" for _, a, _ in group):
                parts += self.few(group, left, backward)
                continue
            for sign in (1, -1):
                same = [(a, b) for c, a, b in group if (c >= 0) == (sign > 0)]
                if same:
                    parts.append((sign * size, self.dot(same, total, not total and (left or right), backward)))
        for (total, varies, *_), several in plain.items():
            if len(several) >= MANY or (total and len(several) > 1):
                weights = sorted((self.at[a], self.const(c)) for c, a, _ in several)
                terms_at, coefs_at = zip(*weights)
                factors = self.written(coefs_at, False), self.written(terms_at, varies)
                parts.append((1.0, self.totalled(self.add("dot", factors, varies, backward), total, backward)))
            else:
                parts += [(c, self.totalled(self.at[a], total, backward)) for c, a, _ in several]
        if numbers:  # constants of inner sums come first
            parts.append((1.0, self.const(reduce(add, reversed(numbers)))))
        return self.scaled(parts, varying[i], backward)

    def scaled(self, parts: Sequence[tuple[float, int]], varying: bool, backward: bool) -> int:
        """Return the node of a sum of nodes times their coefficients."""
        merged = {a: c for c, a in parts}
        if len(merged) < len(parts):
            merged = dict.fromkeys(merged, 0.0)
            for c, a in parts:
                merged[a] += c
        if len(merged) == 1 and 1.0 in merged.values():
            return parts[0][1]
        operands, coefs = zip(*sorted(merged.items()))
        return self.add("sum", operands, varying, backward, coefs)

    def few(self, group: list[tuple[float, int, int]], varying: bool, backward: bool) -> list[tuple[float, int]]:
        """Return few products as elementwise terms; with a common factor f as the one term f·(a + b)."""
        bare = [self.bare(*product) for product in group] if len(group) > 1 else group
        common = set.intersection(*({a, b} for _, a, b in bare))
        if len(group) > 1 and common:
            factor = min(common)
            terms = sorted((self.at[b if a == factor else a], c) for c, a, b in bare)
            args, coefs = zip(*terms)
            varies = any(self.nodes[i].varying for i in args)
            inner = self.add("sum", args, varies, backward, coefs)
            return [(1.0, self.add("mul", (self.at[factor], inner), varying, backward))]
        return [(c, self.add("mul", (self.at[a], self.at[b]), varying, backward)) for c, a, b in group]

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
        if level[a] != level[b]:
            return (a, b) if level[a] < level[b] else (b, a)
        return (a, b) if (rank[a], a) <= (rank[b], b) else (b, a)

    def ordered_vectors(self, a: int, b: int) -> list[tuple[int, int]]:
        """Return two vectors in the order of their factors, or these pair by pair if their orders differ."""
        args = self.program.args
        pairs = [*map(self.ordered, args[a], args[b])]
        left, right = zip(*pairs)
        if left == args[a] and right == args[b]:
            return [(a, b)]
        return [(b, a)] if left == args[b] and right == args[a] else pairs

    def dot(self, pairs: Sequence[tuple[int, int]], total: bool, varies: bool, backward: bool) -> int:
        """Return the node of Σ left·right over pairs of entries or of vectors, in the order of the right nodes."""
        at, args = self.at, self.program.args
        ((left, right), *others) = pairs
        order = None if others or right not in self.program.vector_varies else self.order(right)
        if order is not None:
            factors = self.vector(left, order), self.vector(right, order)
        else:
            sides = [
                [at[a] for i in side for a in (args[i] if i in self.program.vector_varies else (i,))]
                for side in zip(*pairs)
            ]
            rights, lefts = zip(*sorted(zip(sides[1], sides[0])))
            factors = self.written(lefts, self.program.varying[left]), self.written(rights, self.program.varying[right])
        if total:
            return self.total_dot(*factors, backward)
        return self.add("dot", factors, varies, backward)

    def total_dot(self, left: int, right: int, backward: bool) -> int:
        """Return the node of a dot summed over the samples, or the element of "totals" that is the same."""
        known = self.total_dots[left]
        if right not in known:
            known[right] = self.append(Node("dot", (left, right), (), True, False, backward))
        return known[right]

    def order(self, vector: int) -> Entries | None:
        """Return the places of a vector's entries in the order of their nodes; None if two of these are equal."""
        if vector not in self.orders:
            places = [self.at[a] for a in self.program.args[vector]]
            order = tuple(sorted(range(len(places)), key=places.__getitem__))
            self.orders[vector] = order if len(set(places)) == len(places) else None
        return self.orders[vector]

    def vector(self, vector: int, order: Entries) -> int:
        """Return the node of a vector, with its entries in this order."""
        found = self.arranged.get((vector, order))
        if found is None:
            entries, at = self.program.args[vector], self.at
            nodes = tuple([at[entries[k]] for k in order])
            found = self.arranged[vector, order] = self.written(nodes, self.program.varying[vector])
        return found

    def written(self, nodes: Entries, varies: bool) -> int:
        return self.add("vector", nodes, varies, False)

    def totalled(self, node: int, total: bool, backward: bool) -> int:
        return self.add("total", (node,), False, backward) if total else node

    def const(self, x: float) -> int:
        """Return the node of a constant."""
        known = self.known["const"]
        if x not in known:
            known[x] = self.append(Node("const", key=x))
        return known[x]

    def add(self, op: str, args: Entries, varying: bool, backward: bool, coefs: tuple[float, ...] = ()) -> int:
        """Return the node of an operation; equal nodes of both passes are one."""
        known, same = self.known[op], (args, coefs) if coefs else args
        found = known.get(same)
        if found is None:
            found = known[same] = self.append(Node(op, args, coefs, False, varying, backward))
        return found

    def append(self, node: Node) -> int:
        """Return the index of a node that is new."""
        self.nodes.append(node)
        return len(self.nodes) - 1
