"""Module, the base class of every part of a network: named parameters, a state to keep, and a scope for pictures."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

from autograd import Value, no_grad, scope
from autograd.arguments import as_list, as_operand, describe, list_or_none, to_python, truncated_repr

__all__ = ["Module"]


class Module:
    """A part of a network. Set its Values and Modules as attributes, and write `forward(x)`.

    Its parameters are the leaves among its attributes, in the order in which they were set: Values, lists and dicts of
    Values, and the parameters of Modules among them. A call runs `forward` in a scope of the module's name.

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
        """Return every parameter, frozen ones too, by name: a Value, or lists of Values in the shape of the tensor.

        >>> from nn import Layer
        >>> [(name, len(tensor)) for name, tensor in Layer(2, 3).tensors().items()]  # W has a row for each neuron
        [('W', 3), ('b', 3)]
        """
        found: dict[str, Any] = {}
        taken: set[str] = set()
        for attribute, content in self._attributes().items():
            try:
                for name, part in _parts(attribute, content):
                    if isinstance(part, Module):
                        # a module without tensors still reserves its name
                        prefix, ends, tensors = part.name or name, ["."], part.tensors()
                        tensors = {f".{inner}": tensor for inner, tensor in tensors.items()}
                    else:
                        prefix, ends, tensors = name, [], {"": part}
                    ends += tensors
                    unique, k = prefix, 1
                    while any(unique + end in taken for end in ends):
                        k += 1
                        unique = f"{prefix}_{k}"
                    taken.update(unique + end for end in ends)
                    found |= {unique + end: tensor for end, tensor in tensors.items()}
            except RecursionError:
                raise ValueError(
                    f"{attribute} must not contain itself, nor parts nested so deeply that Python's stack overflows"
                ) from None
        return found

    def _attributes(self) -> dict[str, Any]:
        """Return the attributes whose Values and Modules `tensors` names."""
        return vars(self)

    def named_parameters(self) -> list[tuple[str, Value]]:
        """Return the parameters with their names, as in ("layer1.W[0][1]", Value); a shared parameter comes once.

        >>> from nn import Neuron
        >>> [name for name, _ in Neuron(2).named_parameters()]
        ['w[0]', 'w[1]', 'b']
        """
        every = [entry for name, tensor in self.tensors().items() for entry in _entries(name, tensor)]
        named = {parameter: name for name, parameter in reversed(every) if parameter.role != "constant"}
        return [(named.pop(parameter), parameter) for _, parameter in every if parameter in named]

    def parameters(self) -> list[Value]:
        """Return the Values that training changes, in a fixed order: each once, without frozen ones."""
        every = dict.fromkeys(chain.from_iterable(map(_leaves, self.tensors().values())))
        return [leaf for leaf in every if leaf.role != "constant"]

    def freeze(self) -> None:
        """Make every parameter a constant: it keeps its value, and no gradient reaches it.

        >>> from nn import Neuron
        >>> neuron = Neuron(2)
        >>> neuron.freeze()
        >>> len(neuron.parameters())
        0
        >>> neuron.unfreeze()
        >>> len(neuron.parameters())
        3
        """
        for _, value in _state(self):
            value.role = "constant"

    def unfreeze(self) -> None:
        """Make every frozen parameter trainable again."""
        for _, value in _state(self):
            value.role = "parameter"

    def zero_grad(self) -> None:
        """Set the gradient of every parameter to 0."""
        for parameter in self.parameters():
            parameter.grad = 0.0

    def state_dict(self) -> dict[str, Any]:
        """Return the numbers of all tensors by name: a float, or lists of floats in the shape of the tensor."""
        return {name: _numbers(tensor) for name, tensor in self.tensors().items()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Set all tensors to the numbers of a state with the same names and shapes; an error leaves all unchanged."""
        tensors = self.tensors()
        if not isinstance(state, dict):
            raise TypeError(f"state must be a dict of names and numbers, got a {type(state).__name__}")
        missing, unknown = sorted(tensors.keys() - state.keys()), sorted(state.keys() - tensors.keys(), key=str)
        if missing or unknown:
            raise ValueError(
                "state must have the names of this model: "
                + " and ".join(
                    [f"it lacks {truncated_repr(missing, 200)}"] * bool(missing)
                    + [f"the model has no {truncated_repr(unknown, 200)}"] * bool(unknown)
                )
            )
        numbers: dict[Value, tuple[float, str]] = {}
        for name, tensor in tensors.items():
            for place, value, x in _matched(name, tensor, state[name]):
                first, first_place = numbers.setdefault(value, (x, place))
                if first != x:
                    raise ValueError(
                        f"{place} is the same parameter as {first_place}, and the state has {x} and {first} for it"
                    )
        for value, (x, _) in numbers.items():
            value.data = x

    def forward(self, x: Any) -> Any:
        """Return the output for an input x."""
        raise TypeError(f"{type(self).__name__} has no forward: write one in the class")

    def __call__(self, x: Any) -> Any:
        try:
            with scope(self.name or type(self).__name__.lower()):
                return self.forward(x)
        except RecursionError:
            raise ValueError(
                f"the forward of {type(self).__name__} must not call itself, nor modules nested so deeply that Python's stack "
                "overflows: give all parts to one Sequential, as in Sequential(*parts)"
            ) from None

    def batch(self, X: Iterable[Any]) -> list[Any]:
        """Return the output for every row of X, one sample each, recorded (`predict` gives plain numbers).

        >>> from nn import Neuron
        >>> [y.data for y in Neuron.of([2.0], 1.0).batch([[0.0], [3.0]])]
        [1.0, 7.0]
        """
        return [self(x) for x in as_list(X, "X")]

    def predict(self, X: Any) -> list[Any]:
        """Return the outputs for the samples of X as plain numbers; nothing is recorded.

        X is a batch, a list or an array: every entry is a sample, a list of numbers, or one number for a model of one
        input. The output for one sample x is `predict([x])[0]`.

        >>> from nn import Neuron
        >>> Neuron.of([2.0], 1.0).predict([[0.0], [3.0]])
        [1.0, 7.0]
        """
        samples = to_python(list_or_none(X))
        if samples is None:
            raise TypeError(
                f"X must be a list or an array of samples, got {describe(X)}: for one sample x write predict([x])[0]"
            )
        with no_grad():
            return [_numbers(self(x)) for x in samples]


def _parts(name: str, content: Any) -> Iterator[tuple[str, Any]]:
    """Yield the Modules and the tensors in an attribute, each with its name."""
    if str(getattr(content, "dtype", "")) == "object":
        content = content.tolist()  # an array of Values
    if isinstance(content, Module) or _is_tensor(content):
        yield name, content
    elif isinstance(content, dict):
        for key, part in content.items():
            yield from _parts(f"{name}.{key}", part)
    elif isinstance(content, (list, tuple)):
        join = "_" if name[-1:].isdigit() else ""
        for i, part in enumerate(content, start=1):
            yield from _parts(f"{name}{join}{i}", part)


def _is_tensor(content: Any) -> bool:
    if isinstance(content, (list, tuple)):
        return bool(content) and all(map(_is_tensor, content))
    return isinstance(content, Value) and content.gate is None


def _entries(name: str, tensor: Any) -> Iterator[tuple[str, Value]]:
    if isinstance(tensor, Value):
        yield name, tensor
    else:
        for i, part in enumerate(tensor):
            yield from _entries(f"{name}[{i}]", part)


def _leaves(tensor: Any) -> list[Value]:
    if not isinstance(tensor, (list, tuple)):
        return [tensor]
    return [leaf for part in tensor for leaf in (_leaves(part) if isinstance(part, (list, tuple)) else (part,))]


def _state(module: Module) -> list[tuple[str, Value]]:
    return [entry for name, tensor in module.tensors().items() for entry in _entries(name, tensor)]


def _numbers(tensor: Any) -> Any:
    if isinstance(tensor, (list, tuple)):
        return [_numbers(part) for part in tensor]
    number = as_operand(tensor, "the output of the model")
    return number.data if isinstance(number, Value) else number


def _matched(name: str, tensor: Any, numbers: Any) -> Iterator[tuple[str, Value, float]]:
    """Pair the Values of a tensor with numbers of the same shape, and the name of each."""
    numbers = to_python(numbers)
    held = f"{len(numbers)} entries" if isinstance(numbers, list) else truncated_repr(numbers)
    if isinstance(tensor, Value):
        if isinstance(numbers, bool) or not isinstance(numbers, (int, float)):
            raise ValueError(f"{name} must be one number, got {held}")
        if not abs(numbers) <= sys.float_info.max:
            raise ValueError(f"{name} must be a finite number, got {held}")
        yield name, tensor, float(numbers)
    else:
        if not isinstance(numbers, list) or len(numbers) != len(tensor):
            raise ValueError(f"{name} must have {len(tensor)} entries, got {held}")
        for i, (part, x) in enumerate(zip(tensor, numbers, strict=True)):
            yield from _matched(f"{name}[{i}]", part, x)
