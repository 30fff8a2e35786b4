"""The loss of a recurrent network that predicts the next character of a text, bit by bit (ADBench).

A layer has four diagonal weights and biases: of its forget, input and output gates, and of the change of its state.
"""

from itertools import pairwise
from math import log
from typing import Any

from autograd import logsumexp, sigmoid, sum, tanh

Vector = list[Any]


def layer(weights: Vector, biases: Vector, y: Vector, h: Vector, c: Vector) -> tuple[Vector, Vector]:
    """Return a layer's next output and state."""
    n, outputs, states = len(y), [], []
    for i in range(n):
        forget = sigmoid(y[i] * weights[i] + biases[i])
        take = sigmoid(h[i] * weights[n + i] + biases[n + i])
        show = sigmoid(y[i] * weights[2 * n + i] + biases[2 * n + i])
        change = tanh(h[i] * weights[3 * n + i] + biases[3 * n + i])
        states.append(c[i] * forget + take * change)
        outputs.append(show * tanh(states[i]))
    return outputs, states


def loss(layers: list[list[Vector]], ends: list[Vector], begin: list[list[Vector]], text: list[Vector]) -> Any:
    """Return the mean loss over a text; ends: the weights before the layers, after them, and their biases."""
    before, after, biases = ends
    states, terms = [tuple(pair) for pair in begin], []
    for given, wanted in pairwise(text):
        y = [a * b for a, b in zip(given, before, strict=True)]
        for i, (weights, offsets) in enumerate(layers):
            states[i] = layer(weights, offsets, y, *states[i])
            y = states[i][0]
        scores = [a * w + b for a, w, b in zip(y, after, biases, strict=True)]
        total = logsumexp([*scores, log(2.0)])
        terms += [t * (score - total) for t, score in zip(wanted, scores, strict=True)]
    return -sum(terms) / len(terms)
