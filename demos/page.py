"""The index page of all demos: one static HTML file that shows the figures, beside the printed output."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

STYLE = """
:root { color-scheme: light dark; --line: #ccc; --soft: #f5f5f2; --link: #0a5a9c }
@media (prefers-color-scheme: dark) { :root { --line: #444; --soft: #1e1e1e; --link: #7cb8ec } }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 90rem; padding: 1rem 1.5rem }
a { color: var(--link) }
nav ol { columns: 18rem; padding-left: 1.5rem }
section { border-top: 1px solid var(--line); padding: 1rem 0 2rem }
.lead { font-weight: 600 }
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


def page(entries: Sequence[Entry]) -> str:
    """Return the page that shows these demos in their order."""
    listed = "\n".join(f'<li><a href="#{escape(e.name)}">{escape(title(e.name))}</a></li>' for e in entries)
    sections = "\n".join(map(section, entries))
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>The figures of the lectures</title>
<style>{STYLE}</style>
</head>
<body>
<h1>The figures of the lectures</h1>
<nav aria-label="Demos"><ol>
{listed}
</ol></nav>
<main>
{sections}
</main>
</body>
</html>
"""


def title(name: str) -> str:
    """Return the heading of a demo."""
    return name.replace("_", " ")


def section(entry: Entry) -> str:
    """Return a demo's section: its docstring, its figures, its printed output and its source."""
    lead, _, rest = entry.docstring.partition("\n")
    paragraphs = "\n".join(f"<p>{escape(' '.join(text.split()))}</p>" for text in rest.split("\n\n") if text.strip())
    figures = "\n".join(
        f'<a href="{escape(name)}"><img src="{escape(name)}" alt="{escape(f"{title(entry.name)}: {lead}")}" loading="lazy"></a>'
        for name in entry.figures
    )
    return f"""<section id="{escape(entry.name)}">
<h2>{escape(title(entry.name))}</h2>
<p class="lead">{escape(lead)}</p>
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
