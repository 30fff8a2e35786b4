"""Summarise a folded scope as a formula derived from its gates, such as 16 × relu(w·x+b)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from ..gate import Gate
from ..symbols import SYMBOLS, Symbol, mathematics, terms
from ..value import Value

__all__ = ["summary"]

LONGEST = 60  # characters of a formula; a longer one is shortened to its last gate
MOST = 3  # different formulas
PRODUCT = re.compile(r"[\w.−]+·[\w.−]+")

PARAMETER = Counter(["w"])

Sum = Counter[str]  # the terms of a sum and their multiplicities


def summary(nodes: Sequence[Value], outputs: Collection[Value]) -> list[str]:
    """Return a line for each distinct formula of the outputs, with the number of outputs that have it.

    In a formula, w is any parameter, b a parameter that is a term by itself, and x any value from outside. A sum of
    products of the same form is written as a dot product.

    >>> from autograd import topological_order
    >>> w, v, b = (Value(1.0, role="parameter") for _ in range(3))
    >>> y = (w * 2 + v * Value(3.0) + b).tanh()
    >>> summary(topological_order(y), [y])
    ['tanh(w·x+b)']
    """
    formulas: dict[Value, Sum] = {}
    for node in nodes:
        if node.inputs:
            formulas[node] = _formula(node, [formulas.get(input) or _leaf(input) for input in node.inputs])
    lines = Counter(_text(formulas[node]) for node in outputs if node in formulas)
    shown = [f"{count} × {text}" if count > 1 else text for text, count in lines.items()]
    return shown if len(shown) <= MOST else [*shown[: MOST - 1], f"and {len(shown) - MOST + 1} other formulas"]


def _leaf(node: Value) -> Sum:
    """Return the symbol of a node that is not a gate of the scope."""
    if node.role == "constant":
        return Counter([mathematics(Symbol.of(node.data))])
    return Counter(["w" if node.role == "parameter" else "x"])


def _formula(node: Value, inputs: Sequence[Sum]) -> Sum:
    gate = node.gate
    assert gate is not None
    # Inputs are represented by private-use characters, which no formula contains, and constants by their numbers.
    names = [chr(0xE000 + i) for i in range(len(inputs))]
    written = dict(zip(names, inputs, strict=True))
    operands = [x.data if x.role == "constant" else name for x, name in zip(node.inputs, names, strict=True)]
    total: Sum = Counter()
    for term in _terms(gate, operands, {name for name, sum in written.items() if sum == PARAMETER}):
        total += written[term] if term in written else Counter([_substitute(term, written)])
    text = _text(total)
    return total if len(text) <= LONGEST else Counter([f"{gate.name}(…)"])


def _terms(gate: Gate, operands: Sequence[str | float], parameters: Collection[str]) -> list[str]:
    """Return the terms of a gate that is a sum; for any other gate, its formula.

    A number multiplied by a parameter is an input that was not made a Value, so it is written as x: w·x.
    """
    symbols = [Symbol.named(x) if isinstance(x, str) else Symbol.of(x) for x in operands]
    found = terms(Symbol.of(gate.forward(SYMBOLS, *symbols)))
    if not found:
        return [gate.formula(operands)]
    for term in found:
        if term.operator == "mul":
            first, second = sorted(term.arguments, key=lambda part: part.arguments[0] not in parameters)
            given = first.arguments[0] in parameters and second.operator == "number"
            term.arguments = (first, Symbol.named("x") if given else second)
    return [mathematics(term) for term in found]


def _substitute(term: str, written: Mapping[str, Sum]) -> str:
    """Substitute the formulas of the inputs into a term, in parentheses where necessary."""
    parts = []
    for i, character in enumerate(term):
        if character not in written:
            parts.append(character)
            continue
        text = _text(written[character])
        called = text.endswith(")") and text[: text.find("(")].isidentifier()
        before, after = term[:i][-1:], term[i + 1 :][:1]
        apart = before in ("", " ", "(", ",") and after in ("", " ", ")", ",")
        enclosed = apart and before != " " and after != " " and bool(before)
        product = "·" in text and not {" ", "+"} & {*text}
        bare = text.isalnum() or called or enclosed or (apart and product)
        parts.append(text if bare else f"({text})")
    return "".join(parts)


def _text(total: Sum) -> str:
    bias = "w" if len(total) > 1 and total["w"] == 1 else None
    parts = [
        term if count == 1 or PRODUCT.fullmatch(term) else f"Σ {term}" for term, count in total.items() if term != bias
    ]
    return "+".join([*parts, "b"] if bias else parts)
