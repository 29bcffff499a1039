"""One machine, no servers: a broker that runs while any command needs it.

A supervisor of ours owns a Valkey server, the workers and the watchdog's clock (`worker.supervisor`). Every command that needs them holds a shared lock on ``embedded.lock`` while it runs. The supervisor tries to take that lock
for itself; it gets it when the last command has ended, however that ended, because the kernel drops a dead process's locks.
Then it stops everything. A command that comes meanwhile waits for the lock, and then starts a supervisor of its own.
"""

from __future__ import annotations

import fcntl
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from worker.domain.errors import FatalError

LOCK, STARTING, ADDRESS, LOG = "embedded.lock", "embedded.start", "embedded.json", "embedded.log"
START_SECONDS = 60.0
TICK_SECONDS = 0.1


@contextmanager
def embedded_broker(home: Path) -> Iterator[str]:
    """The URL of the embedded broker, kept running while the block runs. FatalError if it does not start."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        with (home / STARTING).open("w") as starting:
            fcntl.flock(starting, fcntl.LOCK_EX)
            url = running_broker(home) or _start(home)
        yield url


def running_broker(home: Path) -> str | None:
    """The embedded broker's URL, if one is running: its supervisor holds its address locked."""
    try:
        with (home / ADDRESS).open() as address:
            if _is_free(address):
                return None
            return str(json.load(address)["broker"])
    except (FileNotFoundError, ValueError):
        return None


def _is_free(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    fcntl.flock(file, fcntl.LOCK_UN)
    return True


def _start(home: Path) -> str:
    with (home / LOG).open("ab") as log:
        supervisor = subprocess.Popen(
            [sys.executable, "-m", "worker.supervisor"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # a Ctrl-C in the terminal is the command's, not the supervisor's
        )
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and supervisor.poll() is None:
        if url := running_broker(home):
            return url
        time.sleep(TICK_SECONDS)  # noqa: TID251 (another process' start cannot be waited for otherwise)
    supervisor.kill()
    raise FatalError(
        "the embedded broker did not start", "embedded", f"see {home / LOG}, or set OFFGRIDFLOW_BROKER_URL"
    )
