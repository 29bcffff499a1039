"""Rows that are odd: too long, too short, blank, badly ended. None hides another, none is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.property.conversion import Packed, convert, figures, reference, refusal
from tests.property.written import HEADER, ROW, csv_of, line
from worker.domain.columns import OPTIONAL, REQUIRED

ALL_READ = [name for name in ROW if name in (*REQUIRED, *OPTIONAL)]
NARROW = ",".join(ROW[name] for name in ALL_READ)


@pytest.mark.parametrize("extra", [",x", ",x,y", ",x,,", ",1,2,3,4,5"])
@pytest.mark.parametrize(("header", "sound"), [(HEADER, line()), (",".join(ALL_READ), NARROW)], ids=["wide", "narrow"])
def test_a_row_with_too_many_fields_is_rejected_and_its_neighbours_are_not(
    folder: Path, header: str, sound: str, extra: str
) -> None:
    converted = convert(Packed(csv_of(sound, sound + extra, sound, header=header)), folder)

    assert converted.balance.rejected_by_reason == {"ragged_row": 1}
    assert [row["source_row"] for row in converted.rows] == [1, 3]


@pytest.mark.parametrize("blank", ["", "\r", "," * (len(ROW) - 1)])
def test_a_blank_line_is_a_ragged_row(folder: Path, blank: str) -> None:
    converted = convert(Packed(csv_of(line(), blank, line())), folder)

    assert converted.balance.rejected_by_reason == {"ragged_row": 1}
    assert converted.balance.read.rows == 3


@pytest.mark.parametrize("short_by", [1, 2])
def test_a_short_row_stays_and_is_a_warning(folder: Path, short_by: int) -> None:
    short = line().rsplit(",", short_by)[0]

    converted = convert(Packed(csv_of(line(), short)), folder)

    assert converted.balance.activities.rows == 2
    assert converted.balance.notes["missing_fields"] == short_by


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("last", [True, False])
def test_either_end_of_line_is_one_and_the_last_may_be_missing(folder: Path, end: str, last: bool) -> None:
    body = csv_of(line(), line(), end=end)
    packed = Packed(body if last else body.rstrip())

    assert figures(convert(packed, folder).balance) == reference(packed).figures()


@pytest.mark.parametrize(
    "body",
    [
        csv_of(line(), line(), end="\r"),
        HEADER.encode() + b"\r" + csv_of(line(), header=line()),
        csv_of(line(), line(), header=HEADER.replace("product_region", 'product"region')),
    ],
    ids=["carriage returns", "one carriage return", "a quote in the header"],
)
def test_a_header_that_would_take_rows_with_it_is_refused(folder: Path, body: bytes) -> None:
    assert refusal(Packed(body), folder).code == "bad_header"


@pytest.mark.parametrize(
    "time",
    [
        "2024-01-01T 0:00:00Z",
        "2024-01-01T00:00:60Z",
        "-024-01-01T00:00:00Z",
        "0000-01-01T00:00:00Z",
        " 024-01-01 00:00:00",
    ],
)
def test_a_time_that_is_almost_one_is_a_rejection(folder: Path, time: str) -> None:
    converted = convert(Packed(csv_of(line(line_item_usage_start_date=time))), folder)

    assert converted.balance.rejected_by_reason == {"bad_timestamp": 1}


@pytest.mark.parametrize("tags", ["[" * 100_000, '{"a":' * 50_000 + "1" + "}" * 50_000, "{", "[]"])
def test_tags_that_cannot_be_read_do_not_cost_the_row(folder: Path, tags: str) -> None:
    said = '"' + tags.replace('"', '""') + '"'
    converted = convert(Packed(csv_of(f"{line()},{said}", header=f"{HEADER},resource_tags")), folder)

    assert converted.balance.activities.rows == 1
    assert converted.balance.notes["tags_malformed"] == 1
