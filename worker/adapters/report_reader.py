"""A spooled report file to its reader: the manifest says what it is, its first bytes must agree."""

from __future__ import annotations

import codecs
import errno
import lzma
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import polars as pl

from worker.adapters.csv_reader import CsvReader
from worker.adapters.os_errors import translate_os_error
from worker.adapters.parquet_reader import ParquetReader
from worker.adapters.unpacking import GZIP_MAGIC, chunks, file_chunks, too_large
from worker.domain.columns import Binding, Wanted
from worker.domain.errors import BadRequestError, FatalError, TransientError
from worker.domain.manifest import Compression
from worker.domain.plan import FileJob
from worker.domain.rulebooks import RULEBOOKS
from worker.ports.reports import ReportReader

MAGIC = {Compression.GZIP: GZIP_MAGIC, Compression.ZIP: b"PK\x03\x04", Compression.PARQUET: b"PAR1"}
EMPTY_ZIP = b"PK\x05\x06"
UTF8 = {"utf-8", "ascii"}
ZIP_DAMAGE = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, ValueError, RuntimeError)
"""What Python raises over an archive that is none: a name that is no text, a place before its beginning, a password."""

AGAIN = "ask AWS for the report again, or restore the object"


def open_report(path: Path, job: FileJob, limit: int) -> ReportReader:
    """The reader of a file that was fetched to ``path``. ``limit`` bounds what it unpacks to; none of that goes to the disk."""
    about, compression = job.file.key, Compression(job.plan.compression)
    wanted = RULEBOOKS[job.plan.source.kind].wanted
    _require_format(path, about, compression)
    if compression is Compression.PARQUET:
        return ParquetReader(path, about, limit, wanted)
    open_csv = partial(_csv, about=about, charset=job.plan.charset, wanted=wanted)
    if compression is Compression.ZIP:
        return ZippedReader(path, about, open_csv, limit)
    return open_csv(file_chunks(path, about, limit))


def _require_format(path: Path, about: str, compression: Compression) -> None:
    with path.open("rb") as stored:
        start = stored.read(64)
    if not start:
        raise BadRequestError(f"{about} is empty: it has 0 bytes", "empty_file", AGAIN)
    if start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        raise BadRequestError(f"{about} is not a report: it begins with {start[:40]!r}", "not_a_report", AGAIN)
    if start.startswith(EMPTY_ZIP):
        raise BadRequestError(f"{about} is a ZIP without a file in it", "empty_file", AGAIN)
    if not start.startswith(MAGIC.get(compression, b"")):
        message = f"{about} is not {compression}, as its manifest says: it begins with {start[:8]!r}"
        raise FatalError(message, "wrong_format", AGAIN)


def _csv(read: Iterable[bytes], about: str, charset: str, wanted: Wanted) -> CsvReader:
    """UTF-8 is read as it is; any other charset that Python knows is rewritten on the way."""
    try:
        known = codecs.lookup(charset).name
        "a".encode(known)  # refuses what is known and no charset: base64, rot13
    except (LookupError, ValueError) as error:
        message = f"{about} is declared to be in {charset[:40]!r}, a charset nobody knows"
        raise BadRequestError(message, "charset", "choose UTF-8 in the export") from error
    return CsvReader(read if known in UTF8 else _rewritten(read, about, charset), about, wanted)


def _rewritten(read: Iterable[bytes], about: str, charset: str) -> Iterator[bytes]:
    """The same text in UTF-8."""
    decode = codecs.getincrementaldecoder(charset)("strict").decode
    try:
        for chunk in read:
            yield decode(chunk).encode()
        yield decode(b"", final=True).encode()
    except UnicodeError as error:
        message = f"{about} is not in {charset[:40]}, as its manifest says: {_why(error)}"
        raise BadRequestError(message, "charset", AGAIN) from error


def _why(error: UnicodeError) -> str:
    return f"{error.reason} at byte {error.start}" if isinstance(error, UnicodeDecodeError) else str(error)


class ZippedReader:
    """The CSV files in a ZIP, whatever they are called, one after the other; rows are numbered through.

    Each member is unpacked while it is read, and its checksum verified.
    """

    def __init__(self, path: Path, about: str, open_csv: Callable[[Iterable[bytes]], CsvReader], limit: int) -> None:
        self._path = path
        self._about = about
        self._open_csv = open_csv
        self._limit = limit
        with self._archive() as archive:
            self._members = self._listed(archive)
            self.binding: Binding = self._open_csv(self._unzipped(archive, self._members[0])).binding
        self.missing_fields = 0

    def batches(self, on_batch: Callable[[pl.DataFrame], None]) -> int:
        """As `CsvReader.batches`. BadRequestError when members have different columns."""
        self.missing_fields = rows = 0
        with self._archive() as archive:
            for info in self._members:
                member = self._open_csv(self._unzipped(archive, info))
                if member.binding != self.binding:
                    message = f"the files in {self._about} have different columns"
                    raise BadRequestError(message, "different_columns", AGAIN)
                rows += member.batches(on_batch, rows + 1)
                self.missing_fields += member.missing_fields
        return rows

    def _archive(self) -> zipfile.ZipFile:
        """The archive, open; its list of members is read each time."""
        with self._damage():
            return zipfile.ZipFile(self._path)

    def _unzipped(self, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Iterator[bytes]:
        with self._damage(), archive.open(info) as packed:
            yield from chunks(packed, self._about, self._limit)

    def _listed(self, archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
        members = [info for info in archive.infolist() if not info.is_dir()]
        if not members:
            raise BadRequestError(f"{self._about} is a ZIP without a file in it", "empty_file", AGAIN)
        if sum(info.file_size for info in members) > self._limit:
            raise too_large(self._about, self._limit)
        return members

    @contextmanager
    def _damage(self) -> Iterator[None]:
        try:
            yield
        except ZIP_DAMAGE as error:
            message = f"{self._about} is damaged: {str(error) or type(error).__name__}"
            raise TransientError(message, "damaged_file", AGAIN) from error
        except OSError as error:
            if error.errno in (
                None,
                errno.EINVAL,
            ):  # bz2 raises one without a number, a place beyond all files the other
                raise TransientError(f"{self._about} is damaged: {error}", "damaged_file", AGAIN) from error
            raise translate_os_error(error, about=str(self._path.parent)) from error
