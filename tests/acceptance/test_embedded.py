"""Without a broker a command brings its own, and nothing of that stays behind, however the command ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.buckets import usage, write_again_and_again
from tests.acceptance.processes import has_open, needs_proc, processes_with
from tests.servers.deployment import SCRIPTS
from tests.waiting import until
from worker.adapters.sample_month import Month
from worker.cli.exits import Exit

pytestmark = [pytest.mark.acceptance, pytest.mark.long, needs_proc]

STOP_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Machine:
    """A folder that is all the home its processes know."""

    folder: Path
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def deliver(self, *, times: int) -> None:
        """A month of one file of so many times ten thousand rows."""
        write_again_and_again(self.folder / "bucket", Month("2025-01", rows=usage("0.5") * 10_000), times=times)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        command = subprocess.Popen(
            [SCRIPTS / "offgridflow", *arguments],
            cwd=self.folder,
            env={"HOME": str(self.folder), "PATH": os.defpath, "TMPDIR": str(self.folder)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.started.append(command)
        return command

    def ingest(self) -> subprocess.Popen[str]:
        return self.start("ingest", "--url", (self.folder / "bucket").as_uri(), "--org", "org-1", "--json")

    @property
    def processes(self) -> list[int]:
        return processes_with(f"HOME={self.folder}")

    @property
    def is_in_the_middle_of_a_file(self) -> bool:
        return any(has_open(pid, self.folder / ".offgridflow" / "warehouse") for pid in self.processes)


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    machine = Machine(tmp_path)
    yield machine
    for command in machine.started:
        command.kill()
        command.communicate()
    until(lambda: not machine.processes, seconds=STOP_SECONDS)


def document(ended: subprocess.Popen[str]) -> dict[str, Any]:
    out, errors = ended.communicate(timeout=60)
    assert ended.returncode == Exit.NO_RUN_FAILED, errors
    found: dict[str, Any] = json.loads(out)
    return found


def test_what_a_killed_command_began_goes_with_it_and_the_next_one_completes_the_month(machine: Machine) -> None:
    machine.deliver(times=60)
    killed = machine.ingest()
    until(lambda: machine.is_in_the_middle_of_a_file, seconds=60)

    killed.kill()
    killed.communicate()
    until(lambda: not machine.processes, seconds=STOP_SECONDS)
    [run] = document(machine.ingest())["runs"]
    [found] = document(machine.start("query", "select count(*) as n from activities", "--json"))["rows"]

    assert run["state"] in {"published", "up_to_date"}  # what was nearly done may have been completed
    assert found == {"n": 600_000}


def test_interrupted_commands_leave_nothing_once_the_last_has_ended(machine: Machine) -> None:
    machine.deliver(times=150)
    first, second = machine.ingest(), machine.ingest()
    until(lambda: machine.is_in_the_middle_of_a_file, seconds=60)

    first.send_signal(signal.SIGINT)
    first.communicate(timeout=STOP_SECONDS)
    left_to_the_second = machine.processes
    second.send_signal(signal.SIGTERM)
    second.communicate(timeout=STOP_SECONDS)
    until(lambda: not machine.processes, seconds=STOP_SECONDS)

    assert (first.returncode, second.returncode) == (Exit.INTERRUPTED, Exit.INTERRUPTED)
    assert len(left_to_the_second) > 1
