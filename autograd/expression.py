"""A written expression as a graph: parsed, never evaluated as Python; what is allowed is listed here."""

from __future__ import annotations

import ast
import difflib
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .gate import GATES, Gate
from .number import number, short
from .value import Value

__all__ = ["ExpressionError", "build", "names"]

LONGEST, DEEPEST = 10_000, 400
BINARY = {ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "div", ast.Pow: "pow"}
ALLOWED = "an expression is made of names, numbers, + - * / **, parentheses and gates such as exp(x)"
WRITTEN = {"^": "**", "−": "-", "–": "-", "·": "*", "×": "*", "÷": "/", "²": "**2", "³": "**3"}


class ExpressionError(ValueError):
    """What is wrong with an expression, on one line, with the place."""


def names(text: str) -> list[str]:
    """Return the variables of an expression in the order in which they are written.

    >>> names("exp(-w*x) + w")
    ['w', 'x']
    """
    found = [(node.lineno, node.col_offset, node.id) for node in _operands(_parse(text.strip()))]
    return list(dict.fromkeys(name for *_, name in sorted(found)))


def build(text: str, values: Mapping[str, float]) -> Value:
    """Record an expression with these values of its variables; the leaves carry the names, the root is called f.

    >>> build("1/(1+exp(-x))", {"x": 0}).data
    0.5
    """
    text = text.strip()
    tree, known = _parse(text), names(text)
    missing = [name for name in known if name not in values]
    if missing:
        raise ExpressionError(f"{', '.join(missing)} in the expression has no value: add {missing[0]}=NUMBER")
    for name in values:
        if name not in known:
            raise ExpressionError(f"{name} is not in the expression: {_instead(name, known)}")
    leaves = {name: Value(values[name], name) for name in known}
    root = _Recorder(text, leaves).visit(tree, 1)
    if not isinstance(root, Value):
        raise ExpressionError(f"the expression has no names, so nothing to differentiate; its value is {root:.12g}")
    if root.inputs and "f" not in known:
        root.label = "f"
    return root


def _parse(text: str) -> ast.expr:
    if len(text) > LONGEST:
        raise ExpressionError(f"the expression has {len(text):,} characters, and {LONGEST:,} is the most")
    if not text:
        raise ExpressionError(f"the expression is empty: {ALLOWED}")
    for sign, instead in WRITTEN.items():
        if sign in text:
            raise ExpressionError(f"column {text.index(sign) + 1}: write {instead} instead of {sign}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of Python about Python
            return ast.parse(text.replace("\n", " ").replace("\r", " "), mode="eval").body
    except SyntaxError as error:
        column = min(error.offset or len(text), len(text))
        raise ExpressionError(f"column {column}: {error.msg}, in {short(text)}") from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise ExpressionError(f"this cannot be read as an expression ({error or type(error).__name__})") from None


def _place(text: str, node: ast.expr) -> str:
    """The column of a node in characters; Python counts bytes."""
    return f"column {len(text.encode()[: node.col_offset].decode(errors='ignore')) + 1}"


def _refuse(text: str, node: ast.expr, what: str) -> ExpressionError:
    return ExpressionError(f"{_place(text, node)}: {what}")


def _operands(tree: ast.expr) -> Iterator[ast.Name]:
    """Yield the names that stand for values, not for gates."""
    stack: list[ast.AST] = [tree]
    while stack:
        node = stack.pop()
        if isinstance(node, ast.Name):
            yield node
        elif isinstance(node, ast.Call):
            stack += [*node.args, *(keyword.value for keyword in node.keywords)]
        else:
            stack += ast.iter_child_nodes(node)


class _Recorder:
    """Turns the nodes of a parsed expression into gates; whatever is not named here is refused."""

    def __init__(self, text: str, leaves: Mapping[str, Value]) -> None:
        self.text, self.leaves = text, leaves

    def visit(self, node: ast.expr, depth: int) -> Any:
        if depth > DEEPEST:
            raise _refuse(self.text, node, f"nested deeper than {DEEPEST} levels; write long sums as sum([a, b, c])")
        if isinstance(node, ast.Constant) and type(node.value) in (int, float):
            try:
                return number(node.value, "an expression")
            except OverflowError as error:
                raise _refuse(self.text, node, str(error)) from None
        if isinstance(node, ast.Name):
            return self.leaves[node.id]
        if isinstance(node, ast.BinOp) and type(node.op) in BINARY:
            left, right = self.visit(node.left, depth + 1), self.visit(node.right, depth + 1)
            if isinstance(node.op, ast.Div) and left.__class__ is float and left == 1.0:
                return self.apply(GATES["reciprocal"], [right], {}, node)
            return self.apply(GATES[BINARY[type(node.op)]], [left, right], {}, node)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
            operand = self.visit(node.operand, depth + 1)
            return self.apply(GATES["neg"], [operand], {}, node) if isinstance(node.op, ast.USub) else operand
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            return self.call(node, node.func.id, depth)
        raise _refuse(self.text, node, f"{_description(node)} is not allowed: {ALLOWED}")

    def call(self, node: ast.Call, name: str, depth: int) -> Any:
        gate = GATES.get(name)
        if gate is None:
            raise _refuse(self.text, node, f"there is no gate {name!r}: {_instead(name, list(GATES))}")
        if any(keyword.arg is None for keyword in node.keywords):
            raise _refuse(self.text, node, "** is not allowed in a call")
        inputs = [self.argument(argument, depth + 1) for argument in node.args]
        named = {str(keyword.arg): self.argument(keyword.value, depth + 1) for keyword in node.keywords}
        return self.apply(gate, inputs, named, node)

    def argument(self, node: ast.expr, depth: int) -> Any:
        """A gate takes lists too: sum([a, b]), dot([w0, w1], [x0, x1])."""
        if isinstance(node, (ast.List, ast.Tuple)):
            return [self.visit(entry, depth + 1) for entry in node.elts]
        return self.visit(node, depth)

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
    return f"a {type(node).__name__}"


def _instead(name: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {close[0]}?" if close else f"there are {', '.join(known) or 'none'}"
