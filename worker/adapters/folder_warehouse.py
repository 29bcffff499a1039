"""The warehouse as a folder."""

from __future__ import annotations

import errno
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
from pyarrow.fs import LocalFileSystem

from worker.adapters.warehouse import SCHEME, Engines, FoundFile, disk_errors, path_of, require_inside

FOREIGN_TO_URIS = ("#", "?")
"""Iceberg's reader takes what follows these for a fragment or a query: a path that has them is its own URI."""


class FolderWarehouse:
    """`worker.adapters.warehouse.Warehouse` on a disk that all workers share.

    It does not wait for the disk: what a power cut takes is not there afterwards, though the catalog may say so.
    """

    def __init__(self, root: Path) -> None:
        self._root = root.absolute()
        self.engines = Engines(LocalFileSystem())

    def uri(self, key: str) -> str:
        """What the table and the records call the file; `path_of` is the way back."""
        path = str(self._path(key))
        return path if any(sign in path for sign in FOREIGN_TO_URIS) else f"{SCHEME}{path}"

    def exists(self, name: str) -> bool:
        """Whether the file is in its place."""
        with disk_errors(name):
            return (self._root / path_of(name)).exists()

    def read(self, name: str) -> bytes:
        """The whole file."""
        with disk_errors(name):
            return (self._root / path_of(name)).read_bytes()

    def open(self, name: str) -> pa.NativeFile:
        """The file for reading here and there."""
        with disk_errors(name):
            return pa.OSFile(str(self._root / path_of(name)), "rb")

    def list(self, pattern: str) -> tuple[str, ...]:
        """The keys that match, in order. Files still being written are hidden, and so not among them."""
        with disk_errors(str(self._root)):
            found = (path for path in self._root.glob(pattern) if path.is_file() and not path.name.startswith("."))
            return tuple(sorted(path.relative_to(self._root).as_posix() for path in found))

    def below(self, key: str) -> Iterator[FoundFile]:
        """Every file below a folder, those still being written too."""
        with disk_errors(key):
            for folder, _, names in os.walk(self._path(key)):
                for name in names:
                    path = Path(folder, name)
                    with suppress(FileNotFoundError):  # it went while we looked
                        status = path.lstat()
                        written = datetime.fromtimestamp(status.st_mtime, UTC)
                        yield FoundFile(path.relative_to(self._root).as_posix(), status.st_size, written)

    def delete(self, key: str) -> None:
        """Delete the file, if it is there."""
        with disk_errors(key):
            self._path(key).unlink(missing_ok=True)

    def put(self, key: str, body: bytes) -> str:
        """Write or replace the file in one step; returns its URI."""
        with disk_errors(key):
            descriptor, scratch = _named(self._folder_of(key))
            try:
                with os.fdopen(descriptor, "wb") as file:
                    file.write(body)
                scratch.replace(self._path(key))
            finally:
                scratch.unlink(missing_ok=True)
        return self.uri(key)

    def put_if_absent(self, key: str, body: bytes) -> bool:
        """Write the file unless it is there; False if it was."""
        with self.stage(key) as staged, disk_errors(key):
            Path(staged.path).write_bytes(body)
            return staged.place()

    @contextmanager
    def stage(self, key: str) -> Iterator[StagedFile]:
        """A scratch file beside the place of the file called ``key``."""
        with disk_errors(key):
            folder = self._folder_of(key)
            descriptor, path = _nameless(folder) or _named(folder)
        try:
            yield StagedFile(self.uri(key), str(path), descriptor, self._path(key))
        finally:
            os.close(descriptor)
            if path.parent == folder:
                path.unlink()

    def _folder_of(self, key: str) -> Path:
        folder = self._path(key).parent
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def _path(self, key: str) -> Path:
        require_inside(key)
        return self._root / key


@dataclass(frozen=True, slots=True)
class StagedFile:
    """A file on the warehouse's own disk: placing it copies nothing."""

    uri: str
    path: str
    descriptor: int
    target: Path

    def place(self) -> bool:
        """Put it where it belongs, for good: it loses its write permission. False if another file came first."""
        with disk_errors(self.uri):
            os.fchmod(self.descriptor, os.fstat(self.descriptor).st_mode & 0o444)
            folder = os.open(self.target.parent, os.O_RDONLY)
            try:
                # A link never replaces. Naming the folder by descriptor makes it follow /proc's link to a nameless file.
                os.link(self.path, self.target.name, dst_dir_fd=folder)
            except FileExistsError:
                return False
            finally:
                os.close(folder)
        return True


def _named(folder: Path) -> tuple[int, Path]:
    """An open scratch file that has a name, hidden from `FolderWarehouse.list`."""
    path = folder / f".{uuid.uuid4().hex}"
    return os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o666), path


def _nameless(folder: Path) -> tuple[int, Path] | None:
    """An open scratch file without a name, so that a killed process leaves nothing; None where the system has none."""
    flag = getattr(os, "O_TMPFILE", None)
    if flag is None:
        return None
    try:
        descriptor = os.open(folder, flag | os.O_RDWR, 0o666)
    except OSError as error:
        if error.errno in {errno.EOPNOTSUPP, errno.EISDIR}:
            return None
        raise
    return descriptor, Path(f"/proc/self/fd/{descriptor}")
