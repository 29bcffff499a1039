from __future__ import annotations

import pytest

from worker.domain.columns import REQUIRED, bind, cur2_name
from worker.domain.errors import BadRequestError

LEGACY = [
    "lineItem/UsageStartDate",
    "lineItem/UsageEndDate",
    "lineItem/UsageAccountId",
    "lineItem/ProductCode",
    "lineItem/UsageType",
    "lineItem/LineItemType",
    "lineItem/UsageAmount",
]


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("lineItem/UsageStartDate", "line_item_usage_start_date"),
        ("product/ProductName", "product_product_name"),
        ("reservation/ReservationARN", "reservation_reservation_a_r_n"),
        ("savingsPlan/SavingsPlanARN", "savings_plan_savings_plan_a_r_n"),
        ("resourceTags/user:Name", "resource_tags_user_name"),
        ("line_item_usage_amount", "line_item_usage_amount"),
    ],
)
def test_one_normalisation_turns_legacy_headers_into_cur2_names(header: str, name: str) -> None:
    assert cur2_name(header) == name


@pytest.mark.parametrize(
    "header",
    [
        LEGACY,
        list(REQUIRED),
        [name.upper() for name in REQUIRED],
        [header.lower() for header in LEGACY],
        [header[0].upper() + header[1:] for header in LEGACY],
    ],
)
def test_columns_are_bound_in_any_spelling(header: list[str]) -> None:
    assert bind(header, "a.csv").positions == dict(zip(REQUIRED, range(len(REQUIRED)), strict=True))


def test_columns_are_bound_in_any_order_and_unknown_ones_ignored() -> None:
    binding = bind(["", "new/Column", *reversed(LEGACY)], "a.csv")

    assert binding.positions["line_item_usage_amount"] == 2
    assert binding.width == len(LEGACY) + 2


def test_tags_are_kept_under_the_key_that_cur2_gives_them() -> None:
    binding = bind([*LEGACY, "resourceTags/user:Cost.Center", "resourceTags/user:name", "resourceTags/user:Name"], "a")

    assert binding.tag_keys == ("user_cost_center", "user_name")
    assert [tag.position for tag in binding.tags] == [7, 8, 9]


def test_a_missing_required_column_is_named() -> None:
    with pytest.raises(BadRequestError, match="line_item_usage_amount"):
        bind(LEGACY[:-1], "a.csv")


def test_a_column_that_is_there_twice_is_refused() -> None:
    with pytest.raises(BadRequestError, match="twice"):
        bind([*LEGACY, "lineItem/UsageAmount"], "a.csv")
