"""Hypothesis strategies for property tests of Values and gates. Requires the hypothesis package."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import strategies as st

from .functions import FLOATS
from .gate import GATES, Domain, Gate
from .value import Value

__all__ = ["Expression", "expressions", "gate_inputs", "inputs_of", "values"]

MARGIN = 0.05  # least distance from a kink, so that finite differences stay on one side of it


def values(min_value: float = -4.0, max_value: float = 4.0) -> st.SearchStrategy[Value]:
    """Leaves with finite data between the bounds.

    >>> from hypothesis import given
    >>> @given(values(-1.0, 1.0))
    ... def test_tanh_is_odd(x):
    ...     assert (-x).tanh().data == -x.tanh().data
    >>> test_tanh_is_odd()
    """
    return st.floats(min_value, max_value).map(Value)


class Expression:
    """A random function made of gates. Each step is a gate and the indices of the earlier results that it takes.

    >>> f = Expression(2, [(GATES["mul"], (0, 1)), (GATES["exp"], (2,))])
    >>> f, f(0.0, 3.0)
    (<Expression of x0, x1: v1 = mul(x0, x1); v2 = exp(v1)>, 1.0)
    """

    def __init__(self, n_inputs: int, steps: Sequence[tuple[Gate, tuple[int, ...]]]) -> None:
        self.n_inputs, self.steps = n_inputs, tuple(steps)

    def __call__(self, *inputs: Any) -> Any:
        results = list(inputs)
        for gate, places in self.steps:
            results.append(gate.apply([results[i] for i in places]))
        return results[-1]

    def __repr__(self) -> str:
        names = [f"x{i}" for i in range(self.n_inputs)] + [f"v{i}" for i in range(1, len(self.steps) + 1)]
        lines = [
            f"{names[self.n_inputs + i]} = {gate.name}({', '.join(names[place] for place in places)})"
            for i, (gate, places) in enumerate(self.steps)
        ]
        return f"<Expression of {', '.join(names[: self.n_inputs])}: {'; '.join(lines)}>"


@st.composite
def expressions(
    draw: Callable[[st.SearchStrategy[Any]], Any],
    gates: Sequence[Gate] | None = None,
    max_inputs: int = 4,
    max_steps: int = 12,
    margin: float = MARGIN,
) -> tuple[Expression, list[float]]:
    """Pairs of an Expression and float inputs at which its result is bounded and its gradient exists.

    Gates may share results. Every gate gets inputs in its domain, at least `margin` from a kink.

    >>> from hypothesis import given
    >>> from autograd import check_gradients
    >>> from autograd.testing import expressions
    >>> @given(expressions([GATES["add"], GATES["mul"]], max_steps=3))
    ... def test_gradients(case):
    ...     f, inputs = case
    ...     assert check_gradients(f, inputs)
    >>> test_gradients()
    """
    rows = list(gates or GATES.values())
    inputs = draw(st.lists(st.floats(-3.0, 3.0), min_size=1, max_size=max_inputs))
    results, steps = list(inputs), []
    for _ in range(draw(st.integers(1, max_steps))):
        gate = draw(st.sampled_from(rows))
        n = draw(st.integers(2, 5)) if gate.variadic else len(gate.names)
        # always uses the latest result, so that most steps contribute to the root
        places = (len(results) - 1, *draw(st.lists(st.integers(0, len(results) - 1), min_size=n - 1, max_size=n - 1)))
        places = tuple(draw(st.permutations(places)))
        data = [results[i] for i in places]
        if _in_range(gate, data, margin):
            steps.append((gate, places))
            results.append(gate.forward(FLOATS, *data))
    if not steps:
        steps.append((GATES["mul"], (0, 0)))
    return Expression(len(inputs), steps), inputs


def gate_inputs(gate: Gate, margin: float = MARGIN) -> st.SearchStrategy[list[float]]:
    """Lists of inputs from a gate's domain, at least `margin` from its kink.

    >>> from hypothesis import given
    >>> @given(gate_inputs(GATES["relu"]))
    ... def test_away_from_its_kink(inputs):
    ...     assert len(inputs) == 1 and abs(inputs[0]) >= 0.05
    >>> test_away_from_its_kink()
    """
    if gate.variadic:
        entries: st.SearchStrategy[list[float]] = st.lists(inputs_of(gate.domain[0]), min_size=2, max_size=5)
    else:
        entries = st.tuples(*map(inputs_of, gate.domain)).map(list)
    return entries.filter(lambda data: gate.kink is None or abs(gate.kink.distance(*data)) >= margin)


def inputs_of(domain: Domain) -> st.SearchStrategy[float]:
    """Floats from a union of intervals, such as a gate's domain for one of its inputs.

    >>> from hypothesis import given
    >>> @given(inputs_of(((-4.0, -0.1), (0.1, 4.0))))
    ... def test_never_zero(x):
    ...     assert x != 0
    >>> test_never_zero()
    """
    return st.one_of([st.floats(low, high) for low, high in domain])


def _in_range(gate: Gate, data: Sequence[float], margin: float) -> bool:
    domains = gate.domain * len(data) if gate.variadic else gate.domain
    inside = all(any(low <= x <= high for low, high in domain) for x, domain in zip(data, domains, strict=True))
    if not inside or (gate.kink is not None and abs(gate.kink.distance(*data)) < margin):
        return False
    return bool(abs(gate.forward(FLOATS, *data)) < 50)
