"""Finite differences: the slow, approximate and independent way to a gradient, to check the exact one by."""

from __future__ import annotations

import inspect
import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from typing import Any, Literal, NamedTuple

from .arguments import as_float, checks_keywords, truncated_repr
from .backward import adjoints, topological_order
from .context import no_grad
from .functional import called, fill, flat, grad
from .functions import FLOATS
from .value import Operand, Value

__all__ = ["check_gradients", "finite_differences"]

Function = Callable[..., Operand]
Scheme = Literal["central", "forward"]
WINDOW = 2.0  # slopes within this many steps of x tell whether a step resolves f
STEP = {"central": 1e-5, "forward": 1e-7}  # near where the error of the formula and that of rounding are equal
ULPS = (512, 128, 32, 16, 8, 6, 4, 3, 2)  # the shortest steps, in units of the last place of x


@checks_keywords
def check_gradients(
    f: Function,
    inputs: Sequence[Any],
    *,
    gradient: Callable[..., Any] | None = None,
    scheme: Scheme = "central",
    step: float | None = None,
    rtol: float = 1e-5,
    atol: float = 0.0,
    raises: bool = False,
) -> GradientCheck:
    """Compare the gradient of f(*inputs) with finite differences (f(x+h) − f(x−h))/2h, input by input.

    An input is a number or a list of numbers. The gradients agree when their difference is at most atol + rtol·|gradient|
    and the error that the finite difference has itself: what rounding can do to it, and how much halving its step changes
    it. Unless step is given, the step with the least error is found for every input. A gradient that changes by as much
    within the shortest steps as anywhere, as that of sin(x) at 1e17 does, is reported as unmeasured: not ok, not WRONG. With
    raises=True a gradient that is not ok raises an AssertionError that carries the table.

    gradient: a function of your own, to be checked in place of the engine. gradient(*inputs) gives what grad(f) would:
        ∂f/∂x of one input alone, of several a list with one entry for each, in the shape of the input.

    >>> check_gradients(lambda x, y: x * y + x, [2.0, 3.0])
    input  at  analytic  numeric  abs error  rel error  result
        x   2         4        4    0.0e+00    0.0e+00      ok
        y   3         2        2    3.0e-11    1.5e-11      ok
    >>> check_gradients(lambda x, y: x * y + x, [2.0, 3.0], gradient=lambda x, y: [y, x])
    input  at  analytic  numeric  abs error  rel error  result
        x   2         3        4    1.0e+00    2.5e-01   WRONG
        y   3         2        2    3.0e-11    1.5e-11      ok
    """
    inputs = _arguments(f, inputs, "check_gradients")
    rtol, atol = _tolerance("rtol", rtol), _tolerance("atol", atol)
    data = [_data(x) for x in flat(inputs)]
    if gradient is None:
        analytic = list(flat(grad(lambda *xs: f(*xs))(*fill(inputs, iter(data)))))
    else:
        analytic = _by_hand(gradient, f, inputs, data)
    own = _rounding_of_gradient(f, inputs, data)
    checks = []
    for i, (name, at, exact) in enumerate(zip(_names(f, inputs), data, analytic, strict=True)):
        approximate, error, measured = _numeric(f, inputs, data, i, scheme, step, rtol, exact, own[i])
        tolerance = atol + error + own[i] + rtol * max(abs(exact), abs(approximate))
        checks.append(Check(name, at, exact, approximate, tolerance, measured))
    report = GradientCheck(tuple(checks), "" if all(c.ok for c in checks) else _kinks(f, inputs, data))
    if raises and not report.ok:
        found = "wrong" if report.worst.measured else "not measurable"
        raise AssertionError(f"the gradient is {found} in {report.worst.name}:\n{report}")
    return report


def _by_hand(gradient: Callable[..., Any], f: Function, inputs: Sequence[Any], data: Sequence[float]) -> list[float]:
    """Return the entries of a gradient that the user worked out: of one input alone, of several one for each."""
    answer = gradient(*fill(inputs, iter(data)))
    slopes = _listed([answer] if len(inputs) == 1 else answer)
    if not isinstance(slopes, (list, tuple)) or len(slopes) != len(inputs):
        raise ValueError(
            f"gradient(*inputs) is a list with one entry for each of {len(inputs)} inputs, not {truncated_repr(answer)}"
        )
    names = _parameters(f, len(inputs))
    return [s for name, x, slope in zip(names, inputs, slopes, strict=True) for s in _matched(name, x, slope)]


def _matched(name: str, x: Any, slope: Any) -> Iterator[float]:
    """Yield the entries of the gradient in one input, which has the shape of the input."""
    slope = _listed(slope)
    if not isinstance(x, (list, tuple)):
        yield slope.data if isinstance(slope, Value) else as_float(slope, f"the gradient in {name}")
    elif not isinstance(slope, (list, tuple)) or len(slope) != len(x):
        raise ValueError(f"the gradient in {name} has its shape: a list of {len(x)}, not {truncated_repr(slope)}")
    else:
        for i, (entry, part) in enumerate(zip(x, slope, strict=True)):
            yield from _matched(f"{name}[{i}]", entry, part)


def _listed(x: Any) -> Any:
    """Return an array as lists, and what is none as it is."""
    return x.tolist() if hasattr(x, "tolist") else x


def _numeric(
    f: Function,
    inputs: Sequence[Any],
    data: Sequence[float],
    i: int,
    scheme: Scheme,
    step: float | None,
    rtol: float,
    exact: float,
    own: float,
) -> tuple[float, float, bool]:
    """Return the finite difference in entry i by the step that suits f best, its error, and whether it measures f at all.

    The usual step ends the search if it is accurate and agrees with the gradient. Before it disagrees, steps of all sizes
    are tried, because a function may vary over much less or much more than x does. own: the error of the gradient itself.
    """
    found: list[tuple[float, float, float]] = []  # steps, their finite differences, and the errors of these
    scales: list[float] = []  # where all sizes of steps were tried, they tell which of them resolve f
    failure: Exception = ValueError("there is no step to take")
    usual = _step(scheme, step)
    for h in _steps(usual, abs(data[i])) if step is None else [usual]:
        try:
            once, half = (_difference(f, inputs, data, i, scheme, size) for size in (h, h / 2))
            noise = 4 * _rounding(f, inputs, [*data[:i], data[i] + h, *data[i + 1 :]]) / h
        except (ArithmeticError, ValueError) as error:
            failure = error
            continue
        error_ = 2 * abs(once - half) + noise
        if error_ <= rtol * abs(half) and abs(half - exact) <= error_ + rtol * abs(half):
            return half, error_, True
        found.append((h, half, error_))
        if once == half == exact and h < usual / 100:  # flat at two scales: a relu that is off, for one
            break
    else:
        scales = [0.0, *(h for h, *_ in found)] if step is None else []
    if not found:
        raise failure
    near = {h: _slopes(f, inputs, data, i, h) for h in scales}
    changes = {h: _change(near, WINDOW * h) for h, *_ in found}
    largest = max(map(abs, chain.from_iterable(near.values())), default=0.0)
    least = max(max(changes.values()) / 2, rtol * largest, 2 * own)  # slopes that change by less are one slope

    finest = _change(near, max(ULPS[0] * math.ulp(data[i]), min(changes)))

    def judged(h: float, slope: float, error: float) -> tuple[float, float, bool]:
        # Two steps over a whole number of periods agree with each other, and not with shorter steps. A step across many
        # waves measures their mean: the slopes inside it change by as much as anywhere.
        error = max([error, *(abs(slope - other) - its for k, other, its in found if k < h)])
        resolved = not changes[h] > least
        return slope, error if resolved else error + changes[h], resolved or not finest > least

    return min((judged(*each) for each in found), key=lambda each: (math.isnan(each[1]), each[1]))


def _change(near: Mapping[float, Sequence[float]], window: float) -> float:
    """Return the largest change of the slope from x to the points of steps within a window."""
    return max(
        (abs(s - at) for h, slopes in near.items() if h <= window for s in slopes for at in near[0.0]), default=0.0
    )


def _slopes(f: Function, inputs: Sequence[Any], data: Sequence[float], i: int, h: float) -> list[float]:
    """Return the engine's derivatives in entry i at x ± h and x ± h/2, where f has them."""
    slopes = []
    for at in {data[i] + h, data[i] - h, data[i] + h / 2, data[i] - h / 2}:
        moved = [Value(x) for x in [*data[:i], at, *data[i + 1 :]]]
        with suppress(ArithmeticError, ValueError):
            y = f(*fill(inputs, iter(moved)))
            if isinstance(y, Value):
                slopes.append(adjoints(y).get(moved[i], 0.0))
    return slopes


def _steps(h: float, x: float) -> Iterator[float]:
    """Yield the usual step, absolute or for x beyond ±1 relative to x, the one relative to x, others, and a few ulps of x."""
    bases = sorted({h * max(1.0, x), h * x} - {0.0}, reverse=True)
    for power in (0, -4, -1, -2, -3, -5, -6, -7, -8, 1, 2, 3, 4):
        for base in bases:
            yield base * 10.0**power
    if x:
        for ulps in ULPS:
            yield ulps * math.ulp(x)


@checks_keywords
def finite_differences(
    f: Function, inputs: Sequence[Any], *, scheme: Scheme = "central", step: float | None = None
) -> list[float]:
    """Return the numeric gradient in every entry of the inputs: 2 evaluations of f for each (forward: 1, and 1 more).

    central: (f(x+h) − f(x−h))/2h, error of order h²; forward: (f(x+h) − f(x))/h, error of order h.

    >>> finite_differences(lambda x: x**2, [3.0], scheme="forward", step=0.5)
    [6.5]
    """
    h = _step(scheme, step)
    inputs = _arguments(f, inputs, "finite_differences")
    data = [_data(x) for x in flat(inputs)]
    return [_difference(f, inputs, data, i, scheme, h) for i in range(len(data))]


def _arguments(f: Any, inputs: Any, what: str) -> Sequence[Any]:
    """Return the arguments to call f with, or say what is wrong with them: a list where f takes one is easily confused."""
    called(f, what)
    given = fill(inputs, iter([*flat(inputs)]))
    if not isinstance(given, (list, tuple)):
        raise TypeError(f"inputs is a list with one entry per argument of f: write [{truncated_repr(inputs)}]")
    try:
        signature = inspect.signature(f)
    except (TypeError, ValueError):  # some callables have no signature
        return given
    try:
        signature.bind(*given)
    except TypeError as error:
        raise TypeError(
            f"inputs has {len(given)} entries, one per argument of f({', '.join(signature.parameters)}), and there is "
            f"{error}: a list that is one argument stands in a list, [{truncated_repr(inputs)}]"
        ) from None
    return given


def _tolerance(name: str, x: Any) -> float:
    found = as_float(x, name)
    if not found >= 0:
        raise ValueError(f"{name} is a number of at least 0, not {found!r}")
    return found


def _step(scheme: Scheme, step: float | None) -> float:
    if not isinstance(scheme, str) or scheme not in STEP:
        raise ValueError(f"the scheme is 'central' or 'forward', not {scheme!r}")
    h = STEP[scheme] if step is None else as_float(step, "the step")
    if not 0 < h < math.inf:
        raise ValueError(f"the step must be positive and finite, not {h!r}")
    return h


def _difference(f: Function, inputs: Sequence[Any], data: Sequence[float], i: int, scheme: Scheme, h: float) -> float:
    up, down = data[i] + h, data[i] - h if scheme == "central" else data[i]
    if up == down:
        raise ValueError(f"the step {h!r} is too small to change {data[i]!r}")
    above, below = ([*data[:i], nudged, *data[i + 1 :]] for nudged in (up, down))
    return (_evaluate(f, inputs, above) - _evaluate(f, inputs, below)) / (up - down)


def _evaluate(f: Function, inputs: Sequence[Any], data: Sequence[float]) -> float:
    with no_grad():
        y = f(*fill(inputs, map(Value, data)))
        return y.data if isinstance(y, Value) else as_float(y, "the output of the function")


def _data(x: Any) -> float:
    return x.data if isinstance(x, Value) else as_float(x, "an input")


def _names(f: Function, inputs: Sequence[Any]) -> Iterator[str]:
    """Name every entry of the inputs."""
    for name, x in zip(_parameters(f, len(inputs)), inputs, strict=True):
        yield from _entries(name, x)


def _parameters(f: Function, count: int) -> list[str]:
    """Name inputs by the parameters of f where it has them, and by place."""
    try:
        parameters = [
            p.name for p in inspect.signature(f).parameters.values() if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
        ]
    except (TypeError, ValueError):  # some callables have no signature
        parameters = []
    return [*parameters, *(f"input {i}" for i in range(len(parameters), count))][:count]


def _entries(name: str, x: Any) -> Iterator[str]:
    if not isinstance(x, (list, tuple)):
        yield name
    for i, entry in enumerate(x if isinstance(x, (list, tuple)) else ()):
        yield from _entries(f"{name}[{i}]", entry)


def _rounding(f: Function, inputs: Sequence[Any], data: Sequence[float]) -> float:
    """Bound, to first order, what rounding can do to f: every gate's own, carried to the output by its gradient."""
    y = f(*fill(inputs, map(Value, data)))
    if not isinstance(y, Value):
        return 0.0
    smallest = sys.float_info.min  # below it numbers lose digits
    return sys.float_info.epsilon * sum(abs(s * node.data) for node, s in adjoints(y).items() if node.gate) + smallest


def _rounding_of_gradient(f: Function, inputs: Sequence[Any], data: Sequence[float]) -> list[float]:
    """Bound what rounding can do to each entry of the gradient: paths that cancel leave the rounding of each.

    The bound is ε times the number of gates times the sum of the paths' absolute values.
    """
    leaves = [Value(x) for x in data]
    y = f(*fill(inputs, iter(leaves)))
    if not isinstance(y, Value):
        return [0.0] * len(leaves)
    order = topological_order(y)
    paths = dict.fromkeys(order, 0.0)
    paths[y] = 1.0
    for node in reversed(order):
        if node.gate:
            wanted = [operand.role != "constant" for operand in node.inputs]
            try:
                partials = node.gate.local_gradients(FLOATS, node.data, [x.data for x in node.inputs], wanted)
            except (ArithmeticError, ValueError):  # no slope here; backward says so
                continue
            for operand, partial in zip(node.inputs, partials, strict=True):
                paths[operand] += paths[node] * abs(partial or 0.0)
    return [sys.float_info.epsilon * len(order) * paths.get(leaf, 0.0) for leaf in leaves]


def _kinks(f: Function, inputs: Sequence[Any], data: Sequence[float]) -> str:
    """Say which gates stand on a kink at this point: there, finite differences see both sides and no slope is wrong."""
    y = f(*fill(inputs, map(Value, data)))
    conventions = {
        node.gate.kink.convention
        for node in (topological_order(y) if isinstance(y, Value) else ())
        if node.gate
        and node.gate.kink
        and abs(node.gate.kink.distance(*(x.data for x in node.inputs))) <= STEP["central"]
    }
    return f"on a kink here, by convention {', '.join(sorted(conventions))}: check beside it" if conventions else ""


# The verdict: analytic and numeric gradients side by side, and whether they agree.


class Check(NamedTuple):
    """One input's analytic gradient beside its numeric one."""

    name: str
    at: float
    analytic: float
    numeric: float
    tolerance: float
    measured: bool = True

    @property
    def absolute(self) -> float:
        return abs(self.analytic - self.numeric)

    @property
    def relative(self) -> float:
        scale = max(abs(self.analytic), abs(self.numeric))
        return self.absolute / scale if scale else 0.0

    @property
    def ok(self) -> bool:
        return self.measured and self.absolute <= self.tolerance and self.absolute < math.inf  # False for a nan, too

    @property
    def verdict(self) -> str:
        """ok, WRONG, or unmeasured: f changes too much between neighbouring numbers for any step to tell."""
        return "ok" if self.ok else "WRONG" if self.measured else "unmeasured"

    def excess(self) -> float:
        """How many times its tolerance the difference is."""
        if self.absolute == 0:
            return 0.0
        return self.absolute / self.tolerance if self.absolute < math.inf and self.tolerance else math.inf


@dataclass(frozen=True)
class GradientCheck:
    """The report of `check_gradients`: a table in the prompt, true if every gradient agrees."""

    checks: tuple[Check, ...]
    note: str = ""

    @property
    def ok(self) -> bool:
        return all(check.ok for check in self.checks)

    @property
    def worst(self) -> Check:
        """The input whose gradients differ most, measured by its tolerance: a wrong one before one that is unmeasured."""
        return max(self.checks, key=lambda check: (not check.ok, check.measured, check.excess()))

    def __bool__(self) -> bool:
        return self.ok

    def __repr__(self) -> str:
        head = ("input", "at", "analytic", "numeric", "abs error", "rel error", "result")
        rows = [
            (
                c.name,
                f"{c.at:g}",
                f"{c.analytic:.9g}",
                f"{c.numeric:.9g}",
                f"{c.absolute:.1e}",
                f"{c.relative:.1e}",
                c.verdict,
            )
            for c in self.checks
        ]
        widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
        lines = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in (head, *rows)]
        return "\n".join([line.rstrip() for line in lines] + [self.note] * bool(self.note))
