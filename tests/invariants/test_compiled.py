"""Compiled ≡ eager: a program over a batch is the mean of what its samples give one by one."""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import example, given, strategies as st

from autograd import CompiledProgram, Value, compile
from autograd.compiling.machine import native

from ..oracle import Gradient, gradients
from .programs import HALVES, Program, exact, nearby, tame


class Batch(NamedTuple):
    """A program whose first leaves are inputs, and its parameters the rest; samples are programs at other inputs."""

    program: Program
    inputs: int
    samples: Sequence[Program]

    @property
    def rows(self) -> list[list[float]]:
        return [[*sample.leaves[: self.inputs], 1.0] for sample in self.samples]  # and an input that nothing uses

    def parameters(self) -> list[Value]:
        return [Value(x, role="parameter") for x in self.program.leaves[self.inputs :]]

    def compiled(self, parameters: Sequence[Value], **options: Any) -> CompiledProgram:
        k = self.inputs
        return compile(lambda x: self.program(*x[:k], *parameters), parameters, x=k + 1, **options)


@st.composite
def batches(draw: Any, kind: st.SearchStrategy[Program], exact: bool) -> Batch:
    """Draw a program, how many of its leaves are inputs, and the data of these for up to three samples."""
    program = draw(kind)
    k = draw(st.integers(0, len(program.leaves)))
    samples = [program]
    for _ in range(draw(st.integers(0, 2))):
        if exact:
            other = program.at([*draw(st.lists(st.sampled_from(HALVES), min_size=k, max_size=k)), *program.leaves[k:]])
        else:
            scales = draw(st.lists(st.floats(0.7, 1.4), min_size=k, max_size=k))
            other = nearby(program, [*scales, *[1.0] * (len(program.leaves) - k)])
        samples.append(other)
    return Batch(program, k, samples)


def _only(program: Program, inputs: int, *rows: Sequence[float]) -> Batch:
    return Batch(program, inputs, [program, *(program.at(row) for row in rows)])


# An output that is its own gradient; branches that are the same, and do not depend on the input that chooses.
ITSELF = _only(Program((1.0,), (("exp", (0,)),)), 0)
SAME_BRANCHES = _only(
    Program((1.0, 1.5), (("where", (0, 1, 1)), ("mul", (0, 0)), ("mul", (2, 3)))),
    1,
    (-2.0, 1.5),
    (3.0, 1.5),
    (0.5, 1.5),
)
TAME, EXACT = batches(tame(), False), batches(exact(), True)


def eager(batch: Batch, parameters: Sequence[float] | None = None) -> tuple[Gradient, list[Gradient]]:
    """The mean of the samples' values and gradients: these one by one, by the engine and by hand."""
    values, slopes = list[float](), list[list[Gradient]]()
    for sample in batch.samples:
        data = sample.leaves if parameters is None else [*sample.leaves[: batch.inputs], *parameters]
        leaves, root = sample.at(data).record()
        found = gradients(root)
        values.append(root.data)
        slopes.append([found.get(leaf, Gradient(0.0, 0.0)) for leaf in leaves[batch.inputs :]])
    return _mean([Gradient(x, abs(x)) for x in values]), [_mean(column) for column in zip(*slopes, strict=True)]


def _mean(xs: Sequence[Gradient]) -> Gradient:
    return Gradient(math.fsum(xs) / len(xs), math.fsum(x.size for x in xs) / len(xs))


def agree(found: tuple[Any, Any], right: tuple[Gradient, list[Gradient]], tolerance: float = 1e-9) -> bool:
    pairs = zip([found[0], *found[1]], [right[0], *right[1]], strict=True)
    return all(abs(float(a) - b) <= tolerance * (1 + b.size) for a, b in pairs)


def _run(executor: Any, dtype: Any = "float64") -> Callable[[Batch], Any]:
    def run(batch: Batch) -> Any:
        made = batch.compiled(batch.parameters(), executor=executor, dtype=dtype)
        return made.value_and_grad(batch.rows)

    return run


def _source(batch: Batch) -> Any:
    made = batch.compiled(batch.parameters())
    return made.run_on(np, made.flat, np.array(batch.rows))


def _outputs(batch: Batch) -> Any:
    """The program without its gradient, which comes from the one with it."""
    parameters = batch.parameters()
    cost = float(np.mean(batch.compiled(parameters, gradient=False)(batch.rows)))
    made = batch.compiled(parameters)
    assert made(batch.rows) == pytest.approx(cost, rel=1e-12, abs=1e-12)
    return cost, made.value_and_grad(batch.rows)[1]


def _jax(batch: Batch) -> Any:
    import jax

    jax.config.update("jax_enable_x64", True)
    made = batch.compiled(batch.parameters())
    return made.to_jax()(made.flat, np.array(batch.rows))


def _torch(batch: Batch) -> Any:
    import torch

    made = batch.compiled(batch.parameters())
    return made.on_torch()(*map(torch.tensor, (made.flat, np.array(batch.rows))))


NO_TAPE = pytest.mark.skipif(native is None, reason="compile's tape is not built")
RUNNERS = [
    pytest.param(_run("numpy"), 1e-9, id="numpy"),
    pytest.param(_run("numpy", "float32"), 1e-3, id="numpy-float32"),
    pytest.param(_run("tape"), 1e-9, id="tape", marks=NO_TAPE),
    pytest.param(_run("tape", "float32"), 1e-3, id="tape-float32", marks=NO_TAPE),
    pytest.param(_run("native"), 1e-9, id="native", marks=NO_TAPE),
    pytest.param(_run("native", "float32"), 1e-3, id="native-float32", marks=NO_TAPE),
    pytest.param(_source, 1e-9, id="source"),
    pytest.param(_outputs, 1e-9, id="outputs"),
    *(
        pytest.param(run, 1e-9, id=name, marks=pytest.mark.skipif(importlib.util.find_spec(name) is None, reason=name))
        for name, run in (("jax", _jax), ("torch", _torch))
    ),
]
EXECUTORS = [pytest.param("numpy"), pytest.param("tape", marks=NO_TAPE), pytest.param("native", marks=NO_TAPE)]


@pytest.mark.parametrize(("runner", "tolerance"), RUNNERS)
@given(batch=TAME)
@example(batch=SAME_BRANCHES)
def test_a_batch_is_the_mean_of_its_samples(runner: Callable[[Batch], Any], tolerance: float, batch: Batch) -> None:
    """compile(f, w).value_and_grad(X) = mean over x in X of (f(x), ∂f(x)/∂w)."""
    assert agree(runner(batch), eager(batch), tolerance)


@pytest.mark.parametrize(("runner", "tolerance"), RUNNERS)
@given(batch=EXACT)
def test_also_at_ties_and_on_kinks(runner: Callable[[Batch], Any], tolerance: float, batch: Batch) -> None:
    assert agree(runner(batch), eager(batch), min(tolerance, 1e-6))


@pytest.mark.parametrize("executor", EXECUTORS)
@given(batch=TAME | EXACT, scale=st.floats(0.8, 1.25))
@example(batch=ITSELF, scale=1.25)
@example(batch=SAME_BRANCHES, scale=0.8)
def test_every_call_takes_the_parameters_as_they_are(executor: str, batch: Batch, scale: float) -> None:
    """Call after call, w.data = … and program.flat = … are followed, and earlier answers stay what they were."""
    parameters = batch.parameters()
    made = batch.compiled(parameters, executor=executor, check=False)
    first = made.value_and_grad(batch.rows)
    kept = (float(first[0]), first[1].copy())
    assert agree(first, eager(batch))
    numbers = [w.data * scale for w in parameters]
    moved = Batch(batch.program, batch.inputs, [s.at([*s.leaves[: batch.inputs], *numbers]) for s in batch.samples])
    try:
        right = eager(moved)
    except (ArithmeticError, ValueError):
        return
    for w, x in zip(parameters, numbers, strict=True):
        w.data = x
    assert agree(made.value_and_grad(batch.rows), right)
    made.flat = np.array([w.data for w in batch.parameters()])
    assert [w.data for w in parameters] == [w.data for w in batch.parameters()]
    assert agree(made.value_and_grad(batch.rows), eager(batch))
    made.flat = np.array(numbers)
    assert agree(made.value_and_grad(batch.rows), right)
    assert (float(first[0]), first[1].tolist()) == (kept[0], kept[1].tolist())


@pytest.mark.parametrize("executor", EXECUTORS)
@given(batch=TAME | EXACT)
def test_batches_of_all_sizes_are_apart(executor: str, batch: Batch) -> None:
    """A batch is the mean of its parts, whichever sizes were run before."""
    made = batch.compiled(batch.parameters(), executor=executor)
    alone = [made.value_and_grad([row]) for row in batch.rows]
    cost, gradient = made.value_and_grad(batch.rows)
    cost = Gradient(cost, max(abs(cost) for cost, _ in alone))
    means = np.mean([slopes for _, slopes in alone], axis=0)
    size = 1 + max((float(np.abs(slopes).max(initial=0.0)) for _, slopes in alone), default=0.0)
    assert abs(np.mean([cost for cost, _ in alone]) - cost) <= 1e-12 * (1 + cost.size)
    assert np.abs(means - gradient).max(initial=0.0) <= 1e-12 * size


@pytest.mark.parametrize("executor", EXECUTORS)
@given(batch=TAME | EXACT)
def test_a_recorded_graph_compiles_to_itself(executor: Any, batch: Batch) -> None:
    """compile(root, w, x=[leaves]) is the function that was recorded."""
    leaves, root = batch.program.record()
    free = Value(1.0)
    inputs, parameters = [*leaves[: batch.inputs], free], leaves[batch.inputs :]
    made = compile(root + 0.0 * free, parameters, x=inputs, executor=executor)
    assert agree(made.value_and_grad(batch.rows), eager(batch))
