"""Every property fails when the bug that it guards is planted: what these tests plant, the tests beside them must find."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from itertools import repeat
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings, strategies as st

from autograd import GATES, Gate, Value, adjoints, backward as passes, context, functional, gate, value
from autograd.compiling.parameters import ParameterArray
from autograd.compiling.program import CompiledProgram
from autograd.drawing import flow, javascript, passes as words
from autograd.functions import FLOATS
from autograd.symbols import SYMBOLS

from ..conftest import both
from ..engines import other
from ..oracle import RULES
from . import (
    test_compiled,
    test_copies,
    test_gradient,
    test_interrupts,
    test_passes,
    test_pure_and_native,
    test_readers,
    test_recorded_derivatives,
)
from .programs import exact, moved, tame
from .readers import READERS
from .test_state_machine import Engine, examine

HARD = settings(
    max_examples=400,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)


def is_caught(test: Any, *values: Any, error: Any = AssertionError, **drawn: st.SearchStrategy[Any]) -> None:
    """The property fails on something that is drawn: by an assertion of its own, not by an accident."""

    def check(**inputs: Any) -> None:
        test.hypothesis.inner_test(*values, **inputs)

    with pytest.raises(error):
        HARD(given(**drawn)(check))()


def reader_is_caught(name: str, program: st.SearchStrategy[Any], ties: bool = False) -> None:
    (param,) = (param for param in READERS if param.id == name)
    test = test_readers.test_every_reader_agrees_at_ties_and_on_kinks if ties else test_readers.test_every_reader_agrees
    is_caught(test, *param.values, program=program)


def machine_is_caught() -> None:
    """The state machine fails; some bugs need a rare sequence of steps, and the search ends with the first."""
    with pytest.raises(AssertionError):
        examine(Engine, settings(HARD, max_examples=10_000, stateful_step_count=30))


@contextmanager
def declared(name: str, *rules: Any) -> Iterator[Gate]:
    yield gate(name, name, *rules)
    del GATES[name]


def test_a_wrong_rule() -> None:
    """2x as the slope of x³."""
    with declared("cube", lambda xp, x: x * x * x, lambda xp, out, x: 2 * x):
        programs = tame(["cube", "mul", "add"])
        is_caught(test_gradient.test_it_is_the_limit_of_finite_differences, program=programs)
        is_caught(test_gradient.test_it_is_the_complex_step, program=programs)
        is_caught(test_gradient.test_a_partial_derivative_is_that_of_the_rule, "cube", data=st.data())
        for reader in ("backward", "gradient", "gradient_as_a_graph", "numpy-float64"):
            reader_is_caught(reader, programs)


def test_a_wrong_convention_at_a_kink(monkeypatch: pytest.MonkeyPatch) -> None:
    """|x|′(0) = 1, which is wrong at one point only."""
    monkeypatch.setitem(RULES, "size", RULES["abs"])
    with declared("size", lambda xp, x: xp.abs(x), lambda xp, out, x: xp.where(x >= 0, 1.0, -1.0)):
        for reader in ("backward", "numpy-float64", "numpy-float32", "explained", "drawn_on_edges"):
            reader_is_caught(reader, exact(["size", "sub"]), ties=True)


def overwriting(walk: Any) -> None:
    for node in reversed(walk.gates):
        data = [input.data for input in node.inputs]
        for input, slope in zip(node.inputs, node.gate.local_gradients(FLOATS, node.data, data), strict=True):
            if slope is not None:
                input._adjoint = node._adjoint * slope


def test_an_accumulation_that_overwrites(monkeypatch: pytest.MonkeyPatch) -> None:
    """= where += belongs."""
    monkeypatch.setattr(passes, "_pull", overwriting)
    for reader in ("backward", "adjoint", "gradient", "drawn_on_leaves"):
        reader_is_caught(reader, tame(["add", "mul", "exp", "dot"]))
    is_caught(test_gradient.test_it_is_the_complex_step, program=tame())
    machine_is_caught()


def test_a_wrong_topological_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """A node before one that uses it still: by distance from the root."""

    def by_distance(walk: Any) -> None:
        order, level = dict[Value, None](), [*walk.gates[-1:]]
        while level:
            level = [node for node in dict.fromkeys(level) if node.inputs and node not in order]
            order |= dict.fromkeys(level)
            level = [input for node in level for input in node.inputs]
        for node in order:
            passes.pull_any(node)

    monkeypatch.setattr(passes, "_pull", by_distance)
    reader_is_caught("backward", tame(["add", "mul", "exp"]))
    reader_is_caught("adjoint", tame(["add", "mul", "exp"]))


def leaves_only(found: Any) -> None:
    for leaf in found.leaves:
        leaf.grad += leaf._adjoint * (leaf.role != "constant")


def adding_everywhere(found: Any) -> None:
    leaves_only(found)
    for node in found.gates:
        node.grad += node._adjoint


def setting_everywhere(found: Any) -> None:
    for node in (*found.leaves, *found.gates):
        node.grad = node._adjoint * (node.role != "constant")


@pytest.mark.parametrize("keep", [leaves_only, adding_everywhere, setting_everywhere])
def test_inner_nodes_that_are_not_set_and_leaves_that_are(monkeypatch: pytest.MonkeyPatch, keep: Any) -> None:
    monkeypatch.setattr(passes, "_keep", keep)
    seeds = st.lists(st.floats(-3, 3), min_size=1, max_size=4)
    is_caught(test_passes.test_leaves_accumulate_and_inner_nodes_are_set, program=tame(), seeds=seeds)
    machine_is_caught()


def test_a_seed_whose_sign_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    real = passes._sweep
    monkeypatch.setattr(passes, "_sweep", lambda root, seed: real(root, abs(seed)))
    is_caught(test_gradient.test_it_is_linear_in_the_seed, program=tame(), power=st.just(1))
    is_caught(test_gradient.test_seeds_add_up, program=tame(), a=st.floats(-3, 3), b=st.floats(-3, 3))
    machine_is_caught()


def test_staleness_that_is_not_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passes, "_refuse_stale", lambda *_: None)
    test = test_passes.test_a_stale_graph_is_refused_and_forward_repairs_it
    is_caught(test, error=pytest.fail.Exception, programs=moved(tame()), data=st.data())  # of pytest.raises
    machine_is_caught()


def test_a_replay_that_stops_halfway(monkeypatch: pytest.MonkeyPatch) -> None:
    """forward() that computes only the gates whose own inputs were set."""
    real = passes.forward

    def shallow(root: Value) -> float:
        for node in reversed(real.__globals__["Walk"]((root,)).gates):
            if any(not input.inputs and passes.is_stale(node) for input in node.inputs):
                real(node) if node is not root else None
        return root.data

    monkeypatch.setattr(value, "forward", shallow)
    is_caught(test_passes.test_a_stale_graph_is_refused_and_forward_repairs_it, programs=moved(tame()), data=st.data())
    machine_is_caught()


WRITE = """
def write(attribute, nodes, values):
    for node, value in zip(nodes, values):
        setattr(node, attribute, value)
"""


def test_a_write_that_can_be_divided(monkeypatch: pytest.MonkeyPatch) -> None:
    """A loop, between whose turns an interrupt comes."""
    namespace: dict[str, Any] = {}
    exec(compile(WRITE, "<planted>", "exec"), namespace)
    write = namespace["write"]

    def keep(found: Any) -> None:
        leaves = [leaf for leaf in found.leaves if leaf.role != "constant"]
        write("grad", leaves, [leaf.grad + leaf._adjoint for leaf in leaves])

    monkeypatch.setattr(passes, "_write", write)
    monkeypatch.setattr(passes, "_keep", keep)
    seed = st.just(1.0)
    is_caught(
        test_interrupts.test_an_interrupted_backward_adds_to_every_leaf_or_to_none, program=tame(max_steps=4), seed=seed
    )
    is_caught(test_interrupts.test_an_interrupted_forward_replays_all_or_nothing, programs=moved(tame(max_steps=4)))
    is_caught(test_interrupts.test_an_interrupted_zero_grad_clears_all_or_nothing, program=tame(max_steps=4))


def test_a_branch_that_is_frozen_in_a_derivative(monkeypatch: pytest.MonkeyPatch) -> None:
    """Partial derivatives taken as numbers where the graph needs nodes."""

    def frozen(gates: Any, adjoints: Any, slopes: Any) -> None:
        for node in reversed(gates):
            numbers = node.gate.local_gradients(FLOATS, node.data, [input.data for input in node.inputs])
            upstream = adjoints.pop(node, 0.0)  # 0 behind a gate without a slope
            for x, slope in zip(node.inputs, numbers, strict=True):
                if slope is not None and x in slopes.active:
                    adjoints[x] = upstream * slope + adjoints.get(x, 0.0)

    monkeypatch.setattr(functional, "_record_reverse", frozen)
    pairs = moved(tame(gates=test_recorded_derivatives.BRANCHLESS))
    is_caught(test_recorded_derivatives.test_replayed_elsewhere, pair=pairs)


def test_a_compiled_program_that_drops_a_term(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last entry of each gradient, which is that of one parameter."""
    real = CompiledProgram.value_and_grad

    def short(self: CompiledProgram, *batches: Any) -> Any:
        cost, gradient = real(self, *batches)
        gradient[-1:] = 0.0
        return cost, gradient

    monkeypatch.setattr(CompiledProgram, "value_and_grad", short)
    for param in test_compiled.RUNNERS[:1]:
        is_caught(test_compiled.test_a_batch_is_the_mean_of_its_samples, *param.values, batch=test_compiled.TAME)
        is_caught(test_compiled.test_also_at_ties_and_on_kinks, *param.values, batch=test_compiled.EXACT)
    machine_is_caught()


def test_a_compiled_rule_that_is_not_the_eager_one() -> None:
    """A gate that computes something else on anything but floats."""

    def rule(xp: Any, x: Any) -> Any:
        return x * (2.0 if xp is FLOATS or xp is SYMBOLS else 2.001)

    with declared("twice", rule, lambda xp, out, x: 2.0):
        programs = test_compiled.batches(tame(["twice", "sub"]), False)
        is_caught(
            test_compiled.test_a_batch_is_the_mean_of_its_samples, *test_compiled.RUNNERS[0].values, batch=programs
        )


def test_a_program_that_forgets_to_look_at_its_parameters(monkeypatch: pytest.MonkeyPatch) -> None:
    real = ParameterArray.read

    def kept(self: ParameterArray) -> Any:
        return real(self) if self._flat is None else self._flat

    monkeypatch.setattr(ParameterArray, "read", kept)
    test = test_compiled.test_every_call_takes_the_parameters_as_they_are
    is_caught(test, "numpy", batch=test_compiled.TAME, scale=st.floats(0.8, 1.25))
    machine_is_caught()


def test_pictures_and_words_that_show_other_gradients(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every local gradient taken for 1, and in the page, for its row's first."""

    def ones(node: Value) -> list[float]:
        return [1.0] * len(node.inputs)

    monkeypatch.setattr(flow, "local_gradients", ones)
    monkeypatch.setattr(words, "local_gradients", ones)
    reader_is_caught("drawn_on_edges", tame(["mul", "add"]))
    reader_is_caught("explained_gate_by_gate", tame(["mul", "add"]))
    (param,) = (param for param in READERS if param.id == "on_the_page")
    if not any(mark.args[0] for mark in param.marks):
        row = javascript.gate_row
        monkeypatch.setattr(
            import_module("autograd.drawing.explore"), "gate_row", lambda gate, count: row(GATES["add"], count)
        )
        reader_is_caught("on_the_page", tame(["mul", "add"]))


def lossy(root: Value, memo: dict[int, Any]) -> Value:
    """A copy in which a node that is used twice is there twice."""
    inputs = tuple(lossy(input, memo) for input in root.inputs)
    return value.restore(root._origin, root.data, root.grad, inputs)


def test_a_copy_that_loses_sharing_names_and_staleness(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(value, "deep_copy", lossy)
    way = copy.deepcopy
    is_caught(test_copies.test_a_copy_of_a_root_keeps_everything, way, results=test_copies.graphs())
    is_caught(test_copies.test_deepcopy_keeps_what_several_roots_share, results=test_copies.graphs())
    machine_is_caught()


@pytest.mark.skipif(not both, reason="one engine alone")
def test_an_engine_that_differs_in_the_last_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    real = other().adjoints

    def nearly(root: Any, seed: float) -> Any:
        return {node: slope * (1 + 2**-52) for node, slope in real(root, seed).items()}

    monkeypatch.setattr(other(), "adjoints", nearly)
    test = test_pure_and_native.test_pure_and_native_are_equal_to_the_last_bit
    is_caught(test, program=tame(), seed=st.floats(-3, 3), change=st.floats(-3, 3))


def test_a_zero_grad_that_forgets_constants(monkeypatch: pytest.MonkeyPatch) -> None:
    def forgetful(root: Value) -> None:
        nodes = [node for node in adjoints(root) if node.role != "constant"]
        passes._write("grad", nodes, repeat(0.0))

    monkeypatch.setattr(value, "zero_grad", forgetful)
    machine_is_caught()


def test_a_pass_that_does_not_look_for_what_is_not_finite(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passes, "watching", lambda: False)
    machine_is_caught()


def test_a_block_that_outlives_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(context.Block, "__exit__", lambda *_: None)
    open_before = len(context.recording.special)
    machine_is_caught()
    del context.recording.special[open_before:]
