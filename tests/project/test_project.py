"""Guards the package: imports that run one way, a README that is current, and what the package promises to be."""

from __future__ import annotations

import ast
import html
import os
import re
import shutil
import subprocess
import sys
from graphlib import TopologicalSorter
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.util import resolve_name
from pathlib import Path

import pytest

import autograd
from tests import readme

ROOT = Path(__file__).parent.parent.parent
# The strata of autograd, the lowest first; everything that is in none of the first two is a reading of graphs.
RULES = {"_engine", "arguments", "functions", "gate", "gates", "symbols"}
ENGINE = {"anomaly", "backward", "beside", "context", "names", "native", "node", "value"}
# The folders of nn, "" for its top, and the folders that the modules of each may import beside their own.
NN_STRATA: dict[str, set[str]] = {
    "": set(),
    "data": {""},
    "training": {"", "data"},
    "viewing": {"", "data", "training"},
    "classical": {""},
}


def import_graph(package: str) -> dict[str, set[str]]:
    """Return the modules of a package, by dotted names such as data.scaling, "" for its face, with those that each imports for
    any reason, also for types alone."""
    paths = {
        ".".join(path.relative_to(ROOT / package).with_suffix("").parts).removesuffix("__init__").rstrip("."): path
        for path in (ROOT / package).rglob("*.py")
    }
    graph = {}
    for name, path in paths.items():
        inside = name if path.name == "__init__.py" else name.rpartition(".")[0]
        graph[name] = {
            found.removeprefix(package).lstrip(".")
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.ImportFrom)
            for target in [resolve_name("." * node.level + (node.module or ""), f"{package}.{inside}".rstrip("."))]
            for alias in node.names
            for found in [f"{target}.{alias.name}" if f"{target}.{alias.name}"[len(package) + 1 :] in paths else target]
            if found.partition(".")[0] == package
        } - {name}
    return graph


@pytest.mark.parametrize("package", ["autograd", "nn"])
def test_no_imports_run_in_a_circle(package: str) -> None:
    graph = import_graph(package)
    assert len(graph) > 20
    del graph[""]  # the face loads its modules when one of their names is first used
    for name, imports in graph.items():
        assert package == "nn" or name in ("__main__", "testing") or "" not in imports, f"{name} imports the face"
        imports.discard("")
    list(TopologicalSorter(graph).static_order())  # raises CycleError for a circle


def test_imports_of_autograd_run_down_its_strata() -> None:
    graph = import_graph("autograd")
    assert graph.keys() >= RULES | ENGINE
    for name, imports in graph.items():
        folders = {other.partition(".")[0] for other in imports}
        if name in RULES:
            assert folders <= RULES, f"{name} is a rule, and imports {imports}"
        elif name.partition(".")[0] in ENGINE:
            assert folders <= RULES | ENGINE, f"{name} is of the engine, and imports {imports}"
        elif name.partition(".")[0] == "drawing":
            assert "compiling" not in folders, f"{name} imports another reading"
        elif name.partition(".")[0] == "compiling":
            assert "drawing" not in folders, f"{name} imports another reading"


def test_imports_of_nn_run_down_its_strata() -> None:
    graph = import_graph("nn")
    assert set(graph) > {"", "module", "layers", "losses", "optimisers", "saving", "training.loop"}
    del graph[""]
    for name, imports in graph.items():
        folder = name.partition(".")[0] if name in NN_STRATA or "." in name else ""
        for other in imports:
            below = other.partition(".")[0] if other in NN_STRATA or "." in other else ""
            assert below == folder or below in NN_STRATA[folder], f"nn.{name} imports nn.{other}"


def test_autograd_does_not_know_nn_which_uses_its_public_names_only() -> None:
    absolute = re.compile(r"^ *(?:from|import) ((?:autograd|nn)\b\S*)", re.MULTILINE)
    for path in (ROOT / "autograd").rglob("*.py"):
        assert not [name for name in absolute.findall(path.read_text(encoding="utf-8")) if name.startswith("nn")], path
    public = {
        "autograd",
        "autograd.arguments",
        "autograd.value",
        "autograd.files",
        "autograd.indexing",
        "autograd.trees",
    }
    for path in (ROOT / "nn").rglob("*.py"):
        found = {name for name in absolute.findall(path.read_text(encoding="utf-8")) if name.startswith("autograd")}
        assert found <= public, path


def test_the_table_of_gates_is_current() -> None:
    assert readme.GATES_PAGE.read_text(encoding="utf-8") == readme.current(), "run python -m tests.readme"


def pages() -> list[Path]:
    """Return the pages for readers, wherever they lie."""
    folders = (ROOT / name for name in ("autograd", "nn", "demos", "tests"))
    return [*ROOT.glob("*.md"), *(path for folder in folders for path in folder.rglob("*.md"))]


def test_every_page_is_executed() -> None:
    """Each is among the files that pytest collects, and its Python stands in examples that doctest can see."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "--quiet", *map(str, pages())]
    collected = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    paths = (ROOT / "pyproject.toml").read_text(encoding="utf-8").partition("testpaths = ")[2].partition("\n")[0]
    for page in pages():
        name = page.relative_to(ROOT).as_posix()
        assert f"{name}::{page.name}" in collected or ">>> " not in page.read_text(encoding="utf-8")
        assert any(name == path or name.startswith(f"{path}/") for path in re.findall(r'"(.*?)"', paths)), name
        for block in re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
            assert block.startswith(">>> "), block


def test_links_between_pages_lead_somewhere() -> None:
    """To a file that is there, and to a heading that is in it."""
    for page in pages():
        for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
            if "://" in target:
                continue
            name, _, anchor = target.partition("#")
            path = page.parent / name if name else page
            assert path.exists(), f"{page}: {target}"
            if anchor:
                heads = re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
                assert anchor in [re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads], target


def test_the_readme_has_exactly_two_set_up_commands_which_the_check_runs() -> None:
    commands = re.findall(r"```sh\n(.*?)\n```", readme.README.read_text(encoding="utf-8"), re.DOTALL)
    assert len(commands) == 2
    lines = [command.replace("&&\n", "&& ") for command in commands]
    assert all("\n" not in line and line.startswith("python3 -m venv") for line in lines)
    assert '-e ".[draw,compile]"' in commands[0]  # else the folder autograd/ hides the compiled engine
    assert "-m doctest -o NORMALIZE_WHITESPACE README.md" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", ["README.md", "autograd/tour.md", "demos/from_micrograd.md", "demos/teaching.md"])
def test_the_examples_run_with_what_the_first_command_installs(page: str, tmp_path: Path) -> None:
    """An import of anything but these packages and the standard library fails. What is shown is what is printed, to the space."""
    script = """
import doctest, re, sys
from importlib.abc import MetaPathFinder

class Bare(MetaPathFinder):
    allowed = {"autograd", "nn", "graphviz", "pygraphviz", "numpy", *sys.stdlib_module_names}

    def find_spec(self, name, path, target=None):
        if name.partition(".")[0] not in self.allowed:
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Bare())
check = doctest.OutputChecker.check_output  # an example cannot show that its output ends in an empty line
doctest.OutputChecker.check_output = lambda self, want, got, flags: check(self, want, re.sub(r"\\n+\\Z", "\\n", got), flags)
print(*doctest.testfile(sys.argv[1], module_relative=False))
"""
    command = [sys.executable, "-W", "error", "-c", script, str(ROOT / page)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True, env=environment)
    failed, tried = done.stdout.splitlines()[-1].split()
    assert (failed, int(tried) > 20) == ("0", True), done.stdout


@pytest.mark.parametrize("engine", ["", "pure"])
def test_the_version_says_when_a_folder_hides_an_installed_engine(tmp_path: Path, engine: str) -> None:
    for name in ("clone", "installed"):
        shutil.copytree(ROOT / "autograd", tmp_path / name / "autograd", ignore=shutil.ignore_patterns("*.so", "*.pyd"))
    core = tmp_path / "installed" / "autograd" / "native" / f"core{EXTENSION_SUFFIXES[0]}"
    core.touch()
    command = [sys.executable, "-m", "autograd", "--version"]
    paths = os.pathsep.join([str(tmp_path / "clone"), str(tmp_path / "installed")])
    environment = {**os.environ, "PYTHONPATH": paths, "GATEWISE_ENGINE": engine}
    version = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True, env=environment).stdout
    assert "pure Python engine" in version
    assert (f"hides the compiled engine of {core.parents[1]}" in version) == (engine == "")


@pytest.mark.parametrize("name", readme.pictures())
def test_the_pictures_of_the_readme_are_current(name: str) -> None:
    """They say what the picture would say today; how a renderer lays it out is the renderer's."""
    svg = (ROOT / "demos" / name).read_text(encoding="utf-8")
    labels = re.findall(r"label=<(.*?)>(?: \w+=.*)?\]$", readme.pictures()[name].source, re.MULTILINE)
    lines = [line for label in labels for line in re.split("<[^>]*>", label) if line.strip()]
    assert sorted(map(html.unescape, re.findall(r">([^<>]+)</text>", svg))) == sorted(map(html.unescape, lines))
    pages = (
        f"](demos/{name})" in readme.README.read_text("utf-8"),
        f"](../demos/{name})" in readme.TOUR.read_text("utf-8"),
    )
    assert any(pages)


def test_the_lectures_numbers_are_in_the_first_of_them() -> None:
    svg = (ROOT / "demos" / "sigmoid_neuron.svg").read_text(encoding="utf-8")
    texts = [html.unescape(text) for text in re.findall(r">([^<>]+)</text>", svg)]
    for leaf in ("w0 = 2.00", "x0 = -1.00", "w1 = -3.00", "x1 = -2.00", "w2 = -3.00"):
        assert leaf in texts
    for value in ("4.00", "6.00", "0.37", "1.37", "0.73", "-0.20", "-0.53", "0.39", "-0.39", "-0.59", "0.20"):
        assert value in texts


def test_the_version_and_the_types_travel_with_the_package() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", autograd.__version__)
    assert (ROOT / "autograd" / "py.typed").exists()
    assert (ROOT / "nn" / "py.typed").exists()


def test_every_public_name_has_a_docstring_with_a_sentence() -> None:
    public = [getattr(autograd, name) for name in dir(autograd) if not name.startswith("_")]
    for thing in public:
        if callable(thing):
            assert thing.__doc__, thing
            assert "." in thing.__doc__, thing


def test_a_missing_browser_is_told_and_where_it_is_required_an_error(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pytest", "--collect-only", "tests/autograd/drawing"]
    nowhere = {**os.environ, "PATH": str(tmp_path)}
    nowhere.pop("BROWSER", None)
    told = subprocess.run(command, cwd=ROOT, env=nowhere, capture_output=True, text=True, check=True)
    assert "browser: none, so the tests of pages are left out" in told.stdout
    assert "<Module test_explore.py>" in told.stdout
    assert "browser.py>" not in told.stdout
    required = {**nowhere, "BROWSER": "required"}
    refused = subprocess.run(command, cwd=ROOT, env=required, capture_output=True, text=True, check=False)
    assert refused.returncode != 0
    assert "BROWSER=required, and there is no chromium and no chromedriver" in refused.stderr
