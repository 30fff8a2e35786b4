"""Short programs, each for one idea; `python -m demos` lists them.

Each has `main(out)`, which prints, writes its figures into the folder `out` under names that begin with its own, and
returns the numbers that matter.
"""

import autograd as _autograd  # noqa: F401 - first of all: a command without its engine then ends with a line

CHAPTERS = {
    "Gates and graphs": (
        "gate_gallery",
        "sigmoid_neuron",
        "xyz_graph",
        "squared_error_graph",
        "shared_weight_dag",
        "local_linearity",
    ),
    "Neurons and losses": (
        "activations",
        "logistic_regression",
        "softmax_examples",
        "kl_cross_entropy",
        "linear_classifier",
        "proxy_loss",
    ),
    "Perceptrons and Boolean functions": ("perceptron_gaussians", "new_sample", "boolean_gates"),
    "Networks that bend space": (
        "xor",
        "space_warping",
        "moons",
        "spiral",
        "hidden_layer",
        "playground",
        "towers",
    ),
    "Descent": ("step_size", "landscape", "vanishing", "sgd_compare", "capacity", "cost"),
    "Science and finance": ("black_scholes", "lotka_volterra"),
    "Data": ("real_data", "digits", "microgpt"),
}
ALL = tuple(name for names in CHAPTERS.values() for name in names)  # those that --all runs
WITH_MORE = ("sharded_training",)  # needs JAX and draws nothing, so --all leaves it out
