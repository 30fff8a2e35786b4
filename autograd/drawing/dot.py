"""Write a graph as DOT text: each edge is labelled with its value and, below it, its gradient."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from html import escape
from itertools import accumulate, pairwise, takewhile

from ..names import caller_names, complete_names, node_names
from ..symbols import SYMBOLS, Symbol
from ..value import Value
from .boxes import Arrow, Box
from .flow import check_digits, format_number, sign
from .summary import summary
from .svg import BACKSLASH
from .theme import (
    BACK,
    BLUE,
    CARD,
    FOLD,
    FORMULA,
    GRADIENT,
    INK,
    NEGATIVE,
    NOW,
    PALE,
    POSITIVE,
    ROOT,
    paint,
)
from .view import View

__all__ = ["ESCAPED", "dot_text", "in_words", "to_dot"]

# Roles differ in shape as well as colour, for grey prints and colour-blind readers.
LOOKS = {
    "input": f'shape=box style="rounded,filled" fillcolor="{CARD}"',
    "parameter": f'shape=box style=filled fillcolor="{BLUE}" penwidth=1.6',
    "constant": f'shape=plaintext fontcolor="{PALE}"',
    "gate": 'shape=circle style=filled fillcolor="{}" margin="0.03,0.03"',
    "table": f'shape=box style=filled fillcolor="{BLUE}" penwidth=1.6 margin="0.06,0.04"',
    "fold": 'shape=box style="rounded,filled" fillcolor="{}" penwidth=1.6 margin="0.16,0.1"',
    "root": f'shape=box style=filled fillcolor="{ROOT}" peripheries=2',
    "hub": "shape=ellipse",  # of a gate; with its longer label a circle would be too large
    "elsewhere": f'label="…" shape=plaintext fontcolor="{PALE}"',
}
COPY = 'shape=box style="rounded,dashed,filled" fillcolor="{}"'
REPEATED = "a dashed box repeats a node beside more of its uses; its grad is the sum over all of them"
WEIGHTED = "arrows: weights, the wider the larger, blue if positive and orange if negative"
LONGEST = 40  # characters of a formula
LINE = 18  # characters of a line of a summary
MOST_LEAVES = 8  # that a picture's words list
ESCAPED = "&#92;" * 2  # a backslash: Graphviz unescapes twice, the second time after the entities of an HTML-like label
THINNEST, WIDEST = 0.6, 4.4  # arrows of weights
# Around the numbers of an arrow, so that they stand nearer to it than to the arrow above.
ABOVE, BELOW = '<font point-size="8"><br/></font>', '<font point-size="4"><br/></font>'
LETTER = 5.0 / 72  # width in inches of a letter of the small lines
HEAD = f"""\
digraph {{
\tgraph [bgcolor="{BACK}" fontcolor="{INK}" fontname="sans-serif" nodesep=0.22 rankdir=LR ranksep=0.45]
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
    return paint(dot_text(View.whole(root), known, digits=digits, formulas=formulas), "light")


def dot_text(view: View, known: Mapping[int, str], *, digits: int | None, formulas: bool = False) -> str:
    """Return a view as DOT text for `paint`; `known` maps ids of nodes to the caller's variables."""
    return "\n".join([HEAD, *_Writer(view, known, digits, formulas).lines(), "}", ""])


def in_words(view: View, known: Mapping[int, str], *, digits: int | None) -> str:
    """Return a picture in words, for readers who hear it: the root, the number of gates, and the leaves.

    >>> x = Value(3.0, "x")
    >>> in_words(View.whole(x * x), {}, digits=2)
    'graph of f = 9.00: 1 gate, leaves x = 3.00'
    """
    flow = view.flow
    names = complete_names(flow.order, known)
    leaves = [node for node in flow.order if not node.inputs and node.role != "constant"]

    def word(node: Value) -> str:
        gradient = flow.gradient(node) if node is not flow.root else None
        after = "" if gradient is None else f" with gradient {format_number(gradient, digits)}"
        return f"{_visible(names[node])} = {format_number(node.data, digits)}{after}"

    gates = sum(bool(node.inputs) for node in flow.order)
    listed = ", ".join(map(word, leaves[:MOST_LEAVES]))
    more = f" and {len(leaves) - MOST_LEAVES:,} more" * (len(leaves) > MOST_LEAVES)
    return f"graph of {word(flow.root)}: {gates:,} gate{'s' * (gates != 1)}, leaves {listed or 'none'}{more}"


class _Writer:
    """Writes a view. In a network, one with folded scopes or tables, boxes show what elsewhere their arrows do."""

    def __init__(self, view: View, known: Mapping[int, str], digits: int | None, formulas: bool) -> None:
        if digits is not None:
            check_digits(digits)
        self.view, self.flow, self.digits, self.formulas = view, view.flow, digits, formulas
        self.names = complete_names(view.flow.order, known)
        self.given = node_names(view.flow.order, known)
        self.network = not all(box.single for box in view.boxes)
        self.places = {box: f"n{i}" for i, box in enumerate(view.boxes)}
        for hub, copies in view.copies.items():
            self.places |= {copy: f"{self.places[hub]}_{i}" for i, copy in enumerate(copies, start=2)}
        self.straight = view.spine() if view.copies else set()
        self.weights = _weights(view.arrows)
        self.heaviest = max((abs(w.data) for w in self.weights.values()), default=0.0)
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
        self.prefix = self.common_prefix()

    def lines(self) -> Iterator[str]:
        places = self.places
        if self.network:
            yield f"\tgraph [ranksep={self.ranksep():.1f} splines=line mclimit=0.001 outputorder=edgesfirst]"
            yield "\tedge [headport=w tailport=e]"
        if self.view.copies:
            yield "\tgraph [labeljust=l]"  # these pictures are wide; keep the label in view
        notes = [*self.view.notes, *[REPEATED] * bool(self.view.copies), *[WEIGHTED] * bool(self.weights)]
        if notes:
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
                yield f"\troot [label={_label(self.names[root])} {LOOKS['root']}]"
                label = self.edge_label(root.data, self.flow.gradient(root))
                yield f"\t{place} -> root [label={label}{self.back(self.flow.progress is not None, False)}]"

    def boxes_by_scope(self) -> dict[tuple[str, ...], list[Box]]:
        """The boxes in the frame of each scope; a fold is in the frame of the enclosing scope."""
        inside: dict[tuple[str, ...], list[Box]] = {}
        for box in self.places:
            if scope := self.frame_of(box):
                inside.setdefault(tuple(scope.split("/")), []).append(box)
        return inside

    def common_prefix(self) -> tuple[str, ...]:
        """The outer scopes that all frames share. They get no frame, which would surround almost everything.

        Graphviz keeps the order of the boxes in frames, but not in frames of frames.
        """
        framed = [*self.boxes_by_scope()]
        shared = takewhile(lambda parts: len({*parts}) == 1, zip(*framed))
        return tuple(part for part, *_ in shared)[: min(map(len, framed), default=1) - 1]

    def clusters(self) -> Iterator[str]:
        """The nested frames of the scopes, as subgraphs."""
        framed = self.boxes_by_scope()
        shared = len(self.prefix)
        folded = (arrow for arrow in self.view.arrows if arrow.tail.scope and arrow.head.scope)
        chained = {
            self.frame_of(arrow.tail) for arrow in folded if self.frame_of(arrow.tail) == self.frame_of(arrow.head)
        }
        open_: tuple[str, ...] = ()
        for number, scope in enumerate([*_nested(framed), self.prefix]):
            parts = scope[shared:]
            while open_ != parts[: len(open_)]:
                yield "\t" * len(open_) + "}"
                open_ = open_[:-1]
            for part in parts[len(open_) :]:
                name = part if open_ else "/".join((*self.prefix, part))
                open_ = (*open_, part)
                indent = "\t" * len(open_)
                yield f"{indent}subgraph cluster_{number}_{len(open_)} {{"
                yield f'{indent}\tgraph [color="{PALE}" fontsize=11 label={_label(name)} style=rounded]'
            boxes = framed.get(scope, [])
            indent = "\t" * (len(open_) + 1)
            if boxes:
                yield indent + " ".join(self.places[box] for box in boxes)
            folds = [self.places[box] for box in boxes if box.scope is not None]
            if len(folds) > 1 and "/".join(scope) not in chained:  # lists them from the top
                yield f"{indent}{{rank=same {' -> '.join(folds)} [style=invis headport=_ tailport=_]}}"
            for box in boxes:
                if box.table:
                    (arrow,) = self.leaving[box]
                    yield f"{indent}{{rank=same {self.places[arrow.head]} {self.places[box]}}}"

    def box(self, box: Box) -> str:
        now = self.flow.progress is not None and bool({*box.nodes} & {*self.flow.progress.done[-1:]})
        if box.original is not None:
            blue = box.scope is None and box.nodes[0].role == "parameter"
            return f"label={self.copy_label(box, box.original)} {COPY.format(BLUE if blue else CARD)}"
        if box.scope is not None:
            return f"label={self.fold_label(box, box.scope)} {LOOKS['fold'].format(NOW if now else FOLD)}"
        if box.table:
            return f"label={self.table_label(box)} {LOOKS['table']}"
        (node,) = box.nodes
        name = self.names[node]
        data = format_number(node.data, self.digits)
        if node.gate is not None:
            below = [_small(name)] if node is not self.flow.root else []
            if self.shows_numbers(box):
                below += [_small(f"= {data}"), self.gradient(node)]
            looks = LOOKS["gate"].format(NOW if now else CARD)
            looks = f"{looks} {LOOKS['hub']}" if box in self.view.copies else looks
            return f"label=<{_escaped(sign(node))}{''.join(below)}{self.hub_lines(box)}> {looks}"
        assert node.role is not None
        gradient = "" if node.role == "constant" or box in self.view.copies else self.gradient(node)
        looks = LOOKS[node.role] + " peripheries=2" * (node is self.flow.root) + self.widest_sum(node)
        named = node.role != "constant" or self.given[node]
        return f"label=<{_escaped(f'{name} = {data}' if named else data)}{gradient}{self.hub_lines(box)}> {looks}"

    def shows_numbers(self, box: Box) -> bool:
        """Whether a box shows its value and gradient, so that its arrows need not."""
        if self.view.copies.get(box.original or box):
            return False
        if box.scope is not None:
            return len(self.outputs[box]) == 1
        if not self.network:
            return False
        return box.nodes[0].gate is None or len(self.leaving.get(box, ())) > 1

    def widest_sum(self, node: Value) -> str:
        """A minimum width that holds every partial sum of a leaf's gradient, so that all steps have the same layout."""
        progress = self.flow.progress
        if progress is None or progress.expected[node] < 2:
            return ""
        uses = progress.expected[node]
        letters = len(f"grad -0.0e+00 ({uses} of {uses})") + max((self.digits or 17) - 2, 0)
        return f" width={letters * LETTER:.2f}"

    def table_label(self, box: Box) -> str:
        rows = "".join(
            f'<tr><td align="right">{_escaped(self.names[node])}</td>'
            f"<td>{format_number(node.data, self.digits)}</td><td>{self.table_gradient(node)}</td></tr>"
            for node in box.nodes
        )
        return f'<<table border="0" cellborder="0" cellspacing="0" cellpadding="2">{rows}</table>>'

    def table_gradient(self, node: Value) -> str:
        if self.flow.share(node) is not None:
            return self.gradient(node).removeprefix("<br/>")
        return self.red(self.flow.gradient(node), None if self.flow.upstream is None else self.flow.upstream[node])

    def hub_lines(self, box: Box) -> str:
        """The lines of a hub's label on its number of uses and its total gradient."""
        if box not in self.view.copies:
            return ""
        (node,) = box.nodes
        if node.role == "constant":
            return _small(self.uses[box])
        return f"{self.gradient(node)}{_small(f'Σ over {self.uses[box]}')}"

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
        formulas = "\n".join(map(_wrapped, summary(box.nodes, outputs)))
        lines = [f"<b>{_escaped(scope.rpartition('/')[2])}</b>", *filter(None, [_escaped(formulas)])]
        gradient = ""
        if len(outputs) == 1:
            lines.append(f"= {format_number(outputs[0].data, self.digits)}")
            gradient = self.gradient(outputs[0])
        return f"<{'<br/>'.join(lines)}{gradient}{_small(count)}{_small(self.uses.get(box))}>"

    def gradient(self, node: Value) -> str:
        """The line of a label with a node's gradient. Of one that has not arrived yet, the line is there but invisible."""
        gradient = self.flow.gradient(node)
        if self.flow.progress is not None and gradient is not None:
            arrived, expected = self.flow.progress.arrived[node], self.flow.progress.expected[node]
            so_far = f" ({arrived} of {expected})" if arrived < expected else ""
            return _small(f"grad {format_number(gradient, self.digits)}{so_far}", GRADIENT)
        if self.flow.progress is not None and self.flow.upstream is not None:
            return _small(f"grad {format_number(self.flow.upstream[node], self.digits)}", "transparent")
        if gradient is None:
            return _small("grad not computed")
        share = self.flow.share(node)
        passes = "" if share is None else f" ({format_number(share, self.digits)} by this pass)"
        return _small(f"grad {format_number(gradient, self.digits)}{passes}", GRADIENT)

    def arrow_attributes(self, arrow: Arrow) -> str:
        """An arrow's attributes. In a network it has no label if the box at its tail shows the same numbers."""
        attributes = []
        tail = arrow.tail.original or arrow.tail
        if arrow.tail.table:
            attributes.append("headport=s tailport=n")
        elif not self.shows_numbers(tail):
            attributes.append(f"label={self.arrow_label(arrow)}")
        if arrow in self.weights:
            attributes.append(self.weight_attributes(self.weights[arrow]))
        if not self.network and arrow.tail.nodes[0].inputs and self.frame_of(arrow.tail) != self.frame_of(arrow.head):
            attributes.append("minlen=2")  # separates the frames
        if arrow in self.straight:
            attributes.append("weight=10")
        progress = self.flow.progress
        if progress is not None:
            sent = {gate for gate, place in arrow.edges if self.flow.downstream(gate, place) is not None}
            attributes += filter(None, [self.back(bool(sent & {*progress.done}), bool(sent & {*progress.done[-1:]}))])
        return f" [{' '.join(attributes)}]" if attributes else ""

    def back(self, sent: bool, now: bool) -> str:
        """The attributes of an arrow that a gradient has passed: it points back."""
        return f' color="{GRADIENT}" dir=back{" penwidth=2.6" * now}' if sent else ""

    def weight_attributes(self, weight: Value) -> str:
        width = THINNEST + (WIDEST - THINNEST) * (abs(weight.data) / self.heaviest if self.heaviest else 0.0)
        told = f"{self.names[weight]} = {format_number(weight.data, self.digits)}"
        told = told.replace("\\", BACKSLASH).replace('"', '\\"')
        return (
            f'color="{NEGATIVE if weight.data < 0 else POSITIVE}" penwidth={width:.2f} arrowhead=none tooltip="{told}"'
        )

    def ranksep(self) -> float:
        """The distance of layers in inches: the wider they are, the longer the arrows between them. A chain needs little."""
        if len(self.view.arrows) < len(self.view.boxes):
            return 0.3
        widest = max((len(boxes) for boxes in self.boxes_by_scope().values()), default=1)
        return min(0.9 + 0.1 * widest, 4.0)

    def frame_of(self, box: Box) -> str | None:
        """The scope in whose frame a box is drawn; a copy is drawn in the frame of its uses."""
        if box.original is not None:
            homes = {self.frame_of(arrow.head) for arrow in self.leaving[box]}
            return homes.pop() if len(homes) == 1 else None
        return self.view.home[box.nodes[0]] if box.scope is None else box.scope.rpartition("/")[0] or None

    def arrow_label(self, arrow: Arrow) -> str:
        """The label of an arrow: its value and gradient, or the number of values and the norm of their gradients."""
        back: dict[Value, float | None] = {}
        final: dict[Value, float | None] = {}
        for gate, place in arrow.edges:
            source, downstream = gate.inputs[place], self.flow.downstream(gate, place)
            passed = self.flow.progress is None or gate in self.flow.progress.done
            for sums, sent in ((back, downstream if passed else None), (final, downstream)):
                so_far = sums.get(source)
                sums[source] = sent if so_far is None else so_far + (sent or 0.0)
        if len(back) == 1:
            ((source, gradient),) = back.items()
            formula = self.formula(*arrow.edges[0]) if self.formulas and len(arrow.edges) == 1 else None
            return self.edge_label(source.data, gradient, formula, final[source])
        red = self.red(_norm(back.values()), _norm(final.values()), "‖grad‖ ")
        return f"<{len(back):,} values{red and '<br/>'}{red}>"

    def formula(self, node: Value, place: int) -> str | None:
        """The formula of a local gradient, with the names of the inputs."""
        gate, inputs = node.gate, node.inputs
        assert gate is not None
        if inputs[place].role == "constant":
            return None
        operands = [x.data if x.role == "constant" else self.names[x] for x in inputs]
        formulas = gate.decided_formulas(operands, self.names[node], [x.data for x in inputs], node.data)
        if not formulas or not 0 < len(formulas[place][0]) <= LONGEST:
            return None
        formula, why = formulas[place]
        return f"× {formula}, because {why}" if 0 < len(why) <= LONGEST else f"× {formula}"

    def edge_label(
        self, data: float, gradient: float | None, formula: str | None = None, final: float | None = None
    ) -> str:
        red = self.red(gradient, final)
        local = "" if formula is None else f'<br/><font color="{FORMULA}"><i>{_escaped(formula)}</i></font>'
        return f"<{ABOVE}{format_number(data, self.digits)}{red and '<br/>'}{red}{local}{BELOW}>"

    def red(self, gradient: float | None, final: float | None, before: str = "") -> str:
        """A gradient in its colour. One that has not arrived yet takes the place of its final value, but is invisible."""
        shown, colour = (final, "transparent") if gradient is None else (gradient, GRADIENT)
        return "" if shown is None else f'<font color="{colour}">{before}{format_number(shown, self.digits)}</font>'


def _nested(scopes: Iterable[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Return scopes with those inside of another right after it, and else in their order."""
    first: dict[tuple[str, ...], int] = {}
    for i, scope in enumerate(scopes):
        for end in range(1, len(scope) + 1):
            first.setdefault(scope[:end], i)
    return sorted(scopes, key=lambda scope: [first[scope[:end]] for end in range(1, len(scope) + 1)])


def _weights(arrows: Iterable[Arrow]) -> dict[Arrow, Value]:
    """Map the arrows into folds that a single parameter multiplies to that parameter."""
    factors: dict[Value, list[Value | None]] = {}
    weights: dict[Arrow, Value] = {}
    for arrow in arrows:
        if arrow.head.scope is not None:
            for gate, _ in arrow.edges:
                if gate not in factors:
                    factors[gate] = _factors(gate)
            (found, *others) = {factors[gate][place] for gate, place in arrow.edges}
            if found is not None and not others:
                weights[arrow] = found
    return weights


def _factors(node: Value) -> list[Value | None]:
    """For each input of a gate, the parameter that is the gate's local gradient by it, as w is that of w·x by x."""
    assert node.gate is not None
    inputs = [Symbol.named(str(i)) for i in range(len(node.inputs))]
    named = {id(symbol): input for symbol, input in zip(inputs, node.inputs, strict=True) if input.role == "parameter"}
    return [named.get(id(slope)) for slope in node.gate.local_gradients(SYMBOLS, Symbol.named("out"), inputs)]


def _norm(gradients: Iterable[float | None]) -> float | None:
    known = [gradient for gradient in gradients if gradient is not None]
    return math.hypot(*known) if known else None


def _label(first: str, *below: str) -> str:
    """Return an HTML-like label of a line and smaller lines below it, with all text escaped."""
    return f"<{_escaped(first)}{''.join(map(_small, below))}>"


def _small(text: str | None, colour: str = "") -> str:
    if not text:
        return ""
    attribute = f' color="{colour}"' if colour else ""
    return f'<br/><font{attribute} point-size="10">{_escaped(text)}</font>'


def _escaped(text: str) -> str:
    return "<br/>".join(escape(line, quote=False).replace("\\", ESCAPED) for line in _visible(text).split("\n"))


def _wrapped(formula: str) -> str:
    """Break a formula before its products and after its sums, into lines of about LINE characters.

    >>> _wrapped("80 × x+Σ w·relu(Σ w·x·(((x·x)/16+1e−05)^(−0.5)))")
    '80 × x+Σ w\\n·relu(Σ w·x·(((x\\n·x)/16\\n+1e−05)^(−0.5)))'
    """
    lines = [""]
    for part in re.split(r"(?=[·+])", formula):
        if lines[-1] and len(lines[-1]) + len(part) > LINE:
            lines.append("")
        lines[-1] += part
    return "\n".join(lines)


def _visible(text: str) -> str:
    return "".join(c if c.isprintable() or c == "\n" else "�" for c in text)
