"""Runs that meet: of the same month, and of the same bucket for two orgs."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from tests.acceptance.buckets import RemoteFolder, publications, totals, totals_of, usage
from tests.servers.deployment import Deployment
from worker import api
from worker.adapters.sample_columns import PAYER
from worker.adapters.sample_month import Month, write_month
from worker.domain.outcome import RunState
from worker.domain.report import RunReport
from worker.domain.source import Source

pytestmark = pytest.mark.acceptance

OTHER_ACCOUNT = "222233334444"
MINE = usage("1.25", "2.5", "4.125")
THEIRS = usage("100", "200", line_item_usage_account_id=OTHER_ACCOUNT)


def at_once(deployment: Deployment, *sources: Source) -> list[RunReport]:
    """Ingest each source on its own, all at the same moment; the first report of each."""
    line_up = Barrier(len(sources))

    def ingest(source: Source) -> RunReport:
        line_up.wait()
        return deployment.ingest(source)[0]

    with ThreadPoolExecutor(len(sources)) as threads:
        return list(threads.map(ingest, sources))


def test_a_month_that_is_asked_for_twice_at_once_is_published_once(
    deployment: Deployment, org: str, tmp_path: Path
) -> None:
    write_month(tmp_path, Month("2025-01", rows=MINE, rows_per_file=1))
    source = api.source(tmp_path.as_uri(), org)

    reports = at_once(deployment, source, source)

    assert {report.run_id for report in reports} == {reports[0].run_id}
    assert {report.state for report in reports} <= {RunState.PUBLISHED, RunState.UP_TO_DATE}
    assert totals(org) == totals_of(MINE)
    assert publications(deployment, org) == 1


def test_two_orgs_on_one_bucket_have_each_its_own_rows(deployment: Deployment, org: str, remote: RemoteFolder) -> None:
    other_org = f"{org}-other"
    remote.deliver(Month("2025-01", rows=[*MINE, *THEIRS]))
    mine = api.source(remote.url, org, "same-name", account_id=PAYER)
    theirs = api.source(remote.url, other_org, "same-name", account_id=OTHER_ACCOUNT)

    reports = at_once(deployment, mine, theirs)

    assert {report.state for report in reports} == {RunState.PUBLISHED}
    assert totals(org) == totals_of(MINE)
    assert totals(other_org) == totals_of(THEIRS)
    assert {report.run_id for report in reports} != {reports[0].run_id}


def test_no_row_of_an_org_is_another_orgs(deployment: Deployment, org: str, remote: RemoteFolder) -> None:
    other_org = f"{org}-other"
    remote.deliver(Month("2025-01", rows=MINE))
    at_once(deployment, api.source(remote.url, org), api.source(remote.url, other_org))

    rows = [api.query("select distinct org_id from activities", each).rows for each in (org, other_org)]

    assert [list(each) for each in rows] == [[(org,)], [(other_org,)]]
