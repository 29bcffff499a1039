"""From a report's own columns to those that line items are read from: CUR 2.0 names, all text, null where there is none."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from worker.domain.columns import TAG_MAP, Binding
from worker.domain.schema import TAG_PREFIX
from worker.domain.texts import TEXT, of_each

BATCH_ROWS = 16_384
"""Measured: memory falls with it down to here, speed does not rise above it."""

PRODUCT, PRODUCT_NAME = "product", "product_product_name"


def bound_columns(binding: Binding, column_at: Callable[[int], pl.Expr]) -> list[pl.Expr]:
    """Every column that the rules read, and the tags; ``column_at`` gives the report's column at a place of its header."""
    named = [
        column_at(binding.positions[name]).alias(name) if binding.has(name) else pl.lit(None, pl.String).alias(name)
        for name in binding.wanted.names
    ]
    return named + _tags(binding, column_at)


def _tags(binding: Binding, column_at: Callable[[int], pl.Expr]) -> list[pl.Expr]:
    """Tags that differ only in what normalisation drops share a key; the first that says something wins, as at AWS."""
    if binding.has(TAG_MAP):
        return [column_at(binding.positions[TAG_MAP]).alias(TAG_MAP)]
    columns: dict[str, list[pl.Expr]] = {}
    for tag in binding.tags:
        columns.setdefault(tag.key, []).append(column_at(tag.position))
    return [_first_said(same).alias(TAG_PREFIX + key) for key, same in columns.items()]


def _first_said(same: list[pl.Expr]) -> pl.Expr:
    return same[0] if len(same) == 1 else pl.coalesce(*[pl.when(column != "").then(column) for column in same])


def with_product_name(rows: pl.DataFrame, binding: Binding) -> pl.DataFrame:
    """CUR 2.0 keeps a product's name in a map (in CSV: JSON text), legacy reports in a column of its own."""
    if not binding.has(PRODUCT) or binding.has(PRODUCT_NAME):
        return rows
    return rows.with_columns(
        _product_name(rows.schema[PRODUCT]).alias(PRODUCT_NAME), pl.lit(None, pl.String).alias(PRODUCT)
    )


def _product_name(kind: pl.DataType) -> pl.Expr:
    """A product that is no JSON has no name; the row does not fail for it."""
    if isinstance(kind, pl.Map):
        return pl.col(PRODUCT).map.get("product_name")
    return of_each(PRODUCT, pl.col(TEXT).str.json_path_match("$.product_name"), pl.String)
