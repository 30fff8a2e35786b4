"""Gates as C: a row's rules, run on symbols, print themselves as functions of doubles."""

from __future__ import annotations

from collections.abc import Iterable

from ..row import Gate
from ..symbol import SYMBOLS, C, Symbol, c, functions, statements

__all__ = ["IN_C", "PRELUDE", "formulas", "header"]

IN_HEADER = ["acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "cos", "cosh", "erf", "erfc", "exp", "expm1"]
IN_HEADER += ["log", "log10", "log1p", "log2", "sin", "sinh", "sqrt", "tan", "tanh"]
IN_C = {"abs", "maximum", "minimum", "pow", *IN_HEADER}

PRELUDE = """\
#include <math.h>

/* The larger and the smaller of two numbers; a nan goes through, which fmax and fmin would drop. */
static inline double maximum(double a, double b) { return a > b || a != a ? a : b; }
static inline double minimum(double a, double b) { return a < b || a != a ? a : b; }
"""


def header(gates: Iterable[Gate]) -> str:
    """Return a C header with the functions of every gate with a fixed number of inputs."""
    return "\n".join([PRELUDE, *(formulas(gate) for gate in gates if not gate.variadic)])


def formulas(gate: Gate, count: int | None = None) -> str:
    """Return the C functions of a gate, printed from its row: `name_forward`, and `name_local_i` for input i.

    All are functions of the inputs x0, x1, …; a local gradient has the output before them. One that the gate does not
    have is not printed. A gate with any number of inputs is printed for a `count` of them, as `name_count_forward`; its
    local gradients come from one function, `name_count_local`, that writes them to an array.

    What `math` refuses (log 0, exp 1000, 1/0) gives an infinity or a nan here. ValueError where C lacks a function.

    >>> from autograd import GATES
    >>> print(formulas(GATES["tanh"]), end="")
    static inline double tanh_forward(double x0) {
        return tanh(x0);
    }
    static inline double tanh_local_0(double out, double x0) {
        return 1.0 - out * out;
    }
    """
    if gate.variadic and count is None:
        raise ValueError(f"{gate.name} takes any number of inputs: say for how many, as in formulas({gate.name}, 3)")
    n = len(gate.names) if count is None else count
    name = f"{gate.name}_{n}" if gate.variadic else gate.name
    inputs = [Symbol.named(f"x{i}") for i in range(n)]
    forward = Symbol.of(gate.forward(SYMBOLS, *inputs))
    out = Symbol.named("out")
    slopes = gate.local_gradients(SYMBOLS, out, inputs)
    lines = _function(gate, f"double {name}_forward", inputs, {"return {};": forward})
    given = {i: Symbol.of(slope) for i, slope in enumerate(slopes) if slope is not None}
    if gate.variadic:
        targets = {f"local[{i}] = {{}};": slope for i, slope in given.items()}
        return "\n".join([*lines, *_function(gate, f"void {name}_local", [out, *inputs], targets, "double *local"), ""])
    for i, slope in given.items():
        lines += _function(gate, f"double {name}_local_{i}", [out, *inputs], {"return {};": slope})
    return "\n".join(lines) + "\n"


def _function(gate: Gate, name: str, inputs: list[Symbol], targets: dict[str, Symbol], *pointers: str) -> list[str]:
    """Return one C function: in steps what its formulas share and what is deep, then each formula in its target."""
    unknown = functions(*targets.values()) - IN_C
    if unknown:
        raise ValueError(f"{gate.name} calls xp.{min(unknown)}, which C lacks; it has {', '.join(sorted(IN_C))}")
    declared = [*(f"double {c(x)}" for x in inputs), *pointers]
    lines = [f"static inline {name}({', '.join(declared)}) {{"]
    named, texts = statements([*targets.values()], C)
    lines += [f"    double {name} = {text};" for name, text in named]
    return [*lines, *(f"    {target.format(text)}" for target, text in zip(targets, texts, strict=True)), "}"]
