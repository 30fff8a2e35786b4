"""Guards what nn says of wrong types, shapes and order: which argument, what came, what was expected, and what to write.

The table holds what a newcomer might write, and words that must be in the answer. The sweep calls every function with
one wrong argument after the other: what is refused is refused by a sentence of ours, never by Python from inside.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure

import autograd
import nn
from autograd import Value, relu, tanh
from nn import schedules
from tests.lessons import sweep

matplotlib.use("Agg")
X, Y = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [0.0, 1.0, 1.0, 0.0]


def model() -> nn.MLP:
    return nn.MLP(2, [2, 1], tanh, rng=Random(0))


M = model()
R = Random(0)
HISTORY = nn.fit(M, (X, Y), nn.squared_error, nn.SGD(M), epochs=2, record=True)
NAMES = {name: getattr(nn, name) for name in nn.__all__}
SPACE: dict[str, Any] = {**NAMES, "nn": nn, "np": np, "autograd": autograd, "Value": Value, "relu": relu} | {
    "M": M, "R": R, "X": X, "Y": Y, "HISTORY": HISTORY, "Random": Random, "schedules": schedules, "FIT": "",
}  # fmt: skip

TABLE: list[tuple[str, type[Exception], str]] = [
    # networks
    (
        "MLP(2, 16)",
        TypeError,
        "nouts must be a list with the number of neurons of each layer, as in [16, 16, 1], got 16",
    ),
    ("MLP(2, [16, 1.0])", ValueError, "nout, the number of neurons, must be a whole number of at least 1, got 1.0"),
    ("MLP('2', [1])", ValueError, "nin, the number of inputs, must be a whole number of at least 1, got '2'"),
    (
        "MLP(2, [1], 'relu')",
        TypeError,
        "an activation must be a function such as autograd.tanh, or None for a linear output, got 'relu'",
    ),
    ("MLP(2, [1], rng=0)", TypeError, "rng must be a random.Random, got 0: write rng=random.Random(0)"),
    ("MLP(2, [1], bias=0.5)", TypeError, "bias, whether there is one, must be True or False, got 0.5"),
    ("MLP(2, [1], init=0.1)", TypeError, "init, which draws a weight, must be a function, got the float 0.1"),
    ("MLP(2, [1], init=lambda rng: 0)", TypeError, "must accept the call f(rng, nin, nout), got <lambda>(rng)"),
    ("Neuron.of(1.0)", TypeError, "weights must be a list of numbers, got the float 1.0"),
    ("Neuron.of([1.0, 'a'])", TypeError, "weights[1] needs a number, not the str 'a'"),
    (
        "Neuron.of([Value(1.0)])",
        TypeError,
        "weights[0] must be a plain number, got Value(data=1.0, grad=0.0): write its .data",
    ),
    (
        "Layer.of([])",
        ValueError,
        "W must be a list with a row of weights for each neuron, got the list []",
    ),
    ("Layer.of([1.0, 2.0])", TypeError, "W[0] must be a list of numbers, got the float 1.0"),
    ("Layer.of([[1.0], [1.0, 2.0]])", ValueError, "W[1] must have 1 weights, as W[0] has, got 2"),
    ("Layer.of([[1.0], [2.0]], [0.0])", ValueError, "b must have one bias for each of the 2 rows of W, got 1"),
    (
        "Sequential([relu, relu])",
        TypeError,
        "a part of a network must be a module or a function, got [<gate relu(x)>, <gate relu(x)>]",
    ),
    ("Sequential(Layer)", TypeError, "a part of a network must be an instance, got a class"),
    (
        "Concat('relu')",
        TypeError,
        "an activation must be a function such as autograd.tanh, or None for a linear output, got 'relu'",
    ),
    ("M([1.0])", ValueError, "takes 2 inputs, and x has 1"),
    ("M(1.0)", ValueError, "x is the number 1.0: a sample is a list of 2 numbers"),
    ("M(X[:2])", TypeError, "x must be one sample, got the list [0.0, 0.0] for x[0]"),
    ("M(['a', 'b'])", TypeError, "x[0] needs a number, not the str 'a'"),
    ("M.predict([0.0, 1.0])", ValueError, "a sample is a list of 2 numbers, and a batch a list of samples, [[…, …]]"),
    ("M.predict(0.5)", TypeError, "X must be a list or an array of samples, got the float 0.5"),
    ("M.batch(3)", TypeError, "X must be a list, got the int 3"),
    ("Module()(1.0)", TypeError, "Module has no forward: write one in the class"),
    ("M.load_state_dict('m.json')", TypeError, "state must be a dict"),
    ("M.load_state_dict({})", ValueError, "it lacks ['layer1.W', 'layer1.b', 'layer2.W', 'layer2.b']"),
    # training
    (
        "fit(X, Y, squared_error, SGD(M))",
        TypeError,
        "model must be a Module such as nn.MLP(2, [8, 1]), got the list [[0.0, 0.0], [0.0, 1.0], [1.0,",
    ),
    (
        "fit(MLP, (X, Y), squared_error, SGD(M))",
        TypeError,
        "model must be a Module such as nn.MLP(2, [8, 1]), got the type <class 'nn.layers.MLP'>",
    ),
    (
        "fit(M, X, squared_error, SGD(M))",
        TypeError,
        "data must be a pair (X, y) of samples and targets, got the list",
    ),
    (
        "fit(M, (X, 1.0), squared_error, SGD(M))",
        TypeError,
        "y of the data must be a list or an array with one entry per sample, got the float 1.0",
    ),
    (
        "fit(M, (X, Y), SGD(M), squared_error)",
        TypeError,
        "loss must be a function such as nn.squared_error",
    ),
    (
        "fit(M, (X, Y), squared_error, 0.1)",
        TypeError,
        "optimiser must be an Optimiser such as nn.SGD(model.parameters(), 0.1), got the float 0.1",
    ),
    (
        "fit(M, (X, Y), squared_error, SGD)",
        TypeError,
        "optimiser must be an Optimiser such as nn.SGD(model.parameters(), 0.1), got the type <class",
    ),
    ("fit(M, (X, Y), squared_error, SGD(model_of_another))", ValueError, "moves no parameter of MLP(2"),
    (
        "fit(M, (X, Y), lambda o: o, SGD(M))",
        TypeError,
        "loss must accept the call f(output, target), got <lambda>(o)",
    ),
    ("fit(M, (X, Y), lambda o, t: None, SGD(M))", TypeError, "loss must return a Value, got the NoneType None"),
    ("fit(M, (X, Y), zero_one, SGD(M))", TypeError, "loss must return a Value"),
    (
        "FIT epochs=1.5",
        ValueError,
        "epochs, the number of passes over the data, must be a whole number of at least 0, got 1.5",
    ),
    ("FIT batch_size=0", ValueError, "the size of a batch must be a whole number of at least 1, got 0"),
    ("FIT rng=0", TypeError, "rng must be a random.Random, got 0: write rng=random.Random(0)"),
    ("FIT penalty=l2", TypeError, "must accept the call f(parameters), got l2(parameters, strength)"),
    ("FIT penalty=l2(M.parameters(), 0.1)", TypeError, "penalty, as in lambda ps: l2(ps, 1e-4), must be a function"),
    ("FIT penalty=lambda ps: None", TypeError, "the penalty needs a number, not None"),
    ("FIT schedule=0.1", TypeError, "schedule, such as nn.schedules.cosine(0.1, 0.0, epochs), must be a function"),
    (
        "FIT schedule=lambda e: -1.0",
        ValueError,
        "the learning rate of the schedule in epoch 0 must be a finite number of at least 0, got -1.0",
    ),
    ("FIT clip='1'", TypeError, "clip, the maximum norm of the gradient, needs a number, not the str '1'"),
    ("FIT validation=0.5", ValueError, "validation, a fraction of the data, needs rng to shuffle"),
    (
        "FIT validation=[1.0]",
        TypeError,
        "validation must be a pair (X, y) of samples and targets, got the list [1.0] of length 1",
    ),
    ("FIT metrics=[accuracy]", TypeError, "metrics must be a dict of names and functions, as in {'accuracy'"),
    ("FIT metrics={'a': 1}", TypeError, "the metric 'a' must be a function, got the int 1"),
    (
        "FIT callbacks=print",
        TypeError,
        "callbacks must be a list of functions, got the builtin_function_or_method <built-in function",
    ),
    ("FIT callbacks=[lambda h: 0]", TypeError, "callbacks[0] must accept the call f(epoch, model, history)"),
    (
        "FIT patience=0",
        ValueError,
        "patience, the number of epochs without improvement, must be a whole number of at least 1, got 0",
    ),
    ("FIT epsilon=-1", ValueError, "epsilon, of the stop criterion, must be a finite number of at least 0, got -1"),
    (
        "FIT k=0",
        ValueError,
        "k, the number of steps of the stop criterion, must be a whole number of at least 1, got 0",
    ),
    ("FIT compiled='yes'", TypeError, "compiled must be True or False, got 'yes'"),
    (
        "fit(M, ([[1.0, 2.0], [1.0]], Y[:2]), squared_error, SGD(M), compiled=True)",
        ValueError,
        "Layer(2 → 2, tanh) takes 2 inputs, and x has 1",
    ),
    (
        "evaluate(M, (X, Y), accuracy(Y, Y))",
        TypeError,
        "loss must be a function such as nn.squared_error",
    ),
    ("SGD(M, '0.1')", TypeError, "the learning rate needs a number, not the str '0.1': write float('0.1')"),
    ("SGD(M, float('inf'))", ValueError, "the learning rate must be a finite number of at least 0, got inf"),
    ("SGD(Module())", ValueError, "has no parameters: these are leaves among its attributes"),
    ("SGD(0.1, M)", TypeError, "parameters, if they are not a model, must be a list, got the float 0.1"),
    (
        "SGD(M.named_parameters())",
        TypeError,
        "parameters must be leaves, as model.parameters() lists them, got ('layer1.W[0][0]',",
    ),
    ("SGD(M, 0.1, momentum=-1)", ValueError, "the momentum must be a finite number of at least 0, got -1"),
    (
        "Adam(M, betas=(0.9,))",
        ValueError,
        "betas must be two numbers from 0 to below 1, as in (0.9, 0.999), got (0.9,)",
    ),
    ("Adam(M, betas=0.9)", ValueError, "betas must be two numbers from 0 to below 1, as in (0.9, 0.999), got 0.9"),
    ("Adam(M, epsilon=-1)", ValueError, "epsilon must be a finite number of at least 0, got -1"),
    (
        "schedules.exponential(-0.1, 0.9)",
        ValueError,
        "first, the learning rate to begin with, must be a finite number of at least 0",
    ),
    (
        "schedules.staircase(0.1, 0.5, 0)",
        ValueError,
        "every, how many epochs a stair lasts, must be a whole number of at least 1",
    ),
    ("schedules.warmup(5, 0.1)", TypeError, "schedule, which warmup leads to, must be a function, got the float 0.1"),
    # data
    (
        "train_test_split((X, Y), 0.5, rng=0)",
        TypeError,
        "rng must be a random.Random, got 0: write rng=random.Random(0)",
    ),
    (
        "train_test_split((X, Y), 'half', rng=R)",
        TypeError,
        "fraction, the part of the samples to test on, needs a number",
    ),
    ("standardise(([[1.0], [1.0, 2.0]], [0, 1]), (X, Y))", ValueError, "X[1] must have 1 numbers, got 2"),
    ("standardise((X, Y), ([[1.0]], [0]))", ValueError, "X[0] must have 2 numbers, got 1"),
    ("moons('100', 0.1, R)", ValueError, "n, the number of points, must be a whole number of at least 1, got '100'"),
    ("moons(100, 0.1, 0)", TypeError, "rng must be a random.Random, got 0: write rng=random.Random(0)"),
    ("xor(100, -0.1, R)", ValueError, "noise must be a finite number of at least 0, got -0.1"),
    ("one_hot(1, '3')", ValueError, "one_hot: n, the number of classes, must be a whole number of at least 1, got '3'"),
    ("accuracy([0.5], [1], threshold='a')", TypeError, "accuracy: threshold needs a number, not the str 'a'"),
    ("l2(0.1, M.parameters())", TypeError, "l2: parameters must be a list, got the float 0.1"),
    ("l1([1.0], None)", TypeError, "l1: strength needs a number, not None"),
    # functions, closed forms, seeing inside, keeping
    ("minimize(3, lambda x: x)", TypeError, "f must be a function, got the int 3"),
    ("minimize(lambda x: x, 'a')", TypeError, "x0 needs a number, not the str 'a'"),
    (
        "minimize(lambda x: x, Value(1.0))",
        TypeError,
        "x0 must be a plain number, got Value(data=1.0, grad=0.0): write its .data",
    ),
    ("minimize(lambda x: x, 1.0, steps=-1)", ValueError, "steps must be a whole number of at least 0, got -1"),
    ("minimize(lambda x: x, 1.0, epsilon=1.0, k=0)", ValueError, "must be a whole number of at least 1, got 0"),
    (
        "random_search(lambda x: x, 1.0, rng=1)",
        TypeError,
        "rng must be a random.Random, got 1: write rng=random.Random(1)",
    ),
    (
        "linear_regression(X, [[1.0]] * 4)",
        TypeError,
        "y[0] must be one number, got the list [1.0]: write its one entry alone",
    ),
    ("linear_regression(X, Y, 2)", TypeError, "features, of a sample, must be a function, got the int 2"),
    ("monomials(-1)", ValueError, "degree, the highest power, must be a whole number of at least 0, got -1"),
    (
        "recipe('binary', 2, 8)",
        TypeError,
        "hidden must be a list with the number of neurons of each hidden layer, as in [8], got 8",
    ),
    ("recipe('classify', 2)", ValueError, "task must be one of regression, binary, multiclass, got 'classify'"),
    (
        "sensitivities(Sequential(relu), X[0], 1.0, squared_error)",
        TypeError,
        "model must be an nn.MLP, whose layers have pre-activations, got the Sequential",
    ),
    ("gradient_norms([1.0])", TypeError, "model must be a Module such as nn.MLP(2, [8, 1]), got the list [1.0]"),
    ("plot_boundary(X, Y, M)", TypeError, "model must be a function, got the list"),
    (
        "plot_boundary(M, [[1.0, 2.0, 3.0]], [0])",
        ValueError,
        "X, the points of the plane,[0] must have 2 numbers, got 3",
    ),
    (
        "plot_points(X, Y, 'axes')",
        TypeError,
        "ax must be Axes of matplotlib, such as plt.subplots()[1], got the str 'axes'",
    ),
    (
        "plot_history(M)",
        TypeError,
        "history must be the result of fit, got the MLP MLP(2 → 2 tanh → 1 linear, 9 parameters)",
    ),
    ("plot_activation(relu, low=1.0, high=0.0)", ValueError, "low must be below high, got 1.0 and 0.0"),
    (
        "explore_training(HISTORY, M)",
        TypeError,
        "model must be the Module that was trained, got the History <History of 2 epochs",
    ),
    (
        "explore_training(M, [HISTORY])",
        TypeError,
        "history must be the result of fit(..., record=True), got the list [<History of 2 epochs",
    ),
    ("save('m.json', M)", TypeError, "model must be a Module, got the str 'm.json'"),
    ("save(M, 3)", TypeError, "path must be a str or a Path, got 3"),
    (
        "save(M, 'no/such/folder/m.json')",
        FileNotFoundError,
        "there is no such folder: create it first: 'no/such/folder'",
    ),
]
SPACE["model_of_another"] = model()


@pytest.mark.parametrize(("call", "error", "words"), TABLE, ids=[call for call, _, _ in TABLE])
def test_a_mistake_is_answered_with_what_to_write(call: str, error: type[Exception], words: str) -> None:
    if call.startswith("FIT "):
        call = f"fit(M, (X, Y), squared_error, SGD(M), {call.removeprefix('FIT ')})"
    before = M.state_dict()
    with pytest.raises(error) as caught:
        eval(call, SPACE)
    assert words in str(caught.value)
    assert M.state_dict() == before


def fitting(model: Any, data: Any, loss: Any, optimiser: Any, **options: Any) -> None:
    nn.fit(model, data, loss, optimiser, epochs=1, **options)


def plain(
    loss: Callable[..., Any], first: str, **others: Any
) -> tuple[Callable[..., Any], Callable[[], dict[str, Any]]]:
    return loss, lambda: {first: [0.5, 0.5], "target": 1, **others}


SWEEPS: dict[str, tuple[Callable[..., Any], Callable[[], dict[str, Any]]]] = {
    "fit": (
        fitting,
        lambda: {
            "model": M, "data": (X, Y), "loss": nn.squared_error, "optimiser": nn.SGD(M, 0.0), "batch_size": 2, "rng": R,
            "penalty": lambda ps: nn.l2(ps, 0.1), "schedule": lambda epoch: 0.0, "clip": 1.0, "validation": (X, Y),
            "metrics": {"r": nn.r_squared}, "callbacks": [], "patience": 1, "epsilon": 0.1, "k": 1, "compiled": False,
        },
    ),
    "evaluate": (nn.evaluate, lambda: {"model": M, "data": (X, Y), "loss": nn.squared_error}),
    "Neuron": (nn.Neuron, lambda: {"nin": 2, "activation": tanh, "bias": True, "init": nn.he, "rng": R}),
    "Layer": (nn.Layer, lambda: {"nin": 2, "nout": 2, "activation": tanh, "rng": R}),
    "Layer.of": (nn.Layer.of, lambda: {"W": [[1.0, 2.0]], "b": [0.0], "activation": tanh}),
    "MLP": (nn.MLP, lambda: {"nin": 2, "nouts": [2, 1], "activation": tanh, "output": None, "rng": R}),
    "call": (lambda x: M(x), lambda: {"x": [1.0, 2.0]}),
    "predict": (lambda X: M.predict(X), lambda: {"X": X}),
    "load_state_dict": (M.load_state_dict, lambda: {"state": M.state_dict()}),
    "SGD": (nn.SGD, lambda: {"parameters": M, "learning_rate": 0.1, "momentum": 0.1, "nesterov": True}),
    "Adam": (nn.Adam, lambda: {"parameters": M, "learning_rate": 0.1, "betas": (0.9, 0.9), "epsilon": 1e-8}),
    "clip_gradients": (nn.clip_gradients, lambda: {"parameters": M, "largest": 1.0}),
    "batches": (lambda **given: [*nn.batches(**given)], lambda: {"data": (X, Y), "size": 2, "rng": R}),
    "train_test_split": (nn.train_test_split, lambda: {"data": (X, Y), "fraction": 0.5, "rng": R}),
    "standardise": (nn.standardise, lambda: {"train": (X, Y), "test": (X, Y)}),
    "moons": (nn.moons, lambda: {"n": 4, "noise": 0.1, "rng": R}),
    "spiral": (nn.spiral, lambda: {"n": 4, "noise": 0.1, "rng": R, "classes": 3}),
    "he": (nn.he, lambda: {"rng": R, "nin": 2, "nout": 2}),
    "minimize": (nn.minimize, lambda: {"f": lambda x: 1.0, "x0": 1.0, "learning_rate": 0.1, "steps": 2, "k": 1}),
    "random_search": (nn.random_search, lambda: {"f": lambda x: 1.0, "x0": 1.0, "rng": R, "radius": 0.1, "tries": 2}),
    "linear_regression": (nn.linear_regression, lambda: {"X": X, "y": Y, "features": nn.products}),
    "softmax": (nn.softmax, lambda: {"z": [1.0, 2.0]}),
    "argmax": (nn.argmax, lambda: {"z": [1.0, 2.0]}),
    "one_hot": (nn.one_hot, lambda: {"k": 1, "n": 2}),
    "squared_error": (nn.squared_error, lambda: {"output": 0.5, "target": 1, "reduction": "sum"}),
    "binary_hinge": (nn.binary_hinge, lambda: {"score": 0.5, "target": 1}),
    "cross_entropy": plain(nn.cross_entropy, "probabilities"),
    "cross_entropy_with_logits": plain(nn.cross_entropy_with_logits, "z"),
    "hinge": plain(nn.hinge, "scores", margin=1.0),
    "kl_divergence": (nn.kl_divergence, lambda: {"p": [0.5, 0.5], "q": [0.5, 0.5]}),
    "accuracy": (nn.accuracy, lambda: {"outputs": [0.5, 0.6], "targets": [1, 0], "threshold": 0.5}),
    "confusion": (nn.confusion, lambda: {"outputs": [0.5, 0.6], "targets": [1, 0], "threshold": 0.5}),
    "r_squared": (nn.r_squared, lambda: {"outputs": [0.5, 0.6], "targets": [1, 0]}),
    "l2": (nn.l2, lambda: {"parameters": [1.0], "strength": 0.1}),
    "recipe": (nn.recipe, lambda: {"task": "multiclass", "nin": 2, "hidden": [2], "nout": 2}),
    "sensitivities": (nn.sensitivities, lambda: {"model": M, "x": [1.0, 2.0], "y": 1.0, "loss": nn.squared_error}),
    "gradient_norms": (nn.gradient_norms, lambda: {"model": M}),
    "plot_points": (nn.plot_points, lambda: {"X": X, "y": [0, 1, 1, 0], "ax": Figure().subplots(), "size": 3.0}),
    "plot_boundary": (
        nn.plot_boundary, lambda: {"model": M, "X": X, "y": [0, 1, 1, 0], "ax": Figure().subplots(), "steps": 3}
    ),
    "plot_activation": (nn.plot_activation, lambda: {"function": tanh, "ax": Figure().subplots(), "low": -1.0, "steps": 3}),
    "explore_training": (
        nn.explore_training, lambda: {"model": M, "history": HISTORY, "data": (X, Y), "frames": 2, "threshold": 0.0}
    ),
    "warmup": (schedules.warmup, lambda: {"epochs": 2, "schedule": lambda epoch: 0.1}),
}  # fmt: skip


@pytest.mark.parametrize("name", SWEEPS)
def test_what_is_refused_is_refused_by_a_sentence_of_ours(name: str) -> None:
    assert [*sweep(*SWEEPS[name])] == []


def test_the_sweep_finds_an_error_of_pythons_from_inside() -> None:
    found = [*sweep(lambda x: nn.module._numbers(len(x)), lambda: {"x": [1.0]})]
    assert "x=None: TypeError: object of type 'NoneType' has no len()" in found
