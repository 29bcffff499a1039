"""Amounts and times as they are written in a report, read exactly or not at all."""

from __future__ import annotations

from decimal import Context, Decimal

import polars as pl

from worker.domain.schema import AMOUNT_SCALE

AMOUNT = pl.Decimal(38, AMOUNT_SCALE)
QUANTUM = Decimal(1).scaleb(-AMOUNT_SCALE)
WIDE = Context(prec=400)
INSTANT = r"^[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-5][0-9](?:Z|\.000Z|\.000|\+00:00)?$"
"""A time and what may follow it: all of these mean UTC. Anything else is refused, not guessed; polars would take ``T 0:00:60`` too."""


def is_blank(column: str) -> pl.Expr:
    """A field that says nothing: empty, or a quoted empty string."""
    return pl.col(column).is_null() | (pl.col(column) == "")


def amount(column: str) -> pl.Expr:
    """The column as decimal(38,18), rounded half-even; null where blank or no number (NaN, ``1,000.5``, over 20 digits)."""
    return pl.col(column).cast(AMOUNT, strict=False)


def is_rounded(column: str) -> pl.Expr:
    """Whether reading the amount lost digits: anything but zeros beyond 18 decimals, or an exponent that reaches there."""
    text = pl.col(column)
    long = pl.when(text.str.len_bytes() > AMOUNT_SCALE + 1).then(text)
    beyond = long.str.slice(long.str.find(".", literal=True) + 1 + AMOUNT_SCALE).str.strip_chars_start("0")
    has_exponent = text.str.contains("[eE]")
    plain = (beyond != "") & ~has_exponent
    is_number = amount(column).is_not_null()
    exponents = pl.when(has_exponent & is_number).then(text)
    by_hand = exponents.map_elements(_loses_digits, return_dtype=pl.Boolean, skip_nulls=True)
    return (plain.fill_null(value=False) | by_hand.fill_null(value=False)) & is_number


def _loses_digits(text: str) -> bool:
    value = Decimal(text)
    return value != value.quantize(QUANTUM, context=WIDE)


def instant(column: str) -> pl.Expr:
    """A timestamp in any of the shapes that AWS writes, as UTC; null where it is none of them.

    ``2017-11-01T00:00:00Z`` · ``2017-11-01T00:00:00.000Z`` · ``2018-06-20 01:00:00`` (also ``….000``) · ``2026-10-01 00:00:00+00:00``.
    """
    text = pl.col(column)
    spelled = text.str.slice(0, 10) + pl.lit("T") + text.str.slice(11, 8)
    parsed = spelled.str.to_datetime("%Y-%m-%dT%H:%M:%S", strict=False, time_unit="us")
    return pl.when(text.str.contains(INSTANT)).then(parsed).dt.replace_time_zone("UTC")
