"""Guards what help() says: every public name has a docstring with a sentence and an example that is executed."""

from __future__ import annotations

import doctest
import importlib
import inspect
import re
from pathlib import Path
from typing import Any

import pytest

import autograd
from autograd.beside import ARC
from tests import surface
from tests.readme import BUILT_IN

ROOT = Path(__file__).parent.parent.parent


NAMES = surface.names()
CLASSES = {name: thing for name, thing in NAMES.items() if inspect.isclass(thing)}


def examples(thing: Any) -> list[doctest.Example]:
    return doctest.DocTestParser().get_examples(inspect.getdoc(thing) or "")


def test_the_surface_is_that_of_the_readme() -> None:
    assert {"autograd.Value", "autograd.exp", "autograd.testing.expressions", "nn.fit", "nn.classical.XOR"} <= set(
        NAMES
    )
    assert len(NAMES) > 150


@pytest.mark.parametrize("name", NAMES)
def test_a_sentence_and_an_example(name: str) -> None:
    text = inspect.getdoc(NAMES[name]) or ""
    assert "." in text, f"{name} has no sentence in its docstring"
    assert examples(NAMES[name]), f"{name} has no example in its docstring"


@pytest.mark.parametrize("name", CLASSES)
def test_every_method_says_what_it_does(name: str) -> None:
    """In a docstring of its own, or in a line of the class's that begins with its name and a colon."""
    entries = re.findall(r"^(\w+): ", inspect.getdoc(CLASSES[name]) or "", re.MULTILINE)
    members = {member: inspect.getdoc(found) for member, found in surface.members(CLASSES[name])}
    silent = [member for member, text in members.items() if not text and member not in entries]
    assert not silent, f"{name} has members without a docstring"


# Methods without an example, and why.
ELSEWHERE = {
    "to_jax": "needs JAX: test_jax.py",
    "sharded": "needs JAX: test_jax.py",
    "replicated": "needs JAX: test_jax.py",
    "on_torch": "needs PyTorch: test_torch.py",
    "to_torch": "needs PyTorch: test_torch.py",
    **dict.fromkeys(
        (
            "run_on",
            "evaluation",
            "refusal",
            "local_gradients",
            "evaluate",
            "fire",
            "keep_whole_epochs",
            "diverged",
            "step_array",
        ),
        "for readers",
    ),
    **dict.fromkeys(("index", "count"), "of every tuple"),
    **dict.fromkeys(autograd.GATES, "a row, whose manual has one"),
    **dict.fromkeys(ARC, "numpy's name of a row"),
}


def test_methods_are_used_in_some_example() -> None:
    folders = [ROOT / name for name in ("autograd", "nn", "demos")]
    files = [ROOT / "README.md", *(path for f in folders for kind in ("*.py", "*.md") for path in f.rglob(kind))]
    typed = "\n".join(
        line for path in files for line in re.findall(r"^ *(?:>>>|\.\.\.) (.*)$", path.read_text("utf-8"), re.MULTILINE)
    )
    called = set(re.findall(r"\.(\w+)", typed)) | set(re.findall(r"def (\w+)", typed))
    for name, thing in CLASSES.items():
        unused = {member for member, _ in surface.members(thing)} - called - ELSEWHERE.keys()
        assert not unused, f"{name} has members that no example shows"
    shown = {member for thing in CLASSES.values() for member, _ in surface.members(thing)}
    assert set(ELSEWHERE) - set(autograd.GATES) <= shown


def test_examples_are_executed() -> None:
    """By pytest, which finds those of the functions and classes of a module; the gates' are run below."""
    collected: dict[str, set[str]] = {}
    for name, thing in NAMES.items():
        if isinstance(thing, autograd.Gate) or type(thing) in CLASSES.values():
            continue  # its docstring is that of its class, which is here too
        module = thing.__module__
        if module not in collected:
            collected[module] = {test.name for test in doctest.DocTestFinder().find(importlib.import_module(module))}
        assert f"{module}.{thing.__name__}" in collected[module], f"{name} is not where doctest finds it"
        assert (ROOT / module.partition(".")[0]).is_dir()


def run(text: str, names: dict[str, Any]) -> int:
    """Run the examples of a text, and return how many fail."""
    test = doctest.DocTestParser().get_doctest(text, names, "example", None, None)
    return doctest.DocTestRunner().run(test, out=lambda _: None).failed


@pytest.mark.parametrize("gate", BUILT_IN, ids=lambda gate: gate.name)
def test_the_example_of_a_gate(gate: autograd.Gate) -> None:
    assert run(inspect.getdoc(gate) or "", vars(autograd).copy()) == 0


@pytest.mark.parametrize("gate", BUILT_IN, ids=lambda gate: gate.name)
def test_the_manual_of_a_gate_is_its_row(gate: autograd.Gate) -> None:
    text = inspect.getdoc(gate) or ""
    assert text.startswith(gate.doc)
    assert gate.nickname in text
    assert gate.kink is None or gate.kink.convention in text
    (example,) = examples(gate)
    assert example.source.startswith(f"{gate.name}(")


def test_a_wrong_example_would_be_found() -> None:
    """The manual's numbers come from the row on floats; the example runs the engine. A wrong slope makes them differ."""
    row = autograd.gate("half", "½", lambda xp, x: x / 2, lambda xp, out, x: 0.5, doc="x/2.")
    try:
        text = str(row.__doc__)
        assert "(-0.25, 0.5)" in text
        assert run(text, {**vars(autograd), "half": row}) == 0
        assert run(text.replace("(-0.25, 0.5)", "(-0.25, 2.0)"), {**vars(autograd), "half": row}) == 1
    finally:
        del autograd.GATES["half"]
