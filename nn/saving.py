"""Keeping models: JSON that a person can read, or safetensors; never pickle."""

from __future__ import annotations

import json
from os import PathLike
from pathlib import Path
from typing import Any, TypeVar

from autograd.files import as_path, replace_file

from .given import shown
from .module import Module

__all__ = ["load", "save"]

FORMAT, VERSION = "gatewise model", 1

M = TypeVar("M", bound=Module)


def save(model: Module, path: str | PathLike[str]) -> Path:
    """Write the numbers of a model to a .json or .safetensors file (extra `save`), which is replaced whole or not at all.

    JSON keeps every float exactly; safetensors holds them as float64 arrays. ValueError for another ending, and for a model
    with a number that is not finite.

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
        if not _finite(numbers):
            raise ValueError(f"{name} holds a number that is not finite: a model is not saved with nan or inf in it")
    if _is_json(path):
        head = {"format": FORMAT, "version": VERSION, "model": repr(model)}
        rows = ",\n".join(f"    {json.dumps(name)}: {json.dumps(numbers)}" for name, numbers in state.items())
        text = json.dumps(head, indent=2, ensure_ascii=False)[:-2] + f',\n  "state": {{\n{rows}\n  }}\n}}\n'
        content = text.encode()
    else:
        np, safetensors = _safetensors()
        arrays = {name: np.array(numbers, dtype=np.float64) for name, numbers in state.items()}
        metadata = {"format": FORMAT, "version": str(VERSION), "model": repr(model)}
        content = safetensors.save(arrays, metadata=metadata)
    replace_file(path, content)
    return path


def load(model: M, path: str | PathLike[str]) -> M:
    """Set the parameters of a model of the same shape to those in a file and return it, or raise and leave it unchanged.

    >>> import tempfile
    >>> from nn import MLP, load, save
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     kept = save(MLP(2, [3, 1]), folder + "/model.json")
    ...     load(MLP(2, [3, 1]), kept)
    MLP(2 → 3 relu → 1 linear, 13 parameters)
    """
    path = _path(model, path)
    read = _from_json if _is_json(path) else _from_safetensors
    head, state = read(path.read_bytes(), path)
    if head.get("format") != FORMAT:
        raise ValueError(f"{path.name} is not a model saved by nn.save: its format is {head.get('format')!r}")
    if head.get("version") != VERSION:
        raise ValueError(f"{path.name} is of version {head.get('version')!r}, and this program reads version {VERSION}")
    try:
        model.load_state_dict(state)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path.name}, saved from {head.get('model')}, does not fit {model!r}: {error}") from None
    return model


def _path(model: Any, path: Any) -> Path:
    """Return the path of a model's file; the model comes first."""
    if not isinstance(model, Module):
        raise TypeError(f"the model comes first, then the path: save(model, 'm.json'), not {shown(model)}")
    return as_path(path)


def _is_json(path: Path) -> bool:
    if path.suffix not in (".json", ".safetensors"):
        raise ValueError(
            f"a model's file ends in .json or .safetensors, and {path.name!r} in {path.suffix or 'nothing'}"
        )
    return path.suffix == ".json"


def _from_json(content: bytes, path: Path) -> tuple[dict[str, Any], Any]:
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path.name} is not JSON, or only a part of it: {error}") from None
    if not isinstance(found, dict):
        raise ValueError(f"{path.name} is not a model saved by nn.save: it holds a {type(found).__name__}")
    return found, found.get("state")


def _from_safetensors(content: bytes, path: Path) -> tuple[dict[str, Any], Any]:
    _, safetensors = _safetensors()
    try:
        arrays = safetensors.load(content)
        size = int.from_bytes(content[:8], "little")
        head = json.loads(content[8 : 8 + size]).get("__metadata__", {})
    except Exception as error:  # whatever the library raises
        raise ValueError(f"{path.name} is not a safetensors file, or only a part of it: {error}") from None
    version = head.get("version", "")
    return head | {"version": int(version) if version.isdigit() else version}, {
        name: array.tolist() for name, array in arrays.items()
    }


def _safetensors() -> Any:
    try:
        import numpy
        import safetensors.numpy
    except ImportError:
        raise ImportError('a .safetensors file needs the safetensors package: pip install "gatewise[save]"') from None
    return numpy, safetensors.numpy


def _finite(numbers: Any) -> bool:
    return all(map(_finite, numbers)) if isinstance(numbers, list) else abs(numbers) < float("inf")
