"""A folder with a copy of delivered reports, read as if it were their bucket. No AWS is involved."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from stat import S_ISREG
from typing import BinaryIO

from worker.adapters.os_errors import translate_os_error
from worker.domain.discovery import StoredObject
from worker.domain.errors import BadRequestError, ChangedError, NotFoundError, TransientError

MANIFEST_SUFFIX = "Manifest.json"
MANIFEST_LIMIT_BYTES = 64 * 1024 * 1024
CHUNK_BYTES = 1024 * 1024
ABSENT = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP}


class LocalReports:
    """`worker.ports.reports.ReportStore` on a folder. A key is a file's path below it, with ``/`` between its parts.

    A data file's ETag is its size and modification time, so that listing opens no data file; a manifest's is the digest
    of its content. Links to files inside the folder count as files. What a link reaches elsewhere, linked folders,
    sockets and the like do not exist here.
    """

    requests = 0

    def __init__(self, folder: Path) -> None:
        self._folder = folder.absolute()
        self._real_folder = folder.resolve()
        names = self._folder.parts[1:]
        self.bucket = self._folder.as_uri()
        self.roots: tuple[str, ...] = ("", *("/".join(names[start:]) for start in reversed(range(len(names)))))

    def list(self) -> Iterator[StoredObject]:
        """Every file below the folder, in key order; errors come while it is read."""
        with _errors_about(self._folder):
            if not self._folder.is_dir():
                remedy = "check the url: a copy of a bucket is given as file:///absolute/path"
                raise NotFoundError(f"there is no folder {self.bucket}", "NoSuchFolder", remedy)
            found = {path.relative_to(self._folder).as_posix(): path for path in self._files()}
            for key, path in sorted(found.items()):
                with suppress(FileNotFoundError):  # it went while we looked: then it is not there
                    status = path.stat()
                    modified = datetime.fromtimestamp(status.st_mtime, UTC)
                    yield StoredObject(key, _etag(path), status.st_size, modified)

    def read_manifest(self, key: str, if_none_match: str | None = None) -> tuple[bytes, str] | None:
        """The manifest and its ETag; None when that still is ``if_none_match``. BadRequestError when it is too long."""
        path = self._path(key)
        with _errors_about(path):
            if path.stat().st_size > MANIFEST_LIMIT_BYTES:
                message = f"{path.as_uri()}: longer than {MANIFEST_LIMIT_BYTES:,} bytes, so no manifest"
                raise BadRequestError(message, "manifest_too_long", "check the url: this is not AWS's manifest")
            content = path.read_bytes()
        etag = hashlib.sha256(content).hexdigest()
        return None if etag == if_none_match else (content, etag)

    def fetch(self, key: str, etag: str, size: int, into: Path, still_wanted: Callable[[], None]) -> int:
        """Copy the file to ``into`` and return its size. ChangedError unless ``etag`` is its ETag before and after."""
        path = self._path(key)
        with _errors_about(path):
            _require(path, etag)
            with path.open("rb") as file, into.open("wb") as copy:
                copied = sum(copy.write(chunk) for chunk in _chunks(file, still_wanted))
            _require(path, etag)
        if copied != size:
            raise TransientError(f"{path.as_uri()}: {copied} bytes came, {size} were planned", "wrong_length")
        return copied

    def first_bytes(self, key: str, count: int) -> bytes:
        """The beginning of a file."""
        path = self._path(key)
        with _errors_about(path), path.open("rb") as file:
            return file.read(count)

    def _files(self) -> Iterator[Path]:
        for folder, _, names in os.walk(self._folder, onerror=_raise):
            yield from (path for name in names if self._is_here(path := Path(folder, name)))

    def _is_here(self, path: Path) -> bool:
        """Whether it is a regular file, and not one that a link fetches from elsewhere."""
        try:
            mode = path.stat().st_mode
        except OSError as error:
            if error.errno in ABSENT:
                return False
            raise
        return S_ISREG(mode) and path.resolve().is_relative_to(self._real_folder)

    def _path(self, key: str) -> Path:
        parts = PurePosixPath(key)
        if parts.is_absolute() or ".." in parts.parts:
            remedy = "let the source's url cover all files of its reports"
            raise BadRequestError(f"{key} is outside of {self.bucket}", "outside_prefix", remedy)
        path = self._folder / parts
        with _errors_about(path):
            if not self._is_here(path):
                raise NotFoundError(f"{path.as_uri()}: no such file", "no_such_file", "copy the delivery again, whole")
        return path


def _chunks(file: BinaryIO, still_wanted: Callable[[], None]) -> Iterator[bytes]:
    while chunk := file.read(CHUNK_BYTES):
        still_wanted()
        yield chunk


def _etag(path: Path) -> str:
    if path.name.endswith(MANIFEST_SUFFIX):
        return hashlib.sha256(path.read_bytes()).hexdigest()
    status = path.stat()
    return f"{status.st_size}-{status.st_mtime_ns}"


def _require(path: Path, etag: str) -> None:
    if _etag(path) != etag:
        raise ChangedError(f"{path.as_uri()} was changed since the run was planned", "changed")


def _raise(error: OSError) -> None:
    raise error


@contextmanager
def _errors_about(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        place = Path(error.filename or path)
        raise translate_os_error(error, about=place.as_uri(), remedy=f"let this user read {place}") from error
