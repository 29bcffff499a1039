"""Published months that are read once: a page about each of a thousand months asks for all of them."""

from __future__ import annotations

from datetime import datetime
from functools import cached_property

from worker.domain.publication import PublicationRecord
from worker.ports.table import PublishedMonths


class KeptMonths:
    """`worker.ports.table.PublishedMonths` as it was when first asked."""

    def __init__(self, months: PublishedMonths) -> None:
        self._months = months
        self._read: dict[str, PublicationRecord] = {}

    @cached_property
    def _records(self) -> tuple[PublicationRecord, ...]:
        return self._months.records()

    @cached_property
    def _forgotten(self) -> tuple[tuple[PublicationRecord, datetime], ...]:
        return self._months.forgotten()

    def records(self, org_id: str | None = None) -> tuple[PublicationRecord, ...]:
        """The current record of every slot."""
        return tuple(record for record in self._records if org_id in {None, record.slot.org_id})

    def forgotten(self, org_id: str | None = None) -> tuple[tuple[PublicationRecord, datetime], ...]:
        """The last record of every forgotten slot, and when it was forgotten."""
        return tuple((record, at) for record, at in self._forgotten if org_id in {None, record.slot.org_id})

    def record_at(self, uri: str) -> PublicationRecord:
        """A record by its URI."""
        if uri not in self._read:
            self._read[uri] = self._months.record_at(uri)
        return self._read[uri]
