"""Both engines in one process: autograd imported a second time, under the engine of one's choice."""

from __future__ import annotations

import importlib
import os
import sys
from functools import cache
from types import ModuleType

from autograd._engine import core


@cache
def other() -> ModuleType:
    """Import the engine that this run does not use; once, because a process has one compiled engine."""
    return load("pure" if core is not None else "native")


def load(engine: str) -> ModuleType:
    """Import autograd anew under an engine, apart from the one that the tests use."""

    def ours() -> list[str]:
        return [name for name in sys.modules if name == "autograd" or name.startswith("autograd.")]

    kept = {name: sys.modules.pop(name) for name in ours()}
    before = os.environ.get("GATEWISE_ENGINE")
    os.environ["GATEWISE_ENGINE"] = engine
    try:
        found = importlib.import_module("autograd")
        for name in found.__all__:
            getattr(found, name)  # loads the readers, which come by their names, while these are its own
        return found
    finally:
        del os.environ["GATEWISE_ENGINE"]
        if before is not None:
            os.environ["GATEWISE_ENGINE"] = before
        for name in ours():
            del sys.modules[name]
        sys.modules.update(kept)
