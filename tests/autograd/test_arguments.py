"""Guards the conversion of arguments: what is a number, an int, a bool and a list, and which keywords there are."""

from __future__ import annotations

import inspect
import math
from typing import Any

import numpy as np
import pytest

import autograd
import nn
from autograd import Value, draw, explain, explore
from autograd.arguments import as_bool, as_finite, as_int, as_operand, describe, to_python, truncated_repr


@pytest.mark.parametrize("x", [math.inf, -math.inf, math.nan, -1, 10**400])
def test_a_finite_number_is_neither_infinite_nor_nan_nor_below_the_least(x: Any) -> None:
    with pytest.raises((ValueError, OverflowError), match="the rate"):
        as_finite(x, "the rate", 0)


@pytest.mark.parametrize("x", [math.inf, -math.inf, math.nan])
def test_a_finite_number_without_a_bound_is_finite(x: float) -> None:
    with pytest.raises(ValueError, match=f"the rate must be a finite number, got {x}"):
        as_finite(x, "the rate")


@pytest.mark.parametrize("x", [2, 2.0, True, np.float32(2), np.int8(2)])
def test_numbers_of_python_and_numpy_become_floats(x: Any) -> None:
    assert type(as_finite(x, "x")) is float
    assert as_operand(x, "x") == float(x)


def test_a_value_is_an_operand_but_no_plain_number() -> None:
    x = Value(2.0)
    assert as_operand(x, "x") is x
    with pytest.raises(TypeError, match=r"x must be a plain number, got Value.*: write its \.data"):
        as_finite(x, "x")


@pytest.mark.parametrize("n", [True, 1.0, "1", None, 0])
def test_an_int_is_no_bool_and_no_float(n: Any) -> None:
    with pytest.raises(ValueError, match="n must be a whole number of at least 1"):
        as_int(n, "n")
    assert as_int(np.int64(3), "n") == 3


@pytest.mark.parametrize("x", [0.5, 2, "yes", None, [1]])
def test_a_bool_is_true_or_false(x: Any) -> None:
    with pytest.raises(TypeError, match="bias must be True or False"):
        as_bool(x, "bias")
    assert as_bool(np.True_, "bias") is True


def test_arrays_become_lists_at_every_depth() -> None:
    assert to_python([(1.0, np.array([2.0, 3.0])), range(2)]) == [[1.0, [2.0, 3.0]], [0, 1]]


def test_a_long_or_unprintable_value_is_cut() -> None:
    assert len(describe("a" * 1000)) <= 70
    assert truncated_repr(np.zeros((2, 2))) == "array([[0., 0.], [0., 0.]])"
    assert truncated_repr(10**5000) == "<int with thousands of digits>"


# Names of arguments

DRAWS = (nn.he, nn.uniform, nn.xavier, nn.zeros)  # called for every weight
READERS = "check_gradients finite_differences grad hessian jacobian linearize value_and_grad"
FUNCTIONS = [
    *(f for name in nn.__all__ if inspect.isfunction(f := getattr(nn, name)) and f not in DRAWS),
    *(getattr(autograd, name) for name in READERS.split()),
]
CLASSES = [nn.MLP, nn.Layer, nn.Neuron, nn.SGD, nn.Adam, nn.AdamW]


@pytest.mark.parametrize("f", [*FUNCTIONS, *CLASSES], ids=lambda f: f.__name__)
def test_a_keyword_that_a_function_does_not_have_is_named_with_the_function(f: Any) -> None:
    with pytest.raises(TypeError, match=f"^{f.__name__} has no argument frobnicate: "):
        f(frobnicate=1)


@pytest.mark.parametrize("f", [explain, draw, explore, Value, autograd.to_dot])
def test_a_function_that_reads_its_callers_names_or_is_called_all_the_time_has_pythons_own_words(f: Any) -> None:
    with pytest.raises(TypeError, match=f"^{f.__name__}.* got an unexpected keyword argument 'frobnicate'"):
        f(Value(1.0), frobnicate=1)


TASK = ("regression", 2)
KEYWORDS: list[tuple[Any, tuple[Any, ...], str, str]] = [
    (nn.MLP, (2, [3]), "act", "activation"),
    (nn.MLP, (), "hidden_layer_sizes", "nouts"),
    (nn.Layer, (2, 3), "activatoin", "activation"),
    (nn.Layer, (2, 3), "use_bias", "bias"),
    (nn.Layer, (2,), "out_features", "nout"),
    (nn.Neuron, (2,), "seed", "rng"),
    (nn.recipe, TASK, "activatoin", "activation"),
    (nn.recipe, TASK, "random_state", "rng"),
    (nn.batches, (([1.0], [1]),), "batch_size", "size"),
    (nn.train_test_split, (([1.0], [1]),), "test_size", "fraction"),
    (nn.moons, (), "n_samples", "n"),
    (nn.spiral, (9, 0.1), "num_classes", "classes"),
    (nn.one_hot, (1,), "num_classes", "n"),
    (nn.squared_error, (1.0, 2.0), "reduce", "reduction"),
    (nn.accuracy, ([1.0], [1]), "thresh", "threshold"),
    (nn.fit, (), "batchsize", "batch_size"),
    (autograd.check_gradients, (abs, [1.0]), "eps", "step"),
    (autograd.finite_differences, (abs, [1.0]), "h", "step"),
]


@pytest.mark.parametrize(("f", "arguments", "keyword", "own"), KEYWORDS)
def test_a_keyword_of_another_library_is_answered_by_ours(
    f: Any, arguments: tuple[Any, ...], keyword: str, own: str
) -> None:
    with pytest.raises(TypeError, match=f"^{f.__name__} has no argument {keyword}: write {own}$"):
        f(*arguments, **{keyword: 0.1})


def test_another_type_error_of_a_checked_function_stays() -> None:
    with pytest.raises(TypeError, match=r"missing 1 required positional argument: 'target'"):
        nn.squared_error(1.0)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="needs a number"):
        nn.squared_error(1.0, "a")
