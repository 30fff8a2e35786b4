"""Guards programs that run as a tape of the C machine: its functions to 2 units in the last place, the numbers and the
errors that NumPy gives, and which programs run so.

Collected where the C machine is built, as pytest's header says.
"""

from __future__ import annotations

import random
import re
import signal
import threading
from array import array
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd
from autograd import CompiledProgram, Value, compile
from autograd.compiling import forms, machine, tape
from autograd.compiling.lowering import Lowered, lower
from autograd.compiling.scalars import Program
from autograd.functions import FUNCTIONS
from nn import MLP
from tests import fuzz

WRONG: Any = "gpu"
NATIVELY = "runs natively, statement by statement, over blocks of samples"
KERNELS = ("exp", "expm1", "tanh", "log", "log1p", "sin", "cos")
OTHERS = {name: place for name, place in machine.native.OPERATIONS.items() if name not in KERNELS}
MOVES = (
    "param",
    "seed",
    "spread",
    "input",
    "total",
    "total product",
    "output",
    "result",
    "cost",
    "product",
    "dot",
    "gradient",
    "terms",
)
GENERATIONS = range(machine.native.GENERATIONS)


def alone(op: str, *operands: Any, generation: int = machine.BEST, check: bool = False) -> Any:
    """The results of one operation of the tape on arrays; None for an error."""
    program = Program()
    places = [program.leaf("input", ("x", i), True) for i in range(len(operands))]
    lowered = Lowered(program, [program._intern(op, tuple(places))], [], 0)
    code = tape.tape(lowered, {"x": len(operands)}, gradient=False)
    found = code.run(np.zeros(0), [np.stack(operands, 1)], check, generation)
    return None if found is None else found[2][0]


def winding(gates: int, seed: int = 0) -> tuple[Callable[[Any], Any], list[Value]]:
    """An irregular graph: every gate takes random earlier ones."""
    rng = random.Random(seed)
    w = [Value(rng.uniform(0.5, 1)) for _ in range(20)]
    steps = [(rng.choice(fuzz.OPERATIONS), rng.random(), rng.random()) for _ in range(gates)]

    def function(x: Any) -> Any:
        found = [v + x[i % len(x)] for i, v in enumerate(w)]
        for op, p, q in steps:
            found.append(op(found[int(p * len(found))], found[int(q * len(found))]))
        return autograd.sum([autograd.tanh(v) for v in found[-100:]])

    return function, w


# The functions


def everywhere(name: str) -> Any:
    """Numbers of every size, and more of them where a function is of use and where its parts meet."""
    rng = np.random.default_rng(0)
    parts = [
        rng.integers(-(2**63), 2**63, 100_000).view(float),
        rng.uniform(-750, 750, 100_000),
        rng.uniform(-25, 25, 100_000),
        rng.uniform(-2, 2, 100_000),
        1 + rng.uniform(-1, 1, 50_000) * 2.0 ** rng.uniform(-52, 0, 50_000),
        np.outer([1, -1], [0.0, 5e-324, 0.6, 22.0, 708.0, 709.8, 745.2, 1e5, np.pi / 4, 2**-1022, 1.7e308, np.inf]).ravel(),
        np.round(rng.uniform(-70_000, 70_000, 50_000)) * (np.pi / 2),
        np.arange(-60, 60) * (np.log(2) / 2),
        [np.nan, np.sqrt(0.5), np.sqrt(2), -1 + 2**-53, np.nextafter(0.6, 0)],
    ]  # fmt: skip
    return np.concatenate(parts)


@pytest.mark.skipif(np.finfo(np.longdouble).nmant < 63, reason="long doubles are no wider than doubles here")
@pytest.mark.parametrize("generation", GENERATIONS)
@pytest.mark.parametrize("name", KERNELS)
def test_a_function_is_within_2_units_in_the_last_place(name: str, generation: int) -> None:
    x = everywhere(name)
    found = alone(name, x, generation=generation)
    with np.errstate(all="ignore"):
        exact = getattr(np, name)(x.astype(np.longdouble))
        rounded = exact.astype(float)
    special = ~np.isfinite(rounded) | (rounded == 0)
    assert np.array_equal(found[special], rounded[special], equal_nan=True)
    assert np.array_equal(np.signbit(found[rounded == 0]), np.signbit(rounded[rounded == 0]))
    units = np.abs(found[~special] - exact[~special]) / np.spacing(np.abs(rounded[~special]))
    assert units.max() <= 2, x[~special][units.argmax()]


@pytest.mark.skipif(np.finfo(np.longdouble).nmant < 63, reason="long doubles are no wider than doubles here")
@pytest.mark.parametrize("generation", GENERATIONS)
def test_a_power_is_within_2_units_in_the_last_place(generation: int) -> None:
    rng = np.random.default_rng(0)
    n = 50_000
    pairs = [
        (np.abs(rng.integers(-(2**63), 2**63, n).view(float)), rng.integers(-(2**63), 2**63, n).view(float)),
        (np.exp(rng.uniform(-700, 700, n)), rng.uniform(-2, 2, n)),
        (
            1 + rng.uniform(-1, 1, n) * 2.0 ** rng.uniform(-52, 0, n),
            rng.uniform(-1, 1, n) * 2.0 ** rng.uniform(0, 62, n),
        ),
        (np.abs(rng.normal(size=n)), rng.choice([3, 0.5, -0.5, -1, 4, 1.5, -1.5, 10, -20], n)),
        (rng.uniform(0.5, 2, n), rng.uniform(-1000, 1000, n)),
    ]
    x, y = (np.concatenate(parts) for parts in zip(*pairs, strict=True))
    found = alone("pow", x, y, generation=generation)
    with np.errstate(all="ignore"):
        exact = np.power(x.astype(np.longdouble), y.astype(np.longdouble))
        rounded = exact.astype(float)
    special = ~np.isfinite(rounded) | (rounded == 0)
    assert np.array_equal(found[special], rounded[special], equal_nan=True)
    units = np.abs(found[~special] - exact[~special]) / np.spacing(rounded[~special])
    assert units.max() <= 2, (x[~special][units.argmax()], y[~special][units.argmax()])


@pytest.mark.parametrize("generation", GENERATIONS)
@pytest.mark.parametrize("op", [op for op in OTHERS if op not in MOVES])
def test_every_other_operation_gives_what_numpy_gives(op: str, generation: int) -> None:
    functions: dict[str, Any] = {
        "neg": np.negative, "add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide,
        "<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal,
        "where": lambda c, a, b: np.where(c != 0, a, b), "fma": lambda a, b, c: a + b * c,
        "copy": lambda a: a,
    }  # fmt: skip
    rng = np.random.default_rng(0)
    few = np.array([0.0, -0.0, 1.0, -1.0, 0.5, 2.0, 3.0, np.inf, -np.inf, np.nan, 1e300, -1e-300])
    few = few[:-2] if op == "fma" else few  # where the product alone overflows, what is rounded once does not
    grid = np.meshgrid(*[few] * machine.native.OPERATIONS[op][1])
    operands = [np.concatenate([part.ravel(), rng.normal(size=1000)]) for part in grid]
    function = functions.get(op) or getattr(np, op, None) or np.vectorize(FUNCTIONS[op].python)
    with np.errstate(all="ignore"):
        expected = function(*operands).astype(float)
        size = np.abs(expected) + (np.abs(operands[0]) if op == "fma" else 0.0)  # that may round once or twice
    found = alone(op, *operands, generation=generation)
    finite = np.isfinite(expected)
    assert np.array_equal(found[~finite], expected[~finite], equal_nan=True)
    assert np.all(np.abs(found[finite] - expected[finite]) <= 5e-16 * size[finite])


def test_what_is_undefined_is_seen_and_what_is_only_infinite_is_not() -> None:
    fine, big = np.ones(40), np.ones(40)
    big[33] = 800.0
    assert alone("exp", fine, check=True) is not None
    assert alone("exp", big, check=True) is None
    assert alone("exp", big, check=False)[33] == np.inf
    assert alone("exp", np.full(3, -np.inf), check=True).tolist() == [0.0] * 3
    assert alone("log", np.array([1.0, 0.0]), check=True) is None
    assert alone("div", fine, fine * 0, check=True) is None
    assert alone("hypot", fine * 0, fine * 0, check=True).tolist() == [0.0] * 40
    assert alone("tanh", np.array([1e308, -np.inf]), check=True).tolist() == [1.0, -1.0]
    assert alone("tanh", np.array([np.nan]), check=True) is None


# Programs


@pytest.mark.parametrize("generation", GENERATIONS)
def test_every_generation_of_processors_gets_the_same_gradient(generation: int) -> None:
    function, w = winding(400)
    program = compile(function, w, x=3)
    X = np.random.default_rng(0).normal(size=(50, 3))
    assert program.code is not None
    found = program.code.run(program.flat, [X], True, generation)
    assert found is not None
    assert fuzz.agrees(compile(function, w, executor="numpy", x=3).value_and_grad(X), found[:2])


def test_a_batch_of_any_size_is_its_samples() -> None:
    function, w = winding(60)
    program = compile(function, w, executor="tape", x=3)
    several = compile(lambda x: [function(x), x[0] * 2, w[0] * 3, w[1]], w, gradient=False, executor="tape", x=3)
    X = np.random.default_rng(0).normal(size=(40, 3))
    each = [program.value_and_grad(x[None]) for x in X]
    rows = np.concatenate([several(x[None]) for x in X])
    for n in (1, 2, 15, 16, 17, 31, 32, 33, 40):
        mean = float(np.mean([cost for cost, _ in each[:n]])), np.mean([slope for _, slope in each[:n]], 0)
        assert fuzz.agrees(program.value_and_grad(X[:n]), mean, 1e-12)
        assert program(X[:n]) == pytest.approx(mean[0], rel=1e-12)
        assert np.array_equal(several(X[:n]), rows[:n])


def test_a_gate_that_was_just_added_runs_too_and_one_that_the_tape_does_not_know_runs_on_numpy() -> None:
    w = [Value(0.5)]
    bell = autograd.gate("bell", "bell", lambda xp, x: 1 / xp.cosh(x), lambda xp, out, x: -out * xp.tanh(x))
    turned = autograd.gate("turned", "°", lambda xp, x: xp.degrees(x), lambda xp, out, x: xp.degrees(1.0))
    based = autograd.gate("based", "log", lambda xp, x, base: xp.log(x, base), None, None)
    try:
        known, unknown = (compile(lambda x, f=f: f(w[0] * x[0]) * w[0], w, x=1) for f in (bell, turned))
        assert known.code is not None
        assert unknown.code is None
        for program in (known, unknown):
            program.compare(lambda x, f=(bell if program is known else turned): f(w[0] * x[0]) * w[0], [[1.0], [-4.0]])
        with pytest.raises(ValueError, match="the C machine knows no degrees of 1: use executor='numpy'"):
            compile(lambda x: turned(w[0] * x[0]), w, executor="tape", x=1)
        with pytest.raises(ValueError, match="the C machine knows no log of 2: use executor='numpy'"):
            compile(lambda x: based(x[0], w[0]), w, executor="tape", x=1)
    finally:
        del autograd.GATES["bell"], autograd.GATES["turned"], autograd.GATES["based"]


@pytest.mark.parametrize("value", [800.0, np.inf, np.nan])
def test_errors_and_what_passes_without_check_are_those_of_numpy(value: float) -> None:
    w = [Value(1.0), Value(0.5)]

    def loss(x: Any) -> Any:
        return autograd.exp(w[0] * x[0]) / (1 + autograd.exp(w[1] * x[0])) + autograd.maximum(x[0], w[1])

    said: list[Any] = []
    for check in (True, False):
        for executor in fuzz.EXECUTORS:
            program = compile(loss, w, check=check, executor=executor, x=1)
            try:
                cost, slope = program.value_and_grad([[1.0]] * 20 + [[value]])
                said.append(np.array([cost, *slope]))
            except FloatingPointError as error:
                said.append(str(error))
    n = len(fuzz.EXECUTORS)
    assert isinstance(said[0], str)
    assert said[:n] == [said[0]] * n
    for found in said[n:]:
        np.testing.assert_allclose(found, said[n], rtol=1e-12)


def test_sums_over_samples_that_overflow_are_errors_too() -> None:
    w = [Value(1.0)]
    for executor in fuzz.EXECUTORS:
        program = compile(lambda x: w[0] * x[0], w, executor=executor, x=1)
        with pytest.raises(FloatingPointError, match="overflow encountered"):
            program.value_and_grad([[1.7e308]] * 5000)


def test_float32_is_computed_in_doubles_and_rounded() -> None:
    function, w = winding(60)
    rough, exact = (compile(function, w, dtype=dtype, executor="tape", x=3) for dtype in ("float32", "float64"))
    X = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)
    for p in (rough, exact):
        p.flat = rough.flat
    (cost, slope), (cost_64, slope_64) = rough.value_and_grad(X), exact.value_and_grad(X)
    assert slope.dtype == rough.flat.dtype == np.float32
    assert np.array_equal(slope, slope_64.astype(np.float32))
    assert cost == pytest.approx(cost_64, rel=1e-7)
    large = compile(lambda x: w[0] * x[0] * x[0], w, dtype="float32", executor="tape", x=1)
    with pytest.raises(FloatingPointError, match=r"overflow encountered in .* in line \d+"):
        large.value_and_grad([[1e30]])


def test_the_fuzzer_sees_an_operation_that_is_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(machine.native.OPERATIONS, "sub", machine.native.OPERATIONS["add"])
    assert any("tape" in fuzz.run(seed) for seed in range(10))


# The tape


def test_a_long_chain_needs_few_slots_and_brings_equal_operations_together() -> None:
    def chain(x: Any) -> Any:
        v = x[0]
        for _ in range(5000):
            v = autograd.tanh(v) + x[1]
        return v

    program = compile(chain, x=2, executor="tape")
    assert program.code is not None
    assert program.code.lanes <= 6
    function, w = winding(2000)
    both = compile(function, w, x=3, executor="tape").code
    assert both is not None
    runs, at, each = 0, 0, both.sections[machine.EACH]
    operands = dict(machine.native.OPERATIONS.values())
    while at < len(each):
        runs, at = runs + 1, at + 2 + each[at + 1] * (1 + operands[each[at]])
    assert both.operations > 15 * runs


def test_threads_may_run_one_program_at_once() -> None:
    function, w = winding(300)
    program = compile(function, w, x=3)
    batches = [np.random.default_rng(i).normal(size=(500, 3)) for i in range(4)]
    expected = [program.value_and_grad(X) for X in batches]
    found: list[Any] = [None] * 4

    def work(i: int) -> None:
        for _ in range(5):
            found[i] = program.value_and_grad(batches[i])

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(a[0] == b[0] and np.array_equal(a[1], b[1]) for a, b in zip(expected, found, strict=True))


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timers here")
def test_an_interrupt_comes_through_in_the_middle_of_a_large_batch() -> None:
    function, w = winding(2000)
    program = compile(function, w, x=3)
    X = np.zeros((300_000, 3))

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with pytest.raises(KeyboardInterrupt):
            program.value_and_grad(X)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert program.value_and_grad(X[:5])[0] == pytest.approx(program.value_and_grad(X[:1])[0])


# Which programs


def ran(program: CompiledProgram) -> str:
    return program.report().splitlines()[-2]


def why(program: CompiledProgram) -> str:
    return program.report().splitlines()[-1]


def test_irregular_programs_run_as_a_tape_and_layers_statement_by_statement_unless_told() -> None:
    function, w = winding(300)
    program = compile(function, w, x=3)
    assert program.code is not None
    assert ran(program) == f"runs as a tape of {program.code.operations} operations, over blocks of samples"
    assert program.evaluation.code is not None
    assert re.match(
        r"because each kind of operation occurs [1-4]\.\d times on average, .* a tape is faster", why(program)
    )
    assert ran(compile(function, w, executor="numpy", x=3)) == "runs on NumPy"
    assert why(compile(function, w, executor="numpy", x=3)) == 'because executor="numpy" was given'
    assert ran(compile(function, w, executor="native", x=3)) == NATIVELY
    layers = MLP(64, [32, 10], rng=random.Random(0))
    assert ran(compile(lambda x: autograd.sum(layers(x)), layers, x=64)) == NATIVELY
    assert why(compile(lambda x: autograd.sum(layers(x)), layers, x=64)).endswith("statements are faster")
    assert ran(compile(lambda x: autograd.sum(layers(x)), layers, executor="tape", x=64)).startswith(
        "runs as a tape of"
    )
    with pytest.raises(ValueError, match="the executor is 'native', 'tape' or 'numpy', not 'gpu'"):
        compile(lambda x: x[0], executor=WRONG, x=1)


def test_a_tape_needs_no_statements_and_lines_are_written_when_they_are_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    def noted(name: str, form: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any) -> Any:
            asked.append(name)
            return form(*args)

        return run

    for name in ("gather", "arrange", "write"):
        monkeypatch.setattr(forms, name, noted(name, getattr(forms, name)))
    function, w = winding(300)
    X = np.random.default_rng(0).normal(size=(5, 3))
    program = compile(function, w, x=3)
    cost, gradient = program.value_and_grad(X)
    assert repr(program) == "<compiled program of x=3, 20 parameters>"
    assert not asked
    assert str(program).startswith("def loss_and_grad(")
    assert program.report()
    assert asked == ["gather", "arrange", "write"]
    by_lines, slopes = program.run_on(np, program.flat, X)
    assert by_lines == pytest.approx(cost, rel=1e-12)
    np.testing.assert_allclose(slopes, gradient, rtol=1e-9)
    asked.clear()
    layers = MLP(4, [3, 1], rng=random.Random(0))
    compile(lambda x: layers(x), layers, x=4).value_and_grad(np.ones((2, 4)))
    assert asked == ["gather", "arrange"]


@pytest.mark.parametrize("ask", [str, CompiledProgram.report, lambda program: program.source])
def test_lines_that_would_hold_another_constant_than_the_code_are_refused(ask: Callable[[Any], Any]) -> None:
    w, c = Value(2.0), Value(1.0, "c", role="constant")
    program = compile(lambda x: w * x[0] + c, [w], executor="tape", x=1)
    c.data = 5.0
    with pytest.raises(RuntimeError, match="c is no parameter of this program"):
        ask(program)


def test_without_the_compiled_part_all_runs_on_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "native", None)
    function, w = winding(60)
    assert ran(compile(function, w, x=3)) == "runs on NumPy"
    assert why(compile(function, w, x=3)).startswith("because the C machine is not installed")
    with pytest.raises(ImportError, match='executor="tape" needs the C machine'):
        compile(function, w, executor="tape", x=3)


ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "add": lambda a, b: a + b, "sub": lambda a, b: a - b, "mul": lambda a, b: a * b, "neg": lambda a, b: -a,
}  # fmt: skip


@pytest.mark.parametrize("name", ARITHMETIC)
def test_arithmetic_on_parameters_alone_rounds_as_python(name: str) -> None:
    """It runs as a + b·c, which has to keep the sign of a zero."""
    a, b = Value(0.0), Value(0.0)
    program = compile(lambda: ARITHMETIC[name](a, b), [a, b], executor="tape", gradient=False, check=False)
    numbers = [0.0, -0.0, 1.0, -1.0, 0.1, 1 / 3, 1e-320, 1e300, np.inf, -np.inf, np.nan]
    for x in numbers:
        for y in numbers:
            program.flat = np.array([x, y])
            expected = np.float64(ARITHMETIC[name](x, y))
            found = np.float64(program())
            np.testing.assert_array_equal(found, expected)
            assert np.isnan(expected) or np.signbit(found) == np.signbit(expected), (x, y)


def test_a_sum_adds_the_products_that_it_alone_reads_in_one_step() -> None:
    a, b, c = Value(0.1), Value(0.3), Value(0.7)

    def steps(f: Callable[[Any], Any]) -> list[str]:
        program = compile(f, [a, b, c], executor="tape", x=1, gradient=False)
        traced = program._traced
        lowered = lower(traced.outputs, traced.inputs, program.parameters, False)
        return [op for op, *_ in tape._Sections(lowered, program.inputs, False).steps[machine.EACH]]

    assert steps(lambda x: x[0] + a * x[0]).count("fma") == 1
    assert "mul" not in steps(lambda x: x[0] + a * x[0])
    assert steps(lambda x: (a * x[0] + b) * (a * x[0])).count("mul") == 2  # the product is read twice
    assert "fma" not in steps(lambda x: x[0] - a * x[0])
    assert "fma" not in steps(lambda x: x[0] + a * b)  # which is computed once for all samples


STEPS: dict[str, tuple[Any, type[Exception], str]] = {
    "no list": (((), [], []), TypeError, "the steps of a section must be a list"),
    "two sections": (([], []), ValueError, "three sections"),
    "no step": ((["add"], [], []), TypeError, "a step must be an operation"),
    "no operation": (([("add two", 0, (), ())], [], []), ValueError, "there is no operation 'add two'"),
    "no text": (([(1, 0, (), ())], [], []), TypeError, "a step must be an operation"),
    "an entry too high": (([("add", 9, (0, 0), ())], [], []), ValueError, "the result of a step must be .* to 3, got 9"),
    "an entry too low": (([("add", 1, (0, -1), ())], [], []), ValueError, "an operand of a step must be .* got -1"),
    "a float": (([("add", 1, (0, 0.5), ())], [], []), ValueError, "an operand of a step must be .* got 0.5"),
    "a huge number": (([("add", 1, (0, 2**90), ())], [], []), ValueError, "an operand of a step must be"),
    "read before it is made": (([("add", 1, (2, 2), ())], [], []), ValueError, "entry 2 must be made before it is read"),
    "a block before it is made": (([], [("add", 1, (2, 2), ())], []), ValueError, "entry 2 must be made before"),
    "a place that is none": (([], [("input", 1, (), (0, "x"))], []), ValueError, "a place of a step must be"),
}  # fmt: skip


@pytest.mark.parametrize("case", STEPS)
def test_steps_that_cannot_be_code_are_refused(case: str) -> None:
    sections, error, message = STEPS[case]
    numbers = {op: number for op, (number, _) in machine.native.OPERATIONS.items()}
    with pytest.raises(error, match=message):
        machine.native.assemble(numbers, sections, array("i", [0, -1, -1, -1]), 1)


def test_slots_and_operations_that_cannot_be_are_refused() -> None:
    for slots, size in (([5], 1), ([-2], 1), ([0], 0)):
        with pytest.raises(ValueError, match="a steady slot must be"):
            machine.native.assemble({}, ([], [], []), array("i", slots), size)
    for size in (-1, 2, 2**31 - 1):
        with pytest.raises(ValueError, match="from 0 to as many slots"):
            machine.native.assemble({}, ([], [], []), array("i", [-1]), size)
    for number in (-1, 5000, 2**80, "1"):
        with pytest.raises(ValueError, match="the number of the operation of a step must be"):
            machine.native.assemble({"add": number}, ([("add", 0, (), ())], [], []), array("i", [-1]), 0)
