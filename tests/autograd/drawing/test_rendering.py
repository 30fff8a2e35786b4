"""Tests rendering: with each renderer, with a timeout, without output, and with atomic replacement of files."""

from __future__ import annotations

import importlib.util
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import graphviz
import pytest

from autograd import Value, draw
from autograd.drawing import Drawing, RenderingError, drawing as drawing_module
from autograd.drawing.rendering import render
from tests.worked import sigmoid_neuron as neuron

pytest.importorskip("pygraphviz")
MAGIC = {"svg": b"<?xml", "png": b"\x89PNG", "pdf": b"%PDF"}


def program(folder: Path, code: str) -> None:
    """Put a `dot` into a folder that runs this Python code."""
    path = folder / "dot"
    path.write_text(f"#!{sys.executable}\nimport sys, time\n{code}\n")
    path.chmod(0o755)


@pytest.fixture
def only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the only programs there are."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def test_saving(tmp_path: Path) -> None:
    drawing = draw(neuron())
    for name, magic in (("f.svg", b"<?xml"), ("f.png", b"\x89PNG"), ("f.pdf", b"%PDF"), ("f.dot", b"digraph")):
        path = drawing.save(tmp_path / name)
        assert path.read_bytes().startswith(magic)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["f.dot", "f.pdf", "f.png", "f.svg"]
    with pytest.raises(ValueError, match=r"must end in \.svg, \.png, \.pdf or \.dot, got 'f\.gif'"):
        drawing.save(tmp_path / "f.gif")


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "f.svg"
    target.write_text("the old one")

    def fail(*_: Any) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(OSError, match="disk full"):
        draw(neuron()).save(target)
    assert [path.name for path in tmp_path.iterdir()] == ["f.svg"]
    assert target.read_text() == "the old one"


def test_it_wraps_a_source_of_the_graphviz_package() -> None:
    drawing = draw(neuron())
    assert isinstance(drawing.graphviz, graphviz.Source)
    assert drawing.graphviz.source == drawing.source


def test_dot_comes_first(only: Path) -> None:
    program(only, "sys.stdout.write('by dot as ' + sys.argv[1] + ', ' + str(len(sys.stdin.read())))")
    assert render("digraph {}", "svg") == b"by dot as -Tsvg, 10"


@pytest.mark.parametrize("format", ["svg", "png", "pdf"])
def test_pygraphviz_comes_second(format: str, only: Path) -> None:
    assert render("digraph { a -> b }", format).startswith(MAGIC[format])


def test_then_there_is_one_line_on_what_to_install(only: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    drawing = draw(neuron())
    with pytest.raises(RenderingError, match="install Graphviz") as error:
        drawing.save(tmp_path / "f.svg")
    assert "\n" not in str(error.value)
    assert not (tmp_path / "f.svg").exists()
    assert drawing.save(tmp_path / "f.dot").exists()
    bundle = drawing._repr_mimebundle_()
    assert set(bundle) == {"text/plain"}
    assert bundle["text/plain"].startswith("digraph {")
    assert "install Graphviz" in bundle["text/plain"].splitlines()[-1]


@pytest.mark.parametrize("format", ["svg", "png"])
def test_nothing_is_printed_on_the_users_screen(format: str, capfd: pytest.CaptureFixture[str]) -> None:
    """The libraries within pygraphviz write warnings on fonts, past Python, to the terminal."""
    draw(neuron()).render(format)
    assert capfd.readouterr() == ("", "")


def test_the_users_folder_is_no_library(tmp_path: Path, only: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pygraphviz.py").write_text("raise SystemExit('the wrong one')")
    (tmp_path / "graphviz.py").write_text("raise SystemExit('the wrong one')")
    monkeypatch.chdir(tmp_path)
    assert render("digraph {}", "svg").startswith(b"<?xml")


def test_a_renderer_that_takes_too_long_is_stopped(only: Path) -> None:
    program(only, "time.sleep(60)")
    start = time.monotonic()
    with pytest.raises(RenderingError, match=r"dot took longer than 0\.5 seconds: draw less, by level="):
        render("digraph {}", "svg", 0.5)
    assert time.monotonic() - start < 50, "it was waited for"


def test_ctrl_c_stops_a_renderer(only: Path) -> None:
    running = only / "pid"
    program(only, f"import os; print(os.getpid(), file=open({str(running)!r}, 'w'), flush=True); time.sleep(60)")

    def interrupt() -> None:
        while not (running.exists() and running.read_text()):
            time.sleep(0.05)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    start = time.monotonic()
    threading.Thread(target=interrupt, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        draw(neuron()).render("svg")
    assert time.monotonic() - start < 50, "it was waited for"
    with pytest.raises(ProcessLookupError):
        os.kill(int(running.read_text()), 0)


def test_a_renderer_that_fails_says_why(only: Path) -> None:
    program(only, "sys.exit('first\\nsyntax error near line 1')")
    with pytest.raises(RenderingError, match="dot failed: syntax error near line 1"):
        render("digraph {", "svg")
    program(only, "pass")
    with pytest.raises(RenderingError, match="dot failed: exit code 0"):
        render("digraph {}", "svg")
    (only / "dot").write_text("#!/nowhere\n")
    with pytest.raises(RenderingError, match="dot could not be started"):
        render("digraph {}", "svg")


def test_broken_text_is_an_error_of_pygraphviz_too(only: Path) -> None:
    with pytest.raises(RenderingError, match="pygraphviz failed"):
        render("digraph { a -> ", "svg")


def test_scale_and_theme(tmp_path: Path) -> None:
    drawing = draw(neuron())

    def size(path: Path) -> tuple[int, int]:
        data = path.read_bytes()
        return int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")

    one, two = (size(drawing.save(tmp_path / f"{scale}.png", scale=scale)) for scale in (1, 2))
    assert two == pytest.approx((2 * one[0], 2 * one[1]), abs=3)
    light, dark, clear = (drawing.render("svg", theme=theme).decode() for theme in ("light", "dark", "transparent"))
    assert light == drawing.render("svg").decode()
    for svg, back in ((light, "#ffffff"), (dark, "#13161a"), (clear, None)):
        assert re.findall(r'<rect x="-4" y="-4" [^>]* fill="([^"]+)"', svg) == [back] * (back is not None)
    assert "#1b1f24" not in dark
    assert 'bgcolor="#13161a"' in drawing.save(tmp_path / "dark.dot", theme="dark").read_text(encoding="utf-8")
    with pytest.raises(ValueError, match="theme must be 'light', 'dark' or 'transparent', got 'pink'"):
        drawing.save(tmp_path / "f.svg", theme="pink")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="scale"):
        drawing.render("png", scale=0)
    with pytest.raises(ValueError, match=r"scale must be 1 for a \.pdf"):
        drawing.save(tmp_path / "f.pdf", scale=2)


def test_a_label_may_hold_any_colour() -> None:
    label = 'color="\ue000" #1b1f24'
    svg = draw(Value(1.0, label) * 2).render("svg", theme="dark").decode()
    assert 'color="�" #1b1f24 = 1.00' in svg.replace("\xa0", " ")


def test_text_is_centred_in_any_font() -> None:
    svg = draw(neuron()).render("svg").decode()
    assert svg.count("<text ") == svg.count('text-anchor="middle"') > 30


def test_in_a_notebook_it_shows_itself() -> None:
    bundle = draw(neuron())._repr_mimebundle_()
    assert bundle["image/svg+xml"].startswith("<?xml")
    assert bundle["text/plain"].startswith("<Drawing of")


def test_a_repr_never_raises_and_is_limited_in_time_and_size(only: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawing = draw(neuron())
    program(only, "time.sleep(60)")
    monkeypatch.setattr(drawing_module, "REPR_SECONDS", 0.2)
    assert "took longer than 0.2 seconds" in drawing._repr_mimebundle_()["text/plain"]
    (only / "dot").unlink()
    monkeypatch.setattr(drawing_module, "REPR_SECONDS", 60)
    monkeypatch.setattr(drawing_module, "REPR_BYTES", 1_000)
    bundle = drawing._repr_mimebundle_()
    assert set(bundle) == {"text/plain"}
    assert re.search(r"the picture has \d+,\d+ bytes", bundle["text/plain"])
    monkeypatch.setattr(drawing_module, "render", None)
    assert set(drawing._repr_mimebundle_()) == {"text/plain"}
    long = Drawing("digraph {" + "a -> b\n" * 10_000 + "}")
    assert len(long._repr_mimebundle_()["text/plain"]) < 6_000


def test_the_viewer_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(graphviz, "view", opened.append)
    path = draw(Value(1.0, "x") * 2).view()
    assert opened == [str(path)]
    assert path.read_bytes().startswith(b"<?xml")
    path.unlink()

    def fail(_: str) -> None:
        raise FileNotFoundError("xdg-open")

    monkeypatch.setattr(graphviz, "view", fail)
    with pytest.raises(
        RenderingError, match=r"no viewer could be opened \(xdg-open\); the picture is .*\.svg"
    ) as error:
        draw(Value(1.0, "x") * 2).view()
    Path(str(error.value).rpartition(" is ")[2]).unlink()


def test_importing_the_engine_imports_no_renderer() -> None:
    code = "import autograd, sys; assert not {'graphviz', 'numpy', 'hypothesis', 'pygraphviz'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert importlib.util.find_spec("pygraphviz") is not None
