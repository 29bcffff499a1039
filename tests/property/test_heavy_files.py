"""Bombs stop at the limit, soon and in little memory; what is merely large is read in little memory."""

from __future__ import annotations

import gzip
import io
import json
import os
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest

from tests.acceptance.processes import needs_proc
from tests.property.heavy import Ended
from tests.property.written import HEADER, ROW, csv_of, line

pytestmark = needs_proc

ROOT = Path(__file__).parents[2]
MEBI = 2**20
LIMIT = 20_000_000
ODD = ("line_item_usage_type", "line_item_operation", "line_item_product_code", "line_item_usage_account_id")
BOMB = 400
"""MiB that it unpacks to."""


def convert(folder: Path, body: bytes, compression: str, charset: str = "UTF-8", limit: int = 10**9) -> Ended:
    """What a worker's child process does with the file."""
    file = folder / "as-delivered"
    file.write_bytes(body)
    program = [sys.executable, "-m", "tests.property.heavy", str(file), compression, charset, str(limit), str(folder)]
    environment = {"PATH": os.defpath, "POLARS_MAX_THREADS": "1"}
    ended = subprocess.run(program, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return Ended(**json.loads(ended.stdout))


def zeros() -> bytes:
    """Nothing but zero bytes, as deflate packs them: each piece is the same, so only one is made."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    piece = packer.compress(bytes(MEBI)) + packer.flush(zlib.Z_FULL_FLUSH)
    return piece * BOMB + packer.flush()


def gzip_bomb() -> bytes:
    return gzip.compress(csv_of(line())) + gzip.compress(bytes(MEBI)) * BOMB


def zip_bomb(claimed: int = BOMB * MEBI) -> bytes:
    """A member that says how much it holds, or lies."""
    archive = io.BytesIO()
    member = zipfile.ZipInfo("report.csv")
    member.compress_type = zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr(member, csv_of(line()))
    honest, content = archive.getvalue(), zeros()
    start, directory = honest.index(b"report.csv") + len("report.csv"), honest.index(b"PK\x01\x02")
    sizes = len(content).to_bytes(4, "little") + claimed.to_bytes(4, "little")
    entry = honest[directory : directory + 20] + sizes + honest[directory + 28 : honest.index(b"PK\x05\x06")]
    end = bytearray(honest[honest.index(b"PK\x05\x06") :])
    end[16:20] = (start + len(content)).to_bytes(4, "little")
    return honest[:18] + sizes + honest[26:start] + content + entry + bytes(end)


@pytest.mark.parametrize(
    ("bomb", "compression", "charset", "end"),
    [
        (gzip_bomb, "gzip", "UTF-8", "fatal: unpacked_limit"),
        (gzip_bomb, "gzip", "ISO-8859-1", "fatal: unpacked_limit"),
        (zip_bomb, "zip", "UTF-8", "fatal: unpacked_limit"),
        (lambda: zip_bomb(claimed=1000), "zip", "UTF-8", "transient: damaged_file"),
    ],
    ids=["gzip", "gzip in another charset", "zip", "zip that lies"],
)
def test_a_bomb_stops_at_the_limit(
    tmp_path: Path, bomb: Callable[[], bytes], compression: str, charset: str, end: str
) -> None:
    ended = convert(tmp_path, bomb(), compression, charset, LIMIT)

    assert ended.end == end
    assert ended.seconds < 10
    assert ended.memory - ended.before < 150 * MEBI
    assert sum(each.stat().st_size for each in (tmp_path / "spool").iterdir()) < 3 * LIMIT


def test_a_file_without_an_end_of_line_is_refused_long_before_the_limit(tmp_path: Path) -> None:
    ended = convert(tmp_path, gzip_bomb(), "gzip")

    assert ended.end == "fatal: row_too_long"
    assert ended.memory - ended.before < 150 * MEBI


def test_a_row_of_ten_megabytes_is_read(tmp_path: Path) -> None:
    long = line(line_item_operation="x" * 10_000_000)

    ended = convert(tmp_path, gzip.compress(csv_of(line(), long, line()), 1), "gzip")

    assert (ended.end, ended.rows) == ("", 3)
    assert ended.memory < 700 * MEBI


def test_thousands_of_tags_are_read_in_little_memory(tmp_path: Path) -> None:
    """Fifty to a row, which is all that AWS allows a resource."""
    tags = [f"resourceTags/user:cost-allocation-{number:04}" for number in range(5000)]
    rows = [f"{line()}{',' * shift}{',value' * 50}{',' * (4950 - shift)}" for shift in range(0, 4000, 2)]

    ended = convert(tmp_path, gzip.compress(csv_of(*rows, header=",".join([HEADER, *tags])), 1), "gzip")

    assert (ended.end, ended.rows) == ("", 2000)
    assert ended.memory < 700 * MEBI


def never_repeating(rows: int) -> pl.DataFrame:
    """As where a field is missing in the middle of each row: what should repeat differs from row to row."""
    number = pl.int_range(rows).cast(pl.String)
    same = {name: pl.lit(cell) for name, cell in ROW.items()}
    odd = {
        name: pl.lit(f"{name} of row ") + number
        for name in ROW
        if name.startswith(("product", "pricing")) or name in ODD
    }
    return pl.select(number=number).select(**same | odd)


def as_csv(frame: pl.DataFrame) -> tuple[bytes, str]:
    return gzip.compress(frame.write_csv().encode(), 1), "gzip"


def as_parquet(frame: pl.DataFrame) -> tuple[bytes, str]:
    file = io.BytesIO()
    pq.write_table(frame.to_arrow(compat_level=pl.CompatLevel.oldest()), file)
    return file.getvalue(), "parquet"


@pytest.mark.long
@pytest.mark.parametrize("pack", [as_csv, as_parquet])
def test_what_never_repeats_takes_no_more_memory_in_a_longer_file(
    tmp_path: Path, pack: Callable[[pl.DataFrame], tuple[bytes, str]]
) -> None:
    peaks = []
    for rows in (400_000, 800_000):  # a shorter one ends before memory has come to its height
        folder = tmp_path / f"{rows}"
        folder.mkdir()
        ended = convert(folder, *pack(never_repeating(rows)))
        assert (ended.end, ended.rows) == ("", rows)
        peaks.append(ended.memory)

    assert peaks[1] - peaks[0] < 60 * MEBI
