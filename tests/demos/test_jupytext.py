"""Guards the notebooks in Jupyter: jupytext reads the same cells, and each runs in a real kernel, filled in and not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import jupytext
import nbformat
import pytest
from nbclient import NotebookClient

from demos.course import PARTS
from demos.course.__main__ import FOLDER, cells, notebook, script
from tests.demos.test_course import EXERCISES


def executed(part: str, *, filled_in: bool) -> Any:
    """Return a notebook after "Run all"; filled in, each solution stands below its stub."""
    book = nbformat.reads(notebook(part), as_version=4)
    for exercise in EXERCISES.values():
        if filled_in and exercise.part == part:
            book.cells[exercise.place].source += f"\n\n\n{exercise.solution}"
    NotebookClient(book, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(FOLDER)}}).execute()
    return book


def printed(cell: Any) -> str:
    return "".join(output.text for output in cell.outputs if output.output_type == "stream" and output.name == "stdout")


def kinds(book: Any) -> list[str]:
    """Return every kind of thing that the notebook's outputs show."""
    return [kind for cell in book.cells for output in cell.get("outputs", ()) for kind in output.get("data", ())]


def alternatives(book: Any) -> Iterator[str]:
    """Yield the alternative text of every image among the outputs, which is in no output twice."""
    for cell in book.cells:
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            if svg := data.get("image/svg+xml"):
                assert "text/html" not in data
                (title,) = re.findall(r'role="img".*>\n<title>(graph of .*)</title>', svg)
                yield title
            yield from re.findall(r'<img alt="(.*?)"', data.get("text/html", ""))


@pytest.mark.parametrize("part", PARTS)
def test_jupytext_reads_the_same_cells(part: str) -> None:
    book = jupytext.read(FOLDER / f"{part}.py", fmt="py:percent")
    read = [(cell.cell_type, cell.metadata.get("tags"), cell.source) for cell in book.cells]
    assert read == [(cell.kind, [cell.tag] if cell.tag else None, cell.source) for cell in cells(script(part))]


@pytest.mark.parametrize("part", PARTS)
def test_a_notebook_is_valid(part: str) -> None:
    nbformat.validate(nbformat.read(FOLDER / f"{part}.ipynb", as_version=4))


@pytest.mark.parametrize("part", PARTS)
def test_a_notebook_runs_unfilled_and_every_check_says_not_yet(part: str) -> None:
    book = executed(part, filled_in=False)
    checks = [printed(cell) for cell in book.cells if "check" in cell.metadata.get("tags", ())]
    assert len(checks) == sum(exercise.part == part for exercise in EXERCISES.values())
    assert all("not yet: " in check and "right: " not in check for check in checks)


@pytest.mark.parametrize(
    ("part", "pictures", "plots", "pages"),
    [("part1_gradients", 6, 1, 1), ("part2_networks", 1, 4, 2), ("part3_matrices", 1, 2, 0), ("part4_gpt", 1, 2, 0)],
)
def test_a_notebook_runs_with_the_solutions_and_shows_its_pictures(
    part: str, pictures: int, plots: int, pages: int
) -> None:
    book = executed(part, filled_in=True)
    checks = [printed(cell) for cell in book.cells if "check" in cell.metadata.get("tags", ())]
    assert all("right: " in check and "not yet: " not in check for check in checks)
    shown = kinds(book)
    assert [shown.count(kind) for kind in ("image/svg+xml", "image/png", "text/html")] == [pictures, 0, plots + pages]
    assert [*alternatives(book)] == [*filter(None, alternatives(book))], "every image tells in words what it shows"
    assert len([*alternatives(book)]) == pictures + plots
    noise = [output for cell in book.cells for output in cell.get("outputs", ()) if output.get("name") == "stder"]
    assert not noise
