"""MyGrad, by its tensors."""

from __future__ import annotations

import warnings
from typing import Any

from .peer import Peer, Step, drawn, offered, shown


class MyGrad(Peer):
    name, package = "MyGrad", "mygrad"

    def __init__(self) -> None:
        import mygrad
        from mygrad import computational_graph, nnet

        self.mg, self.nnet, self.graph, self.leaf = mygrad, nnet, computational_graph, mygrad.tensor

    def relu(self, x: Any) -> Any:
        return self.mg.maximum(x, 0.0)

    def edges(self) -> str:
        x = self.leaf(3.0)
        return str(len((x + x).creator.variables))

    def edit(self, x: Any, number: float) -> None:
        x.data[...] = number

    def log(self) -> str:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            data = self.mg.log(self.leaf(0.0)).item()
        return f"{data}, {caught[0].category.__name__}" if caught else str(data)

    def drawing(self) -> str:
        x = self.leaf(3.0)
        y = x * x + x
        text = self.graph.build_graph(y, names={}).source
        y.backward()
        return shown(text, self.graph.build_graph(y, names={}).source)

    def words(self) -> str:
        return offered(self.mg, "explain")

    def nodes(self) -> str:
        a = self.mg.ones((10, 10))
        product = self.mg.matmul(a, a)
        return "1" if product.creator.variables == (a, a) else "more"

    def layers(self) -> str:
        from mygrad.nnet import layers

        return str(len(layers.__all__))

    def network(self, sizes: tuple[int, ...], X: Any, y: Any) -> Step:
        weights, biases = drawn(sizes)
        W, b = [self.leaf(w) for w in weights], [self.leaf(v) for v in biases]

        def step() -> float:
            a = X.T
            for i, (w, v) in enumerate(zip(W, b, strict=True)):
                a = self.mg.matmul(w, a) + v
                a = self.relu(a) if i < len(W) - 1 else a
            cost = self.relu(1 - y * a).mean()
            cost.backward()
            return float(cost.item())

        return step
