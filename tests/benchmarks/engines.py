"""Other ways to record scalars in Python and run them backward: each as a function that times one graph.

Only micrograd comes with the development extra. Beside the plain Python engine of this project, the others are measured
where they are installed, and said to be absent where they are not: aadc and xad (C++ behind Python), torch (scalar
tensors), and limit.c, a C type that leaves everything out, where there is a C compiler.
"""

from __future__ import annotations

import gc
import importlib
import importlib.util
import shutil
import subprocess
import sysconfig
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from autograd._engine import core

from ..engines import load

Build = Callable[[int, list[Any]], Any]
Once = Callable[[Build, int], float]  # nanoseconds per node of graphs that are built, run backward, and dropped

LEAVES = [0.1 + 0.01 * i for i in range(16)]
IN_A_ROW = 10_000  # nodes at least: small graphs are made several times in a row, as training makes them


def _timed(graph: Callable[[Build, int], None]) -> Once:
    """Return the timing of a function that makes a graph; in processor time, since what else a machine does is not ours."""

    def once(build: Build, n: int) -> float:
        rounds = max(1, IN_A_ROW // n)
        gc.collect()
        start = time.process_time()
        for _ in range(rounds):
            graph(build, n)
        return (time.process_time() - start) / (rounds * n) * 1e9

    return once


def of_class(cls: Any, reset: Callable[[], object] = lambda: None) -> Once:
    """Return the timing of a class of nodes that records by itself."""

    def graph(build: Build, n: int) -> None:
        reset()
        build(n, [cls(x) for x in LEAVES]).backward()

    return _timed(graph)


def aadc() -> Once:
    """Return the timing of aadc: record a function, compile it, evaluate it and its gradient once."""
    module: Any = importlib.import_module("aadc")
    pool = module.ThreadPool(1)

    def graph(build: Build, n: int) -> None:
        functions = module.Functions()
        functions.start_recording()
        leaves = [module.idouble(x) for x in LEAVES]
        places = [leaf.mark_as_input() for leaf in leaves]
        result = build(n, leaves).mark_as_output()
        functions.stop_recording()
        at = {place: [x] for place, x in zip(places, LEAVES, strict=True)}
        module.evaluate(functions, {result: places}, at, pool)

    return _timed(graph)


def xad() -> Once:
    """Return the timing of xad: one tape a graph."""
    module: Any = importlib.import_module("xad.adj_1st")

    def graph(build: Build, n: int) -> None:
        with module.Tape() as tape:
            leaves = [module.Real(x) for x in LEAVES]
            for leaf in leaves:
                tape.registerInput(leaf)
            tape.newRecording()
            root = build(n, leaves)
            tape.registerOutput(root)
            root.derivative = 1.0
            tape.computeAdjoints()

    return _timed(graph)


def pure() -> Once:
    """Return the timing of this project's plain Python engine, where the compiled one is at work."""
    if core is None:
        raise ImportError("it is the one at work here")
    return of_class(load("pure").Value)


def torch() -> Once:
    """Return the timing of torch tensors without dimensions."""
    module: Any = importlib.import_module("torch")
    module.set_num_threads(1)
    return of_class(lambda x: module.tensor(x, dtype=module.float64, requires_grad=True))


def limit() -> Once:
    """Return the timing of limit.c, compiled now."""
    compiler = next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)
    if compiler is None:
        raise ImportError("there is no C compiler")
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / f"limit{sysconfig.get_config_var('EXT_SUFFIX')}"
        source = Path(__file__).with_name("limit.c")
        flags = ["-O3", "-shared", "-fPIC", f"-I{sysconfig.get_paths()['include']}"]
        subprocess.run([compiler, *flags, str(source), "-o", str(library)], check=True)
        spec = importlib.util.spec_from_file_location("limit", library)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return of_class(module.Value, module.reset)


def found() -> dict[str, Once]:
    """Return those that are here, and say which are not."""
    timings = {}
    for peer in (pure, aadc, xad, torch, limit):
        try:
            timings[peer.__name__] = peer()
        except (ImportError, subprocess.CalledProcessError) as error:
            print(f"{peer.__name__} is absent: {error}")
    return timings
