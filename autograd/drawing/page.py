"""Pages: one self-contained HTML file of a body, a style, scripts and data, which asks nothing of the network."""

from __future__ import annotations

import json
import os
import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from hashlib import sha256
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

from ..arguments import as_path
from ..files import replace_file

__all__ = ["Page", "page_file"]

HEIGHT = 900  # pixels, in a notebook


class Page:
    """An HTML page: shows itself in a notebook, in a frame of its own, and saves itself.

    `body` is the HTML between header and end, in which {{title}} stands for the title, escaped; `scripts` are texts of
    JavaScript that run one after the other behind what every page shares (pages/page.js), and find the data as `DATA`;
    `style` is CSS that comes behind what every page shares (pages/page.css).

    Text from the data cannot become HTML or script: the data stand in the page as JSON without any "<", the scripts
    write them as text only, and the page's policy lets no script run but the one whose hash it states.

    >>> Page("Hello", body="<h1>{{title}}</h1>", scripts=["console.log(DATA)"], data=[1, 2]).title
    'Hello'
    """

    def __init__(self, title: str, *, body: str, scripts: Sequence[str], data: Any, style: str = "") -> None:
        self.title = title
        style = page_file("page.css") + style
        script = "\n".join(["", '"use strict";', page_file("page.js"), *scripts])
        text = escape(_printable(title))
        self.html = _filled(
            page_file("page.html"),
            {
                "title": text,
                "style": style,
                "style_hash": _hash(style),
                "script": script,
                "script_hash": _hash(script),
                "body": _filled(body, {"title": text}),
                "data": _json(data),
            },
        )
        self.path: Path | None = None

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the page to a file that ends in .html or .htm, which is replaced whole or not at all. Returns the path."""
        path = as_path(path)
        if path.suffix.lower() not in (".html", ".htm") and not path.is_dir():  # replace_file refuses a folder as that
            raise ValueError(f"a page's name must end in .html or .htm, got {path.name!r}")
        self.path = replace_file(path, self.html.encode())
        return self.path

    def _repr_html_(self) -> str:
        frame = 'sandbox="allow-scripts" style="width: 100%; border: 0"'
        return f'<iframe srcdoc="{escape(self.html)}" title="{escape(self.title)}" height="{HEIGHT}" {frame}></iframe>'

    def __repr__(self) -> str:
        where = f"{self.path}: open it in a browser" if self.path else ".save('page.html')"
        return f"<Page of {self.title!r}, {len(self.html.encode()):,} bytes; {where}>"


def page_file(name: str) -> str:
    """Return the text of a file that pages are made of."""
    return (files(__package__) / "pages" / name).read_text(encoding="utf-8")


def _filled(template: str, parts: Mapping[str, str]) -> str:
    """Return a template with its {{places}} filled, in one pass: what is filled in is not looked at again."""
    return re.sub(r"\{\{(\w+)\}\}", lambda place: parts[place[1]], template)


def _hash(text: str) -> str:
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"


def _json(data: Any) -> str:
    """Return data as JSON that neither ends the element it stands in nor begins another."""
    text = json.dumps(data, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() or c == "\n" else "�" for c in text)
