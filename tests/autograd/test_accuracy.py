"""Guards the digits of every gate: outputs and local gradients beside 50-digit ones, over many magnitudes.

A gate without a case is tried within its domain, beside its own rule in 50 digits and the derivative of that rule.
`python -m tests.readme` writes the measurements into autograd/gates.md.
"""

from __future__ import annotations

import math
import platform
import random
import re
from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any, NamedTuple

import pytest

from autograd import GATES, Gate, gate
from autograd.functions import FAR_OUT, FLOATS, FUNCTIONS
from tests.readme import BUILT_IN as ROWS, GATES_PAGE

mpmath = pytest.importorskip("mpmath")
mp: Any = mpmath.mp
mp.dps = 50

BUILT_IN = [gate.name for gate in ROWS]

OUTPUT, PARTIAL = 2.0, 4.0  # units in the last place that are allowed where nothing else is said
SMALLEST = 1e-290  # below are the numbers that lose digits
Inputs = Sequence[float]


class Case(NamedTuple):
    """The reference for a gate: exact functions of mpmath numbers, the inputs it is tried on, and where it may be off by more.

    wider, steeper: what the output and the local gradients may be off by, in units in the last place, of the inputs; `reason`
    says why
    scale: the size by which the error of a local gradient is measured, if it is not its own
    """

    exact: Callable[..., Any]
    partials: tuple[Callable[..., Any] | None, ...]
    low: float = -math.inf
    high: float = math.inf
    wider: Callable[..., float] = lambda *x: OUTPUT
    steeper: Callable[..., float] = lambda *x: PARTIAL
    scale: Callable[..., Any] | None = None
    reason: str = ""


def _sigma(x: Any) -> Any:
    return 1 / (1 + mp.exp(-x))


def _pdf(x: Any) -> Any:
    return mp.exp(-x * x / 2) / mp.sqrt(2 * mp.pi)


def _one(*x: Any) -> Any:
    return mp.mpf(1)


SQUARE = "the rounding of x² in exp(−x²)"
ONE_MINUS = "1 − out cancels where the output rounds to 1: measured by the largest slope"
POSITIVE = 1e-300

CASES: dict[str, Case] = {
    "add": Case(lambda a, b: a + b, (_one, _one)),
    "sub": Case(lambda a, b: a - b, (_one, lambda a, b: -_one())),
    "neg": Case(lambda x: -x, (lambda x: -_one(),)),
    "mul": Case(lambda a, b: a * b, (lambda a, b: b, lambda a, b: a)),
    "div": Case(lambda a, b: a / b, (lambda a, b: 1 / b, lambda a, b: -a / b**2)),
    "reciprocal": Case(lambda x: 1 / x, (lambda x: -1 / x**2,)),
    "pow": Case(
        lambda x, y: x**y,
        (lambda x, y: y * x ** (y - 1), lambda x, y: x**y * mp.log(x)),
        POSITIVE,
        steeper=lambda x, y: PARTIAL + 2 * abs(math.log(x)),
        reason="the rounding of y − 1, times log x",
    ),
    "abs": Case(abs, (lambda x: mp.sign(x),)),
    "exp": Case(mp.exp, (mp.exp,), -700, 700),
    "expm1": Case(mp.expm1, (mp.exp,), -700, 700),
    "exp2": Case(lambda x: mp.mpf(2) ** x, (lambda x: mp.log(2) * mp.mpf(2) ** x,), -1000, 1000),
    "log": Case(mp.log, (lambda x: 1 / x,), POSITIVE),
    "log2": Case(lambda x: mp.log(x) / mp.log(2), (lambda x: 1 / x / mp.log(2),), POSITIVE),
    "log10": Case(mp.log10, (lambda x: 1 / x / mp.log(10),), POSITIVE),
    "log1p": Case(mp.log1p, (lambda x: 1 / (1 + x),), -0.999),
    "sqrt": Case(mp.sqrt, (lambda x: 0.5 / mp.sqrt(x),), POSITIVE),
    "cbrt": Case(lambda x: mp.sign(x) * mp.cbrt(abs(x)), (lambda x: 1 / (3 * mp.cbrt(abs(x)) ** 2),)),
    "hypot": Case(
        lambda x, y: mp.sqrt(x * x + y * y),
        (lambda x, y: x / mp.sqrt(x * x + y * y), lambda x, y: y / mp.sqrt(x * x + y * y)),
    ),
    "sin": Case(mp.sin, (mp.cos,)),
    "cos": Case(mp.cos, (lambda x: -mp.sin(x),)),
    "tan": Case(mp.tan, (lambda x: 1 + mp.tan(x) ** 2,)),
    "asin": Case(mp.asin, (lambda x: 1 / mp.sqrt(1 - x * x),), -1, 1),
    "acos": Case(mp.acos, (lambda x: -1 / mp.sqrt(1 - x * x),), -1, 1),
    "atan": Case(mp.atan, (lambda x: 1 / (1 + x * x),)),
    "atan2": Case(
        mp.atan2,
        (lambda y, x: x / (x * x + y * y), lambda y, x: -y / (x * x + y * y)),
        steeper=lambda y, x: 6.0,
        reason="the rounding of hypot, twice",
    ),
    "sinh": Case(mp.sinh, (mp.cosh,), -700, 700),
    "cosh": Case(mp.cosh, (mp.sinh,), -700, 700),
    "asinh": Case(mp.asinh, (lambda x: 1 / mp.sqrt(1 + x * x),)),
    "acosh": Case(mp.acosh, (lambda x: 1 / mp.sqrt(x * x - 1),), 1),
    "atanh": Case(mp.atanh, (lambda x: 1 / (1 - x * x),), -1, 1),
    "erf": Case(
        mp.erf,
        (lambda x: 2 / mp.sqrt(mp.pi) * mp.exp(-x * x),),
        -26,
        26,
        steeper=lambda x: PARTIAL + x * x,
        reason=SQUARE,
    ),
    "erfc": Case(
        mp.erfc,
        (lambda x: -2 / mp.sqrt(mp.pi) * mp.exp(-x * x),),
        -26,
        25.7,
        wider=lambda x: 8.0,
        steeper=lambda x: PARTIAL + x * x,
        reason=f"the output is a product of three factors and a quotient; {SQUARE}",
    ),
    "normal_cdf": Case(
        mp.ncdf,
        (_pdf,),
        -36,
        36,
        wider=lambda x: 8.0,
        steeper=lambda x: PARTIAL + x * x / 2,
        reason=f"the output is a product of three factors and a quotient; {SQUARE}",
    ),
    "tanh": Case(mp.tanh, (lambda x: 1 - mp.tanh(x) ** 2,), scale=_one, reason=ONE_MINUS),
    "sigmoid": Case(
        _sigma,
        (lambda x: _sigma(x) * _sigma(-x),),
        -700,
        scale=lambda x: mp.mpf(0.25) if x > 0 else _sigma(x) * _sigma(-x),
        reason=ONE_MINUS,
    ),
    "softplus": Case(lambda x: mp.log1p(mp.exp(x)), (_sigma,), -700),
    "silu": Case(
        lambda x: x * _sigma(x),
        (lambda x: _sigma(x) * (1 + x * _sigma(-x)),),
        -600,
        wider=lambda x: 3.0,
        scale=lambda x: _sigma(x) * (1 + abs(x) * _sigma(-x)),
        reason="one rounding more than σ; the slope is measured by its two terms, which cancel at −1.28",
    ),
    "gelu": Case(
        lambda x: x * mp.ncdf(x),
        (lambda x: mp.ncdf(x) + x * _pdf(x),),
        -36,
        1e100,
        wider=lambda x: 9.0,
        steeper=lambda x: 8.0 + min(x * x, 1400.0) / 2,
        scale=lambda x: mp.ncdf(x) + abs(x) * _pdf(x),
        reason=f"as Φ, and one rounding more; the slope is measured by its two terms, which cancel at −0.75; {SQUARE}",
    ),
    "relu": Case(lambda x: max(x, 0), (lambda x: mp.mpf(x > 0),)),
    "leaky_relu": Case(
        lambda x, s: x if x > 0 else s * x, (lambda x, s: _one() if x > 0 else s, lambda x, s: 0 if x > 0 else x)
    ),
    "elu": Case(
        lambda x, a: x if x >= 0 else a * mp.expm1(x),
        (lambda x, a: _one() if x >= 0 else a * mp.exp(x), lambda x, a: 0 if x >= 0 else mp.expm1(x)),
        -600,
    ),
    "huber": Case(
        lambda x, d: x * x / 2 if abs(x) <= d else d * (abs(x) - d / 2),
        (lambda x, d: max(-d, min(x, d)), lambda x, d: max(abs(x) - d, 0)),
        POSITIVE,
    ),
    "maximum": Case(max, (lambda a, b: mp.mpf(a > b), lambda a, b: mp.mpf(b > a))),
    "minimum": Case(min, (lambda a, b: mp.mpf(a < b), lambda a, b: mp.mpf(b < a))),
    "clip": Case(
        lambda x, low, high: min(max(x, low), high),
        (
            lambda x, low, high: mp.mpf(x > low and x < high),
            lambda x, low, high: mp.mpf(x < low < high),
            lambda x, low, high: mp.mpf(max(x, low) > high),
        ),
    ),
    "where": Case(
        lambda c, a, b: a if c > 0 else b, (None, lambda c, a, b: mp.mpf(c > 0), lambda c, a, b: mp.mpf(c <= 0))
    ),
    "step": Case(lambda x: mp.mpf(x >= 0), (None,)),
    "sign": Case(lambda x: 1 if x >= 0 else -1, (None,)),
    "exceeds": Case(lambda a, b: mp.mpf(a > b), (None, None)),
}
# Gates of any number of inputs, on four of one sign: what several roundings are compared with has no cancellation.
SEVERAL: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "sum": (lambda *x: mp.fsum(x), lambda i, *x: _one()),
    "dot": (lambda *x: mp.fdot(x[:2], x[2:]), lambda i, *x: x[(i + 2) % 4]),
    "prod": (lambda *x: mp.fprod(x), lambda i, *x: mp.fprod(x[:i] + x[i + 1 :])),
    "max": (max, lambda i, *x: mp.mpf(x[i] == max(x))),
    "logsumexp": (
        lambda *x: mp.log(mp.fsum(map(mp.exp, x))),
        lambda i, *x: mp.exp(x[i]) / mp.fsum(map(mp.exp, x)),
    ),
}


class _Exact:
    """The `xp` of mpmath numbers."""

    maximum, minimum, pow = max, min, mp.power
    floor, ceil = mp.floor, mp.ceil

    def __getattr__(self, name: str) -> Any:
        rule = FUNCTIONS[name].rule if name in FUNCTIONS else None
        return partial(rule, self) if rule and not hasattr(mp, name) else getattr(mp, name)

    def abs(self, x: Any) -> Any:
        return abs(x)

    def trunc(self, x: Any) -> Any:
        return mp.sign(x) * mp.floor(abs(x))

    def log2(self, x: Any) -> Any:
        return mp.log(x, 2)

    def normal_cdf(self, x: Any) -> Any:
        return mp.ncdf(x)

    def where(self, condition: Any, a: Any, b: Any) -> Any:
        return a if condition else b


def by_its_rule(gate: Gate) -> Case:
    """The case of a gate that has none: its own rule, and the derivatives of that rule, where there are to be any."""

    def exact(*x: Any) -> Any:
        return mp.mpf(gate.forward(_Exact(), *x))

    def slope(i: int) -> Callable[..., Any]:
        return lambda *x: mp.diff(exact, x, tuple(int(i == k) for k in range(len(x))))

    return Case(exact, tuple(slope(i) if rule else None for i, rule in enumerate(gate.local)))


def several_by_its_rule(gate: Gate) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """The same for a gate of any number of inputs."""
    exact = by_its_rule(gate).exact
    return exact, lambda i, *x: mp.diff(exact, x, tuple(int(i == k) for k in range(len(x))))


def points(gate: Gate, case: Case, count: int = 400) -> list[list[float]]:
    """Numbers of many magnitudes, in every input, and near the ends of the first input's interval."""
    rng = random.Random(gate.name)
    if gate.name not in CASES:
        return [[rng.uniform(*rng.choice(intervals)) for intervals in gate.domain] for _ in range(count // 4)]
    alone = len(gate.names) == 1
    found: list[list[float]] = []
    while len(found) < count:
        most = 100 if alone and case.high > 1e9 else 10
        x = rng.choice([-1.0, 1.0]) * rng.uniform(1.0, 2.0) * 2.0 ** rng.randint(-60 if alone else -10, most)
        if alone and rng.random() < 0.5:
            low, high = max(case.low, -40.0), min(case.high, 40.0)
            x = rng.uniform(low, high)
        row = [x, *(rng.choice([-1.0, 1.0]) * rng.uniform(0.5, 4.0) for _ in gate.names[1:])]
        if case.low >= 0:
            row = [abs(number) for number in row]
        if case.low < row[0] < case.high:
            found.append(row)
    return found


def units(found: float, exact: Any, scale: Any = None) -> float:
    """The error in units in the last place of the exact number, or of the size that it is measured by."""
    size = abs(float(exact if scale is None else scale))
    return float(abs(mp.mpf(found) - exact) / math.ulp(size)) if SMALLEST < size < math.inf else 0.0


class Measured(NamedTuple):
    output: float
    partial: float


@cache
def measured(name: str) -> Measured:
    """The largest errors of a gate, each beside what is allowed: OUTPUT and PARTIAL are reached where it is."""
    gate = GATES[name]
    if gate.variadic:
        return _measured_of_many(gate)
    case, output, partial = CASES.get(name) or by_its_rule(gate), 0.0, 0.0
    for row in points(gate, case):
        numbers = [mp.mpf(x) for x in row]
        out = gate.forward(FLOATS, *row)
        error = units(out, mp.mpf(case.exact(*numbers)))
        assert error <= case.wider(*row), (name, row, error)
        output = max(output, error)
        slopes = gate.local_gradients(FLOATS, out, row)
        for slope, exact in zip(slopes, case.partials, strict=True):
            assert (slope is None) == (exact is None)
            if exact is not None:
                error = units(slope, mp.mpf(exact(*numbers)), case.scale and case.scale(*numbers))
                assert error <= case.steeper(*row), (name, row, error)
                partial = max(partial, error)
    return Measured(output, partial)


def _measured_of_many(gate: Gate) -> Measured:
    exact, exact_partial = SEVERAL.get(gate.name) or several_by_its_rule(gate)
    rng, output, partial = random.Random(gate.name), 0.0, 0.0
    for _ in range(300):
        row = [rng.uniform(1.0, 2.0) * 2.0 ** rng.randint(-5, 5) for _ in range(4)]
        numbers = [mp.mpf(x) for x in row]
        out = gate.forward(FLOATS, *row)
        output = max(output, units(out, exact(*numbers)))
        for i, slope in enumerate(gate.local_gradients(FLOATS, out, row)):
            partial = max(partial, units(slope, exact_partial(i, *numbers)))
    return Measured(output, partial)


@pytest.mark.parametrize("name", BUILT_IN)
def test_it_has_the_digits(name: str) -> None:
    output, partial = measured(name)
    if GATES[name].variadic:
        assert output <= OUTPUT
        assert partial <= PARTIAL + 40 * (name == "logsumexp")  # the rounding of x − largest, before exp


def test_every_case_is_that_of_a_gate() -> None:
    assert {*CASES, *SEVERAL} <= {*BUILT_IN}


@pytest.mark.parametrize(
    "name", ["mul", "hypot", "exp", "log10", "atan2", "sigmoid", "erf", "relu", "clip", "logsumexp", "prod"]
)
def test_the_rule_of_a_gate_gives_the_case_that_is_written_by_hand(name: str) -> None:
    """At 50 digits both are the same function, so a new gate needs no case."""
    row, rng = GATES[name], random.Random(0)
    for _ in range(5):
        x = [
            mp.mpf(rng.uniform(*rng.choice(intervals)))
            for intervals in (row.domain if not row.variadic else row.domain * 4)
        ]
        if row.variadic:
            (exact, slope), (ours, our_slope) = SEVERAL[name], several_by_its_rule(row)
            pairs = [(exact(*x), ours(*x)), *((slope(i, *x), our_slope(i, *x)) for i in range(4))]
        else:
            case, other = CASES[name], by_its_rule(row)
            pairs = [(case.exact(*x), other.exact(*x))]
            pairs += [(a(*x), b(*x)) for a, b in zip(case.partials, other.partials, strict=True) if a and b]
        assert all(abs(a - b) <= mp.mpf(10) ** -14 * (1 + abs(a)) for a, b in pairs)


def test_a_new_gate_is_measured_without_a_case() -> None:
    """Rounding is allowed, a wrong slope and digits that cancel are found."""
    fine = gate(
        "fine",
        "x·σ",
        lambda xp, x: x * xp.sigmoid(x),
        lambda xp, out, x: xp.sigmoid(x) + out * xp.sigmoid(-x),
        domain=[((0.0, 4.0),)],
    )
    wrong = gate("wrong", "x²", lambda xp, x: x * x, lambda xp, out, x: x)
    lossy = gate("lossy", "1−cos", lambda xp, x: 1 - xp.cos(x), lambda xp, out, x: xp.sin(x))
    try:
        found = measured.__wrapped__(fine.name)
        assert 0 < found.output <= OUTPUT
        assert 0 < found.partial <= PARTIAL
        for row in (wrong, lossy):
            with pytest.raises(AssertionError, match=row.name):
                measured.__wrapped__(row.name)
    finally:
        for row in (fine, wrong, lossy):
            del GATES[row.name]


def test_the_coefficients_of_the_tail_are_those_of_the_published_series() -> None:
    """(1 + 2z) exp(z²) erfc z as a polynomial in (z − 3.75)/(z + 3.75), in exact arithmetic."""
    for z in (0.0, 0.4, 1.0, 2.5, 3.75, 7.0, 12.0, 25.0):
        exact = (1 + 2 * mp.mpf(z)) * mp.exp(mp.mpf(z) ** 2) * mp.erfc(z)
        t = (mp.mpf(z) - 3.75) / (mp.mpf(z) + 3.75)
        assert abs(mp.fsum(c * t**n for n, c in enumerate(reversed(FAR_OUT))) / exact - 1) < 1e-16


def row(name: str, output: str, partial: str) -> str:
    reason = CASES[name].reason if name in CASES else "the rounding of x − largest" * (name == "logsumexp")
    return f"| `{name}` | {output} | {partial} | {reason} |"


def table() -> str:
    """The measurements as Markdown."""
    lines = ["| gate | output | local gradients | allowed |", "|---|---|---|---|"]
    lines += [row(name, *(f"{error:.1f}" for error in measured(name))) for name in BUILT_IN]
    return "\n".join(lines)


PAGE = GATES_PAGE.read_text(encoding="utf-8")
LIBM = " ".join(platform.libc_ver())
PRINTED = re.findall(r"^\| `(\w+)` \| (\d+\.\d) \| (\d+\.\d) \| .*\|$", PAGE, re.MULTILINE)


def renewed(page: str) -> str:
    """Return the page of the gates with the table as measured here."""
    head = table().partition("\n")[0]
    before, _, rest = page.partition(head)
    _, end, after = rest.partition("\n\n")
    return re.sub(r"as measured on \S+ \S+ by", f"as measured on {LIBM} by", before) + table() + end + after


def test_the_page_has_a_row_for_every_gate() -> None:
    assert [name for name, *_ in PRINTED] == [*BUILT_IN], "run python -m tests.readme"
    assert all(row(*cells) in PAGE for cells in PRINTED)


@pytest.mark.skipif(f"measured on {LIBM} " not in PAGE, reason="another libm, other last digits")
def test_the_page_shows_the_measurements() -> None:
    assert table() in PAGE, "run python -m tests.readme"
    assert renewed(PAGE) == PAGE
