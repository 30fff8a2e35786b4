"""Times of several jobs in one run."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from statistics import median
from typing import Any

__all__ = ["medians"]

TURN = 0.005  # seconds for which a job is repeated in its turn, as training repeats steps
LONG = 6.0  # seconds after which a job has run often enough


def medians(
    jobs: Mapping[str, Callable[[], Any]],
    seconds: float = 3.0,
    rounds: int = 7,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, float]:
    """Run all jobs in turn, for some seconds and so many rounds at least, and return the median time of each by a clock."""
    times: dict[str, list[float]] = {name: [] for name in jobs}
    spent = dict.fromkeys(jobs, 0.0)
    started, turn = time.perf_counter(), 0
    while turn < rounds or time.perf_counter() - started < seconds:
        turn += 1
        for name, job in jobs.items():
            if spent[name] > LONG and len(times[name]) > 2:
                continue
            if not times[name] or times[name][-1] < TURN:
                job()  # the others have taken the cache
            start, steps, passed = clock(), 0, 0.0
            while passed < TURN:
                job()
                steps += 1
                passed = clock() - start
            times[name].append(passed / steps)
            spent[name] += passed
    return {name: median(found) for name, found in times.items()}
