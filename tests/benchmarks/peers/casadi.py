"""CasADi, whose numbers are symbols: a derivative is an expression, and a function evaluates it."""

from __future__ import annotations

import os
import warnings
from tempfile import TemporaryDirectory
from typing import Any

from .peer import HIDDEN, Peer, Step, drawn, offered, scalars, shown


class CasADi(Peer):
    name, package, beside = "CasADi", "casadi", ("pydot",)

    def __init__(self) -> None:
        import casadi

        self.casadi = casadi

    def leaf(self, x: float) -> Any:
        return self.casadi.SX.sym("x")

    def relu(self, x: Any) -> Any:
        return self.casadi.fmax(0, x)

    def function(self, f: Any, *symbols: Any) -> Any:
        every = self.casadi.veccat(*symbols)
        return self.casadi.Function("f", [every], [f, self.casadi.gradient(f, every)])

    def edges(self) -> str:
        x = self.leaf(3.0)
        return f"{(x + x).n_dep()}: it becomes {str(x + x).strip('()')}"

    def twice(self) -> str:
        x, y, z = map(self.leaf, (-2.0, 5.0, -4.0))
        f = self.function((x + y) * z, x, y, z)
        f([-2.0, 5.0, -4.0])
        return f"{float(f([-2.0, 5.0, -4.0])[1][0]):g}"

    def inner(self) -> str:
        return "symbols only"

    def second(self) -> str:
        x = self.leaf(2.0)
        curvature, _ = self.casadi.hessian(x**3, x)
        return f"yes: {float(self.casadi.Function('f', [x], [curvature])(2.0)):g}"

    def stale(self) -> str:
        x = self.leaf(2.0)
        return f"{float(self.function(x * x * x, x)(5.0)[1]):g}"

    def log(self) -> str:
        x = self.leaf(0.0)
        return str(float(self.casadi.Function("f", [x], [self.casadi.log(x)])(0.0)))

    def drawing(self) -> str:
        from casadi.tools import graph

        x = self.leaf(3.0)
        here = os.getcwd()
        with TemporaryDirectory() as folder, warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            os.chdir(folder)  # it leaves a file where it runs, and open
            try:
                text = graph.dotgraph(x * x + x).to_string()
            finally:
                os.chdir(here)
        return shown(text, text)

    def words(self) -> str:
        return offered(self.casadi, "explain")

    def chain(self, n: int) -> None:
        x = y = self.leaf(1.0)
        for i in range(n):
            y = self.casadi.sin(y) if i % 2 else y + x
        self.function(y, x)(1.0)

    def nodes(self) -> str:
        a, b = self.casadi.MX.sym("a", 10, 10), self.casadi.MX.sym("b", 10, 10)
        return str(1 + sum((a @ b).dep(i).n_dep() > 0 for i in range((a @ b).n_dep())))

    def layers(self) -> str:
        return "0" if offered(self.casadi, "Layer") == "no" else "some"

    def program(self) -> str:
        theta, x, y = (self.casadi.SX.sym(name, n) for name, n in (("theta", 4 * HIDDEN + 1), ("x", 2), ("y", 1)))
        f = self.relu(1 - y[0] * scalars(theta, x, self.relu))
        made = self.casadi.Function("f", [theta, x, y], [f, self.casadi.gradient(f, theta)])
        return f"{made.n_instructions() - made.nnz_in() - made.nnz_out()} operations on one number each"

    def record(self, n: int) -> Any:
        leaves = [self.leaf(0.0) for _ in range(9)]
        y = leaves[0]
        for i in range(n // 3):
            y = self.relu(y * leaves[i % 8] + leaves[8])
        return y, leaves

    def expression(self, n: int) -> Any:
        y, leaves = self.record(n)
        return self.function(y, *leaves)([0.1 + 0.01 * i for i in range(9)])

    def again(self, n: int) -> Step:
        y, leaves = self.record(n)
        f = self.function(y, *leaves)
        return lambda: f([0.2 + 0.01 * i for i in range(9)])

    def network(self, sizes: tuple[int, ...], X: Any, y: Any) -> Step:
        weights, biases = drawn(sizes)
        W = [self.casadi.MX.sym("W", *w.shape) for w in weights]
        b = [self.casadi.MX.sym("b", *v.shape) for v in biases]
        x, target = self.casadi.MX.sym("x", *X.T.shape), self.casadi.MX.sym("y", 1, len(X))
        a = x
        for i, (w, v) in enumerate(zip(W, b, strict=True)):
            a = w @ a + self.casadi.repmat(v, 1, len(X))
            a = self.relu(a) if i < len(W) - 1 else a
        cost = self.casadi.sum2(self.relu(1 - target * a)) / len(X)
        parts = [self.casadi.gradient(cost, p) for p in (*W, *b)]
        f = self.casadi.Function("f", [*W, *b, x, target], [cost, *parts])
        return lambda: float(f(*weights, *biases, X.T, y[None, :])[0])
