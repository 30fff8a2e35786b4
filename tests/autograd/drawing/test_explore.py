"""Tests the page of an expression as a file: self-contained, safe against injection, and computed by the gates' rules."""

from __future__ import annotations

import json
import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import example, given, settings, strategies as st

import autograd
from autograd import GATES, Value, explore, gate
from autograd.drawing import Page, RenderingError
from autograd.drawing.javascript import gate_row
from autograd.drawing.layout import layout
from nn import MLP
from tests.worked import sigmoid_neuron as neuron

pytest.importorskip("pygraphviz")


class Elements(HTMLParser):
    """The elements of a page, as a browser would find them, and the text within each kind."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text: dict[str, str] = {}
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        if self.tags:
            self.text[self.tags[-1]] = self.text.get(self.tags[-1], "") + data


def data(page: Page) -> Any:
    (text,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page.html, re.DOTALL)
    return json.loads(text)


def test_it_is_one_file_that_asks_nothing_of_the_network(tmp_path: Path) -> None:
    page = explore(neuron(), tmp_path / "f.html")
    html = (tmp_path / "f.html").read_text(encoding="utf-8")
    assert html == page.html
    assert page.path == tmp_path / "f.html"
    assert [path.name for path in tmp_path.iterdir()] == ["f.html"]
    elements = Elements(html)
    names = {name for name, _ in elements.attributes}
    assert {value for name, value in elements.attributes if name == "href"} == {"#step=0"}, "a place in the page itself"
    assert not names & {"src", "srcset", "action", "onclick", "onload", "style"}
    assert not {"link", "img", "iframe", "object", "base"} & {*elements.tags}
    assert "url(" not in html
    assert "@import" not in html
    addresses = {*re.findall(r"https?://[^\"'\s]+", html)}
    assert addresses <= {"http://www.w3.org/2000/svg"}, (
        "the name of the language of pictures, which nothing is loaded from"
    )


def test_what_it_knows_of_the_graph() -> None:
    found = data(explore(neuron(), names=False))
    nodes = found["nodes"]
    assert [node["name"] for node in nodes] == [
        *("c1", "w0", "x0", "w1", "x1", "w2"),
        *("v1", "v2", "v3", "v4", "v5", "v6", "v7", "f"),
    ]
    assert nodes[-1]["gate"] == "reciprocal/1"
    assert nodes[6]["inputs"] == [1, 2]
    assert [node["data"] for node in nodes[:6]] == [1, 2, -1, -3, -2, -3]
    assert [*found["sheets"]] == ["gates"]
    sheet = found["sheets"]["gates"]
    assert [box["nodes"] for box in sheet["boxes"]] == [[i] for i in range(len(nodes))]
    assert sheet["arrows"] == [[e] for e in range(13)]
    for laid, along in ((sheet["wide"], 0), (sheet["tall"], 1)):
        assert len(laid["objects"]) == len(nodes) + 1
        assert len(laid["edges"]) == 13 + 1
        size = [float(x) for x in laid["bb"].split(",")[2:]]
        places = {item["name"]: [float(x) for x in item["pos"].split(",")] for item in laid["objects"]}
        assert all(0 <= x <= most for place in places.values() for x, most in zip(place, size, strict=True))
        way = -1 if along else 1  # Graphviz counts from the bottom
        assert all(
            way * places[f"n{i}"][along] < way * places[f"n{k}"][along]
            for k, node in enumerate(nodes)
            for i in node["inputs"]
        )


HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>{{data}}<!--&amp;\"'\\`${1}"


@given(st.text(max_size=30))
@example(HOSTILE)
@example("\ud800\x00\u2028")
@settings(max_examples=15)
def test_no_name_becomes_html_or_script(label: str) -> None:
    plain, hostile = Value(2.0, "x"), Value(2.0, label)
    pages = []
    for x in (plain, hostile):
        y = x * x
        y.label = x.label
        pages.append(explore(y, names=False))
    assert Elements(pages[1].html).tags == Elements(pages[0].html).tags
    assert pages[0].html.count("<script") == pages[1].html.count("<script") == 2
    assert data(pages[1])["nodes"][0]["name"] == (label or "x1")
    assert Elements(pages[1].html).text["h1"].strip().startswith(label[:1].strip()) or not label[:1].isprintable()
    pages[1].html.encode()


def test_the_policy_of_the_page_lets_only_its_own_script_run() -> None:
    elements = Elements(explore(neuron()).html)
    contents = [value for name, value in elements.attributes if name == "content"]
    policy = next(value for value in contents if value and "default-src" in value)
    assert re.fullmatch(r"default-src 'none'; style-src 'sha256-[\w+/=]+'; script-src 'sha256-[\w+/=]+'", policy)


def test_in_a_notebook_it_is_a_frame_of_its_own() -> None:
    page = explore(neuron())
    elements = Elements(page._repr_html_())
    assert elements.tags == ["iframe", "script"]
    attributes = dict(elements.attributes)
    assert attributes["srcdoc"] == page.html
    assert attributes["sandbox"] == "allow-scripts allow-downloads"
    assert repr(page) == f"<Page of 'f, step by step', {len(page.html.encode()):,} bytes; .save('page.html')>"


def test_the_page_of_a_network_is_small() -> None:
    model = MLP(2, [16, 16, 1], rng=Random(1))
    page = explore(model([Value(0.5), Value(-1.0)]))
    assert len(data(page)["nodes"]) == 404
    assert len(page.html.encode()) < 2_000_000


@pytest.mark.parametrize(
    ("sizes", "levels", "first"),
    [
        ([2, 3, 1], ["gates", "neurons", "layers"], "gates"),
        ([4, 8, 8, 1], ["gates", "neurons", "layers"], "neurons"),
        ([20, 40, 40, 1], ["neurons", "layers"], "layers"),
    ],
)
def test_a_network_is_folded_as_far_as_it_shows_well(sizes: list[int], levels: list[str], first: str) -> None:
    inputs, *layers = sizes
    page = explore(MLP(inputs, layers, rng=Random(1))([Value(0.1 * i) for i in range(inputs)]))
    found = data(page)
    assert ([*found["sheets"]], found["level"]) == (levels, first)
    count = len(found["nodes"])
    for sheet in found["sheets"].values():
        assert sorted(i for box in sheet["boxes"] for i in box["nodes"]) == [*range(count)], "each node in one box"
        home = {i: k for k, box in enumerate(sheet["boxes"]) for i in box["nodes"]}
        edges = [(i, k) for k, node in enumerate(found["nodes"]) for i in node["inputs"]]
        outside = [e for e, (tail, end) in enumerate(edges) if home[tail] != home[end]]
        assert sorted(e for arrow in sheet["arrows"] for e in arrow) == outside, "each edge between boxes in one arrow"
    assert len(page.html.encode()) < 2_000_000


def test_a_stale_graph_is_shown_from_its_leaves() -> None:
    f = neuron()
    autograd.topological_order(f)[1].data = 5.0
    assert data(explore(f))["nodes"][1]["data"] == 5.0


def test_what_cannot_be_explored_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    y = Value(1.0, "x")
    for _ in range(3000):
        y = -y
    with pytest.raises(
        ValueError, match="root must have a graph of at most 3,000 nodes, got 3,001: explore a smaller part"
    ):
        explore(y)
    with pytest.raises(ValueError, match="x = inf"):
        explore(Value(float("inf"), "x") * 0.0)
    with pytest.raises(ValueError, match="digits must be a whole number from 0 to 17, got 99"):
        explore(neuron(), digits=99)
    with pytest.raises(TypeError, match=r"root must be a Value, got 3\.0"):
        explore(3.0)  # type: ignore[arg-type]
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    with pytest.raises(RenderingError, match="install Graphviz"):
        explore(neuron(), tmp_path / "f.html")
    assert not (tmp_path / "f.html").exists()


def test_rules_with_very_many_inputs_are_short_and_need_no_recursion() -> None:
    for name in ("sum", "dot", "max", "logsumexp"):
        assert len(json.dumps(gate_row(GATES[name], 2001))) < 500_000, "about two hundred characters an input"


def test_a_function_that_browsers_lack_is_named() -> None:
    bell = gate("bell", "Γ", lambda xp, x: xp.gamma(x), lambda xp, out, x: out)
    try:
        with pytest.raises(ValueError, match=r"the gate 'bell' uses xp\.gamma, which a browser does not have"):
            explore(bell(Value(1.0)))
    finally:
        del GATES["bell"]


def test_a_layout_is_graphvizs() -> None:
    found = layout([(60, 40), (46, 46), (46, 46)], [(0, 1), (0, 1), (1, 2)])
    x = [float(item["pos"].partition(",")[0]) for item in found["objects"]]
    assert x == sorted(x), "from left to right"
    assert len({edge["pos"] for edge in found["edges"]}) == 3, "two edges between the same nodes are two routes"
    assert [edge["id"] for edge in found["edges"]] == ["e0", "e1", "e2"]
