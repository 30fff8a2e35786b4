"""Read regular files, and replace files atomically."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from pathlib import Path
from secrets import token_hex
from typing import BinaryIO

from .arguments import as_path

__all__ = ["read_file", "replace_file"]


def read_file(path: str | os.PathLike[str], most: int) -> bytes:
    """Return the content of a regular file; ValueError for more than `most` bytes, OSError if it is not regular."""
    path = as_path(path)
    _status(path)  # checked first, because opening a pipe would block
    with path.open("rb") as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise ValueError(f"{path.name} must have at most {most:,} bytes, got {path.stat().st_size:,}")
    return content


def replace_file(path: str | os.PathLike[str], content: bytes) -> Path:
    """Replace a file atomically: completely or not at all. Return its path.

    The content is written to a temporary file in the same folder, which then takes the place of the old file. A symbolic
    link is followed. An existing file keeps its mode, and its owner where the system allows it; the mode of a new file
    follows the umask. OSError for anything that is not a regular file, such as a folder, a pipe or a device.

    A process killed just before the replacement leaves the complete temporary file .NAME.XXXXXXXX behind: Linux cannot
    link an unnamed file over an existing one.
    """
    path = as_path(path)
    target = Path(os.path.realpath(path)) if path.is_symlink() else path
    if not target.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, "there is no such folder: create it first", str(target.parent))
    try:
        _replace(target, content)
    except OSError as error:
        if error.errno is None:
            raise
        raise type(error)(
            error.errno, error.strerror, str(path)
        ) from None  # names the file of the caller, not the temporary one
    return path


def _replace(target: Path, content: bytes) -> None:
    old = _status(target)
    if old is not None and not os.access(target, os.W_OK):  # os.replace checks the folder only
        raise PermissionError(errno.EACCES, "this file is read-only", str(target))
    mode = 0o666 if old is None else stat.S_IMODE(old.st_mode)
    temporary = target.with_name(f".{target.name}.{token_hex(4)}")
    try:
        with _new_file(temporary, mode) as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())  # otherwise a system crash could leave a partial file
            if not temporary.exists():
                os.link(f"/proc/self/fd/{file.fileno()}", temporary, src_dir_fd=file.fileno())  # linkat follows links
        if old is not None:
            with suppress(AttributeError, PermissionError):  # Windows has no owners; only root may give a file away
                os.chown(temporary, old.st_uid, old.st_gid)
            os.chmod(temporary, mode)
        os.replace(temporary, target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _new_file(path: Path, mode: int) -> BinaryIO:
    """Open a new file for writing; on Linux it is unnamed at first, so it is deleted if the process is killed."""

    def opener(name: str, flags: int) -> int:
        if hasattr(os, "O_TMPFILE") and os.path.isdir("/proc/self/fd"):
            with suppress(OSError):  # unsupported by some file systems
                return os.open(path.parent, os.O_TMPFILE | os.O_WRONLY, mode)
        return os.open(name, flags, mode)

    return open(path, "xb", opener=opener)


def _status(path: Path) -> os.stat_result | None:
    """Return the status of a regular file, None if there is no file; OSError for anything else."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, "this is a folder: give the name of a file in it", str(path))
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "this is a pipe or a device: give the name of a regular file", str(path))
    return status
