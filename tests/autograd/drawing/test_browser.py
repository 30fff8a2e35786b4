"""Tests the page in headless Chromium: at every step, its numbers are those of the engine."""

from __future__ import annotations

import re
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

import autograd
from autograd import GATES, Value, explore, gate, tanh, topological_order
from autograd.names import complete_names
from nn import MLP
from tests.browser import HOSTILE, Shown, check_look, number, quiet, sideways, six_digits, two_decimals, window
from tests.hubs import shared_gate, squares
from tests.worked import sigmoid_neuron

pytest.importorskip("pygraphviz")


@pytest.fixture
def show(chrome: Chrome, tmp_path: Path) -> Iterator[Callable[[Value], Shown]]:
    """Open the page of an expression; when the test is over, the console must hold no complaint."""

    def open_(root: Value) -> Shown:
        path = explore(root, tmp_path / "page.html", names=False).path
        assert path is not None
        chrome.get(path.as_uri())
        return Shown(chrome)

    with quiet(chrome):
        yield open_


def compare_with_the_engine(page: Shown, root: Value) -> None:
    """Step through a page from start to end; every value and gradient that it shows must be the engine's."""
    order = topological_order(root)
    gradients = autograd.adjoints(root)
    names = complete_names(order, {})
    gates = [node for node in order if node.inputs]
    edges = [(input, node) for node in order for input in node.inputs]
    page.press(Keys.HOME)
    for count in range(len(gates) + 1):
        step = page.step(on=count > 0)
        if count:
            assert step.sentence.startswith(f"Forward, gate {count} of {len(gates)}: {names[gates[count - 1]]} = ")
            assert six_digits(step.sentence.rpartition(" = ")[2], gates[count - 1].data)
            for cells, input in zip(step.cells, gates[count - 1].inputs, strict=True):
                assert cells[0] == names[input]
                assert six_digits(cells[1], input.data)
        known = {*gates[:count], *(node for node in order if not node.inputs)}
        for (input, _), text in zip(edges, step.values[:-1], strict=True):
            assert two_decimals(text, input.data) if input in known else text == ""
        assert {*step.gradients} == {""}
    assert page.step().sentence == f"Backward begins at the end: d{names[root]}/d{names[root]} = 1."
    so_far: dict[Value, list[float]] = {}
    flowing: dict[tuple[Value, int], float] = {}
    for count, node in enumerate(reversed(gates), start=1):
        assert node.gate is not None
        slopes = node.gate.local_gradients(autograd.functions.FLOATS, node.data, [input.data for input in node.inputs])
        expected = [(i, input) for i, input in enumerate(node.inputs) if input.role != "constant"]
        sending: list[int | None] = [place for place, _ in expected if slopes[place] is not None]
        for turn in sending or [None]:
            step = page.step()
            assert step.sentence.startswith(f"Backward, gate {count} of {len(gates)}: {names[node]} = ")
            if turn is None:
                assert step.sentence.endswith(" sends no gradient.")
            else:
                input, slope = node.inputs[turn], slopes[turn]
                assert slope is not None
                flowing[node, turn] = gradients[node] * slope
                so_far.setdefault(input, []).append(flowing[node, turn])
                told = re.search(
                    r" sends (\S+) × \(?([^ )]+)\)? = (\S+) to (.*?)(?:, (?:in all|which has) (\S+).*)?\.$",
                    step.sentence,
                )
                assert told and told[4] == names[input]
                numbers = [gradients[node], slope, flowing[node, turn], sum(so_far[input])]
                for text, number in zip(told.group(1, 2, 3, 5), numbers, strict=True):
                    assert text is None or six_digits(text, number)
            for cells, (place, input) in zip(step.cells, expected, strict=True):
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
            for slot, text in zip(slots, step.gradients[:-1], strict=True):
                assert two_decimals(text, flowing[slot]) if slot in flowing else text == ""
    for node, text in zip(
        [x for x in order if x.role in ("input", "parameter")], page.texts("#leaves .gradient"), strict=True
    ):
        assert six_digits(text, gradients[node]) if node in so_far else text == "not computed"
    for node, label in zip(order, page.labels(".node[data-node]:not(.copy)"), strict=True):
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


@pytest.mark.parametrize("width", [1280, 390])
def test_questions_and_answers_fit_the_window(show: Callable[[Value], Shown], width: int) -> None:
    page = show(sigmoid_neuron())
    with window(page, width, 900):
        page.driver.refresh()
        for level in ("products", "local, product", "leaves only"):
            predict(page, level)
            page.driver.execute_script("steps.move(1000)")
            assert sideways(page, "html", "#gate") == [0, 0], level
            for typed in ("0.123", "-0.00123456") * 4:  # a hint, and then the answer, which has six digits
                ask_first(page)
                answer(page, typed)
                assert sideways(page, "html", "#gate") == [0, 0], level
                page.driver.execute_script("steps.move(1000)")
            assert page.one("#score").text == "0 of 4 right"


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
    mark = """
        const at = document.activeElement;
        const style = getComputedStyle(at.querySelector(':scope > .shape, :scope > .line') ?? at);
        const name = at === document.body ? null : at.ariaLabel || at.innerText || at.id;
        return [name, style.outlineStyle !== 'none' || parseFloat(style.strokeWidth) >= 3]"""
    for _ in range(70):
        ActionChains(page.driver).send_keys(Keys.TAB).perform()
        name, seen = page.driver.execute_script(mark)
        if name is None:  # round the end of the page to its beginning
            continue
        reached.add(name)
        if not seen:
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
    WebDriverWait(page.driver, 10, 0.1).until(lambda _: page.texts(".travelling.value text"))
    assert page.texts(".travelling.value text")[0] in {"2.00", "-1.00", "-3.00", "-2.00", "6.00", "4.00", "1.00"}
    page.press(Keys.SPACE)
    stopped = page.one("#sentence").text
    assert page.one('[title^="play"]').text == "Play"
    time.sleep(0.5)  # a step takes 0.3 s
    assert page.one("#sentence").text == stopped
    page.press(Keys.SPACE)
    WebDriverWait(page.driver, 10, 0.1).until(lambda _: page.texts(".travelling.gradient text"))
    WebDriverWait(page.driver, 20, 0.1).until(lambda _: page.one('[title^="play"]').text == "Play")
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


def crossing_labels() -> Value:
    """Two arrows leave c side by side, so that the label of one stands between both."""
    a, b, c = Value(2.0, "a"), Value(1.0, "b"), Value(4.0, "c")
    return autograd.maximum(a * b, c) + a * c


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("make", [crossing_labels, sigmoid_neuron])
def test_a_label_is_near_to_its_own_arrow_and_nothing_is_cut_off(
    show: Callable[[Value], Shown], make: Callable[[], Value], width: int
) -> None:
    page = show(make())
    nearest = """
        const paths = lines.map(({ line }) => line);
        const apart = (path, x, y) => {
            const points = Array.from({ length: 101 }, (_, i) => path.getPointAtLength((path.getTotalLength() * i) / 100));
            return Math.min(...points.map((point) => Math.hypot(point.x - x, point.y - y)));
        };
        return lines.map(({ value, gradient }, own) => {
            const boxes = [value, gradient].filter((text) => text.textContent).map((text) => text.getBBox());
            const middle = (at, size) => boxes.reduce((sum, box) => sum + box[at] + box[size] / 2, 0) / boxes.length;
            const all = paths.map((path) => apart(path, middle("x", "width"), middle("y", "height")));
            return [all[own], Math.min(...all.filter((_, k) => k !== own))];
        })"""
    cut = """
        const { x, y, width, height } = svg.viewBox.baseVal;
        const outside = (box) => box.x < x || box.y < y || box.x + box.width > x + width || box.y + box.height > y + height;
        return [...svg.querySelectorAll("text")].filter((text) => outside(text.getBBox())).map((text) => text.textContent)"""
    with window(page, width, 900):
        page.driver.refresh()
        page.press(Keys.END)
        found = page.driver.execute_script(nearest)
        assert min(other / own for own, other in found) > 1.5
        assert page.driver.execute_script(cut) == []


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
    assert "local = 3 = x" in page.one("#details").text
    page.driver.execute_script(focus, '[data-node="1"]')
    assert "value = x² = 9" in page.one("#details").text


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
    with window(page, width, height, dark):
        page.press(Keys.END)
        texts = [
            ("h1", "body"),
            (".pale", "body"),
            ("#sentence", ".card"),
            ("#leaves .gradient", ".card"),
            (".edge .gradient", ".card"),
            (".parameter .name", ".parameter .shape"),
            (".constant .name", ".card"),
            (".output .name", ".output .shape"),
            (".node.now .symbol", ".node.now .shape"),
            (".node.now .name", ".node.now .shape"),
            (".main", ".main"),
        ]
        check_look(page, texts, ["#gate"])


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
    heights = "return [...document.querySelectorAll(arguments[0])].map((box) => box.getBBox().y)"
    for boxes in (".scope[aria-label^='mlp/layer2/']", ".node.input"):
        found = page.driver.execute_script(heights, boxes)
        assert len(found) > 1
        assert found == sorted(found), "from the top in order"
    levels.select_by_visible_text("layers")
    back = [label for label in page.labels(".edge") if "from x" in label]
    inputs = [node for node in order if node.role == "input"]
    for label, leaf in zip(back, inputs, strict=True):
        assert label.startswith(f"edge from {names[leaf]} to mlp/layer1: value ")
        assert two_decimals(label.partition("gradient ")[2], gradients[leaf]), "all that comes back by this arrow"
    assert page.texts(".scope .name") == ["mlp/layer1", "mlp/layer2", "mlp/layer3"]
    page.press(Keys.HOME)
    assert page.texts(".scope .label") == ["0 of 32 gates", "0 of 32 gates", "0 of 1 gates"]
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
