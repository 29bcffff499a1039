"""A month's versions on the real table: what was published, what AWS restated, and what was let go on purpose."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from tests.fakes.lakehouse import Lakehouse, activities_of, lakehouse
from tests.fakes.plans import ACME, JANUARY, NOON, plan_of
from tests.fakes.world import FakeWorld, month
from worker.adapters.activity_scan import scan
from worker.adapters.part_totals import WarehousePartTotals
from worker.adapters.sample_month import Layout
from worker.adapters.warehouse import path_of
from worker.domain.errors import FatalError, NotFoundError
from worker.domain.outcome import RunState
from worker.domain.plan import RunPlan, Slot
from worker.domain.report import RunReport
from worker.domain.restatement import Change, GroupChange
from worker.domain.source import CUR, Source
from worker.services.diff_versions import Asked, diff_versions
from worker.services.history import history

CARBON = "aws_carbon_footprint"
TWICE = replace(ACME, name="acme-again")
EXPORT = replace(ACME, name="acme-export", url="s3://cur-bucket/exports/")


class CarbonPlan(RunPlan):
    """A month of the same source in its other partition."""

    @property
    def slot(self) -> Slot:
        return Slot(self.source.org_id, self.source.name, CARBON, self.period)


@pytest.fixture
def lake(tmp_path: Path) -> Iterator[Lakehouse]:
    with lakehouse(tmp_path) as opened:
        yield opened


@pytest.fixture
def fake(lake: Lakehouse, tmp_path: Path) -> FakeWorld:
    """The services' world in memory, on the real table and parts."""
    spool = tmp_path / "spool"
    spool.mkdir()
    fake = FakeWorld(spool)
    fake.world = replace(fake.world, table=lake.table, parts=lake.parts)
    return fake


def published(lake: Lakehouse, run_id: str, plan: RunPlan, rows: pl.DataFrame) -> None:
    lake.publish(replace(plan, version_id=f"v-{run_id}"), lake.ingest(plan, rows), run_id)


def carbon(*keys: str, manifest_etag: str = "c1", keep: tuple[str, ...] = ()) -> RunPlan:
    plan = plan_of(*keys, keep=keep, manifest_etag=manifest_etag)
    return CarbonPlan(**{field.name: getattr(plan, field.name) for field in fields(plan)})


def partitions(lake: Lakehouse) -> dict[str, set[str]]:
    """The report files whose rows a reader sees, by partition."""
    live = [file for _, version in lake.table.versions() for file in version.data_files().values()]
    keys = {str(file.part): file.key for record in lake.table.records() for file in record.files}
    found: dict[str, set[str]] = {}
    for file in live:
        found.setdefault(str(file.partition[1]), set()).add(keys[file.file_path])
    return found


def change(before: str, after: str) -> Change:
    return Change(Decimal(before), Decimal(after))


def test_the_history_of_three_versions_is_read_from_their_records(lake: Lakehouse) -> None:
    published(lake, "run-1", plan_of("a.csv"), activities_of(("1", "0.1")))
    published(lake, "run-2", plan_of("b.csv", keep=("a.csv",), manifest_etag="m2"), activities_of(("2", "0.2")))
    published(lake, "run-3", plan_of("c.csv", manifest_etag="m3"), activities_of(("5", "0.5"), ("1", "0.01")))

    [found] = history(lake.table, JANUARY)

    seen = [(each.run_id, each.version_id, len(each.files), each.balance.activities) for each in found.versions]
    assert [(run, version, files, sums.rows, sums.usage, sums.cost) for run, version, files, sums in seen] == [
        ("run-3", "v-run-3", 1, 2, Decimal(6), Decimal("0.51")),
        ("run-2", "v-run-2", 2, 2, Decimal(3), Decimal("0.3")),
        ("run-1", "v-run-1", 1, 1, Decimal(1), Decimal("0.1")),
    ]


def test_what_was_restated_is_what_one_finds_by_hand(lake: Lakehouse) -> None:
    service, unit = ["EC2", "EC2", "S3", "S3"], ["Hrs", "Hrs", "GB-Mo", "Requests"]
    old = activities_of(("1", "0.1"), ("2", "0.2"), ("10", "0.23"), ("1000", "0.0004"), service_code=service, unit=unit)
    service, unit = ["EC2", "S3", "S3", "Lambda"], ["Hrs", "GB-Mo", "Requests", "GB-s"]
    new = activities_of(
        ("3.000000000000000001", "0.3"),
        ("10", "0.23"),
        ("1500", "0.0006"),
        ("128", "0.000000000000000001"),
        service_code=service,
        unit=unit,
        region=["eu", "eu", "eu", "us"],
    )
    published(lake, "run-1", plan_of("a.csv"), activities_of(("7", "7")))
    published(
        lake, "run-2", plan_of("b.csv", keep=("a.csv",), manifest_etag="m2"), old.with_columns(region=pl.lit("eu"))
    )
    published(lake, "run-3", plan_of("c.csv", keep=("a.csv",), manifest_etag="m3"), new)

    [found] = diff_versions(lake.table, WarehousePartTotals(lake.warehouse), Asked(JANUARY))

    whose = ("a account_id",)
    assert (found.added, found.dropped, found.kept) == (("c.csv",), ("b.csv",), ("a.csv",))
    assert found.groups == (
        GroupChange(
            "EC2", *whose, "eu", "a currency", change("2", "1"), change("0.3", "0.3"),
            {"Hrs": change("3", "3.000000000000000001")},
        ),
        GroupChange(
            "Lambda", *whose, "us", "a currency", change("0", "1"), change("0", "0.000000000000000001"),
            {"GB-s": change("0", "128")},
        ),
        GroupChange(
            "S3", *whose, "eu", "a currency", change("2", "2"), change("0.2304", "0.2306"),
            {"Requests": change("1000", "1500")},
        ),
    )  # fmt: skip


def test_parts_kept_in_both_versions_are_not_even_opened(lake: Lakehouse) -> None:
    published(lake, "run-1", plan_of("a.csv", "b.csv"), activities_of(("1", "1")))
    published(lake, "run-2", plan_of("c.csv", keep=("a.csv",), manifest_etag="m2"), activities_of(("2", "1")))
    [kept] = [file.part for file in lake.table.records()[0].files if file.key == "a.csv"]
    Path(path_of(str(kept))).unlink()

    [found] = diff_versions(lake.table, WarehousePartTotals(lake.warehouse), Asked(JANUARY))

    assert [group.rows for group in found.groups] == [change("1", "1")]


def test_a_version_without_its_parts_cannot_be_compared_and_says_why(lake: Lakehouse) -> None:
    published(lake, "run-1", plan_of("a.csv"), activities_of(("1", "1")))
    [part] = [file.part for file in lake.table.records()[0].files]
    published(lake, "run-2", plan_of("b.csv", manifest_etag="m2"), activities_of(("2", "1")))
    Path(path_of(str(part))).unlink()

    with pytest.raises(NotFoundError, match="vacuumed") as error:
        diff_versions(lake.table, WarehousePartTotals(lake.warehouse), Asked(JANUARY))

    assert error.value.code == "vacuumed"


def test_a_damaged_part_is_no_answer(lake: Lakehouse) -> None:
    published(lake, "run-1", plan_of("a.csv"), activities_of(("1", "1")))
    published(lake, "run-2", plan_of("b.csv", manifest_etag="m2"), activities_of(("2", "1")))
    [part] = [Path(path_of(str(file.part))) for file in lake.table.records()[0].files]
    part.chmod(0o644)
    part.write_bytes(part.read_bytes()[:-20])

    with pytest.raises(FatalError, match="cannot be read"):
        diff_versions(lake.table, WarehousePartTotals(lake.warehouse), Asked(JANUARY))


def test_a_forgotten_month_is_gone_for_readers_and_back_with_the_next_ingest(lake: Lakehouse, fake: FakeWorld) -> None:
    fake.deliver(month())
    [first] = fake.ingest()
    before = scan(lake.table).collect()
    lake.table.forget(lake.table.records()[0].slot, NOON)

    assert scan(lake.table).collect().height == 0
    assert lake.tables.get("org-123").scan().to_arrow().num_rows == 0
    fetched = fake.bucket().calls["fetch"]

    [again] = fake.ingest(trigger_id="t2")

    assert again.state is RunState.PUBLISHED
    assert again.run_id != first.run_id
    assert fake.bucket().calls["fetch"] == fetched
    assert scan(lake.table).collect().equals(before)
    [found] = history(lake.table, JANUARY)
    assert [record.run_id for record in found.versions] == [again.run_id, first.run_id]


def refused_by_name(report: RunReport, first: str) -> None:
    """The run was refused as counting twice, and says what to do about which other source."""
    [failure] = report.errors
    assert report.state is RunState.FAILED
    assert failure.code == "counted_twice"
    assert f"{first!r}" in failure.message
    assert f"offgridflow forget {first} --period 2024-01" in failure.remedy


def deliver(fake: FakeWorld, source: Source) -> None:
    """The same month, as the source's own report has it."""
    layout = Layout.EXPORT if source is EXPORT else Layout.LEGACY
    fake.deliver(replace(month(), layout=layout, prefix=source.location.prefix.rstrip("/")), source)


@pytest.mark.parametrize(
    ("first", "second"), [(ACME, TWICE), (ACME, EXPORT), (EXPORT, ACME)], ids=lambda source: source.name
)
def test_a_month_is_never_counted_twice_whether_configured_twice_or_migrated(
    lake: Lakehouse, fake: FakeWorld, first: Source, second: Source
) -> None:
    deliver(fake, first)
    deliver(fake, second)
    [published_one] = fake.ingest(first)
    before = scan(lake.table).collect()

    [refused] = fake.ingest(second, trigger_id="t2")

    assert published_one.state is RunState.PUBLISHED
    refused_by_name(refused, first.name)
    assert scan(lake.table).collect().equals(before)


def test_once_the_first_is_forgotten_the_other_source_publishes_the_month(lake: Lakehouse, fake: FakeWorld) -> None:
    deliver(fake, ACME)
    deliver(fake, EXPORT)
    fake.ingest(ACME)
    lake.table.forget(Slot("org-123", "acme", CUR, JANUARY), NOON)

    [report] = fake.ingest(EXPORT, trigger_id="t2")

    assert report.state is RunState.PUBLISHED
    assert set(scan(lake.table).collect()["source_name"]) == {"acme-export"}


@pytest.mark.parametrize("first", [CUR, CARBON])
def test_usage_and_emissions_of_one_month_are_replaced_without_each_other(lake: Lakehouse, first: str) -> None:
    usage = [plan_of("u1.csv", "u2.csv"), plan_of("u3.csv", keep=("u2.csv",), manifest_etag="m2")]
    emissions = [carbon("c1.csv", "c2.csv"), carbon("c3.csv", keep=("c2.csv",), manifest_etag="c2")]
    turns = zip(usage, emissions, strict=True) if first == CUR else zip(emissions, usage, strict=True)
    rows = activities_of(("1", "0.1"))

    seen = []
    for number, turn in enumerate(turns):
        for plan in turn:
            published(lake, f"run-{number}", plan, rows)
            seen.append(partitions(lake))

    final = {CUR: {"u2.csv", "u3.csv"}, CARBON: {"c2.csv", "c3.csv"}}
    halfway = {CUR: {"u1.csv", "u2.csv"}, CARBON: {"c1.csv", "c2.csv"}}
    other = CARBON if first == CUR else CUR
    assert seen == [{first: halfway[first]}, halfway, {first: final[first], other: halfway[other]}, final]
    assert scan(lake.table).collect().height == 4
    assert {record.slot.source for record in lake.table.records()} == {CUR, CARBON}


def test_emissions_are_forgotten_without_the_usage_of_the_month(lake: Lakehouse) -> None:
    published(lake, "run-1", plan_of("u1.csv"), activities_of(("1", "1")))
    published(lake, "run-2", carbon("c1.csv"), activities_of(("2", "0")))

    lake.table.forget(carbon().slot, NOON)

    assert partitions(lake) == {CUR: {"u1.csv"}}
