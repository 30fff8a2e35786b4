"""Runs the benchmarks: python -m tests.benchmarks."""

from . import engine

if __name__ == "__main__":
    engine.run()
