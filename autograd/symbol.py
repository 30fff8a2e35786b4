"""A symbol: what a row's rules are given to make them write down their own formula.

Rules are plain arithmetic, so running one on symbols instead of numbers builds the tree of its formula. Printing that
tree as Python gives the engine its specialised code, as JavaScript a page that computes by itself, as C a program for the
machine, and as mathematics a picture its labels.
"""

from __future__ import annotations

import math
import operator as _operator
from collections import Counter
from typing import Any, NamedTuple

from .arithmetic import Arithmetic

__all__ = ["SYMBOLS", "Symbol", "c", "folded", "functions", "javascript", "mathematics", "parts", "python", "shared"]

# How tightly each operator binds; whatever is missing here is written as a function call.
BINDING = {"<": 1, "<=": 1, ">": 1, ">=": 1, "+": 2, "-": 2, "*": 3, "/": 3, "negative": 4}
ATOM = 6
SUPERSCRIPT = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


class Symbol(Arithmetic):
    """A formula: an operator (or "name", or "number") and its arguments.

    >>> x = Symbol.named("x")
    >>> python(-1 / (x * x)), mathematics(-1 / (x * x))
    ('-1.0 / (x * x)', '−1/x²')
    """

    __slots__ = ("arguments", "operator")

    def __init__(self, operator: str, *arguments: Any) -> None:
        self.operator = operator
        self.arguments = arguments

    @classmethod
    def named(cls, name: str) -> Symbol:
        """Return the symbol that prints as this name."""
        return cls("name", name)

    @classmethod
    def of(cls, x: Any) -> Symbol:
        """Return x as a symbol: itself, or the number that it is."""
        return x if isinstance(x, Symbol) else cls("number", float(x))

    def __gate__(self, gate: Any, inputs: tuple[Any, ...]) -> Any:
        """A gate applied to symbols is its own formula."""
        return gate.forward(SYMBOLS, *inputs)

    def written(self, operation: str, *operands: Any) -> Symbol:
        return Symbol(operation, *map(Symbol.of, operands))

    def __repr__(self) -> str:
        return python(self)


class _Functions:
    """The `xp` of symbols: every function call is written down as it stands."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        if isinstance(getattr(math, name, None), float):
            return getattr(math, name)  # pi, e, inf, nan
        return lambda *arguments: Symbol(name, *map(Symbol.of, arguments))


SYMBOLS = _Functions()


def functions(*symbols: Symbol) -> set[str]:
    """Return the names of the functions that formulas call."""
    formulas = [part for symbol in symbols for part in parts(symbol)]
    return {part.operator for part in formulas} - BINDING.keys() - {"name", "number", "where"}


def shared(symbol: Symbol, deepest: int | None = None) -> list[Symbol]:
    """Return the formulas that stand more than once within a formula, inner before outer: what to compute once.

    With `deepest`, also those that would otherwise nest deeper: printing recurses, and a sum of a thousand terms is deep.
    """
    parts, uses = _uses(symbol)
    depth: dict[int, int] = {}
    named = []
    for part in parts:
        if part.operator in ("name", "number"):
            depth[id(part)] = 0
            continue
        depth[id(part)] = 1 + max((depth[id(argument)] for argument in part.arguments), default=0)
        if uses[id(part)] > 1 or (deepest is not None and depth[id(part)] >= deepest):
            named.append(part)
            depth[id(part)] = 0
    return named


def parts(symbol: Symbol) -> list[Symbol]:
    """Return every formula within a formula, itself last, once and after all that it is made of."""
    return _uses(symbol)[0]


def _uses(symbol: Symbol) -> tuple[list[Symbol], Counter[int]]:
    """List every formula within a formula once, inner before outer, and count how often each is used."""
    parts: list[Symbol] = []
    uses: Counter[int] = Counter({id(symbol): 1})
    stack = [(symbol, iter(() if symbol.operator in ("name", "number") else symbol.arguments))]
    while stack:
        part, arguments = stack[-1]
        for argument in arguments:
            uses[id(argument)] += 1
            if uses[id(argument)] == 1:
                inner = () if argument.operator in ("name", "number") else argument.arguments
                stack.append((argument, iter(inner)))
                break
        else:
            parts.append(part)
            stack.pop()
    return parts, uses


def folded(symbol: Symbol) -> Symbol:
    """Return a formula with its arithmetic on plain numbers done, as far as a person would do it at sight.

    >>> x, two = Symbol.named("x"), Symbol.of(2)
    >>> mathematics(folded(two * x ** (two - 1)))
    '2·x'
    """
    if symbol.operator in ("name", "number"):
        return symbol
    arguments = [folded(argument) for argument in symbol.arguments]
    numbers = [argument.arguments[0] for argument in arguments if argument.operator == "number"]
    if symbol.operator == "where" and arguments[0].operator == "number":
        return arguments[1] if numbers[0] else arguments[2]
    if symbol.operator == "pow" and arguments[1].operator == "number" and arguments[1].arguments[0] == 1:
        return arguments[0]
    if len(numbers) == len(arguments) and symbol.operator in _FOLDED:
        return Symbol.of(_FOLDED[symbol.operator](*numbers))
    return Symbol(symbol.operator, *arguments)


_FOLDED: dict[str, Any] = {
    "+": _operator.add,
    "-": _operator.sub,
    "*": _operator.mul,
    "negative": _operator.neg,
    "abs": abs,
    ">": _operator.gt,
    ">=": _operator.ge,
    "<": _operator.lt,
    "<=": _operator.le,
}


class _Language(NamedTuple):
    """What programming languages write differently; operators and their binding they share."""

    where: str  # of a condition and what it chooses between
    inf: str
    nan: str
    called: dict[str, str]  # functions that go by another name


PYTHON = _Language("({yes} if {condition} else {no})", "inf", "nan", {})
JAVASCRIPT = _Language("({condition} ? {yes} : {no})", "Infinity", "NaN", {})
C = _Language("({condition} ? {yes} : {no})", "INFINITY", "NAN", {"abs": "fabs"})


def python(symbol: Symbol) -> str:
    """Print a formula as Python, each function by its name, `where` as a conditional expression."""
    return _code(symbol, PYTHON)[0]


def javascript(symbol: Symbol) -> str:
    """Print a formula as JavaScript, each function by its name, `where` as a conditional expression.

    >>> x = Symbol.named("x")
    >>> javascript(SYMBOLS.where(x > 0, x, -(-x)))
    '(x > 0.0 ? x : -(-x))'
    """
    return _code(symbol, JAVASCRIPT)[0]


def c(symbol: Symbol) -> str:
    """Print a formula as C, each function by its name in math.h; `maximum` and `minimum`, which pass a nan on, are not there.

    >>> x = Symbol.named("x")
    >>> c(SYMBOLS.where(x > 0, SYMBOLS.abs(x), math.inf))
    '(x > 0.0 ? fabs(x) : INFINITY)'
    """
    return _code(symbol, C)[0]


def _code(symbol: Symbol, language: _Language) -> tuple[str, int]:
    operator, arguments = symbol.operator, symbol.arguments
    if operator == "name":
        return arguments[0], ATOM
    if operator == "number":
        return _literal(arguments[0], language)
    printed = [_code(argument, language) for argument in arguments]
    if operator == "where":
        condition, yes, no = (text for text, _ in printed)
        return language.where.format(condition=condition, yes=yes, no=no), ATOM
    if operator not in BINDING:
        return f"{language.called.get(operator, operator)}({', '.join(text for text, _ in printed)})", ATOM
    binding = BINDING[operator]
    if operator == "negative":
        return f"-{_wrap(*printed[0], binding + 1)}", binding  # -(-x): in JavaScript --x is something else
    left, right = printed
    return f"{_wrap(*left, binding)} {operator} {_wrap(*right, binding + 1)}", binding


def _literal(x: float, language: _Language) -> tuple[str, int]:
    text = language.nan if x != x else repr(x).replace("inf", language.inf)
    return text, BINDING["negative"] if text.startswith("-") else ATOM


def _wrap(text: str, binding: int, needed: int) -> str:
    return text if binding >= needed else f"({text})"


def mathematics(symbol: Symbol) -> str:
    """Print a formula as a person writes it: −1/x², a·b, 1 − out²."""
    return _mathematics(symbol)[0]


def _mathematics(symbol: Symbol) -> tuple[str, int]:
    operator, arguments = symbol.operator, symbol.arguments
    if operator == "name":
        return arguments[0], ATOM
    if operator == "number":
        return f"{arguments[0]:g}".replace("-", "−"), ATOM if arguments[0] >= 0 else BINDING["*"]
    if operator == "abs":
        return f"|{mathematics(arguments[0])}|", ATOM
    if operator == "where":
        condition, yes, no = map(mathematics, arguments)
        return f"{yes} if {condition} else {no}", 0
    if operator == "negative":
        return f"−{_wrap(*_mathematics(arguments[0]), BINDING['*'])}", BINDING["*"]
    if operator == "*" and mathematics(arguments[0]) == mathematics(arguments[1]):
        return _power(arguments[0], Symbol.of(2))
    if operator == "pow":
        return _power(*arguments)
    if operator not in BINDING:
        return f"{operator}({', '.join(map(mathematics, arguments))})", ATOM
    binding = BINDING[operator]
    left, right = (_wrap(*_mathematics(x), binding + i) for i, x in enumerate(arguments))
    sign = {"*": "·", "/": "/", "-": " − "}.get(operator, f" {operator} ")
    return f"{left}{sign}{right}", binding


def _power(base: Symbol, exponent: Symbol) -> tuple[str, int]:
    left, right = _wrap(*_mathematics(base), ATOM), mathematics(exponent)
    raised = right.replace("−", "-")
    if raised.lstrip("-").isdigit():
        return left + raised.translate(SUPERSCRIPT), 5
    return f"{left}^{_wrap(*_mathematics(exponent), ATOM)}", 5
