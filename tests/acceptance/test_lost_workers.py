"""Workers die in the middle of a file; the month is published all the same, and once."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.acceptance.buckets import (
    RemoteFolder,
    publications,
    totals,
    totals_of,
    usage,
    write_again_and_again,
)
from tests.acceptance.processes import needs_proc
from tests.servers.ageing import LEASE_SECONDS, let_leases_age
from tests.servers.deployment import Deployment
from tests.waiting import until
from worker import api
from worker.adapters.sample_month import Month
from worker.domain.outcome import RunState

pytestmark = [pytest.mark.acceptance, needs_proc]

ROWS = usage("1.25", "2.5", "4.125")
MONTH = Month("2025-01", rows=ROWS, rows_per_file=1)
SOME_ROWS = usage("0.5") * 10_000
TIMES = 10


def test_a_child_killed_in_the_middle_of_a_download_costs_nothing(
    deployment: Deployment, org: str, remote: RemoteFolder
) -> None:
    remote.deliver(MONTH)

    with deployment.s3.holding("report-00002.csv.gz") as held:
        asked = deployment.ask(api.source(remote.url, org))
        until(held.reached.is_set, seconds=60)
        os.kill(deployment.workers["files"].child_with_a_file_in(deployment.spool), signal.SIGKILL)
        [report] = deployment.follow(asked)

    assert report.state is RunState.PUBLISHED
    assert totals(org) == totals_of(ROWS)
    assert publications(deployment, org) == 1


def test_a_worker_killed_with_all_its_children_costs_no_more_than_its_lease(
    deployment: Deployment, org: str, tmp_path: Path
) -> None:
    write_again_and_again(tmp_path, Month("2025-01", rows=SOME_ROWS), times=TIMES)

    asked = deployment.ask(api.source(tmp_path.as_uri(), org))
    deployment.workers["files"].child_with_a_file_in(deployment.warehouse)
    deployment.workers["files"].kill()
    let_leases_age(deployment.broker, "files")
    deployment.start_workers("files")
    [report] = deployment.follow(asked)

    assert report.state is RunState.PUBLISHED
    assert totals(org) == totals_of(SOME_ROWS * TIMES)
    assert publications(deployment, org) == 1


def test_a_worker_that_is_told_to_stop_gives_its_file_back(deployment: Deployment, org: str, tmp_path: Path) -> None:
    write_again_and_again(tmp_path, Month("2025-01", rows=SOME_ROWS), times=TIMES)

    asked = deployment.ask(api.source(tmp_path.as_uri(), org))
    deployment.workers["files"].child_with_a_file_in(deployment.warehouse)
    deployment.workers["files"].process.terminate()
    deployment.workers["files"].process.wait(timeout=30)
    deployment.start_workers("files")
    [report] = deployment.follow(asked)

    assert report.state is RunState.PUBLISHED
    assert totals(org) == totals_of(SOME_ROWS * TIMES)
    assert report.seconds < LEASE_SECONDS
