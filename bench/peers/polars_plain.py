"""The polars script that one writes first: select, filter, cast, sink. Tags stay a struct; nothing is derived, nothing counted."""

from __future__ import annotations

import sys

import polars as pl

from bench.peers.columns import AMOUNTS, INSTANTS, SERVICE_NAME, SHAPE, TAG, TEXT, name_in


def report(path: str) -> tuple[pl.LazyFrame, pl.Schema]:
    """A report in any of its three shapes, and its columns."""
    rows = pl.scan_parquet(path) if path.endswith(".parquet") else pl.scan_csv(path, infer_schema=False)
    return rows, rows.collect_schema()


def selected(rows: pl.LazyFrame, names: pl.Schema) -> pl.LazyFrame:
    """The columns of activities, typed; and the row's number if there is one."""
    tags = [name for name in names if name.startswith(TAG)]
    return rows.select(
        *(["source_row"] if "source_row" in rows.collect_schema() else []),
        **{name: pl.col(name_in(names, header)) for name, header in TEXT.items()},
        **{name: _instant(name_in(names, header), names) for name, header in INSTANTS.items()},
        **{name: _amount(name_in(names, header)) for name, header in AMOUNTS.items()},
        service_name=_service_name(names),
        tags=pl.struct(tags) if tags else pl.col("resource_tags"),
    )


def is_usage() -> pl.Expr:
    """Whether a row is usage, and not only money."""
    return pl.col("line_item_type").str.ends_with("Usage")


def _amount(header: str) -> pl.Expr:
    return pl.col(header).cast(pl.String).cast(pl.Decimal(38, 18))


def _instant(header: str, names: pl.Schema) -> pl.Expr:
    column = pl.col(header)
    return (column.str.to_datetime(SHAPE) if names[header] == pl.String else column).cast(pl.Datetime("us", "UTC"))


def _service_name(names: pl.Schema) -> pl.Expr:
    if SERVICE_NAME in names:
        return pl.col(SERVICE_NAME)
    product, is_text = pl.col("product"), names["product"] == pl.String
    return product.str.json_path_match("$.product_name") if is_text else product.map.get("product_name")


if __name__ == "__main__":
    made = selected(*report(sys.argv[1])).filter(is_usage())
    made.sink_parquet(sys.argv[2], compression="zstd", compression_level=1)
