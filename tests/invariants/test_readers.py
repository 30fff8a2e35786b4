"""∂root/∂leaf is one number: every reader of a graph gives the same, at ties and on kinks too."""

from __future__ import annotations

import pytest
from hypothesis import given

from autograd import GATES, Value

from ..oracle import Gradient, gradients
from .programs import Program, exact, tame
from .readers import READERS, Reader


def expected(program: Program) -> list[Gradient]:
    """The gradient by rules that are written by hand."""
    leaves, root = program.record()
    found = gradients(root)
    return [found.get(leaf, Gradient(0.0, 0.0)) for leaf in leaves]


def agree(found: list[float], right: list[Gradient], tolerance: float) -> bool:
    return len(found) == len(right) and all(
        abs(a - b) <= tolerance * (1 + b.size) for a, b in zip(found, right, strict=True)
    )


@pytest.mark.parametrize(("reader", "tolerance"), READERS)
@given(program=tame())
def test_every_reader_agrees(reader: Reader, tolerance: float, program: Program) -> None:
    """∂root/∂leaf = Σ over paths Π of partial derivatives, whoever is asked."""
    found, right = reader(program), expected(program)
    assert agree(found, right, tolerance), (found, right)


@pytest.mark.parametrize(("reader", "tolerance"), READERS)
@given(program=exact())
def test_every_reader_agrees_at_ties_and_on_kinks(reader: Reader, tolerance: float, program: Program) -> None:
    """The same where derivatives exist by convention only, and every number is exact."""
    found, right = reader(program), expected(program)
    assert agree(found, right, min(tolerance, 1e-6)), (found, right)


# The conventions, at the points where a gate has no derivative: its inputs, its output, and its slopes there.
CONVENTIONS = [
    ("relu", [0.0], 0.0, [0.0]),
    ("leaky_relu", [0.0, 0.25], 0.0, [0.25, 0.0]),
    ("elu", [0.0, 1.0], 0.0, [1.0, 0.0]),
    ("elu", [0.0, 3.0], 0.0, [1.0, 0.0]),
    ("abs", [0.0], 0.0, [0.0]),
    ("maximum", [2.0, 2.0], 2.0, [0.5, 0.5]),
    ("minimum", [2.0, 2.0], 2.0, [0.5, 0.5]),
    ("max", [3.0, 3.0, 1.0], 3.0, [0.5, 0.5, 0.0]),
    ("max", [3.0, 3.0, 3.0], 3.0, [1 / 3, 1 / 3, 1 / 3]),
    ("max", [3.0], 3.0, [1.0]),
    ("clip", [1.0, 1.0, 5.0], 1.0, [0.5, 0.5, 0.0]),
    ("clip", [1.0, -5.0, 1.0], 1.0, [0.5, 0.0, 0.5]),
    ("where", [0.0, 5.0, 7.0], 7.0, [0.0, 0.0, 1.0]),
    ("step", [0.0], 1.0, [0.0]),
    ("sign", [0.0], 1.0, [0.0]),
    ("exceeds", [2.0, 2.0], 0.0, [0.0, 0.0]),
    ("pow", [0.0, 2.0], 0.0, [0.0, 0.0]),
    ("sqrt", [4.0], 2.0, [0.25]),
]


@pytest.mark.parametrize(("reader", "tolerance"), READERS)
@pytest.mark.parametrize(("gate", "inputs", "output", "slopes"), CONVENTIONS)
def test_conventions(
    gate: str, inputs: list[float], output: float, slopes: list[float], reader: Reader, tolerance: float
) -> None:
    """relu′(0) = abs′(0) = 0, leaky_relu′(0) = its slope, elu′(0) = 1, and k inputs that tie get 1/k each."""
    places: tuple[int | float, ...] = tuple(range(len(inputs)))
    if gate == "pow":  # a constant exponent, so that no slope in it is asked for
        inputs, slopes, places = inputs[:1], slopes[:1], (0, inputs[1])
    found = reader(Program(inputs, [(gate, places)]))
    assert found == pytest.approx(slopes, rel=tolerance, abs=tolerance)


def test_every_kink_has_a_convention_here() -> None:
    missing = {row.name for row in GATES.values() if row.kink} - {gate for gate, *_ in CONVENTIONS}
    assert not missing, f"add to CONVENTIONS, by hand: (gate, inputs at its kink, output, slopes) for {sorted(missing)}"


@pytest.mark.parametrize(("gate", "inputs", "output", "slopes"), CONVENTIONS)
def test_outputs_at_kinks(gate: str, inputs: list[float], output: float, slopes: list[float]) -> None:
    """step(0) = sign(0) = 1, and where(0, a, b) = b."""
    assert GATES[gate].apply([Value(x) for x in inputs]).data == output
