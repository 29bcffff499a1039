"""A real warehouse and catalog in a temporary folder, and small months to put there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path

import polars as pl

from tests.fakes.plans import NOON, outcome_of, plan_of
from tests.servers.seaweed import Seaweed
from worker.adapters.catalog import OrgTables, open_catalog
from worker.adapters.folder_warehouse import FolderWarehouse
from worker.adapters.iceberg_table import IcebergActivityTable
from worker.adapters.part_store import ParquetPartStore
from worker.adapters.s3_warehouse import S3Warehouse
from worker.adapters.spool import Spool
from worker.adapters.warehouse import Warehouse
from worker.domain.balance import Balance, Tally
from worker.domain.outcome import FileOutcome
from worker.domain.plan import FileJob, RunPlan
from worker.domain.publication import Held, Publication, PublicationRecord, publication
from worker.domain.rulebooks import RULEBOOKS
from worker.domain.schema import TAG_PREFIX, activity_schema, rejection_schema
from worker.domain.source import CARBON, Location

OF_EMISSIONS = RULEBOOKS[CARBON].varying
NO_REJECTIONS = pl.DataFrame(schema=rejection_schema())
AMOUNT = pl.Decimal(38, 18)


@dataclass(frozen=True, slots=True)
class Lakehouse:
    """The adapters over one folder."""

    folder: Path
    warehouse: Warehouse
    tables: OrgTables
    parts: ParquetPartStore
    table: IcebergActivityTable

    def files(self) -> list[str]:
        """The name of every file of the warehouse that is not Iceberg's own."""
        found = (self.folder / "warehouse").rglob("*")
        return sorted(path.name for path in found if path.is_file() and path.parent.name != "metadata")

    def ingest(
        self, plan: RunPlan, activities: pl.DataFrame, rejections: pl.DataFrame = NO_REJECTIONS
    ) -> list[FileOutcome]:
        """Write the same rows as the part of every file that the plan adds."""
        return [self.write(job, activities, rejections) for job in jobs_of(plan)]

    def write(self, job: FileJob, activities: pl.DataFrame, rejections: pl.DataFrame = NO_REJECTIONS) -> FileOutcome:
        """One file's part, written in one batch."""
        tag_keys = tuple(name.removeprefix(TAG_PREFIX) for name in activities.columns if name.startswith(TAG_PREFIX))
        with self.parts.create(job, tag_keys) as writer:
            writer.write(activities)
            writer.reject(rejections)
            return writer.finish(converted(job, activities, rejections))

    def publish(
        self, plan: RunPlan, outcomes: list[FileOutcome], run_id: str = "run-1", at: datetime = NOON
    ) -> tuple[PublicationRecord, int]:
        """Publish the plan with these outcomes."""
        by_digest = {outcome.digest: outcome for outcome in outcomes}

        def decide(held: Held) -> Publication:
            return publication(plan, run_id, by_digest, held, at)

        return self.table.publish(plan.slot, decide)


def s3_warehouse(server: Seaweed, url: str, spool: Path) -> S3Warehouse:
    """A warehouse in a bucket of the server; a part that is being written is in ``spool``."""
    return S3Warehouse(Location.parse(url), server.url, partial(Spool(spool).folder, 0))


@contextmanager
def lakehouse(folder: Path, warehouse: Warehouse | None = None, catalog_uri: str = "") -> Iterator[Lakehouse]:
    """Open the lakehouse in the folder, or what of it is elsewhere; another process may have it open too."""
    warehouse = warehouse or FolderWarehouse(folder / "warehouse")
    catalog = open_catalog(catalog_uri or f"sqlite:///{folder}/catalog.db", warehouse.engines.iceberg)
    tables = OrgTables(lambda: catalog, warehouse)
    try:
        parts, table = ParquetPartStore(warehouse), IcebergActivityTable(warehouse, tables)
        yield Lakehouse(folder, warehouse, tables, parts, table)
    finally:
        catalog.close()


def jobs_of(plan: RunPlan, run_id: str = "run-1") -> list[FileJob]:
    """A job for every file that the plan adds."""
    return [FileJob(run_id, plan, file) for file in plan.files if file.digest in plan.add]


def job_of(key: str = "a.csv", run_id: str = "run-1") -> FileJob:
    """The job of one file."""
    return jobs_of(plan_of(key), run_id)[0]


def activities_of(*amounts: tuple[str, str], **columns: Sequence[str | None]) -> pl.DataFrame:
    """One activity for each pair of quantity and cost. ``columns`` replaces text columns, or adds tags."""
    rows = len(amounts)
    plain: dict[str, Sequence[str | None]] = {
        name: [None if name in OF_EMISSIONS else f"a {name}"] * rows for name in _text_columns()
    }
    frame = pl.DataFrame({**plain, **columns}, schema_overrides=dict.fromkeys({**plain, **columns}, pl.String))
    return frame.with_columns(
        pl.Series("activity_id", [f"0123456789abcdef-{row}" for row in range(1, rows + 1)], pl.String),
        pl.Series("period_start", [datetime(2024, 1, 1, 10, tzinfo=UTC)] * rows, pl.Datetime("us", "UTC")),
        pl.Series("period_end", [datetime(2024, 1, 1, 11, tzinfo=UTC)] * rows, pl.Datetime("us", "UTC")),
        pl.Series("quantity", [Decimal(usage) for usage, _ in amounts], AMOUNT),
        pl.Series("cost", [Decimal(cost) for _, cost in amounts], AMOUNT),
        pl.Series("source_row", range(1, rows + 1), pl.Int64),
    )


def rejections_of(*reasons: str) -> pl.DataFrame:
    """One rejected row for each reason."""
    rows = [{"source_file": "a.csv", "source_row": row, "reason": why} for row, why in enumerate(reasons, start=1)]
    return pl.DataFrame(rows, schema=rejection_schema())


def converted(job: FileJob, activities: pl.DataFrame, rejections: pl.DataFrame = NO_REJECTIONS) -> FileOutcome:
    """What a converter says of a file that became these rows."""
    amounts = activities.select("quantity", "cost").fill_null(0).rows()
    kept = Tally.total(Tally(1, usage, cost) for usage, cost in amounts)
    lost = Tally(rejections.height)
    balance = Balance(
        read=kept + lost,
        activities=kept,
        rejected=lost,
        rejected_by_reason={"bad_number": lost.rows} if lost.rows else {},
        by_line_item_type={"Usage": kept + lost},
    )
    return replace(outcome_of(job.file, job.run_id), balance=balance, part=None)


def _text_columns() -> list[str]:
    ours = {"activity_id", *set.intersection(*(set(rulebook.constants) for rulebook in RULEBOOKS.values()))}
    return [name for name, kind in activity_schema().items() if kind == pl.String() and name not in ours]
