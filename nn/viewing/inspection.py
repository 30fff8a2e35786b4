"""Pre-activations and sensitivities of the layers of a network, and the norms of its gradients."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from autograd import grad, no_grad
from autograd.arguments import checks_keywords, describe, require_callable
from autograd.value import Operand

from ..layers import MLP, activate
from ..module import Module

__all__ = ["gradient_norms", "pre_activations", "sensitivities"]


@checks_keywords
def pre_activations(model: MLP, x: Sequence[Operand]) -> list[list[float]]:
    """Return z^l = W^l a^(l−1) + b^l of every layer for one sample, as plain numbers.

    >>> from nn import MLP, pre_activations
    >>> model = MLP(2, [1, 1])
    >>> model.load_state_dict({"layer1.W": [[1.0, -1.0]], "layer1.b": [0.5], "layer2.W": [[2.0]], "layer2.b": [1.0]})
    >>> pre_activations(model, [3.0, 1.0])
    [[2.5], [6.0]]
    """
    _check(model)
    found = []
    with no_grad():
        a: Any = x
        for layer in model.layers:
            found.append([neuron.pre_activation(a).data for neuron in layer.neurons])
            a = layer.forward(a)
    return found


@checks_keywords
def sensitivities(model: MLP, x: Sequence[Operand], y: Any, loss: Callable[[Any, Any], Any]) -> list[list[float]]:
    """Return δ^l = ∂loss/∂z^l of every layer for one sample: δ^l = (W^(l+1)ᵀ δ^(l+1)) ⊙ f′(z^l).

    The last δ is the gradient of the loss with respect to the last layer's pre-activations. Every δ equals the `grad` that
    `backward()` gives them. This function changes no `grad`.

    >>> from nn import MLP, sensitivities, squared_error
    >>> model = MLP(2, [1, 1])
    >>> model.load_state_dict({"layer1.W": [[1.0, -1.0]], "layer1.b": [0.5], "layer2.W": [[2.0]], "layer2.b": [1.0]})
    >>> sensitivities(model, [3.0, 1.0], 5.0, squared_error)
    [[4.0], [2.0]]
    """
    require_callable(loss, "loss", "output, target")
    *hidden, last = pre_activations(model, x)

    def from_output(*z: Any) -> Any:
        return loss(activate(model.output, list(z) if len(z) > 1 else z[0]), y)

    slopes = grad(from_output)(*last)
    deltas = [list(slopes) if len(last) > 1 else [slopes]]
    for z, layer, following in zip(reversed(hidden), reversed(model.layers[:-1]), reversed(model.layers), strict=False):
        slope = grad(layer.activation) if layer.activation else lambda _: 1.0
        behind = zip(*following.W, strict=True)  # Wᵀ
        arriving = [math.fsum(w.data * d for w, d in zip(row, deltas[0], strict=True)) for row in behind]
        deltas.insert(0, [d * slope(v) for d, v in zip(arriving, z, strict=True)])
    return deltas


def _check(model: Any) -> None:
    if not isinstance(model, MLP):
        raise TypeError(f"model must be an nn.MLP, whose layers have pre-activations, got {describe(model)}")


@checks_keywords
def gradient_norms(model: Module) -> dict[str, float]:
    """Return √Σg² over the parameters of every part of a model after `backward()`, to see vanishing or exploding gradients.

    >>> from nn import MLP, gradient_norms, zeros
    >>> model = MLP(2, [2, 1], init=zeros)
    >>> (model([1.0, 2.0]) - 3).backward()
    >>> gradient_norms(model)
    {'layer1': 0.0, 'layer2': 1.0}
    """
    if not isinstance(model, Module):
        raise TypeError(f"model must be a Module such as nn.MLP(2, [8, 1]), got {describe(model)}")
    grads: dict[str, list[float]] = {}
    for name, parameter in model.named_parameters():
        grads.setdefault(name.rpartition(".")[0], []).append(parameter.grad)
    return {part: math.hypot(*slopes) for part, slopes in grads.items()}
