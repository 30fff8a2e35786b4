"""Sums over the classes of a target, and the logarithms in them: what the losses of chances and scores have in common."""

from __future__ import annotations

from typing import Any, NoReturn

from autograd import dot, log, where

from .samples import Place, Weights, is_plain, known, place

__all__ = [
    "above",
    "certain",
    "expected",
    "log_chances",
    "negated",
    "own_log_chances",
    "refuse_infinite",
    "unless_both_zero",
]


def certain(t: Weights) -> int | None:
    """Return the class that a target is certain of, by a plain 1."""
    return t[0][0] if len(t) == 1 and is_plain(t[0][1], 1.0) else None


def expected(t: Weights, xs: list[Any]) -> Any:
    """Return Σ tₖ xₖ over the classes that count; where one is certain, its x."""
    return dot([chance for _, chance in t], xs) if certain(t) is None else xs[0]


def above(z: list[Any], t: Weights) -> list[Any]:
    """Return zₖ − Σⱼ tⱼ zⱼ for every class: differences of scores, which are exact where large scores are not.

    The sum is exact for a one-hot target only. A shift that all have in common must not matter for any other.
    """
    low = expected(t, [z[k] for k, _ in t])
    right = certain(t) if len(z) > 1 else None
    return [0.0 if k == right else score - low for k, score in enumerate(z)]


def log_chances(what: str, t: Weights, p: list[Any], beside: str, loss: str = "") -> list[Any]:
    """Return log pₖ of the classes that count; refuse an infinite one."""
    for k, chance in t:
        if known(p[k]) == 0.0 != known(chance):
            refuse_infinite(what, k, 0, beside, loss)
    return [log(unless_both_zero(chance, p[k], p[k], 1.0)) for k, chance in t]


def own_log_chances(t: Weights) -> list[Any]:
    """Return log tₖ of the classes that count, and 0 where tₖ is 0."""
    return [log(chance if chance.__class__ is float else where(chance, chance, 1.0)) for _, chance in t]


def unless_both_zero(chance: Any, p: Any, x: Any, other: float) -> Any:
    """Return x, or where both a chance t and p are 0, the other number, whose logarithm is 0: t·log p counts as 0 there."""
    return x if chance.__class__ is float else where(chance + p, x, other)


def refuse_infinite(what: str, entry: Place, p: int, beside: str, loss: str = "") -> NoReturn:
    """Raise for a chance of exactly 0 or 1 that makes a loss infinite."""
    remedy = f": give the scores themselves to {loss}_with_logits" if loss else ""
    raise ValueError(f"{place(what, entry)} is exactly {p} where {beside}, so the loss would be infinite{remedy}")


def negated(x: Any) -> Any:
    """Return −x, and 0.0 for 0.0."""
    return 0.0 - x if x.__class__ is float else -x  # a person at a prompt is not shown -0.0
