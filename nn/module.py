"""What every part of a network shares: parameters, and a scope that pictures know it by."""

from __future__ import annotations

from typing import Any

from autograd import Value, scope

__all__ = ["Module"]


class Module:
    """A part of a network. Write `parameters()` and `forward(x)`; a call runs `forward` in a scope of its name."""

    name: str | None = None

    def parameters(self) -> list[Value]:
        """Return the Values that training changes, in a fixed order."""
        return []

    def zero_grad(self) -> None:
        """Set the gradient of every parameter to 0."""
        for parameter in self.parameters():
            parameter.grad = 0.0

    def forward(self, x: Any) -> Any:
        """Return the output for an input x."""
        raise TypeError(f"{type(self).__name__} has no forward: write one in the class")

    def __call__(self, x: Any) -> Any:
        with scope(self.name or type(self).__name__.lower()):
            return self.forward(x)
