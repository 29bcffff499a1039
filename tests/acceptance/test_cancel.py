"""`offgridflow cancel`: a run ends when it is told to, not when its files do."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from tests.acceptance.buckets import NOTHING, RemoteFolder, totals, totals_of, usage
from tests.acceptance.commands import Command
from tests.servers.deployment import Deployment
from tests.waiting import until
from worker import api
from worker.adapters.sample_month import Month, write_month
from worker.cli.exits import Exit
from worker.domain.outcome import RunState

pytestmark = pytest.mark.acceptance

ROWS = usage("1.25", "2.5", "4.125")
MONTH = Month("2025-01", rows=ROWS, rows_per_file=1)
SECONDS = 5.0


def test_a_cancelled_run_ends_within_seconds_and_publishes_nothing(
    deployment: Deployment, org: str, remote: RemoteFolder, command: Command
) -> None:
    remote.deliver(MONTH)
    with deployment.s3.holding("report-00001.csv.gz") as held:
        asked = deployment.ask(api.source(remote.url, org))
        until(held.reached.is_set, seconds=60)
        [running] = api.recent_runs(deployment.broker, 1)
        started = time.monotonic()

        ended = command("cancel", running.run_id, "--json")
        took = time.monotonic() - started

    [report] = deployment.follow(asked)
    [document] = json.loads(ended.out)["runs"]
    assert (ended.code, document["run_id"], document["state"]) == (Exit.NO_RUN_FAILED, running.run_id, "cancelled")
    assert took < SECONDS
    assert report.state is RunState.CANCELLED
    assert totals(org) == NOTHING


def test_workers_in_the_middle_of_a_cancelled_runs_files_turn_to_others(
    deployment: Deployment, org: str, remote: RemoteFolder, tmp_path: Path, command: Command
) -> None:
    remote.deliver(MONTH)
    write_month(tmp_path / "other", Month("2025-02", rows=usage("7.5", period="2025-02")))
    with deployment.s3.holding("report-00001.csv.gz") as one, deployment.s3.holding("report-00002.csv.gz") as two:
        deployment.ask(api.source(remote.url, org))
        for held in (one, two):  # both children of the worker
            until(held.reached.is_set, seconds=60)
        [running] = api.recent_runs(deployment.broker, 1)

        command("cancel", running.run_id)
        [other] = deployment.ingest(api.source((tmp_path / "other").as_uri(), org))

    assert other.state is RunState.PUBLISHED
    assert other.seconds < 4 * SECONDS
    assert totals(org) == totals_of(usage("7.5", period="2025-02"))


def test_a_run_that_has_ended_stays_as_it_is(
    deployment: Deployment, org: str, tmp_path: Path, command: Command
) -> None:
    write_month(tmp_path, MONTH)
    [published] = deployment.ingest(api.source(tmp_path.as_uri(), org))

    ended = command("cancel", published.run_id)

    assert ended.code == Exit.NO_RUN_FAILED
    assert f"run {published.run_id} had ended already: published" in ended.err
    assert totals(org) == totals_of(ROWS)


def test_a_run_that_nobody_knows_cannot_be_cancelled(command: Command) -> None:
    ended = command("cancel", "0123456789abcdef-1")

    assert ended.code == Exit.EVERY_RUN_FAILED
    assert ended.errors == ["error: run 0123456789abcdef-1 is not in the ledger"]
