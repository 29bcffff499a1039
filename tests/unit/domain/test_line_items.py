from __future__ import annotations

from decimal import Decimal

import pytest

from tests.unit.domain.line_items import batch, rules
from worker.domain.balance import Tally
from worker.domain.line_items import judge, tally


@pytest.mark.parametrize(
    ("change", "fate", "why"),
    [
        ({}, "activity", None),
        ({"line_item_line_item_type": "DiscountedUsage"}, "activity", None),
        ({"line_item_line_item_type": "SavingsPlanCoveredUsage"}, "activity", None),
        ({"line_item_usage_amount": "0"}, "activity", None),
        ({"line_item_unblended_cost": ""}, "activity", None),
        ({"bill_billing_period_start_date": None}, "activity", None),
        ({"bill_billing_period_start_date": "2024-01-01 00:00:00.000"}, "activity", None),
        ({"line_item_usage_start_date": "2023-12-31T23:00:00Z"}, "activity", None),
        ({"line_item_line_item_type": "Tax", "line_item_usage_amount": ""}, "excluded", "Tax"),
        ({"line_item_line_item_type": "SavingsPlanNegation"}, "excluded", "SavingsPlanNegation"),
        ({"line_item_line_item_type": "Credit", "line_item_usage_amount": "-1"}, "excluded", "Credit"),
        ({"line_item_line_item_type": "RIFee", "line_item_usage_start_date": "?"}, "excluded", "RIFee"),
        ({"line_item_line_item_type": None}, "excluded", "Untyped"),
        ({"split_line_item_parent_resource_id": "i-1"}, "excluded", "SplitLineItem"),
        ({"line_item_usage_type": "USE1-HostBoxUsage:m5.large"}, "excluded", "DedicatedHostInstance"),
        ({"line_item_usage_type": "USE1-HostUsage:m5"}, "activity", None),
        ({"bill_billing_period_start_date": "2023-12-01T00:00:00Z"}, "rejected", "other_billing_period"),
        (
            {"bill_billing_period_start_date": "", "line_item_usage_start_date": "2023-12-31"},
            "rejected",
            "other_billing_period",
        ),
        ({"line_item_usage_amount": "1,000.5"}, "rejected", "bad_number"),
        ({"line_item_usage_amount": "NaN"}, "rejected", "bad_number"),
        ({"line_item_usage_amount": ""}, "rejected", "bad_number"),
        ({"line_item_unblended_cost": "free"}, "rejected", "bad_number"),
        ({"line_item_line_item_type": "Tax", "line_item_usage_amount": "x"}, "rejected", "bad_number"),
        ({"line_item_usage_amount": "-0.1"}, "rejected", "negative_usage"),
        ({"line_item_usage_start_date": "2024-01-01T00:00:00+02:00"}, "rejected", "bad_timestamp"),
        ({"line_item_usage_end_date": ""}, "rejected", "bad_timestamp"),
        ({"line_item_usage_end_date": "2024-01-01T00:00:00Z"}, "rejected", "period_reversed"),
        ({"line_item_usage_account_id": ""}, "rejected", "missing_account"),
        ({"line_item_product_code": ""}, "rejected", "missing_service"),
        ({"line_item_product_code": "", "product_servicecode": "AmazonEC2"}, "activity", None),
    ],
)
def test_every_row_is_an_activity_an_exclusion_or_a_rejection(
    change: dict[str, str | None], fate: str, why: str | None
) -> None:
    judged = judge(batch(change), rules())

    assert judged.select("fate", "why").row(0) == (fate, why)


def test_rows_of_other_accounts_are_excluded_first_but_not_before_what_cannot_be_trusted() -> None:
    rows = batch({}, {"line_item_line_item_type": "Tax"}, {"line_item_usage_amount": "x"})

    judged = judge(rows, rules(account_filter="999999999999"))

    assert judged["why"].to_list() == ["OtherAccount", "OtherAccount", "bad_number"]


def test_a_row_with_more_fields_than_the_header_is_ragged_whatever_it_seems_to_say() -> None:
    judged = judge(batch({"line_item_line_item_type": "Tax"}, is_ragged=[True]), rules())

    assert judged.select("fate", "why").row(0) == ("rejected", "ragged_row")


@pytest.mark.parametrize(
    "shape", ["2024-01-31T10:00:00Z", "2024-01-31T10:00:00.000Z", "2024-01-31 10:00:00", "2024-01-31 10:00:00+00:00"]
)
def test_times_are_read_in_every_shape_that_aws_writes(shape: str) -> None:
    [ends] = judge(batch({"line_item_usage_end_date": shape}), rules())["ends"]

    assert ends.isoformat() == "2024-01-31T10:00:00+00:00"


@pytest.mark.parametrize(
    ("written", "read", "rounded"),
    [
        ("3.34E-8", "0.0000000334", 0),
        ("1e15", "1000000000000000", 0),
        ("0.1000000000000000000000000000", "0.1", 0),
        ("0.00752409294659086345678901", "0.007524092946590863", 1),
        ("0.0000000000000000015", "0.000000000000000002", 1),
        ("0.0000000000000000025", "0.000000000000000002", 1),
        ("1.5E-18", "0.000000000000000002", 1),
        (".5", "0.5", 0),
    ],
)
def test_amounts_are_exact_and_what_was_rounded_is_counted(written: str, read: str, rounded: int) -> None:
    judged = judge(batch({"line_item_usage_amount": written}), rules())

    assert judged["usage"][0] == Decimal(read)
    assert tally(judged).rounded == rounded


def test_a_tally_balances_and_counts_by_type_and_reason() -> None:
    rows = batch(
        {},
        {"line_item_line_item_type": "Tax", "line_item_usage_amount": "1", "line_item_unblended_cost": "2"},
        {"line_item_usage_amount": "x"},
        {"line_item_usage_amount": "-3", "bill_invoice_id": ""},
    )

    balance = tally(judge(rows, rules()))

    balance.check("the batch")
    assert balance.read == Tally(4, Decimal(728), Decimal("24.7760"))
    assert balance.activities == Tally(1, Decimal(730), Decimal("7.592"))
    assert balance.excluded_by_type == {"Tax": 1}
    assert balance.rejected_by_reason == {"bad_number": 1, "negative_usage": 1}
    assert balance.by_line_item_type["Tax"] == Tally(1, Decimal(1), Decimal(2))
    assert (balance.unparsable, balance.uninvoiced) == (1, 0)


def test_amounts_too_large_for_a_column_of_sums_are_summed_all_the_same() -> None:
    huge = "99999999999999999999.999999999999999999"
    row: dict[str, str | None] = {"line_item_usage_amount": huge}
    judged = judge(batch(row, row, row), rules())

    balance = tally(judged)

    balance.check("the batch")
    assert balance.read.usage == Decimal("299999999999999999999.999999999999999997")


def test_an_empty_batch_balances() -> None:
    balance = tally(judge(batch({}).clear(), rules()))

    balance.check("nothing")
    assert balance.read == Tally()
