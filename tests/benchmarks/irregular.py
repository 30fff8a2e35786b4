"""An irregular graph of 10,000 gates over 1,000 samples, cost and gradient: the tape, NumPy, casadi, and compiled C.

casadi runs its SX function, of the loss and its gradient by casadi itself, mapped over the samples ("serial"), which was its
fastest serial way: a call for each sample in buffers of its own took longer. The limit is our scalar program as straight-line
C, a statement an operation on vectors of 8 samples, with the functions of the tape; compiling it takes minutes, so it is there
only in `python -m tests.benchmarks.irregular`. All in one thread, interleaved; medians of processor time.
"""

from __future__ import annotations

import ctypes
import importlib.util
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from statistics import median
from typing import Any

import numpy as np

import autograd
from autograd import Value, compile
from autograd.compiling import machine
from autograd.compiling.forms import Executor
from autograd.compiling.lowering import Lowered, lower
from autograd.compiling.tracing import trace

GATES, SAMPLES, INPUTS, WEIGHTS, REPEATS = 10_000, 1000, 8, 100, 9
Build = Callable[[Any, Any, Any], Any]

STEPS: tuple[tuple[int, int, Callable[[Any, Any, Any], Any]], ...] = (  # gates, operands, what they do with functions m
    (1, 2, lambda m, a, b: a + b),
    (1, 2, lambda m, a, b: a * b),
    (1, 2, lambda m, a, b: a - b),
    (1, 1, lambda m, a, b: m.tanh(a)),
    (3, 2, lambda m, a, b: a / (2 + m.sin(b))),
    (1, 2, lambda m, a, b: m.maximum(a, b)),
    (1, 1, lambda m, a, b: 0.5 * a),
    (1, 1, lambda m, a, b: m.sigmoid(a)),
)


def irregular(seed: int = 0) -> Build:
    """Return a function (m, x, w): gates on any two earlier ones, in all GATES, every one of which counts and varies."""
    rng = Random(seed)
    steps: list[tuple[Callable[[Any, Any, Any], Any], int, int]] = []
    unused, gates = set(range(WEIGHTS)), WEIGHTS
    while gates + 2 * len(unused) < GATES:
        more, operands, step = rng.choice(STEPS)
        a, b = rng.randrange(WEIGHTS + len(steps)), rng.randrange(WEIGHTS + len(steps))
        unused -= {a, b} if operands == 2 else {a}
        unused.add(WEIGHTS + len(steps))
        steps.append((step, a, b))
        gates += more

    def function(m: Any, x: Any, w: Any) -> Any:
        found = [v + x[i % INPUTS] for i, v in enumerate(w)]
        for step, a, b in steps:
            found.append(step(m, found[a], found[b]))
        total = m.tanh(found[min(unused)])
        for i in sorted(unused)[1:]:
            total = total + m.tanh(found[i])
        return total

    return function


def by_casadi(build: Build, weights: Any, X: Any) -> Callable[[], Any]:
    """The loss of each sample and its gradient by casadi's virtual machine."""
    import casadi

    class Functions:
        tanh, sin, maximum = casadi.tanh, casadi.sin, casadi.fmax

        @staticmethod
        def sigmoid(x: Any) -> Any:
            return 1 / (1 + casadi.exp(-x))

    x, w = casadi.SX.sym("x", INPUTS), casadi.SX.sym("w", WEIGHTS)
    loss = build(Functions, [x[i] for i in range(INPUTS)], [w[i] for i in range(WEIGHTS)])
    mapped = casadi.Function("f", [x, w], [loss, casadi.gradient(loss, w)]).map(SAMPLES, "serial")
    columns = np.ascontiguousarray(X.T)

    def step() -> Any:
        losses, gradients = mapped(columns, weights)
        return np.array(losses).mean(), np.array(gradients).mean(1)

    return step


def as_c(lowered: Lowered) -> str:
    """Return the scalar program as C: a statement an operation, on vectors of 8 samples."""
    program, lines = lowered.program, []
    infix = {"add": " + ", "mul": " * ", "div": " / "}
    for i in program.needed([*lowered.outputs, *lowered.gradients]):
        op, args = program.ops[i], [f"t{a}" for a in program.args[i]]
        if op == "total":
            continue
        if op in ("const", "param", "input", "seed"):
            place = program.key[i]
            text = {"param": f"w[{place}]", "seed": "seed", "input": f"x[{place[1]}]" if op == "input" else ""}.get(op)
            text = text if op == "input" else f"(V){{}} + {text or repr(place)}"
        elif op in infix:
            text = infix[op].join(args)
        elif op in ("<", "<=", ">", ">="):
            text = f"pick({args[0]} {op} {args[1]}, (V){{}} + 1.0, (V){{}})"
        elif op == "where":
            text = f"pick({args[0]} != 0.0, {args[1]}, {args[2]})"
        elif op == "maximum":
            text = f"pick({args[0]} > {args[1]}, {args[0]}, {args[1]})"
        else:
            text = f"v_{op}({', '.join(args)})"
        lines.append(f"V t{i} = {text};")
    lines.append(f"*cost = t{lowered.outputs[0]};")
    for p, i in enumerate(lowered.gradients):
        terms = [" * ".join(f"t{a}" for a in program.args[t]) for t in program.needed([i]) if program.ops[t] == "total"]
        lines.append(f"gradient[{p}] += {terms[0]};")
    functions = "".join(
        f"static __attribute__((noinline)) V v_{name}(V x) "
        f"{{ V y; for (int k = 0; k < 8; k++) y[k] = {called}(x[k]); return y; }}\n"
        for name, called in {
            "exp": "fast_exp",
            "tanh": "fast_tanh",
            "sin": "fast_sin",
            "cos": "fast_cos",
            "abs": "fabs",
        }.items()
    )
    body = "\n    ".join(lines)
    return f"""\
#include "functions.h"
typedef double V __attribute__((vector_size(64)));
typedef int64_t I __attribute__((vector_size(64)));
static inline V pick(I m, V a, V b) {{ return (V)((m & (I)a) | (~m & (I)b)); }}
{functions}static void block(const double *w, const V *x, double seed, V *cost, V *gradient) {{
    {body}
}}
void run_all(const double *w, const V *x, int64_t blocks, V *cost, V *gradient) {{
    for (int64_t i = 0; i < blocks; i++) block(w, x + i * {INPUTS}, 1.0 / (8 * blocks), cost + i, gradient);
}}
"""


def by_c(lowered: Lowered, weights: Any, X: Any) -> Callable[[], Any]:
    """The same, compiled as C."""
    folder = Path(tempfile.mkdtemp())
    (folder / "program.c").write_text(as_c(lowered), encoding="utf-8")
    include = Path(machine.__file__).parent
    flags = ["-O2", "-march=native", "-fno-math-errno", "-fno-trapping-math", "-shared", "-fPIC", f"-I{include}"]
    flags += [
        "-fno-tree-pre",
        "-fno-gcse",
        "-fno-tree-vrp",
        "-fno-schedule-insns2",
        "-fno-tree-fre",
    ]  # twice as fast as -O3
    subprocess.run(["cc", *flags, "program.c", "-o", "program.so", "-lm"], cwd=folder, check=True)
    library = ctypes.CDLL(str(folder / "program.so"))
    shutil.rmtree(folder)

    def aligned(n: int) -> Any:
        memory = np.zeros(n + 8)
        start = -memory.ctypes.data // 8 % 8
        return memory[start : start + n]

    x, costs, gradients = aligned(X.size), aligned(SAMPLES), aligned(8 * WEIGHTS)
    x[:] = X.reshape(-1, 8, INPUTS).transpose(0, 2, 1).ravel()
    pointers = [array.ctypes.data_as(ctypes.c_void_p) for array in (weights, x, costs, gradients)]

    def step() -> Any:
        gradients[:] = 0.0
        library.run_all(*pointers[:2], ctypes.c_int64(SAMPLES // 8), *pointers[2:])
        return costs.mean(), gradients.reshape(WEIGHTS, 8).sum(1)

    return step


def run(limit: bool = False) -> None:
    """Print nanoseconds for each gate and sample, and how many times as fast as casadi that is."""
    build = irregular()
    rng = Random(0)
    w = [Value(rng.uniform(-1, 1)) for _ in range(WEIGHTS)]
    weights, X = np.array([v.data for v in w]), np.random.default_rng(0).normal(size=(SAMPLES, INPUTS))

    def loss(x: Any) -> Any:
        return build(autograd, x, w)

    jobs: dict[str, Callable[[], Any]] = {}
    made: dict[str, float] = {}

    def add(name: str, make: Callable[[], Callable[[], Any]]) -> None:
        start = time.perf_counter()
        jobs[name] = make()
        made[name] = time.perf_counter() - start

    def program(executor: Executor) -> Callable[[], Any]:
        compiled = compile(loss, w, executor=executor, x=INPUTS)
        return lambda: compiled.value_and_grad(X)

    if machine.native:
        add("tape", lambda: program("tape"))
        add("statements", lambda: program("native"))
    add("NumPy", lambda: program("numpy"))
    if importlib.util.find_spec("casadi"):
        add("casadi", lambda: by_casadi(build, weights, X))
    if limit and shutil.which("cc"):
        traced = trace(loss, {"x": INPUTS})
        lowered = lower(traced.outputs, traced.inputs, w, True)
        add("compiled C", lambda: by_c(lowered, weights, X))
    cost, gradient = jobs["NumPy"]()
    for name, job in jobs.items():
        found = job()
        if not (np.isclose(found[0], cost, rtol=1e-9) and np.allclose(found[1], gradient, rtol=1e-9, atol=1e-9)):
            raise AssertionError(f"{name} gives another cost or gradient: {found[0]}, not {cost}")
    times: dict[str, list[float]] = {name: [] for name in jobs}
    for _ in range(REPEATS):
        for name, job in jobs.items():
            start = time.process_time()
            job()
            times[name].append(time.process_time() - start)
    peer = median(times.get("casadi", times["NumPy"]))
    print(
        f"irregular graph of {GATES:,} gates, {SAMPLES:,} samples, nanoseconds for each gate and sample, cost and gradient:"
    )
    for name, found in times.items():
        each = median(found) / GATES / SAMPLES * 1e9
        print(f"{name:12} {each:6.2f} ({peer / median(found):.1f} × casadi), made in {made[name]:.1f} s", flush=True)


if __name__ == "__main__":
    run(limit=True)
