"""Neurons, layers and networks of `autograd.Value`s, their losses, and their training.

The small nn is five modules: module, layers, losses, optimisers and saving. Beside it, `nn.training`, `nn.data` and
`nn.viewing` are loaded when one of their names is first used, and `nn.classical` holds the neurons before backpropagation.
"""

import sys as _sys
from importlib import import_module as _import_module
from types import ModuleType as _ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from . import classical as classical
    from .data import (
        batches as batches,
        circles as circles,
        gaussians as gaussians,
        moons as moons,
        spiral as spiral,
        standardise as standardise,
        train_test_split as train_test_split,
        xor as xor,
    )
    from .layers import (
        MLP as MLP,
        Activation as Activation,
        Concat as Concat,
        Layer as Layer,
        Neuron as Neuron,
        Sequential as Sequential,
        he as he,
        uniform as uniform,
        xavier as xavier,
        zeros as zeros,
    )
    from .losses import (
        argmax as argmax,
        binary_cross_entropy as binary_cross_entropy,
        binary_cross_entropy_with_logits as binary_cross_entropy_with_logits,
        binary_hinge as binary_hinge,
        cross_entropy as cross_entropy,
        cross_entropy_with_logits as cross_entropy_with_logits,
        entropy as entropy,
        hinge as hinge,
        kl_divergence as kl_divergence,
        l1 as l1,
        l2 as l2,
        log_softmax as log_softmax,
        mean_squared_error as mean_squared_error,
        negative_log_likelihood as negative_log_likelihood,
        one_hot as one_hot,
        softmax as softmax,
        squared_error as squared_error,
    )
    from .module import Module as Module
    from .optimisers import (
        SGD as SGD,
        Adam as Adam,
        AdamW as AdamW,
        Optimiser as Optimiser,
        clip_gradients as clip_gradients,
    )
    from .saving import load as load, save as save
    from .training import (
        History as History,
        Recipe as Recipe,
        accuracy as accuracy,
        confusion as confusion,
        evaluate as evaluate,
        fit as fit,
        linear_regression as linear_regression,
        minimize as minimize,
        monomials as monomials,
        products as products,
        r_squared as r_squared,
        random_search as random_search,
        recipe as recipe,
        schedules as schedules,
        zero_one as zero_one,
    )
    from .viewing import (
        explore_training as explore_training,
        gradient_norms as gradient_norms,
        playground as playground,
        plot_activation as plot_activation,
        plot_boundary as plot_boundary,
        plot_history as plot_history,
        plot_points as plot_points,
        pre_activations as pre_activations,
        sensitivities as sensitivities,
    )

# The public names by the module that holds them, which is imported when one of them is first used.
_NAMES = {
    "module": "Module",
    "layers": "Activation Concat Layer MLP Neuron Sequential he uniform xavier zeros",
    "losses": (
        "argmax binary_cross_entropy binary_cross_entropy_with_logits binary_hinge cross_entropy cross_entropy_with_logits "
        "entropy hinge kl_divergence l1 l2 log_softmax mean_squared_error negative_log_likelihood one_hot softmax squared_error"
    ),
    "optimisers": "Adam AdamW Optimiser SGD clip_gradients",
    "saving": "load save",
    "data": "batches circles gaussians moons spiral standardise train_test_split xor",
    "training": (
        "History Recipe accuracy confusion evaluate fit linear_regression minimize monomials products r_squared "
        "random_search recipe schedules zero_one"
    ),
    "viewing": (
        "explore_training gradient_norms playground plot_activation plot_boundary plot_history plot_points pre_activations "
        "sensitivities"
    ),
    "classical": "",
}
_MODULES = {name: module for module, names in _NAMES.items() for name in names.split()}

__all__ = ["classical", *_MODULES]


class _Schedules(_ModuleType):
    """nn.training.schedules by its public name, for `from nn.schedules import cosine`."""

    def __getattr__(self, name: str) -> object:
        return getattr(_import_module("nn.training.schedules"), name)


_sys.modules[f"{__name__}.schedules"] = _Schedules(f"{__name__}.schedules")

if not TYPE_CHECKING:  # a checker would accept every name

    def __getattr__(name):
        """Import a module when one of its names is first used."""
        if name in _NAMES:
            return _import_module(f".{name}", __name__)
        if name in _MODULES:
            found = globals()[name] = getattr(_import_module(f".{_MODULES[name]}", __name__), name)
            return found
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def __dir__():
        return sorted({*globals(), *_NAMES, *_MODULES})
