"""Guards the picture of a graph, gate by gate: what it shows, under which names, and that any text comes out as typed."""

from __future__ import annotations

import math
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import example, given, strategies as st

import autograd
from autograd import Value, draw, explain, to_dot, topological_order
from autograd.drawing import Drawing
from autograd.drawing.flow import local_gradients
from autograd.drawing.theme import GRADIENT, NOW, THEMES
from autograd.testing import Expression, expressions
from nn import MLP
from tests import worked
from tests.worked import sigmoid_neuron as neuron

pygraphviz = pytest.importorskip("pygraphviz")


def parsed(source: str) -> Any:
    return pygraphviz.AGraph(string=source)


def shared() -> Value:
    x = Value(3.0, "x")
    return x * x + x


@pytest.mark.parametrize("name", ["sigmoid_neuron", "sum_times_z", "squared_error"])
def test_the_text_of_the_worked_examples(name: str) -> None:
    """W1, W2, W3 as DOT, read through by eye once: whatever changes it is seen here."""
    root = getattr(worked, name)()
    root.backward()
    golden = Path(__file__).parent / "golden" / f"{name}.dot"
    assert to_dot(root, names=False) == golden.read_text(encoding="utf-8")


def test_the_picture_of_the_sigmoid_neuron_shows_the_slides_numbers() -> None:
    """Row A12: every value and gradient of the lecture's figure, edge by edge, with two decimals."""
    f = neuron()
    f.backward()
    source = to_dot(f)
    symbols = dict(re.findall(r"^\t(\w+) \[label=<([^ <>]+)", source, re.MULTILINE))
    carried = [
        (symbols[tail], symbols[head], *re.findall(r"(-?\d+\.\d\d)(?=<|>)", label))
        for tail, head, label in re.findall(r"^\t(\w+) -> (\w+) \[label=(.*)\]$", source, re.MULTILINE)
    ]
    assert sorted(carried) == sorted(
        [
            ("w0", "×", "2.00", "-0.20"),
            ("x0", "×", "-1.00", "0.39"),
            ("w1", "×", "-3.00", "-0.39"),
            ("x1", "×", "-2.00", "-0.59"),
            ("×", "+", "-2.00", "0.20"),
            ("×", "+", "6.00", "0.20"),
            ("+", "+", "4.00", "0.20"),
            ("w2", "+", "-3.00", "0.20"),
            ("+", "*-1", "1.00", "0.20"),
            ("*-1", "exp", "-1.00", "-0.20"),
            ("exp", "+", "0.37", "-0.53"),
            ("1.00", "+", "1.00"),
            ("+", "1/x", "1.37", "-0.53"),
            ("1/x", "f", "0.73", "1.00"),
        ]
    )


def test_roles_differ_in_more_than_colour() -> None:
    """Shape, frame or line weight tells an input, a parameter, a constant, a gate and the root apart in grey, too."""
    graph = parsed(to_dot(neuron()))
    looks = {}
    for node in graph.nodes():
        a = node.attr
        looks[node] = (a["shape"], "rounded" in (a["style"] or ""), a["penwidth"] or "1", a["peripheries"] or "1")
    assert len(set(looks.values())) == 5
    assert [look[0] for look in looks.values()].count("circle") == 8


def test_digits_are_chosen() -> None:
    f = neuron()
    f.backward()
    assert "0.731<" in to_dot(f, digits=3)
    full = to_dot(f, digits=None)
    assert f">{f.data!r}<br/>" in full
    assert "-0.19661193324148188" in full
    for read in (to_dot, draw, explain):
        with pytest.raises(ValueError, match="digits must be a whole number from 0 to 17, got -1"):
            read(f, digits=-1)


def test_an_svg_tells_in_words_what_it_shows() -> None:
    f = worked.sum_times_z()
    title = "<title>graph of f = -12.00: 2 gates, leaves x = -2.00{}, y = 5.00{}, z = -4.00{}</title>"
    assert title.format("", "", "") in draw(f).render("svg").decode()
    f.backward()
    told = title.format(*(f" with gradient {x}.00" for x in (-4, -4, 3)))
    assert told in draw(f).render("svg").decode()
    many = autograd.sum([Value(float(i)) for i in range(20)])
    assert "x8 = 7.00 and 12 more</title>" in draw(many).render("svg").decode()
    hostile = draw(Value(1.0, "\x00</title><script>") * 2).render("svg")
    titles = [element.text for element in ElementTree.fromstring(hostile).iter() if element.tag.endswith("title")]
    assert titles == ["graph of f = 2.00: 1 gate, leaves �</title><script> = 1.00"]


def test_a_label_is_twice_as_near_to_its_own_arrow_as_to_another() -> None:
    """Two arrows leave c side by side, so that the label of one stands between both."""
    a, b, c = Value(2.0, "a"), Value(1.0, "b"), Value(4.0, "c")
    f = autograd.maximum(a * b, c) + a * c
    f.backward()
    groups = re.findall(r"<g>.*?</g>", draw(f).render("svg").decode(), re.DOTALL)
    edges = [(re.findall(r'<path d="M(.*?)" fill="none"', group), group) for group in groups]
    labels = [re.findall(r'<text x="(.*?)" y="(.*?)"', group) for curve, group in edges if curve]
    curves = [bezier([*map(float, re.findall(r"-?[\d.]+", curve[0]))]) for curve, _ in edges if curve]
    middles = [[sum(map(float, at)) / len(at) for at in zip(*label, strict=True)] for label in labels]
    assert len(curves) == 9
    for own, (x, y) in enumerate(middles):
        apart = [min(math.hypot(x - u, y - v) for u, v in curve) for curve in curves]
        assert 2 * apart[own] < min(apart[:own] + apart[own + 1 :])


def bezier(numbers: list[float]) -> list[tuple[float, float]]:
    """Points of a curve, which is a start and then three points of each of its Bézier curves."""
    points = [*zip(numbers[::2], numbers[1::2], strict=True)]
    found = []
    for i in range(0, len(points) - 1, 3):
        for t in (k / 20 for k in range(21)):
            weights = [(1 - t) ** 3, 3 * (1 - t) ** 2 * t, 3 * (1 - t) * t**2, t**3]
            x, y = (sum(w * z for w, z in zip(weights, zs, strict=True)) for zs in zip(*points[i : i + 4], strict=True))
            found.append((x, y))
    return found


def test_formulas_on_the_edges_come_from_the_rows() -> None:
    f = neuron()
    f.backward()
    assert "<i>" not in to_dot(f)
    source = to_dot(f, formulas=True)
    for formula in ("× x0", "× w0", "× −1/v7²", "× −1", "× v6"):
        assert f"<i>{formula}</i>" in source
    x = Value(3.0, "x")
    assert "<i>× 2·x</i>" in to_dot(x**2, formulas=True), "the constant exponent is a number in it"
    w = Value(2.0, "w")
    assert "<i>× w</i>" in to_dot(autograd.dot([w], [x]), formulas=True)
    assert "<i>× 1, because x &gt; 0</i>" in to_dot(x.relu(), formulas=True)


def test_before_backward_there_is_no_false_zero() -> None:
    f = neuron()
    source = to_dot(f)
    assert source.count("grad not computed") == 5
    assert THEMES["light"][ord(GRADIENT)] not in source
    f.inputs[0].backward()
    assert "grad not computed" in to_dot(f), "backward ran from another root"
    f.backward()
    f.zero_grad()
    assert "grad not computed" in to_dot(f)


def test_the_same_graph_gives_the_same_text() -> None:
    assert to_dot(neuron(), names=False) == to_dot(neuron(), names=False)


def test_a_stale_graph_is_drawn_and_marked() -> None:
    f = neuron()
    f.backward()
    topological_order(f)[0].data = 5.0
    for text in (to_dot(f), repr(explain(f))):
        assert "stale" in text
        assert "not computed" in text


def test_zero_has_no_sign() -> None:
    assert "-0.00" not in to_dot(Value(0.0, "x") * -1)


@given(expressions())
def test_every_node_and_edge_is_in_the_text_once(case: tuple[Expression, list[float]]) -> None:
    f, inputs = case
    root = f(*map(Value, inputs))
    root.backward()
    source = to_dot(root, names=False)
    order = topological_order(root)
    place = {node: f"n{i}" for i, node in enumerate(order)}
    lines = [line.strip() for line in source.splitlines()]
    declared = [match[1] for line in lines if (match := re.match(r"(n\d+) \[", line))]
    assert declared == [place[node] for node in order]
    drawn = [match.groups() for line in lines if (match := re.match(r"(n\d+)\w* -> (\w+) \[", line))]
    recorded = [(place[input], place[node]) for node in order for input in node.inputs]
    assert drawn == [*recorded, (place[root], "root")]
    assert len({node.partition("_")[0] for node in parsed(source).nodes()}) == len(order) + 1


HOSTILE = [
    '"',
    "\\",
    "\\N",
    "a\nb",
    "<b>x</b>",
    "&amp;",
    "é🙂",
    "}",
    "<script>alert(1)</script>",
    "--",
    "%",
    "'",
    "\\\\n",
]


@given(st.text(max_size=20))
@example("".join(HOSTILE))
@example("\x00")
@example("\ud800")
def test_any_label_gives_a_picture(label: str) -> None:
    x = Value(1.0, label)
    source = to_dot(x * x)
    parsed(source)
    source.encode()


@pytest.mark.parametrize("label", HOSTILE)
def test_hostile_labels_come_out_as_typed(label: str) -> None:
    svg = Drawing(to_dot(Value(1.0, label) * 2)).render("svg").decode()
    texts = [element.text or "" for element in ElementTree.fromstring(svg).iter() if element.tag.endswith("text")]
    assert all(part in "".join(texts).replace("\xa0", " ") for part in label.split("\n"))
    assert "<script" not in svg


@pytest.mark.parametrize("read", [explain, draw, to_dot])
def test_only_values_are_drawn(read: Any) -> None:
    with pytest.raises(TypeError, match=r"root must be a Value, got 3\.0"):
        read(3.0)
    with pytest.raises(TypeError, match="Value"):
        read([Value(1.0)])


def test_names_come_from_labels_then_locals_then_globals() -> None:
    w = [Value(1.0), Value(2.0)]
    bias, _hidden, labelled = Value(3.0), Value(4.0), Value(5.0, "own")
    again = bias
    y = autograd.dot(w, [labelled, _hidden], bias)
    source = to_dot(y)
    for name in (
        "<w[0] = 1.00<br/>",
        "<w[1] = 2.00<br/>",
        "<bias = 3.00<br/>",
        "<own = 5.00<br/>",
        "<x1 = 4.00<br/>",
        "<y>",
    ):
        assert name in source
    assert "_hidden" not in source
    assert "again" not in source
    assert again is bias
    assert "w[0]" not in to_dot(y, names=False)
    assert "dy/dbias" in repr(explain(y))
    assert "dy/dbias" not in repr(explain(y, names=False))
    assert "bias = 3.00" in draw(y).source


def test_gates_have_the_names_that_explain_uses() -> None:
    f = neuron()
    source = to_dot(f)
    names = re.findall(r'<(?:×|\+|\*-1|exp)<br/><font point-size="10">(v\d)</font>', source)
    assert names == [f"v{i}" for i in range(1, 8)]
    assert all(f"{name} = " in repr(explain(f)) for name in names)


def test_neither_a_list_of_nodes_nor_a_loop_names_a_node() -> None:
    x = Value(2.0)
    q = x * x
    y = q + 1
    order = topological_order(y)
    for node in order:
        if node is not y and node.inputs:
            break
    pairs = [node.data for _, node in enumerate(order[:-1])]
    for i, (held, _) in enumerate(zip(order, pairs)):
        if i == 1 and held is not y:
            break
    text = to_dot(y)
    assert "<q</font>" in text.replace('point-size="10">', "<")
    assert not any(f"{name}<" in text or f"{name}[" in text for name in ("node", "order", "held"))
    assert held is order[1]


def test_parameters_have_the_names_of_their_module() -> None:
    model = MLP(2, [2, 1], rng=Random(1))
    weights = model.parameters()
    y = model([1.0, 2.0])
    assert "layer1.W[0][1] = " in repr(explain(y))
    assert "layer2.b[0]" in draw(y).source
    assert "weights[" not in draw(y).source
    assert weights[0] in topological_order(y)


@pytest.mark.parametrize(
    ("f", "text"),
    [
        (lambda a, b, c: autograd.dot([a, b], [b, c], a), "f = a·b + b·c + a = 9"),
        (lambda a, b, c: autograd.sum([a, b, c]), "f = a + b + c = 6"),
        (lambda a, b, c: autograd.dot([a, b], [3.0, 1.0]), "f = a·3 + b·1 = 5"),
        (lambda a, b, c: autograd.max([a, b, c]), "f = max(a, b, c) = 3"),
        (lambda a, b, c: autograd.sum([a] * 30), "f = sum(a, a, a, a, a, a, …, a) = 30"),
    ],
)
def test_sums_of_products_are_written_out(f: Any, text: str) -> None:
    assert text in repr(explain(f(Value(1.0, "a"), Value(2.0, "b"), Value(3.0, "c"))))


@pytest.mark.parametrize("make", [lambda: neuron(), lambda: worked.squared_error(), shared])
def test_a_step_shows_how_far_backward_has_come(make: Any) -> None:
    """At every step: the gradients of the gates so far, on their edges, and at each node the sum of what has arrived."""
    f = make()
    order, adjoint = topological_order(f), autograd.adjoints(f)
    gates = [node for node in reversed(order) if node.inputs]
    places = {node: f"n{i}" for i, node in enumerate(order)}
    red = f'<font color="{THEMES["light"][ord(GRADIENT)]}">'
    for k in range(len(gates) + 1):
        source = draw(f, step=k, names=False).source
        drawn = re.findall(r"^\t(\w+) -> (\w+) \[label=<(.*?)>(?: .*)?\]$", source, re.MULTILINE)
        for input, gate in [(input, node) for node in order for input in node.inputs]:
            labels = [label for tail, head, label in drawn if (tail, head) == (places[input], places[gate])]
            assert all((red in label) == (gate in gates[:k] and input.role != "constant") for label in labels)
        for leaf in order:
            if leaf.inputs or leaf.role == "constant":
                continue
            slopes = [(g, i) for g in gates for i, input in enumerate(g.inputs) if input is leaf]
            came = [adjoint[g] * (local_gradients(g)[i] or 0.0) for g, i in slopes if g in gates[:k]]
            (label,) = re.findall(rf"^\t{places[leaf]} \[label=<(.*?)> shape", source, re.MULTILINE)
            if not came:
                assert "transparent" in label
                continue
            so_far = "" if len(came) == len(slopes) else f" ({len(came)} of {len(slopes)})"
            assert f">grad {sum(came):.2f}{so_far}<" in label
        assert source.count(THEMES["light"][ord(NOW)]) == (k > 0)
    with pytest.raises(
        ValueError, match=rf"step must be a whole number from 0 to {len(gates)}.*, got {len(gates) + 1}"
    ):
        draw(f, step=len(gates) + 1)


def test_importing_the_engine_imports_no_renderer() -> None:
    code = "import autograd, sys; assert not {'graphviz', 'numpy', 'hypothesis', 'pygraphviz'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
