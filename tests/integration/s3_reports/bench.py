"""A month on a real S3 server, and stores that read it, there or wherever a test says."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.fakes.rate_limiter import FakeRateLimiter
from tests.servers.http_stub import Answer
from tests.servers.seaweed import BUCKET, Seaweed
from worker.adapters.aws_session import connect_s3
from worker.adapters.s3_reports import S3Reports
from worker.domain.errors import IngestError
from worker.domain.source import Location, Source

MIB = 1024 * 1024
MONTH = hashlib.shake_256(b"a month").digest(4 * MIB)
ETAG = hashlib.md5(MONTH).hexdigest()


@dataclass(frozen=True)
class Bench:
    """A folder of the bucket that has one month, and stores that read it."""

    server: Seaweed
    folder: str
    limiter: FakeRateLimiter

    @property
    def key(self) -> str:
        return f"{Location.parse(self.folder).prefix}/a.csv"

    @property
    def source(self) -> Source:
        return Source("acme", "org-1", self.folder)

    def put(self, key: str, body: bytes) -> None:
        self.server.client.put_object(Bucket=BUCKET, Key=key, Body=body)

    def store(self, endpoint_url: str = "", source: Source | None = None, **limits: int) -> S3Reports:
        source = source or self.source
        connection = connect_s3(source, self.limiter, endpoint_url=endpoint_url or self.server.url)
        return S3Reports(source, connection, **limits)


def error_of(call: Callable[[], object]) -> IngestError:
    with pytest.raises(IngestError) as caught:
        call()
    return caught.value


def page(keys: int, token: str = "") -> Answer:
    """A page of a listing; ``token`` says that there is another."""
    entry = "<Contents><Key>k</Key><LastModified>2024-01-01T00:00:00Z</LastModified><ETag>&quot;e&quot;</ETag><Size>1</Size></Contents>"
    more = f"<IsTruncated>true</IsTruncated><NextContinuationToken>{token}</NextContinuationToken>"
    end = more if token else "<IsTruncated>false</IsTruncated>"
    return Answer(body=f"<ListBucketResult>{end}{entry * keys}</ListBucketResult>".encode())
