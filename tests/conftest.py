"""How hard the property tests look (HYPOTHESIS_PROFILE=dev, the default, ci, or nightly), and what there is to test with.

The pages are tested in a headless Chromium where it and its driver are installed, programs on other arrays where JAX and
PyTorch are, the course in Jupyter where jupytext is, rows and programs as C or JavaScript where a compiler or node is, the
compiled engine and compile's tape where they are built. Where they are not, the files with these tests are not collected and
pytest's header says so; BROWSER=required makes a missing browser an error, as .ci/run does. The table of peers is compared with
those that are installed.
"""

import importlib.util
import os
import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from autograd import GATES
from autograd._engine import description
from autograd.compiling.machine import native

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

for name, examples in (("dev", 30), ("ci", 50), ("nightly", 3000)):
    settings.register_profile(
        name,
        max_examples=examples,
        deadline=None,  # these machines are shared; a slow moment is no failure
        derandomize=name == "ci",
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "dev"))

missing = [program for program in ("chromium", "chromedriver") if shutil.which(program) is None]
extras = [name for name in ("jax", "torch", "jupytext") if importlib.util.find_spec(name) is None]
collect_ignore_glob = ["*browser.py"] * bool(missing) + [f"*/test_{name}.py" for name in extras]
collect_ignore_glob += ["*/test_tape.py"] * (native is None)
peers = [name for name in ("micrograd", "mygrad", "torch", "casadi", "pydot") if importlib.util.find_spec(name) is None]
both = importlib.util.find_spec("autograd.native.core") is not None
collect_ignore_glob += ["*/test_engines.py", "*/test_pure_and_native.py"] * (not both)


def pytest_report_header() -> list[str]:
    return [
        f"browser: none, so the tests of pages are left out (apt install chromium chromium-driver brings {missing[0]})"
        if missing
        else "browser: chromium",
        f"engine: {description}" + ", alone, so test_engines.py is left out" * (not both),
        *["compile's tape is not built, so test_tape.py is left out"] * (native is None),
        *(f"no {name}, so test_{name}.py is left out" for name in extras),
        *[f"no {', '.join(peers)}, so what the table of peers says of them is not compared"] * bool(peers),
    ]


class SameGates:
    """Takes the gates that a test added out of the table again, and those of the examples of pages and docstrings."""

    @pytest.fixture(autouse=True)
    def same_gates(self) -> Iterator[None]:
        known = {*GATES}
        yield
        for name in GATES.keys() - known:
            del GATES[name]


@pytest.fixture(scope="session")
def chrome(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[Chrome]":
    """Start a headless Chromium for all tests of pages."""
    from tests.browser import browser  # imports selenium, which may be missing

    with browser(tmp_path_factory.mktemp("profile")) as driver:
        yield driver


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(SameGates())  # here, because pages and packages lie outside this folder
    if missing and os.environ.get("BROWSER") == "required":
        raise pytest.UsageError(f"BROWSER=required, and there is no {' and no '.join(missing)}")
