"""How many commas and line feeds of a text stand outside quotes, sixty-four bytes at a step.

A byte is inside quotes when the quotes up to it are odd in number. That is the exclusive or of all marks up to it, which words of
64 marks come to in six steps of shifting (Langdale and Lemire, "Parsing Gigabytes of JSON per Second", 2019, with one
multiplication where there is one without carries).
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import polars as pl
import pyarrow as pa

WORD = 64
EVERY = 2**WORD - 1


class Outside(NamedTuple):
    """The ``separators`` and ``lines`` outside quotes, and whether the text ends inside of them."""

    separators: int
    lines: int
    in_quotes: bool


def outside(text: bytes, *, in_quotes: bool) -> Outside:
    """Count. ``in_quotes``: whether the text begins inside. A doubled quote opens and closes nothing."""
    whole = text + bytes(-len(text) % WORD)
    column = _column(pa.uint8(), len(whole), whole)
    quotes, commas, feeds = (_words(column == mark) for mark in b'",\n')
    quoted, ends_in_quotes = _between(quotes, in_quotes=in_quotes)
    separators, lines = (int(_bits((marks | quoted) ^ quoted).sum()) for marks in (commas, feeds))
    return Outside(separators, lines, ends_in_quotes)


def _between(quotes: pl.Series, *, in_quotes: bool) -> tuple[pl.Series, bool]:
    """A mark for every byte inside quotes (the first of a pair is, the second is not), and whether the next one would be."""
    parities = quotes
    for places in (1, 2, 4, 8, 16, 32):
        parities = parities ^ (parities * _shifted(places))
    before, ends_in_quotes = _entered(parities >= _shifted(WORD - 1), in_quotes=in_quotes)
    return parities ^ (before.cast(pl.UInt64) * _shifted(0, EVERY)), ends_in_quotes


def _entered(odd: pl.Series, *, in_quotes: bool) -> tuple[pl.Series, bool]:
    """From which words have an odd number of quotes: which of them begin inside, and whether the text ends there."""
    words = len(odd)
    after, shift = int.from_bytes(_buffer(odd), "little") & ((1 << words) - 1), 1
    while shift < words:
        after ^= after << shift
        shift *= 2
    marks = ((after << 1) ^ -in_quotes) & ((1 << (words + 1)) - 1)
    return _column(pa.bool_(), words, marks.to_bytes(words // 8 + 1, "little")), bool(marks >> words)


@cache
def _shifted(places: int, bits: int = 1) -> pl.Series:
    """What a column of words is multiplied with; a number of Python's would take twice as long."""
    return pl.Series([bits << places], dtype=pl.UInt64)


def _words(marks: pl.Series) -> pl.Series:
    return _column(pa.uint64(), len(marks) // WORD, _buffer(marks))


def _bits(words: pl.Series) -> pl.Series:
    return _column(pa.bool_(), len(words) * WORD, _buffer(words))


def _column(kind: pa.DataType, length: int, memory: Any) -> pl.Series:
    return pl.Series(pa.Array.from_buffers(kind, length, [None, pa.py_buffer(memory)]))


def _buffer(column: pl.Series) -> Any:
    _, values = column.to_arrow().buffers()
    return values or b""
