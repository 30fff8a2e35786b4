"""The rows of the table for a compiler: printed as C, functions of doubles."""

from .formulas import PRELUDE as PRELUDE, formulas as formulas, header as header

__all__ = ["PRELUDE", "formulas", "header"]
