"""What a leaf stands for."""

from enum import Enum

__all__ = ["CONSTANT", "INPUT", "NUMBER", "PARAMETER", "TAKEN", "Role"]


class Role(Enum):
    """The role of a leaf; a constant is never differentiated."""

    INPUT = "input"
    PARAMETER = "parameter"
    CONSTANT = "constant"

    @classmethod
    def named(cls, name: str) -> "Role":
        """Return the role of this name."""
        try:
            return cls(name)
        except ValueError:
            raise ValueError(f"a leaf's role is 'input', 'parameter' or 'constant', not {name!r}") from None


INPUT, PARAMETER, CONSTANT = Role  # looking a member up on an Enum is slow

# The `_tick` of a constant that was written as a number, as in v + 1, while nothing has changed it. A derivative takes
# the number as it is; from then on it cannot be changed.
NUMBER, TAKEN = -1, -2
