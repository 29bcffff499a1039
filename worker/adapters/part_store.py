"""The parts: written once, under the digest of their input."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq
from pyiceberg.schema import Schema

from worker.adapters import codec, data_files
from worker.adapters.data_files import PartSchema
from worker.adapters.layout import part_key, rejections_key
from worker.adapters.part_columns import PartColumns, constants
from worker.adapters.part_writer import OUTCOME, ParquetPartWriter
from worker.adapters.warehouse import Warehouse, disk_errors
from worker.domain.errors import FatalError, NotFoundError
from worker.domain.outcome import FileOutcome
from worker.domain.plan import FileJob


class ParquetPartStore:
    """Parts in the warehouse. Their columns' field ids are those of the org's table, which the plan tells: no catalog is needed."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse
        self._schemas: dict[str, PartSchema] = {}

    def find(self, job: FileJob) -> FileOutcome | None:
        """The outcome kept in the part's footer, if the part was written already: its run is the one that converted it.

        A part whose rejections are gone is not whole, and is converted again.
        """
        try:
            outcome = self._placed(job)
        except NotFoundError:
            return None
        return outcome if self.has(outcome) else None

    def has(self, outcome: FileOutcome) -> bool:
        """Whether the files that the outcome names are still there: `vacuum` deletes what nothing refers to."""
        return all(self._warehouse.exists(uri) for uri in (outcome.part, outcome.rejections) if uri)

    @contextmanager
    def create(self, job: FileJob, tag_keys: tuple[str, ...]) -> Iterator[ParquetPartWriter]:
        """A writer for the job's part and rejections. Leaving it without `ParquetPartWriter.finish` leaves nothing behind."""
        columns = PartColumns(self._schema(job).arrow, constants(job), tag_keys)
        rejections = rejections_key(job.plan.slot, job.file.digest)
        with (
            self._warehouse.stage(_part_key(job)) as part,
            self._warehouse.stage(rejections) as rejected,
            closing(ParquetPartWriter(columns, part, rejected, lambda: self._placed(job))) as writer,
        ):
            yield writer

    def _placed(self, job: FileJob) -> FileOutcome:
        uri = self._warehouse.uri(_part_key(job))
        try:
            with disk_errors(uri), self._warehouse.open(uri) as part:
                footer, size = pq.read_metadata(part), part.size()
            kept = (footer.metadata or {})[OUTCOME.encode()]
        except (pa.ArrowInvalid, KeyError) as error:
            raise FatalError(f"{uri} is no part of ours", "unreadable", "move it out of the warehouse") from error
        described = data_files.describe(footer, self._schema(job), uri, size, job.plan.slot)
        outcome = codec.load(FileOutcome, kept)
        rejections = outcome.rejections and self._warehouse.uri(rejections_key(job.plan.slot, job.file.digest))
        return replace(outcome, part=uri, rejections=rejections, data_file=described)

    def _schema(self, job: FileJob) -> PartSchema:
        columns = job.plan.table_columns
        if columns not in self._schemas:
            self._schemas[columns] = PartSchema.of(Schema.model_validate_json(columns))
        return self._schemas[columns]


def _part_key(job: FileJob) -> str:
    return part_key(job.plan.slot, job.file.digest)
