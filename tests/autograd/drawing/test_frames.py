"""Tests frames: one picture a gate, all of the same layout, as an animation or a folder."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from autograd import Value, draw, frames
from autograd.drawing import RenderingError
from tests.worked import sigmoid_neuron as neuron

pytest.importorskip("pygraphviz")


def shared() -> Value:
    x = Value(3.0, "x")
    return x * x + x.tanh() * x


def test_an_animation_has_a_frame_for_each_gate(tmp_path: Path) -> None:
    path = frames(neuron(), tmp_path / "walk.gif", seconds=0.5, theme="dark")
    with Image.open(path) as animation:
        assert animation.n_frames == 8 + 1  # type: ignore[attr-defined]
        durations = []
        for i in range(9):
            animation.seek(i)
            durations.append(animation.info["duration"])
        assert durations == [500] * 8 + [2000]
        assert animation.info["loop"] == 0
        one = animation.size
    with Image.open(frames(neuron(), tmp_path / "walk.gif", scale=2)) as animation:
        assert animation.size == pytest.approx((2 * one[0], 2 * one[1]), abs=3)


def test_a_folder_holds_the_pictures_of_all_steps(tmp_path: Path) -> None:
    folder = frames(shared(), tmp_path / "slides", names=False)
    written = sorted(folder.iterdir())
    assert [path.name for path in written] == [f"step{i}.svg" for i in range(5)]
    for i, path in enumerate(written):
        assert path.read_bytes() == draw(shared(), step=i, names=False).render("svg")
    (folder / "notes.svg").write_text("mine")
    frames(Value(2.0, "x") * 3, folder)
    assert sorted(path.name for path in folder.iterdir()) == ["notes.svg", "step0.svg", "step1.svg"]


@pytest.mark.parametrize("make", [neuron, shared])
def test_nothing_moves_between_the_frames(tmp_path: Path, make: Callable[[], Value]) -> None:
    def layout(path: Path) -> list[str]:
        svg = path.read_text(encoding="utf-8")
        return [*re.findall("viewBox=.*? role", svg), *re.findall(r"<ellipse [^/]*? fill", svg)]

    first, *others = map(layout, sorted(frames(make(), tmp_path / "slides").iterdir()))
    assert others == [first] * len(others)


def test_wrong_arguments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match=r"path must end in \.gif, .* got 'a\.png'"):
        frames(neuron(), tmp_path / "a.png")
    with pytest.raises(ValueError, match="theme"):
        frames(neuron(), tmp_path / "a.gif", theme="blue")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="seconds"):
        frames(neuron(), tmp_path / "a.gif", seconds=0)
    x = Value(1.0)
    for _ in range(200):
        x = -x
    with pytest.raises(ValueError, match="at most 199 gates, got 200"):
        frames(x, tmp_path / "a.gif")
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(RenderingError, match="Pillow"):
        frames(neuron(), tmp_path / "a.gif")
    assert not [*tmp_path.iterdir()]
