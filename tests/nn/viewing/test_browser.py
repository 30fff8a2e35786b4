"""Tests the pages of training in headless Chromium: their numbers are those of the model and of fit."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from autograd import Page, relu, sigmoid, tanh
from nn import (
    MLP,
    SGD,
    Adam,
    AdamW,
    History,
    binary_cross_entropy_with_logits,
    cross_entropy_with_logits,
    evaluate,
    explore_training,
    fit,
    load,
    mean_squared_error,
    moons,
    playground,
    spiral,
    squared_error,
)
from nn.data.batching import sample_order
from tests.browser import HOSTILE, Shown, check_look, number, quiet, six_digits, window


@pytest.fixture
def show(chrome: Chrome, tmp_path: Path) -> Iterator[Callable[[Page], Shown]]:
    """Open a page; when the test is over, the console must hold no complaint."""

    def open_(page: Page) -> Shown:
        chrome.get(page.save(tmp_path / "page.html").as_uri())
        return Shown(chrome)

    with quiet(chrome):
        yield open_


@pytest.fixture
def show_training(show: Callable[[Page], Shown]) -> Callable[..., Shown]:
    return lambda *given, **options: show(explore_training(*given, **options))


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
    page.one("#curve > svg").click()
    assert page.one("#sentence").text.startswith("Step 11 of 24"), "180 of 360 across, where steps go from 52 to 350"


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize(("width", "height"), [(1280, 900), (640, 450), (375, 700)])
def test_the_page_of_a_training_run_fits_every_width_and_can_be_read(
    show_training: Callable[..., Shown], width: int, height: int, dark: bool
) -> None:
    page = show_training(*trained(), data=MOONS)
    with window(page, width, height, dark):
        page.press(Keys.END)
        check_look(page, [("h1", "body"), (".norm", ".card"), ("#weights th", ".card"), ("#curve text", ".card")])


def test_the_edges_of_the_network_are_its_weights(show_training: Callable[..., Shown]) -> None:
    """At the last step: colour by sign, width by size, a neuron filled by its bias; one that is looked at stands out."""
    model, history = trained()
    page = show_training(model, history, data=MOONS)
    page.press(Keys.END)
    script = """
        const read = (element, ...names) => names.map((name) => element.getAttribute(name));
        return [edges.map(({ line }) => read(line, "stroke", "stroke-width")),
            disks.map(({ disk }) => read(disk, "fill", "fill-opacity"))]"""
    lines, fills = page.driver.execute_script(script)
    weights = [w.data for layer in model.layers for row in layer.W for w in row]
    biases = [b.data for layer in model.layers for b in layer.b]
    of = {True: "#E69F00", False: "#0072B2"}
    assert [stroke for stroke, _ in lines] == [of[w < 0] for w in weights]
    assert [fill for fill, _ in fills] == [of[b < 0] for b in biases]
    moments = [history.initial, *(snapshot.parameters for snapshot in history.snapshots)]
    largest = max(abs(x) for parameters in moments for x in parameters)
    assert [float(width) - 0.4 for _, width in lines] == pytest.approx(
        [6 * abs(w) / largest for w in weights], rel=1e-5
    )
    assert [float(part) for _, part in fills] == pytest.approx([abs(b) / largest for b in biases], rel=1e-5, abs=1e-9)
    page.driver.execute_script(
        "edges[5].line.parentNode.nextSibling.children[5].dispatchEvent(new Event('pointerenter'))"
    )
    assert page.one("#looked").text.startswith("layer1.W[2][1]: weight ")
    assert (
        page.driver.execute_script("return edges.map(({ line }) => line.classList.contains('looked'))").index(True) == 5
    )


def test_the_validation_cost_stands_beside_the_training_cost(show_training: Callable[..., Shown]) -> None:
    model, history = trained(validation=moons(10, 0.1, Random(5)))
    page = show_training(model, history, data=MOONS)
    assert page.texts("#names span") == [" training: the batch of each step", " validation: after each epoch"]
    steps, costs = zip(*page.driver.execute_script("return curves[1].points"), strict=True)
    assert steps == (4, 8, 12, 16, 20, 24)
    assert costs == pytest.approx(history.validation, rel=1e-5)


def test_play_goes_through_the_training_to_its_end(show_training: Callable[..., Shown]) -> None:
    page = show_training(*trained(), data=MOONS, frames=6)
    page.press(Keys.SPACE)
    assert page.one('[title^="play"]').text == "Pause"
    WebDriverWait(page.driver, 10).until(lambda _: page.texts("#sentence strong") == ["Step 24 of 24, epoch 5: "])
    WebDriverWait(page.driver, 5).until(lambda _: page.one('[title^="play"]').text == "Play")


# The playground

TASKS: dict[str, tuple[Callable[[], MLP], Any, Any, Callable[[MLP], Any]]] = {
    "binary": (
        lambda: MLP(2, [4, 1], tanh, rng=Random(2)),
        MOONS,
        binary_cross_entropy_with_logits,
        lambda model: SGD(model, 0.3, momentum=0.9, weight_decay=0.01),
    ),
    "classes": (
        lambda: MLP(2, [5, 3], relu, rng=Random(2)),
        spiral(12, 0.1, Random(4)),
        cross_entropy_with_logits,
        lambda model: Adam(model, 0.05),
    ),
    "regression": (
        lambda: MLP(3, [4, 2], tanh, rng=Random(2)),
        ([[i / 9, i % 3, (i % 5) / 5] for i in range(20)], [[i / 20, (i % 4) / 4] for i in range(20)]),
        mean_squared_error,
        lambda model: AdamW(model, 0.05),
    ),
}


@pytest.mark.parametrize("task", TASKS)
def test_a_step_in_the_page_is_the_step_of_fit(show: Callable[[Page], Shown], task: str) -> None:
    """The same order of samples gives the same costs, weights and outputs, to 1e-9, from wherever the optimiser is."""
    make, data, loss, optimise = TASKS[task]
    model = make()
    optimiser = optimise(model)
    fit(model, data, loss, optimiser, epochs=2, batch_size=7, rng=Random(8))  # the running means are no longer zero
    page = show(playground(model, data, loss=loss, optimiser=optimiser, batch_size=7))
    orders = Random(6)
    places = [sample_order(len(data[0]), orders) for _ in range(5)]
    costs = page.driver.execute_script(
        """
        const costs = [];
        for (const order of arguments[0]) {
          for (let i = 0; i < order.length; i += 7) costs.push(takeStep(order.slice(i, i + 7)));
        }
        show();
        return costs""",
        places,
    )
    history = fit(model, data, loss, optimiser, epochs=5, batch_size=7, rng=Random(6))
    assert costs == pytest.approx(history.steps, rel=1e-9)
    theta = page.driver.execute_script("return [...run.theta]")
    assert theta == pytest.approx([parameter.data for parameter in model.parameters()], rel=1e-9, abs=1e-12)
    whole = f"training cost {evaluate(model, data, loss)[1]:.6g}"
    assert six_digits(page.one("#sentence").text.partition(": ")[2], number(whole))


def test_the_plane_in_the_page_has_the_outputs_of_the_model(show: Callable[[Page], Shown]) -> None:
    model = MLP(2, [4, 1], tanh, output=sigmoid, rng=Random(2))
    data, held_out = MOONS, moons(20, 0.1, Random(9))
    page = show(playground(model, data, loss=squared_error, validation=held_out, threshold=0.5, batch_size=10))
    page.press(Keys.ARROW_RIGHT)
    theta, grid, scores, cost = page.driver.execute_script(
        "return [[...run.theta], [...grid], [...current.scores], curves[1].points.at(-1)[1]]"
    )
    for parameter, x in zip(model.parameters(), theta, strict=True):
        parameter.data = x
    points = [*zip(grid[::2], grid[1::2], strict=True)]
    assert len(points) == 41 * 41
    assert points[41] == pytest.approx(
        page.driver.execute_script("return [plane.low[0], plane.low[1] + (plane.high[1] - plane.low[1]) / 40]")
    )
    assert [score + 0.5 for score in scores] == pytest.approx(model.predict(points), rel=1e-9)
    assert cost == pytest.approx(evaluate(model, held_out, squared_error)[1], rel=1e-9)


def test_play_step_reset_by_mouse_and_keyboard(show: Callable[[Page], Shown]) -> None:
    model = MLP(2, [4, 1], tanh, rng=Random(2))
    page = show(playground(model, MOONS, loss=binary_cross_entropy_with_logits, batch_size=10))
    first = page.one("#sentence").text
    assert first.startswith("0 steps, epoch 0: training cost ")
    page.press(Keys.ARROW_RIGHT)
    assert page.one("#sentence").text.startswith("1 step, epoch 1: ")
    page.one('[title^="one step"]').click()
    second = page.one("#sentence").text
    assert second.startswith("2 steps, epoch 1: ")
    page.press(Keys.SPACE)
    assert page.one(".main").text == "Pause"
    WebDriverWait(page.driver, 10).until(lambda _: int(page.texts("#sentence strong")[0].split()[0]) > 40)
    page.press(Keys.SPACE)
    assert page.one(".main").text == "Play"
    stopped = page.one("#sentence").text
    time.sleep(0.3)
    assert page.one("#sentence").text == stopped
    page.driver.execute_script("document.querySelector('[title^=\\'back\\']').focus()")
    page.driver.switch_to.active_element.send_keys(Keys.SPACE)
    assert page.one("#sentence").text == first
    page.driver.execute_script("document.activeElement.blur()")
    page.press(Keys.ARROW_RIGHT)
    page.press(Keys.ARROW_RIGHT)
    assert page.one("#sentence").text == second, "a reset repeats the run"


def test_the_weights_are_saved_as_a_file_for_load(show: Callable[[Page], Shown], tmp_path: Path) -> None:
    model = MLP(2, [4, 1], tanh, rng=Random(2))
    model.layers[0].freeze()
    page = show(playground(model, MOONS, loss=binary_cross_entropy_with_logits))
    page.press(Keys.ARROW_RIGHT)
    page.driver.execute_script(
        "URL.createObjectURL = (blob) => { blob.text().then((t) => (window.saved = t)); return '#'; }"
    )
    page.one('[title^="the weights"]').click()
    text = WebDriverWait(page.driver, 5).until(lambda _: page.driver.execute_script("return window.saved"))
    (tmp_path / "model.json").write_text(text, encoding="utf-8")
    found = load(MLP(2, [4, 1], tanh, rng=Random(3)), tmp_path / "model.json")
    fit(model, MOONS, binary_cross_entropy_with_logits, SGD(model, 0.1), epochs=1)
    assert found.predict(MOONS[0]) == pytest.approx(model.predict(MOONS[0]), rel=1e-9)


def test_the_fields_set_the_rate_the_batch_and_the_noise(show: Callable[[Page], Shown]) -> None:
    model = MLP(2, [4, 1], tanh, rng=Random(2))
    page = show(playground(model, MOONS, loss=binary_cross_entropy_with_logits))

    def change(name: str, text: str) -> str:
        entry = page.one(f'[aria-label="{name}"]')
        entry.send_keys(Keys.CONTROL, "a")
        entry.send_keys(text, Keys.ENTER)
        assert (entry.get_attribute("aria-invalid") == "true") == bool(page.one("#failed").text)
        return page.one("#failed").text

    for name, wrong in [("learning rate", "-1"), ("learning rate", "fast"), ("batch size", "0"), ("batch size", "41"),
                        ("batch size", "2.5"), ("noise", "1e999"), ("noise", " ")]:  # fmt: skip
        assert change(name, wrong).startswith(f"The {name} must be a ")
    assert page.driver.execute_script("return [settings.rate, settings.batch, settings.noise]") == [0.1, 40, 0]
    before = page.driver.execute_script("return current.points[3]")
    assert change("noise", "0.5") == ""
    after = page.driver.execute_script("return [current.points[3], stds[0] * 0.5 * draws[6], inputs[6]]")
    assert after[0][0] == pytest.approx(before[0] + after[1], rel=1e-5)
    assert after[0][0] == after[2]
    assert change("noise", "0") == ""
    assert page.driver.execute_script("return current.points[3][0]") == pytest.approx(before[0], rel=1e-5)
    assert change("learning rate", "0") == change("batch size", "8") == ""
    for _ in range(3):
        page.one('[title^="one step"]').click()
    assert page.driver.execute_script("return [run.next, run.epoch]") == [24, 1]
    assert page.driver.execute_script("return [...run.theta]") == [parameter.data for parameter in model.parameters()]


def test_a_step_to_infinite_numbers_is_not_taken(show: Callable[[Page], Shown]) -> None:
    model = MLP(2, [4, 1], tanh, rng=Random(2))
    page = show(playground(model, MOONS, loss=squared_error, optimiser=SGD(model, 1e200)))
    for _ in range(3):
        page.one('[title^="one step"]').click()
    said = page.one("#failed").text
    assert said.startswith("Step ")
    assert "smaller learning rate" in said
    assert all(map(math.isfinite, page.driver.execute_script("return [...run.theta]")))
    page.one('[title^="back"]').click()
    assert page.one("#failed").text == ""


def test_what_cannot_be_drawn_is_said_and_the_training_is_shown(show: Callable[[Page], Shown]) -> None:
    """Hostile names, a frozen layer, three inputs, and a layer too wide for a picture."""
    model = MLP(3, [30, 1], tanh, rng=Random(2))
    model.layers[0].name = HOSTILE
    model.layers[1].freeze()
    data = [[i / 9, i % 3, 1.0] for i in range(20)], [i / 20 for i in range(20)]
    page = show(playground(model, data, loss=squared_error))
    assert page.one("#why").text.endswith("it is drawn for inputs of 2 numbers, and these have 3.")
    assert page.one("#network").text.endswith("this one has layers of up to 30 neurons and 120 weights.")
    frozen = [w.data for w in model.layers[1].W[0]]
    page.press(Keys.ARROW_RIGHT)
    weights, gradients = page.driver.execute_script("return [[...current.weights], [...current.gradients].map(String)]")
    assert weights[120:150] == frozen
    assert weights[:90] != [w.data for row in model.layers[0].W for w in row]
    assert {*gradients[120:]} == {"NaN"}
    assert page.texts("#weights tbody th")[0] == f"{HOSTILE}.W 30 × 3"
    assert page.driver.execute_script("return curves[0].points.length") == 2
    assert page.all("img, b") == []


def test_who_wants_no_motion_sees_a_picture_a_second(show: Callable[[Page], Shown]) -> None:
    model = MLP(2, [4, 1], tanh, rng=Random(2))
    page = show(playground(model, MOONS, loss=binary_cross_entropy_with_logits))
    with window(page, 1280, 900, still=True):
        page.press(Keys.SPACE)
        time.sleep(2.5)
        page.press(Keys.SPACE)
        assert 2 <= page.driver.execute_script("return curves[0].points.length") <= 4


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize(("width", "height"), [(1280, 800), (640, 450), (375, 700)])
def test_the_playground_fits_every_width_and_can_be_read(
    show: Callable[[Page], Shown], width: int, height: int, dark: bool
) -> None:
    model = MLP(2, [8, 8, 1], tanh, rng=Random(2))
    page = show(playground(model, MOONS, loss=squared_error, optimiser=SGD(model, 1e200)))
    with window(page, width, height, dark):
        for _ in range(3):
            page.press(Keys.ARROW_RIGHT)
        check_look(page, [("h1", "body"), ("#failed", ".card"), ("label", ".card"), ("#network .label", ".card")])
        top = "return document.querySelector(arguments[0]).getBoundingClientRect().top"
        if width == 1280:
            for name in ("plane", "network", "curve", "weights"):
                assert page.driver.execute_script(top, f"#{name}") < height - 150, "above the fold"


def test_the_frame_in_a_notebook_is_as_high_as_the_page(chrome: Chrome, tmp_path: Path) -> None:
    model = MLP(2, [4, 1], tanh, rng=Random(2))
    frame = playground(model, MOONS, loss=squared_error)._repr_html_()
    (tmp_path / "notebook.html").write_text(f"<!doctype html><div style='width: 800px'>{frame}</div>", encoding="utf-8")
    with quiet(chrome):
        chrome.get((tmp_path / "notebook.html").as_uri())
        WebDriverWait(chrome, 10).until(
            lambda _: chrome.execute_script("return document.querySelector('iframe').height") != "900"
        )
        chrome.switch_to.frame(0)
        free = "return document.documentElement.scrollHeight - document.documentElement.clientHeight"
        WebDriverWait(chrome, 10).until(lambda _: chrome.execute_script(free) == 0)
        assert chrome.execute_script("return document.documentElement.scrollWidth <= innerWidth")
        chrome.switch_to.default_content()
