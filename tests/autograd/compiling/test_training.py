"""Guards program.train: the steps that the optimiser takes by itself, in one call of the C machine where it can be."""

from __future__ import annotations

import math
import random
import signal
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

import autograd
from autograd import CompiledProgram, Value, compile, dot
from autograd.compiling import forms, machine, training
from autograd.compiling.batches import Dtype
from autograd.compiling.forms import Executor
from autograd.compiling.training import update
from nn import MLP, SGD, Adam, AdamW, Optimiser
from tests import fuzz

WRONG: Any = None
needs_code = pytest.mark.skipif(machine.native is None, reason="the C machine is not built")
OPTIMISERS: dict[str, Callable[[Any], Optimiser]] = {
    "SGD": lambda p: SGD(p, 0.1),
    "momentum": lambda p: SGD(p, 0.05, momentum=0.9, weight_decay=0.01),
    "nesterov": lambda p: SGD(p, 0.05, momentum=0.9, nesterov=True),
    "Adam": lambda p: Adam(p, 0.02, weight_decay=0.1),
    "AdamW": lambda p: AdamW(p, 0.02),
    "RMSProp": lambda p: RMSProp(p, 0.02),
    "Clamped": lambda p: Clamped(p, 0.3),
}


class RMSProp(Optimiser):
    moments = 1
    decay = 0.9

    def rule(self, w: Any, g: Any, *state: Any) -> tuple[Any, ...]:
        (size,) = state
        size = self.decay * size + (1 - self.decay) * g * g
        return w - self.learning_rate * g / (size**0.5 + 1e-8), size


class Clamped(Optimiser):
    """Steps of a size that falls with their number, the same for every parameter."""

    def rule(self, w: Any, g: Any, *state: Any) -> tuple[Any, ...]:
        return (w - self.learning_rate / self.steps * (1.0 * (g > 0) - (g < 0)) * abs(g) ** 0.25,)


class Rule(Optimiser):
    """Any function of the optimiser, the parameter and its gradient."""

    def __init__(self, parameters: Any, rule: Callable[..., Any], rate: float = 0.1) -> None:
        super().__init__(parameters, rate)
        type(self).function = staticmethod(rule)  # type: ignore[attr-defined]
        self.count = 0

    def rule(self, w: Any, g: Any, *state: Any) -> tuple[Any, ...]:
        return (type(self).function(self, w, g),)  # type: ignore[attr-defined]


def network(**options: Any) -> tuple[MLP, CompiledProgram]:
    model = MLP(3, [5, 4], autograd.tanh, rng=random.Random(0))
    for i, parameter in enumerate(model.parameters()):
        parameter.label = f"p{i}"
    parameters = model.parameters()
    program = compile(
        lambda x, y: autograd.logsumexp(model(x)) - dot(y, model(x)) + 1e-3 * autograd.sum([p * p for p in parameters]),
        parameters,
        x=3,
        y=4,
        **options,
    )
    return model, program


def samples(n: int, seed: int = 0) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 3)), np.eye(4)[rng.integers(0, 4, n)]


def by_hand(program: CompiledProgram, optimiser: Optimiser, X: Any, Y: Any, places: list[Any], clip: Any = None) -> Any:
    """The steps as a loop of one's own takes them."""
    costs = []
    for at in places:
        cost, gradient = program.value_and_grad(X[at], Y[at])
        for parameter, g in zip(program.parameters, gradient, strict=True):
            parameter.grad = 0.0 if parameter.role == "constant" else float(g)
        if clip is not None:
            autograd_clip(program.parameters, clip)
        optimiser.step()
        costs.append(cost)
    return costs


def autograd_clip(parameters: Any, clip: float) -> None:
    from nn import clip_gradients

    clip_gradients(parameters, clip)


def close(found: Any, expected: Any) -> None:
    assert np.asarray(found, float) == pytest.approx(np.asarray(expected, float), rel=1e-9, abs=1e-12)


# The same steps


@pytest.mark.parametrize("size", [None, 1, 4, 7, 8, 100])
@pytest.mark.parametrize("name", OPTIMISERS)
def test_steps_are_those_of_a_loop_of_ones_own(name: str, size: int | None) -> None:
    X, Y = samples(15)
    model, program = network()
    _, same = network()
    model.layers[0].b[0].role = same.parameters[15].role = "constant"
    assert program.parameters[15].role == "constant"
    optimiser, other = (OPTIMISERS[name](p.parameters) for p in (program, same))
    whole = [range(start, min(start + (size or 15), 15)) for start in range(0, 15, size or 15)]
    places = [[*whole[k % len(whole)]] for k in range(20)]
    close(program.train(X, Y, optimiser, 20, batch_size=size, clip=0.5), by_hand(same, other, X, Y, places, 0.5))
    close(program.flat, same.flat)
    assert (program.flat == [p.data for p in program.parameters]).all()
    assert program.parameters[15].data == same.parameters[15].data
    assert optimiser.steps == other.steps == 20
    close(optimiser.state, other.state)
    optimiser.learning_rate = other.learning_rate = 0.01  # and on from there, by either
    close(program.train(X, Y, optimiser, 3), by_hand(same, other, X, Y, [range(15)] * 3))
    close(by_hand(program, optimiser, X, Y, [range(15)] * 2), by_hand(same, other, X, Y, [range(15)] * 2))


@pytest.mark.parametrize("size", [None, 4, 15])
def test_samples_are_shuffled_before_every_pass_as_fit_does(size: int | None) -> None:
    X, Y = samples(15)
    (_, program), (_, same) = network(), network()
    rng = random.Random(3)
    places: list[list[int]] = []
    while len(places) < 10:
        order = list(range(15))
        rng.shuffle(order)
        places += [order[i : i + (size or 15)] for i in range(0, 15, size or 15)]
    costs = program.train(X, Y, Adam(program.parameters, 0.05), steps=10, batch_size=size, rng=random.Random(3))
    close(costs, by_hand(same, Adam(same.parameters, 0.05), X, Y, places[:10]))


@pytest.mark.parametrize("how", [{"executor": "numpy"}, {"executor": "tape"}, {"dtype": "float32"}, {"check": False}])
def test_every_runner_takes_the_same_steps(how: dict[str, Any]) -> None:
    if machine.native is None and how.get("executor") == "tape":
        pytest.skip("the C machine is not built")
    X, Y = samples(15)
    (_, program), (_, same) = network(**how), network()
    costs = program.train(X, Y, Adam(program.parameters, 0.05), 12, batch_size=4)
    expected = same.train(X, Y, Adam(same.parameters, 0.05), 12, batch_size=4)
    tolerance = 1e-4 if "dtype" in how else 1e-9
    assert costs == pytest.approx(expected, rel=tolerance)
    assert program.flat == pytest.approx(same.flat, rel=tolerance, abs=tolerance / 100)


def test_a_function_of_parameters_alone() -> None:
    w = Value(1.0)
    program = compile(lambda: (w - 3) ** 2, [w])
    assert program.train(SGD([w], 0.25), 3).tolist() == [4.0, 1.0, 0.25]
    assert w.data == 2.75
    assert program.train(SGD([w], 0.25), 0).tolist() == []


@needs_code
@given(
    st.lists(st.floats(-1e6, 1e6) | st.sampled_from([0.0, 1e-320, 1e200, -1e155]), min_size=1, max_size=40),
    st.sampled_from([0.0, 1.0, 1e-3, 1e160, math.inf]),
)
def test_the_compiled_part_clips_as_clip_gradients_does(slopes: list[float], clip: float) -> None:
    parameters = [Value(0.0) for _ in slopes]
    program = compile(lambda: dot(parameters, slopes), parameters)
    for parameter, slope in zip(parameters, slopes, strict=True):
        parameter.grad = slope
    if math.isfinite(clip):
        autograd_clip(parameters, clip)
    expected = [-p.grad for p in parameters]
    optimiser = SGD(parameters, 1.0)
    assert update(optimiser) is not None
    program.train(optimiser, 1, clip=clip if math.isfinite(clip) else None)
    assert [p.data for p in parameters] == pytest.approx(expected, rel=1e-12, abs=1e-322)


# Which rules become code


@needs_code
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", OPTIMISERS)
def test_a_whole_training_is_one_call(name: str, dtype: Dtype, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training.Training, "_alone", WRONG)
    _, program = network(dtype=dtype)
    optimiser = OPTIMISERS[name](program.parameters)
    assert len(program.train(*samples(15), optimiser, 100, batch_size=4)) == 100


# The kept code of a rule


@needs_code
@pytest.mark.parametrize("name", OPTIMISERS)
def test_a_loop_of_single_steps_runs_the_rule_once_on_symbols(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "KEPT", {})
    (_, program), (_, same), runs, written = network(), network(), list[Optimiser](), training._written

    def counted(optimiser: Any) -> Any:
        runs.append(optimiser)
        return written(optimiser)

    monkeypatch.setattr(training, "_written", counted)
    X, Y = samples(15)
    optimiser, other = (OPTIMISERS[name](p.parameters) for p in (program, same))
    for step in range(20):
        optimiser.learning_rate = 0.1 / (1 + step)  # as by a schedule
        other.learning_rate = optimiser.learning_rate
        close(program.train(X, Y, optimiser, 1), by_hand(same, other, X, Y, [range(15)]))
    close(program.flat, same.flat)
    again = network()[1]
    again.train(X, Y, OPTIMISERS[name](again.parameters), 3)
    pure = name not in ("Clamped",)  # which calls abs, a global name
    assert (optimiser.rule_key() is not None) == pure
    assert len(runs) == (1 if pure else 2 * 21)
    assert len(training.KEPT) == 1


def changed(name: str, **numbers: Any) -> Any:
    """Single steps of an optimiser, before and after its attributes change, and the same by hand."""
    (_, program), (_, same) = network(), network()
    X, Y = samples(15)
    pair = [OPTIMISERS[name](p.parameters) for p in (program, same)]
    for attributes in ({}, numbers, {key: getattr(pair[0], key) for key in numbers}):
        for optimiser in pair:
            vars(optimiser).update(attributes)
        close(program.train(X, Y, pair[0], 1), by_hand(same, pair[1], X, Y, [range(15)]))
        close(program.flat, same.flat)


@pytest.mark.parametrize(
    ("name", "numbers"),
    [
        ("momentum", {"momentum": 0.5}), ("momentum", {"nesterov": True}), ("SGD", {"weight_decay": 0.5}),
        ("Adam", {"betas": (0.5, 0.5)}), ("Adam", {"epsilon": 0.5}), ("Adam", {"decoupled": True}), ("Adam", {"steps": 9}),
        ("RMSProp", {"decay": 0.5}),
    ],
)  # fmt: skip
def test_a_changed_attribute_takes_effect(name: str, numbers: dict[str, Any]) -> None:
    changed(name, **numbers)


def test_a_changed_attribute_of_a_class_takes_effect(monkeypatch: pytest.MonkeyPatch) -> None:
    w = Value(0.0)
    program = compile(lambda: 2 * w, [w])
    optimiser = RMSProp([w], 1.0)
    program.train(optimiser, 1)
    monkeypatch.setattr(RMSProp, "decay", 0.0)
    before = w.data
    program.train(optimiser, 1)
    assert w.data == pytest.approx(before - 1.0)


def test_optimisers_in_alternation_keep_their_rules() -> None:
    class Doubled(SGD):
        def rule(self, w: Any, g: Any, *state: Any) -> tuple[Any, ...]:
            return w - 2 * self.learning_rate * g, *state

    class Halved(SGD):
        factor = 0.5

        def rule(self, w: Any, g: Any, *state: Any) -> tuple[Any, ...]:
            return w - self.factor * self.learning_rate * g, *state

    class Quartered(Halved):
        factor = 0.25

    w, v = Value(0.0), Value(0.0)
    programs = [compile(lambda: -1.0 * w, [w]), compile(lambda: -1.0 * v, [v])]
    for _ in range(2):
        for program, value in zip(programs, (w, v), strict=True):
            for kind, moved in ((SGD, 1.0), (Doubled, 2.0), (Halved, 0.5), (Quartered, 0.25)):
                before = value.data
                program.train(kind([value], 1.0), 1)
                assert value.data == before + moved


FACTOR = 1.0


def enclosing(kind: Any) -> Callable[[float], None]:
    """Set the number that a rule reads from its surroundings."""
    factor = 1.0

    def rule(self: Any, w: Any, g: Any) -> Any:
        return (w - factor * g,)

    kind.rule = rule

    def assign(x: float) -> None:
        nonlocal factor
        factor = x

    return assign


def global_number(kind: Any) -> Callable[[float], None]:
    kind.rule = lambda self, w, g: (w - FACTOR * g,)
    kind.FACTOR = 1.0  # of the same name

    def assign(x: float) -> None:
        globals()["FACTOR"] = x

    return assign


def by_default(kind: Any) -> Callable[[float], None]:
    def rule(self: Any, w: Any, g: Any, factor: Any = 1.0) -> Any:
        return (w - factor * g,)

    kind.rule = rule
    return lambda x: setattr(rule, "__defaults__", (x,))


def by_keyword(kind: Any) -> Callable[[float], None]:
    def rule(self: Any, w: Any, g: Any, *, factor: Any = 1.0) -> Any:
        return (w - factor * g,)

    kind.rule = rule
    return lambda x: setattr(rule, "__kwdefaults__", {"factor": x})


def by_property(kind: Any) -> Callable[[float], None]:
    numbers = [1.0]
    kind.factor = property(lambda self: numbers[0])
    kind.rule = lambda self, w, g: (w - self.factor * g,)
    return lambda x: numbers.insert(0, x)


def by_method(kind: Any) -> Callable[[float], None]:
    numbers = [1.0]
    kind.factor = lambda self: numbers[0]
    kind.rule = lambda self, w, g: (w - self.factor() * g,)
    return lambda x: numbers.insert(0, x)


def by_missing_attribute(kind: Any) -> Callable[[float], None]:
    numbers = [1.0]
    kind.__getattr__ = lambda self, name: numbers[0] if name == "factor" else object.__getattribute__(self, name)
    kind.rule = lambda self, w, g: (w - self.factor * g,)
    return lambda x: numbers.insert(0, x)


def by_class(kind: Any) -> Callable[[float], None]:
    kind.factor = 1.0
    kind.rule = lambda self, w, g: (w - self.__class__.factor * g,)
    return lambda x: setattr(kind, "factor", x)


def by_sign_of_zero(kind: Any) -> Callable[[float], None]:
    kind.factor, kind.zero = 1.0, 0.0
    kind.rule = lambda self, w, g: (w - (self.factor if str(self.zero) == "0.0" else 3.0) * g,)
    return lambda x: setattr(kind, "zero", -0.0)


@pytest.mark.parametrize(
    "given",
    [
        enclosing, global_number, by_default, by_keyword, by_property, by_method, by_missing_attribute, by_class,
        by_sign_of_zero,
    ],
)  # fmt: skip
def test_a_number_that_a_rule_reads_anywhere_takes_effect(given: Callable[[Any], Callable[[float], None]]) -> None:
    class Step(Optimiser):
        pass

    assign, w = given(Step), Value(0.0)
    program, optimiser = compile(lambda: -1.0 * w, [w]), Step([w], 1.0)
    try:
        assert program.train(optimiser, 2).tolist() == [0.0, -1.0]
        assert w.data == 2.0
        vars(optimiser)["FACTOR"] = 1.0
        assign(3.0)
        program.train(optimiser, 2)
        assert w.data == 8.0
    finally:
        if given is global_number:
            assign(1.0)


def test_keys_tell_numbers_apart_that_are_equal() -> None:
    class Scaled(Optimiser):
        def rule(self, w: Any, g: Any, *state: Any) -> tuple[Any, ...]:
            return (w - self.factor * g,)  # type: ignore[attr-defined]

    optimiser, keys = Scaled([Value(0.0)], 0.1), []
    for factor in (
        0.0,
        -0.0,
        0,
        False,
        1,
        1.0,
        True,
        None,
        "1",
        "0x1.0000000000000p+0",
        (1,),
        (1.0,),
        (1, 1),
        ((1,), 1),
    ):
        vars(optimiser)["factor"] = factor
        keys.append(optimiser.rule_key())
    assert None not in keys
    assert len({*keys}) == len(keys)


@needs_code
@pytest.mark.parametrize("clip", [None, 0.01])
def test_float32_is_rounded_after_every_step(clip: float | None) -> None:
    X, Y = (array.astype(np.float32) for array in samples(15))
    _, program = network(dtype="float32")
    p4 = program.parameters[4]
    optimiser, other = (Adam(program.parameters, 0.05) for _ in range(2))
    theta, costs = program.flat, []
    for step in range(9):
        cost, gradient = program.value_and_grad_at(theta, X[step % 3 * 6 :][:6], Y[step % 3 * 6 :][:6])
        costs.append(cost)
        theta = other.step_array(theta, training.clipped(gradient, clip or math.inf)).astype(np.float32)
    found = program.train(X, Y, optimiser, 9, batch_size=6, clip=clip)
    assert found.tolist() == [float(np.float32(cost)) for cost in found] == pytest.approx(costs, rel=1e-6)
    assert program.flat == pytest.approx(theta, rel=1e-5, abs=1e-7)
    assert p4.data == float(np.float32(p4.data)), "the Values hold the rounded numbers"
    assert {program.flat.dtype, *(np.asarray(row).dtype for row in optimiser.state)} == {np.dtype("float32")}


@needs_code
def test_float32_overflow_is_an_error_of_the_step() -> None:
    w = Value(1.0, label="w")
    program = compile(lambda x: w * x[0], [w], dtype="float32", x=1)
    with pytest.raises(FloatingPointError, match="training diverged at step 1: a step would make w -inf"):
        program.train([[1.0]], SGD([w], 3e38), 5)
    assert w.data == -float(np.float32(3e38)), "the parameters are those after the last whole step"


@needs_code
@pytest.mark.parametrize(("dtype", "alone"), [("float64", 0), ("float32", 3)])
def test_large_matrices_train_in_one_call_unless_products_in_float32_are_faster(
    dtype: Dtype, alone: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forms, "LARGE", 12)
    steps: list[Any] = []
    taken = training.Training._alone

    def counted(*given: Any) -> float:
        steps.append(given)
        return taken(*given)

    monkeypatch.setattr(training.Training, "_alone", counted)
    _, program = network(dtype=dtype)
    _, same = network(executor="numpy")
    X, Y = samples(forms.FEW + 1)
    costs = program.train(X, Y, SGD(program.parameters, 0.1), 3)
    assert len(steps) == alone
    assert costs == pytest.approx(same.train(X, Y, SGD(same.parameters, 0.1), 3), rel=1e-5)
    program.train(X, Y, SGD(program.parameters, 0.1), 3, batch_size=forms.FEW)
    assert len(steps) == alone + 3, "three by NumPy, on the network that it is told to run"


@needs_code
@pytest.mark.parametrize("columns", [1, 7, 8, 17])
@pytest.mark.parametrize("n", [1, 7, 8, 33])
def test_samples_are_taken_from_arrays_of_any_layout(n: int, columns: int) -> None:
    w = [Value(float(i + 1)) for i in range(columns)]
    program = compile(lambda x: dot(w, x), w, x=columns)
    single = compile(lambda x: dot(w, x), w, dtype="float32", x=columns)
    X = np.random.default_rng(n).integers(-9, 9, (n, columns)).astype(float)
    order = list(range(n))
    random.Random(0).shuffle(order)
    expected = X.mean(0).tolist()
    wide = np.zeros((2 * n, 3 * columns))
    wide[::2, 1::3] = X
    for rows in (X, np.asfortranarray(X), wide[::2, 1::3], X[::-1].copy()[::-1]):
        for p in (program, single):
            assert p.value_and_grad(rows.astype(p.flat.dtype, copy=False))[1] == pytest.approx(expected, rel=1e-6)
            start = p.flat
            p.train(rows, SGD(p.parameters, 1.0), 1, rng=random.Random(0))
            assert start - p.flat == pytest.approx(expected, rel=1e-6, abs=1e-6)
            p.flat = start


NOISE = random.Random(0)
LOG: list[int] = []


def counting(optimiser: Any, w: Any, g: Any) -> Any:
    optimiser.count += 1
    return w - g / optimiser.count


def logging(optimiser: Any, w: Any, g: Any) -> Any:
    optimiser.state.append(w)
    return w - g


@pytest.mark.parametrize(
    "rule",
    [
        lambda o, w, g: w - 0.1 * np.where(g > 0, g, 0.5 * g),
        lambda o, w, g: w - o.learning_rate * g * (1 if o.steps < 3 else 0.5),
        lambda o, w, g: w - o.learning_rate * g * NOISE.random(),
        lambda o, w, g: w - o.learning_rate * g * len(o.parameters),
        lambda o, w, g: w - np.tanh(g),
        lambda o, w, g: w - o.learning_rate * g * [1.0, 0.5][o.steps % 2],
    ],
    ids=["branch", "stage", "noise", "attribute", "function", "alternating"],
)  # fmt: skip
def test_rules_that_do_not_become_code_take_steps_by_themselves(rule: Any) -> None:
    (_, program), (_, same) = network(), network()
    optimiser, other = Rule(program.parameters, rule), Rule(same.parameters, rule)
    assert update(optimiser) is None
    X, Y = samples(15)
    NOISE.seed(1)
    costs, theta, moved = program.train(X, Y, optimiser, 5), same.flat, []
    NOISE.seed(1)
    if machine.native is not None:
        update(other)  # which draws numbers too
    for _ in range(5):
        cost, gradient = same.value_and_grad_at(theta, X, Y)
        theta = other.step_array(theta, gradient)
        moved.append(cost)
    close(costs, moved)


@pytest.mark.parametrize("rule", [counting, logging])
def test_what_a_rule_does_beside_is_not_done_on_symbols(rule: Any) -> None:
    _, program = network()
    optimiser = Rule(program.parameters, rule)
    update(optimiser)
    assert (optimiser.count, optimiser.state) == (0, [])


@pytest.mark.parametrize("executor", fuzz.EXECUTORS)
@pytest.mark.parametrize("moved", [lambda w, g: w, lambda w, g: 0.5, lambda w, g: -g])
def test_a_rule_may_return_what_it_is_given_or_one_number(moved: Callable[[Any, Any], Any], executor: Executor) -> None:
    class Moving(Optimiser):
        moments = 0

        def rule(self, w: Any, g: Any, *state: Any) -> tuple[Any, ...]:
            return (moved(w, g),)

    numbers = []
    for by_hand in (True, False):
        w = [Value(1.0), Value(2.0)]
        program = compile(lambda x, w=w: w[0] * x[0] + w[1] ** 2, w, executor=executor, x=1)
        for _ in range(2 * by_hand):
            _, slopes = program.value_and_grad([[1.0], [3.0]])
            for parameter, slope in zip(w, slopes.tolist(), strict=True):
                parameter.grad = slope
            Moving(w, 0.1).step()
        if not by_hand:
            program.train([[1.0], [3.0]], Moving(w, 0.1), 2)
        numbers.append([parameter.data for parameter in w])
    assert numbers[0] == pytest.approx(numbers[1], rel=1e-12)


def test_a_step_of_its_own_is_respected() -> None:
    class Signed(SGD):
        def step_array(self, data: Any, gradient: Any) -> Any:
            return super().step_array(data, np.sign(gradient))

    w = Value(1.0)
    program = compile(lambda: 5 * w, [w])
    program.train(Signed([w], 0.25), 2)
    assert w.data == 0.5


# Numbers that are not finite, interrupts, threads


@pytest.mark.parametrize("name", ["SGD", "momentum", "Adam"])
@pytest.mark.parametrize("how", [{}, {"check": False}, {"executor": "numpy"}])
def test_a_failing_step_is_named_and_leaves_the_steps_before_it(name: str, how: Any) -> None:
    X, Y = samples(16)
    worse = X.copy()
    worse[14, 1] = np.nan
    (_, program), (_, same) = network(**how), network()
    optimiser, other = OPTIMISERS[name](program.parameters), OPTIMISERS[name](same.parameters)
    with pytest.raises(FloatingPointError, match=r"training diverged at step 7: .* a learning rate below"):
        program.train(worse, Y, optimiser, 20, batch_size=2)
    same.train(X, Y, other, 7, batch_size=2)
    close(program.flat, same.flat)
    assert ([p.data for p in program.parameters] == program.flat).all()
    assert optimiser.steps == 7
    close(optimiser.state, other.state)


@pytest.mark.parametrize("compiled", [True, False])
def test_a_parameter_that_diverges_is_named(compiled: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not compiled:
        monkeypatch.setattr(training, "native", None)
    w, v = Value(1.0, "w"), Value(1.0, "v")
    program = compile(lambda: w + 1e10 * v, [w, v])
    optimiser = SGD([w, v], 1e299)
    with pytest.raises(
        FloatingPointError, match=r"at step 0: a step would make v -inf: its data is 1\.0, its gradient 10000000000"
    ):
        program.train(optimiser, 3)
    assert (w.data, v.data, optimiser.steps) == (1.0, 1.0, 0)


@needs_code
def test_an_interrupt_leaves_whole_steps() -> None:
    """A signal that comes in the middle of a long call ends it, soon, between two steps."""
    (_, program), (_, same) = network(), network()
    X, Y = samples(64)
    optimiser, other = Adam(program.parameters, 1e-3), Adam(same.parameters, 1e-3)

    class Enough(Exception):
        pass

    def stop(*_: Any) -> None:
        raise Enough

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    try:
        with pytest.raises(Enough):
            program.train(X, Y, optimiser, 2**40)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert optimiser.steps > 0
    same.train(X, Y, other, optimiser.steps)
    assert (program.flat == same.flat).all()
    assert (np.array(optimiser.state) == np.array(other.state)).all()
    assert [p.data for p in program.parameters] == program.flat.tolist()


@needs_code
def test_threads_run_beside_a_training_and_share_its_program() -> None:
    _, program = network()
    X, Y = samples(64)
    expected, start = program.value_and_grad(X, Y), program.flat
    done, count = threading.Event(), 0

    def ask() -> None:
        nonlocal count
        while not done.is_set():
            cost, gradient = program.value_and_grad_at(start, X, Y)
            assert cost == expected[0]
            assert (gradient == expected[1]).all()
            count += 1

    thread = threading.Thread(target=ask)
    thread.start()
    costs = program.train(X, Y, SGD(program.parameters, 0.01), 3000)
    done.set()
    thread.join()
    assert count > 10
    _, same = network()
    assert (costs == same.train(X, Y, SGD(same.parameters, 0.01), 3000)).all()


# Arguments


def test_arguments_are_refused_by_name() -> None:
    model, program = network()
    X, Y = samples(4)
    other = SGD(MLP(3, [5, 4]), 0.1)
    good = SGD(program.parameters, 0.1)
    before = program.flat.copy()
    wrong: list[tuple[tuple[Any, ...], dict[str, Any], type[Exception], str]] = [
        ((X, Y, other, 1), {}, ValueError, "optimiser must move the 44 parameters of this program"),
        ((X, Y, SGD(program.parameters[::-1]), 1), {}, ValueError, "optimiser must move"),
        ((X, Y, 0.1, 1), {}, TypeError, "optimiser must be an Optimiser"),
        ((X, Y, good), {}, TypeError, "steps"),
        ((X, Y, good, -1), {}, ValueError, "steps"),
        ((X, Y, good, 1.5), {}, ValueError, "steps"),
        ((X, Y, good, 1), {"batch_size": 0}, ValueError, "batch_size"),
        ((X, Y, good, 1), {"rng": 3}, TypeError, "rng"),
        ((X, Y, good, 1), {"clip": -1}, ValueError, "clip"),
        ((X, Y, good, 1), {"shuffle": True}, TypeError, "shuffle"),
        ((X, Y[:2], good, 1), {}, ValueError, "y has 2 rows"),
        ((np.ma.masked_equal(X, 0), Y, good, 1), {}, TypeError, "masked"),
        ((X[:0], Y[:0], good, 1), {}, ValueError, "at least one row"),
    ]
    for arguments, options, error, message in wrong:
        with pytest.raises(error, match=message):
            program.train(*arguments, **options)
    with pytest.raises(TypeError, match="no gradient"):
        compile(model, x=3).train(X, SGD(model.parameters(), 0.1), 1)
    assert (program.flat == before).all()
    assert good.steps == 0


@needs_code
def test_the_compiled_part_refuses_arrays_that_do_not_fit() -> None:
    _, program = network()
    optimiser = Adam(program.parameters)
    code, moving = program._execution.code, update(optimiser)
    assert code is not None
    assert moving is not None
    n = len(program.parameters)
    X, Y = samples(9)

    def good() -> dict[str, Any]:
        return {
            "update": moving.checked, "numbers": np.zeros((3, n)), "gradient": np.zeros(n), "inputs": (X, Y), "rows": None,
            "size": 4, "first": 0, "settings": np.array([0.1, 0.0]), "fixed": np.zeros(0, np.int64), "clip": math.inf,
            "costs": np.zeros(3), "check": True, "single": False, "generation": -1,
        }  # fmt: skip

    wrong: dict[str, list[Any]] = {
        "update": [code.checked, None], "numbers": [np.zeros((2, n)), np.zeros(3 * n + 1).view(np.int8)[4:-4]],
        "gradient": [np.zeros(n - 1), np.zeros(0), np.zeros(n + 1)],
        "inputs": [(X,), (X[:4], Y), (Y, X), [X, Y], (X.astype("f2"), Y), (X.astype(">f4"), Y)],
        "rows": [np.array([9]), np.array([-1]), np.zeros(0, np.int64)], "size": [0, -1], "first": [-1],
        "settings": [np.zeros(1)], "fixed": [np.array([n]), np.array([-1])],
    }  # fmt: skip
    for name, values in wrong.items():
        for value in values:
            with pytest.raises((ValueError, TypeError)):
                code.checked.train(*{**good(), name: value}.values())
    for generation in range(machine.native.GENERATIONS):
        for rows in (None, np.array([0, 3, 3, 8, 1, 2])):
            single = {"single": rows is None, "inputs": (X, Y if rows is None else Y.astype("f4"))}
            given = {**good(), "generation": generation, "rows": rows, "first": 10**12, **single}
            code.checked.train(*given.values())
            assert given["settings"][1] == 3
            again = {**good(), "rows": rows, "first": 10**12, **single}
            code.checked.train(*again.values())
            close(given["numbers"], again["numbers"])
