"""A bucket's reports: listed page by page, manifests read conditionally, files fetched whole at one pinned ETag."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from worker.adapters.aws_errors import FOREIGN, translate
from worker.adapters.aws_session import S3Connection
from worker.adapters.os_errors import translate_os_error
from worker.domain.discovery import StoredObject
from worker.domain.errors import BadRequestError, ChangedError, FatalError, TransientError
from worker.domain.source import Source

if TYPE_CHECKING:
    from botocore.response import StreamingBody
    from mypy_boto3_s3.type_defs import GetObjectOutputTypeDef, ListObjectsV2OutputTypeDef

MANIFEST_LIMIT_BYTES = 64 * 1024 * 1024
"""A manifest of 10,000 files has about one MiB."""

CHUNK_BYTES = 1024 * 1024


class S3Reports:
    """`worker.ports.reports.ReportStore` on S3 and on what speaks like it.

    A prefix is a folder: ``s3://b/cur`` and ``s3://b/cur/`` both mean the keys below ``cur/``, never those of
    ``cur-other/``. Where nothing lies below it the listing is empty; nothing else is looked for in its place.
    ETags are opaque and without their quotes. ``attempts`` bounds the requests of one `fetch`: the first, and one for
    each time that its body breaks off and is resumed; every other error is left to the caller's retry policy.
    """

    roots: tuple[str, ...] = ("",)

    def __init__(self, source: Source, connection: S3Connection, *, max_pages: int = 1000, attempts: int = 3) -> None:
        location = source.location
        self._source = source
        self.bucket = location.bucket
        self._prefix = f"{location.prefix.rstrip('/')}/" if location.prefix else ""
        self._client = connection.client
        self._meter = connection.meter
        self._max_pages = max_pages
        self._attempts = attempts
        self._every_call: dict[str, Any] = {"Bucket": self.bucket}
        if source.bucket_owner:
            self._every_call["ExpectedBucketOwner"] = source.bucket_owner
        if source.requester_pays:
            self._every_call["RequestPayer"] = "requester"

    @property
    def requests(self) -> int:
        """Requests sent to AWS so far, those for a role's credentials included."""
        return self._meter.requests

    def list(self) -> Iterator[StoredObject]:
        """Every object below the prefix, in key order; errors come while it is read.

        More than ``max_pages`` pages, or a listing that goes in circles, is an error and never a shorter listing.
        """
        token, last, seen = "", "", set[str]()
        for _ in range(self._max_pages):
            page = self._page(token, last)
            for entry in page.get("Contents", ()):
                last = entry["Key"]
                yield StoredObject(entry["Key"], entry["ETag"].strip('"'), entry["Size"], entry["LastModified"])
            if not page["IsTruncated"]:
                return
            token = page.get("NextContinuationToken", "")
            if not token or token in seen:
                message = f"{self._url()}: the listing has more to come, but no way on"
                raise FatalError(message, "repeated_token", "ask whoever runs the endpoint: it lists in circles")
            seen.add(token)
        raise BadRequestError(
            f"{self._url()}: more than {self._max_pages} pages of objects",
            "too_many_pages",
            "give the source a longer prefix, or raise OFFGRIDFLOW_MAX_PAGES",
        )

    def read_manifest(self, key: str, if_none_match: str | None = None) -> tuple[bytes, str] | None:
        """The manifest and its ETag; None when that still is ``if_none_match``. BadRequestError when it is too long."""
        conditions = {"IfNoneMatch": f'"{if_none_match}"'} if if_none_match else {}
        with self._errors_about(key):
            try:
                answer = self._get(key, conditions)
            except ClientError as error:
                if error.response["Error"]["Code"] == "304":
                    return None
                raise
            with closing(answer["Body"]) as body:
                if answer["ContentLength"] > MANIFEST_LIMIT_BYTES:
                    message = f"{self._url(key)}: longer than {MANIFEST_LIMIT_BYTES:,} bytes, so no manifest"
                    raise BadRequestError(message, "manifest_too_long", "check the url: this is not AWS's manifest")
                # All at once: reading up to a limit would take a body that broke off for a short one.
                return body.read(), answer["ETag"].strip('"')

    def fetch(self, key: str, etag: str, size: int, into: Path, still_wanted: Callable[[], None]) -> int:
        """Copy the object to ``into``, whole, and return ``size``; after an error ``into`` holds what had arrived."""
        try:
            with into.open("wb") as file:
                return sum(file.write(chunk) for chunk in self._chunks(key, etag, size, still_wanted))
        except OSError as error:
            raise translate_os_error(error, about=str(into), remedy="make the spool directory writable") from error

    def first_bytes(self, key: str, count: int) -> bytes:
        """The beginning of an object that is not empty, in one request."""
        with self._errors_about(key):
            answer = self._get(key, {"Range": f"bytes=0-{count - 1}"})
            with closing(answer["Body"]) as body:
                return body.read()

    def _chunks(self, key: str, etag: str, size: int, still_wanted: Callable[[], None]) -> Iterator[bytes]:
        """The object's bytes, in order, resumed where a body broke off."""
        received = 0
        for attempts_left in reversed(range(self._attempts)):
            still_wanted()
            body = self._open(key, etag, received, size)
            try:
                with self._errors_about(key), closing(body):
                    while chunk := body.read(CHUNK_BYTES):
                        still_wanted()
                        received += len(chunk)
                        yield chunk
            except TransientError:
                # Whole and still an error is a failed checksum, which no resuming mends.
                if received == size or not attempts_left:
                    raise
            else:
                return

    def _open(self, key: str, etag: str, offset: int, size: int) -> StreamingBody:
        """The body from ``offset`` on, which announces that it will complete the object to ``size`` bytes."""
        conditions = {"IfMatch": f'"{etag}"'} | ({"Range": f"bytes={offset}-"} if offset else {})
        with self._errors_about(key):
            answer = self._get(key, conditions)
        if answer["ETag"].strip('"') != etag:  # not every server and proxy knows If-Match
            answer["Body"].close()
            raise ChangedError(f"{self._url(key)}: another object came than the one that was planned")
        if (length := answer["ContentLength"]) == size - offset:
            return answer["Body"]
        answer["Body"].close()
        raise TransientError(
            f"{self._url(key)}: {length} bytes are coming, {size - offset} were planned", "wrong_length"
        )

    def _get(self, key: str, conditions: dict[str, Any]) -> GetObjectOutputTypeDef:
        if not key.startswith(self._prefix):
            remedy = "let the source's url cover all files of its reports"
            raise BadRequestError(f"{self._url(key)} is outside of {self._url()}", "outside_prefix", remedy)
        answer = self._client.get_object(Key=key, **self._every_call, **conditions)
        if not {"ContentLength", "ETag"} <= answer.keys():
            answer["Body"].close()
            raise TransientError(f"{self._url(key)}: the answer broke off in its headers", "broken_headers")
        return answer

    def _page(self, token: str, last: str) -> ListObjectsV2OutputTypeDef:
        """The page of this token. One that S3 no longer takes is no way on, but the last key that it gave is."""
        if not token:
            return self._asked_page()
        try:
            return self._asked_page(ContinuationToken=token)
        except BadRequestError as error:
            if error.code != "InvalidArgument":
                raise
            return self._asked_page(StartAfter=last)

    def _asked_page(self, **start: Any) -> ListObjectsV2OutputTypeDef:
        with self._errors_about():
            page = self._client.list_objects_v2(Prefix=self._prefix, **self._every_call, **start)
        if "IsTruncated" not in page.keys():  # noqa: SIM118 - a TypedDict is believed to be whole
            raise TransientError(f"{self._url()}: the answer is no listing", "broken_listing")
        return page

    @contextmanager
    def _errors_about(self, key: str = "") -> Iterator[None]:
        try:
            yield
        except FOREIGN as error:
            raise translate(error, about=self._url(key), source=self._source) from error

    def _url(self, key: str = "") -> str:
        return f"s3://{self.bucket}/{key or self._prefix}"
