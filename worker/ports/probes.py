"""A source, examined as an ingest would meet it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import timedelta

    from worker.domain.billing_period import BillingPeriod
    from worker.ports.reports import ReportStore


class SourceProbe(Protocol):
    """One source, asked about itself. Every method raises what an ingest would meet.

    ``skew`` is by how much whoever answered last was ahead of this host; None when nobody said.
    """

    @property
    def skew(self) -> timedelta | None: ...

    def identity(self) -> str:
        """Whom AWS takes us for; empty where there is no AWS to ask."""


class BucketProbe(SourceProbe, Protocol):
    """A source that is delivered. ``region`` is the one that it is read in, ``bucket_region`` where it is, if S3 said."""

    @property
    def store(self) -> ReportStore: ...

    @property
    def region(self) -> str: ...

    @property
    def bucket_region(self) -> str: ...

    def first_bytes(self, key: str, count: int) -> bytes:
        """The beginning of an object that is not empty, in one request."""


class ApiProbe(SourceProbe, Protocol):
    """A source that is asked for."""

    def ask(self, month: BillingPeriod) -> None:
        """One small request about the month."""
