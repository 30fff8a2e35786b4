"""Pages: a self-contained HTML file from a body, a style, scripts and data, without network access."""

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

HEIGHT = 900  # pixels in a notebook, until the page has told its height
FRAME = """<iframe class="gatewise-page" srcdoc="{page}" title="{title}" height="{height}" sandbox="allow-scripts allow-downloads"
style="width: 100%; border: 0"></iframe><script>
addEventListener("message", (event) => {{
  for (const frame of document.querySelectorAll("iframe.gatewise-page")) {{
    if (frame.contentWindow === event.source && event.data > 0) frame.height = Math.min(event.data, 4000);
  }}
}});
</script>"""


class Page:
    """An HTML page. Notebooks display it in an iframe as high as the page; `save` writes it to a file.

    `body` is the HTML of the body, in which {{title}} is replaced by the escaped title. `scripts` are JavaScript texts
    that run in order after the common pages/page.js; they read the data as `DATA`. `style` is CSS that is appended to
    the common pages/page.css.

    The data cannot inject HTML or scripts: they are embedded as JSON without "<", the scripts insert them as text only,
    and the content security policy allows only the script with the stated hash; with `wasm`, it may compile WebAssembly.

    >>> Page("Hello", body="<h1>{{title}}</h1>", scripts=["console.log(DATA)"], data=[1, 2]).title
    'Hello'
    """

    def __init__(
        self, title: str, *, body: str, scripts: Sequence[str], data: Any, style: str = "", wasm: bool = False
    ) -> None:
        self.title = title
        style = page_file("page.css") + style
        script = "\n".join(["", '"use strict";', page_file("page.js"), *scripts])
        text = escape(_printable(title))
        self.html = _substitute(
            page_file("page.html"),
            {
                "title": text,
                "style": style,
                "style_hash": _hash(style),
                "script": script,
                "script_hash": _hash(script),
                "wasm": " 'wasm-unsafe-eval'" * wasm,
                "body": _substitute(body, {"title": text}),
                "data": _json(data),
            },
        )
        self.path: Path | None = None

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the page to a .html or .htm file, which is replaced atomically, and return the path."""
        path = as_path(path)
        if (
            path.suffix.lower() not in (".html", ".htm") and not path.is_dir()
        ):  # for a folder, replace_file has the better error
            raise ValueError(f"a page's name must end in .html or .htm, got {path.name!r}")
        self.path = replace_file(path, self.html.encode())
        return self.path

    def _repr_html_(self) -> str:
        return FRAME.format(page=escape(self.html), title=escape(self.title), height=HEIGHT)

    def __repr__(self) -> str:
        where = f"{self.path}: open it in a browser" if self.path else ".save('page.html')"
        return f"<Page of {self.title!r}, {len(self.html.encode()):,} bytes; {where}>"


def page_file(name: str) -> str:
    """Return the text of a file in the folder `pages`."""
    return (files(__package__) / "pages" / name).read_text(encoding="utf-8")


def _substitute(template: str, parts: Mapping[str, str]) -> str:
    """Replace each {{name}} in a template, in one pass, so that inserted text is not searched again."""
    return re.sub(r"\{\{(\w+)\}\}", lambda match: parts[match[1]], template)


def _hash(text: str) -> str:
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"


def _json(data: Any) -> str:
    """Return data as JSON that is safe inside an HTML script element."""
    text = json.dumps(data, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() or c == "\n" else "�" for c in text)
