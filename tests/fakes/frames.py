"""Batches put together, as the warehouse has them."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl
from polars import selectors as cs


def joined(batches: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """One frame of many, with its dictionaries as the text that they mean: those of two batches do not go together."""
    return pl.concat([batch.with_columns(cs.categorical().cast(pl.String)) for batch in batches])
