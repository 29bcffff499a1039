"""Small plans, outcomes and reports, whole in every field that a test does not care about."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from worker.adapters import table_definition
from worker.domain.balance import Balance, Tally
from worker.domain.billing_period import BillingPeriod
from worker.domain.errors import ErrorClass, Failure
from worker.domain.outcome import FileOutcome, RunState
from worker.domain.plan import PlannedFile, RunPlan, part_digest
from worker.domain.report import RunReport
from worker.domain.source import Source

JANUARY = BillingPeriod(2024, 1)
NOON = datetime(2024, 2, 3, 12, tzinfo=UTC)
COLUMNS = table_definition.schema().model_dump_json()
ACME = Source(name="acme", org_id="org-123", url="s3://cur-bucket/cur/")


def planned(key: str, *, etag: str = "e1", size: int = 100, source: Source = ACME) -> PlannedFile:
    """A report file; its digest follows from what it is."""
    return PlannedFile(part_digest(source, JANUARY, "cur-bucket", (key, etag, size)), key, key, etag, size)


def plan_of(*keys: str, keep: tuple[str, ...] = (), source: Source = ACME, manifest_etag: str = "m1") -> RunPlan:
    """A plan to ingest the files of these keys, and to keep those of ``keep`` as they are published."""
    added = tuple(planned(key, source=source) for key in keys)
    kept = tuple(planned(key, source=source) for key in keep)
    return RunPlan(
        source=source,
        period=JANUARY,
        manifest_key="cur/manifest.json",
        manifest_path="cur/manifest.json",
        manifest_etag=manifest_etag,
        version_id="v1",
        account="111111111111",
        bucket="cur-bucket",
        charset="UTF-8",
        files=(*kept, *added),
        add=frozenset(file.digest for file in added),
        table_columns=COLUMNS,
    )


def balance_of(rows: int, usage: str = "1.5", cost: str = "0.25") -> Balance:
    """The account of a file whose rows are all activities, and sum to these amounts."""
    tally = Tally(rows, Decimal(usage), Decimal(cost))
    return Balance(read=tally, activities=tally, by_line_item_type={"Usage": tally})


def outcome_of(file: PlannedFile, run_id: str = "run-1", rows: int = 10, failure: Failure | None = None) -> FileOutcome:
    """What became of a file: so many activities, or a failure."""
    return FileOutcome(
        digest=file.digest,
        key=file.key,
        run_id=run_id,
        version_id="v1",
        balance=Balance() if failure else balance_of(rows),
        part=None if failure else f"warehouse/{file.digest}.parquet",
        payers=("111111111111",),
        requests=2,
        bytes_read=file.size,
        seconds=0.5,
        failure=failure,
    )


def failure_of(file: PlannedFile) -> Failure:
    """A file that may not be read."""
    return Failure(ErrorClass.AUTH, "no", "AccessDenied", "grant s3:GetObject", file.key)


def report_of(run_id: str, state: RunState = RunState.PUBLISHED, period: str | None = "2024-01") -> RunReport:
    """How a run of ACME ended."""
    return RunReport(run_id, ACME.name, ACME.org_id, "aws", period, state, NOON)
