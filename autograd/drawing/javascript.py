"""Translate gates to JavaScript: their rules, run on symbols, give expressions that a page can compute."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ..functions import FUNCTIONS, known
from ..gate import Gate
from ..symbols import JAVASCRIPT, SYMBOLS, Symbol, calls, definition, statements

__all__ = ["gate_script", "scripts"]


def scripts(gates: Mapping[str, tuple[Gate, int]]) -> str:
    """Return a JavaScript object `GATES` from (gate, number of inputs) by key, with the functions that the gates call."""
    declarations = [
        definition(row, JAVASCRIPT) if row.rule else f"  const {row.name} = {row.javascript};"
        for row in FUNCTIONS.values()
        if row.rule or row.javascript
    ]
    rows = [f"{json.dumps(key)}: {gate_script(gate, count)}," for key, (gate, count) in gates.items()]
    return "\n".join(["const GATES = (() => {", *declarations, "  return {", *rows, "  };", "})();"])


def gate_script(gate: Gate, count: int) -> str:
    """Return a gate with `count` inputs as a JavaScript object of two functions.

    forward(x) is the output for the array x of inputs; local(out, x) is the array of local gradients, null
    for inputs without one. ValueError if a rule calls a function that JavaScript does not have.

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
    """Return statements for common or deeply nested subexpressions, and as the last item the list of results."""
    formulas = [Symbol.of(result) for result in results if result is not None]
    missing = sorted(call for call in calls(*formulas) if not _in_browsers(*call))
    if missing:
        function, operands = missing[0]
        several = (
            f" of {operands} operands"
            if function in FUNCTIONS and _in_browsers(function, FUNCTIONS[function].operands)
            else ""
        )
        raise ValueError(f"the gate {gate.name!r} uses xp.{function}{several}, which a browser does not have")
    named, texts = statements(formulas, JAVASCRIPT)
    printed = iter(texts)
    last = ", ".join("null" if result is None else next(printed) for result in results)
    return [*(f"    const {name} = {text};" for name, text in named), last]


def _in_browsers(function: str, operands: int) -> bool:
    row = known(function, operands)
    return row is not None and bool(row.javascript or row.rule)
