from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from tests.unit.adapters.csv_files import ABOUT, HEADER, ROW, body, error_of, opened, read, row
from worker.adapters.csv_reader import CsvReader
from worker.adapters.unpacking import file_chunks
from worker.domain.columns import LINE_ITEMS
from worker.domain.errors import ErrorClass, FatalError, TransientError


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty_file"),
        (gzip.compress(b""), "empty_file"),
        (b"\n\n", "empty_file"),
        (b'<?xml version="1.0"?>\n<Error><Code>AccessDenied</Code></Error>', "not_a_report"),
        (gzip.compress(b"<html></html>"), "not_a_report"),
        (b"a,b\n1,2\n", "missing_column"),
        (body(header=f"{HEADER},lineItem/UsageAmount"), "duplicate_column"),
        (b"\xff\xfe\x00,b\n", "bad_header"),
        (HEADER.encode() + b',"\x00' + b"x" * 140_000, "bad_header"),
    ],
)
def test_what_is_no_report_is_refused(tmp_path: Path, content: bytes, code: str) -> None:
    error = error_of(lambda: opened(tmp_path, content))

    assert (error.error_class, error.code) == (ErrorClass.BAD_REQUEST, code)
    assert ABOUT in error.message


MANY = [row(str(number)) for number in range(5000)]
WHOLE = gzip.compress(body(*MANY), mtime=0)


@pytest.mark.parametrize(
    "damaged",
    [
        WHOLE[:5],
        WHOLE[:-20],
        WHOLE[:-4],
        WHOLE[:-8] + bytes([WHOLE[-8] ^ 1]) + WHOLE[-7:],
        WHOLE[:-1] + bytes([WHOLE[-1] ^ 1]),
        WHOLE + b"rubbish",
    ],
    ids=["in its header", "in its data", "in its trailer", "wrong CRC", "wrong length", "more behind it"],
)
def test_a_damaged_gzip_is_worth_fetching_again(tmp_path: Path, damaged: bytes) -> None:
    error = error_of(lambda: opened(tmp_path, damaged))

    assert (type(error), error.code) == (TransientError, "damaged_file")


@pytest.mark.parametrize("spoiled", [b"M\xfcnchen", b'"open'])
def test_bytes_that_are_no_csv_in_utf8_are_one_clear_error(tmp_path: Path, spoiled: bytes) -> None:
    content = body(*MANY) + ROW.format(amount="1", id="").encode() + spoiled + b"\n" + body(row("c"))

    error = error_of(lambda: read(tmp_path, content))

    assert (type(error), error.code) == (FatalError, "malformed_csv")
    assert ABOUT in error.message


def test_a_row_is_blamed_for_its_own_bytes_also_close_to_the_header(tmp_path: Path) -> None:
    content = body(row("a")) + ROW.format(amount="1", id="").encode() + b"M\xfcnchen\n"

    error = error_of(lambda: read(tmp_path, content))

    assert (type(error), error.code) == (FatalError, "malformed_csv")


def test_a_file_that_unpacks_to_too_much_is_refused_before_a_row_is_believed(tmp_path: Path) -> None:
    path = tmp_path / "bomb"
    path.write_bytes(gzip.compress(body(row("a" * 1000))))

    with pytest.raises(FatalError) as caught:
        CsvReader(file_chunks(path, ABOUT, limit=1000), ABOUT)

    assert caught.value.code == "unpacked_limit"


@pytest.mark.parametrize("field", ['"Box"Usage', '"BoxUsage" '])
def test_wrong_quotes_in_a_column_that_repeats_are_refused_and_not_mended(tmp_path: Path, field: str) -> None:
    assert "line_item_usage_type" in LINE_ITEMS.repeating
    changed = body(row("a")).replace(b"BoxUsage", field.encode())

    assert changed != body(row("a"))
    with pytest.raises(FatalError, match="no well-formed CSV"):
        read(tmp_path, changed)
