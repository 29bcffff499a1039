from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import polars as pl

from tests.fakes.lakehouse import activities_of
from worker.domain.balance import Tally
from worker.domain.restatement import Change, GroupChange, restated, total, totals

LARGEST = "99999999999999999999.999999999999999999"
SMALLEST = "0.000000000000000001"


def summed(*amounts: tuple[str, str], **columns: Sequence[str | None]) -> pl.DataFrame:
    """The totals of such activities; what is not said of a column is the same for all."""
    return totals(activities_of(*amounts, **columns).lazy()).collect()


def change(before: str, after: str) -> Change:
    return Change(Decimal(before), Decimal(after))


def test_the_same_activities_are_no_change() -> None:
    same = summed(("1", "0.1"), ("2", "0.2"))

    assert restated(same, same) == ()


def test_a_group_that_changed_has_its_rows_its_usage_by_unit_and_its_cost() -> None:
    before = summed(("1", "0.1"), ("5", "0.5"), service_code=["EC2", "S3"], unit=["Hrs", "GB"])
    after = summed(
        ("1.5", "0.1"), ("2", "0.2"), ("5", "0.5"), service_code=["EC2", "EC2", "S3"], unit=["Hrs", "GB", "GB"]
    )

    [group] = restated(before, after)

    assert group == GroupChange(
        service="EC2",
        account="a account_id",
        region="a region",
        currency="a currency",
        rows=change("1", "2"),
        cost=change("0.1", "0.3"),
        usage={"GB": change("0", "2"), "Hrs": change("1", "1.5")},
    )
    assert group.cost.by == Decimal("0.2")


def test_usage_that_did_not_change_is_left_out_of_a_group_that_did() -> None:
    before = summed(("1", "0.1"), ("5", "0.5"), unit=["Hrs", "GB"])
    after = summed(("1", "0.3"), ("6", "0.5"), unit=["Hrs", "GB"])

    [group] = restated(before, after)

    assert group.usage == {"GB": change("5", "6")}


def test_a_change_of_unit_alone_is_one() -> None:
    before, after = summed(("1", "0.1"), unit=["Hrs"]), summed(("1", "0.1"), unit=["Lambda-GB-Second"])

    [group] = restated(before, after)

    assert not group.rows.by
    assert group.usage == {"Hrs": change("1", "0"), "Lambda-GB-Second": change("0", "1")}


def test_accounts_regions_and_currencies_are_told_apart_and_come_in_order() -> None:
    whose: dict[str, list[str | None]] = {
        "account_id": ["2", "1", "1", "1"],
        "region": ["eu", "eu", None, "eu"],
        "currency": ["USD", "USD", "USD", "CNY"],
    }
    after = summed(("1", "1"), ("1", "1"), ("1", "1"), ("1", "1"), **whose)

    groups = restated(summed(), after)

    assert [(each.account, each.region, each.currency) for each in groups] == [
        ("1", "", "USD"),
        ("1", "eu", "CNY"),
        ("1", "eu", "USD"),
        ("2", "eu", "USD"),
    ]


def test_a_group_that_is_gone_falls_to_nothing() -> None:
    [group] = restated(summed(("2", "0.5")), summed())

    assert (group.rows.by, group.cost.by) == (Decimal(-1), Decimal("-0.5"))


def test_sums_are_exact_beyond_what_a_column_can_hold() -> None:
    before = summed(*[(LARGEST, LARGEST)] * 200)
    after = summed(*[(LARGEST, LARGEST)] * 200, (SMALLEST, SMALLEST))

    [group] = restated(before, after)

    assert group.cost.before == Decimal("19999999999999999999999.9999999999999998")
    assert group.cost.by == Decimal(SMALLEST)
    assert next(iter(group.usage.values())).by == Decimal(SMALLEST)


def test_negative_costs_are_added_up() -> None:
    [group] = restated(summed(("1", "-0.25")), summed(("1", "-0.25"), ("0", "-1.5")))

    assert group.cost == change("-0.25", "-1.75")


def test_an_absent_cost_counts_as_zero() -> None:
    rows = activities_of(("1", "1")).with_columns(cost=pl.lit(None, pl.Decimal(38, 18)), scope=None, method=None)

    [group] = restated(totals(rows.lazy()).collect(), summed(("1", "0.5")))

    assert group.cost == change("0", "0.5")


def test_an_estimates_total_and_its_parts_are_never_added_up() -> None:
    after = summed(("3", "0"), ("1", "0"), unit=["kg", "kg"], scope=["total", "scope1"], method=["lbm", None])

    [group] = restated(summed(), after)

    assert group.usage == {"kg scope1": change("0", "1"), "kg total lbm": change("0", "3")}


def test_the_total_is_that_of_all_groups() -> None:
    assert total(summed(("1", "0.1"), ("2", "0.2"), unit=["Hrs", "GB"])) == Tally(2, Decimal(3), Decimal("0.3"))
    assert total(summed()) == Tally()
