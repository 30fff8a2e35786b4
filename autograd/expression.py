"""A written expression as a graph: parsed, never evaluated as Python; what is allowed is listed here."""

from __future__ import annotations

import ast
import difflib
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from .number import number, short
from .row import GATES, Gate
from .value import Value

__all__ = ["ExpressionError", "build", "names"]

LONGEST, DEEPEST = 10_000, 400
BINARY = {ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "div", ast.Pow: "pow"}
SIGNS = {
    ast.Mod: "%", ast.FloorDiv: "//", ast.MatMult: "@", ast.LShift: "<<", ast.RShift: ">>", ast.BitOr: "|", ast.BitAnd: "&",
    ast.BitXor: "^", ast.Invert: "~", ast.Not: "not",
}  # fmt: skip
ALLOWED = "an expression is made of names, numbers, + - * / **, parentheses and gates such as exp(x)"
WRITTEN = {"^": "**", "−": "-", "–": "-", "·": "*", "×": "*", "÷": "/", "²": "**2", "³": "**3"}


class ExpressionError(ValueError):
    """What is wrong with an expression, on one line, with the place."""


def names(text: str) -> list[str]:
    """Return the variables of an expression in the order in which they are written.

    >>> names("exp(-w*x) + w")
    ['w', 'x']
    """
    return _names(_parse(text.strip()))


def _names(tree: ast.expr) -> list[str]:
    gates = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Name) and id(node) not in gates]
    return list(dict.fromkeys(node.id for node in sorted(found, key=lambda node: node.col_offset)))


def build(text: str, values: Mapping[str, float]) -> Value:
    """Record an expression with these values of its variables; the leaves carry the names, the root is called f.

    >>> build("1/(1+exp(-x))", {"x": 0}).data
    0.5
    """
    text = text.strip()
    tree = _parse(text)
    known = _names(tree)
    missing = [name for name in known if name not in values]
    if missing and missing[0] in GATES:
        name, written = missing[0], ", ".join(GATES[missing[0]].names)
        raise ExpressionError(f"{name} is a gate: write {name}({written}), or give it a value, {name}=NUMBER")
    if missing:
        raise ExpressionError(f"{', '.join(missing)} in the expression has no value: add {missing[0]}=NUMBER")
    for name in values:
        if name not in known:
            raise ExpressionError(f"{name} is not in the expression: {_instead(name, known)}")
    leaves = {name: Value(values[name], name) for name in known}
    root = _Recorder(text, leaves).visit(tree)
    if not isinstance(root, Value):
        raise ExpressionError(f"the expression has no names, so nothing to differentiate; its value is {root:.12g}")
    if root.inputs:
        root.label = next(name for name in ("f", "y", "output", "the output") if name not in known)
    return root


def _parse(text: str) -> ast.expr:
    if len(text) > LONGEST:
        raise ExpressionError(f"the expression has {len(text):,} characters, and {LONGEST:,} is the most")
    if not text:
        raise ExpressionError(f"the expression is empty: {ALLOWED}")
    if "#" in text:
        raise ExpressionError(f"column {text.index('#') + 1}: # begins a comment, which an expression cannot have")
    for sign, instead in WRITTEN.items():
        if sign in text:
            raise ExpressionError(f"column {text.index(sign) + 1}: write {instead} instead of {sign}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of Python about Python
            tree = ast.parse(text.replace("\n", " ").replace("\r", " "), mode="eval").body
    except SyntaxError as error:
        column = min(error.offset or len(text), len(text))
        raise ExpressionError(f"column {column}: {error.msg}, in {short(text)}") from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise ExpressionError(f"this cannot be read as an expression ({str(error) or type(error).__name__})") from None
    _validate(text, tree)
    return tree


def _place(text: str, node: ast.expr) -> str:
    """The column of a node in characters; Python counts bytes."""
    return f"column {len(text.encode()[: node.col_offset].decode(errors='ignore')) + 1}"


def _refuse(text: str, node: ast.expr, what: str) -> ExpressionError:
    return ExpressionError(f"{_place(text, node)}: {what}")


def _validate(text: str, tree: ast.expr) -> None:
    """Refuse whatever is not listed here, and what is nested too deeply to be walked."""
    stack: list[tuple[ast.expr, int, bool]] = [(tree, 1, False)]
    while stack:
        node, depth, argument = stack.pop()
        inner: Sequence[ast.expr] = ()
        if depth > DEEPEST:
            raise _refuse(text, node, f"nested deeper than {DEEPEST} levels; write long sums as sum([a, b, c])")
        if isinstance(node, ast.BinOp) and type(node.op) in BINARY:
            inner = node.left, node.right
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
            inner = (node.operand,)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id not in GATES:
                raise _refuse(text, node, f"there is no gate {node.func.id!r}: {_instead(node.func.id, list(GATES))}")
            if any(keyword.arg is None for keyword in node.keywords):
                raise _refuse(text, node, "** is not allowed in a call")
            stack += [(x, depth + 1, True) for x in (*node.args, *(keyword.value for keyword in node.keywords))]
        elif argument and isinstance(node, (ast.List, ast.Tuple)):  # gates take lists: dot([w0, w1], [x0, x1])
            inner = node.elts
        elif not isinstance(node, ast.Name) and not (
            isinstance(node, ast.Constant) and type(node.value) in (int, float)
        ):
            what = node.func if isinstance(node, ast.Call) else node
            raise _refuse(text, what, f"{_description(what)} is not allowed: {ALLOWED}")
        stack += [(x, depth + 1, False) for x in inner]


class _Recorder:
    """Turns the nodes of a validated expression into gates."""

    def __init__(self, text: str, leaves: Mapping[str, Value]) -> None:
        self.text, self.leaves = text, leaves

    def visit(self, node: ast.expr) -> Any:
        if isinstance(node, ast.Name):
            return self.leaves[node.id]
        if isinstance(node, (ast.List, ast.Tuple)):
            return [self.visit(entry) for entry in node.elts]
        if isinstance(node, ast.Constant):
            try:
                return number(node.value, "an expression")
            except OverflowError as error:
                raise _refuse(self.text, node, str(error)) from None
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
        return self.apply(GATES[node.func.id], inputs, named, node)

    def apply(self, gate: Gate, inputs: Sequence[Any], named: Mapping[str, Any], node: ast.expr) -> Any:
        try:
            return gate(*inputs, **named)
        except (ArithmeticError, ValueError, TypeError) as error:
            raise _refuse(self.text, node, str(error)) from None


def _description(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"the attribute .{node.attr}"
    if isinstance(node, ast.Constant):
        return f"{short(node.value)}, which is no number,"
    if isinstance(node, (ast.Compare, ast.IfExp, ast.BoolOp)):
        return "a condition (where(x, a, b) gives a if x > 0, else b)"
    return (
        f"the operator {SIGNS[type(node.op)]}"
        if isinstance(node, (ast.BinOp, ast.UnaryOp))
        else f"a {type(node).__name__}"
    )


def _instead(name: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {close[0]}?" if close else f"there are {', '.join(known) or 'none'}"
