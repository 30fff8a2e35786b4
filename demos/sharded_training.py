"""Beyond one machine: JAX spreads a batch over all devices it sees, and optax moves the parameters.

No code of this project is parallel. Every process runs this same program; `sharded` leaves it the rows of its own devices,
and JAX adds up the gradients. On one machine virtual devices stand in for real ones, and processes for machines:

    XLA_FLAGS=--xla_force_host_platform_device_count=8 python -m demos sharded_training
    python -m demos sharded_training --processes 2

On a cluster, run the second command on each machine, with --process 0, 1, … and --coordinator ADDRESS:PORT of machine 0.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from argparse import ArgumentParser
from itertools import cycle, islice
from pathlib import Path
from random import Random
from typing import Any

import jax
import numpy as np
import optax
from jax.sharding import NamedSharding, PartitionSpec
from sklearn import datasets

from autograd import CompiledProgram, compile
from demos.microgpt import GPT, encode, read_names
from nn import MLP, Adam, cross_entropy_with_logits

SEED, STEPS, BATCH, RATE, LENGTH = 0, 40, 50, 0.01, 7  # 50 rows do not divide by 4 or 8 devices
OPTIONS = ArgumentParser(prog="python -m demos sharded_training")
OPTIONS.add_argument("--processes", type=int, default=1, help="how many processes; without --process, start them here")
OPTIONS.add_argument("--process", type=int, help="the number of this process, from 0")
OPTIONS.add_argument("--coordinator", help="ADDRESS:PORT of process 0")


def digits() -> tuple[CompiledProgram, list[Any]]:
    """Return the loss of a network on the 1,797 handwritten digits, and these."""
    X, y = datasets.load_digits(return_X_y=True)
    model = MLP(64, [32, 10], rng=Random(SEED))
    return compile(lambda x, y: cross_entropy_with_logits(model(x), y[0]), model, x=64, y=1), [X / 16, y]


def names() -> tuple[CompiledProgram, list[Any]]:
    """Return the loss of the GPT on names of fewer than LENGTH letters, and 150 of these, padded with weight 0."""
    known, rng, rows = read_names(), Random(SEED), []
    characters = "".join(sorted(set("".join(known))))
    model = GPT(len(characters) + 1, rng)
    for name in rng.sample([name for name in known if len(name) < LENGTH], 150):
        *tokens, end = encode(name, characters)
        n, rest = len(tokens), [end] * (LENGTH - len(tokens))
        rows.append(([*tokens, *rest], [*tokens[1:], end, *rest], [1 / n] * n + [0.0] * len(rest)))
    program = compile(model.loss, model, tokens=LENGTH, following=LENGTH, weights=LENGTH)
    return program, [np.array(column) for column in zip(*rows, strict=True)]


def train(program: CompiledProgram, data: list[Any]) -> list[float]:
    """Take steps of Adam on all devices, and return the cost of each."""
    differentiate, adam = program.to_jax(), optax.adam(RATE)

    def step(parameters: Any, state: Any, batches: Any, weights: Any) -> Any:
        cost, gradient = differentiate(parameters, *batches, weights=weights)
        updates, state = adam.update(gradient, state)
        return optax.apply_updates(parameters, updates), state, cost

    held: Any = None
    costs, jitted = list[float](), jax.jit(step)
    for first in islice(cycle(range(0, len(data[0]), BATCH)), STEPS):
        batches, weights = program.sharded(*(part[first : first + BATCH] for part in data))
        if held is None:  # the parameters and Adam's means lie on every device
            everywhere = NamedSharding(weights.sharding.mesh, PartitionSpec())
            held = jax.device_put((program.flat, adam.init(program.flat)), everywhere)
        *held, cost = jitted(*held, batches, weights)
        costs.append(float(cost))
    return costs


def start(processes: int) -> None:
    """Start processes of this program on this machine; print what the first one prints."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    flags = os.environ.get("XLA_FLAGS", "--xla_force_host_platform_device_count=2")
    environment = {"JAX_PLATFORMS": "cpu", **os.environ, "XLA_FLAGS": flags}
    command = [
        sys.executable,
        "-m",
        "demos",
        "sharded_training",
        f"--processes={processes}",
        f"--coordinator={address}",
    ]
    running = [
        subprocess.Popen([*command, f"--process={i}"], env=environment, stdout=None if i == 0 else subprocess.DEVNULL)
        for i in range(processes)
    ]
    try:
        while any(each.poll() is None for each in running) and not any(each.poll() for each in running):
            time.sleep(0.1)
    finally:  # the others would wait for one that failed
        for each in running:
            each.kill()
    if failed := [i for i, each in enumerate(running) if each.wait()]:
        raise SystemExit(f"process {failed[0]} of {processes} failed: its error is above")


def main(
    out: Path = Path(), processes: int = 1, process: int | None = None, coordinator: str | None = None
) -> dict[str, float]:
    """Train on all devices, compare the costs with those of compiled training here, and return the largest differences."""
    if processes < 1 or (process or 0) not in range(processes) or (process is None) != (coordinator is None):
        raise ValueError("--processes must be at least 1, and --process from 0 to below it, beside --coordinator")
    if processes > 1 and process is None:
        start(processes)
        return {}
    if processes > 1:
        jax.distributed.initialize(coordinator, num_processes=processes, process_id=process)
    jax.config.update("jax_enable_x64", True)
    devices = f"{jax.device_count()} devices of {jax.process_count()} process{'es' * (jax.process_count() > 1)}"
    gaps = {}
    for name, make in {"digits": digits, "GPT": names}.items():
        program, data = make()
        costs = train(program, data)
        here = program.train(*data, Adam(program.parameters, RATE), STEPS, batch_size=BATCH)
        gaps[name] = float(np.abs(costs - here).max())
        print(
            f"{name} on {devices}: cost {costs[0]:.4f} → {costs[-1]:.4f}, from training here at most {gaps[name]:.0e}"
        )
    return gaps
