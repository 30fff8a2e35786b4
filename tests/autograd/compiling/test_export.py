"""Guards programs written as C and JavaScript: compiled with warnings as errors, and run, they give what they give here."""

from __future__ import annotations

import json
import math
import random
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import autograd
from autograd import GATES, Value, compile, dot, exp, gate, logsumexp, relu, tanh, where
from autograd.compiling import CompiledProgram
from autograd.compiling.loops import Loop
from autograd.functions import FUNCTIONS, function
from nn import MLP
from tests import exports, fuzz

COMPILERS = [
    pytest.param(name, marks=pytest.mark.skipif(shutil.which(name) is None, reason=f"there is no {name}"))
    for name in ("gcc", "clang")
]
GCC = pytest.mark.skipif(shutil.which("gcc") is None, reason="there is no gcc")
NODE = pytest.mark.skipif(shutil.which("node") is None, reason="there is no node")
LANGUAGES = [pytest.param("c", marks=GCC), pytest.param("js", marks=NODE)]


def weights(n: int, seed: int = 0) -> list[Value]:
    rng = random.Random(seed)
    return [Value(rng.uniform(-1, 1)) for _ in range(n)]


def perceptron(**options: Any) -> CompiledProgram:
    model = MLP(2, [5, 4, 1], tanh, rng=random.Random(0))
    return compile(lambda x, y: (model(x) - y[0]) ** 2, model, x=2, y=1, **options)


def square() -> CompiledProgram:
    model = MLP(3, [3, 3, 3], tanh, rng=random.Random(2))
    return compile(lambda x: sum(v * v for v in model(x)), model, x=3)


def classifier() -> CompiledProgram:
    model = MLP(3, [6, 4], relu, rng=random.Random(1))

    def loss(x: Any, y: Any) -> Any:
        scores = model(x)
        return logsumexp(scores) - dot(scores, y)

    return compile(loss, model, x=3, y=4)


def pooled() -> CompiledProgram:
    """A convolution of an image, the largest of each 2 × 2, and a layer: rows at uneven distances."""
    kernel, w = weights(9), weights(4, 1)

    def loss(x: Any) -> Any:
        maps = [
            [tanh(dot(kernel, [x[6 * (i + k) + j + m] for k in range(3) for m in range(3)])) for j in range(4)]
            for i in range(4)
        ]
        tops = [autograd.max([maps[i + k][j + m] for k in (0, 1) for m in (0, 1)]) for i in (0, 2) for j in (0, 2)]
        return dot(w, tops) ** 2

    return compile(loss, [*kernel, *w], x=36)


def scattered() -> CompiledProgram:
    """Factors from several arrays, more than are written one by one, and parameters in another order than they are taken."""
    W = weights(240)

    gates: list[Callable[[Any], Any]] = [tanh, exp, relu, lambda v: v]

    def loss(x: Any) -> Any:
        mixed = [f(v) for v in x for f in gates]
        return sum(v * v for v in (dot(W[k::10], mixed) for k in range(10)))

    return compile(loss, [*W[120:], *W[:120]], x=6)


def winding() -> CompiledProgram:
    w = weights(40)

    def loss(x: Any) -> Any:
        a, b = x[0], x[1]
        for i, v in enumerate(w):
            a, b = (tanh(a * v), a) if i % 3 else (b + v, where(a - 0.1, a, -b))
        return a * b - autograd.minimum(a, b) ** 3

    return compile(loss, w, x=2)


def outputs() -> CompiledProgram:
    w = weights(6)

    def function(x: Any, u: Any) -> Any:
        return [dot(w[:3], x), x[1], w[0], Value(2.0) * 1.5, *(tanh(v * u[0]) for v in x), autograd.max([*x, *w])]

    return compile(function, w, gradient=False, x=3, u=1)


def user_gate() -> CompiledProgram:
    v = weights(2)
    return compile(lambda x: GATES["swish_here"](v[0] * x[0]) * v[1], v, x=1)


def awkward_names() -> CompiledProgram:
    v = weights(3)
    sizes: dict[str, Any] = dict.fromkeys(("double", "i", "α", "exp", "input1", "time"), 1)
    program: CompiledProgram = compile(
        lambda double, i, α, exp, input1, time: tanh(dot(v, [double[0], i[0], α[0]])) * exp[0] - input1[0] * time[0],
        v,
        **sizes,
    )
    return program


def by_name() -> CompiledProgram:
    v = weights(2)
    return compile(
        lambda time, rate: autograd.exp(-v[0] * v[0] * time[0]) * rate[1] + v[1] * rate[0], v, time=1, rate=2
    )


def parameters_alone(gradient: bool) -> CompiledProgram:
    w = weights(5)
    program: CompiledProgram = compile(lambda: logsumexp(w) * w[0], w, gradient=gradient)
    return program


def infinite() -> CompiledProgram:
    w = Value(0.5)
    return compile(lambda x: autograd.minimum(autograd.maximum(x[0] * w, -math.inf), math.inf), [w], x=1)


PROGRAMS: dict[str, Callable[[], CompiledProgram]] = {
    "perceptron": perceptron, "square": square, "floats": lambda: perceptron(dtype="float32"),
    "classifier": classifier, "pooled": pooled,
    "scattered": scattered, "winding": winding, "outputs": outputs, "user_gate": user_gate, "awkward": awkward_names,
    "by_name": by_name, "alone": lambda: parameters_alone(True), "alone_outputs": lambda: parameters_alone(False),
    "frozen": lambda: compile(lambda x: tanh(x[0]) * 2 + 1, [], x=1),
    "frozen_outputs": lambda: compile(lambda x: [tanh(x[0]), x[1]], [], gradient=False, x=2),
    "constant": lambda: compile(lambda x: Value(3.0) * 2, weights(2), x=1),
    "infinite": infinite,
}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def swish() -> Iterator[None]:
    gate(
        "swish_here", "sw", lambda xp, x: x * (1 + xp.tanh(x)), lambda xp, out, x: 1 + xp.tanh(x) + x / xp.cosh(x) ** 2
    )
    yield
    del GATES["swish_here"]


def made() -> list[tuple[CompiledProgram, str, list[tuple[Any, list[Any]]]]]:
    """Every program with two calls: batches of 5 samples and of 1."""
    rng = np.random.default_rng(0)
    cases = []
    for name, build in PROGRAMS.items():
        program = build()
        calls = [
            (program.flat, [rng.normal(size=(n, size)).astype(program.dtype) for size in program.inputs.values()])
            for n in (5, 1)
        ]
        cases.append((program, name, calls))
    return cases


def compare(cases: Sequence[tuple[CompiledProgram, str, Sequence[Any]]], found: Sequence[Sequence[Any]]) -> None:
    for (program, name, calls), results in zip(cases, found, strict=True):
        for (_, batches), result in zip(calls, results, strict=True):
            assert not isinstance(result, str), f"{name}: {result}"
            near = 1e-12 if program.dtype == "float64" else 1e-5
            if program.differentiable:
                cost, gradient = program.value_and_grad(*batches)
                assert result[0] == pytest.approx(cost, rel=near, abs=near), name
                assert result[1] == pytest.approx(gradient, rel=near, abs=near), name
            else:
                assert np.ravel(result) == pytest.approx(np.ravel(program(*batches)), rel=near, abs=near), name


@pytest.mark.parametrize("compiler", COMPILERS)
def test_c_gives_what_the_program_gives(compiler: str, tmp_path: Path) -> None:
    cases = made()
    compare(cases, exports.run_c(cases, tmp_path, compiler))


@NODE
def test_javascript_gives_what_the_program_gives(tmp_path: Path) -> None:
    cases = made()
    compare(cases, exports.run_javascript(cases, tmp_path))


@pytest.mark.parametrize("language", LANGUAGES)
def test_random_programs(language: str) -> None:
    assert fuzz.elsewhere(language, [*range(60), 351, 438]) == []  # the last have products of one row beside others


@pytest.mark.parametrize("language", LANGUAGES)
def test_random_programs_find_a_wrong_function(language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FUNCTIONS, "tanh", FUNCTIONS["tanh"]._replace(c="sin(a)", javascript="Math.sin"))
    assert fuzz.elsewhere(language, range(10))


@GCC
def test_loops_joined_wrongly_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second layer's loop must not begin before the first one's has ended."""
    monkeypatch.setattr(Loop, "joins", lambda self, other: self.head == other.head)
    cases = [case for case in made() if case[1] == "square"]
    with pytest.raises(AssertionError):
        compare(cases, exports.run_c(cases, tmp_path))


def test_a_layer_is_a_loop_and_a_scalar_a_line() -> None:
    program = perceptron()
    for text in (program.to_c(), program.to_js()):
        assert re.search(r"z1\[i\] \+= W1\[2 \* i \+ j\] \* x\[2 \* s \+ j\];", text)
        assert "dW1[2 * i + j] += " in text
    lines = winding().to_c("winding").splitlines()
    assert not any("for (int i" in line for line in lines)
    assert any(re.match(r" +const double a\d+ = tanh\(", line) for line in lines)


def test_it_stays_short_where_the_rows_are_many() -> None:
    model = MLP(64, [32, 10], relu, rng=random.Random(0))
    program = compile(lambda x: logsumexp(model(x)), model, x=64)
    body = program.to_c("digits").partition("\nint digits")[2]
    assert len(body.splitlines()) < 120


@GCC
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_usage_in_the_comment_trains(dtype: Any, tmp_path: Path) -> None:
    program = perceptron(dtype=dtype)
    X, Y = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [[0.0], [1.0], [1.0], [0.0]]
    text = program.to_c("net")
    comment = text[: text.index("*/")]
    usage = [line.strip() for line in comment.partition("in this file:")[2].splitlines()]
    real = {"float64": "double", "float32": "float"}[dtype]
    batches = [
        f"{real} {n}[] = {{{', '.join(str(v) for row in rows for v in row)}}};" for n, rows in (("x", X), ("y", Y))
    ]
    main = ["#include <stdio.h>", text, "int main(void) {", "size_t samples = 4;", *batches, *usage]
    main += ['printf("%.17g\\n", (double)cost);', "return 0;", "}"]
    (tmp_path / "main.c").write_text("\n".join(main), encoding="ascii")
    subprocess.run(["gcc", *exports.STRICT, "main.c", "-o", "main", "-lm"], cwd=tmp_path, check=True)
    said = subprocess.run(["./main"], cwd=tmp_path, check=True, capture_output=True, text=True).stdout
    for _ in range(100):
        cost, gradient = program.value_and_grad(X, Y)
        program.flat = program.flat - 0.1 * gradient
    assert float(said) == pytest.approx(cost, rel=1e-10 if dtype == "float64" else 1e-3)


@NODE
def test_the_usage_in_the_module_s_comment_trains(tmp_path: Path) -> None:
    program = perceptron()
    X, Y = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [[0.0], [1.0], [1.0], [0.0]]
    text = program.to_js("net")
    usage = [line.removeprefix("//") for line in text.partition("in this file:")[2].split("\n\n")[0].splitlines()]
    loop = ["let last;", "for (let step = 0; step < 100; step++) {", *usage, "last = cost;", "}", "console.log(last);"]
    main = ['import { theta, net } from "./net.mjs";', f"const x = {X}, y = {Y};", *loop]
    (tmp_path / "net.mjs").write_text(text, encoding="utf-8")
    (tmp_path / "main.mjs").write_text("\n".join(main), encoding="utf-8")
    said = subprocess.run(["node", "main.mjs"], cwd=tmp_path, check=True, capture_output=True, text=True).stdout
    for _ in range(100):
        cost, gradient = program.value_and_grad(X, Y)
        program.flat = program.flat - 0.1 * gradient
    assert float(said) == pytest.approx(cost, rel=1e-10)


# Numbers that are not finite


def undefined(**options: Any) -> CompiledProgram:
    w = Value(1.0)
    return compile(lambda x: autograd.log(w * x[0]), [w], x=1, **options)


@GCC
def test_a_result_that_is_not_finite_has_a_status(tmp_path: Path) -> None:
    programs = [undefined(), undefined(gradient=False), perceptron()]
    names = ["loss", "outputs_of", "net"]
    built = exports.load_library([p.to_c(name) for p, name in zip(programs, names, strict=True)], tmp_path)
    theta = programs[0].flat
    for bad in (-1.0, math.nan, 0.0, math.inf):
        for program, name in zip(programs[:2], names, strict=False):
            status, _ = exports.call(program, built[name], theta, [[[1.0], [bad]]])
            assert status == 1
            assert exports.call(program, built[name], theta, [[[1.0], [2.0]]])[0] == 0
    assert exports.call(programs[2], built["net"], programs[2].flat, [np.zeros((0, 2)), np.zeros((0, 1))])[0] == 1
    overflow = exports.call(programs[2], built["net"], programs[2].flat, [[[1.0, 2.0]], [[1e300]]])
    assert overflow[0] == 1


@NODE
def test_a_result_that_is_not_finite_raises_unless_unchecked(tmp_path: Path) -> None:
    cases = [
        (program, name, [(np.ones(1), [np.array([[1.0], [0.0]])])])
        for program, name in (
            (undefined(), "loss"),
            (undefined(gradient=False), "outputs_of"),
            (undefined(check=False), "unchecked"),
        )
    ]
    loss, outputs_of, unchecked = exports.run_javascript(cases, tmp_path)
    assert loss == ["RangeError: the cost or its gradient is not finite"]
    assert outputs_of == ["RangeError: an output is not finite"]
    assert unchecked[0][0] is None  # as JSON has it


@NODE
@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("theta, [[1, 2], [3]], [[0], [0]]", "x must be rows of 2 numbers"),
        ("theta, [1, 2, 3], [[0]]", "x must be rows of 2 numbers"),
        ("theta, [], []", "x must be rows of 2 numbers"),
        ("theta, [[1, 2]], [0, 0]", "y has 2 rows, and x has 1"),
        ("[1, 2], [[1, 2]], [0]", "theta must have 44 numbers, got 2"),
        ("theta, [[1, 'two']], [0]", "not finite"),
    ],
)
def test_wrong_batches_are_refused_by_the_module(given: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "net.mjs").write_text(perceptron().to_js("net"), encoding="utf-8")
    main = f'import {{ theta, net }} from "./net.mjs";\ntry {{ net({given}) }} catch (error) {{ console.log(`${{error}}`) }}'
    (tmp_path / "main.mjs").write_text(main, encoding="utf-8")
    out = subprocess.run(["node", "main.mjs"], cwd=tmp_path, check=True, capture_output=True, text=True).stdout
    assert out.startswith("RangeError: ")
    assert said in out


@NODE
def test_without_a_module_the_text_is_an_expression(tmp_path: Path) -> None:
    """Several in one script: each has its own scope."""
    loss, outputs = perceptron(), compile(MLP(2, [3], rng=random.Random(0)), x=2, gradient=False)
    texts = [f"const f{i} = {program.to_js(module=False)};" for i, program in enumerate((loss, outputs))]
    theta = [program.flat.tolist() for program in (loss, outputs)]
    calls = f"[f0({theta[0]}, [[1, 2]], [0.5]).cost, ...f1({theta[1]}, [[1, 2]])]"
    (tmp_path / "main.js").write_text("\n".join(['"use strict";', *texts, f"console.log(JSON.stringify({calls}));"]))
    out = subprocess.run(["node", "main.js"], cwd=tmp_path, check=True, capture_output=True, text=True).stdout
    cost, _ = loss.value_and_grad([[1.0, 2.0]], [[0.5]])
    assert json.loads(out) == pytest.approx([cost, *outputs([[1.0, 2.0]])[0]], rel=1e-12)


# Refusals


@pytest.mark.parametrize("write", [CompiledProgram.to_c, CompiledProgram.to_js])
@pytest.mark.parametrize("name", ["", "two words", "1st", "für", "a-b", "for", "x;", "net\n", "while"])
def test_names_that_the_language_cannot_take_are_refused(write: Any, name: str) -> None:
    with pytest.raises(ValueError, match="name must be"):
        write(perceptron(), name)
    with pytest.raises(TypeError, match="name must be a string"):
        write(perceptron(), 3)


@pytest.mark.parametrize("name", ["double", "exp", "main", "isfinite", "_net", "printf", "abs"])
def test_names_of_the_c_library_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="name must be"):
        perceptron().to_c(name)


@pytest.mark.parametrize("name", ["let", "theta", "rows", "maximum", "Math", "a1"])
def test_names_of_the_module_s_own_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="name must be"):
        perceptron().to_js(name)


@pytest.fixture
def nowhere() -> Iterator[Any]:
    """A gate whose function only NumPy has."""
    function("square_root", math.sqrt, 1, "", "", "sqrt")
    yield gate("root_here", "r", lambda xp, x: xp.square_root(x), lambda xp, out, x: 0.5 / out)
    del GATES["root_here"], FUNCTIONS["square_root"]


@pytest.mark.parametrize(("write", "column"), [(CompiledProgram.to_c, "c"), (CompiledProgram.to_js, "javascript")])
def test_a_function_that_the_language_lacks_is_refused(write: Any, column: str, nowhere: Any) -> None:
    w = Value(2.0)
    program = compile(lambda x: nowhere(w * x[0]), [w], x=1, executor="numpy")
    with pytest.raises(ValueError, match=rf"has no xp.square_root of 1 operand, .*{column}="):
        write(program)


@pytest.mark.parametrize("write", [CompiledProgram.to_c, CompiledProgram.to_js])
def test_constants_that_changed_are_refused_and_parameters_are_as_they_are_now(write: Any) -> None:
    w, c = Value(2.0), Value(1.0, "c", role="constant")
    program = compile(lambda x: w * x[0] + c, [w], x=1)
    w.data = 7.25
    assert "7.25" in write(program)
    c.data = 5.0
    with pytest.raises(RuntimeError, match="compile again"):
        write(program)


@GCC
def test_floats_use_the_functions_of_floats(tmp_path: Path) -> None:
    text = perceptron(dtype="float32").to_c("net")
    code = text[text.index("*/") :]
    assert "tanhf(" in code
    assert "double" not in code
    assert not re.search(r"\b\d+\.\d+\b(?!f)", code)


def test_inputs_keep_their_names_where_the_language_has_them_free() -> None:
    text = awkward_names().to_c("f")
    taken = re.findall(r"const double \*(\w+)[,)]", text[: text.index(";")])
    assert taken == ["theta", "input1_", "input2", "input3", "input4", "input1", "time"]


def test_numbers_are_written_to_their_last_bit() -> None:
    numbers = [0.1, -0.1, 1e-300, 5e-324, 1e22, -0.0, 1 / 3]
    w = [Value(x) for x in numbers]
    program = compile(lambda x: dot(w, x), w, x=len(w))
    for text in (program.to_c(), program.to_js()):
        listed = re.search(r"theta\S* = [^{[]*?(?:new Float64Array\(\[|\{)(.*?)[}\]]", text, re.DOTALL)
        assert listed is not None
        found = [float(x) for x in listed.group(1).split(",")]
        assert [(x, math.copysign(1, x)) for x in found] == [(x, math.copysign(1, x)) for x in numbers]
