"""Beats as processes: they share a schedule, and may be killed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from redis import Redis

from tests.acceptance.processes import Worker
from tests.servers.deployment import Deployment
from tests.servers.valkey import DIE_WITH_PARENT
from tests.waiting import until

LOCK = "redbeat::lock"
ACQUIRED = "beat: Acquired lock"
SENT = "Scheduler: Sending due task"


@dataclass(slots=True)
class Beats:
    """Beats of a deployment, each with a log of its own. ``settings`` are Celery's, and win over the configured ones."""

    deployment: Deployment
    settings: dict[str, object]
    running: dict[str, Worker] = field(default_factory=dict)

    def start(self, *names: str) -> None:
        """Start them, and do not wait."""
        assignments = [f"{key}=(json){json.dumps(value)}" for key, value in self.settings.items()]
        for name in names:
            command = [sys.executable, "-m", "celery", "-A", "worker.app", "beat", "-l", "INFO", "--pidfile="]
            with self._log_file(name).open("ab") as log:
                process = subprocess.Popen(
                    [sys.executable, "-c", DIE_WITH_PARENT, *command, "--", *assignments],
                    cwd=self.deployment.folder,
                    env=self.deployment.environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
            self.running[name] = Worker(process)

    @property
    def holder(self) -> str:
        """The beat that has the lock, as soon as there is one."""
        return until(lambda: next((name for name in self.running if ACQUIRED in self.log(name)), ""), seconds=60)

    def log(self, name: str) -> str:
        """What a beat has said."""
        return self._log_file(name).read_text()

    def sent(self, entry: str) -> int:
        """How often the running beats have sent this entry."""
        return sum(self.log(name).count(f"{SENT} {entry} ") for name in self.running)

    def kill(self, name: str) -> None:
        """As a machine that loses its power: the lock stays until it expires."""
        self.running[name].kill()

    def _log_file(self, name: str) -> Path:
        return self.deployment.folder / f"{name}.log"


@contextmanager
def beats_of(deployment: Deployment, **settings: object) -> Iterator[Beats]:
    """The beats of a deployment, and at the end neither they nor their schedule."""
    beats = Beats(deployment, settings)
    try:
        yield beats
    finally:
        for beat in beats.running.values():
            beat.kill()
        for name in beats.running:
            (deployment.folder / f"{name}.log").unlink()
        with Redis.from_url(deployment.broker) as redis:
            for key in redis.scan_iter("redbeat:*"):
                redis.delete(key)
