"""Guards the command: the lecture's numbers on the first screen, one clear line for every mistake, never a traceback."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import example, given, settings, strategies as st

from autograd import GATES, Value
from autograd.__main__ import EXAMPLE, main
from autograd.expression import ExpressionError, build, names
from autograd.native import description


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


VALUES = ["w0=2", "x0=-1", "w1=-3", "x1=-2", "w2=-3"]
NUMBERS = [
    "f = 0.731058578630",
    "df/dw0 = -0.196611933241",
    "df/dx0 = 0.393223866483",
    "df/dw1 = -0.393223866483",
    "df/dx1 = -0.589835799724",
    "df/dw2 = 0.196611933241",
]


@pytest.mark.parametrize("arguments", [[EXAMPLE, *VALUES], [], [EXAMPLE, "-o", "n.svg", *VALUES]])
def test_the_main_job(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 0
    out = capsys.readouterr().out
    assert all(number in out for number in NUMBERS)
    assert Path("n.svg" if "-o" in arguments else "graph.svg").read_text().startswith("<?xml")


def test_it_runs_as_a_module() -> None:
    done = subprocess.run([sys.executable, "-m", "autograd"], capture_output=True, encoding="utf-8", check=True)
    assert all(number in done.stdout for number in NUMBERS)
    version = subprocess.run(
        [sys.executable, "-m", "autograd", "--version"], capture_output=True, text=True, check=True
    )
    assert version.stdout.split()[0] == "gatewise"
    assert description in version.stdout


@pytest.mark.parametrize("ending", ["svg", "png", "pdf", "dot"])
def test_the_output_chooses_the_format(ending: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["x*x", "x=3", "-o", f"f.{ending}"]) == 0
    assert f"picture: f.{ending}" in capsys.readouterr().out
    assert Path(f"f.{ending}").stat().st_size > 100


@pytest.mark.parametrize(
    ("text", "value"),
    [("-x*2", -6), ("- x", -3), ("-(x)", -3), ("--x*1", 3), ("-x**2", -9), ("-exp(-x)", -0.049787068368)],
)
def test_expressions_may_begin_with_a_minus(text: str, value: float, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([text, "x=3", "-o", "f.dot"]) == 0
    assert main(["-o", "f.dot", "--", text, "x=3"]) == 0
    assert capsys.readouterr().out.count(f"f = {value:.12f}") == 2


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["x*y", "x=1"], "y in the expression has no value: add y=NUMBER"),
        (["x", "x=1", "z=2"], "z is not in the expression"),
        (["sigmod(x)", "x=1"], "column 1: there is no gate 'sigmod': did you mean sigmoid?"),
        (["1 + x.real", "x=1"], "column 5: the attribute .real is not allowed"),
        (["x +", "x=1"], "column 3: invalid syntax"),
        (["(x", "x=1"], "column 1: '(' was never closed"),
        (["2*x^2", "x=1"], "column 4: write ** instead of ^"),
        (["x−1", "x=1"], "column 2: write - instead of −"),
        (["é*x.y", "x=1", "é=2"], "column 3: the attribute .y"),
        (["x if x else 1", "x=1"], "a condition (where(x, a, b) gives a if x > 0, else b) is not allowed"),
        (["[x]", "x=1"], "a List is not allowed"),
        (["x < 1", "x=1"], "a condition (where(x, a, b)"),
        (["__import__('os')"], "there is no gate '__import__'"),
        (["'a'*x", "x=1"], "column 1: 'a', which is no number, is not allowed"),
        (["True*x", "x=1"], "column 1: True, which is no number"),
        (["exp(*x)", "x=1"], "a Starred is not allowed"),
        (["exp(**x)", "x=1"], "** is not allowed in a call"),
        (["exp(x)(x)", "x=1"], "a Call is not allowed"),
        (["lambda y: y"], "a Lambda is not allowed"),
        (["leaky_relu(x, slop=2)", "x=1"], "column 1: leaky_relu(x, slope=0.1): "),
        (["log(x)", "x=0"], "column 1: log: "),
        (["sqrt(x)", "x=0"], "backward through sqrt 'f': "),
        (["2*3"], "the expression has no names, so nothing to differentiate; its value is 6"),
        ([""], "the expression is empty"),
        (["x", "x"], "'x' is not name=number"),
        (["x", "x=abc"], "x=abc: 'abc' is not a number"),
        (["x", "x=1", "x=2"], "x is given twice"),
        (["x*x", "x=1", "-o", "f.gif"], "must end in .svg, .png, .pdf, .dot"),
        (["x*x", "x=1", "-o", "missing/f.dot"], "cannot write missing/f.dot: there is no such folder"),
        (["x*x", "x=1", "--digits", "99"], "--digits 99"),
        (["x*x", "x=1", "--digits", "two"], "--digits: invalid int value: 'two'"),
        (["x*x", "x=1", "--colour"], "unrecognized arguments: --colour"),
        (["x+" * 6000 + "x", "x=1"], "characters, and 10,000 is the most"),
        (["+".join("x" * 1000), "x=1"], "nested deeper than 400 levels"),
        (["(" * 1000 + "x" + ")" * 1000, "x=1"], "too many nested parentheses"),
        (["-" * 9000 + "x", "x=1"], "this cannot be read as an expression ("),
        (["x*1" + "0" * 400, "x=1"], "beyond its range"),
        (["x*1" + "0" * 5000, "x=1"], "column "),
        (["x.real"], "column 1: the attribute .real is not allowed"),
        (["os.system('x')"], "column 1: the attribute .system is not allowed"),
        (["x#y", "x=1"], "column 2: # begins a comment"),
        (["x*x", "x=1", "-o", "-a.dot"], "expected one argument"),
        (["x", "x=1", "--", "-y=2"], "'-y=2' is not name=number"),
        (["  -x.y", "x=1"], "column 2: the attribute .y"),
    ],
)
def test_a_mistake_gets_one_line_and_exit_code_2(
    arguments: list[str], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("autograd: ")
    assert error.count("\n") == 1
    assert line in error


def test_help_is_worth_reading(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["--help"])
    assert stop.value.code == 0
    text = capsys.readouterr().out
    assert all(name in text for name in [*GATES, "sigmoid neuron", "-o", "w0=2"])


def test_without_a_renderer_it_writes_dot_and_says_so(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    assert main([]) == 0
    assert "picture: graph.dot (to render pictures, install Graphviz" in capsys.readouterr().out
    assert Path("graph.dot").exists()
    assert main(["x*x", "x=1", "-o", "f.png"]) == 2
    assert Path("f.dot").exists()


def test_the_reader_of_the_output_may_leave() -> None:
    command = f'"{sys.executable}" -m autograd | head -1'
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=True)
    assert "Traceback" not in done.stderr
    assert done.stdout.startswith("f = ")


TOKENS = st.sampled_from([*"xy+-*/(),[]=.: ", "**", "1", "0.5", "exp", "log", "max", "lambda", "9" * 400])


@given(st.one_of(st.text(max_size=40), st.lists(TOKENS, max_size=15).map("".join)), st.floats())
@example("\x00", 1.0)
@example("\ud800", 1.0)
@example("x\n+ x", 1.0)
@example("9**9**9**9", 1.0)
@example("exp(exp(exp(x)))", 5.0)
@example("ﬁ*x", 1.0)
@settings(max_examples=300)
def test_random_text_never_ends_in_a_traceback(text: str, x: float) -> None:
    if text not in ("--help", "--version", "-h"):
        assert main([text, f"x={x!r}", "-o", "f.dot"]) in (0, 2)


@given(st.lists(st.text(max_size=10), max_size=4))
@example(["--version="])
@example(["-o"])
@example(["x", "-o", "-o"])
@example(["--output=", "x"])
def test_random_arguments_never_end_in_a_traceback(arguments: list[str]) -> None:
    if not {"-h", "--help", "--version"} & set(arguments):
        assert main(arguments) in (0, 2)


@pytest.mark.parametrize(
    "output", [["-o", "g.dot"], ["-og.dot"], ["-o=g.dot"], ["--output=g.dot"], ["--output", "g.dot"]]
)
def test_ways_to_name_the_output(output: list[str]) -> None:
    assert main(["x*x", *output, "x=2"]) == 0
    assert Path("g.dot").exists()


def test_a_variable_may_be_called_f(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["f*2+v1", "f=1", "v1=2", "-o", "f.dot"]) == 0
    out = capsys.readouterr().out
    assert "y = 4.000000000000" in out
    assert "v2 = f·2 = 2" in out


def test_building_and_names() -> None:
    root = build("  dot([w, x], [x, 2], bias=b) / max(w, x)", {"w": 3, "x": 2, "b": 1})
    assert root.data == 11 / 3
    assert names("b + exp(-a*b) + exp") == ["b", "a", "exp"]
    assert build("1/x", {"x": 4}).gate is GATES["reciprocal"]
    assert isinstance(build("x", {"x": 4}), Value)
    with pytest.raises(ExpressionError, match="has no value"):
        build("x", {})
