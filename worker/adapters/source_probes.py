"""A source asked about itself, through the limiter and the meter that an ingest uses."""

from __future__ import annotations

from datetime import timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from worker.adapters.aws_errors import FOREIGN, translate
from worker.adapters.aws_session import Connection, S3Connection, connect_s3, connect_sts, connect_sustainability
from worker.adapters.local_reports import LocalReports
from worker.adapters.s3_reports import S3Reports
from worker.domain.billing_period import BillingPeriod
from worker.domain.source import Source
from worker.ports.clock import Clock
from worker.ports.limits import RateLimiter
from worker.ports.reports import ReportStore

AWS_HOSTS = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws")


class AwsProbe:
    """`worker.ports.probes.SourceProbe` on AWS, or on what speaks like it at ``endpoint_url``."""

    def __init__(self, source: Source, limiter: RateLimiter, clock: Clock, endpoint_url: str) -> None:
        self._source = source
        self._clock = clock
        self._endpoint_url = endpoint_url
        self._sts = self._listening(connect_sts(source, limiter))
        self.skew: timedelta | None = None
        self.bucket_region = ""

    def identity(self) -> str:
        """The ARN; empty where the source is not on AWS, and AWS knows nothing of its keys."""
        host = urlsplit(self._sts.client.meta.endpoint_url).hostname or ""
        if self._endpoint_url and host.endswith(AWS_HOSTS) and not self._source.role_arn:
            return ""
        try:
            return str(self._sts.client.get_caller_identity()["Arn"])
        except FOREIGN as error:
            raise translate(error, about=f"the identity of source {self._source.name}", source=self._source) from error

    def _listening(self, connection: Connection[Any]) -> Connection[Any]:
        connection.client.meta.events.register("after-call", self._answered)
        return connection

    def _answered(self, parsed: dict[str, Any], **_event: Any) -> None:
        """Refusals are dated too, and say where a bucket is."""
        headers = parsed.get("ResponseMetadata", {}).get("HTTPHeaders", {})
        self.bucket_region = headers.get("x-amz-bucket-region", self.bucket_region)
        try:
            self.skew = parsedate_to_datetime(headers.get("date", "")) - self._clock.now()
        except (TypeError, ValueError):  # no date, or one that has no zone
            return


class S3Probe(AwsProbe):
    """`worker.ports.probes.BucketProbe` on S3. ``max_pages`` bounds the listing."""

    def __init__(
        self, source: Source, limiter: RateLimiter, clock: Clock, endpoint_url: str = "", max_pages: int = 1000
    ) -> None:
        super().__init__(source, limiter, clock, endpoint_url)
        connection: S3Connection = self._listening(connect_s3(source, limiter, endpoint_url=endpoint_url))
        self.region = connection.client.meta.region_name
        self.store = S3Reports(source, connection, max_pages=max_pages)

    def first_bytes(self, key: str, count: int) -> bytes:
        """See `S3Reports.first_bytes`."""
        return self.store.first_bytes(key, count)


class FolderProbe:
    """`worker.ports.probes.BucketProbe` on a copy of a bucket: no AWS is involved."""

    skew = None
    region = bucket_region = ""

    def __init__(self, source: Source) -> None:
        self._reports = LocalReports(Path(source.location.prefix))

    @property
    def store(self) -> ReportStore:
        """The folder."""
        return self._reports

    def identity(self) -> str:
        """Nobody has to be known."""
        return ""

    def first_bytes(self, key: str, count: int) -> bytes:
        """The beginning of a file."""
        return self._reports.first_bytes(key, count)


class CarbonProbe(AwsProbe):
    """`worker.ports.probes.ApiProbe` on the Sustainability API."""

    def __init__(self, source: Source, limiter: RateLimiter, clock: Clock, endpoint_url: str = "") -> None:
        super().__init__(source, limiter, clock, endpoint_url)
        self._api = self._listening(connect_sustainability(source, limiter, endpoint_url=endpoint_url))

    def ask(self, month: BillingPeriod) -> None:
        """For one result of one month."""
        span = {"Start": month.start, "End": month.end}
        try:
            self._api.client.get_estimated_carbon_emissions(TimePeriod=span, MaxResults=1)
        except FOREIGN as error:
            raise translate(error, about=str(self._source.location), source=self._source) from error
