"""Judged line items to activities and rejections, as whole columns."""

from __future__ import annotations

from functools import cache

import polars as pl

from worker.domain.balance import Balance
from worker.domain.columns import TAG_MAP
from worker.domain.fates import ACTIVITY, REJECTED
from worker.domain.line_items import Rules, bad_cost, bad_usage
from worker.domain.meaning import UNKNOWN_UNIT, Meanings
from worker.domain.schema import TAG_PREFIX
from worker.domain.tags import tag_maps
from worker.domain.texts import is_blank, named, plain, said

MEANINGS = Meanings()
"""Of all files that this process converts."""


def activities(judged: pl.DataFrame, rules: Rules) -> tuple[pl.DataFrame, Balance]:
    """The activities among judged rows, and notes: how each region was found, and what was unknown."""
    kept = MEANINGS.added_to(judged.filter(pl.col("fate") == ACTIVITY))
    has_cost = "line_item_unblended_cost" in rules.columns
    row = pl.col("source_row").cast(pl.String)
    rows = kept.select_seq((pl.lit(rules.digest + "-") + row).alias("activity_id"), *_columns(has_cost=has_cost))
    tags, malformed = _tags(kept)
    notes = _notes(kept, has_cost=has_cost) | ({"tags_malformed": malformed} if malformed else {})
    return rows.hstack(tags), Balance(notes=notes)


@cache
def _columns(*, has_cost: bool) -> tuple[pl.Expr, ...]:
    """The columns of activities, from those of kept rows. A blank cost is none where the report has the column at all."""
    columns = {
        "category": pl.col("category"),
        "location": pl.col("location"),
        "region": pl.col("region"),
        "period_start": pl.col("starts"),
        "period_end": pl.col("ends"),
        "quantity": pl.col("usage"),
        "unit": pl.col("unit"),
        "pricing_unit": pl.col("said_unit"),
        "account_id": pl.col("line_item_usage_account_id"),
        "payer_account_id": said("bill_payer_account_id"),
        "service_code": pl.col("service_code"),
        "service_name": said("product_product_name"),
        "usage_type": said("line_item_usage_type"),
        "operation": said("line_item_operation"),
        "instance_type": said("product_instance_type"),
        "resource_id": said("line_item_resource_id"),
        "line_item_type": pl.col("line_item_line_item_type"),
        "purchase_option": pl.col("purchase_option"),
        "cost": pl.col("cost").fill_null(0) if has_cost else pl.col("cost"),
        "currency": said("line_item_currency_code"),
        "external_id": said("identity_line_item_id"),
        "source_row": pl.col("source_row").cast(pl.Int64),
    }
    return named(columns)


def _tags(kept: pl.DataFrame) -> tuple[list[pl.Series], int]:
    """A legacy report's tag columns as they are, or the one column of CUR 2.0 as a map; and the rows it could not be read in."""
    if TAG_MAP in kept.columns:
        tags, malformed = tag_maps(kept[TAG_MAP])
        return [tags.alias("tags")], malformed
    return [kept[name] for name in kept.columns if name.startswith(TAG_PREFIX)], 0


def rejections(judged: pl.DataFrame, source_file: str) -> pl.DataFrame:
    """The rejected rows with what they said, to be kept beside the part."""
    return judged.filter(pl.col("fate") == REJECTED).select_seq(pl.lit(source_file).alias("source_file"), *_rejected())


@cache
def _rejected() -> tuple[pl.Expr, ...]:
    blame = _blame()
    columns = {
        "source_row": pl.col("source_row").cast(pl.Int64),
        "reason": pl.col("why"),
        "column": pl.coalesce(*[pl.when(when).then(pl.lit(column)) for column, when in blame.items()]),
        "value": pl.coalesce(*[pl.when(when).then(plain(column)) for column, when in blame.items()]),
        "line_item_type": plain("line_item_line_item_type"),
        "external_id": plain("identity_line_item_id"),
        "account_id": plain("line_item_usage_account_id"),
        "usage_type": plain("line_item_usage_type"),
        "usage_amount": plain("line_item_usage_amount"),
        "cost": plain("line_item_unblended_cost"),
        "period_start": plain("line_item_usage_start_date"),
        "period_end": plain("line_item_usage_end_date"),
        "billing_period_start": plain("bill_billing_period_start_date"),
    }
    return named(columns)


def _blame() -> dict[str, pl.Expr]:
    """For which rejections each column is to blame, by CUR 2.0 name; a row that is wrong as a whole has none."""
    why = pl.col("why")
    no_bill = is_blank("bill_billing_period_start_date")
    bad_start = pl.col("starts").is_null()
    return {
        "line_item_usage_start_date": ((why == "other_billing_period") & no_bill)
        | ((why == "bad_timestamp") & bad_start),
        "bill_billing_period_start_date": why == "other_billing_period",
        "line_item_usage_end_date": why.is_in(["bad_timestamp", "period_reversed"]),
        "line_item_unblended_cost": (why == "bad_number") & bad_cost() & ~bad_usage(),
        "line_item_usage_amount": why.is_in(["bad_number", "negative_usage"]),
        "line_item_usage_account_id": why == "missing_account",
        "line_item_product_code": why == "missing_service",
    }


def _notes(kept: pl.DataFrame, *, has_cost: bool) -> dict[str, int]:
    ways = kept["region_from"].value_counts().rows()
    counts = {str(way or "region_unknown"): rows for way, rows in ways if way != "region_column"}
    counts["unit_unknown"] = kept.select((pl.col("unit") == UNKNOWN_UNIT).sum()).item()
    counts["cost_absent"] = 0 if has_cost else kept.height
    return {name: count for name, count in sorted(counts.items()) if count}
