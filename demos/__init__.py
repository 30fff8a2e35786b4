"""Short scripts, each for one idea of the lectures; `python -m demos` lists them.

Each has `main(out)`, which prints, writes its figures into the folder `out` under names that begin with its own, and
returns the numbers that matter.
"""

import autograd as _autograd  # noqa: F401 - first of all: a command without its engine then ends with a line

IN_THE_LECTURES_ORDER = (
    "gate_gallery",
    "sigmoid_neuron",
    "xyz_graph",
    "squared_error_graph",
    "shared_weight_dag",
    "local_linearity",
    "activations",
    "logistic_regression",
    "softmax_examples",
    "kl_cross_entropy",
    "linear_classifier",
    "proxy_loss",
    "perceptron_gaussians",
    "new_sample",
    "boolean_gates",
    "xor",
    "space_warping",
    "moons",
    "spiral",
    "hidden_layer",
    "playground",
    "towers",
    "step_size",
    "landscape",
    "vanishing",
    "sgd_compare",
    "capacity",
    "cost",
    "real_data",
    "digits",
)
WITH_MORE = ("sharded_training",)  # needs JAX and draws nothing, so --all leaves it out
