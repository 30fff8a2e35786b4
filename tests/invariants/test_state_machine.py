"""Everything that a user can do to graphs, in any order, against the naive model: numbers, gradients, staleness, errors."""

from __future__ import annotations

import copy
import math
import operator
import pickle
from collections.abc import Callable, Generator
from contextvars import copy_context
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import settings, strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

import autograd
import nn
from autograd import GATES, CompiledProgram, Value, compile, scope
from autograd.node import place_of

from ..oracle import output
from . import model
from .model import Node, comparable, refusal
from .programs import Program, exact, tame

NUMBERS = st.sampled_from([0.0, 1.0, -1.0, 0.5, 2.0, -2.0]) | st.floats(-4, 4).map(lambda x: round(x, 2))
PLACE = st.integers(0, 40)
ROLE = st.sampled_from(["input", "parameter", "constant"])
OPERATORS: dict[str, Callable[..., Any]] = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "div": operator.truediv,
    "pow": operator.pow,
    "neg": operator.neg,
    "abs": abs,
}
MOST = 30  # nodes, after which no more are recorded
Block = tuple[str, str, Generator[None, None, None]]


class Compiled(NamedTuple):
    """A program, the graph of the model that it was compiled from, and what became of that graph's leaves."""

    program: CompiledProgram
    root: Node
    copies: dict[Node, Node]
    inputs: list[Node]
    parameters: list[Node]
    baked: dict[Node, int]  # and their versions


def block(kind: str, name: str) -> Generator[None, None, None]:
    """A generator within a block: it leaves the block when it is closed, whenever that is."""
    with scope(name) if kind == "scope" else getattr(autograd, kind)():
        yield


class Engine(RuleBasedStateMachine):
    """The engine and the model, side by side."""

    def __init__(self) -> None:
        super().__init__()
        self.nodes: dict[Value, Node] = {}
        self.blocks: list[Block] = []
        self.programs: list[Compiled] = []
        self.context = copy_context()  # so that what a run leaves open does not reach into the next

    def do(self, action: Callable[[], Any]) -> Any:
        """Let the engine act; return what it gives, or the type of the error that it raises."""
        try:
            return self.context.run(action)
        except Exception as error:
            return type(error)

    def at(self, place: int) -> tuple[Value, Node]:
        """Return a node by its place, counted from the last that was recorded."""
        return [*self.nodes.items()][-1 - place % len(self.nodes)]

    def leaf_at(self, place: int) -> tuple[Value, Node]:
        leaves = [(value, node) for value, node in self.nodes.items() if node.gate is None]
        return leaves[place % len(leaves)]

    def inside(self) -> str | None:
        return "/".join(name for kind, name, _ in self.blocks if kind == "scope") or None

    def is_open(self, kind: str) -> bool:
        return any(kind == opened for opened, *_ in self.blocks)

    def pair(self, value: Value, node: Node) -> None:
        """Note that a Value and everything that it was made from are a node and its inputs."""
        if value in self.nodes:
            assert self.nodes[value] is node
            return
        assert node not in self.nodes.values(), "a node is there twice"
        assert len(value.inputs) == len(node.inputs)
        for x, y in zip(value.inputs, node.inputs, strict=True):
            self.pair(x, y)
        self.nodes[value] = node

    def values(self) -> dict[Node, Value]:
        return {node: value for value, node in self.nodes.items()}

    # Recording

    @initialize(program=tame(max_steps=4) | exact(max_steps=4))
    def begin(self, program: Program) -> None:
        for x in program.leaves:
            self.leaf(x, "parameter")
        found = [*self.nodes.items()]
        for name, places in program.steps:
            self.apply(name, [found[p] if isinstance(p, int) else p for p in places])
            found.append(self.at(0))

    @rule(x=NUMBERS, role=ROLE)
    def leaf(self, x: float, role: str) -> None:
        self.pair(self.do(lambda: Value(x, role=role)), Node(x, role, scope=self.inside()))

    @precondition(lambda self: len(self.nodes) < MOST)
    @rule(name=st.sampled_from([*GATES]), first=PLACE, others=st.lists(PLACE | NUMBERS, min_size=3, max_size=3))
    def record(self, name: str, first: int, others: list[int | float]) -> None:
        """A gate on nodes and numbers, of which one at least is a node."""
        count = 1 + first % 4 if GATES[name].variadic else len(GATES[name].names)
        self.apply(name, [self.at(p) if isinstance(p, int) else p for p in [first, *others][:count]])

    def apply(self, name: str, chosen: list[Any]) -> None:
        gate = GATES[name]
        nodes = [p[1] if isinstance(p, tuple) else Node(p, "constant") for p in chosen]
        data = [node.data for node in nodes]
        if name == "pow" and data[0] == 0 and isinstance(chosen[1], tuple):
            return
        error = refusal(lambda: output(gate, data))
        if not error and not comparable([output(gate, data)]):
            return
        inputs = [p[0] if isinstance(p, tuple) else p for p in chosen]
        if name in OPERATORS and all(isinstance(p, tuple) for p in chosen):
            made = self.do(lambda: OPERATORS[name](*inputs))
        else:
            made = self.do(lambda: gate.apply(inputs))
        if error:
            assert made is error
            return
        assert made.data == pytest.approx(output(gate, data), rel=1e-12, abs=1e-12)
        if self.is_open("no_grad"):
            self.pair(made, Node(made.data, "constant", scope=self.inside(), placed=self.is_open("detect_anomaly")))
        else:
            self.pair(made, model.recorded(gate, nodes, made.data, self.inside(), self.is_open("detect_anomaly")))

    @precondition(lambda self: len(self.nodes) < MOST)
    @rule(place=PLACE)
    def detach(self, place: int) -> None:
        value, node = self.at(place)
        self.pair(self.do(value.detach), Node(node.data, "constant", scope=self.inside()))

    # What the user sets

    @rule(place=PLACE, x=NUMBERS)
    def set_data(self, place: int, x: float) -> None:
        value, node = self.leaf_at(place)
        assert self.do(lambda: setattr(value, "data", x)) is None
        node.data, node.version = x, node.version + 1

    @rule(place=PLACE, role=ROLE)
    def set_role(self, place: int, role: str) -> None:
        value, node = self.leaf_at(place)
        assert self.do(lambda: setattr(value, "role", role)) is None
        node.role = role

    @rule(place=PLACE, x=NUMBERS)
    def set_grad(self, place: int, x: float) -> None:
        value, node = self.at(place)
        value.grad = node.grad = x

    @rule(place=PLACE)
    def misuse(self, place: int) -> None:
        """What is refused, and changes nothing."""
        value, node = self.at(place)
        wrong: Any = "2"
        assert self.do(lambda: setattr(value, "role", wrong)) is (AttributeError if node.gate else ValueError)
        assert self.do(lambda: setattr(value, "data", wrong)) is (AttributeError if node.gate else TypeError)
        assert self.do(lambda: setattr(value, "role", "input")) is (AttributeError if node.gate else None)
        node.role = node.role and "input"
        assert self.do(lambda: value.backward(wrong)) is TypeError
        for action in (lambda: float(value), lambda: bool(value), lambda: value * wrong, lambda: autograd.exp(None)):
            assert self.do(action) is TypeError

    @rule(place=PLACE)
    def overflow(self, place: int) -> None:
        """A number that is not finite is refused within detect_anomaly, forward and backward, and only there."""
        value, node = self.leaf_at(place)
        watched, large = self.is_open("detect_anomaly"), 1e200
        right = node.data * large * large  # finite for 0 and for the smallest numbers
        made = self.do(lambda: value * large * large)
        if watched and not math.isfinite(right):
            assert made is FloatingPointError
        else:
            assert made.data == right
        if node.role != "constant" and not self.is_open("no_grad"):
            found = self.do(lambda: autograd.adjoints(value * 1.0, math.inf))
            assert found is FloatingPointError if watched else found[value] == math.inf

    # Passes

    @rule(place=PLACE, seed=st.just(1.0) | NUMBERS)
    def backward(self, place: int, seed: float) -> None:
        value, node = self.at(place)
        found, errors = model.adjoints(node, seed)
        done = self.do(lambda: value.backward(seed))
        if node.role == "constant" or model.is_stale(node):
            assert done is RuntimeError
        elif errors:
            assert done in errors
            self.forget_inner_gradients(node)
        else:
            assert done is None
            values = self.values()
            for each, slope in found.items():
                if each.role != "constant":
                    right = slope if each.gate else each.grad + slope
                    self.close(values[each].grad, right, slope.size + abs(each.grad))
                    each.grad = values[each].grad

    def forget_inner_gradients(self, root: Node) -> None:
        """After a pass that failed those of leaves are what they were; those of gates the next pass sets anyway."""
        values = self.values()
        for node in model.reached(root):
            if node.gate:
                node.grad = values[node].grad

    @rule(place=PLACE, seed=st.just(1.0) | NUMBERS)
    def adjoints(self, place: int, seed: float) -> None:
        value, node = self.at(place)
        right, errors = model.adjoints(node, seed)
        found = self.do(lambda: autograd.adjoints(value, seed))
        if model.is_stale(node):
            assert found is RuntimeError
        elif errors:
            assert found in errors
        else:
            assert {self.nodes[each] for each in found} == {*right}
            for each, slope in found.items():
                exact = right[self.nodes[each]]
                self.close(slope, 0.0 if each.role == "constant" else exact, exact.size)

    @rule(place=PLACE)
    def forward(self, place: int) -> None:
        value, node = self.at(place)
        again = model.outdated(node)
        known = {each: each.data for each in model.reached(node) if each not in again}
        error = refusal(lambda: model.evaluated(node, known))
        if not error and not comparable([*model.evaluated(node, known).values()]):
            return
        done = self.do(value.forward)
        if error:
            assert isinstance(done, type)
            assert issubclass(done, (ArithmeticError, ValueError))
            return
        values = self.values()
        model.replay(again)
        for each in again:
            assert each.gate is not None
            right = output(each.gate, [x.data for x in each.inputs])
            each.data = values[each].data
            self.close(each.data, right, abs(right))
        assert done == node.data

    @rule(place=PLACE)
    def zero_grad(self, place: int) -> None:
        value, node = self.at(place)
        assert self.do(value.zero_grad) is None
        for each in model.reached(node):
            each.grad = 0.0

    @rule(place=PLACE, x=NUMBERS)
    def functional(self, place: int, x: float) -> None:
        """grad of a function that uses a node leaves no trace, and works where nothing is recorded."""
        value, node = self.at(place)
        found = self.do(lambda: autograd.value_and_grad(lambda x: x * x * value)(x))
        if model.is_stale(node):
            assert found is RuntimeError
        else:
            assert found == pytest.approx((x * x * node.data, 2 * x * node.data), rel=1e-12)

    # Copies

    @precondition(lambda self: len(self.nodes) < MOST)
    @rule(place=PLACE, way=st.sampled_from([copy.deepcopy, copy.copy, pickle.dumps]))
    def copy(self, place: int, way: Callable[[Any], Any]) -> None:
        value, node = self.at(place)
        made = self.do(lambda: pickle.loads(way(value)) if way is pickle.dumps else way(value))
        self.pair(made, node.copy(node.inputs) if way is copy.copy else model.copied(node)[0])

    # Blocks

    @precondition(lambda self: len(self.blocks) < 4)
    @rule(kind=st.sampled_from(["no_grad", "detect_anomaly", "scope"]), name=st.sampled_from(["a", "b", "c"]))
    def open(self, kind: str, name: str) -> None:
        opened = block(kind, name)
        self.do(lambda: next(opened))
        self.blocks.append((kind, name, opened))

    @precondition(lambda self: self.blocks)
    @rule(place=PLACE)
    def close_block(self, place: int) -> None:
        """Any of the open blocks: each has effect from its opening to its end, whatever else is open."""
        _, _, opened = self.blocks.pop(place % len(self.blocks))
        assert self.do(opened.close) is None

    # Training

    @rule(place=PLACE, rate=st.sampled_from([0.1, -0.5]))
    def descend(self, place: int, rate: float) -> None:
        """A step of SGD by hand."""
        _, node = self.at(place)
        leaves = [each for each in model.reached(node) if each.role == "parameter"]
        if comparable([each.data - rate * each.grad for each in leaves]):
            values = self.values()
            for each in leaves:
                value = values[each]
                value.data -= rate * value.grad
                each.data, each.version = each.data - rate * each.grad, each.version + 1

    @rule(place=PLACE, kinds=st.lists(st.sampled_from("wx."), min_size=4, max_size=4))
    def compile(self, place: int, kinds: list[str]) -> None:
        """The graph so far as a program: some of its leaves are parameters (w), some inputs (x), all others constants."""
        value, node = self.at(place)
        if node.gate is None:
            return
        leaves = [each for each in model.reached(node) if each.gate is None]
        kind = dict(zip([each for each in leaves if each.role != "constant"], kinds, strict=False))
        baked, inputs, parameters = ([each for each in leaves if kind.get(each, ".") == k] for k in ".xw")
        values, unused = self.values(), Value(1.0)
        program = self.do(
            lambda: compile(
                value, [values[each] for each in parameters], x=[*(values[each] for each in inputs), unused]
            )
        )
        root, copies = model.copied(node)
        if isinstance(program, type):  # a gate is undefined at constants
            data = {copies[each]: each.data for each in leaves}
            if refusal(lambda: model.evaluated(root, data)) is None:
                for each, x in model.evaluated(root, data).items():
                    each.data = x
                assert model.adjoints(root, 1.0)[1], "its slopes at constants exist"
            return
        versions = {each: each.version for each in baked}
        self.programs.append(Compiled(program, root, copies, inputs, parameters, versions))
        self.run(-1)

    @precondition(lambda self: self.programs)
    @rule(place=PLACE)
    def run(self, place: int) -> None:
        """A program gives what the graph gives at the numbers that the leaves have now."""
        program, root, copies, inputs, parameters, baked = self.programs[place % len(self.programs)]
        found = self.do(lambda: program.value_and_grad([[*(each.data for each in inputs), 1.0]]))
        if any(each.version != version for each, version in baked.items()):
            assert found is RuntimeError
            return
        data = {copies[each]: each.data for each in (*inputs, *parameters)}
        if refusal(lambda: model.evaluated(root, data)):
            return
        now = model.evaluated(root, data)
        for each, x in now.items():
            each.data = x
        slopes, errors = model.adjoints(root, 1.0)
        if errors or not comparable([*now.values()]):
            return
        cost, gradient = found
        self.close(cost, root.data, abs(root.data))
        for each, slope in zip(parameters, gradient, strict=True):
            self.close(float(slope), slopes[copies[each]], slopes[copies[each]].size)

    @precondition(lambda self: self.programs)
    @rule(place=PLACE, flat=st.booleans(), numbers=st.lists(NUMBERS, min_size=5, max_size=5))
    def assign(self, place: int, flat: bool, numbers: list[float]) -> None:
        """The parameters of a program, set one by one, or in one array as an optimiser does; then the program follows."""
        program, _, _, _, parameters, _ = self.programs[place % len(self.programs)]
        numbers, values = numbers[: len(parameters)], self.values()
        if flat:
            assert self.do(lambda: setattr(program, "flat", np.array(numbers))) is None
        for each, x in zip(parameters, numbers, strict=True):
            if not flat:
                values[each].data = x
            each.data, each.version = x, each.version + 1
        self.run(place)

    @precondition(lambda self: self.programs)
    @rule(
        place=PLACE, rate=st.sampled_from([0.5, 0.125]), momentum=st.sampled_from([0.0, 0.5]), steps=st.integers(1, 3)
    )
    def train(self, place: int, rate: float, momentum: float, steps: int) -> None:
        """Steps of a program's own, with an optimiser: those of the formula on the model, after which the Values follow."""
        program, root, copies, inputs, parameters, baked = self.programs[place % len(self.programs)]
        if not parameters or not isinstance(
            program, CompiledProgram
        ):  # but an error of numbers that no data can change
            return
        rows = [[*(each.data for each in inputs), 1.0]]
        optimiser = nn.SGD(program.parameters, rate, momentum=momentum)
        if any(each.version != version for each, version in baked.items()):
            assert self.do(lambda: program.train(rows, optimiser, steps)) is RuntimeError
            return
        numbers, speed, costs = [each.data for each in parameters], [0.0] * len(parameters), []
        for _ in range(steps):
            data = {copies[each]: each.data for each in inputs}
            data |= {copies[each]: x for each, x in zip(parameters, numbers, strict=True)}
            if refusal(lambda data=data: model.evaluated(root, data)):  # type: ignore[misc]
                return
            now = model.evaluated(root, data)
            for each, x in now.items():
                each.data = x
            slopes, errors = model.adjoints(root, 1.0)
            if errors or not comparable([*now.values(), *(slopes[copies[each]] for each in parameters)]):
                return
            costs.append(root.data)
            slope = [0.0 if each.role == "constant" else float(slopes[copies[each]]) for each in parameters]
            speed = [momentum * v + g for v, g in zip(speed, slope, strict=True)]
            numbers = [x - rate * v for x, v in zip(numbers, speed, strict=True)]
        if not comparable(numbers):
            return
        found = self.do(lambda: program.train(rows, optimiser, steps))
        for cost, right in zip(found, costs, strict=True):
            self.close(float(cost), right, abs(right))
        values = self.values()
        for each, right in zip(parameters, numbers, strict=True):
            self.close(values[each].data, right, abs(right))
            each.data, each.version = values[each].data, each.version + 1
        self.run(place)

    # What must hold after every step

    def close(self, found: float, right: float, size: float) -> None:
        assert abs(found - right) <= 1e-9 * (1 + size), (found, right)

    @invariant()
    def agree(self) -> None:
        for value, node in self.nodes.items():
            assert (value.data, value.grad) == (node.data, node.grad)
            assert (value.gate, value.role) == (node.gate, node.role)
            assert [self.nodes[x] for x in value.inputs] == list(node.inputs)
            assert (value.scope, place_of(value) != "") == (node.scope, node.placed)
            assert autograd.is_stale(value) == model.is_stale(node)

    def teardown(self) -> None:
        while self.blocks:
            self.close_block(0)
        made = self.do(lambda: Value(1.0) * 2)
        assert (made.role, made.scope) == (None, None), "a block outlived its end"


def examine(machine: type[RuleBasedStateMachine], how: settings) -> None:
    run_state_machine_as_test(machine, settings=how)


def test_the_engine_does_what_the_model_does() -> None:
    """Data, gradients, roles, inputs, scopes, staleness and errors are the model's after every step."""
    examine(
        Engine, settings(max_examples=4 * settings().max_examples, stateful_step_count=30, report_multiple_bugs=False)
    )
