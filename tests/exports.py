"""Runs compiled programs that were written as C or JavaScript: many of them in one library, or one process of node."""

from __future__ import annotations

import ctypes
import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from autograd.compiling import CompiledProgram

Call = tuple[Any, Sequence[Any]]  # numbers of the parameters, and batches
Found = list[Any]  # of every call the cost and its gradient, or the outputs; or what went wrong, as text

STRICT = ["-std=c99", "-Wall", "-Wextra", "-pedantic", "-Werror"]
DRIVER = """
import { readFileSync, writeFileSync } from "node:fs";
const plain = (found) => (found instanceof Float64Array ? [...found] : [found.cost, [...found.gradient]]);
const results = [];
for (const [name, calls] of JSON.parse(readFileSync("calls.json", "utf8"))) {
    const program = (await import(`./${name}.mjs`))[name];
    results.push(calls.map((given) => {
        try {
            return plain(program(...given));
        } catch (error) {
            return `${error}`;
        }
    }));
}
writeFileSync("results.json", JSON.stringify(results));
"""


def load_library(texts: Sequence[str], folder: Path, compiler: str = "gcc", level: str = "-O1") -> ctypes.CDLL:
    """Compile C files as one library, with warnings as errors."""
    sources, built = [folder / f"program{k}.c" for k in range(len(texts))], folder / "programs.so"
    for source, text in zip(sources, texts, strict=True):
        source.write_text(text, encoding="ascii")
    command = [compiler, *STRICT, level, "-shared", "-fPIC", *map(str, sources), "-o", str(built), "-lm"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[:3000]
    return ctypes.CDLL(str(built))


def call(program: CompiledProgram, function: Any, theta: Any, batches: Sequence[Any]) -> tuple[int, Any]:
    """Call a function of C; return its status, and the cost and the gradient, or the outputs."""
    given = [np.ascontiguousarray(array, program.dtype) for array in ([theta] * (len(theta) > 0) + [*batches])]
    n = len(batches[0]) if batches else 1
    arguments: list[Any] = [array.ctypes.data_as(ctypes.c_void_p) for array in given]
    arguments += [ctypes.c_size_t(n)] if batches else []
    if not program.differentiable:
        outputs = np.full((n, len(program._traced.outputs)), np.nan, program.dtype)
        return function(*arguments, outputs.ctypes.data_as(ctypes.c_void_p)), outputs
    cost, gradient = np.full(1, np.nan, program.dtype), np.full(len(theta), np.nan, program.dtype)
    made = [cost, gradient] if len(theta) else [cost]
    status = function(*arguments, *(array.ctypes.data_as(ctypes.c_void_p) for array in made))
    return status, (float(cost[0]), gradient)


def run_c(
    cases: Sequence[tuple[CompiledProgram, str, Sequence[Call]]], folder: Path, compiler: str = "gcc"
) -> list[Found]:
    """Write programs as C functions of these names, compile them together, and return what their calls give."""
    built = load_library([program.to_c(name) for program, name, _ in cases], folder, compiler)
    found = []
    for program, name, calls in cases:
        results = [call(program, built[name], theta, batches) for theta, batches in calls]
        found.append([result if status == 0 else f"status {status}" for status, result in results])
    return found


def run_javascript(cases: Sequence[tuple[CompiledProgram, str, Sequence[Call]]], folder: Path) -> list[Found]:
    """The same as modules of JavaScript, in one process of node."""
    for program, name, _ in cases:
        (folder / f"{name}.mjs").write_text(program.to_js(name), encoding="utf-8")
    (folder / "driver.mjs").write_text(DRIVER, encoding="utf-8")
    listed = [
        (name, [[a.tolist() for a in ([theta] * (len(theta) > 0) + [*batches])] for theta, batches in calls])
        for _, name, calls in cases
    ]
    (folder / "calls.json").write_text(json.dumps(listed), encoding="utf-8")
    subprocess.run(["node", "driver.mjs"], cwd=folder, check=True)
    found = []
    for (program, _, _), results in zip(cases, json.loads((folder / "results.json").read_text()), strict=True):
        whole = [
            result if isinstance(result, str) or not program.differentiable else (result[0], np.array(result[1]))
            for result in results
        ]
        found.append(whole)
    return found
