"""Guards that NumPy's arrays and numbers are taken wherever lists and numbers are, with the same result.

Every call of the sweeps over autograd, nn and nn.classical is made twice: as it is, and with arrays and numpy scalars.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.autograd import test_lessons as test_lessons_autograd
from tests.nn import test_lessons as test_lessons_nn
from tests.nn.classical import test_lessons as test_lessons_classical

SWEEPS = {
    f"{module.__name__.rpartition('_')[2]}: {name}": sweep
    for module in (test_lessons_autograd, test_lessons_classical, test_lessons_nn)
    for name, sweep in module.SWEEPS.items()
}


def in_numpy(x: Any) -> Any:
    """Return arrays for lists of numbers, and numpy scalars for numbers; anything else as it is."""
    if isinstance(x, bool):
        return np.bool_(x)
    if isinstance(x, (int, float)):
        return np.int64(x) if isinstance(x, int) else np.float64(x)
    if isinstance(x, list) and x and all(isinstance(v, (int, float, list)) for v in x):
        return np.array(x)
    if isinstance(x, (list, tuple)):
        return type(x)(map(in_numpy, x))
    return {key: in_numpy(v) for key, v in x.items()} if isinstance(x, dict) else x


def shown(x: Any) -> str:
    """Return a repr to compare: what is known by its address only, by its kind; derivatives of arrays, as lists."""
    x = x.tolist() if isinstance(x, np.ndarray) else x
    return repr(x) if " at 0x" not in repr(x) else type(x).__name__


@pytest.mark.parametrize("name", SWEEPS)
def test_the_result_is_the_same(name: str) -> None:
    function, make = SWEEPS[name]
    test_lessons_nn.R.seed(0)
    expected = function(**make())
    test_lessons_nn.R.seed(0)
    assert shown(function(**{key: in_numpy(x) for key, x in make().items()})) == shown(expected)


def test_numbers_of_numpy_do_not_leak() -> None:
    made = [shown(function(**{key: in_numpy(x) for key, x in make().items()})) for function, make in SWEEPS.values()]
    assert [text for text in made if "np." in text] == []
