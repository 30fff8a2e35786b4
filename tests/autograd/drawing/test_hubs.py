"""Guards pictures and pages of graphs whose nodes are used often, far apart: their time, and that all numbers are right."""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ElementTree
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

import autograd
from autograd import Value, draw, explain, explore, to_dot, topological_order
from autograd.__main__ import main
from autograd.drawing.flow import local_gradients
from autograd.drawing.hubs import USES, hubs
from autograd.drawing.view import FULL, LINES
from tests.autograd.drawing.test_explore import data
from tests.hubs import GRAPHS, added, dense, recurrent, shared_gate, skipped, squares

resource = pytest.importorskip("resource")
pygraphviz = pytest.importorskip("pygraphviz")
SECONDS = 5.0


def child_seconds() -> float:
    """The processor's time that finished child processes took: other programs that run meanwhile leave it alone."""
    return float(resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime)


@pytest.fixture
def soon() -> Iterator[None]:
    before = child_seconds()
    yield
    assert child_seconds() - before < SECONDS


@pytest.mark.parametrize("name", GRAPHS)
@pytest.mark.usefixtures("soon")
def test_a_picture_of_300_nodes_and_600_edges_takes_seconds(name: str) -> None:
    root = GRAPHS[name]()
    root.backward()
    order = topological_order(root)
    assert len(order) <= FULL
    assert sum(len(node.inputs) for node in order) <= LINES
    svg = ElementTree.fromstring(draw(root, level="gate", names=False).render("svg"))
    gates = [element for element in svg.iter() if element.tag.endswith("ellipse")]
    assert len(gates) == sum(bool(node.inputs) for node in order)


@pytest.mark.parametrize("format", ["png", "pdf"])
@pytest.mark.parametrize("name", ["recurrent", "dense, one hub"])
@pytest.mark.usefixtures("soon")
def test_so_it_does_in_the_other_formats(name: str, format: str) -> None:
    assert draw(GRAPHS[name](), level="gate").render(format)


@pytest.mark.parametrize("name", GRAPHS)
@pytest.mark.usefixtures("soon")
def test_so_does_a_page(name: str) -> None:
    explore(GRAPHS[name](), names=False)


@pytest.mark.usefixtures("soon")
def test_so_does_a_folded_picture() -> None:
    source = draw(recurrent(290), level="neuron").source
    assert source.count("<b>step") == 290
    assert draw(recurrent(290), level="neuron").render("svg")


def test_the_command_draws_a_sum_of_a_hundred_terms(tmp_path: Path) -> None:
    before = child_seconds()
    assert main(["+".join(["x"] * 100), "x=0.5", "-o", str(tmp_path / "sum.svg")]) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["sum.svg"]
    assert child_seconds() - before < SECONDS


def check_against_the_engine(root: Value) -> int:
    """Compare every number in the picture's text with the engine's; return the number of copies."""
    order = topological_order(root)
    upstream = autograd.adjoints(root)
    graph = pygraphviz.AGraph(string=to_dot(root, digits=None, names=False))
    source = to_dot(root, digits=None, names=False)
    lines = re.findall(r"^\t(n\d+)(_\d+)? -> (n\d+) \[label=<(.*?)>(?: \w+=\S+)*\]$", source, re.MULTILINE)
    place = {node: f"n{i}" for i, node in enumerate(order)}
    expected, sums = [], dict.fromkeys(order, 0.0)
    for node in order:
        for input, slope in zip(node.inputs, local_gradients(node) if node.inputs else (), strict=True):
            back = None if slope is None else upstream[node] * slope
            expected.append((place[input], place[node], input.data, back))
            sums[input] += back or 0.0
    found = []
    for tail, _, head, label in lines:
        value, *gradient = [float(x) + 0.0 for x in re.sub("<[^>]*>", " ", label).split()]
        found.append((tail, head, value, gradient[0] if gradient else None))
    assert repr(found) == repr([(a, b, x + 0.0, None if y is None else y + 0.0) for a, b, x, y in expected])
    parts = Counter(tail for tail, copy in {(tail, copy) for tail, copy, _, _ in lines})
    for node in order:
        label = graph.get_node(place[node]).attr["label"]
        if not node.inputs and node.role != "constant":
            assert f"grad {node.grad + 0.0!r}" in label
        if parts[place[node]] > 1:
            uses = [int(end.replace(",", "")) for end in re.findall(r"(\d+) uses", label)]
            assert uses == [sum(a == place[node] for a, *_ in expected)], "the node says how many uses it has"
            if node.role != "constant":
                assert f"Σ over {uses[0]} uses" in label
                assert f"grad {upstream[node] + 0.0!r}" in label
                assert sums[node] == pytest.approx(upstream[node], rel=1e-9, abs=1e-300, nan_ok=True)
    return sum(parts.values()) - len(parts)


@pytest.mark.parametrize("name", GRAPHS)
def test_every_number_in_the_picture_is_the_engines(name: str) -> None:
    root = GRAPHS[name]()
    root.backward()
    check_against_the_engine(root)


@given(st.lists(st.tuples(st.sampled_from(["+", "*", "tanh", "both"]), st.integers(0, 2)), min_size=25, max_size=60))
@settings(max_examples=25)
def test_so_they_are_for_random_ones(steps: list[tuple[str, int]]) -> None:
    shared: list[Value] = [Value(0.7), Value(-0.4, "w", role="parameter"), Value(1.1, "w").tanh()]
    y = Value(1.0)
    for operation, i in steps:
        x = shared[i]
        y = (
            y + x
            if operation == "+"
            else y * x
            if operation == "*"
            else tanh_of(y, x)
            if operation == "tanh"
            else y + x * x
        )
    y.backward()
    check_against_the_engine(y)


def tanh_of(y: Value, x: Value) -> Value:
    return autograd.tanh(y * x)


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf, 0.0, -0.0])
def test_numbers_that_are_none_are_shown_as_they_are(number: float) -> None:
    x, y = Value(number, "x"), Value(1.0, "y")
    for _ in range(14):
        y = y + x
    y.backward()
    assert check_against_the_engine(y) == 13
    x, z = Value(number, "x"), Value(2.0, "z")
    for _ in range(14):
        z = z * x
    z.backward()
    check_against_the_engine(z)


def test_a_node_with_few_uses_stays_one() -> None:
    for steps, copies in ((USES - 1, 0), (USES, USES - 1)):
        source = draw(recurrent(steps), level="gate").source
        assert source.count('style="rounded,dashed,filled"') == copies
        assert ("a dashed box repeats a node" in source) == bool(copies)


def test_so_does_one_whose_uses_lie_beside_each_other() -> None:
    x = Value(0.5, "x")
    assert "dashed" not in to_dot(autograd.sum([x * i for i in range(200)]))
    assert "dashed" not in to_dot(autograd.sum([x] * 200))


def labels(source: str) -> dict[str, str]:
    found = re.findall(r"^\t(\w+) \[label=<(.*?)> shape", source, re.MULTILINE)
    return {name: re.sub("(<[^>]*>)+", "|", label).strip("|") for name, label in found}


def test_a_copy_says_what_it_repeats_and_which_use_it_is() -> None:
    f = recurrent(12)
    f.backward()
    w = topological_order(f)[0]
    shown = labels(draw(f, level="gate", names=False).source)
    assert shown["n0"] == f"w = 0.50|grad {w.grad:.2f}|Σ over 12 uses"
    assert [shown[f"n0_{i}"] for i in range(2, 13)] == [f"w = 0.50|use {i} of 12" for i in range(2, 13)]
    shown = labels(to_dot(squares(7)))
    assert [text for text in shown.values() if "of 14" in text] == [
        f"x = 0.50|uses {i}–{i + 1} of 14" for i in range(3, 15, 2)
    ]


def test_a_gate_is_repeated_by_its_name() -> None:
    f = shared_gate(12)
    f.backward()
    shown = labels(to_dot(f, names=False))
    (hub,) = [text for text in shown.values() if text.startswith("tanh")]
    g = next(node for node in topological_order(f) if node.gate is autograd.GATES["tanh"])
    assert hub == f"tanh|v3|grad {g.grad:.2f}|Σ over 12 uses"
    assert f"v3 = {g.data:.2f}|use 12 of 12" in shown.values()
    assert "v3 = tanh(v2)" in repr(explain(f, names=False)), "the walk calls it so, too"


def test_two_hubs_of_one_name_are_told_apart() -> None:
    a, b, y = Value(1.0, "w"), Value(2.0, "w"), Value(3.0, "y")
    for _ in range(12):
        y = y * a + b
    shown = [text.partition("|")[0] for text in labels(to_dot(y)).values()]
    assert shown.count("w = 1.00") == shown.count("w₂ = 2.00") == 12


def test_in_a_graph_of_very_long_lines_few_uses_are_enough() -> None:
    assert "use 2 of 2" in to_dot(skipped(148))
    assert "dashed" not in to_dot(skipped(10))


def test_before_backward_a_hub_shows_no_false_zero() -> None:
    assert labels(to_dot(added(12)))["n0"] == "x = 0.50|grad not computed|Σ over 12 uses"


def test_a_gradient_with_earlier_passes_says_what_this_one_added() -> None:
    for root, count in ((added(14), 14), (added(3), 3)):
        root.backward()
        assert "by this pass" not in to_dot(root)
        root.backward()
        assert f"grad {2 * count}.00 ({count}.00 by this pass)" in to_dot(root)


@pytest.mark.parametrize("label", ['"', "\\N", "a\nb", "<b>x</b>", "&amp;", "<script>alert(1)</script>", "é🙂", "\x00"])
def test_hostile_labels_come_out_as_typed_in_every_copy(label: str) -> None:
    y = Value(1.0, "y")
    x = Value(2.0, label)
    for _ in range(12):
        y = y + x
    svg = draw(y, names=False).render("svg").decode()
    texts = [element.text or "" for element in ElementTree.fromstring(svg).iter() if element.tag.endswith("text")]
    shown = label.replace("\x00", "�").split("\n")[0]
    assert sum(text.replace("\xa0", " ").startswith(shown) for text in texts) >= 12
    assert "<script" not in svg
    page = data(explore(y, names=False))
    assert page["nodes"][1]["name"] == label
    assert {copy["of"] for copy in page["sheets"]["gates"]["copies"]} == {1}


def test_a_part_of_a_graph_counts_the_uses_that_it_leaves_out() -> None:
    f = recurrent(60)
    f.backward()
    source = draw(f, limit=150).source
    (hub,) = [text for text in labels(source).values() if "Σ" in text]
    assert hub.endswith("Σ over 60 uses")
    assert "use 60 of 60" in source
    around = draw(f, around=topological_order(f)[0]).source
    assert around.count("penwidth=4") == 1, "the node itself, not its copies"


def test_a_folded_picture_repeats_what_its_boxes_share() -> None:
    f = recurrent(20)
    f.backward()
    source = draw(f, level="neuron").source
    order = topological_order(f)
    w, upstream = order[0], autograd.adjoints(f)
    back = [upstream[node] * node.inputs[1].data for node in order if w in node.inputs]
    arrows = re.findall(
        r"^\tn0(?:_\d+)? -> n\d+ \[label=<<font point-size=\"8\"><br/></font>0\.50<br/><font color=\"#b3311d\">(\S+)</font>",
        source,
        re.MULTILINE,
    )
    assert [float(text) for text in arrows] == pytest.approx(back, rel=0.06, abs=0.006)
    assert sum(back) == pytest.approx(w.grad)
    assert f"grad {w.grad:.2f}" in labels(source)["n0"]


def test_a_graph_with_too_many_edges_says_what_to_write() -> None:
    root = dense(100, 25)
    with pytest.raises(ValueError, match=r"nodes and \d+ edges: write level=.*around=node.*limit="):
        draw(root)
    assert draw(root, limit=20).source.count("->") < LINES
    assert draw(root, level="gate").source.count("->") > LINES, "asked for"
    assert to_dot(root).count("->") > LINES


def test_any_size_is_written_as_text() -> None:
    assert to_dot(added(20_000)).count("->") == 2 * 19_999 + 1


def test_the_pages_data_hold_every_use_once() -> None:
    root = squares(20)
    found: Any = data(explore(root, names=False))
    found |= found["sheets"]["gates"]
    (hub,) = {copy["of"] for copy in found["copies"]}
    assert found["nodes"][hub]["name"] == "x"
    uses = [i for copy in found["copies"] for i in range(copy["first"], copy["last"] + 1)]
    assert uses == [*range(3, 41)], "the node itself stands beside the first two"
    assert {copy["uses"] for copy in found["copies"]} == {40}
    laid, count = found["wide"], len(found["nodes"])
    places = {item["name"]: item for item in laid["objects"]}
    assert len(places) == count + 1 + len(found["copies"])
    assert len(laid["edges"]) == sum(len(node["inputs"]) for node in found["nodes"]) + 1
    copies = [f"n{count + 1 + k}" for k in range(len(found["copies"]))]
    edges = [(tail, head) for head, node in enumerate(found["nodes"]) for tail in node["inputs"]]
    starts = {edge["id"]: point(edge["pos"].split()[1]) for edge in laid["edges"]}
    for e, (tail, head) in enumerate(edges):
        x, y = starts[f"e{e}"]
        assert x < point(places[f"n{head}"]["pos"])[0]
        near = [f"n{tail}", *copies] if tail == hub else [f"n{tail}"]
        assert any(
            abs(x - at) <= 36 * float(places[name]["width"]) + 2
            and abs(y - up) <= 36 * float(places[name]["height"]) + 2
            for name in near
            for at, up in [point(places[name]["pos"])]
        ), "each line begins at the node that it comes from, or at a copy of it"


def point(text: str) -> tuple[float, float]:
    x, y = text.split(",")
    return float(x), float(y)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 40)), max_size=120))
def test_the_groups_of_a_hub_hold_each_of_its_edges_once(pairs: list[tuple[int, int]]) -> None:
    edges = sorted(((a, b) for a, b in pairs if a < b), key=lambda edge: edge[1])
    for hub, groups in hubs(41, edges).items():
        assert sorted(i for group in groups for i in group) == [i for i, (tail, _) in enumerate(edges) if tail == hub]
        assert len(groups) > 1
