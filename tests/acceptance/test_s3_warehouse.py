"""A whole deployment without a shared disk: the tables in a bucket, the catalog in a file or on a server of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.buckets import RemoteFolder, totals_of, usage
from tests.servers.deployment import Deployment, deployed, used
from tests.servers.postgres import PASSWORD, Postgres
from tests.servers.seaweed import BUCKET, Seaweed
from worker import api
from worker.adapters.sample_month import Month
from worker.domain.outcome import RunState

pytestmark = [pytest.mark.acceptance, pytest.mark.long]

TOTALS = "select count(*), count(distinct activity_id), sum(cost) from activities"
ROWS = usage("0.1", "999999999.99", "0.000000000000000001")


@pytest.fixture(scope="module")
def remote_deployment(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, seaweed: Seaweed
) -> Iterator[Deployment]:
    """Two control workers, so that two runs are published at once, and one for files. Where there is PostgreSQL, on it."""
    settings = {
        "OFFGRIDFLOW_WAREHOUSE": f"s3://{BUCKET}/warehouse",
        "OFFGRIDFLOW_WAREHOUSE_ENDPOINT_URL": seaweed.url,
    }
    with suppress(pytest.skip.Exception):
        server: Postgres = request.getfixturevalue("postgres")
        settings["OFFGRIDFLOW_CATALOG_URI"] = server.new_catalog()
    folder = tmp_path_factory.mktemp("remote")
    with deployed(folder, seaweed, "control", "control-2", "files", **settings) as deployment:
        yield deployment


@pytest.fixture
def deployment(remote_deployment: Deployment) -> Iterator[Deployment]:
    with used(remote_deployment.environment):
        yield remote_deployment


def answer(deployment: Deployment, *arguments: str) -> Any:
    """What a command prints as JSON, and nothing else but that."""
    ended = deployment.cli(*arguments, "--json")
    assert (ended.returncode, ended.stderr) == (0, ""), ended.stderr
    return json.loads(ended.stdout)


def totals(deployment: Deployment, org: str) -> tuple[int, int, Decimal]:
    [row] = answer(deployment, "query", TOTALS, "--org", org)["rows"]
    activities, ids, cost = row.values()
    return activities, ids, Decimal(cost)


def test_a_month_goes_all_the_way_without_a_shared_disk(
    deployment: Deployment, remote: RemoteFolder, org: str, tmp_path: Path
) -> None:
    remote.deliver(Month("2025-01", rows=ROWS, rows_per_file=1))
    source = api.source(remote.url, org, "acme")

    [first], [second] = deployment.ingest(source), deployment.ingest(source)

    assert (first.state, second.state) == (RunState.PUBLISHED, RunState.UP_TO_DATE)
    assert (first.files.ingested, second.bytes_read) == (3, 0)
    assert totals(deployment, org) == totals_of(ROWS)
    assert not deployment.warehouse.exists()
    assert list(deployment.spool.iterdir()) == []


def test_what_is_published_is_read_and_tidied_up_by_every_command(
    deployment: Deployment, remote: RemoteFolder, org: str, tmp_path: Path
) -> None:
    source = api.source(remote.url, org, "acme")
    for rows in (usage("1", "2"), ROWS):
        remote.deliver(Month("2025-01", rows=rows, rows_per_file=1))
        [report] = deployment.ingest(source)
        assert report.state is RunState.PUBLISHED
    out = tmp_path / "out.csv"

    exported = deployment.cli("export", "--org", org, "--period", "2025-01", "--format", "csv", "--out", str(out))
    [history] = answer(deployment, "history", "2025-01", "--org", org)["months"]
    [diff] = answer(deployment, "diff", "2025-01", "--org", org)["diffs"]
    [vacuumed] = answer(deployment, "vacuum", "--org", org, "--dry-run")["orgs"]

    assert exported.returncode == 0, exported.stderr
    assert len(out.read_text().splitlines()) == 1 + len(ROWS)
    assert (len(history["versions"]), vacuumed["org_id"]) == (2, org)
    assert diff
    assert totals(deployment, org) == totals_of(ROWS)


def test_two_sources_of_an_org_that_are_published_at_once_are_both_there(
    deployment: Deployment, remote: RemoteFolder, org: str, tmp_path: Path
) -> None:
    asked, periods = [], ("2025-01", "2025-02", "2025-03")
    for name, account in {"one": "1" * 12, "two": "2" * 12}.items():
        folder = RemoteFolder(remote.server, tmp_path / name, f"{remote.prefix}/{name}")
        for period in periods:
            folder.deliver(Month(period, rows=usage("1", "2", period=period, line_item_usage_account_id=account)))
        asked.append(deployment.ask(api.source(folder.url, org, name, account_id=account)))

    reports = [report for each in asked for report in deployment.follow(each)]

    assert [report.state for report in reports] == [RunState.PUBLISHED] * 2 * len(periods)
    assert totals(deployment, org) == (12, 12, Decimal(18))


def test_the_catalogs_password_is_in_no_log(deployment: Deployment) -> None:
    assert PASSWORD not in deployment.log
