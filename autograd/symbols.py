"""Symbols: running a rule on them instead of numbers builds its formula.

The formula is a graph of symbols. It is

- printed as Python: the functions of the Python engine,
- printed as C, NumPy or JavaScript: composed functions and exported programs,
- printed as mathematics: labels in pictures,
- listed as steps: bytecode for C, recorded derivatives, the compiler, and pages that compute and write formulas.
"""

from __future__ import annotations

import math
import re
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple, NoReturn, TypeVar

from .functions import COMPARISONS, FLOATS, FUNCTIONS, Function, known

__all__ = [
    "COMPLEMENT",
    "JAVASCRIPT",
    "NUMPY",
    "PYTHON",
    "SYMBOLS",
    "Arithmetic",
    "C",
    "Steps",
    "Symbol",
    "calls",
    "composition",
    "decided",
    "definition",
    "folded",
    "functions",
    "header",
    "mathematics",
    "may_refuse",
    "otherwise",
    "parts",
    "python",
    "statements",
    "steps",
    "terms",
]

# Precedence of the operators; an operation that is missing here is printed as a function call.
BINDING = {row.name: row.binding for row in FUNCTIONS.values() if row.sign}
ATOM = 6
FOLDED = {"add", "sub", "mul", "neg", "abs", *COMPARISONS}  # operations that `folded` does on numbers
NEUTRAL = {"add": 0.0, "mul": 1.0}  # left operands that change nothing
SUPERSCRIPT = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


T = TypeVar("T", bound="Arithmetic")


class Arithmetic:
    """Python's operators, each as a call of `written(operation, *operands)`; operations that need a number raise."""

    __hash__ = None  # type: ignore[assignment]
    __slots__ = ()

    def written(self: T, operation: str, *operands: Any) -> T:
        """Return the result of an operation; each operand has this type or is a number."""
        raise TypeError(f"{type(self).__name__} does not say how it writes {operation}")

    def __add__(self: T, other: Any) -> T:
        return self.written("add", self, other)

    def __radd__(self: T, other: Any) -> T:
        return self.written("add", other, self)

    def __sub__(self: T, other: Any) -> T:
        return self.written("sub", self, other)

    def __rsub__(self: T, other: Any) -> T:
        return self.written("sub", other, self)

    def __mul__(self: T, other: Any) -> T:
        return self.written("mul", self, other)

    def __rmul__(self: T, other: Any) -> T:
        return self.written("mul", other, self)

    def __truediv__(self: T, other: Any) -> T:
        return self.written("div", self, other)

    def __rtruediv__(self: T, other: Any) -> T:
        return self.written("div", other, self)

    def __pow__(self: T, other: Any) -> T:
        return self.written("pow", self, other)

    def __rpow__(self: T, other: Any) -> T:
        return self.written("pow", other, self)

    def __neg__(self: T) -> T:
        return self.written("neg", self)

    def __abs__(self: T) -> T:
        return self.written("abs", self)

    def __lt__(self: T, other: Any) -> T:
        return self.written("<", self, other)

    def __le__(self: T, other: Any) -> T:
        return self.written("<=", self, other)

    def __gt__(self: T, other: Any) -> T:
        return self.written(">", self, other)

    def __ge__(self: T, other: Any) -> T:
        return self.written(">=", self, other)

    def __eq__(self, other: object) -> NoReturn:
        raise TypeError("a rule cannot compare with == (Values compare by identity): write it with <, > and xp.where")

    def __bool__(self) -> NoReturn:
        raise TypeError("a rule cannot branch on its inputs: write xp.where(condition, a, b) instead of if, and, or")

    def __float__(self) -> NoReturn:
        raise TypeError("a rule cannot use math: write xp.exp(x), so that it runs on floats, arrays and Values alike")


class Symbol(Arithmetic):
    """A formula: an operator (or "name", or "number") and its arguments.

    >>> x = Symbol.named("x")
    >>> python(-1 / x / x), mathematics(-1 / x / x)
    ('-1.0 / x / x', '−1/x²')
    """

    __slots__ = ("arguments", "operator")

    def __init__(self, operator: str, *arguments: Any) -> None:
        self.operator = operator
        self.arguments = arguments

    @property
    def operands(self) -> tuple[Symbol, ...]:
        """The operands of the operation; () for a name or a number."""
        return () if self.operator in ("name", "number") else self.arguments

    @classmethod
    def named(cls, name: str) -> Symbol:
        """Return the symbol that prints as this name."""
        return cls("name", name)

    @classmethod
    def of(cls, x: Any) -> Symbol:
        """Return x as a symbol: a symbol unchanged, a number as a "number"."""
        return x if isinstance(x, Symbol) else cls("number", float(x))

    def __gate__(self, gate: Any, inputs: tuple[Any, ...]) -> Any:
        """Return the formula of a gate applied to symbols."""
        return gate.forward(SYMBOLS, *inputs)

    def written(self, operation: str, *operands: Any) -> Symbol:
        return Symbol(operation, *map(Symbol.of, operands))

    def __repr__(self) -> str:
        return python(self)


class _Functions:
    """The `xp` of symbols: a function call becomes a symbol."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        if isinstance(getattr(math, name, None), float):
            return getattr(math, name)  # pi, e, inf, nan
        if name in BINDING:
            raise TypeError(f"there is no xp.{name} for floats: write the operator {FUNCTIONS[name].sign}")
        return lambda *arguments: Symbol(name, *map(Symbol.of, arguments))


class _Elementary(_Functions):
    """The `xp` of symbols that writes composed functions out, down to functions that are not composed."""

    def __getattr__(self, name: str) -> Any:
        row = FUNCTIONS.get(name)
        return super().__getattr__(name) if row is None or row.rule is None else partial(row.rule, self)


SYMBOLS, ELEMENTARY = _Functions(), _Elementary()


def functions(*symbols: Symbol) -> set[str]:
    """Return the names of the functions that formulas call."""
    return {name for name, _ in calls(*symbols)}


def calls(*symbols: Symbol) -> set[tuple[str, int]]:
    """Return the functions that formulas call, each as (name, number of operands)."""
    found = {(part.operator, len(part.operands)) for part in parts(*symbols)}
    return {call for call in found if call[0] not in BINDING.keys() | {"name", "number", "where"}}


PLAIN = {"name", "number", "add", "sub", "mul", "neg", "where", *COMPARISONS}


def may_refuse(symbol: Symbol) -> bool:
    """Tell whether a formula calls a function or divides, which may raise; other arithmetic on floats never does."""
    return any(part.operator not in PLAIN for part in parts(symbol))


def parts(*symbols: Symbol) -> list[Symbol]:
    """Return all symbols of some formulas in topological order, each once and after its operands."""
    found: list[Symbol] = []
    seen: set[int] = set()
    for symbol in symbols:
        if id(symbol) in seen:
            continue
        seen.add(id(symbol))
        stack = [(symbol, iter(symbol.operands))]
        while stack:
            part, operands = stack[-1]
            for operand in operands:
                if id(operand) not in seen:
                    seen.add(id(operand))
                    stack.append((operand, iter(operand.operands)))
                    break
            else:
                found.append(part)
                stack.pop()
    return found


class Steps(NamedTuple):
    """Formulas as a list of operations on numbered cells: first the inputs, then the constants, then one result per step.

    A shared part is one step. outputs: the cell of each formula; None for None.
    """

    constants: list[float]
    steps: list[tuple[str, tuple[int, ...]]]  # an operator and the cells of its operands
    outputs: list[int | None]


def steps(inputs: Sequence[Symbol], formulas: Sequence[Any]) -> Steps:
    """Return formulas of the inputs as steps.

    >>> x = Symbol.named("x")
    >>> steps([x], [x * x + 1, None])
    Steps(constants=[1.0], steps=[('mul', (0, 0)), ('add', (2, 1))], outputs=[3, None])
    """
    symbols = [None if formula is None else Symbol.of(formula) for formula in formulas]
    cell = {id(x): i for i, x in enumerate(inputs)}
    found = [part for part in parts(*(symbol for symbol in symbols if symbol is not None)) if id(part) not in cell]
    constants = [part for part in found if part.operator == "number"]
    written = [part for part in found if part.operator != "number"]
    cell |= {id(part): i for i, part in enumerate([*constants, *written], len(inputs))}
    return Steps(
        [part.arguments[0] for part in constants],
        [(part.operator, tuple([cell[id(x)] for x in part.operands])) for part in written],
        [None if symbol is None else cell[id(symbol)] for symbol in symbols],
    )


def folded(symbol: Symbol) -> Symbol:
    """Return a formula with constants folded and 1·x, x/1, x¹ and 0 + x simplified, as a reader expects it.

    >>> x, two = Symbol.named("x"), Symbol.of(2)
    >>> mathematics(folded(two * x ** (two - 1)))
    '2·x'
    """
    found: dict[int, Symbol] = {}
    for part in parts(symbol):
        found[id(part)] = _folded(part, [found[id(operand)] for operand in part.operands])
    return found[id(symbol)]


def _folded(part: Symbol, operands: list[Symbol]) -> Symbol:
    operator, numbers = part.operator, [x.arguments[0] for x in operands if x.operator == "number"]
    if operator in ("name", "number"):
        return part
    if operator == "<=" and operands[1].operator == "number" and numbers[-1] == sys.float_info.max:
        return Symbol.of(True)  # rules guard infinite inputs with x <= the largest float; formulas leave it out
    if operator == "where" and operands[0].operator == "number":
        return operands[1] if numbers[0] else operands[2]
    if operator in ("pow", "div") and operands[1].operator == "number" and numbers[-1] == 1:
        return operands[0]
    if operator in NEUTRAL and operands[0].operator == "number" and numbers[0] == NEUTRAL[operator]:
        return operands[1]
    if len(numbers) == len(operands) and operator in FOLDED:
        return Symbol.of(FUNCTIONS[operator].python(*numbers))
    return Symbol(operator, *operands)


Facts = dict[tuple[str, str], frozenset[str]]  # how a number may compare with another, by their formulas

ORDERS = {"<": "<", "<=": "≤", "=": "=", "=>": "≥", ">": ">", "<>": "≠"}


def decided(symbol: Symbol, numbers: Mapping[str, float]) -> tuple[str, str]:
    """Return a formula with the branch of each choice that is taken at these numbers of its names, and why it is taken.

    A choice between equal branches needs no reason. A number that a function refuses raises as in `math`.

    >>> x = Symbol.named("x")
    >>> decided(SYMBOLS.where(x > 0, x * 2, 0), {"x": 3.0}), decided(SYMBOLS.where(x > 0, 1, 0), {"x": -3.0})
    (('x·2', 'x > 0'), ('0', 'x ≤ 0'))
    """
    symbol = folded(symbol)
    if not any(part.operator == "where" for part in parts(symbol)):
        return mathematics(symbol), ""
    found: dict[int, tuple[Symbol, float, Facts]] = {}
    for part in parts(symbol):
        operands = [found[id(operand)] for operand in part.operands]
        if part.operator == "name":
            found[id(part)] = part, numbers[part.arguments[0]], {}
        elif part.operator == "number":
            found[id(part)] = part, part.arguments[0], {}
        elif part.operator == "where":
            (condition, holds, _), *branches = operands
            chosen, number, facts = branches[0 if holds else 1]
            if condition.operator != "number" and len({mathematics(branch) for branch, _, _ in branches}) > 1:
                facts = _joined([_fact(condition, bool(holds)), facts])
            found[id(part)] = chosen, number, facts
        else:
            row = FUNCTIONS.get(part.operator)
            function = row.python if row and row.sign else getattr(FLOATS, part.operator)
            number = function(*(number for _, number, _ in operands))
            written = _folded(part, [operand for operand, _, _ in operands])
            found[id(part)] = written, number, _joined([facts for _, _, facts in operands])
    written, _, facts = found[id(symbol)]
    signs = [(left, ORDERS.get("".join(sorted(orders))), right) for (left, right), orders in facts.items()]
    return mathematics(written), " and ".join(f"{left} {sign} {right}" for left, sign, right in signs if sign)


def _fact(condition: Symbol, holds: bool) -> Facts:
    """Return what is known of two numbers whose comparison holds or not; a number as a condition holds unless it is 0."""
    compares = condition.operator in COMPARISONS
    left, right = condition.operands if compares else (condition, Symbol.of(0.0))
    true_for = frozenset(condition.operator if compares else "<>")
    return {(mathematics(left), mathematics(right)): true_for if holds else frozenset("<=>") - true_for}


def _joined(facts: Sequence[Facts]) -> Facts:
    joined: Facts = {}
    for each in facts:
        for pair, orders in each.items():
            joined[pair] = joined.get(pair, orders) & orders
    return joined


COMPLEMENT = {">": "<=", "<=": ">", "<": ">=", ">=": "<"}


def otherwise(condition: Symbol, no: Symbol) -> Symbol:
    """Return the `no` branch of a choice without its guard against nan.

    Rules propagate nan by where(x > 0, a, where(x <= 0, b, nan)). A printer that need not show this prints b as the branch.
    """
    if (
        no.operator != "where"
        or no.operands[2].operator != "number"
        or no.operands[2].arguments[0] == no.operands[2].arguments[0]
    ):
        return no
    inner = no.operands[0]
    same = len(inner.operands) == len(condition.operands) == 2 and all(map(_equal, inner.operands, condition.operands))
    return no.operands[1] if same and inner.operator == COMPLEMENT.get(condition.operator) else no


def _equal(a: Symbol, b: Symbol) -> bool:
    return a is b or (a.operator == b.operator in ("name", "number") and a.arguments == b.arguments)


def _by_name(function: str, operands: Sequence[str]) -> str:
    return f"{function}({', '.join(operands)})"


def _in_c(function: str, operands: Sequence[str]) -> str:
    expression = re.sub(r"\b[abc]\b", lambda place: f"({operands['abc'.index(place[0])]})", FUNCTIONS[function].c)
    return f"({expression})"


def _in_numpy(function: str, operands: Sequence[str]) -> str:
    return _by_name(f"xp.{FUNCTIONS[function].printed}", operands)


class Spelling(NamedTuple):
    """The syntax in which languages differ; operators and their precedence are the same in all."""

    where: str  # format of a choice, with condition, yes and no
    inf: str
    nan: str
    call: Callable[[str, Sequence[str]], str] = _by_name  # prints a call of a function of the table
    head: str = ""  # formats of a function's lines: its head, a variable, the result, its last line
    variable: str = ""
    result: str = ""
    last: str = ""
    parameter: str = "{}"


PYTHON = Spelling("({yes} if {condition} else {no})", "inf", "nan")
NUMPY = Spelling(
    "xp.where({condition}, {yes}, {no})", "inf", "nan", _in_numpy,
    "def {name}(xp, {parameters}):", "    {name} = {text}", "    return {text}",
)  # fmt: skip
JAVASCRIPT = Spelling(
    "({condition} ? {yes} : {no})", "Infinity", "NaN", _by_name,
    "  const {name} = ({parameters}) => {{", "    const {name} = {text};", "    return {text};", "  }};",
)  # fmt: skip
C = Spelling(
    "({condition} ? {yes} : {no})", "HUGE_VAL", "NAN", _in_c,  # doubles
    "static inline double composed_{name}({parameters}) {{", "    const double {name} = {text};", "    return {text};", "}}",
    "double {}",
)  # fmt: skip


def composition(row: Function) -> Symbol:
    """Return the formula of a composed function of the table in its operands x, y and z, without other composed functions."""
    assert row.rule is not None
    return Symbol.of(row.rule(ELEMENTARY, *map(Symbol.named, "xyz"[: row.operands])))


def definition(row: Function, spelling: Spelling) -> str:
    """Return a composed function of the table as a function in a spelling. It calls no other composed function.

    >>> print(definition(FUNCTIONS["sigmoid"], NUMPY))
    def sigmoid(xp, x):
        t0 = xp.exp(-xp.abs(x))
        return xp.where(x >= 0.0, 1.0, t0) / (1.0 + t0)
    """
    named, (result,) = statements([composition(row)], spelling)
    parameters = ", ".join(map(spelling.parameter.format, "xyz"[: row.operands]))
    lines = [
        spelling.head.format(name=row.name, parameters=parameters),
        *(spelling.variable.format(name=name, text=text) for name, text in named),
        spelling.result.format(text=result),
        spelling.last.format(),
    ]
    return "\n".join(filter(None, lines))


def header() -> str:
    """Return a C header: the composed functions, and X-macro lists of all, X(name, code, expression, may_raise), one for
    each number of operands."""
    lines = ["/* Written by setup.py from autograd/functions.py. */", "", "#include <math.h>"]
    lines += [f"\n{definition(row, C)}" for row in FUNCTIONS.values() if row.rule]
    for operands, name in enumerate(("ONE_OPERAND", "TWO_OPERANDS", "THREE_OPERANDS"), 1):
        lines += ["", f"#define {name}(X)"]
        for row in FUNCTIONS.values():
            if row.c and row.operands == operands:
                code = (row.name if row.name.isidentifier() else row.python.__name__).upper()
                lines[-1] += " \\"
                lines.append(f'    X("{row.name}", {code}, {row.c}, {row.may_raise})')
    return "\n".join(lines) + "\n"


def python(symbol: Symbol) -> str:
    """Print a formula as Python, each function by its name, `where` as a conditional expression."""
    printed: dict[int, tuple[str, int]] = {}
    for part in parts(symbol):
        printed[id(part)] = _code(part, printed, PYTHON)
    return printed[id(symbol)][0]


DEEPEST = 12  # maximum depth of one printed expression, so that compilers can parse it and people can read it


def statements(formulas: Sequence[Symbol], spelling: Spelling) -> tuple[list[tuple[str, str]], list[str]]:
    """Print formulas as assignments (name, expression) of shared and deeply nested parts, and an expression per formula.

    A branch of a choice that may raise is assigned, too, so that it is computed whether it is taken or not, as by all
    other readers of a rule.

    >>> x = Symbol.named("x")
    >>> y = x + 1
    >>> statements([y * y], PYTHON)
    ([('t0', 'x + 1.0')], ['t0 * t0'])
    """
    found = parts(*formulas)
    uses = Counter([id(x) for part in found for x in part.operands] + [id(formula) for formula in formulas])
    branches = {id(x) for part in found if part.operator == "where" for x in part.operands[1:] if may_refuse(x)}
    printed: dict[int, tuple[str, int]] = {}
    depth: dict[int, int] = {}
    named: list[tuple[str, str]] = []
    for part in found:
        printed[id(part)] = _code(part, printed, spelling)
        depth[id(part)] = 1 + max([depth[id(x)] for x in part.operands], default=-1)
        if part.operands and (uses[id(part)] > 1 or depth[id(part)] >= DEEPEST or id(part) in branches):
            named.append((f"t{len(named)}", printed[id(part)][0]))
            printed[id(part)], depth[id(part)] = (named[-1][0], ATOM), 0
    return named, [printed[id(formula)][0] for formula in formulas]


def _code(part: Symbol, printed: dict[int, tuple[str, int]], spelling: Spelling) -> tuple[str, int]:
    """Return the text of a formula and its precedence, given those of its operands."""
    operator = part.operator
    if operator == "name":
        return part.arguments[0], ATOM
    if operator == "number":
        return _literal(part.arguments[0], spelling)
    operands = [printed[id(x)] for x in part.operands]
    texts = [text for text, _ in operands]
    if operator == "where":
        return spelling.where.format(condition=texts[0], yes=texts[1], no=texts[2]), ATOM
    if operator not in BINDING:
        return spelling.call(operator, texts), ATOM
    binding = BINDING[operator]
    if operator == "neg":
        return f"-{_wrap(*operands[0], binding + 1)}", binding  # -(-x), because --x is a decrement in JavaScript
    left, right = operands
    return f"{_wrap(*left, binding)} {FUNCTIONS[operator].sign} {_wrap(*right, binding + 1)}", binding


def _literal(x: float, spelling: Spelling) -> tuple[str, int]:
    text = spelling.nan if x != x else repr(x).replace("inf", spelling.inf)
    return text, BINDING["neg"] if text.startswith("-") else ATOM


def _wrap(text: str, binding: int, needed: int) -> str:
    return text if binding >= needed else f"({text})"


LONGEST = 1000  # maximum number of characters of a formula; a longer part is printed as …


def terms(symbol: Symbol) -> list[Symbol]:
    """Return the terms of a sum of names, numbers and products of two of them, without zeros; of any other symbol, none.

    >>> w, x, b = map(Symbol.named, "wxb")
    >>> [mathematics(term) for term in terms(0.0 + w * x + b)], terms((w + x) * b)
    (['w·x', 'b'], [])
    """
    stack, found = [symbol], []
    while stack:
        term = stack.pop()
        if term.operator == "add":
            stack += reversed(term.arguments)
        elif not (term.operator == "number" and term.arguments[0] == 0):
            found.append(term)
    plain = ("name", "number")
    parts = [part for term in found for part in (term.arguments if term.operator == "mul" else [term])]
    return found if all(part.operator in plain for part in parts) else []


def mathematics(symbol: Symbol) -> str:
    """Print a formula in mathematical notation: −1/x², a·b, 1 − out²."""
    printed: dict[int, tuple[str, int]] = {}
    for part in parts(symbol):
        text, binding = _mathematics(part, printed)
        printed[id(part)] = (text, binding) if len(text) <= LONGEST else ("…", ATOM)
    return printed[id(symbol)][0]


def _mathematics(part: Symbol, printed: dict[int, tuple[str, int]]) -> tuple[str, int]:
    operator = part.operator
    if operator == "name":
        return part.arguments[0], ATOM
    if operator == "number":
        return f"{part.arguments[0]:g}".replace("-", "−"), ATOM if part.arguments[0] >= 0 else BINDING["mul"]
    operands = [printed[id(x)] for x in part.operands]
    texts = [text for text, _ in operands]
    if operator == "where":
        no = otherwise(part.operands[0], part.operands[2])
        return f"{texts[1]} if {texts[0]} else {printed[id(no)][0]}", 0
    if operator == "neg":
        return f"−{_wrap(*operands[0], BINDING['mul'])}", BINDING["mul"]
    if operator == "mul" and texts[0] == texts[1]:
        return _power(operands[0], ("2", ATOM))
    if operator == "pow":
        return _power(operands[0], operands[1])
    if operator not in BINDING:
        row = known(operator, len(texts))
        form = row.mathematics if row else ""
        return form.format(*texts) if form else f"{operator}({', '.join(texts)})", ATOM
    binding = BINDING[operator]
    numerator = part.operands[0]
    if operator == numerator.operator == "div" and printed[id(numerator.operands[1])][0] == texts[1]:  # a/b/b
        operands = [printed[id(numerator.operands[0])], _power(operands[1], ("2", ATOM))]
    left, right = (_wrap(*x, binding + i) for i, x in enumerate(operands))
    sign = {"mul": "·", "div": "/", "sub": " − "}.get(operator) or f" {FUNCTIONS[operator].sign} "
    return f"{left}{sign}{right}", binding


def _power(base: tuple[str, int], exponent: tuple[str, int]) -> tuple[str, int]:
    left = _wrap(*base, ATOM)
    raised = exponent[0].replace("−", "-")
    if raised.lstrip("-").isdigit():
        return left + raised.translate(SUPERSCRIPT), 5
    return f"{left}^{_wrap(*exponent, ATOM)}", 5
