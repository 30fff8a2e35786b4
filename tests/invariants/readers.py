"""Everything that can be asked for a gradient: each reader takes a program and answers with d root/d leaf for every leaf."""

from __future__ import annotations

import atexit
import importlib.util
import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from typing import Any

import numpy as np
import pytest

import autograd
from autograd import Value, adjoints, check_gradients, compile, explain, explore, grad, jacobian, to_dot, value_and_grad
from autograd.compiling.machine import native

from ..oracle import sum_over_paths
from .programs import Program

Reader = Callable[[Program], list[float]]


def backward(program: Program) -> list[float]:
    leaves, root = program.record()
    root.backward()
    return [leaf.grad for leaf in leaves]


def adjoint(program: Program) -> list[float]:
    leaves, root = program.record()
    found = adjoints(root)
    return [found.get(leaf, 0.0) for leaf in leaves]


def path_by_path(program: Program) -> list[float]:
    leaves, root = program.record()
    return [sum_over_paths(root, leaf) for leaf in leaves]


def gradient(program: Program) -> list[float]:
    return _listed(grad(program)(*program.leaves))


def value_and_gradient(program: Program) -> list[float]:
    return _listed(value_and_grad(program)(*program.leaves)[1])


def row_of_jacobian(program: Program) -> list[float]:
    (row,) = jacobian(lambda xs: [program(*xs)])(list(program.leaves))
    return list(row)


def gradient_as_a_graph(program: Program) -> list[float]:
    """Of Values, which give Values."""
    return [slope.data for slope in _listed(grad(program)(*map(Value, program.leaves)))]


def checked(program: Program) -> list[float]:
    return [row.analytic for row in check_gradients(program, program.leaves).checks]


def explained(program: Program) -> list[float]:
    """The last lines of `explain`, in 12 digits."""
    leaves, root = _labelled(program)
    root.backward()
    text = explain(root, names=False).text
    found = dict(re.findall(r"^  d\w+/d(x\d+) = (?:.* = )?(\S+)$", text, re.MULTILINE))
    return [float(found.get(f"x{i}", "0")) for i in range(len(leaves))]


def explained_gate_by_gate(program: Program) -> list[float]:
    """What the table of `explain` sends into a leaf: downstream, which is upstream × local, added up."""
    leaves, root = _labelled(program)
    root.backward()
    into = {f"x{i}": 0.0 for i in range(len(leaves))}
    for line in explain(root, names=False, digits=17).text.splitlines():
        cells = re.split(r"\s{2,}", line.strip())
        if len(cells) >= 6 and "none" not in cells and cells[0] != "gate":
            _, _, upstream, local, downstream, name, *_ = cells
            assert float(upstream) * float(local.split()[0]) == float(downstream)
            into[name] = into.get(name, 0.0) + float(downstream)
    return [into[f"x{i}"] for i in range(len(leaves))]


def drawn_on_leaves(program: Program) -> list[float]:
    """The numbers in the boxes of the leaves."""
    leaves, root = _labelled(program)
    root.backward()
    found = dict(re.findall(r"label=<(x\d+) = .*?grad ([^<]+)<", to_dot(root, digits=None, names=False)))
    return [float(found.get(f"x{i}", "0")) for i in range(len(leaves))]


def drawn_on_edges(program: Program) -> list[float]:
    """The numbers on the edges that come back into a leaf, added up, also where several boxes stand for one leaf."""
    leaves, root = _labelled(program)
    root.backward()
    source = to_dot(root, digits=None, names=False)
    names = dict(re.findall(r"^\t(\w+) \[label=<(x\d+) = ", source, re.MULTILINE))
    found = {f"x{i}": 0.0 for i in range(len(leaves))}
    for tail, label in re.findall(r"^\t(\w+) -> \w+ \[label=<(.*)>.*\]$", source, re.MULTILINE):
        numbers = re.findall(r"<font[^>]*>([^<]+)</font>", label)
        if tail in names and numbers:
            found[names[tail]] += float(numbers[0])
    return [found[f"x{i}"] for i in range(len(leaves))]


def on_the_page(program: Program) -> list[float]:
    """What the page of `explore` computes by its own rules in JavaScript."""
    leaves, root = _labelled(program)
    page = explore(root, names=False).html
    (data,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    (script,) = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    found = dict(_node()(data, script))
    return [found.get(f"x{i}", 0.0) for i in range(len(leaves))]


BROWSER = """
const anything = new Proxy(function () {}, {
  get: (_, key) => key === Symbol.toPrimitive ? () => 0 : key === Symbol.iterator ? [][Symbol.iterator] : anything,
  apply: () => anything, construct: () => anything, set: () => true,
});
class Element {}
Object.assign(globalThis, {
  Element, window: anything, innerHeight: 0, ResizeObserver: anything, requestAnimationFrame: anything,
});
require("readline").createInterface({ input: process.stdin }).on("line", (line) => {
  const { data, script } = JSON.parse(line);
  const find = (id) => id === "data" ? { textContent: data } : anything;
  globalThis.document = new Proxy({}, { get: (_, key) => key === "getElementById" ? find : anything });
  const run = new Function(script + "; return nodes.map((node, i) => [node.name, graph.gradient[i]])");
  console.log(JSON.stringify(run()));
});
"""


@cache
def _node() -> Callable[[str, str], Any]:
    """Start Node.js, which runs the script of a page before a browser that does nothing."""
    process = subprocess.Popen(["node", "-e", BROWSER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    into, out = process.stdin, process.stdout
    atexit.register(process.communicate)  # it ends when its input does

    def run(data: str, script: str) -> Any:
        into.write(json.dumps({"data": data, "script": script}) + "\n")
        into.flush()
        return json.loads(out.readline())

    return run


def compiled(program: Program, **options: Any) -> list[float]:
    """As a program over a batch of one sample, in which every leaf is a parameter."""
    made, batch = _compile(program, **options)
    return list(map(float, made.value_and_grad(batch)[1]))


def printed(program: Program) -> list[float]:
    """By the source that a compiled program prints."""
    made, batch = _compile(program)
    return list(map(float, made.run_on(np, made.flat, np.array(batch))[1]))


def by_jax(program: Program) -> list[float]:
    import jax

    jax.config.update("jax_enable_x64", True)
    made, batch = _compile(program)
    return list(map(float, made.to_jax()(made.flat, np.array(batch))[1]))


def by_torch(program: Program) -> list[float]:
    import torch

    made, batch = _compile(program)
    return list(map(float, made.on_torch()(*map(torch.tensor, (made.flat, np.array(batch))))[1]))


def compiled_derivative(program: Program) -> list[float]:
    """`grad` inside of what is compiled, where every leaf is an input."""
    n = len(program.leaves)
    made = compile(lambda x: _listed(grad(program)(*x)), [], x=n, gradient=False)
    return list(map(float, made([list(program.leaves)])[0]))


def _compile(program: Program, **options: Any) -> tuple[autograd.CompiledProgram, list[list[float]]]:
    leaves = [Value(x, f"w{i}", role="parameter") for i, x in enumerate(program.leaves)]
    return compile(lambda x: program(*leaves), leaves, x=1, **options), [[1.0]]


def _labelled(program: Program) -> tuple[list[Value], Value]:
    """Return leaves and root of a graph in which every result has a name."""
    leaves = [Value(x) for x in program.leaves]
    results = program.results(leaves)
    for i, leaf in enumerate(leaves):
        leaf.label = f"x{i}"
    for i, result in enumerate(results[len(leaves) :]):
        result.label = f"v{i}"
    return leaves, results[-1]


def _listed(slopes: Any) -> list[Any]:
    return list(slopes) if isinstance(slopes, tuple) else [slopes]


def _installed(name: str) -> Any:
    return pytest.mark.skipif(importlib.util.find_spec(name) is None, reason=f"no {name}")


def _params() -> Iterator[Any]:
    plain: Sequence[Reader] = [
        *(backward, adjoint, path_by_path, gradient, value_and_gradient, row_of_jacobian, gradient_as_a_graph, checked),
        *(explained, explained_gate_by_gate, drawn_on_leaves, drawn_on_edges, printed),
    ]
    for reader in plain:
        yield pytest.param(reader, 1e-9, id=reader.__name__)
    for executor in ("numpy", "tape", "native"):
        marks = pytest.mark.skipif(executor != "numpy" and native is None, reason="compile's tape is not built")
        for dtype, tolerance in (("float64", 1e-9), ("float32", 1e-3)):
            reader = partial(compiled, executor=executor, dtype=dtype)
            yield pytest.param(reader, tolerance, id=f"{executor}-{dtype}", marks=marks)
    yield pytest.param(by_jax, 1e-9, id="jax", marks=_installed("jax"))
    yield pytest.param(by_torch, 1e-9, id="torch", marks=_installed("torch"))
    node = pytest.mark.skipif(shutil.which("node") is None, reason="no Node.js")
    yield pytest.param(on_the_page, 1e-9, id="on_the_page", marks=[node, _installed("pygraphviz")])


READERS = list(_params())
