from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.domain.figures import batch, rules
from worker.domain.balance import Tally
from worker.domain.emission_activities import activities, rejections
from worker.domain.emission_columns import EMISSIONS
from worker.domain.emissions import judge, tally

TOTAL = "total_lbm_emissions_value"
UNIT = "total_lbm_emissions_unit"


@pytest.mark.parametrize(
    ("change", "fate", "why"),
    [
        ({}, "activity", None),
        ({TOTAL: "0"}, "activity", None),
        ({TOTAL: "-0.0"}, "activity", None),
        ({TOTAL: "4.2e-06"}, "activity", None),
        ({"product_code": ""}, "activity", None),
        ({"region_code": None, "location": None}, "activity", None),
        ({"payer_account_id": None, "model_version": None}, "activity", None),
        ({"usage_period_start": "2024-01-01T00:00:00Z", "usage_period_end": "2024-01-31 23:59:59Z"}, "activity", None),
        ({TOTAL: None}, "excluded", "NotReported"),
        ({TOTAL: "", UNIT: ""}, "excluded", "NotReported"),
        ({TOTAL: "NaN"}, "rejected", "bad_number"),
        ({TOTAL: "inf"}, "rejected", "bad_number"),
        ({TOTAL: "1,5"}, "rejected", "bad_number"),
        ({TOTAL: "-0.1"}, "rejected", "negative_emissions"),
        ({UNIT: "kgCO2e"}, "rejected", "unknown_unit"),
        ({UNIT: None}, "rejected", "unknown_unit"),
        ({"usage_period_start": "2023-12-01 00:00:00Z"}, "rejected", "other_billing_period"),
        ({"usage_period_start": None}, "rejected", "other_billing_period"),
        ({"usage_period_end": "2024-04-01 00:00:00Z"}, "rejected", "other_billing_period"),
        ({"usage_period_start": "2024-01-01 00:00:00+02:00"}, "rejected", "bad_timestamp"),
        ({"usage_period_end": None}, "rejected", "bad_timestamp"),
        ({"usage_period_end": "2024-01-01 00:00:00Z"}, "rejected", "period_reversed"),
        ({"usage_account_id": ""}, "rejected", "missing_account"),
    ],
)
def test_every_figure_is_an_activity_an_exclusion_or_a_rejection(
    change: dict[str, str | None], fate: str, why: str | None
) -> None:
    judged = judge(batch(change), rules())

    assert judged.height == 7
    assert judged.filter(figure="total_lbm").select("fate", "why").row(0) == (fate, why)


def test_each_figure_has_its_own_fate() -> None:
    judged = judge(batch({TOTAL: "x", "total_mbm_emissions_value": "-1", "total_scope_1_emissions_value": ""}), rules())

    fates = dict(judged.select("figure", "fate").iter_rows())
    assert fates == {
        "total_lbm": "rejected",
        "total_mbm": "rejected",
        "scope1": "excluded",
        "scope2_lbm": "activity",
        "scope2_mbm": "activity",
        "scope3_lbm": "activity",
        "scope3_mbm": "activity",
    }


def test_other_accounts_are_excluded_first_but_not_before_what_cannot_be_trusted() -> None:
    judged = judge(batch({}, {TOTAL: None}, {TOTAL: "x"}), rules(account_filter="999999999999"))

    assert judged.filter(figure="total_lbm")["why"].to_list() == ["OtherAccount", "OtherAccount", "bad_number"]


def test_the_filtered_account_is_kept() -> None:
    judged = judge(batch({}), rules(account_filter="222222222222"))

    assert set(judged["fate"]) == {"activity"}


def test_nothing_of_a_ragged_row_is_believed() -> None:
    judged = judge(batch({TOTAL: None}, is_ragged=[True]), rules())

    assert set(judged["why"]) == {"ragged_row"}


def test_a_tally_balances_and_keeps_the_figures_apart() -> None:
    rows = batch({}, {TOTAL: "0.1000000000000000055"}, {TOTAL: None, UNIT: None}, {TOTAL: "x"}, {UNIT: "kg"})

    balance = tally(judge(rows, rules()))

    balance.check("the batch")
    assert balance.read == Tally(35, Decimal("7.800000000000000006"))
    assert balance.by_line_item_type["total_lbm"] == Tally(5, Decimal("1.300000000000000006"))
    assert balance.by_line_item_type["scope1"] == Tally(5, Decimal("0.5"))
    assert balance.excluded_by_type == {"NotReported": 1}
    assert balance.rejected_by_reason == {"bad_number": 1, "unknown_unit": 1}
    assert (balance.rounded, balance.unparsable) == (1, 1)


def test_an_estimate_is_final_when_it_is_given() -> None:
    assert tally(judge(batch({}), rules())).is_final


def test_figures_too_large_for_a_column_of_sums_are_summed_all_the_same() -> None:
    huge: dict[str, str | None] = {TOTAL: "99999999999999999999.999999999999999999"}

    balance = tally(judge(batch(huge, huge), rules()))

    balance.check("the batch")
    assert balance.by_line_item_type["total_lbm"].usage == Decimal("199999999999999999999.999999999999999998")


def test_an_empty_batch_balances() -> None:
    balance = tally(judge(batch({}).clear(), rules()))

    balance.check("nothing")
    assert balance.read == Tally()


likely = st.sampled_from(
    ["", "1", "-1", "1e-6", "9" * 20, "NaN", "2024-01-01 00:00:00Z", "2024-01-32", "MTCO2e", "Global"]
)
rows = st.dictionaries(st.sampled_from(EMISSIONS.names), st.none() | likely | st.text(max_size=12))


@given(st.lists(rows, min_size=1, max_size=5))
def test_whatever_stands_in_a_row_it_balances(changes: list[dict[str, str | None]]) -> None:
    judged = judge(batch(*changes), rules())

    made, _ = activities(judged, rules())

    balance = tally(judged)
    balance.check("the batch")
    assert balance.read.rows == 7 * len(changes)
    assert (made.height, rejections(judged, "f").height) == (balance.activities.rows, balance.rejected.rows)
    assert made["quantity"].null_count() == made["account_id"].null_count() == 0
