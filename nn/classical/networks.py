"""Networks of perceptrons: named neurons with the names of their inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from autograd.arguments import as_list, describe, truncated_repr

from .neurons import Perceptron, as_inputs
from .tables import TruthTable, input_names, truth_table

__all__ = ["ThresholdNetwork"]

SHOWN = 40


class ThresholdNetwork:
    """Perceptrons wired to inputs and to each other, each under a name; the last one is the output.

    `inputs` is the number of inputs (x1, x2, …) or their names. `neurons` maps the name of each neuron to the perceptron
    and the names of its sources: inputs, or neurons before it, so that a connection may skip layers. A neuron whose sources
    are inputs is in layer 1, any other one layer after the last of its sources.

    >>> xor = ThresholdNetwork(["x", "y"], {
    ...     "A": (Perceptron([1, 1], -1), ["x", "y"]),
    ...     "B": (Perceptron([-1, -1], 1), ["x", "y"]),
    ...     "f": (Perceptron([1, 1], -2), ["A", "B"]),
    ... })
    >>> xor
    ThresholdNetwork of 2 inputs: 3 neurons in 2 layers
    layer 1  A fires if x + y ≥ 1
             B fires if −x − y ≥ −1
    layer 2  f fires if A + B ≥ 2
    >>> xor.truth_table("A", "B", "f")
    x  y  A  B  f
    0  0  0  1  0
    0  1  1  1  1
    1  0  1  1  1
    1  1  1  0  0

    neurons: the perceptrons and their wires by name; layers: a list of lists of names
    """

    def __init__(self, inputs: int | Sequence[str], neurons: Mapping[str, tuple[Perceptron, Sequence[str]]]) -> None:
        self.inputs = input_names(inputs)
        self.neurons = _wired(neurons)
        if not self.neurons:
            raise ValueError("neurons must have at least one neuron, of which the last is the output, got none")
        depth = dict.fromkeys(self.inputs, 0)
        for name, (neuron, wires) in self.neurons.items():
            if name in depth:
                raise ValueError(f"names of neurons must differ from those of inputs, got {name!r} for both")
            if missing := [wire for wire in wires if wire not in depth]:
                raise ValueError(
                    f"the wires of the neuron {name!r} must be inputs or neurons before it, got {missing[0]!r}"
                )
            if len(wires) != len(neuron.weights):
                raise ValueError(
                    f"the neuron {name!r} must have {len(neuron.weights)} wires, one per weight, got {len(wires)}"
                )
            depth[name] = 1 + max((depth[wire] for wire in wires), default=0)
        self.layers: list[list[str]] = [[] for _ in range(max(depth.values()))]
        for name in self.neurons:
            self.layers[depth[name] - 1].append(name)

    def activations(self, *x: Any) -> dict[str, Any]:
        """Return the output of every neuron by name.

        >>> ThresholdNetwork(["x"], {"on": (Perceptron([1], -1), ["x"]), "off": (Perceptron([-1], 0), ["on"])}).activations(1)
        {'on': 1, 'off': 0}
        """
        inputs = as_inputs(x)
        if len(inputs) != len(self.inputs):
            raise ValueError(f"the network takes {len(self.inputs)} inputs, got {len(inputs)}")
        known = dict(zip(self.inputs, inputs))
        for name, (neuron, wires) in self.neurons.items():
            known[name] = neuron([known[wire] for wire in wires])
        return {name: known[name] for name in self.neurons}

    def __call__(self, *x: Any) -> Any:
        *_, output = self.activations(*x).values()
        return output

    def truth_table(self, *neurons: str) -> TruthTable:
        """Return the output for all inputs of 0s and 1s, or the outputs of the named neurons."""
        if not neurons:
            return truth_table(self, self.inputs)
        if unknown := [name for name in neurons if not isinstance(name, str) or name not in self.neurons]:
            raise ValueError(
                f"names must be of neurons, got {truncated_repr(unknown[0])}: write one of {', '.join(self.neurons)}"
            )

        def outputs(*x: int) -> tuple[Any, ...]:
            activations = self.activations(*x)
            return tuple(activations[name] for name in neurons)

        return TruthTable(truth_table(outputs, self.inputs).outputs, self.inputs, neurons)

    def __repr__(self) -> str:
        counts = [(len(self.inputs), "input"), (len(self.neurons), "neuron"), (len(self.layers), "layer")]
        inputs, neurons, layers = (f"{n} {word}{'s' * (n != 1)}" for n, word in counts)
        lines = [f"ThresholdNetwork of {inputs}: {neurons} in {layers}"]
        for i, names in enumerate(self.layers, start=1):
            for name in names:
                neuron, wires = self.neurons[name]
                head = f"layer {i}" if name == names[0] else ""
                lines.append(f"{head:<{len(f'layer {len(self.layers)}')}}  {name} fires if {neuron.rule(wires)}")
        return "\n".join(
            [*lines[: SHOWN + 1], *[f"… and {len(lines) - SHOWN - 1} neurons more"] * (len(lines) > SHOWN + 1)]
        )


def _wired(neurons: Any) -> dict[str, tuple[Perceptron, tuple[str, ...]]]:
    """Return the argument `neurons` with its wires as tuples; raise for any other form."""
    if not isinstance(neurons, Mapping):
        raise TypeError(f"neurons must be a dict of names and pairs (Perceptron, wires), got {describe(neurons)}")
    found = {}
    for name, pair in neurons.items():
        if not isinstance(name, str):
            raise TypeError(f"a neuron's name must be a str, got {truncated_repr(name)}")
        if not isinstance(pair, (tuple, list)) or len(pair) != 2 or not isinstance(pair[0], Perceptron):
            raise TypeError(f"the neuron {name!r} must be a pair (Perceptron, wires), got {describe(pair)}")
        wires = [pair[1]] if isinstance(pair[1], str) else as_list(pair[1], f"the wires of the neuron {name!r}")
        if odd := [wire for wire in wires if not isinstance(wire, str)]:
            raise TypeError(f"the wires of the neuron {name!r} must be names, got {truncated_repr(odd[0])}")
        found[name] = pair[0], tuple(wires)
    return found
