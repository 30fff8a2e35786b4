"""What every part of a network shares: parameters with names, a state to keep, and a scope that pictures know it by."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from autograd import Value, no_grad, scope

__all__ = ["Module"]


class Module:
    """A part of a network. Set its Values and Modules as attributes, and write `forward(x)`.

    Leaves of the graph that are attributes, or stand in lists that are, are its parameters, in the order in which they
    were set; so are those of Modules among its attributes. A call runs `forward` in a scope of the module's name.

    >>> class Line(Module):
    ...     def __init__(self):
    ...         self.slope, self.shift = Value(2.0), Value(1.0)
    ...     def forward(self, x):
    ...         return self.slope * x + self.shift
    >>> line = Line()
    >>> line(3.0).data, line.state_dict()
    (7.0, {'slope': 2.0, 'shift': 1.0})
    """

    name: str | None = None

    def tensors(self) -> dict[str, Any]:
        """Return everything that training could change, by name: a Value, or lists of Values in the shape of the tensor."""
        found: dict[str, Any] = {}
        taken: set[str] = set()
        for attribute, content in vars(self).items():
            if _is_tensor(content):
                found[attribute] = content
            for i, part in enumerate(_modules(content), start=1):
                name = part.name or (attribute if isinstance(content, Module) else f"{attribute}{i}")
                prefix = next(
                    p for k in range(1, len(taken) + 2) if (p := name if k == 1 else f"{name}_{k}") not in taken
                )
                taken.add(prefix)  # parts of the same name are told apart
                found |= {f"{prefix}.{name}": tensor for name, tensor in part.tensors().items()}
        return found

    def named_parameters(self) -> list[tuple[str, Value]]:
        """Return the parameters with their names, as in ("layer1.W[0][1]", Value); one in two places comes once."""
        every = [entry for name, tensor in self.tensors().items() for entry in _entries(name, tensor)]
        named = {parameter: name for name, parameter in reversed(every) if parameter.role != "constant"}
        return [(named.pop(parameter), parameter) for _, parameter in every if parameter in named]

    def parameters(self) -> list[Value]:
        """Return the Values that training changes, in a fixed order: none of what is frozen, and each once."""
        every = [leaf for tensor in self.tensors().values() for leaf in _leaves(tensor)]
        return [leaf for leaf in dict.fromkeys(every) if leaf.role != "constant"]

    def freeze(self) -> None:
        """Make every parameter a constant: it keeps its value, and no gradient reaches it."""
        for _, value in _state(self):
            value.role = "constant"

    def unfreeze(self) -> None:
        """Make everything that was frozen a parameter again."""
        for _, value in _state(self):
            value.role = "parameter"

    def zero_grad(self) -> None:
        """Set the gradient of every parameter to 0."""
        for parameter in self.parameters():
            parameter.grad = 0.0

    def state_dict(self) -> dict[str, Any]:
        """Return the numbers of all tensors by name: floats, or lists of floats in their shape."""
        return {name: _numbers(tensor) for name, tensor in self.tensors().items()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Set all tensors to the numbers of a state of the same names and shapes, or, with an error, none of them."""
        tensors = self.tensors()
        if not isinstance(state, dict):
            raise TypeError(f"a state is a dict of names and numbers, not a {type(state).__name__}")
        missing, unknown = sorted(tensors.keys() - state.keys()), sorted(state.keys() - tensors.keys())
        if missing or unknown:
            raise ValueError(
                "the state is not of this model: "
                + " and ".join(
                    [f"it lacks {missing}"] * bool(missing) + [f"the model has no {unknown}"] * bool(unknown)
                )
            )
        pairs = [pair for name, tensor in tensors.items() for pair in _matched(name, tensor, state[name])]
        for value, x in pairs:
            value.data = x

    def forward(self, x: Any) -> Any:
        """Return the output for an input x."""
        raise TypeError(f"{type(self).__name__} has no forward: write one in the class")

    def __call__(self, x: Any) -> Any:
        with scope(self.name or type(self).__name__.lower()):
            return self.forward(x)

    def batch(self, X: Iterable[Any]) -> list[Any]:
        """Return the output for every row of X, one sample each."""
        return [self(x) for x in X]

    def predict(self, X: Any) -> Any:
        """Return the outputs for the rows of X, or for one sample, as plain numbers; nothing is recorded."""
        rows = X.tolist() if hasattr(X, "tolist") else list(X)
        if not rows:
            return []
        with no_grad():
            single = isinstance(rows[0], (int, float, Value))
            return _numbers(self(rows)) if single else [_numbers(self(row)) for row in rows]


def _is_tensor(content: Any) -> bool:
    if isinstance(content, (list, tuple)):
        return bool(content) and all(map(_is_tensor, content))
    return isinstance(content, Value) and content.gate is None


def _modules(content: Any) -> Iterator[Module]:
    if isinstance(content, Module):
        yield content
    elif isinstance(content, (list, tuple)):
        yield from (part for part in content if isinstance(part, Module))


def _entries(name: str, tensor: Any) -> Iterator[tuple[str, Value]]:
    if isinstance(tensor, Value):
        yield name, tensor
    else:
        for i, part in enumerate(tensor):
            yield from _entries(f"{name}[{i}]", part)


def _leaves(tensor: Any) -> list[Value]:
    return [leaf for part in tensor for leaf in _leaves(part)] if isinstance(tensor, (list, tuple)) else [tensor]


def _state(module: Module) -> list[tuple[str, Value]]:
    return [entry for name, tensor in module.tensors().items() for entry in _entries(name, tensor)]


def _numbers(tensor: Any) -> Any:
    if isinstance(tensor, (list, tuple)):
        return [_numbers(part) for part in tensor]
    return tensor.data if isinstance(tensor, Value) else float(tensor)


def _matched(name: str, tensor: Any, numbers: Any) -> Iterator[tuple[Value, float]]:
    """Pair the Values of a tensor with numbers of the same shape."""
    if isinstance(tensor, Value):
        if isinstance(numbers, bool) or not isinstance(numbers, (int, float)):
            raise ValueError(f"{name} is one number, and the state has {_described(numbers)}")
        if not math.isfinite(numbers):
            raise ValueError(f"{name} is {numbers} in the state: parameters are finite numbers")
        yield tensor, float(numbers)
    else:
        if not isinstance(numbers, (list, tuple)) or len(numbers) != len(tensor):
            raise ValueError(f"{name} has {len(tensor)} entries, and the state has {_described(numbers)}")
        for i, (part, x) in enumerate(zip(tensor, numbers, strict=True)):
            yield from _matched(f"{name}[{i}]", part, x)


def _described(x: Any) -> str:
    return f"{len(x)} entries" if isinstance(x, Sequence) and not isinstance(x, str) else repr(x)
