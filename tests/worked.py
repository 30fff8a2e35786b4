"""The lectures' worked examples that pictures, walks and pages are checked on."""

from __future__ import annotations

import autograd
from autograd import Value


def sigmoid_neuron() -> Value:
    """W1: 1/(1 + exp(−(w0·x0 + w1·x1 + w2)))."""
    w0, w1, w2 = (Value(x, name, role="parameter") for x, name in ((2, "w0"), (-3, "w1"), (-3, "w2")))
    x0, x1 = Value(-1, "x0"), Value(-2, "x1")
    f = 1 / (1 + autograd.exp(-(w0 * x0 + w1 * x1 + w2)))
    f.label = "f"
    return f


def sum_times_z() -> Value:
    """W2: (x + y)·z."""
    x, y, z = Value(-2, "x"), Value(5, "y"), Value(-4, "z")
    q = x + y
    q.label = "q"
    f = q * z
    f.label = "f"
    return f


def squared_error() -> Value:
    """W3: L = (f − t)², f = g + z, g = x·y."""
    x, y, z, t = Value(-2, "x"), Value(3, "y"), Value(1, "z"), Value(-4, "t")
    g = x * y
    g.label = "g"
    f = g + z
    f.label = "f"
    loss = (f - t) ** 2
    loss.label = "L"
    return loss
