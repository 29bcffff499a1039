"""Report files that are odd, spoiled or no report: each is one clear error, or a clean read."""

from __future__ import annotations

import gzip
import zipfile
import zlib
from pathlib import Path

import pytest

from tests.property.conversion import Packed, convert, refusal
from tests.property.written import csv_of, line, zip_of
from worker.domain.errors import BadRequestError, FatalError, IngestError, TransientError

SOUND = csv_of(line(), line())
EC2 = "Amazon Elastic Compute Cloud"


@pytest.mark.parametrize(
    ("packed", "kind", "code"),
    [
        (Packed(b""), BadRequestError, "empty_file"),
        (Packed(b"\n"), BadRequestError, "empty_file"),
        (Packed(gzip.compress(b""), "gzip"), BadRequestError, "empty_file"),
        (Packed(zip_of(), "zip"), BadRequestError, "empty_file"),
        (Packed(zip_of(SOUND, b""), "zip"), BadRequestError, "empty_file"),
        (
            Packed(b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", "gzip"),
            BadRequestError,
            "not_a_report",
        ),
        (Packed(b" \r\n<!DOCTYPE html><html>"), BadRequestError, "not_a_report"),
        (Packed(gzip.compress(b"<html></html>"), "gzip"), BadRequestError, "not_a_report"),
        (Packed(zip_of(b"<html></html>"), "zip"), BadRequestError, "not_a_report"),
        (Packed(b"PAR1 and more", "gzip"), FatalError, "wrong_format"),
        (Packed(gzip.compress(SOUND), "parquet"), FatalError, "wrong_format"),
        (Packed(SOUND, "gzip"), FatalError, "wrong_format"),
        (Packed(gzip.compress(SOUND)[:-9], "gzip"), TransientError, "damaged_file"),
        (Packed(zip_of(SOUND)[:-9], "zip"), TransientError, "damaged_file"),
    ],
)
def test_what_is_no_report_is_one_clear_error(folder: Path, packed: Packed, kind: type[IngestError], code: str) -> None:
    error = refusal(packed, folder)

    assert (type(error), error.code) == (kind, code)
    assert "cur/report" in error.message
    assert error.remedy


def spoiled_name(archive: bytes) -> bytes:
    """Its member's name is said to be UTF-8, and is not."""
    at = archive.index(b"PK\x01\x02")
    flagged = archive[: at + 9] + b"\x08" + archive[at + 10 :]
    return flagged[:at] + flagged[at:].replace(b"member", b"m\xffmber")


@pytest.mark.parametrize(
    "archive",
    [
        spoiled_name(zip_of(SOUND)),
        zip_of(SOUND, compression=zipfile.ZIP_BZIP2).replace(b"BZh9", b"BZx9"),
        zip_of(SOUND, compression=zipfile.ZIP_LZMA).replace(b"\x05\x00]", b"\x05\x00\xff"),
        zip_of(SOUND).replace(b"PK\x01\x02\x14\x03\x14", b"PK\x01\x02\x14\x03\xff"),
    ],
    ids=["a name that is no text", "bzip2", "lzma", "a version of the future"],
)
def test_a_zip_that_python_stumbles_over_is_damaged(folder: Path, archive: bytes) -> None:
    error = refusal(Packed(archive, "zip"), folder)

    assert (type(error), error.code) == (TransientError, "damaged_file")


@pytest.mark.parametrize("charset", ["hex", "zlib", "rot13", "undefined", "a\0b", "", "Klingon"])
def test_what_is_no_charset_is_refused_by_name(folder: Path, charset: str) -> None:
    error = refusal(Packed(SOUND, charset=charset), folder)

    assert (type(error), error.code) == (BadRequestError, "charset")
    assert repr(charset) in error.message


@pytest.mark.parametrize("charset", ["UTF-16", "utf-7", "windows-1252"])
def test_bytes_in_another_charset_than_declared_are_refused(folder: Path, charset: str) -> None:
    error = refusal(Packed(csv_of(line(product_product_name="\u0141")), charset=charset), folder)

    assert (type(error), error.code) == (BadRequestError, "charset")
    assert charset in error.message


@pytest.mark.parametrize("charset", ["ISO-8859-1", "UTF-16", "utf-16-be", "windows-1252", "UTF-8", "utf8"])
@pytest.mark.parametrize("packing", ["none", "gzip", "zip"])
def test_a_declared_charset_is_read_right(folder: Path, charset: str, packing: str) -> None:
    text = csv_of(line(product_product_name='"Größe, ""é"""'), line()).decode().encode(charset)
    body = {"none": text, "gzip": gzip.compress(text), "zip": zip_of(text)}[packing]

    converted = convert(Packed(body, packing, charset), folder)

    assert [row["service_name"] for row in converted.rows] == ['Größe, "é"', EC2]


def test_a_gzip_with_every_optional_header_is_read(folder: Path) -> None:
    packer = zlib.compressobj(wbits=-15)
    flags = b"\x1f\x8b\x08\x1c" + bytes(6) + b"\x03\x00abc" + b"name\0" + b"comment\0"
    trailer = zlib.crc32(SOUND).to_bytes(4, "little") + len(SOUND).to_bytes(4, "little")

    converted = convert(Packed(flags + packer.compress(SOUND) + packer.flush() + trailer, "gzip"), folder)

    assert converted.balance.activities.rows == 2
