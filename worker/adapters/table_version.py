"""One version of an org's table: everything here is read from the same metadata, whatever is committed meanwhile."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from pyiceberg.expressions import AlwaysTrue, And, BooleanExpression, EqualTo
from pyiceberg.expressions.visitors import manifest_evaluator
from pyiceberg.manifest import DataFile
from pyiceberg.table import Table

from worker.adapters import codec
from worker.adapters.layout import digest_of
from worker.adapters.month_swap import Entries
from worker.adapters.table_definition import PARTITION_COLUMNS
from worker.adapters.warehouse import Warehouse
from worker.domain.plan import Slot
from worker.domain.publication import Held, PublicationRecord
from worker.domain.versions import Forgotten

PROPERTY_PREFIX = "offgridflow.publication."
FORGOTTEN_PREFIX = "offgridflow.forgotten."


def property_name(slot: Slot) -> str:
    """The table property that says where the slot's publication record is. No part of a slot's name has a dot."""
    return f"{PROPERTY_PREFIX}{_property_key(slot)}"


def forgotten_name(slot: Slot) -> str:
    """The table property that says of a slot that was unpublished on purpose where its last record is, and since when."""
    return f"{FORGOTTEN_PREFIX}{_property_key(slot)}"


def _property_key(slot: Slot) -> str:
    return f"{slot.source_name}.{slot.source}.{slot.period}"


@dataclass(frozen=True, slots=True)
class Selection:
    """Which of an org's slots are meant: those of one source name, of one source, of one month; None is any."""

    source_name: str | None = None
    source: str | None = None
    billing_period: str | None = None

    @classmethod
    def of(cls, slot: Slot) -> Selection:
        """Exactly this slot."""
        return cls(slot.source_name, slot.source, str(slot.period))

    def has(self, source_name: str, source: str, billing_period: str) -> bool:
        """Whether the slot named so is among them."""
        wanted = (self.source_name, self.source, self.billing_period)
        return all(
            want in {None, value} for want, value in zip(wanted, (source_name, source, billing_period), strict=True)
        )

    def expression(self) -> BooleanExpression:
        """The partitions of these slots."""
        partitions: BooleanExpression = AlwaysTrue()
        for name in PARTITION_COLUMNS:
            if (value := getattr(self, name)) is not None:
                partitions = And(partitions, EqualTo(term=name, value=value))
        return partitions


EVERYTHING = Selection()


class TableVersion:
    """What an org's table holds, as of the metadata that ``table`` was loaded with."""

    def __init__(self, table: Table, warehouse: Warehouse) -> None:
        self._table = table
        self._warehouse = warehouse

    def record(self, slot: Slot) -> PublicationRecord | None:
        """The slot's publication record, if the slot is published."""
        uri = self._record_uri(slot)
        return self._read(uri) if uri else None

    def records(self, selection: Selection = EVERYTHING) -> tuple[PublicationRecord, ...]:
        """The records of the selected slots, in order of source name, source and month."""
        return tuple(self._read(uri) for slot, uri in self._named(PROPERTY_PREFIX) if selection.has(*slot))

    def forgotten(self) -> tuple[tuple[PublicationRecord, datetime], ...]:
        """The last record of every slot that was forgotten and not published since, and when it was forgotten."""
        return tuple((self._read(uri), at) for uri, at in self.heads() if at)

    def heads(self) -> tuple[tuple[str, datetime | None], ...]:
        """The URI of the last record of every slot, and when the slot was forgotten, if it was."""
        published = [(uri, None) for _, uri in self._named(PROPERTY_PREFIX)]
        left = (codec.load(Forgotten, value) for _, value in self._named(FORGOTTEN_PREFIX))
        return (*published, *((each.record, each.at) for each in left))

    def data_files(self, selection: Selection = EVERYTHING) -> dict[str, DataFile]:
        """The live parts of the selected slots, by URI."""
        return files_of(self.entries(selection), selection)

    def entries(self, selection: Selection = EVERYTHING) -> Entries:
        """What is live in each manifest that may have parts of the selected slots.

        Planning a scan instead would weigh the whole filter anew for every file, at a millisecond each.
        """
        snapshot, io = self._table.current_snapshot(), self._table.io
        if snapshot is None:
            return {}
        may_have = manifest_evaluator(self._table.spec(), self._table.schema(), selection.expression())
        return {
            manifest: manifest.fetch_manifest_entry(io, discard_deleted=True)
            for manifest in snapshot.manifests(io)
            if may_have(manifest) and (manifest.has_added_files() or manifest.has_existing_files())
        }

    def held(self, slot: Slot, parts: Iterable[str]) -> Held:
        """What a publication of the slot is to be decided on; ``parts`` are the URIs of its live parts."""
        month = self.records(Selection(source=slot.source, billing_period=str(slot.period)))
        return Held(
            record=next((record for record in month if record.slot == slot), None),
            uri=self._record_uri(slot) or self._forgotten_uri(slot),
            parts={digest_of(uri): uri for uri in parts},
            others=tuple(record for record in month if record.slot != slot),
        )

    def _record_uri(self, slot: Slot) -> str | None:
        return self._table.properties.get(property_name(slot))

    def _forgotten_uri(self, slot: Slot) -> str | None:
        value = self._table.properties.get(forgotten_name(slot))
        return codec.load(Forgotten, value).record if value else None

    def _named(self, prefix: str) -> list[tuple[tuple[str, ...], str]]:
        """The slots with a property of this kind, in order, and its value."""
        properties = self._table.properties.items()
        found = ((name.removeprefix(prefix), value) for name, value in properties if name.startswith(prefix))
        return sorted((tuple(slot.split(".")), value) for slot, value in found)

    def _read(self, uri: str) -> PublicationRecord:
        return codec.load(PublicationRecord, self._warehouse.read(uri))


def files_of(entries: Entries, selection: Selection) -> dict[str, DataFile]:
    """The parts of the selected slots among these entries, by URI."""
    files = (entry.data_file for each in entries.values() for entry in each)
    return {file.file_path: file for file in files if selection.has(*_slot_of(file))}


def _slot_of(file: DataFile) -> tuple[str, str, str]:
    source_name, source, billing_period = (file.partition[at] for at in range(len(PARTITION_COLUMNS)))
    return source_name, source, billing_period
