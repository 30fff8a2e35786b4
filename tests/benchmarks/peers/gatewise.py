"""This project."""

from __future__ import annotations

import inspect
from typing import Any

from .peer import HIDDEN, Peer, Step, drawn, shown


class Gatewise(Peer):
    name, package = "gatewise", "autograd"

    def __init__(self) -> None:
        import autograd
        import nn

        self.autograd, self.nn, self.leaf = autograd, nn, autograd.Value

    @property
    def modules(self) -> list[str]:
        return ["autograd", "nn"]

    def edges(self) -> str:
        x = self.leaf(3.0)
        return str(len((x + x).inputs))

    def second(self) -> str:
        return f"yes: {self.autograd.grad(self.autograd.grad(lambda x: x**3))(2.0):g}"

    def log(self) -> str:
        try:
            return str(self.autograd.log(self.leaf(0.0)))
        except ValueError as error:
            return f"ValueError that says “{str(error).rpartition('(')[2].strip(')')}”"

    def drawing(self) -> str:
        x = self.leaf(3.0)
        y = x * x + x
        text = self.autograd.to_dot(y)
        y.backward()
        return shown(text, self.autograd.to_dot(y))

    def words(self) -> str:
        x = self.leaf(3.0)
        y = x * x
        y.backward()
        return "yes" if "upstream × local = downstream" in repr(self.autograd.explain(y)) else "no"

    def nodes(self) -> str:
        a = [[self.leaf(1.0) for _ in range(10)] for _ in range(20)]
        product = [self.autograd.dot(row, column) for row in a[:10] for column in zip(*a[10:], strict=True)]
        return str(len(self.autograd.topological_order(*product)) - 200)

    def layers(self) -> str:
        public = [getattr(self.nn, name) for name in self.nn.__all__]
        kinds = [c for c in public if inspect.isclass(c) and issubclass(c, self.nn.Module)]
        return str(len(kinds) - 1)

    def _compiled(self, sizes: tuple[int, ...]) -> Any:
        model = self.nn.MLP(sizes[0], list(sizes[1:]))
        for layer, weights in zip(model.layers, drawn(sizes)[0], strict=True):
            layer.load_state_dict({"W": weights.tolist(), "b": [0.0] * len(weights)})
        return self.autograd.compile(lambda x, y: (1 - y[0] * model(x)).relu(), model, x=sizes[0], y=1)

    def device(self) -> str:
        import torch

        program = self._compiled((2, HIDDEN, 1))
        tensors = [torch.zeros(*shape, dtype=torch.float64, device="meta") for shape in ((65,), (3, 2), (3, 1))]
        return "compiled" if program.on_torch()(*tensors)[1].device.type == "meta" else "no"

    def program(self) -> str:
        text = str(self._compiled((2, HIDDEN, 1)))
        lines = [line for line in text.splitlines() if " = " in line]
        return f"{len(lines)} lines on arrays, {text.count('@')} matrix products"

    def again(self, n: int) -> Step:
        root = self.expression(n)
        leaves = [node for node in self.autograd.topological_order(root) if not node.inputs]

        def step() -> None:
            for i, leaf in enumerate(leaves):
                leaf.data = 0.2 + 0.01 * i
            root.forward()
            root.backward()

        return step

    def network(self, sizes: tuple[int, ...], X: Any, y: Any) -> Step:
        program, target = self._compiled(sizes), y[:, None]
        return lambda: float(program.value_and_grad(X, target)[0])
