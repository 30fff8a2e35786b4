"""Guards the Boolean constructions: every function by 2ⁿ + 1 perceptrons, its normal form, XOR and parity."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
from hypothesis import given, strategies as st

from autograd import Value, check_gradients, relu
from nn import classical
from nn.classical import Perceptron, ThresholdNetwork, TruthTable, Unit, truth_table

SQUARE = [(0, 0), (0, 1), (1, 0), (1, 1)]
boolean_functions = st.integers(1, 5).flatmap(lambda n: st.lists(st.integers(0, 1), min_size=2**n, max_size=2**n))


def counted(n: int) -> list[tuple[int, ...]]:
    """The rows of inputs in counting order, from the digits of the numbers."""
    return [tuple(int(digit) for digit in format(i, f"0{n}b")) for i in range(2**n)]


def outputs_of(net: Any, n: int) -> list[int]:
    return [net(*x) for x in counted(n)]


def close(x: Any) -> Any:
    return pytest.approx(x, rel=1e-9, abs=0)


def test_b1_and_by_a_sigmoid_neuron() -> None:
    assert [classical.AND(x) for x in SQUARE] == close(
        [9.357622968839e-14, 4.539786870243e-05, 4.539786870243e-05, 0.999954602131]
    )
    assert [classical.AND.pre_activation(x) for x in SQUARE] == [-30, -10, -10, 10]


TINY, LOW, HIGH = 9.357622968839e-14, 4.539786870243e-05, 0.999954602131


@pytest.mark.parametrize(
    ("gate", "values"),
    [
        (classical.OR, [LOW, HIGH, HIGH, 1 - TINY]),
        (classical.NOR, [HIGH, LOW, LOW, TINY]),
        (classical.NAND, [1 - TINY, HIGH, HIGH, LOW]),
        (classical.XNOR, [0.999954560895, 4.548037851e-05, 4.548037851e-05, 0.999954560895]),
        (classical.XOR, [4.543910488e-05, 0.999954519621, 0.999954519621, 4.543910488e-05]),
    ],
    ids=["OR", "NOR", "NAND", "XNOR", "XOR"],
)
def test_b2_gates_by_sigmoid_neurons(gate: Callable[..., float], values: list[float]) -> None:
    assert [gate(*x) for x in SQUARE] == close(values)
    for x in SQUARE:
        assert check_gradients(gate, list(map(float, x)), atol=1e-9)


def test_b2_not() -> None:
    assert [classical.NOT(0), classical.NOT(1)] == close([HIGH, LOW])


def test_b4_b5_xor_by_two_layers_and_the_plane_of_its_hidden_neurons() -> None:
    net = classical.xor_two_layers()
    assert (len(net.neurons), len(net.layers)) == (3, 2)
    assert net.truth_table("A", "B", "f").outputs == ((0, 1, 0), (1, 1, 1), (1, 1, 1), (1, 0, 0))
    rules = {name: (neuron.weights, -neuron.bias) for name, (neuron, _) in net.neurons.items()}
    assert rules == {"A": ((1, 1), 1), "B": ((-1, -1), -1), "f": ((1, 1), 2)}
    hidden = net.truth_table("A", "B").outputs
    assert hidden == ((0, 1), (1, 1), (1, 1), (1, 0))
    assert [int(a + b >= 2) for a, b in hidden] == outputs_of(net, 2) == [0, 1, 1, 0]
    assert classical.separable(hidden, [0, 1, 1, 0]) and not classical.separable(SQUARE, [0, 1, 1, 0])


def test_b6_xor_by_four_hidden_perceptrons() -> None:
    net = classical.one_hot_network([0, 1, 1, 0])
    assert (len(net.neurons), len(net.layers)) == (5, 2)
    identity = tuple(tuple(int(i == k) for k in range(4)) for i in range(4))
    assert net.truth_table("h1", "h2", "h3", "h4").outputs == identity
    assert [-net.neurons[f"h{i}"][0].bias for i in range(1, 5)] == [0, 1, 1, 2]
    assert (net.neurons["f"][0].weights, net.neurons["f"][0].bias) == ((0, 1, 1, 0), -0.5)
    assert outputs_of(net, 2) == [0, 1, 1, 0]
    # the original, with inputs of ±1, has the one bias −2
    plus_minus = [tuple(2 * bit - 1 for bit in x) for x in SQUARE]
    assert tuple(tuple(Perceptron(w, -2)(x) for w in plus_minus) for x in plus_minus) == identity


def with_thresholds(net: ThresholdNetwork, change: Callable[[str, Any], Any]) -> ThresholdNetwork:
    """Return the network with other biases: the planted bug."""
    neurons = {
        name: (Perceptron(neuron.weights, change(name, neuron.bias)), wires)
        for name, (neuron, wires) in net.neurons.items()
    }
    return ThresholdNetwork(net.inputs, neurons)


def test_a_wrong_threshold_is_seen() -> None:
    outputs = [0, 1, 1, 0]
    net = classical.one_hot_network(outputs)
    assert outputs_of(with_thresholds(net, lambda _, bias: bias), 2) == outputs
    # the lectures' threshold 2 with inputs of 0 and 1: only h4 ever fires
    uniform = with_thresholds(net, lambda name, bias: bias if name == "f" else -2)
    assert outputs_of(uniform, 2) == [0, 0, 0, 0]
    for wrong in ("h2", "h3", "f"):
        for shift in (-1, 1):
            moved = with_thresholds(net, lambda name, bias, w=wrong, s=shift: bias + s * (name == w))  # type: ignore[misc]
            assert outputs_of(moved, 2) != outputs, (wrong, shift)
    deep = classical.deep_parity(3)
    for wrong in deep.neurons:
        for shift in (-1, 1):
            moved = with_thresholds(deep, lambda name, bias, w=wrong, s=shift: bias + s * (name == w))  # type: ignore[misc]
            assert outputs_of(moved, 3) != [sum(x) % 2 for x in counted(3)], (wrong, shift)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_b7_every_boolean_function_by_one_hot_and_normal_form(n: int) -> None:
    for outputs in product((0, 1), repeat=2**n):
        net = classical.one_hot_network(outputs)
        assert (len(net.neurons), outputs_of(net, n)) == (2**n + 1, list(outputs))
        assert outputs_of(classical.dnf_network(outputs), n) == list(outputs)


@given(boolean_functions)
def test_p15_random_boolean_functions(outputs: list[int]) -> None:
    n = len(outputs).bit_length() - 1
    net = classical.one_hot_network(outputs)
    assert (len(net.neurons), len(net.layers), outputs_of(net, n)) == (2**n + 1, 2, outputs)
    assert outputs_of(classical.dnf_network(outputs), n) == outputs


@given(boolean_functions)
def test_groups_are_right_prime_and_none_is_to_spare(outputs: list[int]) -> None:
    n = len(outputs).bit_length() - 1
    groups = classical.k_map_groups(outputs)

    def inside(group: str) -> set[int]:
        return {i for i, x in enumerate(counted(n)) if all(g in ("-", str(bit)) for g, bit in zip(group, x))}

    ones = {i for i, output in enumerate(outputs) if output}
    assert set().union(*map(inside, groups)) == ones
    for group in groups:
        assert not any(bit != "-" and inside(f"{group[:k]}-{group[k + 1 :]}") <= ones for k, bit in enumerate(group))
    assert len(set(groups)) == len(groups) <= max(1, len(ones))


def test_b8_two_neurons_are_the_fewest_for_xor() -> None:
    assert not classical.separable([0, 1, 1, 0])  # so not one
    net = classical.xor_with_skip()
    assert (len(net.neurons), outputs_of(net, 2)) == (2, [0, 1, 1, 0])
    assert [int(x + y - 2 * int(x + y >= 2) >= 1) for x, y in SQUARE] == [0, 1, 1, 0]


def test_b9_xor_by_relu() -> None:
    assert [classical.relu_warp(*x) for x in SQUARE] == [(0, 0), (0, 1), (1, 0), (0, 0)]
    assert [classical.xor_by_relu(*x) for x in SQUARE] == [0, 1, 1, 0]
    for x1, x2 in ((0.3, -1.7), (2.5, 2.0), (-1.0, -1.0)):
        assert classical.xor_by_relu(Value(x1), Value(x2)).data == pytest.approx(abs(x1 - x2), rel=1e-12)
    assert check_gradients(classical.xor_by_relu, [0.3, -1.7])


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5])
def test_b10_universal_gates(n: int) -> None:
    for positive in range(n + 1):
        both, either = classical.universal_and(n, positive), classical.universal_or(n, positive)
        sums = {sum(w * bit for w, bit in zip(both.weights, x)) for x in counted(n)}
        assert (min(sums), max(sums)) == (positive - n, positive)
        assert (-both.bias, -either.bias) == (positive, positive - n + 1)
        for x in counted(n):
            literals = [bit == 1 for bit in x[:positive]] + [bit == 0 for bit in x[positive:]]
            assert both(x) == all(literals) and either(x) == any(literals)
    assert classical.universal_and(n).weights == (1,) * n


@pytest.mark.parametrize("n", [2, 3, 4, 5])
def test_b11_the_checkerboard_needs_a_group_for_every_other_cell(n: int) -> None:
    checkerboard = classical.parity(n)
    assert checkerboard.outputs == tuple(sum(x) % 2 for x in counted(n))
    groups = classical.k_map_groups(checkerboard)
    assert len(groups) == 2 ** (n - 1) and not any("-" in group for group in groups)


def test_b11_a_normal_form_of_four_variables() -> None:
    """A·B′·C′·D + A·B: on the map the first cell has the neighbour 1101, so its group grows to A·C′·D."""
    table = truth_table(lambda a, b, c, d: int((a and not b and not c and d) or (a and b)), ["A", "B", "C", "D"])
    assert classical.k_map_groups(table) == ["1-01", "11--"]
    net = classical.dnf_network(table)
    assert repr(net) == (
        "ThresholdNetwork of 4 inputs: 3 neurons in 2 layers\n"
        "layer 1  h1 fires if A − C + D ≥ 2\n         h2 fires if A + B ≥ 2\nlayer 2  f fires if h1 + h2 ≥ 1"
    )
    given_groups = classical.dnf_network(table, ["1001", "11--"])
    assert net.truth_table() == given_groups.truth_table() == table
    with pytest.raises(ValueError, match=r"the row \(1, 0, 0, 1\) has the output 1, but is in no group"):
        classical.dnf_network(table, ["11--"])
    with pytest.raises(ValueError, match=r"the row \(1, 0, 0, 0\) has the output 0, but is in a group"):
        classical.dnf_network(table, ["1---"])
    with pytest.raises(ValueError, match=r"a group must.*got '11'"):
        classical.dnf_network(table, ["11"])


@pytest.mark.parametrize("n", range(1, 9))
def test_b12_shallow_parity(n: int) -> None:
    net = classical.shallow_parity(n)
    assert (len(net.neurons), len(net.layers)) == (2 ** (n - 1) + 1, 2)
    assert outputs_of(net, n) == [sum(x) % 2 for x in counted(n)]


@pytest.mark.parametrize("n", range(2, 9))
def test_b13_deep_parity(n: int) -> None:
    net = classical.deep_parity(n)
    assert (len(net.neurons), len(net.layers)) == (3 * (n - 1), 2 * math.ceil(math.log2(n)))
    assert outputs_of(net, n) == [sum(x) % 2 for x in counted(n)]


@given(st.lists(st.integers(0, 1), min_size=9, max_size=40))
def test_p15_deep_parity_of_many_inputs(x: list[int]) -> None:
    assert classical.deep_parity(len(x))(x) == sum(x) % 2


def test_b13_u8_what_depth_is_worth() -> None:
    deep = {n: classical.deep_parity(n) for n in (2, 4, 8, 16)}
    assert {n: (len(net.neurons), len(net.layers)) for n, net in deep.items()} == {
        2: (3, 2),
        4: (9, 4),
        8: (21, 6),
        16: (45, 8),
    }
    shallow = {n: len(classical.shallow_parity(n).neurons) for n in (2, 4, 8)}
    assert shallow == {2: 3, 4: 9, 8: 129}
    with pytest.raises(ValueError, match="the parity of 1 inputs needs no XOR"):
        classical.deep_parity(1)


def test_networks_that_are_wired_wrongly() -> None:
    unit = Perceptron([1, 1], -1)
    for neurons, message in (
        ({}, "at least one neuron"),
        ({"x1": (unit, ["x1", "x2"])}, "names of neurons must.*got 'x1' for both"),
        ({"h": (unit, ["x1", "g"]), "g": (unit, ["x1", "x2"])}, "the wires of the neuron 'h' must.*got 'g'"),
        ({"h": (unit, ["x1"])}, "the neuron 'h' must.*got 1"),
    ):
        with pytest.raises(ValueError, match=message):
            ThresholdNetwork(2, neurons)
    with pytest.raises(ValueError, match="the network takes 2 inputs, got 3"):
        classical.xor_two_layers()(1, 0, 1)
    with pytest.raises(ValueError, match=r"names must.*got 'C'"):
        classical.xor_two_layers().truth_table("C")
    with pytest.raises(ValueError, match=r"names of inputs must.*got 'f' for both"):
        classical.one_hot_network(TruthTable([0, 1], ["f"]))


def test_truth_tables() -> None:
    table = truth_table(lambda a, b: a & b, ["a", "b"])
    assert table == TruthTable([0, 0, 0, 1]) and table != TruthTable([0, 0, 1, 1]) and len(table) == 4
    assert table.rows[2] == ((1, 0), 0)
    assert repr(classical.parity(7)).endswith("… and 64 rows more")
    for make, message in (
        (lambda: TruthTable([0, 1, 1]), "outputs, of a truth table of n inputs, must.*got 3"),
        (lambda: TruthTable([0, 1], ["a", "b"]), "names must.*got 2"),
        (lambda: truth_table(max, 17), "a truth table must.*got 17"),
        (lambda: classical.dnf_network([0, 2]), r"the output of a Boolean function must.*got 2 at \(1,\)"),
        (lambda: classical.universal_and(2, 3), "positive must.*got 3 of 2"),
    ):
        with pytest.raises(ValueError, match=message):
            make()


def test_a_network_of_values_can_be_drawn_and_long_ones_are_cut_short() -> None:
    output = classical.xor_two_layers()(Value(0.0), Value(1.0))
    assert output.data == 1.0 and output.gate.name == "step"
    lines = repr(classical.one_hot_network([0] * 64)).splitlines()
    assert (len(lines), lines[-1]) == (42, "… and 25 neurons more")
    assert re.match(r"Unit\[relu\]\(\[1\], bias=0\)", repr(Unit([1], 0, relu)))
