"""A real deployment for the session: a broker, a control and a files worker, the watchdog's clock, S3 behind a turnstile."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from celery import Celery

from tests.acceptance.processes import Worker
from tests.acceptance.turnstile import Turnstile, turnstile
from tests.servers.seaweed import Keys, Seaweed
from tests.servers.valkey import DIE_WITH_PARENT, running_valkey
from tests.waiting import until
from worker import api, bootstrap
from worker.domain.report import RunReport
from worker.domain.source import Source
from worker.services.follow import Standing

READY = " ready."
SCRIPTS = Path(sysconfig.get_path("scripts"))
WRONG = Keys("OWNER0000000000000", "no-secret-of-the-owner")
"""A key that S3 knows, with another's secret; the profile ``wrong`` has it."""


@dataclass(slots=True)
class Deployment:
    """What runs, and the ways to use it. ``environment`` is all that its processes know."""

    folder: Path
    broker: str
    s3: Turnstile
    environment: dict[str, str]
    workers: dict[str, Worker] = field(default_factory=dict)

    @property
    def spool(self) -> Path:
        return self.folder / "spool"

    @property
    def warehouse(self) -> Path:
        return self.folder / "home" / "warehouse"

    @property
    def log_file(self) -> Path:
        return self.folder / "workers.log"

    @property
    def log(self) -> str:
        """What the workers said."""
        return self.log_file.read_text()

    def start_workers(self, *queues: str) -> None:
        """Start a worker of two children for each queue, in the place of one that was killed, and wait for them."""
        ready = self.log.count(READY) + len(queues)
        self.workers |= {queue: self._start(queue) for queue in queues}
        until(lambda: self.log.count(READY) == ready, seconds=60)

    def _start(self, queue: str) -> Worker:
        options = ["-Q", queue, "-n", f"{queue}@%h", "-c", "2", "-l", "INFO"]
        soon = ["--", ".soft_shutdown_timeout=1"]  # whoever tells a worker to stop need not wait for 20 s
        command = [sys.executable, "-m", "celery", "-A", "worker.app", "worker", *options, *soon]
        with self.log_file.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-c", DIE_WITH_PARENT, *command],
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        return Worker(process)

    def ask(self, *sources: Source) -> str:
        """Ask for runs, and return at once with what `follow` needs."""
        wanted = api.request(*sources)
        api.trigger(self.broker, wanted)
        return wanted.trigger_id

    def follow(self, asked: str) -> tuple[RunReport, ...]:
        """Wait for the end of the runs, for two minutes at the longest."""
        deadline = time.monotonic() + 120

        def in_time(_standing: Standing) -> None:
            assert time.monotonic() < deadline, f"the runs did not end; the workers said:\n{self.log[-4000:]}"

        return api.watch(self.broker, asked, in_time)

    def ingest(self, *sources: Source) -> tuple[RunReport, ...]:
        """What `worker.api.ingest` does."""
        return self.follow(self.ask(*sources))

    def cli(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """The command, as a user of this deployment types it."""
        return subprocess.run(
            [SCRIPTS / "offgridflow", *arguments],
            cwd=self.folder,
            env=self.environment | variables,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


@pytest.fixture(scope="session")
def shared_deployment(tmp_path_factory: pytest.TempPathFactory, seaweed: Seaweed) -> Iterator[Deployment]:
    """The session's; take `deployment`."""
    folder = tmp_path_factory.mktemp("deployment")
    with running_valkey(folder / "valkey") as broker, turnstile(seaweed.port) as s3:
        deployment = Deployment(folder, broker, s3, _environment(folder, broker, s3.url, seaweed))
        deployment.spool.mkdir()
        deployment.log_file.touch()
        try:
            deployment.start_workers("control", "files")
            with _watchdog(broker):
                yield deployment
        finally:
            for worker in deployment.workers.values():
                worker.kill()
    shutil.rmtree(folder)


@pytest.fixture
def deployment(shared_deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployment]:
    """The session's deployment, and this process set up to use it."""
    for name, value in shared_deployment.environment.items():
        if name.startswith(("OFFGRIDFLOW_", "POLARS_")):
            monkeypatch.setenv(name, value)
    _forget()
    yield shared_deployment
    bootstrap.close_world()
    _forget()


def _forget() -> None:
    """Whatever a function of ours keeps, of its settings too, it forgets."""
    ours = [module for name, module in sys.modules.items() if name.startswith("worker.")]
    for function in (each for module in ours for each in vars(module).values() if hasattr(each, "cache_clear")):
        function.cache_clear()


def _environment(folder: Path, broker: str, s3: str, seaweed: Seaweed) -> dict[str, str]:
    """A machine on which nothing else is configured. The limiter is wide open: it has tests of its own."""
    profiles = {"default": seaweed.owner, "wrong": WRONG}
    (folder / "credentials").write_text("".join(_profile(name, keys) for name, keys in profiles.items()))
    return {
        "HOME": str(folder),
        "PATH": os.defpath,
        "AWS_SHARED_CREDENTIALS_FILE": str(folder / "credentials"),
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "POLARS_MAX_THREADS": "1",
        "REMAP_SIGTERM": "SIGQUIT",
        "OFFGRIDFLOW_BROKER_URL": broker,
        "OFFGRIDFLOW_CONFIG": str(folder / "offgridflow.toml"),
        "OFFGRIDFLOW_HOME": str(folder / "home"),
        "OFFGRIDFLOW_SPOOL_DIR": str(folder / "spool"),
        "OFFGRIDFLOW_S3_ENDPOINT_URL": s3,
        "OFFGRIDFLOW_RATE_LIMIT_CAPACITY": "1000",
        "OFFGRIDFLOW_RATE_LIMIT_PER_SEC": "1000",
        "OFFGRIDFLOW_STALE_SECONDS": "10",
    }


def _profile(name: str, keys: Keys) -> str:
    return f"[{name}]\naws_access_key_id = {keys.access_key}\naws_secret_access_key = {keys.secret_key}\n"


@contextmanager
def _watchdog(broker: str) -> Iterator[None]:
    """Asks for a look of the watchdog every second, so that nobody waits five of them."""
    sender, over = Celery(broker=broker, set_as_current=False), threading.Event()

    def ask() -> None:
        while not over.wait(1):
            sender.send_task("offgridflow.repair_runs", queue="control", expires=1, ignore_result=True)

    asking = threading.Thread(target=ask, name="watchdog")
    asking.start()
    try:
        yield
    finally:
        over.set()
        asking.join()
        sender.close()
