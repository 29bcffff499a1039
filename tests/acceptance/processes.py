"""Workers as processes, and what /proc says about those that are not ours to ask."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.waiting import until

PROC = Path("/proc")

needs_proc = pytest.mark.skipif(
    sys.platform != "linux", reason="looks at processes through /proc, which only Linux has"
)


@dataclass(frozen=True, slots=True)
class Worker:
    """A running worker: a process group of its own, its leader the parent of its children."""

    process: subprocess.Popen[bytes]

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def children(self) -> list[int]:
        return children_of(self.pid)

    def child_with_a_file_in(self, folder: Path) -> int:
        """Its only child that has a file open there, as soon as there is but one."""

        def only() -> list[int]:
            found = [child for child in self.children if has_open(child, folder)]
            return found if len(found) == 1 else []

        return until(only, seconds=60)[0]

    def kill(self) -> None:
        """The whole of it at once, as a machine that loses its power."""
        with suppress(ProcessLookupError):  # it was killed already
            os.killpg(self.pid, signal.SIGKILL)
        self.process.wait()


def children_of(pid: int) -> list[int]:
    """The processes that it started and that have not ended."""
    return [int(child) for child in _read(pid, f"task/{pid}/children").split()]


def processes_with(variable: str) -> list[int]:
    """All processes that run with this ``NAME=value`` in their environment."""
    pids = (int(each.name) for each in PROC.iterdir() if each.name.isdecimal())
    return [pid for pid in pids if variable in _read(pid, "environ").split("\0")]


def has_open(pid: int, folder: Path) -> bool:
    """Whether it has a file below this folder open."""
    try:
        opened = [fd.readlink() for fd in (PROC / str(pid) / "fd").iterdir()]
    except OSError:  # it has ended, or closed what was just listed
        return False
    return any(each.is_relative_to(folder) for each in opened)


def mapped_libraries(pid: int) -> str:
    """The shared libraries that it has loaded, a line each."""
    return "\n".join(line.partition("/")[2] for line in _read(pid, "maps").splitlines())


def threads_of(pid: int) -> list[str]:
    """The names of its threads."""
    tasks = (PROC / str(pid) / "task").iterdir()
    return [(task / "comm").read_text().strip() for task in tasks]


def peak_memory(pid: int) -> int:
    """The most memory that was ever resident, in bytes."""
    [line] = [line for line in _read(pid, "status").splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1]) * 1024


def _read(pid: int, name: str) -> str:
    try:
        return (PROC / str(pid) / name).read_text(errors="replace")
    except OSError:  # it has ended, or is not ours
        return ""
