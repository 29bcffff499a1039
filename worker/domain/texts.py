"""Rules on text that repeats: each distinct text is looked at once, and its answer is given to every row that has it.

Readers deliver the columns that `worker.domain.columns.Wanted` calls repeating as categoricals, each with categories of its own
for each batch: memory is bounded by the batch, whatever a damaged report has in them.

Expressions of one step run one after the other (`select_seq`, `with_columns_seq`): a process has one polars thread, and to hand them
over to it takes longer than most of them (measured: 280 µs a step, against 100).
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

TEXT = "text"
"""What a rule of `of_each` calls what it looks at."""


def of_each(column: str, rule: pl.Expr, kind: pl.DataType | type[pl.DataType]) -> pl.Expr:
    """The answer of ``rule``, an expression of the column `TEXT`, for each text of the column; null where there is none."""

    def answers(texts: pl.Series) -> pl.Series:
        distinct, places = distinct_texts(texts)
        return distinct.to_frame(TEXT).select(rule).to_series().gather(places)

    return pl.col(column).map_batches(answers, return_dtype=kind)


def distinct_texts(texts: pl.Series) -> tuple[pl.Series, pl.Series]:
    """The distinct texts of a column, perhaps more than it still has, and the place of each row's among them.

    Plain text is not made distinct: there is little of it where that would matter.
    """
    if isinstance(texts.dtype, pl.Categorical):
        return texts.dtype.categories.to_series(), texts.to_physical()
    return texts, pl.int_range(len(texts), dtype=pl.UInt32, eager=True)


def is_blank(column: str) -> pl.Expr:
    """A field that says nothing: empty, or a quoted empty string."""
    return pl.col(column).is_null() | (pl.col(column) == "")


def said(column: str) -> pl.Expr:
    """The column, null where it is blank."""
    return pl.when(~is_blank(column)).then(pl.col(column))


def named(columns: Mapping[str, pl.Expr]) -> tuple[pl.Expr, ...]:
    """The expressions under their names, to be kept and used for batch after batch."""
    return tuple(column.alias(name) for name, column in columns.items())


def plain(column: str) -> pl.Expr:
    """The column as text, to which that of another column may be the alternative."""
    return pl.col(column).cast(pl.String)
