"""Saving and loading models: readable JSON, or safetensors; never pickle."""

from __future__ import annotations

import json
from collections.abc import Iterator
from os import PathLike
from pathlib import Path
from typing import Any, TypeVar

from autograd.arguments import as_path, checks_keywords, describe, truncated_repr
from autograd.files import read_file, replace_file

from .module import Module

__all__ = ["file_head", "load", "save"]

FORMAT, VERSION = "gatewise model", 1
DTYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2"}  # of safetensors, as NumPy reads them
DEEPEST = 32  # maximum depth of nested lists
# Maximum size of a file, so that a wrong file is not read into memory.
MOST_BYTES, MOST_BYTES_A_NUMBER = 1_000_000, 1_000

M = TypeVar("M", bound=Module)


@checks_keywords
def save(model: Module, path: str | PathLike[str]) -> Path:
    """Write the numbers of a model to a .json or .safetensors file, which is replaced atomically.

    JSON keeps every float exactly; safetensors (extra `save`) holds float64 arrays. ValueError for another file name
    extension, and for a model with a number that is not finite.

    >>> import tempfile
    >>> from nn import Neuron, save
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     print(save(Neuron.of([2.0], 1.0), folder + "/neuron.json").read_text())
    {
      "format": "gatewise model",
      "version": 1,
      "model": "Neuron(1 → 1, linear)",
      "state": {
        "w": [2.0],
        "b": 1.0
      }
    }
    <BLANKLINE>
    """
    path = _path(model, path)
    state = model.state_dict()
    for name, numbers in state.items():
        if not all(abs(x) < float("inf") for x in _numbers(numbers)):
            raise ValueError(f"{name} must hold finite numbers to be saved, got nan or inf")
    if _is_json(path):
        rows = ",\n".join(f"    {json.dumps(name)}: {json.dumps(numbers)}" for name, numbers in state.items())
        text = json.dumps(file_head(model), indent=2, ensure_ascii=False)[:-2] + f',\n  "state": {{\n{rows}\n  }}\n}}\n'
        content = text.encode()
    else:
        np, safetensors = _safetensors()
        arrays = {name: np.array(numbers, dtype=np.float64) for name, numbers in state.items()}
        metadata = {"format": FORMAT, "version": str(VERSION), "model": repr(model)}
        content = safetensors.numpy.save(arrays, metadata=metadata)
    replace_file(path, content)
    return path


@checks_keywords
def load(model: M, path: str | PathLike[str]) -> M:
    """Set the parameters of a model of the same shape to those in a file and return it, or raise and leave it unchanged.

    The arrays of a .safetensors file may be float64, float32, float16 or bfloat16. ValueError or OSError for a file that
    does not fit. Loading runs no code from the file, unlike `pickle.load`.

    >>> import tempfile
    >>> from nn import MLP, load, save
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     kept = save(MLP(2, [3, 1]), folder + "/model.json")
    ...     load(MLP(2, [3, 1]), kept)
    MLP(2 → 3 relu → 1 linear, 13 parameters)
    """
    path = _path(model, path)
    read = _from_json if _is_json(path) else _from_safetensors
    most = MOST_BYTES + MOST_BYTES_A_NUMBER * sum(1 for _ in _numbers(model.state_dict()))
    try:
        content = read_file(path, most)
    except ValueError as error:
        raise ValueError(f"{error}: it is not a file of {model!r}") from None
    head, state = read(content, path)
    if head.get("format") != FORMAT:
        raise ValueError(
            f"{path.name} is not a model saved by nn.save: its format is {_describe_entry(head.get('format'))}"
        )
    version = head.get("version")
    if version != VERSION or isinstance(version, bool):
        raise ValueError(f"{path.name} must be of version {VERSION}, got {_describe_entry(version)}")
    try:
        for name, entry in state.items() if isinstance(state, dict) else ():
            if not _is_tensor(entry):
                raise ValueError(f"{truncated_repr(name)} must be a number, or lists of numbers at most {DEEPEST} deep")
        model.load_state_dict(state)
    except (ValueError, TypeError) as error:
        saved = _describe_entry(head.get("model")).strip("'")
        raise ValueError(f"{path.name}, saved from {saved}, does not fit {model!r}: {error}") from None
    return model


def file_head(model: Module) -> dict[str, Any]:
    """Return the entries of a JSON file that come before its state."""
    return {"format": FORMAT, "version": VERSION, "model": repr(model)}


def _path(model: Any, path: Any) -> Path:
    """Return the path of a model's file; raise if model and path are swapped."""
    if not isinstance(model, Module):
        raise TypeError(f"model must be a Module, got {describe(model)}: write save(model, 'm.json')")
    return as_path(path)


def _is_json(path: Path) -> bool:
    if path.suffix not in (".json", ".safetensors"):
        raise ValueError(f"a model's file must end in .json or .safetensors, got {path.name!r}")
    return path.suffix == ".json"


def _from_json(content: bytes, path: Path) -> tuple[dict[str, Any], Any]:
    try:
        found = _parse_json(content)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path.name} must be complete JSON: {error}") from None
    if not isinstance(found, dict):
        raise ValueError(f"{path.name} is not a model saved by nn.save: it holds a {type(found).__name__}")
    return found, found.get("state")


def _parse_json(content: bytes) -> Any:
    """Parse JSON, but refuse a name that comes twice in an object, and read ints of more than 18 digits as floats."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, entry in pairs:
            if name in found:
                raise ValueError(f"it has the name {truncated_repr(name)} twice")
            found[name] = entry
        return found

    return json.loads(
        content, object_pairs_hook=unique, parse_int=lambda digits: float(digits) if digits[18:] else int(digits)
    )


def _from_safetensors(content: bytes, path: Path) -> tuple[dict[str, Any], Any]:
    np, safetensors = _safetensors()
    try:
        tensors = safetensors.deserialize(content)
        size = int.from_bytes(content[:8], "little")
        head = _parse_json(content[8 : 8 + size]).get("__metadata__") or {}
    except Exception as error:  # safetensors raises its own exception types
        reason = truncated_repr(str(error), 200)
        raise ValueError(f"{path.name} must be a complete safetensors file: {reason}") from None
    state = {}
    for name, tensor in tensors:
        if tensor["dtype"] not in DTYPES:
            raise ValueError(
                f"{path.name} must hold numbers of dtype {', '.join(DTYPES)}, got {tensor['dtype']} for {truncated_repr(name)}"
            )
        if len(tensor["shape"]) > DEEPEST or 0 in tensor["shape"]:
            raise ValueError(
                f"{path.name}: {truncated_repr(name)} has the shape {truncated_repr(tensor['shape'])}, which no parameter has"
            )
        numbers = np.frombuffer(tensor["data"], DTYPES[tensor["dtype"]])
        if tensor["dtype"] == "BF16":  # a bfloat16 is the upper half of a float32
            numbers = (numbers.astype("<u4") << 16).view("<f4")
        state[name] = numbers.reshape(tensor["shape"]).tolist()
    version = head.get("version")
    return head | {"version": VERSION if version == str(VERSION) else version}, state


def _safetensors() -> Any:
    try:
        import numpy
        import safetensors.numpy
    except ImportError:
        raise ImportError('a .safetensors file needs the safetensors package: pip install "gatewise[save]"') from None
    return numpy, safetensors


def _numbers(state: Any) -> Iterator[float]:
    """Yield the numbers of a state."""
    if isinstance(state, (dict, list)):
        for part in state.values() if isinstance(state, dict) else state:
            yield from _numbers(part)
    else:
        yield state


def _is_tensor(entry: Any, depth: int = 0) -> bool:
    if isinstance(entry, list):
        return depth < DEEPEST and all(_is_tensor(part, depth + 1) for part in entry)
    return isinstance(entry, (int, float))


def _describe_entry(entry: Any) -> str:
    """Return the repr of an entry of a file for a message: short, and without control characters."""
    if isinstance(entry, (dict, list)):
        return f"a {type(entry).__name__}"
    return truncated_repr(entry, 80)
