"""Guards the pictures and the walk in words: what they show, under which names, and that any text comes out as typed."""

from __future__ import annotations

import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, strategies as st

import autograd
from autograd import Value, draw, explain, no_grad, to_dot, topological_order
from autograd.drawing import Drawing, RenderingError
from autograd.drawing.dot import GRADIENT
from autograd.drawing.drawing import FULL
from autograd.testing import Expression, expressions

pygraphviz = pytest.importorskip("pygraphviz")


def neuron() -> Value:
    w0, x0, w1, x1, w2 = (Value(x, name) for x, name in zip((2, -1, -3, -2, -3), ("w0", "x0", "w1", "x1", "w2")))
    f = 1 / (1 + autograd.exp(-(w0 * x0 + w1 * x1 + w2)))
    f.label = "f"
    return f


def parsed(source: str) -> Any:
    return pygraphviz.AGraph(string=source)


def test_the_picture_of_the_sigmoid_neuron_shows_the_slides_numbers() -> None:
    """Row A12: every value and gradient of the lecture's figure, with two decimals."""
    f = neuron()
    f.backward()
    source = to_dot(f)
    for value in ["2.00", "-1.00", "-3.00", "-2.00", "-2.00", "6.00", "4.00", "1.00", "-1.00", "0.37", "1.37", "0.73"]:
        assert f"<{value}<br/>" in source
    for gradient in ["-0.20", "0.39", "-0.39", "-0.59", "0.20", "-0.53", "1.00"]:
        assert f">{gradient}</font>" in source
    graph = parsed(source)
    shapes = [node.attr["shape"] for node in graph.nodes()]
    assert (shapes.count("circle"), shapes.count("box"), shapes.count("plaintext")) == (8, 5, 2)
    assert len(graph.edges()) == 14


def test_before_backward_there_is_no_false_zero() -> None:
    f = neuron()
    source = to_dot(f)
    assert source.count("grad not computed") == 5
    assert GRADIENT not in source
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


def test_gradients_are_those_of_the_drawn_root() -> None:
    x = Value(3.0, "x")
    shared = x * x
    f, g = shared * 2, shared * 5
    f.backward()
    g.backward()
    assert shared.grad == 5.0, "the last pass through it"
    steps = [line.split() for line in repr(explain(f)).splitlines()]
    assert ["*", "f", "1", "2", "2", "shared", "swap", "multiplier"] in steps
    assert "df/dx = 6 + 6 = 12  (its grad is 42, with earlier passes)" in repr(explain(f))


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
    drawn = [match.groups() for line in lines if (match := re.match(r"(\w+) -> (\w+) \[", line))]
    recorded = [(place[input], place[node]) for node in order for input in node.inputs]
    assert drawn == [*recorded, (place[root], "root")]
    assert len(parsed(source).nodes()) == len(order) + 1


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


def test_names_in_the_walk_are_each_of_one_node() -> None:
    a, x = Value(2.0, "x"), Value(3.0)
    f = a * x
    walk = repr(explain(f))
    assert "x = 2, x₂ = 3" in walk
    assert "f = x·x₂ = 6" in walk
    assert "df/dx₂" in walk
    w = Value(5.0, role="parameter")
    walk = repr(explain((Value(3.0) * Value(3.0)) * w, names=False))
    assert "x1 = 3, x2 = 3, w1 = 5" in walk
    assert "v1 = x1·x2 = 9" in walk
    assert "f = c1² " not in repr(explain(Value(-2.0, role="constant") ** 2))
    assert "f = (−2)² = 4" in repr(explain(Value(-2.0, role="constant") ** 2))


def test_the_walk_tells_the_convention_at_a_kink() -> None:
    x = Value(0.0, "x")
    assert "at its kink: relu′(0) = 0" in repr(explain(x.relu()))
    assert "at its kink" not in repr(explain((x + 1).relu()))


@pytest.mark.parametrize("read", [explain, draw, to_dot])
def test_only_values_are_drawn(read: Any) -> None:
    with pytest.raises(TypeError, match=r"a Value, not (from )?3\.0"):
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
        "<4.00<br/>",
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


def test_saving(tmp_path: Path) -> None:
    drawing = draw(neuron())
    for name, magic in (("f.svg", b"<?xml"), ("f.png", b"\x89PNG"), ("f.pdf", b"%PDF"), ("f.dot", b"digraph")):
        path = drawing.save(tmp_path / name)
        assert path.read_bytes().startswith(magic)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["f.dot", "f.pdf", "f.png", "f.svg"]
    with pytest.raises(ValueError, match=r"ends in \.svg, \.png, \.pdf or \.dot.*'f\.gif'"):
        drawing.save(tmp_path / "f.gif")


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "f.svg"
    target.write_text("the old one")

    def fail(*_: Any) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(OSError, match="disk full"):
        draw(neuron()).save(target)
    assert [path.name for path in tmp_path.iterdir()] == ["f.svg"]
    assert target.read_text() == "the old one"


def test_without_a_renderer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    drawing = draw(neuron())
    with pytest.raises(RenderingError, match="install Graphviz"):
        drawing.save(tmp_path / "f.svg")
    assert not (tmp_path / "f.svg").exists()
    assert drawing.save(tmp_path / "f.dot").exists()
    assert set(drawing._repr_mimebundle_()) == {"text/plain"}


def test_in_a_notebook_it_shows_itself() -> None:
    assert draw(neuron())._repr_mimebundle_()["image/svg+xml"].startswith("<?xml")


def test_large_graphs_are_drawn_in_part() -> None:
    y = Value(1.0, "x")
    for _ in range(400):
        y = -y
    source = draw(y).source
    assert f"the {FULL} nodes nearest to the root, of 401" in source
    assert to_dot(y).count("->") == 401
    assert draw(y, limit=5).source.count("->") == 5
    with pytest.raises(ValueError, match="at least 1, not -1"):
        draw(y, limit=-1)
    for _ in range(3000):
        y = -y
    with pytest.raises(ValueError, match=r"limit=300"):
        draw(y)


def test_importing_the_engine_imports_no_renderer() -> None:
    code = "import autograd, sys; assert not {'graphviz', 'numpy', 'hypothesis', 'pygraphviz'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_walk_of_the_lecture() -> None:
    """Row A11 and the text of the sigmoid neuron, gate by gate from the end."""
    f = neuron()
    f.backward()
    lines = repr(explain(f)).splitlines()
    table = [line.split("  ") for line in lines[lines.index("backward: upstream × local = downstream") + 2 :]]
    steps = [[cell.strip() for cell in row if cell.strip()] for row in table]
    assert steps[0] == ["1/x", "f", "1", "-0.534447 (−1/v7²)", "-0.534447", "v7"]
    assert steps[2] == ["exp", "v6", "-0.534447", "0.367879 (v6)", "-0.196612", "v5"]
    assert steps[3] == ["*-1", "v5", "-0.196612", "-1", "0.196612", "v4"]
    assert steps[10] == ["*", "v1", "0.196612", "-1 (x0)", "-0.196612", "w0", "swap multiplier"]
    assert lines[-5:] == [
        "  df/dw0 = -0.196611933241",
        "  df/dx0 = 0.393223866483",
        "  df/dw1 = -0.393223866483",
        "  df/dx1 = -0.589835799724",
        "  df/dw2 = 0.196611933241",
    ]


def test_explaining_a_leaf_a_constant_and_gates_without_gradient() -> None:
    assert "forward" in repr(explain(Value(1.0, "x")))
    with no_grad():
        constant = Value(2.0) * 3
    assert "gradients" in repr(explain(constant))
    y = autograd.step(Value(1.0, "x")) * 2
    y.backward()
    assert "none" in repr(explain(y))
