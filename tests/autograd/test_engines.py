"""Guards the two engines, plain Python and compiled: the same programs give the same numbers, to the last bit, and errors.

The rest of the suite runs under each of them in turn, by GATEWISE_ENGINE; here both are at work in one process.
"""

from __future__ import annotations

import copy
import gc
import math
import os
import pickle
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from functools import partial
from types import ModuleType
from typing import Any

import pytest
from hypothesis import example, given, strategies as st

import autograd
from autograd import GATES, _engine
from tests.engines import load, other

FIXED = {row.name: len(row.names) for row in GATES.values() if not row.variadic}
VARIADIC = [row.name for row in GATES.values() if row.variadic]
OPERATORS: dict[str, Callable[..., Any]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "**": lambda a, b: a**b,
    "b+a": lambda a, b: b + a,
    "b-a": lambda a, b: b - a,
    "b*a": lambda a, b: b * a,
    "b/a": lambda a, b: b / a,
    "b**a": lambda a, b: b**a,
    "b>a": lambda a, b: b > a,
    "-x": lambda a, _: -a,
    "+x": lambda a, _: +a,
    "abs": lambda a, _: abs(a),
    "relu": lambda a, _: a.relu(),
    "leaky_relu": lambda a, b: a.leaky_relu(b),
    "<": lambda a, b: a < b,
    ">=": lambda a, b: a >= b,
    "//": lambda a, b: a // b,
}
PLAIN = [0, 1, -2, 0.0, 1.0, True, 2.5, 10**400, "3", None, 1j, [1.0], math.inf]


def named(engine: ModuleType) -> ModuleType:
    """Give an engine gates that the build did not know: one that runs as bytecode, one that calls a function which C lacks."""
    engine.gate(
        "bump",
        "∧",
        lambda xp, x, y: xp.exp(-x * x / (1 + y * y)),
        lambda xp, out, x, y: -2 * x / (1 + y * y) * out,
        lambda xp, out, x, y: out * 2 * y * x * x / (1 + y * y) ** 2,
    )
    engine.gate(
        "steps",
        "⌊x⌋",
        lambda xp, x: x + xp.fmod(x, 1.0) / (1 - x),
        lambda xp, out, x: 1 + xp.fmod(x, 1.0) / (1 - x) ** 2,
    )
    return engine


@pytest.fixture(scope="module")
def engines() -> Iterator[tuple[ModuleType, ModuleType]]:
    """The engine of this run, and the other one."""
    both = named(autograd), named(other())
    yield both
    for engine in both:
        for name in ("bump", "steps"):
            del engine.GATES[name]


Place = int | tuple[Any]  # of an earlier result, or a plain thing
Step = tuple[str, list[Place]]


@st.composite
def programs(draw: Callable[[st.SearchStrategy[Any]], Any]) -> tuple[list[float], list[Step]]:
    """Leaves and steps: operators and gates, on earlier results and on plain things that may be no numbers."""
    tame = st.floats(-3, 3)
    leaves = draw(
        st.lists(
            tame | st.sampled_from([0.0, -0.0, 1.0, 1e300, math.nan, math.inf]) | st.floats(), min_size=1, max_size=4
        )
    )
    steps: list[Step] = []
    for i in range(draw(st.integers(1, 12))):
        place = st.integers(0, len(leaves) + i - 1)
        thing: st.SearchStrategy[Place] = place | place | place | st.tuples(st.sampled_from(PLAIN) | tame)
        name = draw(st.sampled_from([*OPERATORS, *FIXED, "bump", "steps", *VARIADIC]))
        n = 2 if name in OPERATORS or name == "bump" else FIXED.get(name, 1 if name == "steps" else None)
        if n is None:
            n = draw(st.integers(1, 6))
        steps.append((name, [draw(place), *draw(st.lists(thing, min_size=n - 1, max_size=n - 1))]))
    return leaves, steps


def attempt(action: Callable[[], Any]) -> Any:
    try:
        return action()
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def bits(x: float) -> str:
    return x.hex()  # "nan" for every nan: its sign is the machine's


def trace(engine: ModuleType, leaves: list[float], steps: list[Step]) -> list[Any]:
    """Run a program and all passes on what it made, and tell everything that happened."""
    results: list[Any] = [engine.Value(x, f"x{i}") for i, x in enumerate(leaves)]
    seen: list[Any] = []
    for name, places in steps:
        inputs = [results[place] if isinstance(place, int) else place[0] for place in places]
        if name in OPERATORS:
            made = attempt(partial(OPERATORS[name], *inputs))
        else:
            gate = engine.GATES[name]
            made = attempt(partial(gate.apply, inputs) if name == "dot" else partial(gate, *inputs))
        seen.append(made if isinstance(made, (str, bool)) else repr(made))
        results.append(made if isinstance(made, engine.Value) else results[-1])
    root = results[-1]
    order = engine.topological_order(root)
    place = {node: i for i, node in enumerate(order)}

    def state() -> list[Any]:
        return [
            (bits(node.data), bits(node.grad), node.role, node.gate and node.gate.name, [place[x] for x in node.inputs])
            for node in order
        ]

    def backward() -> list[Any]:
        root.backward(0.5)
        return state()

    seen += [state(), attempt(lambda: [bits(x) for x in engine.adjoints(root, 2.0).values()])]
    seen += [attempt(backward), state(), attempt(backward)]
    order[0].data = 0.25
    seen += [
        engine.is_stale(order[0] * 2.0),
        engine.is_stale(root),
        attempt(backward),
        attempt(lambda: bits(root.forward())),
        attempt(backward),
    ]
    copied = copy.deepcopy(root)
    seen += [
        repr(copied),
        attempt(copied.backward),
        repr(copied),
        [bits(x.data) for x in engine.topological_order(copied)],
    ]
    root.zero_grad()
    return [*seen, state()]


@given(program=programs())
@example(program=([0.0, 2.0], [("log", [0]), ("/", [1, 0]), ("*", [1, (10**400,)]), ("sqrt", [0])]))
@example(
    program=([0.5, math.nan], [("minimum", [1, 0]), ("maximum", [1, 0]), ("minimum", [0, 1]), ("maximum", [0, 1])])
)
@example(program=([0.5, 2.0], [("b/a", [0, (1,)]), ("b+a", [0, (0,)]), ("b-a", [2, (1,)]), ("b**a", [1, (2.0,)])]))
@example(program=([2.0], [("sum", [0, 0, (3,)])] * 3 + [("dot", [3, 0, 2, 1, (2.0,)])] * 3))
def test_a_program_does_the_same_in_both(
    engines: tuple[ModuleType, ModuleType], program: tuple[list[float], list[Step]]
) -> None:
    one, other = engines
    assert trace(one, *program) == trace(other, *program)


@given(xs=st.lists(st.floats(-30, 30), min_size=1, max_size=60))
def test_gates_with_any_number_of_inputs(engines: tuple[ModuleType, ModuleType], xs: list[float]) -> None:
    """Every count three times: by the rule at first, then by the tape that the count has earned."""
    for name in ("sum", "dot", "max", "logsumexp"):
        found = []
        for engine in engines:
            for _ in range(3):
                leaves = [engine.Value(x) for x in xs]
                root = engine.GATES[name].apply(leaves)
                root.backward()
                found.append([root.data, *(leaf.grad for leaf in leaves)])
        assert all(numbers == found[0] for numbers in found)


def test_a_graph_of_the_other_engine_is_no_value(engines: tuple[ModuleType, ModuleType]) -> None:
    one, other = engines
    for mine, foreign in ((one, other), (other, one)):
        with pytest.raises(TypeError):
            mine.Value(1.0) * foreign.Value(2.0)


def test_what_a_value_is_not(engines: tuple[ModuleType, ModuleType]) -> None:
    """The same refusals: a weak reference, an attribute of one's own, a subclass, another module's operator."""
    for action in (
        weakref.ref,
        lambda v: setattr(v, "colour", "red"),
        lambda v: type("Mine", (type(v),), {}),
        lambda v: v % 2,
        lambda v: v @ v,
        lambda v: pow(v, 2, 3),
        float,
        bool,
        lambda v: setattr(v * 2, "data", 1.0),
        lambda v: setattr(v, "data", "1"),
        lambda v: setattr(v, "label", 3),
        lambda v: setattr(v, "role", "weight"),
    ):
        one, other = (attempt(partial(action, engine.Value(3.0, "v"))) for engine in engines)
        assert isinstance(one, str)
        assert one.split(":")[0] == other.split(":")[0] in ("TypeError", "AttributeError", "ValueError")
        if not any(
            word in one + other for word in ("object", "operand", "positional")
        ):  # Python's own words differ with its version and the kind of type
            assert one == other


def test_gradients_hold_numbers_and_read_as_floats(engines: tuple[ModuleType, ModuleType]) -> None:
    for engine in engines:
        v = engine.Value(1.0, "v")
        v.grad = 2
        v.backward()
        assert v.grad == 3.0
        assert isinstance(v.grad, float)


def test_a_pickle_of_one_is_read_by_the_other(engines: tuple[ModuleType, ModuleType]) -> None:
    """A file does not know which engine wrote it; here, in one process, what reads it must be the first."""
    for engine in engines:
        x = engine.Value(0.5, "x")
        root = (x * x + 1).exp()
        root.backward()
        assert repr(pickle.loads(pickle.dumps(autograd.Value(root.data)))) == repr(engine.Value(root.data))
    code = "import pickle, sys; v = pickle.load(sys.stdin.buffer); v.backward(); print(repr(v), v.inputs)"
    x = autograd.Value(0.5, "x")
    root = (x * x + 1).exp()
    printed = [
        subprocess.run(
            [sys.executable, "-c", code],
            input=pickle.dumps(root),
            env={**os.environ, "GATEWISE_ENGINE": engine},
            capture_output=True,
            check=True,
        ).stdout
        for engine in ("pure", "native")
    ]
    assert printed[0] == printed[1]
    assert b"gate=exp" in printed[0]


def test_threads_build_separate_graphs_at_once(engines: tuple[ModuleType, ModuleType]) -> None:
    def work(engine: ModuleType, seed: int, into: list[Any]) -> None:
        x, w = engine.Value(0.1 * seed), engine.Value(0.5)
        y = x
        with engine.scope(f"thread{seed}"):
            for _ in range(300):
                y = engine.sum([(y * w + x).tanh(), x, w])
        y.backward()
        into[seed] = (y.data, x.grad, w.grad, y.scope)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for engine in engines:
            alone: list[Any] = [None] * 6
            together: list[Any] = [None] * 6
            for seed in range(6):
                work(engine, seed, alone)
            threads = [threading.Thread(target=work, args=(engine, seed, together)) for seed in range(6)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert together == alone
            assert [scope for *_, scope in alone] == [f"thread{seed}" for seed in range(6)]
    finally:
        sys.setswitchinterval(interval)


def test_nothing_leaks(engines: tuple[ModuleType, ModuleType]) -> None:
    """Graphs made and dropped, and everything that can go wrong on the way, leave nothing behind and every count as it was."""

    def life(engine: ModuleType, x: Any) -> None:
        y = engine.dot([x, 2.0, x], [x, 1, 3.0], 0.5) + engine.sum([x, x]) * engine.maximum(x, 0.0) - 1 / x
        y.backward()
        y.label = "y"
        copy.deepcopy(y)
        with engine.scope("inner"), engine.no_grad():
            _ = (x * 2).exp()
        for wrong in (
            lambda: (x - x).log(),
            lambda: x * "2",
            lambda: engine.sum([x, None]),
            lambda: engine.dot([x], [x, x]),
            lambda: engine.exp(x * 1e4),
            lambda: setattr(x, "grad", "none"),
            lambda: x.relu(1),
            lambda: engine.sqrt(x - x).backward(),
        ):
            attempt(wrong)
        x.grad = 0.0

    for engine in engines:
        x = engine.Value(1.5)
        growth = []
        for _ in range(4):
            gc.collect()  # of what other tests left
            counts = sys.getrefcount(x), sys.getrefcount(engine.GATES["mul"].record)
            blocks = sys.getallocatedblocks()
            for _ in range(300):
                life(engine, x)
            gc.collect()
            growth.append(sys.getallocatedblocks() - blocks)
            assert (sys.getrefcount(x), sys.getrefcount(engine.GATES["mul"].record)) == counts
        assert min(growth) < 100, growth  # Python's own caches grow now and then; a leak grows every time


def test_a_stale_build_of_the_engine_is_not_used(
    engines: tuple[ModuleType, ModuleType], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len({engine.Value for engine in engines}) == 2
    (core,) = [engine._engine.core for engine in engines if engine._engine.core is not None]
    monkeypatch.setitem(sys.modules, "autograd.native.core", core)  # which only one import of the package may load
    monkeypatch.setattr(_engine, "ABI", _engine.ABI + 1)
    monkeypatch.setenv("GATEWISE_ENGINE", "")
    with pytest.warns(RuntimeWarning, match="another version of these files: pip install -e . builds it again"):
        assert _engine.load("autograd.native.core") is None
    monkeypatch.setenv("GATEWISE_ENGINE", "native")
    with pytest.raises(ImportError, match="another version of these files"):
        _engine.load("autograd.native.core")


def test_the_compiled_engine_belongs_to_the_first_import(engines: tuple[ModuleType, ModuleType]) -> None:
    with pytest.warns(RuntimeWarning, match="belongs to an earlier import of autograd in this process"):
        again = load("")
    x = again.Value(3.0)
    (x * x).backward()
    assert x.grad == 6.0
    assert not isinstance(x, (engines[0].Value, engines[1].Value))


def test_the_environment_chooses(monkeypatch: pytest.MonkeyPatch) -> None:
    for engine, says in (("pure", "pure Python engine"), ("native", "native engine")):
        command = [sys.executable, "-m", "autograd", "--version"]
        env = {**os.environ, "GATEWISE_ENGINE": engine}
        assert says in subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout
    monkeypatch.setenv("GATEWISE_ENGINE", "fast")
    with pytest.raises(ImportError, match="GATEWISE_ENGINE is 'pure' or 'native', not 'fast'"):
        _engine.load("autograd.native.core")
