"""A copy is the same graph again, apart: data, gradients, names, sharing, order, and what is stale."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given, strategies as st

from autograd import Value, is_stale, scope, to_dot, topological_order

from .programs import Program, exact, tame, wild

Way = Callable[[Any], Any]


def pickled(x: Any) -> Any:
    return pickle.loads(pickle.dumps(x))


WAYS = [pytest.param(copy.deepcopy, id="deepcopy"), pytest.param(pickled, id="pickle")]


@st.composite
def graphs(draw: Any) -> list[Value]:
    """Draw a program and record it: within scopes, with names and roles, after a backward pass, and perhaps stale."""
    program: Program = draw(tame() | exact() | wild())
    leaves = [Value(x, role=draw(st.sampled_from(["input", "parameter"]))) for x in program.leaves]
    with scope("outer"), scope(draw(st.sampled_from(["a", "b"]))):
        results: list[Value] = program.results(leaves)
    for place in draw(st.sets(st.integers(0, len(results) - 1))):
        results[place].label = f"r{place}"
    if draw(st.booleans()):
        try:
            results[-1].backward(draw(st.sampled_from([1.0, -2.0])))
        except (ArithmeticError, ValueError):
            return results
    if draw(st.booleans()):
        leaves[0].role = draw(st.sampled_from(["input", "parameter", "constant"]))
    if draw(st.booleans()):
        leaves[0].data = leaves[0].data + 1.0
        if draw(st.booleans()):
            try:
                draw(st.sampled_from(results)).forward()
            except (ArithmeticError, ValueError):
                return results
    return results


def same(one: Sequence[Value], other: Sequence[Value]) -> None:
    """Both hold equal nodes, which are made of each other in the same way, and none in common."""
    assert len(one) == len(other)
    place, place_in_other = {node: i for i, node in enumerate(one)}, {node: i for i, node in enumerate(other)}
    assert len(place_in_other) == len(place)
    for a, b in zip(one, other, strict=True):
        assert a is not b
        for x in ("data", "grad"):
            assert getattr(a, x).hex() == getattr(b, x).hex()
        assert (a.label, a.gate, a.role, a.scope) == (b.label, b.gate, b.role, b.scope)
        assert [place[x] for x in a.inputs] == [place_in_other[x] for x in b.inputs]
        assert is_stale(a) == is_stale(b)


@pytest.mark.parametrize("way", WAYS)
@given(results=graphs())
def test_a_copy_of_a_root_keeps_everything(way: Way, results: list[Value]) -> None:
    """Node by node, in the same order, with the same picture."""
    root = results[-1]
    other = way(root)
    same(topological_order(root), topological_order(other))
    assert to_dot(other, digits=None, names=False) == to_dot(root, digits=None, names=False)


@pytest.mark.parametrize("way", WAYS)
@given(results=graphs())
def test_a_copy_lives_on_its_own(way: Way, results: list[Value]) -> None:
    """Passes on the copy do what they do on the original, and leave the original alone."""
    root = results[-1]
    other = way(root)
    order, copied = topological_order(root), topological_order(other)
    before = [(node.data.hex(), node.grad.hex(), is_stale(node)) for node in order]
    found: list[Any] = []
    for nodes in (copied, order):
        for action in (nodes[-1].forward, nodes[-1].backward, nodes[-1].backward):
            try:
                action()
            except (ArithmeticError, ValueError, RuntimeError) as error:
                found.append(type(error))  # the words name the caller's variables
        if nodes is copied:
            assert [(node.data.hex(), node.grad.hex(), is_stale(node)) for node in order] == before
    assert found[: len(found) // 2] == found[len(found) // 2 :]
    same(order, copied)


@pytest.mark.parametrize("way", WAYS)
@given(results=graphs())
def test_roots_that_share_leaves_share_them_in_the_copy(way: Way, results: list[Value]) -> None:
    leaves = [node for node in results if not node.inputs]
    other, *copies = way([results[-1], *leaves])
    reached = {node for node in topological_order(results[-1]) if not node.inputs}
    found = {node for node in topological_order(other) if not node.inputs}
    assert [leaf in reached for leaf in leaves] == [leaf in found for leaf in copies]


@given(results=graphs())
def test_deepcopy_keeps_what_several_roots_share(results: list[Value]) -> None:
    """copy([all nodes]) is as one graph, in which no node is there twice."""
    same(topological_order(*results), topological_order(*copy.deepcopy(results)))


@given(results=graphs())
def test_a_shallow_copy_is_another_node_on_the_same_inputs(results: list[Value]) -> None:
    for node in results:
        other = copy.copy(node)
        assert other is not node
        assert [id(x) for x in other.inputs] == [id(x) for x in node.inputs]
        assert (other.data.hex(), other.grad.hex(), other.label, other.gate, other.role, other.scope) == (
            node.data.hex(),
            node.grad.hex(),
            node.label,
            node.gate,
            node.role,
            node.scope,
        )
        assert is_stale(other) == is_stale(node)


@given(results=graphs())
def test_pickle_keeps_what_several_roots_share(results: list[Value]) -> None:
    """The same of pickle."""
    same(topological_order(*results), topological_order(*pickled(results)))
