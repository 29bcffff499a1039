from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from tests.fakes.lakehouse import Lakehouse, activities_of, lakehouse, rejections_of
from tests.fakes.plans import ACME, plan_of
from worker.adapters.activity_scan import scan
from worker.adapters.duckdb_query import QueryResult, query
from worker.adapters.warehouse import path_of
from worker.domain.errors import BadRequestError, FatalError
from worker.domain.schema import activity_schema

ACTIVITIES = activities_of(("0.1", "99999999999999.999999999999999999"), ("0.2", "0.000000000000000001"))


@pytest.fixture
def lake(tmp_path: Path) -> Iterator[Lakehouse]:
    with lakehouse(tmp_path) as opened:
        yield opened


@pytest.fixture
def published(lake: Lakehouse) -> Lakehouse:
    """One month of one org: two activities and a rejection."""
    plan = plan_of("a.csv")
    lake.publish(plan, lake.ingest(plan, ACTIVITIES, rejections_of("bad_number")))
    return lake


def part_of(lake: Lakehouse) -> Path:
    (record,) = lake.table.records()
    return Path(path_of(str(record.files[0].part)))


def rows_of(result: QueryResult) -> list[tuple[object, ...]]:
    return list(result.rows)


def test_rows_and_sums_are_exact(published: Lakehouse) -> None:
    result = query("SELECT count(*) AS n, sum(cost) AS cost, sum(quantity) FROM activities", published.table)

    assert result.columns == ("n", "cost", "sum(quantity)")
    assert rows_of(result) == [(2, Decimal(100_000_000_000_000), Decimal("0.3"))]


def test_instants_are_utc_and_tags_are_a_dict(lake: Lakehouse) -> None:
    plan = plan_of("a.csv")
    lake.publish(plan, lake.ingest(plan, activities_of(("1", "1"), **{"tag:user:team": ["web"]})))

    rows = rows_of(query("SELECT period_start, tags, tags['user:team'] FROM usage", lake.table))

    assert rows == [(datetime(2024, 1, 1, 10, tzinfo=UTC), {"user:team": "web"}, "web")]
    assert rows_of(query("SELECT current_setting('TimeZone')", lake.table)) == [("UTC",)]


def test_a_query_that_takes_its_time_draws_no_progress_bar_and_keeps_no_file_in_memory(lake: Lakehouse) -> None:
    asked = "SELECT current_setting('enable_progress_bar'), current_setting('enable_external_file_cache')"

    assert rows_of(query(asked, lake.table)) == [(False, False)]


def test_usage_and_emissions_are_kept_apart(published: Lakehouse) -> None:
    assert rows_of(query("SELECT count(*) FROM usage", published.table)) == [(2,)]
    assert rows_of(query("SELECT count(*) FROM emissions", published.table)) == [(0,)]


def test_rejections_say_whose_they_are(published: Lakehouse) -> None:
    rows = rows_of(query("SELECT org_id, source_name, billing_period, reason FROM rejections", published.table))

    assert rows == [("org-123", "acme", "2024-01", "bad_number")]


def test_a_dropped_file_takes_its_rejections_with_it(published: Lakehouse) -> None:
    plan = plan_of("b.csv", manifest_etag="m2")
    published.publish(plan, published.ingest(plan, ACTIVITIES), "run-2")

    assert rows_of(query("SELECT * FROM rejections", published.table)) == []
    assert rows_of(query("SELECT DISTINCT source_file FROM activities", published.table)) == [("b.csv",)]


def test_one_org_can_be_asked_alone(published: Lakehouse) -> None:
    other = plan_of("a.csv", source=replace(ACME, org_id="org-9"))
    published.publish(other, published.ingest(other, ACTIVITIES))

    by_org = "SELECT org_id, count(*) FROM activities GROUP BY ALL ORDER BY 1"

    assert rows_of(query(by_org, published.table)) == [("org-123", 2), ("org-9", 2)]
    assert rows_of(query(by_org, published.table, "org-9")) == [("org-9", 2)]
    assert rows_of(query(by_org, published.table, "nobody")) == []


def test_before_anything_is_published_the_views_are_empty_with_the_right_columns(lake: Lakehouse) -> None:
    described = "SELECT column_name, column_type FROM (DESCRIBE activities)"
    empty = rows_of(query(described, lake.table))
    plan = plan_of("a.csv")
    lake.publish(plan, lake.ingest(plan, ACTIVITIES))

    assert [name for name, _ in empty] == list(activity_schema())
    assert empty == rows_of(query(described, lake.table))
    assert query("SELECT * FROM rejections", lake.table).columns[:3] == ("org_id", "source_name", "billing_period")


def test_many_rows_are_all_fetched(lake: Lakehouse) -> None:
    assert sum(1 for _ in query("SELECT * FROM range(25000)", lake.table).rows) == 25_000


def test_a_folder_with_signs_that_mean_something_elsewhere_can_be_queried(tmp_path: Path) -> None:
    folder = tmp_path / "c# [1] 100%25 'é * key=value"
    folder.mkdir()

    with lakehouse(folder) as lake:
        plan = plan_of("a.csv")
        lake.publish(plan, lake.ingest(plan, ACTIVITIES))

        assert rows_of(query("SELECT count(*) FROM activities", lake.table)) == [(2,)]
        assert scan(lake.table).collect().height == 2


def test_a_value_that_cannot_be_computed_is_the_askers_mistake(published: Lakehouse) -> None:
    with pytest.raises(BadRequestError, match="a unit"):
        rows_of(query("SELECT CAST(unit AS INTEGER) FROM activities", published.table))


def test_a_published_file_that_is_gone_is_no_mistake_of_the_asker(published: Lakehouse) -> None:
    part_of(published).unlink()

    with pytest.raises(FatalError) as error:
        rows_of(query("SELECT sum(cost) FROM activities", published.table))

    assert "doctor" in error.value.remedy
