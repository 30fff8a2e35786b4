"""Write a graph as DOT text: each edge is labelled with its value and, below it, its gradient."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from itertools import accumulate, pairwise

from ..names import caller_names, complete_names, node_names
from ..value import Value
from .boxes import Arrow, Box
from .flow import check_digits, format_number, local_gradients
from .summary import summary
from .view import View

__all__ = ["dot_text", "to_dot"]

# Roles differ in shape as well as colour, for grey prints and colour-blind readers.
INK, PALE, GRADIENT, FORMULA, BLUE = "#1b1f24", "#6b7280", "#b3311d", "#2f5d8a", "#d6e6f5"
LOOKS = {
    "input": 'shape=box style="rounded,filled" fillcolor=white',
    "parameter": f'shape=box style=filled fillcolor="{BLUE}" penwidth=1.6',
    "constant": f'shape=plaintext fontcolor="{PALE}"',
    "gate": 'shape=circle style=filled fillcolor=white margin="0.03,0.03"',
    "fold": 'shape=box style="rounded,filled" fillcolor="#eceff3" penwidth=1.6 margin="0.16,0.1"',
    "root": 'shape=box style=filled fillcolor="#ffedb8" peripheries=2',
    "hub": "shape=ellipse",  # of a gate; with its longer label a circle would be too large
    "elsewhere": f'label="…" shape=plaintext fontcolor="{PALE}"',
}
COPY = 'shape=box style="rounded,dashed,filled" fillcolor="{}"'
REPEATED = "a dashed box repeats a node beside more of its uses; its grad is the sum over all of them"
LONGEST = 40  # characters of a formula
HEAD = f"""\
digraph {{
\tgraph [fontcolor="{INK}" fontname="sans-serif" nodesep=0.22 rankdir=LR ranksep=0.45]
\tnode [color="{INK}" fontcolor="{INK}" fontname="sans-serif" fontsize=12 height=0.4]
\tedge [arrowsize=0.7 color="{PALE}" fontcolor="{INK}" fontname="sans-serif" fontsize=10]"""


def to_dot(root: Value, *, digits: int | None = 2, formulas: bool = False, names: bool = True) -> str:
    """Return the whole graph as DOT text, for any size; the text is deterministic.

    Boxes are leaves and circles are gates. Each edge shows its value and, after `root.backward()`, its gradient. The
    arguments are those of `draw`; for the text of a part or of a folded graph, use draw(root, level=...).source.

    >>> x = Value(2.0, "x")
    >>> print(to_dot(x * x))  # doctest: +ELLIPSIS
    digraph {
    ...
    """
    known = caller_names(sys._getframe(1)) if names else {}
    return dot_text(View.whole(root), known, digits=digits, formulas=formulas)


def dot_text(view: View, known: Mapping[int, str], *, digits: int | None, formulas: bool = False) -> str:
    """Return a view as DOT text; `known` maps ids of nodes to the caller's variables."""
    return "\n".join([HEAD, *_Writer(view, known, digits, formulas).lines(), "}", ""])


class _Writer:
    def __init__(self, view: View, known: Mapping[int, str], digits: int | None, formulas: bool) -> None:
        if digits is not None:
            check_digits(digits)
        self.view, self.flow, self.digits, self.formulas = view, view.flow, digits, formulas
        self.names = node_names(view.flow.order, known)
        if view.copies:  # a copy refers to its hub by name, so each hub needs a unique one
            names = complete_names(view.flow.order, known)
            self.names |= {node: names[node] for hub in view.copies if hub.scope is None for node in hub.nodes}
        self.places = {box: f"n{i}" for i, box in enumerate(view.boxes)}
        for hub, copies in view.copies.items():
            self.places |= {copy: f"{self.places[hub]}_{i}" for i, copy in enumerate(copies, start=2)}
        self.straight = view.spine() if view.copies else set()
        self.slopes: dict[Value, Sequence[float | None]] = {}
        self.outputs: dict[Box, list[Value]] = {}  # of folds: the nodes that are used outside
        self.leaving: dict[Box, list[Arrow]] = {}
        for arrow in (*view.arrows, *view.after.values()):
            self.leaving.setdefault(arrow.tail, []).append(arrow)
            if arrow.tail.scope is not None:
                self.outputs.setdefault(arrow.tail.original or arrow.tail, []).extend(arrow.sources)
        self.uses = dict(self.use_texts())
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
            yield "\tgraph [labeljust=l]"  # these pictures are wide; keep the label in view
        if notes := [*self.view.notes, *[REPEATED] * bool(self.view.copies)]:
            yield f"\tgraph [fontsize=12 label={_label('; '.join(notes))}]"
        for box, place in places.items():
            bold = " penwidth=4" if self.view.focus in box.nodes and not box.original else ""
            yield f"\t{place} [{self.box(box)}{bold}]"
        yield from self.clusters()
        for arrow in self.view.arrows:
            yield f"\t{places[arrow.tail]} -> {places[arrow.head]}{self.arrow_attributes(arrow)}"
        for box, arrow in self.view.before.items():
            yield f"\t{places[box]}_before [{LOOKS['elsewhere']}]"
            yield f"\t{places[box]}_before -> {places[box]} [label={self.arrow_label(arrow)} style=dashed]"
        for box, arrow in self.view.after.items():
            yield f"\t{places[box]}_after [{LOOKS['elsewhere']}]"
            yield f"\t{places[box]} -> {places[box]}_after [label={self.arrow_label(arrow)} style=dashed]"
        root = self.flow.root
        for box, place in places.items():
            if root.inputs and root in box.nodes:
                yield f"\troot [label={_label(self.names[root] or 'output')} {LOOKS['root']}]"
                yield f"\t{place} -> root [label={self.edge_label(root.data, self.flow.gradient(root))}]"

    def boxes_by_scope(self) -> dict[tuple[str, ...], list[Box]]:
        """The boxes in the frame of each scope; a fold is in the frame of the enclosing scope."""
        inside: dict[tuple[str, ...], list[Box]] = {}
        for box in self.places:
            if scope := self.frame_of(box):
                inside.setdefault(tuple(scope.split("/")), []).append(box)
        return inside

    def clusters(self) -> Iterator[str]:
        """The nested frames of the scopes, as subgraphs."""
        framed = self.boxes_by_scope()
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
            return f"label={self.copy_label(box, box.original)} {COPY.format(BLUE if blue else 'white')}"
        if box.scope is not None:
            return f"label={self.fold_label(box, box.scope)} {LOOKS['fold']}"
        (node,) = box.nodes
        name = self.names[node]
        if node.gate is not None:
            below = [name] if name and node is not self.flow.root else []
            looks = f"{LOOKS['gate']} {LOOKS['hub']}" if box in self.view.copies else LOOKS["gate"]
            return f"label={_label(node.gate.symbol, *below, *self.hub_lines(box))} {looks}"
        assert node.role is not None
        data = format_number(node.data, self.digits)
        gradient = [] if node.role == "constant" or box in self.view.copies else [self.gradient(node)]
        looks = LOOKS[node.role] + " peripheries=2" * (node is self.flow.root)
        return f"label={_label(f'{name} = {data}' if name else data, *gradient, *self.hub_lines(box))} {looks}"

    def hub_lines(self, box: Box) -> list[str]:
        """The lines of a hub's label on its number of uses and its total gradient."""
        if box not in self.view.copies:
            return []
        (node,) = box.nodes
        return [self.uses[box]] if node.role == "constant" else [self.gradient(node), f"Σ over {self.uses[box]}"]

    def copy_label(self, box: Box, hub: Box) -> str:
        """The label of a copy: the name and value of its hub, and the uses that it is drawn beside."""
        if hub.scope is not None:
            return _label(hub.scope.rpartition("/")[2], self.uses[box])
        (node,) = hub.nodes
        return _label(f"{self.names[node]} = {format_number(node.data, self.digits)}", self.uses[box])

    def use_texts(self) -> Iterator[tuple[Box, str]]:
        """Yield the label line on uses: for each hub their number, for each copy their range."""
        for hub, copies in self.view.copies.items():
            ends = [*accumulate(sum(len(arrow.edges) for arrow in self.leaving[part]) for part in (hub, *copies))]
            yield hub, f"{ends[-1]:,} uses"
            for copy, (before, last) in zip(copies, pairwise(ends), strict=True):
                which = f"use {last:,}" if before + 1 == last else f"uses {before + 1:,}–{last:,}"
                yield copy, f"{which} of {ends[-1]:,}"

    def fold_label(self, box: Box, scope: str) -> str:
        outputs = self.outputs[box]
        parameters = sum(node.role == "parameter" for node in box.nodes)
        count = f"{parameters:,} parameter{'s' * (parameters != 1)}" if parameters else None
        lines = [f"<b>{_escaped(scope.rpartition('/')[2])}</b>", *map(_escaped, summary(box.nodes, outputs))]
        gradient = None
        if len(outputs) == 1:
            lines.append(f"= {format_number(outputs[0].data, self.digits)}")
            gradient = self.gradient(outputs[0])
        return f"<{'<br/>'.join(lines)}{_small(gradient)}{_small(count)}{_small(self.uses.get(box))}>"

    def gradient(self, node: Value) -> str:
        gradient = self.flow.gradient(node)
        if gradient is None:
            return "grad not computed"
        share = self.flow.share(node)
        passes = "" if share is None else f" ({format_number(share, self.digits)} by this pass)"
        return f"grad {format_number(gradient, self.digits)}{passes}"

    def arrow_attributes(self, arrow: Arrow) -> str:
        """An arrow's attributes. In a folded picture it has no label if the box at its tail shows the same numbers."""
        attributes = []
        tail = arrow.tail.original or arrow.tail
        tail_shows_it = len(self.outputs.get(tail, tail.nodes)) == 1 and (tail.scope or tail.nodes[0].role)
        if not (self.outputs and tail_shows_it) or tail in self.view.copies:
            attributes.append(f"label={self.arrow_label(arrow)}")
        if not self.outputs and arrow.tail.nodes[0].inputs and self.frame_of(arrow.tail) != self.frame_of(arrow.head):
            attributes.append("minlen=2")  # separates the frames
        if arrow in self.straight:
            attributes.append("weight=10")
        return f" [{' '.join(attributes)}]" if attributes else ""

    def widest(self) -> int:
        """The largest number of boxes in one frame."""
        return max((len(boxes) for boxes in self.boxes_by_scope().values()), default=1)

    def frame_of(self, box: Box) -> str | None:
        """The scope in whose frame a box is drawn; a copy is drawn in the frame of its uses."""
        if box.original is not None:
            homes = {self.frame_of(arrow.head) for arrow in self.leaving[box]}
            return homes.pop() if len(homes) == 1 else None
        return self.view.home[box.nodes[0]] if box.scope is None else box.scope.rpartition("/")[0] or None

    def arrow_label(self, arrow: Arrow) -> str:
        """The label of an arrow: its value and gradient, or the number of values and the norm of their gradients."""
        back: dict[Value, float | None] = {}
        for gate, place in arrow.edges:
            source, downstream = gate.inputs[place], self.downstream(gate, place)
            so_far = back.get(source)
            back[source] = downstream if so_far is None else so_far + (downstream or 0.0)
        if len(back) == 1:
            ((source, gradient),) = back.items()
            formula = self.formula(*arrow.edges[0]) if self.formulas and len(arrow.edges) == 1 else None
            return self.edge_label(source.data, gradient, formula)
        gradients = [gradient for gradient in back.values() if gradient is not None]
        norm = f"‖grad‖ {format_number(math.hypot(*gradients), self.digits)}" if gradients else None
        return _edge(f"{len(back):,} values", norm)

    def downstream(self, gate: Value, place: int) -> float | None:
        if self.flow.upstream is None:
            return None
        if gate not in self.slopes:
            self.slopes[gate] = local_gradients(gate)
        slope = self.slopes[gate][place]
        return None if slope is None else self.flow.upstream[gate] * slope

    def formula(self, node: Value, place: int) -> str | None:
        """The formula of a local gradient, with the names of the inputs where they have any."""
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

    def edge_label(self, data: float, gradient: float | None, formula: str | None = None) -> str:
        back = None if gradient is None else format_number(gradient, self.digits)
        return _edge(format_number(data, self.digits), back, formula)


def _edge(forward: str, back: str | None, formula: str | None = None) -> str:
    below = "" if back is None else f'<br/><font color="{GRADIENT}">{back}</font>'
    local = "" if formula is None else f'<br/><font color="{FORMULA}"><i>{_escaped(formula)}</i></font>'
    return f"<{forward}{below}{local}>"


def _label(first: str, *below: str) -> str:
    """Return an HTML-like label of a line and smaller lines below it, with all text escaped."""
    return f"<{_escaped(first)}{''.join(map(_small, below))}>"


def _small(text: str | None) -> str:
    return f'<br/><font point-size="10">{_escaped(text)}</font>' if text else ""


def _escaped(text: str) -> str:
    visible = "".join(c if c.isprintable() or c == "\n" else "�" for c in text)
    # Graphviz unescapes backslashes twice, the second time after the entities of an HTML-like label.
    return "<br/>".join(escape(line, quote=False).replace("\\", "&#92;" * 2) for line in visible.split("\n"))
