"""Boolean gates by sigmoid neurons, and four ways to XOR, which no single neuron computes."""

from __future__ import annotations

from typing import Any

from autograd import relu

from .boolean import universal_and, universal_or
from .networks import ThresholdNetwork
from .neurons import Perceptron, SigmoidNeuron, Unit, as_inputs

__all__ = [
    "AND",
    "NAND",
    "NOR",
    "NOT",
    "OR",
    "XNOR",
    "XOR",
    "relu_warp",
    "xor_by_product",
    "xor_by_relu",
    "xor_two_layers",
    "xor_with_skip",
]

AND = SigmoidNeuron([20, 20], -30)
OR = SigmoidNeuron([20, 20], -10)
NAND = SigmoidNeuron([-20, -20], 30)
NOR = SigmoidNeuron([-20, -20], 10)
NOT = SigmoidNeuron([-20], 10)


def XNOR(x1: Any, x2: Any) -> Any:
    """Return OR(AND, NOR) of x1 and x2, by three sigmoid neurons.

    >>> round(XNOR(1, 1), 9)
    0.999954561
    """
    return OR(AND(x1, x2), NOR(x1, x2))


def XOR(x1: Any, x2: Any) -> Any:
    """Return AND(OR, NAND) of x1 and x2, by three sigmoid neurons; on Values it can be trained further.

    >>> round(XOR(0, 1), 9)
    0.99995452
    """
    return AND(OR(x1, x2), NAND(x1, x2))


def xor_two_layers() -> ThresholdNetwork:
    """Return XOR by three perceptrons: A is OR, B is NAND, and the output A AND B.

    In the plane of (A, B) its classes are separable: only (1, 1) reaches A + B ≥ 2.

    >>> xor_two_layers().truth_table("A", "B")
    x1  x2  A  B
    0   0   0  1
    0   1   1  1
    1   0   1  1
    1   1   1  0
    """
    inputs = ["x1", "x2"]
    neurons = {
        "A": (universal_or(2), inputs),
        "B": (universal_or(2, positive=0), inputs),
        "f": (universal_and(2), ["A", "B"]),
    }
    return ThresholdNetwork(inputs, neurons)


def xor_with_skip() -> ThresholdNetwork:
    """Return XOR by two perceptrons, the minimum: the second takes the inputs and, with weight −2, their AND.

    >>> xor_with_skip()
    ThresholdNetwork of 2 inputs: 2 neurons in 2 layers
    layer 1  h fires if x1 + x2 ≥ 2
    layer 2  f fires if x1 + x2 − 2·h ≥ 1
    """
    neurons = {"h": (universal_and(2), ["x1", "x2"]), "f": (Perceptron([1, 1, -2], -1), ["x1", "x2", "h"])}
    return ThresholdNetwork(["x1", "x2"], neurons)


def relu_warp(x1: Any, x2: Any) -> tuple[Any, Any]:
    """Return relu(W·x) with W = [[1, −1], [−1, 1]]: it folds the plane so that (0, 0) and (1, 1) coincide.

    >>> relu_warp(1, 1), relu_warp(1, 0)
    ((0.0, 0.0), (1.0, 0.0))
    """
    return Unit([1, -1], 0, relu)(x1, x2), Unit([-1, 1], 0, relu)(x1, x2)


def xor_by_relu(x1: Any, x2: Any) -> Any:
    """Return h1 + h2 of `relu_warp`, which is |x1 − x2|: XOR by a relu layer without bias.

    >>> xor_by_relu(0, 1), xor_by_relu(1, 1)
    (1.0, 0.0)
    """
    h1, h2 = relu_warp(x1, x2)
    return h1 + h2


def xor_by_product(x1: Any, x2: Any) -> Any:
    """Return XOR by one perceptron on the features (x1, x2, x1·x2): it fires when x1 + x2 − 2·x1·x2 ≥ 1/2.

    >>> xor_by_product(0, 1), xor_by_product(1, 1)
    (1, 0)
    """
    x1, x2 = as_inputs((x1, x2))
    return Perceptron([1, 1, -2], -0.5)(x1, x2, x1 * x2)
