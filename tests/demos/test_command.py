"""Guards python -m demos: it lists, runs and refuses in sentences, and its page is whole and shows the figures in order."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

import demos
from demos.__main__ import first_line, main


def test_the_command_lists_the_demos(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == [*demos.ALL, *demos.WITH_MORE]
    assert lines[2].endswith(first_line("xyz_graph"))


def test_the_command_runs_some_into_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["xyz_graph", "shared_weight_dag", "-o", str(tmp_path / "new" / "folder")]) == 0
    assert {path.name for path in (tmp_path / "new" / "folder").iterdir()} == {"xyz_graph.svg", "shared_weight_dag.svg"}
    assert "df/dx = -4" in capsys.readouterr().out


def test_the_command_refuses_with_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["xoor"])
    assert stopped.value.code == 2
    assert "there is no demo 'xoor'; did you mean xor? python -m demos lists all" in capsys.readouterr().err
    (tmp_path / "file").write_text("")
    assert main(["xyz_graph", "-o", str(tmp_path / "file")]) == 2
    assert (
        capsys.readouterr().err
        == f"demos: cannot read or write {tmp_path / 'file'}: it is a file, and figures go into a folder\n"
    )


@pytest.mark.parametrize(
    ("missing", "demo", "extras"),
    [
        ("matplotlib.figure", "proxy_loss", "demos"),
        ("jax", "sharded_training", "demos,jax"),
        ("optax", "sharded_training", "demos,jax"),
    ],
)
def test_the_extra_of_a_missing_package_is_named(
    missing: str, demo: str, extras: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if missing == "optax":
        pytest.importorskip("jax")  # which the demo imports first
    monkeypatch.delitem(sys.modules, f"demos.{demo}", raising=False)
    monkeypatch.setitem(sys.modules, missing, None)
    assert main([demo]) == 2
    assert f'pip install "gatewise[{extras}]"' in capsys.readouterr().err


def test_a_demo_has_options_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seen: list[Any] = []
    monkeypatch.setattr("demos.microgpt.main", lambda out, **given: seen.append((out, given)))
    assert main(["microgpt", "--data", "x.txt", "-o", str(tmp_path), "--eager"]) == 0
    assert main(["-o", str(tmp_path), "microgpt"]) == 0
    assert seen == [(tmp_path, {"eager": True, "data": Path("x.txt")}), (tmp_path, {})]
    for arguments in (["xor", "--eager"], ["microgpt", "xor", "--eager"], ["--eager"], ["microgpt", "--eag"]):
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert ended.value.code == 2
        assert f"unrecognized arguments: {arguments[-1]}" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["microgpt", "-h"])
    assert "--data FILE" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "cannot read or write {path}: No such file"),
        (b"", "microgpt: {path} must have a name on every line, got an empty file"),
        (b"ann\n\nbo\n", "microgpt: name must have 1 to 15 of the characters 'abno', got ''"),
        (b"ann\nannannannannannann\n", "microgpt: name must have 1 to 15 of the characters 'an', got 'annann"),
        (b"\xff\xfe\xfd", "microgpt: 'utf-8' codec can't decode"),
    ],
)
def test_a_file_that_a_demo_cannot_use_is_refused_with_a_line(
    text: bytes | None, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "names.txt"
    if text is not None:
        path.write_bytes(text)
    with suppress(SystemExit):
        assert main(["microgpt", "--data", str(path), "-o", str(tmp_path)]) == 2
    *_, last = capsys.readouterr().err.splitlines()
    assert words.format(path=path) in last


@pytest.mark.parametrize("command", ["demos", "demos.xor"])
def test_an_engine_that_is_not_there_is_said_in_a_line(command: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", command],
        cwd=Path(demos.__file__).parents[1],
        env=os.environ | {"GATEWISE_ENGINE": "foo"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("autograd: GATEWISE_ENGINE")
    assert done.stderr.count("\n") == 1


class Reader(HTMLParser):
    """Reads a page: tags must close in order; collects headings, pictures with their text, and printed text."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.headings: list[str] = []
        self.pictures: dict[str, str] = {}
        self.printed: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        if tag == "img" and "nav" not in self.open:  # there it stands beside its title
            self.pictures[dict(attrs)["src"]] = dict(attrs)["alt"]
        if tag not in ("img", "meta"):
            self.open.append(tag)
        if tag in ("script", "link"):
            raise AssertionError("the page is static and whole")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "h3":
            self.headings.append(data)
        if self.open and self.open[-1] == "pre":
            self.printed.append(data)


def test_all_of_them_make_a_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    chapters = {"Graphs": ("squared_error_graph", "gate_gallery"), "Losses": ("proxy_loss",)}
    monkeypatch.setattr("demos.__main__.CHAPTERS", chapters)
    assert main(["--all", "-o", str(tmp_path)]) == 0
    assert str(tmp_path / "index.html") in capsys.readouterr().out
    text = (tmp_path / "index.html").read_text(encoding="utf-8")
    reader = Reader()
    reader.feed(text)
    assert not reader.open
    shown = [name for names in chapters.values() for name in names]
    assert reader.headings == [first_line(name).removesuffix(".") for name in shown]
    gallery = [f"gate_gallery-{name}.svg" for name in ("add", "mul", "copy", "max", "all")]
    assert list(reader.pictures) == ["squared_error_graph.svg", *gallery, "proxy_loss.png"]
    assert all((tmp_path / name).exists() for name in reader.pictures)
    assert all(reader.pictures.values())
    assert "dL/dx = -6" in reader.printed[0]
    assert "because z > w" in reader.printed[2]  # escaped, and read back
    assert "def main" in reader.printed[1]
    assert "prefers-color-scheme: dark" in text


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--all", "xor"], "--all runs every demo: leave out xor"),
        (["--al"], "unrecognized arguments: --al"),
        (["quantum"], "there is no demo 'quantum'; python -m demos lists all"),
    ],
)
def test_what_the_command_cannot_do_is_said(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert words in capsys.readouterr().err
