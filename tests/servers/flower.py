"""Flower, as the Procfile starts it, but on a port of its own."""

from __future__ import annotations

import base64
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.servers.valkey import DIE_WITH_PARENT, free_port
from tests.waiting import until

COMMAND = ("-m", "celery", "-A", "worker.app", "flower", "--read_only")


@dataclass(frozen=True, slots=True)
class Flower:
    """Where it is, and who asks it (``user:password``)."""

    url: str
    user: str

    def page(self, path: str) -> str:
        """What a browser would get that signed in; nothing while nobody answers. HTTPError when it is refused."""
        credentials = base64.b64encode(self.user.encode()).decode()
        asked = urllib.request.Request(self.url + path, headers={"Authorization": f"Basic {credentials}"})
        try:
            with urllib.request.urlopen(asked, timeout=10) as answer:
                body: bytes = answer.read()
                return body.decode()
        except urllib.error.HTTPError:
            raise
        except OSError:
            return ""

    def status(self, path: str) -> int:
        """The answer to whoever does not sign in."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=10) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as refused:
            return refused.code


@contextmanager
def flower(environment: Mapping[str, str], folder: Path, log: Path, user: str) -> Iterator[Flower]:
    """Flower in this environment, for this user alone; gone at the end."""
    port = free_port()
    ours = {"FLOWER_ADDRESS": "127.0.0.1", "FLOWER_PORT": str(port), "FLOWER_BASIC_AUTH": user}
    with log.open("ab") as said:
        process = subprocess.Popen(
            [sys.executable, "-c", DIE_WITH_PARENT, sys.executable, *COMMAND],
            cwd=folder,
            env={**environment, **ours},
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
        )
    running = Flower(f"http://127.0.0.1:{port}", user)
    try:
        until(lambda: running.page("/healthcheck"), seconds=60)
        yield running
    finally:
        process.kill()
        process.wait()
