"""Acceptance criteria 7 to 10: what a row means, and that none is lost, doubled or bought."""

from __future__ import annotations

import csv
import gzip
from collections import Counter
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from random import Random

import polars as pl
import pytest

from tests.fakes.plans import ACME
from tests.fakes.world import FakeWorld, month
from tests.unit.domain.line_items import batch, rules
from worker.adapters.sample_columns import line_item
from worker.adapters.sample_month import Delivery
from worker.adapters.sample_rows import sample_lines
from worker.domain.activities import activities
from worker.domain.billing_period import BillingPeriod
from worker.domain.line_items import Rules, judge
from worker.domain.report import RunReport

JANUARY = BillingPeriod(2024, 1)
KINDS = ("Usage", "DiscountedUsage", "SavingsPlanCoveredUsage")
NO_USAGE = (
    "Tax", "Fee", "Credit", "Refund", "RIFee", "SavingsPlanNegation", "SavingsPlanRecurringFee", "SavingsPlanUpfrontFee",
    "BundledDiscount", "EdpDiscount",
)  # fmt: skip


@pytest.fixture
def fake(tmp_path: Path) -> FakeWorld:
    return FakeWorld(tmp_path)


def only(reports: tuple[RunReport, ...]) -> RunReport:
    [report] = reports
    return report


def test_ac7_rows_that_look_the_same_all_survive(fake: FakeWorld) -> None:
    twin = line_item("2024-01", identity_line_item_id="not-unique")
    fake.deliver(month("2024-01", twin, twin, twin))

    report = only(fake.ingest())

    assert report.balance.activities.rows == 3
    assert report.balance.activities.usage == 3 * Decimal(twin["line_item_usage_amount"])


def counted(fake: FakeWorld, delivery: Delivery) -> tuple[Counter[str], dict[str, Decimal], dict[str, Decimal]]:
    """Rows, usage and cost by line item type, by nothing but csv and decimal."""
    rows: Counter[str] = Counter()
    usage: dict[str, Decimal] = {}
    cost: dict[str, Decimal] = {}
    for key in delivery.files:
        text = gzip.decompress(fake.bucket().objects[key].body).decode().splitlines()
        for row in csv.DictReader(text):
            kind = row["lineItem/LineItemType"]
            rows[kind] += 1
            usage[kind] = usage.get(kind, Decimal(0)) + number(row["lineItem/UsageAmount"])
            cost[kind] = cost.get(kind, Decimal(0)) + number(row["lineItem/UnblendedCost"])
    return rows, usage, cost


def number(text: str) -> Decimal:
    """The amount at 18 decimals; what is no number counts nothing."""
    try:
        return Decimal(text or "0").quantize(Decimal(1).scaleb(-18))
    except ArithmeticError:
        return Decimal(0)


def test_ac8_rows_usage_and_cost_of_every_type_agree_with_an_independent_pass(fake: FakeWorld) -> None:
    lines = sample_lines(JANUARY, 400, Random(8), "1")
    delivery = fake.deliver(replace(month("2024-01", *(line.row for line in lines)), rows_per_file=150))

    report = only(fake.ingest())

    report.balance.check("the month")
    rows, usage, cost = counted(fake, delivery)
    found = report.balance.by_line_item_type
    assert {kind: tally.rows for kind, tally in found.items()} == dict(rows)
    assert {kind: tally.usage for kind, tally in found.items()} == usage
    assert {kind: tally.cost for kind, tally in found.items()} == cost


def test_ac8_a_month_that_does_not_balance_is_not_published(fake: FakeWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    fake.deliver(month("2024-01", line_item("2024-01"), line_item("2024-01")))
    monkeypatch.setattr("worker.services.convert_file.tally", lambda judged: tally_of(judged.head(1)))

    report = only(fake.ingest())

    [failure] = report.errors
    assert failure.code == "unbalanced"
    assert fake.table.records() == ()


def tally_of(judged: pl.DataFrame) -> object:
    from worker.domain.line_items import tally

    return tally(judged)


@pytest.mark.parametrize("kind", KINDS)
def test_ac9_usage_types_are_activities(kind: str) -> None:
    judged = judge(batch({"line_item_line_item_type": kind}), rules())

    assert judged["fate"].to_list() == ["activity"]


@pytest.mark.parametrize("kind", NO_USAGE)
def test_ac9_everything_else_is_excluded_by_its_type(kind: str) -> None:
    judged = judge(batch({"line_item_line_item_type": kind}), rules())

    assert judged.select("fate", "why").row(0) == ("excluded", kind)


def test_ac9_split_rows_and_instances_on_a_dedicated_host_repeat_usage() -> None:
    rows = batch(
        {"split_line_item_parent_resource_id": "i-1"},
        {"line_item_usage_type": "EUC1-HostBoxUsage:m5.large"},
        {"line_item_usage_type": "EUC1-HostUsage:m5"},
    )

    judged = judge(rows, rules())

    assert judged["why"].to_list() == ["SplitLineItem", "DedicatedHostInstance", None]


def test_ac10_activities_are_the_same_when_everything_is_free() -> None:
    rows = [dict(line.row) for line in sample_lines(JANUARY, 200, Random(10), "1")]
    free = [row | {"line_item_unblended_cost": "0"} for row in rows if row["line_item_unblended_cost"] != "n/a"]
    paid = [row for row in rows if row["line_item_unblended_cost"] != "n/a"]

    assert usage_of(free).equals(usage_of(paid))


def usage_of(rows: list[dict[str, str]]) -> pl.DataFrame:
    known = set(batch({}).columns)
    of_month = Rules("d" * 16, JANUARY, ACME.account_id, rules().columns)
    changes: list[dict[str, str | None]] = [{name: row[name] for name in row.keys() & known} for row in rows]
    frame, _ = activities(judge(batch(*changes), of_month), of_month)
    return frame.drop("cost")
