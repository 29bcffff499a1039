"""The founding Activity as JSON lines, so that an OffGridFlow engine takes an export without an adapter."""

from __future__ import annotations

import polars as pl

from worker.domain.source import CARBON

METADATA = {
    "service_code": "aws_service_code",
    "service_name": "aws_service_name",
    "usage_type": "aws_usage_type",
    "instance_type": "aws_instance_type",
    "region": "aws_region",
    "account_id": "aws_account_id",
    "cost": "aws_cost",
    "currency": "aws_currency",
    "scope": "emission_scope",
    "method": "emission_method",
    "model_version": "model_version",
    "source": "data_source",
}
DATA_SOURCES = {CARBON: "aws_carbon_footprint_tool"}
"""What the founding Activity calls a source, where it is not the source's own name."""


def activity_lines(activities: pl.DataFrame) -> pl.Series:
    """One JSON object for each row; what is empty is left out, and every metadata value is text.

    The frame has the table's columns, and ``published_at`` (text) and ``attempts``, which are its publication's. The quantity
    is a JSON number with all its digits. The idempotency key is made here: stored, it would be half of the table.
    """
    identity = pl.format("{}:{}:{}", "source", "activity_id", "billing_period")
    fields = [
        _field("id", pl.col("activity_id")),
        _field("source", pl.col("source")),
        _field("category", pl.col("category")),
        _field("location", pl.col("location")),
        _field("period_start", _instant("period_start")),
        _field("period_end", _instant("period_end")),
        pl.format('"quantity":{}', _plain("quantity")),
        _field("unit", pl.col("unit")),
        _field("org_id", pl.col("org_id")),
        _field("workspace_id", pl.col("workspace_id")),
        _metadata(),
        _field("created_at", pl.col("published_at")),
        _field("updated_at", pl.col("published_at")),
        _field("import_batch_id", pl.col("import_batch_id")),
        _field("external_id", pl.col("external_id")),
        _field("idempotency_key", identity),
        pl.format('"ingestion_attempts":{}', "attempts"),
        _field("data_quality", pl.col("data_quality")),
    ]
    body = pl.concat_str(fields, separator=",", ignore_nulls=True)
    return activities.select(line=pl.lit("{") + body + pl.lit("}"))["line"]


def _metadata() -> pl.Expr:
    said = {"cost": _plain("cost"), "source": pl.col("source").replace(DATA_SOURCES)}
    values = [_field(name, said.get(column, pl.col(column))) for column, name in METADATA.items()]
    body = pl.concat_str(values, separator=",", ignore_nulls=True)
    return pl.lit('"metadata":{') + body + pl.lit("}")


def _field(name: str, value: pl.Expr) -> pl.Expr:
    """``"name":"value"``, escaped by polars' own JSON writer; null where there is nothing to say."""
    pair = pl.struct(value.alias(name)).struct.json_encode().str.strip_prefix("{").str.strip_suffix("}")
    return pl.when(value.is_not_null() & (value != "")).then(pair)


def _instant(column: str) -> pl.Expr:
    return pl.col(column).dt.strftime("%Y-%m-%dT%H:%M:%SZ")


def _plain(column: str) -> pl.Expr:
    """All digits, without the zeros that the column's scale adds."""
    text = pl.col(column).cast(pl.String)
    return (
        pl.when(text.str.contains(".", literal=True))
        .then(text.str.strip_chars_end("0").str.strip_chars_end("."))
        .otherwise(text)
    )
