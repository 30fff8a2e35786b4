"""A GPT in the manner of microgpt, 4,192 parameters, a name of 8 letters: Value in the place of a plain scalar class."""

from __future__ import annotations

import time
from itertools import pairwise
from random import Random
from statistics import median
from typing import Any

from autograd import Value
from autograd._engine import description

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


if __name__ == "__main__":
    run()
