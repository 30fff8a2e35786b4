"""Guards the import of the package: what it loads at once, what it loads when first used, and what `import *` gives."""

from __future__ import annotations

import builtins
import subprocess
import sys

import pytest

import autograd

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


def test_every_public_name_is_found_and_listed() -> None:
    assert set(autograd.__all__) <= set(dir(autograd))
    assert len(set(autograd.__all__)) == len(autograd.__all__)
    for name in autograd.__all__:
        assert getattr(autograd, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'gradient'"):
        getattr(autograd, "gradient")  # noqa: B009


def test_import_star_hides_no_function_of_python_but_compile() -> None:
    names: dict[str, object] = {}
    exec("from autograd import *", names)
    assert {name for name in names if hasattr(builtins, name)} == {"compile"}
    assert {"Value", "exp", "relu", "maximum", "grad", "draw", "check_gradients"} <= names.keys()
