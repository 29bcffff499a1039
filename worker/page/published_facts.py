"""The facts as they are published, and as the broker has them if one runs."""

from __future__ import annotations

# ruff: noqa: PLC0415 (as in `worker.api`: a function loads what it needs)
from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from worker.api import overview, query, recent_runs, run_files
from worker.domain.outcome import FileOutcome, RunState
from worker.domain.plan import Slot
from worker.domain.publication import PublicationRecord
from worker.domain.report import FileCounts, RunReport
from worker.overview import known_broker
from worker.page.facts import Dimension, EmissionsSum, Sample, UsageSum
from worker.page.kept_months import KeptMonths
from worker.services.history import MonthHistory, files_of_run, history
from worker.services.overview import Overview
from worker.services.reporting import up_to_date

if TYPE_CHECKING:
    from worker.services.diff_versions import VersionDiff

RUNS = 1000
COLUMNS = {
    Dimension.CATEGORY: "category",
    Dimension.SERVICE: "coalesce(nullif(service_name, ''), service_code)",
    Dimension.REGION: "coalesce(nullif(region, ''), location)",
}

USAGE = """
    SELECT billing_period, coalesce({name}, ''), coalesce(unit, ''), coalesce(currency, ''), sum(quantity), sum(cost)
    FROM usage GROUP BY 1, 2, 3, 4
"""
EMISSIONS = """
    SELECT billing_period, coalesce(scope, ''), coalesce(method, ''), coalesce(unit, ''), sum(quantity)
    FROM emissions GROUP BY 1, 2, 3, 4
"""
REJECTIONS = """
    SELECT source_name, billing_period, source_file, source_row, reason, coalesce("column", ''), coalesce(value, '')
    FROM rejections
    QUALIFY row_number() OVER (
        PARTITION BY source_name, billing_period, reason ORDER BY source_file, source_row
    ) <= 5
    ORDER BY reason, source_file, source_row
"""
"""Five of each reason."""


class PublishedFacts:
    """`worker.page.facts.Facts` of this deployment. No broker is needed: without one there are no runs in flight."""

    def __init__(self) -> None:
        from worker.reading import reading_table

        self._months = KeptMonths(reading_table())
        self._rejections: dict[str, dict[tuple[str, str], list[Sample]]] = {}

    @cached_property
    def overview(self) -> Overview:
        """What `offgridflow status` shows."""
        return overview()

    @cached_property
    def runs(self) -> tuple[RunReport, ...]:
        """The broker's, the last one of every month, and the one that published what is published."""
        from worker.reading import run_reports

        known = {report.run_id: report for report in run_reports().latest()}
        known |= {record.run_id: _report(record) for record in self._months.records()}
        known |= {report.run_id: report for report in self._of_the_broker()}
        return tuple(sorted(known.values(), key=lambda report: report.at, reverse=True))

    @cached_property
    def _broker(self) -> str | None:
        """Its URL, if it answers: who looks is not told twice that it does not."""
        return known_broker() if self.overview.machinery else None

    def _of_the_broker(self) -> tuple[RunReport, ...]:
        return recent_runs(self._broker, RUNS) if self._broker else ()

    def files(self, report: RunReport) -> tuple[FileOutcome, ...]:
        """The broker's, or the record's."""
        known = run_files(self._broker, report.run_id) if self._broker else ()
        found = known or files_of_run(self._months, report)
        return tuple(sorted(found, key=lambda outcome: outcome.key))

    def history(self, slot: Slot) -> MonthHistory | None:
        """The versions of a month; None when it was never published."""
        found = history(self._months, slot.period, slot.org_id, slot.source_name)
        return next((month for month in found if month.slot == slot), None)

    def restated(self, slot: Slot) -> VersionDiff | None:
        """What the newest version changed in the one before it; None when there is none."""
        from worker.adapters.part_totals import WarehousePartTotals
        from worker.reading import warehouse
        from worker.services.diff_versions import Asked, diff_versions

        month = self.history(slot)
        if month is None or len(month.versions) == 1:
            return None
        asked = Asked(slot.period, slot.org_id, slot.source_name)
        found = diff_versions(self._months, WarehousePartTotals(warehouse()), asked)
        return next((each for each in found if each.after.slot == slot), None)

    def usage(self, org_id: str, dimension: Dimension) -> tuple[UsageSum, ...]:
        """Sums of what is published now."""
        return tuple(UsageSum(*row) for row in _rows(USAGE.format(name=COLUMNS[dimension]), org_id))

    def emissions(self, org_id: str) -> tuple[EmissionsSum, ...]:
        """Sums of what is published now."""
        return tuple(EmissionsSum(*row) for row in _rows(EMISSIONS, org_id))

    def samples(self, slot: Slot) -> tuple[Sample, ...]:
        """Some rejected rows of each reason. Those of the source's other stream are of other files."""
        month = self.history(slot)
        if month is None or month.current is None or not month.current.balance.rejected.rows:
            return ()
        if slot.org_id not in self._rejections:
            self._rejections[slot.org_id] = _samples(slot.org_id)
        files = {file.key for file in month.current.files}
        found = self._rejections[slot.org_id].get((slot.source_name, str(slot.period)), ())
        return tuple(sample for sample in found if sample.file in files)


def _rows(sql: str, org_id: str) -> Iterator[tuple[Any, ...]]:
    return query(sql, org_id).rows


def _samples(org_id: str) -> dict[tuple[str, str], list[Sample]]:
    found: dict[tuple[str, str], list[Sample]] = {}
    for source_name, period, *row in _rows(REJECTIONS, org_id):
        found.setdefault((source_name, period), []).append(Sample(*row))
    return found


def _report(record: PublicationRecord) -> RunReport:
    """The run that published a month, from what the month's record knows."""
    ingested = sum(file.run_id == record.run_id for file in record.files)
    files = FileCounts(len(record.files), ingested, len(record.files) - ingested)
    return replace(up_to_date(record, 0, record.published_at), state=RunState.PUBLISHED, files=files)
