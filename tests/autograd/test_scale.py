"""Guards the promise that nothing recurses, hangs or takes quadratic time: a chain of a million gates."""

from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys
import tracemalloc
from textwrap import dedent

import pytest

import autograd
from autograd import Value, draw, explain, to_dot, topological_order
from autograd._engine import core

MILLION = 1_000_000


def chain(n: int) -> tuple[Value, Value]:
    x = y = Value(1.0, "x")
    for _ in range(n):
        y = -y
    return x, y


@pytest.fixture(scope="module")
def million() -> tuple[Value, Value]:
    return chain(MILLION)


def test_a_million_gates_record_run_backward_and_replay(million: tuple[Value, Value]) -> None:
    x, y = million
    y.backward()
    assert (x.grad, y.data) == (1.0, 1.0)
    x.data = 2.0
    assert y.forward() == 2.0
    y.zero_grad()
    assert len(topological_order(y)) == MILLION + 1


def test_graphs_are_pickled_and_copied_at_any_depth() -> None:
    """In linear time; a million gates in the nightly run, where there is time for first touching so much memory."""
    _, y = chain(MILLION if os.environ.get("HYPOTHESIS_PROFILE") == "nightly" else MILLION // 5)
    y.backward()
    for other in (copy.deepcopy(y), pickle.loads(pickle.dumps(y))):
        order = topological_order(other)
        assert len(order) == len(topological_order(y))
        assert other.data == y.data
        other.backward()
        assert order[0].grad == 2.0


def test_a_million_gates_are_drawn_in_part_and_explained_in_part(million: tuple[Value, Value]) -> None:
    _, y = million
    with pytest.raises(ValueError, match=r"1,000,001 nodes.*limit=300"):
        draw(y)
    assert "the 20 nodes nearest to the root, of 1,000,001" in draw(y, limit=20).source
    assert len(repr(explain(y)).splitlines()) < 1000


def test_a_million_gates_are_freed_without_recursion() -> None:
    x, y = chain(MILLION)
    limit = sys.getrecursionlimit()
    del y
    assert x.data == 1.0
    assert sys.getrecursionlimit() == limit


@pytest.mark.skipif(
    core is None or not sys.platform.startswith("linux"), reason="of the compiled engine, read from /proc"
)
def test_memory_of_freed_nodes_goes_back_to_the_system() -> None:
    """A large graph leaves 16 MiB; large graphs one after the other keep more, which small ones let go of."""
    program = """
    from autograd import Value
    def held():
        with open("/proc/self/statm") as statm:
            return int(statm.read().split()[1]) * 4096 / 2**20
    def chain(n):
        y = Value(1.0)
        for _ in range(n):
            y = -y
        return y
    chain(1000)
    before = held()
    y = chain(1_000_000)
    assert held() - before > 80
    del y
    print(held() - before)
    for _ in range(3):
        chain(1_000_000)
    print(held() - before)
    for _ in range(1000):
        chain(5_000)
    print(held() - before)
    """
    env = {**os.environ, "GATEWISE_ENGINE": "native"}
    ran = subprocess.run([sys.executable, "-c", dedent(program)], env=env, capture_output=True, text=True, check=True)
    once, repeated, small = map(float, ran.stdout.split())
    assert once < 20
    assert 80 < repeated < 130
    assert small < 20


def test_wide_nodes() -> None:
    leaves = [Value(1.0) for _ in range(100_000)]
    y = autograd.sum(leaves) + autograd.max(leaves)
    y.backward()
    assert leaves[0].grad == 1 + 1e-5
    assert len(repr(explain(y))) < 100_000


def test_ten_thousand_nodes_as_dot_text() -> None:
    _, y = chain(6_000)
    assert to_dot(y).count("->") == 6_001


def test_memory_of_a_node() -> None:
    """At most 250 bytes, 120 compiled, before backward and after it."""
    if core is not None:
        core.trim()  # what it keeps of freed nodes was paid for before
    n = 100_000
    x = Value(0.5)
    tracemalloc.start()
    try:
        y = x
        for _ in range(n):
            y = autograd.GATES["mul"].apply([y, x])
        recorded, _ = tracemalloc.get_traced_memory()
        y.backward()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert 50 < recorded / n <= after / n < (250 if core is None else 120)
