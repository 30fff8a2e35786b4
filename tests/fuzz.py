"""A fuzzer of compile: random networks and irregular graphs, whose program must give what the eager engine gives.

`python -m tests.fuzz 5000` runs that many cases and prints the seed of every one that fails; the tests run a sample. Each
case is a function of scalars on one sample: layers in every spelling that people use, with shared, tied, frozen and unused
weights, composed at random. It runs on NumPy and, where the compiled part is there, as a tape. Where rounding leaves one of
these and the engine apart, the same program in long doubles is the judge.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from random import Random
from typing import Any, NamedTuple

import numpy as np

import autograd
from autograd import Value
from autograd.compiling import CompiledProgram, compile
from autograd.compiling.tape import Executor, native

EXECUTORS: tuple[Executor, ...] = ("numpy", "tape") if native else ("numpy",)
SAMPLES = 4
Vector = list[Any]


class Case(NamedTuple):
    """A loss of one sample, the parameters that it is differentiated in, and the sizes of its inputs."""

    loss: Callable[[Vector, Vector], Any]
    parameters: list[Value]
    x: int
    y: int


OPERATIONS: list[Callable[[Any, Any], Any]] = [
    lambda a, b: a + b, lambda a, b: a * b, lambda a, b: a - b, lambda a, b: autograd.tanh(a),
    lambda a, b: a / (2 + autograd.sin(b)), lambda a, b: autograd.maximum(a, b), lambda a, b: 0.5 * a,
    lambda a, b: autograd.sigmoid(a),
]  # fmt: skip


class Builder:
    """Draws layers; what it returns are functions of a vector, whose weights it keeps."""

    def __init__(self, seed: int) -> None:
        self.rng = Random(seed)
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
            self.slices, self.scaled,
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
    build.weight()  # used by nothing
    samples = rng.choice([1, 1, 1, 2])  # in one graph
    targets = n
    kind, strength = rng.randrange(4), rng.choice([0.0, 0.0, 0.1])

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
        return autograd.sum(out) * 0.5 + (y[0] - out[-1]) ** 2 / 3

    def loss(x: Vector, y: Vector) -> Any:
        parts = [one(x[i * size : (i + 1) * size], y[i * targets : (i + 1) * targets]) for i in range(samples)]
        total = sum(parts) / samples if samples > 1 else parts[0]
        if strength and build.parameters:
            total = total + strength * autograd.sum([p * p for p in build.parameters])
        return total

    return Case(loss, build.parameters, size * samples, targets * samples)


def batch(found: Case, seed: int) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(SAMPLES, found.x)), rng.normal(size=(SAMPLES, found.y))


def eager(found: Case, X: Any, Y: Any) -> tuple[float, Any]:
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


def agrees(expected: tuple[float, Any], found: tuple[float, Any], tolerance: float = 1e-10) -> bool:
    (a, g), (b, h) = expected, found
    size = 1 + float(np.abs(g).max(initial=0.0))
    return abs(a - b) <= tolerance * (1 + abs(a)) and bool(np.all(np.abs(g - h) <= tolerance * size))


def judge(program: CompiledProgram, X: Any, Y: Any) -> tuple[float, Any]:
    """The same program in long doubles."""
    theta = program.flat.astype(np.longdouble)
    found: tuple[float, Any] = program.run_on(np, theta, X.astype(np.longdouble), Y.astype(np.longdouble))
    return found


def compiled(seed: int) -> tuple[CompiledProgram, Any, Any, tuple[float, Any]] | None:
    """Return the program of a case, a batch, and what it gives on NumPy; None where that overflows."""
    found = case(seed)
    X, Y = batch(found, seed)
    program = compile(found.loss, found.parameters, executor="numpy", x=found.x, y=found.y)
    try:
        return program, X, Y, program.value_and_grad(X, Y)
    except FloatingPointError:
        return None


def run(seed: int) -> str:
    """Return what is wrong with the case of a seed; nothing if all agrees."""
    found = case(seed)
    X, Y = batch(found, seed)
    try:
        expected = eager(found, X, Y)
    except (ArithmeticError, ValueError):
        return ""  # outside the domain of a gate
    for executor in EXECUTORS:
        program = compile(found.loss, found.parameters, executor=executor, x=found.x, y=found.y)
        result = program.value_and_grad(X, Y)
        readable = program.run_on(np, program.flat, X, Y)
        if not agrees(readable, result) and not agrees(judge(program, X, Y), result, 1e-9):
            return f"seed {seed}, {executor}: as printed {readable[0]!r}, as it runs {result[0]!r}"
        if agrees(expected, result):
            continue
        exact = judge(program, X, Y)
        if not (agrees(exact, result, 1e-9) and agrees(exact, expected, 1e-9)):
            apart = np.abs(expected[1] - result[1]).max()
            return f"seed {seed}, {executor}: eager {expected[0]!r}, compiled {result[0]!r}, gradients apart by {apart}"
    return ""


if __name__ == "__main__":
    cases = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    start = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    wrong = 0
    for seed in range(start, start + cases):
        try:
            complaint = run(seed)
        except Exception as error:
            complaint = f"seed {seed}: {type(error).__name__}: {error}"
        if complaint:
            wrong += 1
            print(complaint, flush=True)
    print(f"{cases} cases, {wrong} wrong")
    sys.exit(wrong > 0)
