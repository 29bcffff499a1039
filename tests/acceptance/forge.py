"""Replacements of a month that are killed on their way: what gives the orders to `replacing`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random

from tests.servers.deployment import used
from tests.waiting import until
from worker.domain.source import Source

HOUSE = Path(__file__).parents[2]
LONGEST_DELAY_SECONDS = {"planning": 0.1, "ingesting": 0.15, "publishing": 0.25}
"""A little more than the step takes: some attempts get through, so that A and B follow each other."""


@dataclass(frozen=True, slots=True)
class Forge:
    """The running program `replacing`."""

    process: subprocess.Popen[str]

    def killed(self, source: Source, chance: Random) -> bool:
        """Begin a replacement, and kill it within a step; False if it was through already."""
        step = chance.choice(["planning", "ingesting", "publishing", "publishing"])
        child = int(self._ask(f"go {json.dumps(asdict(source))}"))
        until(lambda: self._heard() == step)
        threading.Event().wait(chance.uniform(0, LONGEST_DELAY_SECONDS[step]))
        os.kill(child, signal.SIGKILL)
        code = self._reaped()
        assert code in {0, -signal.SIGKILL}
        return code != 0

    def complete(self, source: Source) -> None:
        """A replacement that nobody kills."""
        self._ask(f"go {json.dumps(asdict(source))}")
        assert self._reaped() == 0

    def _reaped(self) -> int:
        self._say("reap")
        return int(until(lambda: self._heard().partition("reaped ")[2]))

    def _ask(self, order: str) -> str:
        self._say(order)
        return self._heard()

    def _say(self, order: str) -> None:
        assert self.process.stdin
        print(order, file=self.process.stdin, flush=True)

    def _heard(self) -> str:
        assert self.process.stdout
        line = self.process.stdout.readline()
        assert line, "the program has ended"
        return line.strip()


@contextmanager
def forging(folder: Path, broker: str) -> Iterator[Forge]:
    """The program on a broker, its home in ``folder``; this process reads what is published there."""
    environment = {
        "PATH": os.defpath,
        "POLARS_MAX_THREADS": "1",
        "OFFGRIDFLOW_BROKER_URL": broker,
        "OFFGRIDFLOW_HOME": str(folder / "home"),
        "OFFGRIDFLOW_SPOOL_DIR": str(folder),
    }
    command, pipe = [sys.executable, "-m", "tests.acceptance.replacing"], subprocess.PIPE
    with used(environment), (folder / "log").open("w") as log:
        process = subprocess.Popen(command, cwd=HOUSE, env=environment, stdin=pipe, stdout=pipe, stderr=log, text=True)
        try:
            yield Forge(process)
        finally:
            process.kill()
            process.communicate()
