"""Published months in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from tests.fakes.plans import COLUMNS
from worker.domain.errors import NotFoundError
from worker.domain.plan import Slot
from worker.domain.publication import Held, Publication, PublicationRecord


@dataclass(frozen=True, slots=True)
class Month:
    """One slot as it is published."""

    record: PublicationRecord
    uri: str
    parts: dict[str, str]


@dataclass(slots=True)
class FakeActivityTable:
    """Keeps no rows: only which parts make which month. Every commit is a snapshot of the org's table.

    ``kept`` are all records that were ever published, by URI; ``left`` the URIs of forgotten months, and since when.
    """

    months: dict[Slot, Month] = field(default_factory=dict)
    kept: dict[str, PublicationRecord] = field(default_factory=dict)
    left: dict[Slot, tuple[str, datetime]] = field(default_factory=dict)
    snapshots: dict[str, int] = field(default_factory=dict)

    def records(self, org_id: str | None = None) -> tuple[PublicationRecord, ...]:
        return tuple(month.record for slot, month in self.months.items() if org_id in {None, slot.org_id})

    def current(self, slot: Slot) -> PublicationRecord | None:
        return self.months[slot].record if slot in self.months else None

    def columns(self, org_id: str) -> str:
        return COLUMNS

    def forgotten(self, org_id: str | None = None) -> tuple[tuple[PublicationRecord, datetime], ...]:
        return tuple((self.kept[uri], at) for slot, (uri, at) in self.left.items() if org_id in {None, slot.org_id})

    def record_at(self, uri: str) -> PublicationRecord:
        return self.kept[uri]

    def forget(self, slot: Slot, at: datetime) -> PublicationRecord:
        if slot not in self.months:
            raise NotFoundError(f"nothing is published for {slot}")
        month = self.months.pop(slot)
        self.left[slot] = (month.uri, at)
        self.snapshots[slot.org_id] += 1
        return month.record

    def publish(self, slot: Slot, decide: Callable[[Held], Publication | None]) -> tuple[PublicationRecord, int]:
        while True:
            base = self.snapshots.get(slot.org_id, 0)
            held = self._held(slot)
            decided = decide(held)
            if self.snapshots.get(slot.org_id, 0) == base:
                break
        if decided is not None:
            added = {outcome.digest: str(outcome.part) for outcome in decided.add}
            kept = {digest: uri for digest, uri in held.parts.items() if uri not in decided.drop}
            self.snapshots[slot.org_id] = base + 1
            uri = f"record-{slot.org_id}-{base + 1}"
            self.months[slot], self.kept[uri] = Month(decided.record, uri, kept | added), decided.record
            self.left.pop(slot, None)
        if slot not in self.months:
            raise NotFoundError(f"nothing is published for {slot}")
        return self.months[slot].record, self.snapshots[slot.org_id]

    def _held(self, slot: Slot) -> Held:
        beside = [
            month.record
            for other, month in self.months.items()
            if other != slot and (other.org_id, other.source, other.period) == (slot.org_id, slot.source, slot.period)
        ]
        month = self.months.get(slot)
        if month is None:
            uri, _ = self.left.get(slot, (None, None))
            return Held(None, uri, {}, tuple(beside))
        return Held(month.record, month.uri, dict(month.parts), tuple(beside))
