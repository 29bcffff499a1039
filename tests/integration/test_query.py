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


@pytest.mark.parametrize(
    "sql",
    [
        "WITH a AS (SELECT 1 AS x UNION ALL SELECT 2) SELECT x FROM a JOIN range(3) r(n) ON r.n = a.x WHERE x IN (FROM a)",
        "FROM usage SELECT DISTINCT ON (unit) unit, quantity ORDER BY ALL LIMIT 1",
        "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 3) SELECT sum(n) FROM t",
        "SELECT key, value FROM json_each('{\"a\": 1}')",
        "PIVOT usage ON unit IN ('a unit') USING sum(cost) GROUP BY location",
        "SELECT t.k FROM usage, unnest(map_keys(tags)) t(k)",
        "VALUES (1)",
        "SUMMARIZE usage",
        "SHOW TABLES",
        "EXPLAIN SELECT 1",
        " explain analyze\nSELECT count(*) FROM usage",
        "SELECT 1;",
    ],
)
def test_reading_is_allowed_in_all_its_forms(published: Lakehouse, sql: str) -> None:
    rows_of(query(sql, published.table))


@pytest.mark.parametrize(
    "sql",
    [
        "COPY (SELECT 1) TO '{folder}/out.csv'",
        "COPY (SELECT 1 AS a) TO '{part}' (FORMAT parquet, USE_TMP_FILE false)",
        "EXPLAIN ANALYZE COPY (SELECT 1 AS a) TO '{part}' (FORMAT parquet, USE_TMP_FILE false)",
        "/* x */ EXPLAIN ANALYZE COPY (SELECT 1 AS a) TO '{part}' (FORMAT parquet, USE_TMP_FILE false)",
        "WITH x AS (COPY (SELECT 1 AS a) TO '{part}' (FORMAT parquet, USE_TMP_FILE false)) SELECT * FROM x",
        "SELECT (WITH x AS (COPY (SELECT 1 AS a) TO '{part}' (FORMAT parquet, USE_TMP_FILE false)) SELECT 1)",
        "EXPLAIN ANALYZE WITH x AS (COPY (SELECT 1) TO '{part}' (FORMAT parquet, USE_TMP_FILE false)) SELECT 1",
        "FROM query('WITH x AS (COPY (SELECT 1) TO ''{part}'' (FORMAT parquet, USE_TMP_FILE false)) SELECT 1')",
        "FROM QUERY('SELECT 1')",
        "WITH x AS (INSERT INTO t VALUES (1) RETURNING *) FROM x",
        "CREATE TABLE t (a INT)",
        "DROP VIEW activities",
        "EXPORT DATABASE '{folder}/out'",
        "ATTACH '{folder}/catalog.db'",
        "FROM read_csv('{folder}/secret.csv')",
        "FROM '{folder}/secret.csv'",
        "FROM read_text('{folder}/secret.csv')",
        "FROM read_parquet('{folder}/secret.csv')",
        "FROM parquet_schema('{folder}/secret.csv')",
        "FROM sniff_csv('{folder}/secret.csv')",
        "FROM glob('{folder}/*')",
        "FROM read_parquet('https://example.com/a.parquet')",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET threads = 1",
        "RESET threads",
        "PRAGMA database_list",
        "CALL enable_logging()",
        "FROM enable_logging(storage = 'file', storage_path = '{folder}/log')",
        "FROM duckdb_settings()",
        "PREPARE p AS SELECT 1",
        "SELECT 1; SELECT 2",
        "SELECT 1; DROP VIEW activities",
        "",
        "-- nothing",
        "SELEC 1",
        "SELECT no_such_column FROM activities",
        "SELECT * FROM no_such_table",
    ],
)
def test_everything_else_is_refused_and_changes_nothing(published: Lakehouse, sql: str) -> None:
    (published.folder / "secret.csv").write_text("a\n1\n")
    part = part_of(published)
    part.chmod(0o644)  # Whoever may write the file must not be able to through a query either.
    before, files = part.read_bytes(), sorted(published.folder.iterdir())

    with pytest.raises(BadRequestError) as refusal:
        rows_of(query(sql.format(folder=published.folder, part=part), published.table))

    assert refusal.value.message
    assert refusal.value.remedy
    assert part.read_bytes() == before
    assert sorted(published.folder.iterdir()) == files


def test_a_value_that_cannot_be_computed_is_the_askers_mistake(published: Lakehouse) -> None:
    with pytest.raises(BadRequestError, match="a unit"):
        rows_of(query("SELECT CAST(unit AS INTEGER) FROM activities", published.table))


def test_a_published_file_that_is_gone_is_no_mistake_of_the_asker(published: Lakehouse) -> None:
    part_of(published).unlink()

    with pytest.raises(FatalError) as error:
        rows_of(query("SELECT sum(cost) FROM activities", published.table))

    assert "doctor" in error.value.remedy
