"""Files that are replaced whole or not at all."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path
from typing import Any

__all__ = ["as_path", "replace_file"]


def as_path(path: Any) -> Path:
    """Return the path of a file, or raise a TypeError that says what one is."""
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(f"path is the name of a file, a str or a Path, not {path!r}")
    return Path(path)


def replace_file(path: str | os.PathLike[str], content: bytes) -> Path:
    """Write a file beside its place and move it there when it is complete; return its path."""
    path = as_path(path)
    if not path.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, "there is no such folder", str(path.parent))
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, "this is a folder: give the name of a file in it", str(path))
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:  # about the file that was asked for, not about one that comes and goes
        raise type(error)(error.errno, error.strerror, str(path)) from None
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.chmod(name, 0o666 & ~_umask())
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise
    return path


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
