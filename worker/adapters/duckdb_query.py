"""SQL over what is published, on a database that can read the published files and do nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

import duckdb
import polars as pl
from fsspec.implementations.arrow import ArrowFSWrapper

from worker.adapters.iceberg_table import IcebergActivityTable
from worker.adapters.part_columns import rejection_columns
from worker.adapters.sql_gate import refuse_unless_reading
from worker.adapters.warehouse import Warehouse, path_of
from worker.domain.errors import BadRequestError, FatalError, IngestError
from worker.domain.schema import AMOUNT_SCALE, activity_schema

FETCHED_ROWS = 10_000
SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "python_enable_replacements": False,
    # Nothing is spilled to the disk: DuckDB would allow queries to use the folder.
    "temp_directory": "",
}
RESTRAINT = "SET enable_progress_bar = false; SET enable_external_file_cache = false"
"""Nothing but the answer on stdout; and no object of S3 stays in memory once it was read."""

LOOK_AT_THE_WAREHOUSE = "check that the warehouse holds the published files: `offgridflow doctor`"


@dataclass(frozen=True, slots=True)
class QueryResult:
    """The columns of an answer and its rows, which are fetched as they are asked for, once.

    Decimals are `Decimal`, instants are aware datetimes in UTC, maps are dicts.
    """

    columns: tuple[str, ...]
    rows: Iterator[tuple[Any, ...]]


class PublishedFiles(ArrowFSWrapper):  # type: ignore[misc]  # fsspec has no types
    """DuckDB's way to objects of S3: its own is an extension, and would have to be fetched. Folders it reads by itself."""

    cachable = False

    def open(self, path: str, mode: str = "rb", **options: Any) -> Any:
        """The file for reading, and for nothing else."""
        if mode != "rb":
            raise PermissionError(f"{path} may only be read")
        return super().open(path, mode, **options)

    def glob(self, path: str, **_options: Any) -> list[str]:
        """The path: no name of ours is a pattern, and to look whether it is there would cost a request for each file."""
        return [self._strip_protocol(path)]


def query(sql: str, table: IcebergActivityTable, org_id: str | None = None) -> QueryResult:
    """Run one SELECT or EXPLAIN over ``activities``, ``usage``, ``emissions`` and ``rejections`` of every org, or of one.

    All rows of an org are of one version of its table. BadRequestError when the statement is wrong or is refused.
    """
    versions = [version for _, version in table.versions(org_id)]
    parts = [uri for version in versions for uri in version.data_files()]
    records = [record for version in versions for record in version.records()]
    rejections = [file.rejections for record in records for file in record.files if file.rejections]
    connection = _reader(sorted(parts), sorted(rejections), table.warehouse)
    try:
        with _errors():
            refuse_unless_reading(connection, sql)
            answer = connection.execute(sql)
    except IngestError:
        connection.close()
        raise
    return QueryResult(tuple(column[0] for column in answer.description or ()), _rows(answer))


def _rows(answer: duckdb.DuckDBPyConnection) -> Iterator[tuple[Any, ...]]:
    with closing(answer), _errors():
        while rows := answer.fetchmany(FETCHED_ROWS):
            yield from rows


def _reader(parts: list[str], rejections: list[str], warehouse: Warehouse) -> duckdb.DuckDBPyConnection:
    """A database in memory with the views, locked: only these files can be opened, and no setting changes any more."""
    connection = duckdb.connect(":memory:", config=SETTINGS)
    connection.register_filesystem(PublishedFiles(warehouse.engines.arrow))
    paths = ", ".join(_text(path_of(uri)) for uri in (*parts, *rejections))
    script = f"""
        SET TimeZone = 'UTC';
        {RESTRAINT};
        SET allowed_paths = [{paths}];
        SET enable_external_access = false;
        CREATE VIEW activities AS {_select(parts, activity_schema())};
        CREATE VIEW usage AS FROM activities WHERE kind = 'usage';
        CREATE VIEW emissions AS FROM activities WHERE kind = 'emissions';
        CREATE VIEW rejections AS {_select(rejections, rejection_columns())};
        SET lock_configuration = true;
    """
    try:
        connection.execute(script)
    except duckdb.Error as error:
        connection.close()
        raise FatalError(_said(error), type(error).__name__, LOOK_AT_THE_WAREHOUSE) from error
    return connection


def _select(uris: list[str], columns: dict[str, pl.DataType]) -> str:
    """A query for all rows of the files; of no files, for no rows of the right columns."""
    if uris:
        paths = ", ".join(_text(path_of(uri)) for uri in uris)
        return f"FROM read_parquet([{paths}], hive_partitioning = false)"
    nothing = ", ".join(f"CAST(NULL AS {_sql_type(kind)}) AS {name}" for name, kind in columns.items())
    return f"SELECT {nothing} WHERE false"


def _sql_type(kind: pl.DataType) -> str:
    match kind:
        case pl.Decimal():
            return f"DECIMAL(38, {AMOUNT_SCALE})"
        case pl.Datetime():
            return "TIMESTAMP WITH TIME ZONE"
        case pl.Int64():
            return "BIGINT"
        case pl.Map():
            return "MAP(VARCHAR, VARCHAR)"
        case _:
            return "VARCHAR"


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


@contextmanager
def _errors() -> Iterator[None]:
    try:
        yield
    except duckdb.OutOfMemoryException as error:
        raise BadRequestError(str(error), "out_of_memory", "ask for fewer rows, or aggregate them") from error
    except (duckdb.IOException, duckdb.InternalException) as error:
        raise FatalError(str(error), type(error).__name__, LOOK_AT_THE_WAREHOUSE) from error
    except duckdb.Error as error:
        if type(error) is duckdb.Error:
            raise FatalError(_said(error), "unreadable", LOOK_AT_THE_WAREHOUSE) from error
        remedy = "use one SELECT over activities, usage, emissions or rejections"
        raise BadRequestError(str(error), type(error).__name__, remedy) from error


def _said(error: duckdb.Error) -> str:
    """The error in one piece. What `PublishedFiles` raised comes as a traceback, and without a class of its own."""
    text = str(error).strip()
    return text.rpartition("\n")[2] if type(error) is duckdb.Error else text
