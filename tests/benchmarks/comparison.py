"""The table in demos/beside_others.md: what micrograd, MyGrad, PyTorch, CasADi and this project do, each cell tried here and now.

python -m tests.benchmarks comparison prints it. The upper rows are facts, which a test compares with the README where a
peer is installed; the lower ones are measured, peers in turn in one run: medians, as ratios to this project.
"""

from __future__ import annotations

import gc
import importlib.util
import re
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from .peers import PEERS, Peer
from .peers.peer import Step

Peers = Mapping[str, Peer]
Row = dict[str, str]
Net = tuple[tuple[int, ...], int]  # the sizes of the layers, and that of the batch

HERE = "gatewise"
FACTS = {
    "inputs that the record of `x + x` keeps": "edges",
    "longest chain that `backward` gets through, up to 100,000 gates": "depth",
    "`backward()` twice where once gives −4": "twice",
    "x³ run backward after x went from 2 to 5 (12 before, 75 after)": "stale",
    "log 0": "log",
    "gradient of an inner node, here −4, after `backward()`": "inner",
    "second derivative of x³ at 2": "second",
    "a picture of the graph shows": "drawing",
    "the graph explained in words": "words",
    "gradient program of a 2-16-1 net written in scalars": "program",
    "nodes of a product of 10 × 10 matrices": "nodes",
    "kinds of layers": "layers",
    "numbers on another device": "device",
}
EXPRESSION, COPIES = 300, 300  # gates, and how many such expressions are held for the memory of a gate
SMALL: Net = (64, 32, 1), 32
LARGE: Net = (784, 128, 1), 256
LONG = 10.0  # seconds after which a job has run often enough


def installed() -> list[str]:
    """Return the names of the peers that are installed, and of this project."""
    return [name for name, peer in PEERS.items() if all(map(importlib.util.find_spec, (peer.package, *peer.beside)))]


def tried(name: str) -> list[str]:
    """Return the rows of the upper part that can be tried here: what this project does by PyTorch needs that."""
    return [title for title, row in FACTS.items() if row != "device" or name != HERE or "PyTorch" in installed()]


def fact(peer: Peer, title: str) -> str:
    """Return a cell of the upper part."""
    return re.sub(r"(?<![\w.])-(?=\d|inf)", "−", getattr(peer, FACTS[title])())


def seconds(job: Callable[[], object]) -> float:
    start = time.perf_counter()
    job()
    return time.perf_counter() - start


def ratios(jobs: Mapping[str, Step | None], repeats: int = 60) -> Row:
    """Run all jobs in turn, some times, and return how many times as long each takes as that of this project."""
    present = {name: job for name, job in jobs.items() if job is not None}
    times: dict[str, list[float]] = {name: [] for name in present}
    for job in present.values():
        job()  # the first time is not the usual one
    for _ in range(repeats):
        gc.collect()
        for name, job in present.items():
            if sum(times[name]) < LONG:
                times[name].append(seconds(job))
    return {name: _ratio(times[name], times[HERE]) if name in times else "not run" for name in jobs}


def _ratio(theirs: Sequence[float], ours: Sequence[float]) -> str:
    return f"{_two_digits(median(theirs) / median(ours))} ×"


def _two_digits(x: float) -> str:
    return f"{x:.2g}" if x < 10 else f"{float(f'{x:.2g}'):,.0f}"


def new_expression(peers: Peers) -> Row:
    return ratios({name: partial(p.expression, EXPRESSION) for name, p in peers.items()})


def other_numbers(peers: Peers) -> Row:
    return ratios({name: p.again(EXPRESSION) for name, p in peers.items()})


def memory(peers: Peers) -> Row:
    """Compare by how much a process of its own grows while it holds the graphs of many expressions."""
    held = {name: [float(_python("-m", "tests.benchmarks.comparison", name))] for name in peers}
    return {name: _ratio(held[name], held[HERE]) for name in peers}


def hold(peer: Peer) -> float:
    """Return the bytes of a recorded gate, and of what hangs on it."""
    peer.record(EXPRESSION)  # whatever is loaded once
    before = _resident()
    held = [peer.record(EXPRESSION) for _ in range(COPIES)]
    gc.collect()
    return (_resident() - before) / (EXPRESSION * len(held))


def _resident() -> int:
    """Return the bytes that this process has in memory, as Linux says it."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * resource.getpagesize()


def _batch(net: Net) -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    sizes, batch = net
    return rng.normal(size=(batch, sizes[0])), np.sign(rng.normal(size=batch))


def step(peers: Peers, net: Net) -> Row:
    """Compare the steps of all that have one; they compute the same cost."""
    made = {name: p.network(net[0], *_batch(net)) for name, p in peers.items()}
    costs = [job() for job in made.values() if job is not None]
    assert np.allclose(costs, costs[0], rtol=1e-5), costs
    return ratios(made)


def first_gradient(peers: Peers) -> Row:
    def begin(p: Peer) -> object:
        job = p.network(LARGE[0], *_batch(LARGE))
        return job and job()

    names = [name for name, p in peers.items() if p.network(LARGE[0], *_batch(LARGE))]
    times = {name: [seconds(partial(begin, peers[name]))] for name in names}
    return {name: _ratio(times[name], times[HERE]) if name in times else "not run" for name in peers}


def importing(peers: Peers) -> Row:
    def one(p: Peer) -> float:
        return seconds(lambda: _python("-c", f"import {', '.join(p.modules)}"))

    times = {name: [one(p) for _ in range(9)] for name, p in peers.items()}
    return {name: _ratio(times[name], times[HERE]) for name in peers}


def lines(peers: Peers) -> Row:
    """Count the lines of a package's Python, to two digits, and say whether there is compiled code beside it."""
    row = {}
    for name, p in peers.items():
        folders = {Path(str(import_module(module).__file__)).parent for module in p.modules}
        count = sum(len(path.read_bytes().splitlines()) for folder in folders for path in folder.rglob("*.py"))
        compiled = any(path for folder in folders for path in folder.rglob("*.so"))
        row[name] = f"{_two_digits(count)}{' and compiled code' * compiled}"
    return row


MEASURES: dict[str, Callable[[Peers], Row]] = {
    f"time for a new expression of {EXPRESSION} gates, forward and backward": new_expression,
    "time for the same expression at other numbers": other_numbers,
    "memory of a recorded gate": memory,
    "time for loss and gradient of a 64-32-1 net, batch 32": partial(step, net=SMALL),
    "time for loss and gradient of a 784-128-1 net, batch 256": partial(step, net=LARGE),
    "time until the first gradient of that net": first_gradient,
    "time to import it": importing,
    "lines of Python to read": lines,
}


def _python(*arguments: str) -> str:
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=True).stdout


def table(names: Sequence[str]) -> str:
    """Return the table as Markdown, of the peers of these names."""
    peers = {name: PEERS[name]() for name in names}
    rows = {
        title: {name: fact(peer, title) if title in tried(name) else "not tried" for name, peer in peers.items()}
        for title in FACTS
    }
    rows |= {title: measure(peers) for title, measure in MEASURES.items()}
    head = [f"| | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]
    return "\n".join([*head, *(f"| {title} | {' | '.join(row.values())} |" for title, row in rows.items())])


def run() -> None:
    """Print the table of all peers."""
    missing = [name for name in PEERS if name not in installed()]
    if missing:
        print(f'left out: {", ".join(missing)}; pip install -e ".[dev,peers]" brings all', file=sys.stderr)
    print(table(installed()))


if __name__ == "__main__":
    print(hold(PEERS[sys.argv[1]]()))
