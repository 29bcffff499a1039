"""Amounts and times as they are written in a report, read exactly or not at all."""

from __future__ import annotations

from decimal import Context, Decimal
from functools import cache

import polars as pl

from worker.domain.schema import AMOUNT_SCALE
from worker.domain.texts import TEXT, is_blank, of_each

AMOUNT = pl.Decimal(38, AMOUNT_SCALE)
QUANTUM = Decimal(1).scaleb(-AMOUNT_SCALE)
WIDE = Context(prec=400)
INSTANTS = pl.Datetime("us", "UTC")
INSTANT = r"^[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-5][0-9](?:Z|\.000Z|\.000|\+00:00)?$"
"""A time and what may follow it: all of these mean UTC. Anything else is refused, not guessed; polars would take ``T 0:00:60`` too."""


def amount(column: str) -> pl.Expr:
    """The column as decimal(38,18), rounded half-even; null where blank or no number (NaN, ``1,000.5``, over 20 digits)."""
    return pl.col(column).cast(AMOUNT, strict=False)


def is_unparsable(column: str, parsed: str) -> pl.Expr:
    """Whether a field says something that is no amount. ``parsed`` is the column that it was read into."""
    return pl.col(parsed).is_null() & ~is_blank(column)


def is_rounded(column: str) -> pl.Expr:
    """Whether reading the amount lost digits: anything but zeros beyond 18 decimals, or an exponent that reaches there."""
    return pl.col(column).map_batches(_rounded, return_dtype=pl.Boolean)


def _rounded(texts: pl.Series) -> pl.Series:
    """Few amounts are so written that they can lose any: only these are looked at."""
    suspect, certain, possible = _signs_of_loss()
    suspects = texts.to_frame(TEXT).filter(suspect)
    if suspects.is_empty():
        return pl.repeat(value=False, n=len(texts), eager=True)
    found = suspects.unique().select(TEXT, certain, possible).iter_rows()
    losing = [text for text, is_certain, may in found if is_certain or (may and _loses_digits(text))]
    return texts.is_in(losing).fill_null(value=False)


@cache
def _signs_of_loss() -> tuple[pl.Expr, pl.Expr, pl.Expr]:
    """Which texts may lose digits, which of these do, and which are to be looked at by hand."""
    text = pl.col(TEXT)
    has_exponent = text.str.contains("[eE]")
    is_number = text.cast(AMOUNT, strict=False).is_not_null()
    beyond = text.str.slice(text.str.find(".", literal=True) + 1 + AMOUNT_SCALE).str.strip_chars_start("0")
    # An exponent takes the digits no further than this many places beyond the point.
    places = text.str.len_bytes() - text.str.extract("[eE](.*)", 1).cast(pl.Int64, strict=False)
    return (
        (text.str.len_bytes() > AMOUNT_SCALE + 1) | has_exponent,
        (is_number & ~has_exponent & (beyond != "")).fill_null(value=False).alias("certain"),
        (is_number & has_exponent & (places > AMOUNT_SCALE).fill_null(value=True)).alias("possible"),
    )


def _loses_digits(text: str) -> bool:
    value = Decimal(text)
    return value != value.quantize(QUANTUM, context=WIDE)


def instant(column: str) -> pl.Expr:
    """A timestamp in any of the shapes that AWS writes, as UTC; null where it is none of them. A month has few hours.

    ``2017-11-01T00:00:00Z`` · ``2017-11-01T00:00:00.000Z`` · ``2018-06-20 01:00:00`` (also ``….000``) · ``2026-10-01 00:00:00+00:00``.
    """
    text = pl.col(TEXT)
    spelled = text.str.slice(0, 10) + pl.lit("T") + text.str.slice(11, 8)
    parsed = spelled.str.to_datetime("%Y-%m-%dT%H:%M:%S", strict=False, time_unit="us")
    read = pl.when(text.str.contains(INSTANT)).then(parsed).dt.replace_time_zone("UTC")
    return of_each(column, read, INSTANTS)
