"""Modules made of modules: one after the other, and side by side."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autograd.arguments import truncated_repr

from .activation import Activation
from .module import Module

__all__ = ["Concat", "Sequential"]


class Sequential(Module):
    """f_m ∘ … ∘ f_1, the lectures' composition: the output of each part is the input of the next.

    Parts are modules or functions; a gate among them is applied to each component. ValueError without any part.

    >>> from autograd import tanh
    >>> from nn import Layer
    >>> Sequential(Layer(2, 3, None), tanh, Layer(3, 1, None))
    Sequential(Layer(2 → 3, linear), Activation(tanh), Layer(3 → 1, linear))
    """

    def __init__(self, *parts: Module | Callable[[Any], Any]) -> None:
        self.parts = _named(parts)

    def forward(self, x: Any) -> Any:
        for part in self.parts:
            x = part(x)
        return x

    def outputs(self, x: Any) -> list[Any]:
        """Return z⁽¹⁾ … z⁽ᵐ⁾, the output of every part."""
        found: list[Any] = []
        for part in self.parts:
            found.append(part(found[-1] if found else x))
        return found

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(map(repr, self.parts))})"


class Concat(Module):
    """f_1(x) ⊕ f_2(x) ⊕ …, the lectures' concatenation: all parts take the same input, and their outputs stand in one list.

    >>> from autograd import relu, tanh
    >>> Concat(relu, tanh)([1.0, 0.0])
    [1.0, 0.0, 0.7615941559557649, 0.0]
    """

    def __init__(self, *parts: Module | Callable[[Any], Any]) -> None:
        self.parts = _named(parts)

    def forward(self, x: Any) -> list[Any]:
        outputs = [part(x) for part in self.parts]
        return [v for output in outputs for v in (output if isinstance(output, list) else [output])]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(map(repr, self.parts))})"


def _named(parts: tuple[Module | Callable[[Any], Any], ...]) -> list[Module]:
    """Give parts without a name that of their kind and place, by which parameters and pictures know them."""
    if not parts:
        raise ValueError("a network is made of at least one part")
    for part in parts:
        if isinstance(part, (list, tuple)):
            raise TypeError(f"the parts of a network are given one by one: write *parts, not {truncated_repr(part)}")
    modules = [part if isinstance(part, Module) else Activation(part) for part in parts]
    for i, module in enumerate(modules, start=1):
        module.name = module.name or f"{type(module).__name__.lower()}{i}"
    return modules
