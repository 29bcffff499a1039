"""Workers die in the middle of a file; the month is published all the same, and once."""

from __future__ import annotations

import os
import signal
from contextlib import ExitStack
from pathlib import Path

import pytest
from redis import Redis

from tests.acceptance.buckets import (
    NOTHING,
    RemoteFolder,
    publications,
    totals,
    totals_of,
    usage,
    write_again_and_again,
)
from tests.acceptance.processes import has_open, needs_proc
from tests.servers.deployment import Deployment
from tests.waiting import until
from worker import api
from worker.adapters.redis_keys import ACTIVE_RUNS, RunKeys
from worker.adapters.sample_month import Month
from worker.domain.outcome import RunState

pytestmark = [pytest.mark.acceptance, needs_proc]

ROWS = usage("1.25", "2.5", "4.125")
MONTH = Month("2025-01", rows=ROWS, rows_per_file=1)
SOME_ROWS = usage("0.5") * 10_000
TIMES = 10
LEASE_SECONDS = 60.0


def the_child_with_a_file_in(deployment: Deployment, folder: Path) -> int:
    """The files worker's only child that has one open there, as soon as there is but one."""

    def only() -> list[int]:
        found = [child for child in deployment.workers["files"].children if has_open(child, folder)]
        return found if len(found) == 1 else []

    return until(only, seconds=60)[0]


def let_leases_age(deployment: Deployment, seconds: float) -> None:
    """Who is dead renews nothing; so that nobody has to wait, the leases that are left become older."""
    with Redis.from_url(deployment.broker, decode_responses=True) as redis:
        for run_id in redis.zrange(ACTIVE_RUNS, 0, -1):
            leases = RunKeys.of(run_id).leases
            for digest in redis.zrange(leases, 0, -1):
                redis.zincrby(leases, -seconds, digest)


def test_a_child_killed_in_the_middle_of_a_download_costs_nothing(
    deployment: Deployment, org: str, remote: RemoteFolder
) -> None:
    remote.deliver(MONTH)

    with deployment.s3.holding("report-00002.csv.gz") as held:
        asked = deployment.ask(api.source(remote.url, org))
        until(held.reached.is_set, seconds=60)
        os.kill(the_child_with_a_file_in(deployment, deployment.spool), signal.SIGKILL)
        [report] = deployment.follow(asked)

    assert report.state is RunState.PUBLISHED
    assert totals(org) == totals_of(ROWS)
    assert publications(deployment, org) == 1


def test_a_worker_killed_with_all_its_children_costs_no_more_than_its_lease(
    deployment: Deployment, org: str, tmp_path: Path
) -> None:
    write_again_and_again(tmp_path, Month("2025-01", rows=SOME_ROWS), times=TIMES)

    asked = deployment.ask(api.source(tmp_path.as_uri(), org))
    the_child_with_a_file_in(deployment, deployment.warehouse)
    deployment.workers["files"].kill()
    let_leases_age(deployment, LEASE_SECONDS)
    deployment.start_workers("files")
    [report] = deployment.follow(asked)

    assert report.state is RunState.PUBLISHED
    assert totals(org) == totals_of(SOME_ROWS * TIMES)
    assert publications(deployment, org) == 1


def test_a_worker_that_is_told_to_stop_gives_its_file_back(deployment: Deployment, org: str, tmp_path: Path) -> None:
    write_again_and_again(tmp_path, Month("2025-01", rows=SOME_ROWS), times=TIMES)

    asked = deployment.ask(api.source(tmp_path.as_uri(), org))
    the_child_with_a_file_in(deployment, deployment.warehouse)
    deployment.workers["files"].process.terminate()
    deployment.workers["files"].process.wait(timeout=30)
    deployment.start_workers("files")
    [report] = deployment.follow(asked)

    assert report.state is RunState.PUBLISHED
    assert totals(org) == totals_of(SOME_ROWS * TIMES)
    assert report.seconds < LEASE_SECONDS


def test_a_file_that_kills_three_children_fails_and_names_itself(
    deployment: Deployment, org: str, remote: RemoteFolder
) -> None:
    remote.deliver(MONTH)

    with ExitStack() as blocks:
        holds = [blocks.enter_context(deployment.s3.holding("report-00002.csv.gz")) for _ in range(3)]
        asked = deployment.ask(api.source(remote.url, org))
        for held in holds:
            until(held.reached.is_set, seconds=60)
            os.kill(the_child_with_a_file_in(deployment, deployment.spool), signal.SIGKILL)
        [report] = deployment.follow(asked)

    assert report.state is RunState.FAILED
    assert [(error.code, error.file.rpartition("/")[2]) for error in report.errors] == [
        ("worker_lost", "report-00002.csv.gz")
    ]
    assert totals(org) == NOTHING
