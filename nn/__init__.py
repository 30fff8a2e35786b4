"""Neurons, layers and networks of `autograd.Value`s."""

from .layers import MLP as MLP, Layer as Layer, Neuron as Neuron
from .module import Module as Module
