"""Beyond one machine: JAX spreads a batch over all devices it sees, and optax moves the parameters.

No code of this project is parallel. Every process runs this same program; `sharded` leaves it the rows of its own devices,
and JAX adds up the gradients. On one machine virtual devices stand in for real ones, and processes for machines:

    XLA_FLAGS=--xla_force_host_platform_device_count=8 python -m demos sharded_training
    python -m demos sharded_training --processes 2

On a cluster, run the second command on each machine, with --process 0, 1, … and --coordinator ADDRESS:PORT of machine 0.
"""

from itertools import cycle, islice
from pathlib import Path
from random import Random
from typing import Any

import jax
import numpy as np
import optax
from sklearn.datasets import load_digits

from autograd import CompiledProgram, compile
from demos.microgpt import GPT, encode, read_names
from demos.processes import OPTIONS as OPTIONS, joined
from nn import MLP, Adam, cross_entropy_with_logits

STEPS, BATCH, RATE, LETTERS = 40, 50, 0.01, 5  # 50 rows do not divide by 4 or 8 devices


def digits() -> tuple[CompiledProgram, list[Any]]:
    """Return the loss of a network on the 1,797 handwritten digits, and these."""
    X, y = load_digits(return_X_y=True)
    model = MLP(64, [32, 10], rng=Random(0))
    return compile(lambda x, y: cross_entropy_with_logits(model(x), y[0]), model, x=64, y=1), [X / 16, y]


def names() -> tuple[CompiledProgram, list[Any]]:
    """Return the mean loss of the GPT on the characters of a name, and the names of LETTERS letters."""
    characters = "".join(sorted(set("".join(known := read_names()))))
    model, T = GPT(len(characters) + 1, Random(0)), LETTERS + 1
    tokens = np.array([encode(name, characters) for name in known if len(name) == LETTERS])
    program = compile(lambda now, then: model.loss(now, then, [1 / T] * T), model, now=T, then=T)
    return program, [tokens[:, :-1], tokens[:, 1:]]


def train(program: CompiledProgram, data: list[Any]) -> list[float]:
    """Take steps of Adam on all devices, and return the cost of each."""
    differentiate, adam, costs = program.to_jax(), optax.adam(RATE), list[float]()

    def step(parameters: Any, state: Any, batches: Any, weights: Any) -> Any:
        cost, gradient = differentiate(parameters, *batches, weights=weights)
        updates, state = adam.update(gradient, state)
        return optax.apply_updates(parameters, updates), state, cost

    jitted, held = jax.jit(step), program.replicated((program.flat, adam.init(program.flat)))
    for first in islice(cycle(range(0, len(data[0]), BATCH)), STEPS):
        *held, cost = jitted(*held, *program.sharded(*(part[first : first + BATCH] for part in data)))
        costs.append(float(cost))
    return costs


def main(out: Path = Path(), **processes: Any) -> dict[str, float]:
    """Train on all devices, and return the largest differences between the costs and those of compiled training here."""
    gaps: dict[str, float] = {}
    for name, make in {"digits": digits, "GPT": names}.items() if joined("sharded_training", **processes) else ():
        program, data = make()
        costs = train(program, data)
        here = program.train(*data, Adam(program.parameters, RATE), STEPS, batch_size=BATCH)
        gaps[name] = float(np.abs(costs - here).max())
        print(f"{name} (devices: {jax.device_count()}, processes: {jax.process_count()}): ", end="")
        print(f"cost {costs[0]:.4f} → {costs[-1]:.4f}, from training here at most {gaps[name]:.0e}")
    return gaps
