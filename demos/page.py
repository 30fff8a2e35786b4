"""The index page of all demos: one static HTML file that shows the figures, beside the printed output."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import NamedTuple

STYLE = """
:root { color-scheme: light dark; --line: #ccc; --soft: #f5f5f2; --link: #0a5a9c }
@media (prefers-color-scheme: dark) { :root { --line: #444; --soft: #1e1e1e; --link: #7cb8ec } }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 90rem; padding: 1rem 1.5rem }
a { color: var(--link) }
nav ul { display: grid; gap: .75rem; grid-template-columns: repeat(auto-fill, minmax(13rem, 1fr)); list-style: none; padding: 0 }
nav a { display: block; height: 100%; text-decoration: none }
nav img { aspect-ratio: 16 / 10; display: block; object-fit: contain; width: 100% }
h2 { border-top: 3px solid var(--line); margin-top: 3rem; padding-top: 1rem }
section { border-top: 1px solid var(--line); padding: 1rem 0 2rem }
.beside { display: flex; flex-wrap: wrap; gap: 1.5rem; align-items: flex-start }
.beside > div { flex: 3 1 36rem; min-width: 0 }
.beside > pre { flex: 2 1 26rem; min-width: 0 }
img { background: #fff; border: 1px solid var(--line); box-sizing: border-box; max-width: 100%; padding: .5rem }
pre { background: var(--soft); border: 1px solid var(--line); font-size: .8rem; overflow-x: auto; padding: .75rem; margin: 0 }
details { margin-top: 1rem }
"""


class Entry(NamedTuple):
    """A demo that has run."""

    name: str
    docstring: str
    printed: str
    figures: Sequence[str]  # names of files beside the page
    source: str


def page(chapters: Mapping[str, Sequence[Entry]]) -> str:
    """Return the page that shows these demos, by the headings of their chapters."""
    listed = "\n".join(
        f"<h2>{escape(name)}</h2>\n<ul>\n{thumbnails(entries)}\n</ul>" for name, entries in chapters.items()
    )
    shown = "\n".join(
        f"<h2>{escape(name)}</h2>\n" + "\n".join(map(section, entries)) for name, entries in chapters.items()
    )
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Demos: gates, neurons, networks and their training</title>
<style>{STYLE}</style>
</head>
<body>
<h1>Demos: gates, neurons, networks and their training</h1>
<nav aria-label="Demos">
{listed}
</nav>
<main>
{shown}
</main>
</body>
</html>
"""


def thumbnails(entries: Sequence[Entry]) -> str:
    """Return list items with the first figure of each demo."""
    return "\n".join(
        f'<li><a href="#{escape(e.name)}"><img src="{escape(e.figures[0])}" alt="" loading="lazy">{marked(lead(e))}</a></li>'
        for e in entries
    )


def lead(entry: Entry) -> str:
    """Return the title of a demo, the first line of its docstring."""
    return entry.docstring.partition("\n")[0].removesuffix(".")


def marked(text: str) -> str:
    """Return text as HTML, with what stands in backticks as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(" ".join(text.split())))


def section(entry: Entry) -> str:
    """Return a demo's section: its docstring, its figures, its printed output and its source."""
    _, _, rest = entry.docstring.partition("\n")
    paragraphs = "\n".join(f"<p>{marked(text)}</p>" for text in rest.split("\n\n") if text.strip())
    figures = "\n".join(
        f'<a href="{escape(name)}"><img src="{escape(name)}" alt="{escape(lead(entry))}" loading="lazy"></a>'
        for name in entry.figures
    )
    return f"""<section id="{escape(entry.name)}">
<h3>{marked(lead(entry))}</h3>
{paragraphs}
<div class="beside">
<div>
{figures}
</div>
<pre tabindex="0">{escape(entry.printed)}</pre>
</div>
<details><summary>demos/{escape(entry.name)}.py</summary>
<pre tabindex="0">{escape(entry.source)}</pre></details>
</section>"""
