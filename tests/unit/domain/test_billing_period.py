from __future__ import annotations

from datetime import UTC, datetime

import pytest

from worker.domain.billing_period import BillingPeriod
from worker.domain.errors import BadRequestError

AUGUST = BillingPeriod(2018, 8)
DECEMBER = BillingPeriod(2023, 12)


def test_a_period_is_half_open_in_utc() -> None:
    assert DECEMBER.start == datetime(2023, 12, 1, tzinfo=UTC)
    assert DECEMBER.end == datetime(2024, 1, 1, tzinfo=UTC)


def test_periods_are_written_and_ordered_as_months() -> None:
    assert str(AUGUST) == "2018-08"
    assert AUGUST < DECEMBER < DECEMBER.next() == BillingPeriod(2024, 1)


@pytest.mark.parametrize(("year", "month"), [(2024, 0), (2024, 13), (1999, 12), (9999, 1), (24, 1)])
def test_no_month_is_no_period(year: int, month: int) -> None:
    with pytest.raises(BadRequestError):
        BillingPeriod(year, month)


@pytest.mark.parametrize("text", ["2018-08", " 2018-08\n"])
def test_people_write_year_and_month(text: str) -> None:
    assert BillingPeriod.parse(text) == AUGUST


@pytest.mark.parametrize("text", ["", "2018", "2018-8", "2018-13", "08-2018", "2018-08-01", "201808", "August 2018"])
def test_anything_else_that_people_write_is_a_bad_request(text: str) -> None:
    with pytest.raises(BadRequestError) as caught:
        BillingPeriod.parse(text)

    assert "YYYY-MM" in caught.value.remedy


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("20180801T000000.000Z", "20180901T000000.000Z"),
        ("20180801T000000.000Z", "20180831T235959.999Z"),
        ("2018-08-01T00:00:00Z", "2018-09-01T00:00:00Z"),
        ("2018-08-01T00:00:00+00:00", "2018-08-31T23:59:59+00:00"),
        ("2018-08-01 00:00:00", "2018-09-01 00:00:00"),
        ("2018-08-01", "2018-08-31"),
    ],
)
def test_a_manifests_span_is_its_month(start: str, end: str) -> None:
    assert BillingPeriod.of_span(start, end) == AUGUST


def test_a_span_may_cross_the_year() -> None:
    assert BillingPeriod.of_span("20231201T000000.000Z", "20240101T000000.000Z") == DECEMBER


@pytest.mark.parametrize(
    ("start", "end", "why"),
    [
        ("", "", "cannot be read"),
        ("yesterday", "2018-09-01", "cannot be read"),
        ("2018-08-01", "soon", "cannot be read"),
        ("20180901T000000.000Z", "20180801T000000.000Z", "before it starts"),
        ("2018-08-01", "2018-08-01", "before it starts"),
        ("20180801T000000.000Z", "20181001T000000.000Z", "more than a month"),
        ("20180801T000000.000Z", "20180902T000000.000Z", "more than a month"),
        ("2018-13-01", "2019-01-01", "not a month"),
    ],
)
def test_a_span_that_is_no_month_is_a_bad_request(start: str, end: str, why: str) -> None:
    with pytest.raises(BadRequestError, match=why):
        BillingPeriod.of_span(start, end)


@pytest.mark.parametrize(
    ("folder", "parent"),
    [
        ("20180801-20180901", "my-report"),
        ("BILLING_PERIOD=2018-08", "data"),
        ("billing_period=2018-08", ""),
        ("month=8", "year=2018"),
        ("month=08", "Year=2018"),
    ],
)
def test_a_folder_spells_its_month(folder: str, parent: str) -> None:
    assert BillingPeriod.of_folder(folder, parent) == AUGUST


@pytest.mark.parametrize(
    ("folder", "parent"),
    [
        ("", ""),
        ("my-report", "cur"),
        ("month=8", "cur"),
        ("year=2018", "cur"),
        ("20180801", "cur"),
        ("20181301-20190101", "cur"),
        ("12345678-12345678", "cur"),
        ("BILLING_PERIOD=2018-00", "data"),
        ("month=13", "year=2018"),
        ("month=8", "year=0018"),
    ],
)
def test_a_folder_that_only_looks_like_a_month_spells_none(folder: str, parent: str) -> None:
    assert BillingPeriod.of_folder(folder, parent) is None
