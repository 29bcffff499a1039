"""The warehouse as a bucket of S3, or of what speaks like it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Literal

import boto3
import pyarrow as pa
from botocore.config import Config
from botocore.exceptions import ClientError
from pyiceberg.io.pyarrow import PyArrowFileIO

from worker.adapters.aws_session import CONNECT_TIMEOUT_SECONDS, DEFAULT_REGION
from worker.adapters.s3_errors import s3_errors
from worker.adapters.warehouse import Engines, FoundFile, disk_errors, require_inside
from worker.domain.source import Location

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

Listed = Literal["Contents", "CommonPrefixes"]

ABSENT, HELD = "404", "PreconditionFailed"
"""What a HEAD for no object is answered, and a PUT that may not replace one."""


class S3Warehouse:
    """`worker.adapters.warehouse.Warehouse` below one prefix. It takes no tokens: it is ours, not a customer's.

    Credentials are what boto3's own chain finds, and for what Arrow reads, the AWS SDK's: environment, profile, web
    identity, container or instance role. The clients try three times, as the SDKs do by themselves: whoever only reads has
    no other loop. A file is written in one request, so it has at most 5 GiB; S3 refuses a longer one. ``scratch`` makes a
    folder for files that are being written.
    """

    def __init__(
        self, location: Location, endpoint_url: str | None, scratch: Callable[[], AbstractContextManager[Path]]
    ) -> None:
        self._bucket = location.bucket
        self._root = f"s3://{location.bucket}/"
        self._prefix = f"{location.prefix.strip('/')}/".lstrip("/")
        self._endpoint_url = endpoint_url
        self._scratch = scratch

    @cached_property
    def engines(self) -> Engines:
        """For those that read the files by their URIs."""
        region, endpoint = self._client.meta.region_name, self._endpoint_url
        iceberg = {"py-io-impl": "pyiceberg.io.pyarrow.PyArrowFileIO", "s3.region": region}
        polars = {"region": region}
        if endpoint:
            # By path, because its host name has no bucket in it.
            iceberg |= {"s3.endpoint": endpoint, "s3.force-virtual-addressing": "false"}
            polars |= {"endpoint_url": endpoint, "allow_http": "true"}
        return Engines(PyArrowFileIO(iceberg).fs_by_scheme("s3", self._bucket), iceberg, polars)

    def uri(self, key: str) -> str:
        """What the table and the records call the file."""
        require_inside(key)
        return f"{self._root}{self._prefix}{key}"

    def exists(self, name: str) -> bool:
        """Whether the file is there."""
        with s3_errors(self._url(name)):
            try:
                self._client.head_object(Bucket=self._bucket, Key=self._key(name))
            except ClientError as error:
                if error.response["Error"]["Code"] == ABSENT:
                    return False
                raise
        return True

    def read(self, name: str) -> bytes:
        """The whole file."""
        with s3_errors(self._url(name)):
            answer = self._client.get_object(Bucket=self._bucket, Key=self._key(name))
            with closing(answer["Body"]) as body:
                return body.read()

    def open(self, name: str) -> pa.NativeFile:
        """The file for reading here and there."""
        with disk_errors(self._url(name)):
            return self.engines.arrow.open_input_file(f"{self._bucket}/{self._key(name)}")

    def list(self, pattern: str) -> tuple[str, ...]:
        """The keys that match, in order. It lists the folders on the way, and not what lies below those that do not match."""
        *folders, name = pattern.split("/")
        found = [""]
        for folder in folders:
            found = [inner for outer in found for inner in self._folders(f"{outer}{folder}")]
        objects = (each for folder in found for each in self._matching(f"{folder}{name}", "Contents", "Key"))
        return tuple(sorted(objects))

    def below(self, key: str) -> Iterator[FoundFile]:
        """Every file below a folder. Those being written are on the disks of those who write them."""
        for entry in self._listed(f"{key}/", "Contents"):
            name = entry["Key"].removeprefix(self._prefix)
            yield FoundFile(name, entry["Size"], entry["LastModified"])

    def delete(self, key: str) -> None:
        """Delete the file, if it is there."""
        with s3_errors(self.uri(key)):
            self._client.delete_object(Bucket=self._bucket, Key=self._key(key))

    def put(self, key: str, body: bytes) -> str:
        """Write or replace the file in one step; returns its URI."""
        with s3_errors(self.uri(key)):
            self._client.put_object(Bucket=self._bucket, Key=self._key(key), Body=body)
        return self.uri(key)

    def put_if_absent(self, key: str, body: bytes | BinaryIO) -> bool:
        """Write the file unless it is there; False if it was."""
        with s3_errors(self.uri(key)):
            try:
                self._client.put_object(Bucket=self._bucket, Key=self._key(key), Body=body, IfNoneMatch="*")
            except ClientError as error:
                if error.response["Error"]["Code"] == HELD:
                    return False
                raise
        return True

    @contextmanager
    def stage(self, key: str) -> Iterator[StagedUpload]:
        """A file in a scratch folder, which is uploaded when it is placed."""
        with ExitStack() as until_placed:
            with disk_errors("the spool"):
                folder = until_placed.enter_context(self._scratch())
            yield StagedUpload(self, key, str(folder / "staged"))

    @cached_property
    def _client(self) -> S3Client:
        with s3_errors(self._root):
            session = boto3.session.Session()
            return session.client(
                "s3",
                region_name=session.region_name or DEFAULT_REGION,
                endpoint_url=self._endpoint_url,
                config=Config(
                    connect_timeout=CONNECT_TIMEOUT_SECONDS,
                    retries={"mode": "standard"},
                    s3={"addressing_style": "path"} if self._endpoint_url else {},
                    user_agent_extra="offgridflow-ingest",
                ),
            )

    def _key(self, name: str) -> str:
        """The object's, of one of our keys or URIs."""
        return name.removeprefix(self._root) if name.startswith(self._root) else f"{self._prefix}{name}"

    def _url(self, name: str) -> str:
        return f"{self._root}{self._key(name)}"

    def _folders(self, pattern: str) -> Iterator[str]:
        if "*" not in pattern:
            return iter([f"{pattern}/"])
        return self._matching(f"{pattern}/", "CommonPrefixes", "Prefix")

    def _matching(self, pattern: str, what: Listed, name: str) -> Iterator[str]:
        """Our keys of the folders or objects of one folder that match."""
        keys = (entry[name].removeprefix(self._prefix) for entry in self._listed(pattern.partition("*")[0], what, "/"))
        return (key for key in keys if fnmatchcase(key, pattern))

    def _listed(self, start: str, what: Listed, delimiter: str = "") -> Iterator[Any]:
        """What S3 lists of all keys that start so, page by page."""
        pages = self._client.get_paginator("list_objects_v2")
        with s3_errors(self.uri(start)):
            for page in pages.paginate(Bucket=self._bucket, Prefix=f"{self._prefix}{start}", Delimiter=delimiter):
                yield from page.get(what, ())


@dataclass(frozen=True, slots=True)
class StagedUpload:
    """A file on this host's disk, to be uploaded."""

    warehouse: S3Warehouse
    key: str
    path: str

    @property
    def uri(self) -> str:
        """What it will be called."""
        return self.warehouse.uri(self.key)

    def place(self) -> bool:
        """Upload it. False if another object came first."""
        with disk_errors(self.path), Path(self.path).open("rb") as body:
            return self.warehouse.put_if_absent(self.key, body)
