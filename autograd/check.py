"""Finite differences: slow, approximate gradients that are independent of the engine, to check exact ones against."""

from __future__ import annotations

import inspect
import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from typing import Any, Literal, NamedTuple

from .arguments import as_float, checks_keywords, require_callable, truncated_repr, unpack_array
from .backward import adjoints, topological_order
from .context import no_grad
from .functional import grad
from .functions import FLOATS
from .trees import aligned, flatten, unflatten
from .value import Operand, Value

__all__ = ["check_gradients", "finite_differences"]

Function = Callable[..., Operand]
Scheme = Literal["central", "forward"]
WINDOW = 2.0  # in steps: how far from x the derivative is sampled to test whether a step resolves f
STEP = {"central": 1e-5, "forward": 1e-7}  # truncation and rounding error are about equal here
ULPS = (512, 128, 32, 16, 8, 6, 4, 3, 2)  # the shortest steps, in units in the last place of x


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
    plus the estimated error of the finite difference: its rounding error, and its change when the step is halved. Unless
    step is given, the step with the least error is chosen for every input. Where f varies too fast for any step, as sin(x)
    does at 1e17, the result is "unmeasured", which is neither ok nor WRONG. With raises=True, a result that is not ok
    raises an AssertionError with the table.

    gradient: a function to check in place of the engine. gradient(*inputs) must return ∂f/∂x for one input, or a list
        with one entry for each of several inputs; each entry has the shape of its input.

    >>> check_gradients(lambda x, y: x * y + x, [2.0, 3.0])
    input  at  analytic  numeric  abs error  rel error  result
        x   2         4        4    0.0e+00    0.0e+00      ok
        y   3         2        2    3.0e-11    1.5e-11      ok
    >>> check_gradients(lambda x, y: x * y + x, [2.0, 3.0], gradient=lambda x, y: [y, x])
    input  at  analytic  numeric  abs error  rel error  result
        x   2         3        4    1.0e+00    2.5e-01   WRONG
        y   3         2        2    3.0e-11    1.5e-11      ok
    """
    inputs = _arguments(f, inputs)
    rtol, atol = _tolerance("rtol", rtol), _tolerance("atol", atol)
    data = [_data(x) for x in flatten(inputs)]
    if gradient is None:
        analytic = list(flatten(grad(lambda *xs: f(*xs))(*unflatten(inputs, iter(data)))))
    else:
        analytic = _entries_of_gradient(gradient, f, inputs, data)
    own = _rounding_of_gradient(f, inputs, data)
    checks = []
    for i, (name, at, exact) in enumerate(zip(_names(f, inputs), data, analytic, strict=True)):
        approximate, error, measured = _numeric(f, inputs, data, i, scheme, step, rtol, exact, own[i])
        tolerance = atol + error + own[i] + rtol * max(abs(exact), abs(approximate))
        checks.append(Check(name, at, exact, approximate, tolerance, measured))
    report = GradientCheck(tuple(checks), "" if all(c.ok for c in checks) else _kink_note(f, inputs, data))
    if raises and not report.ok:
        verdict = "wrong" if report.worst.measured else "not measurable"
        raise AssertionError(f"the gradient is {verdict} in {report.worst.name}:\n{report}")
    return report


def _entries_of_gradient(
    gradient: Callable[..., Any], f: Function, inputs: Sequence[Any], data: Sequence[float]
) -> list[float]:
    """Return the entries of the gradient that the caller's function computes."""
    answer = gradient(*unflatten(inputs, iter(data)))
    slopes = unpack_array([answer] if len(inputs) == 1 else answer)
    if not isinstance(slopes, (list, tuple)) or len(slopes) != len(inputs):
        raise ValueError(
            f"gradient(*inputs) must be a list with one entry for each of {len(inputs)} inputs, got {truncated_repr(answer)}"
        )
    names = _parameters(f, len(inputs))
    return [s for name, x, slope in zip(names, inputs, slopes, strict=True) for s in _flat_gradient(name, x, slope)]


def _flat_gradient(name: str, x: Any, slope: Any) -> Iterator[float]:
    """Yield the entries of the gradient in one input; its shape must be that of the input."""
    return (s.data if isinstance(s, Value) else s for s in aligned(x, slope, f"the gradient in {name}"))


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
    """Return the finite difference in entry i with the least error, that error, and whether any step resolves f.

    The usual step ends the search if it is accurate and agrees with the gradient. Otherwise steps of all sizes are tried,
    because the scale on which f varies need not be that of x. own: the error bound of the gradient itself.
    """
    found: list[tuple[float, float, float]] = []  # (step, finite difference, its error)
    scales: list[float] = []  # the steps tried, if the search did not end early
    failure: Exception = ValueError("no step changes x")
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
        if once == half == exact and h < usual / 100:  # f is flat on two scales, such as an inactive relu
            break
    else:
        scales = [0.0, *(h for h, *_ in found)] if step is None else []
    if not found:
        raise failure
    near = {h: _slopes(f, inputs, data, i, h) for h in scales}
    changes = {h: _change(near, WINDOW * h) for h, *_ in found}
    largest = max(map(abs, chain.from_iterable(near.values())), default=0.0)
    least = max(max(changes.values()) / 2, rtol * largest, 2 * own)  # a smaller change counts as no change

    finest = _change(near, max(ULPS[0] * math.ulp(data[i]), min(changes)))

    def assess(h: float, slope: float, error: float) -> tuple[float, float, bool]:
        # Steps of whole periods of f agree with each other but not with shorter steps. A step over many periods measures
        # the mean slope only, and the derivative inside it varies by more than `least`.
        error = max([error, *(abs(slope - other) - its for k, other, its in found if k < h)])
        resolved = not changes[h] > least
        return slope, error if resolved else error + changes[h], resolved or not finest > least

    return min((assess(*each) for each in found), key=lambda each: (math.isnan(each[1]), each[1]))


def _change(near: Mapping[float, Sequence[float]], window: float) -> float:
    """Return the largest difference between the slope at x and the slopes sampled within the window."""
    return max(
        (abs(s - at) for h, slopes in near.items() if h <= window for s in slopes for at in near[0.0]), default=0.0
    )


def _slopes(f: Function, inputs: Sequence[Any], data: Sequence[float], i: int, h: float) -> list[float]:
    """Return the engine's derivatives by entry i at x ± h and x ± h/2, without those that do not exist."""
    slopes = []
    for at in {data[i] + h, data[i] - h, data[i] + h / 2, data[i] - h / 2}:
        moved = [Value(x) for x in [*data[:i], at, *data[i + 1 :]]]
        with suppress(ArithmeticError, ValueError):
            y = f(*unflatten(inputs, iter(moved)))
            if isinstance(y, Value):
                slopes.append(adjoints(y).get(moved[i], 0.0))
    return slopes


def _steps(h: float, x: float) -> Iterator[float]:
    """Yield steps to try: the usual one first, then those scaled by x and by powers of 10, then a few ulps of x."""
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
    """Return the numeric gradient by every entry of the inputs, with two evaluations of f for each entry.

    central: (f(x+h) − f(x−h))/2h, error of order h²; forward: (f(x+h) − f(x))/h, error of order h.

    >>> finite_differences(lambda x: x**2, [3.0], scheme="forward", step=0.5)
    [6.5]
    """
    h = _step(scheme, step)
    inputs = _arguments(f, inputs)
    data = [_data(x) for x in flatten(inputs)]
    return [_difference(f, inputs, data, i, scheme, h) for i in range(len(data))]


def _arguments(f: Any, inputs: Any) -> Sequence[Any]:
    """Return the arguments to call f with; errors explain the difference between a list argument and a list of arguments."""
    require_callable(f, "f")
    given = unpack_array(unflatten(inputs, iter([*flatten(inputs)])))
    if not isinstance(given, (list, tuple)):
        raise TypeError(
            f"inputs must be a list with one entry per argument of f, got {truncated_repr(inputs)}: "
            f"write [{truncated_repr(inputs)}]"
        )
    try:
        signature = inspect.signature(f)
    except (TypeError, ValueError):  # some callables have no signature
        return given
    try:
        signature.bind(*given)
    except TypeError as error:
        raise TypeError(
            f"inputs must have one entry per argument of f({', '.join(signature.parameters)}), got {len(given)} ({error}): "
            f"if the list is one argument, write [{truncated_repr(inputs)}]"
        ) from None
    return given


def _tolerance(name: str, x: Any) -> float:
    found = as_float(x, name)
    if not found >= 0:
        raise ValueError(f"{name} must be a number of at least 0, got {found!r}")
    return found


def _step(scheme: Scheme, step: float | None) -> float:
    if not isinstance(scheme, str) or scheme not in STEP:
        raise ValueError(f"scheme must be 'central' or 'forward', got {scheme!r}")
    h = STEP[scheme] if step is None else as_float(step, "the step")
    if not 0 < h < math.inf:
        raise ValueError(f"step must be positive and finite, got {h!r}")
    return h


def _difference(f: Function, inputs: Sequence[Any], data: Sequence[float], i: int, scheme: Scheme, h: float) -> float:
    up, down = data[i] + h, data[i] - h if scheme == "central" else data[i]
    if up == down:
        raise ValueError(f"step must be large enough to change {data[i]!r}, got {h!r}")
    above, below = ([*data[:i], nudged, *data[i + 1 :]] for nudged in (up, down))
    return (_evaluate(f, inputs, above) - _evaluate(f, inputs, below)) / (up - down)


def _evaluate(f: Function, inputs: Sequence[Any], data: Sequence[float]) -> float:
    with no_grad():
        y = f(*unflatten(inputs, map(Value, data)))
        return y.data if isinstance(y, Value) else as_float(y, "the output of the function")


def _data(x: Any) -> float:
    return x.data if isinstance(x, Value) else as_float(x, "an input")


def _names(f: Function, inputs: Sequence[Any]) -> Iterator[str]:
    """Name every entry of the inputs."""
    for name, x in zip(_parameters(f, len(inputs)), inputs, strict=True):
        yield from _entries(name, x)


def _parameters(f: Function, count: int) -> list[str]:
    """Name the inputs by the parameters of f, and any further ones by position."""
    try:
        parameters = [
            p.name for p in inspect.signature(f).parameters.values() if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
        ]
    except (TypeError, ValueError):  # some callables have no signature
        parameters = []
    return [*parameters, *(f"input {i}" for i in range(len(parameters), count))][:count]


def _entries(name: str, x: Any) -> Iterator[str]:
    x = unpack_array(x)
    if not isinstance(x, (list, tuple, dict)):
        yield name
    else:
        for key, entry in x.items() if isinstance(x, dict) else enumerate(x):
            yield from _entries(f"{name}[{key!r}]", entry)


def _rounding(f: Function, inputs: Sequence[Any], data: Sequence[float]) -> float:
    """Bound the rounding error of f to first order: the sum over all gates of ε·|output|·|adjoint|."""
    y = f(*unflatten(inputs, map(Value, data)))
    if not isinstance(y, Value):
        return 0.0
    smallest = sys.float_info.min  # below it, floats lose precision
    return sys.float_info.epsilon * sum(abs(s * node.data) for node, s in adjoints(y).items() if node.gate) + smallest


def _rounding_of_gradient(f: Function, inputs: Sequence[Any], data: Sequence[float]) -> list[float]:
    """Bound the rounding error of each entry of the gradient, for which paths must not cancel.

    The bound is ε times the number of gates times the sum of the paths' absolute values.
    """
    leaves = [Value(x) for x in data]
    y = f(*unflatten(inputs, iter(leaves)))
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


def _kink_note(f: Function, inputs: Sequence[Any], data: Sequence[float]) -> str:
    """Return a note on the gates that are at a kink here, where finite differences mix the slopes of both sides."""
    y = f(*unflatten(inputs, map(Value, data)))
    conventions = {
        node.gate.kink.convention
        for node in (topological_order(y) if isinstance(y, Value) else ())
        if node.gate
        and node.gate.kink
        and abs(node.gate.kink.distance(*(x.data for x in node.inputs))) <= STEP["central"]
    }
    return (
        f"at a kink, where the convention is {', '.join(sorted(conventions))}: check at a point beside it"
        if conventions
        else ""
    )


# The report


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
        """ok, WRONG, or unmeasured: f varies too fast for any step to resolve it."""
        return "ok" if self.ok else "WRONG" if self.measured else "unmeasured"

    def excess(self) -> float:
        """The difference divided by the tolerance."""
        if self.absolute == 0:
            return 0.0
        return self.absolute / self.tolerance if self.absolute < math.inf and self.tolerance else math.inf


@dataclass(frozen=True)
class GradientCheck:
    """The report of `check_gradients`: its repr is a table, and it is true if every gradient agrees."""

    checks: tuple[Check, ...]
    note: str = ""

    @property
    def ok(self) -> bool:
        return all(check.ok for check in self.checks)

    @property
    def worst(self) -> Check:
        """The input whose difference is largest relative to its tolerance; wrong inputs come before unmeasured ones."""
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
