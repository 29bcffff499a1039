"""A real PostgreSQL server for the session, Debian's: a port of the loopback, a folder that goes with it."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import psycopg
import pytest

from tests.servers.valkey import free_port
from tests.waiting import until

USER = "offgridflow"
PASSWORD = "canary-of-the-catalog"

# PostgreSQL refuses to run as root, and what it may not see, such as our virtual environment, must be opened before it
# is somebody else. It goes when we go: the kernel tells it to (Linux).
AS_SOMEBODY = """
import ctypes, os, signal, sys
if os.getuid() == 0:
    os.setgroups([]); os.setgid(int(sys.argv[2])); os.setuid(int(sys.argv[1]))
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, signal.SIGQUIT)
os.execv(sys.argv[3], sys.argv[3:])
"""

_names = count(1)


@dataclass(frozen=True, slots=True)
class Postgres:
    """The running server. Its one role may do everything, with a password that no message may show."""

    port: int

    def new_catalog(self) -> str:
        """The URI of a catalog in a database of its own, empty."""
        name = f"catalog{next(_names)}"
        with psycopg.connect(self.address("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return self.uri(name)

    def uri(self, database: str, password: str = PASSWORD) -> str:
        """As `OFFGRIDFLOW_CATALOG_URI` has it."""
        return f"postgresql+psycopg://{USER}:{password}@127.0.0.1:{self.port}/{database}"

    def address(self, database: str) -> str:
        """As psycopg has it."""
        return f"host=127.0.0.1 port={self.port} user={USER} password={PASSWORD} dbname={database} connect_timeout=5"

    def drop_connections(self) -> None:
        """Close every connection but the one that asks for it, as a restart does."""
        with psycopg.connect(self.address("postgres"), autocommit=True) as connection:
            connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """The session's server. A machine without PostgreSQL skips what needs it, unless it is one that must not."""
    programs = _programs()
    if programs is None:
        if os.environ.get("CI") == "true":  # noqa: TID251  the machine says what it is
            pytest.fail("PostgreSQL is not installed: apt-get install postgresql")
        pytest.skip("PostgreSQL is not installed")
    # Not below pytest's own folder, which nobody else may enter.
    with tempfile.TemporaryDirectory(prefix="postgres-") as folder, _running(programs, Path(folder)) as server:
        yield server


@contextmanager
def _running(programs: Path, folder: Path) -> Iterator[Postgres]:
    if os.getuid() == 0:
        shutil.chown(folder, "nobody")
    (folder / "password").write_text(PASSWORD)
    made = ["-D", folder / "data", "-U", USER, "--pwfile", folder / "password", "-A", "scram-sha-256"]
    subprocess.run(
        _as_somebody(programs / "initdb", *made, "--no-sync", "--no-locale", "-E", "UTF8"),
        cwd=folder,
        check=True,
        capture_output=True,
    )
    server = Postgres(free_port())
    options = ["listen_addresses=127.0.0.1", f"port={server.port}", "unix_socket_directories=", "fsync=off"]
    settings = [argument for option in options for argument in ("-c", option)]
    with (folder / "postgres.log").open("wb") as log:
        process = subprocess.Popen(
            _as_somebody(programs / "postgres", "-D", folder / "data", *settings), cwd=folder, stdout=log, stderr=log
        )
    try:
        until(lambda: _answers(server, process))
        yield server
    finally:
        process.send_signal(signal.SIGQUIT)
        process.wait()


def _programs() -> Path | None:
    """The folder of its programs, which Debian keeps out of the path; of several versions the newest."""
    if found := shutil.which("initdb"):
        return Path(found).parent
    installed = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    return max((path.parent for path in installed), key=lambda path: int(path.parent.name), default=None)


def _as_somebody(*command: object) -> list[str]:
    nobody = pwd.getpwnam("nobody")
    return [sys.executable, "-c", AS_SOMEBODY, str(nobody.pw_uid), str(nobody.pw_gid), *map(str, command)]


def _answers(server: Postgres, process: subprocess.Popen[bytes]) -> bool:
    assert process.poll() is None, "the server did not start: its port may have been taken"
    try:
        psycopg.connect(server.address("postgres")).close()
    except psycopg.OperationalError:
        return False
    return True
