"""What the tests of error messages share: a sweep of wrong arguments, and whose an error is."""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable, Iterator, Mapping
from math import nan
from pathlib import Path
from typing import Any

from autograd import Value
from autograd._engine import core

OURS = [Path(__file__).parent.parent / package for package in ("autograd", "nn")]
WRONG: dict[str, Any] = {
    "a str": "abc",
    "None": None,
    "complex": 1 + 2j,
    "a float": 2.5,
    "nan": nan,
    "-1": -1,
    "a list": [1.0, 2.0],
    "an empty list": [],
    "a ragged list": [[1.0], [2.0, 3.0]],
    "a list of None": [None, None],
    "a dict": {"a": 1.0},
    "a Value": Value(1.0),
    "a function": lambda *_: None,
    "an object": object(),
}


# What compiled code raises leaves no line of ours in a traceback, so its sentences are read from its sources.
IN_C = [
    re.sub("%[A-Za-z]", ".*", re.escape(sentence).replace("\\ ", " "))
    for path in (OURS[0] / "native").glob("*.c")
    for sentence in re.findall(r'PyErr_(?:Format|SetString)\(\w+, "([^"]+)"', path.read_text(encoding="utf-8"))
]


def raised_by_us(error: BaseException) -> bool:
    """Tell whether an error is one that the package raises, with a sentence of its own, and not Python from inside it."""
    if core is not None and any(re.fullmatch(sentence, str(error)) for sentence in IN_C):
        return True
    last = traceback.extract_tb(error.__traceback__)[-1]
    ours = any(Path(last.filename).is_relative_to(package) for package in OURS)
    return ours and (last.line or "").startswith("raise") and len(str(error)) > 20


def sweep(function: Callable[..., Any], make: Callable[[], Mapping[str, Any]]) -> Iterator[str]:
    """Call a function with one wrong argument after the other, the rest being right; yield what Python said of it."""
    function(**make())
    for name in make():
        for kind, wrong in WRONG.items():
            try:
                function(**{**make(), name: wrong})
            except Exception as error:
                if not raised_by_us(error):
                    yield f"{name}={kind}: {type(error).__name__}: {error}"
