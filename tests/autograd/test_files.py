"""Tests the writing of files: atomic, through links, and with the same mode."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from autograd import Value, draw, explore
from autograd.files import read_file, replace_file
from nn import MLP, SGD, explore_training, fit, load, save, squared_error

posix = pytest.mark.skipif(os.name != "posix", reason="links, pipes and modes of POSIX")


def trained(path: Path) -> Any:
    model = MLP(2, [1])
    data = ([[0.0, 1.0], [1.0, 0.0]], [0.0, 1.0])
    history = fit(model, data, squared_error, SGD(model.parameters(), 0.1), epochs=1, record=True)
    return explore_training(model, history, path, data=data)


WRITERS: dict[str, Callable[[Path], Any]] = {
    "any": lambda path: replace_file(path, b"new"),
    "m.json": lambda path: save(MLP(2, [1]), path),
    "m.safetensors": lambda path: save(MLP(2, [1]), path),
    "f.dot": lambda path: draw(Value(2.0) * 3).save(path),
    "f.svg": lambda path: draw(Value(2.0) * 3).save(path),
    "f.html": lambda path: explore(Value(2.0) * 3, path),
    "t.html": trained,
}


@pytest.fixture(params=WRITERS)
def written(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, Callable[[Path], Any]]:
    return tmp_path / request.param, WRITERS[request.param]


Written = tuple[Path, Callable[[Path], Any]]


@pytest.mark.parametrize("name", ["t.gif", "t.png", "t.svg", "t.html.txt", "t", ".html"])
def test_a_page_ends_in_html(tmp_path: Path, name: str) -> None:
    page = explore(Value(2.0) * 3)
    for write in (page.save, WRITERS["f.html"], trained):
        with pytest.raises(ValueError, match=rf"\.html or \.htm, got '{name}'"):
            write(tmp_path / name)
    assert page.path is None
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize("name", ["t.htm", "t.HTML", "a.b.html"])
def test_a_page_may_end_in_htm(tmp_path: Path, name: str) -> None:
    assert explore(Value(2.0) * 3, tmp_path / name).path == tmp_path / name


@posix
def test_a_link_stays_a_link(written: Written) -> None:
    path, write = written
    folder = path.parent / "folder"
    folder.mkdir()
    target = folder / f"target{path.suffix}"
    target.write_text("old")
    path.symlink_to(Path("folder") / target.name)
    write(path)
    assert path.is_symlink()
    assert target.read_bytes() != b"old"
    assert [*folder.iterdir()] == [target]
    assert {*path.parent.iterdir()} == {path, folder}


@posix
def test_a_link_to_nothing_makes_its_target(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("target")
    assert replace_file(tmp_path / "link", b"new") == tmp_path / "link"
    assert (tmp_path / "target").read_bytes() == b"new"
    (tmp_path / "lost").symlink_to("missing/target")
    with pytest.raises(FileNotFoundError, match=r"no such folder.*missing"):
        replace_file(tmp_path / "lost", b"new")
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(OSError, match="symbolic links"):
        replace_file(tmp_path / "loop", b"new")


@posix
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o644, 0o664, 0o777])
def test_a_file_keeps_its_mode(written: Written, mode: int) -> None:
    path, write = written
    path.write_text("old")
    path.chmod(mode)
    write(path)
    assert stat.S_IMODE(path.stat().st_mode) == mode


@posix
@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_a_new_file_has_the_mode_that_the_umask_leaves(tmp_path: Path, umask: int, mode: int) -> None:
    before = os.umask(umask)
    try:
        path = replace_file(tmp_path / "new", b"new")
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == mode


@posix
@pytest.mark.skipif(os.name == "posix" and os.geteuid() != 0, reason="only root gives files away")
def test_a_file_keeps_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "m"
    path.write_text("old")
    os.chown(path, 1234, 2345)
    replace_file(path, b"new")
    assert (path.stat().st_uid, path.stat().st_gid) == (1234, 2345)


@posix
@pytest.mark.skipif(os.name == "posix" and os.geteuid() == 0, reason="root may write to any file")
def test_a_read_only_file_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "m"
    path.write_text("old")
    path.chmod(0o444)
    with pytest.raises(PermissionError, match="read-only"):
        replace_file(path, b"new")
    assert path.read_text() == "old"


@posix
def test_what_is_not_a_regular_file_is_neither_replaced_nor_read(written: Written) -> None:
    path, write = written
    os.mkfifo(path)
    with pytest.raises(OSError, match="pipe or a device"):
        write(path)
    assert path.is_fifo()
    if path.suffix in (".json", ".safetensors"):
        with pytest.raises(OSError, match="pipe or a device"):
            load(MLP(2, [1]), path)
    path.unlink()
    path.mkdir()
    with pytest.raises(IsADirectoryError):
        write(path)
    if path.suffix in (".json", ".safetensors"):
        with pytest.raises(IsADirectoryError):
            load(MLP(2, [1]), path)
    path.rmdir()
    path.symlink_to(os.devnull)
    with pytest.raises(OSError, match="pipe or a device"):
        write(path)
    assert [*path.parent.iterdir()] == [path]


@posix
def test_a_full_disk_leaves_the_old_file(tmp_path: Path) -> None:
    """The limit on a file's size stands in for a disk that is full."""
    path = tmp_path / "m"
    path.write_text("old")
    script = """
import resource, sys
from autograd.files import read_file, replace_file
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    replace_file(sys.argv[1], b"n" * 1_000_000)
except OSError as error:
    print(error.filename)
"""
    done = subprocess.run([sys.executable, "-c", script, path], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(path)
    assert path.read_text() == "old"
    assert [*tmp_path.iterdir()] == [path]


@pytest.mark.skipif(not hasattr(os, "O_TMPFILE"), reason="Linux keeps files without names")
def test_a_process_that_is_killed_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "m"
    path.write_text("old")
    script = """
import os, signal, sys
from autograd.files import read_file, replace_file
os.fsync = lambda handle: os.kill(os.getpid(), signal.SIGKILL)
replace_file(sys.argv[1], b"new")
"""
    done = subprocess.run([sys.executable, "-c", script, path], check=False)
    assert done.returncode == -signal.SIGKILL
    assert path.read_text() == "old"
    assert [*tmp_path.iterdir()] == [path]


@pytest.mark.parametrize("named", [False, True])
@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_an_interrupt_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, named: bool
) -> None:
    path = tmp_path / "m"
    path.write_text("old")

    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    if named:
        monkeypatch.delattr(os, "O_TMPFILE", raising=False)
    monkeypatch.setattr(os, step, interrupted)
    with pytest.raises(KeyboardInterrupt):
        replace_file(path, b"new")
    assert path.read_text() == "old"
    assert [*tmp_path.iterdir()] == [path]


def test_without_files_that_have_no_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "O_TMPFILE", raising=False)
    path = replace_file(tmp_path / "m", b"new")
    assert replace_file(path, b"newer").read_bytes() == b"newer"
    assert [*tmp_path.iterdir()] == [path]


def test_an_error_of_the_file_system_names_the_file_that_was_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(*_: Any) -> None:
        raise PermissionError(13, "Permission denied", str(tmp_path / ".m.json.x1y2z3"))

    monkeypatch.setattr("os.fsync", forbidden)
    with pytest.raises(PermissionError) as caught:
        save(MLP(2, [1]), tmp_path / "m.json")
    assert caught.value.filename == str(tmp_path / "m.json")


@pytest.mark.parametrize("path", ["a\0b", Path("a\0b")])
def test_a_path_with_a_nul_is_refused(path: Any) -> None:
    for use in (lambda: replace_file(path, b""), lambda: read_file(path, 1)):
        with pytest.raises(ValueError, match="path must not contain a NUL"):
            use()


@pytest.mark.parametrize("path", [None, 3, b"a", object()])
def test_a_path_is_a_str_or_a_path(path: Any) -> None:
    for use in (lambda: replace_file(path, b""), lambda: read_file(path, 1)):
        with pytest.raises(TypeError, match="path must be a str or a Path"):
            use()


def test_a_file_is_read_up_to_a_size(tmp_path: Path) -> None:
    path = replace_file(tmp_path / "m", b"12345")
    assert read_file(path, 5) == b"12345"
    with pytest.raises(ValueError, match="at most 4 bytes, got 5"):
        read_file(path, 4)
    with pytest.raises(FileNotFoundError):
        read_file(tmp_path / "missing", 4)
