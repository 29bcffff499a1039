"""Real deployments: a broker that can be killed, workers that can be killed, the watchdog's clock, S3 behind a turnstile.

One serves the session; who needs another kind of deployment takes `deployed`.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.acceptance.processes import Worker
from tests.acceptance.turnstile import Turnstile, turnstile
from tests.servers.environments import environment_in
from tests.servers.seaweed import Seaweed
from tests.servers.valkey import DIE_WITH_PARENT, DURABLE, Valkey, valkey_in
from tests.servers.watchdog import watchdog
from tests.waiting import until
from worker import api, bootstrap
from worker.domain.report import RunReport
from worker.domain.source import Source
from worker.services.follow import Standing

READY = " ready."
SCRIPTS = Path(sysconfig.get_path("scripts"))


@dataclass(slots=True)
class Deployment:
    """What runs, and the ways to use it. ``environment`` is all that its processes know.

    A worker is called by the queue that it serves, and a second one of the queue with anything after a hyphen.
    """

    folder: Path
    valkey: Valkey
    s3: Turnstile
    environment: dict[str, str]
    workers: dict[str, Worker] = field(default_factory=dict)

    @property
    def broker(self) -> str:
        return self.valkey.url

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

    def start_workers(self, *names: str, **settings: object) -> None:
        """Start workers of two children, in the place of those that were killed, and wait for them.

        ``settings`` are Celery's, and win over the configured ones.
        """
        ready = self.log.count(READY) + len(names)
        for name in names:
            self.launch(name, **settings)
        until(lambda: self.log.count(READY) >= ready, seconds=60)

    def launch(self, name: str, **settings: object) -> None:
        """Start one, and do not wait."""
        options = ["-Q", name.partition("-")[0], "-n", f"{name}@%h", "-c", "2", "-l", "INFO"]
        soon = {"worker_soft_shutdown_timeout": 1}  # whoever tells a worker to stop need not wait for 20 s
        assignments = [f"{key}=(json){json.dumps(value)}" for key, value in (soon | settings).items()]
        command = [sys.executable, "-m", "celery", "-A", "worker.app", "worker", *options, "--", *assignments]
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
        self.workers[name] = Worker(process)

    def restart_ended(self) -> list[str]:
        """Start the workers again that have ended, as a container's restart policy does; returns which."""
        ended = [name for name, worker in self.workers.items() if worker.process.poll() is not None]
        for name in ended:
            self.workers[name].kill()  # its children, if it left any
            self.launch(name)
        return ended

    def ask(self, *sources: Source) -> str:
        """Ask for runs, and return at once with what `follow` needs."""
        wanted = api.request(*sources)
        api.trigger(self.broker, wanted)
        return wanted.trigger_id

    def follow(self, asked: str, *, restarting: bool = False) -> tuple[RunReport, ...]:
        """Wait for the end of the runs, for two minutes at the longest; ``restarting`` workers that end."""
        deadline = time.monotonic() + 120

        def in_time(_standing: Standing) -> None:
            if restarting:
                self.restart_ended()
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


@contextmanager
def deployed(folder: Path, seaweed: Seaweed, *workers: str, **settings: str) -> Iterator[Deployment]:
    """A deployment of these workers, all of it gone at the end; ``settings`` are `OFFGRIDFLOW_*` variables of it."""
    folder.mkdir(exist_ok=True)
    with valkey_in(folder / "valkey", *DURABLE) as valkey, turnstile(seaweed.port) as s3:
        deployment = Deployment(folder, valkey, s3, environment_in(folder, valkey.url, s3.url, seaweed) | settings)
        deployment.spool.mkdir()
        deployment.log_file.touch()
        try:
            deployment.start_workers(*workers)
            with watchdog(valkey.url):
                yield deployment
        finally:
            for worker in deployment.workers.values():
                worker.kill()
    shutil.rmtree(folder)


@contextmanager
def used(environment: Mapping[str, str]) -> Iterator[None]:
    """This process set up as those are that have this environment."""
    with pytest.MonkeyPatch.context() as ours:
        for name, value in environment.items():
            if name.startswith(("OFFGRIDFLOW_", "POLARS_")):
                ours.setenv(name, value)
        _forget()
        yield
        bootstrap.close_world()
        _forget()


@pytest.fixture(scope="session")
def shared_deployment(tmp_path_factory: pytest.TempPathFactory, seaweed: Seaweed) -> Iterator[Deployment]:
    """The session's; take `deployment`."""
    with deployed(tmp_path_factory.mktemp("deployment"), seaweed, "control", "files") as deployment:
        yield deployment


@pytest.fixture
def deployment(shared_deployment: Deployment) -> Iterator[Deployment]:
    """The session's deployment, and this process set up to use it."""
    with used(shared_deployment.environment):
        yield shared_deployment


def _forget() -> None:
    """Whatever a function of ours keeps, of its settings too, it forgets."""
    ours = [module for name, module in sys.modules.items() if name.startswith("worker.")]
    for function in (each for module in ours for each in vars(module).values() if hasattr(each, "cache_clear")):
        function.cache_clear()
