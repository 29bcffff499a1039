from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import polars as pl
import pytest

from tests.fakes.frames import joined
from tests.unit.domain.line_items import EC2_HOUR, batch, rules
from worker.domain.activities import activities, rejections
from worker.domain.activity_json import activity_lines
from worker.domain.line_items import judge
from worker.domain.schema import CONSTANT_COLUMNS, activity_schema, rejection_schema

NO_REGION = {"product_region": None}


def converted(*changes: dict[str, str | None], **extra: list[object]) -> pl.DataFrame:
    return activities(judge(batch(*changes, **extra), rules()), rules())[0]


def test_convert_cur_to_activities() -> None:
    [activity] = converted({}).rows(named=True)

    assert activity["activity_id"] == "dddddddddddddddd-1"
    assert (activity["category"], activity["location"], activity["region"]) == ("cloud_compute", "US-EAST", "us-east-1")
    assert (activity["quantity"], activity["unit"], activity["pricing_unit"]) == (Decimal(730), "hours", "Hrs")
    assert activity["period_start"] == datetime(2024, 1, 1, tzinfo=UTC)
    assert activity["period_end"] == datetime(2024, 1, 31, 10, tzinfo=UTC)
    assert activity["cost"] == Decimal("7.592")
    assert activity["purchase_option"] == "OnDemand"


def test_the_columns_are_those_of_the_table() -> None:
    frame = joined([converted({})])

    expected = {name: kind for name, kind in activity_schema().items() if name not in CONSTANT_COLUMNS}
    assert frame.schema == {name: kind for name, kind in expected.items() if name != "tags"}


@pytest.mark.parametrize(
    ("change", "region", "location", "way"),
    [
        ({"product_region_code": "eu-west-3"}, "eu-west-3", "EU-WEST", None),
        (
            NO_REGION | {"line_item_usage_type": "EUC1-BoxUsage:t3.micro"},
            "eu-central-1",
            "EU-CENTRAL",
            "region_usage_type",
        ),
        (NO_REGION | {"line_item_usage_type": "EU-BoxUsage"}, "eu-west-1", "EU-WEST", "region_usage_type"),
        (NO_REGION | {"line_item_availability_zone": "ap-south-1b"}, "ap-south-1", "ASIA-PACIFIC", "region_zone"),
        (NO_REGION | {"line_item_availability_zone": "us-west-2-lax-1a"}, "us-west-2", "US-WEST", "region_zone"),
        (NO_REGION | {"product_from_region_code": "sa-east-1"}, "sa-east-1", "LATAM", "region_from_region"),
        (NO_REGION | {"product_location": "EU (Stockholm)"}, "eu-north-1", "EU-NORTH", "region_location"),
        (NO_REGION, None, "GLOBAL", "region_unknown"),
        ({"product_region": "xx-new-1"}, "xx-new-1", "GLOBAL", None),
    ],
)
def test_a_blank_region_is_derived_from_what_says_it_and_never_guessed(
    change: dict[str, str | None], region: str | None, location: str, way: str | None
) -> None:
    frame, notes = activities(judge(batch(change), rules()), rules())

    assert frame.select("region", "location").row(0) == (region, location)
    assert notes.notes == ({way: 1} if way else {})


@pytest.mark.parametrize(
    ("service", "category"),
    [
        ("AmazonEC2", "cloud_compute"),
        ("AmazonRDS", "cloud_database"),
        ("AmazonDynamoDB", "cloud_database"),
        ("AmazonElastiCache", "cloud_database"),
        ("AmazonS3", "cloud_storage"),
        ("AWSLambda", "cloud_compute_serverless"),
        ("AmazonCloudFront", "cloud_cdn"),
        ("AmazonEKS", "cloud_compute_kubernetes"),
        ("AmazonECS", "cloud_compute_containers"),
        ("AWSDataTransfer", "data_transfer"),
        ("SomethingNew", "cloud_other"),
    ],
)
def test_services_have_the_founding_categories(service: str, category: str) -> None:
    assert converted({"line_item_product_code": service})["category"][0] == category


@pytest.mark.parametrize(
    ("region", "location"),
    [
        ("us-east-1", "US-EAST"),
        ("us-east-2", "US-EAST"),
        ("ca-central-1", "US-EAST"),
        ("us-west-1", "US-WEST"),
        ("us-west-2", "US-WEST"),
        ("eu-west-1", "EU-WEST"),
        ("eu-west-2", "EU-WEST"),
        ("eu-west-3", "EU-WEST"),
        ("eu-central-1", "EU-CENTRAL"),
        ("eu-north-1", "EU-NORTH"),
        ("ap-southeast-1", "ASIA-PACIFIC"),
        ("ap-southeast-2", "ASIA-PACIFIC"),
        ("ap-northeast-1", "ASIA-PACIFIC"),
        ("ap-northeast-2", "ASIA-PACIFIC"),
        ("ap-south-1", "ASIA-PACIFIC"),
        ("sa-east-1", "LATAM"),
        ("me-south-1", "MENA"),
        ("af-south-1", "AFRICA"),
    ],
)
def test_regions_have_the_founding_locations(region: str, location: str) -> None:
    assert converted({"product_region": region})["location"][0] == location


@pytest.mark.parametrize(
    ("raw", "unit"),
    [
        ("Hrs", "hours"),
        ("GB-Mo", "GB-month"),
        ("GB", "GB"),
        ("Requests", "requests"),
        ("Lambda-GB-Sec", "GB-seconds"),
        ("vCPU-Hours", "vCPU-Hours"),
        (None, "unknown"),
    ],
)
def test_units_are_normalised_and_others_left_as_they_are(raw: str | None, unit: str) -> None:
    assert converted({"pricing_unit": raw})["unit"][0] == unit


def test_a_report_without_costs_has_null_costs_and_says_so() -> None:
    without = rules(without="line_item_unblended_cost")
    judged = judge(batch({"line_item_unblended_cost": None}), without)

    frame, notes = activities(judged, without)

    assert frame["cost"][0] is None
    assert notes.notes == {"cost_absent": 1}


def test_a_blank_cost_is_zero() -> None:
    assert converted({"line_item_unblended_cost": ""})["cost"][0] == 0


def test_tags_of_cur2_become_a_map_and_what_is_no_object_is_counted() -> None:
    judged = judge(batch({}, {}, {}, resource_tags=['{"user_name":"a","n":1,"gone":null}', "", "[1]"]), rules())

    frame, notes = activities(judged, rules())

    assert frame["tags"].to_list() == [{"user_name": "a", "n": "1"}, None, None]
    assert notes.notes == {"tags_malformed": 1}


def test_a_rejection_keeps_what_the_row_said() -> None:
    kept = rejections(judge(batch({}, {"line_item_usage_amount": "-1"}), rules()), "cur/a.csv.gz")

    assert kept.schema == rejection_schema()
    [row] = kept.rows(named=True)
    assert (row["source_file"], row["source_row"], row["reason"]) == ("cur/a.csv.gz", 2, "negative_usage")
    assert (row["usage_amount"], row["external_id"]) == ("-1", EC2_HOUR["identity_line_item_id"])


@pytest.mark.parametrize(
    ("change", "column", "value"),
    [
        ({"bill_billing_period_start_date": "2023-12-01"}, "bill_billing_period_start_date", "2023-12-01"),
        (
            {"bill_billing_period_start_date": "", "line_item_usage_start_date": "2023"},
            "line_item_usage_start_date",
            "2023",
        ),
        ({"line_item_usage_amount": "x", "line_item_unblended_cost": "y"}, "line_item_usage_amount", "x"),
        ({"line_item_usage_amount": ""}, "line_item_usage_amount", ""),
        ({"line_item_unblended_cost": "y"}, "line_item_unblended_cost", "y"),
        ({"line_item_usage_start_date": "2024-01-01T"}, "line_item_usage_start_date", "2024-01-01T"),
        ({"line_item_usage_end_date": "soon"}, "line_item_usage_end_date", "soon"),
        ({"line_item_usage_end_date": "2024-01-01T00:00:00Z"}, "line_item_usage_end_date", "2024-01-01T00:00:00Z"),
        ({"line_item_usage_account_id": ""}, "line_item_usage_account_id", ""),
        ({"line_item_product_code": ""}, "line_item_product_code", ""),
    ],
)
def test_a_rejection_names_the_column_to_blame_and_what_it_said(
    change: dict[str, str | None], column: str, value: str
) -> None:
    [row] = rejections(judge(batch(change), rules()), "a.csv").rows(named=True)

    assert (row["column"], row["value"]) == (column, value)


def test_a_ragged_row_is_to_blame_as_a_whole() -> None:
    [row] = rejections(judge(batch({}, is_ragged=[True]), rules()), "a.csv").rows(named=True)

    assert (row["reason"], row["column"], row["value"]) == ("ragged_row", None, None)


def test_an_activity_in_json_has_the_founding_fields_and_leaves_out_empty_ones() -> None:
    blank = dict.fromkeys(activity_schema())
    row = blank | {
        "activity_id": "d-1",
        "source": "aws_cur",
        "location": 'US "EAST"',
        "billing_period": "2024-01",
        "period_start": datetime(2024, 1, 1, tzinfo=UTC),
        "quantity": Decimal("730.000000000000000001"),
        "cost": Decimal("0.50"),
    }
    frame = pl.DataFrame([row], schema=activity_schema()).with_columns(published_at=pl.lit("T"), attempts=pl.lit(2))

    [line] = activity_lines(frame)

    assert line == (
        '{"id":"d-1","source":"aws_cur","location":"US \\"EAST\\"","period_start":"2024-01-01T00:00:00Z",'
        '"quantity":730.000000000000000001,"metadata":{"aws_cost":"0.5","data_source":"aws_cur"},"created_at":"T",'
        '"updated_at":"T","idempotency_key":"aws_cur:d-1:2024-01","ingestion_attempts":2}'
    )
