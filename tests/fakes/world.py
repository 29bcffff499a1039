"""The services' world in memory: buckets to deliver to, and workers that do what would have been sent."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.fakes.activity_table import FakeActivityTable
from tests.fakes.backfills import FakeBackfills
from tests.fakes.backlog import FakeBacklog
from tests.fakes.carbon_source import FakeCarbonSource
from tests.fakes.clock import ManualClock
from tests.fakes.ledger import FakeLedger
from tests.fakes.parts import FakePartStore
from tests.fakes.plans import ACME
from tests.fakes.repairer import FakeRepairer
from tests.fakes.report_store import LONG_AGO, FakeReportStore
from tests.fakes.telemetry import FakeTelemetry
from worker.adapters.asked_estimates import AskedEstimates
from worker.adapters.folder_warehouse import FolderWarehouse
from worker.adapters.report_reader import open_report
from worker.adapters.sample_columns import line_item
from worker.adapters.sample_month import Delivery, Month, write_month
from worker.adapters.spool import Spool
from worker.domain.errors import IngestError
from worker.domain.report import RunReport
from worker.domain.retry import RetryPolicy
from worker.domain.source import KINDS, Source
from worker.domain.trigger import Trigger
from worker.ports.reports import ReportStore
from worker.services.coordinate import coordinate
from worker.services.dispatch import Dispatch
from worker.services.follow import look
from worker.services.ingest_file import ingest_file
from worker.services.publish_run import publish_run
from worker.services.world import World

COLUMNS = tuple(line_item())


def never(_error: IngestError) -> bool:
    """No attempt is left."""
    return False


def always(error: IngestError) -> bool:
    """Many attempts are left: what is worth another gets one."""
    return RetryPolicy(max_attempts=100).delay(1, error, 0.5) is not None


def month(period: str = "2024-01", *rows: dict[str, str]) -> Month:
    """A legacy delivery below `ACME`'s prefix: one ordinary row, unless others are given."""
    return Month(period, rows=rows or (line_item(period),), columns=COLUMNS, prefix="cur", version_id="v1")


@dataclass(slots=True)
class FakeRunReports:
    """`worker.ports.table.RunReports` on a dictionary."""

    kept: dict[tuple[str, ...], RunReport] = field(default_factory=dict)

    def keep(self, report: RunReport) -> None:
        kind = KINDS[report.connector]
        self.kept[report.org_id, report.source_name, kind, report.billing_period or "_"] = report

    def latest(self) -> tuple[RunReport, ...]:
        return tuple(report for _, report in sorted(self.kept.items(), key=lambda item: item[0]))


class FakeWorld:
    """A `World` whose every port can be looked into. A source's bucket is made when it is first asked for."""

    def __init__(self, spool: Path) -> None:
        self.spool = spool
        self.buckets: dict[str, FakeReportStore] = {}
        self.carbon = FakeCarbonSource()
        self.warehouse = FolderWarehouse(spool.parent / "warehouse")
        self.clock = ManualClock()
        self.ledger = FakeLedger(self.clock)
        self.backfills = FakeBackfills(self.ledger.triggers)
        self.repairer = FakeRepairer(self.ledger)
        self.table = FakeActivityTable()
        self.parts = FakePartStore()
        self.reports = FakeRunReports()
        self.telemetry = FakeTelemetry()
        self.backlog = FakeBacklog(self.ledger)
        self.world = World(
            stores=self.store,
            estimates=self.estimates,
            open_report=partial(open_report, limit=1_000_000_000),
            table=self.table,
            parts=self.parts,
            reports=self.reports,
            triggers=self.ledger.triggers,
            backfills=self.backfills,
            ledger=self.ledger,
            leases=self.ledger,
            repairer=self.repairer,
            backlog=self.backlog,
            clock=self.clock,
            telemetry=self.telemetry,
            policy=RetryPolicy(),
            spool=Spool(spool).folder,
        )

    def store(self, source: Source) -> ReportStore:
        """Where the source's reports are read from."""
        return self.estimates(source) if source.is_asked_for else self.bucket(source)

    def estimates(self, source: Source) -> AskedEstimates:
        """Where the answers of the API are kept."""
        return AskedEstimates(source, self.warehouse, self.carbon)

    def bucket(self, source: Source = ACME) -> FakeReportStore:
        """Where the source's reports are delivered."""
        place = source.location
        prefix = place.prefix if place.bucket else ""  # a folder is listed from itself
        return self.buckets.setdefault(source.url, FakeReportStore(prefix, place.bucket))

    def deliver(self, delivered: Month, source: Source = ACME, at: datetime = LONG_AGO) -> Delivery:
        """Put a month where the source finds it."""
        with TemporaryDirectory() as folder:
            delivery = write_month(Path(folder), delivered)
            for key in (*delivery.files, *delivery.manifests):
                self.bucket(source).put(key, (Path(folder) / key).read_bytes(), at)
        return delivery

    def trigger(self, *sources: Source, trigger_id: str = "t1") -> Trigger:
        """A trigger for these sources, opened."""
        trigger = Trigger(trigger_id, sources=sources or (ACME,))
        self.ledger.triggers.open(trigger)
        return trigger

    def ingest(self, *sources: Source, trigger_id: str = "t1") -> tuple[RunReport, ...]:
        """All that workers would do for a trigger, one step after the other; the reports of its runs."""
        self.plan_and_work(self.trigger(*sources, trigger_id=trigger_id))
        return look(self.ledger.triggers, self.ledger, trigger_id).reports

    def send(self, *sources: Source, trigger_id: str = "t1") -> tuple[Dispatch, ...]:
        """Plan a trigger for these sources; what it would have sent."""
        trigger = self.trigger(*sources, trigger_id=trigger_id)
        return tuple(coordinate(self.world, trigger, trigger.sources, never))

    def plan_and_work(self, trigger: Trigger) -> None:
        """Plan a trigger, and do what it sends."""
        self.work(coordinate(self.world, trigger, trigger.sources, never))

    def work(self, dispatches: Iterable[Dispatch]) -> None:
        """Ingest the files of each run and publish it; plan a superseded one again."""
        for sent in tuple(dispatches):
            for digest in sent.digests:
                ingest_file(self.world, sent.run_id, digest, "worker-1", 1, never)
            if again := publish_run(self.world, sent.run_id, never):
                self.plan_and_work(self.ledger.triggers.get(again))
