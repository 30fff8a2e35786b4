"""The table of gates: one row a gate, and the only place where a derivative is written.

A rule is a function f(xp, *inputs), written once; everything else interprets it. On floats it is the engine, on Values a
derivative that can be differentiated again, on symbols the formula on an edge and generated code, on the entries of a
scalar program the compiler's input, on arrays NumPy, JAX or PyTorch, and on complex numbers the complex-step test.

A row holds the rule of the output and one of each local gradient. `out` is the gate's output: often it is all that a
local gradient needs. Every gate here is a function of the package.
"""

from __future__ import annotations

import builtins as _builtins
import sys as _sys
from functools import reduce as _reduce
from itertools import accumulate as _accumulate
from math import inf as _inf, log as _ln, nan as _nan, pi as _pi
from operator import add as _plus, mul as _times
from typing import Any as _Any

from .functions import logistic as _logistic
from .gate import INSIDE, NONZERO, POSITIVE, REAL, Kink, entries as _entries, gate


def _choose(xp: _Any, condition: _Any, opposite: _Any, yes: _Any, no: _Any) -> _Any:
    """Return yes where a condition holds, no where its opposite does, and nan where a nan makes both of them false."""
    return xp.where(condition, yes, xp.where(opposite, no, _nan))


def _normal_pdf(xp: _Any, x: _Any) -> _Any:
    return 1 / (2 * _pi) ** 0.5 * xp.exp(-(x * x) / 2)


_LN2, _LN10 = _ln(2), _ln(10)


# Arithmetic

add = gate(
    "add", "+", lambda xp, a, b: a + b,
    lambda xp, out, a, b: 1.0,
    lambda xp, out, a, b: 1.0,
    nickname="gradient distributor", doc="a + b. Passes the upstream gradient unchanged to both inputs.",
)
sub = gate(
    "sub", "-", lambda xp, a, b: a - b,
    lambda xp, out, a, b: 1.0,
    lambda xp, out, a, b: -1.0,
    nickname="gradient distributor", doc="a − b. Passes the upstream gradient on, negated to b.",
)
neg = gate(
    "neg", "*-1", lambda xp, x: -x,
    lambda xp, out, x: -1.0,
    doc="−x.",
)
mul = gate(
    "mul", "×", lambda xp, a, b: a * b,
    lambda xp, out, a, b: b,
    lambda xp, out, a, b: a,
    nickname="swap multiplier", doc="a·b. Each input's local gradient is the other input.",
)
div = gate(
    "div", "/", lambda xp, a, b: a / b,
    lambda xp, out, a, b: 1 / b,
    lambda xp, out, a, b: -out / b,
    domain=(REAL, NONZERO), doc="a/b.",
)
reciprocal = gate(
    "reciprocal", "1/x", lambda xp, x: 1 / x,
    lambda xp, out, x: -1 / x / x,  # not x·x, which overflows or underflows before the slope does
    domain=(NONZERO,), doc="1/x.",
)
pow = gate(
    "pow", "xʸ", lambda xp, x, y: xp.pow(x, y),
    # where: x**0 is flat at x = 0 too, where x**-1 would be infinite
    lambda xp, out, x, y: y * xp.pow(xp.where(xp.abs(y) > 0, x, xp.where(xp.abs(x) > 0, x, 1.0)), y - 1),
    # where: 0**y is 0 for all y > 0, so its slope is 0
    lambda xp, out, x, y: out * xp.log(xp.where(xp.abs(x) > 0, x, _choose(xp, y > 0, y <= 0, 1.0, x))),
    domain=(POSITIVE, REAL), doc="x to the power y. Its slope in y is defined for x > 0, and for x = 0 where y > 0.",
)
abs = gate(
    "abs", "|x|", lambda xp, x: xp.abs(x),
    lambda xp, out, x: _choose(xp, x > 0, x <= 0, 1.0, xp.where(x < 0, -1.0, 0.0)),
    kink=Kink(lambda x: x, "abs′(0) = 0"), doc="|x|.",
)

# Elementary functions

exp = gate(
    "exp", "exp", lambda xp, x: xp.exp(x),
    lambda xp, out, x: out,
    doc="eˣ, its own local gradient.",
)
expm1 = gate(
    "expm1", "exp−1", lambda xp, x: xp.expm1(x),
    lambda xp, out, x: xp.exp(x),  # not out + 1, which is 0 from −37 on
    doc="eˣ − 1, exact for small x.",
)
log = gate(
    "log", "log", lambda xp, x: xp.log(x),
    lambda xp, out, x: 1 / x,
    domain=(POSITIVE,), doc="Natural logarithm of x > 0.",
)
log1p = gate(
    "log1p", "log(1+x)", lambda xp, x: xp.log1p(x),
    lambda xp, out, x: 1 / (1 + x),
    domain=(((-0.8, 4.0),),), doc="log(1 + x), exact for small x.",
)
sqrt = gate(
    "sqrt", "√", lambda xp, x: xp.sqrt(x),
    lambda xp, out, x: 0.5 / out,
    domain=(POSITIVE,), doc="√x for x ≥ 0. Its slope is undefined at 0.",
)
cbrt = gate(
    "cbrt", "∛", lambda xp, x: xp.cbrt(x),
    lambda xp, out, x: 1 / (3 * (out * out)),
    domain=(NONZERO,), doc="∛x, of negative x too. Its slope is undefined at 0.",
)
exp2 = gate(
    "exp2", "2ˣ", lambda xp, x: xp.pow(2.0, x),
    lambda xp, out, x: _LN2 * out,
    doc="2ˣ.",
)
log2 = gate(
    "log2", "log2", lambda xp, x: xp.log2(x),
    lambda xp, out, x: 1 / _LN2 / x,
    domain=(POSITIVE,), doc="Logarithm of x > 0 to the base 2.",
)
log10 = gate(
    "log10", "log10", lambda xp, x: xp.log10(x),
    lambda xp, out, x: 1 / _LN10 / x,
    domain=(POSITIVE,), doc="Logarithm of x > 0 to the base 10.",
)
hypot = gate(
    "hypot", "hypot", lambda xp, x, y: xp.hypot(x, y),
    lambda xp, out, x, y: x / out,
    lambda xp, out, x, y: y / out,
    domain=(NONZERO, NONZERO), doc="√(x² + y²), without overflow of the squares. Its slopes are undefined at (0, 0).",
)
sin = gate("sin", "sin", lambda xp, x: xp.sin(x), lambda xp, out, x: xp.cos(x), doc="Sine of x in radians.")
cos = gate("cos", "cos", lambda xp, x: xp.cos(x), lambda xp, out, x: -xp.sin(x), doc="Cosine of x in radians.")
tan = gate(
    "tan", "tan", lambda xp, x: xp.tan(x),
    lambda xp, out, x: 1 + out * out,
    domain=(((-1.4, 1.4),),), doc="Tangent of x in radians.",
)
asin = gate(
    "asin", "asin", lambda xp, x: xp.asin(x),
    lambda xp, out, x: 1 / xp.sqrt((1 - x) * (1 + x)),
    domain=(INSIDE,), doc="The angle from −π/2 to π/2 whose sine is x, for −1 ≤ x ≤ 1. Its slope is undefined at ±1.",
)
acos = gate(
    "acos", "acos", lambda xp, x: xp.acos(x),
    lambda xp, out, x: -1 / xp.sqrt((1 - x) * (1 + x)),
    domain=(INSIDE,), doc="The angle from 0 to π whose cosine is x, for −1 ≤ x ≤ 1. Its slope is undefined at ±1.",
)
atan = gate(
    "atan", "atan", lambda xp, x: xp.atan(x),
    lambda xp, out, x: 1 / (1 + x * x),
    doc="The angle from −π/2 to π/2 whose tangent is x.",
)
atan2 = gate(
    "atan2", "atan2", lambda xp, y, x: xp.atan2(y, x),
    lambda xp, out, y, x: x / xp.hypot(x, y) / xp.hypot(x, y),
    lambda xp, out, y, x: -y / xp.hypot(x, y) / xp.hypot(x, y),
    domain=(REAL, POSITIVE), doc="The angle of the point (x, y), from −π to π. Its slopes are undefined at (0, 0).",
)
sinh = gate("sinh", "sinh", lambda xp, x: xp.sinh(x), lambda xp, out, x: xp.cosh(x), doc="Hyperbolic sine.")
cosh = gate("cosh", "cosh", lambda xp, x: xp.cosh(x), lambda xp, out, x: xp.sinh(x), doc="Hyperbolic cosine.")
asinh = gate(
    "asinh", "asinh", lambda xp, x: xp.asinh(x),
    lambda xp, out, x: 1 / xp.hypot(1.0, x),
    doc="Inverse of the hyperbolic sine.",
)
acosh = gate(
    "acosh", "acosh", lambda xp, x: xp.acosh(x),
    lambda xp, out, x: 1 / xp.sqrt(x - 1) / xp.sqrt(x + 1),
    domain=(((1.1, 8.0),),), doc="Inverse of the hyperbolic cosine, for x ≥ 1. Its slope is undefined at 1.",
)
atanh = gate(
    "atanh", "atanh", lambda xp, x: xp.atanh(x),
    lambda xp, out, x: 1 / ((1 - x) * (1 + x)),
    domain=(INSIDE,), doc="Inverse of the hyperbolic tangent, for −1 < x < 1.",
)
erf = gate(
    "erf", "erf", lambda xp, x: xp.erf(x),
    lambda xp, out, x: 2 / _pi**0.5 * xp.exp(-(x * x)),
    doc="The error function, 2/√π ∫ exp(−t²) dt from 0 to x.",
)
erfc = gate(
    "erfc", "erfc", lambda xp, x: xp.erfc(x),
    lambda xp, out, x: -2 / _pi**0.5 * xp.exp(-(x * x)),
    doc="1 − erf(x), exact for large x.",
)
normal_cdf = gate(
    "normal_cdf", "Φ", lambda xp, x: xp.normal_cdf(x),
    lambda xp, out, x: _normal_pdf(xp, x),
    doc="Φ(x), the probability that a standard normal variable is below x.",
)

# Activations. Those with an exponential take it of −|x|, which cannot overflow.

tanh = gate(
    "tanh", "tanh", lambda xp, x: xp.tanh(x),
    lambda xp, out, x: 1 - out * out,
    doc="Hyperbolic tangent.",
)
sigmoid = gate(
    "sigmoid", "σ", _logistic,
    lambda xp, out, x: out * (1 - out),
    doc="The logistic function 1/(1 + e⁻ˣ).",
)
softplus = gate(
    "softplus", "softplus", lambda xp, x: xp.maximum(x, 0.0) + xp.log1p(xp.exp(-xp.abs(x))),
    lambda xp, out, x: -xp.expm1(-out),  # 1 − e⁻ᵒᵘᵗ is σ(x) without |x|, which has no slope at 0
    doc="log(1 + eˣ), the smooth relu.",
)
relu = gate(
    "relu", "relu", lambda xp, x: xp.maximum(x, 0.0),
    lambda xp, out, x: _choose(xp, x > 0, x <= 0, 1.0, 0.0),
    kink=Kink(lambda x: x, "relu′(0) = 0"), doc="max(0, x).",
)
leaky_relu = gate(
    "leaky_relu", "leaky", lambda xp, x, slope=0.1: xp.maximum(x, 0.0) + slope * xp.minimum(x, 0.0),
    lambda xp, out, x, slope: _choose(xp, x > 0, x <= 0, 1.0, slope),
    lambda xp, out, x, slope: xp.where(x > 0, 0.0, x),  # not minimum, whose slope at 0 is another convention
    kink=Kink(lambda x, slope: x, "leaky_relu′(0) = slope"), doc="x for x > 0, else slope·x.",
)
elu = gate(
    "elu", "elu", lambda xp, x, alpha=1.0: xp.maximum(x, 0.0) + alpha * xp.expm1(xp.minimum(x, 0.0)),
    lambda xp, out, x, alpha: xp.where(x >= 0, 1.0, alpha * xp.exp(xp.minimum(x, 0.0))),
    lambda xp, out, x, alpha: xp.where(x >= 0, 0.0, xp.expm1(xp.minimum(x, 0.0))),
    kink=Kink(lambda x, alpha: x, "elu′(0) = 1"), doc="x for x ≥ 0, else alpha·(eˣ − 1).",
)


def _above_zero(xp: _Any, x: _Any) -> _Any:
    return xp.where(xp.log(x) > -_inf, x, _nan)  # log raises for other floats; of other numbers in arrays it is −inf or nan


def _huber(xp: _Any, x: _Any, delta: _Any = 1.0) -> _Any:
    near = xp.minimum(xp.abs(x), _above_zero(xp, delta))
    return near * (xp.abs(x) - 0.5 * near)


silu = gate(
    "silu", "silu", lambda xp, x: x * xp.sigmoid(x),
    lambda xp, out, x: xp.sigmoid(x) + out * xp.sigmoid(-x),  # not 1 − σ(x), which cancels
    doc="x·σ(x), also called swish.",
)
gelu = gate(
    "gelu", "gelu", lambda xp, x: x * xp.normal_cdf(x),
    lambda xp, out, x: xp.normal_cdf(x) + x * _normal_pdf(xp, x),
    doc="x·Φ(x), with the normal distribution function itself, not its approximation by tanh.",
)
huber = gate(
    "huber", "huber", _huber,
    lambda xp, out, x, delta: xp.maximum(-delta, xp.minimum(x, delta)),
    lambda xp, out, x, delta: xp.maximum(xp.abs(x) - delta, 0.0),
    domain=(REAL, POSITIVE), doc="x²/2 for |x| ≤ delta, else delta·(|x| − delta/2), for delta > 0.",
)

# Choices


def _chosen_max(xp: _Any, a: _Any, b: _Any) -> _Any:
    """Return the slope of max(a, b) to a."""
    return _choose(xp, a > b, a <= b, 1.0, xp.where(a < b, 0.0, 0.5))


def _chosen_min(xp: _Any, a: _Any, b: _Any) -> _Any:
    """Return the slope of min(a, b) to a."""
    return _choose(xp, a < b, a >= b, 1.0, xp.where(a > b, 0.0, 0.5))


def _to_bound(x: float, low: float, high: float) -> float:
    return _builtins.min(_builtins.abs(x - low), _builtins.abs(_builtins.max(x, low) - high))


maximum = gate(
    "maximum", "max", lambda xp, a, b: xp.maximum(a, b),
    lambda xp, out, a, b: _chosen_max(xp, a, b),
    lambda xp, out, a, b: _chosen_max(xp, b, a),
    kink=Kink(lambda a, b: a - b, "a tie is split evenly"), nickname="gradient router", doc="The larger of a and b.",
)
minimum = gate(
    "minimum", "min", lambda xp, a, b: xp.minimum(a, b),
    lambda xp, out, a, b: _chosen_min(xp, a, b),
    lambda xp, out, a, b: _chosen_min(xp, b, a),
    kink=Kink(lambda a, b: a - b, "a tie is split evenly"), nickname="gradient router", doc="The smaller of a and b.",
)
clip = gate(
    "clip", "clip", lambda xp, x, low, high: xp.minimum(xp.maximum(x, low), high),
    lambda xp, out, x, low, high: _chosen_max(xp, x, low) * _chosen_min(xp, xp.maximum(x, low), high),
    lambda xp, out, x, low, high: _chosen_max(xp, low, x) * _chosen_min(xp, xp.maximum(x, low), high),
    lambda xp, out, x, low, high: _chosen_min(xp, high, xp.maximum(x, low)),
    domain=(REAL, ((-4.0, -1.0),), ((1.0, 4.0),)), kink=Kink(_to_bound, "a tie with a bound is split evenly"),
    nickname="gradient router", doc="x, but at least low and at most high.",
)
where = gate(
    "where", "where", lambda xp, c, a, b: _choose(xp, c > 0, c <= 0, a, b),
    None,
    lambda xp, out, c, a, b: _choose(xp, c > 0, c <= 0, 1.0, 0.0),
    lambda xp, out, c, a, b: _choose(xp, c > 0, c <= 0, 0.0, 1.0),
    kink=Kink(lambda c, a, b: c, "c = 0 takes b"), nickname="gradient router",
    doc="a if c > 0, else b. No gradient to c.",
)
step = gate(
    "step", "step", lambda xp, x: _choose(xp, x >= 0, x < 0, 1.0, 0.0),
    None,
    kink=Kink(lambda x: x, "step(0) = 1"), doc="1 if x ≥ 0, else 0. No gradient.",
)
sign = gate(
    "sign", "sign", lambda xp, x: _choose(xp, x >= 0, x < 0, 1.0, -1.0),
    None,
    kink=Kink(lambda x: x, "sign(0) = +1"), doc="1 if x ≥ 0, else −1. No gradient.",
)

exceeds = gate(
    "exceeds", ">", lambda xp, a, b: xp.exceeds(a, b),
    None,
    None,
    kink=Kink(lambda a, b: a - b, "a tie gives 0"), doc="1 if a > b, else 0, for infinite a and b too. No gradient.",
)

# Gates with any number of inputs: one local rule gives the gradients of all of them.


_MOST = _sys.float_info.max


def _total(xs: _Any, start: _Any = 0.0) -> _Any:
    return _reduce(_plus, xs, start)  # not sum(), which compensates rounding since Python 3.12


def _dot_inputs(w: _Any, x: _Any, bias: _Any = 0.0) -> tuple[_Any, ...]:
    w = w if w.__class__ is list else _entries("dot, for w,", w)
    x = x if x.__class__ is list else _entries("dot, for x,", x)
    if len(w) != len(x):
        raise ValueError(f"dot needs as many weights as inputs: w has {len(w)} entries, x has {len(x)}")
    return (*w, *x) if bias.__class__ is float and bias == 0.0 else (*w, *x, bias)


def _dot(xp: _Any, *inputs: _Any) -> _Any:
    n, biased = divmod(len(inputs), 2)
    return _total(map(_times, inputs[:n], inputs[n:]), inputs[-1] if biased else 0.0)


def _dot_gradients(xp: _Any, out: _Any, *inputs: _Any) -> tuple[_Any, ...]:
    n, biased = divmod(len(inputs), 2)
    return inputs[n : 2 * n] + inputs[:n] + (1.0,) * biased


def _products_of_others(xp: _Any, out: _Any, *xs: _Any) -> list[_Any]:
    before = list(_accumulate(xs[:-1], _times, initial=1.0))
    after = list(_accumulate(xs[:0:-1], _times, initial=1.0))
    return [left * right for left, right in zip(before, reversed(after))]  # not out / x, because x may be 0


def _max_gradients(xp: _Any, out: _Any, *xs: _Any) -> list[_Any]:
    hits = [_choose(xp, x < out, x >= out, 0.0, 1.0) for x in xs]
    ties = _total(hits)
    return [hit / ties for hit in hits]


def _exponentials(xp: _Any, xs: _Any) -> tuple[_Any, _Any, _Any]:
    """Return the largest x, whether it is finite, and e to the power x − largest for every x."""
    top = _reduce(xp.maximum, xs)
    finite = xp.abs(top) <= _MOST
    shift = xp.where(finite, top, _MOST)  # inf − inf would be nan
    return top, finite, [xp.exp(x - shift) for x in xs]


def _logsumexp(xp: _Any, *xs: _Any) -> _Any:
    top, finite, exponentials = _exponentials(xp, xs)
    return top + xp.log(xp.where(finite, _total(exponentials), 1.0))


def _softmax(xp: _Any, out: _Any, *xs: _Any) -> list[_Any]:
    _, _, exponentials = _exponentials(xp, xs)  # e to the power x − out would lose the digits that out has rounded away
    total = _total(exponentials)
    return [exponential / total for exponential in exponentials]


def _lead(*xs: float) -> float:
    second, first = sorted((-_inf, *xs))[-2:]
    return first - second


sum = gate(
    "sum", "Σ", lambda xp, *xs: _total(xs),
    lambda xp, out, *xs: [1.0] * len(xs),
    nickname="gradient distributor", doc="Σ xᵢ as one node.",
)
dot = gate(
    "dot", "w·x+b", _dot, _dot_gradients,
    arrange=_dot_inputs, nickname="swap multiplier", doc="Σ wᵢ·xᵢ + bias as one node.",
)
prod = gate(
    "prod", "Π", lambda xp, *xs: _reduce(_times, xs, 1.0), _products_of_others,
    doc="Π xᵢ as one node. Each input's local gradient is the product of the others.",
)
max = gate(
    "max", "max", lambda xp, *xs: _reduce(xp.maximum, xs), _max_gradients,
    kink=Kink(_lead, "a tie of k is split evenly"), nickname="gradient router", doc="The largest of its inputs.",
)
logsumexp = gate(
    "logsumexp", "logsumexp", _logsumexp, _softmax,
    doc="log Σ eˣ, the smooth max. Its local gradients are the softmax.",
)
