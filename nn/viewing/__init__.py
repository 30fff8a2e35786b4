"""Views of models and training: plots (extra `plot`), pages that show or do the training, and sensitivities."""

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
