"""The table of functions: everything that the rule of a gate may write, with every spelling of it.

A rule is arithmetic, comparisons, and functions of its `xp`. A row here says how each of them is computed and written
wherever rules are run or printed; the two interpreters in C are built from these rows too. A further row, here or by
`function(...)` at run time, is all that a function needs, and whatever a language lacks is left out of its row.

setup.py runs this file by itself, so it imports nothing but the standard library.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any, NamedTuple

__all__ = ["COMPARISONS", "FLOATS", "FUNCTIONS", "Function", "function", "header", "hint", "known"]

NOT_FINITE = "!isfinite(r)"


class Function(NamedTuple):
    """One row: a function or an operator, and how the languages that rules are printed in spell it.

    >>> FUNCTIONS["exp"].python(0.0), FUNCTIONS["mul"].sign, FUNCTIONS["abs"].mathematics
    (1.0, '*', '|{}|')
    """

    name: str  # rules call xp.name; the name of an operator is that of its gate
    python: Callable[..., Any]  # of floats; it raises where Python's own function does
    operands: int = 1
    c: str = ""  # an expression of the doubles a, b and c; what has one gives floats in Python too
    javascript: str = ""  # a function
    numpy: str = ""  # the name in the array modules
    torch: str = ""  # where it is not NumPy's
    jax: str = ""
    mathematics: str = ""  # the printed form of its operands, where that is no call
    sign: str = ""  # of an operator
    binding: int = 0  # how tightly the operator binds
    commutative: bool = False
    refused: str = NOT_FINITE  # in C: of a, b and the result r, whether Python may refuse these operands
    exact: bool = True  # C and Python give the same number, to the last bit


FUNCTIONS: dict[str, Function] = {}


def function(name: str, python: Callable[..., Any], *spellings: Any, **others: Any) -> Function:
    """Add a row to the table, and return it: the name, the function of floats, and the other columns of Function.

    >>> half_turn = function("half_turn", lambda x: math.pi - x, c="3.141592653589793 - a")
    >>> FLOATS.half_turn(math.pi)
    0.0
    >>> del FUNCTIONS["half_turn"]
    """
    row = Function(name, python, *spellings, **others)
    if name in FUNCTIONS:
        raise ValueError(f"there is a function {name!r} already: choose another name")
    FUNCTIONS[name] = row
    return row


def _maximum(a: float, b: float) -> float:
    return a if a > b or a != a else b  # a nan goes through, as it does in numpy


def _minimum(a: float, b: float) -> float:
    return a if a < b or a != a else b


def _pow(x: float, y: float) -> float:
    if x == 0.0 and -math.inf < y < 0.0:
        raise ZeroDivisionError("0.0 cannot be raised to a negative power")  # as ** does; math.pow: ValueError
    return math.pow(x, y)  # not **, which would answer a negative base with a complex number


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
function("where", _where, 3, "a != 0.0 ? b : c", numpy="where", refused="0")  # languages have a form of their own for it

# name, of floats, operands, C, JavaScript, NumPy
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
function("erf", math.erf, 1, "erf(a)")  # NumPy and JavaScript have neither
function("erfc", math.erfc, 1, "erfc(a)")
function("hypot", math.hypot, 2, "hypot(a, b)", "Math.hypot", "hypot", exact=False)  # Python has an algorithm of its own
function("floor", math.floor, 1, "", "Math.floor", "floor")  # ints in Python
function("ceil", math.ceil, 1, "", "Math.ceil", "ceil")
function("trunc", math.trunc, 1, "", "Math.trunc", "trunc")
if hasattr(math, "cbrt"):  # since Python 3.11
    function("cbrt", math.cbrt, 1, "cbrt(a)", "Math.cbrt", "cbrt")
# fmt: on


def known(name: str, operands: int) -> Function | None:
    """Return the row of a function that takes so many operands: log(x, 2) is not the function that its row spells."""
    row = FUNCTIONS.get(name)
    return row if row is not None and row.operands == operands else None


def hint(name: str) -> str:
    """Return a function of the table whose name is much like another, as advice.

    >>> hint("arctan")
    ': did you mean xp.atan?'
    """
    from difflib import get_close_matches

    found = get_close_matches(name, [row.name for row in FUNCTIONS.values() if not row.sign], 1, 0.7)
    return f": did you mean xp.{found[0]}?" if found else ""


class _Floats:
    """The `xp` of floats: the functions of the table, refusing what Python's own refuse; the rest comes from `math`."""

    def __init__(self) -> None:
        vars(self).update({row.name: row.python for row in FUNCTIONS.values() if not row.sign})

    def __getattr__(self, name: str) -> Any:
        row = FUNCTIONS.get(name)  # one that was added since
        return getattr(math, name) if row is None or row.sign else row.python


FLOATS: Any = _Floats()


def header() -> str:
    """Return the functions that C has as lists of X(name, code, expression, refused), one for each number of operands."""
    lines = ["/* Written by setup.py from autograd/functions.py. */"]
    for operands, name in enumerate(("ONE_OPERAND", "TWO_OPERANDS", "THREE_OPERANDS"), 1):
        lines += ["", f"#define {name}(X)"]
        for row in FUNCTIONS.values():
            if row.c and row.operands == operands:
                code = (row.name if row.name.isidentifier() else row.python.__name__).upper()
                lines[-1] += " \\"
                lines.append(f'    X("{row.name}", {code}, {row.c}, {row.refused})')
    return "\n".join(lines) + "\n"
