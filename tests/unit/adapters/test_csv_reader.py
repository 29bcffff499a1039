from __future__ import annotations

import gzip
import tracemalloc
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from tests.unit.adapters.csv_files import HEADER, body, ids, opened, read, row
from worker.adapters import csv_census
from worker.adapters.csv_reader import CsvReader
from worker.domain import amounts
from worker.domain.errors import BadRequestError

AMOUNT = "line_item_usage_amount"


def test_rows_come_in_file_order_under_cur2_names_as_text(tmp_path: Path) -> None:
    rows = read(tmp_path, body(row("a", "0.1"), row("b", "2E-8")))

    assert ids(rows) == ["a", "b"]
    assert rows["line_item_usage_amount"].to_list() == ["0.1", "2E-8"]
    assert rows["source_row"].to_list() == [1, 2]
    assert rows["pricing_unit"].to_list() == [None, None]


@pytest.mark.parametrize(
    "content",
    [
        gzip.compress(body(row("a"), row("b"))),
        gzip.compress(body(row("a"))) + gzip.compress(f"{row('b')}\n".encode()),
        gzip.compress(body()[:20]) + gzip.compress(body(row("a"), row("b"))[20:]) + gzip.compress(b""),
        b"\xef\xbb\xbf" + body(row("a"), row("b")),
        gzip.compress(b"\xef\xbb\xbf" + body(row("a"), row("b"))),
        body(row("a"), row("b"), end="\r\n"),
        body(row("a"), row("b"))[:-1],
        body(row("a"), row("b"), end="\r\n")[:-2],
    ],
    ids=["gzip", "two members", "members anywhere", "BOM", "gzipped BOM", "CRLF", "no last newline", "no last CRLF"],
)
def test_the_same_rows_in_any_wrapping_are_the_same(tmp_path: Path, content: bytes) -> None:
    assert ids(read(tmp_path, content)) == ["a", "b"]


@pytest.mark.parametrize(
    ("written", "meant"),
    [('"x,y"', "x,y"), ('"x\ny"', "x\ny"), ('"x\r\ny"', "x\r\ny"), ('"say ""hi"""', 'say "hi"'), ('""', "")],
)
def test_quoted_text_is_taken_as_it_is_meant(tmp_path: Path, written: str, meant: str) -> None:
    rows = read(tmp_path, body(row(written), row("b")))

    assert ids(rows) == [meant, "b"]
    assert rows["is_ragged"].to_list() == [False, False]


def test_a_header_alone_is_a_file_without_rows(tmp_path: Path) -> None:
    assert read(tmp_path, body()).height == 0
    assert read(tmp_path, gzip.compress(body())).height == 0


def test_a_row_with_too_many_fields_is_flagged_and_its_neighbours_are_not(tmp_path: Path) -> None:
    rows = read(tmp_path, body(row("a"), f"{row('b')},more", row("c")))

    assert rows["is_ragged"].to_list() == [False, True, False]


def test_missing_fields_are_counted(tmp_path: Path) -> None:
    short = row("b").rpartition(",")[0]

    reader = opened(tmp_path, body(row("a"), short, row('"x,\ny"')))

    assert reader.missing_fields == 1


def test_tags_that_share_a_key_are_one_and_the_first_that_speaks_wins(tmp_path: Path) -> None:
    header = f"{HEADER},resourceTags/user:Team,resourceTags/user:team,resourceTags/aws:createdBy"

    rows = read(tmp_path, body(f"{row('a')},,green,me", f"{row('b')},red,green,", header=header))

    assert [name for name in rows.columns if name.startswith("tag:")] == ["tag:user_team", "tag:aws_created_by"]
    assert rows["tag:user_team"].to_list() == ["green", "red"]
    assert rows["tag:aws_created_by"].to_list() == ["me", None]


def test_columns_are_found_by_name_in_any_order(tmp_path: Path) -> None:
    header, fields = HEADER.split(","), row("a").split(",")

    rows = read(tmp_path, body(",".join(reversed(fields)), header=",".join(reversed(header))))

    assert ids(rows) == ["a"]


@pytest.mark.parametrize(
    ("written", "amount", "has_lost_digits"),
    [
        ("0.1", "0.1", False),
        ("3.34E-8", "0.0000000334", False),
        ("1.5E+3", "1500", False),
        ("1E-19", "0", True),
        ("0.0000000000000000015", "0.000000000000000002", True),
    ],
)
def test_an_amount_is_taken_as_it_is_written_and_lost_digits_show(
    tmp_path: Path, written: str, amount: str, has_lost_digits: bool
) -> None:
    rows = read(tmp_path, body(row("a", written)))

    assert rows.select(amounts.amount(AMOUNT)).item() == Decimal(amount)
    assert rows.select(amounts.is_rounded(AMOUNT)).item() is has_lost_digits


def test_an_exponent_loses_digits_by_its_value_and_not_by_its_length() -> None:
    # Asked directly: polars calls it from threads of its own, which no measurement of coverage sees.
    told = [amounts._loses_digits(text) for text in ("1E-18", "1.5E-18", "1E-19", "100E-20", "0E-30")]

    assert told == [False, True, True, False, False]


@pytest.mark.parametrize("error", [BadRequestError("stop"), KeyboardInterrupt(), ZeroDivisionError()])
def test_what_the_consumer_raises_comes_out_unchanged_and_ends_the_reading(
    tmp_path: Path, error: BaseException
) -> None:
    batches = 0

    def stop(_batch: pl.DataFrame) -> None:
        nonlocal batches
        batches += 1
        raise error

    reader = opened(tmp_path, body(*[row(str(number)) for number in range(100_000)]))

    with pytest.raises(type(error)) as caught:
        reader.batches(stop)

    assert caught.value is error
    assert batches == 1


def test_no_more_of_a_file_is_held_than_the_block_that_is_read_or_put_together(monkeypatch: pytest.MonkeyPatch) -> None:
    block, chunk = 8 << 20, 1 << 20
    monkeypatch.setattr(csv_census, "BLOCK_BYTES", block)
    lines = f"{row('a', '1' * 20_000)}\n".encode() * (chunk // 20_000)
    held: list[int] = []

    def look(*_: object) -> None:
        held.append(tracemalloc.get_traced_memory()[0])

    def chunks() -> Iterator[bytes]:
        yield body()
        for _ in range(40):
            look()
            yield bytes(bytearray(lines))

    tracemalloc.start()
    try:
        CsvReader(chunks(), "cur/a.csv").batches(look)
    finally:
        tracemalloc.stop()

    assert len(held) == 40 + 5
    assert max(held) < block + 4 * chunk


def test_a_block_that_somebody_still_holds_is_not_written_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_census, "BLOCK_BYTES", 8)

    held = list(csv_census.Census().blocks([b"a,b\n1,2\n3", b",4\n5,6\n7,8\n9", b",0"], "cur/a.csv"))

    assert [tuple(block) for block in held] == [(b"a,b\n1,2\n", 1), (b"-\n3,4\n5,6\n7,8\n", 3), (b"-\n9,0", 1)]
