"""Guards the course: every check says "not yet" to the stub and to readers' usual mistakes, and "right" to the solution.

Here the notebooks' cells run as plain Python; test_jupytext.py runs the notebooks themselves, in a real kernel.
"""

from __future__ import annotations

import ast
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from typing import Any, NamedTuple

import matplotlib
import pytest

from demos.course import PARTS
from demos.course.__main__ import FOLDER, Cell, cells, main, notebook, script

matplotlib.use("Agg")
from matplotlib import pyplot as plt

# A reader's mistake: the exercise, what of its solution they write otherwise, and how, and what the check says to it.
MISTAKES = [
    ("error_gradient", "upstream * y, upstream * x", "upstream * x, upstream * y", "the gradient in x, y."),
    ("error_gradient", "-upstream]", "upstream]", "the gradient in t."),
    ("error_gradient", "2 * (", "(", "the gradient in x, y, z, t."),
    ("error_gradient", "x * y + z - t", "-1", "right at this point and wrong at another"),
    ("error_gradient", "return [", "[", "Does the function end in return"),
    ("error_gradient", ", upstream, -upstream]", "]", "as many numbers as its docstring lists"),
    ("error_gradient", "2 * (x", "2 * (horizontal", "spelt as in its first line"),
    ("error_gradient", "x * y + z - t)", "f - t)", "reads f from a cell above"),
    ("neuron_gradient", "(1 - f) * f", "1 - f", "begin with w2"),
    ("neuron_gradient", "upstream * x0, upstream * w0", "upstream * w0, upstream * x0", "w2 is right.\nhint: A product swaps"),
    ("neuron_gradient", "(1 - f) * f", "grad(sigmoid)(1.0)", "right at this point and wrong at another"),
    ("my_backward", "gradients[node] * local", "local", "upstream × local = downstream"),
    ("my_backward", "= gradients.get(source, 0.0) +", "+=", "before the first contribution has come"),
    ("my_backward", "return gradients", "return None", "not yet: my_backward raises AttributeError"),
    ("my_backward", "get(source, 0.0)", "get(source, 1.0)", "upstream × local = downstream"),
    ("my_backward", "zip(node.inputs, local_gradients(node))", "dict(zip(node.inputs, local_gradients(node))).items()",
     "right wherever each value is used once"),
    ("cube_slope", "3 * x * x", "3 * x", "1 of the five"),
    ("cube_slope", " * exp(-x * x)", "", "1 of the five"),
    ("cube_slope", "b - a]", "a - b]", "1 of the five"),
    ("cube_slope", "[a - b, b - a]", "[b - a, a - b]\n\ndef swish_slope(x):\n    return sigmoid(x)", "2 of the five"),
    ("cross_entropy", " - (1 - y) * log(1 - o)", "", "at z = 1.0, y = 0 your loss is"),
    ("cross_entropy", "-y * log(o) -", "y * log(o) +", "is a loss ever negative"),
    ("cross_entropy", "sigmoid(z)", "sigmoid(z.data) + 0 * z", "leave the graph"),
    ("cross_entropy", "return ", "", "Does the function end in return"),
    ("train_step", "return cost.data", "", "Does the function end in return"),
    ("train_step", "    model.zero_grad()\n", "", "the first step is right, and not all"),
    ("train_step", "-= rate", "+= rate", "The gradient points uphill"),
    ("train_step", "rate * p.grad", "rate * p.grad / 4", "not by rate × gradient"),
    ("train_step", "p.data -= rate * p.grad", "p = p.data - rate * p.grad", "no weight has changed"),
    ("hidden", "[8, 8]", "8.5", "not yet: "),
    ("hidden", "[8, 8]", "[1]", "Is the boundary too stiff"),
    ("hidden", "0.05", "1e-6", "Does the cost still fall"),
    ("hidden", "0.05", "1e308", "training diverged"),
    ("backpropagate", " - np.eye(3)[y]", "", "begin at the end"),
    ("backpropagate", " * a2 * (1 - a2)", "", "layer 3 is right"),
    ("backpropagate", " * a1 * (1 - a1)", "", "layers 3 and 2 are right"),
    ("backpropagate", "W2.T @", "W2 @", "layers 3 and 2 are right"),
    ("backpropagate", ", np.outer(delta3, a2), delta3]", "]", "as many numbers as its docstring lists"),
    ("products", "3 * n - 1", "3 * n", "one too many, always"),
    ("products", "3 * n - 1", "2 * n", "the program of two layers is printed above, and it has 5"),
    ("products", "3 * n - 1", "n * n + 1", "right for two layers, not for every"),
    ("leaky", "autograd.maximum(z, 0.1 * z)", "0.1 * z", "at z = 0.5 it gives 0.05 instead of 0.5"),
    ("leaky", "maximum(z, 0.1 * z)", "maximum(z, 0.0)", "at z = -3.0 it gives 0 instead of -0.3"),
    ("leaky", "autograd.maximum(z, 0.1 * z)", "z.data if z.data > 0 else 0.1 * z", "does not work while compiling"),
    ("name_loss", " / len(losses)", "", "the sum of the four losses"),
    ("name_loss", "[-softmax", "[softmax", "a loss is not negative"),
    ("name_loss", "tokens[i + 1]", "tokens[i]", "The row belongs to a token, and the entry"),
    ("name_loss", "table[tokens[i]]", "table[tokens[i - 1]]", "it should be"),
    ("name_loss", "return sum(losses) / len(losses)", "return sum(losses).data / len(losses)", "name_loss raises"),
    ("name_loss", "return sum", "sum", "Does the function end in return"),
    ("attend", " / len(query) ** 0.5", "", "what is the product of query and key divided by"),
    ("attend", "weights = softmax([dot(query, key) / len(query) ** 0.5 for key in keys])",
     "weights = [dot(query, key) / len(query) ** 0.5 for key in keys]", "the weights sum to"),
    ("attend", "zip(*values)", "values", "the weights are right, and o is not"),
    ("attend", "zip(*values)", "zip(*keys)", "o is as long as a value"),
    ("attend", "[dot(weights, column) for column in zip(*values)]", "dot(weights, weights)", "attend raises TypeError"),
    ("chances", "score / temperature", "score * temperature", "a higher temperature makes it less bold"),
    ("chances", " / temperature", "", "the temperature changes nothing"),
    ("chances", "softmax([score / temperature for score in scores])", "[p / temperature for p in softmax(scores)]",
     "do not sum to 1"),
    ("chances", "score / temperature", "2 * score / temperature", "at temperature 1 the probabilities are"),
]  # fmt: skip


class Exercise(NamedTuple):
    """A cell to fill in, by the first name that its solution gives: its part, its place among the cells, its solution."""

    part: str
    place: int
    solution: str


def names(source: str) -> list[str]:
    """Return the names that a cell gives to functions and variables."""
    found = []
    for statement in ast.parse(source).body:
        if isinstance(statement, ast.FunctionDef):
            found.append(statement.name)
        if isinstance(statement, ast.Assign):
            found += [target.id for target in statement.targets if isinstance(target, ast.Name)]
    return found


def exercises() -> dict[str, Exercise]:
    """Return all exercises by name, each with its solution: the solutions stand in the order of the exercises."""
    solutions = cells((FOLDER / "solutions.py").read_text(encoding="utf-8"))
    found = {}
    for part in PARTS:
        places = [i for i, cell in enumerate(cells(script(part))) if cell.tag == "exercise"]
        sources = [cell.source for cell in solutions if cell.tag == part]
        for place, source in zip(places, sources, strict=True):
            found[names(source)[0]] = Exercise(part, place, source)
    return found


EXERCISES = exercises()


def run(source: str, namespace: dict[str, Any]) -> str:
    """Run a cell and return what it printed."""
    printed = io.StringIO()
    with redirect_stdout(printed):
        exec(compile(source, "<cell>", "exec"), namespace)
    return printed.getvalue()


PLOTS: list[tuple[str, str, str]] = []  # part and labels of every axis that a cell showed


def close_plots(part: str) -> None:
    """Stand in for plt.show: note the labels of what is shown, and close it."""
    for number in plt.get_fignums():
        PLOTS.extend((part, ax.get_xlabel(), ax.get_ylabel()) for ax in plt.figure(number).axes if ax.axison)
    plt.close("all")


@pytest.fixture(scope="module")
def said() -> Callable[[str, str], str]:
    """Return what the check of an exercise says to what stands below its stub, "" for the stub alone.

    A part runs once, as a reader would run it; at every exercise all answers are tried, and the solution last.
    """
    outputs: dict[tuple[str, str], str] = {}

    def play(part: str) -> None:
        namespace: dict[str, Any] = {"__name__": "__main__"}
        course = cells(script(part))
        for i, cell in enumerate(course):
            if cell.kind == "code" and cell.tag != "check":
                run(cell.source, namespace)
            for name, exercise in EXERCISES.items():
                if (exercise.part, exercise.place) == (part, i):
                    check = next(later for later in course[i:] if later.tag == "check")
                    answers = [mistaken(*mistake[:3]) for mistake in MISTAKES if mistake[0] == name]
                    for answer in ["", *answers, exercise.solution]:
                        run(f"{cell.source}\n\n{answer}", namespace)
                        outputs[name, answer] = run(check.source, namespace)

    def said(name: str, answer: str) -> str:
        if (name, "") not in outputs:
            with pytest.MonkeyPatch.context() as patch:
                patch.syspath_prepend(str(FOLDER))  # as in a notebook, which runs in its own folder
                patch.setattr(plt, "show", lambda: close_plots(EXERCISES[name].part))
                play(EXERCISES[name].part)
        return outputs[name, answer]

    return said


def mistaken(name: str, old: str, new: str) -> str:
    """Return the solution of an exercise with a mistake in it."""
    solution = EXERCISES[name].solution
    assert old in solution, (name, old)
    return solution.replace(old, new, 1)


@pytest.mark.parametrize("name", EXERCISES)
def test_a_solution_is_right_and_the_stub_is_not_yet(name: str, said: Callable[[str, str], str]) -> None:
    right, stub = said(name, EXERCISES[name].solution), said(name, "")
    assert "\nright: " in f"\n{right}"
    assert "not yet" not in right
    assert "\nnot yet: " in f"\n{stub}"
    assert "right: " not in stub


@pytest.mark.parametrize(("name", "old", "new", "hint"), MISTAKES)
def test_a_mistake_is_told_kindly(name: str, old: str, new: str, hint: str, said: Callable[[str, str], str]) -> None:
    answer = said(name, mistaken(name, old, new))
    assert f"\n{answer}".count("\nnot yet: ") == 1
    assert hint in answer
    assert "right: " not in answer


def test_every_exercise_is_tried_with_three_mistakes_at_least() -> None:
    for name in EXERCISES:
        assert sum(mistake[0] == name for mistake in MISTAKES) >= 3


@pytest.mark.parametrize("name", EXERCISES)
def test_no_check_and_no_prose_shows_a_solution(name: str, said: Callable[[str, str], str]) -> None:
    part, place, solution = EXERCISES[name]
    stub = cells(script(part))[place].source
    assert set(names(solution)) <= set(names(stub))
    own = [line.strip() for line in solution.splitlines() if line.strip() and line not in stub and "def " not in line]
    prose = [line for line in own if not line.startswith('"""')]
    elsewhere = script(part) + said(name, "") + "".join(said(name, mistaken(*m[:3])) for m in MISTAKES if m[0] == name)
    assert prose
    for line in prose:
        assert line not in elsewhere


@pytest.mark.parametrize("name", ["error_gradient", "cross_entropy", "backpropagate", "attend"])
def test_the_axes_of_all_plots_are_labelled(name: str, said: Callable[[str, str], str]) -> None:
    said(name, "")
    shown = [labels for part, *labels in PLOTS if part == EXERCISES[name].part]
    assert shown
    assert all(all(labels) for labels in shown)


@pytest.mark.parametrize("part", PARTS)
def test_a_part_runs_as_a_script_from_top_to_bottom_unfilled(part: str) -> None:
    """Nothing stops "Run all": the checks say "not yet", one for each exercise, and what follows them runs."""
    command = [
        sys.executable,
        "-W",
        "error",
        "-W",
        "ignore:FigureCanvasAgg is non-interactive",
        str(FOLDER / f"{part}.py"),
    ]
    hidden = {**os.environ, "MPLBACKEND": "Agg"}  # no windows, which plt.show() would wait for
    done = subprocess.run(command, env=hidden, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("not yet: ") == sum(exercise.part == part for exercise in EXERCISES.values())
    assert "right: " not in done.stdout


@pytest.mark.parametrize("part", PARTS)
def test_a_notebook_is_its_script_without_outputs(part: str) -> None:
    text = (FOLDER / f"{part}.ipynb").read_text(encoding="utf-8")
    assert text == notebook(part), "run python -m demos.course"
    shown = json.loads(text)["cells"]
    assert [cell["cell_type"] for cell in shown] == [cell.kind for cell in cells(script(part))]
    assert all(not cell["outputs"] and cell["execution_count"] is None for cell in shown if cell["cell_type"] == "code")


@pytest.mark.parametrize("part", PARTS)
def test_a_script_is_read_whole(part: str) -> None:
    """Every line stands in a cell, and none begins in a way that the format knows and `cells` does not."""
    text = script(part)
    assert text.startswith("# %% [markdown]\n# # ")
    assert sum(line.startswith("# %%") for line in text.splitlines()) == len(cells(text))
    lines = sum(len(cell.source.splitlines()) for cell in cells(text) if cell.kind == "code")
    code = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert lines >= len(code)
    kinds = [cell.tag for cell in cells(text) if cell.tag]
    assert kinds == ["exercise", "check"] * (len(kinds) // 2)


def test_cells() -> None:
    prose, code = "# %% [markdown]\n# # Title\n#\n# A $x$.\n", "# %%\nx = 1\n\n"
    text = f'{prose}\n{code}\n# %% tags=["exercise"]\ndef f():\n    # note\n    return 2\n'
    assert cells(text) == [
        Cell("markdown", None, "# Title\n\nA $x$."),
        Cell("code", None, "x = 1"),
        Cell("code", "exercise", "def f():\n    # note\n    return 2"),
    ]


def test_the_command_writes_the_notebooks(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for part in PARTS:
        (tmp_path / f"{part}.py").write_text(script(part), encoding="utf-8")
    monkeypatch.setattr("demos.course.__main__.FOLDER", tmp_path)
    main()
    assert capsys.readouterr().out.splitlines() == [str(tmp_path / f"{part}.ipynb") for part in PARTS]
    assert (tmp_path / "part1_gradients.ipynb").read_text(encoding="utf-8") == notebook("part1_gradients")
