from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import polars as pl
import pytest

from tests.unit.domain.figures import batch, rules
from worker.domain.activity_json import activity_lines
from worker.domain.emission_activities import SAME_FOR_ALL, activities, rejections
from worker.domain.emissions import judge
from worker.domain.schema import activity_schema, rejection_schema

TOTAL = "total_lbm_emissions_value"


def converted(*changes: dict[str, str | None]) -> pl.DataFrame:
    return activities(judge(batch(*changes), rules()), rules())[0]


def notes(*changes: dict[str, str | None]) -> dict[str, int]:
    return dict(activities(judge(batch(*changes), rules()), rules())[1].notes)


def test_convert_carbon_to_activities() -> None:
    [activity] = converted({}).filter(scope="scope2", method="lbm").rows(named=True)

    assert activity["activity_id"] == "dddddddddddddddd-1-scope2-lbm"
    assert (activity["category"], activity["location"], activity["region"]) == ("cloud_compute", "US-EAST", "us-east-1")
    assert (activity["quantity"], activity["unit"], activity["pricing_unit"]) == (Decimal("0.2"), "tonne", "MTCO2e")
    assert activity["period_start"] == datetime(2024, 1, 1, tzinfo=UTC)
    assert activity["period_end"] == datetime(2024, 2, 1, tzinfo=UTC)
    assert (activity["account_id"], activity["payer_account_id"]) == ("222222222222", "111122223333")
    assert (activity["service_code"], activity["model_version"], activity["cost"]) == ("AmazonEC2", "v3.0.0", None)
    assert activity["external_id"] == "aws_222222222222_AmazonEC2_us-east-1_2024-01_scope2_lbm"


def test_scopes_and_methods_are_kept_apart() -> None:
    frame = converted({}).select("scope", "method", pl.col("quantity").cast(pl.String).str.slice(0, 3))

    assert frame.rows() == [
        ("total", "lbm", "0.6"),
        ("total", "mbm", "0.4"),
        ("scope1", None, "0.1"),
        ("scope2", "lbm", "0.2"),
        ("scope2", "mbm", "0.0"),
        ("scope3", "lbm", "0.3"),
        ("scope3", "mbm", "0.3"),
    ]


def test_the_columns_are_those_of_the_table() -> None:
    expected = {name: kind for name, kind in activity_schema().items() if name not in SAME_FOR_ALL}

    assert converted({}).schema == expected
    assert converted({"usage_account_id": ""}).schema == expected


def test_ids_are_distinct_by_account_region_service_scope_and_method() -> None:
    others: list[dict[str, str | None]] = [
        {"usage_account_id": "3"},
        {"region_code": "eu-west-1"},
        {"product_code": "AmazonS3"},
    ]
    blank: list[dict[str, str | None]] = [
        {"product_code": ""},
        {"region_code": "", "location": ""},
        {"region_code": "Global"},
    ]

    frame = converted({}, *others, *blank)

    assert frame["activity_id"].n_unique() == frame["external_id"].n_unique() == frame.height == 49


@pytest.mark.parametrize(
    ("code", "name", "region", "location", "noted"),
    [
        ("eu-west-3", "Europe (Paris)", "eu-west-3", "EU-WEST", 0),
        ("", "Europe (Paris)", "eu-west-3", "EU-WEST", 0),
        ("US East (Ohio)", None, "us-east-2", "US-EAST", 0),
        ("Global", None, "Global", "GLOBAL", 0),
        (None, "Global", "Global", "GLOBAL", 0),
        ("xx-new-1", "Atlantis", "xx-new-1", "GLOBAL", 0),
        (None, "Atlantis", None, "GLOBAL", 7),
        (None, None, None, "GLOBAL", 7),
    ],
)
def test_a_region_is_known_by_its_code_or_its_name(
    code: str | None, name: str | None, region: str | None, location: str, noted: int
) -> None:
    change = {"region_code": code, "location": name}

    assert set(converted(change).select("region", "location").iter_rows()) == {(region, location)}
    assert notes(change) == ({"region_unknown": noted} if noted else {})


@pytest.mark.parametrize(
    ("service", "category"),
    [
        ("AmazonEC2", "cloud_compute"),
        ("Amazon EC2", "cloud_compute"),
        ("EC2", "cloud_compute"),
        ("AmazonS3", "cloud_storage"),
        ("Amazon S3", "cloud_storage"),
        ("S3", "cloud_storage"),
        ("AWSLambda", "cloud_compute_serverless"),
        ("AmazonCloudFront", "cloud_cdn"),
        ("Other", "cloud_other"),
    ],
)
def test_the_category_is_the_services_however_it_is_spelled(service: str, category: str) -> None:
    frame = converted({"product_code": service})

    assert set(frame.select("service_code", "category").iter_rows()) == {(service, category)}


def test_emissions_of_no_service_in_particular_are_kept_and_counted() -> None:
    frame = converted({"product_code": ""})

    assert set(frame.select("service_code", "category").iter_rows()) == {(None, "cloud_other")}
    assert notes({"product_code": ""}) == {"service_unknown": 7}


@pytest.mark.parametrize(
    ("total", "counted"),
    [("0.6", 0), ("0.600002", 0), ("0.599998", 0), ("0.600003", 1), ("0.5", 1), ("", 0), ("x", 0)],
)
def test_a_total_that_is_not_the_sum_of_its_scopes_is_counted_and_published_as_it_is(total: str, counted: int) -> None:
    change: dict[str, str | None] = {TOTAL: total}

    assert notes(change) == ({"totals_differ": counted} if counted else {})
    assert "0.2" in converted(change)["quantity"].cast(pl.String).str.slice(0, 3).to_list()


def test_a_row_whose_totals_differ_by_both_methods_is_one() -> None:
    assert notes({}, {TOTAL: "9", "total_mbm_emissions_value": "9"}) == {"totals_differ": 1}


def test_figures_beyond_all_bounds_are_compared_all_the_same() -> None:
    assert notes({TOTAL: "99999999999999999999"}) == {"totals_differ": 1}


@pytest.mark.parametrize(
    ("change", "reason", "column", "value"),
    [
        ({TOTAL: "x"}, "bad_number", TOTAL, "x"),
        ({TOTAL: "-1"}, "negative_emissions", TOTAL, "-1"),
        ({"total_lbm_emissions_unit": "kg"}, "unknown_unit", "total_lbm_emissions_unit", "kg"),
        ({"usage_account_id": ""}, "missing_account", "usage_account_id", ""),
        ({"usage_period_start": "2024-01"}, "bad_timestamp", "usage_period_start", "2024-01"),
        ({"usage_period_end": "soon"}, "bad_timestamp", "usage_period_end", "soon"),
        ({"usage_period_start": "2023-01-01 00:00:00Z"}, "other_billing_period", "usage_period_start", None),
    ],
)
def test_a_rejection_says_why_and_which_column_is_to_blame(
    change: dict[str, str | None], reason: str, column: str, value: str | None
) -> None:
    frame = rejections(judge(batch({}, change), rules()), "carbon.csv")

    assert frame.schema == rejection_schema()
    [rejected] = frame.filter(line_item_type="total_lbm").rows(named=True)
    assert (rejected["source_file"], rejected["source_row"], rejected["reason"]) == ("carbon.csv", 2, reason)
    assert (rejected["column"], rejected["value"]) == (column, change[column] if value is None else value)


def test_the_founding_activity_of_an_estimate() -> None:
    same: dict[str, str | None] = dict.fromkeys(SAME_FOR_ALL) | {"source": "aws_carbon_footprint"}
    frame = converted({}).head(1).with_columns(**{name: pl.lit(text, pl.String) for name, text in same.items()})

    [line] = activity_lines(frame.with_columns(published_at=pl.lit("2024-02-21T00:00:00Z"), attempts=pl.lit(1)))

    assert '"quantity":0.6,"unit":"tonne"' in line
    assert '"category":"cloud_compute","location":"US-EAST"' in line
    assert '"emission_scope":"total","emission_method":"lbm"' in line
    assert '"data_source":"aws_carbon_footprint_tool"' in line
