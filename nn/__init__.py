"""Neurons, layers and networks of `autograd.Value`s, their losses, and how they learn."""

from . import classical as classical
from .activation import Activation as Activation
from .containers import Concat as Concat, Sequential as Sequential
from .data import batches as batches, standardise as standardise, train_test_split as train_test_split
from .datasets import circles as circles, gaussians as gaussians, moons as moons, spiral as spiral, xor as xor
from .descent import minimize as minimize, random_search as random_search
from .explore import explore_training as explore_training
from .functions import argmax as argmax, log_softmax as log_softmax, one_hot as one_hot, softmax as softmax
from .history import History as History
from .initialisers import he as he, uniform as uniform, xavier as xavier, zeros as zeros
from .inspection import (
    gradient_norms as gradient_norms,
    pre_activations as pre_activations,
    sensitivities as sensitivities,
)
from .layers import MLP as MLP, Layer as Layer, Neuron as Neuron
from .losses import (
    binary_cross_entropy as binary_cross_entropy,
    binary_cross_entropy_with_logits as binary_cross_entropy_with_logits,
    binary_hinge as binary_hinge,
    cross_entropy as cross_entropy,
    cross_entropy_with_logits as cross_entropy_with_logits,
    entropy as entropy,
    hinge as hinge,
    kl_divergence as kl_divergence,
    mean_squared_error as mean_squared_error,
    negative_log_likelihood as negative_log_likelihood,
    squared_error as squared_error,
    zero_one as zero_one,
)
from .metrics import accuracy as accuracy, confusion as confusion, r_squared as r_squared
from .module import Module as Module
from .optimisers import (
    SGD as SGD,
    Adam as Adam,
    AdamW as AdamW,
    Optimiser as Optimiser,
    clip_gradients as clip_gradients,
)
from .penalties import l1 as l1, l2 as l2
from .plots import (
    plot_activation as plot_activation,
    plot_boundary as plot_boundary,
    plot_history as plot_history,
    plot_points as plot_points,
)
from .recipes import Recipe as Recipe, recipe as recipe
from .regression import linear_regression as linear_regression, monomials as monomials, products as products
from .saving import load as load, save as save
from .training import evaluate as evaluate, fit as fit
