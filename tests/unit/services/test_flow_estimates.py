"""AWS's estimates from planning to publication, whichever way they come: every figure once, exact, and again only if it changed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import replace
from decimal import Decimal

import pytest

from tests.fakes.plans import ACME
from tests.fakes.world import FakeWorld, month
from worker.adapters.sample_carbon import FIRST_COLUMNS, CarbonMonth, Footprint, sample_footprints
from worker.adapters.sample_files import FileFormat
from worker.domain.billing_period import BillingPeriod
from worker.domain.emission_columns import FIGURES
from worker.domain.outcome import RunState
from worker.domain.plan import Slot
from worker.domain.report import RunReport
from worker.domain.source import API_URL, CARBON, CUR, Source

ASKED = replace(ACME, kind=CARBON, url=API_URL)
DELIVERED = replace(ACME, kind=CARBON, url="s3://carbon/export/")
FOOTPRINTS = sample_footprints("2024-01")
RESTATED = sample_footprints("2024-01", model_version="v3.10.0", seed=8)

Deliver = Callable[[FakeWorld, tuple[Footprint, ...]], Source]


def by_api(fake: FakeWorld, footprints: tuple[Footprint, ...]) -> Source:
    fake.carbon.publish(footprints)
    return ASKED


def by_export(file_format: FileFormat) -> Deliver:
    def deliver(fake: FakeWorld, footprints: tuple[Footprint, ...]) -> Source:
        version = footprints[0].model_version
        rows = tuple(each.row for each in footprints)
        delivered = CarbonMonth("2024-01", rows=rows, prefix="export", file_format=file_format)
        fake.deliver(replace(delivered, model_version=version, version_id=version), DELIVERED)
        return DELIVERED

    return deliver


EVERY_WAY = pytest.mark.parametrize(
    "deliver", [by_api, by_export(FileFormat.GZIP), by_export(FileFormat.PARQUET)], ids=["api", "csv.gz", "parquet"]
)


def ingest(fake: FakeWorld, *sources: Source, trigger_id: str = "t1") -> dict[str, RunReport]:
    """What became of every month, by connector."""
    return {report.connector: report for report in fake.ingest(*sources, trigger_id=trigger_id)}


def tonnes(footprints: Iterable[Footprint]) -> dict[str, Decimal]:
    """What must be found, by scope and method."""
    sums: defaultdict[str, Decimal] = defaultdict(Decimal)
    for footprint in footprints:
        for figure in FIGURES:
            sums[figure.name] += Decimal(repr(footprint.figures[figure.api_name]))
    return dict(sums)


def found(report: RunReport) -> dict[str, Decimal]:
    return {name: tally.usage for name, tally in report.balance.by_line_item_type.items()}


@EVERY_WAY
def test_every_figure_is_published_once_and_to_the_last_digit(fake: FakeWorld, deliver: Deliver) -> None:
    source = deliver(fake, FOOTPRINTS)

    report = ingest(fake, source)["aws-carbon"]

    assert (report.state, report.errors, report.final) == (RunState.PUBLISHED, (), True)
    assert report.balance.activities.rows == len(FIGURES) * len(FOOTPRINTS)
    assert found(report) == tonnes(FOOTPRINTS)


@EVERY_WAY
def test_what_was_not_restated_is_not_published_again(fake: FakeWorld, deliver: Deliver) -> None:
    source = deliver(fake, FOOTPRINTS)
    first = ingest(fake, source)["aws-carbon"]

    again = ingest(fake, deliver(fake, FOOTPRINTS), trigger_id="t2")["aws-carbon"]

    assert again.state is RunState.UP_TO_DATE
    assert again.run_id == first.run_id


@EVERY_WAY
def test_what_a_newer_model_says_takes_the_place_of_the_older(fake: FakeWorld, deliver: Deliver) -> None:
    ingest(fake, deliver(fake, FOOTPRINTS))

    report = ingest(fake, deliver(fake, RESTATED), trigger_id="t2")["aws-carbon"]

    assert report.state is RunState.PUBLISHED
    assert report.version_id.startswith("v3.10.0")
    assert found(report) == tonnes(RESTATED)
    record = fake.table.current(Slot("org-123", "acme", CARBON, BillingPeriod(2024, 1)))
    assert record is not None
    assert record.was_final


def test_the_first_exports_say_less_and_nothing_is_made_up(fake: FakeWorld) -> None:
    rows = tuple(each.row for each in FOOTPRINTS)
    fake.deliver(CarbonMonth("2024-01", rows=rows, prefix="export", columns=FIRST_COLUMNS), DELIVERED)

    report = ingest(fake, DELIVERED)["aws-carbon"]

    assert report.balance.activities.rows == len(rows)
    assert report.balance.excluded_by_type == {"NotReported": (len(FIGURES) - 1) * len(rows)}


def test_usage_and_emissions_of_a_month_are_published_beside_each_other(fake: FakeWorld) -> None:
    fake.deliver(month())
    fake.carbon.publish(FOOTPRINTS)

    reports = ingest(fake, ACME, ASKED)

    assert {name: report.state for name, report in reports.items()} == dict.fromkeys(
        ("aws", "aws-carbon"), RunState.PUBLISHED
    )
    published = {record.slot.source for record in fake.table.records("org-123")}
    assert published == {CUR, CARBON}


def test_the_same_estimates_are_not_published_from_the_api_and_the_export_at_once(fake: FakeWorld) -> None:
    ingest(fake, by_api(fake, FOOTPRINTS))

    twice = replace(by_export(FileFormat.GZIP)(fake, FOOTPRINTS), name="exported")
    report = ingest(fake, twice, trigger_id="t2")["aws-carbon"]

    assert report.state is RunState.FAILED
    assert [error.code for error in report.errors] == ["counted_twice"]
