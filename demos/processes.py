"""One program in several processes, which JAX joins: started here, or each on a machine of its own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from argparse import ArgumentParser

import jax

__all__ = ["OPTIONS", "joined"]

OPTIONS = ArgumentParser()
OPTIONS.add_argument("--processes", type=int, default=1, help="how many processes; without --process, start them here")
OPTIONS.add_argument("--process", type=int, help="the number of this process, from 0")
OPTIONS.add_argument("--coordinator", help="ADDRESS:PORT of process 0")


def joined(demo: str, processes: int = 1, process: int | None = None, coordinator: str | None = None) -> bool:
    """Join this process with the others, in float64, and return True; without a number, start them all and return False."""
    if processes < 1 or (process or 0) not in range(processes) or (process is None) != (coordinator is None):
        raise ValueError("--processes must be at least 1, and --process from 0 to below it, beside --coordinator")
    if processes > 1 and process is None:
        _start(demo, processes)
        return False
    if processes > 1:
        jax.distributed.initialize(coordinator, num_processes=processes, process_id=process)
    jax.config.update("jax_enable_x64", True)
    return True


def _start(demo: str, processes: int) -> None:
    """Start processes of a demo on this machine; print what the first one prints."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    flags = os.environ.get("XLA_FLAGS", "--xla_force_host_platform_device_count=2")
    environment = {"JAX_PLATFORMS": "cpu", **os.environ, "XLA_FLAGS": flags}
    command = [sys.executable, "-m", "demos", demo, f"--processes={processes}", f"--coordinator={address}"]
    running = [
        subprocess.Popen([*command, f"--process={i}"], env=environment, stdout=None if i == 0 else subprocess.DEVNULL)
        for i in range(processes)
    ]
    try:
        while any(each.poll() is None for each in running) and not any(each.poll() for each in running):
            time.sleep(0.1)
    finally:  # the others would wait for one that failed
        for each in running:
            each.kill()
    if failed := [i for i, each in enumerate(running) if each.wait()]:
        raise SystemExit(f"process {failed[0]} of {processes} failed: its error is above")
