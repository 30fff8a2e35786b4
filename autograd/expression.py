"""Build a graph from the text of an expression. The text is parsed and checked against a list, never evaluated as Python."""

from __future__ import annotations

import ast
import difflib
import math
import warnings
from collections.abc import Collection, Container, Mapping, Sequence
from typing import Any

from .arguments import as_float, truncated_repr
from .gate import GATES, Gate
from .notation import (
    ALLOWED,
    BEYOND,
    CONDITION,
    ELSEWHERE,
    SECOND_INPUT,
    foreign_notation,
    listing,
    precedence_advice,
    product_advice,
    short_name,
    syntax_fault,
)
from .value import Value

__all__ = ["CONSTANTS", "ExpressionError", "build", "names"]

LONGEST, DEEPEST = 10_000, 400
NESTED = f"nested deeper than {DEEPEST} levels; write long sums as sum([a, b, c])"
CONSTANTS = {"pi": math.pi, "π": math.pi, "e": math.e}  # a given value takes precedence
SIMILAR = 0.8  # least ratio of a name to that of a gate which is suggested for it
ALIASES = {"ln": "log"}  # names of gates in mathematics
BINARY = {ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "div", ast.Pow: "pow"}
SIGNS = {
    ast.Mod: "%", ast.FloorDiv: "//", ast.MatMult: "@", ast.LShift: "<<", ast.RShift: ">>", ast.BitOr: "|", ast.BitAnd: "&",
    ast.BitXor: "^", ast.Invert: "~", ast.Not: "not",
}  # fmt: skip


class ExpressionError(ValueError):
    """An expression is invalid; the message is one line, with the column where it applies."""


def names(text: str) -> list[str]:
    """Return the variables of an expression in order of appearance.

    >>> names("exp(-w*x) + w*pi")
    ['w', 'x']
    """
    return [name for name in _variables(_parse(_with_plain_spaces(text))) if name not in CONSTANTS]


def build(text: str, values: Mapping[str, float]) -> Value:
    """Record an expression at these values of its variables. Leaves are labelled with their names, the root with f.

    >>> build("1/(1+exp(-x))", {"x": 0}).data
    0.5
    """
    text = _with_plain_spaces(text)
    tree = _parse(text, values)
    variables = _variables(tree)
    missing = [name for name in variables if name not in values and name not in CONSTANTS]
    if missing:
        raise _refuse(text, variables[missing[0]], _without_value(text, variables[missing[0]], missing, values))
    for name in values:
        if name not in variables:
            raise ExpressionError(f"{short_name(name)} is not in the expression: {_instead(name, list(variables))}")
    leaves = {name: Value(values[name], name) for name in variables if name in values}
    root = _Recorder(text, leaves).visit(tree)
    if not isinstance(root, Value):
        raise ExpressionError(f"the expression has no names, so nothing to differentiate; its value is {root:.12g}")
    if root.inputs:
        root.label = next(name for name in ("f", "y", "output", "the output") if name not in variables)
    return root


def _with_plain_spaces(text: str) -> str:
    """Replace every whitespace character by a plain space, which keeps the columns."""
    return "".join(" " if sign.isspace() else sign for sign in text.strip())


def _variables(tree: ast.expr) -> dict[str, ast.Name]:
    """Return the names that are not called, each with its first occurrence."""
    gates = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Name) and id(node) not in gates]
    variables: dict[str, ast.Name] = {}
    for node in sorted(found, key=lambda node: node.col_offset):
        variables.setdefault(node.id, node)
    return variables


def _without_value(text: str, node: ast.Name, missing: Sequence[str], values: Container[str]) -> str:
    name = missing[0]
    if name in GATES:
        return f"{name} is a gate: write {name}({', '.join(GATES[name].names)}), or give it a value, {name}=NUMBER"
    splits = ((name[:i], name[i:]) for i in range(1, len(name)))
    hints = (
        f"{head}({tail})" if head in GATES else f"{head}*{tail}"
        for head, tail in splits
        if (head in values or head in GATES) and (tail in values or tail.isdigit())
    )
    hint = next(hints, "")
    if hint:
        hint = f", or write {short_name(hint)}{precedence_advice(text, _end(text, node)) if '*' in hint else ''}"
    return f"{listing(missing, 5)} in the expression has no value: add {short_name(name)}=NUMBER{hint}"


def _parse(text: str, values: Collection[str] = ()) -> ast.expr:
    if len(text) > LONGEST:
        raise ExpressionError(f"the expression must have at most {LONGEST:,} characters, got {len(text):,}")
    if not text:
        raise ExpressionError(f"the expression is empty: {ALLOWED}")
    if "#" in text:
        raise _at(text.index("#"), "# begins a comment, which an expression cannot have")
    functions = {*GATES, *ALIASES, *ELSEWHERE} - {*values}
    found = foreign_notation(text, functions)
    if found:
        raise _at(*found)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about Python code, such as a call of a number
            tree = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise _at(*(syntax_fault(text, functions) or _parser_error(text, error))) from None
    _validate(text, tree, values)
    return tree


def _at(index: int, what: str) -> ExpressionError:
    return ExpressionError(f"column {index + 1}: {what}")


def _parser_error(text: str, error: Exception) -> tuple[int, str]:
    """Return the index at which Python's parser failed, and why."""
    if isinstance(error, SyntaxError) and error.offset:
        return min(error.offset, len(text)) - 1, f"{error.msg}, in {truncated_repr(text)}"
    if isinstance(error, (RecursionError, MemoryError)):
        return 0, NESTED
    return 0, f"this cannot be read as an expression ({error})"


def _index(text: str, offset: int) -> int:
    """Return the index of a character, given its offset in UTF-8 bytes as in `ast`."""
    return len(text.encode()[:offset].decode(errors="ignore"))


def _refuse(text: str, node: ast.expr, what: str) -> ExpressionError:
    return _at(_index(text, node.col_offset), what)


def _refuse_after(text: str, node: ast.expr, what: str) -> ExpressionError:
    """Return an error at the character after a node and its closing parentheses."""
    return _at(_index_after(text, node), what)


def _index_after(text: str, node: ast.expr) -> int:
    return len(text) - len(text[_end(text, node) :].lstrip(" )"))


def _end(text: str, node: ast.expr) -> int:
    assert node.end_col_offset is not None
    return _index(text, node.end_col_offset)


def _validate(text: str, tree: ast.expr, values: Container[str]) -> None:
    """Raise for any node that is not allowed here, and for nesting that is too deep to walk."""
    stack: list[tuple[ast.expr, int, bool]] = [(tree, 1, False)]
    while stack:
        node, depth, argument = stack.pop()
        inner: Sequence[ast.expr] = ()
        if depth > DEEPEST:
            raise _refuse(text, node, NESTED)
        if isinstance(node, ast.BinOp) and type(node.op) in BINARY:
            inner = node.left, node.right
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
            inner = (node.operand,)
        elif isinstance(node, ast.Call):
            _validate_call(text, node, values)
            stack += [(x, depth + 1, True) for x in (*node.args, *(keyword.value for keyword in node.keywords))]
        elif argument and isinstance(node, (ast.List, ast.Tuple)):  # gates take lists: dot([w0, w1], [x0, x1])
            inner = node.elts
        elif isinstance(node, ast.Tuple) and node.elts:
            raise _refuse_after(text, node.elts[0], "a comma only separates the inputs of a gate; write 1.5 for 1,5")
        elif not isinstance(node, ast.Name) and not _is_number(node):
            raise _refuse(text, node, f"{_description(node)} is not allowed: {ALLOWED}")
        stack += [(x, depth + 1, False) for x in inner]


def _validate_call(text: str, node: ast.Call, values: Container[str]) -> None:
    what = node.func
    if isinstance(what, ast.Name) and (what.id in GATES or what.id in ALIASES):
        if any(keyword.arg is None for keyword in node.keywords):
            raise _refuse(text, node, "** is not allowed in a call")
        given = [keyword.arg for keyword in node.keywords]
        for i, keyword in enumerate(node.keywords):
            if keyword.arg in given[:i]:
                raise _at(_index(text, keyword.col_offset), f"{keyword.arg} is given twice")
        if what.id in SECOND_INPUT and len(node.args) == 2:
            raise _refuse(text, node, f"{what.id} takes one input: write {SECOND_INPUT[what.id]}")
    elif isinstance(what, ast.Name) and what.id not in values and what.id not in CONSTANTS:
        name = short_name(what.id)
        if what.id in ELSEWHERE:
            instead = f": write {ELSEWHERE[name]}" if ELSEWHERE[name] else ", and no combination of gates gives it"
            raise _refuse(text, node, f"there is no gate {name!r}{instead}")
        raise _refuse(
            text,
            node,
            f"there is no gate {name!r}, and a product is written {name}*(…): {_instead(name.lower(), list(GATES), SIMILAR)}",
        )
    elif isinstance(what, (ast.Name, ast.BinOp, ast.UnaryOp, ast.Call)) or _is_number(what):
        left = ast.get_source_segment(text, what) if isinstance(what, (ast.Name, ast.Constant)) else None
        raise _refuse_after(
            text, what, product_advice(left or ")", "(") + precedence_advice(text, _index_after(text, what))
        )
    else:
        raise _refuse(text, what, f"{_description(what)} is not allowed: {ALLOWED}")


def _is_number(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) in (int, float)


class _Recorder:
    """Records the nodes of a validated expression as gates."""

    def __init__(self, text: str, leaves: Mapping[str, Value]) -> None:
        self.text, self.leaves = text, leaves

    def visit(self, node: ast.expr) -> Any:
        if isinstance(node, ast.Name):
            return self.leaves[node.id] if node.id in self.leaves else CONSTANTS[node.id]
        if isinstance(node, (ast.List, ast.Tuple)):
            return [self.visit(entry) for entry in node.elts]
        if isinstance(node, ast.Constant):
            try:
                constant = as_float(node.value, "an expression")
            except OverflowError as error:
                raise _refuse(self.text, node, str(error)) from None
            if math.isinf(constant):
                raise _refuse(self.text, node, BEYOND)
            return constant
        if isinstance(node, ast.UnaryOp):
            operand = self.visit(node.operand)
            return self.apply(GATES["neg"], [operand], {}, node) if isinstance(node.op, ast.USub) else operand
        if isinstance(node, ast.BinOp):
            left, right = self.visit(node.left), self.visit(node.right)
            if isinstance(node.op, ast.Div) and left.__class__ is float and left == 1.0:
                return self.apply(GATES["reciprocal"], [right], {}, node)
            return self.apply(GATES[BINARY[type(node.op)]], [left, right], {}, node)
        assert isinstance(node, ast.Call)
        assert isinstance(node.func, ast.Name)
        inputs = [self.visit(argument) for argument in node.args]
        named = {str(keyword.arg): self.visit(keyword.value) for keyword in node.keywords}
        return self.apply(GATES[ALIASES.get(node.func.id, node.func.id)], inputs, named, node)

    def apply(self, gate: Gate, inputs: Sequence[Any], named: Mapping[str, Any], node: ast.expr) -> Any:
        try:
            return gate(*inputs, **named)
        except (ArithmeticError, ValueError, TypeError) as error:
            raise _refuse(self.text, node, str(error)) from None


def _description(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"the attribute .{short_name(node.attr)}"
    if isinstance(node, ast.Constant):
        return f"{truncated_repr(node.value)}, which is not a number,"
    if isinstance(node, (ast.Compare, ast.IfExp, ast.BoolOp)):
        return CONDITION
    if isinstance(node, (ast.BinOp, ast.UnaryOp)):
        return f"the operator {SIGNS[type(node.op)]}"
    if isinstance(node, (ast.Tuple, ast.List, ast.Set, ast.Dict)):
        signs = {ast.Tuple: "parentheses", ast.List: "brackets [ ]"}.get(type(node), "braces { }")
        return f"an empty pair of {signs}" if isinstance(node, ast.Tuple) else f"a pair of {signs}"
    return f"a {type(node).__name__}"


def _instead(name: str, known: Sequence[str], similarity: float = 0.6) -> str:
    close = difflib.get_close_matches(short_name(name), known, n=1, cutoff=similarity)
    return f"did you mean {close[0]}?" if close else f"there are {listing(known, 50) or 'none'}"
