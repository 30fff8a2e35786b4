"""Tests explain: every step of both passes, every path, and finite differences beside them."""

from __future__ import annotations

import math
import re
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

import autograd
from autograd import GATES, Value, explain, no_grad, topological_order
from autograd.functions import FLOATS
from autograd.names import complete_names
from autograd.testing import Expression, expressions, gate_inputs
from tests.worked import sigmoid_neuron as neuron


def test_names_in_the_walk_are_each_of_one_node() -> None:
    a, x = Value(2.0, "x"), Value(3.0)
    f = a * x
    walk = repr(explain(f))
    assert "x = 2, x₂ = 3" in walk
    assert "f = x·x₂ = 6" in walk
    assert "df/dx₂" in walk
    w = Value(5.0, role="parameter")
    walk = repr(explain((Value(3.0) * Value(3.0)) * w, names=False))
    assert "x1 = 3, x2 = 3, w1 = 5" in walk
    assert "v1 = x1·x2 = 9" in walk
    assert "f = c1² " not in repr(explain(Value(-2.0, role="constant") ** 2))
    assert "f = (−2)² = 4" in repr(explain(Value(-2.0, role="constant") ** 2))


def test_the_walk_tells_the_convention_at_a_kink() -> None:
    x = Value(0.0, "x")
    assert "at its kink: relu′(0) = 0" in repr(explain(x.relu()))
    assert "at its kink" not in repr(explain((x + 1).relu()))


SIGNS = str.maketrans({"≤": "<=", "≥": ">=", "=": "==", "≠": "!=", "−": "-", "·": "*"})


@pytest.mark.parametrize("name", ["abs", "relu", "leaky_relu", "elu", "maximum", "minimum", "clip", "where", "max"])
@given(data=st.lists(st.sampled_from([-2.0, -1.0, 0.0, 0.5, 1.0, 2.0]), min_size=3, max_size=3))
def test_the_reasons_of_choices_are_true_and_their_branches_the_slopes(name: str, data: list[float]) -> None:
    gate = GATES[name]
    inputs = ["a", "b", "c"] if gate.variadic else gate.names
    data = data[: len(inputs)]
    result = gate.evaluate(data)
    known = {**dict(zip(inputs, data, strict=True)), "out": result, "maximum": max, "minimum": min, "exp": math.exp}
    known |= {"expm1": math.expm1}
    slopes = gate.local_gradients(FLOATS, result, data)
    decided = gate.decided_formulas(inputs, "out", data, result)
    for slope, (formula, why) in zip(slopes, decided, strict=True):
        if slope is None:
            assert (formula, why) == ("", "")
        else:
            assert why
            assert " if " not in formula
            assert eval(formula.translate(SIGNS), known) == slope
            assert eval(why.translate(SIGNS), known) is True


def test_the_reason_of_a_choice_stands_beside_its_number() -> None:
    a, b, x = Value(2.0, "a"), Value(5.0, "b"), Value(-1.0, "x")
    assert "0 (because a < b)" in repr(explain(autograd.maximum(a, b)))
    assert "0.5 (because a = 2)" in repr(explain(autograd.maximum(a, 2.0)))
    assert "0.1 (because x ≤ 0)" in repr(explain(autograd.leaky_relu(x)))
    assert "0 (because x ≤ 0)" in repr(explain(x.relu()))
    assert "4 (2·a)" in repr(explain(a**2)), "what has no choice has no reason"


def test_the_walk_of_the_lecture() -> None:
    """Row A11 and the text of the sigmoid neuron, gate by gate from the end."""
    f = neuron()
    f.backward()
    lines = repr(explain(f)).splitlines()
    table = [line.split("  ") for line in lines[lines.index("backward: upstream × local = downstream") + 2 :]]
    steps = [[cell.strip() for cell in row if cell.strip()] for row in table]
    assert steps[0] == ["1/x", "f", "1", "-0.534447 (−1/v7²)", "-0.534447", "v7"]
    assert steps[2] == ["exp", "v6", "-0.534447", "0.367879 (v6)", "-0.196612", "v5"]
    assert steps[3] == ["*-1", "v5", "-0.196612", "-1", "0.196612", "v4"]
    assert steps[10] == ["×", "v1", "0.196612", "-1 (x0)", "-0.196612", "w0", "swap multiplier"]
    assert lines[-5:] == [
        "  df/dw0 = -0.196611933241",
        "  df/dx0 = 0.393223866483",
        "  df/dw1 = -0.393223866483",
        "  df/dx1 = -0.589835799724",
        "  df/dw2 = 0.196611933241",
    ]


def test_explaining_a_leaf_a_constant_and_gates_without_gradient() -> None:
    assert "forward" in repr(explain(Value(1.0, "x")))
    with no_grad():
        constant = Value(2.0) * 3
    assert "gradients" in repr(explain(constant))
    y = autograd.step(Value(1.0, "x")) * 2
    y.backward()
    assert "none" in repr(explain(y))


def test_gradients_are_those_of_the_drawn_root() -> None:
    x = Value(3.0, "x")
    shared = x * x
    f, g = shared * 2, shared * 5
    f.backward()
    g.backward()
    assert shared.grad == 5.0, "the last pass through it"
    steps = [line.split() for line in repr(explain(f)).splitlines()]
    assert ["×", "f", "1", "2", "2", "shared", "swap", "multiplier"] in steps
    assert "df/dx = 6 + 6 = 12  (its grad is 42, with earlier passes)" in repr(explain(f))


def sums(text: str) -> tuple[float, float]:
    """The sum of all paths, and the gradient by the backward pass, as the report prints them."""
    total, gradient = re.findall(r"(?:paths?|pass): (\S+)", text)
    return float(total), float(gradient)


def test_the_one_path_of_the_sigmoid_neuron() -> None:
    """The chain rule as the lectures write it out: −1 · 1 · 1 · −1 · 0.37 · 1 · −0.53 = −0.20."""
    f = neuron()
    w0 = next(node for node in topological_order(f) if node.label == "w0")
    text = repr(explain(f, wrt=w0))
    assert "w0 → v1 → v3 → v4 → v5 → v6 → v7 → f" in text
    assert "(-1) · 1 · 1 · (-1) · 0.367879 · 1 · (-0.534447)  = -0.196612" in text
    assert sums(text) == (-0.196611933241, -0.196611933241)


def test_the_paths_of_the_lectures_chain_rule_of_several_variables() -> None:
    """W5: y = g1·g2 + g3 with g = (x², sin x, eˣ) at 0.7: three paths, and their sum."""
    x = Value(0.7, "x")
    y = x**2 * autograd.sin(x) + autograd.exp(x)
    y.backward()
    text = repr(explain(y, wrt=x, digits=12))
    for part in (0.901904762133, 0.374772671769, 2.013752707470):
        assert any(
            float(found) == pytest.approx(part, abs=1e-11) for found in re.findall(r"= (\S+)$", text, re.MULTILINE)
        )
    assert sums(text) == pytest.approx((3.290430141373, 3.290430141373), abs=1e-11)


def test_a_shared_weight_has_a_path_for_each_use() -> None:
    """W6: a bug that loses a path would show −72 or −144 for −216."""
    x0, w1, w2 = Value(2.0, "x0"), Value(3.0, "w1"), Value(-1.0, "w2")
    x1 = w1 * x0
    x2 = w2 * x0 * x1
    loss = w1 * x1 * x2
    text = repr(explain(loss, wrt=w1))
    assert [int(found) for found in re.findall(r"= (-?\d+)$", text, re.MULTILINE)] == [-72, -72, -72]
    assert sums(text) == (-216, -216)


@given(expressions())
def test_the_paths_add_up_to_the_gradient(case: tuple[Expression, list[float]]) -> None:
    f, inputs = case
    leaves = [Value(x) for x in inputs]
    root = f(*leaves)
    if leaves[0] not in topological_order(root):
        with pytest.raises(ValueError, match="not in the graph"):
            explain(root, wrt=leaves[0])
        return
    text = repr(explain(root, wrt=leaves[0], names=False))
    if "does not depend on" in text:
        assert autograd.adjoints(root)[leaves[0]] == 0
        return
    total, gradient = sums(text)
    assert total == pytest.approx(gradient, rel=1e-9, abs=1e-9)
    listed = [float(found) for found in re.findall(r"= (\S+)$", text, re.MULTILINE)]
    if "more paths" not in text:
        assert sum(listed) == pytest.approx(gradient, rel=1e-4, abs=1e-4 * max(map(abs, listed)))


def test_ever_so_many_paths_are_counted_and_added_up() -> None:
    x = y = Value(1.0, "x")
    for _ in range(60):
        y = y + y
    text = repr(explain(y, wrt=x))
    assert f"… {2**60 - 20:,} more paths" in text
    assert sums(text) == pytest.approx((2.0**60, 2.0**60))
    assert len(text) < 10_000


def test_a_long_path_is_cut_in_the_middle() -> None:
    x = y = Value(1.0, "x")
    for _ in range(100_000):
        y = -y
    text = repr(explain(y, wrt=x))
    assert "more …" in text
    assert len(text) < 1_000
    assert sums(text) == (1.0, 1.0)


def test_paths_from_a_gate_and_from_the_root_itself() -> None:
    f = neuron()
    order = topological_order(f)
    total, gradient = sums(repr(explain(f, wrt=order[-2])))
    assert total == gradient == pytest.approx(-0.534446645389)
    assert sums(repr(explain(f, wrt=f))) == (1.0, 1.0)


def test_what_has_no_path_says_so() -> None:
    x = Value(1.0, "x")
    y = autograd.step(x) * 2
    assert "y does not depend on x, so the gradient is 0" in repr(explain(y, wrt=x))
    with pytest.raises(ValueError, match="not in the graph"):
        explain(y, wrt=Value(1.0))
    with pytest.raises(ValueError, match="wrt must not be a constant"):
        explain(y, wrt=y.inputs[1])
    with pytest.raises(TypeError, match=r"wrt must be a Value, got 'x'"):
        explain(y, wrt="x")  # type: ignore[arg-type]


def test_finite_differences_stand_beside_the_walk() -> None:
    f = neuron()
    f.backward()
    lines = repr(explain(f, numeric=True)).splitlines()
    table = [re.split(r"  +", line.strip()) for line in lines if line.startswith("  ") and " = " not in line]
    place = table[0].index("numeric")
    for row in table[1:]:
        assert float(row[place]) == pytest.approx(float(row[place - 1].split()[0]), abs=1e-5)
    found = re.findall(r"df/d\w+ = (\S+)  \(numeric: (\S+)\)", "\n".join(lines))
    assert len(found) == 5
    for analytic, numeric in found:
        assert float(numeric) == pytest.approx(float(analytic), abs=1e-5)


def test_finite_differences_would_find_a_wrong_rule() -> None:
    wrong = autograd.gate("wrong", "w", lambda xp, x: x * x * x, lambda xp, out, x: 2 * x)
    try:
        x = Value(2.0, "x")
        y = wrong(x)
        y.backward()
        text = repr(explain(y, numeric=True))
        assert "4 (2·x)  12 WRONG" in text
        assert "dy/dx = 4  (numeric: 12)" in text
        assert "dy/dx by finite differences: 12" in repr(explain(y, wrt=x, numeric=True))
    finally:
        del autograd.GATES["wrong"]


@pytest.mark.parametrize("name", GATES)
@settings(max_examples=10)
@given(data=st.data())
def test_no_rule_of_the_table_is_marked_wrong(name: str, data: st.DataObject) -> None:
    root = GATES[name].apply([Value(x) for x in data.draw(gate_inputs(GATES[name]))])
    assert "WRONG" not in repr(explain(root, numeric=True))


def test_a_kink_is_not_marked_wrong() -> None:
    z = Value(0.0, "z")
    assert "WRONG" not in repr(explain(autograd.relu(z) + abs(z) + autograd.max([z, Value(0.0)]), numeric=True))


def test_finite_differences_at_the_edge_of_a_domain_and_of_large_graphs() -> None:
    x = Value(1e-6, "x")
    assert "undefined nearby" in repr(explain(autograd.log(x), numeric=True))
    y = x
    for _ in range(200_000):
        y = y + x
    assert "no finite differences: " not in repr(explain(y))
    xs = [Value(1.0) for _ in range(150)]
    for _ in range(100):
        xs = [a + b for a, b in zip(xs, [*xs[1:], xs[0]], strict=True)]
    assert "no finite differences: the graph is too large" in repr(explain(autograd.sum(xs), numeric=True))


def test_markdown_says_the_same_in_tables() -> None:
    f = neuron()
    f.backward()
    plain, marked = explain(f), explain(f, markdown=True)
    assert repr(marked) == plain.markdown == plain._repr_markdown_()
    assert repr(plain) == marked.text
    rows = [line for line in plain.markdown.splitlines() if line.startswith("|")]
    assert rows[0] == "| gate | output | upstream | local | downstream | into |   |"
    assert rows[2] == "| 1/x | f | 1 | -0.534447 (−1/v7²) | -0.534447 | v7 |   |"
    assert len(rows) == 2 + 12
    assert "- df/dw0 = -0.196611933241" in plain.markdown


def test_names_cannot_break_the_tables_of_markdown() -> None:
    x = Value(2.0, "a|b\n<i>*_`")
    y = x * x
    y.backward()
    rows = [line for line in explain(y).markdown.splitlines() if line.startswith("|")]
    assert len(rows) == 4
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {8}
    assert "<i>" not in explain(y).markdown.replace("\\<i\\>", "")


def test_infinite_slopes_do_not_stop_the_walk() -> None:
    y = Value(0.0, "x").sqrt()
    assert "none" in repr(explain(y))
    assert "undefined nearby" in repr(explain(y, numeric=True))


@given(expressions())
def test_a_derivation_in_latex_has_the_engines_numbers(case: tuple[Expression, list[float]]) -> None:
    f, inputs = case
    root = f(*map(Value, inputs))
    root.backward()
    rows = explain(root, latex=True, digits=17, names=False).latex.splitlines()[1:-1]
    names = complete_names(topological_order(root), {})
    gradients = autograd.adjoints(root)
    found = {}
    for row in rows:
        left, _, right = row.removesuffix(r" \\").partition(" &= ")
        found[left] = float(re.sub(r" \\cdot 10\^\{(-?\d+)\}", r"e\1", right.rpartition(" = ")[2]))
    for node in gradients:
        name = re.sub(r"(?<=[a-z])(\d+)", r"_{\1}", names[node])
        if node.inputs:
            assert found[name] == node.data
        partial = rf"\frac{{\partial f}}{{\partial {name}}}"
        assert found.get(partial, gradients[node]) == gradients[node]
        assert partial in found or node.role == "constant" or gradients[node] == 0.0


def test_latex_that_mathtext_can_read() -> None:
    parser = pytest.importorskip("matplotlib.mathtext").MathTextParser("path")
    x, loss = Value(2.0, "x"), Value(0.5, "the_loss$")
    y = autograd.maximum(x**3 * loss, loss.sigmoid()) + autograd.logsumexp([x, loss, x * 1e-9]) / abs(x)
    y.backward()
    text = explain(y, latex=True)
    assert repr(text) == text.latex == text._repr_markdown_()
    for row in text.latex.splitlines()[1:-1]:
        for side in row.removesuffix(r" \\").split(" &= "):
            parser.parse(f"${side}$")
    assert r"\mathrm{the\_loss\$}" in text.latex


def test_a_worksheet_and_its_key() -> None:
    sheet = explain(neuron(), blank=True)
    f = neuron()
    f.backward()
    assert sheet.key is not None
    assert repr(sheet.key) == repr(explain(f))
    lines, answers = repr(sheet).splitlines(), repr(sheet.key).splitlines()
    assert len(lines) == len(answers)
    assert lines[:2] == answers[:2], "the leaves are given"
    assert repr(sheet).count("_" * 10) == 8 + 3 * 12 + 5
    assert not re.search(r"0\.\d{3}", repr(sheet)), "no answer"
    assert repr(explain(f, blank=True, markdown=True)).startswith("**forward**")
    wrong: list[dict[str, Any]] = [
        {"latex": True, "markdown": True},
        {"latex": True, "blank": True},
        {"blank": True, "numeric": True},
    ]
    for options in wrong:
        with pytest.raises(ValueError, match="must be"):
            explain(f, **options)
