"""Who opens which file, as the kernel tells it: no process can read a file unseen."""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

IN_OPEN = 0x20
EVENT = struct.Struct("iIII")

needs_inotify = pytest.mark.skipif(
    sys.platform != "linux", reason="sees files opened through inotify, which only Linux has"
)


class OpenedFiles:
    """The watched files that were opened so far, in order, once for each time."""

    def __init__(self, descriptor: int, names: dict[int, Path]) -> None:
        self._descriptor = descriptor
        self._names = names
        self._seen: list[Path] = []

    def __call__(self) -> list[Path]:
        try:
            events = os.read(self._descriptor, 64 * 1024)
        except BlockingIOError:
            return self._seen
        self._seen += [self._names[watch] for watch, *_ in EVENT.iter_unpack(events)]
        return self._seen


@contextmanager
def opened_files(files: Iterable[Path]) -> Iterator[OpenedFiles]:
    """Watch these files until the block ends."""
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
    assert descriptor >= 0, os.strerror(ctypes.get_errno())
    try:
        names = {libc.inotify_add_watch(descriptor, bytes(file), IN_OPEN): file for file in files}
        assert all(watch > 0 for watch in names), os.strerror(ctypes.get_errno())
        yield OpenedFiles(descriptor, names)
    finally:
        os.close(descriptor)
