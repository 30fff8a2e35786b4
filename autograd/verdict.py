"""The verdict of a gradient check: analytic and numeric gradients side by side, and whether they agree."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

__all__ = ["Check", "GradientCheck"]


class Check(NamedTuple):
    """One input's analytic gradient beside its numeric one."""

    name: str
    at: float
    analytic: float
    numeric: float
    tolerance: float
    measured: bool = True

    @property
    def absolute(self) -> float:
        return abs(self.analytic - self.numeric)

    @property
    def relative(self) -> float:
        scale = max(abs(self.analytic), abs(self.numeric))
        return self.absolute / scale if scale else 0.0

    @property
    def ok(self) -> bool:
        return self.measured and self.absolute <= self.tolerance and self.absolute < math.inf  # False for a nan, too

    @property
    def verdict(self) -> str:
        """ok, WRONG, or unmeasured: f changes too much between neighbouring numbers for any step to tell."""
        return "ok" if self.ok else "WRONG" if self.measured else "unmeasured"

    def excess(self) -> float:
        """How many times its tolerance the difference is."""
        if self.absolute == 0:
            return 0.0
        return self.absolute / self.tolerance if self.absolute < math.inf and self.tolerance else math.inf


@dataclass(frozen=True)
class GradientCheck:
    """The report of `check_gradients`: a table in the prompt, true if every gradient agrees."""

    checks: tuple[Check, ...]
    note: str = ""

    @property
    def ok(self) -> bool:
        return all(check.ok for check in self.checks)

    @property
    def worst(self) -> Check:
        """The input whose gradients differ most, measured by its tolerance: a wrong one before one that is unmeasured."""
        return max(self.checks, key=lambda check: (not check.ok, check.measured, check.excess()))

    def __bool__(self) -> bool:
        return self.ok

    def __repr__(self) -> str:
        head = ("input", "at", "analytic", "numeric", "abs error", "rel error", "result")
        rows = [
            (
                c.name,
                f"{c.at:g}",
                f"{c.analytic:.9g}",
                f"{c.numeric:.9g}",
                f"{c.absolute:.1e}",
                f"{c.relative:.1e}",
                c.verdict,
            )
            for c in self.checks
        ]
        widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
        lines = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in (head, *rows)]
        return "\n".join([line.rstrip() for line in lines] + [self.note] * bool(self.note))
