"""Damage: whole inputs of every kind, and what becomes of them. The same number always gives the same damage."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from tests.fakes.world import month
from tests.property.conversion import Packed
from worker.adapters.sample_columns import line_item
from worker.adapters.sample_files import FileFormat
from worker.adapters.sample_month import Layout, Month, write_month

BITES = (
    b"",
    b"\0",
    b"\xff",
    b'"',
    b",",
    b"\n",
    b"\r",
    b"\xef\xbb\xbf",
    b"<",
    b"[" * 3000,
    b"9" * 5000,
    b"1E999999999",
    b"\xed\xa0\x80",
    b"PK\x01\x02",
    b"\x1f\x8b",
)
TAGGED = {"resourceTags/user:team": 'the "best", of\nall', "resourceTags/aws:createdBy": "é"}
ROWS = [
    line_item("2024-01"),
    line_item("2024-01", line_item_usage_amount="3.34E-8") | TAGGED,
    line_item("2024-01", line_item_line_item_type="Tax", line_item_usage_amount=""),
    line_item("2024-01", line_item_usage_amount="-1"),
] * 8  # fmt: skip

Kind = Callable[[Random], Packed | bytes]
"""Makes one damaged report file, or one damaged manifest."""


def damaged(whole: bytes, other: bytes, random: Random) -> bytes:
    """One to four mutations, one after the other."""
    for _ in range(random.randint(1, 4)):
        whole = random.choice(MUTATIONS)(whole, other, random)
    return whole


def _flipped(whole: bytes, _other: bytes, random: Random) -> bytes:
    spoiled = bytearray(whole)
    for _ in range(random.randint(1, 8) if spoiled else 0):
        spoiled[random.randrange(len(spoiled))] ^= 1 << random.randrange(8)
    return bytes(spoiled)


def _cut_off(whole: bytes, _other: bytes, random: Random) -> bytes:
    return whole[: random.randint(0, len(whole))]


def _spliced(whole: bytes, other: bytes, random: Random) -> bytes:
    return whole[: random.randint(0, len(whole))] + other[random.randint(0, len(other)) :]


def _doubled(whole: bytes, _other: bytes, random: Random) -> bytes:
    start, end = _span(whole, random)
    return whole[:end] + whole[start:end] * random.randint(1, 20) + whole[end:]


def _left_out(whole: bytes, _other: bytes, random: Random) -> bytes:
    start, end = _span(whole, random)
    return whole[:start] + whole[end:]


def _bitten(whole: bytes, _other: bytes, random: Random) -> bytes:
    at = random.randint(0, len(whole))
    return whole[:at] + random.choice(BITES) + whole[at + random.randint(0, 4) :]


def _span(whole: bytes, random: Random) -> tuple[int, int]:
    start = random.randint(0, len(whole))
    return start, min(len(whole), start + random.randint(1, 400))


MUTATIONS = (_flipped, _cut_off, _spliced, _doubled, _left_out, _bitten)


@cache
def _written(layout: Layout, packed: FileFormat) -> tuple[bytes, bytes]:
    """A sound report file, and its manifest."""
    delivered: Month = month("2024-01", *ROWS)
    columns = tuple(dict.fromkeys(name for row in ROWS for name in row))
    with TemporaryDirectory() as folder:
        one = write_month(Path(folder), Month("2024-01", delivered.rows, columns, layout=layout, file_format=packed))
        return (Path(folder) / one.files[0]).read_bytes(), (Path(folder) / one.manifests[-1]).read_bytes()


def _sound(random: Random, packed: FileFormat) -> tuple[bytes, bytes]:
    """A file to spoil and another to splice it with."""
    layouts = list(Layout)
    return _written(random.choice(layouts), packed)[0], _written(random.choice(layouts), random.choice([*FileFormat]))[
        0
    ]


def csv_file(random: Random) -> Packed:
    return Packed(damaged(*_sound(random, FileFormat.CSV), random))


def gzip_file(random: Random) -> Packed:
    """Damaged as it is stored, or packed after the damage: its checksum finds only the first."""
    if random.random() < 0.6:
        return Packed(damaged(*_sound(random, FileFormat.GZIP), random), "gzip")
    whole = csv_file(random).body
    at = random.randint(0, len(whole))
    return Packed(gzip.compress(whole[:at]) + gzip.compress(whole[at:]), "gzip")


def zip_file(random: Random) -> Packed:
    if random.random() < 0.7:
        return Packed(damaged(*_sound(random, FileFormat.ZIP), random), "zip")
    archive = io.BytesIO()
    with zipfile.ZipFile(
        archive, "w", random.choice([zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
    ) as members:
        for number in range(random.randint(1, 3)):
            members.writestr(
                f"{number}", csv_file(random).body if random.random() < 0.5 else _sound(random, FileFormat.CSV)[0]
            )
    body = archive.getvalue()
    return Packed(damaged(body, body, random) if random.random() < 0.5 else body, "zip")


def parquet_file(random: Random) -> Packed:
    """Mostly spoiled in place, in a page or in the footer: what changes the length is noticed at once."""
    whole, other = _sound(random, FileFormat.PARQUET)
    if random.random() < 0.2:
        return Packed(damaged(whole, other, random), "parquet")
    footer = len(whole) - 8 - int.from_bytes(whole[-8:-4], "little")
    spoiled = bytearray(whole)
    for _ in range(random.randint(1, 4)):
        first, end = (4, footer) if random.random() < 0.5 else (footer, len(whole) - 8)
        spoiled[random.randrange(first, end)] = random.choice([0, 1, 0x7F, 0x80, 0xFF, random.randrange(256)])
    return Packed(bytes(spoiled), "parquet")


def charset_file(random: Random) -> Packed:
    """Declared to be in a charset that it may not be in."""
    charset = random.choice(
        ["UTF-16", "ISO-8859-1", "windows-1252", "utf-16-le", "utf-7", "hex", "zlib", "idna", "undefined", "a\0b"]
    )
    return Packed(csv_file(random).body, "none", charset)


def manifest(random: Random) -> bytes:
    """Damaged text, or a sound document with members that are not what they should be."""
    body = _written(random.choice([*Layout]), FileFormat.GZIP)[1]
    if random.random() < 0.5:
        return damaged(body, _written(random.choice([*Layout]), FileFormat.ZIP)[1], random)
    document = json.loads(body)
    for name in random.sample([*document, "files", "dataFiles", "charset"], random.choice([1, 1, 2])):
        document[name] = random.choice(ODD)
    return json.dumps(document).encode()


ODD: tuple[object, ...] = (
    None, "", 0, -1, 1e300, True, [], {}, [None], [""], ["/"], ["../x.csv.gz"], ["s3://"], ["s3://b"], [{}], [{"key": 1}], [{"key": "a.csv", "size": -1}],
    ["a.csv", "a.csv"], ["x" * 5000 + ".csv"], ["a.parquet", "b.csv.gz"], {"start": "x", "end": "y"}, {"start": "20240101T000000.000Z", "end": "20230101T000000.000Z"},
    {"start": "99999901", "end": "x"}, {"start": "20241301T000000.000Z", "end": "20250101T000000.000Z"}, "\ud83d\ude00", "LZMA", "UTF-16", "hex",
)  # fmt: skip

KINDS: dict[str, Kind] = {
    "csv": csv_file,
    "gzip": gzip_file,
    "zip": zip_file,
    "parquet": parquet_file,
    "charset": charset_file,
    "manifest": manifest,
}


def damaged_input(number: int) -> tuple[str, Packed | bytes]:
    """The input of this number; the kinds take turns."""
    kind = [*KINDS][number % len(KINDS)]
    return kind, KINDS[kind](Random(number))
