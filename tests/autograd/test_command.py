"""Tests the command: the numbers of the example, one clear line for every mistake, never a traceback."""

from __future__ import annotations

import contextlib
import io
import math
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given, settings, strategies as st

from autograd import GATES, Value
from autograd.__main__ import EXAMPLE, main
from autograd._engine import description
from autograd.expression import ExpressionError, build, names
from autograd.notation import ELSEWHERE, listing

ALL_GATES = listing([*GATES], 50)  # as an error lists them, however many there are


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


VALUES = ["w0=2", "x0=-1", "w1=-3", "x1=-2", "w2=-3"]
NUMBERS = [
    "\n\nf = 0.73105857863\n",
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


def test_an_engine_that_there_is_not_gets_one_line() -> None:
    environment = os.environ | {"GATEWISE_ENGINE": "foo"}
    command = [sys.executable, "-m", "autograd"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith("autograd: GATEWISE_ENGINE")


ELSEWHERE_IN_MATH: dict[str, Callable[..., float]] = {
    "cot": lambda x, y: 1 / math.tan(x), "tg": lambda x, y: math.tan(x), "ctg": lambda x, y: 1 / math.tan(x),
    "sec": lambda x, y: 1 / math.cos(x), "csc": lambda x, y: 1 / math.sin(x), "cosec": lambda x, y: 1 / math.sin(x),
    "coth": lambda x, y: 1 / math.tanh(x), "sech": lambda x, y: 1 / math.cosh(x), "csch": lambda x, y: 1 / math.sinh(x),
    "sind": lambda x, y: math.sin(math.radians(x)), "cosd": lambda x, y: math.cos(math.radians(x)),
    "arsinh": lambda x, y: math.asinh(x), "arcsinh": lambda x, y: math.asinh(x),
    "arcosh": lambda x, y: math.acosh(x), "arccosh": lambda x, y: math.acosh(x),
    "artanh": lambda x, y: math.atanh(x), "arctanh": lambda x, y: math.atanh(x),
    "log_2": lambda x, y: math.log2(x), "lb": lambda x, y: math.log2(x), "ld": lambda x, y: math.log2(x),
    "log_10": lambda x, y: math.log10(x), "lg": lambda x, y: math.log10(x),
    "arcsin": lambda x, y: math.asin(x), "arccos": lambda x, y: math.acos(x), "arctan": lambda x, y: math.atan(x),
    "arctg": lambda x, y: math.atan(x), "arctan2": lambda x, y: math.atan2(y, x), "product": lambda x, y: x * y,
    "exp10": lambda x, y: 10**x, "power": lambda x, y: x**y,
    "square": lambda x, y: x * x, "sqr": lambda x, y: x * x, "min": min,
    "sgn": lambda x, y: math.copysign(1, x), "signum": lambda x, y: math.copysign(1, x),
    "heaviside": lambda x, y: 1.0, "sigma": lambda x, y: 1 / (1 + math.exp(-x)),
    "σ": lambda x, y: 1 / (1 + math.exp(-x)), "logistic": lambda x, y: 1 / (1 + math.exp(-x)),
    "expit": lambda x, y: 1 / (1 + math.exp(-x)), "logit": lambda x, y: math.log(x / (1 - x)),
    "logsigmoid": lambda x, y: -math.log1p(math.exp(-x)),
    "swish": lambda x, y: x / (1 + math.exp(-x)),
}  # fmt: skip


@pytest.mark.parametrize("name", [name for name, instead in ELSEWHERE.items() if instead])
def test_what_stands_for_a_function_is_that_function(name: str) -> None:
    function = ELSEWHERE_IN_MATH.get(name) or (lambda x, y: getattr(math, name)(x))
    x, y = 1.7 if name.endswith("cosh") and name != "cosh" else 0.3, 0.2
    values = {"x": x} | ({"y": y} if "y" in names(ELSEWHERE[name]) else {})
    assert build(ELSEWHERE[name], values).data == pytest.approx(function(x, y), rel=1e-14)


@pytest.mark.parametrize("ending", ["svg", "png", "pdf", "dot"])
def test_the_output_chooses_the_format(ending: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["x*x", "x=3", "-o", f"f.{ending}"]) == 0
    assert f"picture: f.{ending}" in capsys.readouterr().out
    assert Path(f"f.{ending}").stat().st_size > 100


def test_the_output_may_be_a_page(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["x*x", "x=3", "-o", "f.html"]) == 0
    assert "df/dx = 3 + 3 = 6" in (out := capsys.readouterr().out)
    assert "page: f.html" in out
    assert "<title>f, step by step</title>" in Path("f.html").read_text(encoding="utf-8")
    assert main(["x*x", "x=3", "-o", "missing/f.htm"]) == 2
    assert "cannot write missing/f.htm" in capsys.readouterr().err


def test_a_page_for_formulas(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("easydot")
    for i, arguments in enumerate([[], ["x*y", "x=3"], ["--", "-x*y", "x=3"]]):
        assert main(["--page", f"p{i}.html", *arguments]) == 0
        assert capsys.readouterr().out == f"page: p{i}.html\n"
    assert '"formula":"-x*y","at":"x=3.0,y=' in Path("p2.html").read_text(encoding="utf-8")
    for arguments, line in [
        (["2x"], "column 2: write 2*x"),
        (["x", "y=1"], "y is not in the expression"),
        (["x", "--page", "f.svg"], "a page's name must end in .html or .htm"),
    ]:
        assert main(["--page", "q.html", *arguments]) == 2
        assert line in capsys.readouterr().err
    monkeypatch.setattr(sys.modules["autograd.drawing.playground"], "find_spec", lambda name: None)
    assert main(["--page", "q.html"]) == 2
    assert "pip install gatewise[page]" in capsys.readouterr().err
    assert not Path("q.html").exists()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("-x*2", -6),
        ("- x", -3),
        ("-(x)", -3),
        ("--x*1", 3),
        ("--x", 3),
        ("---x", -3),
        ("-x**2", -9),
        ("-exp(-x)", -0.0497870683679),
    ],
)
def test_expressions_may_begin_with_a_minus(text: str, value: float, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([text, "x=3", "-o", "f.dot"]) == 0
    assert main(["-o", "f.dot", "--", text, "x=3"]) == 0
    assert capsys.readouterr().out.count(f"\n\nf = {value:.12g}\n") == 2


@pytest.mark.parametrize("number", ["3e-20", "1e-15", "0.00123456789012", "-1e300", "123456789012345", "nan", "-inf"])
@pytest.mark.parametrize("text", ["x", "x*1"])
def test_the_result_has_its_digits_at_every_size(text: str, number: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([text, f"x={number}", "-o", "f.dot"]) == 0
    shown = capsys.readouterr().out.splitlines()[-2].partition(" = ")[2]
    assert float(shown) == pytest.approx(float(number), rel=1e-10, abs=0, nan_ok=True)
    assert len(shown) <= 19


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["x*y", "x=1"], "y in the expression has no value: add y=NUMBER"),
        (["x", "x=1", "z=2"], "z is not in the expression"),
        (["log(x, 2)", "x=1"], "column 1: log takes one input: write log(x)/log(b)"),
        (["1 + ln(x, b)", "x=1"], "column 5: ln takes one input: write log(x)/log(b)"),
        (["sqrt(x, 3)", "x=1"], "column 1: sqrt takes one input: write x**(1/n)"),
        (["x mod 2", "x=1"], "column 3: there is no operator mod"),
        (["(x) div 2", "x=1"], "column 5: write / instead of div"),
        (["x ± 2", "x=1"], "column 3: write + or -, in one expression each, instead of ±"),
        (["∓x", "x=1"], "column 1: write + or -, in one expression each, instead of ∓"),
        (
            ["sigmod(x)", "x=1"],
            "column 1: there is no gate 'sigmod', and a product is written sigmod*(…): did you mean sigmoid?",
        ),
        (["1 + x.real", "x=1"], "column 5: the attribute .real is not allowed"),
        (["x +", "x=1"], "column 4: something is missing after +"),
        (["(x", "x=1"], "column 1: '(' was never closed"),
        (["2*x^2", "x=1"], "column 4: write ** instead of ^"),
        (["x−1", "x=1"], "column 2: write - instead of −"),
        (["é*x.y", "x=1", "é=2"], "column 3: the attribute .y"),
        (["x if x else 1", "x=1"], "a condition (where(x, a, b) gives a if x > 0, else b) is not allowed"),
        (["[x]", "x=1"], "a pair of brackets [ ] is not allowed"),
        (["x < 1", "x=1"], "a condition (where(x, a, b)"),
        (["__import__('os')"], "there is no gate '__import__'"),
        (["'a'*x", "x=1"], "column 1: 'a', which is not a number, is not allowed"),
        (["True*x", "x=1"], "column 1: True, which is not a number"),
        (["exp(*x)", "x=1"], "a Starred is not allowed"),
        (["exp(**x)", "x=1"], "** is not allowed in a call"),
        (["exp(x)(x)", "x=1"], "column 7: write * between ) and ("),
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
        (["x*x", "x=1", "--digits", "99"], "--digits must be a number from 0 to 17, got 99"),
        (["x*x", "x=1", "--digits", "two"], "--digits: invalid int value: 'two'"),
        (["x*x", "x=1", "--colour"], "unrecognized arguments: --colour"),
        (["x+" * 6000 + "x", "x=1"], "at most 10,000 characters, got 12,001"),
        (["+".join("x" * 1000), "x=1"], "nested deeper than 400 levels"),
        (["(" * 1000 + "x" + ")" * 1000, "x=1"], "too many nested parentheses"),
        (["-" * 5000 + "x", "x=1"], "column 1: nested deeper than 400 levels"),
        (["-" * 9000 + "x", "x=1"], "column 1: nested deeper than 400 levels"),
        (["x*1" + "0" * 400, "x=1"], "beyond its range"),
        (["x*1" + "0" * 5000, "x=1"], "column 3: this number is beyond the range of a float"),
        (["x*1_" + "0" * 5000, "x=1"], "column 3: this number is beyond the range of a float"),
        (["x*x", "x=1", "--x=2"], "unrecognized arguments: --x=2"),
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


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("(x+y)(x-y)", "column 6: write * between ) and ("),
        ("(x+y) (x-y)", "column 7: write * between ) and ("),
        ("((x+y))(x-y)", "column 8: write * between ) and ("),
        ("é*(x+y)(x-y)", "column 8: write * between ) and ("),
        ("2x", "column 2: write 2*x"),
        ("2.5x", "column 4: write 2.5*x"),
        ("2exp(x)", "column 2: write 2*exp"),
        ("1e*x", "column 2: write 1*e"),
        ("x y", "column 3: write x*y"),
        ("sin²(x)", "column 1: write sin(x)**2 instead of sin²"),
        ("2*sin^2(x)", "column 3: write sin(x)**2 instead of sin^2"),
        ("sin**2(x)", "column 1: write sin(x)**2 instead of sin**2"),
        ("sin ** 2 (x)", "column 1: write sin(x)**2 instead of sin ** 2"),
        ("sin² x", "column 1: write sin(x)**2 instead of sin²"),
        ("ln^-2(x)", "column 1: write ln(x)**-2 instead of ln^-2"),
        ("exp^y(x+y)", "column 1: write exp(x+y)**y instead of exp^y"),
        ("tanh¹²((x+y)*2)", "column 1: write tanh(…)**12 instead of tanh¹²"),
        ("cos⁻²(x)", "column 1: write cos(x)**-2 instead of cos⁻²"),
        ("sin²x²", "column 1: write sin(x)**2 instead of sin²"),
        ("sin^12", "column 4: write ** instead of ^"),
        ("sin²²", "column 4: write **22 instead of ²²"),
        ("x + sin²", "column 8: write **2 instead of ²"),
        ("y²(x)", "column 2: write **2 instead of ²"),
        ("x\ty", "column 3: write x*y"),
        ("x 2", "column 3: write x*2"),
        ("x(y)", "column 2: write * between x and ("),
        ("x (y)", "column 3: write * between x and ("),
        ("(x)(y)", "column 4: write * between x and ("),
        ("2(x+1)", "column 2: write * between 2 and ("),
        ("x**2(y)", "column 5: write * between 2 and ("),
        ("(-x)(y)", "column 5: write * between ) and ("),
        ("(x)y", "column 4: write * between ) and y"),
        ("exp(x)y", "column 7: write * between ) and y"),
        ("exp(x)exp(y)", "column 7: write * between ) and exp"),
        ("exp(x)(y)", "column 7: write * between ) and ("),
        ("x exp(y)", "column 3: write x*exp"),
        ("2π x", "column 2: write 2*π"),
        ("3 4*x", "column 3: an operator is missing between 3 and 4"),
        ("1.2.3*x", "column 4: an operator is missing between 1.2 and .3"),
        ("f(x)", "column 1: there is no gate 'f'"),
        ("f(x)", "a product is written f*("),
        ("x2", "column 1: x2 in the expression has no value: add x2=NUMBER, or write x*2"),
        ("y*xy", "column 3: xy in the expression has no value: add xy=NUMBER, or write x*y"),
        ("1+sinx", "column 3: sinx in the expression has no value: add sinx=NUMBER, or write sin(x)"),
        ("1+sin", "column 3: sin is a gate: write sin(x)"),
        ("sin x", "column 5: write sin(x)"),
        ("log 2", "column 5: write log(2)"),
        ("ln x", "column 4: write ln(x)"),
        # what would be another number if the advice were taken word for word
        ("sin⁻¹(x)", "column 1: write sin(x)**-1 if sin⁻¹ is 1/sin; the inverse of sin is another function"),
        ("2*cos^-1 x", "column 3: write cos(x)**-1 if cos^-1 is 1/cos; the inverse"),
        ("tan**(-1)(x)", "column 1: write tan(x)**-1 if tan**(-1) is 1/tan; the inverse"),
        ("sin^{2}(x)", "column 1: write sin(x)**2 instead of sin^{2}"),
        ("2³²*x", "column 2: write **32 instead of ³²"),
        ("x⁻¹", "column 2: write **-1 instead of ⁻¹"),
        ("x⁽²⁾", "column 2: write **(2) instead of ⁽²⁾"),
        ("2ˣ⁺¹", "column 2: write **(x+1) instead of ˣ⁺¹"),
        ("x¹²³", "column 2: write **123 instead of ¹²³"),
        ("xⁿ", "column 2: write **n instead of ⁿ"),
        ("x₁₀", "column 2: write 10 instead of ₁₀"),
        ("1½*x", "column 1: write (1+1/2) instead of 1½"),
        ("x*12¼", "column 3: write (12+1/4) instead of 12¼"),
        ("x1½", "column 3: write (1/2) instead of ½"),
        ("∛x", "column 1: write cbrt(…) instead of ∛"),
        ("sin(30°)*x", "column 7: write (…*pi/180) instead of °"),
        ("50%*x", "column 3: write (…/100) instead of …%"),
        ("y/2x", "column 4: write 2*x, in parentheses if / takes all of it"),
        ("2**3x", "column 5: write 3*x, in parentheses if ** takes all of it"),
        ("2**-3x", "column 6: write 3*x, in parentheses if ** takes all of it"),
        ("1/xy", "column 3: xy in the expression has no value: add xy=NUMBER, or write x*y, in parentheses if /"),
        ("1/(x+1)(x-1)", "column 8: write * between ) and (, in parentheses if / takes all of it"),
        ("1/exp(x)(x-1)", "column 9: write * between ) and (, in parentheses if / takes all of it"),
        ("1/2(x+1)", "column 4: write * between 2 and (, in parentheses if / takes all of it"),
        ("2 - 3x", "column 6: write 3*x\n"),
        ("sin 2x", "column 5: write sin(2x)"),
        ("sin x**2", "column 5: write sin(x**2)"),
        ("arcsin x", "column 8: write arcsin(x)"),
        ("gamma(x)", "column 1: there is no gate 'gamma', and no combination of gates gives it"),
        ("π(x)", "column 2: write * between π and ("),
        ("log_2(x)", "column 1: there is no gate 'log_2': write log2(x)"),
        ("ReLU(x)", "column 1: there is no gate 'ReLU', and a product is written ReLU*(…): did you mean relu?"),
        ("\\sqrt x", "column 1: \\ is not allowed: write sqrt(x)"),
        ("+".join(f"a{i}" for i in range(200)), "column 1: a0, a1, a2, a3, a4 and 195 more in the expression"),
        ("|x|", "column 1: write abs(x) instead of |x|"),
        ("2*|x|", "column 3: write abs(x) instead of |x|"),
        ("x|y", "column 1: the operator | is not allowed"),
        ("√x", "column 1: write sqrt(…) instead of √"),
        ("x⁴", "column 2: write **4 instead of ⁴"),
        ("x½", "column 2: write (1/2) instead of ½"),
        ("∞*x", "column 1: write a number instead of ∞"),
        ("x≤1", "column 2: write where(x, a, b)"),
        ("x⋅y", "column 2: write * instead of ⋅"),
        ("x＋y", "column 2: write + instead of ＋"),
        ("（x）", "column 1: write ( instead of （"),
        ("２*x", "column 1: write 2 instead of ２"),
        ("٣*x", "column 1: write 3 instead of ٣"),
        ("x—y", "column 2: write - instead of —"),
        ("x₁", "column 2: write 1 instead of ₁"),
        ("x…", "column 2: … is not allowed"),
        ("x!", "column 2: ! is not allowed"),
        ("x?", "column 2: ? is not allowed"),
        ("x'", "column 2: ' is not allowed"),
        ("$x$", "column 1: $ is not allowed"),
        ("x;y", "column 2: ; is not allowed"),
        ("\\frac{x}{y}", "column 1: \\ is not allowed"),
        ("x\0", "column 2: the character U+0000 is not allowed"),
        ("x\x1b[31m", "column 2: the character U+001B is not allowed"),
        ("x\u200by", "column 2: the character U+200B is not allowed"),
        ("\ufeffx", "column 1: the character U+FEFF is not allowed"),
        ("x\ud800", "column 2: the character U+D800 is not allowed"),
        ("y=x", "column 2: the expression must not contain ="),
        ("x=1", "column 2: the expression must not contain ="),
        ("exp(x)=y", "column 7: the expression must not contain ="),
        ("x==1", "column 1: a condition"),
        ("x!=1", "column 1: a condition"),
        ("lambda", "column 1: lambda is a keyword of Python"),
        ("x*lambda", "column 3: lambda is a keyword of Python"),
        ("if", "column 1: if is a keyword of Python"),
        ("x if", "column 3: if is a keyword of Python"),
        ("1,5*x", "column 2: a comma only separates the inputs of a gate; write 1.5 for 1,5"),
        ("(1,5)*x", "column 3: a comma only separates"),
        ("x,", "column 2: a comma only separates"),
        ("max(x,,y)", "column 7: something is missing before ,"),
        ("exp(,x)", "column 5: something is missing before ,"),
        ("*x", "column 1: something is missing before *"),
        ("x*/y", "column 3: something is missing before /"),
        ("x**", "column 4: something is missing after **"),
        ("exp(x+)", "column 7: something is missing before )"),
        ("-", "column 2: something is missing after -"),
        ("()*x", "column 1: an empty pair of parentheses is not allowed"),
        ("x)", "column 2: unmatched ')'"),
        ("(x]", "column 3: closing parenthesis ']' does not match"),
        ("1e999*x*y", "column 1: this number is beyond the range of a float"),
        ("x*1j", "column 3: 1j, which is not a number"),
        ("{x}", "column 1: a pair of braces { } is not allowed"),
        ("x[0]", "column 1: a Subscript is not allowed"),
        ("elu(x, alpha=1, alpha=y)", "column 17: alpha is given twice"),
        ("y" * 9000, "add yyyyy"),
        ("y" * 9000 + " 2", "column 9002: write yyyyy"),
        ("z." + "y" * 9000, "column 1: the attribute .yyyyy"),
        ("y" * 9000 + "(x)", "column 1: there is no gate 'yyyyy"),
    ],
)
def test_the_notation_of_school_is_told_what_to_write_and_where(
    text: str, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([text, "x=2", "y=1"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("autograd: column ")
    assert line in error
    assert error[:-1].isprintable()
    assert len(error.replace(ALL_GATES, "")) < 300


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("x*pi", 2 * math.pi), ("π*x", 2 * math.pi), ("e**x", math.e**2), ("ln(x)", math.log(2)), ("x\u00a0+ 1", 3.0),
        ("x\n+\n1", 3.0), ("1_000*x", 2000.0), ("0x10*x", 32.0), ("λ*x", 6.0), ("(exp)(x)", math.exp(2)), ("exp(x,)", math.exp(2)),
    ],
)  # fmt: skip
def test_what_is_read(text: str, value: float) -> None:
    values = {"x": 2.0} | ({"λ": 3.0} if "λ" in text else {})
    assert build(text, values).data == pytest.approx(value, rel=1e-15)


def test_a_value_comes_before_a_constant() -> None:
    assert build("e*x", {"e": 3.0, "x": 2.0}).data == 6.0
    assert names("e*x + pi") == ["x"]


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["x="], "x=: '' is not a number"),
        (["=2"], "'=2' is not name=number"),
        (["x=1=2"], "x=1=2: '1=2' is not a number"),
        (["x=1,5"], "x=1,5: '1,5' is not a number: write x=1.5"),
        (["x=1,234"], "x=1,234: '1,234' is not a number: write x=1.234 or x=1234"),
        (["x=−1"], "x=−1: '−1' is not a number: write x=-1"),
        (["x=2²"], "x=2²: '2²' is not a number: write x=0.5 or x=1e-3, for example"),
        (["x=1e999"], "x=1e999 is beyond the range of a float"),
        (["x=\x1b[31m"], r"x=\x1b[31m"),
        (["x=" + "1" * 100_000], "is beyond the range of a float"),
        (["x=" + "a" * 100_000], "is not a number"),
        (["a" * 100_000], "is not name=number"),
        (["x=1", "-o", ""], "-o '.': the picture's name must end in"),
        (["x=1", "-o", "."], "-o '.': the picture's name must end in"),
        (["x=1", "-o", "f"], "-o 'f': the picture's name must end in"),
        (["x=1", "-o", "folder.svg"], "cannot write folder.svg: this is a folder"),
        (["x=1", "-o", "pipe.dot"], "cannot write pipe.dot: this is a pipe or a device"),
        (["x=1", "-o", "a\0.dot"], "path must not contain a NUL"),
        (["x=1", "-o", "\x1b[31m.gif"], r"\x1b[31m.gif"),
        (["x=1", "-o", "x" * 300 + ".dot"], "File name too long"),
        (["x=1", "--digits", "1" * 5000], "--digits: invalid int value"),
        (["x=1", "--digits", "²"], "--digits: invalid int value"),
    ],
)
def test_a_mistake_in_an_argument_gets_one_line(
    arguments: list[str], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("folder.svg").mkdir()
    os.mkfifo("pipe.dot")
    assert main(["x*x", *arguments]) == 2
    error = capsys.readouterr().err
    assert error.startswith("autograd: ")
    assert line in error
    assert error[:-1].isprintable()
    assert len(error) < 500


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


FULL = "autograd: cannot write the output: No space left on device\n"


@pytest.mark.parametrize(
    ("command", "code", "error"),
    [
        ("| head -1", 0, ""),
        ("| true", 0, ""),
        ("--help | true", 0, ""),
        ("--version | true", 0, ""),
        (">&-", 0, ""),
        ("> /dev/full", 2, FULL),
        ("--help > /dev/full", 2, FULL),
    ],
)
def test_the_output_may_be_closed_or_full(command: str, code: int, error: str) -> None:
    script = f'set -o pipefail; "{sys.executable}" -m autograd {command}'
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False, env=buffered)
    assert (done.returncode, done.stderr) == (code, error)


def test_an_interrupt_gets_one_line() -> None:
    script = """
import signal, sys
import autograd.__main__ as command
command._report = lambda *_: signal.raise_signal(signal.SIGINT)
sys.exit(command.main([]))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, "autograd: interrupted\n")
    assert not Path("graph.svg").exists()


TOKENS = st.sampled_from(
    [
        *"xyzefj_0123456789+-*/^%@~|&!?<>=,;:.'\"()[]{}#\\$ \t\n\r\0\x1b",
        *"πλ²⁴½√∑∞·×÷−–≤２．（）＋μ\u00a0\u200b\ufeff\ud800",
        *("**", "//", "==", ":=", "...", "1.5", "1,5", "1e5", "1e999", "1_0", "0x1", "1j", "9" * 400, "9" * 5000),
        *("lambda ", " if ", " else ", "not ", " in ", " for ", "None", "True", "pi", "inf", "nan", "f'", "x.real"),
        *("exp", "exp(", "log(", "sin x", "max(", "dot([x], [y])", "where(x, y, 1)", "leaky_relu(x, slope=", "ln("),
        *("(x+y)", "2x", "x y", "x(y)", "__import__('os')", "(" * 150, ")" * 150, "-" * 300, "+x" * 300),
    ]
)
EXPRESSIONS = st.one_of(st.text(max_size=40), st.lists(TOKENS, max_size=12).map("".join))
ASSIGNED = st.one_of(st.floats().map(repr), st.sampled_from(["", "1,5", "1=2", "nan", "１", "1e999", "0x1", "x"]))


@given(EXPRESSIONS, ASSIGNED, ASSIGNED)
@example("\x00", "1", "1")
@example("\ud800", "1", "1")
@example("x\n+ x", "1", "1")
@example("9**9**9**9", "1", "1")
@example("exp(exp(exp(x)))", "5", "1")
@example("ﬁ*x", "1", "1")
@example("(x+y)(x-y)", "1", "1")
@settings(max_examples=1000)
def test_random_text_never_ends_in_a_traceback(text: str, x: str, y: str) -> None:
    if text not in ("--help", "--version", "-h"):
        errors = io.StringIO()
        with contextlib.redirect_stderr(errors):
            code = main([text, f"x={x}", f"y={y}", "-o", "f.dot"])
        line = errors.getvalue()
        assert (code, line) == (0, "") or (code == 2 and line.startswith("autograd: ") and line[:-1].isprintable())
        assert len(line) < 700


@given(st.lists(st.one_of(st.text(max_size=10), EXPRESSIONS, TOKENS), max_size=4))
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
    assert "\n\ny = 4\n" in out
    assert "v2 = f·2 = 2" in out


def test_building_and_names() -> None:
    root = build("  dot([w, x], [x, 2], bias=b) / max(w, x)", {"w": 3, "x": 2, "b": 1})
    assert root.data == 11 / 3
    assert names("b + exp(-a*b) + exp") == ["b", "a", "exp"]
    assert build("1/x", {"x": 4}).gate is GATES["reciprocal"]
    assert isinstance(build("x", {"x": 4}), Value)
    with pytest.raises(ExpressionError, match="has no value"):
        build("x", {})
