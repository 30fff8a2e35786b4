"""Beyond one machine: a compiled program is a pure function, whose batch JAX spreads over devices.

No code of this project is parallel. The rows of the batch lie on different devices, the parameters on all of them; JAX's own
engine inserts the sum of the gradients. On a laptop eight virtual devices stand in for real ones:

    XLA_FLAGS=--xla_force_host_platform_device_count=8 python -m demos.sharded_training
"""

from __future__ import annotations

from pathlib import Path
from random import Random

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from autograd import compile, tanh
from nn import MLP, binary_cross_entropy_with_logits, moons

SEED, STEPS, LEARNING_RATE = 0, 50, 0.5


def main(out: Path = Path()) -> dict[str, float]:
    """Train on one device and on all, print both costs, and return the largest difference of the parameters."""
    jax.config.update("jax_enable_x64", True)
    rng = Random(SEED)
    model = MLP(2, [16, 16, 1], activation=tanh, rng=rng)
    X, y = (np.array(part, float) for part in moons(256, 0.1, rng))
    program = compile(lambda x, y: binary_cross_entropy_with_logits(model(x), y[0]), model, x=2, y=1)
    differentiate = jax.jit(program.to_jax())

    def train(parameters: jax.Array, X: jax.Array, Y: jax.Array) -> tuple[float, jax.Array]:
        for _ in range(STEPS):
            cost, gradient = differentiate(parameters, X, Y)
            parameters = parameters - LEARNING_RATE * gradient
        return float(cost), parameters

    mesh = Mesh(np.array(jax.devices()), ("batch",))
    rows, everywhere = (NamedSharding(mesh, PartitionSpec(*axes)) for axes in (("batch",), ()))
    one_cost, one = train(jax.numpy.asarray(program.flat), jax.numpy.asarray(X), jax.numpy.asarray(y[:, None]))
    all_cost, many = train(
        jax.device_put(program.flat, everywhere), jax.device_put(X, rows), jax.device_put(y[:, None], rows)
    )
    gap = float(np.abs(np.asarray(one) - np.asarray(many)).max())
    print(f"one device: cost {one_cost:.6f} after {STEPS} steps")
    print(f"{mesh.size} devices: cost {all_cost:.6f}, parameters apart by {gap:.1e} at most")
    return {"devices": mesh.size, "gap": gap, "cost": all_cost}


if __name__ == "__main__":
    main()
