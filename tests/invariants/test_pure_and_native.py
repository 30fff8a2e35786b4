"""The two engines are one: whatever is done, both give the same numbers, to the last bit, and the same errors.

Collected where both are there, as pytest's header says.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from types import ModuleType
from typing import Any

from hypothesis import given, strategies as st

import autograd

from ..engines import other
from .programs import Program, exact, tame, wild


def attempt(action: Callable[[], Any]) -> Any:
    """Return what an action gives, floats as their bits, or the error that it raises."""
    try:
        found = action()
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return [x.hex() for x in found] if isinstance(found, list) else found


def told(engine: ModuleType, program: Program, seed: float, change: float) -> list[Any]:
    """Run all passes on a program and tell everything that happened."""
    leaves = [engine.Value(x, f"x{i}") for i, x in enumerate(program.leaves)]
    *_, root = program.results(leaves, engine.GATES)
    order = engine.topological_order(root)

    def state() -> list[float]:
        return [x for node in order for x in (node.data, node.grad)]

    def run(action: Callable[[], Any]) -> list[Any]:
        return [attempt(action), attempt(state)]

    seen = run(lambda: list(engine.adjoints(root, seed).values()))
    seen += run(lambda: root.backward(seed)) + run(lambda: root.backward(-seed))
    leaves[0].data = change
    seen += run(root.backward) + run(lambda: [root.forward()]) + run(root.backward)
    seen += [attempt(lambda: repr(copy.deepcopy(root))), *run(root.zero_grad)]
    inputs = [engine.Value(x) for x in program.leaves]
    derived = engine.grad(lambda *xs: program.results(xs, engine.GATES)[-1])

    def slopes(*xs: Any) -> list[Any]:
        found = derived(*xs)
        return list(found) if isinstance(found, tuple) else [found]

    seen += [attempt(lambda: slopes(*program.leaves))]
    return [*seen, attempt(lambda: [slope.data for slope in slopes(*inputs)])]


@given(program=tame() | exact() | wild(), seed=st.floats(-3, 3), change=st.floats())
def test_pure_and_native_are_equal_to_the_last_bit(program: Program, seed: float, change: float) -> None:
    """native(program) = pure(program): data, gradients, adjoints, replays, copies, derivatives on Values, and errors."""
    assert told(autograd, program, seed, change) == told(other(), program, seed, change)
