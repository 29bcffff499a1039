"""The commit that swaps a month's parts: what it costs grows with what has changed.

Iceberg's library has an overwrite that comes to the same table. For one changed part of 10,000 it reads the month's manifests
twice more, writes all of their entries anew, and spells the partition of each file: twice the time of all that is done here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from pyiceberg.io import FileIO
from pyiceberg.manifest import DataFile, ManifestEntry, ManifestEntryStatus, ManifestFile
from pyiceberg.table import Transaction
from pyiceberg.table.snapshots import Operation, Summary, UpdateMetrics, update_snapshot_summaries
from pyiceberg.table.update.snapshot import _OverwriteFiles

MOST_ENTRIES = 1_000
"""Files in a manifest: of a large month, few of its manifests are written anew."""

Entries = Mapping[ManifestFile, Sequence[ManifestEntry]]
"""The live entries of manifests that were read."""


class MonthSwap(_OverwriteFiles):
    """The library's overwrite for files of one partition, of which ``entries`` has every file that it deletes."""

    def __init__(self, change: Transaction, io: FileIO, properties: dict[str, str], entries: Entries) -> None:
        has_snapshot = change.table_metadata.current_snapshot() is not None
        operation = Operation.OVERWRITE if has_snapshot else Operation.APPEND
        super().__init__(operation, change, io, snapshot_properties=properties)
        self._entries = entries

    def swap(self, drop: Iterable[DataFile], add: Iterable[DataFile]) -> None:
        """Commit the snapshot without the first, and with the second."""
        self._deleted_data_files.update(drop)
        self._added_data_files.extend(add)
        self.commit()

    def _manifests(self) -> list[ManifestFile]:
        added = [_entry(ManifestEntryStatus.ADDED, self._snapshot_id, file) for file in self._added_data_files]
        return [*self._written(added), *self._written(self._deleted_entries()), *self._existing_manifests()]

    def _deleted_entries(self) -> list[ManifestEntry]:
        return [
            _entry(ManifestEntryStatus.DELETED, self._snapshot_id, entry.data_file, entry)
            for entries in self._entries.values()
            for entry in entries
            if entry.data_file in self._deleted_data_files
        ]

    def _existing_manifests(self) -> list[ManifestFile]:
        """Those of the snapshot before, in order; anew where they have lost a file."""
        before = self._transaction.table_metadata.current_snapshot()
        manifests = before.manifests(self._io) if before else []
        return [staying for manifest in manifests for staying in self._staying(manifest)]

    def _staying(self, manifest: ManifestFile) -> Iterator[ManifestFile]:
        entries = self._entries.get(manifest, ())
        left = [entry for entry in entries if entry.data_file not in self._deleted_data_files]
        if len(left) == len(entries):
            yield manifest
        else:
            existing = ManifestEntryStatus.EXISTING
            yield from self._written([_entry(existing, entry.snapshot_id, entry.data_file, entry) for entry in left])

    def _written(self, entries: Sequence[ManifestEntry]) -> Iterator[ManifestFile]:
        for first in range(0, len(entries), MOST_ENTRIES):
            with self.new_manifest_writer(self._transaction.table_metadata.spec()) as writer:
                for entry in entries[first : first + MOST_ENTRIES]:
                    writer.add_entry(entry)
            yield writer.to_manifest_file()

    def _summary(self, snapshot_properties: Mapping[str, str] = {}) -> Summary:
        metadata, metrics = self._transaction.table_metadata, UpdateMetrics()
        for file in self._added_data_files:
            metrics.add_file(file)
        for file in self._deleted_data_files:
            metrics.remove_file(file)
        figures = metrics.to_dict()
        partitions = {"changed-partition-count": "1"} if figures else {}
        before = metadata.current_snapshot()
        summary = Summary(self._operation, **figures, **partitions, **snapshot_properties)
        return update_snapshot_summaries(summary, before.summary if before else None)


def _entry(
    status: ManifestEntryStatus, snapshot_id: int | None, file: DataFile, like: ManifestEntry | None = None
) -> ManifestEntry:
    """With the sequence numbers of the entry that it continues; one that is new gets its own when it is read."""
    return ManifestEntry.from_args(
        status=status,
        snapshot_id=snapshot_id,
        sequence_number=like.sequence_number if like else None,
        file_sequence_number=like.file_sequence_number if like else None,
        data_file=file,
    )
