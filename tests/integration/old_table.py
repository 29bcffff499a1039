"""A table that is all old, for what vacuum deletes of it and what it spares."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from tests.fakes.clock import ManualClock
from tests.fakes.lakehouse import Lakehouse, activities_of, rejections_of
from tests.fakes.ledger import FakeLedger
from tests.fakes.plans import NOON, plan_of
from worker.adapters.layout import table_key
from worker.adapters.system_clock import SystemClock
from worker.adapters.table_files import WarehouseTableFiles
from worker.domain.plan import RunPlan
from worker.services.vacuum import Limits, Vacuumed, vacuum

ROWS, REJECTED = activities_of(("1", "0.1"), ("0.5", "0.2")), rejections_of("bad_number")
MONTH = timedelta(days=30)
MINUTE = timedelta(minutes=1)


@contextmanager
def no_turn(_org_id: str) -> Iterator[Callable[[], None]]:
    """Nobody else is there."""
    yield lambda: None


class Old:
    """A table all of whose files, snapshots and versions are older than vacuum's limit, unless a test says otherwise."""

    def __init__(self, lake: Lakehouse) -> None:
        self.lake = lake
        self.ledger = FakeLedger(ManualClock(NOON))
        self.files = WarehouseTableFiles(lake.warehouse, lake.tables, no_turn)
        self.before = SystemClock().now() + MINUTE

    @property
    def root(self) -> Path:
        return self.lake.folder / "warehouse" / table_key("org-123")

    def names(self, pattern: str) -> set[str]:
        return {path.name for path in self.root.glob(pattern) if path.is_file()}

    def everything(self) -> dict[str, bytes]:
        return {str(path): path.read_bytes() for path in self.root.rglob("*") if path.is_file()}

    def write(self, name: str, body: bytes = b"{}") -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
        return path

    def publish(self, plan: RunPlan, run_id: str, at: datetime | None = None) -> None:
        outcomes = self.lake.ingest(plan, ROWS, REJECTED)
        self.lake.publish(plan, outcomes, run_id, at or SystemClock().now())

    def age(self) -> None:
        """Every file was written a month ago, whenever its version was replaced."""
        long_ago = (SystemClock().now() - MONTH).timestamp()
        for path in self.root.rglob("*"):
            os.utime(path, (long_ago, long_ago))

    def vacuum(self, before: datetime | None = None, *, dry_run: bool = False) -> Vacuumed:
        [done] = vacuum(self.ledger, self.files, Limits(before or self.before, dry_run=dry_run))
        return done


def version(number: int) -> RunPlan:
    """A month as delivered for the n-th time: a file that never changes, and one that is new every time."""
    same = () if number == 1 else ("same.csv",)
    added = ("same.csv", "1.csv") if number == 1 else (f"{number}.csv",)
    return plan_of(*added, keep=same, manifest_etag=f"m{number}")


def parts_of(digests: Iterable[str]) -> set[str]:
    return {f"{digest}{suffix}" for digest in digests for suffix in (".parquet", ".rejections.parquet")}


def moment_after_first_snapshot(old: Old) -> datetime:
    """A moment at which the first snapshot was the newest: nothing had replaced it then."""
    first, second = (each.timestamp_ms / 1000 for each in old.lake.tables.get("org-123").metadata.snapshots[:2])
    return datetime.fromtimestamp((first + second) / 2, NOON.tzinfo)


def referenced(old: Old) -> Iterator[str]:
    """The names of all metadata that Iceberg can still reach."""
    table = old.lake.tables.get("org-123")
    yield table.metadata_location.rpartition("/")[2]
    yield from (entry.metadata_file.rpartition("/")[2] for entry in table.metadata.metadata_log)
    for snapshot in table.metadata.snapshots:
        yield snapshot.manifest_list.rpartition("/")[2]
        yield from (manifest.manifest_path.rpartition("/")[2] for manifest in snapshot.manifests(table.io))
