"""The table of functions and operators that the rules of gates may use, with their form in each language.

A rule consists of arithmetic, comparisons, and functions of its argument `xp`. Each row here says how one of them is
computed and printed; the two C interpreters are generated from these rows too. To add a function, add a row here with its
form in every language, or call `function(...)` at run time. At run time columns may be left empty: a program that calls the
function is then refused in those languages, and in every language if NumPy's name is missing.

Some functions are missing in a language, or differ in the last digits between the C library and Python's `math`. Such a
function is `composed(...)` of others by a rule, which is printed in every language. So it is written once, and has the same
bits in all engines.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any, NamedTuple

__all__ = ["COMPARISONS", "FLOATS", "FUNCTIONS", "Function", "composed", "function", "hint", "known", "logistic"]

NOT_FINITE = "!isfinite(r)"


class Function(NamedTuple):
    """One row: a function or an operator, and its form in each language that rules are printed in.

    >>> FUNCTIONS["exp"].python(0.0), FUNCTIONS["mul"].sign, FUNCTIONS["abs"].mathematics
    (1.0, '*', '|{}|')
    """

    name: str  # as in xp.name; an operator has the name of its gate
    python: Callable[..., Any]  # the function of floats; raises as the function of `math` does
    operands: int = 1
    c: str = ""  # an expression in the doubles a, b and c; then `python` returns a float too, not an int
    javascript: str = ""  # the name of a function, or an arrow function
    numpy: str = ""  # the name in NumPy, and in torch and JAX unless the next two columns give theirs
    torch: str = ""
    jax: str = ""
    mathematics: str = ""  # format of the operands; empty for a call
    sign: str = ""  # of an operator
    binding: int = 0  # precedence of the operator; a higher one binds tighter
    commutative: bool = False
    may_raise: str = NOT_FINITE  # in C, of a, b and the result r: where it holds, Python computes, and may raise
    rule: Callable[..., Any] | None = None  # (xp, *operands): the rule of a composed function

    @property
    def printed(self) -> str:
        """The name in a program's text: NumPy's, or `name` if NumPy lacks the function."""
        return self.numpy or self.name


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


def composed(name: str, rule: Callable[..., Any], operands: int = 1, **others: Any) -> Function:
    """Add a function that a rule composes of others of the table, all of which every language has; return its row.

    >>> row = composed("quarter", lambda xp, x: xp.sqrt(xp.sqrt(x)))
    >>> FLOATS.quarter(16.0), row.c
    (2.0, 'composed_quarter(a)')
    >>> del FUNCTIONS["quarter"]
    """
    c = f"composed_{name}({', '.join('abc'[:operands])})"
    return function(name, lambda *x: rule(FLOATS, *x), operands, c, rule=rule, **others)


def _maximum(a: float, b: float) -> float:
    return a if a > b or a != a else b  # nan propagates, as in NumPy


def _minimum(a: float, b: float) -> float:
    return a if a < b or a != a else b


def _pow(x: float, y: float) -> float:
    if x == 0.0 and -math.inf < y < 0.0:  # math.pow would raise ValueError
        raise ZeroDivisionError("0.0 cannot be raised to a negative power")
    return math.pow(x, y)  # not **, which returns a complex number for a negative base


def _where(condition: bool, a: float, b: float) -> float:
    return a if condition else b


COMPARISONS = ("<", "<=", ">", ">=")

# fmt: off
function("add", operator.add, 2, "a + b", sign="+", binding=2, may_raise="0", commutative=True)
function("sub", operator.sub, 2, "a - b", sign="-", binding=2, may_raise="0")
function("mul", operator.mul, 2, "a * b", sign="*", binding=3, may_raise="0", commutative=True)
function("div", operator.truediv, 2, "a / b", sign="/", binding=3, may_raise="b == 0.0")
function("neg", operator.neg, 1, "-a", sign="-", binding=4, may_raise="0")
function("<", operator.lt, 2, "a < b ? 1.0 : 0.0", sign="<", binding=1, may_raise="0")
function("<=", operator.le, 2, "a <= b ? 1.0 : 0.0", sign="<=", binding=1, may_raise="0")
function(">", operator.gt, 2, "a > b ? 1.0 : 0.0", sign=">", binding=1, may_raise="0")
function(">=", operator.ge, 2, "a >= b ? 1.0 : 0.0", sign=">=", binding=1, may_raise="0")
function("where", _where, 3, "a != 0.0 ? b : c", numpy="where", may_raise="0")  # other languages have their own syntax

# columns: name, python, operands, c, javascript, numpy
function("abs", abs, 1, "fabs(a)", "Math.abs", "abs", mathematics="|{}|", may_raise="0")
function("maximum", _maximum, 2, "((a > b) | (a != a)) ? a : b", "(a, b) => (a > b || Number.isNaN(a) ? a : b)",
         "maximum", commutative=True, may_raise="0")
function("minimum", _minimum, 2, "((a < b) | (a != a)) ? a : b", "(a, b) => (a < b || Number.isNaN(a) ? a : b)",
         "minimum", commutative=True, may_raise="0")
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
# Python's own return an int, in which there is no −0.0
function("floor", lambda x: float(math.floor(x)), 1, "floor(a) + 0.0", "Math.floor", "floor")
function("ceil", lambda x: float(math.ceil(x)), 1, "ceil(a) + 0.0", "Math.ceil", "ceil")
function("trunc", lambda x: float(math.trunc(x)), 1, "trunc(a) + 0.0", "Math.trunc", "trunc")
# fmt: on


# Composed functions. Both branches of an xp.where are computed, so each is finite for all finite operands.


def logistic(xp: Any, x: Any) -> Any:
    """Return 1/(1 + exp(−x))."""
    e = xp.exp(-xp.abs(x))  # of −|x|, which cannot overflow
    return xp.where(x >= 0, 1.0, e) / (1 + e)


def _exceeds(xp: Any, a: Any, b: Any) -> Any:
    return xp.where(a > b, 1.0, xp.where(a <= b, 0.0, math.nan))


def _hypot(xp: Any, x: Any, y: Any) -> Any:
    a, b = xp.abs(x), xp.abs(y)
    large = xp.maximum(a, b)
    ratio = xp.minimum(a, b) / xp.where(large > 0, large, 1.0)
    found = large * xp.sqrt(1 + ratio * ratio)
    return xp.where(a >= math.inf, math.inf, xp.where(b >= math.inf, math.inf, found))


def _cbrt(xp: Any, x: Any) -> Any:
    size = xp.abs(x)
    positive = xp.where(size > 0, size, 1.0)
    root = xp.pow(positive, 1 / 3)  # wrong in its last 6 bits, because 1/3 is rounded
    root = root - (root - positive / (root * root)) / 3  # Newton's step
    signed = xp.where(x < 0, -root, root)
    return xp.where(size > 0, xp.where(size < math.inf, signed, x), x)


def _polynomial(coefficients: Sequence[float], x: Any) -> Any:
    """Return a polynomial by Horner's scheme; the coefficient of the highest power comes first."""
    return reduce(lambda total, coefficient: total * x + coefficient, coefficients)


# erf x = x · Σ (2/√π) (−1)ⁿ x²ⁿ / (n! (2n + 1)), its Maclaurin series, which for |x| <= 1 needs 18 terms.
NEAR_ZERO = [2 / math.sqrt(math.pi) * (-1) ** n / (math.factorial(n) * (2 * n + 1)) for n in range(17, -1, -1)]
# (1 + 2z) exp(z²) erfc z for all z >= 0 as powers of t = (z − 3.75)/(z + 3.75): the Chebyshev series of M. M. Shepherd and
# J. G. Laframboise, "Chebyshev approximation of (1 + 2x) exp(x²) erfc x in 0 <= x < ∞", Mathematics of Computation 36 (1981),
# up to degree 24, after which its coefficients are below 3e-18.
FAR_OUT = (
    4.2514714447963895e-10,
    3.1114333809799254e-10,
    -5.1739902140113095e-09,
    -3.744210080962018e-09,
    3.8675334242222354e-08,
    2.3263508708859124e-08,
    -2.5866850716155884e-07,
    -5.7218230603224086e-08,
    1.751637648849062e-06,
    -9.73559896736775e-07,
    -1.1444146237700524e-05,
    2.238423915508223e-05,
    5.164909889268241e-05,
    -0.0002901540805408417,
    0.0002937136655913448,
    0.0017556258528952954,
    -0.009746579558029276,
    0.028362277418956406,
    -0.05869339858963677,
    0.09230432116037748,
    -0.10880393014174886,
    0.0822767384901452,
    0.0035854154854644293,
    -0.14024059858554697,
    1.2375126308378275,
)
SPLIT = 1.5 * 2.0**32  # added to a number and taken away again, it leaves 20 bits behind the point


def _scaled_tail(z: Any) -> Any:
    """Return exp(z²) erfc z for z >= 0."""
    return _polynomial(FAR_OUT, (z - 3.75) / (z + 3.75)) / (1 + 2 * z)


def _exp_square(xp: Any, factor: float, x: Any) -> Any:
    """Return exp(factor x²) for 0 <= x <= 40 without the rounding of x², which would cost up to x² units in the last place."""
    high = (x + SPLIT) - SPLIT  # its square is exact
    return xp.exp(factor * (high * high)) * xp.exp(factor * ((x - high) * (x + high)))


def _erf_near_zero(xp: Any, x: Any, size: Any) -> Any:
    near = xp.minimum(size, 1.0)
    return x * _polynomial(NEAR_ZERO, near * near)


def _erfc_of_size(xp: Any, size: Any) -> Any:
    z = xp.minimum(size, 30.0)  # beyond which erfc is below the floats
    return _scaled_tail(z) * _exp_square(xp, -1.0, z)


def _erf(xp: Any, x: Any) -> Any:
    size = xp.abs(x)
    tail = _erfc_of_size(xp, size)
    return xp.where(size < 1, _erf_near_zero(xp, x, size), xp.where(x > 0, 1 - tail, tail - 1))


def _erfc(xp: Any, x: Any) -> Any:
    size = xp.abs(x)
    tail = _erfc_of_size(xp, size)
    return xp.where(size < 0.4, 1 - _erf_near_zero(xp, x, size), xp.where(x > 0, tail, 2 - tail))


def _normal_cdf(xp: Any, x: Any) -> Any:
    root = math.sqrt(0.5)
    z = xp.minimum(xp.abs(x), 40.0)
    below = 0.5 * _scaled_tail(z * root) * _exp_square(xp, -0.5, z)  # of −|x|
    near = 0.5 + 0.5 * _erf_near_zero(xp, x * root, z * root)
    return xp.where(z < 0.5, near, xp.where(x > 0, 1 - below, below))


composed("sigmoid", logistic, mathematics="σ({})")
composed("exceeds", _exceeds, 2)
composed("hypot", _hypot, 2)
composed("cbrt", _cbrt, mathematics="∛({})")
composed("erf", _erf)
composed("erfc", _erfc)
composed("normal_cdf", _normal_cdf, mathematics="Φ({})")


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
