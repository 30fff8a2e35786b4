"""Docstrings as Markdown: examples as code, lines of the form `name: what it is` as a list, signs of mathematics kept."""

from __future__ import annotations

import re

__all__ = ["markdown"]

ENTRY = re.compile(r"([\w*]+(?:, [\w*]+)*): (.*)")


def markdown(text: str) -> str:
    """Return a docstring as Markdown.

    >>> markdown("Two * three.\\n\\nx: a number\\n    or so")
    'Two \\\\* three.\\n\\n- **x**: a number or so'
    >>> markdown(">>> 2 * 3\\n6").splitlines()
    ['```pycon', '>>> 2 * 3', '6', '```']
    """
    return "\n\n".join(_block(block) for block in text.split("\n\n"))


def _block(block: str) -> str:
    lines = block.splitlines()
    for i, line in enumerate(lines):
        if line.startswith(">>> "):
            before = [_block("\n".join(lines[:i])), ""] if i else []
            return "\n".join([*before, "```pycon", *lines[i:], "```"])
    if lines and lines[0].startswith("|"):
        cells = lines[0].count("|") - 1
        return "\n".join([lines[0], "|---" * cells + "|", *lines[1:]])
    if lines and ENTRY.fullmatch(lines[0]):
        return _entries(lines)
    return _escaped(block)


def _entries(lines: list[str]) -> str:
    found: list[str] = []
    for line in lines:
        entry = ENTRY.fullmatch(line)
        if entry:
            found.append(f"- **{_escaped(entry[1])}**: {_escaped(entry[2])}")
        else:
            found[-1] += f" {_escaped(line.strip())}"
    return "\n".join(found)


def _escaped(text: str) -> str:
    """Return text in which * and < are themselves, but for code between backticks."""
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(part if part.startswith("`") else part.replace("*", r"\*").replace("<", "&lt;") for part in parts)
