"""A GPT in the manner of microgpt, 4,192 parameters, a name of 8 letters, in the three steps of demos/from_micrograd.md:
Value in the place of a plain scalar class; dot, softmax and a loss on logits; compiled.
"""

from __future__ import annotations

import time
from itertools import pairwise
from random import Random
from statistics import median
from typing import Any

import nn
from autograd import Value, compile
from autograd._engine import description
from demos.microgpt import GPT

from ..microgpt import Adam, Plain, Sizes, loss, matrices

__all__ = ["run"]

STEPS = 15


def run() -> None:
    """Print milliseconds of a step, and how many times as fast Value is: taken in turn, medians."""
    sizes, rng = Sizes(), Random(1)
    tokens = [0, *(rng.randrange(1, sizes.tokens) for _ in range(8)), 0]
    states = {kind: matrices(kind, sizes) for kind in (Plain, Value)}
    adams = {
        kind: Adam([p for matrix in state.values() for row in matrix for p in row], STEPS)
        for kind, state in states.items()
    }
    times: dict[Any, list[tuple[float, ...]]] = {Plain: [], Value: []}
    for _ in range(STEPS):
        found = []
        for kind, state in states.items():
            at = [time.perf_counter()]
            root: Any = loss(state, sizes.heads, tokens)
            at.append(time.perf_counter())
            root.backward()
            at.append(time.perf_counter())
            found.append(root.data)
            del root
            at.append(time.perf_counter())
            adams[kind].move()
            at.append(time.perf_counter())
            times[kind].append((at[3] - at[0], at[4] - at[0], *(b - a for a, b in pairwise(at))))
        assert abs(found[0] - found[1]) <= 1e-9 * abs(found[0])
    plain, ours = ([median(column) * 1e3 for column in zip(*times[kind], strict=True)] for kind in (Plain, Value))
    print(f"a GPT of 4,192 parameters, a plain scalar class against Value ({description}), ms:")
    for name, a, b in zip(
        ("forward and backward", "a whole step", "forward", "backward", "release", "Adam in Python"),
        plain,
        ours,
        strict=True,
    ):
        print(f"  {name:20} {a:8.1f} {b:7.2f}  ({a / b:.1f} times as fast)", flush=True)
    further(tokens)


def further(tokens: list[int]) -> None:
    """Print milliseconds of a step of the demo's GPT, which uses dot, softmax and a loss on logits, and of it compiled."""
    inputs: Any = tokens[:-1], tokens[1:], [1 / (len(tokens) - 1)] * (len(tokens) - 1)
    model = GPT(Sizes().tokens, Random(0))
    adam, optimiser, program = Adam(model.parameters(), STEPS), nn.Adam(model, 1e-6), compile(model.loss, model)

    def eager() -> None:
        model.loss(*inputs).backward()
        adam.move()

    def compiled() -> None:
        _, gradient = program.value_and_grad(*([row] for row in inputs))
        program.flat = optimiser.step_array(program.flat, gradient)

    start = time.perf_counter()
    compiled()
    print(f"  compiled in {time.perf_counter() - start:.2f} s")
    times: dict[str, list[float]] = {"dot, softmax, a loss on logits": [], "compiled": []}
    for _ in range(STEPS):
        for (job, steps), found in zip(((eager, 1), (compiled, 10)), times.values(), strict=True):
            start = time.perf_counter()
            for _ in range(steps):
                job()
            found.append((time.perf_counter() - start) * 1e3 / steps)
    for name, found in times.items():
        print(f"  a whole step, {name}: {median(found):.2f} ms", flush=True)


if __name__ == "__main__":
    run()
