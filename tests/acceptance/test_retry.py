"""`offgridflow retry`: what it refuses, what it has nothing to do for. What it does is acceptance criterion 1."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.acceptance.buckets import RemoteFolder, totals, totals_of, usage
from tests.acceptance.commands import Command
from tests.acceptance.readings import files_read
from tests.servers.deployment import Deployment
from tests.waiting import until
from worker import api
from worker.adapters.sample_month import Month, write_month
from worker.cli.exits import Exit

pytestmark = pytest.mark.acceptance

ROWS = usage("1.25", "2.5", "4.125")
MONTH = Month("2025-01", rows=ROWS, rows_per_file=1)


def test_a_cancelled_run_is_taken_up_where_it_was(
    deployment: Deployment, org: str, remote: RemoteFolder, command: Command
) -> None:
    remote.deliver(MONTH)
    with deployment.s3.holding("report-00002.csv.gz") as held:
        deployment.ask(api.source(remote.url, org))
        until(held.reached.is_set, seconds=60)
        [running] = api.recent_runs(deployment.broker, 1)
        until(lambda: len(api.run_files(deployment.broker, running.run_id)) == 2)

        refused = command("retry", running.run_id)
        command("cancel", running.run_id)
        ended = command("retry", running.run_id, "--json")

    [run] = json.loads(ended.out)["runs"]
    assert refused.code == Exit.USAGE
    assert refused.errors == [f"error: run {running.run_id} is running"]
    assert f"offgridflow cancel {running.run_id}" in refused.err
    assert (ended.code, run["state"]) == (Exit.NO_RUN_FAILED, "published")
    assert files_read(deployment.s3, remote.prefix) == {
        "report-00001.csv.gz": 1,
        "report-00002.csv.gz": 2,
        "report-00003.csv.gz": 1,
    }
    assert totals(org) == totals_of(ROWS)


def test_a_run_that_did_not_fail_is_not_retried(
    deployment: Deployment, org: str, tmp_path: Path, command: Command
) -> None:
    write_month(tmp_path, MONTH)
    [published] = deployment.ingest(api.source(tmp_path.as_uri(), org))

    ended = command("retry", published.run_id, "--json")

    [run] = json.loads(ended.out)["runs"]
    assert (ended.code, run["state"]) == (Exit.NO_RUN_FAILED, "published")
    assert "there is nothing to retry" in ended.err


def test_a_run_that_nobody_knows_cannot_be_retried(command: Command) -> None:
    ended = command("retry", "0123456789abcdef-1")

    assert ended.code == Exit.EVERY_RUN_FAILED
    assert ended.errors == ["error: run 0123456789abcdef-1 is not in the ledger"]
