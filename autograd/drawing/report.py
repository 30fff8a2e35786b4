"""Format lines and tables as plain text or Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

__all__ = ["Section", "markdown", "text"]

Row = Sequence[str]


@dataclass
class Section:
    """A title, lines, an optional table whose first row is its head, and lines after it."""

    title: str
    lines: list[str] = field(default_factory=list)
    table: list[Row] = field(default_factory=list)
    after: list[str] = field(default_factory=list)


def text(sections: Sequence[Section]) -> str:
    """Return the sections as text, their lines and tables indented by two spaces."""
    return "\n".join(line for section in sections for line in _text(section))


def _text(section: Section) -> Iterator[str]:
    yield section.title
    yield from (f"  {line}" for line in section.lines)
    widths = [max(map(len, column)) for column in zip(*section.table, strict=True)]
    for row in section.table:
        yield "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
    yield from (f"  {line}" for line in section.after)


def markdown(sections: Sequence[Section]) -> str:
    """Return the sections as Markdown: a bold title, a list of the lines, a table."""
    return "\n\n".join("\n\n".join(_markdown(section)) for section in sections)


def _markdown(section: Section) -> Iterator[str]:
    yield f"**{_escaped(section.title)}**"
    if section.lines:
        yield "\n".join(f"- {_escaped(line)}" for line in section.lines)
    if section.table:
        head, *rows = ([_escaped(cell) or " " for cell in row] for row in section.table)
        yield "\n".join(f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows))
    if section.after:
        yield "\n".join(f"- {_escaped(line)}" for line in section.after)


def _escaped(text: str) -> str:
    """Escape the special characters of Markdown."""
    return re.sub(r"([\\`*_{}\[\]<>#|$~&])", r"\\\1", " ".join(text.split("\n")))
