"""The published activities, as Iceberg tables: a month is replaced in one commit, or not at all."""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

from pyiceberg.exceptions import CommitFailedException, ValidationException
from pyiceberg.table import Table

from worker.adapters import codec
from worker.adapters.catalog import OrgTables, catalog_errors
from worker.adapters.data_files import data_file
from worker.adapters.layout import record_key
from worker.adapters.table_version import Selection, TableVersion, property_name
from worker.adapters.warehouse import Warehouse
from worker.domain.errors import NotFoundError, TransientError
from worker.domain.plan import Slot
from worker.domain.publication import Held, Publication, PublicationRecord

MAX_COMMITS = 20
LONGEST_PAUSE_SECONDS = 0.5

Lease = Callable[[str], AbstractContextManager[None]]


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
        self._warehouse = warehouse
        self._tables = tables
        self._lease = lease
        self._pause = pause

    def versions(self, org_id: str | None = None) -> tuple[tuple[str, TableVersion], ...]:
        """Every org (or one) with the version of its table that is current now. An org without a table is left out."""
        orgs = self._tables.orgs() if org_id is None else (org_id,)
        found = ((org, self._tables.find(org)) for org in orgs)
        return tuple((org, TableVersion(table, self._warehouse)) for org, table in found if table is not None)

    def records(self, org_id: str | None = None) -> tuple[PublicationRecord, ...]:
        """The current publication record of every slot (of one org)."""
        return tuple(record for _, version in self.versions(org_id) for record in version.records())

    def current(self, slot: Slot) -> PublicationRecord | None:
        """The slot's current publication record."""
        return next((version.record(slot) for _, version in self.versions(slot.org_id)), None)

    def publish(self, slot: Slot, decide: Callable[[Held], Publication | None]) -> tuple[PublicationRecord, int]:
        """Commit what ``decide`` makes of the held state, in one table commit; decide again when another commit came first.

        None from ``decide`` means that nothing is left to do. Returns the slot's record and the snapshot id that has it.
        TransientError when so many others commit that our turn never comes.
        """
        for _ in range(MAX_COMMITS):
            with self._lease(slot.org_id), catalog_errors():
                try:
                    return self._commit(slot, decide)
                except (CommitFailedException, ValidationException):
                    # Whatever was decided is stale now. Its record file stays: a twin of this run may have published it.
                    pass
            self._pause(random.uniform(0, LONGEST_PAUSE_SECONDS))  # noqa: S311  spreads publishers, keeps no secret
        message = (
            f"{slot.source_name} {slot.period}: {MAX_COMMITS} other commits to the table of {slot.org_id} came first"
        )
        raise TransientError(message, "contention", "publish fewer sources of one org at the same time")

    def _commit(self, slot: Slot, decide: Callable[[Held], Publication | None]) -> tuple[PublicationRecord, int]:
        table = self._tables.get(slot.org_id)
        version = TableVersion(table, self._warehouse)
        live = version.data_files(Selection.of(slot))
        held = version.held(slot, live)
        publication = decide(held)
        if publication is None:
            return _as_it_stands(slot, held), _snapshot_id(table)
        uri = self._keep(publication.record)
        with table.transaction() as change:
            change.set_properties({property_name(slot): uri})
            # Also when no part changes: only a new snapshot makes the catalog compare what was decided on with what there is.
            with change.update_snapshot(_summary(publication.record, uri)).overwrite() as parts:
                for dropped in publication.drop:
                    parts.delete_data_file(live[dropped])
                for added in publication.add:
                    parts.append_data_file(data_file(added))
        return publication.record, _snapshot_id(table)

    def _keep(self, record: PublicationRecord) -> str:
        """Write the record, which is never overwritten: it is named by what it says."""
        body = codec.dump(record)
        key = record_key(record.slot, record.run_id, hashlib.sha256(body).hexdigest())
        self._warehouse.put_if_absent(key, body)
        return self._warehouse.uri(key)


def _as_it_stands(slot: Slot, held: Held) -> PublicationRecord:
    if held.record is None:
        raise NotFoundError(
            f"{slot.source_name} {slot.period}: nothing is published", "unpublished", "ingest the month"
        )
    return held.record


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
