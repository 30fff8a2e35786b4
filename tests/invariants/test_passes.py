"""What a pass leaves behind: leaves accumulate, inner nodes are set, what is stale is refused and repaired."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from autograd import Value, adjoints, is_stale, topological_order

from .programs import Program, exact, moved, moved_exactly, tame, wild

SEEDS = st.lists(st.floats(-3, 3), min_size=1, max_size=4)


@given(program=tame() | exact(), seeds=SEEDS)
def test_leaves_accumulate_and_inner_nodes_are_set(program: Program, seeds: list[float]) -> None:
    """After passes with seeds s₁ … sₙ: leaf.grad = Σ sₖ·∂root/∂leaf, and of every other node sₙ·∂root/∂node."""
    _, root = program.record()
    expected = dict.fromkeys(topological_order(root), 0.0)
    for seed in seeds:
        for node, slope in adjoints(root, seed).items():
            expected[node] = slope if node.inputs else expected[node] + slope
        root.backward(seed)
    assert {node: node.grad for node in expected} == expected
    assert all(node.grad == 0.0 for node in expected if node.role == "constant")
    root.zero_grad()
    assert all(node.grad == 0.0 for node in expected)
    root.backward(seeds[-1])
    assert {node: node.grad for node in expected} == adjoints(root, seeds[-1])


@given(program=tame() | exact(), seed=st.floats(-3, 3))
def test_roots_that_share_nodes_add_up_in_leaves_only(program: Program, seed: float) -> None:
    """Two roots on the same leaves: leaf.grad is the sum of both, a shared node's that of the last pass."""
    leaves = [Value(x) for x in program.leaves]
    *_, root = results = program.results(leaves)
    shared = results[len(leaves) :][0]
    root.backward()
    once = {leaf: leaf.grad for leaf in leaves}
    shared.backward(seed)
    second = adjoints(shared, seed)
    assert all(leaf.grad == once[leaf] + second.get(leaf, 0.0) for leaf in leaves)
    assert shared.grad == seed


@given(program=wild())
def test_backward_and_adjoints_never_change_data(program: Program) -> None:
    leaves = [Value(x) for x in program.leaves]
    root = program(*leaves)
    before = [node.data.hex() for node in topological_order(root)]
    try:
        adjoints(root)
        root.backward()
    except (ArithmeticError, ValueError):
        assert all(leaf.grad == 0.0 for leaf in leaves)
    root.zero_grad()
    assert [node.data.hex() for node in topological_order(root)] == before


@given(programs=moved(tame()) | moved_exactly(exact()), data=st.data())
def test_a_stale_graph_is_refused_and_forward_repairs_it(
    programs: tuple[Program, Program], data: st.DataObject
) -> None:
    """After x.data = c no gradient is given, and none is changed, until root.forward(); then all is as if recorded at c."""
    program, other = programs
    leaves = [Value(x) for x in program.leaves]
    *_, root = results = program.results(leaves)
    root.backward()
    place = data.draw(st.integers(0, len(leaves) - 1))
    leaves[place].data = other.leaves[place]
    now = program.at([leaf.data for leaf in leaves])
    order = topological_order(root)
    assert is_stale(root) == (leaves[place] in order)
    before = [(node.data, node.grad) for node in order if node.inputs], [leaf.grad for leaf in leaves]
    if is_stale(root):
        for refused in (root.backward, lambda: adjoints(root)):
            with pytest.raises(RuntimeError, match="stale"):
                refused()
    assert ([(node.data, node.grad) for node in order if node.inputs], [leaf.grad for leaf in leaves]) == before
    try:
        again = now.record()
    except (ArithmeticError, ValueError) as error:
        with pytest.raises(type(error)):
            root.forward()
        return
    assert root.forward() == again[1].data
    assert not is_stale(root)
    assert [node.data for node in results] == now.results([leaf.data for leaf in leaves])
    root.zero_grad()
    root.backward()
    again[1].backward()
    assert [leaf.grad for leaf in leaves] == [leaf.grad for leaf in again[0]]


@given(program=tame() | exact())
def test_a_replay_without_a_change_changes_nothing(program: Program) -> None:
    """forward() is idempotent, and it keeps gradients."""
    _, root = program.record()
    root.backward()
    before = [(node.data, node.grad) for node in topological_order(root)]
    assert [root.forward(), root.forward()] == [root.data] * 2
    assert [(node.data, node.grad) for node in topological_order(root)] == before


@given(program=tame() | exact())
def test_recording_changes_nothing_that_is_there(program: Program) -> None:
    """A node that is recorded on others leaves their numbers, and whether they are stale, as they were."""
    leaves = [Value(x) for x in program.leaves]
    program(*leaves)
    assert [(leaf.data, leaf.grad, leaf.inputs) for leaf in leaves] == [(x, 0.0, ()) for x in program.leaves]
