"""What help() and the reference say of a gate: its row written out, with an example that is computed from it."""

from __future__ import annotations

import inspect
from typing import Any

__all__ = ["Help", "manual"]

NUMBERS = (-0.5, 2.0, 3.0, 1.5)  # at which a gate is shown, where its domain allows
LONGEST = 100  # characters of local gradients that help anybody


class Help:
    """A docstring: that of the class for the class, and for each gate the manual of its row, written when asked for."""

    def __init__(self, text: str | None, floats: Any) -> None:
        self.text, self.floats = text, floats

    def __get__(self, gate: Any, cls: type) -> str | None:
        return self.text if gate is None else manual(gate, self.floats)


def manual(gate: Any, floats: Any) -> str:
    """Return what the row says: the output, the local gradients, the lectures' name, the kink, and an example."""
    arguments = _arguments(gate)
    names = [name for name, x in arguments.items() for name in _named(name, x)]
    slopes = ", ".join(gate.formulas(names if gate.variadic else ()))
    notes = [f"Local gradient{'s' * (',' in slopes)}: {slopes}."] * (0 < len(slopes) <= LONGEST)
    notes += [f"The lectures' {gate.nickname}."] * bool(gate.nickname)
    notes += [f"By convention {gate.kink.convention}."] if gate.kink else []
    return "\n\n".join(filter(None, [gate.doc, " ".join(notes), _example(gate, arguments, floats)]))


def _arguments(gate: Any) -> dict[str, Any]:
    """Return arguments for a call, by name: numbers, or for a gate with any number of inputs lists of them."""
    wanted = [p for p in inspect.signature(gate.arrange).parameters.values() if p.default is p.empty]
    if not gate.variadic:
        return {p.name: _number(i, domain) for i, (p, domain) in enumerate(zip(wanted, gate.domain))}
    entries = iter([_number(i, gate.domain[0]) for i in range(4)])
    return {p.name: [next(entries) for _ in range(2 if len(wanted) > 1 else 3)] for p in wanted[:2]}


def _number(i: int, domain: Any) -> float:
    choices = [*NUMBERS[i % 4 :], *NUMBERS, *(sum(interval) / 2 for interval in domain)]
    return next(float(x) for x in choices if any(low <= x <= high for low, high in domain))


def _named(name: str, x: Any) -> list[str]:
    return [f"{name[0]}{i}" for i in range(1, len(x) + 1)] if isinstance(x, list) else [name]


def _example(gate: Any, arguments: dict[str, Any], floats: Any) -> str:
    """Return a call of the gate and of its gradient with what they give, if the gate is defined there."""
    given = list(arguments.values())
    try:
        inputs = gate.arrange(*given)
        output = gate.evaluate(inputs)
        slopes = iter([slope or 0.0 for slope in gate.local_gradients(floats, output, inputs)])
    except (ArithmeticError, ValueError):
        return ""
    gradients = tuple([next(slopes) for _ in x] if isinstance(x, list) else next(slopes) for x in given)
    call = ", ".join(map(repr, given))
    shown = output, gradients[0] if len(gradients) == 1 else gradients
    return f">>> {gate.name}({call}), grad({gate.name})({call})\n{shown!r}"
