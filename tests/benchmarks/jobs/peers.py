"""A step of each peer: a function that returns an objective's value and its gradient, by the same lines in scalars.

A peer is asked in three ways: `recorded` records and differentiates anew at every step; `called` is prepared once for one set of
numbers; `batched` once for a batch of samples. A step of a batch returns the mean of the values and of their gradients in the
weights, or, where a case has no weights, the values and the gradient of each sample.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np

import autograd
from autograd import CompiledProgram, Value, compile, grad, value_and_grad

from .arrays import BY_HAND, ONE_SAMPLE, PRIMALS
from .cases import Case, load
from .functions import PYTHON, functions_of

__all__ = ["COMPILED", "RECORDED", "Step", "here", "operations", "primal", "program", "rows_of"]

Step = Callable[[], Any]
TRACED = 1_000  # operations, above which jax.jit of scalars takes minutes


def rows_of(case: Case) -> Any:
    """Return the samples of a case as an array."""
    return np.array(case.rows())


def primal(case: Case) -> Step:
    """The objective alone, in Python's floats."""
    module = load(case.module, PYTHON)
    return lambda: (case.objective(module, case.weights, []), None)


def here(case: Case) -> Step:
    """This project's, from Values."""
    module = load(case.module, autograd)

    def step() -> Any:
        leaves = [Value(x) for x in case.weights]
        root = case.objective(module, leaves, [])
        root.backward()
        return root.data, [leaf.grad for leaf in leaves]

    return step


def here_by_function(case: Case) -> Step:
    """The same by value_and_grad."""
    module = load(case.module, autograd)
    step = value_and_grad(lambda w: case.objective(module, w, []))
    return lambda: step(case.weights)


def xad(case: Case) -> Step:
    tapes, functions = importlib.import_module("xad.adj_1st"), importlib.import_module("xad.math")
    value = importlib.import_module("xad").value
    module = load(case.module, functions_of(functions, functions.max, value))

    def step() -> Any:
        with tapes.Tape() as tape:
            leaves = [tapes.Real(x) for x in case.weights]
            for leaf in leaves:
                tape.registerInput(leaf)
            tape.newRecording()
            root = case.objective(module, leaves, [])
            tape.registerOutput(root)
            root.derivative = 1.0
            tape.computeAdjoints()
            return value(root), [leaf.derivative for leaf in leaves]

    return step


RECORDED: dict[str, Callable[[Case], Step]] = {"value_and_grad": here_by_function, "xad": xad}


# Programs


def program(case: Case) -> tuple[CompiledProgram, Step]:
    """This project's: the program, and its step."""
    module, rows = load(case.module, autograd), rows_of(case)
    if not case.weights:
        size = rows.shape[1]

        def both(v: Any) -> list[Any]:
            return [case.objective(module, [], v), *grad(lambda v: case.objective(module, [], v))(v)]

        made = compile(both, v=size, gradient=False)

        def each() -> Any:
            found = made(rows)
            return found[:, 0], found[:, 1:]

        return made, each
    w = [Value(x) for x in case.weights]
    if not case.samples:
        made = compile(lambda: case.objective(module, w, []), w)
        return made, made.value_and_grad
    made = compile(lambda z: case.objective(module, w, z), w, z=rows.shape[1])
    return made, lambda: made.value_and_grad(rows)


def casadi(case: Case) -> Step:
    """An SX function of value and gradient, in buffers of its own for one call, mapped over a batch, each its fastest way."""
    peer: Any = importlib.import_module("casadi")
    module = load(case.module, functions_of(peer, peer.fmax))
    rows = rows_of(case)
    w, x = peer.SX.sym("w", len(case.weights)), peer.SX.sym("x", rows.shape[1] if case.samples else 0)
    value = case.objective(module, peer.vertsplit(w), peer.vertsplit(x))
    function = peer.Function("f", [w, x], [value, peer.gradient(value, w if case.weights else x)])
    weights: Any = np.array(case.weights)
    if case.samples:
        mapped, columns = function.map(case.samples, "serial"), np.ascontiguousarray(rows.T)

        def batch() -> Any:
            values, gradients = (np.asarray(found) for found in mapped(weights, columns))
            return (values.mean(), gradients.mean(1)) if case.weights else (values[0], gradients.T)

        return batch
    buffer, run = function.buffer()
    found: Any = np.zeros(1)
    slope: Any = np.zeros(len(weights))
    buffer.set_arg(0, weights.data)
    buffer.set_res(0, found.data)
    buffer.set_res(1, slope.data)

    def one(_: Any = (function, buffer, weights)) -> Any:  # which have to stay alive
        run()
        return found[0], slope.copy()

    return one


def aadc(case: Case) -> Step:
    """Recorded once and compiled to machine code: for one call by a workspace, for a batch over the lanes of the processor."""
    peer: Any = importlib.import_module("aadc")
    module = load(case.module, functions_of(peer.math, peer.math.max))
    rows = rows_of(case)
    functions = peer.Functions()
    functions.start_recording()
    w = [peer.idouble(a) for a in case.weights]
    x = [peer.idouble(a) for a in (rows[0] if case.samples else [])]
    places = [a.mark_as_input() for a in w]
    data = [a.mark_as_input() if not w else a.mark_as_input_no_diff() for a in x]
    result = case.objective(module, w, x).mark_as_output()
    functions.stop_recording()
    wanted = places or data
    if not case.samples:
        functions.compile("scalar")
        work = functions.create_workspace(kind="scalar")
        pairs = list(zip(places, case.weights, strict=True))

        def one() -> Any:
            for place, a in pairs:
                work.set_val(place, a)
            work.forward()
            work.set_diff(result, 1.0)
            work.reverse()
            return work.val(result), [work.diff(place) for place in places]

        return one
    functions.compile("auto")
    pool = peer.ThreadPool(1)
    given = dict(zip(places, case.weights, strict=True)) | dict(zip(data, rows.T.copy(), strict=True))

    def batch() -> Any:
        values, slopes, _ = peer.evaluate(functions, {result: wanted}, given, pool)
        gradients = np.array([slopes[result][place] for place in wanted])
        return (values[result].mean(), gradients.mean(1)) if w else (values[result], gradients.T)

    return batch


def numpy(case: Case) -> Step | None:
    """By hand."""
    function, w, rows = BY_HAND.get(case.name), np.array(case.weights), rows_of(case)
    return None if function is None else lambda: function(w, rows)


def in_arrays(case: Case, xp: Any, functions: Any) -> Callable[[Any, Any], Any] | None:
    """Return the objective for arrays, of weights and rows: scalars are columns of the batch. None if it has too many of them."""
    primal = PRIMALS.get(case.name)
    if primal is not None and not (case.samples and case.name.startswith(ONE_SAMPLE)):
        return partial(primal, xp)
    module = load(case.module, functions)
    if operations(case) > TRACED:
        return None
    return lambda w, rows: case.objective(module, [*w], [*rows.T] if case.samples else [])


def jax(case: Case) -> Step | None:
    """jax.jit of value and gradient."""
    peer = jax_module()
    xp: Any = SimpleNamespace(**vars(peer.numpy))
    xp.sigmoid, xp.logsumexp, xp.erf = peer.nn.sigmoid, peer.scipy.special.logsumexp, peer.scipy.special.erf
    xp.loop = lambda n, step, state: peer.lax.fori_loop(0, n, step, state)
    objective = in_arrays(case, xp, functions_of(xp, xp.maximum, peer.lax.stop_gradient))
    if objective is None:
        return None
    w, rows = xp.asarray(case.weights), xp.asarray(case.rows())
    if case.weights:
        mean = peer.jit(peer.value_and_grad(objective))
        return lambda: peer.block_until_ready(mean(w, rows))

    def summed(x: Any) -> Any:
        values = objective(w, x)
        return values.sum(), values

    each = peer.jit(peer.value_and_grad(summed, has_aux=True))

    def step() -> Any:
        (_, values), gradients = peer.block_until_ready(each(rows))
        return values, gradients

    return step


def torch(case: Case) -> Step | None:
    """torch's autograd, recorded anew at every step, as it is used."""
    peer: Any = importlib.import_module("torch")
    peer.set_num_threads(1)

    def loop(n: int, step: Callable[[int, Any], Any], state: Any) -> Any:
        for i in range(n):
            state = step(i, state)
        return state

    xp: Any = SimpleNamespace(**vars(peer), loop=loop)

    def maximum(a: Any, b: Any) -> Any:
        return peer.maximum(*(x if isinstance(x, peer.Tensor) else peer.tensor(x, dtype=peer.float64) for x in (a, b)))

    objective = in_arrays(
        case, xp, functions_of(xp, maximum, lambda x: x.detach() if isinstance(x, peer.Tensor) else x)
    )
    if objective is None:
        return None
    w, rows = (peer.tensor(x, dtype=peer.float64, requires_grad=bool(x)) for x in (case.weights, case.rows()))
    if case.weights:
        rows.requires_grad_(False)

    def step() -> Any:
        values = objective(w, rows)
        (gradient,) = peer.autograd.grad(values.sum(), w if case.weights else rows)
        return values.detach().numpy(), gradient.numpy()

    return step


def jax_module() -> Any:
    """Return jax for float64 on one thread."""
    os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")
    peer: Any = importlib.import_module("jax")
    peer.config.update("jax_enable_x64", True)
    return peer


COMPILED: dict[str, Callable[[Case], Step | None]] = {
    "NumPy": numpy,
    "casadi": casadi,
    "aadc": aadc,
    "jax": jax,
    "torch": torch,
}


def operations(case: Case) -> int:
    """Count the gates of one evaluation of an objective."""
    module = load(case.module, autograd)
    leaves = [Value(x) for x in case.weights or case.rows()[0]]
    w, x = (leaves, case.rows()[0] if case.samples else []) if case.weights else ([], leaves)
    return sum(1 for node in autograd.topological_order(case.objective(module, w, x)) if node.inputs)
