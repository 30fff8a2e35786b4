"""How weights begin: functions (rng, nin, nout) → one weight of a layer with nin inputs and nout outputs."""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random
from typing import Any

from autograd.arguments import as_int, require_random

__all__ = ["Initialiser", "he", "uniform", "xavier", "zeros"]

Initialiser = Callable[[Random, int, int], float]


def uniform(rng: Random, nin: int, nout: int) -> float:
    """Draw from (−1, 1), whatever the size of the layer, as micrograd does.

    >>> -1 <= uniform(Random(0), 2, 3) <= 1
    True
    """
    try:
        return rng.uniform(-1.0, 1.0)
    except AttributeError:
        _refuse(rng, nin, nout)
        raise


def xavier(rng: Random, nin: int, nout: int) -> float:
    """Draw from (−r, r) with r = √(6/(nin + nout)): variance 2/(nin + nout), which suits tanh and sigmoid.

    >>> abs(xavier(Random(0), 50, 100)) <= 0.2
    True
    """
    try:
        limit = math.sqrt(6 / (nin + nout))
        return rng.uniform(-limit, limit)
    except (AttributeError, TypeError, ValueError, ArithmeticError):
        _refuse(rng, nin, nout)
        raise


def he(rng: Random, nin: int, nout: int) -> float:
    """Draw from the normal distribution with mean 0 and variance 2/nin, which suits relu.

    >>> round(he(Random(0), 50, 100), 3)
    0.188
    """
    try:
        return rng.gauss(0.0, math.sqrt(2 / nin))
    except (AttributeError, TypeError, ValueError, ArithmeticError):
        _refuse(rng, nin, nout)
        raise


def zeros(rng: Random, nin: int, nout: int) -> float:
    """Begin at 0. All neurons of a hidden layer then stay identical: nothing breaks their symmetry.

    >>> zeros(Random(0), 2, 3)
    0.0
    """
    return 0.0


def _refuse(rng: Any, nin: Any, nout: Any) -> None:
    """Say which argument is wrong, once something is: weights are drawn by the thousand, and are not checked one by one."""
    require_random(rng)
    as_int(nin, "nin, the number of inputs of the layer,")
    as_int(nout, "nout, the number of its outputs,")
