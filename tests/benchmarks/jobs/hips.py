"""HIPS's autograd on the recorded jobs, in a process of its own: it is imported as `autograd`, as this project is.

`Hips` makes an environment in a temporary folder and starts this file with its Python; which then reads the names of jobs from
its input, runs each, and answers with the value and the gradient.
"""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
import tempfile
import time
import venv
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]


class Hips:
    """The process and its environment; making them raises a CalledProcessError where the package cannot be installed."""

    def __init__(self) -> None:
        self.spent = 0.0
        self.folder = tempfile.TemporaryDirectory()
        venv.create(self.folder.name, with_pip=True)
        python = str(Path(self.folder.name) / "bin" / "python")
        install = [python, "-m", "pip", "install", "--quiet", "autograd", "scipy"]
        subprocess.run(install, check=True, capture_output=True)
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "encoding": "utf-8"}
        self.process = subprocess.Popen([python, __file__], cwd=self.folder.name, **pipes)

    def run(self, job: str) -> Any:
        """Return value and gradient of a job, which is run over there; `spent` counts the processor time there."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(job, file=self.process.stdin, flush=True)
        seconds, value, gradient = json.loads(self.process.stdout.readline())
        self.spent += seconds
        return value, gradient

    def close(self) -> None:
        self.process.communicate()
        self.folder.cleanup()


def serve() -> None:
    sys.path.append(str(ROOT))  # behind the environment's packages
    here: Any = importlib.import_module("autograd")
    xp: Any = importlib.import_module("autograd.numpy")
    constant = importlib.import_module("autograd.extend").notrace_primitive(lambda x: x)
    cases: Any = importlib.import_module("tests.benchmarks.jobs.cases")
    functions_of: Any = importlib.import_module("tests.benchmarks.jobs.functions").functions_of
    xp.erf = importlib.import_module("autograd.scipy.special").erf
    functions, steps = functions_of(xp, xp.maximum, constant), {}
    for case in cases.ONE:
        module = cases.load(case.module, functions)
        steps[case.name] = (
            here.value_and_grad(partial(lambda case, module, w: case.objective(module, [*w], []), case, module)),
            case.weights,
        )
    for line in sys.stdin:
        step, weights = steps[line.rstrip("\n")]
        start = time.process_time()
        value, gradient = step(xp.array(weights))
        print(json.dumps([time.process_time() - start, float(value), gradient.tolist()]), flush=True)


if __name__ == "__main__":
    serve()
