"""The compiled engine, where there is one.

The plain Python engine is the whole of the project's engine. Where a C compiler was found when the package was installed,
`core` holds compiled twins of the parts that every node passes through, and these take their place; else it is None.
GATEWISE_ENGINE=pure in the environment, when autograd is first imported, leaves them out; GATEWISE_ENGINE=native makes it
an error if they are missing.
"""

from __future__ import annotations

import os
import warnings
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

__all__ = ["compiled", "core", "description"]

HERE = Path(__file__).parent


def fingerprint() -> str:
    """Return what identifies the C sources; a compiled core that was built from others is not used."""
    digest = sha256()
    for path in sorted([*HERE.glob("*.c"), *HERE.glob("*.h")]):
        digest.update(path.read_bytes().replace(b"\r\n", b"\n"))
    return digest.hexdigest()[:16]


def _load() -> Any:
    wanted = os.environ.get("GATEWISE_ENGINE", "")
    if wanted not in ("", "pure", "native"):
        raise ImportError(f"GATEWISE_ENGINE is 'pure' or 'native', not {wanted!r}: unset it for whichever there is")
    if wanted == "pure":
        return None
    try:
        core = import_module(f"{__name__}.core")
    except ImportError as error:
        if wanted == "native":
            raise ImportError(f"GATEWISE_ENGINE=native, and there is no compiled engine ({error}): install with a C compiler") from None
        return None
    if core.SOURCE != fingerprint():
        problem = "the compiled engine was built from other C sources than these: pip install -e . builds it again"
        if wanted == "native":
            raise ImportError(f"GATEWISE_ENGINE=native, and {problem}")
        warnings.warn(f"{problem}; until then the pure Python engine runs", RuntimeWarning, stacklevel=2)
        return None
    return core


core: Any = _load()
description = "pure Python engine" if core is None else "native engine"

T = TypeVar("T")


def compiled(cls: type[T]) -> type[T]:
    """Give the methods of the class Value to its compiled twin, whose slots are fields of a C struct, and return that."""
    if core is None:
        return cls
    for name, member in vars(cls).items():
        if name not in (*cls.__slots__, "__slots__"):  # type: ignore[attr-defined]
            setattr(core.Value, name, member)
    return core.Value  # type: ignore[no-any-return]
