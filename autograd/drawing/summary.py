"""What a folded scope computes, in a line: 16 × relu(w·x+b), read off its gates."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from ..gate import Gate
from ..symbols import SYMBOLS, Symbol, mathematics
from ..value import Value

__all__ = ["summary"]

LONGEST = 60  # characters of a formula; what is longer is named by its last gate
MOST = 3  # different formulas
PRODUCT = re.compile(r"[\w.−]+·[\w.−]+")

PARAMETER = Counter(["w"])

Sum = Counter[str]  # a formula as a sum: its terms, and how often each is added


def summary(nodes: Sequence[Value], outputs: Collection[Value]) -> list[str]:
    """Return what these nodes compute, one line per different formula of an output, the number of such outputs before it.

    In a formula w is any parameter, b one that is added on its own, x whatever comes from outside; products of a kind
    are added up as the dot product that they are.

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
    """What stands for a node that is no gate of the scope."""
    if node.role == "constant":
        return Counter([mathematics(Symbol.of(node.data))])
    return Counter(["w" if node.role == "parameter" else "x"])


def _formula(node: Value, inputs: Sequence[Sum]) -> Sum:
    gate = node.gate
    assert gate is not None
    # Characters that nothing else is written with stand for the inputs, but constants as the numbers that they are.
    names = [chr(0xE000 + i) for i in range(len(inputs))]
    written = dict(zip(names, inputs, strict=True))
    operands = [x.data if x.role == "constant" else name for x, name in zip(node.inputs, names, strict=True)]
    total: Sum = Counter()
    for term in _terms(gate, operands, {name for name, sum in written.items() if sum == PARAMETER}):
        total += written[term] if term in written else Counter([_filled(term, written)])
    text = _text(total)
    return total if len(text) <= LONGEST else Counter([f"{gate.name}(…)"])


def _terms(gate: Gate, operands: Sequence[str | float], parameters: Collection[str]) -> list[str]:
    """Return the terms that a gate adds up; for most gates, its formula alone.

    A number that a parameter is multiplied by is an input that was given as a number: w·x, and w comes first.
    """
    symbols = [Symbol.named(x) if isinstance(x, str) else Symbol.of(x) for x in operands]
    stack, terms = [Symbol.of(gate.forward(SYMBOLS, *symbols))], []
    while stack:
        term = stack.pop()
        if term.operator == "add":
            stack += reversed(term.arguments)
        elif not (term.operator == "number" and term.arguments[0] == 0):
            terms.append(term)
    if not all(_plain(term) or (term.operator == "mul" and all(map(_plain, term.arguments))) for term in terms):
        return [gate.formula(operands)]
    for term in terms:
        if term.operator == "mul":
            first, second = sorted(term.arguments, key=lambda part: part.arguments[0] not in parameters)
            given = first.arguments[0] in parameters and second.operator == "number"
            term.arguments = (first, Symbol.named("x") if given else second)
    return [mathematics(term) for term in terms]


def _plain(symbol: Symbol) -> bool:
    return symbol.operator in ("name", "number")


def _filled(term: str, written: Mapping[str, Sum]) -> str:
    """Write the inputs into a formula, in parentheses where it would be misread without."""
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
