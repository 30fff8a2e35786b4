"""The three tables of the jobs: python -m tests.benchmarks jobs. Interleaved medians of processor time."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from ..timing import medians
from . import peers
from .cases import BATCHES, ONE, Case
from .hips import Hips
from .peers import Step

__all__ = ["run"]

SECONDS = 1.0  # for a row of a table, at least


def run() -> None:
    """Print the tables."""
    if not all(os.environ.get(name) == "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")):
        print("set OMP_NUM_THREADS=1 and OPENBLAS_NUM_THREADS=1, so that all use one thread", file=sys.stderr)
    try:
        hips = Hips()
    except (subprocess.CalledProcessError, OSError) as error:
        print(f"HIPS's autograd is absent: {error}", file=sys.stderr)
        recorded({}, time.process_time)
    else:
        try:
            recorded({"HIPS": lambda case: partial(hips.run, case.name)}, lambda: time.process_time() + hips.spent)
        finally:
            hips.close()
    programs("one call", ONE)
    programs("a batch", BATCHES)


def recorded(more: dict[str, Callable[[Case], Step]], clock: Callable[[], float]) -> None:
    """Print what a gradient costs that is recorded anew: in times of the objective in Python, the peers' of ours."""
    others = {**peers.RECORDED, **more}
    head("recorded anew", "gates", "gradient / objective in Python", *(f"{name} / ours" for name in others))
    for case in ONE:
        ours = peers.here(case)
        jobs = {"objective": peers.primal(case), "ours": ours, **present(case, others, ours())}
        times = medians(jobs, SECONDS, clock=clock)
        line(case.name, f"{peers.operations(case):,}", ratio(times["ours"], times["objective"]), *(
            ratio(times[name], times["ours"]) if name in times else "no" for name in others
        ))  # fmt: skip


def programs(title: str, cases: Sequence[Case]) -> None:
    """Print what programs cost: microseconds, times of the same program without gradient, and the peers' in times of ours."""
    head(title, "compiled in s", "µs", "gradient / objective, compiled", *(f"{name} / ours" for name in peers.COMPILED))
    for case in cases:
        start = time.process_time()
        program, ours = peers.program(case)
        expected, made = ours(), time.process_time() - start
        jobs = {"ours": ours, **present(case, peers.COMPILED, expected)}
        if case.weights:
            jobs["objective"] = partial(program, *[peers.rows_of(case)] * bool(case.samples))
            jobs["objective"]()
        times = medians(jobs, SECONDS, clock=time.process_time)
        line(case.name, f"{made:.2f}", f"{times['ours'] * 1e6:,.0f}",
             ratio(times["ours"], times["objective"]) if case.weights else "",
             *(ratio(times[name], times["ours"]) if name in times else "no" for name in peers.COMPILED))  # fmt: skip


def present(case: Case, others: dict[str, Callable[[Case], Any]], expected: Any) -> dict[str, Step]:
    """Return the steps of the peers that are installed and can do a job; they give what ours gives, or this raises."""
    found: dict[str, Step] = {}
    for name, peer in others.items():
        try:
            step = peer(case)
        except ImportError:
            continue
        if step is not None:
            value, gradient = map(np.asarray, step())
            size = np.abs(expected[1]).max()
            if not (
                np.allclose(value, expected[0], rtol=1e-8) and np.allclose(gradient, expected[1], 1e-6, 1e-9 * size)
            ):
                raise AssertionError(f"{name} gives another value or gradient of {case.name}")
            found[name] = step
    return found


def ratio(a: float, b: float) -> str:
    return f"{a / b:.2g}" if a < 9.95 * b else f"{a / b:,.0f}"


def head(*cells: str) -> None:
    print()
    line(*cells)
    print("|---" * len(cells) + "|")


def line(*cells: str) -> None:
    print(f"| {' | '.join(cells)} |", flush=True)
