from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.lakehouse import Lakehouse, activities_of, lakehouse
from tests.fakes.plans import plan_of
from worker.adapters.duckdb_query import query
from worker.adapters.warehouse import path_of
from worker.domain.errors import BadRequestError


@pytest.fixture
def published(tmp_path: Path) -> Iterator[Lakehouse]:
    """One month of one org: one activity."""
    with lakehouse(tmp_path) as opened:
        plan = plan_of("a.csv")
        opened.publish(plan, opened.ingest(plan, activities_of(("1", "0.5"))))
        yield opened


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
    list(query(sql, published.table).rows)


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
        "DESCRIBE FROM read_csv('{folder}/secret.csv')",
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
    (record,) = published.table.records()
    part = Path(path_of(str(record.files[0].part)))
    part.chmod(0o644)  # Whoever may write the file must not be able to through a query either.
    before, files = part.read_bytes(), sorted(published.folder.iterdir())

    with pytest.raises(BadRequestError) as refusal:
        list(query(sql.format(folder=published.folder, part=part), published.table).rows)

    assert refusal.value.message
    assert refusal.value.remedy
    assert part.read_bytes() == before
    assert sorted(published.folder.iterdir()) == files
