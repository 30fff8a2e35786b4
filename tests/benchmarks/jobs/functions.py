"""The functions that the objectives import, of plain numbers or of a peer's, from those that it has."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable
from functools import reduce
from types import SimpleNamespace
from typing import Any

__all__ = ["PYTHON", "functions_of"]


def functions_of(m: Any, maximum: Callable[[Any, Any], Any], number: Callable[[Any], Any] = lambda x: x) -> Any:
    """Return the functions. m has exp, log, sqrt, sin, cos, tanh and erf; number removes the record of a number.

    logsumexp subtracts the largest number, and is differentiated as if that were a constant, where the peer allows it.
    """
    exp, log = m.exp, m.log

    def total(xs: Iterable[Any]) -> Any:
        return reduce(operator.add, xs)

    def logsumexp(xs: list[Any]) -> Any:
        top = reduce(maximum, [number(x) for x in xs])
        return top + log(total([exp(x - top) for x in xs]))

    def dot(w: list[Any], x: list[Any], bias: Any) -> Any:
        return total([a * b for a, b in zip(w, x)]) + bias

    return SimpleNamespace(
        exp=exp, log=log, sqrt=m.sqrt, sin=m.sin, cos=m.cos, tanh=m.tanh, maximum=maximum, sum=total, dot=dot, logsumexp=logsumexp,
        prod=lambda xs: reduce(operator.mul, xs),
        sigmoid=lambda x: 1 / (1 + exp(-x)),
        softplus=lambda x: log(1 + exp(x)),
        normal_cdf=lambda x: 0.5 * (1 + m.erf(x * 0.5**0.5)),
    )  # fmt: skip


PYTHON = functions_of(math, max)
PYTHON.sum, PYTHON.prod = sum, math.prod
