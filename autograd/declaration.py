"""What `gate` is given: refused by name where a row would only fail later, when some reader comes to it."""

from __future__ import annotations

from typing import Any

from .arguments import truncated_repr

__all__ = ["check_declaration"]


def check_declaration(
    name: Any, symbol: Any, forward: Any, local: Any, doc: Any, domain: Any, kink: Any, nickname: Any, arrange: Any
) -> None:
    """Raise an error for the first argument that is not of its kind."""
    for what, text in (("name", name), ("symbol", symbol), ("doc", doc), ("nickname", nickname)):
        if not isinstance(text, str):
            raise TypeError(f"the {what} of a gate is a str, not {truncated_repr(text)}")
    if not name.isidentifier():
        raise ValueError(f"a gate's name is written in code, so it must be an identifier, not {name!r}")
    for what, rule in (("forward rule", forward), *(("local gradient", rule) for rule in local), ("arrange", arrange)):
        if not callable(rule) and (rule is not None or rule is forward):
            raise TypeError(
                f"the {what} of the gate {name!r} is a function, such as lambda xp, x: x * x, not {truncated_repr(rule)}"
            )
    if kink is not None and not (hasattr(kink, "distance") and hasattr(kink, "convention")):
        raise TypeError(f"the kink of the gate {name!r} is a Kink(distance, convention), not {truncated_repr(kink)}")
    try:
        inputs = [[float(low) < float(high) for low, high in intervals] for intervals in domain]
    except (TypeError, ValueError):
        inputs = [[]]
    if not all(intervals and all(intervals) for intervals in inputs):
        raise TypeError(
            f"the domain of the gate {name!r} holds, for each input, intervals (low, high), as in [((-4, 4),)], "
            f"not {truncated_repr(domain)}"
        )
