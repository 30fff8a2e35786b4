"""Drives a headless Chromium: opens pages, reads what they show, presses their keys."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement

FLAGS = """--headless --no-sandbox --disable-gpu --disable-dev-shm-usage --disable-quic --no-first-run
--disable-background-networking --disable-component-update --disable-sync --window-size=1280,1000"""
HOSTILE = "</script><img src=x onerror=\"document.title='hacked'\"><b>bold</b>&amp;{{data}}"


@contextmanager
def browser(profile: Path) -> Iterator[Chrome]:
    options = Options()
    for flag in FLAGS.split():
        options.add_argument(flag)
    options.add_argument(f"--user-data-dir={profile}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    options.binary_location = shutil.which("chromium") or ""
    driver = Chrome(options=options, service=Service(shutil.which("chromedriver")))
    driver.execute_cdp_cmd("Emulation.setFocusEmulationEnabled", {"enabled": True})
    yield driver
    driver.quit()


@contextmanager
def quiet(driver: Chrome) -> Iterator[None]:
    """At the end, the console must hold no complaint."""
    driver.get_log("browser")  # type: ignore[no-untyped-call]
    yield
    assert driver.get_log("browser") == []  # type: ignore[no-untyped-call]


# A visit of the driver takes longer than a step of a page, so a script reads all that a step shows at once.
CELLS = (
    "[...document.querySelectorAll('#gate tbody tr')].map((row) => [...row.cells].map((cell) => cell.innerText.trim()))"
)
STEP = f"""
    if (arguments[0]) document.querySelector('.stepper .main').click();
    const texts = (selector) => [...document.querySelectorAll(selector)].map((element) => element.textContent);
    return [document.getElementById('sentence').innerText, {CELLS}, texts('.edge .value'), texts('.edge .gradient')]"""


class Step(NamedTuple):
    """The sentence, the table and the numbers of the arrows on a page, at one step."""

    sentence: str
    cells: list[list[str]]
    values: list[str]
    gradients: list[str]


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

    def labels(self, selector: str) -> list[str]:
        """The labels of all these elements for those who hear the page."""
        script = "return [...document.querySelectorAll(arguments[0])].map((element) => element.ariaLabel)"
        return [str(label) for label in self.driver.execute_script(script, selector)]

    def next(self) -> None:
        self.one(".stepper .main").click()

    def step(self, *, on: bool = True) -> Step:
        """Read a step, by default the next: its button is pressed by a script, so nothing waits for a pointer."""
        return Step(*self.driver.execute_script(STEP, on))

    def press(self, key: str) -> None:
        self.one("body").send_keys(key)

    def cells(self) -> list[list[str]]:
        found: list[list[str]] = self.driver.execute_script(f"return {CELLS}")
        return found

    def change(self, name: str, value: str) -> None:
        field = self.one(f'[aria-label="value of {name}"]')
        field.send_keys(Keys.CONTROL, "a")
        field.send_keys(value)


@contextmanager
def window(page: Shown, width: int, height: int, dark: bool = False, still: bool = False) -> Iterator[None]:
    """A window of this size, in the dark or for those who want no motion; then as before."""
    features = [
        {"name": "prefers-color-scheme", "value": "dark" if dark else "light"},
        {"name": "prefers-reduced-motion", "value": "reduce" if still else "no-preference"},
    ]
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 400}
    page.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    try:
        yield
    finally:
        page.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def number(text: str) -> float:
    """The first number in a text."""
    found = re.search(r"-?\d+(\.\d+)?(e[+-]?\d+)?", text)
    assert found, text
    return float(found[0])


def two_decimals(text: str, x: float) -> bool:
    return number(text) == pytest.approx(x, abs=0.005 + 1e-9)


def six_digits(text: str, x: float) -> bool:
    return number(text) == pytest.approx(x, rel=5.1e-6, abs=1e-12)


def check_look(page: Shown, texts: Sequence[tuple[str, str]], tables: Sequence[str] = ()) -> None:
    """The page and these tables have nothing to scroll sideways, and each text stands out from what is behind it."""
    assert sideways(page, "html", *tables) == [0] * (1 + len(tables))
    for selector, behind in texts:
        assert contrast(page, selector, behind) >= 4.5, selector


def sideways(page: Shown, *selectors: str) -> list[int]:
    """How far elements can be scrolled sideways."""
    script = """return arguments[0].map((selector) => {
        const { scrollWidth, clientWidth } = document.querySelector(selector);
        return scrollWidth - clientWidth; })"""
    found: list[int] = page.driver.execute_script(script, selectors)
    return found


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
