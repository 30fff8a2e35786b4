"""Guards what nn.classical says of wrong types, shapes and order: which argument, what came, and what to write.

A table of what a newcomer might write, and the sweep of `tests.lessons` over every function.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from autograd import relu
from nn import classical
from nn.classical import Perceptron, Unit, learn_perceptron, truth_table
from tests.lessons import sweep

POINTS, LABELS = [(0, 0), (0, 1), (1, 0), (1, 1)], [0, 0, 0, 1]
P = Perceptron([1, 1], -2)
SPACE: dict[str, Any] = {**vars(classical), "P": P, "POINTS": POINTS, "LABELS": LABELS, "relu": relu}

TABLE: list[tuple[str, type[Exception], str]] = [
    ("Perceptron(1, -2)", TypeError, "weights must be a list of numbers, got 1: write [1]"),
    ("Perceptron('11', -2)", TypeError, "weights must be a list of numbers, got '11'"),
    ("Perceptron([1, 1], [-2])", TypeError, "bias needs a number, not a list"),
    (
        "Perceptron([1, 1], -2, ['sign'])",
        ValueError,
        "output must be 'binary' (0 or 1) or 'sign' (-1 or 1), got ['sign']",
    ),
    ("P(1)", ValueError, "Perceptron([1, 1], bias=-2) takes 2 inputs, one per weight, got 1"),
    ("P(1, 'a')", TypeError, "an input needs a number, not the str 'a'"),
    ("Unit([1], 0, 'relu')", TypeError, "activation, of w·x + b, must be a function, got the str 'relu'"),
    (
        "McCullochPitts('xy', theta=1)",
        TypeError,
        "inputs must be a number or a list of names, got the str 'xy'",
    ),
    ("McCullochPitts(2, -1, theta=1)", ValueError, "must be a whole number of at least 0, got -1"),
    (
        "McCullochPitts(2, theta=1)(1, 2)",
        ValueError,
        "the inputs of McCullochPitts(excitatory=['x1', 'x2'], theta=1) must be 0 or 1, got 2 for x2",
    ),
    ("universal_and(2.0)", ValueError, "n, the number of inputs, must be a whole number of at least 1, got 2.0"),
    ("universal_or(2, 3)", ValueError, "positive must be at most n, the number of inputs, got 3 of 2"),
    ("one_hot_network(3)", TypeError, "outputs, of a truth table, must be a list, got the int 3"),
    ("dnf_network([0, 1, 2, 0])", ValueError, "the output of a Boolean function must be 0 or 1, got 2 at (1, 0)"),
    ("dnf_network([0, 1, 1, 0], 5)", TypeError, "groups must be a list, got the int 5"),
    (
        "dnf_network([0, 1, 1, 0], ['1'])",
        ValueError,
        "a group must have 2 characters, one per input, each 0, 1 or -, got '1'",
    ),
    (
        "k_map_groups([0, 1, 1])",
        ValueError,
        "outputs, of a truth table of n inputs, must have 2ⁿ entries (2, 4, 8, …), got 3",
    ),
    ("convex_region(3)", TypeError, "corners must be a list, got the int 3"),
    (
        "convex_region([(0, 0), (1, 1)])",
        ValueError,
        "corners must be three points (x, y) or more, got [(0, 0), (1, 1)]",
    ),
    ("parity('3')", ValueError, "n, the number of inputs, must be a whole number of at least 1, got '3'"),
    ("deep_parity(None)", ValueError, "n, the number of inputs, must be a whole number of at least 1, got None"),
    ("learn_perceptron(1, LABELS)", TypeError, "X must be a list, got the int 1"),
    ("learn_perceptron(LABELS, POINTS)", TypeError, "a row of X must be a list of numbers, got 0: write [0]"),
    (
        "learn_perceptron(POINTS, LABELS, bias=2)",
        TypeError,
        "bias, whether a 1 is appended, must be True or False, got 2",
    ),
    ("learn_perceptron(POINTS, [0, 0, 0, 2])", ValueError, "labels must be -1 and 1, or 0 and 1, got 0, 2"),
    ("novikoff_bound(POINTS, LABELS, 2)", TypeError, "weights must be a list of numbers, got 2: write [2]"),
    (
        "perceptron_loss(0.5, 0)",
        ValueError,
        "perceptron_loss: target must be −1 or 1, got 0: write 2*t - 1 for t in {0, 1}",
    ),
    ("perceptron_loss('z', 1)", TypeError, "perceptron_loss: output needs a number, not the str 'z'"),
    (
        "ThresholdNetwork(2, [P])",
        TypeError,
        "neurons must be a dict of names and pairs (Perceptron, wires), got the list [Perceptron([1,",
    ),
    (
        "ThresholdNetwork(2, {'f': P})",
        TypeError,
        "the neuron 'f' must be a pair (Perceptron, wires), got the Perceptron Perceptron([1, 1],",
    ),
    (
        "ThresholdNetwork(2, {'f': (P, ['x1', 'x3'])})",
        ValueError,
        "the wires of the neuron 'f' must be inputs or neurons before it, got 'x3'",
    ),
    ("xor_two_layers()(1)", ValueError, "the network takes 2 inputs, got 1"),
    ("xor_two_layers().truth_table(['A'])", ValueError, "names must be of neurons, got ['A']"),
    ("separable(POINTS, 1)", TypeError, "labels must be a list, got the int 1"),
    (
        "TruthTable([0, 1], columns=['f', 'g'])",
        ValueError,
        "an output must have one entry for each of the columns ['f', 'g'], got 0",
    ),
    ("truth_table(3, 2)", TypeError, "f, of the inputs, must be a function, got the int 3"),
    ("approximate(3, 4)", TypeError, "f, the function to approximate, must be a function, got the int 3"),
    ("approximate(lambda x: x, 4, 1.0, 0.0)", ValueError, "low and high must leave room for 4 pieces, got 1.0 and 0.0"),
    ("approximate(lambda x: None, 4)", TypeError, "f(0.125) needs a number, not None"),
    ("tower(0.6, 0.4)", ValueError, "left must be below right, got 0.6 and 0.4"),
    ("tower_2d([], (0.4, 0.6))", TypeError, "x must be a pair (left, right) of the tower's walls, got []"),
    ("HiddenLayer(P, [1.0])", TypeError, "neurons must be a list, got the Perceptron"),
    ("HiddenLayer([1.0], [1.0])", TypeError, "neurons[0] must be a function, got the float 1.0"),
    ("step_neuron(0.4, 0)", ValueError, "w must not be 0, which makes no step"),
    ("XOR('1', 0)", TypeError, "an input needs a number, not the str '1'"),
]


@pytest.mark.parametrize(("call", "error", "words"), TABLE, ids=[call for call, _, _ in TABLE])
def test_a_mistake_is_answered_with_what_to_write(call: str, error: type[Exception], words: str) -> None:
    with pytest.raises(error) as caught:
        eval(call, SPACE)
    assert words in str(caught.value)


def network(name: Any, neuron: Any, wires: Any) -> classical.ThresholdNetwork:
    return classical.ThresholdNetwork(["x", "y"], {str(name): (neuron, wires)})


SWEEPS: dict[str, tuple[Callable[..., Any], Callable[[], dict[str, Any]]]] = {
    "Perceptron": (Perceptron, lambda: {"weights": [1, 1], "bias": -2, "output": "binary"}),
    "Unit": (Unit, lambda: {"weights": [1, 1], "bias": -2, "activation": relu}),
    "a call": (lambda x, y: P(x, y), lambda: {"x": 1, "y": 1}),
    "McCullochPitts": (classical.McCullochPitts, lambda: {"excitatory": 2, "inhibitory": ["no"], "theta": 1}),
    "universal_and": (classical.universal_and, lambda: {"n": 2, "positive": 1}),
    "one_hot_network": (classical.one_hot_network, lambda: {"outputs": [0, 1, 1, 0]}),
    "dnf_network": (classical.dnf_network, lambda: {"outputs": [0, 1, 1, 0], "groups": ["01", "10"]}),
    "convex_region": (classical.convex_region, lambda: {"corners": [(0, 0), (1, 0), (0, 1)]}),
    "shallow_parity": (classical.shallow_parity, lambda: {"n": 2}),
    "deep_parity": (classical.deep_parity, lambda: {"n": 2}),
    "learn_perceptron": (learn_perceptron, lambda: {"X": POINTS, "y": LABELS, "epochs": 20, "bias": True}),
    "novikoff_bound": (classical.novikoff_bound, lambda: {"X": POINTS, "y": LABELS, "weights": [2, 2, -3]}),
    "perceptron_loss": (classical.perceptron_loss, lambda: {"output": 0.5, "target": 1}),
    "ThresholdNetwork": (network, lambda: {"name": "f", "neuron": P, "wires": ["x", "y"]}),
    "separable": (classical.separable, lambda: {"truth_table": POINTS, "labels": LABELS}),
    "TruthTable": (
        lambda **given: repr(classical.TruthTable(**given)),
        lambda: {"outputs": [0, 1, 1, 0], "names": ["a", "b"], "columns": ["f"]},
    ),
    "truth_table": (truth_table, lambda: {"f": lambda *x: 1, "inputs": 2}),
    "approximate": (
        lambda **given: repr(classical.approximate(**given)),
        lambda: {"f": lambda x: x, "n": 4, "low": 0.0, "high": 1.0, "w": 100.0, "activation": "step"},
    ),
    "tower": (classical.tower, lambda: {"left": 0.4, "right": 0.6, "height": 1.0, "w": 10.0}),
    "tower_2d": (classical.tower_2d, lambda: {"x": (0.4, 0.6), "y": (0.4, 0.6), "height": 1.0, "threshold": 1.5}),
    "HiddenLayer": (classical.HiddenLayer, lambda: {"neurons": [P], "weights": [1.0], "offset": 0.0}),
    "xor_by_product": (classical.xor_by_product, lambda: {"x1": 1, "x2": 0}),
    "XOR": (classical.XOR, lambda: {"x1": 1, "x2": 0}),
}


@pytest.mark.parametrize("name", SWEEPS)
def test_what_is_refused_is_refused_by_a_sentence_of_ours(name: str) -> None:
    assert [*sweep(*SWEEPS[name])] == []


def test_numpys_numbers_count() -> None:
    assert classical.deep_parity(np.int64(2)).truth_table() == classical.parity(np.int8(2))  # type: ignore[arg-type]
    found = learn_perceptron(np.array(POINTS), np.array(LABELS), np.int64(50))  # type: ignore[arg-type]
    assert found.weights == learn_perceptron(POINTS, LABELS, 50).weights == (3, 2, -4)


def test_a_table_of_several_outputs_shows_itself() -> None:
    assert repr(truth_table(lambda a, b: (a & b, a ^ b), 2)).splitlines()[0].split() == ["x1", "x2", "f1", "f2"]
