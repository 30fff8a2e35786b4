"""Tests the page in headless Chromium: at every step, its numbers are those of the engine."""

from __future__ import annotations

import re
import shutil
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import Select, WebDriverWait

import autograd
from autograd import GATES, Value, explore, gate, tanh, topological_order
from autograd.names import complete_names
from nn import (
    MLP,
    Adam,
    History,
    Module,
    binary_cross_entropy_with_logits,
    cross_entropy_with_logits,
    explore_training,
    fit,
    moons,
    spiral,
)
from tests.hubs import shared_gate, squares
from tests.worked import sigmoid_neuron

pytest.importorskip("pygraphviz")
FLAGS = """--headless --no-sandbox --disable-gpu --disable-dev-shm-usage --disable-quic --no-first-run
--disable-background-networking --disable-component-update --disable-sync --window-size=1280,1000"""


@pytest.fixture(scope="module")
def chrome(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    options = Options()
    for flag in FLAGS.split():
        options.add_argument(flag)
    options.add_argument(f"--user-data-dir={tmp_path_factory.mktemp('profile')}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    options.binary_location = shutil.which("chromium") or ""
    driver = Chrome(options=options, service=Service(shutil.which("chromedriver")))
    driver.execute_cdp_cmd("Emulation.setFocusEmulationEnabled", {"enabled": True})
    yield driver
    driver.quit()


class Shown:
    """A page that is open in the browser."""

    def __init__(self, driver: Chrome) -> None:
        self.driver = driver

    def all(self, selector: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector: str) -> WebElement:
        (found,) = self.all(selector)
        return found

    def texts(self, selector: str) -> list[str]:
        """The text of all these elements at once, whether they can be seen or not."""
        script = "return [...document.querySelectorAll(arguments[0])].map((element) => element.textContent)"
        return [str(text) for text in self.driver.execute_script(script, selector)]

    def next(self) -> None:
        self.one(".stepper .main").click()

    def press(self, key: str) -> None:
        self.one("body").send_keys(key)

    def cells(self) -> list[list[str]]:
        return [[cell.text for cell in row.find_elements(By.TAG_NAME, "td")] for row in self.all("#gate tbody tr")]

    def change(self, name: str, value: str) -> None:
        field = self.one(f'[aria-label="value of {name}"]')
        field.send_keys(Keys.CONTROL, "a")
        field.send_keys(value)


@pytest.fixture
def show(chrome: Chrome, tmp_path: Path) -> Iterator[Callable[[Value], Shown]]:
    """Open the page of an expression; when the test is over, the console must hold no complaint."""
    chrome.get_log("browser")  # type: ignore[no-untyped-call]

    def open_(root: Value) -> Shown:
        path = explore(root, tmp_path / "page.html", names=False).path
        assert path is not None
        chrome.get(path.as_uri())
        return Shown(chrome)

    yield open_
    assert chrome.get_log("browser") == []  # type: ignore[no-untyped-call]


@pytest.fixture
def show_training(chrome: Chrome, tmp_path: Path) -> Iterator[Callable[..., Shown]]:
    """The same for the page of a training run."""
    chrome.get_log("browser")  # type: ignore[no-untyped-call]

    def open_(model: Module, history: History, **options: Any) -> Shown:
        path = explore_training(model, history, tmp_path / "training.html", **options).path
        assert path is not None
        chrome.get(path.as_uri())
        return Shown(chrome)

    yield open_
    assert chrome.get_log("browser") == []  # type: ignore[no-untyped-call]


def number(text: str) -> float:
    """The first number in a text."""
    found = re.search(r"-?\d+(\.\d+)?(e[+-]?\d+)?", text)
    assert found, text
    return float(found[0])


def two_decimals(text: str, x: float) -> bool:
    return number(text) == pytest.approx(x, abs=0.005 + 1e-9)


def six_digits(text: str, x: float) -> bool:
    return number(text) == pytest.approx(x, rel=5.1e-6, abs=1e-12)


def compare_with_the_engine(page: Shown, root: Value) -> None:
    """Step through a page from start to end; every value and gradient that it shows must be the engine's."""
    order = topological_order(root)
    gradients = autograd.adjoints(root)
    names = complete_names(order, {})
    gates = [node for node in order if node.inputs]
    edges = [(input, node) for node in order for input in node.inputs]
    page.press(Keys.HOME)
    for count in range(len(gates) + 1):
        if count:
            page.next()
            sentence = page.one("#sentence").text
            assert sentence.startswith(f"Forward, gate {count} of {len(gates)}: {names[gates[count - 1]]} = ")
            assert six_digits(sentence.rpartition(" = ")[2], gates[count - 1].data)
            for cells, input in zip(page.cells(), gates[count - 1].inputs, strict=True):
                assert cells[0] == names[input]
                assert six_digits(cells[1], input.data)
        known = {*gates[:count], *(node for node in order if not node.inputs)}
        values = page.texts(".edge .value")
        for (input, _), text in zip(edges, values[:-1], strict=True):
            assert two_decimals(text, input.data) if input in known else text == ""
        assert set(page.texts(".edge .gradient")) == {""}
    page.next()
    assert page.one("#sentence").text == f"Backward begins at the end: d{names[root]}/d{names[root]} = 1."
    so_far: dict[Value, list[float]] = {}
    flowing: dict[tuple[Value, int], float] = {}
    for count, node in enumerate(reversed(gates), start=1):
        assert node.gate is not None
        slopes = node.gate.local_gradients(autograd.functions.FLOATS, node.data, [input.data for input in node.inputs])
        expected = [(i, input) for i, input in enumerate(node.inputs) if input.role != "constant"]
        sending: list[int | None] = [place for place, _ in expected if slopes[place] is not None]
        for turn in sending or [None]:
            page.next()
            sentence = page.one("#sentence").text
            assert sentence.startswith(f"Backward, gate {count} of {len(gates)}: {names[node]} = ")
            if turn is None:
                assert sentence.endswith(" sends no gradient.")
            else:
                input, slope = node.inputs[turn], slopes[turn]
                assert slope is not None
                flowing[node, turn] = gradients[node] * slope
                so_far.setdefault(input, []).append(flowing[node, turn])
                told = re.search(
                    r" sends (\S+) × \(?([^ )]+)\)? = (\S+) to (.*?)(?:, (?:in all|which has) (\S+).*)?\.$", sentence
                )
                assert told and told[4] == names[input]
                numbers = [gradients[node], slope, flowing[node, turn], sum(so_far[input])]
                for text, number in zip(told.group(1, 2, 3, 5), numbers, strict=True):
                    assert text is None or six_digits(text, number)
            for cells, (place, input) in zip(page.cells(), expected, strict=True):
                assert cells[0] == names[input]
                if slopes[place] is None:
                    assert cells[2] == "no gradient"
                elif (node, place) not in flowing:
                    assert cells[1:] == [""] * 4
                else:
                    assert six_digits(cells[1], gradients[node])
                    assert six_digits(cells[2], slopes[place])
                    assert six_digits(cells[3], flowing[node, place])
                    assert six_digits(cells[4], sum(so_far[input]))
            slots = [(node, place) for node in order for place in range(len(node.inputs))]
            for slot, text in zip(slots, page.texts(".edge .gradient")[:-1], strict=True):
                assert two_decimals(text, flowing[slot]) if slot in flowing else text == ""
    for node, text in zip(
        [x for x in order if x.role in ("input", "parameter")], page.texts("#leaves .gradient"), strict=True
    ):
        assert six_digits(text, gradients[node]) if node in so_far else text == "not computed"
    for node, label in zip(
        order, [box.get_attribute("aria-label") for box in page.all(".node[data-node]:not(.copy)")], strict=True
    ):
        assert label is not None
        assert label.startswith(names[node])
        assert two_decimals(label.partition(", value ")[2], node.data)
        if node.role != "constant" and (node in so_far or node is root):
            assert two_decimals(label.partition(", gradient ")[2], gradients[node])
    assert not page.one(".stepper .main").is_enabled(), "that was the last step"


@pytest.mark.parametrize("root", [squares(6), shared_gate(12)], ids=["leaf", "gate"])
def test_copies_show_what_their_node_shows(root: Value, show: Callable[[Value], Shown]) -> None:
    page = show(root)
    compare_with_the_engine(page, root)
    names = complete_names(topological_order(root), {})
    name, value = ("x", 0.5) if "x" in names.values() and root.inputs[1].inputs[0].label == "x" else ("v3", tanh(0.45))
    copies = page.texts(".copy .name")
    assert len(copies) == len(page.texts(".copy .label")) > 4
    assert {*copies} == {f"{name} = {value:.2f}"}
    assert page.texts(".copy .label")[-1] in ("uses 11–12 of 12", "use 12 of 12")
    assert page.one("#again").is_displayed()
    page.driver.execute_script(
        "document.querySelector('.copy').dispatchEvent(new PointerEvent('pointerover', { bubbles: true }))"
    )
    assert page.one("#details h3").text == name
    assert len([text for text in page.texts("#details .gradient") if text.startswith("from ")]) == 12
    page.change("x", "0.2")
    value = 0.2 if name == "x" else tanh(0.3)
    assert {*page.texts(".copy .name")} == {f"{name} = {value:.2f}"}


def test_a_page_without_copies_does_not_speak_of_them(show: Callable[[Value], Shown]) -> None:
    page = show(sigmoid_neuron())
    assert not page.all(".copy")
    assert not page.one("#again").is_displayed()


def test_the_sigmoid_neuron_step_by_step(show: Callable[[Value], Shown]) -> None:
    root = sigmoid_neuron()
    page = show(root)
    compare_with_the_engine(page, root)
    assert page.texts("#leaves .gradient") == ["-0.196612", "0.393224", "-0.393224", "-0.589836", "0.196612"]
    assert page.texts(".edge .gradient")[-2:] == ["-0.53", "1.00"]


def test_a_changed_leaf_recomputes_everything(show: Callable[[Value], Shown]) -> None:
    root = sigmoid_neuron()
    page = show(root)
    page.change("w0", "-1.5")
    page.change("x1", "0.25")
    for leaf in topological_order(root):
        if leaf.label in ("w0", "x1"):
            leaf.data = {"w0": -1.5, "x1": 0.25}[leaf.label]
    root.forward()
    compare_with_the_engine(page, root)
    page.one("#reset").click()
    compare_with_the_engine(page, sigmoid_neuron())


def test_shared_nodes_visibly_accumulate(show: Callable[[Value], Shown]) -> None:
    x = Value(2.0, "x")
    y = (x * x + x) * x
    page = show(y)
    for _ in range(3 + 1):
        page.next()
    seen = []
    for _ in range(6):
        page.next()
        seen.append(page.texts('[data-node="0"] .gradient')[0])
    assert seen == ["", *(f"Σ {x}.00 ({k} of 4)" for k, x in [(1, 6), (1, 6), (2, 8), (3, 12)]), "Σ 16.00"]
    assert page.one("#sentence").text.endswith("v1 = x² sends 2 × 2 = 4 to x, in all 16.")
    assert page.texts("#leaves .gradient") == ["16"]
    page.press(Keys.ARROW_LEFT)
    assert page.one('[data-node="0"]').get_attribute("class").split()[-1] == "adding"  # type: ignore[union-attr]
    compare_with_the_engine(page, y)


@pytest.fixture
def cube() -> Iterator[Any]:
    yield gate("cube", "x³", lambda xp, x: x * x * x, lambda xp, out, x: 3 * x * x)
    del GATES["cube"]


def test_every_gate_computes_on_the_page_what_it_computes_in_the_engine(
    show: Callable[[Value], Shown], cube: Any
) -> None:
    """All rows of the table and one that it has never seen, far from and on both sides of their kinks, to 1e-12."""
    outputs, leaves = [], []
    for row in GATES.values():
        for sign in (1.0, -1.0):
            domains = row.domain * 3 if row.variadic else row.domain
            inside = [
                [end for low, high in domain for end in (0.3 * low + 0.7 * high, 0.7 * low + 0.3 * high)]
                for domain in domains
            ]
            inputs = [Value(min(ends, key=lambda x: -sign * x) * (1 + 0.1 * i)) for i, ends in enumerate(inside)]
            leaves += inputs
            outputs.append(row.apply(inputs))
    root = autograd.sum(outputs)
    root.backward()
    page = show(root)
    order = topological_order(root)
    found = page.driver.execute_script("return [graph.data, graph.gradient]")
    assert found[0] == pytest.approx([node.data for node in order], rel=1e-12, abs=1e-12)
    assert [found[1][order.index(leaf)] for leaf in leaves] == pytest.approx(
        [leaf.grad for leaf in leaves], rel=1e-12, abs=1e-12
    )


def test_ties_and_kinks_follow_the_engine(show: Callable[[Value], Shown]) -> None:
    x = Value(0.0, "x")
    parts = [x.relu(), abs(x), autograd.maximum(x, 0.0), autograd.max([x, x, 0.0]), x.elu(), x.leaky_relu()]
    root = autograd.sum([autograd.maximum(part, part) * i for i, part in enumerate(parts, start=1)])
    compare_with_the_engine(show(root), root)


def test_where_a_gate_has_no_value_the_page_says_so_and_stops(show: Callable[[Value], Shown]) -> None:
    x = Value(2.0, "x")
    page = show(autograd.log(x) * 3)
    page.press(Keys.END)
    page.change("x", "-1")
    assert page.one("#sentence").text == "log has no finite value at x = -1. Change a leaf to go on."
    assert set(page.texts(".edge .gradient")) == {""}
    assert page.texts("#leaves .gradient") == ["not computed"]
    page.change("x", "4")
    page.press(Keys.END)
    page.one("body").click()
    page.press(Keys.END)
    assert page.texts("#leaves .gradient") == ["0.75"]


def test_where_a_gate_has_no_slope_the_page_says_so_and_stops(show: Callable[[Value], Shown]) -> None:
    x = Value(4.0, "x")
    page = show(x.sqrt() * 3 + x)
    page.change("x", "0")
    page.one("#sentence").click()
    page.press(Keys.END)
    assert page.one("#sentence").text == "√ has no slope at x = 0. Change a leaf to go on."
    assert page.texts("#leaves .gradient") == ["1 (1 of 2)"], "what came by the other path, and that more would come"
    page.change("x", "4")
    page.one("#sentence").click()
    page.press(Keys.END)
    assert page.texts("#leaves .gradient") == ["1.75"]


def test_what_is_no_number_is_marked_and_changes_nothing(show: Callable[[Value], Shown]) -> None:
    page = show(Value(2.0, "x") * 3)
    field = page.one('[aria-label="value of x"]')
    field.send_keys(Keys.CONTROL, "a")
    field.send_keys(Keys.DELETE)
    assert field.get_attribute("aria-invalid") == "true"
    assert page.driver.execute_script("return graph.data[0]") == 2.0
    page.change("x", "5")
    assert field.get_attribute("aria-invalid") == "false"
    assert page.driver.execute_script("return graph.data[0]") == 5.0


def predict(page: Shown, level: str) -> None:
    Select(page.one("#predict")).select_by_visible_text(level)


def answer(page: Shown, text: str) -> None:
    """Type into the field that has the focus, as it has when one answer follows another."""
    field = page.driver.switch_to.active_element
    assert field.get_attribute("data-question"), field.get_attribute("outerHTML")
    field.clear()
    field.send_keys(text, Keys.ENTER)


def ask_first(page: Shown) -> None:
    page.driver.execute_script("document.querySelector('[data-question]').focus()")


def product() -> Value:
    x, y, z = Value(-2.0, "x"), Value(5.0, "y"), Value(-4.0, "z")
    return (x + y) * z


def test_predicting_each_product(show: Callable[[Value], Shown]) -> None:
    """Each gradient is hidden until it is predicted, or until two tries have failed."""
    page = show(product())
    predict(page, "products")
    page.next()
    assert page.cells()[0][4] == "?"
    assert page.texts(".edge .gradient") == ["", "", "?", "", "1.00"]
    assert not page.one(".stepper .main").is_enabled()
    assert "-4" not in page.one("#details").text
    ask_first(page)
    answer(page, "four")
    assert page.texts(".hint") == ["“four” is not a number: write 0.25, -1/4 or 1e-3, for example."]
    answer(page, "-4,0")
    assert page.texts(".hint") == ["Write a point instead of the comma: -4.0."]
    answer(page, "")
    assert page.texts(".hint") == ["Type a number, such as 0.25, -1/4 or 1e-3."]
    answer(page, "1/0")
    assert page.texts(".hint") == ["A fraction cannot have 0 below its line."]
    answer(page, "-8/2")
    assert page.cells()[0][3] == "-4 ✓ right", "what cannot be read is not a try"
    assert page.one("#score").text == "1 of 1 right"
    assert page.texts(".edge .gradient") == ["", "", "-4.00", "", "1.00"]
    page.next()
    assert page.texts(".edge .gradient") == ["", "", "-4.00", "?", "1.00"]
    ask_first(page)
    answer(page, "-3")
    assert page.texts(".hint") == ["Not yet. The size is right: look at the sign."]
    assert page.one("#score").text == "1 of 1 right", "one try is left"
    answer(page, "2.5")
    assert page.cells()[1][3] == "3 ✗ not quite"
    assert page.one("#score").text == "1 of 2 right"
    page.press(Keys.END)
    assert page.one("#sentence").text.startswith("Backward, gate 2 of 2"), "End does not pass by a question"
    for typed in ("-3.96", "-4e0"):
        assert "Predict what it sends to" in page.one("#sentence").text
        assert len(page.all("[data-question]")) == 1
        ask_first(page)
        answer(page, typed)
        page.press(Keys.END)
    assert page.one("#score").text == "Finished: 3 of 4 right, 3 at the first try"
    assert page.texts("#leaves .gradient") == ["-4", "-4", "3"]
    page.one("#restart").click()
    assert page.one("#score").text == ""
    page.press(Keys.END)
    assert page.all("[data-question]")
    page.change("z", "2")
    assert page.all("[data-question]"), "new numbers, new questions"


def test_hints_name_the_mistake(show: Callable[[Value], Shown]) -> None:
    x, w = Value(3.0, "x"), Value(0.5, "w")
    page = show((w * x + x) * 4.0)
    predict(page, "products")
    page.press(Keys.END)
    ask_first(page)
    answer(page, "-8")
    assert page.texts(".hint") == ["Not yet. A factor is wrong: this is 2 times too large, and has the wrong sign."]
    answer(page, "4")
    for into, typed, hint in [
        ("v1", "1", "That is the local gradient alone, without the upstream: multiply it by 4."),
        ("x", "5", "Upstream and local gradient are multiplied, not added."),
        ("w", "4", "That is the upstream alone: multiply it by the local gradient, 3."),
        ("x", "6", "That is the sum so far: how much of it does v1 send?"),
    ]:
        page.press(Keys.END)
        assert page.one("#sentence").text.endswith(f"Predict what it sends to {into}.")
        ask_first(page)
        answer(page, typed)
        assert page.texts(".hint") == [f"Not yet. {hint}"]
        answer(page, "999")
    assert page.one("#score").text == "Finished: 1 of 5 right, 0 at the first try"


def test_predicting_the_local_gradient_first(show: Callable[[Value], Shown]) -> None:
    page = show(product())
    predict(page, "local, product")
    page.next()
    assert page.cells()[0] == ["v1", "1", "Check", "?", "?"]
    ask_first(page)
    answer(page, "-12")
    assert page.texts(".hint") == ["Not yet. That is the output itself: how fast does f change when v1 does?"]
    answer(page, "-4")
    assert page.cells()[0] == ["v1", "1", "-4 = z", "Check", "?"]
    answer(page, "-4")
    assert page.cells()[0] == ["v1", "1", "-4 = z", "-4 ✓ right", "-4"]
    page.next()
    ask_first(page)
    answer(page, "-4")
    assert page.texts(".hint") == ["Not yet. That is z itself: how fast does f change when z does?"]
    answer(page, "3")
    answer(page, "3")
    page.next()
    ask_first(page)
    answer(page, "-4")
    assert page.texts(".hint") == ["Not yet. That is the product already: the local gradient leaves the upstream out."]
    answer(page, "1")
    answer(page, "-4")
    page.next()
    ask_first(page)
    answer(page, "1")
    answer(page, "-4")
    assert page.one("#score").text == "Finished: 8 of 8 right, 5 at the first try"


def test_predicting_the_leaves_only(show: Callable[[Value], Shown]) -> None:
    x = Value(3.0, "x")
    w = Value(2.0, "w")
    page = show((x * w + x) * 2.0 + w * 0.0)
    predict(page, "leaves only")
    assert page.one("#sentence").text == "Backward: predict the gradient of f by each leaf."
    assert not page.one(".stepper .main").is_enabled()
    assert {*page.texts(".edge .gradient")} == {"", "1.00"}
    assert [cells[:2] for cells in page.cells()] == [["x", "3"], ["w", "2"]]
    assert page.texts("#leaves .gradient") == ["not computed"] * 2
    ask_first(page)
    answer(page, "4")
    (hint,) = page.texts(".hint")
    assert hint == (
        "Not yet. That is the gradient by one path alone: x is used 2 times, and the gradients of all its paths add up."
    )
    answer(page, "6")
    assert page.cells()[0][2] == "6 ✓ right"
    answer(page, "3")
    assert page.texts(".hint") == [
        "Not yet. That is a local gradient alone: multiply it by the upstream, the gradient of the gate it goes into."
    ]
    answer(page, "6")
    assert page.one("#score").text == "Finished: 2 of 2 right, 0 at the first try"
    page.press(Keys.END)
    assert page.texts("#leaves .gradient") == ["6", "6"]


def test_questions_fit_a_screen_of_1280_pixels(show: Callable[[Value], Shown]) -> None:
    page = show(sigmoid_neuron())
    wide = "const gate = document.querySelector('#gate'); return gate.scrollWidth - gate.clientWidth"
    for level, right in [("products", "0"), ("local, product", "0"), ("leaves only", "0")]:
        predict(page, level)
        page.press(Keys.END)
        assert page.driver.execute_script(wide) == 0
        ask_first(page)
        answer(page, right)
        assert page.texts(".hint")
        assert page.driver.execute_script(wide) == 0, level
        assert page.driver.execute_script("return document.documentElement.scrollWidth") <= 1280


def test_the_keyboard_does_everything(show: Callable[[Value], Shown]) -> None:
    root = sigmoid_neuron()
    page = show(root)
    page.press(Keys.ARROW_RIGHT)
    assert page.one("#sentence").text.startswith("Forward, gate 1")
    page.press(Keys.END)
    assert page.one("#sentence").text.startswith("Backward, gate 8")
    page.press(Keys.ARROW_LEFT)
    assert page.one("#sentence").text.startswith("Backward, gate 8")
    page.press(Keys.ARROW_LEFT)
    page.press(Keys.ARROW_LEFT)
    page.press(Keys.ARROW_LEFT)
    assert page.one("#sentence").text.startswith("Backward, gate 6")
    page.press(Keys.HOME)
    slider = page.one(".stepper input[type=range]")
    slider.send_keys(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    assert slider.get_attribute("aria-valuetext") == "forward 2"
    assert page.one("#sentence").text.startswith("Forward, gate 2")
    field = page.one('[aria-label="value of w0"]')
    field.send_keys(Keys.ARROW_RIGHT)
    assert page.one("#sentence").text.startswith("Forward, gate 2"), "keys in a field are the field's"
    reached, unseen = set(), []
    page.driver.execute_script("document.activeElement.blur()")
    for _ in range(70):
        page.driver.switch_to.active_element.send_keys(Keys.TAB)
        element = page.driver.switch_to.active_element
        if element.tag_name == "body":  # round the end of the page to its beginning
            continue
        name = element.get_attribute("aria-label") or element.text or element.get_attribute("id")
        reached.add(name)
        mark = "const style = getComputedStyle(arguments[0].querySelector(':scope > .shape, :scope > .line') ?? arguments[0]);"
        mark += "return style.outlineStyle !== 'none' || parseFloat(style.strokeWidth) >= 3"
        if not page.driver.execute_script(mark, element):
            unseen.append(name)
    assert unseen == [], "focus can be seen wherever it is"
    assert {
        "one step back (←)",
        "one step on (→)",
        "step",
        "Predict the gradients",
        "smaller",
        "larger",
        "Fit",
        "Link to this step",
        "Save this step as SVG",
        "play all steps (space)",
        "speed",
        "value of w0",
    } <= reached
    assert any(label.startswith("w0, parameter, value 2.00") for label in reached if label)
    assert any(label.startswith("edge from w0 to v1: value 2.00") for label in reached if label)


def test_playing(show: Callable[[Value], Shown]) -> None:
    """It plays to the end by itself, shows what moves, and stops at once when asked."""
    page = show(sigmoid_neuron())
    page.driver.execute_script("document.querySelector('[aria-label=speed]').value = '4'")
    page.press(Keys.SPACE)
    assert page.one('[title^="play"]').text == "Pause"
    WebDriverWait(page.driver, 10).until(lambda _: page.texts(".travelling.value text"))
    assert page.texts(".travelling.value text")[0] in {"2.00", "-1.00", "-3.00", "-2.00", "6.00", "4.00", "1.00"}
    page.press(Keys.SPACE)
    stopped = page.one("#sentence").text
    assert page.one('[title^="play"]').text == "Play"
    time.sleep(0.8)
    assert page.one("#sentence").text == stopped
    page.press(Keys.SPACE)
    WebDriverWait(page.driver, 10).until(lambda _: page.texts(".travelling.gradient text"))
    WebDriverWait(page.driver, 20).until(lambda _: page.one('[title^="play"]').text == "Play")
    assert page.texts("#leaves .gradient") == ["-0.196612", "0.393224", "-0.393224", "-0.589836", "0.196612"]
    page.press(Keys.HOME)
    still = {"name": "prefers-reduced-motion", "value": "reduce"}
    page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [still]})
    try:
        page.next()
        assert page.texts(".travelling") == []
    finally:
        page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    page.press(Keys.HOME)
    page.next()
    assert page.texts(".travelling text") == ["2.00", "-1.00"]


def test_arrows_turn_where_a_gradient_has_come_back(show: Callable[[Value], Shown]) -> None:
    page = show(sigmoid_neuron())
    turned = (
        "return [...document.querySelectorAll('.turned')].filter((a) => getComputedStyle(a).display !== 'none').length"
    )
    page.press(Keys.END)
    assert page.driver.execute_script(turned) == len(page.texts(".edge .gradient")) - 1, "all but the constant's"
    page.press(Keys.HOME)
    assert page.driver.execute_script(turned) == 0


def test_a_link_leads_to_a_step(show: Callable[[Value], Shown]) -> None:
    page = show(sigmoid_neuron())
    for _ in range(12):
        page.next()
    sentence, link = page.one("#sentence").text, page.one("#link").get_attribute("href")
    assert link is not None and link.endswith("#step=12")
    page.press(Keys.HOME)
    page.driver.get("about:blank")
    page.driver.get(link)
    assert page.one("#sentence").text == sentence
    page.driver.execute_script("location.hash = '#step=3'")
    WebDriverWait(page.driver, 5).until(lambda _: page.one("#sentence").text.startswith("Forward, gate 3"))
    page.driver.execute_script("location.hash = '#step=999999'")
    WebDriverWait(page.driver, 5).until(lambda _: page.one("#sentence").text.startswith("Backward, gate 8"))


def test_a_step_is_saved_as_a_picture(show: Callable[[Value], Shown]) -> None:
    page = show(sigmoid_neuron())
    page.press(Keys.END)
    page.driver.execute_script(
        "URL.createObjectURL = (blob) => { blob.text().then((t) => (window.saved = t)); return '#'; }"
    )
    page.one("#save").click()
    saved = WebDriverWait(page.driver, 5).until(lambda _: page.driver.execute_script("return window.saved"))
    root = ElementTree.fromstring(saved)
    texts = [element for element in root.iter() if element.tag.endswith("}text")]
    assert [text.text for text in texts if text.text] == [text for text in page.texts("#graph text") if text]
    assert all(text.attrib["text-anchor"] == "middle" and text.attrib["fill"].startswith("rgb") for text in texts)


def test_a_narrow_window_shows_the_graph_from_top_to_bottom(show: Callable[[Value], Shown]) -> None:
    page = show(sigmoid_neuron())
    shape = "const box = document.querySelector('#graph').viewBox.baseVal; return box.width / box.height"
    assert page.driver.execute_script(shape) > 1
    metrics = {"width": 390, "height": 800, "deviceScaleFactor": 1, "mobile": True}
    page.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    try:
        page.driver.refresh()
        assert page.driver.execute_script(shape) < 1
        compare_with_the_engine(page, sigmoid_neuron())
    finally:
        page.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_looking_at_nodes_and_edges(show: Callable[[Value], Shown]) -> None:
    x = Value(3.0, "x")
    page = show(x * x)
    focus = "document.querySelector(arguments[0]).focus()"
    page.driver.execute_script(focus, '[data-node="0"]')
    assert page.one("#details").text.splitlines() == [
        *("x", "input", "value = 3", "gradient = Σ upstream × local = not computed, 0 of 2 so far"),
    ]
    page.press(Keys.END)
    assert page.one("#details").text.splitlines()[3:] == [
        *("from f: 1 × 3 = 3", "from f: 1 × 3 = 3", "gradient = Σ upstream × local = 3 + 3 = 6"),
    ]
    page.driver.execute_script(focus, '[data-line="0"]')
    assert "upstream × local = downstream: 1 × 3 = 3" in page.one("#details").text
    assert "local = x" in page.one("#details").text
    page.driver.execute_script(focus, '[data-node="1"]')
    assert "value = x² = 9" in page.one("#details").text


HOSTILE = "</script><img src=x onerror=\"document.title='hacked'\"><b>bold</b>&amp;{{data}}"


def test_hostile_names_are_shown_as_typed(show: Callable[[Value], Shown]) -> None:
    x = Value(2.0, HOSTILE)
    page = show((x * x).tanh())
    page.press(Keys.END)
    page.driver.execute_script("document.querySelector('[data-node]').focus()")
    assert page.texts("#leaves td:first-child") == [HOSTILE]
    assert page.one("#details h3").text == HOSTILE
    assert page.one('[data-node="0"]').get_attribute("aria-label").startswith(HOSTILE)  # type: ignore[union-attr]
    assert page.all("img, b") == []
    assert page.driver.title == "f, step by step"
    markup = "<img src=x onerror='document.title = 1'>"
    page.driver.execute_script("document.body.insertAdjacentHTML('beforeend', arguments[0])", markup)
    page.driver.execute_async_script("setTimeout(arguments[0], 300)")
    assert page.driver.title == "f, step by step", "even markup that came in would run nothing"
    blocked = page.driver.get_log("browser")  # type: ignore[no-untyped-call]
    assert blocked and all("Content Security Policy" in entry["message"] for entry in blocked)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize(("width", "height"), [(1280, 900), (640, 450), (375, 700)])
def test_it_fits_every_width_and_can_be_read(
    show: Callable[[Value], Shown], width: int, height: int, dark: bool
) -> None:
    """A wide screen, the same at 200 % zoom, and a phone: nothing to scroll sideways but the picture; enough contrast."""
    page = show(sigmoid_neuron())
    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 400}
    page.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
    try:
        page.press(Keys.END)
        wide = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert page.driver.execute_script(wide) == 0
        for selector, behind in [
            ("h1", "body"),
            (".pale", "body"),
            ("#sentence", ".card"),
            ("#leaves .gradient", ".card"),
            (".edge .gradient", ".card"),
            (".parameter .name", ".parameter .shape"),
            (".constant .name", ".card"),
            (".output .name", ".output .shape"),
            (".node.now .symbol", ".node.now .shape"),
            (".main", ".main"),
        ]:
            assert contrast(page, selector, behind) >= 4.5, selector
    finally:
        page.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def contrast(page: Shown, selector: str, behind: str) -> float:
    """The contrast of a text with what is behind it, as the accessibility guidelines (WCAG) define it."""
    script = """
        const style = (s) => getComputedStyle(document.querySelector(s));
        const svg = (s) => document.querySelector(s) instanceof SVGElement;
        const [a, b] = arguments;
        return [svg(a) ? style(a).fill : style(a).color, svg(b) ? style(b).fill : style(b).backgroundColor]"""
    light, dark = sorted(
        (luminance(color) for color in page.driver.execute_script(script, selector, behind)), reverse=True
    )
    return (light + 0.05) / (dark + 0.05)


def luminance(color: str) -> float:
    channels = [int(part) / 255 for part in re.findall(r"\d+", color)[:3]]
    red, green, blue = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_a_network_is_folded_and_can_be_unfolded(show: Callable[[Value], Shown]) -> None:
    model = MLP(2, [16, 16, 1], rng=Random(1))
    root = model([Value(0.5), Value(-1.0)])
    gradients = autograd.adjoints(root)
    page = show(root)
    page.press(Keys.END)
    assert page.one("#sentence").text.startswith("Backward, gate 65 of 65")
    order = topological_order(root)
    found = page.driver.execute_script("return [graph.data, graph.gradient]")
    assert found[0] == pytest.approx([node.data for node in order], rel=1e-12, abs=1e-12)
    assert found[1] == pytest.approx([gradients[node] for node in order], rel=1e-12, abs=1e-12)
    levels = Select(page.one("#levels"))
    assert [option.text for option in levels.options] == ["gates", "neurons", "layers"]
    assert levels.first_selected_option.text == "neurons"
    assert len(page.all(".scope")) == 33
    outputs = [node for node in order if node.gate is GATES["relu"]]
    shown = [number(text.removeprefix("= ")) for text in page.texts(".scope .label") if text.startswith("= ")]
    assert shown == pytest.approx([*(node.data for node in outputs), root.data], abs=0.005)
    names = complete_names(order, {})
    for box in page.all(".scope")[:3]:
        page.driver.execute_script("arguments[0].focus()", box)
        (balance,) = page.texts("#details p:not(.pale)")
        name, value, gradient = re.split(" = |, gradient ", balance)
        (node,) = (node for node in order if names[node] == name)
        assert six_digits(value, node.data)
        assert six_digits(gradient, gradients[node])
    levels.select_by_visible_text("layers")
    assert page.texts(".scope .name") == ["mlp/layer1", "mlp/layer2", "mlp/layer3"]
    page.press(Keys.HOME)
    assert page.texts(".scope .label")[1::2] == ["0 of 32 gates", "0 of 32 gates", "0 of 1 gates"]
    for _ in range(3):
        page.one("#sentence").click()
        page.press(Keys.ARROW_RIGHT)
    assert page.one(".scope.now").get_attribute("aria-label") == "mlp/layer1, 3 of 32 gates computed"
    levels.select_by_visible_text("gates")
    assert not page.all(".scope")
    assert len(page.all(".node[data-node]:not(.copy)")) == 404
    assert page.one("#sentence").text.startswith("Forward, gate 3 of 65")
    page.one("#fit").click()
    before = float(page.one("#graph").get_attribute("width") or 0)
    page.one("#larger").click()
    assert float(page.one("#graph").get_attribute("width") or 0) == pytest.approx(before * 1.25)
    page.one("#smaller").click()
    assert float(page.one("#graph").get_attribute("width") or 0) == pytest.approx(before)


MOONS = moons(40, 0.1, Random(3))


def trained(data: Any = MOONS, classes: int = 1, **options: Any) -> tuple[MLP, History]:
    model = MLP(2, [4, classes], tanh, rng=Random(2))
    loss = binary_cross_entropy_with_logits if classes == 1 else cross_entropy_with_logits
    optimiser = Adam(model.parameters(), 0.05)
    return model, fit(model, data, loss, optimiser, epochs=6, batch_size=10, rng=Random(1), record=True, **options)


def test_scrubbing_through_a_training_run_moves_everything_together(show_training: Callable[..., Shown]) -> None:
    """At every step: its cost, the norms and one entry of weights and gradients, and the marker on the curve."""
    model, history = trained()
    page = show_training(model, history, data=MOONS)
    names = [name for name, _ in model.named_parameters()]
    tensors = [slice(0, 8), slice(8, 12), slice(12, 16), slice(16, 17)]
    page.driver.execute_script("maps[0].pictures[0].canvas.focus()")
    page.driver.switch_to.active_element.send_keys(Keys.ARROW_RIGHT, Keys.ARROW_DOWN, Keys.ARROW_DOWN)
    assert page.one("#looked").text.startswith(f"{names[5]}: "), "two down and one to the right: W[2][1]"
    page.driver.execute_script("document.activeElement.blur()")
    assert page.one("#sentence").text.startswith("Before the first step: cost ")
    assert page.one("#looked").text.split(": weight ")[1].split(",")[0] != f"{history.snapshots[0].parameters[5]:.6g}"
    assert six_digits(page.one("#looked").text.split(": weight ")[1].split(",")[0], history.initial[5])
    page.next()
    markers = []
    for count, snapshot in enumerate(history.snapshots, start=1):
        sentence = page.one("#sentence").text
        assert sentence.startswith(f"Step {count} of {len(history.snapshots)}, epoch {snapshot.epoch}: cost ")
        assert six_digits(sentence.partition("cost ")[2], snapshot.cost)
        norms = page.texts(".norm")
        for i, tensor in enumerate(tensors):
            for text, numbers in zip(norms[2 * i : 2 * i + 2], (snapshot.parameters, snapshot.gradients), strict=True):
                assert six_digits(text, sum(x * x for x in numbers[tensor]) ** 0.5)
        weight, gradient = page.one("#looked").text.split(": weight ")[1].split(", gradient ")
        assert six_digits(weight, snapshot.parameters[5])
        assert six_digits(gradient, snapshot.gradients[5])
        dot = page.one("#curve circle")
        markers.append((float(dot.get_attribute("cx") or 0), float(dot.get_attribute("cy") or 0)))
        if count < len(history.snapshots):
            page.next()
    assert not page.one(".stepper .main").is_enabled(), "that was the last step"
    costs = [snapshot.cost for snapshot in history.snapshots]
    assert markers == sorted(markers)
    heights = [y for _, y in markers]
    assert sorted(range(len(costs)), key=lambda i: -costs[i]) == sorted(range(len(costs)), key=lambda i: heights[i])
    page.press(Keys.HOME)
    assert page.one("#sentence").text.startswith("Before the first step: ")
    page.one("input[type=range]").send_keys(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    assert page.one("#sentence").text.startswith("Step 2 of ")


@pytest.mark.parametrize("classes", [1, 3])
def test_the_regions_are_those_that_the_model_decides_for(show_training: Callable[..., Shown], classes: int) -> None:
    """The colours on the plane, read off the screen, at every tenth of it and at three steps."""
    data = MOONS if classes == 1 else spiral(12, 0.1, Random(4))
    model, history = trained(data, classes)
    page = show_training(model, history, data=data, frames=3)
    low, high = page.driver.execute_script("return [plane.low, plane.high]")
    places = [(a / 10, b / 10) for a in range(1, 10) for b in range(1, 10)]
    points = [[low[0] + a * (high[0] - low[0]), low[1] + b * (high[1] - low[1])] for a, b in places]
    script = """
        const copy = make("canvas", { width: FINE, height: FINE }).getContext("2d", { willReadFrequently: true });
        copy.drawImage(fine, 0, 0);
        const spot = (part) => Math.round(part * (FINE - 1));
        return arguments[0].map(([a, b]) => [...copy.getImageData(spot(a), spot(1 - b), 1, 1).data])"""
    seen = set()
    middle = round((len(history.snapshots) - 1) / 2)
    for weights in (history.initial, *(history.snapshots[i].parameters for i in (0, middle, -1))):
        for parameter, x in zip(model.parameters(), weights, strict=True):
            parameter.data = x
        compared = 0
        for output, (red, _, blue, alpha) in zip(
            model.predict(points), page.driver.execute_script(script, places), strict=True
        ):
            scores = sorted([-output, output] if classes == 1 else output)
            if alpha == 255 or scores[-1] - scores[-2] < 0.05:  # on the boundary or near it
                continue
            compared += 1
            decided = int(output > 0) if classes == 1 else output.index(max(output))
            shown = 1 if red > 200 else 0 if blue > 150 else 2  # orange, blue, green
            assert shown == decided
            seen.add(shown)
        assert compared > 40
        page.press(Keys.ARROW_RIGHT)
    assert seen == set(range(max(classes, 2)))


def test_hostile_names_of_tensors_and_classes_are_shown_as_typed(show_training: Callable[..., Shown]) -> None:
    model, history = trained()
    model.layers[0].name = HOSTILE
    X, y = MOONS
    page = show_training(model, history, data=(X, [HOSTILE if label else "plain" for label in y]))
    page.driver.execute_script("maps[0].pictures[0].canvas.focus()")
    assert page.one("#looked").text.startswith(f"{HOSTILE}.W[0][0]: weight ")
    assert page.texts("#weights tbody th")[0] == f"{HOSTILE}.W 4 × 2"
    assert page.texts("#classes span") == [f" class {HOSTILE}", " class plain"]
    assert page.all("img, b") == []
    assert page.driver.title == "MLP(2 → 4 tanh → 1 linear, 17 parameters), step by step"


def test_without_a_plane_the_page_says_so_and_shows_the_rest(show_training: Callable[..., Shown]) -> None:
    model, history = trained()
    model.layers[1].freeze()
    for snapshot in history.snapshots:
        del snapshot.parameters[12:], snapshot.gradients[12:]
    del history.initial[12:]
    page = show_training(model, history)
    assert page.one("#why").text.startswith("No decision boundary: write ")
    assert page.all("#plane") == []
    page.press(Keys.END)
    assert page.texts(".norm")[-1] == "frozen"
    page.driver.execute_script("maps[3].pictures[1].canvas.focus()")
    bias = model.layers[1].b[0].data
    weight, _, gradient = page.one("#looked").text.removeprefix("layer2.b[0]: weight ").partition(", ")
    assert six_digits(weight, bias)
    assert gradient == "frozen"
    page.one("#curve svg").click()
    assert page.one("#sentence").text.startswith("Step 11 of 24"), "180 of 360 across, where steps go from 52 to 350"


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize(("width", "height"), [(1280, 900), (640, 450), (375, 700)])
def test_the_page_of_a_training_run_fits_every_width_and_can_be_read(
    show_training: Callable[..., Shown], width: int, height: int, dark: bool
) -> None:
    page = show_training(*trained(), data=MOONS)
    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 400}
    page.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
    try:
        page.press(Keys.END)
        wide = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert page.driver.execute_script(wide) == 0
        for selector, behind in [
            ("h1", "body"),
            (".norm", ".card"),
            ("#weights th", ".card"),
            ("#curve text", ".card"),
        ]:
            assert contrast(page, selector, behind) >= 4.5, selector
    finally:
        page.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
