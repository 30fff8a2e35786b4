"""A fuzzer of compile: random networks and irregular graphs, whose program must give what the eager engine gives.

`python -m tests.fuzz 5000` runs that many cases and prints the seed of every one that fails; the tests run a sample. Each
case is a function of scalars on one sample: layers in every spelling that people use, with shared, tied, frozen and unused
weights, parts that depend on no input, constants of very different sizes, derivatives in the loss and penalties with a
coefficient for each parameter, composed at random. It is called several times, with other parameters and with batches of
other sizes, on NumPy and, where the C machine is there, natively and as a tape; with --jax and --torch on these too.
With --c or --js they are written as C or JavaScript instead, many programs a compilation or a process, and run there.
Where rounding leaves one of these and the engine apart, the same program in long doubles is the judge, and for float32 also
how far a rounding of the inputs moves it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np

import autograd
from autograd import Value
from autograd.compiling import CompiledProgram, compile
from autograd.compiling.batches import Dtype
from autograd.compiling.forms import Executor
from autograd.compiling.machine import native
from tests import exports

EXECUTORS: tuple[Executor, ...] = ("numpy", "tape", "native") if native else ("numpy",)
AGREE = {"float64": 1e-10, "float32": 1e-5}  # what rounding may leave between two ways to compute a number
JUDGED = {"float64": 1e-9, "float32": 1e-4}  # and between one of these and the same in long doubles
CHUNK = 50  # cases in a file, or a task of a process
SLOW = 10  # one case in so many is run in the ways that take long: without its gradient, and compiled by JAX as a whole
Vector = list[Any]
Result = tuple[float, Any]  # a cost and its gradient


class Case(NamedTuple):
    """A loss of one sample, the parameters that it is differentiated in, the sizes of its inputs, and those of its batches."""

    loss: Callable[[Vector, Vector], Any]
    parameters: list[Value]
    x: int
    y: int
    dtype: Dtype
    batches: list[int]


OPERATIONS: list[Callable[[Any, Any], Any]] = [
    lambda a, b: a + b, lambda a, b: a * b, lambda a, b: a - b, lambda a, b: autograd.tanh(a),
    lambda a, b: a / (2 + autograd.sin(b)), lambda a, b: autograd.maximum(a, b), lambda a, b: 0.5 * a,
    lambda a, b: autograd.sigmoid(a),
]  # fmt: skip


class Builder:
    """Draws layers; what it returns are functions of a vector, whose weights it keeps."""

    def __init__(self, seed: int) -> None:
        self.rng = Random(seed)
        self.dtype: Dtype = "float32" if self.rng.random() < 0.25 else "float64"
        self.parameters: list[Value] = []
        self.matrices: list[list[list[Value]]] = []

    def weight(self) -> Value:
        role = "constant" if self.rng.random() < 0.05 else "parameter"
        value = Value(self.rng.uniform(-1, 1), role=role)
        if role == "parameter":
            self.parameters.append(value)
        return value

    def vector(self, n: int) -> list[Value]:
        return [self.weight() for _ in range(n)]

    def matrix(self, rows: int, columns: int) -> list[list[Value]]:
        fitting = [m for m in self.matrices if len(m) == rows and len(m[0]) == columns]
        if fitting and self.rng.random() < 0.3:
            return self.rng.choice(fitting)  # shared
        turned = [m for m in self.matrices if len(m) == columns and len(m[0]) == rows]
        if turned and self.rng.random() < 0.5:
            return [list(row) for row in zip(*self.rng.choice(turned), strict=True)]  # tied
        found = [self.vector(columns) for _ in range(rows)]
        self.matrices.append(found)
        return found

    def affine(self, W: list[list[Value]], x: Vector, b: list[Value] | None, style: int) -> Vector:
        """Wx + b in one of the ways that people write it."""
        rows = []
        for j, row in enumerate(W):
            shift: Any = b[j] if b else 0.0
            if style == 0:
                rows.append(autograd.dot(row, x, shift))
            elif style == 1:
                rows.append(sum((w * v for w, v in zip(row, x, strict=True)), shift))
            elif style == 2:
                total: Any = 0.0
                for w, v in reversed(list(zip(row, x, strict=True))):
                    total = total - (-v) * w
                rows.append(total + shift)
            else:
                rows.append(autograd.sum([w * v for w, v in zip(row, x, strict=True)]) + shift)
        return rows

    def layer(self, n: int) -> tuple[Callable[[Vector], Vector], int]:
        """Return a random layer on n inputs, and the number of its outputs."""
        kinds = [
            self.dense, self.dense, self.elementwise, self.elementwise, self.convolution, self.recurrence, self.skip,
            self.concat, self.attention, self.normalisation, self.softmax, self.pooling, self.sparse, self.irregular,
            self.slices, self.scaled, self.steady, self.equal, self.sized,
        ]  # fmt: skip
        return self.rng.choice(kinds)(n)

    def dense(self, n: int) -> tuple[Callable[[Vector], Vector], int]:
        m = self.rng.randint(1, 5)
        W, b = self.matrix(m, n), self.vector(m) if self.rng.random() < 0.8 else None
        style, gate = self.rng.randrange(4), self.gate()
        return lambda x: [gate(v) for v in self.affine(W, x, b, style)], m

    def gate(self) -> Callable[[Any], Any]:
        choices: list[Callable[[Any], Any]] = [
            autograd.tanh, autograd.sigmoid, autograd.relu, autograd.softplus, autograd.elu, autograd.sin,
            lambda v: v, lambda v: autograd.leaky_relu(v, 0.2), lambda v: autograd.maximum(v, -v) * 0.5,
        ]  # fmt: skip
        return self.rng.choice(choices)

    def elementwise(self, n: int) -> tuple[Callable[[Vector], Vector], int]:
        a, b, c = self.gate(), self.gate(), self.rng.choice([0.5, 2.0, -1.0, 3.0])
        forms: list[Callable[[Any], Any]] = [
            lambda v: a(v) * b(v), lambda v: a(v) + c * b(v), lambda v: a(v) / (1 + v * v), lambda v: c - a(v) * v,
            lambda v: autograd.where(v, a(v), b(v)), lambda v: autograd.exp(-(v**2)), lambda v: (v * v + 1) ** 0.5,
            lambda v: autograd.minimum(v, c) + autograd.log(1 + v * v), lambda v: (2 + autograd.sin(v)) ** a(v),
        ]  # fmt: skip
        form = self.rng.choice(forms)
        return lambda x: [form(v) for v in x], n

    def convolution(self, n: int) -> tuple[Callable[[Vector], Vector], int]:
        """A kernel along the vector, with or without zero padding."""
        size = self.rng.randint(1, min(3, n))
        pad, filters = self.rng.choice([0, 0, 1]), self.rng.randint(1, 2)
        K, b = self.matrix(filters, size), self.vector(filters)
        width = n + 2 * pad - size + 1

        def run(x: Vector) -> Vector:
            padded = [*[0.0] * pad, *x, *[0.0] * pad]
            return [
                autograd.tanh(autograd.dot(row, padded[i : i + size], c))
                for row, c in zip(K, b, strict=True)
                for i in range(width)
            ]

        return run, filters * width

    def recurrence(self, n: int) -> tuple[Callable[[Vector], Vector], int]:
        m = self.rng.randint(1, 3)
        W, U, b, style = self.matrix(m, 1), self.matrix(m, m), self.vector(m), self.rng.randrange(4)

        def run(x: Vector) -> Vector:
            h: Vector = [0.0] * m
            for v in x[:3]:
                pre = self.affine(U, h, b, style)
                h = [autograd.tanh(p + w[0] * v) for p, w in zip(pre, W, strict=True)]
            return h

        return run, m

    def skip(self, n: int) -> tuple[Callable[[Vector], Vector], int]:
        W, b, style = self.matrix(n, n), self.vector(n), self.rng.randrange(4)
        return lambda x: [v + autograd.tanh(z) for v, z in zip(x, self.affine(W, x, b, style), strict=True)], n

    def concat(self, n: int) -> tuple[Callable[[Vector], Vector], int]:
        (f, p), (g, q) = self.dense(n), self.elementwise(n)
        return lambda x: [*f(x), *g(x)], p + q

    def attention(self, n: int) -> tuple[Callable[[Vector], Vector], int]:
        d = self.rng.randint(1, 3)
        Q, K, V = (self.matrix(d, 1) for _ in range(3))

        def run(x: Vector) -> Vector:
            tokens = x[:3]
            q, k, v = ([[w[0] * t for w in M] for t in tokens] for M in (Q, K, V))
            out: Vector = []
            for query in q:
                scores = [autograd.dot(query, key) for key in k]
                norm = autograd.logsumexp(scores)
                weights = [autograd.exp(s - norm) for s in scores]
                out += [autograd.dot(weights, [row[j] for row in v]) for j in range(d)]
            return out

        return run, d * min(3, n)

    def normalisation(self, n: int) -> tuple[Callable[[Vector], Vector], int]:
        g, b = self.vector(n), self.vector(n)

        def run(x: Vector) -> Vector:
            mean = sum(x) / n
            scale = (sum((v - mean) ** 2 for v in x) / n + 0.1) ** -0.5
            return [w * (v - mean) * scale + c for w, v, c in zip(g, x, b, strict=True)]

        return run, n

    def softmax(self, n: int) -> tuple[Callable[[Vector], Vector], int]:
        plain = self.rng.random() < 0.5

        def run(x: Vector) -> Vector:
            if plain:
                powers = [autograd.exp(autograd.sin(v)) for v in x]
                total = sum(powers)
                return [p / total for p in powers]
            norm = autograd.logsumexp(x)
            return [autograd.exp(v - norm) for v in x]

        return run, n

    def pooling(self, n: int) -> tuple[Callable[[Vector], Vector], int]:
        size, kind = self.rng.randint(1, n), self.rng.choice([autograd.max, autograd.sum, autograd.logsumexp])
        return lambda x: [kind(x[i : i + size]) for i in range(n - size + 1)], n - size + 1

    def sparse(self, n: int) -> tuple[Callable[[Vector], Vector], int]:
        """Neurons that take some inputs only, each its own."""
        m = self.rng.randint(1, 4)
        places = [sorted(self.rng.sample(range(n), self.rng.randint(1, n))) for _ in range(m)]
        W, b = [self.vector(len(p)) for p in places], self.vector(m)
        return lambda x: [autograd.dot(w, [x[i] for i in p], c).tanh() for w, p, c in zip(W, places, b, strict=True)], m

    def irregular(self, n: int) -> tuple[Callable[[Vector], Vector], int]:
        """A random graph of gates with sharing."""
        steps = [
            (self.rng.randrange(len(OPERATIONS)), self.rng.random(), self.rng.random())
            for _ in range(self.rng.randint(3, 25))
        ]
        weights, outputs = self.vector(3), self.rng.randint(1, 4)

        def run(x: Vector) -> Vector:
            found: Vector = [*x, *weights]
            for op, p, q in steps:
                found.append(OPERATIONS[op](found[int(p * len(found))], found[int(q * len(found))]))
            return [autograd.tanh(v) for v in found[-outputs:]]

        return run, outputs

    def slices(self, n: int) -> tuple[Callable[[Vector], Vector], int]:
        order = [self.rng.randrange(n) for _ in range(self.rng.randint(1, n + 1))]
        return lambda x: [x[i] for i in order], len(order)

    def scaled(self, n: int) -> tuple[Callable[[Vector], Vector], int]:
        w, c = self.vector(n), [self.rng.choice([1.0, -1.0, 0.0, 0.3]) for _ in range(n)]
        return lambda x: [a * v + k for a, v, k in zip(w, x, c, strict=True)], n

    def alone(self) -> Callable[[], Any]:
        """Return what makes a Value that depends on no input: a weight, a number, or a function of these."""
        w, v, c = self.weight(), self.weight(), self.rng.choice([0.0, 1.0, -0.5, 2.0])
        forms: list[Callable[[], Any]] = [
            lambda: w, lambda: w, lambda: autograd.exp(w), lambda: w * v, lambda: autograd.exp(w) * v, lambda: w + c,
            lambda: autograd.where(w, v, c), lambda: autograd.tanh(w - v), lambda: w * w + v, lambda: Value(c) * 1.0,
            lambda: autograd.max([w, v, c]), lambda: autograd.dot([w, v], [v, w], c),
        ]  # fmt: skip
        return self.rng.choice(forms)

    def steady(self, n: int) -> tuple[Callable[[Vector], Vector], int]:
        """Outputs that depend on no input, alone, beside the others or within them."""
        makers, kind = [self.alone() for _ in range(self.rng.randint(1, 3))], self.rng.randrange(4)

        def run(x: Vector) -> Vector:
            found = [make() for make in makers]
            if kind == 0:
                return found
            if kind == 1:
                return [*found, *x]
            return [v * found[0] if kind == 2 else v + found[-1] for v in x]

        return run, [len(makers), len(makers) + n, n, n][kind]

    def equal(self, n: int) -> tuple[Callable[[Vector], Vector], int]:
        """Choices between equal branches, and other functions of the inputs that simplify to what depends on none."""
        make, other, kind = self.alone(), self.alone(), self.rng.randrange(6)

        def form(v: Any) -> Any:
            a = make()
            forms: list[Callable[[], Any]] = [
                lambda: autograd.where(v, a, a), lambda: autograd.where(v, make(), make()) * v,
                lambda: autograd.where(v, a, autograd.where(v - 1, a, a)) * v * v, lambda: (a + 0 * v) * v,
                lambda: a * v**0, lambda: autograd.where(v, a, other()) - other(),
            ]  # fmt: skip
            return forms[kind]()

        return lambda x: [form(v) for v in x], n

    def sized(self, n: int) -> tuple[Callable[[Vector], Vector], int]:
        """Constants of very different sizes, which must be taken in the order in which they are written."""
        sizes = [3e8, 1e16, 1e30] + [1e160, 1e300] * (self.dtype == "float64")
        large = self.rng.choice(sizes)
        small = 1 / large
        w, kind, a, b = self.weight(), self.rng.randrange(7), self.gate(), self.rng.choice([1.0, -3.0, 0.1])

        def numbers() -> Any:
            return Value(1e16, role="constant") - b + 2 - 1e16

        forms: list[Callable[[Any], Any]] = [
            lambda v: v + numbers(), lambda v: v * numbers(), lambda v: v * small * large, lambda v: v * large * small,
            lambda v: (v + w * 1e16 - b + 2) * 1e-16, lambda v: v + autograd.sum([1e16, b, 2.0, -1e16]) + small,
            lambda v: (v * small) * (w * large) / (v * v + 1),
        ]  # fmt: skip
        return lambda x: [a(forms[kind](v)) for v in x], n

    def penalty(self) -> Callable[[], Any] | None:
        """Return terms of the loss in the parameters alone: with one coefficient, or another for each or for some of them."""
        p, rng = list(self.parameters), self.rng
        kind = rng.randrange(10)
        if kind > 5 or not p:
            return None
        several = rng.choice([[0.1], [0.1, -0.2], [0.0, 0.1, 1.0]])
        c = [rng.uniform(-1, 1) if kind % 2 else rng.choice(several) for _ in p]
        if rng.random() < 0.2:
            rng.shuffle(p)
        forms: list[Callable[[], Any]] = [
            lambda: autograd.dot(p, c), lambda: autograd.sum([a * v * v for a, v in zip(c, p, strict=True)]),
            lambda: sum(a * v + 0.5 * v**2 for a, v in zip(c, p, strict=True)),
        ]  # fmt: skip
        return forms[kind // 2]


def case(seed: int) -> Case:
    """Return the case of a seed."""
    build = Builder(seed)
    rng = build.rng
    n = size = rng.randint(1, 5)
    layers = []
    for _ in range(rng.randint(1, 4)):
        layer, n = build.layer(n)
        n = min(n, 8)
        layers.append((layer, n))
    bare = rng.random() < 0.05  # the loss is one number that depends on no input
    if bare:
        make, n = build.alone(), 1
        layers = [(lambda x: [make()], 1)]
    build.weight()  # used by nothing
    samples = 1 if bare else rng.choice([1, 1, 1, 2])  # in one graph
    targets = n
    kind, penalty = 3 if bare else rng.randrange(5), build.penalty()
    differentiated = not bare and rng.random() < 0.1
    batches = [rng.randint(1, 4)]
    batches += [batches[0], rng.choice([1, 2, 5, 17])][: rng.randrange(3)]

    def network(x: Vector) -> Vector:
        for layer, m in layers:
            x = layer(x)[:m]
        return x

    def one(x: Vector, y: Vector) -> Any:
        out = network(x)
        if kind == 0:
            return sum((o - t) ** 2 for o, t in zip(out, y, strict=True))
        if kind == 1:
            return autograd.logsumexp(out) - autograd.dot(y, out)
        if kind == 2:
            return autograd.sum([autograd.relu(1 - t * o) for o, t in zip(out, y, strict=True)])
        return out[-1] if kind == 3 else autograd.sum(out) * 0.5 + (y[0] - out[-1]) ** 2 / 3

    def loss(x: Vector, y: Vector) -> Any:
        parts = [one(x[i * size : (i + 1) * size], y[i * targets : (i + 1) * targets]) for i in range(samples)]
        total = sum(parts) / samples if samples > 1 else parts[0]
        if differentiated:
            total = total + 0.1 * autograd.grad(lambda v: one([v, *x[1:size]], y[:targets]))(x[0])
        return total if penalty is None else total + penalty()

    if bare and rng.random() < 0.5:  # and has no inputs at all
        size = targets = 0
    return Case(loss, build.parameters, size * samples, targets * samples, build.dtype, batches)


def batch(found: Case, n: int, rng: np.random.Generator) -> tuple[Any, Any]:
    return rng.normal(size=(n, found.x)).astype(found.dtype), rng.normal(size=(n, found.y)).astype(found.dtype)


def eager(found: Case, X: Any, Y: Any) -> Result:
    """The cost and its gradient by the scalar engine, sample by sample."""
    for p in found.parameters:
        p.grad = 0.0
    cost = 0.0
    for x, y in zip(X.tolist(), Y.tolist(), strict=True):
        loss = found.loss(list(map(Value, x)), list(map(Value, y)))
        if loss.gate is not None or loss.role != "constant":
            loss.backward(1 / len(X))
        cost += loss.data / len(X)
    return cost, np.array([p.grad for p in found.parameters])


def agrees(expected: Result, found: Result, tolerance: float = 1e-10) -> bool:
    (a, g), (b, h) = expected, found
    size = 1 + float(np.abs(g).max(initial=0.0))
    return abs(a - b) <= tolerance * (1 + abs(a)) and bool(np.all(np.abs(g - h) <= tolerance * size))


def judge(program: CompiledProgram, *batches: Any, rounding: float = 0.0) -> Result:
    """The same program in long doubles, of the engine's numbers (a float32 program rounds them), moved by so much."""
    rng = np.random.default_rng(0)
    numbers = [np.asarray(a, np.longdouble) for a in ([p.data for p in program.parameters], *batches)]
    moved = [a * (1 + rounding * rng.choice([-1, 1], a.shape)) for a in numbers]
    found: Result = program.run_on(np, *moved)
    return found


def compiled(seed: int) -> tuple[CompiledProgram, Any, Any, Result] | None:
    """Return the program of a case in doubles, a batch, and what it gives on NumPy; None where that overflows or there
    are no inputs."""
    found = case(seed)._replace(dtype="float64")
    if not found.x:
        return None
    X, Y = batch(found, 4, np.random.default_rng(seed))
    program = compile(found.loss, found.parameters, executor="numpy", x=found.x, y=found.y)
    try:
        return program, X, Y, program.value_and_grad(X, Y)
    except FloatingPointError:
        return None


class Ways:
    """The ways to run a case: its programs, what they give in each, and the judge of these."""

    def __init__(self, found: Case, others: Sequence[str], slow: bool) -> None:
        sizes: dict[str, Any] = {"x": found.x, "y": found.y} if found.x else {}
        loss = found.loss if found.x else lambda: found.loss([], [])
        self.programs = [compile(loss, found.parameters, executor=e, dtype=found.dtype, **sizes) for e in EXECUTORS]
        first = self.programs[0]
        self.ways: dict[str, Callable[..., Result]] = {
            executor: program.value_and_grad for executor, program in zip(EXECUTORS, self.programs, strict=True)
        }
        self.ways["as printed"] = lambda *batches: first.run_on(np, first.flat, *batches)
        if slow:  # another program is compiled for it
            self.ways["as a function"] = lambda *batches: (first(*batches), first.value_and_grad(*batches)[1])
        for name in others:
            self.ways[name] = partial(OTHERS[name], first, slow)

    def assign(self, numbers: Sequence[float], rng: Random) -> None:
        """Give the parameters other numbers, one by one or all at once."""
        if rng.random() < 0.5:
            for p, x in zip(self.programs[0].parameters, numbers, strict=True):
                p.data = x
        else:
            rng.choice(self.programs).flat = numbers

    def apart(self, expected: Result, *batches: Any) -> str:
        """Say which way gives something else than the engine, if one does."""
        return apart(self.programs[0], expected, {name: way(*batches) for name, way in self.ways.items()}, *batches)


def apart(program: CompiledProgram, expected: Result, results: Mapping[str, Result], *batches: Any) -> str:
    """Say which result of a program is not that of the engine, if one is: by the judge, where rounding may be the cause."""
    exact, slack = None, 0.0
    for name, result in results.items():
        if agrees(expected, result, AGREE[program.dtype]):
            continue
        if exact is None:
            exact = judge(program, *batches)
            slack = JUDGED[program.dtype] + sensitivity(program, exact, *batches)
        if not (agrees(exact, result, slack) and agrees(exact, expected, JUDGED["float64"])):
            gap = np.abs(expected[1] - result[1]).max(initial=0.0)
            return f"{name}: eager {expected[0]!r}, compiled {float(result[0])!r}, gradients apart by {gap}"
    return ""


def sensitivity(program: CompiledProgram, exact: Result, *batches: Any) -> float:
    """How far a rounding of the inputs to float32 moves the results, relative to these, a few times over."""
    if program.dtype == "float64":
        return 0.0
    moved = judge(program, *batches, rounding=1e-6)
    cost = abs(moved[0] - exact[0]) / (1 + abs(exact[0]))
    slope = np.abs(moved[1] - exact[1]).max(initial=0.0) / (1 + np.abs(exact[1]).max(initial=0.0))
    return 10 * float(max(cost, slope))


def on_jax(program: CompiledProgram, slow: bool, *batches: Any) -> Result:
    import jax

    jax.config.update("jax_enable_x64", True)
    function = _function(program, "jax") if not slow else jax.jit(_function(program, "jax"))
    cost, gradient = function(program.flat, *batches)
    return float(cost), np.asarray(gradient)


def on_torch(program: CompiledProgram, slow: bool, *batches: Any) -> Result:
    import torch

    cost, gradient = _function(program, "torch")(*map(torch.tensor, (program.flat, *batches)))
    return float(cost), gradient.numpy()


@cache
def _function(program: CompiledProgram, name: str) -> Callable[..., Any]:
    return program.to_jax() if name == "jax" else program.on_torch()


OTHERS: dict[str, Callable[..., Result]] = {"jax": on_jax, "torch": on_torch}


def run(seed: int, others: Sequence[str] = ()) -> str:
    """Return what is wrong with the case of a seed, by every executor and in other ways; nothing if all agrees."""
    found = case(seed)
    rng, numbers = Random(seed), np.random.default_rng(seed)
    ways: Ways | None = None
    for call, n in enumerate(found.batches):
        X, Y = batch(found, n, numbers)
        try:
            if ways is None:
                for p in found.parameters:
                    p.data = float(np.asarray(p.data, found.dtype))
            else:
                ways.assign([float(x) for x in numbers.uniform(-1, 1, len(found.parameters)).astype(found.dtype)], rng)
            expected = eager(found, X, Y)
        except (ArithmeticError, ValueError):
            return ""  # outside the domain of a gate
        if not np.isfinite([expected[0], *expected[1]]).all():
            return ""
        ways = ways or Ways(found, others, seed % SLOW == 0)
        complaint = ways.apart(expected, *([X, Y] if found.x else []))
        if complaint:
            return f"seed {seed}, call {call}, {found.dtype}, {complaint}"
    return ""


class Written(NamedTuple):
    """A case to be run in another language: its program, and calls of it as numbers of the parameters and batches."""

    seed: int
    program: CompiledProgram
    calls: list[tuple[Any, list[Any]]]
    expected: list[Result]


def written(seed: int) -> Written | None:
    """Return the case of a seed with what the engine gives; None where that is not finite."""
    found, numbers = case(seed), np.random.default_rng(seed)
    sizes: dict[str, Any] = {"x": found.x, "y": found.y} if found.x else {}
    loss = found.loss if found.x else lambda: found.loss([], [])
    made = Written(seed, compile(loss, found.parameters, dtype=found.dtype, **sizes), [], [])
    for call, n in enumerate(found.batches):
        X, Y = batch(found, n, numbers)
        if call:
            made.program.flat = numbers.uniform(-1, 1, len(found.parameters)).astype(found.dtype)
        else:
            made.program.flat = made.program.flat.copy()  # rounded, so that the engine has the same numbers
        try:
            expected = eager(found, X, Y)
        except (ArithmeticError, ValueError):
            return None
        if not np.isfinite([expected[0], *expected[1]]).all():
            return None
        made.calls.append((made.program.flat.copy(), [X, Y] if found.x else []))
        made.expected.append(expected)
    return made


def elsewhere(language: str, seeds: Sequence[int]) -> list[str]:
    """Return what is wrong with the cases of seeds in another language: all of them in one file, or in one process."""
    cases = [made for seed in seeds for made in [written(seed)] if made is not None]
    with TemporaryDirectory() as folder:
        run = {"c": exports.run_c, "js": exports.run_javascript}[language]
        found = run([(made.program, f"case_{made.seed}", made.calls) for made in cases], Path(folder))
    complaints = []
    for made, results in zip(cases, found, strict=True):
        for call, ((theta, batches), expected, result) in enumerate(
            zip(made.calls, made.expected, results, strict=True)
        ):
            made.program.flat = theta
            complaint = (
                result if isinstance(result, str) else apart(made.program, expected, {language: result}, *batches)
            )
            if complaint:
                complaints.append(f"seed {made.seed}, call {call}, {made.program.dtype}, {complaint}")
                break
    return complaints


def guarded(others: Sequence[str], seed: int) -> str:
    """The same, with an exception as a complaint."""
    try:
        return run(seed, others)
    except Exception as error:
        return f"seed {seed}: {type(error).__name__}: {error}"


def here(others: Sequence[str], seeds: Sequence[int]) -> list[str]:
    """Return what is wrong with the cases of seeds in this process."""
    return [complaint for seed in seeds for complaint in [guarded(others, seed)] if complaint]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.fuzz", description="Compare random programs with the engine."
    )
    parser.add_argument("cases", type=int, nargs="?", default=1000)
    parser.add_argument("start", type=int, nargs="?", default=0, help="the first seed")
    parser.add_argument("--processes", type=int, default=1)
    for name in OTHERS:
        parser.add_argument(f"--{name}", dest="others", action="append_const", const=name)
    for name in ("c", "js"):
        parser.add_argument(f"--{name}", dest="languages", action="append_const", const=name)
    given = parser.parse_args(arguments)
    seeds = range(given.start, given.start + given.cases)
    parts = [seeds[k : k + CHUNK] for k in range(0, len(seeds), CHUNK)]
    wrong = 0
    with ProcessPoolExecutor(given.processes) as pool:
        ways = [partial(elsewhere, name) for name in given.languages or ()] or [partial(here, given.others or ())]
        for complaints in (found for way in ways for found in pool.map(way, parts)):
            wrong += len(complaints)
            for complaint in complaints:
                print(complaint, flush=True)
    print(f"{given.cases} cases, {wrong} wrong")
    return wrong > 0


if __name__ == "__main__":
    sys.exit(main())
