"""micrograd, by its engine and its nn."""

from __future__ import annotations

from typing import Any

from .peer import Peer, Step, drawn, offered


class Micrograd(Peer):
    name, package = "micrograd", "micrograd"

    def __init__(self) -> None:
        from micrograd import engine, nn

        self.engine, self.nn, self.leaf = engine, nn, engine.Value

    @property
    def modules(self) -> list[str]:
        return ["micrograd.engine", "micrograd.nn"]

    def edges(self) -> str:
        x = self.leaf(3.0)
        return str(len((x + x)._prev))

    def log(self) -> str:
        return "has no log" if not hasattr(self.leaf(0.0), "log") else "has one"

    def drawing(self) -> str:
        return offered(self.engine, "draw", "dot", "graph", "trace").replace("no", "nothing")

    def words(self) -> str:
        return offered(self.engine, "explain")

    def network(self, sizes: tuple[int, ...], X: Any, y: Any) -> Step | None:
        if len(X) * sizes[0] * sizes[1] > 1_000_000:
            return None  # memory for so many objects is missing
        model = self.nn.MLP(sizes[0], list(sizes[1:]))
        for layer, weights in zip(model.layers, drawn(sizes)[0], strict=True):
            for neuron, row in zip(layer.neurons, weights.tolist(), strict=True):
                for w, number in zip(neuron.w, row, strict=True):
                    w.data = number

        def step() -> float:
            scores = [model(list(map(self.leaf, row))) for row in X.tolist()]
            losses = [(1 + -t * s).relu() for t, s in zip(y.tolist(), scores, strict=True)]
            model.zero_grad()
            cost = sum(losses) * (1.0 / len(losses))
            cost.backward()
            return float(cost.data)

        return step
