"""Guards the demos: each runs, writes its figure, and reaches its numbers on data that it did not train on."""

from __future__ import annotations

import importlib
from pathlib import Path

import matplotlib
import pytest

matplotlib.use("Agg")
from matplotlib import pyplot as plt

LEAST = {
    "moons": {"accuracy": 0.97},
    "spiral": {"accuracy": 0.97},
    "real_data": {"iris": 0.93, "breast cancer": 0.95, "diabetes": 0.42},
    "digits_sample": {"accuracy": 0.85},
}


@pytest.mark.parametrize("name", LEAST)
def test_a_demo_reaches_its_numbers_and_draws(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scores = importlib.import_module(f"demos.{name}").main(tmp_path)
    assert scores.keys() == LEAST[name].keys()
    for key, least in LEAST[name].items():
        assert scores[key] >= least, key
    assert (tmp_path / f"{name}.png").stat().st_size > 10_000
    assert "kept aside" in (shown := capsys.readouterr().out) or "fresh" in shown
    plt.close("all")
