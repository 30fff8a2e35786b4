"""`playground`: a page in which one types a formula and explores its graph, step by step."""

from __future__ import annotations

import inspect
import os
import re
from collections.abc import Iterator, Mapping
from importlib.resources import files
from importlib.util import find_spec
from itertools import cycle
from keyword import kwlist
from typing import Any

from ..expression import ALIASES, CONSTANTS, SIMILAR, build, names as variables
from ..gate import GATES, Gate
from ..notation import ALLOWED, BEYOND, ELSEWHERE, SECOND_INPUT, WORDS, WRITTEN, bad_character
from .explore import LETTER, LONGEST, explorer
from .flow import check_digits
from .hubs import REACH, USES
from .javascript import gate_row
from .layout import LABELS
from .page import Page, page_file
from .rendering import RenderingError

__all__ = ["playground"]

INSTALL = (
    'the page needs the package easydot, which brings Graphviz: "pip install gatewise[page]", on Python 3.11 or later'
)
LICENCES = "@hpcc-js/wasm-graphviz, Apache License 2.0, with Graphviz, Eclipse Public License: https://github.com/hpcc-systems/hpcc-js-wasm"
MOST_ENTRIES = 12  # of a list in a formula
MOST_NODES = 150  # of a formula's graph
MOST_LETTERS = 2000
SCRIPTS = ["formula.js", "place.js", "playground.js"]
USUAL = (0.5, 2.0, 1.5, 3.0, 0.25, 1.0)  # values of variables without one, in turn; positive, as logarithms need them
EXAMPLES = (
    ("(x + y)*z", "add distributes, multiply swaps"),
    ("1/(1 + exp(-(w*x + b)))", "a sigmoid neuron"),
    ("x*x + x", "uses of one leaf add up"),
    ("max(x*y, z)", "max routes"),
    ("tanh(w1*x1 + w2*x2 + b)", "a neuron"),
    ("(relu(w*x + b) - y)**2", "a squared error"),
    ("logsumexp([a, b, c]) - b", "cross-entropy of three scores"),
)


def playground(
    path: str | os.PathLike[str] | None = None,
    formula: str = "1/(1 + exp(-(w*x + b)))",
    values: Mapping[str, float] | None = None,
    *,
    digits: int = 2,
) -> Page:
    """Write a page on which one types a formula and explores its graph as with `explore`: one HTML file that works offline.

    The formulas are those of `python -m autograd`, with all gates of the table whose functions browsers have. Sliders set
    the leaves; the graph is drawn anew with every letter. The page's address holds the formula, the values and the step, so
    that a link shows the same to others.

    formula, values: what the page begins with; values of variables that are left out are chosen
    digits: number of decimals in the picture

    ExpressionError if the formula cannot be read; RenderingError without the extra `page`, whose Graphviz lays the graphs out.

    >>> playground(formula="x*x + x", values={"x": 1.0}).title
    'Type a formula'
    """
    check_digits(digits)
    chosen = dict(zip(variables(formula), cycle(USUAL))) | dict(values or {})
    build(formula, chosen)
    functions, rows = _functions()
    data = {
        "words": {
            "functions": functions,
            "constants": CONSTANTS,
            "aliases": ALIASES,
            "keywords": kwlist,
            "elsewhere": ELSEWHERE,
            "operators": WORDS,
            "second": SECOND_INPUT,
            "written": WRITTEN,
            "signs": {sign: bad_character(sign) for sign in "|%{}\\<>"},
            "allowed": ALLOWED,
            "beyond": BEYOND,
            "similar": SIMILAR,
            "entries": MOST_ENTRIES,
            "most": MOST_NODES,
            "longest": MOST_LETTERS,
        },
        "sizes": {"letter": LETTER, "longest": LONGEST, "labels": LABELS, "uses": USES, "reach": REACH},
        "formula": formula,
        "at": ",".join(f"{name}={x!r}" for name, x in chosen.items()),
        "usual": USUAL,
        "examples": EXAMPLES,
    }
    scripts = [_graphviz(), *map(page_file, SCRIPTS)]
    page = explorer("Type a formula", digits, rows, scripts, data, wasm=True)
    if path is not None:
        page.save(path)
    return page


def _functions() -> tuple[dict[str, Any], dict[str, Any]]:
    """Return how to call each gate of the table, by name, and the rows of their rules, by name/number of inputs.

    A gate is left out if a rule of it calls a function that browsers lack, or if its arguments are arranged in its own way.
    """
    functions: dict[str, Any] = {}
    rows: dict[str, Any] = {}
    for name, gate in GATES.items():
        kind = _kind(gate)
        try:
            found = {f"{name}/{count}": gate_row(gate, count) for count in _counts(gate, kind)}
        except ValueError:
            continue
        if kind:
            parameters = inspect.signature(gate.arrange).parameters.values()
            usual = [[p.name, None if p.default is p.empty else float(p.default)] for p in parameters]
            functions[name] = {"kind": kind, "parameters": usual}
            rows |= found
    return functions, rows


def _kind(gate: Gate) -> str:
    """Return how a gate takes its arguments: "named", "entries" of one list, "lists" one after the other, or "" for its own way.

    >>> _kind(GATES["mul"]), _kind(GATES["max"]), _kind(GATES["dot"])
    ('named', 'entries', 'lists')
    """
    parameters = inspect.signature(gate.arrange).parameters.values()
    a, b, c, d, e = map(float, range(2, 7))
    ways: dict[str, tuple[list[Any], list[float]]] = {
        "entries": ([[a, b, c]], [a, b, c]),
        "lists": ([[a, b], [c, d], e], [a, b, c, d, e]),
    }
    if not gate.variadic:
        inputs = [float(i) for i in range(2, 2 + len(parameters))]
        ways = {"named": (inputs, inputs)}
    for kind, (arguments, inputs) in ways.items():
        try:
            if [*gate.arrange(*arguments)] == inputs:
                return kind
        except (TypeError, ValueError):
            continue
    return ""


def _counts(gate: Gate, kind: str) -> Iterator[int]:
    """Yield the numbers of inputs that a formula can give to a gate."""
    if not gate.variadic:
        yield len(gate.names)
    else:
        yield from range(2 if kind == "lists" else 1, (2 * MOST_ENTRIES + 1 if kind == "lists" else MOST_ENTRIES) + 1)


def _graphviz() -> str:
    """Return a script that declares Graphviz, from the JavaScript module that the package easydot ships."""
    if find_spec("easydot") is None:
        raise RenderingError(INSTALL)
    module = (files("easydot") / "assets" / "index.js").read_text(encoding="utf-8")
    exported = re.search(r"export\s*\{([^}]*)\};?", module)
    name = exported and re.search(r"([\w$]+) as Graphviz\b", exported[1])
    if not exported or not name or "</script" in module.lower():
        raise RenderingError(
            "this version of easydot has no module of Graphviz that a page can hold: install easydot 0.4"
        )
    return f"const Graphviz = (() => {{\n// {LICENCES}\n{module[: exported.start()]}\nreturn {name[1]};\n}})();"
