"""Python or C: the one place that chooses which engine runs.

The plain Python engine is the whole of the project's engine. Where a C compiler was found when the package was installed,
`core` holds compiled twins of the parts that every node passes through. What has one is marked `@compiled` where it is
written in Python, and replaced by it there; without a compiled engine `core` is None and nothing is replaced.
GATEWISE_ENGINE=pure in the environment, when autograd is first imported, leaves the twins out; GATEWISE_ENGINE=native makes
it an error if they are missing.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable
from importlib import import_module
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import Any, TypeVar

__all__ = [
    "ABI",
    "chosen",
    "compiled",
    "core",
    "description",
    "hidden",
    "install",
    "load",
    "partly_compiled",
    "recording_call",
]

ABI = 3  # as in abi.h, which says when it goes up


def load(name: str) -> Any:
    """Return a compiled module by its full name, or None where it is not to be had or not wanted."""
    wanted = os.environ.get("GATEWISE_ENGINE", "")
    if wanted not in ("", "pure", "native"):
        raise _refusal(f"GATEWISE_ENGINE is 'pure' or 'native', not {wanted!r}: unset it for whichever there is")
    if wanted == "pure":
        return None
    problem = ""
    try:
        module = import_module(name)
        if getattr(module, "ABI", None) != ABI:
            problem = (
                "the compiled engine was built for another version of these files: pip install -e . builds it again"
            )
    except ModuleNotFoundError as error:
        if wanted == "native":
            raise _refusal(
                f"GATEWISE_ENGINE=native, and there is no compiled engine ({error}): install with a C compiler"
            ) from None
        return None
    except ImportError as error:  # it is there, and refuses
        problem = str(error)
    if problem and wanted == "native":
        raise _refusal(f"GATEWISE_ENGINE=native, and {problem}")
    if problem:
        warnings.warn(f"{problem}; here the pure Python engine runs", RuntimeWarning, stacklevel=2)
        return None
    return module


def _refusal(message: str) -> BaseException:
    """Return an ImportError, or for the command, which prints no traceback, its exit with the message on one line."""
    if sys.argv[:1] != ["-m"]:  # as it is while `python -m autograd` imports the package, before its __main__ runs
        return ImportError(message)
    print("autograd:", message, file=sys.stderr)
    return SystemExit(2)


core: Any = load(f"{__package__}.native.core")
description = "pure Python engine" if core is None else "native engine"


def hidden() -> Path | None:
    """Return an installed copy of the package whose compiled engine is not used because this copy comes first."""
    if core is not None or os.environ.get("GATEWISE_ENGINE") == "pure":
        return None
    here = Path(__file__).parent / "native"
    for folder in (Path(entry) / "autograd" / "native" for entry in sys.path):
        built = any((folder / f"core{suffix}").exists() for suffix in EXTENSION_SUFFIXES)
        if built and folder.resolve() != here.resolve():
            return folder.parent
    return None


T = TypeVar("T")


def chosen(name: str, plain: T) -> T:
    """Return what the compiled engine has by this name, where there is one; else what is given."""
    return getattr(core, name.lstrip("_"), plain)


def compiled(plain: T) -> T:
    """Return the compiled twin of a function or a class: the one of its name, which does the same."""
    return chosen(plain.__name__, plain)  # type: ignore[attr-defined]


def partly_compiled(plain: type[T]) -> type[T]:
    """Return the compiled twin of a class, with everything of the class that the twin does not do itself.

    A twin is not a base class, because a class made by a class statement would get the cyclic collector.
    """
    twin = compiled(plain)
    if twin is plain:
        return plain
    own = {*vars(twin)} - {"__doc__", "__module__"}
    for base in reversed(plain.__mro__[:-1]):
        for name, member in vars(base).items():
            if name not in own and name not in ("__dict__", "__weakref__", "__slots__"):
                setattr(twin, name, member)
    twin.__name__ = plain.__name__  # without its module, in messages too
    twin.__wrapped__ = plain  # type: ignore[attr-defined]
    return twin


def install(value: type, operand: Callable[..., Any], record: Callable[..., Any]) -> None:
    """Hand the compiled engine, where there is one, what it calls of value.py where C alone does not get on."""
    if core is not None:
        import_module(f"{core.__package__}.rows").install(value, operand, record)


def recording_call(plain: T) -> T:
    """Return a method `__call__` of gates that records a call of Values and numbers at once, and else does as the given one."""
    return plain if core is None else core.Call(plain)
