"""Where published files live: a folder now, by keys and URIs, so that an object store can take its place."""

from __future__ import annotations

import errno
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from worker.adapters.os_errors import translate_os_error
from worker.domain.errors import BadRequestError, FatalError, NotFoundError

SCHEME = "file://"
FOREIGN_TO_URIS = ("#", "?")
"""Iceberg's reader takes what follows these for a fragment or a query: a path that has them is its own URI."""


class Warehouse:
    """Files under one root, each either written once or replaced whole. A reader never sees half a file.

    It does not wait for the disk: what a power cut takes is not there afterwards, though the catalog may say so.
    """

    def __init__(self, root: Path) -> None:
        self._root = root.absolute()

    def uri(self, key: str) -> str:
        """What the table and the records call the file; `path_of` is the way back."""
        path = str(self._path(key))
        return path if any(sign in path for sign in FOREIGN_TO_URIS) else f"{SCHEME}{path}"

    def exists(self, name: str) -> bool:
        """Whether the file is in its place, by key or URI."""
        with disk_errors(name):
            return (self._root / path_of(name)).exists()

    def read(self, name: str) -> bytes:
        """The whole file, by key or URI. NotFoundError when it is not there."""
        with disk_errors(name):
            return (self._root / path_of(name)).read_bytes()

    def list(self, pattern: str) -> tuple[str, ...]:
        """The keys that match, in order; ``*`` is one folder or name. Files still being written are not among them."""
        with disk_errors(str(self._root)):
            found = (path for path in self._root.glob(pattern) if path.is_file() and not path.name.startswith("."))
            return tuple(sorted(path.relative_to(self._root).as_posix() for path in found))

    def below(self, key: str) -> Iterator[tuple[str, os.stat_result]]:
        """Every file below a folder, those still being written too: its key, and what the disk says of it."""
        with disk_errors(key):
            for folder, _, names in os.walk(self._path(key)):
                for name in names:
                    path = Path(folder, name)
                    with suppress(FileNotFoundError):  # it went while we looked
                        yield path.relative_to(self._root).as_posix(), path.lstat()

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
    def stage(self, key: str) -> Iterator[Staged]:
        """A scratch file that can become the file called ``key``, and that leaves nothing if it does not."""
        with disk_errors(key):
            folder = self._folder_of(key)
            descriptor, path = _nameless(folder) or _named(folder)
        try:
            yield Staged(self.uri(key), str(path), descriptor, self._path(key))
        finally:
            os.close(descriptor)
            if path.parent == folder:
                path.unlink()

    def _folder_of(self, key: str) -> Path:
        folder = self._path(key).parent
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def _path(self, key: str) -> Path:
        if ".." in PurePosixPath(key).parts:
            raise BadRequestError(f"{key!r} leads out of the warehouse")
        return self._root / key


@dataclass(frozen=True, slots=True)
class Staged:
    """A file on its way into the warehouse, where it will be ``uri``. Write it under ``path``, then `place` it."""

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


def path_of(uri: str) -> str:
    """The local path behind one of `Warehouse.uri`'s URIs."""
    return uri.removeprefix(SCHEME)


@contextmanager
def disk_errors(about: str) -> Iterator[None]:
    """Raise what the disk objects to as an error of ours that says what to do."""
    try:
        yield
    except FileNotFoundError as error:
        raise NotFoundError(f"{about} is not in the warehouse", "ENOENT", "restore it from a backup") from error
    except OSError as error:
        if error.errno == errno.EROFS:
            raise FatalError(f"{about}: the warehouse is read-only", "EROFS", "mount it writable") from error
        raise translate_os_error(error, about=about, remedy="let the workers read and write the warehouse") from error


def _named(folder: Path) -> tuple[int, Path]:
    """An open scratch file that has a name, hidden from `Warehouse.list`."""
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
