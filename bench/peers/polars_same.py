"""A polars script that does the same work: ids, categories, units, maps of tags, and what was read beside what was kept."""

from __future__ import annotations

import sys

import numpy as np
import polars as pl
import pyarrow as pa

from bench.peers.columns import tag_key
from bench.peers.polars_plain import is_usage, report, selected
from worker.domain import reference

TAGS = pl.Map(pl.String, pl.String)


def same(path: str) -> tuple[pl.LazyFrame, pl.LazyFrame]:
    """The activities, and what was read by line item type."""
    rows, names = report(path)
    made = selected(rows.with_row_index("source_row", 1), names)
    activities = made.filter(is_usage()).with_columns(
        activity_id=pl.lit("0123456789abcdef-") + pl.col("source_row").cast(pl.String),
        category=pl.col("service_code").replace_strict(reference.categories(), default="cloud_other"),
        location=pl.col("region").replace_strict(reference.locations(), default="GLOBAL"),
        unit=pl.col("pricing_unit").replace(reference.units()).fill_null("unknown"),
        purchase_option=pl.col("line_item_type").replace_strict(
            {"DiscountedUsage": "Reserved", "SavingsPlanCoveredUsage": "SavingsPlan"}, default="OnDemand"
        ),
        tags=_tags(made.collect_schema()["tags"]),
    )
    balance = made.group_by("line_item_type").agg(pl.len(), pl.col("quantity", "cost").sum())
    return activities, balance


def _tags(kind: pl.DataType) -> pl.Expr:
    tags = pl.col("tags")
    if isinstance(kind, pl.Struct):
        return tags.map_batches(_maps, return_dtype=TAGS, is_elementwise=True)
    return tags.str.json_decode(TAGS) if kind == pl.String else tags


def _maps(tags: pl.Series) -> pl.Series:
    """One map from many columns: what is there of all columns, gathered row by row."""
    columns = tags.struct.unnest()
    there = np.stack([columns[name].is_not_null().to_numpy() for name in columns.columns], axis=1)
    ends = np.zeros(len(tags) + 1, np.int32)
    np.cumsum(there.sum(1), out=ends[1:])
    row, column = np.nonzero(there)
    values = pl.concat([columns[name].alias("value") for name in columns.columns], rechunk=True)
    keys = pl.Series([tag_key(name) for name in columns.columns]).gather(column)
    found = values.gather(column * len(tags) + row)
    arrow = pa.MapArray.from_arrays(pa.array(ends), keys.to_arrow(), found.to_arrow())
    return pl.Series(tags.name, arrow)


if __name__ == "__main__":
    activities, balance = same(sys.argv[1])
    sink = activities.sink_parquet(sys.argv[2], compression="zstd", compression_level=1, lazy=True)
    pl.collect_all([sink, balance], engine="streaming")
