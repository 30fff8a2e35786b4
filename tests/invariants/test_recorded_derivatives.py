"""A derivative recorded on Values is a graph: replayed at other data, it is the derivative there."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, strategies as st

from autograd import GATES, Gate, Value, compile, grad, hessian, value_and_grad
from autograd.functions import COMPARISONS
from autograd.gate import Domain
from autograd.symbols import SYMBOLS, Symbol, parts
from autograd.testing import inputs_of

from ..oracle import RULES, Gradient, gradients
from .programs import HALVES, MARGIN, Program, exact, moved, moved_exactly, tame

Pair = tuple[Program, Program]


def chooses(gate: Gate) -> bool:
    """Tell whether partial derivatives make a choice, so that one recorded at one point might hold another's branch."""
    inputs = [Symbol.named(f"x{i}") for i in range(3 if gate.variadic else len(gate.names))]
    slopes = gate.local_gradients(SYMBOLS, Symbol.named("out"), inputs)
    found = {part.operator for slope in slopes if slope is not None for part in parts(Symbol.of(slope))}
    return not found.isdisjoint({"where", "maximum", "minimum", "abs", *COMPARISONS})


CHOOSING = sorted(name for name, row in GATES.items() if chooses(row))
BRANCHLESS = sorted({*GATES} - {*CHOOSING})


def right(program: Program) -> list[Gradient]:
    leaves, root = program.record()
    found = gradients(root)
    return [found.get(leaf, Gradient(0.0, 0.0)) for leaf in leaves]


def listed(slopes: Any) -> list[Any]:
    return list(slopes) if isinstance(slopes, tuple) else [slopes]


def replayed(pair: Pair) -> None:
    """Record the gradient at the data of one program, and replay it at those of the other."""
    program, other = pair
    leaves = [Value(x) for x in program.leaves]
    slopes = listed(grad(program)(*leaves))
    assert_close([slope.data for slope in slopes], program)
    for leaf, x in zip(leaves, other.leaves, strict=True):
        leaf.data = x
    assert_close([slope.forward() for slope in slopes], other)


def assert_close(found: list[float], program: Program) -> None:
    for slope, by_hand in zip(found, right(program), strict=True):
        assert abs(slope - by_hand) <= 1e-9 * (1 + by_hand.size), (found, right(program))


@given(pair=moved(tame(gates=BRANCHLESS)))
def test_replayed_elsewhere(pair: Pair) -> None:
    """g = grad(f)(x); x.data = c; g.forward(): this is grad(f)(c)."""
    replayed(pair)


@given(pair=moved(tame(gates=BRANCHLESS)))
def test_the_value_beside_it_is_replayed_too(pair: Pair) -> None:
    """The same of value_and_grad, whose value and gradients are graphs on the same leaves."""
    program, other = pair
    leaves = [Value(x) for x in program.leaves]
    value, slopes = value_and_grad(program)(*leaves)
    for leaf, x in zip(leaves, other.leaves, strict=True):
        leaf.data = x
    assert value.forward() == pytest.approx(other(*other.leaves), rel=1e-9, abs=1e-9)
    assert_close([slope.forward() for slope in listed(slopes)], other)


@given(pair=moved(tame(gates=BRANCHLESS, max_steps=4)))
def test_its_own_gradient_is_the_second_derivative(pair: Pair) -> None:
    """backward() from a recorded gradient gives a row of the Hessian, after a replay that of the new point."""
    program, other = pair
    leaves = [Value(x) for x in program.leaves]
    slope = listed(grad(program)(*leaves))[0]
    for leaf, x in zip(leaves, other.leaves, strict=True):
        leaf.data = x
    slope.forward()
    if slope.role != "constant":
        slope.backward()
    row = hessian(lambda xs: program(*xs))(list(other.leaves))[0]
    assert [leaf.grad for leaf in leaves] == pytest.approx(row, rel=1e-6, abs=1e-6)


@given(pair=moved(tame(gates=BRANCHLESS)))
def test_compiled(pair: Pair) -> None:
    """A recorded gradient, compiled with its leaves as inputs, gives the gradient of every sample of a batch."""
    program, other = pair
    leaves = [Value(x) for x in program.leaves]
    rows = [list(program.leaves), list(other.leaves)]
    for i, slope in enumerate(listed(grad(program)(*leaves))):
        if slope.role == "constant":
            continue
        found = compile(slope, [], x=leaves, gradient=False)(rows)
        for each, row in zip(found, (program, other), strict=True):
            size = right(row)[i]
            assert abs(each - size) <= 1e-9 * (1 + size.size)


def test_gates_whose_slopes_choose_are_found() -> None:
    """Whether by a comparison, a where or a maximum, and with a kink or without."""
    assert {*CHOOSING} >= {"relu", "abs", "pow", "huber", "clip", "max", "where"}
    assert {*BRANCHLESS} >= {"mul", "exp", "sum", "step"}


@given(pair=moved(tame()) | moved_exactly(exact()))
def test_every_gate_replayed_elsewhere(pair: Pair) -> None:
    """The same with every gate, across kinks too: a choice in a partial derivative is a `where` gate of the graph."""
    replayed(pair)


def halves_and_others(domain: Domain) -> st.SearchStrategy[float]:
    """Numbers of a domain; of the halves among them many, so that there are ties and kinks."""
    inside = [x for x in HALVES if any(low <= x <= high for low, high in domain)]
    return st.sampled_from(inside) | inputs_of(domain) if inside else inputs_of(domain)


def known_to_the_oracle(gate: Gate, inputs: list[float]) -> bool:
    """Tell whether slopes are known here: by a rule that is written by hand, or beside a kink by the complex step."""
    return gate.name in RULES or not gate.kink or abs(gate.kink.distance(*inputs)) >= MARGIN


@pytest.mark.parametrize("name", CHOOSING)
@given(data=st.data())
def test_a_gate_that_chooses(name: str, data: st.DataObject) -> None:
    """The same of each such gate alone, times its first input."""
    gate = GATES[name]
    domains = gate.domain * 3 if gate.variadic else gate.domain
    n = len(domains)
    points = (
        st.tuples(*map(halves_and_others, domains)).map(list).filter(lambda point: known_to_the_oracle(gate, point))
    )
    here, there = data.draw(points), data.draw(points)
    program = Program(here, [(name, tuple(range(n))), ("mul", (n, 0))])
    replayed((program, program.at(there)))


def test_a_power_of_zero_replayed_elsewhere() -> None:
    """x**y at y = 0 is flat in x, and elsewhere it is not."""
    x, y = Value(3.0), Value(0.0)
    slope, _ = grad(lambda x, y: x**y)(x, y)
    assert slope.data == 0.0
    y.data = 2.0
    assert slope.forward() == 6.0


@given(pair=moved(tame()) | moved_exactly(exact()))
def test_a_derivative_inside_what_is_compiled(pair: Pair) -> None:
    """compile(lambda x: [f(x), *grad(f)(x)]) gives value and gradient of every sample of a batch."""
    program, other = pair
    n = len(program.leaves)
    made = compile(lambda x: [program(*x), *listed(grad(program)(*x))], [], x=n, gradient=False)
    rows = made([list(program.leaves), list(other.leaves)])
    for (value, *slopes), row in zip(rows.tolist(), (program, other), strict=True):
        assert value == pytest.approx(row(*row.leaves), rel=1e-9, abs=1e-9)
        assert_close(slopes, row)
