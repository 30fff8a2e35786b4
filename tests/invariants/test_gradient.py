"""What the gradient is: the derivative, linear in the seed, and a matter of the graph alone."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
from hypothesis import given, strategies as st

import autograd
from autograd import GATES, Value, adjoints, check_gradients, grad, topological_order
from autograd.testing import gate_inputs

from ..oracle import STEP, Complex, ComplexFunctions, Gradient, complex_step, gradients, partial
from .programs import Program, exact, tame

SMOOTH = [row.name for row in GATES.values() if row.kink is None]


@given(program=tame())
def test_it_is_the_limit_of_finite_differences(program: Program) -> None:
    """∂f/∂xᵢ = lim (f(x + h·eᵢ) − f(x − h·eᵢ))/2h."""
    check_gradients(program, program.leaves, rtol=1e-4, atol=1e-9, raises=True)  # paths that cancel leave rounding


@given(program=tame())
def test_it_is_the_complex_step(program: Program) -> None:
    """∂f/∂xᵢ = Im f(x + ih·eᵢ)/h, for the same rules run on complex numbers: no difference, and so no rounding of one."""
    leaves, root = program.record()
    root.backward()
    sizes = gradients(root)
    for i, leaf in enumerate(leaves):
        right = Gradient(along(program, i), sizes[leaf].size if leaf in sizes else 0.0)
        assert abs(leaf.grad - right) <= 1e-9 * (1 + right.size)


def along(program: Program, i: int) -> float:
    """Return the derivative in leaf i by the complex step."""
    found: list[Any] = [Complex(x, STEP if j == i else 0.0) for j, x in enumerate(program.leaves)]
    for name, places in program.steps:
        inputs = [found[p] if isinstance(p, int) else Complex(p) for p in places]
        found.append(Complex(GATES[name].forward(ComplexFunctions(), *inputs)))
    return complex(found[-1]).imag / STEP


@pytest.mark.parametrize("name", GATES)
@given(data=st.data())
def test_a_partial_derivative_is_that_of_the_rule(name: str, data: st.DataObject) -> None:
    """Every gate alone: its row's local gradient, the rule by hand and the complex step of its forward rule are one."""
    gate = GATES[name]
    inputs = data.draw(gate_inputs(gate))
    leaves = [Value(x) for x in inputs]
    gate.apply(leaves).backward()
    for i, leaf in enumerate(leaves):
        by_hand = partial(gate, i, inputs)
        assert leaf.grad == pytest.approx(by_hand or 0.0, rel=1e-11, abs=1e-13)
        assert leaf.grad == pytest.approx(complex_step(gate, i, inputs), rel=1e-11, abs=1e-13)


@given(program=tame() | exact(), power=st.integers(-20, 20))
def test_it_is_linear_in_the_seed(program: Program, power: int) -> None:
    """adjoints(root, s) = s · adjoints(root); to the last bit where s is a power of two and no number is near 0."""
    _, root = program.record()
    once, scaled = adjoints(root), adjoints(root, math.ldexp(1.0, power))
    assert once.keys() == scaled.keys()
    for node, slope in once.items():
        exact = math.ldexp(slope, power)
        assert scaled[node] == exact or abs(scaled[node] - exact) < 1e-300
    root.backward(-1.0)
    assert all(node.grad == -slope for node, slope in once.items())


@given(program=tame() | exact(), a=st.floats(-3, 3), b=st.floats(-3, 3))
def test_seeds_add_up(program: Program, a: float, b: float) -> None:
    """adjoints(root, a) + adjoints(root, b) = adjoints(root, a + b)."""
    _, root = program.record()
    size = gradients(root)
    one, other, both = adjoints(root, a), adjoints(root, b), adjoints(root, a + b)
    for node, slope in both.items():
        assert abs(one[node] + other[node] - slope) <= 1e-13 * (abs(a) + abs(b)) * (1 + size[node].size)


@given(program=tame() | exact())
def test_it_is_linear_in_the_function(program: Program) -> None:
    """∇(c·f + f) = c·∇f + ∇f."""
    leaves, root = program.record()
    size = gradients(root)
    both = autograd.sum([3.0 * root, root])
    found = adjoints(both)
    for leaf in leaves:
        if leaf in size:
            assert abs(found[leaf] - 4 * size[leaf]) <= 1e-9 * (1 + size[leaf].size)


@given(program=tame() | exact(), random=st.randoms(use_true_random=False))
def test_it_does_not_depend_on_the_order_of_construction(program: Program, random: Any) -> None:
    """The same graph, recorded in another order and among other graphs, has the same gradient."""
    leaves, root = program.record()
    root.backward()
    others = [Value(x) for x in reversed(program.leaves)][::-1]
    found: dict[int, Any] = dict(enumerate(others))
    waiting = dict(enumerate(program.steps, len(others)))
    while waiting:
        ready = [i for i, (_, places) in waiting.items() if all(p in found for p in places if isinstance(p, int))]
        i = random.choice(ready)
        gate, places = waiting.pop(i)
        found[i] = GATES[gate].apply([found[p] if isinstance(p, int) else p for p in places])
        _ = found[i] * others[0]  # which no root of ours leads to
    other = found[max(found)]
    other.backward()
    assert other.data == root.data
    assert [leaf.grad for leaf in others] == pytest.approx([leaf.grad for leaf in leaves], rel=1e-12, abs=1e-12)


@given(program=tame() | exact())
def test_the_order_of_a_walk_is_topological(program: Program) -> None:
    """Every node once, after all its inputs, and the root last."""
    _, root = program.record()
    order = topological_order(root)
    place = {node: i for i, node in enumerate(order)}
    assert len(place) == len(order)
    assert order[-1] is root
    assert all(place[input] < place[node] for node in order for input in node.inputs)


@given(program=tame(gates=SMOOTH, max_steps=4))
def test_derivatives_nest(program: Program) -> None:
    """grad of grad is the derivative of grad: the limit of its finite differences."""

    def slope(*xs: Any) -> Any:
        slopes = grad(program)(*xs)
        return slopes[0] if isinstance(slopes, tuple) else slopes

    check_gradients(slope, program.leaves, rtol=1e-3, atol=1e-4, raises=True)


@pytest.mark.parametrize("name", [name for name, gate in GATES.items() if not gate.variadic])
def test_the_oracle_refuses_a_slope_that_the_gate_refuses(name: str) -> None:
    """At the ends of domains and where two numbers meet; elsewhere both give a number, or None."""
    gate = GATES[name]
    for inputs in product([-1.0, 0.0, 1.0, 2.0], repeat=len(gate.names)):
        try:
            out = gate.compute(*inputs)
        except (ArithmeticError, ValueError):
            continue
        for place in range(len(inputs)):
            wanted = [place == i for i in range(len(inputs))]
            slope = outcome(lambda *numbers: gate.slopes(*numbers)[place], out, *inputs, *wanted)  # noqa: B023
            right = outcome(partial, gate, place, inputs)
            assert slope == right if not isinstance(right, float) else slope == pytest.approx(right, rel=1e-12), inputs


def outcome(function: Callable[..., Any], *arguments: Any) -> Any:
    """Return what a function gives, or the type of its error."""
    try:
        return function(*arguments)
    except (ArithmeticError, ValueError) as error:
        return type(error)
