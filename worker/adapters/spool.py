"""Scratch folders for report files on their way, and the removal of those that a killed worker left."""

from __future__ import annotations

import fcntl
import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from worker.domain.errors import FatalError

PREFIX = "offgridflow-"
YOUNG_SECONDS = 60.0
"""Between being made and being locked a folder is nobody's; it is left alone for so long."""


class Spool:
    """Folders below ``root``, each locked by the process that uses it: the kernel drops a dead process's locks.

    ``limit`` bounds the bytes of one folder.
    """

    def __init__(self, root: Path, limit: int = sys.maxsize) -> None:
        self._root = root
        self._limit = limit

    @contextmanager
    def folder(self, size: int) -> Iterator[Path]:
        """An empty folder for a file of ``size`` bytes, gone when the block ends. FatalError when that is too much."""
        if size > self._limit:
            message = f"it has {size:,} bytes, and {self._limit:,} may be spooled"
            raise FatalError(message, "spool_limit", "raise OFFGRIDFLOW_SPOOL_LIMIT if the disk has room for more")
        with TemporaryDirectory(prefix=PREFIX, dir=self._root) as folder:
            held = os.open(folder, os.O_RDONLY)
            try:
                fcntl.flock(held, fcntl.LOCK_EX)
                yield Path(folder)
            finally:
                os.close(held)

    def sweep(self) -> int:
        """Remove the folders that no living process holds; returns how many."""
        return sum(self._removed(folder) for folder in self._root.glob(f"{PREFIX}*") if folder.is_dir())

    def _removed(self, folder: Path) -> bool:
        try:
            if time.time() - folder.stat().st_mtime < YOUNG_SECONDS:  # noqa: TID251 (against the file system's clock)
                return False
            held = os.open(folder, os.O_RDONLY)
        except OSError:
            return False  # it went meanwhile, or is another user's
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        else:
            shutil.rmtree(folder, ignore_errors=True)
            return True
        finally:
            os.close(held)
