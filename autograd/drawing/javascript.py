"""Hand the rules of gates to JavaScript: run on symbols, they give steps that a page computes and writes as formulas."""

from __future__ import annotations

import json
from collections.abc import Sequence
from math import isfinite
from typing import Any

from ..functions import FUNCTIONS, known
from ..gate import Gate
from ..symbols import JAVASCRIPT, SYMBOLS, Symbol, calls, definition, steps

__all__ = ["gate_row", "operations"]


def operations() -> str:
    """Return JavaScript objects with a row for each function of the table that browsers have: how to compute and write it.

    >>> "sub: (a, b) => a - b," in operations(), "exp," in operations()
    (True, True)
    """
    functions = [row for row in FUNCTIONS.values() if _in_browsers(row.name, row.operands)]
    operators = [row for row in FUNCTIONS.values() if row.sign]
    forms = {
        row.name: {"sign": row.sign, "binding": row.binding, "mathematics": row.mathematics}
        for row in (*operators, FUNCTIONS["where"], *functions)
    }
    lines = [
        f"const FUNCTIONS = {json.dumps(forms)};",
        "const OPERATIONS = (() => {",
        *(definition(row, JAVASCRIPT) if row.rule else f"  const {row.name} = {row.javascript};" for row in functions),
        "  return {",
        *(f"    {_key(row.name)}: {_operator(row.sign, row.operands)}," for row in operators),
        "    where: (condition, a, b) => (condition ? a : b),",
        *(f"    {row.name}," for row in functions),
        "  };",
        "})();",
    ]
    return "\n".join(lines)


def gate_row(gate: Gate, count: int) -> dict[str, Any]:
    """Return a gate with `count` inputs for a page: its texts, and its rules as steps.

    forward: of the inputs; local: of the output and the inputs, with None for an input without gradient; written: the
    output as pictures write it, or None for a call. ValueError if a rule calls a function that JavaScript does not have.

    >>> from autograd import GATES
    >>> gate_row(GATES["tanh"], 1)["local"]
    {'constants': [1.0], 'steps': [('mul', 0, 0), ('sub', 2, 3)], 'outputs': [4]}
    """
    inputs = [Symbol.named(f"x{i}") for i in range(count)]
    output = Symbol.named("out")
    written = gate.written(inputs)
    return {
        "name": gate.name,
        "symbol": gate.symbol,
        "doc": gate.doc,
        "nickname": gate.nickname,
        "kink": gate.kink.convention if gate.kink else "",
        "forward": _steps(gate, inputs, [gate.forward(SYMBOLS, *inputs)]),
        "local": _steps(gate, [output, *inputs], gate.local_gradients(SYMBOLS, output, inputs)),
        "written": None if written is None else _steps(gate, inputs, [written]),
    }


def _steps(gate: Gate, inputs: Sequence[Symbol], results: Sequence[Any]) -> dict[str, Any]:
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
    found = steps(inputs, results)
    constants = [
        x if isfinite(x) else JAVASCRIPT.nan if x != x else "-" * (x < 0) + JAVASCRIPT.inf for x in found.constants
    ]
    return {
        "constants": constants,
        "steps": [(operation, *cells) for operation, cells in found.steps],
        "outputs": found.outputs,
    }


def _in_browsers(function: str, operands: int) -> bool:
    row = known(function, operands)
    return row is not None and bool(row.javascript or row.rule)


def _operator(sign: str, operands: int) -> str:
    return f"(a, b) => a {sign} b" if operands == 2 else f"(a) => {sign}a"


def _key(name: str) -> str:
    return name if name.isidentifier() else json.dumps(name)
