"""Guards the passes: accumulation, shared nodes, staleness, replay, interrupts, and slopes that do not exist."""

from __future__ import annotations

import gc
import signal
import tracemalloc
from fractions import Fraction
from typing import Any

import pytest

import autograd
from autograd import GATES, Value, adjoints, backward as passes, gate, is_stale
from autograd.backward import _write
from autograd.functions import FUNCTIONS, Function


def test_leaves_accumulate_and_inner_nodes_are_set_anew() -> None:
    """Row A10: a naive engine that also accumulates in q gives -12, -12, 6."""
    x, y, z = Value(-2.0), Value(5.0), Value(-4.0)
    q = x + y
    f = q * z
    f.backward()
    f.backward()
    assert (x.grad, y.grad, z.grad) == (-8.0, -8.0, 6.0)
    assert (q.grad, f.grad) == (-4.0, 1.0)
    f.zero_grad()
    assert [v.grad for v in (x, y, z, q, f)] == [0.0] * 5
    f.backward()
    assert (x.grad, y.grad, z.grad) == (-4.0, -4.0, 3.0)


def test_zero_then_backward_is_idempotent_and_never_changes_data() -> None:
    x = Value(0.7)
    y = autograd.sin(x * x) * x
    data = y.data
    y.backward()
    first = x.grad
    y.zero_grad()
    y.backward()
    assert (x.grad, y.data, x.data) == (first, data, 0.7)


@pytest.mark.parametrize(
    ("build", "expected"),
    [
        (lambda x: x + x, 2.0),
        (lambda x: x * x, 6.0),
        (lambda x: x - x, 0.0),
        (lambda x: x / x, 0.0),
        (lambda x: x**x, 27 * (1 + 1.0986122886681098)),
        (lambda x: autograd.sum([x, x, x]), 3.0),
        (lambda x: autograd.dot([x, x], [x, 2.0]), 8.0),
        (lambda x: autograd.where(x, x, x), 1.0),
        (lambda x: autograd.maximum(x, x), 1.0),
    ],
)
def test_a_node_used_twice_by_one_gate_collects_twice(build: Any, expected: float) -> None:
    x = Value(3.0)
    build(x).backward()
    assert x.grad == pytest.approx(expected, rel=1e-14)


def test_diamonds_visit_each_gate_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Row A6: 2^30 paths through 30 doublings, in 30 pulls; a walk that forgets its marks would take years."""
    pulled: list[Value] = []
    pull = vars(passes)["_pull"]

    def counted(walk: Any) -> None:
        pulled.extend(walk.gates)
        pull(walk)

    monkeypatch.setattr(passes, "_pull", counted)
    x = Value(1.0)
    y = x
    for _ in range(30):
        y = autograd.sum([y, y])
    y.backward()
    assert (x.grad, len(pulled)) == (1073741824.0, 30)


def test_sixty_doublings_are_exact() -> None:
    x = Value(1.0)
    y = x
    for _ in range(60):
        y = y + y
    y.backward()
    assert (y.data, x.grad) == (2.0**60, 2.0**60)


def test_backward_never_evaluates_forward_again() -> None:
    """Row A7: intermediates are cached in the nodes."""
    forwards = 0

    def forward(xp: Any, *xs: Any) -> Any:
        nonlocal forwards
        forwards += 1
        return xs[0]

    copy = gate("watched", "=", forward, lambda xp, out, *xs: [1.0] * len(xs))
    try:
        y = copy(copy(Value(2.0)))
        before = forwards
        y.backward()
        assert forwards == before
    finally:
        del GATES["watched"]


def test_a_node_in_two_roots() -> None:
    x = Value(3.0)
    shared = x * x
    f, g = shared * 2, shared + x
    f.backward()
    assert shared.grad == 2.0
    g.backward()
    assert (shared.grad, x.grad) == (1.0, 12.0 + 7.0)


def test_seeds() -> None:
    x = Value(3.0)
    y = x * x
    y.backward(0.5)
    assert (x.grad, y.grad) == (3.0, 0.5)
    with pytest.raises(TypeError, match="the seed of backward needs a number"):
        y.backward("1")  # type: ignore[arg-type]


def test_backward_from_a_leaf_and_from_a_constant() -> None:
    x = Value(3.0)
    x.backward()
    assert x.grad == 1.0
    with pytest.raises(RuntimeError, match="is a constant, so there is nothing to differentiate: was it detached"):
        x.detach().backward()


@pytest.mark.parametrize("wrong", [None, "1", 1j, 10**400, [1.0]])
def test_a_grad_that_is_no_number_is_named(wrong: Any) -> None:
    """By the backward pass, or at once by the compiled engine, whose gradients are C doubles."""
    x, y = Value(3.0, "x"), Value(2.0)
    with pytest.raises(TypeError, match=r"the grad of x must be a number, and it is .*: set it to 0\.0"):
        _backward_with_grad(wrong, x, y)
    assert y.grad == 0.0


def _backward_with_grad(grad: Any, x: Value, y: Value) -> None:
    x.grad = grad
    (x * y).backward()


@pytest.mark.parametrize("number", [1, True, Fraction(1)])
def test_a_grad_that_is_set_to_a_number_is_added_to(number: Any) -> None:
    x = Value(3.0)
    x.grad = number
    (x * 2.0).backward()
    assert x.grad.__class__ is float
    assert x.grad == 3.0


def test_detach_stops_gradients() -> None:
    x = Value(3.0, "x")
    y = x.detach() * x
    y.backward()
    assert x.grad == 3.0
    assert (x.detach().role, x.detach().label) == ("constant", "x")


def test_adjoints_are_pure() -> None:
    x = Value(3.0)
    y = x * x * 2
    found = adjoints(y, seed=2.0)
    assert (found[x], found[y]) == (24.0, 2.0)
    assert all(node.grad == 0.0 for node in found)
    assert {node.role: g for node, g in found.items()}["constant"] == 0.0


def test_a_stale_graph_is_refused_by_name_and_replayed() -> None:
    w, x = Value(2.0, "w"), Value(5.0, "x")
    z = w * x
    z.label = "z"
    f = z + 1
    assert not is_stale(f)
    w.data = 3.0
    assert is_stale(f)
    with pytest.raises(
        RuntimeError, match=r"stale graph: z = w·x was computed as 10\.0, and its input w .* 3\.0; root\.forward"
    ):
        f.backward()
    assert (w.grad, x.grad) == (0.0, 0.0)
    assert f.forward() == 16.0
    assert (z.data, f.data) == (15.0, 16.0)
    f.backward()
    assert (w.grad, x.grad) == (5.0, 3.0)


def test_a_graph_recorded_after_the_change_is_not_stale() -> None:
    """Training: the parameters change between steps, each step records anew."""
    w = Value(1.0)
    for _ in range(3):
        loss = (w - 3) ** 2
        loss.backward()
        w.data -= 0.1 * w.grad
        w.grad = 0.0
    assert w.data == pytest.approx(3 - 2 * 0.8**3)
    with pytest.raises(RuntimeError, match="stale"):
        loss.backward()


def test_changes_of_other_graphs_do_not_make_this_one_stale() -> None:
    a, b = Value(1.0), Value(2.0)
    y = a * 2
    b.data = 5.0
    z = y * a
    b.data = 6.0
    z.backward()
    assert a.grad == 4.0


def test_replaying_one_root_leaves_another_that_shares_it_stale() -> None:
    x = Value(2.0, "x")
    shared = x * x
    f, g = shared + 1, shared * 3
    x.data = 3.0
    f.forward()
    assert not is_stale(f)
    assert is_stale(g)
    assert g.forward() == 27.0
    assert not is_stale(f)


def test_a_node_computed_from_a_stale_one() -> None:
    x, other = Value(2.0), Value(1.0)
    y = x * x
    x.data = 3.0
    other.data = 2.0
    z = y * other
    assert is_stale(z)
    z.forward()
    assert (z.data, is_stale(z)) == (18.0, False)


def test_a_root_recorded_from_a_stale_node_stays_stale_when_that_node_is_replayed() -> None:
    x = Value(2.0)
    s = x * x
    x.data = 3.0
    r = s * 10
    assert s.forward() == 9.0
    assert is_stale(r)
    assert r.forward() == 90.0
    r.backward()
    assert x.grad == 60.0


def test_a_replay_touches_only_what_is_stale() -> None:
    a, b = Value(2.0), Value(5.0)
    a.data = 2.5
    s = a * a
    q1, q2 = s + 1, s + 2
    b.data = 6.0
    q1.forward()
    assert not is_stale(q2)
    q2.backward()
    assert a.grad == 5.0


def test_a_replay_that_fails_changes_nothing() -> None:
    x = Value(2.0, "x")
    y = x * 2
    z = autograd.log(x) + y
    x.data = -1.0
    with pytest.raises(ValueError, match=r"log: .*x = -1\.0"):
        z.forward()
    assert (y.data, is_stale(z)) == (4.0, True)


@pytest.mark.parametrize(
    ("build", "error", "words"),
    [
        (lambda x: autograd.sqrt(x), ZeroDivisionError, r"backward through sqrt 'r': .*x = 0\.0"),
        (lambda x: x**0.5, ZeroDivisionError, r"backward through pow 'r': .*x = 0\.0"),
        (lambda x: (x - 2) ** Value(2.0, "n"), ValueError, r"backward through pow 'r': .*n = 2\.0"),
    ],
)
def test_slopes_that_do_not_exist_are_named(build: Any, error: type[Exception], words: str) -> None:
    x, other = Value(0.0, "x"), Value(1.0)
    root = build(x)
    root.label = "r"
    with pytest.raises(error, match=words):
        (root * other).backward()
    assert (x.grad, other.grad) == (0.0, 0.0)


def test_constant_exponents_never_ask_for_their_slope() -> None:
    for base, exponent, slope in (
        (-3.0, 2.0, -6.0),
        (0.0, 2.0, 0.0),
        (0.0, 1.0, 1.0),
        (0.0, 0.0, 0.0),
        (-2.0, -1, -0.25),
    ):
        x = Value(base)
        (x**exponent).backward()
        assert x.grad == slope
    x = Value(2.0)
    (autograd.sqrt(Value(0.0, role="constant")) + x).backward()
    assert x.grad == 1.0


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_interrupt_half_adds_to_no_leaf() -> None:
    """A real signal, at many moments of the pass: every leaf holds all of the pass or nothing of it."""

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    previous = signal.signal(signal.SIGALRM, interrupt)
    interrupted = 0
    leaves = [Value(1.0) for _ in range(3000)]
    root = autograd.sum(leaves)
    for leaf in leaves:
        root = root + leaf * leaf
    expected = 0.0
    try:
        for attempt in range(150):
            before = [leaf.grad for leaf in leaves]
            try:
                signal.setitimer(signal.ITIMER_REAL, 1e-5 + attempt * 2e-5)
                root.backward()
                signal.setitimer(signal.ITIMER_REAL, 0)
            except KeyboardInterrupt:
                interrupted += 1
            signal.setitimer(signal.ITIMER_REAL, 0)
            assert len({leaf.grad for leaf in leaves}) == 1, "half-added"
            assert leaves[0].grad in (before[0], before[0] + 3.0)
            expected = leaves[0].grad
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
    assert interrupted > 10, "the timer never struck within a pass"
    root.backward()
    assert leaves[0].grad == expected + 3.0


def test_writing_runs_no_python_between_nodes() -> None:
    """What makes the write indivisible: a tracer, which sees every line and call, sees none within it."""
    import sys

    leaves = [Value(1.0) for _ in range(100)]
    events: list[str] = []

    def tracer(frame: Any, event: str, argument: Any) -> Any:
        events.append(event)
        return tracer

    sys.settrace(tracer)
    try:
        _write("grad", leaves, [2.0] * 100)
    finally:
        sys.settrace(None)
    assert leaves[-1].grad == 2.0
    assert len(events) < 10


def test_a_pass_within_a_pass_is_noticed() -> None:
    """A signal handler may run backward in the middle of backward; the outer pass then writes nothing."""
    inner_x = Value(2.0)

    def forward(xp: Any, *xs: Any) -> Any:
        return xs[0]

    def rule(xp: Any, out: Any, *xs: Any) -> list[float]:
        if isinstance(out, float):
            (inner_x * 3).backward()
        return [1.0] * len(xs)

    nested = gate("nested", "n", forward, rule)
    inner_x.grad = 0.0  # the rule was run for the gate's help
    try:
        x = Value(1.0)
        with pytest.raises(RuntimeError, match="in the middle of another walk"):
            nested(x * 2).backward()
        assert (x.grad, inner_x.grad) == (0.0, 3.0)
        (x * 2).backward()
        assert x.grad == 2.0
    finally:
        del GATES["nested"]


def test_no_pass_keeps_its_graph_alive() -> None:
    def train() -> None:
        y = Value(1.0)
        for _ in range(2000):
            y = y * 0.999
        y.backward()

    train()
    gc.collect()
    tracemalloc.start()
    try:
        train()
        gc.disable()
        before, _ = tracemalloc.get_traced_memory()
        for _ in range(5):
            train()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        gc.enable()
        tracemalloc.stop()
    assert after - before < 50_000, "a graph of 2,000 gates was kept, or needs the cyclic collector to go"


@pytest.mark.parametrize(
    ("f", "x"),
    [
        (lambda x: 1 / x, 1e-170),
        (lambda x: 1 / x, -1e-155),
        (lambda x: x**-2.0, 1e-110),
        (lambda x: 1e200 / x, 1e-108),
        (lambda x: autograd.sqrt(x), 0.0),
    ],
)
def test_a_slope_beyond_the_floats_is_refused_by_name(f: Any, x: float) -> None:
    """Where the output is a float and its slope is none, no gradient is infinite without a word."""
    leaf = Value(x, "x")
    y = f(leaf)
    with pytest.raises((ArithmeticError, ValueError), match="no finite slope at"):
        y.backward()
    with pytest.raises((ArithmeticError, ValueError), match="no finite slope at"):
        autograd.grad(f)(x)
    with pytest.raises((ArithmeticError, ValueError), match="no finite slope at"):
        autograd.grad(f)(leaf)
    assert leaf.grad == 0.0


def test_a_pass_in_which_a_leaf_is_set_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a signal handler or another thread may; the pass has read both the old and the new number."""
    x, still = Value(1.0, "x"), Value(1.0)
    setting = {2.0: 3.0, 3.5: 4.0}

    def identity_that_sets_x(number: float) -> float:
        if number in setting:
            x.data = setting.pop(number)
        return number

    row = Function("identity_that_sets_x", identity_that_sets_x)
    monkeypatch.setitem(FUNCTIONS, row.name, row)
    rules = (lambda xp, z: xp.identity_that_sets_x(z), lambda xp, out, z: 1.0 + 0 * xp.identity_that_sets_x(z + 0.5))
    y = gate("setting", "s", *rules)(x) * x * still
    x.data = 2.0
    with pytest.raises(RuntimeError, match="x was set in the middle of a pass"):
        y.forward()
    assert is_stale(y)
    assert y.forward() == 9.0
    with pytest.raises(RuntimeError, match="x was set in the middle of a pass"):
        y.backward()
    assert x.grad == still.grad == 0.0
    assert y.forward() == 16.0
    y.backward()
    assert x.grad == 8.0
