"""A program on other libraries: as a function of JAX, its rows on many devices; on PyTorch tensors, or as an `nn.Module`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..functions import FUNCTIONS
from ..node import CONSTANT
from ..value import Value
from .batches import Batches, numpy
from .tracing import Trace

__all__ = ["jax_function", "replicated", "sharded", "torch_function", "torch_module"]

MOST_LINES = 500  # maximum for a just-in-time compiler; 2,000 lines of scalar code took minutes
ACTIVATIONS = {"relu": "ReLU", "tanh": "Tanh", "sigmoid": "Sigmoid", "softplus": "Softplus", "elu": "ELU"}


def jax_function(program: Any) -> Callable[..., Any]:
    """Return f(parameters, *batches) in jax.numpy, pure and ready for jax.jit: the cost and its gradient, or the outputs."""
    lines = len(program.source.lines)
    if lines > MOST_LINES:
        raise ValueError(
            f"this program is too irregular for JAX: it has {lines} lines, and compiling more than {MOST_LINES} of them "
            "just in time takes minutes; call it as it is, on NumPy (print(program.report()) says what is not a matrix)"
        )
    jnp = _jax().numpy
    names = {row.printed: row.jax for row in FUNCTIONS.values() if row.jax}

    def function(parameters: Any, *batches: Any, weights: Any = None) -> Any:
        return program.run_on(_Spelled(jnp, names), parameters, *batches, weights=weights, array=jnp.asarray)

    return function


def sharded(batches: Batches, given: Sequence[Any]) -> tuple[list[Any], Any]:
    """Return batches as arrays whose rows lie over all devices that JAX sees, and the weights of the rows: 1, or 0 for the
    copies of the last row that make their number divisible.
    """
    jax, np = _jax(), numpy()
    if not given:
        raise TypeError("batches must have rows to lie on devices, got none: this program has no inputs")
    rows = batches.rows(given)
    if misplaced := batches.misplaced(rows):
        raise ValueError(misplaced)
    over = _over_devices("rows")
    samples = len(rows[0])
    added = -samples % jax.device_count()

    def spread(array: Any) -> Any:  # every process has all rows, and its devices take theirs
        return jax.make_array_from_process_local_data(over, array, array.shape)

    copies = [
        np.concatenate([batch, np.repeat(batch[-1:], added, 0)]) for batch in rows
    ]  # finite where the last row is
    weights = np.repeat(np.array([1.0, 0.0], rows[0].dtype), [samples, added])
    return [*map(spread, copies)], spread(weights)


def replicated(tree: Any) -> Any:
    """Return a tree of arrays with a copy of each on every device that JAX sees."""
    return _jax().device_put(tree, _over_devices())


def _over_devices(*axes: str) -> Any:
    """Return the sharding over all devices of arrays whose first axis is "rows", or without axes of arrays held whole."""
    sharding = _jax().sharding
    return sharding.NamedSharding(sharding.Mesh(_jax().devices(), "rows"), sharding.PartitionSpec(*axes))


def torch_function(program: Any) -> Callable[..., Any]:
    """Return f(parameters, *batches) on PyTorch tensors: the cost and its gradient, or the outputs."""
    torch = _torch()

    def tensor(array: Any) -> Any:
        return torch.as_tensor(array if array.flags.writeable else array.copy())

    def function(parameters: Any, *batches: Any, weights: Any = None) -> Any:
        return program.run_on(_PyTorch(torch), parameters, *batches, weights=weights, array=tensor)

    return function


class _Spelled:
    """An array module with NumPy's names for functions that it names differently."""

    def __init__(self, module: Any, names: dict[str, str]) -> None:
        self._module, self._names = module, names

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, self._names.get(name, name))


class _PyTorch(_Spelled):
    """PyTorch with NumPy's names; numbers become tensors, because most functions of two operands take tensors only."""

    def __init__(self, torch: Any) -> None:
        super().__init__(torch, {row.printed: row.torch for row in FUNCTIONS.values() if row.torch})
        self._operands = {row.printed: row.operands for row in FUNCTIONS.values()} | {"pow": 0}  # pow takes numbers too

    def __getattr__(self, name: str) -> Any:
        function = super().__getattr__(name)
        operands = self._operands.get(name, 0)
        if operands > 1:
            return lambda *numbers: function(*_tensors(self._module, *numbers))
        return (lambda a: function(self._tensor(a))) if operands else function

    def _tensor(self, x: Any) -> Any:
        """Return a number as a tensor without axes, which takes the type of those that it is computed with."""
        return self._module.tensor(x, dtype=self._module.float64) if isinstance(x, float) else x

    def where(self, condition: Any, a: Any, b: Any) -> Any:
        return self._module.where(condition.bool(), a, b)

    def max(self, a: Any, axis: int) -> Any:
        return self._module.amax(a, axis)

    def min(self, a: Any, axis: int) -> Any:
        return self._module.amin(a, axis)


def torch_module(traced: Trace, dtype: str) -> Any:
    """Return a stack of dense layers as a torch.nn.Sequential with the same weights; raise for any other program."""
    torch = _torch()
    layers: list[Any] = []
    values: Sequence[Value] = traced.outputs
    inputs = [value for group in traced.inputs.values() for value in group]
    while list(values) != inputs:
        activation, values = _activation(torch, values)
        if activation is not None:
            layers.insert(0, activation)
        weights, biases, values = _dense(values, set(inputs))
        linear = torch.nn.Linear(len(weights[0]), len(weights), bias=biases is not None, dtype=getattr(torch, dtype))
        with torch.no_grad():
            linear.weight.copy_(torch.tensor(weights, dtype=torch.float64))
            if biases is not None:
                linear.bias.copy_(torch.tensor(biases, dtype=torch.float64))
        layers.insert(0, linear)
    return torch.nn.Sequential(*layers)


def _activation(torch: Any, values: Sequence[Value]) -> tuple[Any, list[Value]]:
    """Return the PyTorch module of the activation that all values share, and its inputs; None if they share none."""
    gates = {value.gate for value in values}
    (gate,) = gates if len(gates) == 1 else (None,)
    if gate is None or gate.name not in ACTIVATIONS:
        return None, list(values)
    constants = {tuple((x._origin, x._data) for x in value.inputs[1:]) for value in values}
    if len(constants) > 1 or any(origin is not CONSTANT for entry in constants for origin, _ in entry):
        raise ValueError(f"to_torch takes layers whose {gate.name} has one constant for all neurons")
    (entry,) = constants
    module = getattr(torch.nn, ACTIVATIONS[gate.name])(*(x for _, x in entry))
    return module, [value.inputs[0] for value in values]


def _dense(values: Sequence[Value], given: set[Value]) -> tuple[list[list[float]], list[float] | None, list[Value]]:
    """Return weights, biases and inputs of values that are each one dot of parameters with the same inputs."""
    rows, biases, common = [], [], None
    for value in values:
        if value.gate is None or value.gate.name != "dot":
            made = f"a {value.gate.name} gate" if value.gate else "a leaf"
            raise ValueError(f"to_torch takes a stack of dense layers (dot gates and activations), and here is {made}")
        n, biased = divmod(len(value.inputs), 2)
        weights, x = value.inputs[:n], value.inputs[n : 2 * n]
        leaves = [*weights, *value.inputs[2 * n :]]
        if any(w.gate is not None or w in given for w in leaves) or (common is not None and x != common):
            raise ValueError(
                "to_torch takes a stack of dense layers, whose neurons all have the same inputs, and as weights leaves that are "
                "no inputs"
            )
        common = x
        rows.append([w._data for w in weights])
        biases.append(value.inputs[-1]._data if biased else None)
    assert common is not None
    if len({b is None for b in biases}) == 2:
        raise ValueError("to_torch takes dense layers in which every neuron has a bias, or none")
    return rows, None if biases[0] is None else [b for b in biases if b is not None], list(common)


def _tensors(torch: Any, *numbers: Any) -> list[Any]:
    tensor = max((x for x in numbers if isinstance(x, torch.Tensor)), key=lambda x: x.dim())  # not one made of a number
    return [torch.as_tensor(x, dtype=tensor.dtype) for x in numbers]


def _jax() -> Any:
    try:
        import jax.numpy
    except ImportError:
        raise ImportError(
            'JAX must be installed for to_jax, sharded and replicated: pip install "gatewise[jax]"'
        ) from None
    return jax


def _torch() -> Any:
    try:
        import torch
    except ImportError:
        raise ImportError('to_torch needs PyTorch: pip install "gatewise[torch]"') from None
    return torch
