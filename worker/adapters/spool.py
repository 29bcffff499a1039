"""Scratch folders for report files on their way, and the removal of those that a killed worker left."""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

PREFIX = "offgridflow-"
YOUNG_SECONDS = 60.0
"""Between being made and being locked a folder is nobody's; it is left alone for so long."""


class Spool:
    """Folders below ``root``, each locked by the process that uses it: the kernel drops a dead process's locks."""

    def __init__(self, root: Path) -> None:
        self._root = root

    @contextmanager
    def folder(self) -> Iterator[Path]:
        """An empty folder, gone when the block ends."""
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
