"""Guards kept models: every float comes back exactly, and a file that is not right changes nothing, on either side."""

from __future__ import annotations

import json
import math
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

import nn.saving
from autograd import tanh
from nn import MLP, Sequential, load, save

FORMATS = ["json", "safetensors"]


def model(seed: int = 0) -> MLP:
    return MLP(2, [3, 1], tanh, rng=random.Random(seed))


@pytest.mark.parametrize("format", FORMATS)
def test_a_model_comes_back_to_the_last_bit(tmp_path: Path, format: str) -> None:
    first, second = model(0), model(1)
    first.layers[0].b[0].data = 1e-310
    path = save(first, tmp_path / f"m.{format}")
    assert load(second, str(path)) is second
    assert second.state_dict() == first.state_dict()
    assert list(tmp_path.iterdir()) == [path]


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=4, max_size=4))
def test_any_float_survives_json(numbers: list[float]) -> None:
    first = MLP(3, [1])
    first.load_state_dict({"layer1.W": [numbers[:3]], "layer1.b": numbers[3:]})
    text = json.loads(json.dumps(first.state_dict()))
    second = MLP(3, [1])
    second.load_state_dict(text)
    assert second.state_dict() == first.state_dict()


def test_the_json_is_for_people(tmp_path: Path) -> None:
    text = save(model(), tmp_path / "m.json").read_text(encoding="utf-8")
    found = json.loads(text)
    assert list(found) == ["format", "version", "model", "state"]
    assert (found["format"], found["version"]) == ("gatewise model", 1)
    assert found["model"] == "MLP(2 → 3 tanh → 1 linear, 13 parameters)"
    assert '\n    "layer1.W": [[' in text


@pytest.mark.parametrize("format", FORMATS)
def test_a_truncated_file_is_refused_wherever_it_ends(tmp_path: Path, format: str) -> None:
    content = save(model(), tmp_path / f"m.{format}").read_bytes()
    kept, other = model(1), tmp_path / f"cut.{format}"
    before = kept.state_dict()
    for end in [*range(0, len(content) - 3, 7), len(content) - 4]:
        other.write_bytes(content[:end])
        with pytest.raises(ValueError, match=rf"cut.{format} is not (JSON|a safetensors file), or only a part of it"):
            load(kept, other)
    assert kept.state_dict() == before


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[1, 2]", "is not a model saved by nn.save: it holds a list"),
        ('{"a": 1}', "is not a model saved by nn.save: its format is None"),
        ('{"format": "gatewise model", "version": 2}', "is of version 2, and this program reads version 1"),
        ('{"format": "gatewise model", "version": 1}', "a state is a dict of names and numbers, not a NoneType"),
        ("[" * 100_000, "is not JSON"),
    ],
)
def test_another_json_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "m.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=f"m.json.*{message}"):
        load(model(), path)


@pytest.mark.parametrize("format", FORMATS)
def test_another_shape_is_refused(tmp_path: Path, format: str) -> None:
    path = save(model(), tmp_path / f"m.{format}")
    wider, deeper = MLP(2, [4, 1]), MLP(2, [3, 3, 1])
    before = wider.state_dict()
    with pytest.raises(
        ValueError, match=r"saved from MLP\(2 → 3 tanh.* does not fit MLP\(2 → 4 .*layer1.W has 4 entries"
    ):
        load(wider, path)
    with pytest.raises(ValueError, match=r"it lacks \['layer3.W', 'layer3.b'\]"):
        load(deeper, path)
    assert wider.state_dict() == before


def test_nan_is_neither_saved_nor_loaded(tmp_path: Path) -> None:
    broken = model()
    broken.layers[0].b[1].data = math.nan
    path = tmp_path / "m.json"
    with pytest.raises(ValueError, match=r"layer1\.b holds a number that is not finite"):
        save(broken, path)
    assert not path.exists()
    save(model(), path)
    path.write_text(path.read_text().replace('"layer2.b": [0.0]', '"layer2.b": [NaN]'))
    with pytest.raises(ValueError, match=r"layer2.b\[0\] is nan in the state"):
        load(model(), path)


@pytest.mark.parametrize("format", FORMATS)
def test_a_good_file_is_never_half_overwritten(tmp_path: Path, format: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(model(), tmp_path / f"m.{format}")
    good = path.read_bytes()

    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("os.replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        save(model(1), path)
    assert path.read_bytes() == good
    assert list(tmp_path.iterdir()) == [path]


def test_the_ending_names_the_format(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"ends in .json or .safetensors, and 'm.pkl' in .pkl"):
        save(model(), tmp_path / "m.pkl")
    with pytest.raises(ValueError, match="in nothing"):
        load(model(), tmp_path / "m")


def test_without_safetensors_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "safetensors.numpy", None)
    with pytest.raises(ImportError, match=r'pip install "gatewise\[save\]"'):
        save(model(), tmp_path / "m.safetensors")


def test_modules_of_one_s_own_are_kept_too(tmp_path: Path) -> None:
    first, second = (Sequential(model(seed), tanh) for seed in (0, 1))
    load(second, nn.saving.save(first, tmp_path / "s.json"))
    assert second([0.1, 0.2]).data == first([0.1, 0.2]).data


def test_an_error_of_the_file_system_names_the_file_that_was_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(*_: Any, **__: Any) -> None:
        raise PermissionError(13, "Permission denied", str(tmp_path / ".m.json.x1y2z3"))

    monkeypatch.setattr("tempfile.mkstemp", forbidden)
    with pytest.raises(PermissionError) as caught:
        save(model(), tmp_path / "m.json")
    assert caught.value.filename == str(tmp_path / "m.json")
