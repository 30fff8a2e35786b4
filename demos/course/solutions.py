"""Solutions of the exercises: a cell for each, in their order, which a reader could have written below the stub."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

import autograd
from autograd import dot, exp, log, sigmoid, topological_order
from nn import binary_cross_entropy_with_logits, softmax

if TYPE_CHECKING:  # what the notebooks have by then
    from .part1_gradients import local_gradients
    from .part3_matrices import x, y


# %% tags=["part1_gradients"]
def error_gradient(x, y, z, t):
    """The gradient of (xy + z − t)²: upstream of f and of t is ±2(f − t); the product swaps x and y."""
    upstream = 2 * (x * y + z - t)
    return [upstream * y, upstream * x, upstream, -upstream]


# %% tags=["part1_gradients"]
def neuron_gradient(w0, x0, w1, x1, w2):
    """The gradient of σ(w0·x0 + w1·x1 + w2): upstream of the sum is (1 − f)f."""
    f = sigmoid(w0 * x0 + w1 * x1 + w2)
    upstream = (1 - f) * f
    return [upstream * x0, upstream * w0, upstream * x1, upstream * w1, upstream]


# %% tags=["part1_gradients"]
def my_backward(root):
    """The pass adds up what comes to a node, where the planted bug overwrites it."""
    gradients = {root: 1.0}
    for node in reversed(topological_order(root)):
        for source, local in zip(node.inputs, local_gradients(node)):
            gradients[source] = gradients.get(source, 0.0) + gradients[node] * local
    return gradients


# %% tags=["part1_gradients"]
def cube_slope(x):
    """3x, which was there, equals 3x² at 0 and at 1."""
    return 3 * x * x


def bell_slope(x):
    """The slope of −x² was there, and e^(−x²) was missing."""
    return -2 * x * exp(-x * x)


def half_square_slope(a, b):
    """The sign in b was wrong, which does not show where a = b."""
    return [a - b, b - a]


# %% tags=["part2_networks"]
def cross_entropy(z, y):
    """The formula as it stands."""
    o = sigmoid(z)
    return -y * log(o) - (1 - y) * log(1 - o)


# %% tags=["part2_networks"]
def train_step(model, X, Y, rate):
    """One step: gradients from 0, backward, and against the gradient."""
    cost = sum(binary_cross_entropy_with_logits(model(x), y) for x, y in zip(X, Y)) / len(X)
    model.zero_grad()
    cost.backward()
    for p in model.parameters():
        p.data -= rate * p.grad
    return cost.data


# %% tags=["part2_networks"]
hidden = [8, 8]
rate = 0.05
epochs = 20


# %% tags=["part3_matrices"]
def backpropagate(W1, b1, W2, b2, W3, b3):
    """The δ recursion."""
    W1, b1, W2, b2, W3, b3 = map(np.array, (W1, b1, W2, b2, W3, b3))
    a1 = 1 / (1 + np.exp(-(W1 @ x + b1)))
    a2 = 1 / (1 + np.exp(-(W2 @ a1 + b2)))
    z3 = W3 @ a2 + b3
    p = np.exp(z3) / np.exp(z3).sum()

    delta3 = p - np.eye(3)[y]
    delta2 = (W3.T @ delta3) * a2 * (1 - a2)
    delta1 = (W2.T @ delta2) * a1 * (1 - a1)
    return [np.outer(delta1, x), delta1, np.outer(delta2, a1), delta2, np.outer(delta3, a2), delta3]


# %% tags=["part3_matrices"]
def products(n):
    """Each layer has W @ a forward, δ @ a.T for its weights, and W.T @ δ for the layer below, which the first has not."""
    return 3 * n - 1


# %% tags=["part3_matrices"]
def leaky(z):
    """The larger of the two."""
    return autograd.maximum(z, 0.1 * z)


# %% tags=["part4_gpt"]
def name_loss(table, tokens):
    """A sample is a token and the one after it."""
    losses = [-softmax(table[tokens[i]])[tokens[i + 1]].log() for i in range(len(tokens) - 1)]
    return sum(losses) / len(losses)


# %% tags=["part4_gpt"]
def attend(query, keys, values):
    """The mean of the values, entry by entry."""
    weights = softmax([dot(query, key) / len(query) ** 0.5 for key in keys])
    return weights, [dot(weights, column) for column in zip(*values)]


# %% tags=["part4_gpt"]
def chances(scores, temperature):
    """Scores first, then the softmax."""
    return softmax([score / temperature for score in scores])
