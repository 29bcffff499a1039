"""Where published files live, by keys and URIs: a folder (`folder_warehouse`) or a bucket (`s3_warehouse`)."""

from __future__ import annotations

import errno
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import PurePosixPath
from typing import Protocol

import pyarrow as pa
from pyarrow.fs import FileSystem

from worker.adapters.os_errors import translate_os_error
from worker.domain.errors import BadRequestError, FatalError, NotFoundError

SCHEME = "file://"


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file that is there: its key, its size in bytes, and when it was written."""

    key: str
    size: int
    modified: datetime


@dataclass(frozen=True, slots=True)
class Engines:
    """How those get at the files that open them by themselves: Arrow and DuckDB, Iceberg, and Polars."""

    arrow: FileSystem
    iceberg: Mapping[str, str] = field(default_factory=dict)
    polars: Mapping[str, str] = field(default_factory=dict)


class Staged(Protocol):
    """A file on its way into the warehouse, where it will be ``uri``. Write it under ``path``, then `place` it."""

    @property
    def uri(self) -> str:
        """What it will be called."""

    @property
    def path(self) -> str:
        """Where it is until then, on this host."""

    def place(self) -> bool:
        """Put it where it belongs, for good. False if another file came first."""


class Warehouse(Protocol):
    """Files under one root, each either written once or replaced whole. A reader never sees half a file.

    A ``name`` is a key or a URI. What is not there is a NotFoundError; a key that leads out of the root a BadRequestError.
    """

    @property
    def engines(self) -> Engines:
        """For those that read the files by their URIs, in the form that `path_of` gives them."""

    def uri(self, key: str) -> str:
        """What the table and the records call the file."""

    def exists(self, name: str) -> bool:
        """Whether the file is in its place."""

    def read(self, name: str) -> bytes:
        """The whole file."""

    def open(self, name: str) -> pa.NativeFile:
        """The file for reading here and there; close it."""

    def list(self, pattern: str) -> tuple[str, ...]:
        """The keys that match, in order; ``*`` is one folder or name. Files still being written are not among them."""

    def below(self, key: str) -> Iterator[FoundFile]:
        """Every file below a folder, those still being written too."""

    def delete(self, key: str) -> None:
        """Delete the file, if it is there."""

    def put(self, key: str, body: bytes) -> str:
        """Write or replace the file in one step; returns its URI."""

    def put_if_absent(self, key: str, body: bytes) -> bool:
        """Write the file unless it is there; False if it was."""

    def stage(self, key: str) -> AbstractContextManager[Staged]:
        """A scratch file that can become the file called ``key``, and that leaves nothing if it does not."""


def path_of(uri: str) -> str:
    """What a library that opens files by itself calls a file of this URI: a folder's path, or the URI of an object."""
    return uri.removeprefix(SCHEME)


def require_inside(key: str) -> None:
    """BadRequestError when the key leads out of the warehouse."""
    if ".." in PurePosixPath(key).parts:
        raise BadRequestError(f"{key!r} leads out of the warehouse")


@contextmanager
def disk_errors(about: str) -> Iterator[None]:
    """Raise what the disk, or the object store behind Arrow, objects to as an error of ours that says what to do."""
    try:
        yield
    except FileNotFoundError as error:
        raise NotFoundError(f"{about} is not in the warehouse", "ENOENT", "restore it from a backup") from error
    except OSError as error:
        if error.errno == errno.EROFS:
            raise FatalError(f"{about}: the warehouse is read-only", "EROFS", "mount it writable") from error
        if error.errno is None:  # not the system's: Arrow says so what S3 answered
            from worker.adapters.s3_errors import translate_arrow  # noqa: PLC0415  it loads botocore

            raise translate_arrow(error, about=about) from error
        raise translate_os_error(error, about=about, remedy="let the workers read and write the warehouse") from error
