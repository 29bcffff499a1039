"""A script can tell from the exit code what became of its command. Codes 0 and 1 are met in the other modules."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.acceptance.buckets import totals, totals_of, usage
from tests.servers.deployment import Deployment
from tests.waiting import until
from worker.adapters.sample_month import Month, write_month
from worker.cli.exits import Exit

pytestmark = pytest.mark.acceptance

ROWS = usage("1.25", "2.5")


def test_when_one_month_fails_the_others_are_published(deployment: Deployment, org: str, tmp_path: Path) -> None:
    columns = tuple(ROWS[0])
    write_month(tmp_path, Month("2025-01", rows=ROWS, columns=columns))
    write_month(tmp_path, Month("2025-02", columns=tuple(set(columns) - {"line_item_usage_amount"})))

    ended = deployment.cli("ingest", "--url", tmp_path.as_uri(), "--org", org, "--json")

    assert ended.returncode == Exit.SOME_RUNS_FAILED
    assert [run["state"] for run in json.loads(ended.stdout)["runs"]] == ["published", "failed"]
    assert totals(org) == totals_of(ROWS)


def test_without_waiting_the_month_is_published_later(deployment: Deployment, org: str, tmp_path: Path) -> None:
    write_month(tmp_path, Month("2025-01", rows=ROWS))

    ended = deployment.cli("ingest", "--url", tmp_path.as_uri(), "--org", org, "--no-wait")

    assert ended.returncode == Exit.NO_RUN_FAILED
    assert until(lambda: totals(org) == totals_of(ROWS), seconds=60)


def test_not_waiting_needs_a_broker_that_stays(deployment: Deployment, org: str, tmp_path: Path) -> None:
    ended = deployment.cli("ingest", "--url", tmp_path.as_uri(), "--org", org, "--no-wait", OFFGRIDFLOW_BROKER_URL="")

    assert ended.returncode == Exit.USAGE
    assert ended.stderr.startswith("error: no broker is configured")
