"""Everything the services need, in one value that the composition root fills."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from worker.domain.plan import FileJob
from worker.domain.retry import RetryPolicy
from worker.domain.source import Source
from worker.ports.clock import Clock
from worker.ports.estimates import EstimateDelivery
from worker.ports.ledger import FileLeases, Repairer, RunLedger
from worker.ports.parts import PartStore
from worker.ports.reports import ReportReader, ReportStore
from worker.ports.table import ActivityTable, RunReports
from worker.ports.telemetry import Telemetry
from worker.ports.triggers import Backfills, Triggers
from worker.ports.workers import Backlog


@dataclass(frozen=True, slots=True)
class World:
    """Real adapters in a worker, fakes in a test. ``open_report`` takes a spooled file and its job.

    ``estimates`` is for a source that has to be asked; what was asked for is then in its store.
    """

    stores: Callable[[Source], ReportStore]
    estimates: Callable[[Source], EstimateDelivery]
    open_report: Callable[[Path, FileJob], ReportReader]
    table: ActivityTable
    parts: PartStore
    reports: RunReports
    triggers: Triggers
    backfills: Backfills
    ledger: RunLedger
    leases: FileLeases
    repairer: Repairer
    backlog: Backlog
    clock: Clock
    telemetry: Telemetry
    policy: RetryPolicy
    spool: Callable[[int], AbstractContextManager[Path]]
    settle_seconds: float = 900.0
    rejections_per_file: int = 10_000
    max_rejected_percent: float | None = None
    run_deadline: timedelta = timedelta(hours=6)
