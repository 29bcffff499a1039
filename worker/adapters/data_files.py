"""The Iceberg data file of a part, as JSON: computed where the part was written, so that publishing opens no part."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any, Self

import pyarrow as pa
import pyarrow.parquet as pq
from pyiceberg.io.pyarrow import (
    StatisticsCollector,
    compute_statistics_plan,
    data_file_statistics_from_parquet_metadata,
    parquet_path_to_id_mapping,
    schema_to_pyarrow,
)
from pyiceberg.manifest import DataFile, DataFileContent, FileFormat
from pyiceberg.schema import Schema
from pyiceberg.typedef import Record

from worker.adapters import table_definition
from worker.domain.errors import FatalError
from worker.domain.outcome import FileOutcome
from worker.domain.plan import Slot

COUNTS = ("value_counts", "null_value_counts")
BOUNDS = ("lower_bounds", "upper_bounds")


@dataclass(frozen=True, slots=True)
class PartSchema:
    """What a table's columns mean for its parts: their types in Arrow, their field ids, and of which bounds are kept.

    Working it out takes milliseconds, and it is the same for all parts of a table.
    """

    arrow: pa.Schema
    field_ids: dict[str, int]
    statistics: dict[int, StatisticsCollector]

    @classmethod
    def of(cls, schema: Schema) -> Self:
        """That of a table with these columns."""
        return cls(
            schema_to_pyarrow(schema),
            parquet_path_to_id_mapping(schema),
            compute_statistics_plan(schema, table_definition.properties()),
        )


def describe(footer: pq.FileMetaData, schema: PartSchema, uri: str, size: int, slot: Slot) -> str:
    """The data file of the part at ``uri``, from its footer and its size in bytes.

    The partition is what the slot says. Iceberg would read it from the bounds of columns whose bounds are not kept, and
    make it null without a word.
    """
    statistics = data_file_statistics_from_parquet_metadata(footer, schema.statistics, schema.field_ids)
    found = statistics.to_serialized_dict()
    document = {
        "file_path": uri,
        "file_size_in_bytes": size,
        "record_count": statistics.record_count,
        "partition": [slot.source_name, slot.source, str(slot.period)],
        **{name: found[name] for name in COUNTS},
        **{name: {key: base64.b64encode(value).decode() for key, value in found[name].items()} for name in BOUNDS},
    }
    return json.dumps(document, separators=(",", ":"))


def data_file(outcome: FileOutcome) -> DataFile:
    """The data file of an outcome that has a part, as `describe` described it."""
    if outcome.data_file is None:
        raise FatalError(
            f"{outcome.key}: its outcome has a part but no data file", "unreadable", "ingest the month again"
        )
    fields: dict[str, Any] = json.loads(outcome.data_file)
    for name in COUNTS:
        fields[name] = {int(key): count for key, count in fields[name].items()}
    for name in BOUNDS:
        fields[name] = {int(key): base64.b64decode(bound) for key, bound in fields[name].items()}
    fields |= {
        "partition": Record(*fields["partition"]),
        "content": DataFileContent.DATA,
        "file_format": FileFormat.PARQUET,
    }
    file = DataFile.from_args(**fields)
    file.spec_id = 0
    return file
