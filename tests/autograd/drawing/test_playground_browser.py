"""Tests the page of formulas in headless Chromium: it reads what the command reads, and shows what the engine computes."""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

import autograd
from autograd import GATES, explore, gate, playground
from autograd.drawing import RenderingError
from autograd.drawing.layout import source
from autograd.expression import ExpressionError, build, names
from tests.browser import HOSTILE, Shown, check_look, quiet, sideways, window

from .test_browser import answer, ask_first, compare_with_the_engine, predict

pytest.importorskip("pygraphviz")
pytest.importorskip("easydot")


class Playground(Shown):
    """The page of formulas, open in the browser."""

    def __init__(self, driver: Chrome, path: Path) -> None:
        super().__init__(driver)
        self.address = path.as_uri()

    def open(self, address: str = "") -> Playground:
        self.driver.get("about:blank")
        self.driver.get(self.address + address)
        WebDriverWait(self.driver, 20).until(lambda _: self.all("#graph .node"))
        return self

    def type(self, text: str) -> None:
        """Set the formula; nothing but one event tells the page, as when text is pasted."""
        self.driver.execute_script(
            "field.value = arguments[0]; field.dispatchEvent(new Event('input', { bubbles: true }))", text
        )

    def fault(self) -> str:
        return self.one("#fault").text

    def ask(self, script: str, *arguments: Any) -> Any:
        return self.driver.execute_script(f"return {script}", *arguments)


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = playground(tmp_path_factory.mktemp("playground") / "play.html").path
    assert path is not None
    return path


@pytest.fixture
def page(chrome: Chrome, page_file: Path) -> Iterator[Playground]:
    with quiet(chrome):
        yield Playground(chrome, page_file).open()


VALUES = {"x": 0.7, "y": 1.9, "w_1": -0.4, "λ": 2.25}
NUMBERS = ["2", "0.5", "3.", ".25", "1e-1", "1_0.5", "0x3", "pi", "e", "π", "ln(2)", "(1 - 3)"]
ONE = [
    *("exp", "log", "ln", "sqrt", "sin", "cos", "tanh", "sigmoid", "relu", "abs", "softplus", "atan", "cbrt", "erf"),
    *("gelu", "leaky_relu", "elu", "neg", "expm1", "log1p"),
]
TWO = ["atan2", "hypot", "maximum", "minimum", "huber", "max", "sum", "prod", "logsumexp", "leaky_relu"]


def random_formula(random: Random, depth: int) -> str:
    def part() -> str:
        return random_formula(random, depth - 1)

    if depth == 0 or random.random() < 0.1:
        return random.choice([*VALUES, *VALUES, random.choice(NUMBERS)])
    kind = random.randrange(9)
    if kind < 4:
        return f"({part()} {random.choice('+-*/')} {part()})"
    if kind == 4:
        return f"{random.choice('+-')}{part()}"
    if kind == 5:
        return f"({part()})**{random.choice(['2', '-1', '0.5', '3', part()])}"
    if kind == 6:
        return f"{random.choice(ONE)}({part()})"
    if kind == 7:
        return f"{random.choice(TWO)}({part()}, {part()})"
    special = [
        f"where({part()}, {part()}, b={part()})",
        f"clip({part()}, -1, high={part()})",
        f"dot([{part()}, {part()}], ({part()}, 2))",
        f"dot([{part()}], [{part()}], bias={part()})",
        f"max([{part()}, {part()}, {part()}])",
        f"elu({part()}, alpha=0.3,)",
        f"1/{part()} - {part()} * {part()} ** {part()}",
    ]
    return random.choice(special)


def formulas(count: int) -> Iterator[tuple[str, autograd.Value]]:
    """Random formulas with finite values and gradients, and the graphs that Python makes of them."""
    random = Random(17)
    while count:
        text = random_formula(random, random.randint(1, 4))
        try:
            root = build(text, {name: VALUES[name] for name in names(text)})
            gradients = autograd.adjoints(root)
        except (ExpressionError, ArithmeticError, ValueError):
            continue
        finite = all(map(math.isfinite, [*gradients.values(), *(node.data for node in gradients)]))
        if finite and root.inputs and len(gradients) <= 150:
            count -= 1
            yield text, root


def page_of(root: autograd.Value) -> tuple[Any, str]:
    """The data of the page of `explore`, and the graph that it has Graphviz lay out from left to right."""
    found: list[str] = []

    def caught(*graph: Any, down: bool = False) -> Any:
        found.append(source(*graph, down=down))
        return {}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys.modules["autograd.drawing.explore"], "layout", caught)
        html = explore(root, names=False).html
    (text,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', html, re.DOTALL)
    return json.loads(text), found[0]


def test_formulas_are_read_as_python_reads_them(page: Playground) -> None:
    """The same nodes in the same order with the same names; the same values and gradients; the same picture."""
    script = """
        const [text, given] = arguments;
        load(record(text, new Map(Object.entries(given)), () => NaN));
        return [nodes, plan(false), graph.data, graph.gradient, graph.why]"""
    long = ["*".join(f"(x + {i})" for i in range(20)), "*".join(["x"] * 70), "tanh(x*y)" + "*tanh(x*y + sin(y))" * 9]
    for text, root in [*formulas(200), *((text, build(text, {n: VALUES[n] for n in names(text)})) for text in long)]:
        nodes, picture, values, gradients, why = page.driver.execute_script(script, text, VALUES)
        assert why == "", text
        adjoints = autograd.adjoints(root)
        assert values == pytest.approx([node.data for node in adjoints], rel=1e-12, abs=1e-14), text
        learning = [i for i, node in enumerate(adjoints) if node.role != "constant"]
        expected = [*adjoints.values()]
        size = max(map(abs, expected))
        assert [gradients[i] for i in learning] == pytest.approx(
            [expected[i] for i in learning], rel=1e-11, abs=1e-13 * size
        ), text
        data, laid_out = page_of(root)
        for mine, its in zip(data["nodes"], nodes, strict=True):
            assert {key: its.get(key) for key in mine if key != "data"} == {
                k: x for k, x in mine.items() if k != "data"
            }
        (sheet,) = data["sheets"].values()
        assert picture == {"copies": sheet["copies"], "source": laid_out}, text


@pytest.mark.parametrize("text", ["(x + y)*z", "x*x + x", "max(w*x, z)**2 - ln(w)/e", "logsumexp([x, y, 2.5])*x"])
def test_what_is_typed_is_explored_step_by_step(page: Playground, text: str) -> None:
    page.one("#formula").clear()
    page.one("#formula").send_keys(text)
    page.one("#sentence").click()
    values = page.ask("Object.fromEntries(values)")
    compare_with_the_engine(page, build(text, {name: values[name] for name in names(text)}))


FAULTS = [
    *("2x", "x y", "x (y)(y)", "3 4*x", "1.2.3*x", "exp(x)exp(y)", "sin x", "(x+y)(x-y)", "2(x)"),
    *("x²", "x⁻¹", "x₁₀", "√x", "x×y", "x−y", "５*x", "x½", "∞*x", "x≤1", "（x）", "x…", "2ˣ⁺¹", "x^2"),
    *("x**", "x+", "*x", "x*/y", "exp(,x)", "max(x,,y)", "exp(x+)", "-", "()*x", "x)", "x=1", "x # y"),
    *("1,5*x", "(1,5)*x", "x,", "lambda", "x*lambda", "if", "x if", "1e999*x", "#", "x!", "x;y", "{x}"),
    *("exp()", "exp(x, y)", "atan2(x)", "elu(x, beta=1)", "elu(x, alpha=1, alpha=2)", "sum([])", "exp([x])"),
    *("dot([x], [x, y])", "dot([x])", "sum(3)*x", "max([[x]])", "where(x, y)", "0x*y", "007*x"),
]


def test_a_fault_is_found_where_the_command_finds_it(page: Playground) -> None:
    for text in FAULTS:
        with pytest.raises(ExpressionError) as refused:
            build(text, {name: 1.0 for name in "xy" if name in re.sub(r"exp|max", "", text)})
        column = re.match(r"column (\d+): ", str(refused.value))
        page.type(text)
        shown = re.search(r" column (\d+): (.*)", page.fault())
        assert shown, (text, page.fault())
        assert int(shown[1]) == (int(column[1]) if column else 1), (text, page.fault(), str(refused.value))
        assert page.one("#formula").get_attribute("aria-invalid") == "true"
        assert page.one("#fault mark").text.strip() == text[int(shown[1]) - 1 :][:1].strip()


NOTATION = [
    *("2x", "2.5x", "1.x", "x y", "2 pi x", "2exp(x)", "(x+1)y", "1/2x", "1/(x+1)(x-1)", "x**2y", "1/pi(x)", "1 000*x"),
    *(
        "x^2",
        "x^-1",
        "x²",
        "x⁻¹",
        "xⁿ",
        "2ˣ⁺¹",
        "x₁₀",
        "½x",
        "1½*x",
        "x–y",
        "x·y",
        "x÷y",
        "٣*x",
        "５*x",
        "√x",
        "∛x",
        "∞*x",
    ),
    *(
        "sin x",
        "sin x**2",
        "tg x",
        "√2",
        "sin²(x)",
        "sin^2(x)",
        "sin**2(x)",
        "sin^{2}(x)",
        "cos^n x",
        "ln²(x)",
        "exp² x",
    ),
    *("sin⁻¹(x)", "sin^-1(x)", "|x|", "x%", "x°", "x≤1", "x±y", "x<", "{x", "\\frac{x}{y}", "x!", "x…", "x\u200b"),
    *("x mod 2", "(x) div 2", "log(x, 2)", "ln(x, b)", "sqrt(x, 3)", "cot(x)", "softmax(x)", "arcsin(x)", "lambda*x"),
    *("sinn(x)", "Tahn(x)", "2*maximun(x, y)", "logsum_exp([x, y])"),
    *("1,5*x", "x # y", "x*/y", "x**", "*x", "1" * 50 + "x", "x" * 50 + " y", "sin²(" + "x" * 50 + ")", "x" + "²" * 50),
]


def test_notation_of_elsewhere_gets_the_advice_of_the_command(page: Playground) -> None:
    """Word for word, at the same column."""
    for text in NOTATION:
        with pytest.raises(ExpressionError) as refused:
            build(text, dict.fromkeys(names(text), 1.0))
        page.type(text)
        column, _, advice = page.fault().partition(" column ")[2].partition(": ")
        assert f"column {column}: {advice}" == str(refused.value), text


def test_while_a_fault_is_shown_the_last_graph_stays(page: Playground) -> None:
    page.type("x*y + 1")
    page.press(Keys.END)
    before = page.texts("#graph text")
    page.type("x*y + ")
    assert "something is missing after +" in page.fault()
    assert page.texts("#graph text") == before
    page.type("x*y + 2")
    assert page.fault() == ""
    assert page.one("#formula").get_attribute("aria-invalid") == "false"
    assert page.texts("#graph text") != before


def test_a_link_carries_the_formula_the_leaves_and_the_step(page: Playground) -> None:
    page.type("a*b + exp(-a) + π*e")
    page.change("a", "0.25")
    page.change("b", "-7")
    page.one("#sentence").click()
    for _ in range(9):
        page.next()
    sentence, link = page.one("#sentence").text, page.one("#link").get_attribute("href")
    assert link is not None
    WebDriverWait(page.driver, 5).until(lambda _: page.ask("location.href") == link)
    page.open(link.removeprefix(page.address))
    assert page.ask("field.value") == "a*b + exp(-a) + π*e"
    assert page.ask("Object.fromEntries(cells.entries().map(([i]) => [nodes[i].name, given[i]]))") == {
        "a": 0.25,
        "b": -7,
    }
    assert page.one("#sentence").text == sentence
    page.driver.execute_script("location.hash = '#formula=e*x&at=e%3D2,x%3D3&step=999'")
    WebDriverWait(page.driver, 5).until(lambda _: page.ask("graph.data").__len__() == 3)
    assert page.ask("graph.data") == [2, 3, 6], "a value comes before a constant"
    assert page.ask("step") == page.ask("last()")


def test_sliders_and_fields_move_together(page: Playground) -> None:
    page.type("x*y")
    page.press(Keys.END)
    slider = page.one('[aria-label="slider for x"]')
    before = page.ask("given[0]")
    slider.send_keys(Keys.ARROW_RIGHT)
    x = page.ask("given[0]")
    assert x > before
    assert float(page.one('[aria-label="value of x"]').get_attribute("value") or 0) == x
    assert page.texts("#leaves .gradient")[1] == f"{x:g}"
    page.change("x", "400")
    assert [slider.get_attribute(key) for key in ("min", "max", "value")] == ["-800", "800", "400"]
    page.type("y*x + x")
    assert page.ask("Object.fromEntries(values)")["x"] == 400, "a variable keeps its value"


def test_predicting_on_a_typed_formula(page: Playground) -> None:
    page.type("x*x")
    page.change("x", "3")
    predict(page, "leaves only")
    ask_first(page)
    answer(page, "3")
    assert "x is used 2 times" in page.texts(".hint")[0]
    answer(page, "12/2")
    assert page.one("#score").text == "Finished: 1 of 1 right, 0 at the first try"
    page.type("x*x*x")
    assert page.one("#score").text == ""
    assert page.all("[data-question]")


@pytest.mark.parametrize(
    "text",
    [
        *(HOSTILE, "</script><script>alert(1)</script>", "constructor(x)", "__proto__*x", "toString", "x*constructor"),
        *("(" * 1000, "-" * 1000 + "x", "x+" * 900 + "x", "x*" * 70 + "x", "1" * 400, "x" * 3000),
        *("a̐é*x", "9**9**9**9*x", "𝑥 + x"),
    ],
)
def test_hostile_formulas_are_text(page: Playground, text: str) -> None:
    page.type(text)
    assert page.all("img, b") == []
    assert page.driver.title == "Type a formula"
    assert page.fault() or page.texts("#leaves td:first-child")
    if page.fault():
        assert re.search(r" column \d+: .", page.fault())
    encoded = page.ask(
        "new URLSearchParams({ formula: arguments[0], at: arguments[0], step: arguments[0] }).toString()", text
    )
    page.open(f"#{encoded}")
    assert page.all("img, b") == []
    assert 0 <= page.ask("step") <= page.ask("last()")


def test_names_that_objects_have_are_names(page: Playground) -> None:
    page.open("#formula=__proto__*constructor&at=__proto__%3D2,constructor%3D5")
    assert page.texts("#leaves td:first-child") == ["__proto__", "constructor"]
    assert page.ask("graph.data") == [2, 5, 10]


def test_the_keyboard_reaches_the_formula_first(page: Playground) -> None:
    page.driver.switch_to.active_element.send_keys(Keys.TAB)
    field = page.driver.switch_to.active_element
    assert field.get_attribute("id") == "formula"
    field.send_keys(Keys.CONTROL, "a")
    field.send_keys("u*v")
    assert page.texts("#leaves td:first-child") == ["u", "v"]
    field.send_keys(Keys.HOME, Keys.ARROW_RIGHT, Keys.END)
    assert page.ask("step") == 0, "keys in a field are the field's"
    Select(page.one("#examples")).select_by_index(3)
    assert page.ask("field.value") == "x*x + x"


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1280, 640, 390])
def test_it_fits_every_width_and_can_be_read(page: Playground, width: int, dark: bool) -> None:
    with window(page, width, 900, dark):
        page.open()
        page.press(Keys.END)
        page.type("1/(1 + exp(-(w*x + b))")
        check_look(page, [("#formula", "#formula"), ("#fault", ".card"), ("mark", "mark"), ("label", ".card")])
        page.type("1/(1 + exp(-(w*x + b)))")
        shape = page.ask("height / width")
        assert shape > 1 if width < 600 else shape < 1
        assert sideways(page, ".tall") == [0]


def test_it_runs_in_the_frame_of_a_notebook(page: Playground, tmp_path: Path) -> None:
    frame = playground(formula="x*x + x", values={"x": 1.5})._repr_html_()
    path = tmp_path / "notebook.html"
    path.write_text(f"<!doctype html><meta charset=utf-8>{frame}", encoding="utf-8")
    page.driver.get(path.as_uri())
    page.driver.switch_to.frame(page.one("iframe"))
    try:
        WebDriverWait(page.driver, 20).until(lambda _: page.all("#graph .node"))
        page.one('[title^="to the end"]').click()
        assert page.texts("#leaves .gradient") == ["4"]
        page.driver.execute_async_script("setTimeout(arguments[0], 500)")
    finally:
        page.driver.switch_to.default_content()


def test_it_is_one_file_of_less_than_two_megabytes(page_file: Path) -> None:
    html = page_file.read_text(encoding="utf-8")
    assert len(html.encode()) < 2_000_000
    assert html.count("<script") - html.count("application/json") == 1
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="(.*?)"', html)
    assert re.fullmatch(
        r"default-src 'none'; style-src 'sha256-\S+'; script-src 'sha256-\S+' 'wasm-unsafe-eval'", policy
    )


def test_own_gates_are_on_the_page_and_those_that_browsers_lack_are_not(chrome: Chrome, tmp_path: Path) -> None:
    gate("cube", "x³", lambda xp, x: x * x * x, lambda xp, out, x: 3 * x * x)
    gate("bell", "Γ", lambda xp, x: xp.gamma(x), lambda xp, out, x: out)
    try:
        path = playground(tmp_path / "play.html", "cube(x)", {"x": 2.0}).path
        assert path is not None
        page = Playground(chrome, path).open()
        assert page.ask("[graph.data[1], graph.gradient[0]]") == [8, 12]
        page.type("bell(x)")
        assert "there is no gate 'bell'" in page.fault()
    finally:
        del GATES["cube"], GATES["bell"]


def test_values_that_are_left_out_are_chosen() -> None:
    page = playground(formula="log(x) + sqrt(y)*z + e", values={"y": 4.0})
    (text,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page.html, re.DOTALL)
    assert json.loads(text)["at"] == "x=0.5,y=4.0,z=1.5"


def test_what_a_page_cannot_begin_with_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ExpressionError, match="column 2"):
        playground(formula="2x")
    with pytest.raises(ExpressionError, match="y is not in the expression"):
        playground(formula="x", values={"y": 1.0})
    with pytest.raises(ValueError, match="digits"):
        playground(digits=99)
    monkeypatch.setattr(sys.modules["autograd.drawing.playground"], "find_spec", lambda name: None)
    with pytest.raises(RenderingError, match=r"pip install gatewise\[page\]"):
        playground()
