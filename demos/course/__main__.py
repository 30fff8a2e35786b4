"""The command: python -m demos.course writes the notebooks beside their scripts, without outputs."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, NamedTuple

from autograd.files import replace_file

from . import PARTS

FOLDER = Path(__file__).parent
HEADER = re.compile(r'^# %%(?P<markdown> \[markdown\])?(?: tags=\["(?P<tag>\w+)"\])?$', re.MULTILINE)


class Cell(NamedTuple):
    """A cell of a script: its kind, "markdown" or "code", its tag, if it has one, and its text."""

    kind: str
    tag: str | None
    source: str


def script(part: str) -> str:
    """Return the text of a part of the course."""
    return (FOLDER / f"{part}.py").read_text(encoding="utf-8")


def cells(text: str) -> list[Cell]:
    """Return the cells of a script in the percent format: each begins with # %%, and those of prose are comments."""
    headers = list(HEADER.finditer(text))
    ends = [header.start() for header in headers[1:]] + [len(text)]
    found = []
    for header, end in zip(headers, ends, strict=True):
        source = text[header.end() : end].strip("\n")
        if header["markdown"]:
            source = "\n".join(line.removeprefix("#").removeprefix(" ") for line in source.splitlines())
        found.append(Cell("markdown" if header["markdown"] else "code", header["tag"], source))
    return found


def notebook(part: str) -> str:
    """Return a part as the text of an .ipynb file."""
    entries: list[dict[str, Any]] = []
    for i, cell in enumerate(cells(script(part)), start=1):
        entry: dict[str, Any] = {
            "cell_type": cell.kind,
            "id": f"{part}-{i}",
            "metadata": {"tags": [cell.tag]} if cell.tag else {},
            "source": cell.source.splitlines(keepends=True),
        }
        entries.append(entry | ({"execution_count": None, "outputs": []} if cell.kind == "code" else {}))
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    content = {"cells": entries, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def main() -> None:
    """Write all notebooks."""
    for part in PARTS:
        print(replace_file(FOLDER / f"{part}.ipynb", notebook(part).encode()))


if __name__ == "__main__":
    main()
