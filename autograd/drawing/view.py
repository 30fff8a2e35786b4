"""Select the part of a graph that a picture shows: its boxes, the arrows between them, and the parts left out."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from numbers import Integral

from ..arguments import truncated_repr
from ..value import Value
from .boxes import LEVELS, Arrow, Box, Level, fold, homes
from .flow import Flow
from .hubs import hubs, spine

__all__ = ["FULL", "GATES", "LARGEST", "LINES", "View"]

FULL = 300  # boxes drawn by default
GATES = 59  # nodes of a graph with scopes that is drawn gate by gate by default
LINES = 600  # arrows drawn by default
LARGEST = 3000  # nodes of a graph that is drawn without level, around or limit
DEPTH = 2  # default number of edges around a node


@dataclass(frozen=True)
class View:
    """The part of a graph that a picture shows."""

    flow: Flow
    home: dict[Value, str | None]  # the scope that each node is drawn in
    focus: Value | None  # the argument `around`
    boxes: list[Box]
    arrows: list[Arrow]
    before: dict[Box, Arrow]  # edges into a box from nodes left out
    after: dict[Box, Arrow]  # edges out of a box to nodes left out
    copies: dict[Box, list[Box]]  # of each hub, from left to right
    notes: list[str]

    def spine(self) -> set[Arrow]:
        """Return the arrows on the longest paths; drawn straight, they keep a wide picture low."""
        number = {box: i for i, box in enumerate(self.boxes)}
        arrows = [arrow for arrow in self.arrows if arrow.tail.original is None]
        return {arrows[i] for i in spine(len(number), [(number[arrow.tail], number[arrow.head]) for arrow in arrows])}

    @classmethod
    def whole(cls, root: Value) -> View:
        """Return the view of all gates, for any size."""
        return cls.every(Flow.of(root), "gate")

    @classmethod
    def every(cls, flow: Flow, level: Level | None) -> View:
        """Return the view of a whole graph at a level, for any size; for None, of single nodes."""
        home = homes(flow.order)
        boxes = [Box([node]) for node in flow.order] if level is None else fold(flow.order, home, level)
        return cls._of(flow, home, boxes, [], None)

    @classmethod
    def of(
        cls,
        root: Value,
        *,
        level: Level | None = None,
        around: Value | None = None,
        depth: int | None = None,
        limit: int | None = None,
        step: int | None = None,
    ) -> View:
        """Return the view for the arguments of `draw`."""
        _check(level, around, depth, limit)
        flow = Flow.of(root, step)
        order, home = flow.order, homes(flow.order)
        if around is not None and around not in home:
            raise ValueError(
                f"around must be a node of the graph, got {around!r}, which is not in the graph of the root"
            )
        asked = level or ("gate" if around is not None or limit is not None else None)
        if asked is None:
            boxes: Mapping[Value, Box] = _finest_level(order, home)
        elif asked == "gate" and not any(home.values()):
            boxes = _Single()
        else:
            _require_scopes(home, asked)
            boxes = _by_node(fold(order, home, asked))
        start, called = (root, "root") if around is None else (around, f"node {around.label or 'in bold'}")
        most = limit or (FULL if around is not None or asked is None else LARGEST)
        reach = None if around is None else DEPTH if depth is None else depth
        near = [*islice(_nearest_first(order, boxes, start, reach), most + 1)]
        notes = [] if reach is None else [f"at most {reach} edges from the {called}"]
        if len(near) > most:
            count = f"{len(order) if isinstance(boxes, _Single) else len({*boxes.values()}):,}"
            if level is not None and limit is None and around is None:
                raise ValueError(
                    f"level={level!r} must give a picture of at most {LARGEST:,} nodes, got {count}: write a coarser level=, "
                    f"around=node, or limit={FULL} for those nearest to the root"
                )
            notes.append(
                f"the {most:,} nodes nearest to the {called}" + ("" if around is not None else f", of {count}")
            )
        last = {box.nodes[-1]: box for box in near[:most]}
        kept = [last[node] for node in order if node in last]
        view = cls._of(flow, home, kept, notes, around)
        if asked is None and len(view.arrows) > LINES:
            raise _too_large(f"{len(kept):,} nodes and {len(view.arrows):,} edges")
        return view

    @classmethod
    def _of(
        cls, flow: Flow, home: dict[Value, str | None], kept: list[Box], notes: list[str], focus: Value | None
    ) -> View:
        if flow.stale:
            notes = ["stale: a leaf has changed since; forward() replays the graph", *notes]
        nowhere = Box([])
        between: dict[tuple[Box, Box], Arrow] = {}
        arrows: list[Arrow] = []
        before: dict[Box, Arrow] = {}
        after: dict[Box, Arrow] = {}
        shown = {node: box for box in kept for node in box.nodes}
        for head in kept:
            for node in head.nodes:
                for place, input in enumerate(node.inputs):
                    tail = shown.get(input)
                    if tail is None:
                        before.setdefault(head, Arrow(nowhere, head)).edges.append((node, place))
                    elif tail.single and head.single:
                        arrows.append(Arrow(tail, head, [(node, place)]))
                    elif tail is not head:
                        arrow = between.get((tail, head))
                        if arrow is None:
                            arrow = between[tail, head] = Arrow(tail, head)
                            arrows.append(arrow)
                        arrow.edges.append((node, place))
        if len(shown) < len(flow.order):
            for node in flow.order:
                if node not in shown:
                    for place, input in enumerate(node.inputs):
                        if input in shown:
                            tail = shown[input]
                            after.setdefault(tail, Arrow(tail, nowhere)).edges.append((node, place))
        return cls(flow, home, focus, kept, arrows, before, after, _copy_hubs(kept, arrows), notes)


class _Single(dict[Value, Box]):
    """One box for each node, made on access, because few of a million nodes are drawn."""

    def __missing__(self, node: Value) -> Box:
        box = self[node] = Box([node])
        return box


def _copy_hubs(boxes: Sequence[Box], arrows: Sequence[Arrow]) -> dict[Box, list[Box]]:
    """Make the copies of each hub, and move the arrows of all groups of uses but the first to them."""
    number = {box: i for i, box in enumerate(boxes)}
    copies: dict[Box, list[Box]] = {}
    for hub, (_, *groups) in hubs(len(boxes), [(number[arrow.tail], number[arrow.head]) for arrow in arrows]).items():
        box = boxes[hub]
        copies[box] = [Box(box.nodes, box.scope, box) for _ in groups]
        for copy, group in zip(copies[box], groups, strict=True):
            for i in group:
                arrows[i].tail = copy
    return copies


def _by_node(boxes: Sequence[Box]) -> dict[Value, Box]:
    return {node: box for box in boxes for node in box.nodes}


def _finest_level(order: Sequence[Value], home: Mapping[Value, str | None]) -> Mapping[Value, Box]:
    """Return the boxes of the finest level that a picture shows well, or single nodes if there is none.

    That is level "gate" for at most GATES nodes, and else at most FULL boxes and LINES arrows.
    """
    if len(order) > LARGEST:
        raise _too_large(f"{len(order):,} nodes")
    for level in (LEVELS if len(order) <= GATES else LEVELS[1:]) if any(home.values()) else ():
        boxes = _by_node(fold(order, home, level))
        if len({*boxes.values()}) <= FULL and _count_arrows(order, boxes) <= LINES:
            return boxes
    return _Single()


def _count_arrows(order: Sequence[Value], boxes: Mapping[Value, Box]) -> int:
    """Return the number of arrows: one for each edge between single nodes, one for each pair of other boxes."""
    edges = ((boxes[input], boxes[node], node, place) for node in order for place, input in enumerate(node.inputs))
    return len({(a, b, *(edge if a.single and b.single else [])) for a, b, *edge in edges if a is not b})


def _too_large(size: str) -> ValueError:
    return ValueError(
        f"a picture must have at most {LARGEST:,} nodes and {LINES} edges, got {size}: write level='neuron' or 'layer' "
        f"(if the nodes have scopes), around=node, or limit={FULL} for those nearest to the root; to_dot(root) writes all"
    )


def _nearest_first(
    order: Sequence[Value], boxes: Mapping[Value, Box], start: Value, reach: int | None
) -> Iterator[Box]:
    """Yield the boxes that are connected to the box of `start`, the nearest first.

    With `reach` None only inputs are followed, which is enough from the root; else inputs and users, up to `reach` arrows.
    """
    users: dict[Value, list[Value]] = {}
    for node in order if reach is not None else ():
        for input in node.inputs:
            users.setdefault(input, []).append(node)
    distance = {boxes[start]: 0}
    queue = deque(distance)
    while queue:
        box = queue.popleft()
        yield box
        if distance[box] == reach:
            continue
        for node in box.nodes:
            for other in (*node.inputs, *users.get(node, ())):
                if boxes[other] not in distance:
                    distance[boxes[other]] = distance[box] + 1
                    queue.append(boxes[other])


def _require_scopes(home: Mapping[Value, str | None], level: str) -> None:
    if not any(home.values()):
        raise ValueError(
            f"level={level!r} requires nodes with a scope, got none: make them in a "
            'block "with autograd.scope(name):", or by calling a Module'
        )


def _check(level: object, around: object, depth: object, limit: object) -> None:
    if level is not None and level not in LEVELS:
        raise ValueError(f"level must be 'gate', 'neuron' or 'layer', got {truncated_repr(level)}")
    if around is not None and not isinstance(around, Value):
        raise TypeError(f"around must be a Value, got {truncated_repr(around)}: give a node of the graph")
    for name, x, least in (("limit", limit, 1), ("depth", depth, 0)):
        if x is not None and (not isinstance(x, Integral) or x < least):
            raise ValueError(f"{name} must be a whole number of at least {least}, got {truncated_repr(x)}")
    if depth is not None and around is None:
        raise ValueError("depth requires around: write around=node too")
