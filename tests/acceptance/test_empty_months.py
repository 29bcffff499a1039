"""Months without activities are months all the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.acceptance.buckets import NOTHING, Row, totals, usage
from tests.servers.deployment import Deployment
from worker import api
from worker.adapters.sample_month import Month, write_month
from worker.domain.outcome import RunState

pytestmark = pytest.mark.acceptance

COLUMNS = tuple(usage("1")[0])


def taxes(period: str) -> list[Row]:
    return usage("1.5", "2.5", period=period, line_item_line_item_type="Tax", line_item_usage_amount="1")


MONTHS = {
    "2025-01": Month("2025-01", columns=COLUMNS),
    "2025-02": Month("2025-02", rows=taxes("2025-02"), columns=COLUMNS),
    "2025-03": Month("2025-03", rows=taxes("2025-03"), columns=COLUMNS, rows_per_file=1, surplus=2),
}
"""A header-only file; a file of only Tax; a month of files of either kind."""


def test_months_without_activities_are_published_and_then_up_to_date(
    deployment: Deployment, org: str, tmp_path: Path
) -> None:
    for month in MONTHS.values():
        write_month(tmp_path, month)
    source = api.source(tmp_path.as_uri(), org)

    first = deployment.ingest(source)
    second = deployment.ingest(source)

    assert [report.billing_period for report in first] == list(MONTHS)
    assert {report.state for report in first} == {RunState.PUBLISHED}
    assert [(report.files.total, report.balance.excluded.rows) for report in first] == [(1, 0), (1, 2), (4, 2)]
    assert {report.state for report in second} == {RunState.UP_TO_DATE}
    assert {report.bytes_read for report in second} == {0}
    assert totals(org) == NOTHING
