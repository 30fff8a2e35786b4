"""Views of training and models: plots, pages over a training run and for training in the browser, and sensitivities (plots need the extra `plot`)."""

from .explore import explore_training as explore_training
from .inspection import (
    gradient_norms as gradient_norms,
    pre_activations as pre_activations,
    sensitivities as sensitivities,
)
from .playground import playground as playground
from .plots import (
    COLOURS as COLOURS,
    MARKERS as MARKERS,
    plot_activation as plot_activation,
    plot_boundary as plot_boundary,
    plot_history as plot_history,
    plot_points as plot_points,
)
