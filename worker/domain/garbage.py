"""Which files of a table nothing needs any more."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class FileKind(StrEnum):
    """The files of a table, in the order in which they are deleted: a part, whose presence proves its rejections, first."""

    PART = "parts"
    REJECTIONS = "rejections"
    RECORD = "records"
    METADATA = "metadata"
    SCRATCH = "scratch"


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file below the table. ``identity`` is what refers to it: the digest of a part and of its rejections, else its name."""

    key: str
    kind: FileKind
    identity: str
    size: int
    written: datetime


def garbage(stored: Iterable[StoredFile], needed: AbstractSet[str], before: datetime) -> tuple[StoredFile, ...]:
    """The files written before then whose identity is not among the ``needed`` ones, in the order to delete them in.

    A part and its rejections are as young as the younger: they go together or stay together.
    """
    unneeded = [file for file in stored if file.identity not in needed]
    young = {file.identity for file in unneeded if file.written >= before}
    order = list(FileKind)
    old = (file for file in unneeded if file.identity not in young)
    return tuple(sorted(old, key=lambda file: (order.index(file.kind), file.key)))
