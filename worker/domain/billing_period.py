"""The billing period: a half-open month in UTC, and AWS's spellings of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from worker.domain.errors import BadRequestError

MONTH = re.compile(r"(\d{4})-(\d{2})")
# A folder that only looks like one of these spells no month; it is no reason to stop.
DATE_FOLDER = re.compile(r"(2\d{3})(0[1-9]|1[0-2])\d{2}-\d{8}")
PARTITION = re.compile(r"billing_period=(2\d{3})-(0[1-9]|1[0-2])", re.IGNORECASE)
ATHENA_YEAR = re.compile(r"year=(2\d{3})", re.IGNORECASE)
ATHENA_MONTH = re.compile(r"month=(0?[1-9]|1[0-2])", re.IGNORECASE)
STAMP = re.compile(r"(\d{4})-?(\d{2})-?(\d{2})(?:[T ].*)?")


@dataclass(frozen=True, slots=True, order=True)
class BillingPeriod:
    """The month of a report, ``[start, end)``."""

    year: int
    month: int

    def __post_init__(self) -> None:
        if not (1 <= self.month <= 12 and 2000 <= self.year <= 9998):
            message = f"{self.year:04d}-{self.month:02d} is not a month"
            raise BadRequestError(message, remedy="write a billing period as YYYY-MM")

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.month:02d}"

    @property
    def start(self) -> datetime:
        """The first instant that belongs to it."""
        return datetime(self.year, self.month, 1, tzinfo=UTC)

    @property
    def end(self) -> datetime:
        """The first instant that does not."""
        return self.next().start

    def next(self) -> BillingPeriod:
        """The month after."""
        return BillingPeriod(self.year + self.month // 12, self.month % 12 + 1)

    def previous(self) -> BillingPeriod:
        """The month before."""
        return BillingPeriod(self.year - (self.month == 1), (self.month - 2) % 12 + 1)

    def until(self, end: BillingPeriod) -> Iterator[BillingPeriod]:
        """This month and those after it, ``end`` not included."""
        month = self
        while month < end:
            yield month
            month = month.next()

    def is_within(self, start: BillingPeriod | None, end: BillingPeriod | None) -> bool:
        """Whether it is neither before ``start`` nor as late as ``end``; None is no bound."""
        return (start is None or start <= self) and (end is None or self < end)

    @classmethod
    def at(cls, moment: datetime) -> BillingPeriod:
        """The month that a moment belongs to."""
        utc = moment.astimezone(UTC)
        return cls(utc.year, utc.month)

    @classmethod
    def parse(cls, text: str) -> BillingPeriod:
        """``YYYY-MM``, as people write it; anything else is a bad request."""
        found = MONTH.fullmatch(text.strip())
        if not found:
            message = f"{text!r} is not a billing period"
            raise BadRequestError(message, remedy="write a billing period as YYYY-MM")
        return cls(int(found[1]), int(found[2]))

    @classmethod
    def of_span(cls, start: str, end: str) -> BillingPeriod:
        """The month of a manifest's ``billingPeriod``: ``20180801T000000.000Z`` or ISO 8601, the end in either convention.

        AWS ends a period with the first of the next month; some writers end it with the last moment of the month.
        """
        first, last = STAMP.fullmatch(start.strip()), STAMP.fullmatch(end.strip())
        if not first or not last:
            message = f"the manifest's billing period {start!r} to {end!r} cannot be read"
            raise BadRequestError(message, remedy="check that this is the manifest AWS delivered")
        if last.groups() <= first.groups():
            message = f"the manifest's billing period ends at {end!r}, before it starts at {start!r}"
            raise BadRequestError(message, remedy="check that this is the manifest AWS delivered")
        period, last_month = cls(int(first[1]), int(first[2])), cls(int(last[1]), int(last[2]))
        if last_month != period and (last_month != period.next() or last[3] != "01"):
            message = f"the manifest's billing period {start!r} to {end!r} is more than a month"
            raise BadRequestError(message, remedy="check that this is the manifest AWS delivered")
        return period

    @classmethod
    def of_folder(cls, folder: str, parent: str = "") -> BillingPeriod | None:
        """The month that a folder's name spells, None if it spells none.

        Known spellings: ``20180801-20180901`` (legacy), ``BILLING_PERIOD=2024-09`` (Data Exports, any case) and
        ``month=9`` in a ``parent`` called ``year=2024`` (Athena).
        """
        found = DATE_FOLDER.fullmatch(folder) or PARTITION.fullmatch(folder)
        if found:
            return cls(int(found[1]), int(found[2]))
        year, month = ATHENA_YEAR.fullmatch(parent), ATHENA_MONTH.fullmatch(folder)
        return cls(int(year[1]), int(month[1])) if year and month else None
