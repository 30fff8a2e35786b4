"""PyTorch, by its tensors."""

from __future__ import annotations

from typing import Any

from .peer import HIDDEN, Peer, Step, drawn, offered, outcome, scalars


class PyTorch(Peer):
    name, package = "PyTorch", "torch"

    def __init__(self) -> None:
        import torch

        self.torch = torch

    def leaf(self, x: float) -> Any:
        return self.torch.tensor(x, dtype=self.torch.float64, requires_grad=True)

    def edges(self) -> str:
        x = self.leaf(3.0)
        return str(len((x + x).grad_fn.next_functions))

    def inner(self) -> str:
        x, y, z = map(self.leaf, (-2.0, 5.0, -4.0))
        q = x + y
        q.retain_grad()
        (q * z).backward()
        return f"{super().inner()}, unless `retain_grad()` asks for it: {float(q.grad):g}"

    def second(self) -> str:
        x = self.leaf(2.0)
        (slope,) = self.torch.autograd.grad(x**3, x, create_graph=True)
        return f"yes: {float(self.torch.autograd.grad(slope, x)[0]):g}"

    def edit(self, x: Any, number: float) -> None:
        x.data = self.torch.tensor(number, dtype=x.dtype)

    def stale(self) -> str:
        x = self.leaf(2.0)
        y = x * x * x
        with self.torch.no_grad():
            x.fill_(5.0)
        return f"{super().stale()} by `.data`, {outcome(y.backward)} in place"

    def log(self) -> str:
        return str(self.torch.log(self.leaf(0.0)).item())

    def drawing(self) -> str:
        return offered(self.torch.autograd, "draw", "dot", "plot", "render").replace("no", "nothing")

    def words(self) -> str:
        return offered(self.torch.autograd, "explain")

    def nodes(self) -> str:
        a = self.torch.ones(10, 10, requires_grad=True)
        nodes, stack = set(), [(a @ a).grad_fn]
        while stack:
            node = stack.pop()
            nodes.add(node)
            stack.extend(inner for inner, _ in node.next_functions if inner is not None)
        return str(len([node for node in nodes if not hasattr(node, "variable")]))

    def device(self) -> str:
        return "yes" if self.leaf(1.0).to("meta").device.type == "meta" else "no"

    def program(self) -> str:
        from torch.fx.experimental.proxy_tensor import make_fx

        def loss(theta: Any, x: Any, y: Any) -> Any:
            return self.relu(1 - y[0] * scalars(theta, x, self.relu))

        numbers = [self.torch.tensor(0.1 * i) for i in range(4 * HIDDEN + 1)]
        made = make_fx(self.torch.func.grad_and_value(loss))(numbers, numbers[:2], numbers[:1])
        return f"{sum(node.op == 'call_function' for node in made.graph.nodes)} operations on one number each"

    def network(self, sizes: tuple[int, ...], X: Any, y: Any) -> Step:
        torch = self.torch
        layers: list[Any] = []
        for weights, biases in zip(*drawn(sizes), strict=True):
            layer = torch.nn.Linear(weights.shape[1], weights.shape[0], dtype=torch.float64)
            layer.load_state_dict({"weight": torch.tensor(weights), "bias": torch.tensor(biases[:, 0])})
            layers += [layer, torch.nn.ReLU()]
        model, x, target = torch.nn.Sequential(*layers[:-1]), torch.tensor(X), torch.tensor(y[:, None])

        def step() -> float:
            model.zero_grad()
            cost = torch.relu(1 - target * model(x)).mean()
            cost.backward()
            return float(cost.item())

        return step
