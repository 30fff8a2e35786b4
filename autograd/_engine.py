"""Python or C: the one module that chooses the engine.

The engine is complete in Python. If a C compiler was found at installation, the extension module `core` holds C versions of
the functions that run once for every node. Each of these is marked `@compiled` at its Python definition, and the mark
replaces it by the C version of the same name; without `core` the mark does nothing.
The environment variable GATEWISE_ENGINE is read when autograd is first imported: `pure` runs Python alone, `native` makes
a missing `core` an error.
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

ABI = 10  # must equal ABI in native/abi.h, which says when to raise it


def load(name: str) -> Any:
    """Return an extension module by its full name; None if it is missing or GATEWISE_ENGINE=pure."""
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
    except ImportError as error:  # it exists, and refuses this interpreter
        problem = str(error)
    if problem and wanted == "native":
        raise _refusal(f"GATEWISE_ENGINE=native, and {problem}")
    if problem:
        warnings.warn(f"{problem}; here the pure Python engine runs", RuntimeWarning, stacklevel=2)
        return None
    return module


def _refusal(message: str) -> BaseException:
    """Return an ImportError; for `python -m`, print the message on one line and return the exit with status 2."""
    if sys.argv[:1] != ["-m"]:  # Python's value while `python -m autograd` imports the package
        return ImportError(message)
    print("autograd:", message, file=sys.stderr)
    return SystemExit(2)


core: Any = load(f"{__package__}.native.core")
description = "pure Python engine" if core is None else "native engine"


def hidden() -> Path | None:
    """Return the folder of an installed copy with a C engine, if this copy without one comes first on sys.path."""
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
    """Return the attribute of `core` with this name (without leading underscores), or else the Python object."""
    return getattr(core, name.lstrip("_"), plain)


def compiled(plain: T) -> T:
    """Decorate a function or a class: return the C version with its name if there is one."""
    return chosen(plain.__name__, plain)  # type: ignore[attr-defined]


def partly_compiled(plain: type[T]) -> type[T]:
    """Decorate a class: copy the members that its C version lacks into the C version, and return that.

    The C version is not a base class, because instances of a class statement's class are tracked by the cyclic garbage
    collector, which costs time for every node.
    """
    native_class = compiled(plain)
    if native_class is plain:
        return plain
    own = {*vars(native_class)} - {"__doc__", "__module__"}
    for base in reversed(plain.__mro__[:-1]):
        for name, member in vars(base).items():
            if name not in own and name not in ("__dict__", "__weakref__", "__slots__"):
                setattr(native_class, name, member)
    native_class.__name__ = plain.__name__  # without its module, so that messages are the same in both engines
    native_class.__wrapped__ = plain  # type: ignore[attr-defined]
    return native_class


def install(value: type, operand: Callable[..., Any], record: Callable[..., Any]) -> None:
    """Register with `core` the Python functions that it calls for the cases not handled in C."""
    if core is not None:
        import_module(f"{core.__package__}.rows").install(value, operand, record)


def recording_call(plain: T) -> T:
    """Decorate `Gate.__call__`: C records a call whose arguments are Values and numbers, and leaves others to Python."""
    return plain if core is None else core.Call(plain)
