"""Specialised code, derived from the rows of the table and never written by hand.

Calling a row's rules one by one on every node is several times slower than a function with the formula written into it.
So the rules are run once on symbols, and what these print becomes two Python functions: `record` makes a node, and
`pull` hands its adjoint on to its inputs, upstream × local = downstream. `print(source(tanh))` shows them. The gates that
graphs are full of need not even be called: `sweep` has the lines of their `pull` in its loop.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from .functions import COMPARISONS, FLOATS, FUNCTIONS
from .native import core
from .native.tape import row
from .row import Gate
from .symbol import PYTHON, SYMBOLS, Symbol, functions, parts, python, statements

__all__ = ["derive", "source", "sweep"]

PLAIN = {"name", "number", "add", "sub", "mul", "neg", "where", *COMPARISONS}

NODES, DATA = "abcdefghij", "xyzuvwpqrs"  # of up to ten inputs; gate() refuses more


def derive(gate: Gate, engine: dict[str, Any]) -> None:
    """Give a gate its `record` and `pull`; `engine` holds the names that their source refers to."""
    gate.record, gate.pull = _variadic(gate, engine) if gate.variadic else _fixed(gate, engine)
    if core is not None:
        gate.record = row(gate, gate.record, gate.pull)


def _fixed(gate: Gate, engine: dict[str, Any]) -> tuple[Any, Any]:
    """A gate whose inputs are named has its formulas written into functions of its own."""
    forward, local = _formulas(gate)
    called = functions(forward, *(slope for slope in local if slope is not None))
    namespace = {**engine, "gate": gate, "inf": FLOATS.inf, "nan": FLOATS.nan}
    namespace |= {name: getattr(FLOATS, name) for name in called}
    exec(compile(source(gate), f"<gate {gate.name}>", "exec"), namespace)
    for function in (namespace["record"], namespace["pull"]):
        function.__qualname__ = function.__name__ = gate.name
    namespace["record"].__doc__ = gate.doc
    return namespace["record"], namespace["pull"]


def source(gate: Gate) -> str:
    """Return the Python source of `record` and `pull` for a gate with a fixed number of inputs."""
    return "\n".join([*_record(gate), "", "", *_pull(gate)]) + "\n"


def sweep(*inlined: Gate) -> Callable[[Iterable[Any]], None]:
    """Return a function that pulls nodes in the order given; a call, which the inlined gates spare, costs two products."""
    lines = ["def sweep(nodes):", "    for node in nodes:", "        gate = node._origin"]
    for i, gate in enumerate(inlined):
        _, *body = _pull(gate)
        lines += [f"        {'elif' if i else 'if'} gate is {gate.name}:", *(" " * 8 + line for line in body)]
    lines += ["        else:", "            gate.pull(node)"]
    namespace: dict[str, Any] = {gate.name: gate for gate in inlined}
    exec(compile("\n".join(lines), "<sweep>", "exec"), namespace)
    function: Callable[[Iterable[Any]], None] = namespace["sweep"]
    return function


def _formulas(gate: Gate) -> tuple[Symbol, list[Symbol | None]]:
    inputs = [Symbol.named(name) for name in DATA[: len(gate.names)]]
    local = gate.local_gradients(SYMBOLS, Symbol.named("out"), inputs)
    return Symbol.of(gate.forward(SYMBOLS, *inputs)), [g if g is None else Symbol.of(g) for g in local]


def _record(gate: Gate) -> list[str]:
    nodes = NODES[: len(gate.names)]
    lines = [f"def record({', '.join(nodes)}):"]
    for node in nodes:
        lines += [
            f"    if {node}.__class__ is not Value:",
            f"        {node} = operand({node}, {gate.name!r})",
            f"        if {node} is NotImplemented:",
            "            return NotImplemented",
        ]
    forward, _ = _formulas(gate)
    named, (text,) = statements([forward], PYTHON)
    if named or _may_refuse(forward) or forward.operator in COMPARISONS:
        exact = forward.operator not in COMPARISONS and all(map(_gives_float, functions(forward)))
        target = "data = {}" if exact else "data = float({})"
        lines += [
            *(f"    {x} = {node}._data" for x, node in zip(DATA, nodes, strict=False)),
            "    try:",
            *(f"        {name} = {part}" for name, part in named),
            f"        {target.format(text)}",
            "    except (ArithmeticError, ValueError) as error:",
            f"        return refused(error, gate, [{', '.join(nodes)}])",
        ]
        data = "data"
    else:  # plain arithmetic of floats refuses nothing
        data = python(Symbol.of(gate.forward(SYMBOLS, *(Symbol.named(f"{node}._data") for node in nodes))))
    if core is not None:  # which makes a node whole, and checks it
        return [*lines, f"    return make(gate, {data}, ({', '.join(nodes)},))"]
    rest = {1: "None", 2: "b"}.get(len(nodes), f"({', '.join(nodes[1:])})")
    return [
        *lines,
        "    node = new(Value)",
        f"    node._data = {data}",
        "    node._origin = gate",
        "    node._first = a",
        f"    node._rest = {rest}",
        "    node._tick = recording.clock",
        "    node._adjoint = node.grad = 0.0",
        "    if recording.special:",
        "        return stamp(node)",
        "    return node",
    ]


def _pull(gate: Gate) -> list[str]:
    nodes, (_, local) = NODES[: len(gate.names)], _formulas(gate)
    body: list[str] = []
    for node, slope in zip(nodes, local, strict=True):
        if slope is None:
            continue
        named, (downstream,) = statements([Symbol.named("upstream") * slope], PYTHON)
        lines = [*(f"{name} = {part}" for name, part in named), f"{node}._adjoint += {downstream}"]
        if slope.operator == "number" and slope.arguments[0] in (1.0, -1.0):
            body.append(f"    {node}._adjoint {'+' if slope.arguments[0] == 1.0 else '-'}= upstream")
        elif _may_refuse(slope):  # where a slope costs something or may not exist, spare constants
            body += [f"    if {node}._origin is not CONSTANT:", *(f"        {line}" for line in lines)]
        else:
            body += [f"    {line}" for line in lines]
    needed = {*re.findall(r"\w+", " ".join(body))}
    given = {"upstream": "node._adjoint", "a": "node._first"}
    given |= {", ".join(nodes[1:]): "node._rest"} if nodes[1:] else {}
    given |= {x: f"{node}._data" for x, node in zip(DATA, nodes, strict=False) if x in needed} | {"out": "node._data"}
    lines = [f"    {name} = {where}" for name, where in given.items() if name != "out" or "out" in needed]
    return ["def pull(node):", *(lines if body else []), *(body or ["    pass"])]


def _gives_float(function: str) -> bool:
    """Tell whether a function gives a float in Python; floor, for one, gives an int."""
    return function in FUNCTIONS and FUNCTIONS[function].c != ""


def _may_refuse(formula: Symbol) -> bool:
    """Tell whether a formula calls a function or divides; plain arithmetic of floats refuses nothing."""
    return any(part.operator not in PLAIN for part in parts(formula))


def _variadic(gate: Gate, engine: dict[str, Any]) -> tuple[Any, Any]:
    """A gate with any number of inputs has its rules called, once a node."""
    make, operand, refused, values = engine["make"], engine["operand"], engine["refused"], {engine["Value"]}
    (gradients,) = gate.local

    def record(*inputs: Any) -> Any:
        if {*map(type, inputs)} != values:
            inputs = tuple(operand(x, gate.name) for x in inputs)
            if any(x is NotImplemented for x in inputs):
                return NotImplemented
        try:
            data = gate.evaluate([node._data for node in inputs])
        except (ArithmeticError, ValueError) as error:
            return refused(error, gate, inputs)
        return make(gate, data, inputs)

    def pull(node: Any) -> None:
        if gradients is None:
            return
        upstream = node._adjoint
        inputs = node.inputs
        slopes = gradients(FLOATS, node._data, *[input._data for input in inputs])
        for input, slope in zip(inputs, slopes, strict=True):
            if slope is not None:
                input._adjoint += upstream * slope

    return record, pull
