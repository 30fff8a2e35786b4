"""Operators that write themselves down: what a rule is run on when it shall give its formula, not its value."""

from __future__ import annotations

from typing import Any, NoReturn, TypeVar

__all__ = ["Arithmetic"]

T = TypeVar("T", bound="Arithmetic")


class Arithmetic:
    """Python's operators, each by way of `written(operation, *operands)`; what would need a number is refused."""

    __hash__ = None  # type: ignore[assignment]
    __slots__ = ()

    def written(self: T, operation: str, *operands: Any) -> T:
        """Return what stands for an operation on operands, each of this kind or a number."""
        raise TypeError(f"{type(self).__name__} does not say how it writes {operation}")

    def __add__(self: T, other: Any) -> T:
        return self.written("add", self, other)

    def __radd__(self: T, other: Any) -> T:
        return self.written("add", other, self)

    def __sub__(self: T, other: Any) -> T:
        return self.written("sub", self, other)

    def __rsub__(self: T, other: Any) -> T:
        return self.written("sub", other, self)

    def __mul__(self: T, other: Any) -> T:
        return self.written("mul", self, other)

    def __rmul__(self: T, other: Any) -> T:
        return self.written("mul", other, self)

    def __truediv__(self: T, other: Any) -> T:
        return self.written("div", self, other)

    def __rtruediv__(self: T, other: Any) -> T:
        return self.written("div", other, self)

    def __pow__(self: T, other: Any) -> T:
        return self.written("pow", self, other)

    def __rpow__(self: T, other: Any) -> T:
        return self.written("pow", other, self)

    def __neg__(self: T) -> T:
        return self.written("neg", self)

    def __abs__(self: T) -> T:
        return self.written("abs", self)

    def __lt__(self: T, other: Any) -> T:
        return self.written("<", self, other)

    def __le__(self: T, other: Any) -> T:
        return self.written("<=", self, other)

    def __gt__(self: T, other: Any) -> T:
        return self.written(">", self, other)

    def __ge__(self: T, other: Any) -> T:
        return self.written(">=", self, other)

    def __eq__(self, other: object) -> NoReturn:
        raise TypeError("a rule cannot compare with == (Values compare by identity): write it with <, > and xp.where")

    def __bool__(self) -> NoReturn:
        raise TypeError("a rule cannot branch on its inputs: write xp.where(condition, a, b) instead of if, and, or")

    def __float__(self) -> NoReturn:
        raise TypeError("a rule cannot use math: write xp.exp(x), so that it runs on floats, arrays and Values alike")
