"""Runs the benchmarks: python -m tests.benchmarks; with `comparison`, prints the table of demos/beside_others.md, with `jobs`
those of autograd/engines.md."""

import sys
import threading

from . import comparison, compiling, drop_in, engine, gpt, irregular, training
from .jobs import tables

try:
    from micrograd import engine as peer_engine, nn as peer_nn
except ImportError:
    sys.exit('the peer is missing: pip install -e ".[dev]"')


def main() -> None:
    """Run all comparisons, in a thread with a stack that micrograd's recursion fits into."""
    sys.setrecursionlimit(10**6)  # micrograd recurses as deep as its graph
    engine.run(peer_engine.Value)
    training.run(peer_engine, peer_nn)
    compiling.run()
    drop_in.run()
    gpt.run()
    irregular.run()


if __name__ == "__main__":
    if sys.argv[1:] in (["comparison"], ["jobs"]):
        {"comparison": comparison.run, "jobs": tables.run}[sys.argv[1]]()
        sys.exit()
    threading.stack_size(1 << 29)
    thread = threading.Thread(target=main)
    thread.start()
    thread.join()
