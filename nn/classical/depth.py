"""Parity, whether the number of 1s among n inputs is odd: by one large hidden layer, or by a small deep network."""

from __future__ import annotations

from autograd.arguments import as_int

from .boolean import dnf_network, universal_and, universal_or
from .networks import ThresholdNetwork
from .neurons import Perceptron
from .tables import TruthTable, input_names, truth_table

__all__ = ["deep_parity", "parity", "shallow_parity"]


def parity(n: int) -> TruthTable:
    """Return the truth table of parity, the checkerboard of Karnaugh maps: 1 where an odd number of inputs is on.

    >>> parity(2).outputs
    (0, 1, 1, 0)
    """
    return truth_table(lambda *x: sum(x) % 2, as_int(n, "n, the number of inputs,"))


def shallow_parity(n: int) -> ThresholdNetwork:
    """Return parity by one hidden layer: no two 1s of the checkerboard form a group, so it takes 2ⁿ⁻¹ + 1 neurons.

    >>> len(shallow_parity(8).neurons)
    129
    """
    table = parity(n)
    return dnf_network(table, ["".join(map(str, row)) for row, output in table.rows if output])


def deep_parity(n: int) -> ThresholdNetwork:
    """Return parity by a tree of XORs, three neurons and two layers each: 3(n − 1) neurons in 2·⌈log2 n⌉ layers.

    If the number of wires is odd, the last one passes to the next round.

    >>> len(deep_parity(8).neurons), len(deep_parity(8).layers)
    (21, 6)
    """
    n = as_int(n, "n, the number of inputs,")
    if n < 2:
        raise ValueError(f"n must be at least 2, because the parity of {n} inputs needs no XOR")
    names = input_names(n)
    wires = list(names)
    neurons: dict[str, tuple[Perceptron, list[str]]] = {}
    while len(wires) > 1:
        outputs = []
        for a, b in zip(wires[::2], wires[1::2]):
            k = len(neurons) // 3 + 1
            last = "f" if k == n - 1 else f"xor{k}"
            neurons[f"or{k}"] = universal_or(2), [a, b]
            neurons[f"nand{k}"] = universal_or(2, positive=0), [a, b]
            neurons[last] = universal_and(2), [f"or{k}", f"nand{k}"]
            outputs.append(last)
        wires = outputs + wires[len(wires) // 2 * 2 :]
    return ThresholdNetwork(names, neurons)
