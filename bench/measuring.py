"""What a command took, with all the processes that it started: also those that outlive it."""

from __future__ import annotations

import ctypes
import os
import resource
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from time import monotonic

PR_SET_CHILD_SUBREAPER = 36
LEAST_PAUSE = 0.05
PAUSE = 40
"""How many times as long as a look at the memory took it is waited for the next, and for how many seconds at least.

The kernel goes through all pages of a process to tell its memory, and holds it up meanwhile; two workers have no core to spare.
"""


@dataclass(frozen=True, slots=True)
class Taken:
    """``wall`` seconds until the command ended; ``cpu`` seconds of all its processes; the most ``memory`` they held at a time, in bytes."""

    wall: float
    cpu: float
    memory: int
    said: str


def measured(
    command: Sequence[str | Path], environment: Mapping[str, str] | None = None, python: str | Path = sys.executable
) -> Taken:
    """Run the command of that ``python`` to its end. CalledProcessError when it fails."""
    # Whoever loses his parent becomes our child, and so his time is counted too.
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    before, started = _spent(), monotonic()
    with _watched() as peak:
        ended = subprocess.run(
            [python, *command],
            env={**os.environ, **(environment or {})},  # noqa: TID251 (handed on, not read)
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        wall = monotonic() - started
        with suppress(ChildProcessError):
            while True:
                os.wait()
    cpu = _spent() - before
    sys.stderr.write(f"{wall:6.1f} s, CPU {cpu:6.1f} s: {' '.join(map(str, command))[:120]}\n")
    return Taken(wall, cpu, peak[0], ended.stdout)


def _spent() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


@contextmanager
def _watched() -> Iterator[list[int]]:
    """The highest sum of all descendants' memory; what forked processes share counts once, shared out among them (PSS)."""
    peak, ended = [0], Event()

    def watch() -> None:
        pause = LEAST_PAUSE
        while not ended.wait(pause):
            started = monotonic()
            peak[0] = max(peak[0], sum(map(_memory, _descendants(os.getpid()))))
            pause = max(LEAST_PAUSE, PAUSE * (monotonic() - started))

    thread = Thread(target=watch)
    thread.start()
    try:
        yield peak
    finally:
        ended.set()
        thread.join()


def _descendants(pid: int) -> Iterator[int]:
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in map(int, (task / "children").read_text().split()):
                yield child
                yield from _descendants(child)


def _memory(pid: int) -> int:
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0
