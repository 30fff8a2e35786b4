"""Guards the import of the package: what it loads at once, what it loads when first used, and what `import *` gives."""

from __future__ import annotations

import builtins
import subprocess
import sys
from types import ModuleType

import pytest

import autograd
import nn

READERS = ("autograd.check", "autograd.compiling", "autograd.drawing", "autograd.functional", "autograd.testing")


def run(code: str) -> str:
    """Return what a fresh interpreter prints."""
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.strip()


def test_readers_are_loaded_when_first_used() -> None:
    loaded = f"sorted({{*sys.modules}} & {{*{READERS!r}, 'numpy', 'graphviz', 'hypothesis'}})"
    assert run(f"import sys, autograd; print({loaded})") == "[]"
    assert run(f"import sys, autograd; autograd.Value(2.0).exp().backward(); print({loaded})") == "[]"
    assert run(f"import sys, autograd; autograd.grad; print({loaded})") == "['autograd.functional']"
    assert "autograd.drawing" in run(f"import sys; from autograd import draw; print({loaded})")
    assert run("import autograd; print(autograd.compiling.__name__)") == "autograd.compiling"


def test_the_folders_of_nn_are_loaded_when_first_used() -> None:
    loaded = "print(sorted({m.split('.')[1] for m in sys.modules if m.startswith('nn.')} - {'schedules'}))"
    assert run(f"import sys, nn; {loaded}") == "[]"
    small = "['layers', 'losses', 'module', 'optimisers']"
    assert run(f"import sys; from nn import MLP, SGD, squared_error; MLP(2, [1]); {loaded}") == small
    every = "['data', 'layers', 'losses', 'module', 'optimisers', 'saving', 'training', 'viewing']"
    assert run(f"import sys, nn; [getattr(nn, n) for n in nn.__all__ if n != 'classical']; {loaded}") == every
    assert run("import nn; print(nn.classical.__name__, nn.schedules.__name__)") == "nn.classical nn.training.schedules"
    assert run("from nn.schedules import cosine; print(cosine.__module__)") == "nn.training.schedules"


@pytest.mark.parametrize("package", [autograd, nn], ids=lambda package: package.__name__)
def test_every_public_name_is_found_and_listed(package: ModuleType) -> None:
    assert set(package.__all__) <= set(dir(package))
    assert len(set(package.__all__)) == len(package.__all__)
    for name in package.__all__:
        assert getattr(package, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'gradient'"):
        getattr(package, "gradient")  # noqa: B009


def test_import_star_hides_no_function_of_python_but_compile() -> None:
    names: dict[str, object] = {}
    exec("from autograd import *", names)
    assert {name for name in names if hasattr(builtins, name)} == {"compile"}
    assert {"Value", "exp", "relu", "maximum", "grad", "draw", "check_gradients"} <= names.keys()
