"""Which reader a file gets: the manifest says what it is, and its first bytes must agree."""

from __future__ import annotations

import gzip
import io
import zipfile
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from tests.fakes.frames import joined
from tests.fakes.lakehouse import job_of
from tests.unit.adapters.csv_files import NO_LIMIT, body, error_of, ids, row
from worker.adapters.report_reader import open_report
from worker.domain.errors import BadRequestError, FatalError, TransientError
from worker.domain.manifest import Compression
from worker.ports.reports import ReportReader


def opened(folder: Path, content: bytes, compression: str = "gzip", charset: str = "UTF-8") -> ReportReader:
    path = folder / "report"
    path.write_bytes(content)
    job = job_of("cur/a.csv")
    return open_report(path, replace(job, plan=replace(job.plan, compression=compression, charset=charset)), NO_LIMIT)


def rows_of(reader: ReportReader) -> pl.DataFrame:
    batches: list[pl.DataFrame] = []
    reader.batches(batches.append)
    return joined(batches)


def zipped(**members: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return packed.getvalue()


@pytest.mark.parametrize("charset", ["UTF-8", "utf8", "US-ASCII"])
def test_utf8_under_any_of_its_names_is_read_as_it_is(tmp_path: Path, charset: str) -> None:
    assert ids(rows_of(opened(tmp_path, gzip.compress(body(row("a"))), charset=charset))) == ["a"]


@pytest.mark.parametrize("charset", ["ISO-8859-1", "windows-1252", "UTF-16"])
def test_another_charset_is_rewritten_first(tmp_path: Path, charset: str) -> None:
    content = body(row("München")).decode().encode(charset)

    assert ids(rows_of(opened(tmp_path, gzip.compress(content), charset=charset))) == ["München"]


def test_a_charset_that_nobody_knows_is_refused(tmp_path: Path) -> None:
    error = error_of(lambda: opened(tmp_path, gzip.compress(body(row("a"))), charset="KLINGON"))

    assert (type(error), error.code) == (BadRequestError, "charset")


def test_bytes_that_are_not_in_the_declared_charset_are_refused(tmp_path: Path) -> None:
    error = error_of(lambda: opened(tmp_path, gzip.compress(body(row("a")) + b"\x81"), charset="windows-1252"))

    assert (type(error), error.code) == (BadRequestError, "charset")


@pytest.mark.parametrize(
    ("content", "compression", "kind", "code"),
    [
        (b"", "gzip", BadRequestError, "empty_file"),
        (b"<Error>AccessDenied</Error>", "gzip", BadRequestError, "not_a_report"),
        (b"\xef\xbb\xbf  <html>", "parquet", BadRequestError, "not_a_report"),
        (body(row("a")), "gzip", FatalError, "wrong_format"),
        (gzip.compress(body(row("a"))), "zip", FatalError, "wrong_format"),
        (gzip.compress(body(row("a"))), "parquet", FatalError, "wrong_format"),
        (zipped(), "zip", BadRequestError, "empty_file"),
        (b"PAR1 and no more", "parquet", TransientError, "damaged_file"),
        (zipped(a=body(row("a")))[:-30], "zip", TransientError, "damaged_file"),
    ],
)
def test_a_file_that_is_not_what_its_manifest_says_is_refused(
    tmp_path: Path, content: bytes, compression: str, kind: type[Exception], code: str
) -> None:
    error = error_of(lambda: opened(tmp_path, content, compression))

    assert (type(error), error.code) == (kind, code)
    assert "cur/a.csv" in error.message


def test_a_file_that_a_manifest_calls_unpacked_is_unpacked_by_its_first_bytes(tmp_path: Path) -> None:
    assert ids(rows_of(opened(tmp_path, gzip.compress(body(row("a"))), Compression.NONE))) == ["a"]


def test_the_members_of_a_zip_are_one_file_with_rows_numbered_through(tmp_path: Path) -> None:
    rows = rows_of(opened(tmp_path, zipped(one=body(row("a"), row("b")), two=body(row("c"))), "zip"))

    assert (ids(rows), rows["source_row"].to_list()) == (["a", "b", "c"], [1, 2, 3])


@pytest.mark.parametrize(
    ("content", "compression", "charset"),
    [
        (gzip.compress(body(row("a"))), "gzip", "UTF-8"),
        (gzip.compress(body(row("a"))), "gzip", "ISO-8859-1"),
        (zipped(one=body(row("a"))), "zip", "UTF-8"),
    ],
    ids=["gzip", "gzip in another charset", "zip"],
)
def test_nothing_is_unpacked_onto_the_disk(tmp_path: Path, content: bytes, compression: str, charset: str) -> None:
    reader = opened(tmp_path, content, compression, charset)
    beside: list[str] = []

    reader.batches(lambda _batch: beside.extend(path.name for path in tmp_path.iterdir()))

    assert beside == ["report"]


def test_members_with_other_columns_are_refused(tmp_path: Path) -> None:
    other = body(row("b") + ",x", header=f"{body().decode().strip()},bill/InvoiceId")
    reader = opened(tmp_path, zipped(one=body(row("a")), two=other), "zip")

    error = error_of(lambda: rows_of(reader))

    assert error.code == "different_columns"


def test_a_zip_that_unpacks_to_too_much_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "report"
    path.write_bytes(zipped(one=body(row("a" * 5000))))
    job = job_of("cur/a.csv")

    error = error_of(lambda: open_report(path, replace(job, plan=replace(job.plan, compression="zip")), limit=1000))

    assert (type(error), error.code) == (FatalError, "unpacked_limit")
