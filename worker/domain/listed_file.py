"""One entry of a manifest's list, which is all that is known of the file before it is read: where it is, what it holds."""

from __future__ import annotations

from enum import StrEnum

SCHEME = "s3://"


class Content(StrEnum):
    """What a file holds. A companion is listed beside the report and holds none of it."""

    CSV = "csv"
    PARQUET = "parquet"
    COMPANION = "companion"
    UNKNOWN = "unknown"


SUFFIXES = {
    Content.COMPANION: (".md5", ".txt", ".sql", ".yml", ".json"),
    Content.CSV: (".csv", ".csv.gz", ".gz", ".zip"),
    Content.PARQUET: (".parquet",),
}


def content_of(key: str) -> Content:
    """What a file of this name holds."""
    name = key.lower()
    return next((content for content, endings in SUFFIXES.items() if name.endswith(endings)), Content.UNKNOWN)


def key_of(listed: str) -> str:
    """The key of an entry, which is a key or an ``s3://`` URL."""
    return listed.removeprefix(SCHEME).partition("/")[2] if listed.startswith(SCHEME) else listed


def bucket_of(listed: str) -> str:
    """The bucket of an entry that is a URL; empty of one that is a key."""
    return listed.removeprefix(SCHEME).partition("/")[0] if listed.startswith(SCHEME) else ""
