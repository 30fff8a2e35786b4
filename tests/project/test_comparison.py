"""Tries every cell of demos/beside_others.md that does not depend on time, for the peers that are installed.

pytest's header says which are not: pip install -e ".[dev,peers]" brings them all.
"""

from __future__ import annotations

import pytest

from tests import readme
from tests.benchmarks import comparison
from tests.benchmarks.peers import PEERS

CELLS = [(name, title) for name in comparison.installed() for title in comparison.tried(name)]


def table() -> dict[str, dict[str, str]]:
    """Return the table: rows by their titles, cells by the names of the peers."""
    head, _, *rows = (
        [cell.strip() for cell in line.split("|")[1:-1]] for line in readme.comparison().strip().splitlines()
    )
    return {title: dict(zip(head[1:], cells, strict=True)) for title, *cells in rows}


def test_it_has_every_row_and_every_peer() -> None:
    rows = table()
    assert list(rows)[: len(comparison.FACTS)] == list(comparison.FACTS)
    assert all(list(row) == list(PEERS) for row in rows.values())
    measured = list(rows)[len(comparison.FACTS) :]
    assert measured == list(comparison.MEASURES)
    assert all(row[comparison.HERE] == "1 ×" for title, row in rows.items() if title.startswith(("time", "memory")))


@pytest.mark.parametrize(("name", "title"), CELLS, ids=lambda text: text[:40])
def test_what_it_says_is_what_happens(name: str, title: str) -> None:
    assert comparison.fact(PEERS[name](), title) == table()[title][name]


def test_this_project_is_always_tried() -> None:
    assert comparison.HERE in comparison.installed()


def test_others_are_better_at_something() -> None:
    """A table in which this project wins every row would not have been made by looking for what it lacks."""
    numbers = {
        title: {name: float(cell.split()[0].replace(",", "")) for name, cell in row.items() if cell[0].isdigit()}
        for title, row in table().items()
        if title.startswith(("time", "memory", "lines", "nodes"))
    }
    assert sum(min(row.values()) < row[comparison.HERE] for row in numbers.values()) >= 3
