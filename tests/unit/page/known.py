"""Facts for the page: a month in every state, with whatever else a test adds; and as many as a large account has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal

from tests.fakes.every_cell import NOW, every_cell, records
from tests.fakes.plans import balance_of, failure_of, outcome_of, planned, report_of
from worker.domain.billing_period import BillingPeriod
from worker.domain.errors import IngestError
from worker.domain.outcome import FileOutcome, RunState
from worker.domain.plan import Slot
from worker.domain.report import FileCounts, RunReport
from worker.domain.source import CARBON, CUR
from worker.domain.standing import Cell, Standing
from worker.page.facts import Dimension, EmissionsSum, Sample, UsageSum
from worker.page.site import Links, Site
from worker.services.diff_versions import VersionDiff
from worker.services.history import MonthHistory
from worker.services.overview import Overview, overview

LINKS = Links("http://127.0.0.1:5555/", "https://traces.example/search?run={run_id}")
MONTHS = tuple(BillingPeriod(2022, 1).until(BillingPeriod(2025, 1)))
SCRIPT = "<script>alert(1)</script>"


@dataclass
class Known:
    """`worker.page.facts.Facts` that a test can set."""

    overview: Overview = field(default_factory=every_cell)
    runs: tuple[RunReport, ...] = ()
    outcomes: tuple[FileOutcome, ...] = ()
    histories: Mapping[Slot, MonthHistory] = field(default_factory=dict)
    diff: VersionDiff | IngestError | None = None
    sums: tuple[UsageSum, ...] = ()
    estimated: tuple[EmissionsSum, ...] = ()
    rejected: tuple[Sample, ...] = ()

    def files(self, _report: RunReport) -> tuple[FileOutcome, ...]:
        return self.outcomes

    def history(self, slot: Slot) -> MonthHistory | None:
        return self.histories.get(slot)

    def restated(self, _slot: Slot) -> VersionDiff | None:
        if isinstance(self.diff, IngestError):
            raise self.diff
        return self.diff

    def usage(self, _org_id: str, _dimension: Dimension) -> tuple[UsageSum, ...]:
        return self.sums

    def emissions(self, _org_id: str) -> tuple[EmissionsSum, ...]:
        return self.estimated

    def samples(self, _slot: Slot) -> tuple[Sample, ...]:
        return self.rejected


def site(known: Known) -> Site:
    """The pages about it."""
    return Site(known, LINKS)


def page(known: Known, path: str = "index.html") -> str:
    """One of them."""
    return site(known).pages[path]()


def everything() -> Known:
    """Something of everything: what the page has a place for."""
    known = {record.slot: MonthHistory((record,)) for record in records()}
    failed = planned("b.csv")
    run = replace(
        report_of("run-comp"),
        balance=balance_of(10, "1.5", "0.25"),
        warnings=("3 rows rejected",),
        files=FileCounts(2, 1, 0, 0, 1),
    )
    return Known(
        runs=(run, replace(report_of("run-fail", RunState.FAILED, "2024-06"), errors=(failure_of(failed),))),
        outcomes=(outcome_of(planned("a.csv")), outcome_of(failed, failure=failure_of(failed))),
        histories=known,
        sums=(
            *usage("compute", "hours", "30", "40"),
            *usage("storage", "GB-month", "7", "0.5"),
            *usage(SCRIPT, "hours", "0.0001", "0"),
        ),
        estimated=tuple(
            EmissionsSum("2024-01", scope, method, "tonne", Decimal(tonnes))
            for scope, method, tonnes in (("total", "lbm", "3"), ("total", "mbm", "2"), ("scope1", "", "0.5"))
        ),
        rejected=(Sample("a.csv", 7, "bad_number", "line_item_usage_amount", SCRIPT),),
    )


def usage(name: str, unit: str, quantity: str, cost: str) -> tuple[UsageSum, ...]:
    """The same in two months."""
    amounts = (Decimal(quantity), Decimal(cost))
    return tuple(UsageSum(month, name, unit, "USD", *amounts) for month in ("2024-01", "2024-02"))


def large() -> Known:
    """Three years of twenty streams, a thousand runs."""
    cells = (Cell.COMPLETE, Cell.COMPLETE, Cell.COMPLETE, Cell.LATE, Cell.COMPLETE, Cell.RESTATED)
    months = tuple(
        _standing(f"account-{number // 2:02}", kind, month, cells[(number + month.month) % len(cells)])
        for number, kind in enumerate((CUR, CARBON) * 10)
        for month in MONTHS
    )
    runs = tuple(
        replace(report_of(f"run-{number:04}", period=str(MONTHS[number % 36])), at=NOW - timedelta(minutes=number))
        for number in range(1000)
    )
    return Known(overview=overview(NOW, months, None, "no broker"), runs=runs)


def _standing(name: str, kind: str, month: BillingPeriod, cell: Cell) -> Standing:
    why, step = ("", "") if cell is Cell.COMPLETE else (f"it is {cell}", "look at the export in AWS")
    return Standing(
        org_id="org-123",
        source_name=name,
        source=kind,
        period=str(month),
        cell=cell,
        version_id="v1",
        rows=12604,
        at=NOW,
        why=why,
        next_step=step,
        seen_version_id="v1",
        looked_at=NOW,
        published_at=NOW,
    )
