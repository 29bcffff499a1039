"""A census of a CSV file: how many rows and separators it has, outside quotes.

polars fills a row that is too short with nulls and says nothing; where a field is missing in the middle, everything behind it
stands one column too far left. Counting is what shows it: a table of n rows and w columns has n·(w-1) separators.
The same pass reads the file to its end, so a damaged gzip or a decompression bomb is found before a row is believed.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from worker.domain.errors import FatalError, TransientError

CHUNK_BYTES = 1 << 20
ROW_BYTES = 32 * CHUNK_BYTES
"""polars holds a row whole, eight times over. No report has a row of this length; a bomb need not have more than one."""

GZIP_MAGIC = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class Census:
    """``rows`` with the header, ``separators`` outside quotes, and the ``size`` in bytes once unpacked."""

    rows: int
    separators: int
    size: int

    def missing_fields(self, width: int) -> int:
        """By how many fields all rows together fall short of the header's ``width`` (negative: there are too many)."""
        return self.rows * (width - 1) - self.separators


@contextmanager
def unpacked(path: Path, about: str) -> Iterator[BinaryIO]:
    """The file's bytes, out of gzip if it is packed so. TransientError when the packing is damaged: fetch it again."""
    with path.open("rb") as stored:
        packed = stored.read(len(GZIP_MAGIC)) == GZIP_MAGIC
        stored.seek(0)
        try:
            yield gzip.GzipFile(fileobj=stored) if packed else stored  # type: ignore[misc]
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            message = f"{about} is damaged: {str(error) or type(error).__name__}"
            raise TransientError(
                message, "damaged_file", "ask AWS for the report again, or restore the object"
            ) from error


def chunks(path: Path, about: str, limit: int) -> Iterator[bytes]:
    """The file's bytes, unpacked. FatalError when there are more than ``limit``."""
    size = 0
    with unpacked(path, about) as stream:
        while chunk := stream.read(CHUNK_BYTES):
            size += len(chunk)
            if size > limit:
                raise too_large(about, limit)
            yield chunk


def take_census(path: Path, about: str, limit: int) -> Census:
    """Count through the whole file. FatalError when it unpacks to more than ``limit`` bytes, or a row is too long to be read."""
    rows = separators = size = unended = 0
    in_quotes = False
    last = b"\n"
    for chunk in chunks(path, about, limit):
        counted_rows, counted_separators, in_quotes = _count(chunk, in_quotes=in_quotes)
        rows, separators, size = rows + counted_rows, separators + counted_separators, size + len(chunk)
        last = chunk[-1:]
        unended = 0 if counted_rows else unended + len(chunk)
        if unended > ROW_BYTES:
            message = f"{about} has a row of more than {ROW_BYTES:,} bytes"
            raise FatalError(message, "row_too_long", "ask AWS for the report again, or restore the object")
    return Census(rows + (last != b"\n"), separators, size)


def too_large(about: str, limit: int) -> FatalError:
    """A file that unpacks to more than anybody allowed: a bomb, or a limit that is too low."""
    remedy = "raise OFFGRIDFLOW_UNPACKED_LIMIT if the report really is that large"
    return FatalError(f"{about} unpacks to more than {limit:,} bytes", "unpacked_limit", remedy)


def _count(chunk: bytes, *, in_quotes: bool) -> tuple[int, int, bool]:
    """Line ends and commas outside quotes, and whether the chunk ends inside. A doubled quote opens and closes nothing."""
    if b'"' not in chunk:
        return (0, 0, True) if in_quotes else (chunk.count(b"\n"), chunk.count(b","), False)
    pieces = chunk.split(b'"')
    outside = b"".join(pieces[int(in_quotes) :: 2])
    ends_inside = in_quotes ^ (len(pieces) % 2 == 0)
    return outside.count(b"\n"), outside.count(b","), ends_inside
