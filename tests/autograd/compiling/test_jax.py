"""Guards compiled programs under JAX: jitted or not, on one device or many, they give what they give on NumPy.

Collected where JAX is installed, as pytest's header says.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

import autograd
from autograd import compile, sigmoid, tanh
from demos.__main__ import main
from tests import fuzz
from tests.autograd.compiling.test_weights import weighted

jax.config.update("jax_enable_x64", True)

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("seed", range(20))  # .ci/nightly has 500 more
def test_the_same_source_under_jax_numpy(seed: int) -> None:
    if (made := fuzz.compiled(seed)) is None:
        return
    program, X, Y, result = made
    cost, gradient = program.to_jax()(program.flat, X, Y)
    assert fuzz.agrees(result, (float(cost), np.asarray(gradient)))


@pytest.mark.parametrize("seed", range(0, 40, 8))
def test_jitted_programs(seed: int) -> None:
    if (made := fuzz.compiled(seed)) is None:
        return
    program, X, Y, result = made
    cost, gradient = jax.jit(program.to_jax())(program.flat, X, Y)
    assert fuzz.agrees(result, (float(cost), np.asarray(gradient)))


def test_a_weight_is_a_number_of_copies_under_jit() -> None:
    program, X, Y, counts, expected = weighted(3)
    cost, gradient = jax.jit(program.to_jax())(program.flat, X, Y, weights=counts)
    assert fuzz.agrees(expected, (float(cost), np.asarray(gradient)))


def test_constants_have_the_type_of_the_parameters() -> None:
    w = [autograd.Value(x) for x in (0.5, -1.0, 2.0)]
    program = compile(
        lambda x: autograd.take([[0.1, v] for v in w], x[0])[1] * autograd.dot([0.1, 0.2], [x[1], x[2]]), w
    )
    cost, gradient = program.sized([[0, 1, 2]]).to_jax()(program.flat.astype("float32"), np.ones((2, 3), "float32"))
    assert (cost.dtype, gradient.dtype) == ("float32", "float32")


def test_irregular_programs_are_not_handed_to_jit() -> None:
    rng = random.Random(0)
    w = [autograd.Value(rng.uniform(0.5, 1)) for _ in range(700)]

    def winding(x: Any) -> Any:
        a, b = x[0], x[1]
        for i, v in enumerate(w):
            a, b = (tanh(a * v), a) if i % 3 else (b + v, sigmoid(a))
        return a * b

    program = compile(winding, w, x=2)
    with pytest.raises(ValueError, match=r"too irregular for JAX: it has \d+ lines"):
        program.to_jax()


def run(*command: str, flag: str) -> tuple[int, str, str]:
    """Run Python with a flag of XLA, and end all of its processes; return its exit code, output and errors."""
    environment = {**os.environ, "XLA_FLAGS": flag, "JAX_PLATFORMS": "cpu"}
    started = subprocess.Popen(
        [sys.executable, *command],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        printed, errors = started.communicate(timeout=240)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(started.pid, signal.SIGKILL)
    return started.returncode, printed, errors


def test_two_processes_of_two_devices_train_as_one_does() -> None:
    command = ("-m", "demos", "sharded_training", "--processes=2")
    code, printed, errors = run(*command, flag="--xla_force_host_platform_device_count=2")
    assert code == 0, errors
    lines = [line for line in printed.splitlines() if "(devices: 4, processes: 2)" in line]
    assert [line.split()[0] for line in lines] == ["digits", "GPT"]
    assert all(float(line.rsplit("at most", 1)[1]) < 1e-9 for line in lines)


def test_a_process_that_fails_ends_the_others() -> None:
    code, _, errors = run("-m", "demos", "sharded_training", "--processes=2", flag="--xla_no_such_flag=1")
    assert code != 0
    assert "of 2 failed" in errors


@pytest.mark.parametrize("options", ["--processes=0", "--processes=2 --process=2 --coordinator=a:1", "--process=0"])
def test_numbers_of_processes_that_do_not_fit_are_refused(options: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["sharded_training", *options.split()])
    assert ended.value.code == 2
    assert "--process" in capsys.readouterr().err.rpartition("error: ")[2]


SHARDED = """
import re
import jax, numpy as np
from autograd import Value, compile, log, take
jax.config.update("jax_enable_x64", True)
table = [Value(0.5 + k) for k in range(3)]
program = compile(lambda x, i: log(x[0]) * take(table, i[0]), table, x=1, i=1)
run = jax.jit(program.to_jax())
for rows in (1, 4, 6):
    X, places = np.arange(1.0, rows + 1), np.arange(rows) % 3
    batches, weights = program.sharded(X, places)
    assert len(weights.addressable_shards) == jax.device_count() == 4
    assert all(len(shard.data) == -(-rows // 4) for shard in weights.addressable_shards)
    assert np.asarray(weights).tolist() == [1.0] * rows + [0.0] * (-rows % 4)
    cost, gradient = run(program.flat, *batches, weights=weights)
    expected = program.value_and_grad(X, places)
    assert abs(float(cost) - expected[0]) < 1e-12 and np.allclose(gradient, expected[1], rtol=0, atol=1e-12)
text = run.lower(program.flat, *batches, weights=weights).compile().as_text()
collectives = set(re.findall(r"(all-reduce|all-gather|all-to-all|collective-permute|reduce-scatter)[(-]", text))
print("collectives:", *sorted(collectives))
for batches, error, words in [
    (([[1.0], [2.0]], [[0], [3]]), ValueError, "i[1][0] must be a whole number from 0 to 2, got 3"),
    (([[1.0], [2.0]], [[0]]), ValueError, "i has 1 rows, and x has 2"),
    (([[1.0, 2.0]], [[0]]), ValueError, "x must have shape (rows, 1), got (1, 2)"),
    (([[1.0]],), TypeError, "this program takes x, i: 2 batches, not 1"),
]:
    try:
        program.sharded(*batches)
    except error as found:
        assert words in str(found), found
    else:
        raise AssertionError(words)
try:
    compile(lambda: table[0] * table[1], table).sharded()
except TypeError as found:
    assert "no inputs" in str(found)
else:
    raise AssertionError("no inputs")
"""


def test_rows_lie_on_all_devices_and_their_number_need_not_be_divisible() -> None:
    code, printed, errors = run("-c", SHARDED, flag="--xla_force_host_platform_device_count=4")
    assert code == 0, errors
    assert "collectives: all-reduce\n" in printed


def test_an_output_without_inputs_has_a_row_for_every_sample() -> None:
    w = autograd.Value(3.0)
    X = np.array([[1.0], [2.0], [4.0]])
    for function in (lambda x: w, lambda x: [w, 2 * w], lambda x: [w, x[0]]):
        program = compile(function, [w], gradient=False, x=1)
        for run in (program.to_jax(), jax.jit(program.to_jax())):
            assert np.asarray(run(program.flat, X)).tolist() == program(X).tolist()
