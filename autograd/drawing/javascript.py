"""Gates as JavaScript: a row's rules, run on symbols, print themselves for a page that computes by itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..row import Gate
from ..symbol import JAVASCRIPT, SYMBOLS, Symbol, functions, statements

__all__ = ["IN_MATH", "gate_script"]

# What JavaScript's Math has under the name and with the meaning that it has in Python.
IN_MATH = [
    *("abs", "acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "cbrt", "ceil", "cos", "cosh", "exp", "expm1"),
    *("floor", "hypot", "log", "log10", "log1p", "log2", "sin", "sinh", "sqrt", "tan", "tanh", "trunc"),
]
IN_PAGE = ["maximum", "minimum", "pow"]  # written out on the page, because JavaScript's own mean something else


def gate_script(gate: Gate, count: int) -> str:
    """Return a gate with `count` inputs as a JavaScript object of two functions, printed from its row.

    forward(x) is the output for the array x of inputs; local(out, x) is the array of local gradients, null where the
    gate passes none. ValueError where a rule calls a function that browsers do not have.

    >>> from autograd import GATES
    >>> print(gate_script(GATES["tanh"], 1))
    {
      forward(x) {
        return tanh(x[0]);
      },
      local(out, x) {
        return [1.0 - out * out];
      },
    }
    """
    inputs = [Symbol.named(f"x[{i}]") for i in range(count)]
    *steps, output = _steps(gate, [gate.forward(SYMBOLS, *inputs)])
    *local_steps, slopes = _steps(gate, gate.local_gradients(SYMBOLS, Symbol.named("out"), inputs))
    forward = ["  forward(x) {", *steps, f"    return {output};", "  },"]
    local = ["  local(out, x) {", *local_steps, f"    return [{slopes}];", "  },"]
    return "\n".join(["{", *forward, *local, "}"])


def _steps(gate: Gate, results: Sequence[Any]) -> list[str]:
    """Return statements that compute what the results share, or nest too deep, and at the end the results themselves."""
    formulas = [Symbol.of(result) for result in results if result is not None]
    missing = functions(*formulas) - {*IN_MATH, *IN_PAGE}
    if missing:
        raise ValueError(f"the gate {gate.name!r} uses xp.{min(missing)}, which a browser does not have")
    named, texts = statements(formulas, JAVASCRIPT)
    printed = iter(texts)
    last = ", ".join("null" if result is None else next(printed) for result in results)
    return [*(f"    const {name} = {text};" for name, text in named), last]
