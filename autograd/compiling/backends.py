"""The same program elsewhere: as a pure function of JAX, on PyTorch tensors, and as an `nn.Module` of PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from ..row import Gate
from ..value import Value
from .tracing import Trace

if TYPE_CHECKING:
    from .program import CompiledProgram

__all__ = ["jax_function", "torch_function", "torch_module"]

MOST_LINES = 500  # that are handed to a just-in-time compiler: of straight-line scalar code 2,000 took it minutes
ACTIVATIONS = {"relu": "ReLU", "tanh": "Tanh", "sigmoid": "Sigmoid", "softplus": "Softplus", "elu": "ELU"}


def jax_function(program: CompiledProgram) -> Callable[..., Any]:
    """Return f(parameters, *batches) in jax.numpy, pure and ready for jax.jit: the cost and its gradient, or the outputs."""
    lines = len(program.source.lines)
    if lines > MOST_LINES:
        raise ValueError(
            f"this program is too irregular for JAX: it has {lines} lines, and compiling more than {MOST_LINES} of them "
            "just in time takes minutes; call it as it is, on NumPy (print(program.report()) says what is not a matrix)"
        )
    try:
        import jax.numpy as jnp
    except ImportError:
        raise ImportError('to_jax needs JAX: pip install "gatewise[jax]"') from None

    def function(parameters: Any, *batches: Any) -> Any:
        return program.run_on(jnp, parameters, *batches)

    return function


def torch_function(program: CompiledProgram) -> Callable[..., Any]:
    """Return the same of PyTorch tensors."""
    torch = _torch()

    class Functions:
        """What PyTorch spells in another way than NumPy."""

        def __getattr__(self, name: str) -> Any:
            return getattr(torch, name)

        @staticmethod
        def maximum(a: Any, b: Any) -> Any:
            return torch.maximum(*_tensors(torch, a, b))

        @staticmethod
        def minimum(a: Any, b: Any) -> Any:
            return torch.minimum(*_tensors(torch, a, b))

        @staticmethod
        def max(a: Any, axis: int) -> Any:
            return torch.amax(a, axis)

        @staticmethod
        def min(a: Any, axis: int) -> Any:
            return torch.amin(a, axis)

    def function(parameters: Any, *batches: Any) -> Any:
        return program.run_on(Functions(), parameters, *batches, array=torch.as_tensor)

    return function


def torch_module(traced: Trace, dtype: str) -> Any:
    """Return the torch.nn.Sequential that a stack of dense layers is, with the same weights; refuse anything else."""
    torch = _torch()
    layers: list[Any] = []
    values: Sequence[Value] = traced.outputs
    inputs = [value for group in traced.inputs.values() for value in group]
    while list(values) != inputs:
        activation, values = _activation(values)
        if activation is not None:
            layers.insert(0, _module(torch, activation))
        weights, biases, values = _dense(values)
        linear = torch.nn.Linear(len(weights[0]), len(weights), bias=biases is not None, dtype=getattr(torch, dtype))
        with torch.no_grad():
            linear.weight.copy_(torch.tensor(weights, dtype=torch.float64))
            if biases is not None:
                linear.bias.copy_(torch.tensor(biases, dtype=torch.float64))
        layers.insert(0, linear)
    return torch.nn.Sequential(*layers)


def _activation(values: Sequence[Value]) -> tuple[Gate | None, list[Value]]:
    gates = {value.gate for value in values}
    (gate,) = gates if len(gates) == 1 else (None,)
    if gate is not None and gate.name in ACTIVATIONS:
        return gate, [value.inputs[0] for value in values]
    return None, list(values)


def _module(torch: Any, gate: Gate) -> Any:
    return getattr(torch.nn, ACTIVATIONS[gate.name])()


def _dense(values: Sequence[Value]) -> tuple[list[list[float]], list[float] | None, list[Value]]:
    """Return the weights, the biases and the inputs of values that are one dot each of parameters with the same inputs."""
    rows, biases, common = [], [], None
    for value in values:
        if value.gate is None or value.gate.name != "dot":
            made = f"a {value.gate.name} gate" if value.gate else "a leaf"
            raise ValueError(f"to_torch takes a stack of dense layers (dot gates and activations), and here is {made}")
        n, biased = divmod(len(value.inputs), 2)
        weights, x = value.inputs[:n], value.inputs[n : 2 * n]
        if any(w.gate is not None for w in weights) or (common is not None and x != common):
            raise ValueError(
                "to_torch takes a stack of dense layers, whose neurons all have leaves as weights and the same inputs"
            )
        common = x
        rows.append([w._data for w in weights])
        biases.append(value.inputs[-1]._data if biased else None)
    assert common is not None
    if len({b is None for b in biases}) == 2:
        raise ValueError("to_torch takes dense layers in which every neuron has a bias, or none")
    return rows, None if biases[0] is None else [b for b in biases if b is not None], list(common)


def _tensors(torch: Any, *numbers: Any) -> list[Any]:
    (tensor, *_) = [x for x in numbers if isinstance(x, torch.Tensor)]
    return [torch.as_tensor(x, dtype=tensor.dtype) for x in numbers]


def _torch() -> Any:
    try:
        import torch
    except ImportError:
        raise ImportError('to_torch needs PyTorch: pip install "gatewise[torch]"') from None
    return torch
