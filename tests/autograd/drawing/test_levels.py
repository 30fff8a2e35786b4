"""Tests which part of a large graph is drawn: folded scopes and their formulas, neighbourhoods, limits."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from random import Random
from typing import Any

import pytest
from hypothesis import example, given, settings, strategies as st

import autograd
from autograd import Value, dot, draw, scope, to_dot, topological_order
from autograd.drawing.boxes import Level, fold, homes
from autograd.drawing.summary import summary
from autograd.drawing.view import FULL, LARGEST
from nn import MLP

pygraphviz = pytest.importorskip("pygraphviz")


def net(*sizes: int) -> tuple[MLP, list[Value], Value]:
    """A network with weights of no particular meaning, its two inputs, and a loss, with its gradients."""
    model = MLP(2, sizes)
    for i, parameter in enumerate(model.parameters()):
        parameter.data = (7 * i % 11 - 5) / 10
    inputs = [Value(0.5, "x1"), Value(-1.0, "x2")]
    loss = (model(inputs) - 1) ** 2
    loss.label = "loss"
    loss.backward()
    return model, inputs, loss


def boxes(source: str) -> dict[str, str]:
    """The label of every node of a picture."""
    return dict(re.findall(r"^\t(\w+) \[label=<(.*?)>(?: \w+=.*)?\]$", source, re.MULTILINE))


def arrows(source: str) -> list[tuple[str, str]]:
    return re.findall(r"^\t(\w+) -> (\w+)", source, re.MULTILINE)


def test_the_merged_diagram() -> None:
    """One box a layer; what it computes is read off its gates."""
    _, _, loss = net(4, 4, 1)
    source = draw(loss, level="layer").source
    output = loss.inputs[0].inputs[0]
    folds = [label for label in boxes(source).values() if "<b>" in label]
    assert [re.sub("<[^>]*>", "|", label).strip("|") for label in folds] == [
        "layer1||4 × relu(w·x+b)||12 parameters",
        "layer2||4 × relu(w·x+b)||20 parameters",
        f"layer3||w·x+b|= {output.data:.2f}||grad {output.grad:.2f}|||5 parameters",
    ]
    assert "<4 values<br/>" in source
    assert "subgraph cluster" in source
    assert len(arrows(source)) == 2 + 2 + 2 + 2 + 1, "inputs, layers, the difference, its square, the root's name"


def test_the_norm_of_the_gradients_between_layers() -> None:
    model, inputs, loss = net(4, 4, 1)
    order = topological_order(loss)
    outputs = [node for node in order if node.gate is autograd.GATES["relu"] and node.scope]
    for layer in (outputs[:4], outputs[4:]):
        norm = sum(node.grad**2 for node in layer) ** 0.5
        assert f"‖grad‖ {norm:.2f}<" in draw(loss, level="layer").source
    assert "‖grad‖" not in draw(model(inputs), level="layer").source, "before backward"


def test_the_simplified_diagram() -> None:
    """One box a neuron, in a frame for each layer."""
    _, _, loss = net(4, 4, 1)
    source = draw(loss, level="neuron").source
    labels = boxes(source)
    assert sum("relu(w·x+b)" in label for label in labels.values()) == 8
    assert sum("<b>neuron1</b>" in label for label in labels.values()) == 3
    for layer in ("mlp/layer1", "mlp/layer2", "mlp/layer3"):
        assert source.count(f"label=<{layer}>") == 1
    assert len(arrows(source)) == 2 * 4 + 4 * 4 + 4 + 2 + 2 + 1
    assert len(pygraphviz.AGraph(string=source).nodes()) == len(labels)


def test_the_detailed_diagram_frames_its_neurons() -> None:
    _, _, loss = net(2, 1)
    source = draw(loss).source
    assert source == draw(loss, level="gate").source
    assert source.count("subgraph cluster") == 2 + 3
    assert source.count("{") == source.count("}")
    tables = [label for label in boxes(source).values() if "<table" in label]
    assert [label.count("<tr>") for label in tables] == [3, 3, 3]
    listed = sum(label.count("<tr>") or 1 for name, label in boxes(source).items() if name != "root")
    assert listed == len(topological_order(loss))


def test_parameters_are_shown_with_the_only_neuron_that_uses_them() -> None:
    w, x = Value(2.0, "w", role="parameter"), Value(3.0, "x")
    with scope("a"):
        y = w * x
    with scope("b"):
        z = x.tanh()
    home = homes(topological_order(y + z))
    assert home[w] == "a"
    assert home[x] is None
    with scope("b"):
        z = w * z
    assert homes(topological_order(y + z))[w] is None, "shared, so outside of both"


def texts(picture: bytes) -> list[tuple[float, float, str]]:
    """The lines of text in an SVG, with their places."""
    found = ElementTree.fromstring(picture).iter("{http://www.w3.org/2000/svg}text")
    return [(float(text.attrib["x"]), float(text.attrib["y"]), text.text or "") for text in found]


@given(st.just("neuron"), st.integers(1, 4), st.lists(st.integers(1, 6), min_size=1, max_size=3))
@example("gate", 3, [4, 4])
@settings(max_examples=10, deadline=None)
def test_layers_list_their_neurons_from_the_top(level: Level, nin: int, sizes: list[int]) -> None:
    model = MLP(nin, [*sizes, 2], rng=Random(1))
    cost = autograd.sum([y * y for y in model([Value(float(i)) for i in range(nin)])])
    layers: dict[str, list[tuple[float, str]]] = {}
    for x, y, text in texts(draw(cost, level=level).render("svg")):
        if text.startswith("neuron"):
            layers.setdefault(f"{x:.0f}" if level == "neuron" else f"{x // 150}", []).append((y, text))
    for found in layers.values():
        assert [text for _, text in sorted(found)] == [f"neuron{i}" for i in range(1, len(found) + 1)]


def test_a_table_shows_what_its_parameters_hold() -> None:
    model, _, loss = net(3, 1)
    source = draw(loss, level="gate").source
    for name, parameter in model.named_parameters():
        shown = re.search(rf"{re.escape(name)}</td><td>(.*?)</td><td><font[^>]*>(.*?)</font>", source)
        assert shown and shown.groups() == (f"{parameter.data:.2f}", f"{parameter.grad:.2f}"), name


def test_arrows_of_neurons_show_their_weights() -> None:
    model, inputs, loss = net(3, 1)
    source = draw(loss, level="neuron").source
    told = {}
    for width, name, number in re.findall(r'penwidth=(\S+) arrowhead=none tooltip="(\S+) = (\S+)"', source):
        told[name] = (float(width), float(number))
    weights = {name: p.data for name, p in model.named_parameters() if ".W" in name}
    assert {name: number for name, (_, number) in told.items()} == {n: round(w, 2) for n, w in weights.items()}
    ordered = sorted(told, key=lambda name: abs(weights[name]))
    assert [told[name][0] for name in ordered] == sorted(width for width, _ in told.values())
    colours = {
        name: colour
        for colour, name in re.findall(r'color="(#\w+)" penwidth=\S+ arrowhead=none tooltip="(\S+) ', source)
    }
    assert len({colours[name] for name in weights if weights[name] < 0}) == 1
    assert {colours[n] for n in weights if weights[n] < 0}.isdisjoint(colours[n] for n in weights if weights[n] >= 0)
    w = Value(2.0, "w", role="parameter")
    with scope("a"):
        y = (w * inputs[0] + w * inputs[1]).tanh() * 3
    assert draw(y, level="neuron").source.count("arrowhead=none") == 2, "of gates of their own too"
    assert "arrowhead=none" not in draw(y).source


def test_layers_are_scopes_of_scopes_however_deep() -> None:
    def gates(scopes: list[str]) -> list[Value]:
        made = []
        for name in scopes:
            with scope(name):
                made.append((Value(1.0) * 2).tanh())
        return made

    names = ["net/mlp/layer1/neuron1", "net/mlp/layer1/neuron2", "net/head/neuron1", "net/activation", "alone"]
    order = topological_order(autograd.sum(gates(names)))
    folded = {box.scope for box in fold(order, homes(order), "layer")} - {None}
    assert folded == {"net/mlp/layer1", "net/head", "net/activation", "alone"}
    folded = {box.scope for box in fold(order, homes(order), "neuron")} - {None}
    assert folded == set(names)


@pytest.mark.parametrize(
    ("f", "line"),
    [
        (lambda w, x, b: dot(w, x, b).relu(), "relu(w·x+b)"),
        (lambda w, x, b: dot(w, x), "w·x"),
        (lambda w, x, b: (w[0] * x[0] + w[1] * x[1] + b).tanh(), "tanh(w·x+b)"),
        (lambda w, x, b: (b + sum(u * v for u, v in zip(w, x))).sigmoid(), "sigmoid(w·x+b)"),
        (lambda w, x, b: 1 / (1 + autograd.exp(-dot(w, x, b))), "1/(1+exp(−(w·x+b)))"),
        (lambda w, x, b: dot(w, [1.0, -2.0, 0.5], b).relu(), "relu(w·x+b)"),
        (lambda w, x, b: x[0] * w[0] + 3.0 * w[1] + b, "w·x+b"),
        (lambda w, x, b: 3.0 * x[0] + 1, "3·x+1"),
        (lambda w, x, b: (x[0] - 1) ** 2, "(x − 1)²"),
        (lambda w, x, b: x[0] + x[1] + x[2], "Σ x"),
        (lambda w, x, b: autograd.leaky_relu(dot(w, x, b), 0.2), "leaky_relu(w·x+b, 0.2)"),
        (lambda w, x, b: dot(w, x).relu() + dot(w, x).relu(), "Σ relu(w·x)"),
        (lambda w, x, b: autograd.logsumexp(x), "logsumexp(x, x, x)"),
    ],
)
def test_what_a_box_says_it_computes(f: Any, line: str) -> None:
    w, x = [Value(0.5, role="parameter") for _ in range(3)], [Value(float(i)) for i in range(3)]
    y = f(w, x, Value(0.1, role="parameter"))
    assert summary(topological_order(y), [y]) == [line]


def test_what_many_outputs_compute_is_counted() -> None:
    x = Value(0.5)
    outputs = [x.tanh(), x.tanh(), x.exp()]
    assert summary([x, *outputs], outputs) == ["2 × tanh(x)", "exp(x)"]
    outputs = [x.tanh(), x.exp(), x.sin(), x.cos()]
    assert summary([x, *outputs], outputs) == ["tanh(x)", "exp(x)", "and 2 other formulas"]


def test_a_summary_stays_short_and_quick_whatever_the_gates() -> None:
    x = y = Value(1.0)
    for _ in range(100):
        y = y * y + x  # as a formula without bounds, 2^100 letters
    (line,) = summary(topological_order(y), [y])
    assert len(line) <= 120
    w = [Value(1.0, role="parameter") for _ in range(5_000)]
    y = dot(w, [Value(1.0) for _ in w], Value(0.0, role="parameter")).relu()
    assert summary(topological_order(y), [y]) == ["relu(w·x+b)"]


@given(st.lists(st.sampled_from(["", "a", "a/b", "a/c", "d/e/f", "d/e/g"]), min_size=1, max_size=12), st.data())
def test_every_node_is_in_one_box_and_every_edge_in_one_arrow_or_within_a_box(names: list[str], data: Any) -> None:
    made = [Value(1.0)]
    for name in names:
        a, b = data.draw(st.sampled_from(made)), data.draw(st.sampled_from(made))
        if name:
            with scope(name):
                made.append(a + b)
        else:
            made.append(a + b)
    root = autograd.sum(made)
    order = topological_order(root)
    home = homes(order)
    if not any(home.values()):
        return
    levels: list[Level] = ["neuron", "layer"]
    for level in levels:
        folded = fold(order, home, level)
        assert sorted(map(id, (node for box in folded for node in box.nodes))) == sorted(map(id, order))
        source = draw(root, level=level).source
        owner = {node: i for i, box in enumerate(folded) for node in box.nodes}
        expected = {
            (f"n{owner[i]}", f"n{owner[node]}") for node in order for i in node.inputs if owner[i] != owner[node]
        }
        assert {*arrows(source)} == {*expected, (f"n{owner[root]}", "root")}
        assert len(pygraphviz.AGraph(string=source).nodes()) == len(folded) + 1


def test_large_graphs_are_folded_as_far_as_it_takes() -> None:
    small, larger = net(4, 4, 1)[0], MLP(3, [4, 4, 1], rng=Random(1))
    assert len(topological_order(small([1.0, 2.0]))) < 60 <= len(topological_order(larger([*map(Value, (1, 2, 3))])))
    assert "<table" in draw(small([1.0, 2.0])).source
    assert "<table" not in draw(larger([*map(Value, (1, 2, 3))])).source
    assert "<table" in draw(larger([*map(Value, (1, 2, 3))]), level="gate").source
    source = draw(net(16, 16, 1)[2]).source
    assert source.count("<b>neuron") == 33
    model = MLP(2, [16, 16, 1], rng=Random(1))
    cost = sum(model([0.1 * i, 1.0]) for i in range(6)) / 6
    assert draw(cost).source.count("<b>neuron") == 33, "the six passes through a neuron are one box"
    wide = MLP(1, [310, 1], rng=Random(1))
    source = draw(wide([1.0])).source
    assert "310 × relu(w·x+b)" in source
    assert "<b>neuron" not in source


def test_large_graphs_without_scopes_are_drawn_in_part_and_say_so() -> None:
    y = Value(1.0, "x")
    for _ in range(400):
        y = -y
    source = draw(y).source
    assert f"the {FULL} nodes nearest to the root, of 401" in source
    assert to_dot(y).count("->") == 401
    part = draw(y, limit=5).source
    assert "the 5 nodes nearest to the root, of 401" in part
    assert arrows(part) == [("n0", "n1"), ("n1", "n2"), ("n2", "n3"), ("n3", "n4"), ("n0_before", "n0"), ("n4", "root")]
    assert "style=dashed" in part
    assert draw(y, level="gate").source.count("->") == 401, "asked for"


def test_graphs_that_no_picture_can_show_are_refused_with_what_to_write() -> None:
    y = Value(1.0, "x")
    for _ in range(LARGEST):
        y = -y
    with pytest.raises(ValueError, match=r"3,001 nodes.*level=.*around=node.*limit=300.*to_dot"):
        draw(y)
    with pytest.raises(ValueError, match=r"level='gate' must give .*, got 3,001: .*around=node, or limit=300"):
        draw(y, level="gate")
    with pytest.raises(ValueError, match=r"level='layer' requires nodes with a scope, got none"):
        draw(y, level="layer")
    assert draw(y, limit=2).source.count("->") == 3
    assert draw(y, around=y.inputs[0]).source.count("->") == 5


def test_a_large_model_is_drawn_by_its_layers() -> None:
    model = MLP(2, [60, 60, 1], rng=Random(1))
    loss = model([0.5, -1.0])
    assert len(topological_order(loss)) > LARGEST
    with pytest.raises(ValueError, match="level="):
        draw(loss)
    assert "60 × relu(w·x+b)" in draw(loss, level="layer").source


def test_around_a_node() -> None:
    x = Value(1.0, "x")
    chain = [x]
    for _ in range(10):
        chain.append(-chain[-1])
    middle = chain[5]
    source = draw(chain[-1], around=middle).source
    assert "at most 2 edges from the node in bold" in source
    assert source.count("penwidth=4") == 1
    assert len(boxes(source)) == 5
    assert [arrow for arrow in arrows(source) if "_" in "".join(arrow)] == [("n0_before", "n0"), ("n4", "n4_after")]
    assert len(boxes(draw(chain[-1], around=middle, depth=0).source)) == 1
    assert len(boxes(draw(chain[-1], around=middle, depth=1).source)) == 3
    assert "node x" in draw(chain[-1], around=x).source
    assert "root" in boxes(draw(chain[-1], around=chain[-2]).source)


def test_around_a_node_that_everything_uses() -> None:
    x = Value(1.0, "x")
    y = autograd.sum([x * i for i in range(1, 1000)])
    source = draw(y, around=x).source
    assert f"the {FULL} nodes nearest to the node x" in source
    assert len([name for name in boxes(source) if name[0] == "n"]) == FULL
    assert len([name for name in boxes(draw(y, around=x, limit=10).source) if name[0] == "n"]) == 10


def test_around_a_neuron_of_a_folded_picture() -> None:
    model, _, loss = net(4, 4, 1)
    weight = model.parameters()[12]  # of the first neuron of the second layer
    source = draw(loss, level="neuron", around=weight, depth=1).source
    assert sum("<b>neuron" in label for label in boxes(source).values()) == 1 + 4 + 1


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"level": "detail"}, ValueError, "level must be 'gate', 'neuron' or 'layer', got 'detail'"),
        ({"around": 3}, TypeError, "around must be a Value, got 3"),
        ({"around": Value(1.0)}, ValueError, "is not in the graph of the root"),
        ({"limit": 0}, ValueError, "limit must be a whole number of at least 1, got 0"),
        ({"limit": 2.5}, ValueError, "limit must be a whole number of at least 1, got 2.5"),
        ({"depth": 3}, ValueError, "depth requires around: write around=node"),
        ({"depth": -1, "around": Value(1.0)}, ValueError, "depth must be a whole number of at least 0, got -1"),
    ],
)
def test_wrong_arguments_are_named(options: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=re.escape(message)):
        draw(Value(2.0) * 3, **options)


def test_layers_that_lead_to_each_other_stand_from_left_to_right() -> None:
    model = MLP(2, [4, 4, 1], rng=Random(0))
    svg = draw(model([Value(0.5), Value(-1.0)]), level="layer").render("svg").decode()
    at = {text: float(x) for x, text in re.findall(r'<text x="(.*?)".*?>(layer\d)</text>', svg)}
    assert [*sorted(at, key=at.__getitem__)] == ["layer1", "layer2", "layer3"]
    assert at["layer3"] - at["layer1"] > 100
