"""The file that a probe looks at: young while the worker turns, old when it hangs."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.servers.deployment import Deployment
from tests.waiting import until
from worker.adapters.system_clock import SystemClock

COMPOSE = Path(__file__).parents[2] / "docker-compose.yml"
TOO_OLD_SECONDS = 5.0
"""More than twice what a worker in good health lets pass."""


def age(file: Path) -> float:
    return SystemClock().now().timestamp() - file.stat().st_mtime


@pytest.fixture
def heartbeat(deployment: Deployment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The file of the deployment's files worker."""
    file = tmp_path / "heartbeat"
    with monkeypatch.context() as once:
        once.setitem(deployment.environment, "OFFGRIDFLOW_HEARTBEAT_FILE", str(file))
        deployment.workers["files"].kill()
        deployment.start_workers("files")
    yield file
    deployment.workers["files"].kill()
    deployment.start_workers("files")


@pytest.mark.acceptance
def test_a_worker_touches_its_file_while_it_turns_and_no_longer(deployment: Deployment, heartbeat: Path) -> None:
    worker = deployment.workers["files"]
    first = until(lambda: heartbeat.exists() and heartbeat.stat().st_mtime)
    until(lambda: heartbeat.stat().st_mtime > first)

    os.kill(worker.pid, signal.SIGSTOP)
    until(lambda: age(heartbeat) > TOO_OLD_SECONDS)
    os.kill(worker.pid, signal.SIGCONT)

    until(lambda: age(heartbeat) < TOO_OLD_SECONDS)


def test_the_containers_probe_tells_a_young_file_from_an_old_or_missing_one(tmp_path: Path) -> None:
    [said] = {
        service["healthcheck"]["test"][1]
        for name, service in yaml.safe_load(COMPOSE.read_text())["services"].items()
        if name in {"control", "files"}
    }
    probe, file = said.replace("$$", "$"), tmp_path / "heartbeat"

    def is_healthy() -> bool:
        found = subprocess.run(
            ["sh", "-c", probe],
            env={"PATH": os.defpath, "OFFGRIDFLOW_HEARTBEAT_FILE": str(file)},
            capture_output=True,
            check=False,
        )
        return found.returncode == 0

    missing = is_healthy()
    file.touch()
    young = is_healthy()
    minute_ago = SystemClock().now().timestamp() - 61
    os.utime(file, (minute_ago, minute_ago))
    old = is_healthy()

    assert (missing, young, old) == (False, True, False)
