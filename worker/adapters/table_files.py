"""Every file behind an org's table: what there is, what is needed, and how the rest is let go."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from functools import partial
from itertools import pairwise

from pyiceberg.manifest import ManifestFile
from pyiceberg.table import Table
from pyiceberg.table.metadata import TableMetadata

from worker.adapters import codec
from worker.adapters.catalog import OrgTables, catalog_errors
from worker.adapters.commit_turns import committed
from worker.adapters.layout import digest_of, table_key
from worker.adapters.table_version import TableVersion
from worker.adapters.warehouse import Warehouse
from worker.domain.errors import FatalError, NotFoundError
from worker.domain.garbage import FileKind, StoredFile
from worker.domain.publication import PublicationRecord

NAMES = {
    FileKind.PART: r"data/.+/([0-9a-f]{64})\.parquet",
    FileKind.REJECTIONS: r"data/.+/([0-9a-f]{64})\.rejections\.parquet",
    FileKind.RECORD: r"publications/.+/([^./][^/]*\.json)",
    FileKind.METADATA: r"metadata/([^./][^/]*\.(?:avro|json))",
    FileKind.SCRATCH: r"(?:.*/)?(\.[0-9a-f]{32})",
}
"""The names that we and Iceberg give, below the table; the group is the file's identity. No other file is ever touched."""

Turn = Callable[[str], AbstractContextManager[Callable[[], None]]]


class WarehouseTableFiles:
    """`worker.ports.table.TableFiles` in the warehouse. Files are told apart by their names, which are unique, however a URI spells a folder.

    ``turn`` is the lease that publishers take too.
    """

    def __init__(self, warehouse: Warehouse, tables: OrgTables, turn: Turn) -> None:
        self._warehouse = warehouse
        self._tables = tables
        self.turn = turn

    def orgs(self) -> tuple[str, ...]:
        """Every org that has a table, in order."""
        return tuple(org for org in self._tables.orgs() if self._tables.find(org))

    def trim(self, org_id: str, before: datetime, *, dry_run: bool) -> tuple[int, int]:
        """Leave manifests without files out of the newest snapshot, and expire those replaced before then; how many of each."""
        table = self._table(org_id)
        with catalog_errors():
            counts = len(_replaced(table.metadata, before)), len(_empty_manifests(table))
        if not dry_run:
            about = f"vacuuming the table of {org_id}"
            committed(about, partial(self._prune, org_id), nullcontext, _at_once)
            committed(about, partial(self._expire, org_id, before), nullcontext, _at_once)
        return counts

    def stored(self, org_id: str) -> tuple[StoredFile, ...]:
        """The files below the table that we or Iceberg may have written; no others."""
        below = table_key(org_id)
        found = ((file, _recognised(file.key.removeprefix(f"{below}/"))) for file in self._warehouse.below(below))
        return tuple(StoredFile(file.key, *kind, file.size, file.modified) for file, kind in found if kind)

    def needed(self, org_id: str, before: datetime) -> frozenset[str]:
        """The identities of all files that a snapshot or version needs that is current, or was replaced later than then.

        Every record that leads to a current or forgotten one is needed itself, however old. FatalError when the warehouse is
        not where the catalog's table is: there, nothing of it would seem needed.
        """
        table = self._table(org_id)
        current = _name(table.metadata_location)
        if not self._warehouse.exists(f"{table_key(org_id)}/metadata/{current}"):
            message = f"the catalog's table of {org_id} is not in this warehouse but at {table.metadata_location}"
            raise FatalError(message, "wrong_warehouse", "set OFFGRIDFLOW_WAREHOUSE to where the table is")
        with catalog_errors():
            return frozenset({current, *_iceberg_files(table, before), *self._versions(table, before)})

    def delete(self, files: Iterable[StoredFile]) -> None:
        """Delete the files, in this order. One that is gone already is no error."""
        for file in files:
            self._warehouse.delete(file.key)

    def _versions(self, table: Table, before: datetime) -> Iterator[str]:
        """Records by name, and by digest the files of those that no other had replaced by then."""
        for head, forgotten_at in TableVersion(table, self._warehouse).heads():
            uri: str | None = head
            replaced_at = forgotten_at
            while uri:
                record = codec.load(PublicationRecord, self._warehouse.read(uri))
                yield _name(uri)
                if replaced_at is None or replaced_at >= before:
                    yield from (file.digest for file in record.files)
                uri, replaced_at = record.previous, record.published_at

    def _prune(self, org_id: str) -> None:
        """An append of nothing is a snapshot without them: it is what takes the empty manifests along no further."""
        table = self._table(org_id)
        if _empty_manifests(table):
            with (
                table.transaction() as change,
                change.update_snapshot({"vacuum": "empty manifests left out"}).fast_append(),
            ):
                pass

    def _expire(self, org_id: str, before: datetime) -> None:
        table = self._table(org_id)
        if replaced := _replaced(table.metadata, before):
            table.maintenance.expire_snapshots().by_ids(replaced).commit()

    def _table(self, org_id: str) -> Table:
        table = self._tables.find(org_id)
        if table is None:
            raise NotFoundError(f"org {org_id!r} has no table", "unpublished", "`offgridflow status` lists what is")
        return table


def _replaced(metadata: TableMetadata, before: datetime) -> list[int]:
    """The snapshots that another had replaced by then. A snapshot's own age says nothing: it may have been read until now."""
    in_order = sorted(metadata.snapshots, key=lambda snapshot: (snapshot.sequence_number or 0, snapshot.timestamp_ms))
    named = {reference.snapshot_id for reference in metadata.refs.values()}
    limit = before.timestamp() * 1000
    return [
        snapshot.snapshot_id
        for snapshot, successor in pairwise(in_order)
        if successor.timestamp_ms < limit and snapshot.snapshot_id not in named
    ]


def _empty_manifests(table: Table) -> list[ManifestFile]:
    snapshot = table.current_snapshot()
    manifests = snapshot.manifests(table.io) if snapshot else []
    return [each for each in manifests if not (each.has_added_files() or each.has_existing_files())]


def _iceberg_files(table: Table, before: datetime) -> Iterator[str]:
    """What the snapshots that stay are made of: manifest lists, manifests and the parts in them; and the metadata's log."""
    yield from (_name(entry.metadata_file) for entry in table.metadata.metadata_log)
    replaced = set(_replaced(table.metadata, before))
    staying = [snapshot for snapshot in table.metadata.snapshots if snapshot.snapshot_id not in replaced]
    yield from (_name(snapshot.manifest_list) for snapshot in staying)
    manifests = {each.manifest_path: each for snapshot in staying for each in snapshot.manifests(table.io)}
    for path, manifest in manifests.items():
        yield _name(path)
        for entry in manifest.fetch_manifest_entry(table.io, discard_deleted=True):
            yield digest_of(entry.data_file.file_path)


def _recognised(name: str) -> tuple[FileKind, str] | None:
    """What kind of file has this name below the table, and its identity; None when neither we nor Iceberg gave it."""
    for kind, pattern in NAMES.items():
        if found := re.fullmatch(pattern, name):
            return kind, found[1]
    return None


def _name(uri: str) -> str:
    return uri.rpartition("/")[2]


def _at_once(_seconds: float) -> None:
    """Publishers wait for us: whoever came first has gone without a turn, and not twice."""
