"""The compiled engine, where there is one.

The plain Python engine is the whole of the project's engine. Where a C compiler was found when the package was installed,
`core` holds compiled twins of the parts that every node passes through, and these take their place; else it is None.
GATEWISE_ENGINE=pure in the environment, when autograd is first imported, leaves them out; GATEWISE_ENGINE=native makes it
an error if they are missing.
"""

from __future__ import annotations

import os
import sys
import warnings
from importlib import import_module
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import Any, TypeVar

__all__ = ["ABI", "compiled", "core", "description", "hidden", "load"]

ABI = 1  # as in abi.h, which says when it goes up


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


core: Any = load(f"{__name__}.core")
description = "pure Python engine" if core is None else "native engine"


def hidden() -> Path | None:
    """Return an installed copy of the package whose compiled engine is not used because this copy comes first."""
    if core is not None or os.environ.get("GATEWISE_ENGINE") == "pure":
        return None
    here = Path(__file__).parent
    for folder in (Path(entry) / "autograd" / "native" for entry in sys.path):
        built = any((folder / f"core{suffix}").exists() for suffix in EXTENSION_SUFFIXES)
        if built and folder.resolve() != here.resolve():
            return folder.parent
    return None


T = TypeVar("T")


def compiled(cls: type[T]) -> type[T]:
    """Return the compiled twin of a class, with everything of the class that the twin does not do itself.

    A twin is not a base class, because a class made by a class statement would get the collector.
    """
    if core is None:
        return cls
    twin: type[T] = getattr(core, cls.__name__)
    own = {*vars(twin)} - {"__doc__", "__module__"}
    for base in reversed(cls.__mro__[:-1]):
        for name, member in vars(base).items():
            if name not in own and name not in ("__dict__", "__weakref__", "__slots__"):
                setattr(twin, name, member)
    twin.__name__ = cls.__name__  # without its module, in messages too
    twin.__wrapped__ = cls  # type: ignore[attr-defined]
    return twin
