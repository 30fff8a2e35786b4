"""The output layer and the loss for each kind of task: regression, binary and multiclass."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Any, Literal, NamedTuple

from autograd import relu, sigmoid
from autograd.arguments import as_int, checks_keywords, list_or_none, truncated_repr

from ..layers import MLP, Function, Initialiser, uniform
from ..losses import binary_cross_entropy_with_logits, cross_entropy_with_logits, softmax, squared_error
from .metrics import accuracy, r_squared

__all__ = ["Recipe", "recipe"]

Task = Literal["regression", "binary", "multiclass"]


class Recipe(NamedTuple):
    """A model that gives pre-activations z, the loss of z, the output o(z), and a score of predictions.

    >>> task = recipe("binary", 2, [3])
    >>> [0 < o < 1 for o in task.predict([[0.5, -1.0], [2.0, 1.0]])]
    [True, True]
    """

    model: MLP
    loss: Callable[[Any, Any], Any]
    output: Callable[[Any], Any]
    score: Callable[[Any, Any], float]

    def predict(self, X: Any) -> list[Any]:
        """Return the outputs o(z) for the rows of X: numbers, probabilities, or rows of probabilities."""
        return [self.output(z) for z in self.model.predict(X)]


@checks_keywords
def recipe(
    task: Task,
    nin: int,
    hidden: Sequence[int] = (),
    nout: int = 1,
    *,
    activation: Function | None = relu,
    bias: bool = True,
    init: Initialiser = uniform,
    rng: Random | None = None,
) -> Recipe:
    """Return the network and the loss for a task; the keywords are those of MLP.

    | task       | output layer               | loss                                              |
    | regression | linear neurons, o = z      | squared error ½Σ(o − y)²                          |
    | binary     | a sigmoid neuron, o = σ(z) | binary cross-entropy                              |
    | multiclass | `nout` neurons, softmax(z) | cross-entropy with the class's index or a one-hot |

    In all three ∂loss/∂z = o − y. The model ends in z and the loss takes z, because a saturated σ or softmax loses digits.

    >>> recipe("multiclass", 4, [8], 3).model
    MLP(4 → 8 relu → 3 linear, 67 parameters)
    """
    rows: dict[str, tuple[Any, Any, Any]] = {
        "regression": (_half_squared_error, _identity, r_squared),
        "binary": (binary_cross_entropy_with_logits, sigmoid, accuracy),
        "multiclass": (cross_entropy_with_logits, softmax, accuracy),
    }
    if not isinstance(task, str) or task not in rows:
        raise ValueError(f"task must be one of {', '.join(rows)}, got {task!r}")
    nout, widths = as_int(nout, "nout, the number of outputs,"), list_or_none(hidden)
    if (task == "binary" and nout != 1) or (task == "multiclass" and nout < 2):
        raise ValueError(
            f"nout must be {'1' if task == 'binary' else 'the number of classes'} for a {task} task, got {nout}"
        )
    if widths is None:
        raise TypeError(
            f"hidden must be a list with the number of neurons of each hidden layer, as in [8], got {truncated_repr(hidden)}"
        )
    model = MLP(nin, [*widths, nout], activation, bias=bias, init=init, rng=rng)
    return Recipe(model, *rows[task])


def _half_squared_error(output: Any, target: Any) -> Any:
    return squared_error(output, target, half=True)


def _identity(z: Any) -> Any:
    return z
