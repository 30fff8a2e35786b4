"""The rows of the comparison, one method each, as they are for numbers with `.grad` and `.backward()`."""

from __future__ import annotations

import inspect
import re
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable
from importlib import import_module
from itertools import pairwise
from typing import Any

import numpy as np

Step = Callable[[], Any]
HIDDEN = 16  # neurons of the network that is written in scalars


class Peer(ABC):
    """The rows, as they are for a peer whose numbers have `.grad` and `.backward()`."""

    name: str
    package: str
    beside: tuple[str, ...] = ()  # what it needs for some of the rows, and does not install by itself
    leaf: Callable[[float], Any]

    @property
    def modules(self) -> list[str]:
        """The modules that it consists of."""
        return [self.package]

    def relu(self, x: Any) -> Any:
        return x.relu()

    @abstractmethod
    def edges(self) -> str:
        """Count the inputs that the record of x + x has."""

    def twice(self) -> str:
        """Run backward twice through (x + y)·z at z = −4, and return the gradient of x."""
        x, y, z = map(self.leaf, (-2.0, 5.0, -4.0))
        f = (x + y) * z
        f.backward()

        def again() -> str:
            f.backward()
            return f"{float(x.grad):g}"

        return outcome(again)

    def inner(self) -> str:
        """Return the gradient of x + y in (x + y)·z after a backward pass."""
        x, y, z = map(self.leaf, (-2.0, 5.0, -4.0))
        q = x + y
        (q * z).backward()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return "none" if q.grad is None else f"{float(q.grad):g}"

    def second(self) -> str:
        """Differentiate x³ twice."""
        x = self.leaf(2.0)
        (x**3).backward()
        return "no" if not hasattr(x.grad, "backward") else "yes"

    def edit(self, x: Any, number: float) -> None:
        """Give a leaf another number."""
        x.data = number

    def stale(self) -> str:
        """Run backward through x³ after its leaf got another number, and return the gradient."""
        x = self.leaf(2.0)
        y = x * x * x

        def edited() -> str:
            self.edit(x, 5.0)
            y.backward()
            return f"{float(x.grad):g}"

        return outcome(edited)

    @abstractmethod
    def log(self) -> str:
        """Return what the logarithm of 0 is."""

    @abstractmethod
    def drawing(self) -> str:
        """Say what a drawing of the graph shows."""

    @abstractmethod
    def words(self) -> str:
        """Say whether something explains the gates of a graph in words."""

    def depth(self) -> str:
        """Run backward through longer and longer chains, as long as that goes well."""
        reached = 0
        for n in (100, 1_000, 10_000, 100_000):
            try:
                self.chain(n)
            except RecursionError:
                return f"{reached:,}; RecursionError at {n:,}"
            reached = n
        return f"{reached:,}"

    def chain(self, n: int) -> None:
        """Run backward through n gates, one after the other."""
        x = y = self.leaf(1.0)
        for i in range(n):
            y = y * x if i % 2 else y + x
        y.backward()

    def nodes(self) -> str:
        """Count the nodes of a product of two matrices of 10 × 10."""
        made = [self.leaf(float(i)) for i in range(200)]
        a, b = made[:100], made[100:]
        product = [sum((a[10 * i + k] * b[10 * k + j] for k in range(1, 10)), a[10 * i] * b[j])
                   for i in range(10) for j in range(10)]  # fmt: skip
        nodes: set[Any] = set()
        stack = product
        while stack:
            node = stack.pop()
            if node not in nodes:
                nodes.add(node)
                stack.extend(node._prev)
        return f"{len(nodes) - len(made):,}"

    def layers(self) -> str:
        """Count the kinds of layers on offer."""
        module = import_module(f"{self.package}.nn")
        kinds = [c for c in vars(module).values() if inspect.isclass(c) and issubclass(c, module.Module)]
        return str(len(kinds) - 1)  # without Module itself

    def device(self) -> str:
        """Tell whether numbers can be on another device: on PyTorch's "meta", which computes shapes only."""
        return "yes" if hasattr(self.leaf(1.0), "to") else "no"

    def program(self) -> str:
        """Say what the loss and gradient of a 2-16-1 net, written in scalars, become as a program."""
        return "none: recorded anew each time"

    def record(self, n: int) -> Any:
        """Return the record of a new expression of n gates: y ← relu(y·w + x), again and again."""
        leaves = [self.leaf(0.1 + 0.01 * i) for i in range(9)]
        y = leaves[0]
        for i in range(n // 3):
            y = self.relu(y * leaves[i % 8] + leaves[8])
        return y

    def expression(self, n: int) -> Any:
        """Record an expression and run backward through it."""
        y = self.record(n)
        y.backward()
        return y

    def again(self, n: int) -> Step:
        """Return a step that gives an expression's value and gradient at other numbers."""
        return lambda: self.expression(n)

    @abstractmethod
    def network(self, sizes: tuple[int, ...], X: Any, y: Any) -> Step | None:
        """Return a step that computes the gradient of a relu network's hinge loss for a batch, and returns the cost."""


def outcome(f: Callable[[], Any]) -> str:
    """Return what f returns, or the name of the exception that it raises."""
    try:
        return str(f())
    except Exception as error:
        return type(error).__name__


def offered(module: Any, *words: str) -> str:
    """Tell whether a module has a public name with one of these words in it."""
    names = [name for name in dir(module) if not name.startswith("_") and re.search("|".join(words), name)]
    return "yes" if names else "no"


def shown(before: str, after: str) -> str:
    """Say what the DOT text of x·x + x at x = 3 shows: the value 12 of the sum, and the gradient 7 that backward brings."""
    numbers = [set(map(float, re.findall(r"-?\d+\.\d+", text))) for text in (before, after)]
    parts = ["gates", *["values"] * (12.0 in numbers[1]), *["gradients"] * (7.0 in numbers[1] - numbers[0])]
    return ", ".join(parts)


def scalars(theta: Any, x: Any, relu: Callable[[Any], Any]) -> Any:
    """A 2-16-1 network, written in scalars."""
    n = HIDDEN
    hidden = [relu(theta[3 * j] * x[0] + theta[3 * j + 1] * x[1] + theta[3 * j + 2]) for j in range(n)]
    total = theta[4 * n]
    for j, h in enumerate(hidden):
        total = total + theta[3 * n + j] * h
    return total


def drawn(sizes: tuple[int, ...]) -> tuple[list[Any], list[Any]]:
    """Return weights and biases of a network."""
    rng = np.random.default_rng(0)
    return [rng.uniform(-1, 1, (n, m)) / m**0.5 for m, n in pairwise(sizes)], [np.zeros((n, 1)) for n in sizes[1:]]
