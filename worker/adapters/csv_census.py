"""A CSV file in blocks of whole rows, and a census of them: how many rows and separators there are, outside quotes.

polars fills a row that is too short with nulls and says nothing; where a field is missing in the middle, everything behind it
stands one column too far left. Counting is what shows it: a table of n rows and w columns has n·(w-1) separators.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from io import BytesIO
from typing import NamedTuple

from worker.adapters.csv_marks import outside
from worker.domain.errors import FatalError

BLOCK_BYTES = 24 << 20
"""Measured: two thirds of it take 55 MiB less of memory, and a twentieth more of time."""

BLOCK_FIELDS = 4_000_000
"""A block of a report with thousands of tag columns has fewer bytes: polars holds all fields of the rows it parses."""

ROW_BYTES = 32 << 20
"""polars holds a row whole, eight times over. No report has a row of this length; a bomb need not have more than one."""

HEADLESS = b"-\n"
"""Where its input begins polars looks for more than rows: compression, a byte order mark, blank lines."""


class Block(NamedTuple):
    """Some bytes of the file: a line that is no row (the header, or one in its stead), and then whole ``rows``."""

    body: bytes
    rows: int


class Census:
    """``lines`` (the header is one) and ``separators`` of what was read so far."""

    def __init__(self) -> None:
        self.lines = 0
        self.separators = 0
        self._in_quotes = False

    def missing_fields(self, width: int) -> int:
        """By how many fields all rows together fall short of the header's ``width`` (negative: there are too many)."""
        return self.lines * (width - 1) - self.separators

    def blocks(self, chunks: Iterable[bytes], about: str) -> Iterator[Block]:
        """The whole file, counted as it is read. FatalError when a row is too long to be read."""
        room, unended, empty = BytesIO(), 0, 0  # `empty` is as much as stands where a line was
        lines, separators = 1, 0  # that were given out: a header is no row
        for chunk in chunks:
            unended = 0 if self._count(chunk) else unended + len(chunk)
            if unended > ROW_BYTES:
                message = f"{about} has a row of more than {ROW_BYTES:,} bytes"
                raise FatalError(message, "row_too_long", "ask AWS for the report again, or restore the object")
            is_much = room.tell() + len(chunk) >= BLOCK_BYTES or self.separators - separators >= BLOCK_FIELDS
            is_full = is_much and not unended
            end = _last_row_end(chunk, in_quotes=self._in_quotes) if is_full else len(chunk)
            room.write(memoryview(chunk)[:end])
            if is_full:
                yield Block(_taken(room), self.lines - lines)
                empty = room.write(HEADLESS)
                room.write(memoryview(chunk)[end:])
                lines, separators = self.lines, self.separators
        if room.tell() > empty:
            body = _taken(room)
            self.lines += not body.endswith(b"\n")
            yield Block(body, self.lines - lines)

    def _count(self, chunk: bytes) -> bool:
        """Whether a row ends in the chunk."""
        separators, lines, self._in_quotes = outside(chunk, in_quotes=self._in_quotes)
        self.separators += separators
        self.lines += lines
        return lines > 0


def _taken(room: BytesIO) -> bytes:
    """All that is in the room, which is free then.

    What follows is written over it once its reader has let go of it, and elsewhere until then. A block of its own for each would
    be put together in memory that the kernel has to clear first: a fifteenth of a conversion's CPU time (measured).
    """
    room.truncate()
    body = room.getvalue()
    room.seek(0)
    return body


def _last_row_end(chunk: bytes, *, in_quotes: bool) -> int:
    """Where the last row that ends in the chunk does. ``in_quotes``: whether the chunk ends inside."""
    end = len(chunk)
    while (line := chunk.rfind(b"\n", 0, end)) >= 0:
        in_quotes ^= chunk.count(b'"', line, end) % 2 == 1
        if not in_quotes:
            return line + 1
        end = line
    return 0
