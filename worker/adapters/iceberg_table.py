"""The published activities, as Iceberg tables: a month is replaced in one commit, or not at all."""

from __future__ import annotations

import gc
import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import datetime
from functools import partial

from pyiceberg.table import Table

from worker.adapters import codec
from worker.adapters.catalog import OrgTables
from worker.adapters.commit_turns import T, committed
from worker.adapters.data_files import data_file
from worker.adapters.layout import record_key
from worker.adapters.month_swap import MonthSwap
from worker.adapters.table_version import Selection, TableVersion, files_of, forgotten_name, property_name
from worker.adapters.warehouse import Warehouse
from worker.domain.errors import NotFoundError
from worker.domain.plan import Slot
from worker.domain.publication import Held, Publication, PublicationRecord
from worker.domain.versions import Forgotten

Lease = Callable[[str], AbstractContextManager[None]]


@contextmanager
def _uncollected() -> Iterator[None]:
    """What a commit of thousands of parts is made of stays until it ends: to look through it for garbage is a quarter of its time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _no_lease(_org_id: str) -> AbstractContextManager[None]:
    return nullcontext()


class IcebergActivityTable:
    """One table for each org. Correct with any number of publishers: what was decided on stale metadata is never committed.

    ``lease`` takes turns with the other publishers of an org: for speed only. ``pause`` waits between two tries.
    """

    def __init__(
        self,
        warehouse: Warehouse,
        tables: OrgTables,
        lease: Lease = _no_lease,
        pause: Callable[[float], None] = time.sleep,  # noqa: TID251  another's commit is not ours to wait for
    ) -> None:
        self.warehouse = warehouse
        self._tables = tables
        self._lease = lease
        self._pause = pause
        self._columns: dict[str, str] = {}

    def versions(self, org_id: str | None = None) -> tuple[tuple[str, TableVersion], ...]:
        """Every org (or one) with the version of its table that is current now. An org without a table is left out."""
        orgs = self._tables.orgs() if org_id is None else (org_id,)
        found = ((org, self._tables.find(org)) for org in orgs)
        return tuple((org, TableVersion(table, self.warehouse)) for org, table in found if table is not None)

    def records(self, org_id: str | None = None) -> tuple[PublicationRecord, ...]:
        """The current publication record of every slot (of one org)."""
        return tuple(record for _, version in self.versions(org_id) for record in version.records())

    def current(self, slot: Slot) -> PublicationRecord | None:
        """The slot's current publication record."""
        return next((version.record(slot) for _, version in self.versions(slot.org_id)), None)

    def columns(self, org_id: str) -> str:
        """The columns of the org's table, or those that it will be made with, as Iceberg writes a schema. It keeps them for ever."""
        if org_id not in self._columns:
            self._columns[org_id] = self._tables.schema(org_id).model_dump_json()
        return self._columns[org_id]

    def forgotten(self, org_id: str | None = None) -> tuple[tuple[PublicationRecord, datetime], ...]:
        """The last record of every slot that was forgotten and not published since, and when it was forgotten."""
        return tuple(each for _, version in self.versions(org_id) for each in version.forgotten())

    def record_at(self, uri: str) -> PublicationRecord:
        """A record by its URI, current or not."""
        return codec.load(PublicationRecord, self.warehouse.read(uri))

    def publish(self, slot: Slot, decide: Callable[[Held], Publication | None]) -> tuple[PublicationRecord, int]:
        """Commit what ``decide`` makes of the held state, in one table commit; decide again when another commit came first.

        None from ``decide`` means that nothing is left to do. Returns the slot's record and the snapshot id that has it.
        TransientError when so many others commit that our turn never comes.
        """
        return self._by_turns(slot, partial(self._commit, slot, decide))

    def forget(self, slot: Slot, at: datetime) -> PublicationRecord:
        """Unpublish the slot, in one table commit; its records stay, and the next one will name the last of them.

        NotFoundError when it is not published. Returns the record that was current.
        """
        return self._by_turns(slot, partial(self._unpublish, slot, at))

    def _by_turns(self, slot: Slot, attempt: Callable[[], T]) -> T:
        return committed(
            f"{slot.org_id} {slot.source_name} {slot.period}", attempt, partial(self._lease, slot.org_id), self._pause
        )

    @_uncollected()
    def _commit(self, slot: Slot, decide: Callable[[Held], Publication | None]) -> tuple[PublicationRecord, int]:
        table = self._tables.get(slot.org_id)
        version = TableVersion(table, self.warehouse)
        entries = version.entries(Selection.of(slot))
        live = files_of(entries, Selection.of(slot))
        held = version.held(slot, live)
        publication = decide(held)
        if publication is None:
            return _as_it_stands(slot, held.record), _snapshot_id(table)
        uri = self._keep(publication.record)
        with table.transaction() as change:
            change.set_properties({property_name(slot): uri})
            if forgotten_name(slot) in table.properties:
                change.remove_properties(forgotten_name(slot))
            # Also when no part changes: only a new snapshot makes the catalog compare what was decided on with what there is.
            parts = MonthSwap(change, table.io, _summary(publication.record, uri), entries)
            parts.swap((live[dropped] for dropped in publication.drop), map(data_file, publication.add))
        return publication.record, _snapshot_id(table)

    def _unpublish(self, slot: Slot, at: datetime) -> PublicationRecord:
        table = self._tables.find(slot.org_id)
        if table is None:
            raise _unpublished(slot)
        version = TableVersion(table, self.warehouse)
        record = _as_it_stands(slot, version.record(slot))
        uri = table.properties[property_name(slot)]
        with table.transaction() as change:
            change.remove_properties(property_name(slot))
            change.set_properties({forgotten_name(slot): codec.dump(Forgotten(uri, at)).decode()})
            entries = version.entries(Selection.of(slot))
            parts = MonthSwap(change, table.io, {"forgotten": uri}, entries)
            parts.swap(drop=files_of(entries, Selection.of(slot)).values(), add=())
        return record

    def _keep(self, record: PublicationRecord) -> str:
        """Write the record, which is never overwritten: it is named by what it says."""
        body = codec.dump(record)
        key = record_key(record.slot, record.run_id, hashlib.sha256(body).hexdigest())
        self.warehouse.put_if_absent(key, body)
        return self.warehouse.uri(key)


def _as_it_stands(slot: Slot, record: PublicationRecord | None) -> PublicationRecord:
    if record is None:
        raise _unpublished(slot)
    return record


def _unpublished(slot: Slot) -> NotFoundError:
    message = f"{slot.source_name} {slot.period}: nothing is published"
    return NotFoundError(message, "unpublished", "ingest the month")


def _snapshot_id(table: Table) -> int:
    return table.metadata.current_snapshot_id or 0


def _summary(record: PublicationRecord, uri: str) -> dict[str, str]:
    """What the snapshot says about itself to whoever looks at the table with another tool."""
    return {
        "run_id": record.run_id,
        "source_name": record.slot.source_name,
        "source": record.slot.source,
        "billing_period": str(record.slot.period),
        "version_id": record.version_id,
        "publication": uri,
    }
