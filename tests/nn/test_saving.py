"""Guards kept models: every float comes back exactly, and a file that is not right changes nothing, on either side."""

from __future__ import annotations

import json
import math
import random
import re
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

import nn.saving
from autograd import tanh
from nn import MLP, Neuron, Sequential, load, save

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
        with pytest.raises(ValueError, match=rf"cut.{format} must be"):
            load(kept, other)
    assert kept.state_dict() == before


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[1, 2]", "is not a model saved by nn.save: it holds a list"),
        ('{"a": 1}', "is not a model saved by nn.save: its format is None"),
        ('{"format": "gatewise model", "version": 2}', "must be of version 1, got 2"),
        ('{"format": "gatewise model", "version": 1}', "state must.*got a NoneType"),
        ("[" * 100_000, "must be complete JSON"),
    ],
    ids=lambda text: text[:40],
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
        ValueError, match=r"saved from MLP\(2 → 3 tanh.* does not fit MLP\(2 → 4 .*layer1.W must have 4 entries, got 3"
    ):
        load(wider, path)
    with pytest.raises(ValueError, match=r"it lacks \['layer3.W', 'layer3.b'\]"):
        load(deeper, path)
    assert wider.state_dict() == before


def test_nan_is_neither_saved_nor_loaded(tmp_path: Path) -> None:
    broken = model()
    broken.layers[0].b[1].data = math.nan
    path = tmp_path / "m.json"
    with pytest.raises(ValueError, match=r"layer1\.b must.*got nan or inf"):
        save(broken, path)
    assert not path.exists()
    save(model(), path)
    path.write_text(path.read_text().replace('"layer2.b": [0.0]', '"layer2.b": [NaN]'))
    with pytest.raises(ValueError, match=r"layer2\.b\[0\] must.*got nan"):
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
    with pytest.raises(ValueError, match=r"a model's file must.*got 'm\.pkl'"):
        save(model(), tmp_path / "m.pkl")
    with pytest.raises(ValueError, match=r"a model's file must.*got 'm'"):
        load(model(), tmp_path / "m")


def test_without_safetensors_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "safetensors.numpy", None)
    with pytest.raises(ImportError, match=r'pip install "gatewise\[save\]"'):
        save(model(), tmp_path / "m.safetensors")


def test_modules_of_one_s_own_are_kept_too(tmp_path: Path) -> None:
    first, second = (Sequential(model(seed), tanh) for seed in (0, 1))
    load(second, nn.saving.save(first, tmp_path / "s.json"))
    assert second([0.1, 0.2]).data == first([0.1, 0.2]).data


def as_json(**changes: Any) -> bytes:
    """Return the file of Neuron.of([2.0], 1.0) as JSON, with changes to its head or its state."""
    state = {"w": [2.0], "b": 1.0} | changes.pop("state", {})
    return json.dumps({"format": "gatewise model", "version": 1, "model": "it", "state": state} | changes).encode()


def as_safetensors(head: Any = None, content: bytes = struct.pack("<dd", 1.0, 2.0), **changes: Any) -> bytes:
    """Return the same as safetensors: its bytes written by hand, so that they may be wrong."""
    head = head or {
        "__metadata__": {"format": "gatewise model", "version": "1", "model": "it"},
        "b": {"dtype": "F64", "shape": [], "data_offsets": [0, 8]},
        "w": {"dtype": "F64", "shape": [1], "data_offsets": [8, 16]},
    }
    text = json.dumps(head | changes).encode() if isinstance(head, dict) else head
    return struct.pack("<Q", len(text)) + text + content


def metadata(**changes: Any) -> dict[str, Any]:
    return {"__metadata__": {"format": "gatewise model", "version": "1", "model": "it"} | changes}


def tensor(dtype: str = "F64", shape: Any = (1,), start: int = 8, end: int = 16) -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, end]}


def nested(depth: int, inside: bytes = b"1.0") -> bytes:
    return b"[" * depth + inside + b"]" * depth


ESCAPE = "\x1b[31mred\x07" + "x" * 1_000_000
HOSTILE = {
    "empty.json": b"",
    "truncated.json": as_json()[:-10],
    "latin.json": as_json(model="é").replace(b"\\u00e9", b"\xe9"),
    "nul.json": b"\0" * 100,
    "nested-100.json": as_json().replace(b"[2.0]", nested(100)),
    "nested-900.json": as_json().replace(b"[2.0]", nested(900)),
    "nested-objects.json": as_json().replace(b"[2.0]", b'{"a":' * 900 + b"1" + b"}" * 900),
    "nested-head.json": as_json(format=7).replace(b"7", nested(900)),
    "nested-version.json": as_json(version=7).replace(b"7", nested(900)),
    "nested-model.json": as_json(model=7, state={"b": None}).replace(b"7", nested(900)),
    "nested-twice.json": as_json().replace(b"[2.0]", nested(900, b'{"a": 1, "a": 2}')),
    "version-true.json": as_json(version=True),
    "version-text.json": as_json(version="1"),
    "version-none.json": as_json(version=None),
    "version-long.json": as_json(version=7).replace(b"7", b"1" * 100_000),
    "version-escape.json": as_json(version=ESCAPE),
    "format-escape.json": as_json(format=ESCAPE),
    "model-escape.json": as_json(model=ESCAPE, state={"b": None}),
    "name-escape.json": as_json(state={ESCAPE: 1.0}),
    "name-escape-nested.json": as_json(state={ESCAPE: {}}),
    "name-surrogate.json": as_json(state={"\ud800": 1.0}),
    "names-many.json": as_json(state={f"name{i}": 1.0 for i in range(10_000)}),
    "entry-escape.json": as_json(state={"b": ESCAPE}),
    "entry-none.json": as_json(state={"b": None}),
    "entry-true.json": as_json(state={"b": True}),
    "entry-nan.json": as_json(state={"b": math.nan}),
    "entry-inf.json": as_json(state={"b": -math.inf}),
    "entry-1e400.json": as_json().replace(b"1.0", b"1e400"),
    "entry-long.json": as_json().replace(b"1.0", b"1" * 100_000),
    "entry-309-digits.json": as_json().replace(b"1.0", b"9" * 309),
    "entry-list.json": as_json(state={"b": [1.0]}),
    "entry-number.json": as_json(state={"w": 1.0}),
    "shape.json": as_json(state={"w": [1.0, 2.0]}),
    "ragged.json": as_json(state={"w": [[1.0]]}),
    "state-list.json": as_json().replace(b'{"w": [2.0], "b": 1.0}', b"[1.0]"),
    "twice.json": as_json().replace(b'"b": 1.0', b'"b": 1.0, "b": 2.0'),
    "twice-escape.json": as_json(state={ESCAPE: 1}).replace(b'"b": 1.0', json.dumps(ESCAPE).encode() + b": 2.0"),
    "large.json": as_json() + b" " * 2_000_000,
    "empty.safetensors": b"",
    "truncated.safetensors": as_safetensors()[:-1],
    "longer.safetensors": as_safetensors() + b"1",
    "head-beyond.safetensors": struct.pack("<Q", 10_000) + as_safetensors()[8:],
    "head-huge.safetensors": struct.pack("<Q", 2**64 - 1) + as_safetensors()[8:],
    "head-list.safetensors": as_safetensors(b"[]"),
    "head-nothing.safetensors": as_safetensors(b"{}", b""),
    "head-nested.safetensors": as_safetensors(b'{"a":' * 900 + b"1" + b"}" * 900),
    "overlap.safetensors": as_safetensors(w=tensor(start=4, end=12)),
    "gap.safetensors": as_safetensors(content=b"1" * 24, w=tensor(start=16, end=24)),
    "backwards.safetensors": as_safetensors(w=tensor(start=16, end=8)),
    "negative.safetensors": as_safetensors(w=tensor(start=-8, end=0)),
    "shape-negative.safetensors": as_safetensors(w=tensor(shape=[-1])),
    "shape-overflow.safetensors": as_safetensors(w=tensor(shape=[2**40, 2**40])),
    "shape-none.safetensors": as_safetensors(content=b"1" * 8, w=tensor(shape=[0], start=8, end=8)),
    "shape-rows-of-none.safetensors": as_safetensors(content=b"1" * 8, w=tensor(shape=[10**15, 0], start=8, end=8)),
    "shape-scalar.safetensors": as_safetensors(w=tensor(shape=[])),
    "shape-deep.safetensors": as_safetensors(w=tensor(shape=[1] * 900)),
    "shape-40.safetensors": as_safetensors(w=tensor(shape=[1] * 40)),
    "dtype-i64.safetensors": as_safetensors(w=tensor("I64")),
    "dtype-unknown.safetensors": as_safetensors(w=tensor(ESCAPE)),
    "dtype-too-narrow.safetensors": as_safetensors(w=tensor("F32")),
    "nan.safetensors": as_safetensors(content=struct.pack("<dd", math.nan, 1.0)),
    "inf.safetensors": as_safetensors(content=struct.pack("<dd", 1.0, math.inf)),
    "metadata-none.safetensors": as_safetensors(__metadata__=None),
    "metadata-number.safetensors": as_safetensors(__metadata__={"format": 1}),
    "metadata-text.safetensors": as_safetensors(__metadata__="gatewise model"),
    "metadata-empty.safetensors": as_safetensors(__metadata__={}),
    "version-superscript.safetensors": as_safetensors(**metadata(version="²")),
    "version-arabic.safetensors": as_safetensors(**metadata(version="١")),
    "version-long.safetensors": as_safetensors(**metadata(version="1" * 100_000)),
    "version-2.safetensors": as_safetensors(**metadata(version="2")),
    "version-escape.safetensors": as_safetensors(**metadata(version=ESCAPE)),
    "format-escape.safetensors": as_safetensors(**metadata(format=ESCAPE)),
    "model-escape.safetensors": as_safetensors(**metadata(model=ESCAPE), w=tensor(shape=[1, 1])),
    "name-escape.safetensors": as_safetensors(
        {"b": tensor(start=0, end=8), ESCAPE: tensor()} | metadata()),
    "name-escape-i64.safetensors": as_safetensors(
        {"b": tensor(start=0, end=8), ESCAPE: tensor("I64")} | metadata()),
    "twice.safetensors": as_safetensors(
        json.dumps(metadata() | {"b": tensor(start=0, end=8), "w": tensor()}).encode()[:-1]
        + b', "w": ' + json.dumps(tensor()).encode() + b"}"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_file_that_is_not_right_gets_a_sentence_and_changes_nothing(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(HOSTILE[name])
    neuron = Neuron.of([5.0], 7.0)
    with pytest.raises(ValueError, match=re.escape(name)) as caught:
        load(neuron, path)
    message = str(caught.value)
    assert type(caught.value) is ValueError
    assert len(message) < 600
    assert message.isprintable()
    assert neuron.state_dict() == {"w": [5.0], "b": 7.0}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("plain.json", as_json()),
        ("bom.json", b"\xef\xbb\xbf" + as_json()),
        ("utf-16.json", as_json().decode().encode("utf-16")),
        ("whole.json", as_json(state={"w": [2], "b": 1})),
        ("zeros.json", as_json().replace(b"1.0", b"1" + b"0" * 5000 + b"e-5000")),
        ("more.json", as_json(comment="kept by hand")),
        ("plain.safetensors", as_safetensors()),
    ],
    ids=lambda name: name if isinstance(name, str) else "",
)
def test_a_file_that_is_right_is_read(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    assert load(Neuron.of([5.0], 7.0), path).state_dict() == {"w": [2.0], "b": 1.0}


@pytest.mark.parametrize("number", [-0.0, 1e-310, 5e-324, 1.7976931348623157e308])
@pytest.mark.parametrize("format", FORMATS)
def test_the_edges_of_the_floats_come_back(tmp_path: Path, number: float, format: str) -> None:
    path = save(Neuron.of([number], 1.0), tmp_path / f"m.{format}")
    found = load(Neuron.of([5.0], 7.0), path).state_dict()["w"][0]
    assert math.copysign(1.0, found) == math.copysign(1.0, number)
    assert found == number


@pytest.mark.parametrize(
    ("dtype", "content"),
    [
        ("F64", struct.pack("<dd", -1.5, 2.0)),
        ("F32", struct.pack("<ff", -1.5, 2.0)),
        ("F16", struct.pack("<ee", -1.5, 2.0)),
        ("BF16", struct.pack("<ff", -1.5, 2.0)[2:4] + struct.pack("<ff", -1.5, 2.0)[6:8]),
    ],
)
def test_floats_of_every_width_are_read(tmp_path: Path, dtype: str, content: bytes) -> None:
    path, n = tmp_path / "m.safetensors", len(content) // 2
    b, w = tensor(dtype, [], 0, n), tensor(dtype, [1], n, 2 * n)
    path.write_bytes(as_safetensors(content=content, b=b, w=w))
    assert load(Neuron.of([5.0], 7.0), path).state_dict() == {"w": [2.0], "b": -1.5}


@pytest.mark.parametrize("dtype", ["I64", "U64"])
def test_other_dtypes_are_named(tmp_path: Path, dtype: str) -> None:
    path = tmp_path / "m.safetensors"
    path.write_bytes(as_safetensors(__metadata__={}, w=tensor(dtype)))
    with pytest.raises(ValueError, match=f"F64, F32, F16, BF16, got {dtype} for 'w'"):
        load(Neuron.of([5.0], 7.0), path)


@pytest.mark.parametrize("format", FORMATS)
def test_a_file_far_larger_than_the_model_is_not_read(tmp_path: Path, format: str) -> None:
    path = tmp_path / f"m.{format}"
    with path.open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(ValueError, match="1,099,511,627,776"):
        load(model(), path)
