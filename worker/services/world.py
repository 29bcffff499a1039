"""Everything the services need, in one value that the composition root fills."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from worker.domain.plan import FileJob
from worker.domain.retry import RetryPolicy
from worker.domain.source import Source
from worker.ports import (
    ActivityTable,
    Clock,
    FileLeases,
    PartStore,
    Repairer,
    ReportReader,
    ReportStore,
    RunLedger,
    RunReports,
    Telemetry,
    Triggers,
)


@dataclass(frozen=True, slots=True)
class World:
    """Real adapters in a worker, fakes in a test. ``open_report`` takes a spooled file and its job."""

    stores: Callable[[Source], ReportStore]
    open_report: Callable[[Path, FileJob], ReportReader]
    table: ActivityTable
    parts: PartStore
    reports: RunReports
    triggers: Triggers
    ledger: RunLedger
    leases: FileLeases
    repairer: Repairer
    clock: Clock
    telemetry: Telemetry
    policy: RetryPolicy
    spool: Callable[[], AbstractContextManager[Path]]
    settle_seconds: float = 900.0
    rejections_per_file: int = 10_000
    max_rejected_percent: float | None = None
