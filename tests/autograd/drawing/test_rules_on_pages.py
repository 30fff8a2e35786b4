"""Tests the rules of the gates as a page has them, in Node.js: they compute and write what the engine computes and writes."""

from __future__ import annotations

import json
import shutil
import subprocess
from difflib import get_close_matches
from random import Random
from typing import Any

import pytest

from autograd import GATES, Gate
from autograd.drawing.javascript import gate_row, operations
from autograd.drawing.page import page_file
from autograd.expression import SIMILAR
from autograd.functions import FLOATS

NODE = shutil.which("node")
pytestmark = pytest.mark.skipif(NODE is None, reason="no node here")


def run(script: str) -> Any:
    """What an expression of JavaScript gives beside the rules of pages."""
    page = page_file("page.js").partition("// Buttons, a slider")[0]
    browser = """const window = {}; window.parent = window;
const document = { getElementById: () => ({ textContent: "{}" }) };"""
    rules = [page_file("rules.js"), page_file("formula.js")]
    whole = "\n".join([browser, page, operations(), *rules, f"console.log(JSON.stringify({script}))"])
    done = subprocess.run([str(NODE), "-"], input=whole, capture_output=True, encoding="utf-8", check=True)
    return json.loads(done.stdout)


def operands(gate: Gate) -> list[list[str | float]]:
    """Names; one name in all places; and numbers of all kinds in each place of a few inputs."""
    count = len(gate.names) if not gate.variadic else 5 if gate.name == "dot" else 4
    names: list[str | float] = [f"v{i}" for i in range(count)]
    same: list[str | float] = ["x"] * count
    numbers = [
        [*names[:i], x, *names[i + 1 :]] for i in range(count) for x in (1.0, 2.0, -3.0, 0.5, -0.25, 1e-7, 1.5e8)
    ]
    return [names, same, *(numbers if count > 1 else [])]


def test_formulas_are_those_of_the_engine() -> None:
    calls, expected = [], []
    for gate in GATES.values():
        for inputs in operands(gate):
            row = gate_row(gate, len(inputs))
            numbers = [x if isinstance(x, float) else 0.5 if x == "x" else 0.5 + i / 8 for i, x in enumerate(inputs)]
            try:
                out = gate.evaluate(numbers)
                slopes = gate.local_gradients(FLOATS, out, numbers)
            except (ArithmeticError, ValueError):
                continue
            call = f"const gate = {json.dumps(row)}; const x = {json.dumps(inputs)}; const at = {[out, *numbers]};"
            calls.append(f'(() => {{ {call} return [formulaOf(gate, x), localFormulasOf(gate, "out", x, at)]; }})()')
            decided = gate.decided_formulas(inputs, "out", numbers, out)
            told = [
                None if slope is None else {"formula": formula, "why": why}
                for slope, (formula, why) in zip(slopes, decided, strict=True)
            ]
            expected.append([gate.formula(inputs), told])
    assert len(calls) > 450
    assert run(f"[{', '.join(calls)}]") == expected


def test_the_name_that_is_suggested_is_that_of_the_command() -> None:
    rng = Random(0)
    words = ["sinn", "sigmiod", "maximun", "exq", "tahn", "logsum", "", "zzz", "abss", "a", "softpluss", "x" * 40]
    for name in GATES:
        letters = [*name]
        letters[rng.randrange(len(letters))] = rng.choice("aeinst_")
        words += ["".join(letters), name[1:], name + name[-1], name[::-1]]
    expected = [next(iter(get_close_matches(word, [*GATES], 1, SIMILAR)), None) for word in words]
    assert len({*expected}) > len(GATES) / 2
    call = f"closest(word, {json.dumps([*GATES])}, {SIMILAR}) ?? null"
    assert run(f"{json.dumps(words)}.map((word) => {call})") == expected


def test_a_long_list_of_inputs_is_shortened() -> None:
    inputs = [f"v{i}" for i in range(20)]
    row = json.dumps(gate_row(GATES["dot"], 20))
    assert run(f"formulaOf({row}, {json.dumps(inputs)})") == GATES["dot"].formula(inputs)


@pytest.mark.parametrize("name", ["clip", "logsumexp", "pow", "where", "cbrt", "hypot"])
def test_numbers_are_those_of_the_engine(name: str) -> None:
    gate = GATES[name]
    inputs = [0.7, 0.25, 1.5][: 3 if gate.variadic else len(gate.names)]
    out = gate.evaluate(inputs)
    row = json.dumps(gate_row(gate, len(inputs)))
    found = run(f"[forwardOf({row}, {inputs}), localOf({row}, {out!r}, {inputs})]")
    assert found[0] == pytest.approx(out, rel=1e-14)
    slopes = gate.local_gradients(FLOATS, out, inputs)
    assert [slope is None for slope in found[1]] == [slope is None for slope in slopes]
    assert [x or 0.0 for x in found[1]] == pytest.approx([x or 0.0 for x in slopes], rel=1e-14)
