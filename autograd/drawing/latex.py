"""Write the derivation of the gradients as LaTeX: every gate, then the chain rule for every node."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from ..value import Value
from .flow import Flow, local_gradients

__all__ = ["latex"]

LONGEST = 200  # gates
FIRST = 0xE000  # private-use characters stand for the operands while a formula is translated
RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹⁻"
LOWERED = str.maketrans(RAISED, "0123456789-")
SUBSCRIPT = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
SIGNS = {"·": r" \cdot ", "−": "-", "≥": r" \ge ", "≤": r" \le ", "Σ": r"\Sigma ", "…": r" \ldots "}
KNOWN = {"exp", "log", "sin", "cos", "tanh", "max", "min"}
ESCAPES = {c: rf"\{c}" for c in "{}$&#%_"} | {"\\": r"\backslash ", "~": r"\sim ", "^": r"\wedge "}


def latex(flow: Flow, names: Mapping[Value, str], digits: int) -> str:
    """Return an align* environment: each gate as a formula and number, then each gradient by the chain rule.

    ValueError for a graph of more than 200 gates.
    """
    gates = [node for node in flow.order if node.inputs]
    if len(gates) > LONGEST:
        raise ValueError(f"latex must be of a graph of at most {LONGEST} gates, got {len(gates):,}: take a part of it")
    tex = {node: _name(name) for node, name in names.items()}
    root = tex[flow.root]

    def number(x: float) -> str:
        text = f"{x + 0.0:.{digits}g}"
        mantissa, e, exponent = text.partition("e")
        return rf"{mantissa} \cdot 10^{{{int(exponent)}}}" if e else text.replace("inf", r"\infty")

    def factor(x: float) -> str:
        return rf"\left({number(x)}\right)" if x < 0 else number(x)

    def partial(node: Value) -> str:
        return rf"\frac{{\partial {root}}}{{\partial {tex[node]}}}"

    rows = []
    users: dict[Value, list[tuple[Value, str, float]]] = {}
    for node in gates:
        assert node.gate is not None
        named = [x.data if x.role == "constant" else chr(FIRST + i) for i, x in enumerate(node.inputs)]
        operands = [tex[x] for x in node.inputs]
        rows.append(rf"{tex[node]} &= {_formula(node.gate.formula(named), operands)} = {number(node.data)}")
        formulas = node.gate.formulas(named, chr(FIRST + len(operands))) or [""] * len(operands)
        for input, slope, formula in zip(node.inputs, local_gradients(node), formulas, strict=True):
            if slope is not None:
                local = _formula(formula, [*operands, tex[node]]) if formula else number(slope)
                users.setdefault(input, []).append((node, local, slope))
    rows.append(rf"{partial(flow.root)} &= 1")
    for node in reversed([node for node in flow.order if node in users and node is not flow.root]):
        terms = users[node]
        rule = " + ".join(rf"{partial(gate)} \cdot {_factor(local)}" for gate, local, _ in terms)
        if flow.upstream is None:
            rows.append(f"{partial(node)} &= {rule}")
            continue
        sums = " + ".join(rf"{factor(flow.upstream[gate])} \cdot {factor(slope)}" for gate, _, slope in terms)
        rows.append(f"{partial(node)} &= {rule} = {sums} = {number(flow.upstream[node])}")
    return "\n".join([r"\begin{align*}", " \\\\\n".join(rows), r"\end{align*}"])


def _factor(local: str) -> str:
    """Return a local gradient as a factor, in parentheses unless it is a number or a name."""
    return local if re.fullmatch(r"[\d.]+|\{[^{}]*(\{[^{}]*\})?\}", local) else rf"\left({local}\right)"


def _name(name: str) -> str:
    """Return a name as LaTeX: x1 with an index, and more than a letter upright."""
    if match := re.fullmatch(r"([A-Za-z])(\d*)([₀-₉]*)", name):
        letter, index, repeat = match[1], match[2], match[3].translate(SUBSCRIPT)
        return letter + f"_{{{index}}}" * bool(index) + f"^{{({repeat})}}" * bool(repeat)
    return rf"\mathrm{{{_escaped(name)}}}"


def _escaped(text: str) -> str:
    return "".join(ESCAPES.get(c, c if c.isprintable() else " ") for c in text)


def _formula(text: str, operands: Sequence[str]) -> str:
    """Translate a formula in mathematical notation whose operands are private-use characters."""
    text = re.sub(rf"[{RAISED}]+", lambda match: f"^{{{match[0].translate(LOWERED)}}}", text)
    text = re.sub(r"[A-Za-z_]\w*", _word, text)
    text = "".join(SIGNS.get(c, c) for c in text)
    return "".join(f"{{{operands[ord(c) - FIRST]}}}" if 0 <= ord(c) - FIRST < len(operands) else c for c in text)


def _word(match: re.Match[str]) -> str:
    word = match[0]
    if word in ("if", "else"):
        return rf"\ \mathrm{{{word}}}\ "
    return rf"\{word} " if word in KNOWN else rf"\operatorname{{{word.replace('_', ' ')}}}"
