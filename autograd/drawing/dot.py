"""A graph as DOT text, the lectures' figure: values on the edges going forward, gradients under them coming back."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from itertools import accumulate, pairwise

from ..names import caller_names, complete_names, node_names
from ..value import Value
from .boxes import Arrow, Box
from .flow import check_digits, local_gradients, shown
from .summary import summary
from .view import View

__all__ = ["dot_text", "to_dot"]

# Told apart by shape as well as by colour, so that a print in grey or eyes that mix up colours lose nothing.
INK, PALE, GRADIENT, FORMULA, BLUE = "#1b1f24", "#6b7280", "#b3311d", "#2f5d8a", "#d6e6f5"
LOOKS = {
    "input": 'shape=box style="rounded,filled" fillcolor=white',
    "parameter": f'shape=box style=filled fillcolor="{BLUE}" penwidth=1.6',
    "constant": f'shape=plaintext fontcolor="{PALE}"',
    "gate": 'shape=circle style=filled fillcolor=white margin="0.03,0.03"',
    "fold": 'shape=box style="rounded,filled" fillcolor="#eceff3" penwidth=1.6 margin="0.16,0.1"',
    "root": 'shape=box style=filled fillcolor="#ffedb8" peripheries=2',
    "hub": "shape=ellipse",  # of a gate: as a circle it would be too large
    "elsewhere": f'label="…" shape=plaintext fontcolor="{PALE}"',
}
COPY = 'shape=box style="rounded,dashed,filled" fillcolor="{}"'
REPEATED = "a dashed box is a node again, beside more of its uses: what flows back into all of them adds up to its grad"
LONGEST = 40  # characters of a formula
HEAD = f"""\
digraph {{
\tgraph [fontcolor="{INK}" fontname="sans-serif" nodesep=0.22 rankdir=LR ranksep=0.45]
\tnode [color="{INK}" fontcolor="{INK}" fontname="sans-serif" fontsize=12 height=0.4]
\tedge [arrowsize=0.7 color="{PALE}" fontcolor="{INK}" fontname="sans-serif" fontsize=10]"""


def to_dot(root: Value, *, digits: int | None = 2, formulas: bool = False, names: bool = True) -> str:
    """Return the whole graph as DOT text, whatever its size; the same graph gives the same text.

    Boxes are leaves, circles gates; each edge carries the value that flows along it and, once `root.backward()` has
    run, the gradient that flows back. `draw` tells what the arguments mean; draw(root, level=...).source is the text of
    a part or of a folded graph.

    >>> x = Value(2.0, "x")
    >>> print(to_dot(x * x))  # doctest: +ELLIPSIS
    digraph {
    ...
    """
    known = caller_names(sys._getframe(1)) if names else {}
    return dot_text(View.whole(root), known, digits=digits, formulas=formulas)


def dot_text(view: View, known: Mapping[int, str], *, digits: int | None, formulas: bool = False) -> str:
    """Return a view as DOT text, with the names that the caller knows."""
    return "\n".join([HEAD, *_Writer(view, known, digits, formulas).lines(), "}", ""])


class _Writer:
    def __init__(self, view: View, known: Mapping[int, str], digits: int | None, formulas: bool) -> None:
        if digits is not None:
            check_digits(digits)
        self.view, self.flow, self.digits, self.formulas = view, view.flow, digits, formulas
        self.names = node_names(view.flow.order, known)
        if view.copies:  # the name tells which node a copy repeats, so each hub needs one of its own
            names = complete_names(view.flow.order, known)
            self.names |= {node: names[node] for hub in view.copies if hub.scope is None for node in hub.nodes}
        self.places = {box: f"n{i}" for i, box in enumerate(view.boxes)}
        for hub, copies in view.copies.items():
            self.places |= {copy: f"{self.places[hub]}_{i}" for i, copy in enumerate(copies, start=2)}
        self.straight = view.spine() if view.copies else set()
        self.slopes: dict[Value, Sequence[float | None]] = {}
        self.outputs: dict[Box, list[Value]] = {}  # of folds: the nodes whose values leave them
        self.leaving: dict[Box, list[Arrow]] = {}
        for arrow in (*view.arrows, *view.after.values()):
            self.leaving.setdefault(arrow.tail, []).append(arrow)
            if arrow.tail.scope is not None:
                self.outputs.setdefault(arrow.tail.original or arrow.tail, []).extend(arrow.sources)
        self.uses = dict(self.counted())
        for box in view.boxes:
            if box.scope is not None:
                leaving = [*self.outputs.get(box, []), *(node for node in box.nodes if node is self.flow.root)]
                self.outputs[box] = [*dict.fromkeys(leaving)]

    def lines(self) -> Iterator[str]:
        places = self.places
        if self.outputs:
            yield f"\tgraph [ranksep={min(0.9 + 0.1 * self.widest(), 4.0):.1f} splines=line mclimit=0.001]"
            yield "\tedge [headport=w tailport=e]"
        if self.view.copies:
            yield "\tgraph [labeljust=l]"  # these pictures are long, and read from the left
        if notes := [*self.view.notes, *[REPEATED] * bool(self.view.copies)]:
            yield f"\tgraph [fontsize=12 label={_label('; '.join(notes))}]"
        for box, place in places.items():
            bold = " penwidth=4" if self.view.focus in box.nodes and not box.original else ""
            yield f"\t{place} [{self.box(box)}{bold}]"
        yield from self.clusters()
        for arrow in self.view.arrows:
            yield f"\t{places[arrow.tail]} -> {places[arrow.head]}{self.drawn(arrow)}"
        for box, arrow in self.view.before.items():
            yield f"\t{places[box]}_before [{LOOKS['elsewhere']}]"
            yield f"\t{places[box]}_before -> {places[box]} [label={self.carried(arrow)} style=dashed]"
        for box, arrow in self.view.after.items():
            yield f"\t{places[box]}_after [{LOOKS['elsewhere']}]"
            yield f"\t{places[box]} -> {places[box]}_after [label={self.carried(arrow)} style=dashed]"
        root = self.flow.root
        for box, place in places.items():
            if root.inputs and root in box.nodes:
                yield f"\troot [label={_label(self.names[root] or 'output')} {LOOKS['root']}]"
                yield f"\t{place} -> root [label={self.flowing(root.data, self.flow.gradient(root))}]"

    def framed(self) -> dict[tuple[str, ...], list[Box]]:
        """The boxes in the frame of each scope; a fold stands in that of the scope around its own."""
        inside: dict[tuple[str, ...], list[Box]] = {}
        for box in self.places:
            if scope := self.home(box):
                inside.setdefault(tuple(scope.split("/")), []).append(box)
        return inside

    def clusters(self) -> Iterator[str]:
        """A frame around what a scope holds, frames within frames."""
        framed = self.framed()
        open_: tuple[str, ...] = ()
        for number, scope in enumerate([*sorted(framed), ()]):
            while open_ != scope[: len(open_)]:
                yield "\t" * len(open_) + "}"
                open_ = open_[:-1]
            for part in scope[len(open_) :]:
                open_ = (*open_, part)
                indent = "\t" * len(open_)
                yield f"{indent}subgraph cluster_{number}_{len(open_)} {{"
                yield f'{indent}\tgraph [color="{PALE}" fontsize=11 label={_label(part)} style=rounded]'
            boxes = framed.get(scope, [])
            if boxes:
                yield "\t" * (len(open_) + 1) + " ".join(self.places[box] for box in boxes)

    def box(self, box: Box) -> str:
        if box.original is not None:
            blue = box.scope is None and box.nodes[0].role == "parameter"
            return f"label={self.repeated(box, box.original)} {COPY.format(BLUE if blue else 'white')}"
        if box.scope is not None:
            return f"label={self.folded(box, box.scope)} {LOOKS['fold']}"
        (node,) = box.nodes
        name = self.names[node]
        if node.gate is not None:
            below = [name] if name and node is not self.flow.root else []
            looks = f"{LOOKS['gate']} {LOOKS['hub']}" if box in self.view.copies else LOOKS["gate"]
            return f"label={_label(node.gate.symbol, *below, *self.total(box))} {looks}"
        assert node.role is not None
        data = shown(node.data, self.digits)
        gradient = [] if node.role == "constant" or box in self.view.copies else [self.gradient(node)]
        looks = LOOKS[node.role] + " peripheries=2" * (node is self.flow.root)
        return f"label={_label(f'{name} = {data}' if name else data, *gradient, *self.total(box))} {looks}"

    def total(self, box: Box) -> list[str]:
        """The lines of a hub on its uses and on its gradient, which is the sum over them."""
        if box not in self.view.copies:
            return []
        (node,) = box.nodes
        return [self.uses[box]] if node.role == "constant" else [self.gradient(node), f"Σ over {self.uses[box]}"]

    def repeated(self, box: Box, hub: Box) -> str:
        """The label of a copy: its hub's name and value, and which of the uses it stands beside."""
        if hub.scope is not None:
            return _label(hub.scope.rpartition("/")[2], self.uses[box])
        (node,) = hub.nodes
        return _label(f"{self.names[node]} = {shown(node.data, self.digits)}", self.uses[box])

    def counted(self) -> Iterator[tuple[Box, str]]:
        """For each hub how many inputs of gates use it, and for each copy which of these."""
        for hub, copies in self.view.copies.items():
            ends = [*accumulate(sum(len(arrow.edges) for arrow in self.leaving[part]) for part in (hub, *copies))]
            yield hub, f"{ends[-1]:,} uses"
            for copy, (before, last) in zip(copies, pairwise(ends), strict=True):
                which = f"use {last:,}" if before + 1 == last else f"uses {before + 1:,}–{last:,}"
                yield copy, f"{which} of {ends[-1]:,}"

    def folded(self, box: Box, scope: str) -> str:
        outputs = self.outputs[box]
        parameters = sum(node.role == "parameter" for node in box.nodes)
        count = f"{parameters:,} parameter{'s' * (parameters != 1)}" if parameters else None
        lines = [f"<b>{_typed(scope.rpartition('/')[2])}</b>", *map(_typed, summary(box.nodes, outputs))]
        gradient = None
        if len(outputs) == 1:
            lines.append(f"= {shown(outputs[0].data, self.digits)}")
            gradient = self.gradient(outputs[0])
        return f"<{'<br/>'.join(lines)}{_small(gradient)}{_small(count)}{_small(self.uses.get(box))}>"

    def gradient(self, node: Value) -> str:
        gradient = self.flow.gradient(node)
        if gradient is None:
            return "grad not computed"
        share = self.flow.share(node)
        passes = "" if share is None else f" ({shown(share, self.digits)} by this pass)"
        return f"grad {shown(gradient, self.digits)}{passes}"

    def drawn(self, arrow: Arrow) -> str:
        """An arrow's attributes. In a folded picture it is bare where its tail says already what it carries."""
        attributes = []
        tail = arrow.tail.original or arrow.tail
        told = len(self.outputs.get(tail, tail.nodes)) == 1 and (tail.scope or tail.nodes[0].role)
        if not (self.outputs and told) or tail in self.view.copies:
            attributes.append(f"label={self.carried(arrow)}")
        if not self.outputs and arrow.tail.nodes[0].inputs and self.home(arrow.tail) != self.home(arrow.head):
            attributes.append("minlen=2")  # so that frames stand apart
        if arrow in self.straight:
            attributes.append("weight=10")
        return f" [{' '.join(attributes)}]" if attributes else ""

    def widest(self) -> int:
        """How many boxes stand in one frame at most."""
        return max((len(boxes) for boxes in self.framed().values()), default=1)

    def home(self, box: Box) -> str | None:
        """The scope in whose frame a box stands; a copy stands in that of its uses."""
        if box.original is not None:
            homes = {self.home(arrow.head) for arrow in self.leaving[box]}
            return homes.pop() if len(homes) == 1 else None
        return self.view.home[box.nodes[0]] if box.scope is None else box.scope.rpartition("/")[0] or None

    def carried(self, arrow: Arrow) -> str:
        """What an arrow carries: a value, and the gradient that comes back; of several, their number and their norm."""
        back: dict[Value, float | None] = {}
        for gate, place in arrow.edges:
            source, downstream = gate.inputs[place], self.downstream(gate, place)
            so_far = back.get(source)
            back[source] = downstream if so_far is None else so_far + (downstream or 0.0)
        if len(back) == 1:
            ((source, gradient),) = back.items()
            formula = self.formula(*arrow.edges[0]) if self.formulas and len(arrow.edges) == 1 else None
            return self.flowing(source.data, gradient, formula)
        gradients = [gradient for gradient in back.values() if gradient is not None]
        norm = f"‖grad‖ {shown(math.hypot(*gradients), self.digits)}" if gradients else None
        return _edge(f"{len(back):,} values", norm)

    def downstream(self, gate: Value, place: int) -> float | None:
        if self.flow.upstream is None:
            return None
        if gate not in self.slopes:
            self.slopes[gate] = local_gradients(gate)
        slope = self.slopes[gate][place]
        return None if slope is None else self.flow.upstream[gate] * slope

    def formula(self, node: Value, place: int) -> str | None:
        """A local gradient as the gate's row writes it, in the names of the inputs where these have some."""
        gate, inputs = node.gate, node.inputs
        assert gate is not None
        if inputs[place].role == "constant":
            return None
        own = gate.names if not gate.variadic else [f"x{i}" for i in range(1, len(inputs) + 1)]
        operands = [
            x.data if x.role == "constant" else self.names[x] or name for x, name in zip(inputs, own, strict=True)
        ]
        formulas = gate.formulas(operands, self.names[node] or "out")
        return f"× {formulas[place]}" if formulas and len(formulas[place]) <= LONGEST else None

    def flowing(self, data: float, gradient: float | None, formula: str | None = None) -> str:
        back = None if gradient is None else shown(gradient, self.digits)
        return _edge(shown(data, self.digits), back, formula)


def _edge(forward: str, back: str | None, formula: str | None = None) -> str:
    below = "" if back is None else f'<br/><font color="{GRADIENT}">{back}</font>'
    local = "" if formula is None else f'<br/><font color="{FORMULA}"><i>{_typed(formula)}</i></font>'
    return f"<{forward}{below}{local}>"


def _label(first: str, *below: str) -> str:
    """Return an HTML-like label of a line, and smaller ones below it, that shows any text as it was typed."""
    return f"<{_typed(first)}{''.join(map(_small, below))}>"


def _small(text: str | None) -> str:
    return f'<br/><font point-size="10">{_typed(text)}</font>' if text else ""


def _typed(text: str) -> str:
    visible = "".join(c if c.isprintable() or c == "\n" else "�" for c in text)
    # Graphviz reads backslashes twice, the second time behind the entities of an HTML-like label.
    return "<br/>".join(escape(line, quote=False).replace("\\", "&#92;" * 2) for line in visible.split("\n"))
