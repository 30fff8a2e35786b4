"""Minimisation of a plain function: gradient descent, and random search for comparison."""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random
from typing import Any, NamedTuple

from autograd import value_and_grad
from autograd.arguments import (
    as_finite,
    as_finite_list,
    as_int,
    checks_keywords,
    list_or_none,
    require_callable,
    require_random,
    to_python,
)

from .loop import as_criterion, converged

__all__ = ["Descent", "minimize", "random_search"]


class Descent(NamedTuple):
    """The result of `minimize` or `random_search`: all points and values, and the step at which the stop criterion held."""

    x: Any  # the last point, a number or a list like x0
    value: float
    t: int | None  # the first t with |f(x^t+k) − f(x^t)| < epsilon; None if it never held
    path: list[Any]
    values: list[float]
    evaluations: int

    def __repr__(self) -> str:
        ended = "not converged" if self.t is None else f"converged at t = {self.t}"
        x = f"{self.x:g}" if isinstance(self.x, (int, float)) else f"[{', '.join(f'{a:g}' for a in self.x)}]"
        return f"<Descent to f({x}) = {self.value:.6g} in {len(self.path) - 1} steps, {ended}>"


@checks_keywords
def minimize(
    f: Callable[[Any], Any],
    x0: Any,
    *,
    learning_rate: float = 0.1,
    momentum: float = 0.0,
    steps: int = 1000,
    epsilon: float | None = None,
    k: int = 1,
) -> Descent:
    """Follow x ← x − η·v with v = momentum·v + ∇f(x) from x0. The argument of f is of x0's kind: a number, a list or an
    array.

    It ends after `steps`, or when |f(x^t+k) − f(x^t)| < epsilon. (That can hold without convergence: for η = 1 on x² the
    point alternates between 1 and −1, where f is equal.)

    >>> minimize(lambda x: x * x, 1.0, epsilon=1e-6)
    <Descent to f(0.00123794) = 1.5325e-06 in 30 steps, converged at t = 29>
    """
    one, x, like = _point(f, x0)
    learning_rate = as_finite(learning_rate, "learning_rate", 0)
    momentum, steps = as_finite(momentum, "momentum", 0), as_int(steps, "steps", 0)
    epsilon, k = as_criterion(epsilon, k)
    velocity = [0.0] * len(x)
    differentiate = value_and_grad(f)
    path: list[Any] = []
    values: list[float] = []
    for step in range(steps + 1):
        path.append(x[0] if one else list(x))
        try:
            value, slope = differentiate(like(x))
        except ArithmeticError as error:
            if step == 0:
                raise
            raise _diverged(step, f"at {path[-1]}, {error}", learning_rate) from error
        values.append(value)
        if not all(map(math.isfinite, (value, *x))):
            raise _diverged(step, f"f({path[-1]}) = {value}", learning_rate)
        if step == steps or (epsilon is not None and converged(values, epsilon, k)):
            break
        velocity = [momentum * v + g for v, g in zip(velocity, [slope] if one else to_python(slope), strict=True)]
        x = [a - learning_rate * v for a, v in zip(x, velocity, strict=True)]
    met = epsilon is not None and converged(values, epsilon, k)
    return Descent(path[-1], values[-1], len(values) - 1 - k if met else None, path, values, len(values))


@checks_keywords
def random_search(f: Callable[[Any], Any], x0: Any, *, rng: Random, radius: float = 0.1, tries: int = 1000) -> Descent:
    """Step by `radius` along random directions that lower f. Needs no gradient, but many evaluations of f.

    >>> found = random_search(lambda x: x * x, 1.0, rng=Random(0))
    >>> round(abs(found.x), 6), found.evaluations
    (0.0, 1001)
    """
    one, x, like = _point(f, x0)
    require_random(rng)
    radius, tries = as_finite(radius, "radius", 0), as_int(tries, "tries", 0)
    value = as_finite(f(like(x)), "the result of f")
    path, values = [x[0] if one else x], [value]
    for _ in range(tries):
        direction = [rng.gauss(0.0, 1.0) for _ in x]
        scale = radius / math.hypot(*direction)
        tried = [a + scale * d for a, d in zip(x, direction, strict=True)]
        found = as_finite(f(like(tried)), "the result of f")
        if found < value:
            x, value = tried, found
            path.append(x[0] if one else x)
            values.append(value)
    return Descent(path[-1], value, None, path, values, tries + 1)


def _point(f: Any, x0: Any) -> tuple[bool, list[float], Callable[[list[float]], Any]]:
    """Return whether x0 is one number, its numbers, and the function that makes an argument of f from numbers."""
    require_callable(f, "f", "x")
    if list_or_none(x0) is None:
        return True, [as_finite(x0, "x0")], lambda x: x[0]
    if hasattr(x0, "tolist"):
        import numpy as np

        return False, as_finite_list(x0, "x0"), np.array
    return False, as_finite_list(x0, "x0"), list


def _diverged(step: int, what: str, learning_rate: float) -> FloatingPointError:
    return FloatingPointError(
        f"minimize diverged at step {step}: {what}; try a smaller learning_rate than {learning_rate:g}"
    )
