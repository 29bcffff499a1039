"""The bytes of a stored file, out of gzip, and no more of them than anybody allowed."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

from isal import igzip, igzip_lib

from worker.domain.errors import FatalError, TransientError

CHUNK_BYTES = 4 << 20
"""Measured: of smaller pieces it is dearer to count what is in them."""

GZIP_MAGIC = b"\x1f\x8b"
DAMAGE = (EOFError, gzip.BadGzipFile, igzip_lib.IsalError)


def file_chunks(path: Path, about: str, limit: int) -> Iterator[bytes]:
    """`chunks` of a file."""
    with path.open("rb") as stored:
        yield from chunks(stored, about, limit)


def chunks(stored: IO[bytes], about: str, limit: int) -> Iterator[bytes]:
    """The stream's bytes, four mebibytes at a time, out of gzip if it is packed so.

    TransientError when the packing is damaged (fetch it again), FatalError when there are more bytes than ``limit``.
    """
    stream = _unpacked(stored)
    size = 0
    while chunk := _read(stream, about):
        size += len(chunk)
        if size > limit:
            raise too_large(about, limit)
        yield chunk


def too_large(about: str, limit: int) -> FatalError:
    """A file that unpacks to more than anybody allowed: a bomb, or a limit that is too low."""
    remedy = "raise OFFGRIDFLOW_UNPACKED_LIMIT if the report really is that large"
    return FatalError(f"{about} unpacks to more than {limit:,} bytes", "unpacked_limit", remedy)


def _unpacked(stored: IO[bytes]) -> IO[bytes]:
    packed = stored.read(len(GZIP_MAGIC)) == GZIP_MAGIC
    stored.seek(0)
    return cast("IO[bytes]", igzip.IGzipFile(fileobj=stored)) if packed else stored  # type: ignore[no-untyped-call]


def _read(stream: IO[bytes], about: str) -> bytes:
    try:
        return stream.read(CHUNK_BYTES)
    except DAMAGE as error:  # type: ignore[misc]  # the stubs call isal's class an instance
        message = f"{about} is damaged: {str(error) or type(error).__name__}"
        raise TransientError(message, "damaged_file", "ask AWS for the report again, or restore the object") from error
