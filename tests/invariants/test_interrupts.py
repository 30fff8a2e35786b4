"""Interrupts are atomic: wherever an exception strikes, the graph is as before the pass or as after it."""

from __future__ import annotations

import linecache
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, strategies as st

import autograd
from autograd import GATES, Value, adjoints, gate, is_stale, topological_order
from autograd.functions import FLOATS

from .programs import Program, exact, moved, tame

PACKAGE = str(Path(autograd.__file__).parent)


class Interrupt(BaseException):
    """What a signal handler might raise, as KeyboardInterrupt."""


def interrupted(action: Callable[[], Any], moments: int) -> bool:
    """Run an action, and raise at one of the lines of Python that it executes; tell whether it came so far.

    Not at a `with`: there Python itself lets no signal come between leaving the block and its __exit__.
    """
    left = moments

    def tracer(frame: Any, event: str, argument: Any) -> Any:
        nonlocal left
        file = frame.f_code.co_filename
        if not file.startswith((PACKAGE, "<")):
            return None
        if event == "line" and not linecache.getline(file, frame.f_lineno).lstrip().startswith("with "):
            left -= 1
            if left < 0:
                raise Interrupt
        return tracer

    previous = sys.gettrace()
    sys.settrace(tracer)
    try:
        action()
    except Interrupt:
        return True
    finally:
        sys.settrace(previous)
    return False


def strikes(action: Callable[[], Any], most: int = 400) -> Iterator[bool]:
    """Interrupt an action at its first line, at its second, and so on until it comes to its end."""
    for moments in range(most):
        done = not interrupted(action, moments)
        yield done
        if done:
            return


Numbers = list[tuple[float, float]]


def lasting(root: Value) -> Numbers:
    """The numbers that later passes build on: the data of all nodes, and the gradients of leaves."""
    return [(node.data, 0.0 if node.inputs else node.grad) for node in topological_order(root)]


def walks_elsewhere(root: Value) -> bool:
    """Tell whether another thread can walk the graph: no lock was left behind."""
    thread = threading.Thread(target=is_stale, args=(root,), daemon=True)
    thread.start()
    thread.join(10)
    return not thread.is_alive()


@given(program=tame(max_steps=4) | exact(max_steps=4), seed=st.sampled_from([1.0, -2.0]))
def test_an_interrupted_backward_adds_to_every_leaf_or_to_none(program: Program, seed: float) -> None:
    """For every moment of the pass: the gradients of all leaves are old, or all are new; data never change."""
    _, root = program.record()
    _, twin = program.record()
    for done in strikes(lambda: root.backward(seed)):
        before = lasting(twin)
        if lasting(root) != before or done:
            twin.backward(seed)
            assert lasting(root) == lasting(twin)
    assert walks_elsewhere(root)


@given(program=tame(max_steps=4), seed=st.sampled_from([1.0, -2.0]))
def test_an_interrupted_backward_sets_every_gradient_or_none(program: Program, seed: float) -> None:
    """The same of every node: a picture never mixes the gradients of two passes."""
    _, root = program.record()
    order = topological_order(root)
    root.backward(-seed)
    before, after = adjoints(root, -seed), adjoints(root, seed)
    for _done in strikes(lambda: root.backward(seed)):
        gates = [node.grad for node in order if node.inputs]
        assert gates in ([found[node] for node in order if node.inputs] for found in (before, after))
        root.backward(-seed)


@given(programs=moved(tame(max_steps=4)))
def test_an_interrupted_forward_replays_all_or_nothing(programs: tuple[Program, Program]) -> None:
    """For every moment: all data are old and the graph is stale, or all are new; run again, it comes to its end."""
    program, other = programs
    leaves, root = program.record()
    assume(program != other)
    fresh, right = other.record()
    for leaf, x in zip(leaves, other.leaves, strict=True):
        leaf.data = x
    before, after = lasting(root), lasting(right)
    for done in strikes(root.forward):
        assert lasting(root) == after or (lasting(root) == before and not done)
        assert lasting(root) == after or is_stale(root) or before == after
    assert not is_stale(root)
    root.backward()
    right.backward()
    assert [leaf.grad for leaf in leaves] == [leaf.grad for leaf in fresh]


@given(program=tame(max_steps=4))
def test_an_interrupted_zero_grad_clears_all_or_nothing(program: Program) -> None:
    _, root = program.record()
    root.backward()
    before = lasting(root)
    after = [(x, 0.0) for x, _ in before]
    for done in strikes(root.zero_grad):
        assert lasting(root) == after or (lasting(root) == before and not done)


@contextmanager
def fuse() -> Iterator[Callable[[int | None], None]]:
    """A gate that passes its first input on until it blows: at the n-th time from now that one of its rules runs."""
    left: int | None = None

    def set_fuse(n: int | None) -> None:
        nonlocal left
        left = n

    def burn(xp: Any) -> None:
        nonlocal left
        if xp is FLOATS and left is not None:
            left -= 1
            if left < 0:
                raise Interrupt

    def forward(xp: Any, *xs: Any) -> Any:
        burn(xp)
        return xs[0] + 0.0 * xp.floor(xs[0])  # which has no compiled form, so that the rule itself is run

    def local(xp: Any, out: Any, *xs: Any) -> Any:
        burn(xp)
        return [1.0 + 0.0 * xp.floor(xs[0]), *[0.0] * (len(xs) - 1)]

    gate("fuse", "~", forward, local)
    try:
        yield set_fuse
    finally:
        del GATES["fuse"]


@given(program=tame(max_steps=4), places=st.lists(st.integers(0, 10), min_size=1, max_size=4), n=st.integers(0, 6))
def test_a_rule_that_raises_leaves_everything_as_it_was(program: Program, places: list[int], n: int) -> None:
    """Whatever a gate raises, in recording, backward, adjoints or forward: no data and no gradient of a leaf changes."""
    with fuse() as blow:
        passing = GATES["fuse"]
        leaves = [Value(x) for x in program.leaves]
        results = program.results(leaves)
        root = results[-1]
        for place in places:
            root = root + passing.apply([results[place % len(results)]]) * passing.apply([root])
        root.backward()

        def replay() -> float:
            blow(None)
            leaves[0].data = leaves[0].data
            blow(n)
            return float(root.forward())

        actions: list[Callable[[], Any]] = [
            lambda: adjoints(root),
            root.backward,
            lambda: passing.apply([root]),
            replay,
        ]
        for action in actions:
            before = lasting(root)
            blow(n)
            try:
                action()
            except Interrupt:
                assert lasting(root) == before
        blow(None)
        root.forward()
        root.backward()
    assert walks_elsewhere(root)


@pytest.mark.parametrize("name", ["log", "sqrt", "div", "reciprocal", "exp", "pow", "log1p"])
@given(program=tame(max_steps=3))
def test_a_replay_outside_a_domain_changes_nothing(name: str, program: Program) -> None:
    """forward() at data that a gate refuses raises its error, leaves all data, and the graph stale."""
    bad = {"log": -1.0, "sqrt": -1.0, "div": 0.0, "reciprocal": 0.0, "exp": 1e4, "pow": -1.0, "log1p": -2.0}[name]
    leaves = [Value(x) for x in program.leaves]
    switch = Value(1.0, "switch")
    inputs = {"div": [1.0, switch], "pow": [switch, 0.5]}.get(name, [switch])
    root = program(*leaves) * switch + GATES[name].apply(inputs)
    root.backward()
    switch.data = bad
    before = lasting(root)
    with pytest.raises((ArithmeticError, ValueError), match=f"{name}: .*switch = {bad!r}"):
        root.forward()
    assert lasting(root) == before
    assert is_stale(root)
    switch.data = 1.0
    root.forward()
    root.backward()
