"""A run as planned: one pass over one billing period of one source."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from worker.domain.billing_period import BillingPeriod
from worker.domain.source import Source, digest

CONVERTER_VERSION = 1
"""The version of the rules that turn line items into activities. Raise it whenever the same file would give other rows."""


@dataclass(frozen=True, slots=True)
class Slot:
    """What one publication replaces: the month of one source of one org. ``source`` is `Source.kind`."""

    org_id: str
    source_name: str
    source: str
    period: BillingPeriod


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """A report file as it stood when the run was planned.

    ``digest`` names its part (`part_digest`); ``key`` is what the manifest says; ``path`` what the store calls it
    (the same on S3; below the configured folder for a copy on disk); ``size`` in bytes.
    """

    digest: str
    key: str
    path: str
    etag: str
    size: int


@dataclass(frozen=True, slots=True)
class RunPlan:
    """Everything a worker needs to know, so that it never asks the configuration.

    ``files`` is all that the manifest calls for, ``add`` the digests among them that must be ingested; ``dropped`` counts
    the published files that the manifest no longer names. ``columns`` are those that the manifest announces
    and that we read; ``table_columns`` are those of the org's table (`worker.ports.table.ActivityTable.columns`). ``requests`` is what planning cost. ``reconvert``, ``supersessions``, ``failing_since``
    and ``background`` are the trigger's.
    """

    source: Source
    period: BillingPeriod
    manifest_key: str
    manifest_path: str
    manifest_etag: str
    version_id: str
    account: str
    bucket: str
    charset: str
    files: tuple[PlannedFile, ...]
    add: frozenset[str]
    table_columns: str
    compression: str = "gzip"
    columns: tuple[str, ...] = ()
    reconvert: bool = False
    supersessions: int = 0
    failing_since: datetime | None = None
    background: bool = False
    dropped: int = 0
    requests: int = 0
    converter_version: int = CONVERTER_VERSION
    max_rejected_percent: float | None = None

    @property
    def slot(self) -> Slot:
        """What the run will replace."""
        return Slot(self.source.org_id, self.source.name, self.source.kind, self.period)

    @property
    def connector(self) -> str:
        """By which way its input comes."""
        return self.source.connector

    @property
    def base_id(self) -> str:
        """What makes two plans the same run: same input, same configuration, same rules (16 hex digits)."""
        return digest(
            self.source.configuration_digest,
            self.connector,
            str(self.period),
            self.manifest_etag,
            str(self.converter_version),
        )[:16]


@dataclass(frozen=True, slots=True)
class FileJob:
    """One report file to ingest, in the run that wants it."""

    run_id: str
    plan: RunPlan
    file: PlannedFile


def part_digest(source: Source, period: BillingPeriod, bucket: str, file: tuple[str, str, int]) -> str:
    """The name of the part that a file (key, ETag, size) becomes: the digest of everything that shapes its rows."""
    key, etag, size = file
    whose = (source.org_id, source.workspace_id, source.name, source.account_id)
    return digest(*whose, str(period), bucket, key, etag, str(size), str(CONVERTER_VERSION))
