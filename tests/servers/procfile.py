"""The Procfile, really run by honcho: each host in a session of its own, with a log of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.acceptance.processes import processes_with
from tests.servers.deployment import SCRIPTS
from tests.servers.valkey import DIE_WITH_PARENT

PROCFILE = Path(__file__).parents[2] / "Procfile"


@dataclass(slots=True)
class Host:
    """A machine on which honcho runs. ``mark`` is in the environment of all that it started."""

    name: str
    mark: str
    log_file: Path
    process: subprocess.Popen[bytes]

    @property
    def log(self) -> str:
        return self.log_file.read_text()

    @property
    def alive(self) -> list[int]:
        """The processes that run there, honcho's own included."""
        return processes_with(self.mark)

    def kill(self, process: str) -> None:
        """Kill one process as a machine without memory does, with its shell and children; honcho calls it ``beat.1``."""
        for pid in set(self.alive) & set(processes_with(f"HONCHO_PROCESS_NAME={process}")):
            _kill(pid)

    def stop(self) -> None:
        """Tell honcho to stop all."""
        self.process.send_signal(signal.SIGTERM)

    def power_off(self) -> None:
        """Whatever still runs is gone."""
        for pid in self.alive:
            _kill(pid)
        self.process.wait()


@dataclass(slots=True)
class Hosts:
    """Hosts that know the same servers."""

    folder: Path
    environment: Mapping[str, str]
    running: list[Host] = field(default_factory=list)

    def start(self, name: str, *arguments: str) -> Host:
        """Start honcho there, and do not wait. ``arguments`` are its: which processes, and how many of each."""
        mark, log_file = f"HOST={self.folder.name}-{name}", self.folder / f"{name}.log"
        variables = {**self.environment, "PATH": f"{SCRIPTS}:{os.defpath}", **dict([mark.split("=")])}
        command = [sys.executable, "-m", "honcho", "--procfile", str(PROCFILE), "start", *arguments]
        with log_file.open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-c", DIE_WITH_PARENT, *command],
                cwd=self.folder,
                env=variables,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.running.append(Host(name, mark, log_file, process))
        return self.running[-1]


@contextmanager
def hosts(folder: Path, environment: Mapping[str, str]) -> Iterator[Hosts]:
    """Hosts without any process yet; at the end nothing of them runs."""
    opened = Hosts(folder, environment)
    try:
        yield opened
    finally:
        for host in opened.running:
            host.power_off()


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
