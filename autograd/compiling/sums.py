"""Sums of products: chains of additions in the scalar program become single nodes, so that a neuron is one node.

A sum of two or more products becomes a dot of two vectors; a sum of many terms of one kind a dot with constants; a chain
of maxima one max. All other operations are elementwise. A dot with `total` also sums over the samples of a batch.

Entries are those of the scalar program. Each vector of entries is written as a vector of nodes for each order of its
factors that a dot needs, so that dots of the same vectors in any order share them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import reduce
from itertools import repeat
from operator import add
from typing import Any, NamedTuple

from .scalars import Entries, Program, is_normal

__all__ = ["Indices", "Node", "Nodes", "gather"]

MANY = 3  # minimum number of terms of one kind for a reduction; fewer are added one by one
REDUCTIONS = {"maximum": "max", "minimum": "min"}  # operations of two operands, and of many

Indices = tuple[int, ...]  # of nodes, or of places in a vector


class Node(NamedTuple):
    """An operation on other nodes, which are given by their indices in the list of nodes.

    op: a leaf ("const", "param", "input", "seed"), "vector", "sum" (Σ coefs·args), "dot" (Σ left·right of two vectors),
    "totals" (the dots of a vector with each column of a vector of columns, whose numbers are the next nodes, "element"),
    "max" or "min" of many, or an elementwise operation of the scalar program
    total: whether a dot is summed over the samples, as totals always are
    """

    op: str
    args: Indices = ()
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


# A coefficient times left·right, two entries or two vectors of entries that all vary or all do not; or times one entry if
# the right one is NONE; and whether it is summed over the batch.
Term = tuple[float, int, int, bool]
NONE = -1
Plan = list[Term] | Entries  # how an entry is written: as a sum of terms, or as its operation on its operands
Part = tuple[float, int]  # a coefficient and a node, a part of a sum


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
        for i in self.roots:
            uses[i] += 1
        for i in reversed(self.entries):
            if uses[i]:  # entries without users are skipped
                for a in args[i]:
                    uses[a] += 1
        # For `sides`: the number of operations before an entry, and the index of a parameter, or -1 for none. A vector has
        # the lowest index of its entries, a dot that of its left vector, and any other operation the highest.
        self.level = level = [0] * len(ops)
        self.rank = rank = [-1] * len(ops)
        rank[program.parameters.start : program.parameters.stop] = range(len(program.parameters))
        level_of, rank_of = level.__getitem__, rank.__getitem__
        for i in self.entries:
            if args[i] and uses[i]:
                level[i] = max(map(level_of, args[i])) + (ops[i] != "vector")
                best = min if ops[i] == "vector" else max
                rank[i] = rank[args[i][0]] if ops[i] == "dot" else best(map(rank_of, args[i]))
        self.nodes: list[Node] = []
        self.at = [-1] * len(ops)  # entry -> its node, if it has one
        self.known: defaultdict[str, dict[Any, int]] = defaultdict(dict)  # operation -> operands -> node
        self.known_total_dots: dict[int, dict[int, int]] = defaultdict(dict)  # left vector -> right vector -> node
        self.known_orders: dict[int, Indices | None] = {}  # as `order_of` returns them
        self.known_vectors: dict[tuple[int, Indices], int] = {}  # entry of a vector, order -> node
        self.known_columns: dict[int, tuple[Indices | None, int]] = {}  # as `columns_node` returns them

    def run(self, n_outputs: int) -> Nodes:
        plans = self.plans()
        self.write_parameters()
        for i in self.entries:  # operands first
            plan = plans[i]
            if plan is not None:
                self.write(i, plan)
                plans[i] = None  # frees the terms while the nodes grow
        places = [self.at[i] for i in self.outputs]
        needed = bytearray(len(self.nodes))
        for k in places:
            needed[k] = 1
        for k in range(len(needed) - 1, -1, -1):
            if needed[k]:
                for a in self.nodes[k].args:
                    needed[a] = 1
        return Nodes(self.nodes, needed, places[:n_outputs], places[n_outputs:])

    # Plans

    def plans(self) -> list[Plan | None]:
        """Return the plan of each entry that needs a node, and None for those that are only parts of sums."""
        plans: list[Plan | None] = [None] * len(self.at)
        for i in self.roots:
            plans[i] = ()
        for i in reversed(self.entries):
            if plans[i] is not None and self.program.args[i]:
                plan = plans[i] = self.plan(i)
                if isinstance(plan, list):
                    for _, left, right, _ in plan:
                        plans[left] = ()
                        if right != NONE:
                            plans[right] = ()
                else:
                    for a in plan:
                        plans[a] = ()
        return plans

    def plan(self, i: int) -> Plan:
        """Return the terms of an entry that is a sum, or the operands of any other."""
        op, args = self.program.ops[i], self.program.args[i]
        if not args or (op == "total" and len(args) == 2):
            return args
        if op == "mul" and self.is_elementwise(*args):
            return self.sides(*args)
        if op in ("add", "mul", "dot", "total"):
            return self.terms(i)
        return self.chain(i) if op in REDUCTIONS else args

    def is_elementwise(self, a: int, b: int) -> bool:
        """Tell whether a product is not a term of a dot, and its factors have no constant to move out."""
        varying, ops = self.program.varying, self.program.ops
        if varying[a] and varying[b]:
            return True
        return varying[a] == varying[b] and a not in self.program.constants and "mul" not in (ops[a], ops[b])

    def chain(self, i: int) -> Entries:
        """Return the operands of a chain of maxima or minima; those of the entry alone if the chain is short."""
        ops, args = self.program.ops, self.program.args
        found: list[int] = []
        stack = [i]
        while stack:
            t = stack.pop()
            if ops[t] == ops[i] and (t == i or self.uses[t] == 1):
                stack += reversed(args[t])
            else:
                found.append(t)
        return tuple(found) if len(found) >= MANY else args[i]

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
                    found += [self.product(c, a, b, total) for a, b in zip(lefts, program.args[args[1]])]
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
                found.append(self.product(c, args[0], args[1], total))
            else:
                found.append((c, t, NONE, total))
        return found

    def one_varies(self, args: Entries) -> bool:
        """Tell whether exactly one factor varies: such a product is a term of a dot, so computing it twice is cheap."""
        return self.program.varying[args[0]] != self.program.varying[args[1]]

    def product(self, c: float, a: int, b: int, total: bool) -> Term:
        """Return a product as a term, the constant moved out of its steady factor: (−w)·x is −1 times w·x."""
        program, factors = self.program, []
        for f in (a, b):
            if program.ops[f] == "mul" and not program.varying[f]:
                c, f = self.unscaled(c, f)
            factors.append(f)
        return c, factors[0], factors[1], total

    def unscaled(self, c: float, f: int) -> tuple[float, int]:
        """Return c·f, where f is a product k·x, as (c·k)·x if k is a constant and c·k a normal float; otherwise as it is."""
        factor, other = self.program.args[f]
        scaled = c * self.program.constants.get(factor, 0.0)
        return (scaled, other) if is_normal(scaled) else (c, f)

    # Nodes of entries

    def write_parameters(self) -> None:
        """Write the nodes of all parameters at once."""
        entries = self.program.parameters
        self.at[entries.start : entries.stop] = range(len(entries))
        none, no = repeat(()), repeat(False)
        self.nodes += map(Node, repeat("param"), none, none, no, no, no, range(len(entries)))

    def write(self, i: int, plan: Plan) -> None:
        """Write the node of an entry. Those of vectors are written when something reads them, in the order it needs."""
        op = self.program.ops[i]
        if op == "totals":
            self.write_totals(i)
        elif op != "vector":
            self.at[i] = self.node(i, op, plan)

    def node(self, i: int, op: str, plan: Plan) -> int:
        """Return the node of an entry."""
        program, backward = self.program, i >= self.forward
        if not plan:
            if op == "const":
                return self.const_node(program.key[i])
            return self.append(Node(op, varying=program.varying[i], key=program.key[i]))
        if isinstance(plan, list):
            return self.sum_node(plan, backward, i)
        if op == "total" and len(plan) == 2:  # the form of most gradients of single parameters
            return self.dot_node([self.sides(*plan)], True, False, backward)
        name = REDUCTIONS.get(op, op) if len(plan) >= MANY else op
        return self.intern(name, tuple([self.at[a] for a in plan]), program.varying[i], backward)

    def write_totals(self, i: int) -> None:
        """Write the nodes of the elements of totals.

        They are elements of one node if the left vector comes from the backward pass, the columns from the forward pass, and
        one order suits all columns; otherwise each is a dot.
        """
        left, columns = self.program.args[i]
        rights = self.program.args[columns]
        elements = range(i + 1, i + 1 + len(rights))
        order, columns_node = self.columns_node(columns)
        if order is None or min(self.program.args[left]) < self.forward:
            for k, right in zip(elements, rights, strict=True):
                self.at[k] = self.sum_node([(1.0, left, right, True)], True, k)
            return
        left_node, right_nodes = self.vector_node(left, order), self.nodes[columns_node].args
        known = self.known_total_dots[left_node]
        if known:
            found: Iterable[int] = [self.total_dot_node(left_node, right, True) for right in right_nodes]
        else:
            owner = self.append(Node("totals", (left_node, columns_node), total=True, backward=True))
            self.nodes += [Node("element", (owner,), backward=True)] * len(rights)
            found = range(owner + 1, owner + 1 + len(rights))
            known.update(zip(right_nodes, found, strict=True))
        self.at[elements.start : elements.stop] = found

    # Sums

    def sum_node(self, terms: list[Term], backward: bool, i: int) -> int:
        """Return the node of a sum: products become dots, terms of one kind reductions, and the rest is added."""
        varying, level, ops, args = self.program.varying, self.level, self.program.ops, self.program.args
        if len(terms) == 1:  # the same as below, faster
            ((c, a, b, total),) = terms
            if b == NONE and a not in self.program.constants:
                return self.weighted_sum_node([(c, self.total_node(self.at[a], total, backward))], varying[i], backward)
            if b != NONE and varying[a] != varying[b]:
                dot = self.dot_node([(b, a) if varying[a] else (a, b)], total, not total, backward)
                return self.weighted_sum_node([(c, dot)], varying[i], backward)
        products: dict[tuple[bool, bool, bool, float], list[tuple[float, int, int]]] = defaultdict(list)
        singles: dict[tuple[bool, bool, str, int], list[tuple[float, int]]] = defaultdict(list)
        numbers: list[float] = []
        for c, a, b, total in terms:
            if b != NONE:
                left_varies, right_varies = varying[a], varying[b]
                if left_varies != right_varies:
                    products[False, True, total, abs(c)].append((c, b, a) if left_varies else (c, a, b))
                    continue
                group = products[left_varies, right_varies, total, abs(c)]
                if ops[a] != "vector":
                    group.append((c, *self.sides(a, b)))
                elif total or len(args[a]) >= MANY:
                    group += [(c, *pair) for pair in self.vector_sides(a, b)]
                else:
                    group += [(c, *pair) for pair in map(self.sides, args[a], args[b])]
            elif a in self.program.constants:
                numbers.append(c * self.program.constants[a])
            else:
                singles[total, varying[a], ops[a], level[a]].append((c, a))
        parts: list[Part] = []
        for (left_varies, right_varies, total, size), group in products.items():
            alike = left_varies == right_varies
            if alike and not total and len(group) < MANY and all(ops[a] != "vector" for _, a, _ in group):
                parts += self.elementwise_parts(group, left_varies, backward)
            else:
                parts += self.dot_parts(group, size, total, not total and (left_varies or right_varies), backward)
        for (total, varies, *_), several in singles.items():
            parts += self.single_parts(several, total, varies, backward)
        if numbers:  # constants of inner sums come first
            parts.append((1.0, self.const_node(reduce(add, reversed(numbers)))))
        return self.weighted_sum_node(parts, varying[i], backward)

    def dot_parts(
        self, products: list[tuple[float, int, int]], size: float, total: bool, varies: bool, backward: bool
    ) -> list[Part]:
        """Return products whose coefficients are size or −size as two dots at most."""
        parts: list[Part] = []
        for sign in (1, -1):
            pairs = [(a, b) for c, a, b in products if (c >= 0) == (sign > 0)]
            if pairs:
                parts.append((sign * size, self.dot_node(pairs, total, varies, backward)))
        return parts

    def single_parts(self, terms: list[tuple[float, int]], total: bool, varies: bool, backward: bool) -> list[Part]:
        """Return terms of one kind that are single nodes: as a dot with their coefficients if they are many, or summed over
        the samples.
        """
        if len(terms) >= MANY or (total and len(terms) > 1):
            nodes, coefs = zip(*sorted((self.at[a], self.const_node(c)) for c, a in terms))
            sides = self.vector_of(coefs, False), self.vector_of(nodes, varies)
            return [(1.0, self.total_node(self.intern("dot", sides, varies, backward), total, backward))]
        return [(c, self.total_node(self.at[a], total, backward)) for c, a in terms]

    def elementwise_parts(self, group: list[tuple[float, int, int]], varying: bool, backward: bool) -> list[Part]:
        """Return few products as elementwise terms; with a common factor f as the one term f·(a + b)."""
        bare = [self.bare(*product) for product in group] if len(group) > 1 else group
        common = set.intersection(*({a, b} for _, a, b in bare))
        if len(group) > 1 and common:
            factor = min(common)
            args, coefs = zip(*sorted((self.at[b if a == factor else a], c) for c, a, b in bare))
            varies = any(self.nodes[k].varying for k in args)
            inner = self.intern("sum", args, varies, backward, coefs)
            return [(1.0, self.intern("mul", (self.at[factor], inner), varying, backward))]
        return [(c, self.intern("mul", (self.at[a], self.at[b]), varying, backward)) for c, a, b in group]

    def bare(self, c: float, a: int, b: int) -> tuple[float, int, int]:
        """Return a product with constants moved out of its factors, where the remaining factor has a node anyway."""
        program, factors = self.program, []
        for f in (a, b):
            if program.ops[f] == "mul" and self.at[program.args[f][1]] >= 0:
                c, f = self.unscaled(c, f)
            factors.append(f)
        return c, factors[0], factors[1]

    def weighted_sum_node(self, parts: Sequence[Part], varying: bool, backward: bool) -> int:
        """Return the node of a sum of nodes times their coefficients."""
        merged = {a: c for c, a in parts}
        if len(merged) < len(parts):
            merged = dict.fromkeys(merged, 0.0)
            for c, a in parts:
                merged[a] += c
        if len(merged) == 1 and 1.0 in merged.values():
            return parts[0][1]
        args, coefs = zip(*sorted(merged.items()))
        return self.intern("sum", args, varying, backward, coefs)

    # Sides: the factors of products, of which both vary or neither does

    def sides(self, a: int, b: int) -> tuple[int, int]:
        """Return two factors as the left one and the right one, so that all products of two layers are alike.

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

    def vector_sides(self, a: int, b: int) -> list[tuple[int, int]]:
        """Return two vectors as the left one and the right one, or their factors pair by pair if the sides of these differ."""
        args = self.program.args
        pairs = [*map(self.sides, args[a], args[b])]
        left, right = zip(*pairs)
        if left == args[a] and right == args[b]:
            return [(a, b)]
        return [(b, a)] if left == args[b] and right == args[a] else pairs

    # Dots and vectors

    def dot_node(self, pairs: Sequence[tuple[int, int]], total: bool, varies: bool, backward: bool) -> int:
        """Return the node of Σ left·right over pairs of entries or of vectors, in the order of the right nodes."""
        ((left, right), *others) = pairs
        order = None if others or self.program.ops[right] != "vector" else self.order_of(right)
        if order is not None:
            left_node, right_node = self.vector_node(left, order), self.vector_node(right, order)
        else:
            lefts, rights = map(self.factors, zip(*pairs))
            rights, lefts = zip(*sorted(zip(rights, lefts)))
            varying = self.program.varying
            left_node, right_node = self.vector_of(lefts, varying[left]), self.vector_of(rights, varying[right])
        if total:
            return self.total_dot_node(left_node, right_node, backward)
        return self.intern("dot", (left_node, right_node), varies, backward)

    def factors(self, side: Entries) -> Indices:
        """Return the nodes of the entries on one side of a dot, and of the entries of the vectors on it."""
        at, ops, args = self.at, self.program.ops, self.program.args
        return tuple([at[a] for i in side for a in (args[i] if ops[i] == "vector" else (i,))])

    def total_dot_node(self, left: int, right: int, backward: bool) -> int:
        """Return the node of a dot of two nodes summed over the samples, or the element of totals that is the same."""
        known = self.known_total_dots[left]
        if right not in known:
            known[right] = self.append(Node("dot", (left, right), total=True, backward=backward))
        return known[right]

    def order_of(self, vector: int) -> Indices | None:
        """Return the places of a vector's entries in the order of their nodes; None if two of these are equal."""
        if vector not in self.known_orders:
            nodes = [self.at[a] for a in self.program.args[vector]]
            order = tuple(sorted(range(len(nodes)), key=nodes.__getitem__))
            self.known_orders[vector] = order if len(set(nodes)) == len(nodes) else None
        return self.known_orders[vector]

    def vector_node(self, vector: int, order: Indices) -> int:
        """Return the node of an entry that is a vector, with its factors in this order."""
        found = self.known_vectors.get((vector, order))
        if found is None:
            entries, at = self.program.args[vector], self.at
            nodes = tuple([at[entries[k]] for k in order])
            found = self.known_vectors[vector, order] = self.vector_of(nodes, self.program.varying[vector])
        return found

    def columns_node(self, columns: int) -> tuple[Indices | None, int]:
        """Return the order that suits all of a vector of columns, and the node of these in this order.

        There is none if two columns have equal nodes, or if one has entries of the backward pass.
        """
        if columns not in self.known_columns:
            vectors, args = self.program.args[columns], self.program.args
            orders = {self.order_of(vector) for vector in vectors}
            order = orders.pop() if len(orders) == 1 and max(max(args[v]) for v in vectors) < self.forward else None
            nodes = () if order is None else tuple([self.vector_node(vector, order) for vector in vectors])
            different = order is not None and len(set(nodes)) == len(vectors)
            self.known_columns[columns] = (order, self.vector_of(nodes, True)) if different else (None, NONE)
        return self.known_columns[columns]

    # Nodes

    def vector_of(self, nodes: Indices, varies: bool) -> int:
        """Return the node of a vector of nodes."""
        return self.intern("vector", nodes, varies, False)

    def total_node(self, node: int, total: bool, backward: bool) -> int:
        """Return the node of another one's sum over the samples, or that node itself if it is not summed."""
        return self.intern("total", (node,), False, backward) if total else node

    def const_node(self, x: float) -> int:
        """Return the node of a constant."""
        known = self.known["const"]
        if x not in known:
            known[x] = self.append(Node("const", key=x))
        return known[x]

    def intern(self, op: str, args: Indices, varying: bool, backward: bool, coefs: tuple[float, ...] = ()) -> int:
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
