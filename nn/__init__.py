"""Neurons, layers and networks of `autograd.Value`s, their losses, and how they learn."""

from .activation import Activation as Activation
from .containers import Concat as Concat, Sequential as Sequential
from .initialisers import he as he, uniform as uniform, xavier as xavier, zeros as zeros
from .layers import MLP as MLP, Layer as Layer, Neuron as Neuron
from .module import Module as Module
