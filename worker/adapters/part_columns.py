"""The columns of a part: what batches carry, what is constant, and how each is encoded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl
import pyarrow as pa

from worker.adapters.table_definition import PRUNED_COLUMNS
from worker.adapters.tags import COLUMN as TAGS
from worker.adapters.tags import tag_maps
from worker.domain.plan import FileJob
from worker.domain.rulebooks import RULEBOOKS
from worker.domain.schema import CONSTANT_COLUMNS, HIGH_CARDINALITY_COLUMNS, activity_schema, rejection_schema

AMOUNTS = ("quantity", "cost")
ENCODINGS = {
    "activity_id": "DELTA_BYTE_ARRAY",
    "external_id": "DELTA_LENGTH_BYTE_ARRAY",
    "resource_id": "DELTA_BYTE_ARRAY",
    "source_row": "DELTA_BINARY_PACKED",
}
"""For columns with about as many values as rows, which a dictionary would only make larger and slower."""

REJECTION_LABELS = ("org_id", "source_name", "billing_period")
"""What a kept rejection says besides its row, so that the rejections of many files read as one table."""


@dataclass(frozen=True, slots=True)
class PartColumns:
    """The columns of one part. ``schema`` is that of the org's table with its field ids: a column of another id reads as null."""

    schema: pa.Schema
    constants: dict[str, str | None]
    tag_keys: tuple[str, ...]

    def batch(self, activities: pl.DataFrame) -> pa.Table:
        """A frame of activities, whatever the order of its columns, ready to wait for its row group.

        It waits as Arrow: text in polars keeps alive all of the block that it was read from. Plain text stays text: Parquet's
        writer finds its dictionary at half of what the cast to a categorical costs.
        """
        kinds = {name: kind for name, kind in activity_schema().items() if name not in (*self.constants, TAGS)}
        has = activities.schema
        rows = activities.select_seq(
            name if _is_dictionary(has[name]) else pl.col(name).cast(kind) for name, kind in kinds.items()
        )
        tags = tag_maps(activities, self.tag_keys, self.schema.field(TAGS))
        return rows.to_arrow(compat_level=pl.CompatLevel.oldest()).append_column(TAGS, tags)

    def rejections(self, rejections: pl.DataFrame) -> pa.Table:
        """A frame of rejections, labelled, and as Arrow for the same reason."""
        labels = [pl.lit(self.constants[name], pl.String).alias(name) for name in REJECTION_LABELS]
        rows = rejections.with_columns(labels).select_seq(
            pl.col(name).cast(kind) for name, kind in rejection_columns().items()
        )
        return rows.to_arrow(compat_level=pl.CompatLevel.oldest())

    def table(self, batches: list[pa.Table]) -> pa.Table:
        """One row group. Text that came as a dictionary is written from it, and read as text all the same."""
        # Dictionaries become one, because Parquet gives up on a row group that has two.
        rows = pa.concat_tables(batches).unify_dictionaries()
        arrays: list[Any] = [
            _repeated(self.constants[name], rows.num_rows) if name in self.constants else rows[name]
            for name in self.schema.names
        ]
        fields = [field.with_type(array.type) for field, array in zip(self.schema, arrays, strict=True)]
        return pa.Table.from_arrays(arrays, schema=pa.schema(fields))


def parquet_options() -> dict[str, Any]:
    """How Parquet stores the columns. Bounds are kept only where a reader skips by them: they are a fifth of the writing."""
    plain = {*HIGH_CARDINALITY_COLUMNS, *AMOUNTS, *ENCODINGS, TAGS}
    return {
        "use_dictionary": [*(name for name in activity_schema() if name not in plain), *_inside(TAGS)],
        "column_encoding": ENCODINGS,
        "write_statistics": [*CONSTANT_COLUMNS, *PRUNED_COLUMNS],
    }


def rejection_columns() -> dict[str, pl.DataType]:
    """The columns of a file of rejections."""
    return {**dict.fromkeys(REJECTION_LABELS, pl.String()), **rejection_schema()}


def _inside(name: str) -> tuple[str, str]:
    """What Parquet calls the two columns that a map is stored as."""
    return f"{name}.key_value.key", f"{name}.key_value.value"


def constants(job: FileJob) -> dict[str, str | None]:
    """What every activity of a usage report file has in common."""
    slot = job.plan.slot
    rulebook = RULEBOOKS[slot.source]
    known = {
        "org_id": slot.org_id,
        "workspace_id": job.plan.source.workspace_id or None,
        "source": slot.source,
        "source_name": slot.source_name,
        "kind": rulebook.kind,
        "billing_period": str(slot.period),
        "data_quality": rulebook.data_quality,
        "source_file": job.file.key,
        "version_id": job.plan.version_id,
        "import_batch_id": job.run_id,
    }
    return {name: known.get(name) for name in rulebook.constants}


def _is_dictionary(kind: pl.DataType) -> bool:
    return isinstance(kind, (pl.Categorical, pl.Enum))


def _repeated(value: str | None, rows: int) -> pa.Array[Any]:
    """One value for all rows, stored once."""
    if value is None:
        return pa.nulls(rows, pa.large_string())
    return pa.DictionaryArray.from_arrays(
        pa.repeat(pa.scalar(0, pa.int32()), rows), pa.array([value], pa.large_string())
    )
