"""The table of functions and operators that the rules of gates may use, with their form in each language.

A rule consists of arithmetic, comparisons, and functions of its argument `xp`. Each row here says how one of them is
computed and printed; the two C interpreters are generated from these rows too. To add a function, add a row here or call
`function(...)` at run time. A language without the function has an empty column.

setup.py runs this file alone, so it may import only the standard library.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any, NamedTuple

__all__ = ["COMPARISONS", "FLOATS", "FUNCTIONS", "Function", "function", "header", "hint", "known"]

NOT_FINITE = "!isfinite(r)"


class Function(NamedTuple):
    """One row: a function or an operator, and its form in each language that rules are printed in.

    >>> FUNCTIONS["exp"].python(0.0), FUNCTIONS["mul"].sign, FUNCTIONS["abs"].mathematics
    (1.0, '*', '|{}|')
    """

    name: str  # as in xp.name; an operator has the name of its gate
    python: Callable[..., Any]  # the function of floats; raises as the function of `math` does
    operands: int = 1
    c: str = ""  # an expression in the doubles a, b and c; if there is one, the Python function returns floats too
    javascript: str = ""  # a function
    numpy: str = ""  # the name in the array modules
    torch: str = ""  # the name in torch, if it differs from NumPy's
    jax: str = ""
    mathematics: str = ""  # the format of the operands, if it is not a call
    sign: str = ""  # of an operator
    binding: int = 0  # precedence of the operator; a higher one binds tighter
    commutative: bool = False
    refused: str = NOT_FINITE  # C condition on a, b and the result r: whether Python may raise
    exact: bool = True  # whether C and Python give bit-identical results


FUNCTIONS: dict[str, Function] = {}


def function(name: str, python: Callable[..., Any], *spellings: Any, **others: Any) -> Function:
    """Add a row to the table and return it. The arguments are the columns of Function in order.

    >>> half_turn = function("half_turn", lambda x: math.pi - x, c="3.141592653589793 - a")
    >>> FLOATS.half_turn(math.pi)
    0.0
    >>> del FUNCTIONS["half_turn"]
    """
    row = Function(name, python, *spellings, **others)
    if name in FUNCTIONS:
        raise ValueError(f"name must be new, got {name!r}, which the table has already: choose another")
    FUNCTIONS[name] = row
    return row


def _maximum(a: float, b: float) -> float:
    return a if a > b or a != a else b  # nan propagates, as in NumPy


def _minimum(a: float, b: float) -> float:
    return a if a < b or a != a else b


def _pow(x: float, y: float) -> float:
    if x == 0.0 and -math.inf < y < 0.0:
        raise ZeroDivisionError(
            "0.0 cannot be raised to a negative power"
        )  # as ** does; math.pow would raise ValueError
    return math.pow(x, y)  # not **, which returns a complex number for a negative base


def _where(condition: bool, a: float, b: float) -> float:
    return a if condition else b


COMPARISONS = ("<", "<=", ">", ">=")

# fmt: off
function("add", operator.add, 2, "a + b", sign="+", binding=2, refused="0", commutative=True)
function("sub", operator.sub, 2, "a - b", sign="-", binding=2, refused="0")
function("mul", operator.mul, 2, "a * b", sign="*", binding=3, refused="0", commutative=True)
function("div", operator.truediv, 2, "a / b", sign="/", binding=3, refused="b == 0.0")
function("neg", operator.neg, 1, "-a", sign="-", binding=4, refused="0")
function("<", operator.lt, 2, "a < b ? 1.0 : 0.0", sign="<", binding=1, refused="0")
function("<=", operator.le, 2, "a <= b ? 1.0 : 0.0", sign="<=", binding=1, refused="0")
function(">", operator.gt, 2, "a > b ? 1.0 : 0.0", sign=">", binding=1, refused="0")
function(">=", operator.ge, 2, "a >= b ? 1.0 : 0.0", sign=">=", binding=1, refused="0")
function("where", _where, 3, "a != 0.0 ? b : c", numpy="where", refused="0")  # other languages have their own syntax

# columns: name, python, operands, c, javascript, numpy
function("abs", abs, 1, "fabs(a)", "Math.abs", "abs", mathematics="|{}|", refused="0")
function("maximum", _maximum, 2, "((a > b) | (a != a)) ? a : b", "(a, b) => (a > b || Number.isNaN(a) ? a : b)",
         "maximum", commutative=True, refused="0")
function("minimum", _minimum, 2, "((a < b) | (a != a)) ? a : b", "(a, b) => (a < b || Number.isNaN(a) ? a : b)",
         "minimum", commutative=True, refused="0")
function("pow", _pow, 2, "pow(a, b)", "(x, y) => (x === 1 ? 1 : x ** y)", "pow")
function("exp", math.exp, 1, "exp(a)", "Math.exp", "exp")
function("expm1", math.expm1, 1, "expm1(a)", "Math.expm1", "expm1")
function("log", math.log, 1, "log(a)", "Math.log", "log")
function("log1p", math.log1p, 1, "log1p(a)", "Math.log1p", "log1p")
function("log2", math.log2, 1, "log2(a)", "Math.log2", "log2")
function("log10", math.log10, 1, "log10(a)", "Math.log10", "log10")
function("sqrt", math.sqrt, 1, "sqrt(a)", "Math.sqrt", "sqrt")
function("sin", math.sin, 1, "sin(a)", "Math.sin", "sin")
function("cos", math.cos, 1, "cos(a)", "Math.cos", "cos")
function("tan", math.tan, 1, "tan(a)", "Math.tan", "tan")
function("asin", math.asin, 1, "asin(a)", "Math.asin", "asin")
function("acos", math.acos, 1, "acos(a)", "Math.acos", "acos")
function("atan", math.atan, 1, "atan(a)", "Math.atan", "atan")
function("atan2", math.atan2, 2, "atan2(a, b)", "Math.atan2", "atan2")
function("sinh", math.sinh, 1, "sinh(a)", "Math.sinh", "sinh")
function("cosh", math.cosh, 1, "cosh(a)", "Math.cosh", "cosh")
function("tanh", math.tanh, 1, "tanh(a)", "Math.tanh", "tanh")
function("asinh", math.asinh, 1, "asinh(a)", "Math.asinh", "asinh")
function("acosh", math.acosh, 1, "acosh(a)", "Math.acosh", "acosh")
function("atanh", math.atanh, 1, "atanh(a)", "Math.atanh", "atanh")
function("erf", math.erf, 1, "erf(a)")  # not in NumPy or JavaScript
function("erfc", math.erfc, 1, "erfc(a)")
function("hypot", math.hypot, 2, "hypot(a, b)", "Math.hypot", "hypot", exact=False)  # Python uses another algorithm than C
function("floor", math.floor, 1, "", "Math.floor", "floor")  # returns an int in Python, so no C form
function("ceil", math.ceil, 1, "", "Math.ceil", "ceil")
function("trunc", math.trunc, 1, "", "Math.trunc", "trunc")
if hasattr(math, "cbrt"):  # since Python 3.11
    function("cbrt", math.cbrt, 1, "cbrt(a)", "Math.cbrt", "cbrt")
# fmt: on


def known(name: str, operands: int) -> Function | None:
    """Return the row of a function with this number of operands; None for others, such as log(x, 2)."""
    row = FUNCTIONS.get(name)
    return row if row is not None and row.operands == operands else None


def hint(name: str) -> str:
    """Return advice with the function of the table whose name is most similar, or an empty string.

    >>> hint("arctan")
    ': did you mean xp.atan?'
    """
    from difflib import get_close_matches

    found = get_close_matches(name, [row.name for row in FUNCTIONS.values() if not row.sign], 1, 0.7)
    return f": did you mean xp.{found[0]}?" if found else ""


class _Floats:
    """The `xp` of floats: the functions of the table, or else those of `math`."""

    def __init__(self) -> None:
        vars(self).update({row.name: row.python for row in FUNCTIONS.values() if not row.sign})

    def __getattr__(self, name: str) -> Any:
        row = FUNCTIONS.get(name)  # a row added later
        return getattr(math, name) if row is None or row.sign else row.python


FLOATS: Any = _Floats()


def header() -> str:
    """Return a C header of X-macro lists, X(name, code, expression, refused), one for each number of operands."""
    lines = ["/* Written by setup.py from autograd/functions.py. */"]
    for operands, name in enumerate(("ONE_OPERAND", "TWO_OPERANDS", "THREE_OPERANDS"), 1):
        lines += ["", f"#define {name}(X)"]
        for row in FUNCTIONS.values():
            if row.c and row.operands == operands:
                code = (row.name if row.name.isidentifier() else row.python.__name__).upper()
                lines[-1] += " \\"
                lines.append(f'    X("{row.name}", {code}, {row.c}, {row.refused})')
    return "\n".join(lines) + "\n"
