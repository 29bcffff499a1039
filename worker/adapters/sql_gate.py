"""Lets a statement through only if it does nothing but read tables.

DuckDB's own type of a statement is not enough: ``WITH x AS (COPY … TO …) SELECT`` is a SELECT to it, ``EXPLAIN ANALYZE`` runs
what it explains, and the function ``query('…')`` hides another statement in a string. So the parsed tree is searched, and
what is not known to be harmless is refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import duckdb

from worker.domain.errors import BadRequestError

EXPLAIN = re.compile(r"\s*EXPLAIN\s+(ANALYZE\s+)?", re.IGNORECASE)
READING = frozenset({"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"})
TABLE_FUNCTIONS = frozenset({"generate_series", "json_each", "json_tree", "range", "unnest"})


def refuse_unless_reading(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    """Raise a BadRequestError, or DuckDB's own error, unless ``sql`` is one SELECT or the EXPLAIN of one."""
    statement = _only_statement(connection, sql)
    if statement.type == duckdb.StatementType.EXPLAIN:
        sql = EXPLAIN.sub("", statement.query, count=1)
        statement = _only_statement(connection, sql)
    if statement.type != duckdb.StatementType.SELECT:
        raise _refused(f"{statement.type.name} is not")
    row = connection.execute("SELECT json_serialize_sql($1)", [sql]).fetchone()
    tree = json.loads(row[0]) if row else {"error": True, "error_message": "this is not"}
    if tree["error"]:
        raise _refused(f"{tree['error_message']}: this is not")
    for node in _nodes(tree):
        _check(node)


def _only_statement(connection: duckdb.DuckDBPyConnection, sql: str) -> duckdb.Statement:
    statements = connection.extract_statements(sql)
    if len(statements) != 1:
        raise BadRequestError(f"{len(statements)} statements were given", "refused", "give exactly one SELECT")
    return statements[0]


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    if isinstance(tree, dict):
        yield tree
        tree = list(tree.values())
    if isinstance(tree, list):
        for branch in tree:
            yield from _nodes(branch)


def _check(node: dict[str, Any]) -> None:
    kind = node.get("type")
    if isinstance(kind, str) and kind.endswith("_NODE") and kind not in READING:
        raise _refused(f"{kind.removesuffix('_NODE').removesuffix('_QUERY')} is not")
    if kind == "TABLE_FUNCTION" and (name := node["function"]["function_name"]).lower() not in TABLE_FUNCTIONS:
        raise _refused(f"the table function {name} is not")


def _refused(what: str) -> BadRequestError:
    return BadRequestError(
        f"{what} allowed in a query", "refused", "use one SELECT over activities, usage, emissions or rejections"
    )
