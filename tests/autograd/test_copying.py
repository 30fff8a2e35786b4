"""Guards copies: pickle and deepcopy keep the graph, its sharing, its gradients, and what is stale."""

from __future__ import annotations

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given

import autograd
from autograd import GATES, Value, gate, is_stale, scope, topological_order, value
from autograd.testing import Expression, expressions

WAYS = [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))]


@pytest.mark.parametrize("way", WAYS)
@given(case=expressions())
def test_copies_are_equal_and_apart(way: Any, case: tuple[Expression, list[float]]) -> None:
    f, inputs = case
    root = f(*map(Value, inputs))
    root.backward()
    other = way(root)
    order, copied = topological_order(root), topological_order(other)
    place, copied_place = ({node: i for i, node in enumerate(nodes)} for nodes in (order, copied))
    assert not set(order) & set(copied)
    for a, b in zip(order, copied, strict=True):
        assert (a.data, a.grad, a.gate, a.role) == (b.data, b.grad, b.gate, b.role)
        assert [place[x] for x in a.inputs] == [copied_place[x] for x in b.inputs]
    other.backward()
    assert root.grad == 1.0


def test_a_pickle_with_a_gate_that_the_reader_has_only_declared() -> None:
    """The reader's process never recorded the gate."""
    square = gate("squared_for_a_pickle", "x²", lambda xp, x: x * x, lambda xp, out, x: 2 * x)
    try:
        x = Value(3.0, "x")
        square(x)
        pickled = pickle.dumps(square(x))
        square.record = None  # as in a process that has declared it anew
        root = pickle.loads(pickled)
        root.backward()
        assert [leaf.grad for leaf in root.inputs] == [6.0]
    finally:
        del GATES[square.name]


@pytest.mark.parametrize("way", WAYS)
def test_names_scopes_roles_and_what_was_computed(way: Any) -> None:
    w = Value(2.0, "w", role="parameter")
    with scope("layer1"):
        y = w * 3
    y.label = "y"
    y.backward()
    other = way(y)
    leaf = other.inputs[0]
    assert (other.label, other.scope, leaf.label, leaf.role, leaf.grad) == ("y", "layer1", "w", "parameter", 3.0)
    assert autograd.draw(other, names=False).source == autograd.draw(y, names=False).source


@pytest.mark.parametrize("way", WAYS)
def test_several_roots_share_their_leaves(way: Any) -> None:
    x = Value(2.0)
    f, g = way([x * 2, x + 1])
    assert f.inputs[0] is g.inputs[0]
    leaf, again = way((x, x))
    assert leaf is again


def test_deepcopy_shares_inner_nodes_too() -> None:
    x = Value(2.0)
    shared = x * x
    f, g, other = copy.deepcopy([shared + 1, shared * 3, shared])
    assert f.inputs[0] is g.inputs[0] is other


@pytest.mark.parametrize("way", WAYS)
def test_stale_graphs_stay_stale_and_fresh_ones_fresh(way: Any) -> None:
    x = Value(2.0)
    for _ in range(3):
        x.data = x.data + 1
    y = x * x
    assert not is_stale(way(y))
    x.data = 7.0
    other = way(y)
    assert is_stale(other)
    assert other.forward() == 49.0
    z = way(x) * 2
    z.backward()
    assert z.inputs[0].grad == 2.0


@pytest.mark.parametrize("way", WAYS)
def test_a_root_stays_stale_beside_an_input_that_was_replayed(way: Any) -> None:
    x = Value(2.0)
    y = x * x
    z = y * 3.0
    x.data = 5.0
    y.forward()
    other_y, other_z = way([y, z])
    assert (is_stale(other_y), is_stale(other_z)) == (False, True)
    assert other_z.forward() == 75.0


def test_a_shallow_copy_is_another_node_on_the_same_inputs() -> None:
    x = Value(2.0, "x")
    y = x * x
    Value(0.0).data = 1.0
    x.data = 5.0
    z = copy.copy(y)
    assert z is not y
    assert z.inputs == (x, x)
    assert is_stale(y)
    assert is_stale(z)
    assert copy.copy(x).label == "x"


def test_a_gate_that_is_gone_is_named() -> None:
    passing = gate("passing", "p", lambda xp, x: x + 0, lambda xp, out, x: 1.0)
    data = pickle.dumps(passing(Value(1.0)))
    assert pickle.loads(data).gate is passing
    del GATES["passing"]
    with pytest.raises(LookupError, match="'passing', which is not in the table"):
        pickle.loads(data)


def test_a_graph_of_a_gate_that_another_has_replaced_is_not_pickled() -> None:
    """A gate is pickled by its name, so reading would compute with the other gate."""
    replaced = gate("replaced", "r", lambda xp, x: x * 2, lambda xp, out, x: 2.0)
    y = replaced(Value(1.0))
    del GATES["replaced"]
    gate("replaced", "r", lambda xp, x: x * 3, lambda xp, out, x: 3.0)
    with pytest.raises(LookupError, match="'replaced' that another one of that name has replaced"):
        pickle.dumps(y)
    assert copy.deepcopy(y).gate is replaced


def _long_sum(length: int = 3000) -> Value:
    x = Value(1.0)
    y = x
    for _ in range(length):
        y = y * 1.001 + x
    return y


def test_threads_pickle_one_graph_at_once() -> None:
    y = _long_sum()

    def copies(_: int) -> list[float]:
        return [pickle.loads(pickle.dumps(y)).forward() for _ in range(8)]

    with ThreadPoolExecutor(4) as pool:
        assert {data for found in pool.map(copies, range(4)) for data in found} == {y.data}


def test_a_graph_whose_pickling_was_interrupted_is_pickled_again(monkeypatch: pytest.MonkeyPatch) -> None:
    y = _long_sum()
    with monkeypatch.context() as patch:
        patch.setattr(value, "_forget", lambda *_: None)  # as an interrupt there does
        pickle.dumps(y)
    assert pickle.loads(pickle.dumps(y)).data == y.data
    assert value._pickling.parts == {}
