from __future__ import annotations

import pytest

from tests.fakes.plans import ACME
from tests.fakes.world import FakeWorld, month
from worker.domain.backfill import Only, months_of
from worker.domain.billing_period import BillingPeriod
from worker.domain.errors import AuthError
from worker.services.plan_backfill import known_months, plan_backfill
from worker.services.status import standings

SPAN = months_of([ACME], BillingPeriod(2024, 1), BillingPeriod(2024, 5))


@pytest.mark.parametrize(
    ("only", "expected"),
    [
        (Only.MISSING, ["2024-03", "2024-04"]),
        (Only.FAILED, ["2024-03"]),
        (Only.ALL, ["2024-01", "2024-02", "2024-03", "2024-04"]),
    ],
)
def test_what_is_published_and_what_failed_decides(fake: FakeWorld, only: Only, expected: list[str]) -> None:
    for period in ("2024-01", "2024-02", "2024-03"):
        delivered = fake.deliver(month(period))
    fake.bucket().fail_key(delivered.files[0], AuthError("no", "AccessDenied", "grant it"))
    fake.ingest()
    records = fake.table.records()
    known = known_months(records, standings(records, fake.reports.latest(), fake.clock.now()))

    planned = plan_backfill("b1", 2, SPAN, known, only)

    assert [str(trigger.start) for trigger in planned.triggers] == expected
    assert planned.max_active == 2
